// SPDX-License-Identifier: Apache-2.0
#pragma once

/// CAF notes in each thread that spawns an actor the system that it did so in, and the end of a system waits
/// until no thread has it noted. Threads of a program live on when weir is done with a system, so whatever
/// of weir's spawns on them puts the note back to what it was, as far as that can be had.

#include <caf/logger.hpp>

namespace weir {

class forgets_system {
public:
  forgets_system() : before_(caf::logger::current_logger()) {}
  ~forgets_system() {
    if (caf::logger::current_logger() != before_)
      caf::logger::set_current_actor_system(nullptr);
  }
  forgets_system(const forgets_system&) = delete;
  forgets_system& operator=(const forgets_system&) = delete;

private:
  /// Only compared.
  const caf::logger* const before_;
};

} // namespace weir
