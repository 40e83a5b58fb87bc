// SPDX-License-Identifier: Apache-2.0

#include "weir/faulty_driver.hpp"

#include "weir/fault_machine.hpp"

#include <condition_variable>
#include <cstdint>
#include <limits>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace weir {

namespace {

class faulty_driver_impl final : public client_driver, private result_receiver {
public:
  faulty_driver_impl(std::string pool, std::unique_ptr<client_driver> inside,
                     const fault_settings& settings)
    : pool_(pool),
      inside_(std::move(inside)),
      machine_(std::move(pool), settings, inside_->window()) {}

  ~faulty_driver_impl() override { close(); }

  expected<void> open(const std::vector<statement_declaration>& statements,
                      result_receiver& results) override {
    results_ = &results;
    if (auto opened = inside_->open(statements, *this); !opened)
      return opened;
    try {
      thread_ = std::thread{[this] { run(); }};
    } catch (const std::system_error& e) {
      inside_->close();
      return error{error_kind::internal, pool_,
                   std::string{"the thread for injected faults cannot be started ("} + e.what()
                     + "). Raise the limit of threads"};
    }
    return {};
  }

  std::size_t permits() const override { return inside_->permits(); }

  std::size_t window() const override { return std::numeric_limits<std::uint32_t>::max(); }

  void submit(std::span<question> questions) override {
    tell([&] { machine_.submit(questions, now()); });
  }

  void cancel(std::span<const call_token> tokens) override {
    tell([&] { machine_.cancel(tokens); });
  }

  void close() override {
    // The thread first: it is what calls the driver inside.
    tell([&] { closing_ = true; });
    if (thread_.joinable())
      thread_.join();
    inside_->close();
  }

private:
  static time_point now() { return time_point::clock::now(); }

  template <class F>
  void tell(F change) {
    {
      const std::lock_guard guard{mutex_};
      change();
    }
    changed_.notify_one();
  }

  /// From the driver inside.
  void receive(std::span<call_result> results) override {
    tell([&] { machine_.receive(results, now()); });
  }

  void run() {
    fault_machine::effects todo;
    while (wait(todo)) {
      if (!todo.submit.empty())
        inside_->submit(todo.submit);
      if (!todo.cancel.empty())
        inside_->cancel(todo.cancel);
      if (!todo.results.empty())
        results_->receive(todo.results);
      todo.clear();
    }
  }

  /// Waits for something to do. False: the driver is being closed.
  bool wait(fault_machine::effects& todo) {
    std::unique_lock guard{mutex_};
    while (!closing_) {
      machine_.advance(now(), todo);
      if (!todo.empty())
        return true;
      if (const auto due = machine_.next_due(); due == time_point::max())
        changed_.wait(guard);
      else
        changed_.wait_until(guard, due);
    }
    return false;
  }

  const std::string pool_;
  const std::unique_ptr<client_driver> inside_;
  result_receiver* results_ = nullptr;
  std::thread thread_;

  std::mutex mutex_;
  std::condition_variable changed_;
  fault_machine machine_;
  bool closing_ = false;
};

} // namespace

expected<std::unique_ptr<client_driver>> faulty_driver(std::string pool,
                                                       std::unique_ptr<client_driver> inside,
                                                       const fault_settings& settings) {
  if (auto good = check(settings, pool); !good)
    return std::move(good).why();
  return std::unique_ptr<client_driver>{
    std::make_unique<faulty_driver_impl>(std::move(pool), std::move(inside), settings)};
}

} // namespace weir
