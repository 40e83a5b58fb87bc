// SPDX-License-Identifier: Apache-2.0

// The shell around the machine: credit, batches, wake-ups and timers, seen through a whole small job.

#include "../support/job_fixture.hpp"

#include <thread>

using namespace std::chrono_literals;
using weir::error_kind::timeout;
using weir::testing::job_fixture;

BOOST_FIXTURE_TEST_SUITE(operator_stage, job_fixture)

BOOST_AUTO_TEST_CASE(a_record_goes_through_a_whole_job) {
  add_line();
  start();
  BOOST_TEST(transcript() == "open out\nopen op\nopen in\n");
  push({1, 2});
  BOOST_TEST(transcript() == "call op 1\ncall op 2\n");
  complete(2);
  BOOST_TEST(transcript() == "");
  complete(1);
  BOOST_TEST(transcript() == "write out 10\nwrite out 20\n");
  end();
  BOOST_TEST(transcript() == "close in\nclose op\nprepare out\ncommit out\nended done\n");
  BOOST_TEST(result->ok());
}

BOOST_AUTO_TEST_CASE(unordered_results_leave_as_they_come) {
  add_line(weir::output_mode::unordered);
  start();
  push({1, 2, 3});
  transcript();
  complete(3);
  complete(1);
  BOOST_TEST(transcript() == "write out 30\nwrite out 10\n");
}

BOOST_AUTO_TEST_CASE(an_answer_that_came_before_the_deadline_counts_behind_another_message) {
  // GIVEN a record whose timeout passes at 1 s
  add_pool("store");
  add_line().timeout = 1s;
  functions["op"].asks_pool = true;
  start();
  push({1});
  world.advance_without_running(999ms);
  // WHEN the answer is under way through the pool before the deadline, and nobody runs until it has passed
  drivers["store"].answer(1);
  world.step();
  world.advance_without_running(1s);
  world.run();
  // THEN it counts
  BOOST_TEST(written() == (std::vector{10}), boost::test_tools::per_element());
  BOOST_TEST(status().timeouts == 0u);
}

BOOST_AUTO_TEST_CASE(an_answer_that_waits_behind_an_old_wake_up_counts) {
  // GIVEN two records whose timeouts pass at 1 s and 1.5 s
  add_pool("store");
  auto& options = add_line();
  options.timeout = 1s;
  options.on_failure = weir::failure_action::drop;
  functions["op"].asks_pool = true;
  start();
  push({1});
  advance(500ms);
  push({2});
  // WHEN the first one's wake-up comes, then the second one's answer, and both are looked at at 2 s
  world.advance_without_running(500ms);
  drivers["store"].answer(2);
  BOOST_TEST(world.step_of("weir.pool"));
  world.advance_without_running(1s);
  world.run();
  // THEN the first has timed out, and the second not
  BOOST_TEST(written() == (std::vector{20}), boost::test_tools::per_element());
  BOOST_TEST(status().timeouts == 1u);
}

BOOST_AUTO_TEST_CASE(a_completion_that_came_before_the_deadline_counts) {
  add_line().timeout = 1s;
  start();
  push({1});
  world.advance_without_running(999ms);
  functions["op"].take(1).complete(10);
  world.advance_without_running(5s);
  world.run();
  BOOST_TEST(written() == (std::vector{10}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_timeout_fails_the_job_and_names_the_record) {
  add_line().timeout = 1s;
  start();
  push({1, 2});
  complete(1);
  advance(999ms);
  BOOST_TEST(!result);
  advance(1ms);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST((result->end == weir::job_end::failed));
  BOOST_TEST(result->why.front().kind() == timeout);
  BOOST_TEST(result->record.find("0/1") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_timeout_far_ahead_needs_no_far_message) {
  add_line().timeout = 1h;
  start();
  push({1});
  BOOST_TEST(world.timers() == 1u);
  BOOST_TEST((world.next_timer() <= world.now() + 1s));
  advance(59min);
  BOOST_TEST(!result);
  BOOST_TEST(world.timers() == 1u);
  advance(1min);
  BOOST_TEST(result.has_value());
}

BOOST_AUTO_TEST_CASE(a_failed_call_is_made_again_after_its_back_off) {
  auto& options = add_line();
  options.timeout = 10s;
  options.retry = weir::fixed_delay{2, 300ms, weir::any_error()};
  start();
  push({1});
  fail(1, "refused");
  BOOST_TEST(transcript().find("attempt") == std::string::npos);
  advance(299ms);
  BOOST_TEST(transcript() == "");
  advance(1ms);
  BOOST_TEST(transcript() == "call op 1 attempt 2\n");
  complete(1);
  BOOST_TEST(transcript() == "write out 10\n");
  BOOST_TEST(status().retries == 1u);
}

BOOST_AUTO_TEST_CASE(completions_from_foreign_threads_wake_the_operator_once) {
  add_line();
  start();
  push_many(0, 50);
  const auto before = world.steps();
  auto& held = functions["op"].held;
  BOOST_TEST(held.size() == 50u);
  std::thread foreign{[&] {
    for (auto& [record, done] : held)
      done.complete(10 * record);
  }};
  foreign.join();
  BOOST_TEST(world.steps() == before);
  // One message for all completions, one for the flush, one for the sink, and what follows there.
  std::size_t completions = 0;
  world.watch([&](caf::scheduled_actor&, const caf::type_erased_tuple& what) {
    completions += what.match_elements<weir::completions_atom>() ? 1 : 0;
  });
  world.run();
  BOOST_TEST(completions == 1u);
  BOOST_TEST(written().size() == 50u);
  held.clear();
}

BOOST_AUTO_TEST_CASE(results_of_one_message_leave_in_one_batch) {
  add_line();
  start();
  std::size_t batches = 0;
  world.watch([&](caf::scheduled_actor& to, const caf::type_erased_tuple& what) {
    batches += what.match_elements<weir::channel_id, weir::batch_handle>()
               && std::string{to.name()} == "weir.sink";
  });
  functions["op"].answer = [](int x, weir::result_future<int> done) { done.complete(x); };
  push_many(0, 500);
  BOOST_TEST(written().size() == 500u);
  BOOST_TEST(batches == 1u);
}

BOOST_AUTO_TEST_CASE(one_flush_follows_all_messages_that_lay_in_the_mailbox) {
  add_line();
  functions["op"].answer = [](int x, weir::result_future<int> done) { done.complete(x); };
  sources["in"].span = 1;
  start();
  for (int i = 0; i < 5; ++i)
    sources["in"].items.push_back({i});
  fds.make_ready(sources["in"].fd);
  // GIVEN five batches in the operator's mailbox
  while (world.step_of("weir.source")) {
  }
  std::size_t flushes = 0;
  std::size_t batches = 0;
  world.watch([&](caf::scheduled_actor& to, const caf::type_erased_tuple& what) {
    flushes += std::string{to.name()} == "weir.operator" && what.match_elements<caf::flush_atom>();
    batches += std::string{to.name()} == "weir.sink"
               && what.match_elements<weir::channel_id, weir::batch_handle>();
  });
  world.run();
  // THEN what came of them leaves together
  BOOST_TEST(written().size() == 5u);
  BOOST_TEST(flushes == 1u);
  BOOST_TEST(batches == 1u);
}

BOOST_AUTO_TEST_CASE(a_sink_that_stands_still_holds_the_source) {
  // GIVEN small batches and an operator of capacity 5 between a full source and a sink that takes nothing
  plan.batches = {4, 1 << 20};
  add_line().capacity = 5;
  functions["op"].answer = [](int x, weir::result_future<int> done) { done.complete(x); };
  sinks["out"].appetite = 0;
  log.muted = true;
  start();
  // WHEN there is no end of records
  push_many(0, 10'000);
  // THEN what lies between them is bounded: credit of four batches twice, the queue, one open batch
  const auto read = runner->status().sources[0].records_out;
  BOOST_TEST(read <= 4u * 4 + 5 + 4 * 4 + 4);
  BOOST_TEST(functions["op"].calls <= 4u * 4 + 5);
  // WHEN it takes some
  feed(100);
  BOOST_TEST(written().size() == 100u);
  BOOST_TEST(runner->status().sources[0].records_out <= 100 + read);
  // THEN the rest follows when it takes all
  end();
  feed(10'000);
  BOOST_TEST(written().size() == 10'000u);
  BOOST_TEST(std::is_sorted(written().begin(), written().end()));
  BOOST_TEST(result->ok());
}

BOOST_AUTO_TEST_CASE(not_more_than_the_capacity_is_under_way) {
  auto& options = add_line();
  options.capacity = 7;
  options.max_concurrent_calls = 3;
  start();
  push_many(0, 100);
  BOOST_TEST(functions["op"].held.size() == 3u);
  BOOST_TEST(status().queued == 7u);
  complete(1);
  BOOST_TEST(functions["op"].held.size() == 3u);
  BOOST_TEST(status().queued == 7u);
  complete(0);
  BOOST_TEST(written().size() == 2u);
}

BOOST_AUTO_TEST_CASE(dead_letters_leave_at_their_own_output) {
  auto& options = add_line();
  options.on_failure = weir::failure_action::dead_letter;
  add_dead_letter_sink("op", "dead");
  start();
  push({1, 2, 3});
  fail(2, "refused");
  complete(1);
  complete(3);
  end();
  BOOST_TEST(written() == (std::vector{10, 30}), boost::test_tools::per_element());
  BOOST_TEST(written("dead") == (std::vector{2}), boost::test_tools::per_element());
  BOOST_TEST(result->ok());
}

BOOST_AUTO_TEST_CASE(a_dead_letter_sink_that_stands_still_holds_what_is_behind_a_dead_letter) {
  plan.batches = {1, 1 << 20};
  auto& options = add_line();
  options.on_failure = weir::failure_action::dead_letter;
  options.capacity = 3;
  functions["op"].answer = [](int x, weir::result_future<int> done) {
    done.fail({"refused", "service", std::to_string(x)});
  };
  add_dead_letter_sink("op", "dead");
  sinks["dead"].appetite = 0;
  start();
  push_many(0, 100);
  BOOST_TEST(functions["op"].calls <= 10u);
  end();
  feed(100, "dead");
  BOOST_TEST(written("dead").size() == 100u);
  BOOST_TEST(result->ok());
}

BOOST_AUTO_TEST_CASE(a_callback_that_throws_fails_the_job_with_what_it_said) {
  add_pool("store");
  add_line();
  functions["op"].asks_pool = true;
  functions["op"].on_answer = [](int) { throw std::runtime_error("no such column"); };
  start();
  push({1, 2});
  answer(1);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST((result->end == weir::job_end::failed));
  BOOST_TEST(result->why.front().kind() == weir::error_kind::exception);
  BOOST_TEST(result->why.front().message().find("no such column") != std::string::npos);
  BOOST_TEST(transcript().find("close op") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_question_whose_record_has_timed_out_is_cancelled) {
  add_pool("store");
  auto& options = add_line();
  options.timeout = 1s;
  options.on_failure = weir::failure_action::drop;
  functions["op"].asks_pool = true;
  start();
  push({1});
  const auto token = drivers["store"].held.begin()->second.token;
  advance(1s);
  BOOST_TEST(drivers["store"].cancelled.size() == 1u);
  BOOST_TEST(drivers["store"].cancelled.at(0) == token);
  BOOST_TEST(status().dropped == 1u);
  BOOST_TEST(status().timeouts == 1u);
  // The late answer does no harm, and its place is free again.
  answer(1);
  push({2});
  answer(2);
  end();
  BOOST_TEST(written() == (std::vector{20}), boost::test_tools::per_element());
  BOOST_TEST(result->ok());
}

BOOST_AUTO_TEST_CASE(a_future_that_outlives_its_job_does_no_harm) {
  add_line();
  start();
  push({1, 2});
  cancel();
  BOOST_TEST(result.has_value());
  functions["op"].take(1).complete(10);
  functions["op"].held.clear();
  world.run();
  BOOST_TEST(written().empty());
}

BOOST_AUTO_TEST_SUITE_END()
