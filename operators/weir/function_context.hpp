// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What an async function is told when its operator instance opens: who it is, the handles through
/// which it asks its client pools, and counters of its own. Valid until the function's `close`; used on the
/// operator's thread.

#include "weir/counter.hpp"
#include "weir/run_id.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

class pool_client;

/// Names a client pool.
struct pool_id {
  /// Its place among the pools of its environment.
  std::uint32_t number = 0;
  /// Tells it from the pools of other environments.
  const void* identity = nullptr;
};

/// Counts something that a function wants to be seen, such as the hits of its cache: a load and a store, no
/// lock, no look-up. A copyable handle, valid until the function's `close`; one that no context gave counts
/// nothing. Used on the operator's thread: a callback on another thread must not count.
class own_counter {
public:
  own_counter() noexcept = default;
  explicit own_counter(counter& to) noexcept : to_(&to) {}

  void add(std::uint64_t n) noexcept {
    if (to_ != nullptr)
      to_->add(n);
  }
  own_counter& operator++() noexcept {
    add(1);
    return *this;
  }

private:
  counter* to_ = nullptr;
};

class function_context {
public:
  virtual ~function_context() = default;

  std::string job;
  /// Which run of the job: another after a fresh start, the same over restores, and over restarts where the sources
  /// can give their records again. Where nothing is drawn by chance (`weir::testing`) it is the same each time.
  run_id run{};
  /// The operator's name.
  std::string name;
  /// From 0 to `parallelism` - 1.
  std::uint32_t subtask = 0;
  std::uint32_t parallelism = 1;
  /// Whether the instance starts from a checkpoint.
  bool restored = false;

  /// The instance's own handle on a pool of the environment. `client_pool::bind` calls it. Throws where
  /// the pool belongs to another environment, which fails the `open` that it is called in.
  virtual pool_client& bind(const pool_id& pool) = 0;

  /// The instance's counter of this name, which `operator_status::own_counters` shows, added up over all
  /// instances of the operator. The same name is the same counter. To be called in `open`, not for each
  /// record: it looks the name up. Throws, which fails the `open`, where the name breaks its rule (1 to 64
  /// letters of ASCII, digits and `_`, the first no digit) or the instance has 100 counters already.
  own_counter counter(std::string_view called);

private:
  virtual weir::counter& find_counter(std::string_view called) = 0;
};

} // namespace weir
