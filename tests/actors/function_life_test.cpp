// SPDX-License-Identifier: Apache-2.0

// A function is closed once after each open that went well, however its job ends, and never else.

#include "../support/job_fixture.hpp"

#include <chrono>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
using weir::error;
using weir::output_mode;
using weir::testing::job_fixture;

namespace {

const error broken{"io", "disk", "it is full"};

/// in -> two instances of first -> second -> out. Each has one call under way.
struct life_fixture : job_fixture {
  life_fixture() {
    add_source("in");
    add_operator("first", output_mode::ordered, 2).timeout = 10s;
    add_operator("second").timeout = 10s;
    add_sink("out");
  }

  void start_and_call() {
    start();
    // 64 in a row to each instance; the first call of `first` gives `second` its own.
    push_many(1, 65);
    complete(1, "first");
    BOOST_REQUIRE(functions["second"].calls == 1u);
    BOOST_REQUIRE(functions["first.1"].calls == 1u);
  }

  /// Of each instance, in order: how often it was opened and how often closed.
  std::string lives() const {
    std::string all;
    for (const auto& [instance, of] : functions)
      all += instance + " " + std::to_string(of.opened) + "/" + std::to_string(of.closed) + " ";
    return all;
  }

  static void refuse(weir::function_context&) { throw std::runtime_error("no such host"); }
};

constexpr auto all_closed = "first 1/1 first.1 1/1 second 1/1 ";

} // namespace

BOOST_FIXTURE_TEST_SUITE(function_life, life_fixture)

BOOST_AUTO_TEST_CASE(at_the_end_of_input) {
  start_and_call();
  for (int record = 2; record <= 64; ++record)
    complete(record, "first");
  complete(65, "first.1");
  end();
  BOOST_TEST(!result);
  BOOST_TEST(lives() == "first 1/1 first.1 1/1 second 1/0 ");
  while (!functions["second"].held.empty())
    complete(functions["second"].held.begin()->first, "second");
  BOOST_TEST(result->ok());
  BOOST_TEST(lives() == all_closed);
}

BOOST_AUTO_TEST_CASE(when_a_record_fails_the_job) {
  start_and_call();
  fail(2, "io", "first");
  BOOST_TEST(text(*result).find("failed") == 0u);
  BOOST_TEST(lives() == all_closed);
}

BOOST_AUTO_TEST_CASE(when_a_timeout_fails_the_job) {
  start_and_call();
  advance(10s);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(lives() == all_closed);
}

BOOST_AUTO_TEST_CASE(when_another_stage_fails_the_job) {
  start_and_call();
  sinks["out"].write_error = broken;
  complete(10, "second");
  BOOST_TEST(text(*result) == "failed disk io");
  BOOST_TEST(lives() == all_closed);
}

BOOST_AUTO_TEST_CASE(when_the_commit_fails_after_the_function_has_closed) {
  sinks["out"].commit_error = broken;
  start();
  end();
  BOOST_TEST(text(*result) == "failed disk io");
  BOOST_TEST(lives() == all_closed);
}

BOOST_AUTO_TEST_CASE(when_the_job_is_cancelled) {
  start_and_call();
  cancel();
  BOOST_TEST(text(*result) == "cancelled");
  BOOST_TEST(lives() == all_closed);
}

BOOST_AUTO_TEST_CASE(when_the_job_is_cancelled_before_anything_has_opened) {
  BOOST_REQUIRE(try_to_start().empty());
  runner->cancel();
  world.run();
  BOOST_TEST(text(*result) == "cancelled");
}

BOOST_AUTO_TEST_CASE(when_the_job_is_cancelled_while_it_fails) {
  start_and_call();
  functions["first"].take(2).fail(broken);
  runner->cancel();
  world.run();
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(lives() == all_closed);
}

BOOST_AUTO_TEST_CASE(when_a_drain_comes_to_its_end) {
  start();
  drain(1s);
  BOOST_TEST(text(*result) == "drained, 0 left behind");
  BOOST_TEST(lives() == all_closed);
}

BOOST_AUTO_TEST_CASE(when_a_drain_is_cut_off) {
  start_and_call();
  drain(1s);
  advance(1s);
  BOOST_TEST(text(*result).find("drained, ") == 0u);
  BOOST_TEST(lives() == all_closed);
}

BOOST_AUTO_TEST_CASE(when_the_open_of_a_sibling_throws) {
  functions["first.1"].on_open = refuse;
  start();
  BOOST_TEST(text(*result) == "failed operator first exception");
  BOOST_TEST(lives() == "first 1/1 first.1 0/0 second 1/1 ");
}

BOOST_AUTO_TEST_CASE(when_the_open_of_the_first_sibling_throws) {
  functions["first"].on_open = refuse;
  start();
  BOOST_TEST(lives() == "first 0/0 first.1 1/1 second 1/1 ");
}

BOOST_AUTO_TEST_CASE(when_the_open_of_a_sibling_gives_an_error) {
  functions["first.1"].open_error = broken;
  start();
  BOOST_TEST(text(*result) == "failed operator first io");
  BOOST_TEST(lives() == "first 1/1 first.1 0/0 second 1/1 ");
}

BOOST_AUTO_TEST_CASE(when_the_open_of_another_operator_throws) {
  functions["second"].on_open = refuse;
  start();
  BOOST_TEST(text(*result) == "failed operator second exception");
  BOOST_TEST(lives() == "first 1/1 first.1 1/1 second 0/0 ");
}

BOOST_AUTO_TEST_CASE(when_all_opens_throw) {
  for (const auto* each : {"first", "first.1", "second"})
    functions[each].on_open = refuse;
  start();
  BOOST_TEST(lives() == "first 0/0 first.1 0/0 second 0/0 ");
}

BOOST_AUTO_TEST_CASE(when_a_sink_does_not_open) {
  sinks["out"].open_error = broken;
  start();
  BOOST_TEST(text(*result) == "failed disk io");
  BOOST_TEST(lives() == all_closed);
}

BOOST_AUTO_TEST_CASE(when_a_close_throws_the_others_are_closed_and_the_job_ends_as_it_would) {
  for (const auto* each : {"first", "second"})
    functions[each].on_close = [] { throw std::runtime_error("it does not close"); };
  start();
  end();
  BOOST_TEST(text(*result) == "done");
  BOOST_TEST(lives() == all_closed);
}

BOOST_AUTO_TEST_CASE(a_close_that_completes_calls_disturbs_nobody) {
  auto& first = functions["first"];
  first.on_close = [&] {
    while (!first.held.empty())
      first.take(first.held.begin()->first).complete(0);
  };
  start_and_call();
  cancel();
  BOOST_TEST(text(*result) == "cancelled");
  BOOST_TEST(first.held.empty());
  BOOST_TEST(lives() == all_closed);
}

BOOST_AUTO_TEST_CASE(nothing_is_called_before_all_have_opened_nor_after_the_close) {
  functions["first"].on_close = [&] { functions["first"].calls = 1000; };
  start_and_call();
  auto late = functions["first"].take(2);
  cancel();
  late.complete(20);
  world.run();
  BOOST_TEST(functions["first"].calls == 1000u);
}

BOOST_AUTO_TEST_SUITE_END()
