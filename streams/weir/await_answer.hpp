// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Asks a client pool from a coroutine. On the operator's thread, inside a coroutine that is an async
/// function; tests/streams/await_answer_test.cpp.

#include "weir/pool_client.hpp"
#include "weir/task.hpp"

#include <coroutine>
#include <utility>
#include <vector>

namespace weir {

namespace detail {

class answer_awaitable : public continuation_awaitable<expected<answer>> {
public:
  answer_awaitable(pool_client& pool, statement_id statement, value_list arguments)
    : pool_(&pool), statement_(statement), arguments_(std::move(arguments)) {}

  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> waits) {
    auto& who = waits.promise();
    wait(who, [&](continuation<expected<answer>> then) {
      pool_->ask(statement_, std::move(arguments_), who.call().facts().deadline, std::move(then));
    });
  }

private:
  pool_client* pool_;
  statement_id statement_;
  value_list arguments_;
};

} // namespace detail

/// Awaits the answer to a question, or its error. The question carries the record's deadline; a coroutine
/// that ends before gives it up. `pool`: what `client_pool::bind` gave in the function's `open`.
inline auto await_answer(pool_client& pool, statement_id statement, value_list arguments) {
  return detail::answer_awaitable{pool, statement, std::move(arguments)};
}

} // namespace weir
