// SPDX-License-Identifier: Apache-2.0

#include "weir/event_loop_driver.hpp"

#include "file_descriptor.hpp"
#include "threads.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <utility>
#include <vector>

namespace weir::testing {

namespace {

using namespace std::chrono_literals;

/// The other end of all connections: what they ask is kept until the test has it answered.
class scripted_peer {
public:
  /// What the next tries to connect come to; those behind them are good.
  void refuse(std::vector<std::string_view> kinds) {
    const std::lock_guard guard{mutex_};
    refusals_.assign(kinds.begin(), kinds.end());
  }

  expected<int> connect() {
    const std::lock_guard guard{mutex_};
    ++tries_;
    if (!refusals_.empty()) {
      const auto kind = refusals_.front();
      refusals_.erase(refusals_.begin());
      return error{kind, "peer", "try " + std::to_string(tries_)};
    }
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
      throw std::runtime_error{"no socket pair"};
    ends_.emplace_back(ends[1]);
    return ends[0];
  }

  std::size_t tries() {
    const std::lock_guard guard{mutex_};
    return tries_;
  }

  std::size_t connections() {
    const std::lock_guard guard{mutex_};
    return ends_.size();
  }

  /// Answers so many bytes of questions on a connection, one byte each; waits for them.
  void answer(std::size_t connection, std::size_t count) {
    const auto fd = end_of(connection);
    for (std::size_t answered = 0; answered < count;) {
      char bytes[64];
      const auto got = ::recv(fd, bytes, std::min(sizeof bytes, count - answered), 0);
      if (got <= 0)
        continue;
      answered += static_cast<std::size_t>(got);
      ::send(fd, bytes, static_cast<std::size_t>(got), MSG_NOSIGNAL);
    }
  }

  /// As `answer`, on whichever connections they come.
  void answer_any(std::size_t count) {
    for (std::size_t answered = 0, at = 0; answered < count; ++at) {
      char bytes[64];
      const auto fd = end_of(at % connections());
      const auto got = ::recv(fd, bytes, std::min(sizeof bytes, count - answered), 0);
      if (got <= 0)
        continue;
      answered += static_cast<std::size_t>(got);
      ::send(fd, bytes, static_cast<std::size_t>(got), MSG_NOSIGNAL);
    }
  }

  void cut(std::size_t connection) {
    const std::lock_guard guard{mutex_};
    ends_[connection] = detail::file_descriptor{};
  }

  // -- the loop stands still in a call with the key "hold" --
  void wait_until_held() {
    while (!is_held_)
      std::this_thread::yield();
  }
  void let_go() { is_held_ = false; }
  void hold_loop() {
    is_held_ = true;
    while (is_held_)
      std::this_thread::yield();
  }

  /// Sends a byte that nobody asked for.
  void say(std::size_t connection) { ::send(end_of(connection), "!", 1, MSG_NOSIGNAL); }

private:
  int end_of(std::size_t connection) {
    for (;;) {
      const std::lock_guard guard{mutex_};
      if (connection < ends_.size())
        return ends_[connection].get();
    }
  }

  std::mutex mutex_;
  std::atomic<bool> is_held_{false};
  std::vector<std::string> refusals_;
  std::vector<detail::file_descriptor> ends_;
  std::size_t tries_ = 0;
};

/// A byte for a question, a byte for its answer, in order.
class byte_connection final : public loop_connection {
public:
  byte_connection(scripted_peer& peer, std::atomic<std::size_t>& most) : peer_(peer), most_(most) {}

  expected<void> connect(const std::vector<statement_declaration>&, const connect_limits&) override {
    auto connected = peer_.connect();
    if (!connected)
      return std::move(connected).why();
    socket_ = detail::file_descriptor{*connected};
    return {};
  }

  int fd() const noexcept override { return socket_.get(); }

  void start(std::span<const loop_call> calls, loop_answers& answers) override {
    most_ = std::max(most_.load(), calls.size());
    for (const auto& each : calls) {
      const auto* const key = std::get_if<std::string>(&each.asked->arguments[0]);
      if (key != nullptr && *key == "throw")
        throw std::runtime_error{"told to"};
      if (key != nullptr && *key == "wrong") {
        answers.give(each.slot, error{error_kind::rejected, "peer", "cannot be sent"});
        continue;
      }
      if (key != nullptr && *key == "hold")
        peer_.hold_loop();
      slots_.push_back(each.slot);
      ::send(fd(), "?", 1, MSG_NOSIGNAL);
    }
  }

  expected<bool> advance(bool readable, loop_answers& answers) override {
    if (!readable)
      return false;
    char bytes[16];
    const auto got = ::recv(fd(), bytes, sizeof bytes, 0);
    if (got == 0)
      return error{error_kind::connection_lost, "peer", "closed"};
    for (ssize_t i = 0; i < got; ++i) {
      ++bytes_;
      if (bytes[i] == '!')
        continue;
      answers.give(slots_.front(), answer{});
      slots_.erase(slots_.begin());
    }
    return false;
  }

  std::uint64_t bytes_read() const noexcept override { return bytes_; }

private:
  scripted_peer& peer_;
  std::atomic<std::size_t>& most_;
  detail::file_descriptor socket_;
  std::vector<std::uint32_t> slots_;
  std::uint64_t bytes_ = 0;
};

struct loop_fixture {
  scripted_peer peer;
  collecting_receiver received;
  std::atomic<std::size_t> most_at_once{0};
  std::unique_ptr<event_loop_driver> driver;
  event_loop_options options{.permits_per_connection = 4, .open_timeout = 5s, .stall_grace = 50ms,
                             .gate = {.initial = 1ms, .max = 5ms, .least = 1ms, .refuse_after = 50ms}};
  call_token next = 0;

  expected<void> try_open(std::size_t connections = 1) {
    driver = std::make_unique<event_loop_driver>(driver_settings{"pool", "peer:", {connections}}, options,
                                                 [this](std::size_t) {
                                                   return std::make_unique<byte_connection>(peer, most_at_once);
                                                 });
    return driver->open({{"", 1}}, received);
  }

  void open(std::size_t connections = 1) {
    BOOST_REQUIRE(try_open(connections).has_value());
    while (peer.connections() < connections)
      std::this_thread::yield();
  }

  question make(const std::string& key = "k", time_point deadline = time_point::max()) {
    question asked;
    asked.token = ++next;
    asked.arguments.emplace_back(key);
    asked.deadline = deadline;
    return asked;
  }

  void submit(std::size_t count, const std::string& key = "k") {
    std::vector<question> some;
    for (std::size_t i = 0; i < count; ++i)
      some.push_back(make(key));
    driver->submit(some);
  }

  /// Results by kind of error; "" for answers.
  std::map<std::string, std::size_t> kinds() {
    std::map<std::string, std::size_t> all;
    for (const auto& each : received.results())
      ++all[each.outcome ? "" : each.outcome.why().kind()];
    return all;
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(event_loop_drivers, loop_fixture)

BOOST_AUTO_TEST_CASE(each_question_is_answered_once) {
  open();
  submit(20);
  peer.answer(0, 20);
  BOOST_TEST(received.wait_for(20) == 20u);
  BOOST_TEST(kinds()[""] == 20u);
  std::map<call_token, int> times;
  for (const auto& each : received.results())
    ++times[each.token];
  BOOST_TEST(times.size() == 20u);
}

BOOST_AUTO_TEST_CASE(a_connection_has_no_more_than_its_permits) {
  open(2);
  BOOST_TEST(driver->permits() == 8u);
  BOOST_TEST(driver->window() == 16u);
  submit(16);
  peer.answer_any(16);
  received.wait_for(16);
  BOOST_TEST(most_at_once.load() <= 4u);
}

BOOST_AUTO_TEST_CASE(what_passes_is_waited_for_when_a_driver_opens) {
  peer.refuse({error_kind::refused, error_kind::connection_lost, error_kind::overloaded});
  open();
  BOOST_TEST(peer.tries() == 4u);
}

BOOST_AUTO_TEST_CASE(what_does_not_pass_is_said_at_once) {
  peer.refuse({error_kind::refused, error_kind::rejected});
  const auto opened = try_open();
  BOOST_REQUIRE(!opened.has_value());
  BOOST_TEST(opened.why().is(error_kind::rejected));
  BOOST_TEST(opened.why().message() == "try 2");
}

BOOST_AUTO_TEST_CASE(a_store_that_does_not_come_is_given_up) {
  options.open_timeout = 30ms;
  peer.refuse(std::vector<std::string_view>(100'000, error_kind::refused));
  const auto opened = try_open();
  BOOST_REQUIRE(!opened.has_value());
  BOOST_TEST(opened.why().is(error_kind::refused));
}

BOOST_AUTO_TEST_CASE(settings_that_break_a_rule_are_refused) {
  BOOST_TEST(try_open(0).why().is(error_kind::argument));
  BOOST_TEST(try_open(1'025).why().is(error_kind::argument));
  options.permits_per_connection = 0;
  BOOST_TEST(try_open().why().is(error_kind::argument));
}

BOOST_AUTO_TEST_CASE(what_was_under_way_on_a_lost_connection_is_lost_and_what_waited_is_not) {
  open();
  submit(10);
  peer.answer(0, 1);
  received.wait_for(1);
  peer.cut(0);
  // THEN the four that were sent are lost, and the five behind them go to the next connection
  peer.answer(1, 5);
  received.wait_for(10);
  BOOST_TEST(kinds()[""] == 6u);
  BOOST_TEST(kinds()[std::string{error_kind::connection_lost}] == 4u);
}

BOOST_AUTO_TEST_CASE(an_outage_refuses_what_waits_after_a_while) {
  open();
  peer.refuse(std::vector<std::string_view>(100'000, error_kind::refused));
  peer.cut(0);
  submit(3);
  received.wait_for(3);
  for (const auto& each : received.results())
    BOOST_TEST((each.outcome.why().is(error_kind::refused) || each.outcome.why().is(error_kind::connection_lost)));
  // WHEN the store comes back
  peer.refuse({});
  submit(1);
  peer.answer(1, 1);
  received.wait_for(4);
  BOOST_TEST(kinds()[""] == 1u);
}

BOOST_AUTO_TEST_CASE(what_waits_is_cancelled_and_what_was_sent_is_not) {
  open();
  submit(6);
  std::vector<call_token> tokens{2, 6};
  // So that the first four have been sent.
  peer.answer(0, 1);
  received.wait_for(1);
  submit(1);
  tokens.push_back(7);
  driver->cancel(tokens);
  peer.answer(0, 3);
  received.wait_for(6);
  BOOST_TEST(kinds()[std::string{error_kind::cancelled}] == 2u);
  for (const auto& each : received.results())
    if (each.token == 2)
      BOOST_TEST(each.outcome.has_value());
  peer.answer(0, 1);
  received.wait_for(7);
}

BOOST_AUTO_TEST_CASE(a_question_past_its_deadline_is_not_sent) {
  open();
  submit(4);
  std::vector<question> late;
  late.push_back(make("k", time_point::clock::now()));
  driver->submit(late);
  peer.answer(0, 4);
  received.wait_for(5);
  BOOST_TEST(kinds()[std::string{error_kind::cancelled}] == 1u);
}

BOOST_AUTO_TEST_CASE(a_silent_connection_is_cut_once_a_deadline_has_passed) {
  open();
  std::vector<question> some;
  some.push_back(make("k", time_point::clock::now() + 10ms));
  some.push_back(make());
  driver->submit(some);
  received.wait_for(2);
  BOOST_TEST(kinds()[std::string{error_kind::connection_lost}] == 2u);
  submit(1);
  peer.answer(1, 1);
  received.wait_for(3);
}

BOOST_AUTO_TEST_CASE(what_lies_there_when_the_loop_stood_still_is_read_before_a_connection_is_cut) {
  // GIVEN more connections than are looked at in one turn, each with a question
  constexpr std::size_t connections = 100;
  options.permits_per_connection = 1;
  open(connections + 1);
  // Time enough for all to be sent.
  const auto deadline = time_point::clock::now() + 1s;
  std::vector<question> some;
  for (std::size_t i = 0; i < connections; ++i)
    some.push_back(make("k", deadline));
  driver->submit(some);
  submit(1, "hold");
  peer.wait_until_held();
  // WHEN all are answered while the loop stands still, past their deadline and the grace
  peer.answer_any(connections);
  std::this_thread::sleep_until(deadline + options.stall_grace);
  peer.let_go();
  peer.answer_any(1);
  received.wait_for(connections + 1);
  BOOST_TEST(kinds()[std::string{error_kind::connection_lost}] == 0u);
}

BOOST_AUTO_TEST_CASE(a_question_without_a_deadline_may_wait) {
  open();
  submit(1);
  // Several times the grace: what must not happen has no event to wait for.
  std::this_thread::sleep_for(4 * options.stall_grace);
  BOOST_TEST(received.results().empty());
  // until nobody waits for it any more
  const call_token first = 1;
  driver->cancel({&first, 1});
  received.wait_for(1);
  BOOST_TEST(kinds()[std::string{error_kind::connection_lost}] == 1u);
}

BOOST_AUTO_TEST_CASE(a_connection_that_throws_is_lost) {
  open();
  submit(1, "throw");
  received.wait_for(1);
  BOOST_TEST(kinds()[std::string{error_kind::connection_lost}] == 1u);
  BOOST_TEST(received.results()[0].outcome.why().message() == "the connection threw: told to");
  submit(1);
  peer.answer(1, 1);
  received.wait_for(2);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_sent_is_answered_at_once) {
  open();
  submit(1, "wrong");
  received.wait_for(1);
  BOOST_TEST(kinds()[std::string{error_kind::rejected}] == 1u);
  std::vector<question> others;
  others.push_back(make());
  others.back().statement = {3};
  others.push_back(make());
  others.back().arguments = {};
  driver->submit(others);
  received.wait_for(3);
  BOOST_TEST(kinds()[std::string{error_kind::rejected}] == 3u);
}

BOOST_AUTO_TEST_CASE(it_closes_while_questions_are_under_way) {
  open(3);
  submit(30);
  driver->close();
  const auto then = received.results().size();
  BOOST_TEST(received.results().size() == then);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace weir::testing
