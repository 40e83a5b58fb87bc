// SPDX-License-Identifier: Apache-2.0

// One stage's instances deal their records out to those of another, and what comes from several is
// merged: nothing is lost, order holds from instance to instance, the watermark is the least.

#include "../support/job_fixture.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <numeric>

using namespace std::chrono_literals;
using weir::control_kind;
using weir::event_time;
using weir::testing::job_fixture;

namespace {

struct rebalance_fixture : job_fixture {
  /// source -> a (x `of_a`) -> b (x `of_b`) -> sink, all calls answered at once.
  void open(std::uint32_t of_a, std::uint32_t of_b) {
    log.muted = true;
    plan.batches = {16, 1 << 20};
    add_source("in").watermarks = weir::monotonous_watermarks(0ms);
    add_operator("a", weir::output_mode::ordered, of_a);
    add_operator("b", weir::output_mode::ordered, of_b);
    add_sink("out");
    for (const auto* name : {"a", "a.1", "a.2"})
      functions[name].answer = [](int x, weir::result_future<int> done) { done.complete(x); };
    for (const auto* name : {"b", "b.1", "b.2"})
      functions[name].answer = [this, name](int x, weir::result_future<int> done) {
        through[name].push_back(x);
        done.complete(x);
      };
    world.watch([this](caf::scheduled_actor& to, const caf::type_erased_tuple& what) {
      if (what.match_elements<weir::channel_id, weir::batch_handle>())
        check(to, what.get_as<weir::channel_id>(0).number,
              *what.get_as<weir::batch_handle>(1).batch);
    });
  }

  void push_times(int first, int count) {
    for (int i = first; i < first + count; ++i)
      sources["in"].items.push_back({i, event_time{i}});
    wake("in");
  }

  /// On each channel records are in order and no watermark overtakes one.
  void check(const caf::scheduled_actor& to, std::uint32_t channel, const weir::batch_base& in) {
    const auto& of = dynamic_cast<const weir::batch<int>&>(in);
    auto& [watermark, ends] = channels[{to.id(), channel}];
    BOOST_TEST_REQUIRE(ends == 0);
    std::size_t next = 0;
    for (std::size_t i = 0; i <= in.records(); ++i) {
      for (; next < in.controls().size() && in.controls()[next].before == i; ++next) {
        const auto& each = in.controls()[next].what;
        if (each.kind() == control_kind::watermark) {
          BOOST_TEST_REQUIRE((each.event_time() > watermark));
          watermark = each.event_time();
          if (std::string{to.name()} == "weir.sink")
            at_sink = watermark;
        } else {
          ++ends;
        }
      }
      if (i < in.records())
        BOOST_TEST_REQUIRE((of.timestamp(i) > watermark));
    }
  }

  std::map<std::string, std::vector<int>> through;
  /// The latest watermark that has come to the sink.
  event_time at_sink;
  std::map<std::pair<caf::actor_id, std::uint32_t>, std::pair<event_time, int>> channels;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(rebalance, rebalance_fixture)

namespace data = boost::unit_test::data;

BOOST_DATA_TEST_CASE_F(rebalance_fixture, every_record_comes_through_once,
                       data::make({1u, 2u, 3u}) * data::make({1u, 2u, 3u}), of_a, of_b) {
  open(of_a, of_b);
  world.shuffle(of_a * 10 + of_b);
  start();
  for (int i = 0; i < 10; ++i)
    push_times(i * 300, 300);
  end();
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(result->ok());
  auto all = written();
  std::sort(all.begin(), all.end());
  std::vector<int> expected(3000);
  std::iota(expected.begin(), expected.end(), 0);
  BOOST_TEST((all == expected));
  // Each instance has had its part.
  BOOST_TEST(through.size() == of_b);
  for (const auto& [name, values] : through)
    BOOST_TEST(values.size() >= 3000 / of_b / 2, name);
}

BOOST_AUTO_TEST_CASE(order_holds_from_instance_to_instance) {
  open(1, 3);
  world.shuffle(7);
  start();
  push_times(0, 1000);
  end();
  for (const auto& [name, values] : through)
    BOOST_TEST(std::is_sorted(values.begin(), values.end()), name);
}

BOOST_AUTO_TEST_CASE(equal_numbers_of_instances_are_joined_one_to_one) {
  open(2, 2);
  start();
  push_times(0, 1000);
  end();
  for (const auto& [name, values] : through)
    BOOST_TEST(std::is_sorted(values.begin(), values.end()), name);
}

BOOST_AUTO_TEST_CASE(an_instance_that_stands_still_holds_the_watermark_but_not_the_others) {
  // GIVEN two instances, one of which never answers
  open(2, 1);
  functions["a.1"].answer = nullptr;
  start();
  push_times(0, 200);
  // THEN what went to the other comes through
  BOOST_TEST(written().size() > 64u);
  BOOST_TEST(written().size() < 200u);
  // and behind the merge no watermark has passed what is held.
  const auto held = functions["a.1"].held.begin()->first;
  BOOST_TEST((at_sink < event_time{held}));
  // WHEN it answers
  for (auto& [record, done] : functions["a.1"].held)
    done.complete(record);
  functions["a.1"].held.clear();
  functions["a.1"].answer = [](int x, weir::result_future<int> done) { done.complete(x); };
  world.run();
  end();
  // THEN all is there; `check` has seen that no watermark overtook a record.
  BOOST_TEST(written().size() == 200u);
  BOOST_TEST(result->ok());
  BOOST_TEST((at_sink > event_time{held}));
}

BOOST_AUTO_TEST_CASE(a_receiver_without_room_is_passed_over) {
  open(1, 2);
  for (auto& stage : plan.stages)
    if (stage.name == "b")
      std::get<weir::operator_plan>(stage.what).options.capacity = 4;
  functions["b.1"].answer = nullptr;
  start();
  push_times(0, 2000);
  // The first has taken what the second had no room for.
  BOOST_TEST(through["b"].size() > 1800u);
  BOOST_TEST(functions["b.1"].held.size() == 4u);
  functions["b.1"].answer = [](int x, weir::result_future<int> done) { done.complete(x); };
  for (auto& [record, done] : functions["b.1"].held)
    done.complete(record);
  functions["b.1"].held.clear();
  world.run();
  end();
  BOOST_TEST(written().size() == 2000u);
}

BOOST_FIXTURE_TEST_CASE(streams_of_several_stages_come_together, job_fixture) {
  // in -> a (x 2) -> out, and more -> out: three channels into one sink
  add_source("in");
  add_operator("a", weir::output_mode::ordered, 2);
  add_sink("out");
  add_source("more");
  plan.edges = {{0, weir::output_kind::results, 1},
                {1, weir::output_kind::results, 2},
                {3, weir::output_kind::results, 2}};
  for (const auto* name : {"a", "a.1"})
    functions[name].answer = [](int x, weir::result_future<int> done) { done.complete(x); };
  log.muted = true;
  start();
  push_many(0, 500);
  for (int i = 0; i < 500; ++i)
    sources["more"].items.push_back({500 + i});
  sources["more"].ended = true;
  wake("more");
  BOOST_TEST(!result);
  BOOST_TEST(written().size() == 1000u);
  push_many(1000, 10);
  end();
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(result->ok());
  BOOST_TEST(written().size() == 1010u);
}

BOOST_AUTO_TEST_CASE(a_failing_instance_ends_all) {
  open(3, 2);
  functions["a.2"].answer = [](int, weir::result_future<int> done) {
    done.fail({"refused", "service", ""});
  };
  start();
  push_times(0, 500);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST((result->end == weir::job_end::failed));
  BOOST_TEST(world.actors() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
