// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Checkpoints in memory, for tests of jobs: the place outlives the stores that use it, as a disk
/// does the processes, so that a job can be crashed and go on; and each call can be made to fail,
/// or to wait. tests/serialization/checkpoint_store_test.cpp.

#include "weir/checkpoint_store.hpp"

#include <functional>
#include <memory>
#include <string_view>

namespace weir {

/// A place for checkpoints. Thread-safe.
class checkpoint_memory {
public:
  /// The beginning of a call, by the function's name, and `written`: a write's end, where an error
  /// means that the checkpoint is there all the same.
  using step = std::string_view;

  checkpoint_memory();
  ~checkpoint_memory();
  checkpoint_memory(const checkpoint_memory&) = delete;
  checkpoint_memory& operator=(const checkpoint_memory&) = delete;

  /// `look` is called at each step, on the store's thread, and may wait there. An error is what the
  /// call gives; it has done nothing then. Null: nothing any more.
  void at_each_step(std::function<expected<void>(step)> look);

private:
  friend class memory_checkpoint_store;
  class content;
  const std::unique_ptr<content> content_;
};

/// A store whose checkpoints lie in `place`. Any number may be there; one of them at a time can
/// claim a job.
std::shared_ptr<checkpoint_store> memory_store(std::shared_ptr<checkpoint_memory> place);

} // namespace weir
