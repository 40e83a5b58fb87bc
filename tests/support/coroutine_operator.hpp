// SPDX-License-Identifier: Apache-2.0
#pragma once

/// An operator whose function is a coroutine, and what such functions await in tests: a client that keeps what
/// it is asked until the test answers, and another library's awaitable.

#include "collecting_output.hpp"

#include "weir/operator_machine.hpp"

#include <chrono>
#include <coroutine>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace weir::testing {

/// A client with callbacks.
struct client {
  using callback = unique_function<void(std::string)>;

  void ask(const std::string& key, callback then) {
    asked += key + " ";
    waiting.emplace(key, std::move(then));
  }

  void answer(const std::string& key, const std::string& with) {
    auto then = std::move(waiting.at(key));
    waiting.erase(key);
    then(with);
  }

  std::string asked;
  std::map<std::string, callback> waiting;
};

/// An awaitable of some library, which goes on wherever it is told to.
struct foreign {
  struct shared {
    std::coroutine_handle<> waits;
    int value = 0;
  };
  std::shared_ptr<shared> with = std::make_shared<shared>();

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waits) { with->waits = waits; }
  int await_resume() const {
    if (with->value < 0)
      throw std::runtime_error("negative");
    return with->value;
  }
};

/// Notes when it dies.
struct witness {
  explicit witness(int& count) : ended(&count) {}
  witness(const witness&) = delete;
  witness& operator=(const witness&) = delete;
  ~witness() { ++*ended; }
  int* ended;
};

template <class F>
struct operator_of {
  using form = function_form_t<F>;
  struct no_observer {
    void observe(duration) {}
  };

  explicit operator_of(F f, operator_options options = {}) : function(detail::form_of(std::move(f))) {
    options.name = "lookup";
    if (!options.timeout)
      options.timeout = std::chrono::seconds{1};
    options.on_failure = failure_action::dead_letter;
    machine.emplace(options, output_mode::ordered, function, *port, observer, 1);
    machine->identify({"test", run_id{}, options.name});
  }

  operator_outputs out() { return {results, &dead_letters}; }

  void push(const std::string& key) {
    batch<std::string> in;
    in.append(key, event_time::none(), {pushed++, 0, 0});
    batch_cursor at;
    machine->take(in, at, out(), now);
  }
  void settle() { machine->advance(out(), now); }
  void pass(duration time) {
    now += time;
    machine->tick(out(), now, now);
  }

  std::string left() {
    std::string all;
    for (const auto& each : results.values())
      all += each + " ";
    for (const auto& each : dead_letters.values())
      all += "!" + each.value + ":" + each.why.kind() + " ";
    results.forget();
    dead_letters.forget();
    return all;
  }

  time_point now{std::chrono::hours{1}};
  form function;
  completion_port<std::string>::owner port = completion_port<std::string>::make([] {});
  no_observer observer;
  collecting_output<std::string> results;
  collecting_output<dead_letter<std::string>> dead_letters;
  std::optional<operator_machine<form, no_observer>> machine;
  std::uint64_t pushed = 0;
};

template <class F>
operator_of(F) -> operator_of<F>;
template <class F>
operator_of(F, operator_options) -> operator_of<F>;

} // namespace weir::testing
