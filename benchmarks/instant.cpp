// SPDX-License-Identifier: Apache-2.0
//
// P1: what the operator itself costs. Source, async wait operator whose call completes at once, sink;
// 64-bit integers, result 2x, capacity 100. The sink checks the order (ordered) and the sum.
//
//     bench_instant [records] [runs] [threads]

#include "measure.hpp"

#include "weir/weir.hpp"

#include <cstdlib>
#include <memory>
#include <string>

namespace {

struct checked {
  std::int64_t sum = 0;
  std::int64_t last = -1;
  bool in_order = true;
};

/// Sums, and looks whether the numbers ascend.
class checking_sink final : public weir::sink<std::int64_t> {
public:
  explicit checking_sink(std::shared_ptr<checked> into) : into_(std::move(into)) {}

  weir::expected<weir::poll_result> write(weir::batch<std::int64_t>& in, std::size_t& next,
                                          std::size_t end) override {
    auto now = *into_;
    for (; next < end; ++next) {
      const auto x = in.value(next);
      now.sum += x;
      now.in_order = now.in_order && x > now.last;
      now.last = x;
    }
    *into_ = now;
    return weir::poll_result{weir::poll_state::done, {}};
  }

private:
  std::shared_ptr<checked> into_;
};

/// One run; ends the program where the result is wrong.
void run(std::int64_t records, bool ordered, std::uint32_t threads) {
  auto result = std::make_shared<checked>();
  weir::environment env{{.threads = threads}};
  const auto number = [](std::uint64_t n) { return static_cast<std::int64_t>(n); };
  const auto from = env.from_source(
    weir::range_source(0, static_cast<std::uint64_t>(records), number));
  const auto twice = [](const std::int64_t& x, weir::result_future<std::int64_t> done) {
    done.complete(2 * x);
  };
  const weir::operator_options options{.name = "twice", .timeout = std::chrono::seconds{10}};
  const auto doubled = ordered ? weir::async_data_stream::ordered_wait(from, twice, options)
                               : weir::async_data_stream::unordered_wait(from, twice, options);
  doubled.sink_to(checking_sink{result});
  const auto ended = env.execute("instant");
  if (!ended.ok() || result->sum != records * (records - 1) || (ordered && !result->in_order)) {
    std::fprintf(stderr, "wrong result\n");
    std::exit(1);
  }
}

} // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int i, long otherwise) {
    return argc > i ? std::strtol(argv[i], nullptr, 10) : otherwise;
  };
  const auto records = argument(1, 50'000'000);
  const auto runs = argument(2, 5);
  const auto threads = static_cast<std::uint32_t>(argument(3, 0));
  for (const bool ordered : {true, false}) {
    run(records / 10, ordered, threads);
    std::vector<bench::sample> samples;
    for (long i = 0; i < runs; ++i)
      samples.push_back(bench::timed([&] { run(records, ordered, threads); }));
    bench::report("P1", ordered ? "ordered" : "unordered", 100,
                  static_cast<std::uint64_t>(records), samples);
  }
}
