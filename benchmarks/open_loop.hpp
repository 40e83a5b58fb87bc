// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Latency under a load that does not wait for what it loads. Each trip is to begin at a time that the rate alone
/// gives, and its latency counts from then: one that begins late, since those before it held up the sender, has
/// waited, and that is in the figures. For workloads that compare what ways add to a record's time.
///
/// Where there are few cores the sender competes for them with what it loads, and who has one may keep it until the
/// kernel's next tick, 4 ms. With 2 cores, at half of the highest rate, a sender that spins or yields in each turn
/// showed that competition: 0.14 to 1.8 ms at the median; one that sleeps for 10 us where nothing is due showed 0.07 to
/// 0.17. So it sleeps. That it is late by that, and then sends at once what has come due, is in the figures of all ways.

#include "suite.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <sys/prctl.h>
#include <thread>
#include <vector>

namespace bench {

struct trip {
  std::uint64_t number = 0;
  clock::time_point intended{};
  /// Between them its call runs, whose time is not the way's. The same: there was none.
  clock::time_point asked{};
  clock::time_point answered{};
};

/// What a way has added to one trip.
struct added_time {
  clock::duration before_call{};
  clock::duration after_call{};

  clock::duration whole() const { return before_call + after_call; }
};

/// Where trips arrive, by one thread at a time. Who sends them begins and waits.
class arrivals {
public:
  /// Trips 0 to `trips`, less 1, are about to be sent; all of the last journey have arrived.
  void begin(std::uint64_t trips, bool in_order) {
    all_.assign(trips, missing);
    in_order_ = in_order;
    arrived_.store(0, std::memory_order_release);
  }

  void arrive(const trip& of) {
    const auto before = arrived_.load(std::memory_order_acquire);
    const bool is_new = of.number < all_.size() && all_[of.number].before_call == missing.before_call;
    if (!is_new || (in_order_ && of.number != before))
      give_up("wrong result");
    all_[of.number] = {of.asked - of.intended, clock::now() - of.answered};
    arrived_.store(before + 1, std::memory_order_release);
  }

  const std::vector<added_time>& wait() const {
    while (arrived_.load(std::memory_order_acquire) < all_.size())
      std::this_thread::sleep_for(std::chrono::microseconds{100});
    return all_;
  }

private:
  static constexpr added_time missing{clock::duration::min()};

  std::vector<added_time> all_;
  bool in_order_ = false;
  std::atomic<std::uint64_t> arrived_{0};
};

/// A way that trips take from the thread that sends them to `arrivals`.
class way {
public:
  virtual ~way() = default;
  virtual void send(const trip& what) = 0;
  virtual bool is_in_order() const = 0;

  arrivals at_the_end;
};

/// So many trips, so many a second, sent as they are due; what was added to each.
inline const std::vector<added_time>& travel(way& by, std::uint64_t trips, double rate) {
  by.at_the_end.begin(trips, by.is_in_order());
  // Of this thread alone; else each sleep is 50 us longer.
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  const auto begin = clock::now();
  const auto intended = [&](std::uint64_t of) {
    const std::chrono::duration<double> after{static_cast<double>(of) / rate};
    return begin + std::chrono::duration_cast<clock::duration>(after);
  };
  for (std::uint64_t next = 0; next < trips;) {
    const std::chrono::duration<double> passed = clock::now() - begin;
    const auto due = std::min(trips, static_cast<std::uint64_t>(passed.count() * rate) + 1);
    if (next >= due)
      std::this_thread::sleep_for(std::chrono::microseconds{10});
    for (; next < due; ++next)
      by.send({next, intended(next), intended(next), intended(next)});
  }
  return by.at_the_end.wait();
}

/// Whether all of a tenth of a second's trips, but no more than `most`, arrive in about that time. A second time is
/// asked, since others may have had the machine.
inline bool carries(way& by, double rate, std::uint64_t most) {
  const auto trips = std::min(most, static_cast<std::uint64_t>(rate / 10));
  const std::chrono::duration<double> at_most{1.05 * static_cast<double>(trips) / rate + 0.002};
  const auto in_time = [&] {
    const auto begin = clock::now();
    travel(by, trips, rate);
    return clock::now() - begin <= at_most;
  };
  return in_time() || in_time();
}

/// The highest rate, to about 5 %, at which no backlog grows.
inline double highest_rate(way& by, std::uint64_t most_trips) {
  constexpr double highest = 20e6;
  double carried = 100e3;
  double too_high = carried * 2;
  while (too_high < highest && carries(by, too_high, most_trips)) {
    carried = too_high;
    too_high *= 2;
  }
  while (too_high / carried > 1.05) {
    const auto between = std::sqrt(carried * too_high);
    (carries(by, between, most_trips) ? carried : too_high) = between;
  }
  return carried;
}

/// The value that a share `q` does not exceed, in microseconds.
inline double quantile_us(std::vector<clock::duration>& of, double q) {
  const auto at = static_cast<std::ptrdiff_t>(q * static_cast<double>(of.size() - 1));
  std::nth_element(of.begin(), of.begin() + at, of.end());
  return std::chrono::duration<double, std::micro>{of[static_cast<std::size_t>(at)]}.count();
}

} // namespace bench
