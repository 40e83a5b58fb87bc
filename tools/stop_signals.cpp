// SPDX-License-Identifier: Apache-2.0
#include "stop_signals.hpp"

#include <csignal>
#include <ctime>

namespace weir::tool {

namespace {

sigset_t stops() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

} // namespace

stop_signals::stop_signals() {
  const auto set = stops();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

stop_signals::~stop_signals() {
  while (take()) {
  }
  const auto set = stops();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

bool stop_signals::take() {
  const auto set = stops();
  const timespec at_once{};
  return sigtimedwait(&set, nullptr, &at_once) > 0;
}

} // namespace weir::tool
