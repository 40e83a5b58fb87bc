// SPDX-License-Identifier: Apache-2.0

/// Any bytes, read as scenarios and as traces; what is without mistakes is run, drawn and explored.

#include "exploration.hpp"
#include "scenario_reader.hpp"
#include "timeline.hpp"
#include "trace_check.hpp"
#include "trace_text.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using namespace weir;
using namespace weir::tool;

/// Ends the process where a promise of the reader's is broken.
void expect(bool holds) {
  if (!holds)
    std::abort();
}

void run_and_draw(const simulation::scenario& what) {
  constexpr simulation::simulation_limits few{.steps = 2'000};
  std::vector<simulation::happening> log;
  const auto came = simulation::simulate(what, {.log = &log, .limits = few});
  if (!came)
    return;
  static_cast<void>(timeline_text(what, log));
  // What is printed can be read, and is the same.
  const auto read = parse_traces(trace_json(*came), "trace");
  expect(read.mistakes.empty() && read.all.size() == 1);
  expect(difference_text(read.all.front().what, *came).empty());
  const auto explored
    = explore(what, {1, 2}, [&](const simulation::scenario& of, const simulation::event_chooser& choose) {
        return simulation::simulate(of, {.limits = few, .choose = choose});
      });
  expect(!explored || !explored->found);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view content{reinterpret_cast<const char*>(data), size};
  for (const auto& each : parse_scenarios(content, "scenarios").all)
    run_and_draw(each.what);
  for (const auto& each : parse_traces(content, "traces").all)
    static_cast<void>(trace_json(each.what));
  return 0;
}
