// SPDX-License-Identifier: Apache-2.0

// Jobs that fail and start again, in virtual time.

#include "weir/collection_source.hpp"
#include "weir/json_record.hpp"
#include "weir/part_file_sink.hpp"
#include "weir/testing.hpp"
#include "weir/weir.hpp"

#include "../support/temp_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weir::fixed_delay_restart;
using weir::job_end;
using weir::json_record;
using weir::testing::virtual_clock;
using weir::testing::virtual_job;

namespace {

struct restart_fixture {
  restart_fixture() { env.restart_with(fixed_delay_restart{.max_restarts = 5, .delay = 1min}); }

  /// Ten records that are looked up one second each; `failing` of them, in their order, fail once.
  auto lookups(std::set<int> failing) {
    std::vector<json_record> records;
    for (int i = 0; i < 10; ++i)
      records.push_back(json_record{"{\"i\":" + std::to_string(i) + "}", {}, 1});
    auto left = std::make_shared<std::set<int>>(std::move(failing));
    return weir::async_data_stream::ordered_wait(
      env.from_source(weir::collection_source<json_record>{std::move(records)}),
      [this, left](const json_record& x, weir::result_future<json_record> done) {
        ++calls;
        clock.call_after(1s, [left, x, done = std::move(done)]() mutable {
          if (left->erase(x.raw[5] - '0') > 0)
            done.fail({"io", "store", "it is away"});
          else
            done.complete(std::move(x));
        });
      },
      {.name = "look_up", .timeout = 1h, .capacity = 2});
  }

  template <class Results>
  void write_parts(const Results& of) {
    of.sink_to([path = folder.path()] { return std::make_unique<weir::part_file_sink>(path, 1); });
  }

  static std::string all_lines() {
    std::string lines;
    for (int i = 0; i < 10; ++i)
      lines += "{\"i\":" + std::to_string(i) + "}\n";
    return lines;
  }

  virtual_clock clock;
  weir::environment env;
  weir::testing::temp_folder folder;
  int calls = 0;
};

constexpr auto part = "part-0000000001-0000.ndjson";
constexpr auto hidden_part = ".part-0000000001-0000.ndjson";

} // namespace

BOOST_FIXTURE_TEST_SUITE(restarts, restart_fixture)

BOOST_AUTO_TEST_CASE(output_is_that_of_a_job_that_has_not_failed) {
  write_parts(lookups({3, 8}));
  virtual_job job{clock, env, "flights"};
  // GIVEN a launch that fails with lines in its part, THEN nothing of it is left
  clock.advance(1500ms);
  BOOST_TEST((folder.names() == std::set<std::string>{hidden_part}));
  clock.advance(1s);
  BOOST_TEST(folder.names().empty());
  BOOST_TEST(job.status().restarts == 1u);
  // AND of the one after it, and the third writes all of it once
  clock.advance(5min);
  BOOST_REQUIRE(job.result().has_value());
  BOOST_TEST(job.result()->ok());
  BOOST_TEST(job.result()->restarts == 2u);
  BOOST_TEST((folder.names() == std::set<std::string>{part}));
  BOOST_TEST(folder.read(part) == all_lines());
}

BOOST_AUTO_TEST_CASE(a_sink_that_throws_leaves_nothing_in_the_way_of_the_next_launch) {
  // GIVEN a part file, and a sink beside it that throws in the first launch
  const auto results = lookups({});
  write_parts(results);
  bool thrown = false;
  results.sink_to([&](json_record) {
    if (!std::exchange(thrown, true))
      throw std::runtime_error("no");
  });
  virtual_job job{clock, env, "flights"};
  clock.advance(1h);
  BOOST_REQUIRE(job.result().has_value());
  BOOST_TEST(job.result()->ok());
  BOOST_TEST(job.result()->restarts == 1u);
  BOOST_TEST(folder.read(part) == all_lines());
}

BOOST_AUTO_TEST_CASE(when_it_fails_too_often_the_last_failure_is_its_end) {
  env.restart_with(fixed_delay_restart{.max_restarts = 1, .delay = 1min});
  write_parts(lookups({3, 8}));
  virtual_job job{clock, env, "flights"};
  clock.advance(1h);
  BOOST_REQUIRE(job.result().has_value());
  BOOST_TEST((job.result()->end == job_end::failed));
  BOOST_TEST(job.result()->stage == "look_up");
  BOOST_TEST(job.result()->why.at(0).text() == "operator look_up: store: it is away (io)");
  BOOST_TEST(job.result()->restarts == 1u);
  BOOST_TEST(folder.names().empty());
}

BOOST_AUTO_TEST_CASE(a_job_that_is_destroyed_in_the_delay_has_ended) {
  write_parts(lookups({0}));
  {
    virtual_job job{clock, env, "flights"};
    clock.advance(30s);
    BOOST_TEST(job.status().restarts == 1u);
  }
  const auto before = calls;
  clock.advance(1h);
  BOOST_TEST(calls == before);
}

BOOST_AUTO_TEST_CASE(a_cancel_in_the_delay_ends_it) {
  write_parts(lookups({0}));
  virtual_job job{clock, env, "flights"};
  clock.advance(30s);
  BOOST_TEST(!job.result());
  job.cancel();
  BOOST_REQUIRE(job.result().has_value());
  BOOST_TEST((job.result()->end == job_end::cancelled));
}

BOOST_AUTO_TEST_CASE(a_drain_in_the_delay_ends_it_with_its_failure) {
  write_parts(lookups({0}));
  virtual_job job{clock, env, "flights"};
  clock.advance(30s);
  job.drain(1h);
  BOOST_REQUIRE(job.result().has_value());
  BOOST_TEST((job.result()->end == job_end::failed));
  BOOST_TEST(job.result()->why.at(0).text() == "operator look_up: store: it is away (io)");
}

BOOST_AUTO_TEST_CASE(mistakes_of_the_strategy_are_mistakes_of_the_job) {
  write_parts(lookups({}));
  env.restart_with(fixed_delay_restart{.max_restarts = 0});
  const auto mistakes = env.check();
  BOOST_REQUIRE(mistakes.size() == 1u);
  BOOST_TEST(mistakes.front().text()
             == "environment: restart.max_restarts is 0 but must be > 0 (argument)");
}

BOOST_AUTO_TEST_CASE(a_service_takes_records_again_when_its_job_has_started_again) {
  // GIVEN a service whose first record fails the job
  std::vector<int> results;
  bool fails = true;
  const auto service = weir::async_service::ordered(
    env,
    [&](const int& x, weir::result_future<int> done) {
      if (std::exchange(fails, false))
        done.fail({"io", "store", "it is away"});
      else
        done.complete(10 * x);
    },
    {.name = "ask", .timeout = 1h}, {.on_result = [&](int x) { results.push_back(x); }});
  virtual_job job{clock, env, "service"};
  const auto lost = service.push_tracked(1);
  clock.run();
  BOOST_TEST(lost.wait()->why.text() == "operator ask: store: it is away (io)");
  // WHEN it waits to start again, THEN pushes are refused by what it failed at
  BOOST_TEST(service.push(2).why().text()
             == "service ask: its job has ended: operator ask: store: it is away (io) (closed)");
  // AND then it takes them
  clock.advance(1min);
  BOOST_TEST(service.push(3).has_value());
  clock.run();
  BOOST_TEST(results == std::vector{30}, boost::test_tools::per_element());
  job.drain(1s);
  clock.run();
  BOOST_REQUIRE(job.result().has_value());
  BOOST_TEST(job.result()->restarts == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
