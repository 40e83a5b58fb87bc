// SPDX-License-Identifier: Apache-2.0

#include "weir/blocking_driver.hpp"

#include "question_queue.hpp"

#include <algorithm>
#include <cassert>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

namespace weir {

namespace {

constexpr std::size_t connections_max = 1024;
constexpr std::size_t window_per_connection = 256;

/// The most questions that a thread takes at once.
constexpr std::size_t span_max = 128;

/// So many at once are taken only where spans of half as many were quick, so not after each the clock is read.
constexpr std::size_t quick_span = 32;
constexpr std::size_t quick_answers = 4;

/// A span that has taken longer ends: what was taken too early goes back to the queue, where others
/// may take it and where it can be cancelled, and results do not wait for slow neighbours.
constexpr duration span_time_max = std::chrono::microseconds{500};

error exception_error(const std::string& thing, const std::exception* e) {
  return {error_kind::exception, thing,
          e != nullptr ? std::string{"the connection threw: "} + e->what()
                       : std::string{"the connection threw something that is no std::exception"}};
}

/// What `f` returns; what it throws as an error.
template <class F>
auto caught(const std::string& thing, F f) -> decltype(f()) {
  try {
    return f();
  } catch (const std::exception& e) {
    return exception_error(thing, &e);
  } catch (...) {
    return exception_error(thing, nullptr);
  }
}

} // namespace

/// The queue and the threads. Everything below `mutex_` is guarded by it.
class blocking_driver::workers {
public:
  workers(driver_settings settings, blocking_connection_factory make, clock_function now)
    : settings_(std::move(settings)),
      make_(std::move(make)),
      now_(std::move(now)) {}

  std::size_t connections() const noexcept { return settings_.options.connections; }

  expected<void> open(const std::vector<statement_declaration>& statements,
                      result_receiver& results) {
    if (connections() < 1 || connections() > connections_max)
      return error{error_kind::argument, settings_.pool,
                   "connections is " + std::to_string(connections())
                     + ", but must be from 1 to 1024"};
    assert(threads_.empty());
    statements_ = statements;
    results_ = &results;
    opening_.resize(connections());
    running_.resize(connections());
    if (auto started = start_threads(); !started) {
      close();
      return started;
    }
    {
      std::unique_lock guard{mutex_};
      opened_.wait(guard, [this] { return opened_count_ == connections(); });
    }
    for (auto& outcome : opening_) {
      if (!*outcome) {
        close();
        return *outcome;
      }
    }
    return {};
  }

  void submit(std::span<question> questions) {
    std::size_t wake;
    {
      const std::lock_guard guard{mutex_};
      for (auto& q : questions)
        queue_.push_back(std::move(q));
      assert(queue_.size() <= connections() * window_per_connection);
      wake = std::min(questions.size(), idle_);
    }
    wake_up(wake);
  }

  void cancel(std::span<const call_token> tokens) {
    std::vector<call_token> sorted(tokens.begin(), tokens.end());
    std::sort(sorted.begin(), sorted.end());
    {
      const std::lock_guard guard{mutex_};
      queue_.remove(sorted, cancelled_);
      if (cancelled_.empty())
        return;
    }
    wake_up(1);
  }

  void close() {
    {
      const std::lock_guard guard{mutex_};
      closing_ = true;
      for (auto* connection : running_)
        if (connection != nullptr)
          connection->interrupt();
    }
    work_.notify_all();
    for (auto& thread : threads_)
      thread.join();
    threads_.clear();
    queue_.clear();
  }

private:
  using connection_ptr = std::unique_ptr<blocking_connection>;

  expected<void> start_threads() {
    threads_.reserve(connections());
    try {
      for (std::size_t i = 0; i < connections(); ++i)
        threads_.emplace_back([this, i] { run_connection(i); });
    } catch (const std::system_error& e) {
      return error{error_kind::internal, settings_.pool,
                   "thread " + std::to_string(threads_.size() + 1) + " of "
                     + std::to_string(connections()) + " cannot be started (" + e.what()
                     + "). Set fewer connections or raise the limit of threads"};
    }
    return {};
  }

  void wake_up(std::size_t threads) {
    for (std::size_t i = 0; i < threads; ++i)
      work_.notify_one();
  }

  // -- on a connection's thread --

  void run_connection(std::size_t index) {
    connection_ptr connection;
    auto outcome = caught(settings_.pool, [&] { return open_connection(index, connection); });
    const bool open = outcome.has_value();
    {
      const std::lock_guard guard{mutex_};
      opening_[index] = std::move(outcome);
      ++opened_count_;
      if (open)
        running_[index] = connection.get();
    }
    opened_.notify_one();
    if (!open)
      return;
    answer_questions(*connection);
    // From here on nobody may interrupt what is about to be destroyed.
    const std::lock_guard guard{mutex_};
    running_[index] = nullptr;
  }

  expected<void> open_connection(std::size_t index, connection_ptr& connection) {
    auto made = make_(index);
    if (!made)
      return std::move(made).why();
    connection = *std::move(made);
    return connection->open(statements_);
  }

  void answer_questions(blocking_connection& connection) {
    std::vector<question> taken;
    std::vector<call_token> cancelled;
    std::vector<call_result> results;
    std::size_t taken_max = 1;
    while (take(taken, taken_max, cancelled)) {
      for (const auto token : cancelled)
        results.push_back({token, error{error_kind::cancelled, settings_.pool,
                                        "nobody waits for the answer any more"}});
      cancelled.clear();
      if (!taken.empty()) {
        const auto quick = answer_span(connection, taken, results);
        taken_max = quick ? std::min(taken_max * 2, span_max) : 1;
        taken.clear();
      }
      if (!results.empty())
        results_->receive(results);
      results.clear();
    }
  }

  /// Waits for something to do. False: the driver is being closed.
  bool take(std::vector<question>& taken, std::size_t taken_max,
            std::vector<call_token>& cancelled) {
    std::unique_lock guard{mutex_};
    ++idle_;
    work_.wait(guard, [this] { return closing_ || !queue_.empty() || !cancelled_.empty(); });
    --idle_;
    if (closing_)
      return false;
    std::swap(cancelled, cancelled_);
    const auto share = std::clamp<std::size_t>(queue_.size() / connections(), 1, taken_max);
    const auto count = std::min(share, queue_.size());
    for (std::size_t i = 0; i < count; ++i)
      taken.push_back(queue_.pop_front());
    return true;
  }

  /// Asks what was taken; true if there was time for all of it.
  bool answer_span(blocking_connection& connection, std::vector<question>& taken,
                   std::vector<call_result>& results) {
    const auto start = now_();
    const auto look_each = taken.size() < quick_span ? 1 : quick_answers;
    auto now = start;
    connection.begin_span();
    std::size_t done = 0;
    while (done < taken.size() && now - start <= span_time_max) {
      auto& q = taken[done++];
      results.push_back({q.token, answer_one(connection, q, now)});
      if (done % look_each == 0)
        now = now_();
    }
    now = now_();
    connection.end_span();
    if (done < taken.size())
      give_back(std::span{taken}.subspan(done));
    return now - start <= span_time_max;
  }

  expected<answer> answer_one(blocking_connection& connection, const question& q, time_point now) {
    if (q.deadline <= now)
      return error{error_kind::cancelled, settings_.pool,
                   "the deadline passed before a connection was free"};
    if (q.statement.index >= statements_.size())
      return error{error_kind::rejected, settings_.pool,
                   "there is no statement " + std::to_string(q.statement.index)};
    const auto wanted = statements_[q.statement.index].arguments;
    if (q.arguments.size() != wanted)
      return error{error_kind::rejected, settings_.pool,
                   "a question brings " + std::to_string(q.arguments.size())
                     + " arguments, but its statement declares " + std::to_string(wanted)};
    return caught(settings_.pool, [&] { return connection.execute(q.statement, q.arguments, q.deadline); });
  }

  void give_back(std::span<question> rest) {
    std::size_t wake;
    {
      const std::lock_guard guard{mutex_};
      for (auto q = rest.rbegin(); q != rest.rend(); ++q)
        queue_.push_front(std::move(*q));
      wake = std::min(rest.size(), idle_);
    }
    wake_up(wake);
  }

  const driver_settings settings_;
  const blocking_connection_factory make_;
  const clock_function now_;
  std::vector<statement_declaration> statements_;
  result_receiver* results_ = nullptr;
  std::vector<std::thread> threads_;

  std::mutex mutex_;
  std::condition_variable opened_;
  std::condition_variable work_;
  /// What came of opening each connection.
  std::vector<std::optional<expected<void>>> opening_;
  std::size_t opened_count_ = 0;
  /// Connections that may be interrupted.
  std::vector<blocking_connection*> running_;
  detail::question_queue queue_;
  /// Taken out of the queue; their results are still to be given.
  std::vector<call_token> cancelled_;
  /// Threads that wait for work.
  std::size_t idle_ = 0;
  bool closing_ = false;
};

blocking_driver::blocking_driver(driver_settings settings, blocking_connection_factory make,
                                 clock_function now)
  : workers_(std::make_unique<workers>(std::move(settings), std::move(make), std::move(now))) {}

blocking_driver::~blocking_driver() {
  close();
}

expected<void> blocking_driver::open(const std::vector<statement_declaration>& statements,
                                     result_receiver& results) {
  return workers_->open(statements, results);
}

std::size_t blocking_driver::permits() const {
  return workers_->connections();
}

std::size_t blocking_driver::window() const {
  return workers_->connections() * window_per_connection;
}

void blocking_driver::submit(std::span<question> questions) {
  workers_->submit(questions);
}

void blocking_driver::cancel(std::span<const call_token> tokens) {
  workers_->cancel(tokens);
}

void blocking_driver::close() {
  workers_->close();
}

} // namespace weir
