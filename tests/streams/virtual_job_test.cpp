// SPDX-License-Identifier: Apache-2.0

// Whole jobs in virtual time: what takes hours takes none, and is the same in every run.

#include "weir/collection_source.hpp"
#include "weir/testing.hpp"
#include "weir/weir.hpp"

#include <boost/test/unit_test.hpp>

#include <future>
#include <set>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weir::testing::virtual_clock;
using weir::testing::virtual_job;

namespace {

/// A client that answers with ten times the number, an hour later.
struct slow_client : weir::async_function<int, int> {
  explicit slow_client(virtual_clock& of) : clock(&of) {}
  void async_invoke(const int& x, weir::result_future<int> done) {
    clock->call_after(1h, [x, done = std::move(done)]() mutable { done.complete(10 * x); });
  }
  virtual_clock* clock;
};

struct job_fixture {
  job_fixture() {
    const auto results = weir::async_data_stream::ordered_wait(
      env.from_source(weir::collection_source<int>{{1, 2, 3, 4, 5}}), slow_client{clock},
      {.name = "slow", .timeout = 3h, .capacity = 2});
    results.sink_to([this](int x) { written.push_back(x); });
  }

  virtual_clock clock;
  weir::environment env;
  std::vector<int> written;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(virtual_jobs, job_fixture)

BOOST_AUTO_TEST_CASE(a_job_of_hours_runs_at_once) {
  virtual_job job{clock, env, "hours"};
  BOOST_TEST(job.status().operators.at(0).in_flight == 2u);
  clock.advance(1h);
  BOOST_TEST((written == std::vector{10, 20}));
  BOOST_TEST(!job.result());
  clock.advance(2h);
  BOOST_TEST((written == std::vector{10, 20, 30, 40, 50}));
  BOOST_REQUIRE(job.result().has_value());
  BOOST_TEST(job.result()->ok());
  BOOST_TEST((job.result()->took == 3h));
}

BOOST_AUTO_TEST_CASE(a_drain_leaves_behind_what_takes_too_long) {
  virtual_job job{clock, env, "drained"};
  job.drain(30min);
  clock.advance(2h);
  BOOST_REQUIRE(job.result().has_value());
  BOOST_TEST((job.result()->end == weir::job_end::drained));
  BOOST_TEST(job.result()->left_behind == 5u);
}

BOOST_AUTO_TEST_CASE(a_job_that_runs_when_it_is_destroyed_is_cancelled) {
  { virtual_job job{clock, env, "cancelled"}; }
  clock.advance(5h);
  BOOST_TEST(written.empty());
}

BOOST_AUTO_TEST_CASE(nobody_waits_for_a_service_but_by_the_clock) {
  weir::environment other;
  const auto service = weir::async_service::ordered(other, slow_client{clock},
                                                    {.name = "slow", .timeout = 3h, .capacity = 1});
  virtual_job job{clock, other, "pushed"};
  // GIVEN a record that is called for, and one that waits
  const auto made = service.push_tracked(1);
  clock.run();
  BOOST_TEST(service.push(2).has_value());
  // WHEN there is no room, THEN a push does not wait
  BOOST_TEST(service.push_within(1min, 3).why().text()
             == "service slow: push would wait on a thread that runs stages, and so stop what it waits "
                "for; use try_push, or let the clock run first (would_block)");
  // NOR does who waits for a ticket, before the time has come
  BOOST_TEST(made.wait_for(1min).why().text()
             == "ticket: wait would wait on a thread that runs stages, and so stop what it waits for; let "
                "the clock run first (would_block)");
  clock.advance(1h);
  BOOST_TEST(made.wait()->ok());
  BOOST_TEST(service.push(3).has_value());
}

BOOST_AUTO_TEST_CASE(waiting_pools_have_no_threads_but_the_tests) {
  weir::environment with_futures;
  const auto waits = with_futures.waiting_pool({.name = "futures"});
  std::promise<int> promise;
  std::set<std::thread::id> on;
  weir::async_data_stream::ordered_wait(
    with_futures.from_source(weir::collection_source<int>{{1, 2}}),
    [&](const int& n, weir::result_future<int> done) {
      if (n == 1)
        waits.complete_from(promise.get_future(), std::move(done));
      else
        waits.complete_from(std::async(std::launch::deferred,
                                       [&] {
                                         on.insert(std::this_thread::get_id());
                                         return 2;
                                       }),
                            std::move(done));
    },
    {.name = "ask", .timeout = 1h})
    .sink_to([this](int n) { written.push_back(n); });
  virtual_job job{clock, with_futures, "futures"};
  BOOST_TEST((on == std::set{std::this_thread::get_id()}));
  BOOST_TEST(job.status().waiting_pools.at(0).waiting == 1u);
  promise.set_value(1);
  clock.run();
  BOOST_TEST((written == std::vector{1, 2}));
  BOOST_TEST(job.result().value().ok());
}

BOOST_AUTO_TEST_CASE(a_plan_with_mistakes_has_failed_already) {
  weir::environment empty;
  virtual_job job{clock, empty, "empty"};
  BOOST_REQUIRE(job.result().has_value());
  BOOST_TEST((job.result()->end == weir::job_end::failed));
}

BOOST_AUTO_TEST_CASE(ingestion_time_is_that_of_the_virtual_clock) {
  weir::environment other;
  std::vector<weir::event_time> times;
  other.from_source(weir::collection_source<int>{{1, 2}})
    .with_watermarks(weir::ingestion_time())
    .sink_to([&](int, weir::event_time at, const weir::origin&) { times.push_back(at); });
  clock.advance(5ms);
  virtual_job job{clock, other, "ingestion"};
  BOOST_TEST((times == std::vector(2, weir::event_time{946'684'800'005})));
}

BOOST_AUTO_TEST_SUITE_END()
