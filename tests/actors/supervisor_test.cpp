// SPDX-License-Identifier: Apache-2.0

// How a job starts and ends: all open or none, all commit or none, drain, cancel, and failures at every
// point.

#include "../support/job_fixture.hpp"

#include "supervisor.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_actor.hpp>

using namespace std::chrono_literals;
using weir::error;
using weir::job_end;
using weir::testing::actor_world;
using weir::testing::job_fixture;

namespace {

const error broken{"io", "disk", "it is full"};

struct line_fixture : job_fixture {
  line_fixture() { add_line(); }

  void answer_at_once() {
    functions["op"].answer = [](int x, weir::result_future<int> done) { done.complete(10 * x); };
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(supervisor, line_fixture)

// -- opening --

BOOST_AUTO_TEST_CASE(when_one_stage_does_not_open_the_others_are_closed_and_nothing_runs) {
  sinks["out"].open_error = broken;
  start();
  BOOST_TEST(transcript()
             == "open out\nopen op\nopen in\nclose in\nclose op\nended failed disk io\n");
  BOOST_TEST(sources["in"].polls == 0u);
  BOOST_TEST(sinks["out"].ended_by == "");
}

BOOST_AUTO_TEST_CASE(a_source_that_does_not_open_ends_the_job) {
  sources["in"].open_error = broken;
  start();
  BOOST_TEST(transcript()
             == "open out\nopen op\nopen in\nclose op\nabandon out\nended failed disk io\n");
}

BOOST_AUTO_TEST_CASE(a_function_that_does_not_open_ends_the_job) {
  functions["op"].open_error = broken;
  start();
  BOOST_TEST(transcript()
             == "open out\nopen op\nopen in\nclose in\nabandon out\nended failed operator op io\n");
  BOOST_TEST(result->why.front().text() == "operator op: disk: it is full (io)");
}

BOOST_AUTO_TEST_CASE(a_driver_that_does_not_open_starts_nothing) {
  add_pool("store");
  drivers["store"].open_error = broken;
  const auto mistakes = try_to_start();
  BOOST_REQUIRE(mistakes.size() == 1u);
  BOOST_TEST(mistakes.front().text() == broken.text());
  world.run();
  BOOST_TEST(transcript() == "open store\nclose store\n");
}

BOOST_AUTO_TEST_CASE(a_factory_that_throws_starts_nothing) {
  std::get<weir::source_plan>(plan.stages[0].what).make
    = []() -> std::unique_ptr<weir::source_body> { throw std::runtime_error("no memory"); };
  const auto mistakes = try_to_start();
  BOOST_REQUIRE(mistakes.size() == 1u);
  BOOST_TEST(mistakes.front().kind() == weir::error_kind::exception);
  BOOST_TEST(mistakes.front().message().find("no memory") != std::string::npos);
  world.run();
  BOOST_TEST(world.actors() == 0u);
  BOOST_TEST(transcript() == "");
}

BOOST_AUTO_TEST_CASE(a_function_that_cannot_be_made_ends_the_job) {
  std::get<weir::operator_plan>(plan.stages[1].what).make
    = [](weir::operator_parts) -> std::unique_ptr<weir::operator_body> {
    throw std::runtime_error("no memory");
  };
  const auto mistakes = try_to_start();
  world.run();
  BOOST_TEST((!mistakes.empty() || (result && result->end == job_end::failed)));
}

BOOST_AUTO_TEST_CASE(a_cancel_while_the_stages_open_is_a_cancel) {
  BOOST_TEST(try_to_start().empty());
  cancel();
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST((result->end == job_end::cancelled));
  BOOST_TEST(sources["in"].polls == 0u);
}

// -- failing --

BOOST_AUTO_TEST_CASE(a_source_that_fails_ends_the_job_and_the_sink_abandons) {
  start();
  push({1});
  complete(1);
  sources["in"].poll_error = broken;
  transcript();
  wake("in");
  BOOST_TEST(transcript() == "close in\nclose op\nabandon out\nended failed disk io\n");
}

BOOST_AUTO_TEST_CASE(a_sink_that_fails_ends_the_job) {
  answer_at_once();
  start();
  push({1});
  transcript();
  sinks["out"].write_error = broken;
  push({2});
  BOOST_TEST(transcript() == "call op 2\nclose in\nclose op\nabandon out\nended failed disk io\n");
}

BOOST_AUTO_TEST_CASE(a_record_that_fails_is_named) {
  start();
  push({1, 2});
  fail(2, "refused");
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST((result->end == job_end::failed));
  BOOST_TEST(result->why.front().kind() == "refused");
  BOOST_TEST(!result->record.empty());
  BOOST_TEST(sinks["out"].ended_by == "abandon");
}

BOOST_AUTO_TEST_CASE(the_stage_that_fails_is_named_and_an_operators_error_begins_with_it) {
  const auto failure = [&] {
    const auto how = std::exchange(result, std::nullopt).value();
    runner.reset();
    sources.clear();
    functions.clear();
    sinks.clear();
    return how.stage + " | " + how.why.front().text();
  };
  // An error of the user's, about another thing
  start();
  push({1});
  fail(1, "refused");
  BOOST_TEST(failure() == "op | operator op: service: it said no (refused)");
  // One that is about the operator
  functions["op"].answer = [](int, weir::result_future<int>) {};
  start();
  push({1});
  BOOST_TEST(failure().starts_with("op | operator op: "));
  // Those of sources and sinks begin as they say
  sources["in"].poll_error = broken;
  start();
  BOOST_TEST(failure() == "in | disk: it is full (io)");
  sinks["out"].open_error = broken;
  start();
  BOOST_TEST(failure() == "out | disk: it is full (io)");
}

BOOST_AUTO_TEST_CASE(only_the_first_failure_counts) {
  start();
  push({1, 2});
  sources["in"].poll_error = broken;
  fds.make_ready(sources["in"].fd);
  functions["op"].take(1).fail({"refused", "service", ""});
  world.run();
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(result->why.size() == 1u);
  BOOST_TEST(sinks["out"].ended_by == "abandon");
}

BOOST_AUTO_TEST_CASE(whole_records_are_kept_where_that_is_wished) {
  settings.keep_partial = true;
  answer_at_once();
  start();
  push({1});
  cancel();
  BOOST_TEST(sinks["out"].ended_by == "abandon, keep");
  BOOST_TEST((result->end == job_end::cancelled));
}

// -- the two phases --

BOOST_AUTO_TEST_CASE(no_sink_commits_before_every_sink_is_prepared) {
  std::get<weir::operator_plan>(plan.stages[1].what).options.on_failure
    = weir::failure_action::dead_letter;
  add_dead_letter_sink("op", "dead");
  sinks["dead"].prepare_waits = 1;
  answer_at_once();
  start();
  push({1});
  transcript();
  end();
  BOOST_TEST(transcript() == "close in\nclose op\nprepare out\n");
  make_ready("dead");
  BOOST_TEST(transcript() == "prepare dead\ncommit out\ncommit dead\nended done\n");
}

BOOST_AUTO_TEST_CASE(a_sink_that_cannot_prepare_makes_all_abandon) {
  std::get<weir::operator_plan>(plan.stages[1].what).options.on_failure
    = weir::failure_action::dead_letter;
  add_dead_letter_sink("op", "dead");
  sinks["dead"].prepare_error = broken;
  start();
  end();
  BOOST_TEST((result->end == job_end::failed));
  BOOST_TEST(sinks["out"].ended_by == "abandon");
  BOOST_TEST(sinks["dead"].ended_by == "abandon");
}

BOOST_AUTO_TEST_CASE(a_commit_that_fails_takes_back_what_others_have_committed) {
  std::get<weir::operator_plan>(plan.stages[1].what).options.on_failure
    = weir::failure_action::dead_letter;
  add_dead_letter_sink("op", "dead");
  sinks["dead"].commit_error = broken;
  start();
  end();
  BOOST_TEST((result->end == job_end::failed));
  BOOST_TEST(sinks["out"].ended_by == "commit, abandon");
  BOOST_TEST(sinks["dead"].ended_by == "abandon");
}

BOOST_AUTO_TEST_CASE(a_commit_that_fails_fails_the_job) {
  sinks["out"].commit_error = broken;
  start();
  end();
  BOOST_TEST((result->end == job_end::failed));
  BOOST_TEST(sinks["out"].ended_by == "abandon");
}

BOOST_AUTO_TEST_CASE(a_cancel_comes_too_late_when_the_sinks_commit) {
  std::get<weir::operator_plan>(plan.stages[1].what).options.on_failure
    = weir::failure_action::dead_letter;
  add_dead_letter_sink("op", "dead");
  start();
  sources["in"].ended = true;
  fds.make_ready(sources["in"].fd);
  bool cancelled = false;
  world.watch([&](caf::scheduled_actor&, const caf::type_erased_tuple& what) {
    // The first commit is about to be handled: the supervisor is committing.
    if (what.match_elements<weir::commit_request>() && !std::exchange(cancelled, true))
      runner->cancel();
  });
  world.run();
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(sinks["out"].ended_by == "commit");
  BOOST_TEST(sinks["dead"].ended_by == "commit");
  BOOST_TEST((result->end == job_end::done));
}

// -- drain --

BOOST_AUTO_TEST_CASE(a_drain_lets_come_out_what_was_read) {
  start();
  push({1, 2});
  drain(10s);
  transcript();
  complete(1);
  advance(9s);
  complete(2);
  BOOST_TEST(transcript()
             == "write out 10\nclose op\nwrite out 20\nprepare out\ncommit out\n"
                "ended drained, 0 left behind\n");
  // The deadline that was never needed does no harm.
  advance(10s);
}

BOOST_AUTO_TEST_CASE(a_drain_ends_at_its_deadline_with_what_there_is) {
  start();
  push({1, 2, 3});
  complete(1);
  drain(10s);
  complete(3);
  advance(9999ms);
  BOOST_TEST(!result);
  transcript();
  advance(1ms);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST((result->end == job_end::drained));
  BOOST_TEST(result->left_behind == 2u);
  BOOST_TEST(sinks["out"].ended_by == "commit");
  BOOST_TEST(written() == (std::vector{10}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(records_that_ended_without_a_result_are_not_left_behind) {
  start();
  push({1, 2, 3, 4});
  functions["op"].take(1).complete_empty();
  functions["op"].take(2).complete(std::vector{20, 21, 22});
  functions["op"].take(4).complete(40);
  world.run();
  drain(10s);
  advance(10s);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST((result->end == job_end::drained));
  BOOST_TEST(result->left_behind == 2u);
}

BOOST_AUTO_TEST_CASE(what_a_sink_writes_at_the_deadline_is_not_left_behind) {
  // GIVEN a batch that is under way to the sink when the deadline passes
  start();
  push({1});
  drain(1s);
  functions["op"].take(1).complete(10);
  world.step(); // The operator has the completion, and will send with its next message.
  world.advance_without_running(1s);
  world.run();
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(result->left_behind + written().size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_drain_without_a_limit_waits) {
  start();
  push({1});
  drain(weir::duration::max());
  advance(1h);
  BOOST_TEST(!result);
  complete(1);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST((result->end == job_end::drained));
  BOOST_TEST(result->left_behind == 0u);
}

BOOST_AUTO_TEST_CASE(a_drain_of_no_time_commits_what_was_written) {
  answer_at_once();
  start();
  push({1});
  drain(0s);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST((result->end == job_end::drained));
  BOOST_TEST(sinks["out"].ended_by == "commit");
}

BOOST_AUTO_TEST_CASE(a_drain_after_the_end_of_input_is_done) {
  start();
  push({1});
  end();
  drain(10s);
  complete(1);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST((result->end == job_end::done));
}

BOOST_AUTO_TEST_CASE(a_drain_after_the_end_of_input_that_is_cut_off_is_drained) {
  start();
  push({1});
  end();
  drain(10s);
  advance(10s);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST((result->end == job_end::drained));
  BOOST_TEST(result->left_behind == 1u);
}

BOOST_AUTO_TEST_CASE(a_second_drain_changes_nothing) {
  start();
  push({1});
  drain(10s);
  drain(1s);
  advance(5s);
  BOOST_TEST(!result);
  complete(1);
  BOOST_TEST((result->end == job_end::drained));
}

BOOST_AUTO_TEST_CASE(a_failure_during_a_drain_is_a_failure) {
  start();
  push({1});
  drain(10s);
  fail(1, "refused");
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST((result->end == job_end::failed));
  BOOST_TEST(sinks["out"].ended_by == "abandon");
}

BOOST_AUTO_TEST_CASE(a_sink_that_never_prepares_after_the_deadline_is_cancelled) {
  sinks["out"].prepare_waits = 1000;
  start();
  push({1});
  drain(10s);
  advance(10s);
  advance(999ms);
  BOOST_TEST(!result);
  advance(1ms);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST((result->end == job_end::cancelled));
  BOOST_TEST(sinks["out"].ended_by == "abandon");
}

// -- cancel --

BOOST_AUTO_TEST_CASE(a_cancel_stops_now) {
  start();
  push({1, 2});
  transcript();
  cancel();
  BOOST_TEST(transcript() == "close in\nclose op\nabandon out\nended cancelled\n");
}

BOOST_AUTO_TEST_CASE(a_second_cancel_and_one_after_the_end_do_nothing) {
  start();
  runner->cancel();
  runner->cancel();
  world.run();
  BOOST_TEST((result->end == job_end::cancelled));
  result.reset();
  cancel();
  drain(1s);
  BOOST_TEST(!result);
  result = weir::job_result{};
}

BOOST_AUTO_TEST_CASE(a_cancel_ends_a_drain) {
  start();
  push({1});
  drain(10s);
  cancel();
  BOOST_TEST((result->end == job_end::cancelled));
}

BOOST_AUTO_TEST_CASE(a_failure_after_a_cancel_is_still_a_cancel) {
  start();
  push({1});
  runner->cancel();
  functions["op"].take(1).fail({"refused", "service", ""});
  world.run();
  BOOST_TEST((result->end == job_end::cancelled));
}

// -- with checkpoints; more of that in checkpoint_end_test.cpp --

namespace {

/// A stage instance or a coordinator whose answers the test gives.
caf::behavior play(caf::event_based_actor* self, int) {
  return {
    [](caf::open_atom) {},
    [](weir::run_atom) {},
    [](weir::checkpoint_order) {},
    [=](const weir::stop_request&) { self->quit(); },
  };
}

} // namespace

BOOST_AUTO_TEST_CASE(what_fails_when_all_output_is_visible_fails_a_job_that_is_done_no_more) {
  for (const bool is_visible : {false, true}) {
    std::optional<weir::job_result> ended;
    auto parts = std::make_shared<weir::supervisor_parts>();
    parts->job = "test";
    parts->instances = {{weir::stage_kind::source, "in", world.system().spawn(play, 0)},
                        {weir::stage_kind::sink, "out", world.system().spawn(play, 1)}};
    parts->coordinator = caf::actor_cast<weir::coordinator_actor>(world.system().spawn(play, 2));
    parts->drain_services = [] { return weir::expected<bool>{false}; };
    parts->on_running = [] {};
    parts->on_stopping = [](const weir::job_result&) {};
    parts->on_end = [&](weir::job_result with) { ended = std::move(with); };
    const auto tested = world.system().spawn(weir::supervisor, parts);
    const auto tell = [&](const auto&... what) {
      caf::anon_send(tested, what...);
      world.run();
    };
    tell(weir::run_atom::value);
    for (const std::uint32_t each : {0, 1})
      tell(weir::instance_id{each}, weir::stage_event::opened);
    tell(weir::checkpoint_event{weir::checkpoint_news::begun});
    tell(weir::instance_id{1}, weir::stage_event::finished);
    if (is_visible)
      tell(weir::checkpoint_event{weir::checkpoint_news::visible});
    tell(weir::instance_id{1}, weir::stage_failure{broken, {}});
    BOOST_REQUIRE(ended.has_value());
    BOOST_TEST((ended->end == (is_visible ? job_end::done : job_end::failed)));
    BOOST_TEST(ended->why.empty() == is_visible);
  }
}

// -- leftovers --

BOOST_AUTO_TEST_CASE(a_source_whose_close_throws_does_no_harm) {
  sources["in"].throws_on_close = true;
  start();
  push({1});
  complete(1);
  end();
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST((result->end == job_end::done));
}

BOOST_AUTO_TEST_CASE(a_source_whose_close_throws_at_a_cancel_does_no_harm) {
  sources["in"].throws_on_close = true;
  start();
  cancel();
  BOOST_TEST((result->end == job_end::cancelled));
}

BOOST_AUTO_TEST_CASE(a_job_without_records_is_done) {
  sources["in"].ended = true;
  start();
  BOOST_TEST(
    transcript()
    == "open out\nopen op\nopen in\nclose in\nclose op\nprepare out\ncommit out\nended done\n");
}

BOOST_AUTO_TEST_CASE(the_time_that_a_job_took_is_told) {
  start();
  advance(1500ms);
  end();
  BOOST_TEST((result->took == 1500ms));
}

BOOST_AUTO_TEST_CASE(no_actor_is_left) {
  start();
  BOOST_TEST(world.actors() == 4u);
  end();
  BOOST_TEST(world.actors() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
