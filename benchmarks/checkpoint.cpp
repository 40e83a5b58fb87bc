// SPDX-License-Identifier: Apache-2.0
//
// What a checkpoint costs an operator with records in flight, values of 64 bytes whose calls run: the pause that a
// barrier makes (from its batch to the state that is handed over, all in one thread), the size of the state, and how
// long another operator takes to go on from a large one.
//
//     bench_checkpoint [in flight] [barriers] [entries to restore]

#include "measure.hpp"

#include "weir/operator_body.hpp"
#include "weir/operator_rig.hpp"
#include "weir/stored.hpp"
#include "weir/virtual_system.hpp"

#include <array>
#include <cstdlib>
#include <memory>
#include <random>
#include <typeinfo>
#include <utility>
#include <vector>

namespace {

struct large_value {
  std::array<std::uint64_t, 8> words{};

  template <class Archive>
  void serialize(Archive& archive, std::uint32_t) {
    archive(words);
  }
};

using future = weir::result_future<large_value>;

struct held_calls : weir::async_function<large_value, large_value> {
  explicit held_calls(std::vector<future>& to) : calls(&to) {}
  void async_invoke(const large_value&, future done) { calls->push_back(std::move(done)); }
  std::vector<future>* calls;
};

/// An operator in virtual time, and its calls that run.
struct lone_operator {
  explicit lone_operator(std::size_t capacity,
                         std::shared_ptr<const weir::operator_state> from = nullptr) {
    weir::operator_options options;
    options.name = "held";
    options.timeout = std::chrono::minutes{1};
    options.capacity = capacity;
    options.max_concurrent_calls = capacity;
    options.capacity_bytes = std::size_t{1} << 40;
    weir::operator_plan plan{options, weir::output_mode::unordered,
                             [this](weir::operator_parts parts) {
                               return std::make_unique<weir::async_operator_body<held_calls>>(
                                 std::move(parts), held_calls{calls});
                             }};
    plan.types = {&typeid(large_value), &typeid(large_value)};
    weir::operator_rig_settings settings;
    settings.restored = std::move(from);
    rig = std::make_unique<weir::operator_rig>(system, std::move(plan),
                                               std::vector<weir::pool_plan>{}, std::move(settings));
    if (!rig->start().empty() || rig->failure())
      std::exit(1);
  }

  ~lone_operator() {
    rig.reset();
    calls.clear();
  }

  void push(std::size_t records) {
    auto in = std::make_unique<weir::batch<large_value>>();
    for (std::size_t i = 0; i < records; ++i, ++position)
      in->append(large_value{{position}}, weir::event_time{static_cast<std::int64_t>(position)},
                 {100 * position, 0, 0});
    rig->feed(std::move(in));
    system.run();
  }

  /// Half of the calls come to an end, whichever, and as many records come: so entries lie in any order.
  void turn_over(std::mt19937_64& chance) {
    std::shuffle(calls.begin(), calls.end(), chance);
    const auto half = calls.size() / 2;
    for (std::size_t i = 0; i < half; ++i, calls.pop_back())
      calls.back().complete(large_value{});
    system.run();
    rig->take_output();
    push(half);
  }

  void pass_barrier() {
    auto in = std::make_unique<weir::batch<large_value>>();
    static_cast<weir::batch_base&>(*in).append(weir::control::barrier(++barriers));
    rig->feed(std::move(in));
    system.run_messages();
  }

  weir::virtual_system system;
  std::vector<future> calls;
  std::unique_ptr<weir::operator_rig> rig;
  std::uint64_t position = 0;
  std::uint64_t barriers = 0;
};

double microseconds(const bench::sample& of) {
  return of.seconds * 1e6;
}

} // namespace

WEIR_STORED(large_value, 1)

int main(int argc, char** argv) {
  const auto argument = [&](int i, long otherwise) {
    return static_cast<std::size_t>(argc > i ? std::strtol(argv[i], nullptr, 10) : otherwise);
  };
  const auto in_flight = argument(1, 10'000);
  const auto barriers = argument(2, 1'000);
  const auto restored = argument(3, 1'000'000);
  {
    std::mt19937_64 chance{1};
    lone_operator of{in_flight};
    of.push(in_flight);
    for (int i = 0; i < 10; ++i)
      of.turn_over(chance);
    std::vector<double> pauses;
    for (std::size_t i = 0; i < barriers; ++i) {
      of.turn_over(chance);
      pauses.push_back(microseconds(bench::timed([&] { of.pass_barrier(); })));
    }
    std::sort(pauses.begin(), pauses.end());
    const auto entries = of.rig->state()->summary.entries.running;
    std::printf(
      "{\"workload\":\"barrier\",\"in_flight\":%llu,\"barriers\":%zu,\"pause_us_p50\":%.0f,"
      "\"pause_us_p99\":%.0f,\"pause_us_max\":%.0f,\"bytes_per_entry\":%.1f}\n",
      static_cast<unsigned long long>(entries), barriers, pauses[barriers / 2],
      pauses[barriers * 99 / 100], pauses.back(),
      static_cast<double>(of.rig->state()->bytes.size()) / static_cast<double>(entries));
    std::fflush(stdout);
  }
  std::shared_ptr<const weir::operator_state> state;
  {
    lone_operator of{restored};
    of.push(restored);
    of.pass_barrier();
    state = of.rig->state();
  }
  std::unique_ptr<lone_operator> next;
  const auto took
    = bench::timed([&] { next = std::make_unique<lone_operator>(restored, state); });
  std::printf("{\"workload\":\"restore\",\"entries\":%zu,\"mib\":%.1f,\"seconds\":%.3f,"
              "\"called\":%zu,\"peak_rss_mib\":%.1f}\n",
              restored, static_cast<double>(state->bytes.size()) / (1024 * 1024), took.seconds,
              next->calls.size(), bench::peak_rss_mib());
}
