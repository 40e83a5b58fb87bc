// SPDX-License-Identifier: Apache-2.0

#include "weir/stdout_sink.hpp"

#include "../support/temp_folder.hpp"
#include "posix_fixtures.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <fcntl.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace {

/// `count` records whose lines have `bytes` bytes each, and those lines.
struct some_records {
  weir::batch<weir::json_record> in;
  std::string lines;

  some_records(int count, std::size_t bytes) {
    for (int i = 0; i < count; ++i) {
      std::string raw(bytes - 3, static_cast<char>('a' + i % 26));
      raw = "{" + raw + "}";
      lines += raw + "\n";
      in.append(weir::json_record{raw, {}, 1}, {}, {});
    }
  }
};

bool waits_for(const weir::expected<weir::poll_result>& result, int fd) {
  return result && result->state == weir::poll_state::wait && result->wait.fd == fd
         && result->wait.writable;
}

bool is_done(const weir::expected<weir::poll_result>& result) {
  return result && result->state == weir::poll_state::done;
}

/// Writes all of `x` and what is gathered, while `read` takes it from the other end.
template <class Read>
std::string carry(weir::stdout_sink& sink, int fd, some_records& x, Read read) {
  std::string got;
  std::size_t next = 0;
  while (next < x.in.records()) {
    const auto written = sink.write(x.in, next, x.in.records());
    BOOST_TEST_REQUIRE((is_done(written) || waits_for(written, fd)));
    if (!is_done(written))
      got += read();
  }
  while (waits_for(sink.prepare(1, true), fd))
    got += read();
  return got + read();
}

struct file_fixture {
  weir::testing::temp_folder folder;
  int fd = -1;

  ~file_fixture() { ::close(fd); }

  void open(int flags = 0) {
    fd = ::open(folder.path("out").c_str(), O_WRONLY | O_CREAT | flags, 0600);
    BOOST_TEST_REQUIRE(fd >= 0);
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(stdout_sink)

BOOST_AUTO_TEST_CASE(a_pipe_that_is_full_is_waited_for) {
  const weir::testing::pipe_ends pipe;
  weir::stdout_sink sink{pipe.writer()};
  BOOST_TEST(sink.open({}).has_value());
  // More than the pipe and the sink hold together.
  some_records x{1000, 500};
  std::size_t next = 0;
  BOOST_TEST(waits_for(sink.write(x.in, next, x.in.records()), pipe.writer()));
  BOOST_TEST(next > 0u);
  BOOST_TEST(next < 1000u);
  BOOST_TEST(waits_for(sink.flush(), pipe.writer()));
}

BOOST_AUTO_TEST_CASE(lines_of_any_length_go_through_a_pipe) {
  for (const std::size_t bytes : {3, 100, 4095, 4096, 4097, 20'000, 200'000}) {
    const weir::testing::pipe_ends pipe;
    ::fcntl(pipe.writer(), F_SETPIPE_SZ, 4096);
    weir::stdout_sink sink{pipe.writer()};
    BOOST_TEST(sink.open({}).has_value());
    some_records x{bytes < 10'000 ? 300 : 5, bytes};
    const auto got = carry(sink, pipe.writer(), x, [&] { return pipe.get(1000); });
    BOOST_TEST((got + pipe.get() == x.lines), bytes);
  }
}

BOOST_AUTO_TEST_CASE(short_lines_are_never_cut) {
  const weir::testing::pipe_ends pipe;
  weir::stdout_sink sink{pipe.writer()};
  BOOST_TEST(sink.open({}).has_value());
  some_records x{3000, 700};
  std::size_t next = 0;
  BOOST_TEST(waits_for(sink.write(x.in, next, x.in.records()), pipe.writer()));
  sink.abandon(false);
  const auto got = pipe.get();
  BOOST_TEST(!got.empty());
  BOOST_TEST(got.ends_with('\n'));
  BOOST_TEST(x.lines.starts_with(got));
}

BOOST_AUTO_TEST_CASE(a_long_line_that_was_begun_is_completed_where_there_is_room) {
  const weir::testing::pipe_ends pipe;
  BOOST_TEST_REQUIRE(::fcntl(pipe.writer(), F_SETPIPE_SZ, 4096) == 4096);
  weir::stdout_sink sink{pipe.writer()};
  BOOST_TEST(sink.open({}).has_value());
  some_records x{10, 6000};
  std::size_t next = 0;
  BOOST_TEST(is_done(sink.write(x.in, next, 10)));
  BOOST_TEST(waits_for(sink.flush(), pipe.writer()));
  auto got = pipe.get();
  BOOST_TEST(got.size() == 4096u);
  sink.abandon(false);
  got += pipe.get();
  BOOST_TEST((got == x.lines.substr(0, 6000)));
}

BOOST_AUTO_TEST_CASE(after_abandon_nothing_more_is_written) {
  const weir::testing::pipe_ends pipe;
  weir::stdout_sink sink{pipe.writer()};
  BOOST_TEST(sink.open({}).has_value());
  some_records x{3, 100};
  std::size_t next = 0;
  BOOST_TEST(is_done(sink.write(x.in, next, 3)));
  sink.abandon(true);
  BOOST_TEST(is_done(sink.flush()));
  BOOST_TEST(pipe.get() == "");
}

BOOST_AUTO_TEST_CASE(a_reader_that_is_gone_is_an_error_and_no_signal) {
  weir::testing::pipe_ends pipe;
  weir::stdout_sink sink{pipe.writer()};
  BOOST_TEST(sink.open({}).has_value());
  some_records x{3, 100};
  std::size_t next = 0;
  BOOST_TEST(is_done(sink.write(x.in, next, 3)));
  pipe.close_reader();
  // The default action would end the test.
  BOOST_TEST_REQUIRE((std::signal(SIGPIPE, SIG_DFL) != SIG_ERR));
  const auto flushed = sink.flush();
  BOOST_TEST_REQUIRE(!flushed.has_value());
  BOOST_TEST(flushed.why().is(weir::error_kind::io));
  BOOST_TEST(flushed.why().thing() == "standard output");
  BOOST_TEST(flushed.why().message().starts_with("was closed by its reader"));
  sink.abandon(false);
  sigset_t blocked;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  BOOST_TEST(::sigismember(&blocked, SIGPIPE) == 0);
}

BOOST_AUTO_TEST_CASE(a_socket_is_waited_for_and_may_go_away) {
  int ends[2];
  BOOST_TEST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  weir::stdout_sink sink{ends[0]};
  BOOST_TEST(sink.open({}).has_value());
  some_records x{2000, 1000};
  const auto got = carry(sink, ends[0], x, [&] {
    std::string text(1 << 20, '\0');
    const auto n = ::recv(ends[1], text.data(), text.size(), MSG_DONTWAIT);
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return text;
  });
  BOOST_TEST((got == x.lines));
  ::close(ends[1]);
  std::size_t next = 0;
  BOOST_TEST(is_done(sink.write(x.in, next, 1)));
  BOOST_TEST(!sink.flush().has_value());
  ::close(ends[0]);
}

BOOST_FIXTURE_TEST_CASE(a_file_takes_everything_at_once, file_fixture) {
  open();
  weir::stdout_sink sink{fd};
  BOOST_TEST(sink.open({}).has_value());
  some_records x{2000, 1000};
  std::size_t next = 0;
  BOOST_TEST(is_done(sink.write(x.in, next, 2000)));
  BOOST_TEST(is_done(sink.prepare(1, true)));
  BOOST_TEST((folder.read("out") == x.lines));
}

BOOST_FIXTURE_TEST_CASE(a_file_that_cannot_grow_keeps_whole_lines, file_fixture) {
  for (const int flags : {O_TRUNC, O_TRUNC | O_APPEND}) {
    open(flags);
    BOOST_TEST_REQUIRE(::write(fd, "before\n", 7) == 7);
    weir::stdout_sink sink{fd};
    BOOST_TEST(sink.open({}).has_value());
    some_records x{10, 100};
    {
      const weir::testing::file_size_limit limit{7 + 250};
      std::size_t next = 0;
      BOOST_TEST(is_done(sink.write(x.in, next, 10)));
      const auto flushed = sink.flush();
      BOOST_TEST_REQUIRE(!flushed.has_value());
      BOOST_TEST(flushed.why().message().starts_with("cannot be written: File too large; "));
      sink.abandon(false);
    }
    BOOST_TEST(folder.read("out") == "before\n" + x.lines.substr(0, 200));
    BOOST_TEST(::write(fd, "after\n", 6) == 6);
    BOOST_TEST(folder.read("out") == "before\n" + x.lines.substr(0, 200) + "after\n");
    ::close(fd);
  }
  fd = -1;
}

BOOST_AUTO_TEST_CASE(a_device_that_is_full_is_named) {
  const int fd = ::open("/dev/full", O_WRONLY);
  BOOST_TEST_REQUIRE(fd >= 0);
  weir::stdout_sink sink{fd};
  BOOST_TEST(sink.open({}).has_value());
  some_records x{1, 100};
  std::size_t next = 0;
  BOOST_TEST(is_done(sink.write(x.in, next, 1)));
  const auto flushed = sink.flush();
  BOOST_TEST_REQUIRE(!flushed.has_value());
  BOOST_TEST(flushed.why().text()
             == "standard output: cannot be written: No space left on device; free some space, or "
                "choose another place (io)");
  ::close(fd);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_written_to_is_refused_at_the_start) {
  const auto refusal = [](int fd, std::uint32_t parallelism = 1) {
    weir::stdout_sink sink{fd};
    const auto opened = sink.open({"job", "sink", 0, parallelism});
    return opened ? std::string{"was opened"} : opened.why().text();
  };
  int closed = -1;
  {
    const weir::testing::pipe_ends pipe;
    closed = pipe.writer();
    BOOST_TEST(refusal(pipe.reader()).find("for reading only") != std::string::npos);
    BOOST_TEST(refusal(pipe.writer(), 2).find("parallelism to 1") != std::string::npos);
  }
  BOOST_TEST(refusal(closed).find("is closed") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
