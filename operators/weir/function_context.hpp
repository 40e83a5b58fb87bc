// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What an async function is told when its operator instance opens: who it is, and the handles through
/// which it asks its client pools. Valid until the function's `close`; used on the operator's thread.

#include <cstdint>
#include <string>

namespace weir {

class pool_client;

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

  /// The instance's own handle on pool number `pool` of the environment. `client_pool::bind` calls it.
  virtual pool_client& bind(std::uint32_t pool) = 0;
};

} // namespace weir
