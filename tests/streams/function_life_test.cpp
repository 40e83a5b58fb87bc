// SPDX-License-Identifier: Apache-2.0

// A function is closed once after each open that went well, on real threads, when the job's owner lets go
// of it at any moment. tests/actors/function_life_test.cpp has every other end of a job.

#include "weir/weir.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

struct lives {
  std::atomic<int> opened = 0;
  std::atomic<int> closed = 0;
  std::atomic<int> called = 0;
  std::atomic<int> called_while_closed = 0;
};

/// Keeps its calls under way; the futures outlive the job.
struct keeps_calls : weir::async_function<int, int> {
  keeps_calls(std::shared_ptr<lives> of, std::uint32_t refusing) : all(std::move(of)), refuses(refusing) {}

  weir::expected<void> open(weir::function_context& context) {
    if (context.subtask == refuses)
      throw std::runtime_error("no such host");
    open_now = true;
    kept = std::make_shared<std::vector<weir::result_future<int>>>();
    ++all->opened;
    return {};
  }

  void async_invoke(const int& n, weir::result_future<int> done) {
    if (!open_now)
      ++all->called_while_closed;
    if (n % 2 == 0)
      done.complete(n);
    else
      kept->push_back(std::move(done));
    ++all->called;
    all->called.notify_all();
  }

  void close() {
    open_now = false;
    ++all->closed;
  }

  std::shared_ptr<lives> all;
  std::uint32_t refuses;
  bool open_now = false;
  std::shared_ptr<std::vector<weir::result_future<int>>> kept{};
};

/// Numbers without end.
class numbers : public weir::source<int> {
public:
  weir::expected<weir::poll_result> poll(weir::source_outputs& out) override {
    for (int n = 0; n < 100 && out.has_room(); ++n)
      out.records.emit(n, weir::event_time::none(), {next_++, 0, 0});
    return weir::poll_result{};
  }

private:
  std::uint64_t next_ = 0;
};

constexpr std::uint32_t nobody = 1000;

/// Two operators of two instances each.
weir::job start(const std::shared_ptr<lives>& all, std::uint32_t refusing = nobody) {
  weir::environment env{{.threads = 2, .parallelism = 2}};
  const auto wait = [&](const auto& in, const char* name) {
    return weir::async_data_stream::unordered_wait(
      in, keeps_calls{all, refusing},
      {.name = name, .timeout = 1min, .capacity = 10});
  };
  wait(wait(env.from_source(numbers{}), "first"), "second").sink_to([](int) {});
  return env.start("numbers");
}

} // namespace

BOOST_AUTO_TEST_SUITE(function_life)

BOOST_AUTO_TEST_CASE(an_environment_and_its_job_may_be_destroyed_while_calls_run) {
  const auto all = std::make_shared<lives>();
  {
    const auto job = start(all);
    for (int n = all->called; n < 20; n = all->called)
      all->called.wait(n);
  }
  BOOST_TEST(all->opened == 4);
  BOOST_TEST(all->closed == 4);
  BOOST_TEST(all->called_while_closed == 0);
}

BOOST_AUTO_TEST_CASE(a_job_may_be_destroyed_at_any_moment_of_its_start) {
  const auto all = std::make_shared<lives>();
  for (int n = 0; n < 100; ++n) {
    const auto job = start(all);
    std::this_thread::sleep_for(std::chrono::microseconds{10 * n});
  }
  BOOST_TEST(all->opened == all->closed);
  BOOST_TEST(all->called_while_closed == 0);
}

BOOST_AUTO_TEST_CASE(one_instance_that_does_not_open_lets_the_others_be_closed) {
  const auto all = std::make_shared<lives>();
  const auto result = start(all, 1).wait();
  BOOST_TEST((result.end == weir::job_end::failed));
  BOOST_TEST(all->opened == all->closed);
  BOOST_TEST(all->called == 0);
}

BOOST_AUTO_TEST_SUITE_END()
