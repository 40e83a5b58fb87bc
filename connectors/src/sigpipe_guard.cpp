// SPDX-License-Identifier: Apache-2.0

#include "sigpipe_guard.hpp"

#include <cerrno>
#include <ctime>

namespace weir::detail {

namespace {

sigset_t only_sigpipe() noexcept {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  return set;
}

} // namespace

sigpipe_guard::sigpipe_guard() noexcept {
  sigset_t pending;
  sigpending(&pending);
  was_pending_ = sigismember(&pending, SIGPIPE) == 1;
  const auto set = only_sigpipe();
  pthread_sigmask(SIG_BLOCK, &set, &before_);
}

sigpipe_guard::~sigpipe_guard() {
  const auto set = only_sigpipe();
  const timespec at_once{};
  // One that was pending before is somebody else's.
  if (!was_pending_)
    while (sigtimedwait(&set, nullptr, &at_once) < 0 && errno == EINTR) {
    }
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

} // namespace weir::detail
