// SPDX-License-Identifier: Apache-2.0

// The event times that the records of a source get, and the watermarks among them.

#include "../support/event_time_fixture.hpp"

#include <algorithm>
#include <stdexcept>

using namespace std::chrono_literals;
using weir::event_time;
using weir::testing::event_time_fixture;

namespace {

/// One hour and ten times itself after the epoch: no event time that a test gives otherwise.
event_time ten_times(int x) {
  return event_time{3'600'000 + 10 * x};
}

struct scripted_generator {
  /// An even record stands for a watermark at its time.
  event_time on_record(const int& record, event_time at) {
    newest = std::max(newest, at);
    return record % 2 == 0 ? at : event_time::none();
  }
  event_time on_interval(weir::time_point) {
    return newest.has_value() ? event_time{newest.ms() - 100} : newest;
  }

  event_time newest;
};

/// Works until it has seen a record.
struct spent_generator {
  event_time on_record(const int&, event_time) {
    works = false;
    return {};
  }
  event_time on_interval(weir::time_point) {
    return works ? event_time{} : throw std::runtime_error("no more");
  }

  bool works = true;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(source_event_time, event_time_fixture)

// -- event times by a function --

BOOST_AUTO_TEST_CASE(event_times_are_read_from_records) {
  source().times = weir::event_times_of<int>(ten_times);
  watermarks(weir::monotonous_watermarks(0ms));
  start();
  push(1, 99);
  push({2});
  BOOST_TEST(take() == "1@3600010 w3600009 2@3600020 w3600019 ");
  end();
  BOOST_TEST(sinks["out"].timestamps.at(1).ms() == 3600020);
}

BOOST_AUTO_TEST_CASE(a_record_may_have_none) {
  source().times
    = weir::event_times_of<int>([](int x) { return x == 1 ? event_time{} : event_time{5}; });
  watermarks(weir::monotonous_watermarks(0ms));
  start();
  push(1, 99);
  push(2, 99);
  BOOST_TEST(take() == "1 2@5 w4 ");
}

BOOST_AUTO_TEST_CASE(a_time_that_a_function_does_not_know_fails_the_job) {
  source().times = weir::event_times_of<int>([](int x) {
    return x == 3 ? throw std::runtime_error("no date") : event_time{x};
  });
  start();
  push({1, 2});
  push({3, 4});
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(result->why.front().text() == "in: assign_timestamps threw: no date (exception)");
  BOOST_TEST(result->record == "record 0/2");
  BOOST_TEST(take() == "1@1 2@2 ");
}

BOOST_AUTO_TEST_CASE(all_records_keep_their_order_and_origin) {
  plan.batches = {100, 1 << 20};
  source().times = weir::event_times_of<int>(ten_times);
  std::vector<std::string> origins;
  world.watch([&](caf::scheduled_actor& to, const caf::type_erased_tuple& what) {
    if (!what.match_elements<weir::channel_id, weir::batch_handle>()
        || std::string{to.name()} != "weir.operator")
      return;
    const auto& in = *what.get_as<weir::batch_handle>(1).batch;
    weir::origin_runs::cursor at;
    for (std::size_t i = 0; i < in.records(); ++i)
      origins.push_back(at.at(in.origins(), i).text());
  });
  start();
  push_many(0, 1000);
  end();
  BOOST_REQUIRE(written().size() == 1000u);
  BOOST_REQUIRE(origins.size() == 1000u);
  for (int i = 0; i < 1000; ++i) {
    const auto n = static_cast<std::size_t>(i);
    BOOST_TEST(written()[n] == i);
    BOOST_TEST((sinks["out"].timestamps[n] == ten_times(i)));
    BOOST_TEST(origins[n] == "0/" + std::to_string(i));
  }
}

BOOST_AUTO_TEST_CASE(a_source_with_event_times_of_its_own_is_held_by_credit_too) {
  plan.batches = {2, 1 << 20};
  std::get<weir::operator_plan>(plan.stages[1].what).options.capacity = 1;
  functions["op"].answer = nullptr;
  source().times = weir::event_times_of<int>(ten_times);
  start();
  push_many(0, 100);
  BOOST_TEST(sources["in"].given <= 10u);
  BOOST_TEST(sources["in"].given >= 8u);
}

// -- ingestion time --

BOOST_AUTO_TEST_CASE(ingestion_time_is_when_a_record_is_read) {
  watermarks(weir::ingestion_time(100ms));
  start();
  BOOST_TEST(take() == "w4999 ");
  advance(30ms);
  push(1, 99);
  push({2});
  BOOST_TEST(take() == "1@5030 2@5030 ");
}

BOOST_AUTO_TEST_CASE(in_ingestion_time_watermarks_come_without_records) {
  watermarks(weir::ingestion_time(100ms));
  start();
  take();
  advance(99ms);
  BOOST_TEST(take() == "");
  advance(1ms);
  BOOST_TEST(take() == "w5099 ");
  advance(250ms);
  BOOST_TEST(take() == "w5199 w5299 ");
  BOOST_TEST(world.timers() <= 2u);
}

BOOST_AUTO_TEST_CASE(ingestion_time_stands_still_where_the_clock_is_set_back) {
  watermarks(weir::ingestion_time(100ms));
  start();
  advance(100ms);
  take();
  set_forward = -1000;
  push({1});
  advance(100ms);
  push({2});
  BOOST_TEST(take() == "1@5100 2@5100 ");
  advance(1s);
  // At 6,200 by the clock that runs, 5,200 by the one that was set back.
  push({3});
  BOOST_TEST(take() == "w5199 3@5200 ");
}

BOOST_AUTO_TEST_CASE(dead_letters_have_their_ingestion_time_too) {
  add_dead_letter_sink("in", "dead");
  watermarks(weir::ingestion_time(100ms));
  start();
  push_unreadable(1);
  BOOST_TEST(take_dead_letters() == "w4999 1@5000 ");
}

BOOST_AUTO_TEST_CASE(the_last_ingestion_time_comes_before_the_end) {
  watermarks(weir::ingestion_time(100ms));
  start();
  advance(30ms);
  push({1});
  advance(1ms);
  end();
  BOOST_TEST(take() == "w4999 1@5030 w5030 end ");
}

// -- a generator of the user's --

BOOST_AUTO_TEST_CASE(a_generator_puts_watermarks_behind_records) {
  watermarks(weir::generated_watermarks{scripted_generator{}, 0ms});
  start();
  for (const auto& [record, time] : {std::pair{1, 1000}, {2, 1001}, {4, 1002}, {5, 1003}})
    sources["in"].items.push_back({record, event_time{time}});
  wake("in");
  BOOST_TEST(take() == "1@1000 2@1001 w1001 4@1002 w1002 5@1003 ");
}

BOOST_AUTO_TEST_CASE(a_generator_is_asked_each_interval) {
  watermarks(weir::generated_watermarks{scripted_generator{}, 100ms});
  start();
  push(1, 1000);
  BOOST_TEST(take() == "1@1000 ");
  advance(100ms);
  BOOST_TEST(take() == "w900 ");
  advance(100ms);
  BOOST_TEST(take() == "");
  push(3, 1050);
  push(5, 1060);
  advance(100ms);
  BOOST_TEST(take() == "3@1050 5@1060 w960 ");
}

BOOST_AUTO_TEST_CASE(without_an_interval_a_generator_is_asked_when_there_were_records) {
  watermarks(weir::generated_watermarks{scripted_generator{}, 0ms});
  start();
  BOOST_TEST(world.timers() == 0u);
  push(1, 1000);
  push(3, 1050);
  advance(10s);
  BOOST_TEST(take() == "1@1000 w900 3@1050 w950 ");
  BOOST_TEST(world.timers() == 0u);
}

BOOST_AUTO_TEST_CASE(a_watermark_of_a_generator_does_not_go_back) {
  watermarks(weir::generated_watermarks{scripted_generator{}, 100ms});
  start();
  push(2, 1000);
  push(4, 990);
  advance(100ms);
  push(6, 1000);
  push(8, 1001);
  BOOST_TEST(take() == "2@1000 w1000 4@990 6@1000 8@1001 w1001 ");
}

BOOST_AUTO_TEST_CASE(a_generator_sees_the_times_that_were_assigned) {
  source().times = weir::event_times_of<int>(ten_times);
  watermarks(weir::generated_watermarks{scripted_generator{}});
  start();
  push(2, 99);
  BOOST_TEST(take() == "2@3600020 w3600020 ");
}

BOOST_AUTO_TEST_CASE(a_generator_is_asked_a_last_time_before_the_end) {
  watermarks(weir::generated_watermarks{scripted_generator{}, 100ms});
  start();
  push(1, 1000);
  end();
  BOOST_TEST(take() == "1@1000 w900 end ");
}

BOOST_AUTO_TEST_CASE(a_generator_that_throws_fails_the_job) {
  struct thrower {
    event_time on_record(const int& record, event_time) {
      return record == 2 ? throw std::runtime_error("not this one") : event_time::none();
    }
    event_time on_interval(weir::time_point) { return {}; }
  };
  watermarks(weir::generated_watermarks{thrower{}});
  start();
  push({1});
  push({2, 3});
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(result->why.front().text() == "in: on_record threw: not this one (exception)");
  BOOST_TEST(result->record == "record 0/1");
  BOOST_TEST(take() == "1 ");
}

BOOST_AUTO_TEST_CASE(a_generator_that_throws_in_its_interval_fails_the_job) {
  watermarks(weir::generated_watermarks{spent_generator{}, 100ms});
  start();
  push({1});
  BOOST_TEST(!result.has_value());
  advance(100ms);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(result->why.front().text() == "in: on_interval threw: no more (exception)");
}

BOOST_AUTO_TEST_CASE(a_generator_that_throws_before_the_end_fails_the_job) {
  watermarks(weir::generated_watermarks{spent_generator{}, 100ms});
  start();
  push({1});
  end();
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(result->why.front().text() == "in: on_interval threw: no more (exception)");
  BOOST_TEST(take() == "1 ");
}

BOOST_AUTO_TEST_CASE(each_instance_has_a_generator_of_its_own) {
  plan.stages[0].parallelism = 2;
  watermarks(weir::generated_watermarks{scripted_generator{}, 100ms});
  start();
  sources["in.1"].items.push_back({1, event_time{1000}});
  wake("in.1");
  push(3, 500);
  advance(100ms);
  const auto seen = take();
  BOOST_TEST(seen.find("w900") != std::string::npos, seen);
  BOOST_TEST(seen.find("w400") != std::string::npos, seen);
}

BOOST_AUTO_TEST_CASE(a_dead_letter_keeps_its_place) {
  add_dead_letter_sink("in", "dead");
  watermarks(weir::generated_watermarks{scripted_generator{}});
  start();
  sources["in"].items = {{2, event_time{1000}}, {3, event_time{}, true}, {4, event_time{1001}}};
  wake("in");
  BOOST_TEST(take() == "2@1000 w1000 4@1001 w1001 ");
  BOOST_TEST(take_dead_letters() == "w1000 3 w1001 ");
}

BOOST_AUTO_TEST_SUITE_END()
