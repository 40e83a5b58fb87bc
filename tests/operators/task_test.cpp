// SPDX-License-Identifier: Apache-2.0

/// Functions that are coroutines: when they run, on which thread, and when they end.

#include "../support/coroutine_operator.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace weir;
using namespace std::chrono_literals;
using weir::testing::client;
using weir::testing::foreign;
using weir::testing::operator_of;
using weir::testing::witness;

} // namespace

BOOST_AUTO_TEST_SUITE(tasks)

// -- going on --

BOOST_AUTO_TEST_CASE(a_coroutine_goes_on_on_the_operators_thread_wherever_it_is_answered) {
  client c;
  std::thread::id went_on;
  operator_of op{[&](const std::string& key) -> task<std::string> {
    const auto first = co_await await_callback<std::string>([&](auto then) { c.ask(key, std::move(then)); });
    went_on = std::this_thread::get_id();
    const auto second
      = co_await await_callback<std::string>([&](auto then) { c.ask(first, std::move(then)); });
    co_return key + second;
  }};
  op.push("a");
  std::thread{[&] { c.answer("a", "b"); }}.join();
  BOOST_TEST((went_on == std::thread::id{}));
  op.settle();
  BOOST_TEST((went_on == std::this_thread::get_id()));
  BOOST_TEST(c.asked == "a b ");
  c.answer("b", "c");
  op.settle();
  BOOST_TEST(op.left() == "ac ");
  BOOST_TEST(op.machine->counts().calls == 1u);
}

BOOST_AUTO_TEST_CASE(an_answer_inside_the_call_is_taken_when_it_has_returned) {
  operator_of op{[&](const std::string& key) -> task<std::string> {
    co_return key + co_await await_callback<std::string>([](auto then) { then("!"); });
  }};
  op.push("a");
  op.push("b");
  BOOST_TEST(op.left() == "a! b! ");
}

BOOST_AUTO_TEST_CASE(one_that_awaits_nothing_completes_inside_its_call) {
  operator_of op{[](const std::string& key) -> task<std::string> { co_return key + key; }};
  op.push("a");
  BOOST_TEST(op.left() == "aa ");
  BOOST_TEST(op.machine->size() == 0u);
}

BOOST_AUTO_TEST_CASE(other_libraries_awaitables_are_awaited_on_their_thread_and_left_on_ours) {
  foreign f;
  operator_of op{[&](const std::string& key) -> task<std::string> {
    const auto ours = std::this_thread::get_id();
    const int n = co_await f;
    BOOST_TEST((std::this_thread::get_id() == ours));
    co_return key + std::to_string(n);
  }};
  op.push("a");
  f.with->value = 7;
  std::thread{[&] { f.with->waits.resume(); }}.join();
  op.settle();
  BOOST_TEST(op.left() == "a7 ");
}

BOOST_AUTO_TEST_CASE(a_reference_that_another_library_gives_stays_one) {
  struct shared_answer : foreign {
    explicit shared_answer(const foreign& of) : foreign(of) {}
    const int& await_resume() const { return with->value; }
  };
  struct writable_answer : foreign {
    explicit writable_answer(const foreign& of) : foreign(of) {}
    int& await_resume() const { return with->value; }
  };
  foreign f;
  operator_of op{[&](const std::string&) -> task<std::string> {
    const auto& read = co_await shared_answer{f};
    BOOST_TEST(&read == &f.with->value);
    auto& written = co_await writable_answer{f};
    written = 9;
    co_return std::to_string(read);
  }};
  op.push("a");
  f.with->waits.resume();
  op.settle();
  f.with->waits.resume();
  op.settle();
  BOOST_TEST(op.left() == "9 ");
  BOOST_TEST(f.with->value == 9);
}

BOOST_AUTO_TEST_CASE(a_coroutine_knows_its_attempt_its_deadline_and_the_time_that_was_left) {
  operator_options options;
  options.retry = fixed_delay{1, 10ms, any_error()};
  operator_of op{[](const std::string&) -> task<std::string> {
                   const auto facts = co_await this_call;
                   if (facts.attempt == 1)
                     co_return error{"io", "store", "not now"};
                   BOOST_TEST((facts.deadline == time_point{1h + 1s}));
                   BOOST_TEST((facts.time_left == 990ms));
                   co_return "attempt " + std::to_string(facts.attempt);
                 },
                 options};
  op.push("a");
  op.pass(10ms);
  BOOST_TEST(op.left() == "attempt 2 ");
}

BOOST_AUTO_TEST_CASE(the_time_that_was_left_when_a_call_began_does_not_change_while_it_runs) {
  client c;
  operator_of op{[&](const std::string& key) -> task<std::string> {
    co_await await_callback<std::string>([&](auto then) { c.ask(key, std::move(then)); });
    BOOST_TEST(((co_await this_call).time_left == 1s));
    co_return key;
  }};
  op.push("a");
  op.pass(200ms);
  c.answer("a", "");
  op.settle();
  BOOST_TEST(op.left() == "a ");
}

BOOST_AUTO_TEST_CASE(it_may_return_none_or_several) {
  operator_of op{[](const std::string& key) -> task<std::string> {
    if (key == "none")
      co_return no_results;
    co_return std::vector<std::string>{key, key};
  }};
  op.push("none");
  op.push("two");
  BOOST_TEST(op.left() == "two two ");
}

BOOST_AUTO_TEST_CASE(what_is_awaited_may_be_given_up_at_the_timeout) {
  continuation<std::string> waits;
  int ended = 0;
  bool went_on = false;
  operator_of op{[&](const std::string& key) -> task<std::string> {
    const witness here{ended};
    co_await await_callback<std::string>([&](auto then) { waits = std::move(then); });
    went_on = true;
    co_return key;
  }};
  op.push("a");
  // Past the deadline, but the operator's wake-up is late.
  op.now += 1s;
  waits.expire();
  op.settle();
  BOOST_TEST(op.left() == "!a:timeout_error ");
  BOOST_TEST(ended == 1);
  BOOST_TEST(!went_on);
  BOOST_TEST(op.machine->counts().timeouts == 1u);
  waits.expire();
}

// -- one await after another --

/// Awaits the client's answer to "second" after a first await that failed.
const auto after_a_failed_await = [](client& c, auto first) {
  return [&c, first](const std::string& key) -> task<std::string> {
    bool failed = false;
    try {
      co_await first();
    } catch (const std::exception&) {
      failed = true;
    }
    const auto got = co_await await_callback<std::string>(
      [&](auto then) { c.ask("second", std::move(then)); });
    co_return key + got + (failed ? " after a failure" : "");
  };
};

/// The second await ends with its own answer, and not before.
template <class Operator>
void answer_the_second(client& c, Operator& op) {
  op.settle();
  BOOST_TEST(op.left() == "");
  c.answer("second", "1");
  op.settle();
  BOOST_TEST(op.left() == "a1 after a failure ");
}

BOOST_AUTO_TEST_CASE(an_await_whose_start_throws_does_not_end_the_next) {
  client c;
  operator_of op{after_a_failed_await(c, [] {
    return await_callback<std::string>([](auto) { throw std::runtime_error("down"); });
  })};
  op.push("a");
  answer_the_second(c, op);
}

BOOST_AUTO_TEST_CASE(nor_does_a_continuation_that_a_start_which_throws_has_kept) {
  // GIVEN a client that keeps the continuation, and then throws
  client c;
  operator_of op{after_a_failed_await(c, [&c] {
    return await_callback<std::string>([&c](auto then) {
      c.ask("first", std::move(then));
      throw std::runtime_error("down");
    });
  })};
  op.push("a");
  // WHEN it is called while the next await waits
  c.answer("first", "invented");
  answer_the_second(c, op);
}

BOOST_AUTO_TEST_CASE(nor_one_that_it_has_called) {
  client c;
  operator_of op{after_a_failed_await(c, [] {
    return await_callback<std::string>([](auto then) {
      then("invented");
      throw std::runtime_error("down");
    });
  })};
  op.push("a");
  answer_the_second(c, op);
}

BOOST_AUTO_TEST_CASE(nor_one_that_it_has_called_on_another_thread) {
  client c;
  operator_of op{after_a_failed_await(c, [] {
    return await_callback<std::string>([](auto then) {
      std::thread{[&] { then("invented"); }}.join();
      throw std::runtime_error("down");
    });
  })};
  op.push("a");
  answer_the_second(c, op);
}

BOOST_AUTO_TEST_CASE(nor_does_another_librarys_awaitable_that_throws_when_it_is_to_suspend) {
  struct refuses {
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) const { throw std::runtime_error("down"); }
    int await_resume() const noexcept { return 0; }
  };
  client c;
  operator_of op{after_a_failed_await(c, [] { return refuses{}; })};
  op.push("a");
  answer_the_second(c, op);
}

// -- failing --

BOOST_AUTO_TEST_CASE(exceptions_become_errors_of_the_attempt) {
  operator_of op{[](const std::string& key) -> task<std::string> {
    if (key == "std")
      throw std::runtime_error("no");
    if (key == "own")
      throw call_failed{{"refused", "store", "go away"}};
    if (key == "any")
      throw 7;
    co_return error{"io", "store", ""};
  }};
  for (const auto* key : {"std", "own", "any", "value"})
    op.push(key);
  BOOST_TEST(op.left() == "!std:exception !own:refused !any:exception !value:io ");
}

BOOST_AUTO_TEST_CASE(what_another_librarys_awaitable_throws_comes_out_of_the_await) {
  foreign f;
  operator_of op{[&](const std::string& key) -> task<std::string> {
    try {
      co_await f;
    } catch (const std::runtime_error& thrown) {
      co_return key + thrown.what();
    }
    co_return "unreachable";
  }};
  op.push("a ");
  f.with->value = -1;
  f.with->waits.resume();
  op.settle();
  BOOST_TEST(op.left() == "a negative ");
}

BOOST_AUTO_TEST_CASE(a_continuation_that_is_forgotten_fails_the_call) {
  client c;
  operator_of op{[&](const std::string& key) -> task<std::string> {
    co_return co_await await_callback<std::string>([&](auto then) { c.ask(key, std::move(then)); });
  }};
  op.push("a");
  c.waiting.clear();
  op.settle();
  BOOST_TEST(op.left() == "!a:abandoned ");
}

// -- ending --

BOOST_AUTO_TEST_CASE(a_continuation_knows_whether_it_is_wanted) {
  std::vector<continuation<std::string>> kept;
  operator_of op{[&](const std::string&) -> task<std::string> {
    co_return co_await await_callback<std::string>([&](auto then) { kept.push_back(std::move(then)); });
  }};
  op.push("a");
  BOOST_TEST(kept.at(0).wanted());
  op.pass(500ms);
  op.push("b");
  op.pass(500ms);
  BOOST_TEST(!kept.at(0).wanted());
  BOOST_TEST(kept.at(1).wanted());
  kept.at(1)("1");
  BOOST_TEST(!kept.at(1).wanted());
}

BOOST_AUTO_TEST_CASE(the_timeout_ends_a_coroutine_before_the_hook) {
  client c;
  int ended = 0;
  struct slow : async_function<std::string, std::string> {
    slow(client& of, int& count) : c(&of), ended(&count) {}
    task<std::string> async_invoke(const std::string& key) {
      const witness here{*ended};
      co_return co_await await_callback<std::string>([&](auto then) { c->ask(key, std::move(then)); });
    }
    void timeout(const std::string& key, result_future<std::string> done) {
      BOOST_TEST(*ended == 1);
      done.complete(key + " was slow");
    }
    client* c;
    int* ended;
  };
  operator_of op{slow{c, ended}};
  op.push("a");
  op.pass(1s);
  BOOST_TEST(op.left() == "a was slow ");
  // What it had asked may still be answered.
  c.answer("a", "late");
  op.settle();
  BOOST_TEST(op.left() == "");
}

BOOST_AUTO_TEST_CASE(a_coroutine_that_another_library_goes_on_for_outlives_its_call) {
  // GIVEN a coroutine that awaits what is to be read into a variable of its own
  foreign f;
  std::string text;
  std::thread::id died_on;
  struct reading : foreign {
    reading(const foreign& from, std::string& to) : foreign(from), into(&to) {}
    int await_resume() const {
      *into = "as long as no short string is, so that it is allocated";
      return 1;
    }
    std::string* into;
  };
  struct notes {
    std::thread::id* on;
    explicit notes(std::thread::id& to) : on(&to) {}
    ~notes() { *on = std::this_thread::get_id(); }
  };
  operator_of op{[&](const std::string&) -> task<std::string> {
    const notes death{died_on};
    std::string buffer;
    co_await reading{f, buffer};
    text = "went on";
    co_return buffer;
  }};
  op.push("a");
  // WHEN its record times out, and the library reads after that, on a thread of its own
  op.pass(1s);
  BOOST_TEST(op.left() == "!a:timeout_error ");
  BOOST_TEST((died_on == std::thread::id{}));
  std::thread{[&] { f.with->waits.resume(); }}.join();
  // THEN the coroutine is destroyed on the operator's thread, and does not go on
  BOOST_TEST((died_on == std::thread::id{}));
  op.settle();
  BOOST_TEST((died_on == std::this_thread::get_id()));
  BOOST_TEST(op.left() == "");
  BOOST_TEST(text == "");
  BOOST_TEST(op.machine->counts().late_completions == 0u);
}

BOOST_AUTO_TEST_CASE(after_the_operator_it_ends_where_the_other_library_does) {
  foreign f;
  int ended = 0;
  {
    operator_of op{[&](const std::string&) -> task<std::string> {
      const witness here{ended};
      co_return std::to_string(co_await f);
    }};
    op.push("a");
  }
  BOOST_TEST(ended == 0);
  std::thread{[&] {
    f.with->waits.resume();
    BOOST_TEST(ended == 1);
  }}.join();
}

BOOST_AUTO_TEST_CASE(it_ends_with_an_operator_that_never_looked) {
  foreign f;
  int ended = 0;
  {
    operator_of op{[&](const std::string&) -> task<std::string> {
      const witness here{ended};
      co_return std::to_string(co_await f);
    }};
    op.push("a");
    op.pass(1s);
    std::thread{[&] { f.with->waits.resume(); }}.join();
    BOOST_TEST(ended == 0);
  }
  BOOST_TEST(ended == 1);
}

BOOST_AUTO_TEST_CASE(an_answer_that_came_before_the_timeout_was_handled_leaves_nothing_behind) {
  foreign f;
  int ended = 0;
  operator_of op{[&](const std::string&) -> task<std::string> {
    const witness here{ended};
    co_return std::to_string(co_await f);
  }};
  op.push("a");
  f.with->waits.resume();
  op.function.cancel(0);
  BOOST_TEST(ended == 1);
}

BOOST_AUTO_TEST_CASE(another_library_may_drop_what_it_should_go_on_with) {
  foreign f;
  int ended = 0;
  operator_of op{[&](const std::string&) -> task<std::string> {
    const witness here{ended};
    co_return std::to_string(co_await f);
  }};
  // WHEN it does while the call runs
  op.push("a");
  f.with->waits.destroy();
  op.settle();
  BOOST_TEST(op.left() == "!a:abandoned ");
  BOOST_TEST(ended == 1);
  // AND after the record's timeout
  op.push("b");
  op.pass(1s);
  BOOST_TEST(ended == 1);
  f.with->waits.destroy();
  op.settle();
  BOOST_TEST(ended == 2);
}

BOOST_AUTO_TEST_CASE(another_librarys_awaitable_need_not_be_movable) {
  struct fixed : foreign {
    explicit fixed(const foreign& what) : foreign(what) {}
    fixed(const fixed&) = delete;
  };
  foreign f;
  operator_of op{[&](const std::string& key) -> task<std::string> {
    fixed named{f};
    const int first = co_await named;
    co_return key + std::to_string(first) + std::to_string(co_await fixed{f});
  }};
  op.push("a");
  f.with->value = 1;
  f.with->waits.resume();
  op.settle();
  f.with->value = 2;
  f.with->waits.resume();
  op.settle();
  BOOST_TEST(op.left() == "a12 ");
}

BOOST_AUTO_TEST_CASE(a_retry_is_a_coroutine_of_its_own) {
  client c;
  int ended = 0;
  operator_options options;
  options.retry = fixed_delay{1, 10ms, any_error()};
  operator_of op{[&](const std::string& key) -> task<std::string> {
                   const witness here{ended};
                   const auto got = co_await await_callback<std::string>(
                     [&](auto then) { c.ask(key, std::move(then)); });
                   if (got.empty())
                     co_return error{"io", "store", "empty"};
                   co_return got;
                 },
                 options};
  op.push("a");
  c.answer("a", "");
  op.settle();
  BOOST_TEST(ended == 1);
  op.pass(10ms);
  BOOST_TEST(c.asked == "a a ");
  c.answer("a", "x");
  op.settle();
  BOOST_TEST(ended == 2);
  BOOST_TEST(op.left() == "x ");
}

BOOST_AUTO_TEST_CASE(a_late_answer_does_not_wake_the_coroutine_of_another_record) {
  // GIVEN a record whose coroutine was ended by its timeout, and the next one in its slot
  client c;
  operator_options options;
  options.capacity = 1;
  operator_of op{[&](const std::string& key) -> task<std::string> {
                   co_return co_await await_callback<std::string>(
                     [&](auto then) { c.ask(key, std::move(then)); });
                 },
                 options};
  op.push("a");
  op.pass(1s);
  op.push("b");
  c.answer("a", "late");
  op.settle();
  BOOST_TEST(op.left() == "!a:timeout_error ");
  c.answer("b", "in time");
  op.settle();
  BOOST_TEST(op.left() == "in time ");
}

BOOST_AUTO_TEST_CASE(an_operator_may_end_while_its_coroutines_wait) {
  client c;
  int ended = 0;
  {
    operator_of op{[&](const std::string& key) -> task<std::string> {
      const witness here{ended};
      co_return co_await await_callback<std::string>([&](auto then) { c.ask(key, std::move(then)); });
    }};
    op.push("a");
    op.push("b");
  }
  BOOST_TEST(ended == 2);
  c.answer("a", "late");
  c.waiting.clear();
}

// -- forms --

BOOST_AUTO_TEST_CASE(one_program_in_all_forms_gives_the_same_transcript) {
  const auto run = [](auto make) {
    client c;
    auto op = make(c);
    std::string all;
    for (const auto* key : {"a", "b", "c"})
      op.push(key);
    c.answer("b", "2");
    op.settle();
    c.answer("a", "");
    op.settle();
    all += op.left();
    op.pass(10ms);
    c.answer("a", "1");
    op.settle();
    all += op.left();
    op.pass(1s);
    return all + op.left() + c.asked;
  };
  operator_options options;
  options.retry = fixed_delay{1, 10ms, any_error()};
  const auto lambda = [&](client& c) {
    return operator_of{[&c](const std::string& key, result_future<std::string> done) {
                         c.ask(key, [key, done = std::move(done)](const std::string& got) mutable {
                           if (got.empty())
                             done.fail({"io", "store", "empty"});
                           else
                             done.complete(key + got);
                         });
                       },
                       options};
  };
  const auto coroutine = [&](client& c) {
    return operator_of{[&c](const std::string& key) -> task<std::string> {
                         const auto got = co_await await_callback<std::string>(
                           [&](auto then) { c.ask(key, std::move(then)); });
                         if (got.empty())
                           co_return error{"io", "store", "empty"};
                         co_return key + got;
                       },
                       options};
  };
  struct as_class : async_function<std::string, std::string> {
    explicit as_class(client& of) : c(&of) {}
    task<std::string> async_invoke(const std::string& key) {
      const auto got
        = co_await await_callback<std::string>([&](auto then) { c->ask(key, std::move(then)); });
      if (got.empty())
        throw call_failed{{"io", "store", "empty"}};
      co_return key + got;
    }
    client* c;
  };
  const auto expected = run(lambda);
  BOOST_TEST(expected == "a1 b2 !c:timeout_error a b c a ");
  BOOST_TEST(run(coroutine) == expected);
  BOOST_TEST(run([&](client& c) { return operator_of{as_class{c}, options}; }) == expected);
}

BOOST_AUTO_TEST_SUITE_END()
