// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What an async function is told when its operator instance opens: who it is, and the handles through
/// which it asks its client pools. Valid until the function's `close`; used on the operator's thread.

#include <cstdint>
#include <string>

namespace weir {

class pool_client;

/// Names a client pool.
struct pool_id {
  /// Its place among the pools of its environment.
  std::uint32_t number = 0;
  /// Tells it from the pools of other environments.
  const void* identity = nullptr;
};

class function_context {
public:
  virtual ~function_context() = default;

  std::string job;
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
};

} // namespace weir
