// SPDX-License-Identifier: Apache-2.0
#include "stop_signals.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <stdexcept>
#include <thread>
#include <unistd.h>

using weir::tool::stop_signals;
using namespace std::chrono_literals;

namespace {

/// What a signal does in this process, put back by the destructor.
class signal_action {
public:
  signal_action(int number, void (*action)(int))
    : number_(number), before_(std::signal(number, action)) {}
  ~signal_action() { std::signal(number_, before_); }
  signal_action(const signal_action&) = delete;
  signal_action& operator=(const signal_action&) = delete;

private:
  int number_;
  void (*before_)(int);
};

void wait_until(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error{"waited in vain"};
    std::this_thread::yield();
  }
}

struct signals_fixture {
  /// Sends a signal to this process and waits until somebody has taken it.
  static void send(int number) {
    ::kill(::getpid(), number);
    wait_until([&] {
      sigset_t pending;
      sigpending(&pending);
      return sigismember(&pending, number) == 0;
    });
  }

  const signal_action interrupt{SIGINT, SIG_DFL};
  const signal_action terminate{SIGTERM, SIG_DFL};
};

} // namespace

BOOST_AUTO_TEST_SUITE(repeated_signals)

BOOST_AUTO_TEST_CASE(what_one_process_sends_twice_at_once_is_one_signal) {
  weir::tool::signal_repeats repeats;
  const weir::time_point start{1h};
  BOOST_TEST(!repeats.is_repeat(SIGTERM, 7, start));
  BOOST_TEST(repeats.is_repeat(SIGTERM, 7, start + 9ms));
  // The next one is compared with that.
  BOOST_TEST(repeats.is_repeat(SIGTERM, 7, start + 18ms));
  BOOST_TEST(!repeats.is_repeat(SIGTERM, 7, start + 28ms));
}

BOOST_AUTO_TEST_CASE(another_signal_another_sender_and_the_terminal_repeat_nothing) {
  weir::tool::signal_repeats repeats;
  const weir::time_point start{1h};
  BOOST_TEST(!repeats.is_repeat(SIGTERM, 7, start));
  BOOST_TEST(!repeats.is_repeat(SIGINT, 7, start));
  BOOST_TEST(!repeats.is_repeat(SIGINT, 8, start));
  BOOST_TEST(!repeats.is_repeat(SIGINT, 0, start));
  BOOST_TEST(!repeats.is_repeat(SIGINT, 0, start));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(stop_signals_are_taken, signals_fixture)

BOOST_AUTO_TEST_CASE(each_counts_although_nobody_asks_in_between) {
  stop_signals signals;
  BOOST_TEST(signals.count() == 0u);
  // In turns: the same one at once would be a repeat.
  for (const int number : {SIGINT, SIGTERM, SIGINT, SIGTERM})
    send(number);
  wait_until([&] { return signals.count() == 4; });
}

BOOST_AUTO_TEST_CASE(each_is_answered_with_its_number) {
  stop_signals signals;
  std::atomic<std::size_t> answered{0};
  // GIVEN one that came before anybody answers
  send(SIGTERM);
  wait_until([&] { return signals.count() == 1; });
  {
    const stop_signals::reaction answers{signals,
                                         [&](std::size_t nth) { answered = nth; }};
    BOOST_TEST(answered == 1u);
    // WHEN another one comes
    send(SIGINT);
    wait_until([&] { return answered == 2; });
  }
  // THEN it is answered, and one that comes when nobody answers any more is only counted
  send(SIGTERM);
  wait_until([&] { return signals.count() == 3; });
  BOOST_TEST(answered == 2u);
}

BOOST_AUTO_TEST_CASE(those_that_were_ignored_stay_ignored) {
  const signal_action ignored{SIGINT, SIG_IGN};
  stop_signals signals;
  ::kill(::getpid(), SIGINT);
  send(SIGTERM);
  wait_until([&] { return signals.count() > 0; });
  BOOST_TEST(signals.count() == 1u);
}

BOOST_AUTO_TEST_CASE(afterwards_they_do_what_they_did_before) {
  static volatile std::sig_atomic_t handled = 0;
  const signal_action handler{SIGINT, [](int) { handled = 1; }};
  {
    stop_signals signals;
    send(SIGINT);
    wait_until([&] { return signals.count() == 1; });
  }
  BOOST_TEST(handled == 0);
  ::raise(SIGINT);
  BOOST_TEST(handled == 1);
}

BOOST_AUTO_TEST_SUITE_END()
