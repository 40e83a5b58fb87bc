// SPDX-License-Identifier: Apache-2.0

/// What a machine tells an observer of single records: that one has got its slot, and that one has left it.

#include "../support/collecting_output.hpp"

#include "weir/operator_machine.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <string>

namespace {

using namespace weir;
using namespace weir::testing;

/// Keeps the future of each call, or answers at once where it is told to.
struct holding_function : async_function<int, int> {
  void async_invoke(const int& x, result_future<int> done) {
    if (at_once)
      done.complete(x);
    else
      calls.insert_or_assign(x, std::move(done));
  }

  bool at_once = false;
  std::map<int, result_future<int>> calls;
};

struct watching_observer {
  void observe(duration) {}

  void admitted(slot_index slot) {
    told += "in " + std::to_string(++records) + "\n";
    in_slot[slot] = records;
  }

  void left(slot_index slot, record_fate how, std::size_t results, const error* why) {
    const auto text = how == record_fate::results   ? std::to_string(results)
                      : how == record_fate::dropped ? "dropped " + why->kind()
                                                    : "dead " + why->kind();
    told += "out " + std::to_string(in_slot.at(slot)) + " " + text + "\n";
  }

  std::string take() { return std::exchange(told, {}); }

  int records = 0;
  std::map<slot_index, int> in_slot;
  std::string told;
};

struct hook_fixture {
  explicit hook_fixture(output_mode mode = output_mode::ordered)
    : machine(options(), mode, function, *port, watched, 1) {}

  static operator_options options() {
    operator_options with;
    with.name = "op";
    with.timeout = std::chrono::seconds{10};
    with.on_failure = failure_action::dead_letter;
    with.failure_rules = {{"gone", failure_action::drop}};
    with.capacity = 3;
    return with;
  }

  operator_outputs outputs() { return {results, &dead_letters}; }

  void push(std::initializer_list<int> records) {
    batch<int> in;
    for (const auto each : records)
      in.append(each, event_time::none(), {next++, 0, 0});
    batch_cursor at;
    machine.take(in, at, outputs(), now);
  }

  void advance() { machine.advance(outputs(), now); }

  time_point now{std::chrono::hours{1}};
  std::uint64_t next = 0;
  holding_function function;
  completion_port<int>::owner port = completion_port<int>::make([] {});
  watching_observer watched;
  operator_machine<holding_function, watching_observer> machine;
  collecting_output<int> results;
  collecting_output<dead_letter<int>> dead_letters;
};

struct unordered_fixture : hook_fixture {
  unordered_fixture() : hook_fixture(output_mode::unordered) {}
};

} // namespace

BOOST_AUTO_TEST_SUITE(record_hooks)

BOOST_FIXTURE_TEST_CASE(a_record_that_is_answered_at_once_comes_and_goes, hook_fixture) {
  function.at_once = true;
  push({1, 2});
  BOOST_TEST(watched.take() == "in 1\nout 1 1\nin 2\nout 2 1\n");
}

BOOST_FIXTURE_TEST_CASE(records_go_when_their_results_leave, hook_fixture) {
  push({1, 2, 3});
  BOOST_TEST(watched.take() == "in 1\nin 2\nin 3\n");
  function.calls[2].complete(std::vector{20, 21});
  function.calls[3].complete_empty();
  advance();
  BOOST_TEST(watched.take() == "");
  function.calls[1].complete(10);
  advance();
  BOOST_TEST(watched.take() == "out 1 1\nout 2 2\nout 3 0\n");
}

BOOST_FIXTURE_TEST_CASE(they_go_in_the_order_in_which_they_leave, unordered_fixture) {
  push({1, 2});
  function.calls[2].complete(20);
  function.calls[1].complete(10);
  advance();
  BOOST_TEST(watched.take() == "in 1\nin 2\nout 2 1\nout 1 1\n");
}

BOOST_FIXTURE_TEST_CASE(those_that_fail_go_with_their_error, hook_fixture) {
  push({1, 2, 3});
  function.calls[1].fail({"gone", "it", ""});
  function.calls[2].fail({"io", "it", ""});
  advance();
  now += std::chrono::seconds{10};
  machine.tick(outputs(), now, now);
  BOOST_TEST(watched.take()
             == "in 1\nin 2\nin 3\nout 1 dropped gone\nout 2 dead io\nout 3 dead timeout_error\n");
}

BOOST_FIXTURE_TEST_CASE(those_that_wait_for_room_have_not_gone, hook_fixture) {
  results.grant(-collecting_output<int>::unbounded);
  push({1});
  function.calls[1].complete(10);
  advance();
  BOOST_TEST(watched.take() == "in 1\n");
  results.grant(1);
  advance();
  BOOST_TEST(watched.take() == "out 1 1\n");
}

BOOST_FIXTURE_TEST_CASE(each_record_goes_once_however_often_slots_are_used, hook_fixture) {
  for (int round = 0; round < 100; ++round) {
    push({1, 2, 3});
    for (const int x : {3, 1, 2}) {
      function.calls[x].complete(x);
      advance();
    }
    const auto n = std::to_string(3 * round + 1);
    const auto told = watched.take();
    BOOST_TEST(told.find("in " + n + "\n") == 0u);
    BOOST_TEST(std::count(told.begin(), told.end(), '\n') == 6);
  }
}

BOOST_AUTO_TEST_SUITE_END()
