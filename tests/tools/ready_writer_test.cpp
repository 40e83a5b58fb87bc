// SPDX-License-Identifier: Apache-2.0
#include "ready_writer.hpp"

#include "../connectors/posix_fixtures.hpp"
#include "../support/temp_folder.hpp"
#include "pseudo_terminal.hpp"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

using weir::duration;
using weir::testing::pipe_ends;
using weir::testing::temp_folder;
using weir::tool::ready_writer;
using weir::tool::testing::needs_pseudo_terminals;
using weir::tool::testing::pseudo_terminal;

namespace {

/// Writes until nothing goes any more.
void fill(const ready_writer& writer) {
  const std::string much(1 << 20, 'x');
  std::string_view rest = much;
  BOOST_TEST(writer.write_now(rest) == EAGAIN);
  BOOST_TEST(!rest.empty());
}

/// What `write_all` came to, and how often it asked whether to go on, when the second time is the
/// last.
struct given_up {
  explicit given_up(const ready_writer& writer)
    : code(writer.write_all("more", [this](duration) { return ++asked == 2; })) {}

  int asked = 0;
  int code;
};

/// Two ends that are connected.
struct socket_ends {
  socket_ends() {
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
      throw std::runtime_error{"no sockets"};
  }
  ~socket_ends() {
    ::close(fds[0]);
    ::close(fds[1]);
  }
  socket_ends(const socket_ends&) = delete;
  socket_ends& operator=(const socket_ends&) = delete;

  int fds[2];
};

} // namespace

BOOST_AUTO_TEST_SUITE(ready_writers)

BOOST_AUTO_TEST_CASE(a_file_takes_everything) {
  const temp_folder folder;
  const int file = ::open(folder.path("file").c_str(), O_WRONLY | O_CREAT, 0666);
  const std::string text(100'000, 'x');
  std::string_view rest = text;
  BOOST_TEST(ready_writer{file}.write_now(rest) == 0);
  BOOST_TEST(rest.empty());
  ::close(file);
  BOOST_TEST(folder.read("file") == text);
}

BOOST_AUTO_TEST_CASE(a_full_pipe_holds_nobody_up) {
  pipe_ends pipe;
  const ready_writer writer{pipe.writer()};
  fill(writer);
  const given_up got{writer};
  BOOST_TEST(got.code == EAGAIN);
  BOOST_TEST(got.asked == 2);
}

BOOST_AUTO_TEST_CASE(a_full_socket_holds_nobody_up) {
  const socket_ends ends;
  const ready_writer writer{ends.fds[0]};
  fill(writer);
  BOOST_TEST(given_up{writer}.code == EAGAIN);
}

BOOST_AUTO_TEST_CASE(a_terminal_that_is_stopped_holds_nobody_up,
                     *needs_pseudo_terminals) {
  pseudo_terminal terminal;
  const ready_writer writer{terminal.line()};
  terminal.stop();
  std::string_view text = "progress";
  BOOST_TEST(writer.write_now(text) == EAGAIN);
  BOOST_TEST(given_up{writer}.code == EAGAIN);
  // WHEN it goes on, THEN it takes what comes then
  terminal.go_on();
  BOOST_TEST(writer.write_all("more\n", [](duration) { return false; }) == 0);
  BOOST_TEST(terminal.read_until("\n") == "more\r\n");
}

BOOST_AUTO_TEST_CASE(a_terminal_that_nobody_reads_holds_nobody_up,
                     *needs_pseudo_terminals) {
  const pseudo_terminal terminal;
  const ready_writer writer{terminal.line()};
  // The system moves some of it on, so that it is not full at once.
  const std::string much(1 << 20, 'x');
  BOOST_TEST(writer.write_all(much, [](duration stuck) { return stuck > duration{0}; }) == EAGAIN);
}

BOOST_AUTO_TEST_CASE(what_does_not_wait_by_itself_is_waited_for) {
  // GIVEN a pipe that its owner has made non-blocking, and that is full
  pipe_ends pipe;
  ::fcntl(pipe.writer(), F_SETFL, O_NONBLOCK);
  const ready_writer writer{pipe.writer()};
  fill(writer);
  // WHEN its reader reads while somebody waits
  int asked = 0;
  const int code = writer.write_all("more", [&](duration) {
    pipe.get();
    return ++asked > 1;
  });
  // THEN it is no failure
  BOOST_TEST(code == 0);
  BOOST_TEST(pipe.get() == "more");
}

BOOST_AUTO_TEST_CASE(the_time_for_which_nothing_went_grows) {
  pipe_ends pipe;
  const ready_writer writer{pipe.writer()};
  fill(writer);
  duration longest{};
  BOOST_TEST(writer.write_all("more", [&](duration stuck) {
    BOOST_TEST((stuck >= longest));
    longest = stuck;
    return stuck > duration{0};
  }) == EAGAIN);
}

BOOST_AUTO_TEST_CASE(others_who_share_the_stream_still_wait,
                     *needs_pseudo_terminals) {
  pipe_ends pipe;
  const pseudo_terminal terminal;
  for (const int fd : {pipe.writer(), terminal.line()}) {
    const ready_writer writer{fd};
    BOOST_TEST((::fcntl(fd, F_GETFL) & O_NONBLOCK) == 0);
  }
}

BOOST_AUTO_TEST_CASE(a_reader_that_has_gone_is_an_error) {
  std::signal(SIGPIPE, SIG_IGN);
  for (const bool before : {true, false}) {
    pipe_ends pipe;
    if (before)
      pipe.close_reader();
    const ready_writer writer{pipe.writer()};
    pipe.close_reader();
    std::string_view text = "x";
    BOOST_TEST(writer.write_now(text) == EPIPE);
  }
}

BOOST_AUTO_TEST_CASE(what_is_open_for_reading_only_is_an_error) {
  const int nothing = ::open("/dev/null", O_RDONLY);
  std::string_view text = "x";
  BOOST_TEST(ready_writer{nothing}.write_now(text) == EBADF);
  ::close(nothing);
}

BOOST_AUTO_TEST_SUITE_END()
