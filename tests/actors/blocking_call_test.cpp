// SPDX-License-Identifier: Apache-2.0

// The mistake that asynchronous operators invite: a function that waits. It is counted, and said.

#include "../support/job_fixture.hpp"

#include "log_limiter.hpp"

#include <stdexcept>

using namespace std::chrono_literals;
using weir::result_future;
using weir::testing::job_fixture;

namespace {

/// A client whose questions take 15 ms.
class slow_client {
public:
  explicit slow_client(weir::testing::actor_world& world) : world_(world) {}

  /// Waits for the answer.
  int get(int key) {
    world_.advance_without_running(15ms);
    return 10 * key;
  }

  /// Has an asynchronous form as well, which gives something to wait for.
  struct pending {
    slow_client& client;
    int key;
    int wait() const { return client.get(key); }
  };
  pending ask(int key) { return {*this, key}; }

private:
  weir::testing::actor_world& world_;
};

struct blocking_fixture : job_fixture {
  blocking_fixture() {
    add_line();
    settings.log = [this](const weir::log_entry& entry) { logged.push_back(entry); };
  }

  slow_client client{world};
  std::vector<weir::log_entry> logged;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(blocking_calls, blocking_fixture)

BOOST_AUTO_TEST_CASE(a_blocking_client_is_counted_and_said) {
  functions["op"].answer = [&](int x, result_future<int> done) { done.complete(client.get(x)); };
  start();
  push({1, 2, 3});
  BOOST_TEST(status().blocking_calls == 3u);
  BOOST_REQUIRE_EQUAL(logged.size(), 1u);
  BOOST_TEST((logged.front().level == weir::log_level::warning));
  BOOST_TEST(logged.front().thing == "operator op");
  BOOST_TEST(logged.front().message.starts_with("a call of its function held the operator's thread "
                                                "for 15 ms, "));
  BOOST_TEST(logged.front().message.ends_with("let it start the call and return: use the client's asynchronous form, "
                                              "or a client pool, which waits on threads of its own"));
}

BOOST_AUTO_TEST_CASE(waiting_for_an_asynchronous_client_inside_the_call_is_too) {
  functions["op"].answer = [&](int x, result_future<int> done) {
    const auto answer = client.ask(x);
    done.complete(answer.wait());
  };
  start();
  push({1});
  BOOST_TEST(status().blocking_calls == 1u);
  BOOST_TEST(logged.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_function_that_begins_to_block_is_found_at_its_second_slow_call) {
  // GIVEN a function whose calls have long been quick
  functions["op"].answer = [&](int x, result_future<int> done) {
    done.complete(x <= 1'000 ? 10 * x : client.get(x));
  };
  start();
  push_many(1, 1'000);
  BOOST_TEST(written().size() == 1'000u);
  // WHEN two of them wait
  push({1'001});
  push({1'002});
  // THEN it is said
  BOOST_TEST(status().blocking_calls == 1u);
  BOOST_TEST(logged.size() == 1u);
}

BOOST_AUTO_TEST_CASE(it_is_said_once_a_minute_with_the_number_that_was_left_out) {
  functions["op"].answer = [&](int x, result_future<int> done) { done.complete(client.get(x)); };
  start();
  push({1, 2, 3});
  advance(1min);
  push({4, 5});
  BOOST_REQUIRE_EQUAL(logged.size(), 2u);
  BOOST_TEST(logged.back().message.ends_with("(2 more since the last report)"));
  BOOST_TEST(status().blocking_calls == 5u);
}

BOOST_AUTO_TEST_CASE(a_log_function_that_throws_does_no_harm) {
  settings.log = [](const weir::log_entry&) { throw std::runtime_error{"the disk is full"}; };
  functions["op"].answer = [&](int x, result_future<int> done) { done.complete(client.get(x)); };
  start();
  push({1, 2});
  BOOST_TEST(written() == (std::vector{10, 20}), boost::test_tools::per_element());
  BOOST_TEST(status().blocking_calls == 2u);
}

BOOST_AUTO_TEST_CASE(a_function_that_starts_its_call_and_returns_is_not_said_anything_about) {
  start();
  push({1, 2});
  advance(1h);
  complete(1);
  complete(2);
  BOOST_TEST(status().blocking_calls == 0u);
  BOOST_TEST(logged.empty());
}

BOOST_AUTO_TEST_CASE(an_operator_may_be_told_not_to_look) {
  std::get<weir::operator_plan>(plan.stages[1].what).options.blocking_warning = 0ms;
  functions["op"].answer = [&](int x, result_future<int> done) { done.complete(client.get(x)); };
  start();
  push({1});
  BOOST_TEST(status().blocking_calls == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
