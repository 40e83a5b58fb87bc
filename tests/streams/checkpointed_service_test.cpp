// SPDX-License-Identifier: Apache-2.0

// Services in jobs with checkpoints: what they hold goes on when the job starts again, and pushers hear where to go
// on.

#include "../support/seeds.hpp"
#include "serving.hpp"

#include <algorithm>
#include <coroutine>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using weir::job_end;
using weir::settlement;
using weir::start_kind;
using weir::testing::one_seed_of;

BOOST_FIXTURE_TEST_SUITE(checkpointed_services, serving)

// -- going on --

BOOST_AUTO_TEST_CASE(a_service_goes_on_with_what_its_newest_checkpoint_has) {
  // GIVEN a service that dies when 4 of 9 are done, two are called for and three wait
  start();
  BOOST_TEST(told_since() == "start");
  pump_for(2h + 45min);
  BOOST_TEST((results == std::vector{10, 20, 30, 40}));
  BOOST_TEST(next == 9u);
  crash();
  // WHEN it starts again
  start();
  // THEN it is told what the checkpoint at two and a half hours does not have
  BOOST_TEST(told_since() == "start 9");
  BOOST_TEST(service->resume_from().value() == 9u);
  BOOST_TEST(job->status().operators.at(0).waiting == 3u);
  // AND calls again for what was called for, and gives what was not given
  BOOST_TEST((script.called == std::vector{5, 6}));
  clock.advance(5h);
  BOOST_TEST((results == std::vector{50, 60, 70, 80, 90}));
}

BOOST_AUTO_TEST_CASE(whenever_it_dies_no_record_is_lost) {
  for (const std::uint32_t instances : {1u, 3u})
    for (const auto how : {output_mode::ordered, output_mode::unordered, output_mode::key_ordered})
      for (auto age = 0min; age < 6h; age += 13min * one_seed_of) {
        start_anew();
        parallelism = instances;
        mode = how;
        run_and_crash(age);
        run_and_crash(age / 2);
        run_to_end();
        check_none_is_lost("it died after " + std::to_string(age.count()) + " minutes");
      }
}

BOOST_AUTO_TEST_CASE(what_was_given_in_front_of_a_checkpoint_is_not_given_again) {
  for (auto age = 30min; age < 6h; age += 30min) {
    start_anew();
    // It dies at a checkpoint.
    run_and_crash(age);
    run_to_end();
    for (const auto& [position, times] : given)
      BOOST_TEST(times == 1, position << " at " << age.count());
  }
}

BOOST_AUTO_TEST_CASE(what_is_given_again_has_the_origin_that_it_had) {
  script.after = 70min;
  run_and_crash(2h + 25min);
  // The third and fourth were given behind the checkpoint, and are again. What gets them looks at origins.
  run_to_end();
  BOOST_TEST(given.at(2) == 2);
  BOOST_TEST(given.at(3) == 2);
  BOOST_TEST(given.at(1) == 1);
  BOOST_TEST(given.at(4) == 1);
}

BOOST_AUTO_TEST_CASE(a_pusher_without_positions_begins_where_it_likes) {
  start();
  for (int x = 1; x <= 3; ++x)
    BOOST_TEST((service->try_push(x) == push_result::taken));
  clock.advance(31min);
  crash();
  told.clear();
  start();
  // No position was given, so none is told.
  BOOST_TEST(told_since() == "start");
  BOOST_TEST(!service->resume_from().has_value());
  BOOST_TEST((service->try_push(4) == push_result::taken));
  clock.advance(10h);
  BOOST_TEST((results == std::vector{10, 20, 30, 40}));
  // Numbers go on far behind those that the dead process may have given, so that no origin is given twice.
  BOOST_TEST(given.rbegin()->first == first_of_next_process);
}

BOOST_AUTO_TEST_CASE(a_service_whose_records_are_let_go_stays_where_it_stood) {
  start();
  pump();
  clock.advance(31min);
  const auto pushed = next;
  BOOST_TEST_REQUIRE(pushed > 0u);
  crash();
  start({.drop_state = {"ask"}});
  BOOST_TEST((service->resume_from() == pushed));
  BOOST_TEST(script.called.empty());
  BOOST_TEST(job->status().operators.at(0).waiting == 0u);
}

BOOST_AUTO_TEST_CASE(what_was_pushed_before_anything_runs_is_in_the_first_checkpoint_or_pushed_again) {
  start();
  // Behind checkpoint 0 there is none yet.
  pump();
  crash();
  start();
  BOOST_TEST(told_since() == "start, start");
  BOOST_TEST(*job->how_started().checkpoint == 0u);
  run_to_end();
  check_none_is_lost("at once");
}

BOOST_AUTO_TEST_CASE(a_pusher_that_has_asked_is_one_of_that_launch) {
  start();
  const auto other = *service;
  BOOST_TEST((other.try_push(1, {.position = 0}) == push_result::taken));
  crash();
  BOOST_TEST((other.try_push(2, {.position = 1}) == push_result::closed));
  job.reset();
  const auto env = build();
  const auto never_asked = *service;
  const auto asked_once = *service;
  asked_once.resume_from();
  // Before the first launch there is none to be one of.
  virtual_job first{clock, env, "served"};
  BOOST_TEST((asked_once.try_push(1, {.position = 0}) == push_result::closed));
  asked_once.resume_from();
  BOOST_TEST((asked_once.try_push(1, {.position = 0}) == push_result::taken));
  first.cancel();
  virtual_job second{clock, env, "served"};
  const auto refused = asked_once.push(2, {.position = 1});
  BOOST_TEST(refused.why().text()
             == "service ask: its job has started again since this pusher has asked from where to resume; ask "
                "again (closed)");
  BOOST_TEST(asked_once.try_push_tracked(2, {.position = 1})->wait()->why.text() == refused.why().text());
  BOOST_TEST(!asked_once.push_watermark(event_time{1}));
  BOOST_TEST(!asked_once.finish());
  BOOST_TEST((never_asked.try_push(1, {.position = 0}) == push_result::taken));
  BOOST_TEST(!asked_once.resume_from().has_value());
  BOOST_TEST((asked_once.try_push(2, {.position = 1}) == push_result::taken));
  BOOST_TEST(asked_once.finish());
}

BOOST_AUTO_TEST_CASE(a_start_that_throws_is_no_start) {
  on_start = [](std::optional<std::uint64_t>) { throw std::runtime_error("it does not want to"); };
  start();
  BOOST_TEST_REQUIRE(job->result().has_value());
  BOOST_TEST(job->result()->why.at(0).text() == "ask: it threw: it does not want to (exception)");
  BOOST_TEST((service->try_push(1) == push_result::closed));
  on_start = nullptr;
  run_to_end();
}

BOOST_AUTO_TEST_CASE(a_service_without_checkpoints_is_told_of_each_start_too) {
  makes_checkpoints = false;
  for (int i = 0; i < 2; ++i) {
    start();
    BOOST_TEST(told_since() == "start");
    BOOST_TEST((service->try_push(1, {.position = 0}) == push_result::taken));
    crash();
  }
}

// -- bounds --

BOOST_AUTO_TEST_CASE(a_barrier_waits_for_no_room) {
  capacity = 1;
  waiting_max = 5;
  start();
  // GIVEN a machine that is full, and records that wait in the feed
  pump();
  BOOST_TEST(next == 6u);
  // WHEN a checkpoint is made
  clock.advance(30min);
  BOOST_TEST_REQUIRE(job->status().checkpoints.has_value());
  BOOST_TEST(job->status().checkpoints->completed == 1u);
  BOOST_TEST(job->status().checkpoints->held == 6u);
  // THEN those that wait are part of it, and wait no less
  BOOST_TEST((service->try_push(7) == push_result::full));
  crash();
  start();
  // AND what is given back fills the room that it filled
  BOOST_TEST((service->try_push(7) == push_result::full));
  BOOST_TEST(job->status().operators.at(0).waiting == 5u);
  clock.advance(1h);
  BOOST_TEST((service->try_push(7, {.position = 6}) == push_result::taken));
  BOOST_TEST((service->try_push(8, {.position = 7}) == push_result::full));
  clock.advance(10h);
  BOOST_TEST((results == std::vector{10, 20, 30, 40, 50, 60, 70}));
}

BOOST_AUTO_TEST_CASE(tickets_find_their_records_behind_those_that_were_given_back) {
  capacity = 1;
  waiting_max = 4;
  start();
  pump();
  BOOST_TEST(next == 5u);
  clock.advance(30min);
  crash();
  waiting_max = 100;
  start();
  // The first of five runs, four wait; these come behind them.
  std::vector<std::string> settled;
  for (int x = 6; x <= 8; ++x)
    service->try_push_tracked(x, {.position = next++})->on_settled([&, x](const settlement& how) {
      settled.push_back(std::to_string(x) + (how.ok() ? " of " : " not of ") + std::to_string(results.size()));
    });
  clock.advance(100h);
  BOOST_TEST(text(settled) == "6 of 6, 7 of 7, 8 of 8");
}

// -- several lanes --

BOOST_AUTO_TEST_CASE(all_lanes_are_cut_at_one_moment) {
  for (const auto how : {output_mode::unordered, output_mode::key_ordered})
    for (auto age = 31min; age < 4h; age += 17min * one_seed_of) {
      start_anew();
      mode = how;
      parallelism = 3;
      run_and_crash(age);
      // WHEN nothing is pushed again
      start();
      const auto from = service->resume_from().value_or(0);
      service->finish();
      clock.advance(100h);
      BOOST_TEST_REQUIRE(job->result().has_value());
      // THEN each that was pushed in front of it has come, of whichever lane
      for (std::uint64_t position = 0; position < from; ++position)
        BOOST_TEST(given.contains(position), position << " at " << age.count());
    }
}

BOOST_AUTO_TEST_CASE(one_who_pushes_while_the_barrier_is_put_in_is_on_one_side_of_it) {
  for (std::uint64_t seed = 1; seed <= 100 / one_seed_of; ++seed) {
    start_anew();
    parallelism = 3;
    mode = output_mode::unordered;
    waiting_max = 1000;
    capacity = 1000;
    count = 200;
    script.after = 2h;
    clock.shuffle(seed);
    start();
    // Pushes in the very moment in which a checkpoint begins, before and behind it.
    clock.advance(30min - 1ms);
    clock.call_after(1ms, [&] { push_some(); });
    count = 100 + seed;
    clock.advance(1ms);
    count = 200;
    pump();
    clock.advance(1s);
    crash();
    start();
    const auto from = service->resume_from().value_or(0);
    BOOST_TEST(job->status().checkpoints->held == from);
    service->finish();
    clock.advance(100h);
    BOOST_TEST(given.size() == from);
    script.after = 1h;
    count = 12;
  }
}

// -- other instances --

BOOST_AUTO_TEST_CASE(other_instances_go_on_with_what_the_old_ones_held) {
  for (const auto how : {output_mode::ordered, output_mode::unordered, output_mode::key_ordered}) {
    start_anew();
    mode = how;
    count = 40;
    parallelism = 1;
    std::uint64_t before = 0;
    for (const std::uint32_t instances : {1, 3, 2, 5}) {
      parallelism = instances;
      start();
      BOOST_TEST(next >= before);
      before = next;
      pump_for(1h + 50min);
      crash();
    }
    run_to_end();
    check_none_is_lost("other instances");
  }
  count = 12;
}

// -- the ends --

BOOST_AUTO_TEST_CASE(a_service_that_is_finished_is_finished) {
  run_to_end();
  check_none_is_lost("it finished");
  for (const auto& [position, times] : given)
    BOOST_TEST(times == 1);
  told.clear();
  start();
  BOOST_TEST((job->how_started().kind == start_kind::finished));
  BOOST_TEST(told_since().empty());
  BOOST_TEST((service->try_push(1) == push_result::closed));
}

BOOST_AUTO_TEST_CASE(once_a_checkpoint_has_the_end_nothing_more_is_pushed) {
  for (const std::uint32_t instances : {1u, 2u}) {
    start_anew();
    count = 5;
    parallelism = 1;
    start();
    pump();
    BOOST_TEST(service->finish());
    // GIVEN a death behind the end, and behind a checkpoint that has it
    clock.advance(31min);
    crash();
    parallelism = instances;
    start();
    BOOST_TEST((service->try_push(6) == push_result::closed));
    BOOST_TEST(service->push(6).why().message() == "its input has ended");
    BOOST_TEST(!service->finish());
    clock.advance(100h);
    // THEN it comes to its end by itself
    BOOST_TEST_REQUIRE(job->result().has_value());
    BOOST_TEST(job->result()->ok());
    check_none_is_lost("behind the end");
    // One in front of such a checkpoint is not at its end.
    start_anew();
    parallelism = 1;
    start();
    pump();
    service->finish();
    crash();
    start();
    BOOST_TEST((service->try_push(1, {.position = 0}) == push_result::taken));
  }
}

BOOST_AUTO_TEST_CASE(checkpoints_go_on_behind_the_end_of_one_service) {
  environment env;
  const auto at_once = [](const int& x, weir::result_future<int> done) { done.complete(x); };
  const auto early = weir::async_service::ordered(env, at_once, {.name = "early", .timeout = 0s});
  const auto late = weir::async_service::ordered(env, at_once, {.name = "late", .timeout = 0s});
  weir::checkpoint_options with;
  with.store = [memory = memory] { return weir::memory_store(memory); };
  with.interval = 1h;
  env.enable_checkpointing(with);
  {
    virtual_job both{clock, env, "both"};
    early.finish();
    clock.advance(10h + 1min);
    BOOST_TEST(both.status().checkpoints->completed == 10u);
    both.cancel();
  }
  virtual_job again{clock, env, "both"};
  BOOST_TEST((early.try_push(1) == push_result::closed));
  BOOST_TEST((late.try_push(1) == push_result::taken));
  late.finish();
  clock.run();
  BOOST_TEST_REQUIRE(again.result().has_value());
  BOOST_TEST(again.result()->ok());
}

BOOST_AUTO_TEST_CASE(a_job_that_is_stopped_gives_nothing_twice) {
  for (auto age = 5min; age < 5h; age += 11min * one_seed_of) {
    start_anew();
    start();
    pump_for(age);
    job->stop();
    BOOST_TEST_REQUIRE(job->result().has_value());
    BOOST_TEST((job->result()->end == job_end::stopped));
    const auto pushed = next;
    BOOST_TEST((service->try_push(1) == push_result::closed));
    start();
    // All that was taken is in it.
    BOOST_TEST(next == pushed);
    run_to_end();
    check_none_is_lost("stopped");
    for (const auto& [position, times] : given)
      BOOST_TEST(times == 1, position << " at " << age.count());
  }
}

BOOST_AUTO_TEST_CASE(nothing_is_given_behind_the_last_checkpoint) {
  for (const bool drains : {false, true})
    for (const std::uint32_t instances : {1u, 2u}) {
      start_anew();
      mode = output_mode::unordered;
      capacity = 6;
      parallelism = instances;
      script.holds = true;
      start();
      pump();
      // GIVEN calls that are completed when all have passed the last barrier, and the job has not ended
      memory->at_each_step([&](std::string_view at) -> weir::expected<void> {
        if (at == "write")
          for (const auto& each : std::exchange(script.held, {}))
            each();
        return {};
      });
      if (drains)
        job->drain(1min);
      else
        job->stop();
      clock.advance(2min);
      BOOST_TEST_REQUIRE(job->result().has_value());
      BOOST_TEST((job->result()->end == (drains ? job_end::drained : job_end::stopped)));
      BOOST_TEST(script.held.empty());
      // THEN their results are the next start's to give
      BOOST_TEST(given.empty());
      memory->at_each_step(nullptr);
      script.holds = false;
      run_to_end();
      check_none_is_lost("it was stopped");
      for (const auto& [position, times] : given)
        BOOST_TEST(times == 1, position);
    }
}

BOOST_AUTO_TEST_CASE(who_waits_for_room_when_the_job_is_stopped_is_refused) {
  capacity = 1;
  waiting_max = 1;
  start();
  pump();
  std::string refused;
  struct loose {
    struct promise_type {
      loose get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
      std::suspend_never initial_suspend() noexcept { return {}; }
      std::suspend_always final_suspend() noexcept { return {}; }
      void return_void() {}
      void unhandled_exception() { throw; }
    };
    std::coroutine_handle<promise_type> of;
  };
  const auto await = [&]() -> loose {
    const auto pushed = co_await service->pushed(3);
    refused = pushed ? "taken" : pushed.why().text();
    throw std::runtime_error("nobody is to hear of it");
  };
  const auto waits = await();
  BOOST_TEST(refused.empty());
  job->stop();
  BOOST_TEST_REQUIRE(job->result().has_value());
  BOOST_TEST((job->result()->end == job_end::stopped));
  BOOST_TEST(refused == "service ask: its job is being stopped (closed)");
  waits.of.destroy();
}

BOOST_AUTO_TEST_CASE(a_drain_that_is_over_in_time_leaves_nothing_and_goes_on) {
  start();
  pump();
  job->drain(100h);
  BOOST_TEST((service->try_push(1) == push_result::closed));
  clock.advance(10h);
  BOOST_TEST_REQUIRE(job->result().has_value());
  BOOST_TEST((job->result()->end == job_end::drained));
  BOOST_TEST(job->result()->held == 0u);
  run_to_end();
  check_none_is_lost("drained");
  for (const auto& [position, times] : given)
    BOOST_TEST(times == 1);
}

BOOST_AUTO_TEST_CASE(what_a_drain_leaves_is_in_the_last_checkpoint) {
  for (const std::uint32_t instances : {1u, 2u}) {
    start_anew();
    parallelism = 1;
    start();
    pump();
    job->drain(1h + 1min);
    clock.advance(2h);
    BOOST_TEST_REQUIRE(job->result().has_value());
    BOOST_TEST((job->result()->end == job_end::drained));
    BOOST_TEST(job->result()->held == 3u);
    BOOST_TEST(given.size() == 2u);
    parallelism = instances;
    start();
    BOOST_TEST(next == 5u);
    run_to_end();
    check_none_is_lost("drained");
    for (const auto& [position, times] : given)
      BOOST_TEST(times == 1);
  }
}

BOOST_AUTO_TEST_CASE(a_drained_service_whose_input_had_ended_takes_nothing_more) {
  count = 5;
  start();
  pump();
  service->finish();
  job->drain(10min);
  clock.advance(1h);
  BOOST_TEST_REQUIRE(job->result().has_value());
  BOOST_TEST((job->result()->end == job_end::drained));
  start();
  BOOST_TEST(service->push(6).why().message() == "its input has ended");
  clock.advance(100h);
  BOOST_TEST_REQUIRE(job->result().has_value());
  BOOST_TEST(job->result()->ok());
  check_none_is_lost("ended and drained");
}

BOOST_AUTO_TEST_CASE(a_job_that_fails_starts_again_and_says_from_where) {
  restart = weir::fixed_delay_restart{.max_restarts = 3, .delay = 5min};
  script.failing = {4};
  start();
  on_start = [&](std::optional<std::uint64_t> from) {
    BOOST_TEST((service->resume_from() == from));
    next = from.value_or(0);
  };
  pump_for(2h + 2min);
  // GIVEN a launch that has failed, THEN the service is closed until the next
  BOOST_TEST(told_since() == "start");
  BOOST_TEST((service->try_push(1) == push_result::closed));
  pump_for(48h);
  BOOST_TEST(job->status().restarts == 1u);
  BOOST_TEST(told_since() == "start 7");
  service->finish();
  clock.advance(10h);
  BOOST_TEST_REQUIRE(job->result().has_value());
  BOOST_TEST(job->result()->ok(), job->result()->text());
  check_none_is_lost("it failed");
}

// -- event time --

BOOST_AUTO_TEST_CASE(watermarks_that_are_held_come_behind_their_records) {
  for (const std::uint32_t instances : {1u, 2u, 3u}) {
    start_anew();
    mode = output_mode::unordered;
    parallelism = 2;
    start();
    pump();
    BOOST_TEST(service->push_watermark(event_time{50}));
    clock.advance(31min);
    BOOST_TEST(told_since() == "start");
    crash();
    parallelism = instances;
    start();
    // An older one says nothing new, also to who goes on.
    BOOST_TEST(service->push_watermark(event_time{40}));
    on_result = [this](int) { told.push_back("result"); };
    clock.advance(100h);
    const auto lines = told;
    BOOST_TEST((lines.back() == "watermark 50"), text(lines));
    BOOST_TEST(std::count(lines.begin(), lines.end(), "watermark 50") == 1);
    BOOST_TEST(std::count(lines.begin(), lines.end(), "result") == static_cast<long>(next));
    on_result = nullptr;
    told.clear();
    // The next one comes as ever.
    BOOST_TEST(service->push_watermark(event_time{60}));
    clock.run();
    BOOST_TEST(told_since() == "watermark 60");
  }
}

BOOST_AUTO_TEST_CASE(a_watermark_that_had_left_some_instances_is_told_when_it_leaves_the_last) {
  parallelism = 2;
  count = 1;
  start();
  // GIVEN a record that one of two instances holds, in front of a watermark that the other has let pass
  pump();
  service->push_watermark(event_time{50});
  clock.advance(31min);
  BOOST_TEST(told_since() == "start");
  crash();
  start();
  BOOST_TEST(told_since() == "start 1");
  clock.advance(2h);
  BOOST_TEST((results == std::vector{10}));
  BOOST_TEST(told_since() == "watermark 50");
}

BOOST_AUTO_TEST_CASE(a_watermark_that_was_told_in_front_of_a_checkpoint_is_not_told_again) {
  for (const std::uint32_t instances : {2u, 3u}) {
    start_anew();
    mode = output_mode::unordered;
    parallelism = 2;
    start();
    service->push_watermark(event_time{50});
    clock.run();
    BOOST_TEST(told_since() == "start, watermark 50");
    clock.advance(31min);
    crash();
    parallelism = instances;
    start();
    BOOST_TEST(service->push_watermark(event_time{50}));
    clock.run();
    BOOST_TEST(told_since() == "start");
    BOOST_TEST(service->push_watermark(event_time{51}));
    clock.run();
    BOOST_TEST(told_since() == "watermark 51");
  }
}

BOOST_AUTO_TEST_SUITE_END()
