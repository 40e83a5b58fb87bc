// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a sink is to the stage that runs it: a plain object that takes batches and never blocks. The
/// stage calls it from one thread at a time (not always the same), owns it and destroys it.

#include "weir/batch.hpp"
#include "weir/error.hpp"
#include "weir/source.hpp"

#include <cstddef>

namespace weir {

/// Takes records of type `T`.
template <class T>
class sink {
public:
  using value_type = T;

  virtual ~sink() = default;

  /// Called once, before anything else. An error ends the job before a record is read.
  virtual expected<void> open(const instance_context&) { return {}; }

  /// Takes the records of `in` from `next` up to (not including) `end` and moves `next` behind what
  /// was taken. `done`: all of them; `wait`: the rest when the descriptor is ready. An error fails the
  /// job.
  virtual expected<poll_result> write(batch<T>& in, std::size_t& next, std::size_t end) = 0;

  /// Nothing more is here for now: what lies in own buffers goes out.
  virtual expected<poll_result> flush() { return poll_result{poll_state::done, {}}; }

  /// First phase of the end: make all that was written durable, but not yet visible. Called again
  /// after `wait`. An error fails the job.
  virtual expected<poll_result> prepare() { return poll_result{poll_state::done, {}}; }

  /// Second phase: every sink of the job is prepared; make the output visible. An error fails the job.
  virtual expected<void> commit() { return {}; }

  /// The job failed or was cancelled: leave nothing half-written. At most once; after a successful
  /// `commit` only where another sink of the job could not commit, to take the output back. `keep_partial`: make the whole records visible that were written.
  virtual void abandon(bool keep_partial) { static_cast<void>(keep_partial); }
};

} // namespace weir
