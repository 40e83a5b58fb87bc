// SPDX-License-Identifier: Apache-2.0
//
// What checkpoints cost a job on real threads and a real disk:
// * throughput with a checkpoint each 100 ms and without any, in turn, of calls that complete at once;
// * how long a checkpoint takes where calls take 1 ms and where they take 60 s, 10,000 under way;
// * what it takes on the disk in ordered and in unordered mode where one call of a hundred is slow.
//
//     bench_checkpointed_job [records] [runs] [seconds of each job with slow calls]

#include "measure.hpp"
#include "scratch_folder.hpp"

#include "weir/stored.hpp"
#include "weir/weir.hpp"

#include <array>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using number = std::int64_t;

constexpr auto interval = 100ms;

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

weir::checkpoint_options each(weir::duration often, const bench::scratch_folder& in) {
  weir::checkpoint_options how;
  how.directory = in.in("checkpoints");
  how.interval = often;
  return how;
}

// -- throughput --

/// Sums; what it has is not to be seen before the end.
class summing_sink final : public weir::sink<number> {
public:
  explicit summing_sink(std::shared_ptr<number> into) : into_(std::move(into)) {}
  weir::expected<weir::poll_result> write(weir::batch<number>& in, std::size_t& next,
                                          std::size_t end) override {
    auto sum = *into_;
    for (; next < end; ++next)
      sum += in.value(next);
    *into_ = sum;
    return weir::poll_result{weir::poll_state::done, {}};
  }

private:
  std::shared_ptr<number> into_;
};

/// Its checkpoints.
std::uint64_t run_instant(number records, bool checkpointed) {
  const bench::scratch_folder on;
  const auto sum = std::make_shared<number>(0);
  weir::environment env;
  const auto from = env.from_source(weir::range_source(
    0, static_cast<std::uint64_t>(records), [](std::uint64_t n) { return static_cast<number>(n); }));
  weir::async_data_stream::ordered_wait(
    from, [](const number& x, weir::result_future<number> done) { done.complete(2 * x); },
    {.name = "twice", .timeout = 10s})
    .sink_to(summing_sink{sum});
  if (checkpointed)
    env.enable_checkpointing(each(interval, on));
  auto job = env.start("instant");
  const auto ended = job.wait();
  if (!ended.ok() || *sum != records * (records - 1))
    give_up("wrong result: " + ended.text());
  const auto status = job.status();
  return status.checkpoints ? status.checkpoints->completed : 0;
}

void throughput(number records, long runs) {
  run_instant(records / 10, true);
  std::array<std::vector<bench::sample>, 2> samples;
  std::uint64_t made = 0;
  for (long i = 0; i < runs; ++i)
    for (const bool checkpointed : {false, true})
      samples[checkpointed].push_back(
        bench::timed([&] { made += run_instant(records, checkpointed); }));
  bench::report("P1", "ordered", 100, static_cast<std::uint64_t>(records), samples[0]);
  bench::report("P1 with checkpoints", "ordered", 100, static_cast<std::uint64_t>(records),
                samples[1]);
  std::vector<double> ratios;
  for (std::size_t i = 0; i < samples[0].size(); ++i)
    ratios.push_back(samples[0][i].seconds / samples[1][i].seconds);
  std::printf("{\"workload\":\"checkpoints cost throughput\",\"interval_ms\":100,\"checkpoints\":%llu,"
              "\"ratio_median\":%.3f,\"ratio_min\":%.3f}\n",
              static_cast<unsigned long long>(made), bench::median(ratios),
              *std::min_element(ratios.begin(), ratios.end()));
  std::fflush(stdout);
}

// -- slow calls --

struct value {
  std::array<std::uint64_t, 8> words{};

  template <class Archive>
  void serialize(Archive& archive, std::uint32_t) {
    archive(words);
  }
};

/// Answers so long after the call; of each hundred one may take longer.
class slow_store {
public:
  using future = weir::result_future<value>;

  slow_store(weir::duration most, weir::duration one_of_hundred)
    : lines_{line{most, {}}, line{one_of_hundred, {}}},
      thread_([this](const std::stop_token& stop) { answer(stop); }) {}

  void ask(const value& of, future done) {
    const std::lock_guard guard{mutex_};
    auto& to = lines_[of.words[0] % 100 == 37];
    to.waiting.push_back({clock::now() + to.latency, of, std::move(done)});
  }

private:
  struct question {
    clock::time_point due;
    value of;
    future done;
  };
  struct line {
    weir::duration latency;
    std::deque<question> waiting;
  };

  void answer(const std::stop_token& stop) {
    std::vector<question> due;
    while (!stop.stop_requested()) {
      {
        const std::lock_guard guard{mutex_};
        const auto now = clock::now();
        for (auto& of : lines_)
          for (; !of.waiting.empty() && of.waiting.front().due <= now; of.waiting.pop_front())
            due.push_back(std::move(of.waiting.front()));
      }
      for (auto& each : due)
        each.done.complete(each.of);
      due.clear();
      std::this_thread::sleep_for(100us);
    }
  }

  std::mutex mutex_;
  std::array<line, 2> lines_;
  std::jthread thread_;
};

struct checkpoint_figures {
  std::vector<double> took_ms;
  std::vector<double> bytes;
  std::vector<double> held;
};

checkpoint_figures run_slow(weir::duration most, weir::duration one_of_hundred,
                            weir::output_mode mode, weir::duration how_long) {
  const bench::scratch_folder on;
  slow_store store{most, one_of_hundred};
  weir::environment env;
  const auto from = env.from_source(
    weir::range_source(0, std::uint64_t{1} << 40, [](std::uint64_t n) { return value{{n}}; }));
  const auto ask = [&store](const value& of, weir::result_future<value> done) {
    store.ask(of, std::move(done));
  };
  const weir::operator_options options{.name = "slow", .timeout = 1h, .capacity = 10'000};
  (mode == weir::output_mode::ordered
     ? weir::async_data_stream::ordered_wait(from, ask, options)
     : weir::async_data_stream::unordered_wait(from, ask, options))
    .sink_to([](const value&) {});
  env.enable_checkpointing(each(interval, on));
  checkpoint_figures all;
  {
    auto job = env.start("slow");
    std::uint64_t seen = 0;
    for (const auto end = clock::now() + how_long; clock::now() < end;) {
      std::this_thread::sleep_for(10ms);
      const auto status = job.status();
      // The first find an operator that is not full yet.
      if (status.checkpoints && status.checkpoints->completed != seen
          && (seen = status.checkpoints->completed) > 3) {
        all.took_ms.push_back(static_cast<double>(status.checkpoints->last_took.count()) / 1e6);
        all.bytes.push_back(static_cast<double>(status.checkpoints->last_bytes));
        all.held.push_back(static_cast<double>(status.checkpoints->held));
      }
    }
    job.cancel();
    job.wait();
  }
  if (all.took_ms.empty())
    give_up("no checkpoint was made");
  return all;
}

void report(const char* workload, const char* what, const checkpoint_figures& of) {
  auto took = of.took_ms;
  std::sort(took.begin(), took.end());
  std::printf("{\"workload\":\"%s\",\"mode\":\"%s\",\"capacity\":10000,\"checkpoints\":%zu,"
              "\"took_ms_median\":%.2f,\"took_ms_p90\":%.2f,\"held\":%.0f,\"bytes_median\":%.0f}\n",
              workload, what, took.size(), bench::median(took), took[took.size() * 9 / 10],
              bench::median(of.held), bench::median(of.bytes));
  std::fflush(stdout);
}

} // namespace

WEIR_STORED(value, 1)

int main(int argc, char** argv) {
  const auto argument = [&](int i, long otherwise) {
    return argc > i ? std::strtol(argv[i], nullptr, 10) : otherwise;
  };
  throughput(argument(1, 50'000'000), argument(2, 5));
  const auto seconds = std::chrono::seconds{argument(3, 5)};
  report("checkpoint, calls take", "1 ms",
         run_slow(1ms, 1ms, weir::output_mode::unordered, seconds));
  report("checkpoint, calls take", "60 s",
         run_slow(60s, 60s, weir::output_mode::unordered, seconds));
  report("checkpoint, 1 % of the calls take 500 ms", "ordered",
         run_slow(5ms, 500ms, weir::output_mode::ordered, seconds));
  report("checkpoint, 1 % of the calls take 500 ms", "unordered",
         run_slow(5ms, 500ms, weir::output_mode::unordered, seconds));
}
