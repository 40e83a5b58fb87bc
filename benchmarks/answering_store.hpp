// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A store that answers each question a fixed time after it was asked, from a thread of its own, as a client library
/// with a timer would: the clock is read for each question, and whatever is due when the thread looks is answered
/// together.

#include "numbers.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include <sys/prctl.h>

namespace bench {

/// `Future`: what is completed with a `Value`.
template <class Value, class Future = weir::result_future<Value>>
class answering_store {
public:
  using future = Future;

  explicit answering_store(const std::vector<std::chrono::nanoseconds>& latencies) {
    for (const auto each : latencies)
      lines_.push_back({each, {}, {}, 0});
    thread_ = std::jthread{[this](const std::stop_token& stop) { run(stop); }};
  }

  /// Answers so after the latency of that number. Any thread.
  void ask(std::size_t which, Value answer, future done) {
    auto& of = lines_[which];
    const auto due = clock::now() + of.latency;
    bool wakes = false;
    {
      const std::lock_guard guard{mutex_};
      of.asked.push_back({due, std::move(answer), std::move(done)});
      wakes = due < sleeps_until_ && !std::exchange(is_woken_, true);
    }
    if (wakes)
      come_.notify_one();
  }

private:
  struct question {
    clock::time_point due;
    Value answer;
    future done;
  };

  struct line {
    std::chrono::nanoseconds latency;
    /// Behind the mutex.
    std::vector<question> asked;
    /// The thread's own; those before `next` are answered.
    std::vector<question> waiting;
    std::size_t next;
  };

  void run(const std::stop_token& stop) {
    std::vector<std::vector<question>> taken(lines_.size());
    // Where nobody asks for more, Linux lets a sleep end 50 us late, and calls here are to take as long as is said.
    prctl(PR_SET_TIMERSLACK, std::chrono::nanoseconds{std::chrono::microseconds{10}}.count());
    while (!stop.stop_requested()) {
      {
        std::unique_lock guard{mutex_};
        sleeps_until_ = next_due();
        is_woken_ = std::any_of(lines_.begin(), lines_.end(), [](const line& of) { return !of.asked.empty(); });
        come_.wait_until(guard, stop, sleeps_until_, [&] { return is_woken_; });
        sleeps_until_ = clock::time_point::min();
        for (std::size_t i = 0; i < lines_.size(); ++i)
          taken[i].swap(lines_[i].asked);
      }
      for (std::size_t i = 0; i < lines_.size(); ++i) {
        take(lines_[i], taken[i]);
        answer_due(lines_[i]);
      }
    }
  }

  clock::time_point next_due() const {
    auto due = clock::now() + std::chrono::hours{1};
    for (const auto& of : lines_)
      if (of.next < of.waiting.size())
        due = std::min(due, of.waiting[of.next].due);
    return due;
  }

  static void take(line& of, std::vector<question>& asked) {
    // Those that are answered go when they are half of all.
    if (2 * of.next >= of.waiting.size()) {
      of.waiting.erase(of.waiting.begin(), of.waiting.begin() + static_cast<std::ptrdiff_t>(of.next));
      of.next = 0;
    }
    for (auto& each : asked)
      of.waiting.push_back(std::move(each));
    asked.clear();
  }

  static void answer_due(line& of) {
    const auto now = clock::now();
    const weir::completion_burst together;
    for (; of.next < of.waiting.size() && of.waiting[of.next].due <= now; ++of.next)
      of.waiting[of.next].done.complete(std::move(of.waiting[of.next].answer));
  }

  std::vector<line> lines_;
  std::mutex mutex_;
  std::condition_variable_any come_;
  /// Whoever asks for an earlier answer wakes the thread.
  clock::time_point sleeps_until_ = clock::time_point::min();
  bool is_woken_ = false;
  std::jthread thread_;
};

/// Each of the numbers is answered so long after it was asked for.
inline outcome run_answered_later(std::uint64_t records, weir::output_mode mode, std::size_t capacity,
                                  std::chrono::nanoseconds latency) {
  const auto sum = std::make_shared<checked_sum>();
  answering_store<number> store{{latency}};
  weir::environment env;
  const auto ask = [&store](const number& x, weir::result_future<number> done) {
    store.ask(0, 2 * x, std::move(done));
  };
  async_wait(env.from_source(numbers_to(records, sum)), mode, ask,
             {.name = "ask", .timeout = std::chrono::seconds{10}, .capacity = capacity})
    .sink_to(checking_sink{sum});
  return run_checked(env, *sum, records, mode);
}

} // namespace bench
