// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A store that async functions ask, as they see it: the environment makes a `client_pool`, a function
/// keeps a copy and binds it when it opens. All copies name the same pool, with its connections; the
/// handle that `bind` gives belongs to one operator instance and is used on its thread.

#include "weir/client_driver.hpp"
#include "weir/function_context.hpp"
#include "weir/pool_client.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace weir {

class client_pool {
public:
  /// Declares a statement; it is prepared before the job starts, so one that is wrong is known then.
  /// `arguments`: how many values each question brings. Not once the job has started.
  statement_id statement(std::string text, std::size_t arguments) const {
    return statement({std::move(text), arguments});
  }

  /// The same with what this kind of store wants to know beside that.
  statement_id statement(statement_declaration of) const {
    statements_->push_back(std::move(of));
    return {static_cast<std::uint32_t>(statements_->size() - 1)};
  }

  /// The operator instance's handle on the pool; call it in the function's `open`. Lives until the
  /// function's `close`.
  pool_client& bind(function_context& context) const {
    return context.bind({number_, statements_.get()});
  }

private:
  friend class environment;

  client_pool(std::shared_ptr<std::vector<statement_declaration>> statements,
              std::uint32_t number)
    : statements_(std::move(statements)), number_(number) {}

  std::shared_ptr<std::vector<statement_declaration>> statements_;
  std::uint32_t number_;
};

} // namespace weir
