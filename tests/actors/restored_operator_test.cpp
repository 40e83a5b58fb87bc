// SPDX-License-Identifier: Apache-2.0

// An operator instance that goes on from a checkpoint: what that holds finished leaves before there are
// calls, whichever of its receivers has room first.

#include "../support/actor_world.hpp"
#include "../support/job_scripts.hpp"
#include "../support/snapshot_bytes.hpp"

#include "operator_stage.hpp"

#include "weir/edge_steps.hpp"
#include "weir/entry_codec.hpp"

#include <caf/actor_cast.hpp>
#include <caf/event_based_actor.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <typeinfo>
#include <variant>

using namespace std::chrono_literals;
using weir::batch;
using weir::channel_id;
using weir::lane_id;
using namespace weir::testing;

namespace {

using record = weir::record_snapshot<int, int>;
using snapshot = weir::machine_snapshot<int, int>;

record finished_record(int value) {
  record of{.value = value, .timestamp = {}, .from = {static_cast<std::uint64_t>(value), 0, 0}};
  of.finished.emplace(std::vector<int>{10 * value});
  return of;
}

record dead_record(int value) {
  record of{.value = value, .timestamp = {}, .from = {static_cast<std::uint64_t>(value), 0, 0}};
  of.finished.emplace(record::failure{{"refused", "store", "it said no"}, weir::failure_action::dead_letter});
  return of;
}

record open_record(int value) {
  return {.value = value, .timestamp = {}, .from = {static_cast<std::uint64_t>(value), 0, 0}, .attempt = 1, .running = true};
}

/// All that surrounds the operator: a receiver at each lane, which gives credit when the test says so, and
/// its sender and its job, which only listen.
struct restored_fixture {
  restored_fixture() {
    around = world.system().spawn(
      [](caf::event_based_actor*, restored_fixture* test) -> caf::behavior {
        return {
          [](weir::attach_atom, channel_id, lane_id, const weir::credit_receiver&) {},
          [test](channel_id, weir::batch_handle& in) { test->take(*in.batch); },
          [](lane_id, const weir::credit&, weir::batch_handle&) {},
          [](weir::instance_id, weir::stage_event) {},
          [test](weir::instance_id, const weir::stage_failure& why) {
            test->log.note("failed " + why.why.text());
          },
          [test](const weir::instance_saved& of) {
            test->log.note("saved " + std::to_string(of.checkpoint));
            test->saved = of.what;
          },
          [](const weir::instance_unsaved&) {},
        };
      },
      this);
    parts->instance.context = {"test", "op", 0, 1};
    parts->instance.job = caf::actor_cast<weir::job_actor>(around);
    parts->instance.channels = 1;
    parts->probe = std::make_shared<weir::operator_probe>();
    parts->plan.options.name = "op";
    parts->plan.options.timeout = weir::duration{0};
    parts->plan.options.on_failure = weir::failure_action::dead_letter;
    parts->plan.types = {&typeid(int), &typeid(int)};
    parts->plan.make = [this](weir::operator_parts of) {
      return std::make_unique<weir::async_operator_body<scripted_function>>(
        std::move(of),
        scripted_function{[this](const weir::function_context&) -> function_script& { return function; }, log});
    };
  }

  ~restored_fixture() {
    caf::anon_send_exit(op, caf::exit_reason::kill);
    caf::anon_send_exit(around, caf::exit_reason::kill);
    world.run();
    parts.reset();
    op = nullptr;
    around = nullptr;
  }

  /// An edge of results or dead letters to so many lanes, by key where there are several. All lanes are
  /// channels 0, 1, ...
  void add_edge(std::vector<weir::edge_parts>& to, std::uint32_t lanes) {
    auto& edge = to.emplace_back();
    for (std::uint32_t i = 0; i < lanes; ++i)
      edge.targets.push_back({caf::actor_cast<weir::batch_receiver>(around), {channels++}, 0});
    if (lanes > 1)
      edge.keys = weir::keys_of<int>([](const int& x) { return x; });
  }

  /// The state of an operator with one input, on which nothing waits.
  static weir::operator_state stored(const snapshot& held) {
    const auto& codec = *weir::find_record_codec(typeid(int));
    weir::operator_state all{weir::state_blocks{std::make_shared<weir::block_pool>()}};
    weir::stored_entry_writer to{all.bytes, codec, codec};
    write_snapshot(to, held);
    to.begin_waiting(0);
    to.channels({{{}}});
    to.finish();
    all.in = all.out = {codec.name, codec.version};
    return all;
  }

  void start_from(const snapshot& held) {
    start_from(stored(held));
    BOOST_TEST(log.take() == "open op\n");
  }

  void start_from(weir::operator_state from) {
    open_from(std::move(from));
    run();
  }

  void open_from(weir::operator_state from) {
    parts->restored = std::make_shared<const weir::operator_state>(std::move(from));
    op = world.system().spawn(weir::operator_stage, parts);
    caf::anon_send(op, caf::open_atom::value);
    world.run();
  }

  /// All have opened.
  void run() {
    caf::anon_send(op, weir::attach_atom::value, channel_id{0}, lane_id{0, 0},
                   caf::actor_cast<weir::credit_receiver>(around));
    caf::anon_send(op, weir::run_atom::value);
    world.run();
  }

  void grant(lane_id lane) {
    caf::anon_send(op, lane, weir::credit{100, 100'000}, weir::batch_handle{});
    world.run();
  }

  void push(int value) {
    auto in = std::make_shared<batch<int>>();
    in->append(value, weir::event_time::none(), {static_cast<std::uint64_t>(value), 0, 0});
    caf::anon_send(op, channel_id{0}, weir::batch_handle{std::move(in)});
    world.run();
  }

  void barrier(std::uint64_t checkpoint) {
    auto in = std::make_shared<batch<int>>();
    in->append(weir::control::barrier(checkpoint));
    caf::anon_send(op, channel_id{0}, weir::batch_handle{std::move(in)});
    world.run();
  }

  /// What it held at the latest barrier.
  snapshot held() const {
    const auto& codec = *weir::find_record_codec(typeid(int));
    weir::stored_entry_reader from{*saved->state, {&codec, codec.version}, {&codec, codec.version}, "op", false};
    return read_snapshot<int, int>(from);
  }

  void take(const weir::batch_base& in) {
    if (const auto* results = dynamic_cast<const batch<int>*>(&in)) {
      for (std::size_t i = 0; i < in.records(); ++i)
        log.note("result " + std::to_string(results->value(i)));
    } else {
      log.note("dead letters " + std::to_string(in.records()));
    }
  }

  journal log;
  function_script function;
  std::uint32_t channels = 0;
  std::shared_ptr<weir::operator_stage_parts> parts = std::make_shared<weir::operator_stage_parts>();
  actor_world world;
  caf::actor around;
  weir::operator_actor op;
  std::shared_ptr<weir::saved_instance> saved;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(restored_operators, restored_fixture)

BOOST_AUTO_TEST_CASE(with_keyed_lanes_nothing_is_called_before_all_have_room) {
  add_edge(parts->instance.results, 2);
  start_from(snapshot{{finished_record(1), open_record(2)}});
  grant({0, 1});
  BOOST_TEST(log.take() == "");
  push(3);
  BOOST_TEST(log.take() == "");
  grant({0, 0});
  // What is in the open batch leaves when the mailbox is empty: in front of it are all calls of one message.
  BOOST_TEST(parts->probe->records_out.value() == 1u);
  BOOST_TEST(log.take() == "call op 2\ncall op 3\nresult 10\n");
}

BOOST_AUTO_TEST_CASE(the_room_of_dead_letters_alone_lets_no_call_begin) {
  add_edge(parts->instance.results, 1);
  add_edge(parts->instance.dead_letters, 1);
  start_from(snapshot{{finished_record(1), dead_record(2), open_record(3)}});
  grant({1, 0});
  BOOST_TEST(log.take() == "");
  BOOST_TEST(parts->probe->calls.value() == 0u);
  grant({0, 0});
  BOOST_TEST(parts->probe->records_out.value() == 1u);
  BOOST_TEST(parts->probe->dead_letters.value() == 1u);
  BOOST_TEST(parts->probe->calls.value() == 1u);
}

BOOST_AUTO_TEST_CASE(nor_does_that_of_the_results_where_dead_letters_have_none) {
  add_edge(parts->instance.results, 1);
  add_edge(parts->instance.dead_letters, 1);
  start_from(snapshot{{dead_record(1), open_record(2)}});
  grant({0, 0});
  BOOST_TEST(log.take() == "");
  grant({1, 0});
  BOOST_TEST(parts->probe->dead_letters.value() == 1u);
  BOOST_TEST(parts->probe->calls.value() == 1u);
}

BOOST_AUTO_TEST_CASE(a_barrier_passes_an_operator_that_waits_for_room) {
  add_edge(parts->instance.results, 1);
  parts->coordinator = caf::actor_cast<weir::coordinator_actor>(around);
  parts->blocks = std::make_shared<weir::block_pool>();
  start_from(snapshot{{finished_record(1), open_record(2)}});
  barrier(7);
  BOOST_TEST(log.take() == "saved 7\n");
  BOOST_TEST(parts->probe->calls.value() == 0u);
  grant({0, 0});
  BOOST_TEST(parts->probe->records_out.value() == 1u);
  BOOST_TEST(parts->probe->calls.value() == 1u);
}

BOOST_AUTO_TEST_CASE(the_time_that_a_record_had_left_begins_when_it_may_be_called) {
  add_edge(parts->instance.results, 1);
  parts->coordinator = caf::actor_cast<weir::coordinator_actor>(around);
  parts->blocks = std::make_shared<weir::block_pool>();
  parts->plan.options.timeout = 1s;
  parts->plan.options.on_failure = weir::failure_action::fail_job;
  auto hurried = open_record(1);
  hurried.timeout_left = 10ms;
  // GIVEN a job whose start takes longer than that, stage by stage
  open_from(stored({{hurried}}));
  world.advance(1s);
  run();
  world.advance(1s);
  barrier(7);
  BOOST_TEST((std::get<record>(held().entries.at(0)).timeout_left == 10ms));
  BOOST_TEST(log.take() == "open op\nsaved 7\n");
  // WHEN there is room, THEN it is called, and has that time
  grant({0, 0});
  BOOST_TEST(log.take() == "call op 1\n");
  world.advance(10ms - 1ns);
  BOOST_TEST(log.take() == "");
  world.advance(1ns);
  BOOST_TEST(log.take()
             == "close op\nfailed operator op: the record's timeout passed before its call was complete "
                "(timeout_error)\n");
}

BOOST_AUTO_TEST_CASE(it_counts_on_from_what_the_checkpoint_has_counted) {
  add_edge(parts->instance.results, 1);
  function.on_open = [](weir::function_context& context) { context.counter("opened").add(1); };
  auto from = stored({{open_record(1)}});
  from.summary.counters
    = {{"records_in", 1000}, {"calls", 2000}, {"blocking_calls", 3}, {"unheard_of", 7}};
  from.summary.own_counters = {{"opened", 4}, {"misses", 5}};
  from.summary.histograms = {{"call_duration", {{3, 1999}}}};
  start_from(std::move(from));
  grant({0, 0});
  push(2);
  const auto& probe = *parts->probe;
  BOOST_TEST(probe.records_in.value() == 1001u);
  BOOST_TEST(probe.calls.value() == 2002u);
  BOOST_TEST(probe.blocking_calls.value() == 3u);
  BOOST_TEST(probe.call_duration.read().count() == 1999u);
  std::map<std::string, std::uint64_t> own;
  probe.own.read([&](const std::string& name, std::uint64_t count) { own[name] = count; });
  BOOST_TEST(own["opened"] == 5u);
  BOOST_TEST(own["misses"] == 5u);
}

BOOST_AUTO_TEST_CASE(a_state_that_is_not_its_own_is_refused) {
  add_edge(parts->instance.results, 1);
  const auto refusal = [&](auto change) {
    auto from = stored({{open_record(1)}});
    change(from);
    start_from(std::move(from));
    caf::anon_send_exit(op, caf::exit_reason::kill);
    world.run();
    return log.take();
  };
  BOOST_TEST(
    refusal([](auto& of) { of.in.name = "flight"; })
    == "open op\nclose op\nfailed operator op: its checkpoint holds records of the type flight, "
       "and it "
       "has int32; give a type that was renamed its old name (WEIR_STORED_AS) (incompatible)\n");
  BOOST_TEST(refusal([](auto& of) { of.out.version = 2; })
             == "open op\nclose op\n"); // It holds no results.
  BOOST_TEST(refusal([](auto& of) { of.in.version = 2; })
             == "open op\nclose op\nfailed int32: was stored as version 2, and this program reads "
                "version 1; run the "
                "program that wrote it, or one that reads both (incompatible)\n");
  BOOST_TEST(refusal([](auto& of) {
               of.bytes.room()[0] = std::byte{};
               of.bytes.filled(1);
             })
               .starts_with("open op\nclose op\nfailed operator op: its checkpoint holds its records as int32 "
                            "version 1 and its results as int32 version 1, and they cannot be read: holds "
                            "more than was expected at byte 14; its bytes are as they were written, so "));
  parts->instance.channels = 2;
  BOOST_TEST(
    refusal([](auto&) {})
    == "open op\nclose op\nfailed operator op: its checkpoint has 1 input channels, and it has 2 "
       "(incompatible)\n");
}

BOOST_AUTO_TEST_SUITE_END()
