// SPDX-License-Identifier: Apache-2.0

// What `weir plan` says, held against what the operator does in virtual time.

#include "../support/allocations.hpp"
#include "../support/scripted_machine.hpp"

#include "plan_command.hpp"
#include "plan_text.hpp"
#include "sizing.hpp"

#include "weir/machine_simulation.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weir::output_mode;
using namespace weir::tool;

namespace {

/// 100 records a second, calls of 5 ms, each hundredth retried 60 s later.
expected_load retried_load() {
  return {.rate = 100, .latency = 5ms, .slowest = 5ms, .retry_share = 0.01, .retry_time = 60s};
}

mode_size size_of(const expected_load& load, output_mode mode) {
  const auto all = size_for(load);
  BOOST_TEST_REQUIRE(all.has_value());
  const auto found = std::find_if(all->modes.begin(), all->modes.end(),
                                  [&](const mode_size& each) { return each.mode == mode; });
  BOOST_TEST_REQUIRE((found != all->modes.end()));
  return *found;
}

/// Records a second that come out of an operator with this capacity, of a store that does as the load says, once what
/// fills up at first is full.
double simulated_rate(const expected_load& load, weir::simulation::scenario_mode mode, std::uint64_t capacity,
                      std::int64_t records) {
  using namespace weir::simulation;
  const auto ms = [](weir::duration d) { return static_cast<millis>(d / 1ms); };
  std::mt19937_64 chance{7};
  const auto share = [&](double of) { return static_cast<double>(chance() >> 11) * 0x1p-53 < of; };
  scenario what;
  what.with.mode = mode;
  what.with.capacity = static_cast<std::size_t>(capacity);
  what.with.timeout = 1'000'000'000;
  what.with.keeps_retrying = true;
  what.with.retry = {.kind = retry_kind::fixed, .max_attempts = 1, .delay = ms(load.retry_time), .if_error = "any"};
  const double between = 1000 / load.rate;
  for (std::int64_t i = 0; i < records; ++i) {
    // Of equal answers by its last digit, which is its key.
    const auto value = 10 * i + static_cast<std::int64_t>(chance() % load.keys.value_or(10));
    what.input.push_back({static_cast<millis>(static_cast<double>(i) * between), record_arrives{value, {}}});
    scenario_answer answer;
    answer.after = ms(load.latency);
    answer.emit = {value};
    auto& answers = what.service[value];
    if (share(load.retry_share)) {
      auto fails = answer;
      fails.error = "busy";
      answers.push_back(fails);
    }
    answers.push_back(answer);
  }
  what.input.push_back({static_cast<millis>(static_cast<double>(records) * between), end_arrives{}});
  const auto got = simulate(what, {.limits = {.steps = 1'000'000'000}});
  BOOST_TEST_REQUIRE((got.has_value() && !got->failed));
  const auto last = static_cast<millis>(static_cast<double>(records) * between);
  const auto first = std::min<millis>(3 * ms(load.retry_time), last / 2);
  const auto left = std::count_if(got->output.begin(), got->output.end(),
                                  [&](const trace_output& each) { return first <= each.at && each.at < last; });
  return 1000.0 * static_cast<double>(left) / static_cast<double>(last - first);
}

} // namespace

BOOST_AUTO_TEST_SUITE(sizes)

BOOST_AUTO_TEST_CASE(one_percent_retried_for_a_minute_is_sixty_records_at_a_hundred_a_second) {
  // Of Flink's page on the operator's retries.
  const auto of = size_of(retried_load(), output_mode::unordered);
  BOOST_TEST(*of.held == 0.5 + 60, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(of.capacity == 61u);
  BOOST_TEST(of.formula == "rate x latency + rate x retry share x retry time = 0.5 + 60");
}

BOOST_AUTO_TEST_CASE(in_order_all_behind_the_retried_record_wait_with_it) {
  BOOST_TEST(size_of(retried_load(), output_mode::ordered).capacity == 6001u);
}

BOOST_AUTO_TEST_CASE(with_what_is_planned_the_rate_is_carried_and_with_less_it_is_not) {
  auto load = retried_load();
  load.retry_time = 20s;
  for (const auto& [mode, simulated] : {std::pair{output_mode::unordered, weir::simulation::scenario_mode::unordered},
                                        {output_mode::ordered, weir::simulation::scenario_mode::ordered}}) {
    const auto capacity = size_of(load, mode).capacity;
    BOOST_TEST_INFO("capacity " << capacity);
    BOOST_TEST(simulated_rate(load, simulated, capacity + capacity / 10, 20'000) >= 95.0);
    BOOST_TEST(simulated_rate(load, simulated, capacity - capacity / 5, 20'000) <= 95.0);
  }
}

BOOST_AUTO_TEST_CASE(by_key_records_wait_behind_their_key) {
  auto load = retried_load();
  load.retry_time = 3s;
  load.keys = 10;
  const auto of = size_of(load, output_mode::key_ordered);
  BOOST_TEST_REQUIRE(of.held.has_value());
  // A key is busy for 35 % of the time.
  BOOST_TEST(of.capacity > 50u);
  BOOST_TEST_INFO("capacity " << of.capacity);
  BOOST_TEST(simulated_rate(load, weir::simulation::scenario_mode::key_ordered, of.capacity, 40'000) >= 90.0);
  BOOST_TEST(simulated_rate(load, weir::simulation::scenario_mode::key_ordered, of.capacity / 3, 40'000) < 90.0);
}

BOOST_AUTO_TEST_CASE(what_no_capacity_carries_is_said) {
  auto load = retried_load();
  load.keys = 10;
  const auto of = size_of(load, output_mode::key_ordered);
  BOOST_TEST(!of.held.has_value());
  BOOST_TEST(of.formula
             == "a key has 10/s and carries at most 1 / (latency + retry share x retry time) = 1.65/s");
  const auto text = sizing_text(load, *size_for(load));
  BOOST_TEST(text.find("key_ordered         none           -") != text.npos, text);
}

BOOST_AUTO_TEST_CASE(calls_and_instances_follow_the_rate) {
  const auto of = size_for({.rate = 3.5e6, .latency = 2ms, .slowest = 2ms});
  BOOST_TEST_REQUIRE(of.has_value());
  BOOST_TEST(of->calls == 7000.0, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(of->parallelism == 4u);
}

BOOST_AUTO_TEST_CASE(a_load_that_makes_no_sense_is_refused_by_what_is_wrong) {
  const auto fault = [](expected_load load) {
    const auto of = size_for(load);
    return of ? std::string{"none"} : of.why().thing();
  };
  const expected_load good{.rate = 1, .latency = 1ms, .slowest = 1ms};
  BOOST_TEST(fault(good) == "none");
  const auto with = [&](auto change) {
    auto load = good;
    change(load);
    return fault(load);
  };
  BOOST_TEST(with([](auto& l) { l.rate = 0; }) == "rate");
  BOOST_TEST(with([](auto& l) { l.rate = std::nan(""); }) == "rate");
  BOOST_TEST(with([](auto& l) { l.rate = 1e13; }) == "rate");
  BOOST_TEST(with([](auto& l) { l.latency = 0ms; }) == "latency");
  BOOST_TEST(with([](auto& l) { l.slowest = 1us; }) == "slowest");
  BOOST_TEST(with([](auto& l) { l.retry_share = 1.1; }) == "retry share");
  BOOST_TEST(with([](auto& l) { l.retry_share = 0.5; }) == "retry time");
  BOOST_TEST(with([](auto& l) { l.keys = 0; }) == "keys");
}

BOOST_AUTO_TEST_CASE(an_entry_holds_no_more_than_is_planned_for_it) {
  // GIVEN an operator that holds 100,000 records, all under way
  constexpr int held = 100'000;
  using weir::testing::item;
  std::vector<weir::result_future<item>> futures;
  futures.reserve(held);
  const weir::testing::script does{
    .call = [&](const item&, weir::result_future<item> done) { futures.push_back(std::move(done)); }, .timeout = {}};
  weir::testing::journal_output<item> out{[](const item&, weir::event_time, const weir::origin&) {},
                                          [](const weir::control&) {}};
  for (const auto mode : {output_mode::ordered, output_mode::unordered, output_mode::key_ordered}) {
    weir::batch<item> in;
    for (int i = 0; i < 1000; ++i)
      in.append({i, 8}, weir::event_time::none(), {std::uint64_t(i), 0, 0}, weir::hash_of_key(i));
    const auto before = weir::testing::allocated_bytes();
    const auto machine = weir::testing::scripted_machine::make(
      {.name = "op", .timeout = 10s, .capacity = held}, mode, does);
    for (int batches = 0; batches < held / 1000; ++batches) {
      weir::batch_cursor at;
      machine->take(in, at, {out, nullptr}, weir::time_point{});
    }
    BOOST_TEST_REQUIRE(machine->size() == std::size_t{held});
    // THEN each costs that beside its record, which is 16 bytes here
    const auto bytes = static_cast<double>(weir::testing::allocated_bytes() - before) / held;
    BOOST_TEST_MESSAGE("bytes an entry: " << bytes);
    BOOST_TEST(bytes - sizeof(item) <= static_cast<double>(entry_bytes));
    BOOST_TEST(bytes >= static_cast<double>(entry_bytes) / 3);
    futures.clear();
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(plans)

namespace {

struct summary_file {
  explicit summary_file(const std::string& text)
    : path(std::filesystem::temp_directory_path() / ("weir_plan_" + std::to_string(::getpid()) + ".json")) {
    std::ofstream{path} << text;
  }
  ~summary_file() { std::filesystem::remove(path); }
  std::filesystem::path path;
};

std::string fault_of(const plan_arguments& of) {
  const auto load = load_of(of);
  return load ? "none" : load.why().thing() + ": " + load.why().message();
}

} // namespace

BOOST_AUTO_TEST_CASE(options_are_read_as_a_person_writes_them) {
  const auto load = load_of({.rate = 100, .latency = "5ms", .retry_share = "1%", .retry_time = "60s", .record_size = "2KiB"});
  BOOST_TEST_REQUIRE(load.has_value());
  BOOST_TEST((load->latency == 5ms));
  BOOST_TEST((load->slowest == 5ms));
  BOOST_TEST(load->retry_share == 0.01, boost::test_tools::tolerance(1e-9));
  BOOST_TEST((load->retry_time == 60s));
  BOOST_TEST(load->record_bytes == 2048u);
  BOOST_TEST(load_of({.rate = 1, .latency = "5ms", .retry_share = "0.25"})->retry_share == 0.25);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_named) {
  BOOST_TEST(fault_of({.rate = 1}) == "--latency: must be given, or --summary, which has it");
  BOOST_TEST(fault_of({.rate = 1, .latency = "5"}).starts_with("--latency 5: must be a time such as"));
  BOOST_TEST(fault_of({.rate = 1, .latency = "5ms", .retry_share = "few"})
             == "--retry-share few: must be a share such as 0.01 or 1%");
  BOOST_TEST(fault_of({.rate = 1, .latency = "5ms", .record_size = "2"}).starts_with("--record-size 2: must be a size"));
  BOOST_TEST(fault_of({.rate = 1, .summary = "/nowhere"}).starts_with("/nowhere: cannot be opened"));
  const summary_file text{"not JSON"};
  BOOST_TEST(fault_of({.rate = 1, .summary = text.path}).find("is not the summary of a run") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_summary_gives_what_the_options_leave_open) {
  const summary_file of{R"({"lookups":[{"name":"a","records_in":1000,"retries":20,"call_mean_ms":4.5,"call_max_ms":80.0},
    {"name":"b","records_in":10,"retries":0,"call_mean_ms":null,"call_max_ms":null}]})"};
  plan_arguments arguments{.rate = 10, .retry_time = "2s", .summary = of.path, .lookup = "a"};
  const auto load = load_of(arguments);
  BOOST_TEST_REQUIRE(load.has_value());
  BOOST_TEST((load->latency == 4500us));
  BOOST_TEST((load->slowest == 80ms));
  BOOST_TEST(load->retry_share == 0.02, boost::test_tools::tolerance(1e-9));
  arguments.latency = "7ms";
  BOOST_TEST((load_of(arguments)->latency == 7ms));
  arguments.lookup = "c";
  BOOST_TEST(fault_of(arguments).ends_with("which has a, b"));
  arguments.lookup = "";
  BOOST_TEST(fault_of(arguments).ends_with("choose one with --lookup: a, b"));
  arguments.lookup = "b";
  BOOST_TEST(fault_of(arguments).find("says no times of calls") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
