// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Knows which threads run stages just now, so that a wait there is an error and no deadlock: what is
/// waited for may be work of that very thread, and a worker that waits is missing to every job. Whatever
/// of weir's waits asks here first. Any thread; costs a thread-local variable.
/// tests/streams/would_block_test.cpp shows each wait.

#include "weir/error.hpp"

#include <string>
#include <utility>

namespace weir {

namespace detail {
inline constinit thread_local bool runs_stage = false;
} // namespace detail

/// Whether this thread runs a stage of a job, of whichever environment, or code that a stage calls.
inline bool on_stage_thread() noexcept {
  return detail::runs_stage;
}

/// Marks this thread as a stage's for as long as it lives.
class stage_scope {
public:
  stage_scope() noexcept : before_(std::exchange(detail::runs_stage, true)) {}
  ~stage_scope() { detail::runs_stage = before_; }
  stage_scope(const stage_scope&) = delete;
  stage_scope& operator=(const stage_scope&) = delete;

private:
  bool before_;
};

/// The error of a call that would have to wait on such a thread. `call`: its name. `instead`: what to do.
inline error would_block(std::string thing, const std::string& call, const std::string& instead) {
  return {error_kind::would_block, std::move(thing),
          call + " would wait on a thread that runs stages, and so stop what it waits for; " + instead};
}

} // namespace weir
