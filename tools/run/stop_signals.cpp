// SPDX-License-Identifier: Apache-2.0
#include "stop_signals.hpp"

#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace weir::tool {

namespace {

using namespace std::chrono_literals;

/// Much longer than between two calls of kill(2), much shorter than between two thoughts.
constexpr duration repeat_window = 10ms;

bool is_ignored(int signal) {
  struct sigaction now {};
  ::sigaction(signal, nullptr, &now);
  return now.sa_handler == SIG_IGN;
}

/// An ignored signal must not be blocked either: it would become pending, and then count.
sigset_t stops() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM})
    if (!is_ignored(signal))
      sigaddset(&set, signal);
  return set;
}

int opened(int fd) {
  if (fd < 0)
    throw std::system_error(errno, std::generic_category(), "cannot wait for signals");
  return fd;
}

} // namespace

bool signal_repeats::is_repeat(int signal, pid_t sender, time_point at) noexcept {
  const bool same = sender != 0 && signal == signal_ && sender == sender_;
  const bool repeats = same && at - at_ < repeat_window;
  signal_ = signal;
  sender_ = sender;
  at_ = at;
  return repeats;
}

stop_signals::stop_signals() {
  const auto set = stops();
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  signals_ = opened(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  opened(::pipe2(end_, O_CLOEXEC));
  pthread_sigmask(SIG_BLOCK, &set, &before_);
  thread_ = std::thread{[this] { run(); }};
}

stop_signals::~stop_signals() {
  // Unlike a write, it cannot fail.
  ::close(end_[1]);
  thread_.join();
  take_pending();
  ::close(signals_);
  ::close(end_[0]);
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

std::size_t stop_signals::count() const {
  const std::lock_guard guard{mutex_};
  return count_;
}

/// A pending signal is one, however often it was sent: what comes quickly is counted only if
/// somebody always waits for it.
void stop_signals::run() {
  pollfd fds[]{{signals_, POLLIN, 0}, {end_[0], POLLIN, 0}};
  while (fds[1].revents == 0) {
    if (::poll(fds, 2, -1) > 0)
      take_pending();
  }
}

void stop_signals::take_pending() {
  signalfd_siginfo taken;
  while (::read(signals_, &taken, sizeof(taken)) == sizeof(taken)) {
    if (repeats_.is_repeat(static_cast<int>(taken.ssi_signo), static_cast<pid_t>(taken.ssi_pid),
                           time_point::clock::now()))
      continue;
    const std::lock_guard guard{mutex_};
    ++count_;
    if (answer_)
      answer_(count_);
  }
}

stop_signals::reaction::reaction(stop_signals& to, std::function<void(std::size_t nth)> answer)
  : signals_(to) {
  const std::lock_guard guard{to.mutex_};
  for (std::size_t nth = 1; nth <= to.count_; ++nth)
    answer(nth);
  to.answer_ = std::move(answer);
}

stop_signals::reaction::~reaction() {
  const std::lock_guard guard{signals_.mutex_};
  signals_.answer_ = nullptr;
}

} // namespace weir::tool
