// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What is known of all stores of one kind before any is asked: which options a pool and a statement of it have, which
/// rules they keep, and how its driver is made. It connects to nothing and reads neither files, clocks nor the
/// environment, so that a job file is checked with it in one go. Each driver of weir's has one beside it; a driver of
/// your own needs none where programs alone use it (`pool_options::driver`). Any thread.

#include "weir/client_driver.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// An option that a kind of store knows.
struct option_rule {
  std::string_view key;
  option_type type;
  bool required = false;
};

/// A rule that a pool or a statement breaks.
struct unmet_rule {
  /// The option's key; "url" and "query" are the pool's address and the statement's text.
  std::string key;
  /// What must hold: "must be ...".
  std::string rule;
};

class driver_kind {
public:
  virtual ~driver_kind() = default;

  /// Options beside the url and those of every pool.
  virtual std::span<const option_rule> pool_options() const { return {}; }

  /// Options beside the text and the arguments.
  virtual std::span<const option_rule> statement_options() const { return {}; }

  /// Whether what is behind the scheme is the path of a file.
  virtual bool is_file() const { return false; }

  /// All that is wrong with a pool's settings, whose options are of the types that `pool_options` says.
  virtual std::vector<unmet_rule> check(const driver_settings& pool) const = 0;

  /// All that can be said to be wrong with a statement without asking the store.
  virtual std::vector<unmet_rule> check(const statement_declaration& statement) const = 0;

  /// Makes a driver; connects to nothing yet. Errors: a rule is broken.
  virtual expected<std::unique_ptr<client_driver>> make(const driver_settings& settings) const = 0;
};

} // namespace weir
