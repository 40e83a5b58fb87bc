// SPDX-License-Identifier: Apache-2.0

/// Coroutines that are made of smaller ones, and that await several things at once.

#include "../support/coroutine_operator.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>
#include <variant>

namespace {

using namespace weir;
using namespace std::chrono_literals;
using weir::testing::client;
using weir::testing::foreign;
using weir::testing::operator_of;
using weir::testing::witness;

/// Asks the client as a part of a larger coroutine.
subtask<std::string> find(client& c, std::string key) {
  co_return co_await await_callback<std::string>([&](auto then) { c.ask(key, std::move(then)); });
}

} // namespace

BOOST_AUTO_TEST_SUITE(subtasks)

// -- one in another --

BOOST_AUTO_TEST_CASE(a_coroutine_may_await_another) {
  client c;
  operator_of op{[&](const std::string& key) -> task<std::string> {
    const auto city = co_await find(c, key);
    co_return key + city + co_await find(c, city);
  }};
  op.push("a");
  std::thread{[&] { c.answer("a", "b"); }}.join();
  op.settle();
  c.answer("b", "c");
  op.settle();
  BOOST_TEST(op.left() == "abc ");
}

BOOST_AUTO_TEST_CASE(it_starts_when_it_is_awaited) {
  client c;
  operator_of op{[&](const std::string& key) -> task<std::string> {
    auto later = find(c, key);
    c.asked += "first ";
    co_return co_await std::move(later);
  }};
  op.push("a");
  BOOST_TEST(c.asked == "first a ");
}

BOOST_AUTO_TEST_CASE(it_may_give_nothing) {
  client c;
  bool ended = false;
  const auto part = [&](std::string key) -> subtask<> {
    co_await await_callback<void>([&](auto then) {
      c.ask(key, [then = std::move(then)](const std::string&) mutable { then(); });
    });
    ended = true;
  };
  operator_of op{[&](const std::string& key) -> task<std::string> {
    co_await part(key);
    co_return key;
  }};
  op.push("a");
  BOOST_TEST(!ended);
  c.answer("a", "");
  op.settle();
  BOOST_TEST(ended);
  BOOST_TEST(op.left() == "a ");
}

BOOST_AUTO_TEST_CASE(a_continuation_without_a_value_that_is_forgotten_fails_the_call) {
  operator_of op{[](const std::string&) -> task<std::string> {
    co_await await_callback<void>([](auto) {});
    co_return "unreachable";
  }};
  op.push("a");
  BOOST_TEST(op.left() == "!a:abandoned ");
}

BOOST_AUTO_TEST_CASE(it_may_give_what_can_only_be_moved) {
  const auto part = [](int n) -> subtask<std::unique_ptr<int>> { co_return std::make_unique<int>(n); };
  operator_of op{[&](const std::string& key) -> task<std::string> {
    const auto n = co_await part(7);
    co_return key + std::to_string(*n);
  }};
  op.push("a");
  BOOST_TEST(op.left() == "a7 ");
}

BOOST_AUTO_TEST_CASE(what_it_throws_comes_out_of_the_await) {
  const auto part = [](std::string how) -> subtask<std::string> {
    if (how == "throws")
      throw std::runtime_error("down");
    throw call_failed{{"refused", "store", "go away"}};
    co_return "unreachable";
  };
  operator_of op{[&](const std::string& key) -> task<std::string> {
    try {
      co_return co_await part(key);
    } catch (const std::runtime_error& thrown) {
      co_return thrown.what();
    }
  }};
  op.push("throws");
  op.push("refuses");
  BOOST_TEST(op.left() == "down !refuses:refused ");
}

BOOST_AUTO_TEST_CASE(it_knows_the_attempt_and_the_deadline_of_its_call) {
  const auto part = []() -> subtask<call_facts> { co_return co_await this_call; };
  operator_of op{[&](const std::string&) -> task<std::string> {
    const auto facts = co_await part();
    BOOST_TEST((facts.deadline == time_point{1h + 1s}));
    co_return std::to_string(facts.attempt);
  }};
  op.push("a");
  BOOST_TEST(op.left() == "1 ");
}

BOOST_AUTO_TEST_CASE(a_coroutine_takes_what_it_awaits_down_with_it) {
  client c;
  int ended = 0;
  const auto inner = [&](std::string key) -> subtask<std::string> {
    const witness here{ended};
    co_return co_await find(c, key);
  };
  operator_of op{[&](const std::string& key) -> task<std::string> {
    const witness here{ended};
    co_return co_await inner(key);
  }};
  op.push("a");
  op.pass(1s);
  BOOST_TEST(ended == 2);
  c.answer("a", "late");
  op.settle();
  BOOST_TEST(op.left() == "!a:timeout_error ");
}

BOOST_AUTO_TEST_CASE(but_not_before_another_library_is_done_with_it) {
  foreign f;
  int ended = 0;
  const auto inner = [&]() -> subtask<int> {
    const witness here{ended};
    co_return co_await f;
  };
  operator_of op{[&](const std::string&) -> task<std::string> {
    const witness here{ended};
    co_return std::to_string(co_await inner());
  }};
  op.push("a");
  op.pass(1s);
  BOOST_TEST(ended == 0);
  f.with->waits.resume();
  op.settle();
  BOOST_TEST(ended == 2);
  BOOST_TEST(op.left() == "!a:timeout_error ");
}

BOOST_AUTO_TEST_CASE(one_that_is_not_awaited_never_starts) {
  client c;
  operator_of op{[&](const std::string& key) -> task<std::string> {
    const auto unused = find(c, key);
    co_return key;
  }};
  op.push("a");
  BOOST_TEST(op.left() == "a ");
  BOOST_TEST(c.asked == "");
}

// -- long chains take no stack --

BOOST_AUTO_TEST_CASE(a_million_may_be_awaited_one_after_another) {
  const auto part = [](int n) -> subtask<int> { co_return n; };
  operator_of op{[&](const std::string&) -> task<std::string> {
    long sum = 0;
    for (int i = 0; i < 1'000'000; ++i)
      sum += co_await part(1);
    co_return std::to_string(sum);
  }};
  op.push("a");
  BOOST_TEST(op.left() == "1000000 ");
}

BOOST_AUTO_TEST_CASE(and_a_hundred_thousand_one_in_another) {
  struct nested {
    static subtask<int> of(int depth) {
      if (depth == 0)
        co_return 0;
      co_return 1 + co_await of(depth - 1);
    }
  };
  operator_of op{[](const std::string&) -> task<std::string> {
    co_return std::to_string(co_await nested::of(100'000));
  }};
  op.push("a");
  BOOST_TEST(op.left() == "100000 ");
}

// -- several at once --

BOOST_AUTO_TEST_CASE(two_stores_may_be_asked_at_once) {
  client c;
  operator_of op{[&](const std::string& key) -> task<std::string> {
    const auto got = co_await await_all(find(c, key + "1"), find(c, key + "2"));
    co_return std::get<0>(got) + std::get<1>(got);
  }};
  op.push("a");
  // GIVEN both were asked, in this order
  BOOST_TEST(c.asked == "a1 a2 ");
  // WHEN the second answers first
  c.answer("a2", "y");
  op.settle();
  BOOST_TEST(op.left() == "");
  c.answer("a1", "x");
  op.settle();
  // THEN the results have the places of the questions
  BOOST_TEST(op.left() == "xy ");
}

BOOST_AUTO_TEST_CASE(all_kinds_of_awaitables_may_be_awaited_at_once) {
  client c;
  foreign f;
  operator_of op{[&](const std::string& key) -> task<std::string> {
    auto got = co_await await_all(
      await_callback<std::string>([&](auto then) { c.ask(key, std::move(then)); }), f,
      await_callback<void>([](auto then) { then(); }),
      await_all(find(c, "inner"), find(c, "other")));
    static_assert(std::is_same_v<decltype(got), std::tuple<std::string, int, std::monostate,
                                                           std::tuple<std::string, std::string>>>);
    const auto& [inner, other] = std::get<3>(got);
    co_return std::get<0>(got) + std::to_string(std::get<1>(got)) + inner + other;
  }};
  op.push("a");
  BOOST_TEST(c.asked == "a inner other ");
  f.with->value = 5;
  std::thread{[&] {
    c.answer("other", "o");
    f.with->waits.resume();
    c.answer("inner", "i");
    c.answer("a", "k");
  }}.join();
  op.settle();
  BOOST_TEST(op.left() == "k5io ");
}

BOOST_AUTO_TEST_CASE(where_some_fail_all_have_ended_before_the_first_error_comes_out) {
  client c;
  int ended = 0;
  const auto part = [&](std::string key) -> subtask<std::string> {
    const witness here{ended};
    const auto got = co_await find(c, key);
    if (got != "fine")
      throw call_failed{{got, "store", ""}};
    co_return got;
  };
  operator_of op{[&](const std::string&) -> task<std::string> {
    try {
      co_await await_all(part("1"), part("2"), part("3"));
    } catch (const call_failed&) {
      BOOST_TEST(ended == 3);
      throw;
    }
    co_return "unreachable";
  }};
  op.push("a");
  c.answer("3", "third");
  op.settle();
  c.answer("2", "second");
  op.settle();
  BOOST_TEST(op.left() == "");
  c.answer("1", "fine");
  op.settle();
  BOOST_TEST(op.left() == "!a:second ");
}

BOOST_AUTO_TEST_CASE(a_timeout_ends_all_of_them_when_other_libraries_are_done) {
  client c;
  foreign f;
  foreign g;
  int ended = 0;
  const auto part = [&](auto what) -> subtask<> {
    const witness here{ended};
    co_await what;
  };
  operator_of op{[&](const std::string&) -> task<std::string> {
    co_await await_all(part(f), part(g), find(c, "a"));
    co_return "unreachable";
  }};
  op.push("a");
  // GIVEN that one of two libraries is done just before the timeout
  f.with->waits.resume();
  op.settle();
  BOOST_TEST(ended == 1);
  op.pass(1s);
  c.answer("a", "late");
  op.settle();
  // WHEN the other is
  BOOST_TEST(ended == 1);
  std::thread{[&] { g.with->waits.resume(); }}.join();
  op.settle();
  // THEN all is gone
  BOOST_TEST(ended == 2);
  BOOST_TEST(op.left() == "!a:timeout_error ");
}

BOOST_AUTO_TEST_CASE(what_is_awaited_may_have_a_name) {
  client c;
  operator_of op{[&](const std::string& key) -> task<std::string> {
    auto first = await_callback<std::string>([&c, key](auto then) { c.ask(key, std::move(then)); });
    auto second = find(c, "b");
    auto both = await_all(first, std::move(second));
    const auto got = co_await both;
    co_return std::get<0>(got) + std::get<1>(got);
  }};
  op.push("a");
  c.answer("a", "1");
  c.answer("b", "2");
  op.settle();
  BOOST_TEST(op.left() == "12 ");
}

BOOST_AUTO_TEST_SUITE_END()
