// SPDX-License-Identifier: Apache-2.0
#include "weir/histogram.hpp"

#include <cmath>

namespace weir {

namespace {

/// The greatest duration that falls into bucket `i`.
duration upper_end(std::size_t i) noexcept {
  if (i < histogram::sub)
    return duration{static_cast<duration::rep>(i)};
  const auto shift = i / histogram::sub - 1;
  const auto base = histogram::sub + i % histogram::sub;
  return duration{static_cast<duration::rep>(((base + 1) << shift) - 1)};
}

/// The middle of bucket `i`.
double middle(std::size_t i) noexcept {
  const auto lower = i == 0 ? 0.0 : static_cast<double>(upper_end(i - 1).count()) + 1;
  return (lower + static_cast<double>(upper_end(i).count())) / 2;
}

} // namespace

histogram::snapshot histogram::read() const noexcept {
  snapshot copy;
  for (std::size_t i = 0; i < size; ++i) {
    copy.counts_[i] = buckets_[i].value();
    copy.count_ += copy.counts_[i];
  }
  return copy;
}

histogram::snapshot& histogram::snapshot::operator+=(const snapshot& other) noexcept {
  for (std::size_t i = 0; i < size; ++i)
    counts_[i] += other.counts_[i];
  count_ += other.count_;
  return *this;
}

duration histogram::snapshot::quantile(double q) const noexcept {
  if (count_ == 0)
    return duration{0};
  const auto rank = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < size; ++i) {
    seen += counts_[i];
    if (seen >= rank && seen > 0)
      return upper_end(i);
  }
  return upper_end(size - 1);
}

duration histogram::snapshot::mean() const noexcept {
  if (count_ == 0)
    return duration{0};
  double sum = 0;
  for (std::size_t i = 0; i < size; ++i)
    sum += static_cast<double>(counts_[i]) * middle(i);
  return duration{std::llround(sum / static_cast<double>(count_))};
}

} // namespace weir
