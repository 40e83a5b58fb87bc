// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A program that has a service in a job with checkpoints, and dies and starts as a test wants. Virtual time;
/// the checkpoints lie in memory. One thread.

#include "weir/memory_store.hpp"
#include "weir/stored.hpp"
#include "weir/testing.hpp"
#include "weir/weir.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weir::environment;
using weir::event_time;
using weir::output_mode;
using weir::push_result;
using weir::record_facts;
using weir::run_options;
using weir::testing::virtual_clock;
using weir::testing::virtual_job;

/// Answers with ten times the number, after a while that a test may change.
struct asked {
  std::vector<int> called;
  weir::duration after = 1h;
  /// The numbers whose call fails, each once.
  std::set<int> failing;
  /// The test answers, once each.
  bool holds = false;
  std::vector<std::function<void()>> held;
};

struct slow_client : weir::async_function<int, int> {
  slow_client(virtual_clock& of, asked& what) : clock(&of), script(&what) {}
  void async_invoke(const int& x, weir::result_future<int> done) {
    script->called.push_back(x);
    if (script->holds) {
      script->held.push_back([x, done = std::make_shared<weir::result_future<int>>(std::move(done))] {
        done->complete(10 * x);
      });
      return;
    }
    clock->call_after(script->after, [x, fails = script->failing.erase(x) > 0, done = std::move(done)]() mutable {
      if (fails)
        done.fail({"io", "store", "it is away"});
      else
        done.complete(10 * x);
    });
  }
  virtual_clock* clock;
  asked* script;
};

inline constexpr std::uint64_t first_of_next_process = std::uint64_t{1} << 32;

inline std::string text(const std::vector<std::string>& lines) {
  std::string all;
  for (const auto& each : lines)
    all += (all.empty() ? "" : ", ") + each;
  return all;
}

/// A program that has a service, and dies and starts as a test wants.
struct serving {
  environment build() {
    environment env;
    weir::operator_options how{
      .name = "ask", .timeout = 1000h, .capacity = capacity, .parallelism = parallelism};
    weir::service_settings<int, int> to{
      .on_result = [this](int&& x, const record_facts& of) {
        results.push_back(x);
        if (of.from.position < first_of_next_process)
          BOOST_TEST(x == 10 * number_at(of.from.position));
        ++given[of.from.position];
        if (on_result)
          on_result(x);
      },
      .on_watermark = [this](event_time at) { told.push_back("watermark " + std::to_string(at.ms())); },
      .on_start = [this](std::optional<std::uint64_t> from) {
        told.push_back("start" + (from ? " " + std::to_string(*from) : std::string{}));
        BOOST_TEST((service->try_push(1) == push_result::closed));
        if (on_start)
          on_start(from);
      },
      .waiting_max = waiting_max};
    slow_client client{clock, script};
    switch (mode) {
      case output_mode::ordered:
        service = weir::async_service::ordered(env, client, how, std::move(to));
        break;
      case output_mode::unordered:
        service = weir::async_service::unordered(env, client, how, std::move(to));
        break;
      case output_mode::key_ordered:
        service = weir::async_service::key_ordered(
          env, [](int x) { return x % 7; }, client, how, std::move(to));
        break;
    }
    if (makes_checkpoints) {
      weir::checkpoint_options with;
      with.store = [memory = memory] { return weir::memory_store(memory); };
      with.interval = 30min;
      env.enable_checkpointing(with);
    }
    if (restart)
      env.restart_with(*restart);
    return env;
  }

  void start(const run_options& how = {}) {
    job.reset();
    script.called.clear();
    results.clear();
    const auto env = build();
    job.emplace(clock, env, "served", how);
    next = service->resume_from().value_or(0);
  }

  /// As a process that dies.
  void crash() {
    if (job && !job->result())
      job->cancel();
  }

  /// The number that has a position: all are pushed in order.
  static int number_at(std::uint64_t position) { return static_cast<int>(position) + 1; }

  /// Pushes what comes next, until there is no room or `count` are pushed in all.
  void push_some() {
    while (next < count
           && service->try_push(number_at(next), {.position = next}) == push_result::taken)
      ++next;
  }

  /// As long as the operator takes something in.
  void pump() {
    for (auto before = next + 1; before != next;) {
      before = next;
      push_some();
      clock.run();
    }
  }

  void pump_for(weir::duration how_long) {
    for (const auto end = clock.now() + how_long; clock.now() < end; clock.advance(1min))
      pump();
  }

  void run_and_crash(weir::duration how_long) {
    start();
    pump_for(how_long);
    crash();
  }

  void run_to_end() {
    start();
    for (int hours = 0; hours < 1000 && next < count; ++hours)
      pump_for(1h);
    BOOST_TEST(service->finish());
    clock.advance(1000h);
    BOOST_TEST_REQUIRE(job->result().has_value());
    BOOST_TEST_REQUIRE(job->result()->ok(), job->result()->text());
  }

  /// How often the results of each record were given.
  void check_none_is_lost(const std::string& when) {
    BOOST_TEST(given.size() == count, when << ": " << given.size());
    for (const auto& [position, times] : given)
      BOOST_TEST(position < count);
  }

  weir::ticket push_tracked(int x) {
    auto made = service->try_push_tracked(x);
    BOOST_TEST_REQUIRE(made.has_value());
    clock.run();
    return *made;
  }

  std::string told_since() { return text(std::exchange(told, {})); }

  void start_anew() {
    crash();
    job.reset();
    memory = std::make_shared<weir::checkpoint_memory>();
    given.clear();
    told.clear();
  }

  virtual_clock clock;
  std::shared_ptr<weir::checkpoint_memory> memory = std::make_shared<weir::checkpoint_memory>();
  bool makes_checkpoints = true;
  output_mode mode = output_mode::ordered;
  std::size_t capacity = 2;
  std::uint32_t parallelism = 1;
  std::size_t waiting_max = 3;
  std::optional<weir::restart_strategy> restart = weir::restart_strategy{};
  std::function<void(std::optional<std::uint64_t>)> on_start;
  std::function<void(int)> on_result;
  asked script;
  /// Of the present process.
  std::vector<int> results;
  /// By position, over all processes.
  std::map<std::uint64_t, int> given;
  std::vector<std::string> told;
  std::uint64_t next = 0;
  std::uint64_t count = 12;
  std::optional<weir::pusher<int>> service;
  std::optional<virtual_job> job;
};
