// SPDX-License-Identifier: Apache-2.0

// What an exploration counts, and that it finds operators that break in some orders: runs that are wrong are
// put in the machine's place.

#include "exploration.hpp"
#include "scenario_words.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <utility>

using namespace weir;
using namespace weir::tool;
using namespace weir::simulation;
using namespace weir::simulation::testing;

namespace {

using service = std::map<std::int64_t, std::vector<scenario_answer>>;

/// Its three answers fall together.
scenario three_answers(scenario_operator with) {
  return {"three", std::move(with), {record(0, 1), record(0, 2), record(0, 3)}, service{}, {}};
}

exploration explored(const scenario& what, const seed_range& seeds = {},
                     const scenario_runner& run = run_on_machine) {
  const auto got = explore(what, seeds, run);
  BOOST_REQUIRE_MESSAGE(got, (got ? std::string{} : got.why().text()));
  return *got;
}

/// Spoils its trace where the answer to record 1 comes first of all three.
template <class Spoil>
scenario_runner machine_that(Spoil spoil) {
  return [=](const scenario& what, const event_chooser& choose) {
    bool breaks = false;
    auto came = run_on_machine(what, [&](std::span<const event_description> due) {
      const auto chosen = choose(due);
      breaks = breaks || (due.size() == 3 && due[chosen].record == 1);
      return chosen;
    });
    if (breaks)
      spoil(*came);
    return came;
  };
}

std::string text_of(const exploration& what, const scenario& of) {
  return exploration_text(of, what, "some file.json");
}

} // namespace

BOOST_AUTO_TEST_SUITE(exploration_of_a_scenario)

BOOST_AUTO_TEST_CASE(orders_and_traces_are_counted) {
  const auto any = explored(three_answers(unordered()));
  BOOST_TEST(any.runs == 1000u);
  BOOST_TEST(any.orders == 6u);
  BOOST_TEST(any.traces == 6u);
  const auto one = explored(three_answers(ordered()), {7, 106});
  BOOST_TEST(one.runs == 100u);
  BOOST_TEST(one.orders == 6u);
  BOOST_TEST(one.traces == 1u);
  BOOST_TEST(text_of(one, three_answers(ordered())) == "three: 100 seeds, 6 orders, 1 trace\n");
}

BOOST_AUTO_TEST_CASE(where_nothing_falls_together_one_run_is_enough) {
  const scenario what{"apart", unordered(), {record(0, 1), record(5, 2)}, service{}, {}};
  const auto got = explored(what);
  BOOST_TEST(got.runs == 1u);
  BOOST_TEST(text_of(got, what) == "apart: no two events fall together; one order, 1 trace\n");
}

BOOST_AUTO_TEST_CASE(a_seed_makes_the_same_order_everywhere) {
  std::string seen;
  const auto run = [&](const scenario& what, const event_chooser& choose) {
    auto came = run_on_machine(what, choose);
    seen += output_of(*came) + "; ";
    return came;
  };
  explored(three_answers(unordered()), {1, 4}, run);
  BOOST_TEST(seen == "1:6 1:4 1:2; 1:4 1:2 1:6; 1:2 1:6 1:4; 1:4 1:2 1:6; ");
}

BOOST_AUTO_TEST_CASE(the_last_seed_of_all_is_a_seed) {
  BOOST_TEST(explored(three_answers(ordered()), {UINT64_MAX, UINT64_MAX}).runs == 1u);
}

BOOST_AUTO_TEST_CASE(a_run_that_passes_its_limits_is_an_error) {
  scenario what{"endless", retries(100'000'000, 1, timeout(100'000'000, ordered())),
                {record(0, 1)}, {{1, {fails(1)}}}, {}};
  const auto got = explore(what, {});
  BOOST_REQUIRE(!got);
  BOOST_TEST(got.why().message().starts_with("it takes more than"), got.why().text());
}

BOOST_AUTO_TEST_SUITE_END()

// -- what is found --

BOOST_AUTO_TEST_SUITE(exploration_finds)

BOOST_AUTO_TEST_CASE(a_record_that_is_lost_in_some_order) {
  const auto what = three_answers(unordered());
  const auto faulty = machine_that([](trace& came) { came.output.pop_back(); });
  const auto got = explored(what, {1, 100}, faulty);
  BOOST_REQUIRE(got.found.has_value());
  BOOST_TEST(got.found->seed == got.runs);
  BOOST_TEST(got.found->what.starts_with("  a promise is broken: record 2 is lost"),
             got.found->what);
  // That seed alone repeats it.
  const auto again = explored(what, {got.found->seed, got.found->seed}, faulty);
  BOOST_REQUIRE(again.found.has_value());
  BOOST_TEST(again.found->what == got.found->what);
  // Others do not find it.
  BOOST_TEST(got.found->seed > 1u);
  BOOST_TEST(!explored(what, {1, got.found->seed - 1}, faulty).found);
}

BOOST_AUTO_TEST_CASE(what_breaks_no_promise_but_is_not_what_the_model_does) {
  const auto what = three_answers(unordered());
  const auto faulty = machine_that([](trace& came) {
    std::swap(came.output[0].what, came.output[1].what);
  });
  const auto got = explored(what, {}, faulty);
  BOOST_REQUIRE(got.found.has_value());
  BOOST_TEST(text_of(got, what)
             == "three: with seed 3 the operator breaks its rules\n"
                "  it is not what the model does, which is what is expected:\n"
                "  output: 3 lines expected, 3 came, 2 differ\n"
                "       expected      came\n"
                "  > 1  1  value 2    1  value 6\n"
                "  > 2  1  value 6    1  value 2\n"
                "    3  1  value 4    1  value 4\n"
                "  at 1 first: answer to record 1, before: answer to record 2; answer to record 3\n"
                "  at 1 first: answer to record 3, before: answer to record 2\n"
                "  again: weir simulate --explore --seeds 3..3 'some file.json'\n");
}

BOOST_AUTO_TEST_CASE(more_calls_than_may_run) {
  const auto what = three_answers(calls_max(2, unordered()));
  const auto got = explored(what, {}, [](const scenario& of, const event_chooser& choose) {
    auto other = of;
    other.with.max_concurrent_calls = 3;
    return run_on_machine(other, choose);
  });
  BOOST_REQUIRE(got.found.has_value());
  BOOST_TEST(got.found->what.starts_with(
               "  a promise is broken: record 3 is called at 0 while 2 calls run, of 2\n"),
             got.found->what);
}

BOOST_AUTO_TEST_CASE(something_else_that_is_due) {
  const auto what = three_answers(ordered());
  const auto got = explored(what, {}, [](const scenario& of, const event_chooser& choose) {
    return run_on_machine(of, [&](std::span<const event_description> due) {
      return choose(due.first(2));
    });
  });
  BOOST_REQUIRE(got.found.has_value());
  BOOST_TEST(got.found->what
             == "  it is not what the model does, which is what is expected:\n"
                "  at 1 may be next, for the operator: answer to record 1; answer to record 2; for "
                "the model: answer to record 1; answer to record 2; answer to record 3\n");
}

BOOST_AUTO_TEST_CASE(something_that_only_one_finds_due) {
  const auto what = three_answers(ordered());
  const auto none = explored(what, {}, [](const scenario& of, const event_chooser&) {
    return run_on_machine(of, [](auto) { return std::size_t{0}; });
  });
  BOOST_REQUIRE(none.found.has_value());
  BOOST_TEST(none.found->what.find("for the operator: nothing; for the model: answer to record 1")
             != std::string::npos);
  const auto more = explored(what, {}, [](const scenario& of, const event_chooser& choose) {
    auto came = run_on_machine(of, choose);
    const std::vector<event_description> due{{event_kind::timeout, 9, 0, 1, 1},
                                             {event_kind::back_off_end, 9, 1, 2, 1}};
    choose(due);
    return came;
  });
  BOOST_REQUIRE(more.found.has_value());
  BOOST_TEST(more.found->what.find("at 9 may be next, for the operator: timeout of record 1; end of "
                                   "back-off of record 2; for the model: nothing")
             != std::string::npos,
             more.found->what);
}

BOOST_AUTO_TEST_SUITE_END()

// -- seeds --

BOOST_AUTO_TEST_SUITE(exploration_seeds)

BOOST_AUTO_TEST_CASE(a_number_counts_from_1_and_two_are_first_and_last) {
  const auto text = [](std::string_view seeds) {
    const auto got = parse_seeds(seeds);
    return got ? std::to_string(got->first) + " to " + std::to_string(got->last) : "wrong";
  };
  BOOST_TEST(text("1") == "1 to 1");
  BOOST_TEST(text("1000") == "1 to 1000");
  BOOST_TEST(text("17..40") == "17 to 40");
  BOOST_TEST(text("17..17") == "17 to 17");
  BOOST_TEST(text("0..0") == "0 to 0");
  BOOST_TEST(text("1000000000000000000..1000000000000000000")
             == "1000000000000000000 to 1000000000000000000");
  for (const auto* wrong : {"", "0", "-1", "+1", " 1", "1 ", "1.5", "x", "..", "1..", "..1", "2..1",
                            "1..2..3", "1...2", "1-2", "1000000000000000001", "0x10",
                            "99999999999999999999999"})
    BOOST_TEST(text(wrong) == "wrong", wrong);
}

BOOST_AUTO_TEST_SUITE_END()
