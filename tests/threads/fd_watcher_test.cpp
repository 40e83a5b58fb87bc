// SPDX-License-Identifier: Apache-2.0

#include "weir/fd_watcher.hpp"

#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

using weir::fd_watcher;

namespace {

constexpr std::chrono::seconds watchdog{60};

class pipe_pair {
public:
  pipe_pair() {
    if (::pipe2(fds_, O_CLOEXEC | O_NONBLOCK) != 0)
      throw std::runtime_error("no pipe");
  }
  ~pipe_pair() {
    close_reader();
    close_writer();
  }
  pipe_pair(const pipe_pair&) = delete;
  pipe_pair& operator=(const pipe_pair&) = delete;

  int reader() const { return fds_[0]; }
  int writer() const { return fds_[1]; }
  void close_reader() { close_once(fds_[0]); }
  void close_writer() { close_once(fds_[1]); }

  void write_byte() { BOOST_REQUIRE(::write(fds_[1], "x", 1) == 1); }
  void fill() {
    const std::array<char, 4096> page{};
    while (::write(fds_[1], page.data(), page.size()) > 0) {
    }
  }
  void empty() {
    std::array<char, 4096> page;
    while (::read(fds_[0], page.data(), page.size()) > 0) {
    }
  }

private:
  static void close_once(int& fd) {
    if (fd >= 0)
      ::close(std::exchange(fd, -1));
  }

  int fds_[2];
};

/// Waits through the watcher; the future is ready when it has called back.
std::future<void> ready(fd_watcher& watcher, int fd, bool writable = false) {
  auto promise = std::make_shared<std::promise<void>>();
  auto result = promise->get_future();
  watcher.wait({fd, writable}, [promise] { promise->set_value(); });
  return result;
}

bool comes(std::future<void>& what) {
  return what.wait_for(watchdog) == std::future_status::ready;
}

bool is_here(std::future<void>& what) {
  return what.wait_for(std::chrono::seconds{0}) == std::future_status::ready;
}

} // namespace

BOOST_AUTO_TEST_SUITE(fd_watchers)

BOOST_AUTO_TEST_CASE(one_that_was_never_asked_ends) {
  fd_watcher watcher;
}

BOOST_AUTO_TEST_CASE(it_calls_back_when_something_can_be_read) {
  fd_watcher watcher;
  pipe_pair pipe;
  auto readable = ready(watcher, pipe.reader());
  BOOST_TEST(!is_here(readable));
  pipe.write_byte();
  BOOST_TEST(comes(readable));
}

BOOST_AUTO_TEST_CASE(it_calls_back_at_once_when_it_is_ready_already) {
  fd_watcher watcher;
  pipe_pair pipe;
  pipe.write_byte();
  auto readable = ready(watcher, pipe.reader());
  BOOST_TEST(comes(readable));
}

BOOST_AUTO_TEST_CASE(it_calls_back_when_something_can_be_written) {
  fd_watcher watcher;
  pipe_pair pipe;
  pipe.fill();
  auto writable = ready(watcher, pipe.writer(), true);
  BOOST_TEST(!is_here(writable));
  pipe.empty();
  BOOST_TEST(comes(writable));
}

BOOST_AUTO_TEST_CASE(a_descriptor_whose_other_end_is_gone_is_ready) {
  fd_watcher watcher;
  pipe_pair one;
  auto readable = ready(watcher, one.reader());
  one.close_writer();
  BOOST_TEST(comes(readable));
  pipe_pair other;
  other.fill();
  auto writable = ready(watcher, other.writer(), true);
  other.close_reader();
  BOOST_TEST(comes(writable));
}

BOOST_AUTO_TEST_CASE(a_descriptor_that_is_none_is_ready) {
  fd_watcher watcher;
  pipe_pair pipe;
  const auto fd = pipe.reader();
  pipe.close_reader();
  auto broken = ready(watcher, fd);
  BOOST_TEST(comes(broken));
}

BOOST_AUTO_TEST_CASE(it_calls_back_once) {
  fd_watcher watcher;
  pipe_pair pipe;
  std::atomic<int> calls{0};
  watcher.wait({pipe.reader(), false}, [&] { ++calls; });
  pipe.write_byte();
  // Both are ready and the first is waited for no more; two rounds pass.
  for (int round = 0; round < 2; ++round) {
    auto other = ready(watcher, pipe.reader());
    BOOST_TEST(comes(other));
  }
  BOOST_TEST(calls == 1);
}

BOOST_AUTO_TEST_CASE(a_callback_may_wait_again) {
  fd_watcher watcher;
  pipe_pair pipe;
  std::promise<void> third;
  auto done = third.get_future();
  std::function<void()> again;
  int calls = 0;
  again = [&] {
    if (++calls == 3)
      third.set_value();
    else
      watcher.wait({pipe.reader(), false}, again);
  };
  watcher.wait({pipe.reader(), false}, again);
  pipe.write_byte();
  BOOST_TEST(comes(done));
}

BOOST_AUTO_TEST_CASE(nothing_is_called_after_its_end) {
  pipe_pair pipe;
  bool called = false;
  {
    fd_watcher watcher;
    watcher.wait({pipe.reader(), false}, [&] { called = true; });
  }
  pipe.write_byte();
  BOOST_TEST(!called);
}

BOOST_AUTO_TEST_CASE(threads_wait_for_many_at_once) {
  constexpr int threads = 4;
  constexpr int each = 50;
  fd_watcher watcher;
  std::vector<std::thread> askers;
  std::atomic<int> came{0};
  for (int t = 0; t < threads; ++t)
    askers.emplace_back([&] {
      for (int i = 0; i < each; ++i) {
        pipe_pair pipe;
        auto readable = ready(watcher, pipe.reader());
        if (::write(pipe.writer(), "x", 1) == 1 && comes(readable))
          ++came;
      }
    });
  for (auto& asker : askers)
    asker.join();
  BOOST_TEST(came == threads * each);
}

BOOST_AUTO_TEST_SUITE_END()
