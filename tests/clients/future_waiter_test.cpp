// SPDX-License-Identifier: Apache-2.0

// Futures that are waited for on a few threads: those that become ready, and those that never do.

#include "weir/awaited_std_future.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <future>
#include <iterator>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weir::future_waiter;
using weir::time_point;

namespace {

constexpr auto never = time_point::max();

std::ptrdiff_t threads_of_this_process() {
  return std::distance(std::filesystem::directory_iterator{"/proc/self/task"}, {});
}

/// What has come of futures, each by its number.
class outcomes {
public:
  void note(int number, const std::string& what) {
    const std::lock_guard guard{mutex_};
    (what == "ready" ? ready_ : what == "expired" ? expired_ : thrown_).insert(number);
    threads_.insert(std::this_thread::get_id());
    come_.notify_all();
  }

  void wait_for_ready(std::size_t count) { wait(ready_, count); }
  void wait_for_thrown(std::size_t count) { wait(thrown_, count); }
  void wait_for_expired(std::size_t count) { wait(expired_, count); }

  std::multiset<int> ready() const { return copy(ready_); }
  std::multiset<int> expired() const { return copy(expired_); }
  std::set<std::thread::id> threads() const {
    const std::lock_guard guard{mutex_};
    return threads_;
  }

private:
  void wait(const std::multiset<int>& of, std::size_t count) {
    std::unique_lock guard{mutex_};
    BOOST_REQUIRE(come_.wait_for(guard, 1min, [&] { return of.size() >= count; }));
  }
  std::multiset<int> copy(const std::multiset<int>& of) const {
    const std::lock_guard guard{mutex_};
    return of;
  }

  mutable std::mutex mutex_;
  std::condition_variable come_;
  std::multiset<int> ready_;
  std::multiset<int> expired_;
  std::multiset<int> thrown_;
  std::set<std::thread::id> threads_;
};

/// Notes the outcome of one future.
struct teller {
  outcomes* to;
  int number;

  template <class Future>
  void ready(Future& of) {
    // No check of Boost.Test's here: its own notes are for one thread.
    try {
      to->note(number, of.get() == number ? "ready" : "wrong");
    } catch (const std::exception&) {
      to->note(number, "thrown");
    }
  }
  void expired() { to->note(number, "expired"); }
};

/// One that is ready when the test says so, and tells how it is looked at and when it dies.
struct by_hand final : weir::awaited_future {
  struct facts {
    std::atomic<bool> ready = false;
    std::atomic<int> taken = 0;
    std::atomic<int> expired = 0;
    std::atomic<int> forgotten = 0;
    /// How often it was looked at, and how often a thread waited for it.
    std::atomic<int> looks = 0;
    std::atomic<int> waits = 0;
    std::atomic<bool> destroyed = false;
  };

  explicit by_hand(std::shared_ptr<facts> with) : of(std::move(with)) {}
  ~by_hand() override {
    of->destroyed = true;
    of->destroyed.notify_all();
  }

  state wait_for(weir::duration at_most) override {
    ++(at_most > 0ns ? of->waits : of->looks);
    of->waits.notify_all();
    if (!of->ready)
      std::this_thread::sleep_for(at_most);
    return of->ready ? state::ready : state::pending;
  }
  void take() noexcept override { ++of->taken; }
  void expire() noexcept override {
    ++of->expired;
    of->expired.notify_all();
  }
  void forget() noexcept override { ++of->forgotten; }

  std::shared_ptr<facts> of;
};

struct waiter_fixture {
  void start(std::size_t threads) {
    waiter.emplace("futures", threads);
    BOOST_REQUIRE(waiter->open().has_value());
  }

  template <class Future>
  void wait_for(Future future, int number, time_point deadline = never) {
    waiter->wait_for(std::make_unique<weir::awaited_std_future<Future, teller>>(std::move(future),
                                                                                teller{&seen, number}),
                     deadline);
  }

  std::shared_ptr<by_hand::facts> wait_for_one_by_hand(time_point deadline = never) {
    auto facts = std::make_shared<by_hand::facts>();
    waiter->wait_for(std::make_unique<by_hand>(facts), deadline);
    return facts;
  }

  /// An outcome is told before it is counted.
  void wait_until_waiting_for(std::size_t count) const {
    const auto limit = std::chrono::steady_clock::now() + 1min;
    while (waiter->waiting() != count && std::chrono::steady_clock::now() < limit)
      std::this_thread::yield();
    BOOST_TEST(waiter->waiting() == count);
  }

  /// Ends the waiter, which must not take long.
  void close() {
    const auto began = std::chrono::steady_clock::now();
    waiter.reset();
    BOOST_TEST((std::chrono::steady_clock::now() - began < 10s));
  }

  outcomes seen;
  std::optional<future_waiter> waiter;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(future_waiters, waiter_fixture)

// -- futures that become ready --

BOOST_AUTO_TEST_CASE(many_futures_share_few_threads) {
  start(2);
  constexpr int count = 2'000;
  std::vector<std::promise<int>> promises(count);
  for (int i = 0; i < count; ++i)
    wait_for(promises[static_cast<std::size_t>(i)].get_future(), i);
  std::vector<int> order(count);
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), std::mt19937{1});
  for (const auto i : order)
    promises[static_cast<std::size_t>(i)].set_value(i);
  seen.wait_for_ready(count);
  const auto all = seen.ready();
  BOOST_TEST(std::set<int>(all.begin(), all.end()).size() == static_cast<std::size_t>(count));
  BOOST_TEST(all.size() == static_cast<std::size_t>(count));
  wait_until_waiting_for(0);
}

BOOST_AUTO_TEST_CASE(outcomes_are_told_on_the_waiters_threads_and_never_on_the_callers) {
  start(3);
  for (int i = 0; i < 100; ++i) {
    std::promise<int> promise;
    promise.set_value(i);
    wait_for(promise.get_future(), i);
  }
  seen.wait_for_ready(100);
  BOOST_TEST(!seen.threads().contains(std::this_thread::get_id()));
  BOOST_TEST(seen.threads().size() <= 3u);
}

BOOST_AUTO_TEST_CASE(a_future_that_threw_is_ready_too) {
  start(1);
  std::promise<int> failed;
  wait_for(failed.get_future(), 1);
  failed.set_exception(std::make_exception_ptr(std::runtime_error("no")));
  { std::promise<int> broken; wait_for(broken.get_future(), 2); }
  seen.wait_for_thrown(2);
}

BOOST_AUTO_TEST_CASE(a_shared_future_may_be_waited_for_more_than_once) {
  start(2);
  std::promise<int> promise;
  const auto shared = promise.get_future().share();
  wait_for(shared, 7);
  wait_for(shared, 7);
  promise.set_value(7);
  seen.wait_for_ready(2);
}

BOOST_AUTO_TEST_CASE(a_thread_waits_for_an_old_future_while_another_looks_at_young_ones) {
  start(2);
  const auto old = wait_for_one_by_hand();
  old->waits.wait(0);
  for (int i = 0; i < 100; ++i) {
    std::promise<int> young;
    wait_for(young.get_future(), i);
    young.set_value(i);
  }
  seen.wait_for_ready(100);
  old->ready = true;
  old->destroyed.wait(false);
  BOOST_TEST(old->taken == 1);
}

BOOST_AUTO_TEST_CASE(a_single_thread_waits_for_none_and_looks_at_all) {
  start(1);
  std::vector<std::shared_ptr<by_hand::facts>> all;
  for (int i = 0; i < 100; ++i)
    all.push_back(wait_for_one_by_hand());
  for (auto& each : all) {
    each->ready = true;
    each->destroyed.wait(false);
    BOOST_TEST(each->waits == 0);
    BOOST_TEST(each->taken == 1);
  }
}

// -- futures that do not --

BOOST_AUTO_TEST_CASE(more_than_there_are_threads_that_are_never_ready_hold_up_nobody) {
  start(2);
  std::vector<std::shared_ptr<by_hand::facts>> stuck;
  for (int i = 0; i < 10; ++i)
    stuck.push_back(wait_for_one_by_hand());
  // Each has had its turn as the one that a thread waits for.
  for (const auto& each : stuck)
    each->waits.wait(0);
  for (int i = 0; i < 100; ++i) {
    std::promise<int> promise;
    wait_for(promise.get_future(), i);
    promise.set_value(i);
  }
  seen.wait_for_ready(100);
  wait_until_waiting_for(10);
  close();
}

BOOST_AUTO_TEST_CASE(past_its_deadline_a_future_is_given_up_and_kept_until_it_is_ready) {
  start(1);
  const auto late = wait_for_one_by_hand(time_point::clock::now() + 20ms);
  late->expired.wait(0);
  BOOST_TEST(!late->destroyed);
  late->ready = true;
  late->destroyed.wait(false);
  BOOST_TEST(late->expired == 1);
  BOOST_TEST(late->taken == 0);
}

BOOST_AUTO_TEST_CASE(those_that_were_given_up_are_counted_apart) {
  start(2);
  const auto waits = wait_for_one_by_hand();
  const auto late = wait_for_one_by_hand(time_point::clock::now());
  while (waiter->given_up() == 0)
    std::this_thread::yield();
  BOOST_TEST(waiter->given_up() == 1u);
  BOOST_TEST(waiter->waiting() == 1u);
}

BOOST_AUTO_TEST_CASE(one_that_is_ready_at_its_deadline_counts) {
  start(1);
  std::promise<int> promise;
  promise.set_value(1);
  wait_for(promise.get_future(), 1, time_point::clock::now());
  seen.wait_for_ready(1);
  BOOST_TEST(seen.expired().empty());
}

BOOST_AUTO_TEST_CASE(the_end_lets_go_of_all_and_tells_nobody) {
  start(1);
  const auto pending = wait_for_one_by_hand();
  close();
  BOOST_TEST(pending->forgotten == 1);
  BOOST_TEST(pending->taken == 0);
  BOOST_TEST(!pending->destroyed);
  // A later waiter looks after it.
  pending->ready = true;
  start(1);
  BOOST_TEST(pending->destroyed);
}

BOOST_AUTO_TEST_CASE(the_destructor_of_an_async_future_holds_up_neither_the_caller_nor_the_end) {
  std::promise<void> gate;
  start(1);
  wait_for(std::async(std::launch::async,
                      [open = gate.get_future()] {
                        open.wait();
                        return 1;
                      }),
           1, time_point::clock::now());
  seen.wait_for_expired(1);
  wait_for(std::async(std::launch::async, [] { return 2; }), 2);
  seen.wait_for_ready(1);
  close();
  gate.set_value();
}

// -- deferred ones --

BOOST_AUTO_TEST_CASE(a_deferred_function_runs_on_the_waiters_thread) {
  start(1);
  std::thread::id ran_on;
  wait_for(std::async(std::launch::deferred,
                      [&] {
                        ran_on = std::this_thread::get_id();
                        return 1;
                      }),
           1);
  seen.wait_for_ready(1);
  BOOST_TEST((ran_on != std::this_thread::get_id()));
  BOOST_TEST((ran_on != std::thread::id{}));
}

BOOST_AUTO_TEST_CASE(a_deferred_function_that_takes_long_leaves_the_others_to_another_thread) {
  start(2);
  std::promise<void> gate;
  wait_for(std::async(std::launch::deferred,
                      [open = gate.get_future()] {
                        open.wait();
                        return 1;
                      }),
           1);
  for (int i = 2; i < 50; ++i) {
    std::promise<int> promise;
    wait_for(promise.get_future(), i);
    promise.set_value(i);
  }
  seen.wait_for_ready(48);
  BOOST_TEST(!seen.ready().contains(1));
  gate.set_value();
  seen.wait_for_ready(49);
}

BOOST_AUTO_TEST_CASE(deferred_functions_that_come_together_each_get_a_thread_that_is_free) {
  for (int round = 0; round < 200; ++round) {
    start(2);
    // Both threads rest, the one where it watches.
    std::this_thread::yield();
    std::promise<void> gate;
    wait_for(std::async(std::launch::deferred,
                        [open = gate.get_future()] {
                          open.wait();
                          return 1;
                        }),
             1);
    wait_for(std::async(std::launch::deferred,
                        [&] {
                          gate.set_value();
                          return 2;
                        }),
             2);
    seen.wait_for_ready(static_cast<std::size_t>(2 * round + 2));
    close();
  }
}

BOOST_AUTO_TEST_CASE(a_deferred_function_whose_deadline_has_passed_is_not_run) {
  start(1);
  wait_for(std::async(std::launch::deferred, []() -> int { throw std::logic_error("it ran"); }), 1,
           time_point::clock::now());
  seen.wait_for_expired(1);
}

// -- without threads --

BOOST_AUTO_TEST_CASE(without_threads_futures_wait_until_somebody_looks) {
  start(0);
  const time_point noon{12h};
  std::promise<int> second;
  std::promise<int> first;
  wait_for(first.get_future(), 1);
  wait_for(second.get_future(), 2, noon);
  const auto late = wait_for_one_by_hand(noon);
  second.set_value(2);
  BOOST_TEST(seen.ready().empty());
  BOOST_TEST(waiter->look(noon, false));
  BOOST_TEST((seen.ready() == std::multiset{2}));
  BOOST_TEST((seen.threads() == std::set{std::this_thread::get_id()}));
  BOOST_TEST(!waiter->look(noon - 1ns, true));
  BOOST_TEST(waiter->look(noon, true));
  BOOST_TEST(late->expired == 1);
  BOOST_TEST(waiter->waiting() == 1u);
  BOOST_TEST(waiter->given_up() == 1u);
  late->ready = true;
  BOOST_TEST(!waiter->look(noon, true));
  BOOST_TEST(late->destroyed);
  BOOST_TEST(late->taken == 0);
  first.set_value(1);
  BOOST_TEST(waiter->look(noon, true));
  BOOST_TEST(waiter->waiting() == 0u);
  BOOST_TEST(waiter->given_up() == 0u);
}

BOOST_AUTO_TEST_CASE(without_threads_a_deferred_function_runs_where_somebody_looks) {
  start(0);
  wait_for(std::async(std::launch::deferred, [] { return 1; }), 1);
  BOOST_TEST(waiter->look({}, false));
  BOOST_TEST((seen.ready() == std::multiset{1}));
}

// -- the threads --

BOOST_AUTO_TEST_CASE(several_threads_may_give_futures_while_others_become_ready) {
  start(3);
  constexpr int givers = 4;
  constexpr int each = 500;
  {
    std::vector<std::jthread> threads;
    for (int first = 0; first < givers * each; first += each)
      threads.emplace_back([this, first] {
        std::vector<std::promise<int>> promises(each);
        for (int i = 0; i < each; ++i)
          wait_for(promises[static_cast<std::size_t>(i)].get_future(), first + i);
        for (int i = each; i-- > 0;)
          promises[static_cast<std::size_t>(i)].set_value(first + i);
      });
  }
  seen.wait_for_ready(givers * each);
}

BOOST_AUTO_TEST_CASE(one_that_is_opened_and_closed_a_thousand_times_leaves_no_thread) {
  const auto before = threads_of_this_process();
  for (int i = 0; i < 1'000; ++i) {
    start(2);
    std::promise<int> promise;
    promise.set_value(i);
    wait_for(promise.get_future(), i);
    waiter.reset();
  }
  // A thread that has ended may be seen for a moment.
  while (threads_of_this_process() > before)
    std::this_thread::yield();
}

BOOST_AUTO_TEST_SUITE_END()
