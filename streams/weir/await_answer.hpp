// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Asks a client pool from a coroutine. On the operator's thread, inside a coroutine that is an async
/// function; tests/streams/await_answer_test.cpp.

#include "weir/pool_client.hpp"
#include "weir/task.hpp"

#include <coroutine>
#include <memory>
#include <utility>
#include <vector>

namespace weir {

namespace detail {

class answer_awaitable {
public:
  using goes_on_by_itself = void;

  answer_awaitable(pool_client& pool, statement_id statement, std::vector<value> arguments)
    : pool_(&pool), statement_(statement), arguments_(std::move(arguments)) {}

  bool await_ready() const noexcept { return false; }

  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> waits) {
    auto& call = waits.promise();
    state_ = std::make_shared<continuation<expected<answer>>::state>();
    pool_->ask(statement_, std::move(arguments_), call.facts().deadline,
               [then = continuation<expected<answer>>{state_, call.resumer()}](
                 expected<answer> got) mutable { then(std::move(got)); });
  }

  expected<answer> await_resume() {
    if (state_->thrown)
      std::rethrow_exception(state_->thrown);
    return *std::move(state_->value);
  }

private:
  pool_client* pool_;
  statement_id statement_;
  std::vector<value> arguments_;
  std::shared_ptr<continuation<expected<answer>>::state> state_;
};

} // namespace detail

/// Awaits the answer to a question, or its error. The question carries the record's deadline; a coroutine
/// that ends before gives it up. `pool`: what `client_pool::bind` gave in the function's `open`.
inline auto await_answer(pool_client& pool, statement_id statement, std::vector<value> arguments) {
  return detail::answer_awaitable{pool, statement, std::move(arguments)};
}

} // namespace weir
