// SPDX-License-Identifier: Apache-2.0

// How a job with checkpoints ends: with its input, stopped, drained, cancelled or failed, in whichever phase
// it is; and what a start finds behind each of these ends.

#include "../support/checkpoint_fixture.hpp"

using namespace std::chrono_literals;
using weir::checkpoint_kind;
using weir::error;
using weir::job_end;
using weir::testing::checkpoint_fixture;

namespace {

const error broken{"io", "disk", "it is full"};

struct line : checkpoint_fixture {
  line() { add_line(); }

  void begin() {
    start();
    transcript();
  }

  /// Pushes and reads the transcript.
  void put(std::initializer_list<int> records) {
    push(records);
    transcript();
  }

  /// In which phase the job is when something else happens to it.
  void reach(const std::string& phase) {
    if (phase == "opening") {
      BOOST_TEST_REQUIRE(try_to_launch());
      // The stages have not opened.
      world.step_of("weir.job");
    } else if (phase == "beginning") {
      hold_store();
      start();
    } else if (phase == "recovering") {
      BOOST_TEST_REQUIRE(try_to_launch());
      while (log.peek().find("recover out 0") == std::string::npos)
        BOOST_TEST_REQUIRE(world.step());
    } else {
      start();
    }
    transcript();
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(checkpoint_ends, line)

// -- the end of the input --

BOOST_AUTO_TEST_CASE(
  behind_the_input_comes_a_last_checkpoint_and_when_all_is_visible_one_that_says_so) {
  answer_at_once();
  begin();
  push({1, 2});
  end();
  BOOST_TEST(
    transcript()
    == "call op 1\ncall op 2\nwrite out 10\nwrite out 20\nclose in\nclose op\nprepare out 1 last\n"
       "make durable out 1\nwrite 1\ncommit out 1\nwrite 2 finished\nremove 0\nended done\n");
  BOOST_TEST((about(2).kind == checkpoint_kind::finished));
  BOOST_TEST(about(2).instances.at(2).summary.pending_output == "");
  BOOST_TEST(result->checkpoint.value() == 2u);
  BOOST_TEST(result->held == 0u);
  BOOST_TEST(counts().completed == 1u);
  BOOST_TEST(sinks["out"].ended_by == "commit");
}

BOOST_AUTO_TEST_CASE(nothing_says_that_the_run_is_finished_before_each_sink_has_committed) {
  answer_at_once();
  add_dead_letter_sink("op", "bad");
  begin();
  sinks["bad"].commit_waits = 1;
  end();
  BOOST_TEST(transcript()
             == "close in\nclose op\nprepare out 1 last\nprepare bad 1 last\nmake durable out 1\n"
                "make durable bad 1\nwrite 1\ncommit out 1\n");
  advance(1h);
  BOOST_TEST(transcript() == "");
  make_ready("bad");
  BOOST_TEST(transcript() == "commit bad 1\nwrite 2 finished\nremove 0\nended done\n");
}

BOOST_AUTO_TEST_CASE(a_job_that_is_done_is_done_where_that_cannot_be_noted) {
  answer_at_once();
  begin();
  sinks["out"].commit_waits = 1;
  end();
  let_store_fail("write");
  make_ready("out");
  BOOST_TEST(
    transcript()
    == "close in\nclose op\nprepare out 1 last\nmake durable out 1\nwrite 1\ncommit out 1\n"
       "write 2 finished: io\nended done\n");
  BOOST_TEST(
    said()
    == "checkpoint 2: the output is complete, but it could not be noted that the job is finished: "
       "disk: it is full (io); a further start finds nothing to do and notes it\n");
  // A start is at the end at once, shows nothing anew and notes it.
  crash_and_start();
  BOOST_TEST(transcript()
             == "open out\nopen op\nopen in\nrecover out 1 up to 1\nclose in\nclose op\n"
                "prepare out 2 last\nmake durable out 2\nwrite 2\nremove 0\ncommit out 2\n"
                "write 3 finished\nremove 1\nended done\n");
}

BOOST_AUTO_TEST_CASE(a_crash_between_the_last_checkpoint_and_its_commit_loses_nothing) {
  answer_at_once();
  begin();
  sinks["out"].commit_waits = 1;
  push({1});
  end();
  transcript();
  crash();
  sinks["out"].commit_waits = 0;
  start_again();
  BOOST_TEST(transcript()
             == "open out\nopen op\nopen in\nrecover out 1 up to 1\nclose in\nclose op\n"
                "prepare out 2 last\nmake durable out 2\nwrite 2\nremove 0\ncommit out 2\n"
                "write 3 finished\nremove 1\nended done\n");
}

BOOST_AUTO_TEST_CASE(a_last_checkpoint_is_tried_three_times) {
  answer_at_once();
  begin();
  let_store_fail("write", 2);
  end();
  BOOST_TEST(!result.has_value());
  advance(100ms);
  BOOST_TEST(!result.has_value());
  transcript();
  advance(200ms);
  BOOST_TEST(
    transcript()
    == "prepare out 3 last\nmake durable out 3\nwrite 3\ncommit out 3\nwrite 4 finished\nremove 0\n"
       "ended done\n");
}

BOOST_AUTO_TEST_CASE(and_then_the_job_has_failed_and_its_output_is_hidden) {
  expects_commits = false;
  answer_at_once();
  begin();
  let_store_fail("write", 3);
  push({1});
  end();
  advance(1s);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(text(*result) == "failed disk io");
  BOOST_TEST(result->checkpoint.value() == 0u);
  BOOST_TEST(counts().not_stored == 3u);
  crash_and_start();
  BOOST_TEST(text(*result) == "done");
}

BOOST_AUTO_TEST_CASE(a_reader_may_take_as_long_as_it_likes_to_the_end) {
  answer_at_once();
  checkpoints().timing.tolerated_failures = 0;
  begin();
  sinks["out"].prepare_waits = 1;
  end();
  advance(24h);
  BOOST_TEST(!result.has_value());
  BOOST_TEST(counts().failed() == 0u);
  make_ready("out");
  BOOST_TEST(text(*result) == "done");
}

BOOST_AUTO_TEST_CASE(the_input_may_end_while_a_checkpoint_is_under_way) {
  answer_at_once();
  begin();
  hold_store();
  put({1});
  next_checkpoint();
  end();
  BOOST_TEST(transcript() == "prepare out 1\nclose in\nclose op\nprepare out 2 last\n");
  let_store_go();
  BOOST_TEST(transcript()
             == "make durable out 1\nwrite 1\ncommit out 1\nmake durable out 2\nwrite 2\nremove 0\n"
                "commit out 2\nwrite 3 finished\nremove 1\nended done\n");
}

BOOST_AUTO_TEST_CASE(a_checkpoint_may_be_under_way_while_the_stream_ends) {
  begin();
  put({1});
  end();
  BOOST_TEST(transcript() == "close in\n");
  next_checkpoint();
  BOOST_TEST(transcript() == "prepare out 1\nmake durable out 1\nwrite 1\ncommit out 1\n");
  BOOST_TEST(about(1).instances.at(0).summary.times->ended);
  crash_and_start();
  BOOST_TEST(transcript()
             == "open out\nopen op\nopen in\nrecover out 1 up to 1\nclose in\ncall op 1\n");
  complete(1);
  BOOST_TEST(
    transcript()
    == "close op\nwrite out 10\nprepare out 2 last\nmake durable out 2\nwrite 2\nremove 0\n"
       "commit out 2\nwrite 3 finished\nremove 1\nended done\n");
}

BOOST_AUTO_TEST_CASE(who_is_told_to_stop_while_a_reader_holds_its_end_up_waits_for_a_second) {
  expects_commits = false;
  answer_at_once();
  begin();
  put({1});
  sinks["out"].prepare_waits = 1;
  end();
  advance(1h);
  stop();
  advance(999ms);
  BOOST_TEST(!result.has_value());
  advance(1ms);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(text(*result)
             == "stopped at 0, 0 held, since checkpoint 1: there is no answer yet of sink out "
                "(timeout_error)");
}

BOOST_AUTO_TEST_CASE(so_does_one_while_a_commit_does) {
  answer_at_once();
  begin();
  sinks["out"].commit_waits = 1;
  put({1});
  end();
  advance(1h);
  stop();
  advance(1s);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(text(*result) == "stopped at 1, 0 held");
  crash();
  sinks["out"].commit_waits = 0;
  start_again();
  BOOST_TEST(text(*result) == "done");
}

BOOST_AUTO_TEST_CASE(one_whose_sinks_commit_in_that_second_is_done) {
  answer_at_once();
  begin();
  sinks["out"].commit_waits = 1;
  end();
  stop();
  transcript();
  make_ready("out");
  BOOST_TEST(transcript() == "commit out 1\nwrite 2 finished\nremove 0\nended done\n");
}

BOOST_AUTO_TEST_CASE(a_stop_does_not_wait_for_the_next_try_of_a_last_checkpoint) {
  expects_commits = false;
  answer_at_once();
  checkpoints().timing.interval = 1min;
  begin();
  let_store_fail("write");
  end();
  transcript();
  stop();
  BOOST_TEST(transcript()
             == "prepare out 2 last\nmake durable out 2\nwrite 2\ncommit out 2\nwrite 3 finished\n"
                "remove 0\nended done\n");
  // Nor is there another behind one that fails.
  line of;
  of.expects_commits = false;
  of.answer_at_once();
  of.begin();
  of.let_store_fail("write", 2);
  of.end();
  of.stop();
  BOOST_REQUIRE(of.result.has_value());
  BOOST_TEST(text(*of.result) == "stopped at 0, 0 held, since disk: it is full (io)");
}

BOOST_AUTO_TEST_CASE(a_drain_whose_deadline_passes_while_a_reader_holds_the_end_up_ends_the_job) {
  for (const bool drained_first : {true, false}) {
    line of;
    of.expects_commits = false;
    of.begin();
    of.put({1});
    of.sinks["out"].prepare_waits = 1;
    of.end();
    if (drained_first)
      of.drain(50ms);
    of.complete(1);
    if (!drained_first)
      of.drain(50ms);
    of.advance(1049ms);
    BOOST_TEST(!of.result.has_value());
    of.advance(1ms);
    BOOST_REQUIRE(of.result.has_value());
    BOOST_TEST(text(*of.result)
               == "drained at 0, 0 held, since checkpoint 1: there is no answer yet of sink out "
                  "(timeout_error)");
  }
  expects_commits = false;
}

BOOST_AUTO_TEST_CASE(a_job_whose_output_is_visible_is_done_whatever_happens_before_that_is_noted) {
  for (const std::string event : {"stop", "cancel", "drain"}) {
    line of;
    of.answer_at_once();
    of.begin();
    of.sinks["out"].commit_waits = 1;
    of.end();
    of.hold_store();
    if (event == "drain")
      of.drain(50ms);
    of.make_ready("out");
    BOOST_TEST(!of.result.has_value());
    if (event == "stop")
      of.stop();
    else if (event == "cancel")
      of.cancel();
    else
      of.advance(50ms);
    BOOST_REQUIRE_MESSAGE(of.result.has_value(), event);
    BOOST_TEST(text(*of.result) == "done", event);
  }
  expects_commits = false;
}

// -- stop --

BOOST_AUTO_TEST_CASE(a_stopped_job_makes_a_last_checkpoint_and_awaits_nothing) {
  begin();
  put({1, 2});
  complete(1);
  transcript();
  stop();
  BOOST_TEST(
    transcript()
    == "close in\nprepare out 1\nmake durable out 1\nwrite 1 stopped\ncommit out 1\nclose op\n"
       "abandon out\nended stopped at 1, 1 held\n");
  push({3});
  crash_and_start();
  BOOST_TEST(transcript()
             == "open out\nopen op\nopen in\nrecover out 1 up to 1\ncall op 2\ncall op 3\n");
}

BOOST_AUTO_TEST_CASE(a_source_reads_no_more_once_its_job_is_stopped) {
  answer_at_once();
  begin();
  hold_store();
  stop();
  push({1});
  BOOST_TEST(transcript() == "close in\nprepare out 1\n");
  let_store_go();
  BOOST_TEST(text(*result) == "stopped at 1, 0 held");
  BOOST_TEST(sources["in"].given == 0u);
}

BOOST_AUTO_TEST_CASE(behind_the_last_barrier_nothing_is_called_and_nothing_fails) {
  std::get<weir::operator_plan>(plan.stages[1].what).options.max_concurrent_calls = 1;
  begin();
  put({1, 2});
  hold_store();
  stop();
  BOOST_TEST(transcript() == "close in\nprepare out 1\n");
  fail(1, "io");
  BOOST_TEST(transcript() == "");
  let_store_go();
  BOOST_TEST(transcript()
             == "make durable out 1\nwrite 1 stopped\ncommit out 1\nclose op\nabandon out\n"
                "ended stopped at 1, 2 held\n");
  crash_and_start();
  BOOST_TEST(transcript() == "open out\nopen op\nopen in\nrecover out 1 up to 1\ncall op 1\n");
}

BOOST_AUTO_TEST_CASE(nor_behind_that_of_a_drain_that_was_cut_off) {
  std::get<weir::operator_plan>(plan.stages[1].what).options.max_concurrent_calls = 1;
  begin();
  put({1, 2});
  hold_store();
  drain(50ms);
  advance(50ms);
  BOOST_TEST(transcript() == "close in\nprepare out 1\n");
  fail(1, "io");
  BOOST_TEST(transcript() == "");
  let_store_go();
  BOOST_TEST(text(*result) == "drained at 1, 2 held");
}

BOOST_AUTO_TEST_CASE(a_job_can_be_stopped_in_each_phase_and_twice) {
  for (const std::string phase : {"opening", "beginning", "recovering", "running"})
    for (const int times : {1, 2}) {
      line of;
      of.sources["in"].items.push_back({1});
      of.reach(phase);
      for (int i = 0; i < times; ++i)
        of.runner->stop();
      of.let_store_go();
      BOOST_REQUIRE_MESSAGE(of.result.has_value(), phase);
      BOOST_TEST(job_fixture::text(*of.result) == "stopped at 1, 1 held", phase);
    }
  expects_commits = false;
}

BOOST_AUTO_TEST_CASE(so_can_it_be_drained_and_cancelled) {
  for (const std::string phase : {"opening", "beginning", "recovering", "running"}) {
    line drained;
    drained.sources["in"].items.push_back({1});
    drained.answer_at_once();
    drained.reach(phase);
    drained.runner->drain(1s);
    drained.runner->drain(1s);
    drained.let_store_go();
    BOOST_REQUIRE_MESSAGE(drained.result.has_value(), phase);
    BOOST_TEST(job_fixture::text(*drained.result) == "drained at 1, 0 held", phase);

    line cancelled;
    cancelled.expects_commits = false;
    cancelled.reach(phase);
    cancelled.runner->cancel();
    cancelled.runner->cancel();
    cancelled.let_store_go();
    BOOST_REQUIRE_MESSAGE(cancelled.result.has_value(), phase);
    BOOST_TEST(job_fixture::text(*cancelled.result) == "cancelled", phase);
  }
  expects_commits = false;
}

BOOST_AUTO_TEST_CASE(a_stop_whose_checkpoint_fails_is_one_all_the_same) {
  begin();
  next_checkpoint();
  let_store_fail("write");
  stop();
  BOOST_TEST(text(*result) == "stopped at 1, 0 held, since disk: it is full (io)");
  BOOST_TEST(result->text()
             == "stopped at checkpoint 1, which holds 0 records\ndisk: it is full (io)");
}

BOOST_AUTO_TEST_CASE(a_reader_that_does_not_read_holds_up_a_stop_for_a_second) {
  answer_at_once();
  begin();
  next_checkpoint();
  sinks["out"].appetite = 0;
  put({1});
  stop();
  BOOST_TEST(transcript() == "close in\n");
  advance(999ms);
  BOOST_TEST(!result.has_value());
  advance(1ms);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(text(*result)
             == "stopped at 1, 0 held, since checkpoint 2: there is no answer yet of sink out "
                "(timeout_error)");
}

BOOST_AUTO_TEST_CASE(so_does_one_for_which_a_commit_waits) {
  begin();
  sinks["out"].commit_waits = 1;
  stop();
  advance(999ms);
  BOOST_TEST(!result.has_value());
  advance(1ms);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(text(*result) == "stopped at 1, 0 held");
  BOOST_TEST(told.size() == 1u);
  crash_and_start();
  BOOST_TEST(transcript().find("recover out 1 up to 1") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_stop_ends_once_where_its_time_and_that_of_its_checkpoint_are_over_together) {
  answer_at_once();
  checkpoints().timing.timeout = 1s;
  begin();
  next_checkpoint();
  sinks["out"].appetite = 0;
  put({1});
  stop();
  advance(1s);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(text(*result)
             == "stopped at 1, 0 held, since checkpoint 2: there is no answer yet of sink out "
                "(timeout_error)");
}

BOOST_AUTO_TEST_CASE(a_stopped_job_may_be_cancelled) {
  expects_commits = false;
  begin();
  hold_store();
  stop();
  cancel();
  BOOST_TEST(text(*result) == "cancelled");
  BOOST_TEST(result->checkpoint.value() == 0u);
}

BOOST_AUTO_TEST_CASE(without_checkpoints_a_stop_is_a_drain_without_time) {
  expects_commits = false;
  settings.checkpoints.reset();
  job_fixture::start();
  push({1});
  stop();
  BOOST_TEST(text(*result) == "drained, 1 left behind");
  // The fixture asks no more.
  settings.checkpoints.emplace();
}

// -- drain --

BOOST_AUTO_TEST_CASE(a_drained_job_can_go_on_reading) {
  answer_at_once();
  begin();
  put({1});
  drain(1s);
  BOOST_TEST(
    transcript()
    == "close in\nclose op\nprepare out 1 last\nmake durable out 1\nwrite 1 drained\ncommit out 1\n"
       "ended drained at 1, 0 held\n");
  push({2});
  crash_and_start();
  BOOST_TEST(transcript()
             == "open out\nopen op\nopen in\nrecover out 1 up to 1\ncall op 2\nwrite out 20\n");
}

BOOST_AUTO_TEST_CASE(what_is_left_at_the_deadline_of_a_drain_is_in_its_last_checkpoint) {
  begin();
  put({1, 2});
  drain(50ms);
  complete(1);
  transcript();
  advance(50ms);
  BOOST_TEST(
    transcript()
    == "prepare out 1\nmake durable out 1\nwrite 1 drained\ncommit out 1\nclose op\nabandon out\n"
       "ended drained at 1, 1 held\n");
  push({3});
  crash_and_start();
  BOOST_TEST(transcript()
             == "open out\nopen op\nopen in\nrecover out 1 up to 1\ncall op 2\ncall op 3\n");
  // It has not ended: a record that fails has its retries.
  complete(2);
  complete(3);
  BOOST_TEST(transcript() == "write out 20\nwrite out 30\n");
}

BOOST_AUTO_TEST_CASE(each_checkpoint_that_is_made_while_a_job_is_drained_can_be_gone_on_from) {
  begin();
  put({1});
  drain(1h);
  transcript();
  next_checkpoint();
  BOOST_TEST(transcript() == "prepare out 1\nmake durable out 1\nwrite 1 drained\ncommit out 1\n");
  push({2});
  crash_and_start();
  BOOST_TEST(transcript()
             == "open out\nopen op\nopen in\nrecover out 1 up to 1\ncall op 1\ncall op 2\n");
}

BOOST_AUTO_TEST_CASE(also_the_one_that_was_under_way_when_the_drain_began) {
  begin();
  put({1});
  sinks["out"].prepare_waits = 1;
  next_checkpoint();
  drain(1h);
  make_ready("out");
  BOOST_TEST(transcript()
             == "close in\nprepare out 1\nmake durable out 1\nwrite 1 drained\ncommit out 1\n");
}

BOOST_AUTO_TEST_CASE(a_job_that_is_drained_can_be_stopped) {
  begin();
  put({1});
  drain(1h);
  stop();
  BOOST_TEST(text(*result) == "stopped at 1, 1 held");
  BOOST_TEST((about(1).kind == checkpoint_kind::drained));
  push({2});
  transcript();
  crash_and_start();
  BOOST_TEST(transcript()
             == "open out\nopen op\nopen in\nrecover out 1 up to 1\ncall op 1\ncall op 2\n");
}

BOOST_AUTO_TEST_CASE(a_drain_of_a_job_that_has_read_all_finishes_it) {
  begin();
  put({1});
  end();
  drain(1s);
  complete(1);
  BOOST_TEST(text(*result) == "done");
  BOOST_TEST((about(2).kind == checkpoint_kind::finished));
}

// -- failures on the way --

BOOST_AUTO_TEST_CASE(output_that_is_lost_at_the_end_fails_the_job) {
  expects_commits = false;
  answer_at_once();
  begin();
  sinks["out"].durable_error = broken;
  put({1});
  end();
  BOOST_TEST(text(*result) == "failed sink out io");
  sinks["out"].durable_error.reset();
  crash_and_start();
  BOOST_TEST(text(*result) == "done");
}

BOOST_AUTO_TEST_CASE(a_commit_that_fails_at_the_end_fails_the_job) {
  begin();
  sinks["out"].commit_error = broken;
  end();
  BOOST_TEST(text(*result) == "failed disk io");
  BOOST_TEST(stored().back() == 1u);
}

BOOST_AUTO_TEST_CASE(a_stage_that_fails_in_front_of_the_last_barrier_fails_the_job) {
  expects_commits = false;
  begin();
  put({1});
  runner->stop();
  functions["op"].take(1).fail({"io", "service", "it said no"});
  world.run();
  BOOST_TEST(text(*result) == "failed operator op io at record 0/0");
}

BOOST_AUTO_TEST_SUITE_END()
