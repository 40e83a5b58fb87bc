// SPDX-License-Identifier: Apache-2.0

// An operator that a program's own threads push to, on real threads. What it does at which moment is in
// tests/actors/service_test.cpp; here threads meet.

#include "../support/client_thread.hpp"
#include "../support/doubling_store.hpp"

#include "weir/memory_store.hpp"
#include "weir/stored.hpp"
#include "weir/weir.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <latch>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using weir::push_result;
using weir::settlement_kind;

namespace {

constexpr auto watchdog = 1min;

/// Completes calls on two threads of its own, in any order.
class client {
public:
  void post(weir::unique_function<void()> what) { threads_[next_++ % 2].post(std::move(what)); }

private:
  std::atomic<unsigned> next_{0};
  weir::testing::client_thread threads_[2];
};

/// Answers a number with itself, on the client's threads.
auto echo(client& of) {
  return [&of](const int& x, weir::result_future<int> done) {
    of.post([x, done = std::move(done)]() mutable { done.complete(x); });
  };
}

auto at_once() {
  return [](const int& x, weir::result_future<int> done) { done.complete(x); };
}

/// A coroutine that nobody waits for.
struct detached {
  struct promise_type {
    detached get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
};

/// Counts what comes, from any thread.
struct counted {
  void add(int x) {
    const std::lock_guard guard{mutex};
    ++of[x];
  }
  std::mutex mutex;
  std::map<int, int> of;
};

} // namespace

BOOST_AUTO_TEST_SUITE(async_services)

BOOST_AUTO_TEST_CASE(results_come_in_the_order_of_the_pushes) {
  weir::environment env;
  client asks;
  std::vector<int> got;
  const auto service = weir::async_service::ordered(
    env, echo(asks), {.name = "echo", .timeout = 10s},
    {.on_result = [&](int&& x, const weir::record_facts& of) {
       BOOST_TEST(static_cast<std::uint64_t>(x) == of.from.position);
       got.push_back(x);
     }});
  auto job = env.start("numbers");
  std::vector<int> pushed;
  for (int x = 0; x < 2000; ++x) {
    BOOST_TEST(service.push(x).has_value());
    pushed.push_back(x);
  }
  BOOST_TEST(service.finish());
  BOOST_TEST(job.wait().ok());
  BOOST_TEST((got == pushed));
}

BOOST_AUTO_TEST_CASE(a_callback_may_take_the_result_alone_and_all_forms_of_function_serve) {
  struct twice : weir::async_function<int, int> {
    void async_invoke(const int& x, weir::result_future<int> done) { done.complete(2 * x); }
  };
  weir::environment env;
  std::vector<int> sum(3, 0);
  const auto a = weir::async_service::ordered(env, twice{}, {.name = "class", .timeout = 0s},
                                              {.on_result = [&](int x) { sum[0] += x; }});
  const auto b = weir::async_service::unordered(
    env, [](const int& x) -> weir::task<int> { co_return 3 * x; }, {.name = "coroutine", .timeout = 0s},
    {.on_result = [&](int&& x) { sum[1] += x; }});
  const auto c = weir::async_service::key_ordered(
    env, [](int x) { return x % 2; }, at_once(), {.name = "lambda", .timeout = 0s},
    {.on_result = [&](const int& x) { sum[2] += x; }});
  auto job = env.start("three");
  for (const auto* each : {&a, &b, &c}) {
    BOOST_TEST(each->push(1).has_value());
    BOOST_TEST(each->push(2).has_value());
    each->finish();
  }
  BOOST_TEST(job.wait().ok());
  BOOST_TEST(sum == (std::vector{6, 9, 3}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_threads_push_in_every_way_comes_once) {
  constexpr int pushers = 4;
  constexpr int each = 1500;
  for (const std::uint32_t instances : {1u, 3u}) {
    weir::environment env;
    client asks;
    counted results;
    std::atomic<int> settled{0};
    const auto service = weir::async_service::unordered(
      env, echo(asks), {.name = "echo", .timeout = 30s, .capacity = 16, .parallelism = instances},
      {.on_result = [&](int x) { results.add(x); }, .waiting_max = 8});
    auto job = env.start("numbers");
    // Those that await room go on on the operator's thread.
    std::latch awaited{1};
    const auto push_awaited = [&]() -> detached {
      for (int i = 0; i < each; ++i) {
        const auto made = co_await service.pushed_tracked(pushers * each + i);
        made.on_settled([&](const weir::settlement& how) { settled += how.ok() ? 1 : 0; });
      }
      awaited.count_down();
    };
    push_awaited();
    std::vector<std::thread> threads;
    for (int n = 0; n < pushers; ++n)
      threads.emplace_back([&, n] {
        for (int x = n * each; x < (n + 1) * each; ++x)
          if (n == 0) {
            while (service.try_push(x) == push_result::full)
              std::this_thread::yield();
          } else if (n == 1) {
            while (!service.push_within(100us, x)) {
            }
          } else {
            service.push_tracked(x).on_settled(
              [&](const weir::settlement& how) { settled += how.ok() ? 1 : 0; });
          }
      });
    for (auto& thread : threads)
      thread.join();
    awaited.wait();
    service.finish();
    BOOST_TEST(job.wait().ok());
    BOOST_TEST(results.of.size() == std::size_t{(pushers + 1) * each});
    BOOST_TEST(std::all_of(results.of.begin(), results.of.end(),
                           [](const auto& one) { return one.second == 1; }));
    BOOST_TEST(settled == 3 * each);
    BOOST_TEST(job.status().operators.at(0).waiting == 0u);
  }
}

BOOST_AUTO_TEST_CASE(records_of_a_key_keep_their_order_over_several_instances) {
  constexpr int keys = 7;
  weir::environment env;
  client asks;
  std::mutex mutex;
  std::map<int, std::vector<int>> got;
  const auto service = weir::async_service::key_ordered(
    env, [](int x) { return x % keys; }, echo(asks),
    {.name = "echo", .timeout = 30s, .capacity = 8, .parallelism = 2}, {.on_result = [&](int x) {
      const std::lock_guard guard{mutex};
      got[x % keys].push_back(x);
    }});
  auto job = env.start("keys");
  for (int x = 0; x < 2000; ++x)
    BOOST_TEST(service.push(x).has_value());
  service.finish();
  BOOST_TEST(job.wait().ok());
  BOOST_TEST(got.size() == std::size_t{keys});
  for (const auto& [key, values] : got)
    BOOST_TEST(std::is_sorted(values.begin(), values.end()));
}

BOOST_AUTO_TEST_CASE(whoever_pushes_while_it_ends_is_told_so_and_nothing_that_was_taken_is_lost) {
  for (int round = 0; round < 30; ++round) {
    weir::environment env;
    client asks;
    counted results;
    const auto service = weir::async_service::ordered(
      env, echo(asks), {.name = "echo", .timeout = 30s, .capacity = 4},
      {.on_result = [&](int x) { results.add(x); }, .waiting_max = 2});
    auto job = env.start("numbers");
    std::atomic<int> taken{0};
    std::vector<std::thread> threads;
    for (int n = 0; n < 3; ++n)
      threads.emplace_back([&, n] {
        for (;;) {
          if (n == 0) {
            const auto result = service.try_push(1);
            taken += result == push_result::taken ? 1 : 0;
            if (result == push_result::closed)
              return;
          } else if (const auto pushed = service.push(1)) {
            ++taken;
          } else {
            BOOST_TEST(pushed.why().is(weir::error_kind::closed));
            return;
          }
        }
      });
    while (taken < round)
      std::this_thread::yield();
    if (round % 2 == 0)
      service.finish();
    else
      job.drain(watchdog);
    for (auto& thread : threads)
      thread.join();
    BOOST_TEST(job.wait().left_behind == 0u);
    BOOST_TEST(results.of[1] == taken);
  }
}

BOOST_AUTO_TEST_CASE(threads_wait_until_their_records_are_durable_over_stops_and_starts) {
  constexpr int pushers = 3;
  constexpr std::uint64_t far = 1'000'000;
  // What lies where results are put, by origin; on both sides of each stop.
  std::mutex mutex;
  std::map<std::uint64_t, int> given;
  std::atomic<std::uint64_t> durable{0};
  std::atomic<std::uint64_t> undecided{0};
  const auto memory = std::make_shared<weir::checkpoint_memory>();
  client asks;
  weir::environment env;
  const auto service = weir::async_service::unordered(
    env,
    [&asks](const std::uint64_t& x, weir::result_future<std::uint64_t> done) {
      asks.post([x, done = std::move(done)]() mutable { done.complete(x); });
    },
    {.name = "echo", .timeout = 30s, .capacity = 8, .parallelism = 2},
    {.on_result = [&](std::uint64_t x) {
       const std::lock_guard guard{mutex};
       ++given[x];
     },
     .waiting_max = 4});
  weir::checkpoint_options with;
  with.store = [memory] { return weir::memory_store(memory); };
  with.interval = 5ms;
  env.enable_checkpointing(with);
  std::vector<std::uint64_t> next(pushers, 0);
  for (int round = 0; round < 10; ++round) {
    auto job = env.start("numbers");
    std::vector<std::thread> threads;
    for (std::size_t n = 0; n < pushers; ++n)
      threads.emplace_back([&, n] {
        for (;; ++next[n]) {
          const auto made = service.push_tracked(n * far + next[n]);
          // That of one that was taken says that the job was stopped.
          if (made.settled() && made.wait()->why.is(weir::error_kind::closed))
            return;
          if (next[n] % 4 == 0)
            ++(made.wait_durable() ? durable : undecided);
        }
      });
    while (durable < static_cast<std::uint64_t>(3 * (round + 1)))
      std::this_thread::yield();
    job.stop();
    for (auto& thread : threads)
      thread.join();
    BOOST_TEST((job.wait().end == weir::job_end::stopped));
  }
  auto job = env.start("numbers");
  service.finish();
  BOOST_TEST(job.wait().ok());
  // All that was taken is given once: each stop had its checkpoint.
  std::uint64_t taken = 0;
  for (const auto of : next)
    taken += of;
  BOOST_TEST(given.size() == taken);
  BOOST_TEST(std::all_of(given.begin(), given.end(), [](const auto& one) { return one.second == 1; }));
  BOOST_TEST(undecided == 0u);
}

BOOST_AUTO_TEST_CASE(every_ticket_settles_when_the_job_is_destroyed) {
  std::atomic<int> given{0};
  std::atomic<int> settled{0};
  client asks;
  for (int round = 0; round < 30; ++round) {
    std::vector<std::thread> threads;
    {
      weir::environment env;
      const auto service = weir::async_service::ordered(
        env, echo(asks), {.name = "echo", .timeout = 30s, .capacity = 4}, {.waiting_max = 2});
      auto job = env.start("numbers");
      for (int n = 0; n < 2; ++n)
        threads.emplace_back([&, service] {
          // Until one was not taken.
          for (;;) {
            ++given;
            const auto made = service.push_tracked(1);
            made.on_settled([&](const weir::settlement&) { ++settled; });
            if (made.settled() && !made.wait()->ok() && service.try_push(1) == push_result::closed)
              return;
          }
        });
      while (given < 20 * (round + 1))
        std::this_thread::yield();
    }
    for (auto& thread : threads)
      thread.join();
  }
  BOOST_TEST(settled == given);
}

BOOST_AUTO_TEST_CASE(a_service_outlives_its_job_and_its_environment) {
  std::optional<weir::pusher<int>> service;
  std::optional<weir::ticket> never;
  {
    weir::environment env;
    service = weir::async_service::ordered(env, at_once(), {.name = "echo", .timeout = 0s});
    BOOST_TEST(service->push(1).why().is(weir::error_kind::closed));
    {
      auto job = env.start("numbers");
      BOOST_TEST(service->push_tracked(1).wait()->ok());
    }
    BOOST_TEST((service->try_push(1) == push_result::closed));
  }
  const auto why = service->push_tracked(1).wait();
  BOOST_TEST((why->kind == settlement_kind::lost));
  BOOST_TEST(why->why.text()
             == "service echo: its job has ended: job numbers: it was cancelled (cancelled) (closed)");
  BOOST_TEST(service->try_push_tracked(1)->wait()->why.is(weir::error_kind::closed));
  BOOST_TEST(!service->push_watermark(weir::event_time{1}));
  BOOST_TEST(!service->finish());
}

BOOST_AUTO_TEST_CASE(records_that_can_only_be_moved_are_moved_once_they_are_taken) {
  weir::environment env;
  int sum = 0;
  const auto service = weir::async_service::ordered(
    env,
    [](const std::unique_ptr<int>& x, weir::result_future<std::unique_ptr<int>> done) {
      done.complete(std::make_unique<int>(*x));
    },
    {.name = "move", .timeout = 0s}, {.on_result = [&](std::unique_ptr<int>&& x) { sum += *x; }});
  auto record = std::make_unique<int>(1);
  BOOST_TEST((service.try_push(std::move(record)) == push_result::closed));
  BOOST_TEST((record != nullptr));
  auto job = env.start("numbers");
  BOOST_TEST(service.push(std::move(record)).has_value());
  BOOST_TEST(service.push_tracked(std::make_unique<int>(2)).wait()->ok());
  BOOST_TEST(sum == 3);
}

BOOST_AUTO_TEST_CASE(a_task_may_await_room_in_another_service) {
  weir::environment env;
  std::atomic<int> sum{0};
  const auto second = weir::async_service::ordered(
    env, at_once(), {.name = "second", .timeout = 0s, .capacity = 1},
    {.on_result = [&](int x) { sum += x; }, .waiting_max = 1});
  const auto first = weir::async_service::unordered(
    env,
    [second](const int& x) -> weir::task<int> {
      const auto pushed = co_await second.pushed(10 * x);
      co_return pushed ? x : -1;
    },
    {.name = "first", .timeout = 30s}, {.on_result = [&](int x) { sum += x; }});
  auto job = env.start("two");
  for (int x = 1; x <= 100; ++x)
    BOOST_TEST(first.push(x).has_value());
  first.finish();
  while (job.status().operators.at(1).records_finished < 100)
    std::this_thread::yield();
  second.finish();
  BOOST_TEST(job.wait().ok());
  BOOST_TEST(sum == 11 * 5050);
}

BOOST_AUTO_TEST_CASE(a_service_and_a_stream_share_an_environment_and_a_pool) {
  struct lookup : weir::async_function<int, int> {
    explicit lookup(weir::client_pool from) : pool(std::move(from)), statement(pool.statement("twice", 1)) {}
    weir::expected<void> open(weir::function_context& context) {
      asks = &pool.bind(context);
      return {};
    }
    void async_invoke(const int& x, weir::result_future<int> done) {
      const auto deadline = done.deadline();
      asks->ask(statement, {weir::value{std::int64_t{x}}}, deadline,
                [done = std::move(done)](weir::expected<weir::answer> got) mutable {
                  done.complete(static_cast<int>(std::get<std::int64_t>(got->cell(0, 0))));
                });
    }
    weir::client_pool pool;
    weir::statement_id statement;
    weir::pool_client* asks = nullptr;
  };
  weir::environment env;
  const auto pool = env.client_pool(weir::testing::doubling_store());
  std::vector<int> pushed;
  std::vector<int> streamed;
  const auto service = weir::async_service::ordered(env, lookup{pool}, {.name = "service", .timeout = 30s},
                                                    {.on_result = [&](int x) { pushed.push_back(x); }});
  weir::async_data_stream::ordered_wait(env.from_source(weir::collection_source<int>{{5, 6}}),
                                        lookup{pool}, {.name = "stream", .timeout = 30s})
    .sink_to([&](int x) { streamed.push_back(x); });
  auto job = env.start("both");
  BOOST_TEST(service.push(1).has_value());
  BOOST_TEST(service.push(2).has_value());
  service.finish();
  BOOST_TEST(job.wait().text() == "done");
  BOOST_TEST(pushed == (std::vector{2, 4}), boost::test_tools::per_element());
  BOOST_TEST(streamed == (std::vector{10, 12}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
