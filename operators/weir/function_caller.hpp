// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Calls a user's function in all the ways in which an operator does, with what it may throw turned into
/// outcomes, and with its observer told. Part of the deterministic machine, on the operator's thread,
/// inside a `scope` of the port.

#include "weir/async_function.hpp"
#include "weir/completion_port.hpp"
#include "weir/outcome.hpp"
#include "weir/thrown_error.hpp"

#include <string>
#include <utility>

namespace weir {

/// `Function` and `Calls`: see `operator_machine`.
template <class Function, class Calls>
class function_caller {
public:
  using input_type = typename Function::input_type;
  using output_type = typename Function::output_type;

  static constexpr bool is_coroutine = detail::has_coroutines<Function>;
  static constexpr bool has_hook = detail::has_timeout_hook<Function>;

  /// `thing` names the operator in errors.
  function_caller(Function& function, completion_port<output_type>& port, Calls& observer,
                  std::string thing)
    : function_(function), port_(port), observer_(observer), thing_(std::move(thing)) {}

  /// Makes attempt `id`. Its outcome where it completed inside the call and no other call before it, valid
  /// until the next call; else null.
  outcome<output_type>* call(const call_id& id, const input_type& of, time_point deadline) {
    port_.begin_call(id);
    enter([&] { function_.async_invoke(of, result_future<output_type>{port_, id, deadline}); });
    auto* completed = port_.end_call();
    return completed != nullptr && port_.line_up() ? nullptr : completed;
  }

  /// Calls the timeout hook. Its outcome where it completed before it returned, else null.
  outcome<output_type>* time_out(call_id id, const input_type& of)
  requires has_hook
  {
    id.attempt |= timeout_hook_attempt;
    port_.begin_call(id);
    enter([&] { function_.timeout(of, result_future<output_type>{port_, id, time_point::max()}); });
    auto* completed = port_.end_call();
    return completed != nullptr && !completed->is_abandoned() ? completed : nullptr;
  }

  /// Lets the coroutine of the call in this slot go on.
  void resume(std::uint32_t slot)
  requires is_coroutine
  {
    const entered here{observer_};
    function_.resume(slot);
  }

  /// Ends the coroutine of the call in this slot.
  void cancel(std::uint32_t slot)
  requires is_coroutine
  {
    function_.cancel(slot);
  }

  /// Lets the function put a result in the place of a final error.
  void fall_back(const input_type& of, outcome<output_type>& with) {
    if constexpr (detail::has_fallback<Function>) {
      try {
        if (auto instead = function_.fallback(of, *with.why()))
          with.emplace(one_result, std::move(*instead));
      } catch (...) {
        with.emplace(failed_outcome, thrown_error(thing_, "fallback"));
      }
    }
  }

  /// Asks the supplier with which a call was completed.
  void ask_supplier(outcome<output_type>& with) {
    auto asked = std::move(with);
    try {
      auto got = (*asked.supplied())();
      if (got)
        with.emplace(several_results, *std::move(got));
      else
        with.emplace(failed_outcome, std::move(got).why());
    } catch (...) {
      with.emplace(failed_outcome, thrown_error(thing_, "supplier"));
    }
  }

  /// A call ran so long.
  void observe(duration took) { observer_.observe(took); }

private:
  /// Tells the observer, where it wants to know, that the user's function runs.
  struct entered {
    explicit entered(Calls& to) : observer(to) {
      if constexpr (requires { to.call_begins(); })
        to.call_begins();
    }
    ~entered() {
      if constexpr (requires { observer.call_ends(); })
        observer.call_ends();
    }
    entered(const entered&) = delete;
    entered& operator=(const entered&) = delete;

    Calls& observer;
  };

  /// `body` makes the future where it is given away, so that it need not be moved there.
  template <class Body>
  void enter(Body&& body) {
    const entered here{observer_};
    try {
      body();
    } catch (...) {
      port_.fail_call(thrown_error(thing_, "function"));
    }
  }

  Function& function_;
  completion_port<output_type>& port_;
  Calls& observer_;
  const std::string thing_;
};

} // namespace weir
