// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A terminal without a person: what is written to `line()` comes to `read_until`. Every wait has a
/// deadline, at which the test fails. One thread.

#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace weir::tool::testing {

class pseudo_terminal {
public:
  explicit pseudo_terminal(unsigned short columns = 80) {
    const winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    if (::openpty(&screen_, &line_, nullptr, nullptr, &size) != 0)
      throw std::runtime_error{"no pseudo-terminal"};
    for (const int fd : {screen_, line_})
      ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  ~pseudo_terminal() {
    ::close(screen_);
    ::close(line_);
  }
  pseudo_terminal(const pseudo_terminal&) = delete;
  pseudo_terminal& operator=(const pseudo_terminal&) = delete;

  /// What a program has as its terminal.
  int line() const { return line_; }

  /// Stops the output, as Ctrl-S does.
  void stop() const { ::tcflow(line_, TCOOFF); }

  /// And Ctrl-Q.
  void go_on() const { ::tcflow(line_, TCOON); }

  /// Reads up to `text`, and gives all since the last reading.
  std::string read_until(std::string_view text) {
    std::string all;
    while (!all.ends_with(text)) {
      pollfd look{screen_, POLLIN, 0};
      char next = 0;
      if (::poll(&look, 1, 60'000) <= 0 || ::read(screen_, &next, 1) != 1)
        throw std::runtime_error{"the terminal shows no " + std::string{text} + ", but: " + all};
      all += next;
    }
    return all;
  }

private:
  int screen_ = -1;
  int line_ = -1;
};

inline boost::test_tools::assertion_result has_pseudo_terminals(boost::unit_test::test_unit_id) {
  const int screen = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  boost::test_tools::assertion_result there_are{screen >= 0};
  there_are.message() << "this system has no pseudo-terminals";
  if (screen >= 0)
    ::close(screen);
  return there_are;
}

/// For tests that need one: without a devpts file system, as in some containers, they are skipped, and
/// Boost.Test says so.
inline const boost::unit_test::precondition needs_pseudo_terminals{has_pseudo_terminals};

} // namespace weir::tool::testing
