// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <csignal>

namespace weir::detail {

/// Holds SIGPIPE back from the calling thread while it lives, and takes away one that came meanwhile.
class sigpipe_guard {
public:
  sigpipe_guard() noexcept;
  ~sigpipe_guard();
  sigpipe_guard(const sigpipe_guard&) = delete;
  sigpipe_guard& operator=(const sigpipe_guard&) = delete;

private:
  sigset_t before_;
  bool was_pending_ = false;
};

} // namespace weir::detail
