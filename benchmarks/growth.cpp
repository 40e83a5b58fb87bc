// SPDX-License-Identifier: Apache-2.0
#include "workloads.hpp"

#include "answering_store.hpp"

namespace bench {

namespace {

using namespace std::chrono_literals;

/// A call takes this for each record that may be held, which makes 10 M/s of whatever is held.
constexpr std::chrono::nanoseconds full_each{100};

constexpr auto modes = {weir::output_mode::ordered, weir::output_mode::unordered};

const auto complete_at_once = [](const number& x, weir::result_future<number> done) {
  done.complete(2 * x);
};

outcome run_instant(std::uint64_t records, weir::output_mode mode, std::size_t capacity) {
  const auto sum = std::make_shared<checked_sum>();
  weir::environment env{{.threads = 1}};
  async_wait(env.from_source(numbers_to(records, sum)), mode, complete_at_once,
             {.name = "twice", .timeout = 10s, .capacity = capacity})
    .sink_to(checking_sink{sum});
  return run_checked(env, *sum, records, mode);
}

/// Operators one behind the other: the last doubles, the others pass on.
outcome run_chain(std::uint64_t records, weir::output_mode mode, int operators) {
  const auto sum = std::make_shared<checked_sum>();
  weir::environment env{{.threads = 1}};
  weir::stream<number> at = env.from_source(numbers_to(records, sum));
  const auto pass = [](const number& x, weir::result_future<number> done) { done.complete(x); };
  for (int i = 1; i < operators; ++i)
    at = async_wait(at, mode, pass, {.name = "pass " + std::to_string(i), .timeout = 10s});
  async_wait(at, mode, complete_at_once, {.name = "twice", .timeout = 10s}).sink_to(checking_sink{sum});
  return run_checked(env, *sum, records, mode);
}

/// Operators side by side, each with a source and a sink of its own and its share of the records.
outcome run_side_by_side(std::uint64_t records, weir::output_mode mode, int operators) {
  weir::environment env{{.threads = 1}};
  const auto share = records / static_cast<std::uint64_t>(operators);
  std::vector<std::shared_ptr<checked_sum>> sums;
  for (int i = 0; i < operators; ++i) {
    const auto number = std::to_string(i);
    sums.push_back(std::make_shared<checked_sum>());
    async_wait(env.from_source(numbers_to(share, sums.back()), {.name = "numbers " + number}), mode, complete_at_once,
               {.name = "twice " + number, .timeout = 10s})
      .sink_to(checking_sink{sums.back()}, {.name = "sum " + number});
  }
  const auto ended = env.execute("bench");
  if (!ended.ok())
    give_up(ended.text());
  auto first = clock::time_point::max();
  auto last = clock::time_point::min();
  for (const auto& each : sums) {
    check(*each, share, mode);
    first = std::min(first, each->first_made);
    last = std::max(last, each->last_taken);
  }
  return {last - first};
}

} // namespace

std::vector<measurement> growth() {
  std::vector<measurement> all;
  for (const auto mode : modes)
    for (const std::size_t capacity : {100, 1'000, 10'000, 100'000, 1'000'000})
      all.push_back({std::string{name_of(mode)} + ", at once", capacity, 30'000'000, 3'000'000,
                     [=](std::uint64_t records) { return run_instant(records, mode, capacity); }});
  for (const auto mode : modes)
    for (const std::size_t capacity : {10'000, 100'000, 1'000'000})
      all.push_back({std::string{name_of(mode)} + ", full", capacity, 20'000'000, 5'000'000,
                     [=](std::uint64_t records) {
                       return run_answered_later(records, mode, capacity, full_each * capacity);
                     }});
  for (const auto mode : modes)
    for (const int operators : {1, 4, 16, 64})
      all.push_back({std::string{name_of(mode)} + ", one behind the other", 100,
                     30'000'000u / static_cast<unsigned>(operators), 3'000'000u / static_cast<unsigned>(operators),
                     [=](std::uint64_t records) { return run_chain(records, mode, operators); },
                     {{"operators", operators}}});
  for (const auto mode : modes)
    for (const int operators : {1, 4, 16, 64})
      all.push_back({std::string{name_of(mode)} + ", side by side", 100, 30'000'000, 3'000'000,
                     [=](std::uint64_t records) { return run_side_by_side(records, mode, operators); },
                     {{"operators", operators}}});
  return all;
}

} // namespace bench
