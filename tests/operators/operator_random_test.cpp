// SPDX-License-Identifier: Apache-2.0

/// Random scenarios: the machine must do what the reference model does, and what the order of
/// output promises must hold by itself. `weir_operators_tests -t operator_random -- SEED [CASES]`
/// starts elsewhere.

#include "../support/seeds.hpp"
#include "../support/machine_run.hpp"
#include "../support/random_scenario.hpp"
#include "../support/reference_model.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <map>
#include <optional>
#include <set>

namespace {

using namespace weir;
using namespace weir::testing;

/// Number of borders before each record, and whether the scenario's borders are `borders` in a row.
std::vector<std::size_t> borders_before_records(const scenario& s) {
  std::vector<std::size_t> before;
  std::size_t borders = 0;
  for (const auto& x : s.input)
    if (x.kind == element_kind::record)
      before.push_back(borders);
    else if (x.kind != element_kind::end)
      ++borders;
  return before;
}

std::vector<int> values_of_records(const scenario& s) {
  std::vector<int> values;
  for (const auto& x : s.input)
    if (x.kind == element_kind::record)
      values.push_back(x.value);
  return values;
}

/// What holds for every output, whatever the service does; empty = it holds.
std::string broken_promise(const scenario& s, const trace& t) {
  const auto before = borders_before_records(s);
  const auto values = values_of_records(s);
  std::map<int, std::optional<std::uint64_t>> newest_of_key;
  std::set<std::uint64_t> seen;
  std::optional<std::uint64_t> last;
  std::size_t borders = 0;
  for (const auto& x : t.output) {
    if (!x.from) {
      if (x.text == "end" && &x != &t.output.back())
        return "something leaves after the end of input";
      ++borders;
      continue;
    }
    if (before[*x.from] != borders)
      return "record " + std::to_string(*x.from) + " passed a border";
    if (x.from == last)
      continue;
    if (!seen.insert(*x.from).second)
      return "the results of record " + std::to_string(*x.from) + " do not stay together";
    if (s.with.mode == output_mode::ordered && last && *x.from < *last)
      return "record " + std::to_string(*x.from) + " left out of order";
    if (s.with.mode == output_mode::key_ordered) {
      auto& newest = newest_of_key[key_of(values[*x.from])];
      if (newest && *x.from < *newest)
        return "record " + std::to_string(*x.from) + " left out of the order of its key";
      newest = *x.from;
    }
    last = x.from;
  }
  return {};
}

/// What is wrong with the machine's run of the scenario; empty = nothing.
std::string fault(const scenario& s) {
  const auto expected = reference_model{s}.run();
  const auto actual = machine_run{s}.run();
  if (const auto broken = broken_promise(s, actual); !broken.empty())
    return broken;
  return expected == actual ? "" : "the machine differs from the model";
}

/// The texts of the output without their times.
std::vector<std::string> sequence(const trace& t) {
  std::vector<std::string> texts;
  for (const auto& x : t.output)
    texts.push_back(x.text);
  return texts;
}

/// Leaves out of the scenario what does not matter to the fault.
scenario shrink(scenario s) {
  const auto try_without = [&](auto change) {
    auto smaller = s;
    change(smaller);
    if (fault(smaller).empty())
      return false;
    s = std::move(smaller);
    return true;
  };
  for (std::size_t i = 0; i < s.input.size();)
    if (!try_without([&](scenario& x) { x.input.erase(x.input.begin() + static_cast<long>(i)); }))
      ++i;
  for (int value = 0; value < 20; ++value)
    try_without([&](scenario& x) { x.service.erase(value); });
  for (std::size_t i = 0; i < s.grants.size();)
    if (!try_without([&](scenario& x) { x.grants.erase(x.grants.begin() + static_cast<long>(i)); }))
      ++i;
  try_without([](scenario& x) { x.with.retry = {}; });
  try_without([](scenario& x) { x.with.rules.clear(); });
  try_without([](scenario& x) { x.with.hook = {}; });
  try_without([](scenario& x) { x.with.at_end = end_policy::last_attempt; });
  try_without([](scenario& x) { x.with.max_concurrent_calls = 0; });
  try_without([](scenario& x) { x.with.capacity_bytes = 1u << 20; });
  try_without([](scenario& x) { x.with.capacity = 100, x.with.max_concurrent_calls = 0; });
  try_without([](scenario& x) { x.with.timeout = 0, x.with.retry = {}; });
  return s;
}

/// Reports the fault of the scenario, if it has one.
bool holds(const scenario& s, std::uint64_t seed) {
  if (fault(s).empty())
    return true;
  const auto small = shrink(s);
  std::ostringstream report;
  report << "seed " << seed << ": " << fault(small) << "\n"
         << small << "model:\n"
         << reference_model{small}.run() << "machine:\n"
         << machine_run{small}.run();
  BOOST_ERROR(report.str());
  return false;
}

} // namespace

BOOST_AUTO_TEST_SUITE(operator_random)

BOOST_AUTO_TEST_CASE(the_machine_does_what_the_model_does) {
  const auto [first, count] = seeds(20'000);
  const auto end = first + count;
  BOOST_TEST_MESSAGE("seeds " << first << " to " << end - 1);
  for (auto seed = first; seed < end; ++seed) {
    scenario_maker maker{seed};
    auto s = maker.make();
    if (!holds(s, seed))
      return;
    const auto free = machine_run{s}.run();
    maker.limit_room(s);
    if (!holds(s, seed))
      return;
    // Where nothing that is held back keeps others out, lack of room changes times alone.
    const bool roomy = s.with.capacity == 100 && s.with.max_concurrent_calls == 0
                       && s.with.capacity_bytes == settings{}.capacity_bytes;
    const auto limited = machine_run{s}.run();
    if (!roomy || limited.failure)
      continue;
    if (limited.calls != free.calls || sequence(limited) != sequence(free)) {
      std::ostringstream report;
      report << "seed " << seed << ": room changed more than times\n"
             << s << "with room:\n"
             << free << "without:\n"
             << limited;
      BOOST_ERROR(report.str());
      return;
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
