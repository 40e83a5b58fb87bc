// SPDX-License-Identifier: Apache-2.0

// Event times and watermarks as a program asks for them, on real threads.

#include "weir/weir.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <type_traits>
#include <vector>

using namespace std::chrono_literals;
using weir::event_time;

namespace {

struct flight {
  std::int64_t number = 0;
  std::chrono::sys_time<std::chrono::milliseconds> departure{};
  event_time landing{};

  std::int64_t departure_ms() const { return departure.time_since_epoch().count(); }
};

const flight early{1, std::chrono::sys_days{std::chrono::year{1969} / 12 / 31} + 23h, event_time{7}};
const flight late{2, std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}, event_time{}};

struct event_time_fixture {
  auto flights() { return env.from_source(weir::collection_source<flight>{{early, late}}); }

  /// Runs the job; the event times at its sink.
  std::vector<event_time> times_of(const weir::stream<flight>& of) {
    std::vector<event_time> all;
    of.sink_to([&](const flight&, event_time at, const weir::origin&) { all.push_back(at); });
    const auto result = env.execute("test");
    BOOST_TEST_REQUIRE(result.ok(), result.text());
    return all;
  }

  const weir::watermark_strategy& strategy_of(const weir::stream<flight>& of) {
    const auto source = of.edges().front().from;
    return std::get<weir::source_plan>(of.plan()->stages[source].what).watermarks;
  }

  weir::environment env;
};

/// Each record stands for a watermark at its time.
struct each_record {
  event_time on_record(const flight&, event_time at) { return at; }
  event_time on_interval(weir::time_point) { return event_time::none(); }
};

struct of_another_type {
  event_time on_record(const std::vector<int>&, event_time at) { return at; }
  event_time on_interval(weir::time_point) { return event_time::none(); }
};

static_assert(weir::watermark_generator<each_record, flight>);
static_assert(!weir::watermark_generator<of_another_type, flight>);
static_assert(!weir::detail::event_time_function<double flight::*, flight>);

constexpr std::int64_t new_year_ms = 1'767'225'600'000;

} // namespace

BOOST_FIXTURE_TEST_SUITE(event_times, event_time_fixture)

BOOST_AUTO_TEST_CASE(a_member_may_say_when) {
  const auto times = times_of(flights().assign_timestamps(&flight::departure));
  BOOST_TEST((times == std::vector{event_time{-3'600'000}, event_time{new_year_ms}}));
}

BOOST_AUTO_TEST_CASE(a_member_function_may_say_when) {
  const auto times = times_of(flights().assign_timestamps(&flight::departure_ms));
  BOOST_TEST((times == std::vector{event_time{-3'600'000}, event_time{new_year_ms}}));
}

BOOST_AUTO_TEST_CASE(a_source_that_is_set_up_in_one_line_may_be_kept_by_reference) {
  const auto& times = flights().assign_timestamps(&flight::landing);
  const auto& in = flights().with_watermarks(weir::monotonous_watermarks()).parallelism(1);
  const auto& letters = flights().dead_letters();
  static_assert(!std::is_reference_v<decltype(flights().assign_timestamps(&flight::landing))>);
  static_assert(!std::is_reference_v<decltype(flights().with_watermarks(weir::monotonous_watermarks()))>);
  static_assert(!std::is_reference_v<decltype(flights().parallelism(1))>);
  static_assert(!std::is_reference_v<decltype(flights().dead_letters())>);
  BOOST_TEST((strategy_of(times).kind == weir::watermark_kind::bounded));
  BOOST_TEST((strategy_of(in).kind == weir::watermark_kind::bounded));
  BOOST_TEST(letters.edges().size() == 1u);
}

BOOST_AUTO_TEST_CASE(an_event_time_may_be_none) {
  const auto times = times_of(flights().assign_timestamps(&flight::landing));
  BOOST_TEST((times == std::vector{event_time{7}, event_time::none()}));
}

BOOST_AUTO_TEST_CASE(milliseconds_may_have_any_whole_type) {
  const auto times = times_of(
    flights().assign_timestamps([](const flight& x) { return static_cast<short>(-x.number); }));
  BOOST_TEST((times == std::vector{event_time{-1}, event_time{-2}}));
}

BOOST_AUTO_TEST_CASE(a_finer_time_is_cut_to_the_millisecond_before) {
  using nanoseconds = std::chrono::sys_time<std::chrono::nanoseconds>;
  const auto times = times_of(flights().assign_timestamps([](const flight& x) {
    return nanoseconds{x.number == 1 ? -1ns : 1'999'999ns};
  }));
  BOOST_TEST((times == std::vector{event_time{-1}, event_time{1}}));
}

BOOST_AUTO_TEST_CASE(a_coarser_time_is_one_too) {
  const auto times = times_of(flights().assign_timestamps([](const flight& x) {
    return std::chrono::sys_seconds{std::chrono::seconds{x.number}};
  }));
  BOOST_TEST((times == std::vector{event_time{1000}, event_time{2000}}));
}

BOOST_AUTO_TEST_CASE(ingestion_time_is_that_of_the_system) {
  const auto now = [] {
    return event_time{std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now())
                        .time_since_epoch()
                        .count()};
  };
  const auto before = now();
  const auto times = times_of(flights().with_watermarks(weir::ingestion_time()));
  BOOST_REQUIRE(times.size() == 2u);
  BOOST_TEST((before <= times[0] && times[0] <= times[1] && times[1] <= now()));
}

BOOST_AUTO_TEST_CASE(assigned_times_make_monotonous_watermarks_unless_said_otherwise) {
  BOOST_TEST((strategy_of(flights()).kind == weir::watermark_kind::none));
  const auto& of = strategy_of(flights().assign_timestamps(&flight::landing));
  BOOST_TEST((of.kind == weir::watermark_kind::bounded && of.max_out_of_orderness == 0s));
}

BOOST_AUTO_TEST_CASE(what_was_said_of_watermarks_before_stays) {
  const auto slow = weir::bounded_out_of_orderness(5s).with_idleness(1min);
  const auto& of = strategy_of(flights().with_watermarks(slow).assign_timestamps(&flight::landing));
  BOOST_TEST((of.max_out_of_orderness == 5s && of.idle_after == 1min));
}

BOOST_AUTO_TEST_CASE(idleness_that_was_asked_for_before_stays) {
  const auto& of = strategy_of(flights()
                                 .with_watermarks(weir::watermark_strategy{}.with_idleness(1min))
                                 .assign_timestamps(&flight::landing));
  BOOST_TEST((of.kind == weir::watermark_kind::bounded && of.idle_after == 1min));
}

BOOST_AUTO_TEST_CASE(a_strategy_takes_the_place_of_a_generator) {
  const auto of = flights()
                    .with_watermarks(weir::generated_watermarks{each_record{}})
                    .with_watermarks(weir::monotonous_watermarks());
  times_of(of);
}

BOOST_AUTO_TEST_CASE(a_generator_may_make_the_watermarks_of_assigned_times) {
  const auto of = flights().assign_timestamps(
    &flight::departure, weir::generated_watermarks{each_record{}, 10ms}.with_idleness(1min));
  const auto& how = strategy_of(of);
  BOOST_TEST((how.kind == weir::watermark_kind::generated && how.interval == 10ms
              && how.idle_after == 1min));
  BOOST_TEST(times_of(of).size() == 2u);
}

BOOST_AUTO_TEST_CASE(bad_settings_are_found_all_at_once) {
  const auto in = flights()
                    .assign_timestamps(&flight::landing)
                    .with_watermarks(weir::ingestion_time(1us).with_idleness(-1s));
  in.sink_to([](const flight&) {});
  const auto mistakes = env.check();
  BOOST_TEST(mistakes.size() == 3u);
  for (const auto& each : mistakes)
    BOOST_TEST(each.thing() == "source");
}

BOOST_AUTO_TEST_SUITE_END()
