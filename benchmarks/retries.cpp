// SPDX-License-Identifier: Apache-2.0
#include "workloads.hpp"

#include "weir/machine_simulation.hpp"

#include <algorithm>
#include <string>

namespace bench {

namespace {

using namespace weir::simulation;

constexpr millis between = 10;
constexpr millis answer_after = 5;
constexpr millis retry_after = 60'000;

/// 100 records a second; each hundredth fails at first, and is retried 60 s later.
scenario records_with_retries(std::int64_t records, scenario_mode mode, std::size_t capacity) {
  scenario made;
  made.with.mode = mode;
  made.with.capacity = capacity;
  made.with.retry = {.kind = retry_kind::fixed, .max_attempts = 1, .delay = retry_after, .if_error = "any"};
  made.with.timeout = 1'000'000'000;
  made.with.keeps_retrying = true;
  for (std::int64_t i = 0; i < records; ++i) {
    made.input.emplace_back(i * between, record_arrives{i, {}});
    scenario_answer answer;
    answer.after = answer_after;
    answer.emit = {2 * i};
    auto& answers = made.service[i];
    if (i % 100 == 37) {
      auto fails = answer;
      fails.error = "busy";
      answers.push_back(fails);
    }
    answers.push_back(answer);
  }
  made.input.emplace_back(records * between, end_arrives{});
  return made;
}

outcome run(std::uint64_t records, scenario_mode mode, std::size_t capacity) {
  const auto n = static_cast<std::int64_t>(records);
  const auto what = records_with_retries(n, mode, capacity);
  const auto began = clock::now();
  const auto got = simulate(what, {.limits = {.steps = 1'000'000'000}});
  const auto took = clock::now() - began;
  if (!got || got->failed || got->output.size() != records)
    give_up("wrong result");
  // Behind what fills up at first, and as long as records come.
  const auto last = n * between;
  const auto first = std::min<millis>(3 * retry_after, last / 2);
  const auto left = std::ranges::count_if(
    got->output, [&](const trace_output& each) { return first <= each.at && each.at < last; });
  return {took, {{"virtual_records_per_s", 1000.0 * static_cast<double>(left) / static_cast<double>(last - first)}}};
}

} // namespace

std::vector<measurement> retries() {
  std::vector<measurement> all;
  for (const auto& [name, mode] :
       {std::pair{"ordered", scenario_mode::ordered}, {"unordered", scenario_mode::unordered}})
    for (const std::size_t capacity : {10, 30, 50, 60, 61, 70, 100, 300, 1'000, 3'000, 6'000, 6'100, 10'000}) {
      measurement made{name, capacity, 60'000, 40'000,
                       [=](std::uint64_t records) { return run(records, mode, capacity); }};
      made.warms_up = false;
      all.push_back(std::move(made));
    }
  return all;
}

} // namespace bench
