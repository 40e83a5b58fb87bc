// SPDX-License-Identifier: Apache-2.0

// Every mistake that a plan can have is found before anything starts, and named.

#include "../support/job_fixture.hpp"

#include "weir/edge_steps.hpp"

using weir::output_kind;
using weir::testing::job_fixture;

namespace {

struct plan_fixture : job_fixture {
  plan_fixture() { add_line(); }

  weir::operator_options& options() {
    return std::get<weir::operator_plan>(plan.stages[1].what).options;
  }

  /// The texts of all mistakes.
  std::string mistakes() const {
    std::string all;
    for (const auto& each : plan.check())
      all += each.text() + "\n";
    return all;
  }

  bool has_mistake(const std::string& part) const {
    const auto all = mistakes();
    BOOST_TEST_INFO(all);
    return all.find(part) != std::string::npos;
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(job_plans, plan_fixture)

BOOST_AUTO_TEST_CASE(a_good_plan_has_none) {
  BOOST_TEST(mistakes() == "");
}

BOOST_AUTO_TEST_CASE(a_plan_without_stages) {
  plan.stages.clear();
  plan.edges.clear();
  BOOST_TEST(has_mistake("it has no source"));
}

BOOST_AUTO_TEST_CASE(parallelism_of_zero) {
  plan.parallelism = 0;
  BOOST_TEST(has_mistake("parallelism is 0"));
}

BOOST_AUTO_TEST_CASE(batches_of_nothing) {
  plan.batches.records = 0;
  BOOST_TEST(has_mistake("batches.records is 0 but must be 1 to 1048576"));
  plan.batches = {1, 0};
  BOOST_TEST(has_mistake("batches.bytes is 0"));
}

BOOST_AUTO_TEST_CASE(batches_without_a_bound) {
  plan.batches = {SIZE_MAX, SIZE_MAX};
  BOOST_TEST(has_mistake("batches.records is 18446744073709551615"));
  BOOST_TEST(has_mistake("batches.bytes is 18446744073709551615"));
  plan.batches = {std::size_t{1} << 20, std::size_t{1} << 40};
  BOOST_TEST(mistakes() == "");
}

BOOST_AUTO_TEST_CASE(watermarks_that_cannot_be) {
  auto& watermarks = std::get<weir::source_plan>(plan.stages[0].what).watermarks;
  watermarks = weir::bounded_out_of_orderness(std::chrono::milliseconds{-5});
  BOOST_TEST(has_mistake("in: max_out_of_orderness is -5000000 ns but must be >= 0"));
  watermarks = weir::bounded_out_of_orderness(std::chrono::microseconds{1500});
  BOOST_TEST(has_mistake("max_out_of_orderness is 1500000 ns"));
  watermarks = weir::monotonous_watermarks(std::chrono::milliseconds{-1});
  BOOST_TEST(has_mistake("the interval of watermarks is -1000000 ns but must be >= 0"));
  watermarks = weir::monotonous_watermarks().with_idleness(std::chrono::nanoseconds{-1});
  BOOST_TEST(has_mistake("in: idle_after is -1 ns but must be >= 0"));
}

BOOST_AUTO_TEST_CASE(watermarks_that_come_without_records_need_an_interval) {
  auto& source = std::get<weir::source_plan>(plan.stages[0].what);
  source.watermarks = weir::ingestion_time(weir::duration{0});
  BOOST_TEST(has_mistake("in: the interval of watermarks is 0 ns but must be >= 1 ms with "
                         "ingestion_time"));
  source.watermarks = weir::ingestion_time(std::chrono::milliseconds{1});
  BOOST_TEST(mistakes() == "");
  source.generator = [] { return nullptr; };
  source.watermarks = {.kind = weir::watermark_kind::generated,
                       .interval = std::chrono::microseconds{999}};
  BOOST_TEST(has_mistake("the interval of watermarks is 999000 ns but must be 0 or >= 1 ms with "
                         "generated_watermarks"));
  source.watermarks.interval = weir::duration{0};
  BOOST_TEST(mistakes() == "");
}

BOOST_AUTO_TEST_CASE(event_times_have_one_origin) {
  auto& source = std::get<weir::source_plan>(plan.stages[0].what);
  source.times = weir::event_times_of<int>([](int x) { return x; });
  source.watermarks = weir::monotonous_watermarks();
  BOOST_TEST(mistakes() == "");
  source.watermarks = weir::ingestion_time();
  BOOST_TEST(has_mistake("in: its event times are to be read from records and by ingestion_time"));
  source.times = nullptr;
  BOOST_TEST(mistakes() == "");
  source.watermarks.kind = weir::watermark_kind::generated;
  BOOST_TEST(has_mistake("in: its watermarks come from a generator but it has none"));
}

BOOST_AUTO_TEST_CASE(a_stage_without_a_name) {
  plan.stages[2].name.clear();
  BOOST_TEST(has_mistake("name is empty"));
}

BOOST_AUTO_TEST_CASE(two_stages_of_one_name) {
  plan.stages[2].name = "in";
  BOOST_TEST(has_mistake("another stage has this name"));
}

BOOST_AUTO_TEST_CASE(options_of_an_operator) {
  options().capacity = 0;
  options().timeout.reset();
  BOOST_TEST(has_mistake("capacity"));
  BOOST_TEST(has_mistake("timeout"));
}

BOOST_AUTO_TEST_CASE(records_that_nobody_takes) {
  plan.edges.pop_back();
  BOOST_TEST(has_mistake("nothing takes its records"));
}

BOOST_AUTO_TEST_CASE(an_output_may_lead_to_two_stages_where_its_records_can_be_copied) {
  plan.edges.push_back({0, output_kind::results, 2});
  BOOST_TEST(mistakes() == "");
  plan.edges[0].copyable = false;
  BOOST_TEST(has_mistake("in: its records are taken more than once but their type cannot be copied"));
  plan.edges.pop_back();
  BOOST_TEST(mistakes() == "");
}

BOOST_AUTO_TEST_CASE(keys) {
  auto& to = plan.edges[0];
  std::get<weir::operator_plan>(plan.stages[1].what).mode = weir::output_mode::key_ordered;
  BOOST_TEST(has_mistake("operator op: its mode is key_ordered but records come to it without keys"));
  to.how = weir::partition::key;
  BOOST_TEST(has_mistake("nothing reads their keys"));
  to.keys = weir::keys_of<int>([](int x) { return x % 10; });
  BOOST_TEST(mistakes() == "");
  plan.stages[1].parallelism = 129;
  BOOST_TEST(has_mistake("op: parallelism is 129 but must be at most 128 behind key_by"));
  plan.stages[1].parallelism = 128;
  BOOST_TEST(mistakes() == "");
  to.how = weir::partition::rebalance;
  BOOST_TEST(has_mistake("nothing reads their keys"));
}

BOOST_AUTO_TEST_CASE(dead_letters_that_nobody_takes) {
  options().on_failure = weir::failure_action::dead_letter;
  BOOST_TEST(has_mistake("its failures become dead letters"));
  add_dead_letter_sink("op", "dead");
  BOOST_TEST(mistakes() == "");
}

BOOST_AUTO_TEST_CASE(dead_letters_of_one_kind_that_nobody_takes) {
  options().failure_rules.push_back({"bad_record", weir::failure_action::dead_letter});
  BOOST_TEST(has_mistake("its failures become dead letters"));
}

BOOST_AUTO_TEST_CASE(dead_letters_to_two_stages) {
  add_dead_letter_sink("op", "dead");
  add_dead_letter_sink("op", "more");
  BOOST_TEST(mistakes() == "");
  plan.edges.back().copyable = false;
  BOOST_TEST(has_mistake("op: its dead letters are taken more than once"));
}

BOOST_AUTO_TEST_CASE(a_stage_that_nothing_leads_to) {
  // It would wait for an end of input that never comes.
  plan.edges.erase(plan.edges.begin());
  BOOST_TEST(has_mistake("nothing leads to it"));
}

BOOST_AUTO_TEST_CASE(an_edge_to_a_stage_that_is_not_there) {
  plan.edges[1].to = 7;
  BOOST_TEST(has_mistake("leads to no stage"));
}

BOOST_AUTO_TEST_CASE(an_edge_into_a_source) {
  plan.edges[1].to = 0;
  BOOST_TEST(has_mistake("leads into a source"));
}

BOOST_AUTO_TEST_CASE(a_loop) {
  add_operator("second");
  plan.edges = {{0, output_kind::results, 1},
                {1, output_kind::results, 3},
                {3, output_kind::results, 1},
                {1, output_kind::dead_letters, 2}};
  BOOST_TEST(has_mistake("its records come back to it"));
}

BOOST_AUTO_TEST_CASE(pools) {
  add_pool("store");
  BOOST_TEST(mistakes() == "");
  add_pool("store");
  BOOST_TEST(has_mistake("another pool has this name"));
  plan.pools[1].name.clear();
  BOOST_TEST(has_mistake("every pool needs one"));
  plan.pools[0].make = nullptr;
  BOOST_TEST(has_mistake("it has no driver"));
  plan.pools[0].settings.options.connections = 0;
  BOOST_TEST(has_mistake("connections is 0"));
  plan.pools[0].settings.options.connections = 1025;
  BOOST_TEST(has_mistake("connections is 1025"));
}

BOOST_AUTO_TEST_CASE(mistakes_of_whoever_wrote_it) {
  plan.mistakes.emplace_back("argument", "sink", "its address is wrong");
  BOOST_TEST(has_mistake("its address is wrong"));
}

BOOST_AUTO_TEST_CASE(all_mistakes_come_at_once_and_nothing_starts) {
  plan.parallelism = 0;
  options().capacity = 0;
  plan.stages[2].name.clear();
  const auto found = try_to_start();
  BOOST_TEST(found.size() == 3u);
  world.run();
  BOOST_TEST(transcript() == "");
  // Nobody is there to hear it.
  runner->cancel();
  runner->drain(ms{1});
}

BOOST_AUTO_TEST_CASE(instances_of_a_stage) {
  plan.parallelism = 3;
  BOOST_TEST(plan.instances(plan.stages[0]) == 1u);
  BOOST_TEST(plan.instances(plan.stages[1]) == 1u);
  plan.stages[1].parallelism = 0;
  BOOST_TEST(plan.instances(plan.stages[1]) == 3u);
  BOOST_TEST(plan.instances(plan.stages[2]) == 1u);
  plan.stages[2].parallelism = 2;
  BOOST_TEST(plan.instances(plan.stages[2]) == 2u);
}

BOOST_AUTO_TEST_SUITE_END()
