// SPDX-License-Identifier: Apache-2.0

// What a checkpoint will say of how a job is made up.

#include "weir/compare_jobs.hpp"
#include "weir/stored.hpp"
#include "weir/weir.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>
#include <utility>

using namespace std::chrono_literals;
using weir::hashed_setting;
using weir::manifest_output;
using weir::manifest_partition;
using weir::stage_role;

namespace job_description_test {

struct flight {
  int number = 0;

  template <class Archive>
  void serialize(Archive& ar, std::uint32_t) {
    ar(number);
  }
};

/// Nobody has said how it is stored.
struct secret {
  int value = 0;
};

} // namespace job_description_test

WEIR_STORED_SINCE(job_description_test::flight, 3, 2)

namespace {

using job_description_test::flight;
using job_description_test::secret;

constexpr auto look_up = [](const flight& x, weir::result_future<std::string> done) {
  done.complete(std::to_string(x.number));
};

/// As it is stored now.
weir::stored_type_name text_type() {
  const auto* const codec = weir::find_record_codec(typeid(std::string));
  return {codec->name, codec->version};
}

weir::environment flights(std::uint32_t capacity = 10) {
  weir::environment env{{.parallelism = 2}};
  const auto results = weir::async_data_stream::key_ordered_wait(
    env.from_source(weir::collection_source<flight>{{flight{1}}}, {.name = "in"})
      .key_by([](const flight& x) { return x.number; }),
    look_up,
    {.name = "origin",
     .timeout = 30s,
     .on_failure = weir::failure_action::dead_letter,
     .capacity = capacity});
  results.sink_to([](const std::string&) {}, {.name = "out", .parallelism = 3});
  results.dead_letters().sink_to([](const weir::dead_letter<flight>&) {}, {.name = "bad"});
  return env;
}

} // namespace

BOOST_AUTO_TEST_SUITE(job_descriptions)

BOOST_AUTO_TEST_CASE(what_answers_hang_on_is_told_by_its_hash) {
  weir::environment env;
  const auto results
    = weir::async_data_stream::ordered_wait(env.from_source(weir::collection_source<flight>{{}}),
                                            look_up, {.name = "origin", .timeout = 30s})
        .with_setting("query", "select 1")
        .with_setting("url", "db:1");
  results.sink_to([](const std::string&) {});
  const auto of = env.plan().describe();
  const auto& settings = of.stages[1].settings;
  for (const auto& each : {hashed_setting("query", "select 1"), hashed_setting("url", "db:1")})
    BOOST_TEST((std::find(settings.begin(), settings.end(), each) != settings.end()), each.key);
}

BOOST_AUTO_TEST_CASE(stages_are_told_with_their_types_and_settings) {
  const auto env = flights();
  BOOST_REQUIRE(env.check().empty());
  const auto of = env.plan().describe();
  BOOST_REQUIRE(of.stages.size() == 4u);
  BOOST_TEST((of.stages[0]
              == weir::manifest_stage{
                "in", stage_role::source, 1, {{"job_description_test::flight", 3}}, 0, {}, {}}));
  BOOST_TEST((of.stages[1]
              == weir::manifest_stage{
                "origin",
                stage_role::async_operator,
                2,
                {{"job_description_test::flight", 3}, text_type()},
                128,
                {},
                {hashed_setting("capacity", "10"), hashed_setting("mode", "key_ordered"),
                 hashed_setting("timeout", "30000000000")}}));
  BOOST_TEST((of.stages[2]
              == weir::manifest_stage{"out", stage_role::sink, 3, {text_type()}, 0, {}, {}}));
  BOOST_TEST(of.stages[3].name == "bad");
  BOOST_TEST(of.stages[3].records.size() == 1u);
  BOOST_TEST(of.oldest.size() == 4u);
  BOOST_TEST((of.oldest[0] == std::vector<std::uint32_t>{2}));
  BOOST_TEST((of.oldest[1] == std::vector<std::uint32_t>{2, 1}));
}

BOOST_AUTO_TEST_CASE(edges_are_told_with_their_outputs_and_ways) {
  const auto of = flights().plan().describe();
  const std::vector<weir::manifest_edge> edges{
    {0, manifest_output::results, 1, manifest_partition::key},
    {1, manifest_output::results, 2, manifest_partition::forward},
    {1, manifest_output::dead_letters, 3, manifest_partition::forward}};
  BOOST_TEST((of.edges == edges));
}

BOOST_AUTO_TEST_CASE(types_that_cannot_be_stored_are_left_out) {
  weir::environment env;
  env.from_source(weir::collection_source<secret>{{secret{1}}}).sink_to([](const secret&) {});
  const auto of = env.plan().describe();
  BOOST_TEST(of.stages.at(0).records.empty());
  BOOST_TEST(of.oldest.at(0).empty());
}

BOOST_AUTO_TEST_CASE(a_service_is_told_as_one) {
  weir::environment env;
  const auto ordered = weir::async_service::ordered(env, look_up, {.name = "ask", .timeout = 1s});
  const auto keyed = weir::async_service::key_ordered(
    env, [](const flight& x) { return x.number; }, look_up, {.name = "in_turn", .timeout = 1s});
  const auto of = env.plan().describe();
  BOOST_TEST((of.stages.at(0).role == stage_role::service));
  BOOST_TEST(of.stages.at(0).records.size() == 2u);
  BOOST_TEST(of.stages.at(0).key_groups == 0u);
  BOOST_TEST(of.stages.at(1).key_groups == 128u);
}

BOOST_AUTO_TEST_CASE(a_stages_own_settings_are_hashed_and_stand_in_the_order_of_their_keys) {
  auto plan = flights().plan();
  plan.stages[1].settings = {{"query", "select 1"}, {"into", "origin"}};
  std::string keys;
  const auto of = plan.describe();
  for (const auto& each : of.stages.at(1).settings)
    keys += each.key + " ";
  BOOST_TEST(keys == "capacity into mode query timeout ");
  BOOST_TEST((of.stages[1].settings[3] == hashed_setting("query", "select 1")));
}

BOOST_AUTO_TEST_CASE(a_job_that_is_built_again_is_the_same_and_another_differs) {
  const auto first = flights().plan().describe();
  weir::manifest of;
  of.job = first.job;
  of.stages = first.stages;
  of.edges = first.edges;
  const auto same = compare_jobs(of, flights().plan().describe());
  BOOST_TEST(same.refusals.empty());
  BOOST_TEST(same.warnings.empty());
  BOOST_TEST(same.notes.empty());
  BOOST_TEST(!same.reshaped);
  const auto other = compare_jobs(of, flights(20).plan().describe());
  BOOST_REQUIRE(other.notes.size() == 1u);
  BOOST_TEST(other.notes[0] == "operator origin: changed is capacity");
}

BOOST_AUTO_TEST_SUITE_END()
