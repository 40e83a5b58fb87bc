// SPDX-License-Identifier: Apache-2.0

// Jobs that are built with the public interface, end, and are started again: what they go on from, and what
// is in their output then. Virtual time; the checkpoints lie in memory, the output on a shelf.

#include "../support/seeds.hpp"
#include "../support/shelf_sink.hpp"
#include "../support/temp_folder.hpp"

#include "weir/collection_source.hpp"
#include "weir/memory_store.hpp"
#include "weir/stored.hpp"
#include "weir/testing.hpp"
#include "weir/weir.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weir::environment;
using weir::job_end;
using weir::run_options;
using weir::start_kind;
using weir::testing::shelf;
using weir::testing::shelf_sink;
using weir::testing::temp_folder;
using weir::testing::virtual_clock;
using weir::testing::virtual_job;

namespace {

/// What the client does.
struct client_script {
  std::vector<int> called;
  /// So many calls fail, each so long after it was made.
  int failures = 0;
  weir::duration fail_after{};
};

/// Answers with ten times the number, an hour later.
struct slow_client : weir::async_function<int, int> {
  slow_client(virtual_clock& of, client_script& what) : clock(&of), script(&what) {}
  void async_invoke(const int& x, weir::result_future<int> done) {
    script->called.push_back(x);
    if (script->failures > 0 && script->failures-- > 0)
      clock->call_after(script->fail_after, [done = std::move(done)]() mutable {
        done.fail({"io", "store", "it is away"});
      });
    else
      clock->call_after(1h, [x, done = std::move(done)]() mutable { done.complete(10 * x); });
  }
  virtual_clock* clock;
  client_script* script;
};

/// A record whose `serialize` is another in a later program, and its version is not.
struct grown_record {
  static inline bool has_more = false;

  int number = 0;
  std::string more;

  template <class Archive>
  void serialize(Archive& archive, std::uint32_t) {
    archive(number);
    if (has_more)
      archive(more);
  }
};

/// Answers after an hour.
struct slow_grown_client : weir::async_function<grown_record, int> {
  explicit slow_grown_client(virtual_clock& of) : clock(&of) {}
  void async_invoke(const grown_record& of, weir::result_future<int> done) {
    clock->call_after(1h, [x = of.number, done = std::move(done)]() mutable { done.complete(x); });
  }
  virtual_clock* clock;
};

/// How the job is made up; a test changes it from start to start.
struct job_shape {
  std::size_t records = 10;
  std::string name = "slow";
  bool has_operator = true;
  std::uint32_t parallelism = 1;
  bool by_key = false;
  /// Of a client pool that the job has.
  bool store_is_away = false;
  std::optional<weir::restart_strategy> restart{};
};

struct checkpointed {
  environment build() {
    environment env{{.log = [this](const weir::log_entry& what) {
      told.push_back(what.thing + ": " + what.message);
    }}};
    std::vector<int> numbers(shape.records);
    std::iota(numbers.begin(), numbers.end(), 1);
    auto from = env.from_source(weir::collection_source<int>{numbers});
    const auto to = [place = place] { return std::make_unique<shelf_sink>(place); };
    weir::operator_options how{.name = shape.name,
                               .timeout = 100h,
                               .capacity = 2,
                               .parallelism = shape.parallelism};
    slow_client client{clock, script};
    if (!shape.has_operator)
      from.sink_to(to);
    else if (shape.by_key)
      weir::async_data_stream::key_ordered_wait(from.key_by([](int x) { return x % 3; }), client, how)
        .sink_to(to);
    else
      weir::async_data_stream::ordered_wait(from, client, how).sink_to(to);
    if (shape.store_is_away)
      env.client_pool({.name = "away",
                       .driver = [](const weir::driver_settings&)
                         -> weir::expected<std::unique_ptr<weir::client_driver>> {
                         return weir::error{"refused", "store", "it is away"};
                       }});
    env.enable_checkpointing(options());
    if (shape.restart)
      env.restart_with(*shape.restart);
    return env;
  }

  weir::checkpoint_options options() const {
    weir::checkpoint_options how;
    how.store = [memory = memory] { return weir::memory_store(memory); };
    how.interval = 30min;
    how.keep = keep;
    how.fall_back = fall_back;
    return how;
  }

  virtual_job& start(const run_options& how = {}) {
    job.reset();
    script.called.clear();
    told.clear();
    const auto env = build();
    return job.emplace(clock, env, "numbers", how);
  }

  /// A start that is refused, and why.
  std::string refused(const run_options& how = {}) {
    start(how);
    BOOST_TEST_REQUIRE(job->result().has_value());
    BOOST_TEST((job->result()->end == job_end::failed));
    std::string lines;
    for (const auto& each : job->result()->why)
      lines += each.text() + "\n";
    return lines;
  }

  /// Runs for so long and ends as a process that dies.
  void run_and_crash(weir::duration how_long, const run_options& how = {}) {
    start(how);
    clock.advance(how_long);
    if (!job->result())
      job->cancel();
  }

  void run_to_end(const run_options& how = {}) {
    start(how);
    clock.advance(1000h);
    BOOST_TEST_REQUIRE(job->result().has_value());
    BOOST_TEST_REQUIRE(job->result()->ok(), job->result()->text());
  }

  /// 10, 20, ... in this order.
  std::vector<int> results(std::size_t n) const {
    std::vector<int> all;
    for (std::size_t i = 1; i <= n; ++i)
      all.push_back(static_cast<int>(10 * i));
    return all;
  }

  std::vector<std::uint64_t> stored() {
    const auto store = weir::memory_store(memory);
    BOOST_TEST_REQUIRE(store->claim("numbers").has_value());
    const auto runs = store->runs();
    BOOST_TEST_REQUIRE(runs.has_value());
    return runs->empty() ? std::vector<std::uint64_t>{} : runs->back().checkpoints;
  }

  virtual_clock clock;
  std::shared_ptr<weir::checkpoint_memory> memory = std::make_shared<weir::checkpoint_memory>();
  std::shared_ptr<shelf> place = std::make_shared<shelf>();
  job_shape shape;
  std::size_t keep = 2;
  bool fall_back = false;
  client_script script;
  std::vector<std::string> told;
  std::optional<virtual_job> job;
};

} // namespace

WEIR_STORED(grown_record, 1)

BOOST_FIXTURE_TEST_SUITE(checkpointing, checkpointed)

BOOST_AUTO_TEST_CASE(a_job_goes_on_from_its_newest_checkpoint) {
  // GIVEN a job that dies when four records are done and two are called for
  run_and_crash(2h + 45min);
  BOOST_TEST((place->all() == results(4)));
  // WHEN it is started again
  start();
  // THEN it says where it goes on
  BOOST_TEST((job->how_started().kind == start_kind::restored));
  BOOST_TEST(job->how_started().run_number == 1u);
  BOOST_TEST_REQUIRE(job->how_started().checkpoint.has_value());
  BOOST_TEST(*job->how_started().checkpoint == 5u);
  BOOST_TEST(told.at(0).starts_with("job numbers: it goes on from checkpoint 5 of run 1, which holds "));
  // AND calls again for the two alone
  BOOST_TEST((script.called == std::vector{5, 6}));
  clock.advance(100h);
  BOOST_TEST_REQUIRE(job->result().has_value());
  BOOST_TEST(job->result()->ok());
  BOOST_TEST((place->all() == results(10)));
  BOOST_TEST(place->hidden.empty());
  // AND counts what the first launch has counted
  BOOST_TEST(job->status().operators.at(0).records_in == 10u);
}

BOOST_AUTO_TEST_CASE(whenever_it_dies_each_record_comes_once) {
  for (auto age = 0min; age < 6h; age += 7min * weir::testing::one_seed_of) {
    memory = std::make_shared<weir::checkpoint_memory>();
    place = std::make_shared<shelf>();
    run_and_crash(age);
    run_and_crash(age / 2);
    run_to_end();
    BOOST_TEST((place->all() == results(10)), "it died after " << age.count() << " minutes");
  }
}

BOOST_AUTO_TEST_CASE(a_job_that_is_stopped_goes_on) {
  start();
  clock.advance(40min);
  job->stop();
  BOOST_TEST_REQUIRE(job->result().has_value());
  BOOST_TEST((job->result()->end == job_end::stopped));
  BOOST_TEST_REQUIRE(job->result()->checkpoint.has_value());
  const auto at = *job->result()->checkpoint;
  // What runs has the time that it had left; it is called again.
  run_to_end();
  BOOST_TEST(*job->how_started().checkpoint == at);
  BOOST_TEST((place->all() == results(10)));
}

BOOST_AUTO_TEST_CASE(what_was_counted_is_known_over_all_starts) {
  // GIVEN a job that is stopped with some results out, and one that is called
  start();
  clock.advance(3h + 1min);
  job->stop();
  const auto out = place->all().size();
  BOOST_TEST(out > 0u);
  BOOST_TEST(job->status().sinks.at(0).records_in == out);
  const auto read = job->status().sources.at(0).records_out;
  const auto calls = job->status().operators.at(0).calls;
  // WHEN it is started again, THEN it says what it counts on from
  start();
  const auto& before = job->how_started().before;
  BOOST_TEST(before.sinks.at(0).records_in == out);
  BOOST_TEST(before.sources.at(0).records_out == read);
  BOOST_TEST(before.operators.at(0).name == "slow");
  BOOST_TEST(before.operators.at(0).calls == calls);
  BOOST_TEST(before.operators.at(0).call_duration.count() == out);
  run_to_end();
  // AND once it is finished a start knows all of it
  start();
  BOOST_TEST((job->how_started().kind == start_kind::finished));
  BOOST_TEST(job->status().sinks.at(0).records_in == 10u);
  BOOST_TEST(job->status().sources.at(0).records_out == 10u);
}

BOOST_AUTO_TEST_CASE(a_finished_job_does_nothing) {
  run_to_end();
  place->visible.clear();
  start();
  BOOST_TEST_REQUIRE(job->result().has_value());
  BOOST_TEST(job->result()->ok());
  BOOST_TEST((job->how_started().kind == start_kind::finished));
  BOOST_TEST(place->visible.empty());
  BOOST_TEST(script.called.empty());
  BOOST_TEST(told.at(0) == "job numbers: it is finished (run 1); a fresh run begins it anew (fresh)");
  BOOST_TEST(job->status().checkpoints.has_value());
}

BOOST_AUTO_TEST_CASE(what_another_run_is_to_show_is_not_touched) {
  place->of_others = {"shelf/.7"};
  constexpr auto why = "shelf/.7: is hidden output of another run, which shows it when it goes on; let that run go "
                       "on first, or let it be removed (remove_old_output) (incompatible)\n";
  BOOST_TEST(refused({}) == why);
  BOOST_TEST(stored().empty());
  place->of_others.clear();
  run_to_end();
  // AND where a run goes on
  const auto before = stored();
  place->of_others = {"shelf/.7"};
  place->visible.clear();
  BOOST_TEST(refused({.fresh = true}) == why);
  BOOST_TEST((stored() == before));
  run_to_end({.fresh = true, .remove_old_output = true});
}

BOOST_AUTO_TEST_CASE(a_fresh_run_does_not_mix_with_old_output) {
  run_to_end();
  // GIVEN output of an earlier run, THEN a fresh one is refused, and changes nothing
  const auto before = stored();
  BOOST_TEST(refused({.fresh = true})
             == "shelf/2 and 4 more: is output of an earlier run, in the way of this one; let it be "
                "removed (remove_old_output), move it away, or write elsewhere (incompatible)\n");
  BOOST_TEST((stored() == before));
  BOOST_TEST((place->all() == results(10)));
  // UNLESS it may remove that
  shape.records = 3;
  run_to_end({.fresh = true, .remove_old_output = true});
  BOOST_TEST(job->how_started().run_number == 2u);
  BOOST_TEST((place->all() == results(3)));
}

BOOST_AUTO_TEST_CASE(what_a_run_may_remove_it_may_remove_when_it_goes_on_from_its_begin) {
  run_to_end();
  // GIVEN a fresh run that dies before it has shown anything
  run_and_crash(1min, {.fresh = true, .remove_old_output = true});
  BOOST_TEST((stored() == std::vector<std::uint64_t>{0}));
  // WHEN somebody has put old output back meanwhile
  place->visible[7] = {1, 2, 3};
  run_to_end();
  BOOST_TEST(*job->how_started().checkpoint == 0u);
  BOOST_TEST((place->all() == results(10)));
}

BOOST_AUTO_TEST_CASE(a_changed_job_is_refused_or_lets_state_go) {
  run_and_crash(2h + 45min);
  shape.has_operator = false;
  BOOST_TEST(refused().starts_with("operator slow: it is in the checkpoint, where it holds "));
  // It can be let go, and its records with it.
  run_to_end({.drop_state = {"slow"}});
  BOOST_TEST(job->how_started().warnings.at(0).starts_with("operator slow: its state is let go, "));
  // It held all that the source had read.
  BOOST_TEST((place->all() == results(4)));
}

BOOST_AUTO_TEST_CASE(a_type_that_changed_without_a_new_version_is_named_with_the_ways_out) {
  grown_record::has_more = false;
  const auto start = [&](std::uint32_t parallelism, const run_options& how = {}) {
    job.reset();
    environment env;
    const std::vector<grown_record> records{{300, {}}, {301, {}}, {302, {}}, {303, {}}};
    weir::async_data_stream::ordered_wait(env.from_source(weir::collection_source<grown_record>{records}),
                                          slow_grown_client{clock},
                                          {.name = "users", .timeout = 100h, .parallelism = parallelism})
      .sink_to([place = place] { return std::make_unique<shelf_sink>(place); });
    env.enable_checkpointing(options());
    job.emplace(clock, env, "numbers", how);
  };
  start(1);
  clock.advance(35min);
  job->stop();
  const auto at = std::to_string(*job->result()->checkpoint);
  // WHEN a program reads a member more than was written, by instances as they were or others
  grown_record::has_more = true;
  for (const std::uint32_t parallelism : {1, 3}) {
    start(parallelism);
    BOOST_TEST_REQUIRE(job->result().has_value());
    BOOST_TEST((job->result()->end == job_end::failed));
    const auto why = job->result()->text();
    // THEN it says whose records they are, where, of which types, and what can be done
    BOOST_TEST(why.find("operator users: checkpoint " + at
                        + " holds its records as grown_record version 1 and its results as int32 version 1, "
                          "and they cannot be read: ")
                 != why.npos,
               why);
    BOOST_TEST(why.find("; its bytes are as they were written, so `serialize` of one of these types, or of one "
                        "inside them, was probably changed without a new version (WEIR_STORED); put it back, "
                        "or raise the version and read the older one too (WEIR_STORED_SINCE), let the "
                        "operator's state go (drop_state), or start anew (fresh) (incompatible)")
                 != why.npos,
               why);
  }
  // AND its state can be let go
  start(1, {.drop_state = {"users"}});
  clock.advance(100h);
  BOOST_TEST_REQUIRE(job->result().has_value());
  BOOST_TEST(job->result()->ok());
  BOOST_TEST(job->status().gone.let_go == 4u);
  BOOST_TEST(job->status().operators.at(0).calls == 4u);
  grown_record::has_more = false;
}

BOOST_AUTO_TEST_CASE(what_was_let_go_is_not_asked_for_when_the_job_starts_again_by_itself) {
  shape.records = 20'000;
  shape.restart = weir::fixed_delay_restart{.max_restarts = 3, .delay = 1min};
  run_and_crash(2h + 45min);
  // GIVEN another operator in its place, which fails before and behind the first checkpoint that knows it
  shape.name = "other";
  script.failures = 1;
  script.fail_after = 10min;
  start({.drop_state = {"slow"}});
  clock.advance(11min);
  script.failures = 1;
  script.fail_after = 40min;
  clock.advance(2h);
  BOOST_TEST(!job->result().has_value());
  BOOST_TEST(job->status().restarts == 2u);
}

BOOST_AUTO_TEST_CASE(an_older_checkpoint_is_gone_on_from_only_where_newer_output_may_go) {
  keep = 100;
  run_and_crash(4h + 45min);
  BOOST_TEST_REQUIRE(stored().back() == 9u);
  const auto shown = place->all();
  BOOST_TEST_REQUIRE(shown.size() == 8u);
  // GIVEN output of later checkpoints, THEN it is refused, and nothing has changed
  BOOST_TEST(refused({.from = 4}).find("is output that is newer than checkpoint 4; start from the newest "
                                       "checkpoint, or let it be put aside (discard_newer_output)")
             != std::string::npos);
  BOOST_TEST((place->all() == shown));
  BOOST_TEST_REQUIRE(stored().back() == 9u);
  // UNLESS that may be put aside
  start({.from = 4, .discard_newer_output = true});
  BOOST_TEST(*job->how_started().checkpoint == 4u);
  BOOST_TEST(!place->aside.empty());
  clock.advance(1000h);
  BOOST_TEST_REQUIRE(job->result().has_value());
  BOOST_TEST(job->result()->ok());
  BOOST_TEST((place->all() == results(10)));
}

BOOST_AUTO_TEST_CASE(a_run_whose_place_another_has_taken_over_is_refused_before_anything_changes) {
  keep = 100;
  run_and_crash(4h + 45min);
  const auto shown = place->all();
  const auto before = stored();
  place->taken_over = weir::error{weir::error_kind::incompatible, "shelf", "is of another run by now"};
  place->of_others = {"shelf/.7"};
  for (const auto& wishes : {weir::run_options{}, {.from = 4}, {.from = 4, .discard_newer_output = true}})
    BOOST_TEST(refused(wishes) == "shelf: is of another run by now (incompatible)\n");
  BOOST_TEST((stored() == before));
  BOOST_TEST((place->all() == shown));
  // AND a run that begins takes it over
  run_to_end({.fresh = true, .remove_old_output = true});
}

BOOST_AUTO_TEST_CASE(a_start_from_an_older_one_that_comes_to_nothing_changes_nothing) {
  keep = 100;
  run_and_crash(4h + 45min);
  const auto shown = place->all();
  // GIVEN a sink, or a store, that does not open
  place->away = weir::error{"io", "shelf", "it is locked"};
  refused({.from = 4, .discard_newer_output = true});
  place->away.reset();
  shape.store_is_away = true;
  refused({.from = 4, .discard_newer_output = true});
  shape.store_is_away = false;
  // THEN all is there as before
  BOOST_TEST(stored().back() == 9u);
  BOOST_TEST((place->all() == shown));
  BOOST_TEST(place->aside.empty());
  // AND the newest is gone on from
  run_to_end();
  BOOST_TEST(*job->how_started().checkpoint == 9u);
  BOOST_TEST((place->all() == results(10)));
}

BOOST_AUTO_TEST_CASE(checkpoints_that_are_made_anew_have_the_numbers_of_those_that_went) {
  keep = 100;
  run_and_crash(4h + 45min);
  shape.restart = weir::fixed_delay_restart{.max_restarts = 3, .delay = 1min};
  // GIVEN a start from an older one, that fails behind new ones
  script.failures = 1;
  script.fail_after = 75min;
  start({.from = 4, .discard_newer_output = true});
  clock.advance(1000h);
  BOOST_TEST_REQUIRE(job->result().has_value());
  BOOST_TEST(job->result()->ok());
  BOOST_TEST(job->result()->restarts == 1u);
  BOOST_TEST((place->all() == results(10)));
}

BOOST_AUTO_TEST_CASE(output_of_the_run_itself_is_put_aside_and_not_removed) {
  keep = 100;
  run_to_end();
  // GIVEN a run that may remove old output, and has shown some
  run_and_crash(2h + 45min, {.fresh = true, .remove_old_output = true});
  const auto shown = place->visible;
  BOOST_TEST_REQUIRE(!shown.empty());
  // WHEN it is begun from its checkpoint 0, THEN it says what helps
  BOOST_TEST(refused({.remove_old_output = true, .from = 0})
               .find("is output that is newer than checkpoint 0; start from the newest checkpoint, or let it be "
                     "put aside (discard_newer_output)")
             != std::string::npos);
  start({.from = 0, .discard_newer_output = true});
  BOOST_TEST((place->aside == shown));
  // AND so where it is begun once more
  job->cancel();
  place->visible = shown;
  place->aside.clear();
  start({.from = 0, .discard_newer_output = true});
  BOOST_TEST((place->aside == shown));
}

BOOST_AUTO_TEST_CASE(what_is_newer_than_the_newest_is_said_with_what_helps) {
  run_and_crash(2h + 45min);
  place->visible[77] = {1};
  BOOST_TEST(refused()
             == "shelf/77: is output that is newer than checkpoint 5, the newest that there is; name that "
                "checkpoint (from) and let the output be put aside (discard_newer_output) (incompatible)\n");
}

BOOST_AUTO_TEST_CASE(a_launch_falls_back_too) {
  fall_back = true;
  shape.restart = weir::fixed_delay_restart{.max_restarts = 3, .delay = 1min};
  script.failures = 1;
  script.fail_after = 40min;
  bool is_damaged = false;
  memory->at_each_step([&](std::string_view at) -> weir::expected<void> {
    if (at == "load" && std::exchange(is_damaged, false))
      return weir::error{weir::error_kind::damaged, "chk-1", "a block is not what was written"};
    return {};
  });
  start();
  is_damaged = true;
  clock.advance(1000h);
  BOOST_TEST_REQUIRE(job->result().has_value());
  BOOST_TEST(job->result()->ok(), job->result()->text());
  BOOST_TEST((place->all() == results(10)));
}

BOOST_AUTO_TEST_CASE(one_that_falls_back_on_its_begin_removes_nothing_that_it_has_shown_itself) {
  keep = 100;
  fall_back = true;
  shape.restart = weir::fixed_delay_restart{.max_restarts = 3, .delay = 1min};
  int damaged = 0;
  memory->at_each_step([&](std::string_view at) -> weir::expected<void> {
    if (at != "load" || damaged == 0)
      return {};
    --damaged;
    return weir::error{weir::error_kind::damaged, "chk", "a block is not what was written"};
  });
  // GIVEN a run that removed what an earlier one had shown, has shown something itself, and fails
  place->visible[7] = {7};
  start({.remove_old_output = true});
  clock.advance(30min);
  script.failures = 1;
  script.fail_after = 45min;
  clock.advance(1h);
  BOOST_TEST((place->all() == results(2)));
  // WHEN none but checkpoint 0 can be read, THEN that is its owner's to decide, now and at the next start
  damaged = 3;
  clock.advance(1000h);
  BOOST_TEST_REQUIRE(job->result().has_value());
  BOOST_TEST(job->result()->text().find("is output that is newer than checkpoint 0; ") != std::string::npos,
             job->result()->text());
  BOOST_TEST((place->all() == results(2)));
  BOOST_TEST((stored() == std::vector<std::uint64_t>{0, 1, 2, 3}));
  damaged = 3;
  BOOST_TEST(refused().find("is output that is newer than checkpoint 0; ") != std::string::npos);
  BOOST_TEST((place->all() == results(2)));
  // AND nothing is lost where they can be read after all
  run_to_end();
  BOOST_TEST((place->all() == results(10)));
}

BOOST_AUTO_TEST_CASE(a_start_that_fails_leaves_the_job_to_others) {
  shape.store_is_away = true;
  start();
  BOOST_TEST_REQUIRE(job->result().has_value());
  shape.store_is_away = false;
  const auto other = build();
  virtual_job second{clock, other, "numbers"};
  BOOST_TEST(!second.result().has_value());
}

BOOST_AUTO_TEST_CASE(a_checkpoint_that_is_not_there_is_named) {
  BOOST_TEST(refused({.from = 4}) == "checkpoint 4: the job has no checkpoints yet (argument)\n");
  run_and_crash(2h + 45min);
  BOOST_TEST(refused({.from = 2}) == "checkpoint 2: run 1 has none of this number, but 4, 5 (argument)\n");
}

BOOST_AUTO_TEST_CASE(what_is_older_is_fallen_back_on_only_where_that_is_wished) {
  run_and_crash(2h + 45min);
  auto loads = 0;
  memory->at_each_step([&](std::string_view at) -> weir::expected<void> {
    if (at == "load" && loads++ == 0)
      return weir::error{weir::error_kind::damaged, "chk-5", "a block is not what was written"};
    return {};
  });
  BOOST_TEST(refused().find("it is checkpoint 5, the newest of run 1: start from an older one (from), or "
                            "begin a fresh run (fresh)")
             != std::string::npos);
  fall_back = true;
  loads = 0;
  start({.discard_newer_output = true});
  BOOST_TEST(*job->how_started().checkpoint == 4u);
  BOOST_TEST(job->how_started().warnings.at(0).starts_with("checkpoint 5 is damaged and put aside: "));
  clock.advance(1000h);
  BOOST_TEST_REQUIRE(job->result().has_value());
  BOOST_TEST(job->result()->ok());
  BOOST_TEST((place->all() == results(10)));
}

BOOST_AUTO_TEST_CASE(other_instances_go_on_with_what_the_old_ones_held) {
  shape.by_key = true;
  shape.records = 30;
  run_and_crash(2h + 45min);
  for (const std::uint32_t parallelism : {3, 2, 5}) {
    shape.parallelism = parallelism;
    run_and_crash(1h + 50min);
  }
  run_to_end();
  auto shown = place->all();
  // Records of one key are in order.
  for (int key = 0; key < 3; ++key) {
    std::vector<int> of_key;
    std::copy_if(shown.begin(), shown.end(), std::back_inserter(of_key),
                 [&](int x) { return x / 10 % 3 == key; });
    BOOST_TEST(std::is_sorted(of_key.begin(), of_key.end()));
  }
  std::sort(shown.begin(), shown.end());
  BOOST_TEST((shown == results(30)));
}

BOOST_AUTO_TEST_CASE(one_job_at_a_time_has_its_checkpoints) {
  start();
  const auto other = build();
  virtual_job second{clock, other, "numbers"};
  BOOST_TEST_REQUIRE(second.result().has_value());
  BOOST_TEST(second.result()->why.at(0).text()
             == "numbers: is in use by another store of this process; wait for its end (io)");
  // But one that has ended has given them up, though it is still there.
  job->stop();
  BOOST_TEST_REQUIRE(job->result().has_value());
  virtual_job third{clock, other, "numbers"};
  BOOST_TEST((third.how_started().kind == start_kind::restored));
}

BOOST_AUTO_TEST_CASE(a_job_with_checkpoints_starts_again_by_itself_where_nothing_else_is_said) {
  auto env = build();
  BOOST_TEST(env.plan().restarts().enabled());
  env.restart_with({});
  BOOST_TEST(!env.plan().restarts().enabled());
}

BOOST_AUTO_TEST_CASE(wishes_need_checkpoints) {
  environment env;
  env.from_source(weir::collection_source<int>{{1}}).sink_to([](int) {});
  virtual_job none{clock, env, "none",
                   {.remove_old_output = true, .drop_state = {"a"}, .from = 3, .discard_newer_output = true}};
  BOOST_TEST_REQUIRE(none.result().has_value());
  BOOST_TEST(none.result()->why.size() == 4u);
  BOOST_TEST(none.result()->why.at(2).text()
             == "job none: from is set but it makes no checkpoints; call enable_checkpointing, or leave "
                "it out (argument)");
  // Each run without them is fresh.
  virtual_job fresh{clock, env, "none", {.fresh = true}};
  BOOST_TEST(fresh.result()->ok());
}

BOOST_AUTO_TEST_CASE(wishes_that_contradict_each_other_are_refused) {
  BOOST_TEST(refused({.fresh = true, .drop_state = {"slow"}, .from = 3})
             == "job numbers: a fresh run goes on from no checkpoint; choose one, fresh or from (argument)\n"
                "job numbers: a fresh run has no state to let go (drop_state) (argument)\n");
  BOOST_TEST(refused({.discard_newer_output = true}).starts_with("job numbers: output newer than a "));
}

BOOST_AUTO_TEST_CASE(options_are_checked) {
  auto env = build();
  env.enable_checkpointing({});
  BOOST_TEST(env.check().at(0).text()
             == "checkpoints: directory is empty but checkpoints need a place; name a folder, or give a "
                "store (argument)");
  auto both = options();
  both.directory = "here";
  both.keep = 0;
  both.interval = 0ms;
  env.enable_checkpointing(both);
  BOOST_TEST(env.check().size() == 3u);
}

BOOST_AUTO_TEST_CASE(stages_have_names_that_stay) {
  environment env;
  const auto from = env.from_source(weir::collection_source<int>{{1}});
  from.sink_to([](int) {});
  from.sink_to([](int) {});
  BOOST_TEST(env.check().empty());
  env.enable_checkpointing(options());
  BOOST_TEST_REQUIRE(env.check().size() == 1u);
  BOOST_TEST(env.check()[0].text()
             == "sink 2: nobody has given it this name, and checkpoints know a stage by its name; give it "
                "one that stays when the job changes (argument)");
}

BOOST_AUTO_TEST_CASE(two_sinks_in_one_place_are_refused) {
  environment env;
  const auto from = env.from_source(weir::collection_source<int>{{1}});
  for (const auto* name : {"left", "right"})
    from.sink_to([place = place] { return std::make_unique<shelf_sink>(place); }, {.name = name});
  env.enable_checkpointing(options());
  virtual_job both{clock, env, "numbers"};
  BOOST_TEST_REQUIRE(both.result().has_value());
  BOOST_TEST(both.result()->why.at(0).text()
             == "sink right: it writes to shelf, as sink left does; give each a place of its own "
                "(argument)");
}

BOOST_AUTO_TEST_CASE(a_link_to_a_sinks_place_is_that_place) {
  const temp_folder in;
  std::filesystem::create_directory(in.path("out"));
  std::filesystem::create_directory_symlink("out", in.path("link"));
  environment env;
  const auto from = env.from_source(weir::collection_source<int>{{1}});
  for (const auto* name : {"out", "link"}) {
    auto on = std::make_shared<shelf>();
    on->place = in.path(name) + "/parts";
    from.sink_to([on] { return std::make_unique<shelf_sink>(on); }, {.name = name});
  }
  env.enable_checkpointing(options());
  virtual_job both{clock, env, "numbers"};
  BOOST_TEST_REQUIRE(both.result().has_value());
  BOOST_TEST(both.result()->why.at(0).text()
             == "sink link: it writes to " + in.path("link") + "/parts, as sink out does; give each a place of its "
                "own (argument)");
}

BOOST_AUTO_TEST_SUITE_END()
