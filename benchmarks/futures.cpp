// SPDX-License-Identifier: Apache-2.0
//
// What it costs to have std::futures waited for: how late they are found, by their age and by how many
// are under way, and what the processor does while none of them becomes ready.
//
//     bench_futures [rounds]

#include "measure.hpp"

#include "weir/awaited_std_future.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <thread>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;

/// When a future became ready, and how late it was told.
struct found_late {
  clock_type::time_point made_ready;
  std::atomic<std::int64_t> late_ns{-1};
};

struct noting {
  found_late* to;

  template <class Future>
  void ready(Future& of) {
    of.get();
    to->late_ns = std::chrono::nanoseconds{clock_type::now() - to->made_ready}.count();
    to->late_ns.notify_one();
  }
  void expired() {}
};

template <class Note>
void wait_for(weir::future_waiter& in, std::future<int> what, Note note) {
  in.wait_for(std::make_unique<weir::awaited_std_future<std::future<int>, Note>>(std::move(what), note),
              weir::time_point::max());
}

/// One future becomes ready at this age, while `others` are under way; and again, `rounds` times.
void lateness(std::size_t threads, std::chrono::microseconds age, std::size_t others, long rounds) {
  std::vector<std::promise<int>> pending(others);
  weir::future_waiter waiter{"bench", threads};
  if (!waiter.open())
    std::exit(1);
  std::vector<found_late> unused(others);
  for (std::size_t i = 0; i < others; ++i)
    wait_for(waiter, pending[i].get_future(), noting{&unused[i]});
  std::vector<double> late_us;
  double asked_ns = 0;
  for (long n = 0; n < rounds; ++n) {
    found_late found;
    std::promise<int> promise;
    auto future = promise.get_future();
    const auto begin = clock_type::now();
    wait_for(waiter, std::move(future), noting{&found});
    asked_ns += static_cast<double>((clock_type::now() - begin).count());
    std::this_thread::sleep_for(age);
    found.made_ready = clock_type::now();
    promise.set_value(1);
    found.late_ns.wait(-1);
    late_us.push_back(static_cast<double>(found.late_ns) / 1e3);
  }
  std::sort(late_us.begin(), late_us.end());
  const auto quantile = [&](double q) {
    const auto rank = static_cast<std::size_t>(q * static_cast<double>(late_us.size()));
    return late_us[std::min(late_us.size() - 1, rank)];
  };
  std::printf("{\"workload\":\"futures, lateness\",\"threads\":%zu,\"age_us\":%lld,\"others\":%zu,"
              "\"rounds\":%ld,\"late_us_median\":%.0f,\"late_us_p99\":%.0f,\"ask_ns_mean\":%.0f}\n",
              threads, static_cast<long long>(age.count()), others, rounds, quantile(0.5), quantile(0.99),
              asked_ns / static_cast<double>(rounds));
  std::fflush(stdout);
}

/// Futures that do not become ready, in their first second and after it.
void idle(std::size_t threads, std::size_t count) {
  std::vector<std::promise<int>> pending(count);
  std::vector<found_late> unused(count);
  weir::future_waiter waiter{"bench", threads};
  if (!waiter.open())
    std::exit(1);
  for (std::size_t i = 0; i < count; ++i)
    wait_for(waiter, pending[i].get_future(), noting{&unused[i]});
  for (const char* when : {"first second", "later"}) {
    const auto used = bench::timed([] { std::this_thread::sleep_for(std::chrono::seconds{1}); });
    std::printf("{\"workload\":\"futures, idle\",\"threads\":%zu,\"futures\":%zu,\"when\":\"%s\","
                "\"cpu_percent_of_a_core\":%.2f}\n",
                threads, count, when, 100 * used.cpu / used.seconds);
    std::fflush(stdout);
  }
}

} // namespace

int main(int argc, char** argv) {
  const long rounds = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 200;
  using std::chrono::microseconds;
  for (const std::size_t threads : {1, 4})
    for (const std::size_t others : {0, 100, 10'000})
      for (const auto age : {microseconds{0}, microseconds{200}, microseconds{1'000}, microseconds{10'000},
                             microseconds{100'000}})
        lateness(threads, age, others, age < microseconds{100'000} ? rounds : std::min(rounds, 50L));
  for (const std::size_t threads : {1, 4})
    for (const std::size_t count : {0, 1, 100, 10'000})
      idle(threads, count);
}
