// SPDX-License-Identifier: Apache-2.0
//
// What a scenario costs: records that arrive one a millisecond, each called once and answered 5 ms later, with a
// timeout, run again and again. On the bare machine, and on the operator's actor under the testing scheduler.
//
//     bench_simulate [records] [runs] [mode]

#include "measure.hpp"

#include "weir/actor_simulation.hpp"
#include "weir/machine_simulation.hpp"

#include <cstdlib>

namespace {

using namespace weir::simulation;

constexpr std::int64_t in_a_scenario = 1'000;

scenario thousand_records(scenario_mode mode) {
  scenario made;
  made.name = "a thousand records";
  made.with.mode = mode;
  made.with.timeout = 1'000;
  for (std::int64_t i = 0; i < in_a_scenario; ++i) {
    made.input.emplace_back(i, record_arrives{i, {}});
    scenario_answer answer;
    answer.after = 5;
    answer.emit = {2 * i};
    made.service[i].push_back(answer);
  }
  made.input.emplace_back(in_a_scenario, end_arrives{});
  return made;
}

const char* name_of(scenario_mode mode) {
  switch (mode) {
    case scenario_mode::ordered: return "ordered";
    case scenario_mode::unordered: return "unordered";
    case scenario_mode::key_ordered: return "key_ordered";
  }
  return "";
}

template <class Simulate>
void measure(const char* workload, Simulate simulate, scenario_mode mode, std::int64_t records, long runs) {
  const auto what = thousand_records(mode);
  const auto work = [&] {
    for (std::int64_t done = 0; done < records; done += in_a_scenario) {
      const auto got = simulate(what);
      if (!got || got->output.size() != static_cast<std::size_t>(in_a_scenario)) {
        std::fprintf(stderr, "wrong result\n");
        std::exit(1);
      }
    }
  };
  work();
  std::vector<bench::sample> samples;
  for (long i = 0; i < runs; ++i)
    samples.push_back(bench::timed(work));
  bench::report(workload, name_of(mode), what.with.capacity, static_cast<std::uint64_t>(records), samples);
}

} // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int i, long otherwise) {
    return argc > i ? std::strtol(argv[i], nullptr, 10) : otherwise;
  };
  const auto records = (argument(1, 200'000) / in_a_scenario) * in_a_scenario;
  const auto runs = argument(2, 5);
  for (const auto mode : {scenario_mode::ordered, scenario_mode::unordered, scenario_mode::key_ordered}) {
    if (argc > 3 && std::string{argv[3]} != name_of(mode))
      continue;
    measure("simulate", [](const scenario& of) { return simulate(of); }, mode, records, runs);
    measure("simulate, actors", [](const scenario& of) { return simulate_on_actors(of); }, mode, records, runs);
  }
}
