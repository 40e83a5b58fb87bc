// SPDX-License-Identifier: Apache-2.0

// What a job's end is called, and how one waits for it.

#include "weir/weir.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <utility>

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

BOOST_AUTO_TEST_SUITE_END()
