// SPDX-License-Identifier: Apache-2.0

#include "weir/work_thread.hpp"

#include "weir/stage_thread.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <numeric>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weir::time_point;
using weir::work_thread;

namespace {

constexpr std::chrono::seconds watchdog{60};

time_point now() {
  return std::chrono::steady_clock::now();
}

/// Waits until all that was given before has been done.
void settle(work_thread& work) {
  std::promise<void> promise;
  auto done = promise.get_future();
  work.run([&promise] { promise.set_value(); });
  BOOST_REQUIRE((done.wait_for(watchdog) == std::future_status::ready));
}

/// Waits until the thread has come to a task that stays until `go`.
struct held_up {
  explicit held_up(work_thread& work) {
    std::promise<void> promise;
    auto begun = promise.get_future();
    work.run([&promise, until = go.get_future().share()] {
      promise.set_value();
      until.wait();
    });
    begun.wait();
  }

  std::promise<void> go;
};

/// A task that does nothing, and what says whether it is still there.
struct idle_task {
  std::shared_ptr<int> held = std::make_shared<int>();
  std::weak_ptr<int> seen = held;

  auto take() {
    return [of = std::move(held)] { static_cast<void>(of); };
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(work_threads)

BOOST_AUTO_TEST_CASE(one_that_is_given_nothing_ends) {
  work_thread work;
}

BOOST_AUTO_TEST_CASE(tasks_are_run_in_their_order_on_one_thread_that_is_none_of_the_givers) {
  work_thread work;
  std::vector<int> order;
  std::vector<std::thread::id> on;
  for (int i = 0; i < 100; ++i)
    work.run([&, i] {
      order.push_back(i);
      on.push_back(std::this_thread::get_id());
    });
  settle(work);
  std::vector<int> expected(100);
  std::iota(expected.begin(), expected.end(), 0);
  BOOST_TEST(order == expected, boost::test_tools::per_element());
  BOOST_TEST((on == std::vector(100, on.front())));
  BOOST_TEST((on.front() != std::this_thread::get_id()));
}

BOOST_AUTO_TEST_CASE(a_wait_for_the_job_would_wait_for_the_thread_itself) {
  work_thread work;
  bool counts_as_stage = false;
  work.run([&] { counts_as_stage = weir::on_stage_thread(); });
  settle(work);
  BOOST_TEST(counts_as_stage);
  BOOST_TEST(!weir::on_stage_thread());
}

BOOST_AUTO_TEST_CASE(a_task_is_destroyed_when_it_has_run) {
  work_thread work;
  idle_task task;
  work.run(task.take());
  settle(work);
  BOOST_TEST(task.seen.expired());
}

BOOST_AUTO_TEST_CASE(a_timed_task_is_not_run_before_its_time) {
  work_thread work;
  std::promise<time_point> promise;
  auto at = promise.get_future();
  const auto due = now() + 30ms;
  work.run_at(due, [&] { promise.set_value(now()); });
  BOOST_REQUIRE((at.wait_for(watchdog) == std::future_status::ready));
  BOOST_TEST((at.get() >= due));
}

BOOST_AUTO_TEST_CASE(one_that_is_due_earlier_is_not_held_up_by_one_that_is_due_later) {
  work_thread work;
  idle_task late;
  work.run_at(now() + 24h, late.take());
  std::promise<void> promise;
  auto early = promise.get_future();
  work.run_at(now() + 1ms, [&] { promise.set_value(); });
  BOOST_TEST((early.wait_for(watchdog) == std::future_status::ready));
  BOOST_TEST(!late.seen.expired());
}

BOOST_AUTO_TEST_CASE(what_is_due_runs_behind_what_waits_in_the_order_of_its_times) {
  work_thread work;
  std::vector<int> order;
  {
    held_up first{work};
    const auto past = now() - 1h;
    work.run_at(past + 2s, [&] { order.push_back(4); });
    work.run_at(past + 1s, [&] { order.push_back(2); });
    work.run_at(past + 1s, [&] { order.push_back(3); });
    work.run([&] { order.push_back(1); });
    first.go.set_value();
    settle(work);
  }
  settle(work);
  BOOST_TEST(order == (std::vector{1, 2, 3, 4}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(timed_tasks_can_be_dropped_and_others_stay) {
  work_thread work;
  idle_task timed;
  bool ran = false;
  work.run_at(now() + 24h, timed.take());
  work.run([&] { ran = true; });
  work.forget_timed();
  BOOST_TEST(timed.seen.expired());
  settle(work);
  BOOST_TEST(ran);
}

BOOST_AUTO_TEST_CASE(a_task_may_give_and_drop_others) {
  work_thread work;
  std::promise<int> promise;
  auto third = promise.get_future();
  work.run([&] {
    work.run_at(now() + 24h, [&] { promise.set_value(1); });
    work.forget_timed();
    work.run_at(now(), [&] { work.run([&] { promise.set_value(3); }); });
  });
  BOOST_REQUIRE((third.wait_for(watchdog) == std::future_status::ready));
  BOOST_TEST(third.get() == 3);
}

BOOST_AUTO_TEST_CASE(its_end_waits_for_the_task_that_runs_and_drops_the_others) {
  std::optional<work_thread> work{std::in_place};
  bool first_ended = false;
  bool others_ran = false;
  std::promise<void> begun;
  work->run([&, of = &*work] {
    begun.set_value();
    of->run([&] { others_ran = true; });
    of->run_at(now(), [&] { others_ran = true; });
    // A task that is dropped at once shows that the end has begun.
    for (bool ends = false; !ends;) {
      idle_task probe;
      of->run_at(now() + 24h, probe.take());
      ends = probe.seen.expired();
      of->forget_timed();
    }
    of->run([&] { others_ran = true; });
    first_ended = true;
  });
  begun.get_future().wait();
  work.reset();
  BOOST_TEST(first_ended);
  BOOST_TEST(!others_ran);
}

BOOST_AUTO_TEST_CASE(who_hears_of_a_task_may_destroy_it_at_once) {
  for (int i = 0; i < 300; ++i) {
    std::promise<void> promise;
    auto told = promise.get_future();
    auto work = std::make_unique<work_thread>();
    std::thread giver{[&, of = work.get()] { of->run([&] { promise.set_value(); }); }};
    told.wait();
    work.reset();
    giver.join();
  }
}

BOOST_AUTO_TEST_CASE(threads_give_tasks_side_by_side_and_each_is_run_once_in_the_order_of_its_giver) {
  constexpr int givers = 4;
  constexpr int each = 2000;
  work_thread work;
  std::vector<std::vector<int>> run(givers);
  std::vector<std::thread> threads;
  std::atomic<int> timed{0};
  for (int giver = 0; giver < givers; ++giver)
    threads.emplace_back([&, giver] {
      for (int i = 0; i < each; ++i) {
        work.run([&, giver, i] { run[static_cast<std::size_t>(giver)].push_back(i); });
        if (i % 10 == 0)
          work.run_at(now(), [&] { ++timed; });
      }
    });
  for (auto& thread : threads)
    thread.join();
  settle(work);
  settle(work);
  std::vector<int> expected(each);
  std::iota(expected.begin(), expected.end(), 0);
  for (const auto& of : run)
    BOOST_TEST((of == expected));
  BOOST_TEST(timed == givers * each / 10);
}

BOOST_AUTO_TEST_SUITE_END()
