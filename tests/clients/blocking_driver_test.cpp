// SPDX-License-Identifier: Apache-2.0

#include "weir/blocking_driver.hpp"

#include "threads.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

using namespace std::chrono_literals;

namespace weir::testing {

namespace {

/// A store that does what the test says, and what it has seen.
struct scripted_store {
  /// What becomes of a question's argument; by default it comes back.
  std::function<expected<answer>(const std::string&)> execute
    = [](const std::string& x) { return single(x); };
  std::function<expected<void>(std::size_t)> open = [](std::size_t) { return expected<void>{}; };
  std::function<void()> interrupt = [] {};

  std::mutex mutex;
  /// What each connection has seen, in order: `open (a) (b c) gone`; spans are in brackets.
  std::map<std::size_t, std::string> logs;
  /// From which threads each connection was touched.
  std::map<std::size_t, std::set<std::thread::id>> threads;

  void note(std::size_t connection, const std::string& what) {
    const std::lock_guard guard{mutex};
    logs[connection] += what;
    threads[connection].insert(std::this_thread::get_id());
  }
};

class scripted_connection final : public blocking_connection {
public:
  scripted_connection(scripted_store& store, std::size_t index) : store_(store), index_(index) {}
  ~scripted_connection() override { store_.note(index_, " gone"); }

  expected<void> open(const std::vector<statement_declaration>&) override {
    store_.note(index_, "open");
    return store_.open(index_);
  }
  expected<answer> execute(statement_id, std::span<const value> arguments,
                           time_point) override {
    const auto& argument = std::get<std::string>(arguments[0]);
    store_.note(index_, argument + " ");
    return store_.execute(argument);
  }
  void begin_span() override { store_.note(index_, " ("); }
  void end_span() override { store_.note(index_, ")"); }
  void interrupt() noexcept override { store_.interrupt(); }

private:
  scripted_store& store_;
  std::size_t index_;
};

struct blocking_driver_fixture {
  scripted_store store;
  manual_clock clock;
  collecting_receiver received;
  std::optional<blocking_driver> driver;

  expected<void> try_open(std::size_t connections) {
    driver.emplace(
      driver_settings{"airports", "", {connections}},
      [this](std::size_t i) -> expected<std::unique_ptr<blocking_connection>> {
        return std::unique_ptr<blocking_connection>{
          std::make_unique<scripted_connection>(store, i)};
      },
      [this] { return clock.now(); });
    return driver->open({{"text", 1}}, received);
  }

  void open(std::size_t connections) { BOOST_REQUIRE(try_open(connections).has_value()); }

  void ask(call_token token, std::string argument, time_point deadline = time_point::max()) {
    submit(*driver, ask_with(token, std::move(argument), deadline));
  }

  std::string outcome(call_token token, std::size_t of_results) {
    received.wait_for(of_results);
    const auto results = received.results();
    const auto& result = result_of(results, token).outcome;
    return result ? std::get<std::string>(result->cell(0, 0)) : "!" + result.why().kind();
  }

  void cancel(std::vector<call_token> tokens) { driver->cancel(tokens); }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(blocking_drivers, blocking_driver_fixture)

BOOST_AUTO_TEST_CASE(each_question_gets_its_own_answer_once) {
  open(4);
  std::vector<question> questions;
  for (call_token token = 0; token < 1000; ++token)
    questions.push_back(ask_with(token, "q" + std::to_string(token)));
  driver->submit(questions);
  received.wait_for(1000);
  driver->close();
  const auto results = received.results();
  for (call_token token = 0; token < 1000; ++token)
    BOOST_TEST(std::get<std::string>(result_of(results, token).outcome->cell(0, 0))
               == "q" + std::to_string(token));
}

BOOST_AUTO_TEST_CASE(permits_are_the_connections_and_the_window_is_larger) {
  open(3);
  BOOST_TEST(driver->permits() == 3);
  BOOST_TEST(driver->window() == 3 * 256);
}

BOOST_AUTO_TEST_CASE(a_connection_lives_on_a_thread_of_its_own) {
  gate all_busy;
  store.execute = [&](const std::string& x) {
    all_busy.pass();
    return single(x);
  };
  open(3);
  for (call_token token = 0; token < 3; ++token)
    ask(token, "a");
  // Three questions run at the same time, so each connection has one.
  all_busy.wait_for_arrivals(3);
  all_busy.open();
  received.wait_for(3);
  driver->close();
  std::set<std::thread::id> all;
  for (std::size_t i = 0; i < 3; ++i) {
    BOOST_TEST(store.logs[i] == "open (a ) gone");
    BOOST_TEST(store.threads[i].size() == 1);
    all.merge(store.threads[i]);
  }
  BOOST_TEST(all.size() == 3);
  BOOST_TEST(all.count(std::this_thread::get_id()) == 0);
}

BOOST_AUTO_TEST_CASE(the_error_of_the_lowest_connection_comes_out_and_all_are_closed) {
  store.open = [](std::size_t i) -> expected<void> {
    if (i >= 2)
      return error{error_kind::refused, "store", "no " + std::to_string(i)};
    return {};
  };
  const auto opened = try_open(4);
  BOOST_REQUIRE(!opened.has_value());
  BOOST_TEST(opened.why().message() == "no 2");
  for (std::size_t i = 0; i < 4; ++i)
    BOOST_TEST(store.logs[i] == "open gone");
}

BOOST_AUTO_TEST_CASE(an_exception_while_opening_is_an_error) {
  store.open = [](std::size_t) -> expected<void> { throw std::runtime_error("no such host"); };
  const auto opened = try_open(1);
  BOOST_REQUIRE(!opened.has_value());
  BOOST_TEST(opened.why().text() == "airports: the connection threw: no such host (exception)");
}

BOOST_AUTO_TEST_CASE(a_factory_that_fails_keeps_the_driver_from_opening) {
  blocking_driver d{{"airports", "", {2}},
                    [](std::size_t) -> expected<std::unique_ptr<blocking_connection>> {
                      return error{error_kind::refused, "store", "no"};
                    }};
  BOOST_TEST(d.open({}, received).why().message() == "no");
}

BOOST_AUTO_TEST_CASE(the_number_of_connections_is_checked) {
  for (const std::size_t connections : {0, 1025}) {
    const auto opened = try_open(connections);
    BOOST_REQUIRE(!opened.has_value());
    BOOST_TEST(opened.why().is(error_kind::argument));
    BOOST_TEST(opened.why().message()
               == "connections is " + std::to_string(connections) + ", but must be from 1 to 1024");
  }
}

BOOST_AUTO_TEST_CASE(an_exception_becomes_the_answer_and_the_connection_lives_on) {
  store.execute = [](const std::string& x) -> expected<answer> {
    if (x == "bad")
      throw std::runtime_error("boom");
    if (x == "worse")
      throw 5;
    return single(x);
  };
  open(1);
  ask(1, "bad");
  ask(2, "worse");
  ask(3, "good");
  BOOST_TEST(outcome(1, 3) == "!exception");
  BOOST_TEST(outcome(2, 3) == "!exception");
  BOOST_TEST(outcome(3, 3) == "good");
  const auto results = received.results();
  BOOST_TEST(result_of(results, 1).outcome.why().message() == "the connection threw: boom");
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_its_statement_is_rejected_without_being_asked) {
  open(1);
  submit(*driver, {1, statement_id{0}, {}, time_point::max()});
  auto q = ask_with(2, std::string{"x"});
  q.statement.index = 7;
  submit(*driver, std::move(q));
  BOOST_TEST(outcome(1, 2) == "!rejected");
  BOOST_TEST(outcome(2, 2) == "!rejected");
  driver->close();
  BOOST_TEST(store.logs[0].find('x') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_question_whose_deadline_passed_in_the_queue_is_not_asked) {
  gate hold;
  store.execute = [&](const std::string& x) {
    hold.pass();
    return single(x);
  };
  open(1);
  ask(1, "a", clock.now() + 10ms);
  hold.wait_for_arrivals(1);
  ask(2, "b", clock.now() + 10ms);
  ask(3, "c", clock.now() + 11ms);
  clock.advance(10ms);
  hold.open();
  // The first one had begun.
  BOOST_TEST(outcome(1, 3) == "a");
  BOOST_TEST(outcome(2, 3) == "!cancelled");
  BOOST_TEST(outcome(3, 3) == "c");
  driver->close();
  BOOST_TEST(store.logs[0].find('b') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_queued_question_is_cancelled_and_a_running_one_gives_its_result) {
  gate hold;
  store.execute = [&](const std::string& x) {
    hold.pass();
    return single(x);
  };
  open(1);
  ask(1, "a");
  hold.wait_for_arrivals(1);
  for (call_token token = 2; token <= 5; ++token)
    ask(token, std::string(1, static_cast<char>('a' + token - 1)));
  cancel({5, 1, 3, 99});
  hold.open();
  BOOST_TEST(outcome(1, 5) == "a");
  BOOST_TEST(outcome(2, 5) == "b");
  BOOST_TEST(outcome(3, 5) == "!cancelled");
  BOOST_TEST(outcome(4, 5) == "d");
  BOOST_TEST(outcome(5, 5) == "!cancelled");
  driver->close();
  BOOST_TEST(store.logs[0] == "open (a ) (b d ) gone");
}

BOOST_AUTO_TEST_CASE(a_connection_that_is_held_does_not_hold_the_others) {
  gate hold;
  store.execute = [&](const std::string& x) {
    if (x == "held")
      hold.pass();
    return single(x);
  };
  open(2);
  ask(1, "held");
  hold.wait_for_arrivals(1);
  ask(2, "b");
  BOOST_TEST(outcome(2, 1) == "b");
  hold.open();
  received.wait_for(2);
}

BOOST_AUTO_TEST_CASE(while_the_store_is_quick_results_come_in_growing_spans) {
  gate hold;
  store.execute = [&](const std::string& x) {
    hold.pass();
    return single(x);
  };
  open(1);
  ask(0, "x");
  hold.wait_for_arrivals(1);
  std::vector<question> questions;
  for (call_token token = 1; token < 256; ++token)
    questions.push_back(ask_with(token, std::string{"x"}));
  driver->submit(questions);
  hold.open();
  received.wait_for(256);
  BOOST_TEST((received.spans() == std::vector<std::size_t>{1, 2, 4, 8, 16, 32, 64, 128, 1}));
}

BOOST_AUTO_TEST_CASE(no_thread_takes_more_than_its_share) {
  gate hold;
  store.execute = [&](const std::string& x) {
    hold.pass();
    return single(x);
  };
  open(4);
  for (call_token token = 0; token < 4; ++token)
    ask(token, "x");
  hold.wait_for_arrivals(4);
  std::vector<question> questions;
  for (call_token token = 4; token < 9; ++token)
    questions.push_back(ask_with(token, std::string{"x"}));
  driver->submit(questions);
  hold.open();
  received.wait_for(9);
  // Five for four threads: nobody takes two although each might.
  BOOST_TEST((received.spans() == std::vector<std::size_t>(9, 1)));
}

BOOST_AUTO_TEST_CASE(with_a_slow_store_each_result_comes_alone) {
  gate hold;
  store.execute = [&](const std::string& x) {
    hold.pass();
    clock.advance(1ms);
    return single(x);
  };
  open(1);
  ask(0, "x");
  hold.wait_for_arrivals(1);
  std::vector<question> questions;
  for (call_token token = 1; token < 10; ++token)
    questions.push_back(ask_with(token, std::string{"x"}));
  driver->submit(questions);
  hold.open();
  received.wait_for(10);
  BOOST_TEST((received.spans() == std::vector<std::size_t>(10, 1)));
}

BOOST_AUTO_TEST_CASE(what_was_taken_behind_a_slow_question_goes_back_to_its_place) {
  gate hold;
  store.execute = [&](const std::string& x) {
    hold.pass();
    if (x == "slow")
      clock.advance(1ms);
    return single(x);
  };
  open(1);
  ask(1, "a");
  hold.wait_for_arrivals(1);
  std::vector<question> questions;
  call_token token = 2;
  for (const auto* x : {"b", "c", "slow", "d", "e", "f"})
    questions.push_back(ask_with(token++, std::string{x}));
  driver->submit(questions);
  hold.open();
  received.wait_for(7);
  driver->close();
  // "slow d e f" were taken together.
  BOOST_TEST(store.logs[0] == "open (a ) (b c ) (slow ) (d ) (e f ) gone");
}

BOOST_AUTO_TEST_CASE(closing_interrupts_what_runs_and_drops_what_waits) {
  gate hold;
  store.execute = [&](const std::string& x) {
    hold.pass();
    return single(x);
  };
  store.interrupt = [&] { hold.open(); };
  open(1);
  ask(1, "a");
  hold.wait_for_arrivals(1);
  ask(2, "b");
  driver->close();
  BOOST_TEST(received.wait_for(0) == 1);
  BOOST_TEST(store.logs[0] == "open (a ) gone");
  driver->close();
  BOOST_TEST(received.wait_for(0) == 1);
}

BOOST_AUTO_TEST_CASE(under_a_storm_of_cancels_each_question_is_answered_once) {
  open(3);
  constexpr call_token count = 20'000;
  std::size_t submitted = 0;
  std::vector<question> questions;
  std::vector<call_token> cancels;
  for (call_token token = 0; token < count;) {
    questions.clear();
    cancels.clear();
    for (int i = 0; i < 100; ++i, ++token) {
      questions.push_back(ask_with(token, std::to_string(token)));
      if (token % 3 == 0)
        cancels.push_back(token);
    }
    driver->submit(questions);
    driver->cancel(cancels);
    submitted += questions.size();
    // Never more than the window.
    if (submitted >= 600)
      received.wait_for(submitted - 600);
  }
  received.wait_for(count);
  driver->close();
  const auto results = received.results();
  BOOST_TEST(results.size() == count);
  std::vector<bool> answered(count, false);
  for (const auto& result : results) {
    BOOST_TEST(!answered[result.token]);
    answered[result.token] = true;
    if (result.outcome)
      BOOST_TEST(std::get<std::string>(result.outcome->cell(0, 0)) == std::to_string(result.token));
    else
      BOOST_TEST((result.outcome.why().is(error_kind::cancelled) && result.token % 3 == 0));
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace weir::testing
