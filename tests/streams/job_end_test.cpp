// SPDX-License-Identifier: Apache-2.0

// What a job's end is called, and how one waits for it.

#include "weir/weir.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

/// Numbers without end. Its `close` takes until the sink of the job has committed.
class slowly_closing_source : public weir::source<int> {
public:
  explicit slowly_closing_source(std::shared_ptr<std::atomic<bool>> committed)
    : committed_(std::move(committed)) {}

  weir::expected<weir::poll_result> poll(weir::source_outputs& out) override {
    for (int n = 0; n < 100 && out.has_room(); ++n)
      out.records.emit(n, weir::event_time::none(), {next_++, 0, 0});
    return weir::poll_result{};
  }

  void close() override { committed_->wait(false); }

private:
  std::shared_ptr<std::atomic<bool>> committed_;
  std::uint64_t next_ = 0;
};

class endless_source : public weir::source<int> {
public:
  weir::expected<weir::poll_result> poll(weir::source_outputs& out) override {
    for (int n = 0; n < 100 && out.has_room(); ++n)
      out.records.emit(n, weir::event_time::none(), {next_++, 0, 0});
    return weir::poll_result{};
  }

private:
  std::uint64_t next_ = 0;
};

/// Says when it has written something, and when it commits.
class telling_sink : public weir::sink<int> {
public:
  telling_sink(std::shared_ptr<std::atomic<bool>> written,
               std::shared_ptr<std::atomic<bool>> committed)
    : written_(std::move(written)), committed_(std::move(committed)) {}

  weir::expected<weir::poll_result> write(weir::batch<int>&, std::size_t& next,
                                          std::size_t end) override {
    next = end;
    *written_ = true;
    written_->notify_all();
    return weir::poll_result{weir::poll_state::done, {}};
  }

  weir::expected<weir::poll_result> commit(std::uint64_t) override {
    *committed_ = true;
    committed_->notify_all();
    return weir::poll_result{weir::poll_state::done, {}};
  }

private:
  std::shared_ptr<std::atomic<bool>> written_;
  std::shared_ptr<std::atomic<bool>> committed_;
};

void double_at_once(const int& in, weir::result_future<int> done) {
  done.complete(2 * in);
}

} // namespace

BOOST_AUTO_TEST_SUITE(job_ends)

BOOST_AUTO_TEST_CASE(a_drained_job_is_drained_however_slowly_its_source_closes) {
  const auto written = std::make_shared<std::atomic<bool>>(false);
  const auto committed = std::make_shared<std::atomic<bool>>(false);
  weir::environment env{{.threads = 2}};
  weir::async_data_stream::ordered_wait(
    env.from_source(slowly_closing_source{committed}),
    [](const int& in, weir::result_future<int> done) { double_at_once(in, std::move(done)); },
    {.name = "double", .timeout = 0s})
    .sink_to(telling_sink{written, committed});
  auto job = env.start("numbers");
  written->wait(false);
  job.drain(1min);
  const auto result = job.wait();
  BOOST_TEST((result.end == weir::job_end::drained));
  BOOST_TEST(result.left_behind == 0u);
}

BOOST_AUTO_TEST_CASE(one_may_wait_for_the_end_without_a_limit) {
  weir::environment env;
  weir::async_data_stream::ordered_wait(
    env.from_source(weir::collection_source<int>{{1, 2, 3}}),
    [](const int& in, weir::result_future<int> done) { double_at_once(in, std::move(done)); },
    {.name = "double", .timeout = 0s})
    .sink_to([](int) {});
  auto job = env.start("numbers");
  BOOST_TEST(job.wait_for(weir::duration::max()));
  BOOST_TEST(job.wait().ok());
}

BOOST_AUTO_TEST_CASE(a_job_may_end_on_another_thread_than_the_one_that_started_it) {
  // GIVEN a job that this thread has started, used, and will outlive
  weir::environment env;
  weir::async_data_stream::ordered_wait(
    env.from_source([] { return std::make_unique<endless_source>(); }),
    [](const int& in, weir::result_future<int> done) { double_at_once(in, std::move(done)); },
    {.name = "double", .timeout = 0s})
    .sink_to([](int) {});
  auto job = std::make_unique<weir::job>(env.start("numbers"));
  static_cast<void>(job->status());
  job->drain(1min);
  job->cancel();
  // WHEN another thread destroys it, THEN that ends
  auto destroyed = std::async(std::launch::async, [&] { job.reset(); });
  BOOST_TEST((destroyed.wait_for(1min) == std::future_status::ready));
}

BOOST_AUTO_TEST_CASE(a_job_that_fails_may_start_again) {
  // GIVEN a record that fails twice
  std::atomic<int> fails = 2;
  std::atomic<int> told = 0;
  std::atomic<int> written = 0;
  weir::environment env{{.log = [&](const weir::log_entry&) { ++told; }}};
  env.restart_with(weir::fixed_delay_restart{.delay = 1ms});
  weir::async_data_stream::ordered_wait(
    env.from_source(weir::collection_source<int>{{1, 2, 3}}),
    [&](const int& in, weir::result_future<int> done) {
      if (in == 3 && fails-- > 0)
        done.fail({"io", "store", "it is away"});
      else
        done.complete(in);
    },
    {.name = "ask", .timeout = 0s})
    .sink_to([&](int) { ++written; });
  const auto result = env.execute("numbers");
  BOOST_TEST(result.ok());
  BOOST_TEST(result.restarts == 2u);
  BOOST_TEST((result.took >= 2ms));
  // Two restarts, and a record that failed it twice running.
  BOOST_TEST(told == 3);
  BOOST_TEST(written >= 3);
}

namespace {

/// A job that has failed and waits an hour to start again; and what is told when nothing of it is left.
struct waiting_job {
  waiting_job() {
    auto held = std::shared_ptr<void>(nullptr, [to = gone](void*) { to->set_value(); });
    const auto failed = std::make_shared<std::promise<void>>();
    weir::environment env{{.log = [failed](const weir::log_entry&) { failed->set_value(); }}};
    env.restart_with(weir::fixed_delay_restart{.delay = 1h});
    weir::async_data_stream::ordered_wait(
      env.from_source(weir::collection_source<int>{{1}}),
      [held](const int&, weir::result_future<int> done) { done.fail({"io", "store", "it is away"}); },
      {.name = "ask", .timeout = 0s})
      .sink_to([](int) {});
    held.reset();
    job = std::make_unique<weir::job>(env.start("waits"));
    failed->get_future().wait();
  }

  std::shared_ptr<std::promise<void>> gone = std::make_shared<std::promise<void>>();
  std::unique_ptr<weir::job> job;
};

} // namespace

BOOST_AUTO_TEST_CASE(a_job_that_is_destroyed_while_it_waits_to_start_again_ends) {
  waiting_job waits;
  BOOST_TEST(!waits.job->wait_for(0s));
  BOOST_TEST(waits.job->status().restarts == 1u);
  waits.job.reset();
  BOOST_TEST((waits.gone->get_future().wait_for(0s) == std::future_status::ready));
}

BOOST_AUTO_TEST_CASE(one_that_is_cancelled_while_it_waits_to_start_again_ends) {
  waiting_job waits;
  waits.job->cancel();
  BOOST_TEST((waits.job->wait().end == weir::job_end::cancelled));
}

BOOST_AUTO_TEST_CASE(one_that_is_destroyed_on_a_stages_thread_while_it_waits_to_start_again_ends) {
  waiting_job waits;
  weir::environment other;
  weir::async_data_stream::ordered_wait(
    other.from_source(weir::collection_source<int>{{1}}),
    [](const int& in, weir::result_future<int> done) { done.complete(in); },
    {.name = "double", .timeout = 0s})
    .sink_to([&](int) { waits.job.reset(); });
  BOOST_TEST(other.execute("destroys").ok());
  BOOST_TEST((waits.gone->get_future().wait_for(1min) == std::future_status::ready));
}

BOOST_AUTO_TEST_CASE(jobs_start_again_and_again_beside_each_other) {
  // GIVEN jobs on real threads whose every launch fails but the last
  constexpr int restarts = 40;
  std::atomic<int> opened = 0;
  std::vector<weir::job> jobs;
  for (int i = 0; i < 3; ++i) {
    weir::environment env{{.threads = 2}};
    env.restart_with(weir::fixed_delay_restart{.max_restarts = restarts, .delay = 0s});
    weir::async_data_stream::ordered_wait(
      env.from_source(weir::collection_source<int>{{1, 2, 3}}),
      [&opened, left = std::make_shared<std::atomic<int>>(restarts)](const int& in,
                                                                     weir::result_future<int> done) {
        if (in == 1)
          ++opened;
        if (in == 1 && (*left)-- > 0)
          done.fail({"io", "store", "it is away"});
        else
          done.complete(in);
      },
      {.name = "ask", .timeout = 0s})
      .sink_to([](int) {});
    jobs.push_back(env.start("numbers"));
  }
  for (auto& each : jobs) {
    static_cast<void>(each.status());
    const auto result = each.wait();
    BOOST_TEST(result.ok());
    BOOST_TEST(result.restarts == static_cast<std::uint64_t>(restarts));
  }
  BOOST_TEST(opened == 3 * (restarts + 1));
}

BOOST_AUTO_TEST_SUITE_END()
