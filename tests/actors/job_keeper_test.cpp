// SPDX-License-Identifier: Apache-2.0

// What follows when a job fails: in -> op -> out, whose records 1, 2 and 3 come again with each launch.

#include "../support/job_fixture.hpp"

#include "weir/collection_source.hpp"
#include "weir/job_keeper.hpp"
#include "weir/queued_work.hpp"

#include <boost/test/unit_test.hpp>

using namespace std::chrono_literals;
using weir::duration;
using weir::error;
using weir::fixed_delay_restart;
using weir::job_end;

namespace {

const error broken{"io", "disk", "it is full"};

struct keeper_fixture : weir::testing::job_fixture {
  keeper_fixture() {
    add_line();
    std::get<weir::source_plan>(plan.stages[0].what).make = [] {
      return std::make_unique<weir::typed_source_body<int>>(
        std::make_unique<weir::collection_source<int>>(std::vector{1, 2, 3}));
    };
    plan.restart = fixed_delay_restart{.max_restarts = 3, .delay = 2s};
    settings.log = [this](const weir::log_entry& what) {
      logged += what.thing + ": " + what.message + "\n";
    };
  }

  ~keeper_fixture() {
    if (keeper && !result && started) {
      keeper->cancel();
      world.run();
      BOOST_TEST(result.has_value());
    }
  }

  std::vector<error> try_to_start() {
    weir::keeper_settings how{settings};
    auto queue = std::make_unique<weir::queued_work>(world);
    work = queue.get();
    if (plan.restarts().enabled())
      how.on = std::move(queue);
    keeper = std::make_unique<weir::job_keeper>(world.system(), plan, std::move(how));
    auto mistakes = keeper->start([this](weir::job_result with) {
      log.note("ended " + text(with));
      result = std::move(with);
    });
    started = mistakes.empty();
    return mistakes;
  }

  void start() {
    BOOST_REQUIRE(try_to_start().empty());
    world.run();
  }

  /// The launch that runs fails at this record.
  void fail_launch(int record = 2, std::string_view kind = "refused") {
    auto failing = functions["op"].take(record);
    failing.fail({kind, "service", "it said no"});
    // Those that nobody will wait for.
    functions["op"].held.clear();
    world.run();
  }

  void complete_all() {
    for (const int record : {1, 2, 3})
      complete(record);
  }

  void drain(duration deadline) {
    keeper->drain(deadline);
    world.run();
  }
  void cancel() {
    keeper->cancel();
    world.run();
  }

  /// Calls that wait for an answer: a launch runs.
  std::size_t calls() { return functions["op"].held.size(); }

  weir::queued_work* work = nullptr;
  std::unique_ptr<weir::job_keeper> keeper;
  std::string logged;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(job_keepers, keeper_fixture)

// -- restarts --

BOOST_AUTO_TEST_CASE(without_a_strategy_the_first_failure_is_final) {
  plan.restart = {};
  start();
  fail_launch();
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(text(*result) == "failed operator op refused at record 0/1");
  BOOST_TEST(result->restarts == 0u);
  BOOST_TEST(logged == "");
}

BOOST_AUTO_TEST_CASE(a_job_that_does_not_fail_ends_as_ever) {
  start();
  advance(1s);
  complete_all();
  BOOST_TEST(text(*result) == "done");
  BOOST_TEST(result->restarts == 0u);
  BOOST_TEST((result->took == 1s));
}

BOOST_AUTO_TEST_CASE(a_failed_job_starts_again_after_the_delay_from_its_beginning) {
  start();
  complete(1);
  transcript();
  fail_launch();
  BOOST_TEST(!result);
  BOOST_TEST(transcript() == "close op\nabandon out\n");
  BOOST_TEST(world.actors() == 0u);
  advance(1999ms);
  BOOST_TEST(transcript() == "");
  advance(1ms);
  BOOST_TEST(transcript() == "open out\nopen op\ncall op 1\ncall op 2\ncall op 3\n");
  sinks["out"].values.clear();
  complete_all();
  BOOST_TEST(text(*result) == "done");
  BOOST_TEST(written() == (std::vector{10, 20, 30}), boost::test_tools::per_element());
  BOOST_TEST(result->restarts == 1u);
  BOOST_TEST((result->took == 2s));
}

BOOST_AUTO_TEST_CASE(all_of_a_launch_has_ended_before_the_next_begins) {
  add_pool("store");
  functions["op"].asks_pool = true;
  start();
  transcript();
  drivers["store"].fail(2, "refused");
  drivers["store"].held.clear();
  world.run();
  BOOST_TEST(transcript() == "close op\nabandon out\nclose store\n");
  advance(2s);
  BOOST_TEST(transcript()
             == "open store\nopen out\nopen op\ncall op 1\ncall op 2\ncall op 3\nask 1\nask 2\nask 3\n");
}

BOOST_AUTO_TEST_CASE(failures_are_final_when_the_budget_is_used_up) {
  start();
  for (int i = 0; i < 3; ++i) {
    fail_launch();
    BOOST_REQUIRE(!result.has_value());
    advance(2s);
  }
  fail_launch(3, "io");
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(text(*result) == "failed operator op io at record 0/2");
  BOOST_TEST(result->stage == "op");
  BOOST_TEST(result->restarts == 3u);
  BOOST_TEST((result->took == 6s));
}

BOOST_AUTO_TEST_CASE(delays_are_those_of_the_strategy) {
  plan.restart = weir::exponential_delay_restart{.initial = 1s, .max = 1h};
  start();
  fail_launch();
  advance(1s);
  BOOST_TEST(calls() == 3u);
  fail_launch();
  advance(1999ms);
  BOOST_TEST(calls() == 0u);
  advance(1ms);
  BOOST_TEST(calls() == 3u);
}

BOOST_AUTO_TEST_CASE(a_failure_rate_bears_failures_that_are_rare) {
  plan.restart = weir::failure_rate_restart{.failures = 1, .per = 10s, .delay = 0s};
  start();
  for (int i = 0; i < 5; ++i) {
    fail_launch();
    BOOST_REQUIRE(calls() == 3u);
    advance(10s);
  }
  fail_launch();
  advance(9s);
  fail_launch();
  BOOST_TEST(result.has_value());
}

BOOST_AUTO_TEST_CASE(what_no_further_try_can_mend_is_final) {
  for (const auto kind : {weir::error_kind::argument, weir::error_kind::incompatible,
                          weir::error_kind::damaged}) {
    result.reset();
    start();
    fail_launch(1, kind);
    BOOST_TEST(result.has_value(), kind);
    keeper.reset();
  }
}

BOOST_AUTO_TEST_CASE(output_that_one_sink_had_committed_before_another_failed_is_taken_back) {
  add_sink("copy");
  plan.edges.back() = {.from = 1, .to = 3};
  sinks["copy"].commit_error = broken;
  start();
  complete_all();
  BOOST_TEST(!result);
  BOOST_TEST(sinks["out"].ended_by == "commit, abandon");
  sinks["copy"].commit_error.reset();
  advance(2s);
  complete_all();
  BOOST_TEST(text(*result) == "done");
}

BOOST_AUTO_TEST_CASE(a_thousand_restarts_leave_nothing_behind) {
  plan.restart = fixed_delay_restart{.max_restarts = 1000, .delay = 1ms};
  log.muted = true;
  start();
  const auto actors = world.actors();
  for (int i = 0; i < 1000; ++i) {
    fail_launch();
    BOOST_REQUIRE(world.actors() == 0u);
    advance(1ms);
    BOOST_REQUIRE(world.actors() == actors);
  }
  BOOST_TEST(functions["op"].opened == 1001u);
  BOOST_TEST(functions["op"].closed == 1000u);
  complete_all();
  BOOST_TEST(result->ok());
  BOOST_TEST(work->waiting() == 0u);
}

// -- what does not open --

BOOST_AUTO_TEST_CASE(a_first_start_whose_driver_does_not_open_starts_nothing) {
  add_pool("store");
  drivers["store"].open_error = broken;
  const auto mistakes = try_to_start();
  BOOST_REQUIRE(mistakes.size() == 1u);
  BOOST_TEST(mistakes.front().text() == broken.text());
  world.advance(1h);
  BOOST_TEST(transcript() == "open store\nclose store\n");
}

BOOST_AUTO_TEST_CASE(a_first_start_whose_stage_does_not_open_is_final) {
  functions["op"].open_error = broken;
  start();
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(text(*result) == "failed operator op io");
  BOOST_TEST(result->restarts == 0u);
}

BOOST_AUTO_TEST_CASE(a_further_start_whose_driver_does_not_open_counts_and_is_tried_again) {
  add_pool("store");
  start();
  fail_launch();
  drivers["store"].open_error = broken;
  transcript();
  advance(2s);
  BOOST_TEST(transcript() == "open store\nclose store\n");
  BOOST_TEST(keeper->status().restarts == 2u);
  drivers["store"].open_error.reset();
  advance(2s);
  BOOST_TEST(calls() == 3u);
  complete_all();
  BOOST_TEST(result->ok());
  BOOST_TEST(result->restarts == 2u);
}

BOOST_AUTO_TEST_CASE(a_further_start_whose_stage_does_not_open_counts_and_is_tried_again) {
  start();
  fail_launch();
  sinks["out"].open_error = broken;
  advance(4s);
  BOOST_TEST(!result);
  BOOST_TEST(keeper->status().restarts == 3u);
  advance(2s);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(text(*result) == "failed disk io");
  BOOST_TEST(result->stage == "out");
}

BOOST_AUTO_TEST_CASE(a_plan_with_mistakes_is_not_tried_again) {
  plan.restart = fixed_delay_restart{.max_restarts = 0};
  const auto mistakes = try_to_start();
  BOOST_REQUIRE(mistakes.size() == 1u);
  BOOST_TEST(mistakes.front().text()
             == "environment: restart.max_restarts is 0 but must be > 0 (argument)");
}

BOOST_AUTO_TEST_CASE(output_begins_anew_so_nothing_partial_can_be_kept) {
  settings.keep_partial = true;
  const auto mistakes = try_to_start();
  BOOST_REQUIRE(mistakes.size() == 1u);
  BOOST_TEST(mistakes.front().text()
             == "job test: keep_partial is set and it has a restart strategy, which begins its output "
                "anew; choose one (argument)");
  BOOST_TEST(transcript() == "");
}

// -- cancel and drain --

BOOST_AUTO_TEST_CASE(a_cancel_in_the_delay_ends_the_job_at_once) {
  start();
  fail_launch();
  cancel();
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(text(*result) == "cancelled");
  BOOST_TEST(result->why.empty());
  BOOST_TEST(result->restarts == 1u);
  transcript();
  advance(1h);
  BOOST_TEST(transcript() == "");
}

BOOST_AUTO_TEST_CASE(a_drain_in_the_delay_ends_the_job_at_once_with_its_failure) {
  start();
  fail_launch();
  drain(1h);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(text(*result) == "failed operator op refused at record 0/1");
  transcript();
  advance(1h);
  BOOST_TEST(transcript() == "");
}

BOOST_AUTO_TEST_CASE(both_in_the_delay_end_it_once) {
  start();
  fail_launch();
  keeper->drain(1h);
  keeper->cancel();
  keeper->drain(1h);
  world.run();
  BOOST_TEST(transcript().ends_with("abandon out\nended failed operator op refused at record 0/1\n"));
}

BOOST_AUTO_TEST_CASE(a_cancel_while_a_launch_runs_is_a_cancel) {
  start();
  fail_launch();
  advance(2s);
  cancel();
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(text(*result) == "cancelled");
  BOOST_TEST(result->restarts == 1u);
}

BOOST_AUTO_TEST_CASE(a_launch_that_fails_while_it_is_drained_is_the_last) {
  start();
  drain(1h);
  fail_launch();
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(text(*result) == "failed operator op refused at record 0/1");
}

BOOST_AUTO_TEST_CASE(a_drain_of_a_further_launch_lets_it_come_to_its_end) {
  start();
  fail_launch();
  advance(2s);
  drain(1h);
  complete_all();
  BOOST_TEST(result->ok());
}

BOOST_AUTO_TEST_CASE(who_cancels_when_a_launch_has_failed_and_the_next_is_not_decided_gets_the_failure) {
  start();
  work->hold(true);
  fail_launch();
  cancel();
  BOOST_TEST(!result);
  work->hold(false);
  world.run();
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(text(*result) == "failed operator op refused at record 0/1");
}

BOOST_AUTO_TEST_CASE(a_cancel_while_a_further_launch_is_being_started_ends_it) {
  add_pool("store");
  start();
  fail_launch();
  drivers["store"].on_open = [this] { keeper->cancel(); };
  advance(2s);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(text(*result) == "cancelled");
  BOOST_TEST(result->restarts == 1u);
}

BOOST_AUTO_TEST_CASE(a_launch_can_be_asked_until_its_end_is_looked_at) {
  start();
  work->hold(true);
  fail_launch();
  advance(1h);
  BOOST_TEST(keeper->status().operators.at(0).calls == 3u);
  work->hold(false);
  world.run();
  // The delay counts from the decision.
  BOOST_TEST(calls() == 0u);
  advance(2s);
  BOOST_TEST(calls() == 3u);
}

// -- what is seen --

BOOST_AUTO_TEST_CASE(the_status_is_that_of_the_launch_that_runs_or_was_the_last) {
  start();
  complete(1);
  BOOST_TEST(keeper->status().operators.at(0).records_out == 1u);
  BOOST_TEST(keeper->status().restarts == 0u);
  fail_launch();
  BOOST_TEST(keeper->status().operators.at(0).records_out == 1u);
  BOOST_TEST(keeper->status().restarts == 1u);
  advance(2s);
  BOOST_TEST(keeper->status().operators.at(0).records_out == 0u);
  complete_all();
  BOOST_TEST(keeper->status().sinks.at(0).records_in == 3u);
  BOOST_TEST(keeper->status().restarts == 1u);
}

BOOST_AUTO_TEST_CASE(each_restart_is_told) {
  start();
  fail_launch();
  BOOST_TEST(logged
             == "job test: it failed: at record 0/1: operator op: service: it said no (refused); it "
                "starts again in 2 s (restart 1 of 3)\n");
}

BOOST_AUTO_TEST_CASE(it_names_the_stage_that_failed_whatever_the_error_is_about) {
  start();
  sinks["out"].write_error = broken;
  complete(1);
  BOOST_TEST(logged
             == "job test: it failed: sink out: disk: it is full (io); it starts again in 2 s (restart "
                "1 of 3)\n");
  functions["op"].held.clear();
  sinks["out"].write_error.reset();
  sinks["out"].open_error = error{"io", "out", "it does not open"};
  advance(2s);
  BOOST_TEST(logged.find("it failed: sink out: it does not open (io);") != logged.npos);
}

BOOST_AUTO_TEST_CASE(a_record_that_fails_the_job_twice_running_is_told) {
  start();
  fail_launch(1);
  advance(2s);
  // Another one
  fail_launch(2);
  advance(2s);
  BOOST_TEST(logged.find("twice") == logged.npos);
  fail_launch(2, "io");
  BOOST_TEST(logged.find("operator op: record 0/1 has failed the job twice running; on_failure (in a job "
                         "file \"dead_letter\" or \"drop\") or failure_rules let a record pass whose call "
                         "fails\n")
             != logged.npos);
}

BOOST_AUTO_TEST_CASE(so_is_one_between_whose_failures_a_launch_did_not_open) {
  add_pool("store");
  start();
  fail_launch(2);
  drivers["store"].open_error = broken;
  advance(2s);
  drivers["store"].open_error.reset();
  sinks["out"].open_error = broken;
  advance(2s);
  sinks["out"].open_error.reset();
  advance(2s);
  fail_launch(2);
  BOOST_TEST(logged.find("operator op: record 0/1 has failed the job twice running") != logged.npos);
}

BOOST_AUTO_TEST_CASE(what_fails_without_a_record_is_never_told_of_one) {
  start();
  for (int i = 0; i < 2; ++i) {
    sinks["out"].write_error = broken;
    complete(1);
    functions["op"].held.clear();
    BOOST_REQUIRE(!result);
    sinks["out"].write_error.reset();
    advance(2s);
  }
  BOOST_TEST(logged.find("twice") == logged.npos);
}

BOOST_AUTO_TEST_SUITE_END()
