// SPDX-License-Identifier: Apache-2.0

// A source is read while there is credit, waits for its descriptor, makes watermarks and ends.

#include "../support/job_fixture.hpp"

#include "weir/source_body.hpp"

#include <limits>

using namespace std::chrono_literals;
using weir::control_kind;
using weir::error;
using weir::event_time;
using weir::testing::job_fixture;

namespace {

struct source_fixture : job_fixture {
  source_fixture() {
    add_line();
    functions["op"].answer = [](int x, weir::result_future<int> done) { done.complete(x); };
    world.watch([this](caf::scheduled_actor& to, const caf::type_erased_tuple& what) {
      if (!what.match_elements<weir::channel_id, weir::batch_handle>())
        return;
      const auto& in = *what.get_as<weir::batch_handle>(1).batch;
      if (dynamic_cast<const weir::batch<weir::dead_letter<int>>*>(&in) != nullptr)
        note_watermarks(in, dead_letter_watermarks);
      if (std::string{to.name()} != "weir.operator")
        return;
      ++batches;
      largest = std::max(largest, in.records());
      note_watermarks(in, watermarks);
    });
  }

  static void note_watermarks(const weir::batch_base& in, std::vector<std::int64_t>& into) {
    for (const auto& each : in.controls())
      if (each.what.kind() == control_kind::watermark)
        into.push_back(each.what.event_time().ms());
  }

  weir::source_plan& source() { return std::get<weir::source_plan>(plan.stages[0].what); }

  std::size_t batches = 0;
  std::size_t largest = 0;
  std::vector<std::int64_t> watermarks;
  std::vector<std::int64_t> dead_letter_watermarks;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(source_stage, source_fixture)

BOOST_AUTO_TEST_CASE(it_is_asked_again_when_its_descriptor_is_ready) {
  start();
  BOOST_TEST(sources["in"].polls == 1u);
  BOOST_TEST(fds.waiting() == 1u);
  world.run();
  BOOST_TEST(sources["in"].polls == 1u);
  push({1});
  BOOST_TEST(sources["in"].polls == 2u);
  BOOST_TEST(written().size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_bounded_amount_is_read_a_message) {
  sources["in"].span = 10;
  for (int i = 0; i < 1000; ++i)
    sources["in"].items.push_back({i});
  BOOST_TEST(try_to_start().empty());
  // GIVEN a source with much to read that has begun
  while (sources["in"].polls < 2)
    world.step();
  // WHEN it is drained
  drain(1s);
  // THEN it does not read on to the end
  BOOST_TEST(sources["in"].polls < 20u);
  BOOST_TEST((result->end == weir::job_end::drained));
  BOOST_TEST(written().size() == sources["in"].given);
}

BOOST_AUTO_TEST_CASE(it_has_one_message_to_itself_under_way) {
  // GIVEN a source that reads record after record while credit comes all the time
  plan.batches = {64, 1 << 20};
  sources["in"].span = 1;
  start();
  std::size_t late = 0;
  world.watch([&](caf::scheduled_actor& to, const caf::type_erased_tuple& what) {
    late += std::string{to.name()} == "weir.source" && sources["in"].given == 500
            && what.match_elements<caf::flush_atom>();
  });
  push_many(0, 500);
  end();
  // THEN none is left when it has read all
  BOOST_TEST(late == 0u);
  BOOST_TEST(written().size() == 500u);
}

BOOST_AUTO_TEST_CASE(it_does_not_read_without_credit) {
  plan.batches = {2, 1 << 20};
  std::get<weir::operator_plan>(plan.stages[1].what).options.capacity = 1;
  functions["op"].answer = nullptr;
  start();
  push_many(0, 100);
  // Four batches of credit, and what the operator took of them has come back.
  BOOST_TEST(sources["in"].given <= 10u);
  BOOST_TEST(largest <= 2u);
  const auto polls = sources["in"].polls;
  advance(10s);
  BOOST_TEST(sources["in"].polls == polls);
}

BOOST_AUTO_TEST_CASE(a_drain_ends_a_source_that_waits) {
  start();
  push({1});
  transcript();
  drain(1s);
  BOOST_TEST(transcript()
             == "close in\nclose op\nprepare out\ncommit out\nended drained, 0 left behind\n");
  // The descriptor becomes ready when nobody waits any more.
  push({2});
  BOOST_TEST(written().size() == 1u);
}

BOOST_AUTO_TEST_CASE(it_is_asked_for_nothing_after_its_close) {
  start();
  push({1});
  end();
  BOOST_TEST(transcript().find("not open") == std::string::npos);
  BOOST_TEST(runner->status().sources[0].read == 1u);
}

BOOST_AUTO_TEST_CASE(it_is_asked_for_nothing_after_a_failure) {
  plan.batches = {2, 1 << 20};
  functions["op"].answer = nullptr;
  start();
  push({1, 2, 3});
  sources["in"].poll_error = error{"io", "disk", ""};
  fds.make_ready(sources["in"].fd);
  functions["op"].take(1).complete(1);
  world.run();
  BOOST_TEST(transcript().find("not open") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(dead_letters_of_a_source_have_an_output_of_their_own) {
  add_dead_letter_sink("in", "dead");
  start();
  sources["in"].items = {{1}, {2, event_time{}, true}, {3}};
  end();
  BOOST_TEST(written() == (std::vector{1, 3}), boost::test_tools::per_element());
  BOOST_TEST(written("dead") == (std::vector{2}), boost::test_tools::per_element());
  BOOST_TEST(result->ok());
  BOOST_TEST(runner->status().sources[0].dead_letters == 1u);
}

BOOST_AUTO_TEST_CASE(a_dead_letter_sink_that_stands_still_holds_the_source) {
  plan.batches = {2, 1 << 20};
  add_dead_letter_sink("in", "dead");
  sinks["dead"].appetite = 0;
  start();
  for (int i = 0; i < 100; ++i)
    sources["in"].items.push_back({i, event_time{}, true});
  wake("in");
  BOOST_TEST(sources["in"].given <= 10u);
  end();
  feed(100, "dead");
  BOOST_TEST(written("dead").size() == 100u);
  BOOST_TEST(result->ok());
}

BOOST_AUTO_TEST_CASE(a_source_that_throws_fails_the_job) {
  source().make = []() -> std::unique_ptr<weir::source_body> {
    struct thrower final : weir::source<int> {
      weir::expected<weir::poll_result> poll(weir::source_outputs&) override {
        throw std::runtime_error("no such device");
      }
    };
    return std::make_unique<weir::typed_source_body<int>>(std::make_unique<thrower>());
  };
  start();
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(result->why.front().kind() == weir::error_kind::exception);
  BOOST_TEST(result->why.front().thing() == "in");
}

// -- watermarks --

BOOST_AUTO_TEST_CASE(watermarks_follow_the_newest_event_time) {
  source().watermarks = weir::bounded_out_of_orderness(10ms, 0ms);
  start();
  push(1, 1000);
  push(2, 995);
  push(3, 1020);
  BOOST_TEST(watermarks == (std::vector<std::int64_t>{989, 1009}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(watermarks_go_to_the_dead_letters_too) {
  add_dead_letter_sink("in", "dead");
  source().watermarks = weir::monotonous_watermarks(0ms);
  start();
  push(1, 1000);
  push(2, 1001);
  BOOST_TEST(dead_letter_watermarks == watermarks, boost::test_tools::per_element());
  BOOST_TEST(dead_letter_watermarks.size() == 2u);
}

BOOST_AUTO_TEST_CASE(watermarks_come_at_most_once_an_interval) {
  source().watermarks = weir::monotonous_watermarks(100ms);
  start();
  push(1, 1000);
  push(2, 1001);
  advance(99ms);
  push(3, 1002);
  // One that was held back comes without another record.
  BOOST_TEST(watermarks == (std::vector<std::int64_t>{999}), boost::test_tools::per_element());
  advance(1ms);
  BOOST_TEST(watermarks == (std::vector<std::int64_t>{999, 1001}),
             boost::test_tools::per_element());
  push(4, 1003);
  advance(99ms);
  BOOST_TEST(watermarks.size() == 2u);
  advance(1ms);
  BOOST_TEST(watermarks == (std::vector<std::int64_t>{999, 1001, 1002}),
             boost::test_tools::per_element());
  // Behind a pause the next one comes at once.
  advance(100ms);
  push(5, 1005);
  BOOST_TEST(watermarks.back() == 1004);
}

BOOST_AUTO_TEST_CASE(a_source_with_nothing_to_say_has_no_timer) {
  source().watermarks = weir::monotonous_watermarks(100ms);
  start();
  push(1, 1000);
  push(2, 1000);
  BOOST_TEST(world.timers() == 0u);
}

BOOST_AUTO_TEST_CASE(the_last_watermark_comes_before_the_end) {
  source().watermarks = weir::monotonous_watermarks(100ms);
  start();
  push(1, 1000);
  push(2, 1001);
  end();
  BOOST_TEST(watermarks == (std::vector<std::int64_t>{999, 1000}),
             boost::test_tools::per_element());
  BOOST_TEST(result->ok());
}

BOOST_AUTO_TEST_CASE(watermarks_stay_within_what_event_time_can_say) {
  source().watermarks = weir::bounded_out_of_orderness(10ms, 0ms);
  start();
  constexpr auto first = std::numeric_limits<std::int64_t>::min();
  constexpr auto last = std::numeric_limits<std::int64_t>::max();
  push(1, first + 1);
  push(2, first + 11);
  BOOST_TEST(watermarks.empty());
  push(3, first + 12);
  push(4, last);
  BOOST_TEST(watermarks == (std::vector<std::int64_t>{first + 1, last - 11}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_interval_without_end_is_one) {
  source().watermarks = weir::monotonous_watermarks(weir::duration::max());
  start();
  push(1, 1000);
  push(2, 1001);
  BOOST_TEST(watermarks == (std::vector<std::int64_t>{999}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(without_event_times_there_are_no_watermarks) {
  source().watermarks = weir::monotonous_watermarks(0ms);
  start();
  push({1, 2, 3});
  BOOST_TEST(watermarks.empty());
}

BOOST_AUTO_TEST_CASE(without_a_strategy_there_are_no_watermarks) {
  start();
  push(1, 1000);
  BOOST_TEST(watermarks.empty());
}

BOOST_AUTO_TEST_SUITE_END()
