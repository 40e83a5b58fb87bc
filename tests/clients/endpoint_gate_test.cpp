// SPDX-License-Identifier: Apache-2.0

#include "weir/endpoint_gate.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace weir::testing {

namespace {

using namespace std::chrono_literals;

struct gate_fixture {
  time_point now{1h};
  endpoint_gate::settings how;

  error why(const std::string& message) { return {error_kind::refused, "store", message}; }

  /// Goes on to the next try, and says how long that took.
  duration to_next_try(endpoint_gate& gate) {
    const auto due = gate.next_due(std::nullopt);
    BOOST_REQUIRE(due != time_point::max());
    const auto waited = due - now;
    if (waited > 0ns)
      BOOST_TEST(!gate.next_to_dial(due - 1ns).has_value());
    now = due;
    return waited;
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(endpoint_gates, gate_fixture)

BOOST_AUTO_TEST_CASE(the_first_tries_for_all) {
  endpoint_gate gate{how, 3, now};
  BOOST_TEST((gate.next_due(std::nullopt) == now));
  BOOST_TEST(gate.next_to_dial(now).value() == 0u);
  BOOST_TEST(!gate.next_to_dial(now).has_value());
  BOOST_TEST((gate.next_due(std::nullopt) == time_point::max()));
  BOOST_TEST(gate.up() == 0u);
  gate.connected(0);
  BOOST_TEST(gate.up() > 0u);
  // WHEN one is up, the others follow at once
  BOOST_TEST(gate.next_to_dial(now).value() == 1u);
  BOOST_TEST(gate.next_to_dial(now).value() == 2u);
  BOOST_TEST(!gate.next_to_dial(now).has_value());
  gate.connected(2);
  gate.connected(1);
  BOOST_TEST(gate.up() == 3u);
  BOOST_TEST((gate.next_due(std::nullopt) == time_point::max()));
}

BOOST_AUTO_TEST_CASE(waits_between_tries_are_drawn_from_ranges_that_double) {
  how = {.initial = 50ms, .max = 400ms, .least = 10ms};
  const duration most[] = {50ms, 100ms, 200ms, 400ms, 400ms, 400ms};
  duration longest[6]{};
  for (how.seed = 1; how.seed <= 2'000; ++how.seed) {
    now = time_point{1h};
    endpoint_gate gate{how, 2, now};
    for (int i = 0; i < 6; ++i) {
      BOOST_REQUIRE(gate.next_to_dial(now).value() == 0u);
      gate.failed(0, why("no"), now);
      const auto waited = to_next_try(gate);
      BOOST_REQUIRE((waited >= how.least && waited <= most[i]));
      longest[i] = std::max(longest[i], waited);
    }
  }
  for (int i = 0; i < 6; ++i)
    BOOST_TEST((longest[i] > most[i] * 9 / 10), i);
}

BOOST_AUTO_TEST_CASE(the_same_seed_draws_the_same_waits) {
  const auto waits = [&](std::uint64_t seed) {
    how.seed = seed;
    now = time_point{1h};
    endpoint_gate gate{how, 1, now};
    duration sum{};
    for (int i = 0; i < 5; ++i) {
      gate.next_to_dial(now);
      gate.failed(0, why("no"), now);
      sum += to_next_try(gate);
    }
    return sum;
  };
  BOOST_TEST((waits(3) == waits(3)));
  BOOST_TEST((waits(3) != waits(4)));
}

BOOST_AUTO_TEST_CASE(only_an_answer_ends_the_back_off) {
  // GIVEN a store that accepts and closes
  how = {.initial = 50ms, .max = 10s, .least = 10ms};
  duration longest{};
  for (how.seed = 1; how.seed <= 200; ++how.seed) {
    endpoint_gate gate{how, 1, now};
    for (int i = 0; i < 6; ++i) {
      gate.next_to_dial(now);
      gate.connected(0);
      gate.lost(0, why("closed"), now);
      longest = std::max(longest, to_next_try(gate));
    }
    // WHEN it has answered, waits begin anew
    gate.next_to_dial(now);
    gate.connected(0);
    gate.answered();
    gate.lost(0, why("closed"), now);
    BOOST_TEST((to_next_try(gate) <= 50ms));
  }
  BOOST_TEST((longest > 1s));
}

BOOST_AUTO_TEST_CASE(a_question_is_refused_when_no_connection_came_for_a_while) {
  how.refuse_after = 1s;
  endpoint_gate gate{how, 1, now};
  const auto asked = now;
  // While the first try goes on, nobody knows anything
  gate.next_to_dial(now);
  now += 5s;
  BOOST_TEST(gate.refuses(asked, now) == nullptr);
  BOOST_TEST((gate.next_due(asked) == time_point::max()));
  // WHEN it fails, those that have waited long enough end with what it said
  gate.failed(0, why("connection refused"), now);
  BOOST_REQUIRE(gate.refuses(asked, now) != nullptr);
  BOOST_TEST(gate.refuses(asked, now)->message() == "connection refused");
  // and one that is asked now has its time
  const auto later = now;
  BOOST_TEST(gate.refuses(later, now) == nullptr);
  BOOST_TEST(gate.refuses(later, later + 1s - 1ns) == nullptr);
  BOOST_TEST(gate.refuses(later, later + 1s) != nullptr);
  BOOST_TEST((gate.next_due(later) <= later + 1s));
}

BOOST_AUTO_TEST_CASE(a_short_outage_refuses_nothing) {
  endpoint_gate gate{how, 2, now};
  gate.next_to_dial(now);
  gate.connected(0);
  gate.next_to_dial(now);
  gate.connected(1);
  // GIVEN a question that has waited for long, since all were busy
  const auto asked = now;
  now += 10s;
  gate.lost(0, why("reset"), now);
  BOOST_TEST(gate.up() > 0u);
  BOOST_TEST(gate.refuses(asked, now) == nullptr);
  // WHEN the last connection goes, its second begins there
  gate.lost(1, why("reset"), now);
  BOOST_TEST(gate.up() == 0u);
  BOOST_TEST(gate.refuses(asked, now) == nullptr);
  BOOST_TEST(gate.refuses(asked, now + 999ms) == nullptr);
  BOOST_TEST(gate.refuses(asked, now + 1s)->message() == "reset");
  to_next_try(gate);
  BOOST_TEST(gate.next_to_dial(now).has_value());
  BOOST_TEST(!gate.next_to_dial(now).has_value());
  gate.connected(0);
  BOOST_TEST(gate.up() > 0u);
  BOOST_TEST(gate.refuses(asked, now + 1h) == nullptr);
}

BOOST_AUTO_TEST_CASE(what_is_lost_together_waits_once) {
  how = {.initial = 50ms, .max = 10s, .least = 10ms};
  for (how.seed = 1; how.seed <= 200; ++how.seed) {
    endpoint_gate gate{how, 20, now};
    gate.next_to_dial(now);
    gate.connected(0);
    while (const auto next = gate.next_to_dial(now))
      gate.connected(*next);
    BOOST_REQUIRE(gate.up() == 20u);
    for (std::size_t i = 0; i < 20; ++i)
      gate.lost(i, why("killed"), now);
    BOOST_REQUIRE((to_next_try(gate) <= 50ms));
  }
}

BOOST_AUTO_TEST_CASE(a_try_that_fails_while_others_are_up_says_nothing) {
  endpoint_gate gate{how, 2, now};
  gate.next_to_dial(now);
  gate.connected(0);
  gate.next_to_dial(now);
  gate.failed(1, why("too many"), now);
  BOOST_TEST(gate.refuses(now - 1h, now) == nullptr);
  BOOST_TEST(!gate.next_to_dial(now).has_value());
  to_next_try(gate);
  BOOST_TEST(gate.next_to_dial(now).value() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace weir::testing
