// SPDX-License-Identifier: Apache-2.0

// A program that has weir inside keeps what is its own: environments do not know of each other, starts and
// stops leave nothing behind, and clients that complete whenever they like do no harm. With
// AddressSanitizer it also shows that nothing leaks.

#include "../support/client_thread.hpp"

#include "weir/weir.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

using namespace std::chrono_literals;

namespace {

std::ptrdiff_t entries_of(const char* folder) {
  return std::distance(std::filesystem::directory_iterator{folder}, {});
}

/// What a process has that weir could leave behind.
struct possessions {
  std::ptrdiff_t threads = entries_of("/proc/self/task");
  std::ptrdiff_t descriptors = entries_of("/proc/self/fd");
};

/// Completes calls later, in any order, also when their job is long gone.
auto answers_late(weir::testing::client_thread& client) {
  return [&client](const int& x, weir::result_future<int> done) {
    client.post([x, done = std::move(done)]() mutable { done.complete(x); });
  };
}

struct one_service {
  explicit one_service(weir::testing::client_thread& client) {
    pushes.emplace(weir::async_service::unordered(env, answers_late(client),
                                                  {.name = "echo", .timeout = 30s, .capacity = 8},
                                                  {.on_result = [this](int x) { sum += x; }}));
    weir::async_data_stream::ordered_wait(env.from_source(weir::range_source(0, 3, [](auto n) {
                                            return static_cast<int>(n);
                                          })),
                                          answers_late(client), {.name = "stream", .timeout = 30s})
      .sink_to([this](int x) { streamed += x; });
  }

  weir::environment env{{.threads = 2}};
  std::optional<weir::pusher<int>> pushes;
  std::atomic<int> sum{0};
  std::atomic<int> streamed{0};
};

/// The handlers of all signals.
std::vector<void (*)(int)> signal_handlers() {
  std::vector<void (*)(int)> all;
  for (int each = 1; each < NSIG; ++each) {
    struct sigaction now {};
    ::sigaction(each, nullptr, &now);
    all.push_back(now.sa_handler);
  }
  return all;
}

/// What is printed while it lives goes to a file.
class kept_output {
public:
  kept_output() {
    std::fflush(nullptr);
    for (auto& each : streams_) {
      each.before = ::dup(each.number);
      ::dup2(::fileno(file_), each.number);
    }
  }
  ~kept_output() {
    restore();
    std::fclose(file_);
  }
  kept_output(const kept_output&) = delete;
  kept_output& operator=(const kept_output&) = delete;

  /// Ends it. How many bytes were printed.
  long end() {
    restore();
    return ::lseek(::fileno(file_), 0, SEEK_END);
  }

private:
  void restore() {
    std::fflush(nullptr);
    for (auto& each : streams_)
      if (each.before >= 0) {
        ::dup2(each.before, each.number);
        ::close(std::exchange(each.before, -1));
      }
  }

  struct stream {
    int number;
    int before = -1;
  };
  std::FILE* file_ = std::tmpfile();
  stream streams_[2]{{STDOUT_FILENO}, {STDERR_FILENO}};
};

std::ptrdiff_t sockets() {
  std::ptrdiff_t count = 0;
  for (const auto& each : std::filesystem::directory_iterator{"/proc/self/fd"}) {
    std::error_code gone;
    count += std::filesystem::read_symlink(each, gone).string().starts_with("socket:");
  }
  return count;
}

} // namespace

BOOST_AUTO_TEST_SUITE(good_guests)

BOOST_AUTO_TEST_CASE(two_environments_run_beside_each_other) {
  weir::testing::client_thread client;
  one_service a{client};
  one_service b{client};
  auto job_a = a.env.start("a");
  auto job_b = b.env.start("b");
  for (int x = 1; x <= 500; ++x) {
    BOOST_TEST(a.pushes->push(x).has_value());
    BOOST_TEST(b.pushes->push(1).has_value());
  }
  a.pushes->finish();
  BOOST_TEST(job_a.wait().ok());
  // The end of one is not that of the other.
  BOOST_TEST(b.pushes->push(1).has_value());
  b.pushes->finish();
  BOOST_TEST(job_b.wait().ok());
  BOOST_TEST(a.sum == 125'250);
  BOOST_TEST(b.sum == 501);
  BOOST_TEST(a.streamed == 3);
  BOOST_TEST(b.streamed == 3);
}

BOOST_AUTO_TEST_CASE(a_thousand_starts_and_stops_leave_nothing_while_clients_complete) {
  weir::testing::client_thread client;
  const auto run = [&client](int round) {
    one_service one{client};
    auto job = one.env.start("short");
    for (int x = 0; x < 5; ++x)
      one.pushes->try_push(x);
    switch (round % 4) {
      case 0:
        one.pushes->finish();
        BOOST_TEST(job.wait().ok());
        BOOST_TEST(one.sum == 10);
        break;
      case 1:
        job.drain(1min);
        BOOST_TEST(job.wait().left_behind == 0u);
        break;
      case 2:
        job.cancel();
        break;
      default:
        // Destroyed as it is: calls are under way, and completed when all of it is gone.
        break;
    }
  };
  // What is made once for a process is not counted.
  run(0);
  const possessions before;
  for (int round = 0; round < 1'000; ++round)
    run(round);
  // A thread that has ended may be seen for a moment.
  while (entries_of("/proc/self/task") > before.threads)
    std::this_thread::yield();
  BOOST_TEST(possessions{}.descriptors == before.descriptors);
}

BOOST_AUTO_TEST_CASE(signals_and_what_the_program_prints_stay_its_own) {
  const auto handlers = signal_handlers();
  const auto sockets_before = sockets();
  weir::testing::client_thread client;
  kept_output output;
  bool pushed = false;
  bool handlers_while_it_runs = false;
  std::ptrdiff_t sockets_while_it_runs = 0;
  {
    one_service one{client};
    weir::async_data_stream::ordered_wait(
      one.env.from_source(weir::collection_source<int>{{1}}),
      [](const int&, weir::result_future<int>) { throw std::runtime_error("the job fails"); },
      {.name = "throws", .timeout = 1s})
      .sink_to([](int) {});
    auto job = one.env.start("quiet");
    pushed = one.pushes->push_tracked(1).wait().has_value();
    handlers_while_it_runs = signal_handlers() == handlers;
    sockets_while_it_runs = sockets();
    job.wait();
  }
  // Nothing is checked before, since checks print.
  const auto printed = output.end();
  BOOST_TEST(printed == 0);
  BOOST_TEST(pushed);
  BOOST_TEST(handlers_while_it_runs);
  BOOST_TEST((signal_handlers() == handlers));
  BOOST_TEST(sockets_while_it_runs == sockets_before);
}

BOOST_AUTO_TEST_SUITE_END()
