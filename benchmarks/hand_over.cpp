// SPDX-License-Identifier: Apache-2.0
#include "workloads.hpp"

#include "doubling_lookup.hpp"
#include "mailbox.hpp"

#include <array>
#include <sched.h>
#include <thread>
#include <utility>
#include <vector>

namespace bench {

namespace {

using namespace std::chrono_literals;

/// A thread that completes what it is given, each by itself.
template <class Done>
class completer {
public:
  completer() : thread_([this] { complete(); }) {}
  ~completer() {
    given_.close();
    thread_.join();
  }
  completer(const completer&) = delete;
  completer& operator=(const completer&) = delete;

  void give(number x, Done done) { given_.put({x, std::move(done)}); }

private:
  struct call {
    number x;
    Done done;
  };

  void complete() {
    std::vector<call> taken;
    while (given_.take(taken)) {
      for (auto& each : taken)
        each.done.complete(2 * each.x);
      taken.clear();
    }
  }

  mailbox<call> given_;
  std::thread thread_;
};

/// The same threads with nothing between them: one gives so many numbers, waits for what comes back, and gives as
/// many again. No order, no time, no stream: what the system's threads cost.
outcome run_bare(std::uint64_t records, std::size_t capacity) {
  struct hands_back {
    mailbox<number>* to;
    void complete(number x) const { to->put(x); }
  };
  mailbox<number> back;
  std::array<completer<hands_back>, 2> threads;
  std::vector<number> taken;
  number sum = 0;
  std::uint64_t given = 0;
  std::uint64_t done = 0;
  const auto began = clock::now();
  while (done < records) {
    for (; given < records && given - done < capacity; ++given)
      threads[given & 1].give(static_cast<number>(given), {&back});
    back.take(taken);
    for (const auto x : taken)
      sum += x;
    done += taken.size();
    taken.clear();
  }
  const auto took = clock::now() - began;
  const auto n = static_cast<number>(records);
  if (sum != n * (n - 1))
    give_up("wrong result");
  return {took};
}

void stay_on_one_core() {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(0, &one);
  ::sched_setaffinity(0, sizeof(one), &one);
}

outcome run_foreign(std::uint64_t records, weir::output_mode mode, std::size_t capacity, bool pinned) {
  if (pinned)
    stay_on_one_core();
  const auto sum = std::make_shared<checked_sum>();
  std::array<completer<weir::result_future<number>>, 2> threads;
  weir::environment env;
  const auto give = [&](const number& x, weir::result_future<number> done) {
    threads[static_cast<std::size_t>(x & 1)].give(x, std::move(done));
  };
  async_wait(env.from_source(numbers_to(records, sum)), mode, give,
             {.name = "twice", .timeout = 10s, .capacity = capacity})
    .sink_to(checking_sink{sum});
  return run_checked(env, *sum, records, mode);
}

/// Answers at once.
class doubling_connection final : public weir::blocking_connection {
public:
  weir::expected<void> open(const std::vector<weir::statement_declaration>&) override { return {}; }
  weir::expected<weir::answer> execute(weir::statement_id, std::span<const weir::value> arguments,
                                       weir::time_point) override {
    return twice(arguments[0]);
  }
};

/// Through the base for clients that block, with two connections.
outcome run_blocking(std::uint64_t records, weir::output_mode mode, std::size_t capacity) {
  const auto sum = std::make_shared<checked_sum>();
  weir::environment env;
  const auto store = env.client_pool(
    {.name = "store", .driver = blocking_driver_of<doubling_connection>(), .url = "double:"});
  async_wait(env.from_source(numbers_to(records, sum)), mode, doubling_lookup{store},
             {.name = "twice", .timeout = 10s, .capacity = capacity})
    .sink_to(checking_sink{sum});
  return run_checked(env, *sum, records, mode);
}

} // namespace

std::vector<measurement> hand_over() {
  std::vector<measurement> all;
  for (const bool pinned : {false, true})
    for (const std::size_t capacity : {std::size_t{100}, std::size_t{1'000}})
      for (const auto mode : {weir::output_mode::ordered, weir::output_mode::unordered})
        all.push_back({name_of(mode), capacity, 5'000'000, 500'000,
                       [=](std::uint64_t records) { return run_foreign(records, mode, capacity, pinned); },
                       {{"cores", pinned ? 1.0 : 2.0}}});
  for (const std::size_t capacity : {std::size_t{100}, std::size_t{1'000}})
    for (const auto mode : {weir::output_mode::ordered, weir::output_mode::unordered})
      all.push_back({std::string{name_of(mode)} + ", blocking base", capacity, 5'000'000, 500'000,
                     [=](std::uint64_t records) { return run_blocking(records, mode, capacity); }});
  for (const std::size_t capacity : {std::size_t{100}, std::size_t{1'000}})
    all.push_back({"a bare loop, no weir", capacity, 5'000'000, 500'000,
                   [=](std::uint64_t records) { return run_bare(records, capacity); }});
  return all;
}

} // namespace bench
