// SPDX-License-Identifier: Apache-2.0

// An operator that a program pushes to, in virtual time: what is taken, what is told, and how it ends.

#include "../support/service_fixture.hpp"

#include "weir/collection_source.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

using namespace std::chrono_literals;
using weir::event_time;
using weir::job_end;
using weir::output_mode;
using weir::push_result;
using weir::testing::service_fixture;

namespace {

using weir::testing::loose_coroutine;

/// Fills the service and lets a coroutine stand in line that does something when it has left it.
struct service_test : service_fixture {
  using action = std::function<void(bool taken)>;

  void fill_with_one_in_line(action then) {
    options.capacity = 1;
    waiting_max = 1;
    add();
    start();
    push({1});
    push({2});
    stand_in_line(3, std::move(then));
  }

  void stand_in_line(int x, action then) {
    waiting.insert_or_assign(x, stand(x, std::move(then)));
  }

private:
  loose_coroutine stand(int x, action then) {
    const auto pushed = co_await service->pushed(x);
    then(pushed.has_value());
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(services, service_test)

// -- results --

BOOST_AUTO_TEST_CASE(results_are_given_in_the_order_of_the_pushes) {
  add();
  start();
  BOOST_TEST(push({1, 2}) == "taken taken");
  BOOST_TEST(transcript() == "call ask 1\ncall ask 2\n");
  complete(2);
  BOOST_TEST(transcript() == "");
  complete(1);
  BOOST_TEST(transcript() == "result 10\nresult 20\n");
}

BOOST_AUTO_TEST_CASE(unordered_results_are_given_as_they_come) {
  add(output_mode::unordered);
  start();
  push({1, 2});
  transcript();
  complete(2);
  complete(1);
  BOOST_TEST(transcript() == "result 20\nresult 10\n");
}

BOOST_AUTO_TEST_CASE(records_of_a_key_are_called_one_after_the_other) {
  add(output_mode::key_ordered);
  start();
  // Its key is the number without its last digit.
  push({11, 12, 21});
  BOOST_TEST(transcript() == "call ask 11\ncall ask 21\n");
  complete(21);
  complete(11);
  BOOST_TEST(transcript() == "result 210\ncall ask 12\nresult 110\n");
  complete(12);
  BOOST_TEST(transcript() == "result 120\n");
}

BOOST_AUTO_TEST_CASE(a_result_comes_from_the_place_of_its_record) {
  std::vector<std::uint64_t> positions;
  on_result = [&](int, const weir::record_facts& of) { positions.push_back(of.from.position); };
  answer_at_once();
  add();
  start();
  service->try_push(1, {.position = 17, .timestamp = event_time{5}});
  service->try_push(2);
  service->try_push(3, {.position = 19});
  world.run();
  BOOST_TEST(positions == (std::vector<std::uint64_t>{17, 0, 19}), boost::test_tools::per_element());
  BOOST_TEST(transcript() == "call ask 1\ncall ask 2\ncall ask 3\nresult 10 @5\nresult 20\nresult 30\n");
}

BOOST_AUTO_TEST_CASE(several_results_of_a_record_differ_in_their_ordinal) {
  std::vector<weir::origin> from;
  on_result = [&](int, const weir::record_facts& of) { from.push_back(of.from); };
  add();
  start();
  service->try_push(1, {.position = 5});
  world.run();
  functions["ask"].take(1).complete(std::vector{10, 11});
  world.run();
  BOOST_REQUIRE(from.size() == 2u);
  BOOST_TEST(from[0].position == 5u);
  BOOST_TEST(from[1].position == 5u);
  BOOST_TEST(from[0].ordinal != from[1].ordinal);
}

BOOST_AUTO_TEST_CASE(results_that_nobody_takes_are_dropped) {
  answer_at_once();
  add(output_mode::ordered, {});
  start();
  push_tracked(1);
  service->push_watermark(event_time{1});
  finish();
  BOOST_TEST(transcript() == "call ask 1\nticket 1 delivered 1\nclose ask\nended done\n");
}

BOOST_AUTO_TEST_CASE(records_that_were_pushed_before_the_stage_runs_are_not_lost) {
  answer_at_once();
  add();
  BOOST_TEST(try_to_start().empty());
  BOOST_TEST((service->try_push(1) == push_result::taken));
  world.run();
  BOOST_TEST(transcript() == "open ask\ncall ask 1\nresult 10\n");
}

// -- bounds --

BOOST_AUTO_TEST_CASE(what_waits_is_bounded_beside_what_the_operator_holds) {
  options.capacity = 2;
  waiting_max = 3;
  add();
  start();
  // The operator takes two of the first three.
  BOOST_TEST(push({1, 2, 3, 4}) == "taken taken taken full");
  BOOST_TEST(push({4, 5, 6}) == "taken taken full");
  BOOST_TEST(status().queued == 2u);
  BOOST_TEST(status().waiting == 3u);
  // One that leaves makes room for one, though the batch that it came with is not used up.
  complete(1);
  BOOST_TEST(push({6, 7}) == "taken full");
}

BOOST_AUTO_TEST_CASE(without_a_bound_of_its_own_as_many_wait_as_the_operator_holds) {
  options.capacity = 2;
  add();
  start();
  push({1, 2});
  BOOST_TEST(push({3, 4, 5}) == "taken taken full");
}

BOOST_AUTO_TEST_CASE(one_message_brings_many_records) {
  waiting_max = 1000;
  options.capacity = 1000;
  answer_at_once();
  add();
  start();
  std::size_t messages = 0;
  world.watch([&](caf::scheduled_actor&, const caf::type_erased_tuple& what) {
    messages += what.match_elements<weir::pushed_atom>() ? 1 : 0;
  });
  for (int x = 0; x < 1000; ++x)
    service->try_push(x);
  world.run();
  BOOST_TEST(messages == 1u);
  BOOST_TEST(status().records_finished == 1000u);
}

BOOST_AUTO_TEST_CASE(a_stage_takes_one_batch_a_message_so_that_others_have_their_turn) {
  waiting_max = 10'000;
  answer_at_once();
  log.muted = true;
  add();
  start();
  std::size_t seen = 0;
  bool cancelled = false;
  world.watch([&](caf::scheduled_actor&, const caf::type_erased_tuple& what) {
    if (what.match_elements<weir::pushed_atom>() && ++seen == 2)
      cancelled = (runner->cancel(), true);
  });
  for (int x = 0; x < 10'000; ++x)
    service->try_push(x);
  world.run();
  BOOST_TEST(cancelled);
  BOOST_TEST((result->end == job_end::cancelled));
  BOOST_TEST(functions["ask"].calls < 5000u);
}

// -- standing in line --

BOOST_AUTO_TEST_CASE(a_result_is_given_before_more_is_taken_in) {
  options.capacity = 2;
  waiting_max = 10;
  add();
  start();
  for (int x = 1; x <= 4; ++x)
    push({x});
  BOOST_TEST(transcript() == "call ask 1\ncall ask 2\n");
  complete(1);
  BOOST_TEST(transcript() == "result 10\ncall ask 3\n");
}

BOOST_AUTO_TEST_CASE(a_coroutine_goes_on_when_there_is_room) {
  options.capacity = 1;
  waiting_max = 1;
  add();
  start();
  push({1});
  push({2});
  wait_in_line(3);
  wait_in_line(4);
  BOOST_TEST(transcript() == "call ask 1\n");
  complete(1);
  BOOST_TEST(transcript() == "result 10\ncall ask 2\ntaken 3\n");
  complete(2);
  BOOST_TEST(transcript() == "result 20\ncall ask 3\ntaken 4\n");
}

BOOST_AUTO_TEST_CASE(one_that_is_destroyed_while_it_waits_pushes_nothing) {
  options.capacity = 1;
  waiting_max = 1;
  add();
  start();
  push({1});
  push({2});
  wait_in_line(3);
  wait_in_line(4);
  waiting.erase(3);
  complete(1);
  complete(2);
  BOOST_TEST(transcript() == "call ask 1\nresult 10\ncall ask 2\ntaken 4\nresult 20\ncall ask 4\n");
}

BOOST_AUTO_TEST_CASE(where_there_is_room_it_does_not_wait) {
  add();
  wait_in_line(0);
  BOOST_TEST(transcript() == "closed 0\n");
  start();
  wait_in_line(1);
  BOOST_TEST(transcript() == "taken 1\ncall ask 1\n");
}

BOOST_AUTO_TEST_CASE(a_callback_may_push_what_it_makes_of_a_result) {
  answer_at_once();
  on_result = [&](int x, const weir::record_facts&) {
    if (x < 1000)
      service->try_push(x);
  };
  add();
  start();
  push({1});
  BOOST_TEST(transcript()
             == "call ask 1\nresult 10\ncall ask 10\nresult 100\ncall ask 100\nresult 1000\n");
}

// -- event time --

BOOST_AUTO_TEST_CASE(a_watermark_is_told_when_all_before_it_has_left) {
  add(output_mode::unordered);
  start();
  push({1});
  service->push_watermark(event_time{5});
  push({2});
  transcript();
  complete(2);
  BOOST_TEST(transcript() == "");
  complete(1);
  BOOST_TEST(transcript() == "result 10\nwatermark 5\nresult 20\n");
}

BOOST_AUTO_TEST_CASE(a_watermark_of_several_instances_is_the_least) {
  options.parallelism = 2;
  add(output_mode::unordered);
  start();
  push({1, 2});
  service->push_watermark(event_time{5});
  world.run();
  transcript();
  complete(2);
  BOOST_TEST(transcript() == "result 20\n");
  complete(1);
  BOOST_TEST(transcript() == "result 10\nwatermark 5\n");
}

BOOST_AUTO_TEST_CASE(a_watermark_passes_a_full_feed) {
  options.capacity = 1;
  waiting_max = 1;
  add();
  start();
  push({1, 2});
  push({2});
  BOOST_TEST(service->push_watermark(event_time{9}));
  complete(1);
  complete(2);
  BOOST_TEST(transcript()
             == "call ask 1\ncall ask 2\nresult 10\nresult 20\nwatermark 9\n");
}

// -- failures --

BOOST_AUTO_TEST_CASE(a_failure_fails_the_job_and_loses_what_was_under_way) {
  add();
  start();
  push_tracked(1);
  push_tracked(2);
  transcript();
  fail(2, "refused");
  BOOST_TEST(transcript()
             == "close ask\nticket 1 lost, refused\nticket 2 lost, refused\n"
                "ended failed, operator ask: store: it said no (refused), at record 0/1\n");
  BOOST_TEST(push({3}) == "closed");
}

BOOST_AUTO_TEST_CASE(dead_letters_and_dropped_records_are_told) {
  options.on_failure = weir::failure_action::dead_letter;
  options.failure_rules = {{"gone", weir::failure_action::drop}};
  add();
  start();
  for (int x = 1; x <= 3; ++x)
    push_tracked(x);
  transcript();
  fail(2, "gone");
  fail(1, "refused");
  complete(3);
  BOOST_TEST(transcript()
             == "dead letter 1 refused\nticket 1 dead letter, refused\nticket 2 dropped, gone\n"
                "result 30\nticket 3 delivered 1\n");
}

BOOST_AUTO_TEST_CASE(results_dead_letters_and_watermarks_are_told_in_the_order_in_which_they_leave) {
  options.on_failure = weir::failure_action::dead_letter;
  add();
  start();
  push({1, 2, 3});
  service->push_watermark(event_time{5});
  push({4, 5, 6});
  transcript();
  // Record 1 holds all others.
  for (const int x : {2, 5, 6})
    fail(x, "refused");
  for (const int x : {3, 4, 1})
    complete(x);
  BOOST_TEST(transcript()
             == "result 10\ndead letter 2 refused\nresult 30\nwatermark 5\nresult 40\n"
                "dead letter 5 refused\ndead letter 6 refused\n");
}

BOOST_AUTO_TEST_CASE(a_dead_letter_callback_that_throws_fails_the_job_too) {
  options.on_failure = weir::failure_action::dead_letter;
  auto to = telling();
  to.on_dead_letter = [](weir::dead_letter<int>&&) { throw std::runtime_error("no"); };
  to.on_watermark = [](event_time) { throw std::runtime_error("never told"); };
  add(output_mode::ordered, std::move(to));
  start();
  push({1, 2});
  service->push_watermark(event_time{5});
  world.run();
  transcript();
  functions["ask"].take(1).complete(10);
  functions["ask"].take(2).fail({"refused", "", ""});
  world.run();
  BOOST_TEST(transcript()
             == "result 10\nclose ask\n"
                "ended failed, operator ask: on_dead_letter threw: no (exception), at record 0/1\n");
}

BOOST_AUTO_TEST_CASE(so_does_one_for_watermarks) {
  auto to = telling();
  to.on_watermark = [](event_time) { throw std::runtime_error("no"); };
  add(output_mode::ordered, std::move(to));
  start();
  service->push_watermark(event_time{5});
  world.run();
  BOOST_TEST(transcript() == "close ask\nended failed, operator ask: on_watermark threw: no (exception)\n");
}

BOOST_AUTO_TEST_CASE(dead_letters_need_no_callback) {
  options.on_failure = weir::failure_action::dead_letter;
  add(output_mode::ordered, {});
  start();
  push_tracked(1);
  fail(1, "refused");
  BOOST_TEST(transcript() == "call ask 1\nticket 1 dead letter, refused\n");
  BOOST_TEST(status().dead_letters == 1u);
}

BOOST_AUTO_TEST_CASE(a_callback_that_throws_fails_the_job_by_the_services_name) {
  on_result = [](int x, const weir::record_facts&) {
    if (x == 20)
      throw std::runtime_error("no");
  };
  add();
  start();
  for (int x = 1; x <= 2; ++x)
    push_tracked(x);
  complete(1);
  transcript();
  complete(2);
  BOOST_TEST(transcript()
             == "result 20\nclose ask\nticket 2 lost, exception\n"
                "ended failed, operator ask: on_result threw: no (exception), at record 0/1\n");
}

BOOST_AUTO_TEST_CASE(so_does_one_of_a_ticket) {
  add();
  start();
  service->try_push_tracked(1)->on_settled(
    [](const weir::settlement&) { throw std::runtime_error("no"); });
  push_tracked(2);
  functions["ask"].take(1).complete(10);
  functions["ask"].take(2).complete(20);
  world.run();
  BOOST_TEST(transcript()
             == "call ask 1\ncall ask 2\nresult 10\nresult 20\nticket 2 delivered 1\nclose ask\n"
                "ended failed, operator ask: it threw: no (exception)\n");
}

BOOST_AUTO_TEST_CASE(what_was_delivered_before_the_failure_in_one_message_is_told) {
  add();
  start();
  push_tracked(1);
  push_tracked(2);
  transcript();
  functions["ask"].take(1).complete(10);
  functions["ask"].take(2).fail({"refused", "store", "it said no"});
  world.run();
  BOOST_TEST(transcript()
             == "result 10\nticket 1 delivered 1\nclose ask\nticket 2 lost, refused\n"
                "ended failed, operator ask: store: it said no (refused), at record 0/1\n");
}

BOOST_AUTO_TEST_CASE(a_function_that_does_not_open_fails_the_job_and_closes_the_service) {
  functions["ask"].open_error = weir::error{"io", "disk", "it is full"};
  add();
  BOOST_TEST(try_to_start().empty());
  push_tracked(1);
  BOOST_TEST(transcript() == "open ask\nticket 1 lost, io\nended failed, operator ask: disk: it is full (io)\n");
  BOOST_TEST(service->push(2).why().text()
             == "service ask: its job has ended: operator ask: disk: it is full (io) (closed)");
}

// -- ends --

BOOST_AUTO_TEST_CASE(the_end_of_input_ends_the_job_when_all_is_out) {
  add();
  start();
  push({1});
  finish();
  BOOST_TEST(push({2}) == "closed");
  BOOST_TEST(!result);
  transcript();
  complete(1);
  BOOST_TEST(transcript() == "result 10\nclose ask\nended done\n");
  BOOST_TEST(world.actors() == 0u);
}

BOOST_AUTO_TEST_CASE(the_end_gives_records_in_back_off_their_last_attempt_though_the_operator_is_full) {
  options.timeout = 1h;
  options.capacity = 1;
  options.retry = weir::fixed_delay{.max_attempts = 3, .delay = 10min, .if_error = weir::any_error()};
  add();
  start();
  push({1});
  fail(1, "refused");
  BOOST_TEST(transcript() == "call ask 1\n");
  finish();
  BOOST_TEST(transcript() == "call ask 1 attempt 2\n");
}

BOOST_AUTO_TEST_CASE(the_end_refuses_those_in_line) {
  options.capacity = 1;
  waiting_max = 1;
  add();
  start();
  push({1});
  push({2});
  wait_in_line(3);
  finish();
  BOOST_TEST(transcript() == "call ask 1\nclosed 3\n");
}

BOOST_AUTO_TEST_CASE(a_drain_takes_nothing_more_and_lets_come_out_what_was_taken) {
  options.capacity = 1;
  waiting_max = 1;
  add();
  start();
  push({1});
  push({2});
  wait_in_line(3);
  drain(10s);
  BOOST_TEST(push({4}) == "closed");
  complete(1);
  complete(2);
  BOOST_TEST(transcript()
             == "call ask 1\nclosed 3\nresult 10\ncall ask 2\nresult 20\nclose ask\n"
                "ended drained, 0 left behind\n");
}

BOOST_AUTO_TEST_CASE(a_coroutine_that_throws_where_a_drain_refuses_it_fails_the_job) {
  fill_with_one_in_line([](bool) { throw std::runtime_error("no"); });
  drain(10s);
  BOOST_TEST(transcript()
             == "call ask 1\nclose ask\n"
                "ended failed, operator ask: a coroutine that was refused threw: no (exception)\n");
}

BOOST_AUTO_TEST_CASE(where_the_end_of_input_refuses_it_the_one_who_ended_it_gets_what_it_throws) {
  fill_with_one_in_line([](bool) { throw std::runtime_error("no"); });
  BOOST_CHECK_THROW(service->finish(), std::runtime_error);
  // The input has ended all the same.
  complete(1);
  complete(2);
  BOOST_TEST(transcript()
             == "call ask 1\ncall ask 2\nresult 10\nresult 20\nclose ask\nended done\n");
}

BOOST_AUTO_TEST_CASE(a_coroutine_that_a_drain_refuses_must_not_wait) {
  std::string waited;
  std::optional<weir::ticket> made;
  fill_with_one_in_line([&](bool) { waited = made->wait_for(0s).why().kind(); });
  made = weir::ticket{std::make_shared<weir::ticket_state>()};
  drain(10s);
  BOOST_TEST(waited == "would_block");
}

BOOST_AUTO_TEST_CASE(a_drain_ends_at_its_deadline_and_counts_what_is_left) {
  options.capacity = 1;
  waiting_max = 2;
  add();
  start();
  for (int x = 1; x <= 3; ++x)
    push_tracked(x);
  transcript();
  drain(10s);
  complete(1);
  advance(10s);
  BOOST_TEST(transcript()
             == "result 10\ncall ask 2\nticket 1 delivered 1\nclose ask\nticket 2 lost, cancelled\n"
                "ticket 3 lost, cancelled\nended drained, 2 left behind\n");
}

BOOST_AUTO_TEST_CASE(a_drain_after_the_end_of_input_is_done) {
  add();
  start();
  push({1});
  finish();
  drain(10s);
  complete(1);
  BOOST_TEST((result->end == job_end::done));
}

BOOST_AUTO_TEST_CASE(a_cancel_stops_now) {
  options.capacity = 1;
  waiting_max = 1;
  add();
  start();
  push_tracked(1);
  push_tracked(2);
  wait_in_line(3);
  transcript();
  cancel();
  BOOST_TEST(transcript()
             == "closed 3\nclose ask\nticket 1 lost, cancelled\nticket 2 lost, cancelled\n"
                "ended cancelled\n");
}

BOOST_AUTO_TEST_CASE(a_cancel_before_it_runs_settles_too) {
  add();
  BOOST_TEST(try_to_start().empty());
  const auto made = service->try_push_tracked(1);
  runner->cancel();
  world.run();
  BOOST_TEST((made->wait()->kind == weir::settlement_kind::lost));
}

BOOST_AUTO_TEST_CASE(a_completion_after_the_end_does_no_harm) {
  add();
  start();
  push_tracked(1);
  auto late = functions["ask"].take(1);
  cancel();
  transcript();
  late.complete(10);
  world.run();
  BOOST_TEST(transcript() == "");
}

BOOST_AUTO_TEST_CASE(an_environment_may_be_started_again) {
  answer_at_once();
  add();
  start();
  push({1});
  cancel();
  start();
  push({2});
  finish();
  BOOST_TEST(transcript() == "call ask 2\nresult 20\nclose ask\nended done\n");
  start();
  push({3});
  BOOST_TEST(transcript() == "call ask 3\nresult 30\n");
}

BOOST_AUTO_TEST_CASE(a_service_runs_in_one_job_at_a_time) {
  add();
  start();
  weir::job_runner second{world.system(), env.plan(), settings};
  const auto mistakes = second.start([](const weir::job_result&) { BOOST_ERROR("it runs"); });
  BOOST_REQUIRE(mistakes.size() == 1u);
  BOOST_TEST(mistakes.front().text()
             == "service ask: it runs in a job already; end that, or make another environment (argument)");
  // The first goes on.
  BOOST_TEST(push({1}) == "taken");
}

// -- several in one environment --

namespace {

struct two_services : service_fixture {
  two_services() {
    answer_at_once();
    functions["other"].answer = [](int x, weir::result_future<int> done) { done.complete(x); };
    add();
    first = *service;
    options.name = "other";
    add();
  }

  /// Into both, in one moment.
  void push_and_finish(int x) {
    for (auto* each : {&*first, &*service}) {
      BOOST_TEST((each->try_push(x) == push_result::taken));
      each->finish();
    }
    world.run();
  }

  std::optional<weir::pusher<int>> first;
};

struct service_and_stream : service_fixture {
  service_and_stream() {
    answer_at_once();
    add();
    env.from_source([this] {
      if (fails_to_make)
        throw std::runtime_error("no memory");
      return std::make_unique<weir::collection_source<int>>(std::vector{7});
    }).sink_to([this](int x) { log.note("written " + std::to_string(x)); });
  }

  bool fails_to_make = false;
};

} // namespace

BOOST_FIXTURE_TEST_CASE(a_job_ends_with_the_last_of_its_services, two_services) {
  start();
  first->try_push(1);
  service->try_push(2);
  world.run();
  BOOST_TEST(transcript() == "call ask 1\nresult 10\ncall other 2\nresult 2\n");
  finish();
  BOOST_TEST(transcript() == "close other\n");
  BOOST_TEST((first->try_push(3) == push_result::taken));
  first->finish();
  world.run();
  BOOST_TEST(transcript() == "call ask 3\nresult 30\nclose ask\nended done\n");
}

// A pool tells who joins it at once how much may be asked: here often before the other service has opened.
BOOST_AUTO_TEST_CASE(what_a_pool_says_lets_none_begin_before_all_have_opened) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      weir::testing::driver_script store;
      two_services of;
      of.world.shuffle(seed);
      auto pool = of.env.client_pool(
        {.name = "store",
         .driver = [&](const weir::driver_settings&) -> weir::expected<std::unique_ptr<weir::client_driver>> {
           return std::unique_ptr<weir::client_driver>{new weir::testing::scripted_driver{store, of.log}};
         },
         .url = "script:"});
      pool.statement("look up", 1);
      of.functions["ask"].on_open = [&](weir::function_context& context) { pool.bind(context); };
      BOOST_REQUIRE(of.try_to_start().empty());
      of.push_and_finish(1);
      BOOST_REQUIRE(of.result.has_value());
      BOOST_TEST((of.result->end == job_end::done));
      const auto all = of.transcript();
      BOOST_TEST_INFO(all);
      BOOST_TEST(all.find("open other") < all.find("call ask 1"));
    }
  }
}

BOOST_FIXTURE_TEST_CASE(a_drain_that_finds_one_service_running_is_a_drain, two_services) {
  start();
  finish();
  drain(1s);
  BOOST_TEST((result->end == job_end::drained));
  BOOST_TEST(result->left_behind == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_job_with_a_stream_ends_with_both, service_and_stream) {
  start();
  BOOST_TEST(!result);
  push({1});
  finish();
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST((result->end == job_end::done));
}

BOOST_FIXTURE_TEST_CASE(where_a_source_cannot_be_made_no_service_starts, service_and_stream) {
  fails_to_make = true;
  BOOST_TEST(!try_to_start().empty());
  world.run();
  BOOST_TEST(world.actors() == 0u);
  BOOST_TEST(push({1}) == "closed");
}

BOOST_FIXTURE_TEST_CASE(a_service_that_was_stopped_at_the_deadline_keeps_no_sink_from_ending,
                        service_and_stream) {
  functions["ask"].answer = nullptr;
  start();
  push({1});
  drain(1s);
  BOOST_TEST(!result);
  advance(1s);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST((result->end == job_end::drained));
  BOOST_TEST(result->left_behind == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_failure_of_one_ends_the_other, two_services) {
  functions["other"].answer = nullptr;
  start();
  service->try_push(2);
  world.run();
  functions["other"].take(2).fail({"refused", "store", ""});
  world.run();
  BOOST_TEST((result->end == job_end::failed));
  BOOST_TEST((first->try_push(1) == push_result::closed));
}

// -- what is wrong --

BOOST_AUTO_TEST_CASE(mistakes_are_found_before_anything_starts) {
  options.capacity = 0;
  waiting_max = 0;
  add();
  add();
  std::string all;
  for (const auto& each : env.check())
    all += each.text() + "\n";
  BOOST_TEST_INFO(all);
  BOOST_TEST(all.find("service ask: waiting_max is 0 but must be > 0") != std::string::npos);
  BOOST_TEST(all.find("capacity is 0") != std::string::npos);
  BOOST_TEST(all.find("another stage has this name") != std::string::npos);
  BOOST_TEST(!try_to_start().empty());
  BOOST_TEST(push({1}) == "closed");
}

BOOST_AUTO_TEST_CASE(no_stream_leads_to_a_service) {
  add();
  auto plan = env.plan();
  plan.stages.push_back({"out", 0, weir::sink_plan{}});
  plan.edges.push_back({0, weir::output_kind::results, 1});
  const auto mistakes = plan.check();
  BOOST_REQUIRE(!mistakes.empty());
  BOOST_TEST(mistakes.front().text() == "ask: it is a service, which no stream leads to or from (argument)");
}

BOOST_AUTO_TEST_SUITE_END()
