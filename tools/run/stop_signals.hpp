// SPDX-License-Identifier: Apache-2.0
#pragma once

/// SIGINT and SIGTERM as something that is counted and answered, in place of handlers that run at
/// any moment. Made before any other thread is started, so that all of them leave the signals to
/// its own; destroyed by the thread that made it. What the process was started with as ignored
/// stays so. SIGPIPE and SIGXFSZ are ignored from then on, since writing says the same by its
/// error. For programs only: a library must not do this. tests/tools/stop_signals_test.cpp shows
/// it.

#include "weir/time.hpp"

#include <csignal>
#include <cstddef>
#include <functional>
#include <mutex>
#include <sys/types.h>
#include <thread>

namespace weir::tool {

/// Tells signals that are meant twice from those that are only sent twice: timeout(1) and others
/// signal first the process and then its group, by which it gets the same signal again at once. One
/// thread.
class signal_repeats {
public:
  /// Whether it only repeats the last one. `sender`: its process; 0 where that is not known, or for
  /// the terminal's Ctrl-C, which repeats nothing.
  bool is_repeat(int signal, pid_t sender, time_point at) noexcept;

private:
  int signal_ = 0;
  pid_t sender_ = 0;
  time_point at_{};
};

class stop_signals {
public:
  /// While it lives, each signal is answered at once: `answer` gets its number, from 1 on, in the
  /// signals' own thread, one call at a time. Those that came before are answered by the
  /// constructor.
  class reaction;

  /// Keeps the signals from ending the process.
  stop_signals();

  /// Gives them back what they did before; those that came too late to matter are forgotten.
  ~stop_signals();

  stop_signals(const stop_signals&) = delete;
  stop_signals& operator=(const stop_signals&) = delete;

  /// How many have come, repeats not among them. Any thread.
  std::size_t count() const;

private:
  void run();
  void take_pending();

  sigset_t before_;
  int signals_ = -1;
  /// The ends of a pipe; the thread ends when the second is closed.
  int end_[2] = {-1, -1};
  signal_repeats repeats_;
  mutable std::mutex mutex_;
  std::size_t count_ = 0;
  std::function<void(std::size_t nth)> answer_;
  std::thread thread_;
};

class stop_signals::reaction {
public:
  reaction(stop_signals& to, std::function<void(std::size_t nth)> answer);

  /// No answer runs any more.
  ~reaction();

  reaction(const reaction&) = delete;
  reaction& operator=(const reaction&) = delete;

private:
  stop_signals& signals_;
};

} // namespace weir::tool
