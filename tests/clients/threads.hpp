// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How these tests wait for threads: never for a time, always for something to have happened, and a
/// watchdog turns what never happens into a failure.

#include "weir/client_driver.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

namespace weir::testing {

inline constexpr std::chrono::seconds watchdog{60};

/// Keeps all results, and how many came together.
class collecting_receiver final : public result_receiver {
public:
  void receive(std::span<call_result> results) override {
    {
      const std::lock_guard guard{mutex_};
      spans_.push_back(results.size());
      for (auto& result : results)
        results_.push_back(std::move(result));
    }
    changed_.notify_all();
  }

  /// Waits until there are `count` results; gives how many there are.
  std::size_t wait_for(std::size_t count) {
    std::unique_lock guard{mutex_};
    if (!changed_.wait_for(guard, watchdog, [&] { return results_.size() >= count; }))
      throw std::runtime_error("results are missing");
    return results_.size();
  }

  std::vector<call_result> results() {
    const std::lock_guard guard{mutex_};
    return results_;
  }

  std::vector<call_result> take() {
    const std::lock_guard guard{mutex_};
    return std::exchange(results_, {});
  }

  std::vector<std::size_t> spans() {
    const std::lock_guard guard{mutex_};
    return spans_;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<call_result> results_;
  std::vector<std::size_t> spans_;
};

/// Holds threads until the test lets them go. Opens when it is destroyed.
class gate {
public:
  ~gate() { open(); }

  /// On the thread that is held.
  void pass() {
    std::unique_lock guard{mutex_};
    ++arrived_;
    changed_.notify_all();
    if (!changed_.wait_for(guard, watchdog, [&] { return open_; }))
      throw std::runtime_error("a gate stayed shut");
  }

  /// Waits until `count` threads have come, held or gone through.
  void wait_for_arrivals(std::size_t count) {
    std::unique_lock guard{mutex_};
    if (!changed_.wait_for(guard, watchdog, [&] { return arrived_ >= count; }))
      throw std::runtime_error("nobody came to the gate");
  }

  void open() {
    const std::lock_guard guard{mutex_};
    open_ = true;
    changed_.notify_all();
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t arrived_ = 0;
  bool open_ = false;
};

/// A clock that goes on when the test says so; any thread.
class manual_clock {
public:
  time_point now() const { return time_point{duration{since_start_.load()}}; }
  void advance(duration by) { since_start_ += by.count(); }

private:
  std::atomic<duration::rep> since_start_ = 0;
};

/// One row, one column.
inline answer single(value cell) {
  static const auto columns = column_names::of({"value"});
  answer result{columns, {}};
  result.cells.push_back(std::move(cell));
  return result;
}

/// A question with one argument.
inline question ask_with(call_token token, value argument,
                         time_point deadline = time_point::max()) {
  question q{token, statement_id{0}, {}, deadline};
  q.arguments.push_back(std::move(argument));
  return q;
}

/// Submits one question.
inline void submit(client_driver& driver, question q) {
  driver.submit({&q, 1});
}

/// The one result of `token`; none or two are a failure.
inline const call_result& result_of(const std::vector<call_result>& results, call_token token) {
  const call_result* found = nullptr;
  for (const auto& result : results) {
    if (result.token != token)
      continue;
    if (found != nullptr)
      throw std::runtime_error("a question was answered twice");
    found = &result;
  }
  if (found == nullptr)
    throw std::runtime_error("a question was not answered");
  return *found;
}

} // namespace weir::testing
