// SPDX-License-Identifier: Apache-2.0
#include "weir/checkpoint_schedule.hpp"

#include <algorithm>

namespace weir {

namespace {

constexpr std::size_t concurrent_max = 100;

/// What is longer never passes either.
time_point later(time_point from, duration by) {
  return from + std::min(by, duration::max() / 2);
}

} // namespace

broken_rules checkpoint_timing::broken() const {
  broken_rules found;
  found.require(interval > duration{0}, "interval", interval, "> 0");
  found.require(min_pause >= duration{0}, "min_pause", min_pause, ">= 0");
  found.require(timeout > duration{0}, "timeout", timeout, "> 0");
  found.require(concurrent > 0 && concurrent <= concurrent_max, "concurrent", std::to_string(concurrent),
                "1 to 100");
  return found;
}

checkpoint_schedule::checkpoint_schedule(const checkpoint_timing& how, std::uint64_t newest,
                                         time_point begin)
  : how_(how),
    newest_(newest),
    due_(later(begin, how.interval)) {}

// -- when --

time_point checkpoint_schedule::next_due() const {
  if (last_)
    return last_due_;
  if (under_way_.size() >= how_.concurrent)
    return time_point::max();
  return std::max(due_, put_off_until_);
}

time_point checkpoint_schedule::next_timeout() const {
  auto first = time_point::max();
  for (const auto& each : under_way_)
    if (!each.handed_over)
      first = std::min(first, each.times_out);
  return first;
}

std::vector<std::uint64_t> checkpoint_schedule::timed_out(time_point now) const {
  std::vector<std::uint64_t> ids;
  for (const auto& each : under_way_)
    if (!each.handed_over && each.times_out <= now)
      ids.push_back(each.id);
  return ids;
}

// -- what happens --

std::optional<std::uint64_t> checkpoint_schedule::start(time_point now) {
  if (next_due() > now)
    return std::nullopt;
  if (last_)
    return start_last(now);
  due_ = later(now, how_.interval);
  return begin(now);
}

std::uint64_t checkpoint_schedule::start_last(time_point now) {
  last_due_ = time_point::max();
  last_ = begin(now);
  return *last_;
}

std::uint64_t checkpoint_schedule::begin(time_point now) {
  under_way_.push_back({++newest_, later(now, how_.timeout)});
  return newest_;
}

void checkpoint_schedule::handed_over(std::uint64_t id) {
  for (auto& each : under_way_)
    if (each.id == id)
      each.handed_over = true;
}

void checkpoint_schedule::completed(std::uint64_t id, time_point now) {
  if (!end(id))
    return;
  failures_ = 0;
  put_off_until_ = later(now, how_.min_pause);
}

void checkpoint_schedule::failed(std::uint64_t id, time_point now) {
  if (!end(id))
    return;
  ++failures_;
  put_off_until_ = later(now, std::max(how_.min_pause, back_off(failures_)));
  if (id == last_ && ++last_failures_ <= borne_of_last())
    last_due_ = later(now, back_off(last_failures_));
}

bool checkpoint_schedule::end(std::uint64_t id) {
  return std::erase_if(under_way_, [&](const round& each) { return each.id == id; }) > 0;
}

duration checkpoint_schedule::back_off(std::uint32_t failures) const noexcept {
  auto by = std::min(how_.interval, back_off_max);
  for (; failures > 1 && by < back_off_max; --failures)
    by = std::min(2 * by, back_off_max);
  return by;
}

// -- what came of it --

bool checkpoint_schedule::has_failed_too_often() const noexcept {
  if (last_)
    return last_failures_ > borne_of_last();
  return how_.tolerated_failures && failures_ > *how_.tolerated_failures;
}

std::uint32_t checkpoint_schedule::borne_of_last() const noexcept {
  return how_.tolerated_failures.value_or(last_tries_default - 1);
}

} // namespace weir
