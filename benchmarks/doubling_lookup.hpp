// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A lookup of 2x through a client pool, for workloads that measure the pool's way and not a store's.

#include "numbers.hpp"

#include "weir/blocking_driver.hpp"

#include <memory>
#include <utility>
#include <variant>
#include <vector>

namespace bench {

/// What a store answers to x.
inline weir::answer twice(const weir::value& x) {
  static const auto column = weir::column_names::of({"twice"});
  weir::answer made{column, {}};
  made.cells.emplace_back(2 * std::get<number>(x));
  return made;
}

/// A driver that has threads of its own for clients that block, each with a `Connection`.
template <class Connection>
weir::driver_factory blocking_driver_of() {
  return [](const weir::driver_settings& of) -> weir::expected<std::unique_ptr<weir::client_driver>> {
    return std::unique_ptr<weir::client_driver>{std::make_unique<weir::blocking_driver>(
      of, [](std::size_t) -> weir::expected<std::unique_ptr<weir::blocking_connection>> {
        return std::unique_ptr<weir::blocking_connection>{std::make_unique<Connection>()};
      })};
  };
}

/// A function that asks a pool with one statement.
class pool_lookup : public weir::async_function<number, number> {
public:
  pool_lookup(weir::client_pool store, weir::statement_declaration asks)
    : store_(std::move(store)), asks_(store_.statement(std::move(asks))) {}

  weir::expected<void> open(weir::function_context& context) {
    client_ = &store_.bind(context);
    return {};
  }

protected:
  weir::pool_client& client() const noexcept { return *client_; }
  weir::statement_id asks() const noexcept { return asks_; }

private:
  weir::client_pool store_;
  weir::statement_id asks_;
  weir::pool_client* client_ = nullptr;
};

class doubling_lookup : public pool_lookup {
public:
  explicit doubling_lookup(weir::client_pool store) : pool_lookup(std::move(store), {"twice", 1}) {}

  void async_invoke(const number& x, weir::result_future<number> done) {
    const auto deadline = done.deadline();
    client().ask(asks(), {x}, deadline,
                 [done = std::move(done)](weir::expected<weir::answer>&& got) mutable {
                   if (got)
                     done.complete(std::get<number>(got->cell(0, 0)));
                   else
                     done.fail(std::move(got).why());
                 });
  }
};

} // namespace bench
