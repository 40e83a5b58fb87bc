// SPDX-License-Identifier: Apache-2.0
#include "weir/fd_watcher.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <iterator>
#include <system_error>
#include <utility>

namespace weir {

fd_watcher::fd_watcher() {
  if (::pipe2(wake_fds_, O_CLOEXEC | O_NONBLOCK) != 0)
    throw std::system_error(errno, std::generic_category(), "cannot make a pipe");
}

fd_watcher::~fd_watcher() {
  {
    const std::lock_guard guard{mutex_};
    stopping_ = true;
  }
  wake();
  if (thread_.joinable())
    thread_.join();
  ::close(wake_fds_[0]);
  ::close(wake_fds_[1]);
}

void fd_watcher::wait(const fd_wait& for_what, std::function<void()> ready) {
  const std::lock_guard guard{mutex_};
  added_.push_back({for_what, std::move(ready)});
  if (!thread_.joinable())
    thread_ = std::thread{[this] { run(); }};
  wake();
}

void fd_watcher::wake() noexcept {
  // A full pipe wakes just as well.
  [[maybe_unused]] const auto written = ::write(wake_fds_[1], "", 1);
}

void fd_watcher::run() {
  std::vector<waiter> waiters;
  std::vector<pollfd> fds;
  for (;;) {
    {
      const std::lock_guard guard{mutex_};
      if (stopping_)
        return;
      std::move(added_.begin(), added_.end(), std::back_inserter(waiters));
      added_.clear();
    }
    fds.assign(1, {wake_fds_[0], POLLIN, 0});
    for (const auto& each : waiters)
      fds.push_back({each.for_what.fd, static_cast<short>(each.for_what.writable ? POLLOUT : POLLIN),
                     0});
    if (::poll(fds.data(), fds.size(), -1) < 0) {
      if (errno == EINTR)
        continue;
      // Whoever waits tries, and meets the error where it has a name.
      for (auto& each : fds)
        each.revents = POLLERR;
    }
    std::array<char, 64> drained;
    while (::read(wake_fds_[0], drained.data(), drained.size()) > 0) {
    }
    std::vector<waiter> left;
    for (std::size_t i = 0; i < waiters.size(); ++i) {
      if (fds[i + 1].revents != 0)
        waiters[i].ready();
      else
        left.push_back(std::move(waiters[i]));
    }
    waiters = std::move(left);
  }
}

} // namespace weir
