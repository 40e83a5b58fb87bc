// SPDX-License-Identifier: Apache-2.0

// That a record's idempotency key is the same in whichever instance, launch or process its calls are made, and
// another's is not.

#include "../support/checkpoint_fixture.hpp"
#include "../support/service_fixture.hpp"
#include "../support/snapshot_bytes.hpp"

#include "operator_stage.hpp"

#include "weir/collection_source.hpp"
#include "weir/entry_codec.hpp"
#include "weir/idempotency_key.hpp"
#include "weir/job_keeper.hpp"
#include "weir/rescale.hpp"

#include <caf/actor_cast.hpp>
#include <caf/event_based_actor.hpp>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <typeinfo>
#include <vector>

using namespace std::chrono_literals;
using weir::idempotency_scope;
using weir::result_future;
using weir::run_id;
using namespace weir::testing;

namespace {

/// The keys that a record was called with.
using record_keys = std::map<int, std::set<std::string>>;

/// Calls that note their keys, and are held or answered.
struct noted_keys {
  void note(function_script& of, bool answers = false) {
    of.answer = [this, &of, answers](int record, result_future<int> done) {
      all[record].insert(done.idempotency_key().text());
      if (answers)
        done.complete(record);
      else
        of.held.emplace(record, std::move(done));
    };
  }

  record_keys all;
};

std::string key_text(const run_id& run, std::uint64_t position, const std::string& name = "op") {
  return idempotency_scope{"test", run, name}.key_of({position, 0, 0}).text();
}

/// The keys of records 1, 2, ... of a source that counts from 0.
record_keys keys_of(const run_id& run, std::initializer_list<int> records) {
  record_keys all;
  for (const auto record : records)
    all[record] = {key_text(run, static_cast<std::uint64_t>(record - 1))};
  return all;
}

} // namespace

// -- a job --

namespace {

struct job_with_keys : job_fixture {
  explicit job_with_keys(std::uint32_t parallelism = 1) {
    settings.run = run_id::of_seed(1);
    add_source("in");
    add_operator("op", weir::output_mode::ordered, parallelism);
    add_sink("out");
    plan.edges[0].how = weir::partition::rebalance;
    for (const auto* name : {"op", "op.1", "op.2"})
      keys.note(functions[name], true);
  }

  noted_keys keys;
};

} // namespace

BOOST_AUTO_TEST_SUITE(idempotency_keys_in_a_job)

BOOST_AUTO_TEST_CASE(functions_are_told_of_what_keys_are_made) {
  job_with_keys job;
  std::string told;
  job.functions["op"].on_open = [&](weir::function_context& context) {
    told = idempotency_scope{context.job, context.run, context.name}.key_of({0, 0, 0}).text();
  };
  job.start();
  job.push({1, 2});
  BOOST_TEST(told == key_text(run_id::of_seed(1), 0));
  BOOST_TEST((job.keys.all == keys_of(run_id::of_seed(1), {1, 2})));
}

BOOST_AUTO_TEST_CASE(it_does_not_matter_how_many_instances_there_are) {
  record_keys all;
  for (const std::uint32_t parallelism : {1, 3}) {
    job_with_keys job{parallelism};
    job.start();
    job.push_many(1, 500);
    for (const auto& [name, function] : job.functions)
      BOOST_TEST((function.calls > 0 || parallelism == 1), name);
    BOOST_TEST(job.keys.all.size() == 500u);
    if (parallelism == 1)
      all = job.keys.all;
    else
      BOOST_TEST((job.keys.all == all));
  }
}

BOOST_AUTO_TEST_CASE(another_operator_of_the_job_has_other_keys) {
  job_fixture job;
  job.add_source("in");
  job.add_operator("op");
  job.add_operator("next");
  job.add_sink("out");
  noted_keys first;
  noted_keys next;
  first.note(job.functions["op"], true);
  next.note(job.functions["next"], true);
  job.start();
  job.push({1});
  BOOST_TEST((first.all[1] == std::set{key_text({}, 0)}));
  BOOST_TEST((next.all[1] == std::set{key_text({}, 0, "next")}));
}

BOOST_AUTO_TEST_CASE(two_sources_that_count_alike_have_other_keys) {
  job_fixture job;
  job.add_source("in");
  job.add_operator("op");
  job.add_sink("out");
  job.add_source("more");
  job.plan.edges.back() = {3, weir::output_kind::results, 1};
  noted_keys keys;
  keys.note(job.functions["op"], true);
  job.sources["more"].items = {{2}};
  job.start();
  job.push({1});
  BOOST_TEST(keys.all.size() == 2u);
  BOOST_TEST((keys.all[1] != keys.all[2]));
}

BOOST_AUTO_TEST_SUITE_END()

// -- restarts --

namespace {

/// Gives the same three records in each launch, and says that it could not.
struct forgetful_source final : weir::source<int> {
  weir::expected<weir::poll_result> poll(weir::source_outputs& out) override {
    for (; next < 3; ++next)
      out.records.emit(static_cast<int>(next) + 1, weir::event_time::none(), weir::origin{next, 0, 0});
    return weir::poll_result{weir::poll_state::done, {}};
  }

  std::uint64_t next = 0;
};

struct job_that_restarts : job_fixture {
  job_that_restarts() {
    settings.run = run_id::of_seed(1);
    add_line();
    plan.restart = weir::fixed_delay_restart{.max_restarts = 3, .delay = 2s};
    keys.note(functions["op"]);
  }

  ~job_that_restarts() {
    if (keeper && !result) {
      keeper->cancel();
      world.run();
    }
  }

  template <class Source>
  void read(Source source) {
    std::get<weir::source_plan>(plan.stages[0].what).make = [source] {
      return std::make_unique<weir::typed_source_body<int>>(std::make_unique<Source>(source));
    };
  }

  void begin() {
    weir::keeper_settings how{settings};
    how.on = std::make_unique<weir::queued_work>(world);
    keeper = std::make_unique<weir::job_keeper>(world.system(), plan, std::move(how));
    BOOST_TEST_REQUIRE(keeper->start([this](weir::job_result with) { result = std::move(with); }).empty());
    world.run();
  }

  void fail_launch() {
    auto failing = functions["op"].take(2);
    failing.fail({"refused", "service", "it said no"});
    functions["op"].held.clear();
    world.run();
    advance(2s);
  }

  noted_keys keys;
  std::unique_ptr<weir::job_keeper> keeper;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(idempotency_keys_over_restarts, job_that_restarts)

BOOST_AUTO_TEST_CASE(a_record_that_comes_again_has_its_key_again) {
  read(weir::collection_source<int>{{1, 2, 3}});
  begin();
  fail_launch();
  fail_launch();
  BOOST_TEST(functions["op"].opened == 3u);
  BOOST_TEST((keys.all == keys_of(run_id::of_seed(1), {1, 2, 3})));
}

BOOST_AUTO_TEST_CASE(what_a_source_gives_that_cannot_replay_are_other_records) {
  read(forgetful_source{});
  begin();
  fail_launch();
  fail_launch();
  BOOST_TEST(functions["op"].opened == 3u);
  for (const auto record : {1, 2, 3})
    BOOST_TEST(keys.all[record].size() == 3u);
}

BOOST_AUTO_TEST_SUITE_END()

// -- services --

BOOST_FIXTURE_TEST_SUITE(idempotency_keys_of_a_service, service_fixture)

BOOST_AUTO_TEST_CASE(a_position_makes_the_key_and_not_when_it_was_pushed) {
  noted_keys keys;
  keys.note(functions["ask"], true);
  add();
  start();
  for (const std::uint64_t position : {7, 8, 7})
    BOOST_TEST(text(service->try_push(static_cast<int>(position), {.position = position})) == "taken");
  world.run();
  BOOST_TEST((keys.all[7] == std::set{key_text({}, 7, "ask")}));
  BOOST_TEST((keys.all[8] == std::set{key_text({}, 8, "ask")}));
}

BOOST_AUTO_TEST_CASE(without_one_no_key_comes_twice_while_the_process_lives) {
  // GIVEN a job that has ended, and another launch of the same run
  noted_keys keys;
  keys.note(functions["ask"], true);
  add();
  start();
  push({1, 2});
  cancel();
  start();
  push({3});
  // THEN what is pushed then is not taken for what was pushed before
  BOOST_TEST((keys.all[1] == std::set{key_text({}, 0, "ask")}));
  BOOST_TEST((keys.all[3] == std::set{key_text({}, 2, "ask")}));
}

BOOST_AUTO_TEST_SUITE_END()

// -- checkpoints --

BOOST_FIXTURE_TEST_SUITE(idempotency_keys_with_checkpoints, checkpoint_fixture)

BOOST_AUTO_TEST_CASE(a_record_keeps_its_key_over_crashes_however_it_goes_on) {
  noted_keys keys;
  add_line();
  keys.note(functions["op"]);
  start();
  push({1, 2});
  next_checkpoint();
  // Behind the checkpoint: its source gives it again.
  push({3});
  crash_and_start();
  checkpoints().how = weir::restore_mode::call_all;
  crash_and_start();
  BOOST_TEST(functions["op"].opened == 3u);
  BOOST_TEST((keys.all == keys_of(checkpoints().run.run, {1, 2, 3})));
  next_checkpoint();
}

BOOST_AUTO_TEST_CASE(the_runs_id_is_that_of_its_checkpoints) {
  expects_commits = false;
  settings.run = run_id::of_seed(1);
  add_line();
  run_id seen;
  functions["op"].on_open = [&](weir::function_context& context) { seen = context.run; };
  start();
  BOOST_TEST((seen == checkpoints().run.run));
}

BOOST_AUTO_TEST_SUITE_END()

// -- another number of instances --

namespace {

using snapshot = weir::machine_snapshot<int, int>;
using held = weir::record_snapshot<int, int>;

held running_record(int value) {
  return {.value = value,
          .timestamp = {},
          .from = {static_cast<std::uint64_t>(value - 1), 0, 0},
          .attempt = 1,
          .running = true};
}

/// A checkpoint of in -> op -> out, whose one instance of `op` holds these, dealt to so many.
weir::launch_state dealt(const snapshot& what, std::uint32_t instances) {
  const auto& codec = *weir::find_record_codec(typeid(int));
  weir::state_blocks bytes{std::make_shared<weir::block_pool>()};
  weir::stored_entry_writer to{bytes, codec, codec};
  write_snapshot(to, what);
  to.begin_waiting(0);
  to.channels({{{}}});
  to.finish();
  weir::checkpoint from;
  from.about.job = "test";
  from.about.stages = {{"in", weir::stage_role::source, 1, {}, 0, {}, {}},
                       {"op", weir::stage_role::async_operator, 1, {}, 0, {}, {}},
                       {"out", weir::stage_role::sink, 1, {}, 0, {}, {}}};
  from.about.stages[1].records = {{codec.name, codec.version}, {codec.name, codec.version}};
  from.about.edges = {{0, weir::manifest_output::results, 1, weir::manifest_partition::rebalance},
                      {1, weir::manifest_output::results, 2, weir::manifest_partition::rebalance}};
  from.about.instances = {{0, 0, {}}, {1, 0, {}}, {2, 0, {}}};
  from.states.push_back({1, 0, std::move(bytes)});
  weir::job_description job;
  job.job = from.about.job;
  job.stages = from.about.stages;
  job.edges = from.about.edges;
  job.stages[1].parallelism = instances;
  auto made = weir::rescale(std::move(from), job, {{}, {&codec, &codec}, {}});
  BOOST_REQUIRE_MESSAGE(made, (made ? "" : made.why().text()));
  return *std::move(made);
}

/// Instance `subtask` of an operator, alone.
struct lone_operator {
  lone_operator(std::uint32_t subtask, std::uint32_t parallelism, const run_id& run, weir::state_blocks bytes,
                noted_keys& to) {
    to.note(function);
    around = world.system().spawn([](caf::event_based_actor*, nothing) -> caf::behavior {
      return {
        [](weir::attach_atom, weir::channel_id, weir::lane_id, const weir::credit_receiver&) {},
        [](weir::channel_id, weir::batch_handle&) {},
        [](weir::lane_id, const weir::credit&, weir::batch_handle&) {},
        [](weir::instance_id, weir::stage_event) {},
        [](weir::instance_id, const weir::stage_failure& why) { BOOST_ERROR(why.why.text()); },
      };
    }, nothing{});
    auto parts = std::make_shared<weir::operator_stage_parts>();
    parts->instance.context = {"test", "op", subtask, parallelism};
    parts->instance.job = caf::actor_cast<weir::job_actor>(around);
    parts->instance.channels = 1;
    auto& edge = parts->instance.results.emplace_back();
    edge.targets.push_back({caf::actor_cast<weir::batch_receiver>(around), {0}, 0});
    parts->run = run;
    parts->probe = std::make_shared<weir::operator_probe>();
    parts->plan.options.name = "op";
    parts->plan.options.timeout = weir::duration{0};
    parts->plan.types = {&typeid(int), &typeid(int)};
    parts->plan.make = [this](weir::operator_parts of) {
      return std::make_unique<weir::async_operator_body<scripted_function>>(
        std::move(of),
        scripted_function{[this](const weir::function_context&) -> function_script& { return function; }, log});
    };
    const auto& codec = *weir::find_record_codec(typeid(int));
    parts->restored = std::make_shared<const weir::operator_state>(weir::operator_state{
      std::move(bytes), {}, {codec.name, codec.version}, {codec.name, codec.version}});
    op = world.system().spawn(weir::operator_stage, std::move(parts));
    caf::anon_send(op, caf::open_atom::value);
    caf::anon_send(op, weir::attach_atom::value, weir::channel_id{0}, weir::lane_id{0, 0},
                   caf::actor_cast<weir::credit_receiver>(around));
    caf::anon_send(op, weir::run_atom::value);
    caf::anon_send(op, weir::lane_id{0, 0}, weir::credit{100, 100'000}, weir::batch_handle{});
    world.run();
  }

  ~lone_operator() {
    caf::anon_send_exit(op, caf::exit_reason::kill);
    caf::anon_send_exit(around, caf::exit_reason::kill);
    world.run();
  }

  lone_operator(const lone_operator&) = delete;
  lone_operator& operator=(const lone_operator&) = delete;

  /// CAF's spawn of a function without arguments dereferences a null pointer.
  struct nothing {};

  journal log;
  function_script function;
  actor_world world;
  caf::actor around;
  weir::operator_actor op;
};

} // namespace

BOOST_AUTO_TEST_SUITE(idempotency_keys_and_instances)

BOOST_AUTO_TEST_CASE(a_record_that_another_instance_goes_on_with_keeps_its_key) {
  const auto run = run_id::of_seed(1);
  auto state = dealt({{running_record(1), running_record(2), running_record(3), running_record(4)}}, 2);
  noted_keys keys;
  auto& instances = state.stages[1].instances;
  BOOST_TEST_REQUIRE(instances.size() == 2u);
  for (std::uint32_t i = 0; i < 2; ++i) {
    BOOST_TEST_REQUIRE(instances[i].held.has_value());
    const lone_operator op{i, 2, run, *std::move(instances[i].held), keys};
    BOOST_TEST(op.function.calls == 2u);
  }
  BOOST_TEST((keys.all == keys_of(run, {1, 2, 3, 4})));
}

BOOST_AUTO_TEST_SUITE_END()
