// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A histogram of durations that one thread at a time writes and any thread reads: two plain loads
/// and stores an observation, no lock, no allocation. Buckets are log-linear (16 to each power of two),
/// so a quantile is right to about 6 % at any scale.

#include "weir/counter.hpp"
#include "weir/time.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace weir {

/// Counts durations by size. One writer at a time; any number of readers.
class histogram {
public:
  static constexpr std::size_t sub_bits = 4;
  static constexpr std::size_t sub = std::size_t{1} << sub_bits;
  /// Durations from 2^40 ns (18 minutes) on share the last bucket.
  static constexpr std::size_t size = (40 - sub_bits + 1) * sub;

  /// A copy of the counts that can be added to others and asked for quantiles.
  class snapshot {
  public:
    std::uint64_t count() const noexcept { return count_; }

    /// The duration that a share `q` (0 to 1) of the observations does not exceed (upper end of its
    /// bucket); 0 where there are none.
    duration quantile(double q) const noexcept;

    /// Of the middles of the observations' buckets; 0 where there are none.
    duration mean() const noexcept;

    snapshot& operator+=(const snapshot& other) noexcept;

    /// Calls `to(std::size_t bucket, std::uint64_t count)` for each bucket that is not empty, in order.
    template <class To>
    void read(To&& to) const {
      for (std::size_t i = 0; i < size; ++i)
        if (counts_[i] != 0)
          to(i, counts_[i]);
    }

  private:
    friend class histogram;
    std::array<std::uint64_t, size> counts_{};
    std::uint64_t count_ = 0;
  };

  /// Counts `n` observations of `d`.
  void observe(duration d, std::uint64_t n = 1) noexcept { buckets_[index(d)].add(n); }

  /// Counts `n` observations that another histogram had in this bucket; the last one for one that there is not.
  void add(std::size_t bucket, std::uint64_t n) noexcept {
    buckets_[bucket < size ? bucket : size - 1].add(n);
  }

  snapshot read() const noexcept;

private:
  static std::size_t index(duration d) noexcept {
    const auto ns = d.count() <= 0 ? 0u : static_cast<std::uint64_t>(d.count());
    if (ns < sub)
      return static_cast<std::size_t>(ns);
    const auto exponent = static_cast<std::size_t>(std::bit_width(ns)) - 1;
    const auto shift = exponent - sub_bits;
    const auto i = (shift + 1) * sub + ((ns >> shift) & (sub - 1));
    return i < size ? i : size - 1;
  }

  std::array<counter, size> buckets_;
};

} // namespace weir
