// SPDX-License-Identifier: Apache-2.0

#include "weir/faulty_driver.hpp"

#include "threads.hpp"
#include "weir/blocking_driver.hpp"

#include <boost/test/unit_test.hpp>

#include <limits>
#include <string>
#include <utility>

using namespace std::chrono_literals;

namespace weir::testing {

namespace {

/// Gives the argument back.
class echo_connection final : public blocking_connection {
public:
  expected<void> open(const std::vector<statement_declaration>& statements) override {
    if (statements.empty())
      return error{error_kind::argument, "store", "no statements"};
    return {};
  }
  expected<answer> execute(statement_id, std::span<const value> arguments,
                           time_point) override {
    return single(arguments[0]);
  }
};

/// A driver that answers when the test says so; its gates tell what has reached it.
class recording_driver final : public client_driver {
public:
  explicit recording_driver(gate& submitted, gate& cancelled)
    : submitted_(submitted),
      cancelled_(cancelled) {}

  expected<void> open(const std::vector<statement_declaration>&,
                      result_receiver& results) override {
    results_ = &results;
    return {};
  }
  std::size_t permits() const override { return 1; }
  std::size_t window() const override { return 1; }
  void submit(std::span<question>) override { submitted_.pass(); }
  void cancel(std::span<const call_token>) override { cancelled_.pass(); }
  void close() override {}

  void answer_with(call_result result) { results_->receive({&result, 1}); }

private:
  gate& submitted_;
  gate& cancelled_;
  result_receiver* results_ = nullptr;
};

std::unique_ptr<client_driver> echo_driver() {
  return std::make_unique<blocking_driver>(
    driver_settings{"airports", "", {2}},
    [](std::size_t) -> expected<std::unique_ptr<blocking_connection>> {
      return std::unique_ptr<blocking_connection>{std::make_unique<echo_connection>()};
    });
}

struct faulty_driver_fixture {
  collecting_receiver received;
  std::unique_ptr<client_driver> driver;

  void open(const fault_settings& settings) {
    driver = std::move(*faulty_driver("airports", echo_driver(), settings));
    BOOST_REQUIRE(driver->open({{"text", 1}}, received).has_value());
  }

  void ask(call_token from, call_token to) {
    std::vector<question> questions;
    for (; from < to; ++from)
      questions.push_back(ask_with(from, static_cast<std::int64_t>(from)));
    driver->submit(questions);
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(faulty_drivers, faulty_driver_fixture)

BOOST_AUTO_TEST_CASE(a_wrong_setting_is_an_error) {
  const auto made = faulty_driver("airports", echo_driver(), {.errors = 2});
  BOOST_REQUIRE(!made.has_value());
  BOOST_TEST(made.why().is(error_kind::argument));
  BOOST_TEST(made.why().thing() == "airports");
}

BOOST_AUTO_TEST_CASE(permits_are_those_of_the_driver_inside_and_the_window_is_unbounded) {
  open({});
  BOOST_TEST(driver->permits() == 2);
  BOOST_TEST(driver->window() == std::numeric_limits<std::uint32_t>::max());
}

BOOST_AUTO_TEST_CASE(an_error_of_the_driver_inside_comes_out) {
  driver = std::move(*faulty_driver("airports", echo_driver(), {}));
  const auto opened = driver->open({}, received);
  BOOST_REQUIRE(!opened.has_value());
  BOOST_TEST(opened.why().message() == "no statements");
}

BOOST_AUTO_TEST_CASE(more_than_the_window_inside_is_answered_in_the_end) {
  open({});
  ask(0, 5000);
  received.wait_for(5000);
  driver->close();
  const auto results = received.results();
  BOOST_TEST(results.size() == 5000);
  for (const auto& result : results)
    BOOST_TEST(std::get<std::int64_t>(result.outcome->cell(0, 0))
               == static_cast<std::int64_t>(result.token));
}

BOOST_AUTO_TEST_CASE(each_call_ends_as_the_plan_of_its_seed_says) {
  const fault_settings settings{
    .latency_min = 0us, .latency_max = 300us, .errors = 0.1, .hangs = 0.05, .seed = 7};
  constexpr call_token count = 2000;
  // GIVEN what the plan decides
  fault_plan plan{settings};
  std::vector<fault_plan::fate> fates;
  std::vector<call_token> hanging;
  for (call_token token = 0; token < count; ++token) {
    fates.push_back(plan.next().what);
    if (fates.back() == fault_plan::fate::hang)
      hanging.push_back(token);
  }
  BOOST_TEST(!hanging.empty());
  // WHEN that many calls are made, and the hanging ones cancelled when all others are answered
  open(settings);
  ask(0, count);
  BOOST_TEST(received.wait_for(count - hanging.size()) == count - hanging.size());
  driver->cancel(hanging);
  received.wait_for(count);
  driver->close();
  const auto results = received.results();
  // THEN each has ended once, in its way
  BOOST_TEST(results.size() == count);
  for (call_token token = 0; token < count; ++token) {
    const auto& outcome = result_of(results, token).outcome;
    switch (fates[token]) {
      case fault_plan::fate::pass:
        BOOST_TEST(outcome.has_value());
        break;
      case fault_plan::fate::fail:
        BOOST_TEST((!outcome && outcome.why().is("injected")));
        break;
      case fault_plan::fate::hang:
        BOOST_TEST((!outcome && outcome.why().is(error_kind::cancelled)));
        break;
    }
  }
}

BOOST_AUTO_TEST_CASE(what_the_driver_inside_has_is_cancelled_there) {
  gate submitted, cancelled;
  submitted.open();
  cancelled.open();
  auto inside = std::make_unique<recording_driver>(submitted, cancelled);
  auto& store = *inside;
  driver = std::move(
    *faulty_driver("airports", std::move(inside), {.latency_min = 1h, .latency_max = 1h}));
  BOOST_REQUIRE(driver->open({}, received).has_value());
  ask(1, 2);
  submitted.wait_for_arrivals(1);
  driver->cancel(std::vector<call_token>{1});
  cancelled.wait_for_arrivals(1);
  // Nobody waits for it, so it is not held back for an hour.
  store.answer_with({1, error{error_kind::cancelled, "store", "given up"}});
  received.wait_for(1);
  BOOST_TEST(received.results()[0].outcome.why().message() == "given up");
  driver->close();
}

BOOST_AUTO_TEST_CASE(a_result_never_comes_before_its_latency) {
  open({.latency_min = 2ms, .latency_max = 2ms});
  const auto start = time_point::clock::now();
  ask(0, 1);
  received.wait_for(1);
  BOOST_TEST((time_point::clock::now() - start >= 2ms));
}

BOOST_AUTO_TEST_CASE(closing_waits_for_nothing_that_is_held_back_and_may_be_repeated) {
  open({.latency_min = 1h, .latency_max = 1h, .hangs = 0.5});
  ask(0, 1000);
  driver->close();
  BOOST_TEST(received.wait_for(0) == 0);
  driver->close();
}

BOOST_AUTO_TEST_CASE(a_driver_that_was_never_opened_is_closed_without_harm) {
  driver = std::move(*faulty_driver("airports", echo_driver(), {}));
  driver->close();
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace weir::testing
