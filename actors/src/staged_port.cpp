// SPDX-License-Identifier: Apache-2.0
#include "staged_port.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace weir {

staged_port::staged_port(const std::vector<edge_parts>& edges,
                         std::unique_ptr<batch_base> prototype, batch_limits limits, sender send)
  : limits_(limits),
    send_(std::move(send)),
    staging_(std::move(prototype)),
    copy_(staging_->fresh()) {
  for (const auto& each : edges)
    edges_.emplace_back(each, *staging_, limits);
  open_ = staging_.get();
  open();
}

void staged_port::grant(std::uint32_t number, const credit& more, batch_handle spare) {
  put_staged();
  for (auto& each : edges_) {
    if (number < each.lanes().size()) {
      each.lanes()[number].grant(more, std::move(spare.batch));
      break;
    }
    number -= static_cast<std::uint32_t>(each.lanes().size());
  }
  open();
}

void staged_port::emit(const control& what) {
  put_staged();
  for (auto& each : edges_)
    each.append(what);
  if (what.kind() == control_kind::barrier && !failure_)
    send_all();
  open();
}

void staged_port::run_steps() {
  if (staging_->records() > 0)
    turn_over();
}

void staged_port::flush() {
  put_staged();
  if (!failure_)
    send_all();
  open();
}

bool staged_port::has_unsent() const noexcept {
  return !failure_ && std::any_of(edges_.begin(), edges_.end(), [](const edge_output& each) {
    return each.has_unsent();
  });
}

event_time staged_port::take_newest() noexcept {
  newest_ = std::max(newest_, staging_->newest());
  return std::exchange(newest_, event_time::none());
}

std::uint64_t staged_port::sent() noexcept {
  std::uint64_t sum = 0;
  for (const auto& each : edges_)
    sum += each.sent();
  return sum;
}

std::vector<lane_target> staged_port::targets() const {
  std::vector<lane_target> all;
  for (const auto& edge : edges_)
    for (const auto& each : edge.lanes())
      all.push_back(each.target);
  return all;
}

void staged_port::send_all() {
  for (auto& each : edges_)
    each.flush(send_);
}

void staged_port::turn_over() {
  put_staged();
  open();
}

void staged_port::put_staged() {
  if (staging_->records() == 0)
    return;
  newest_ = std::max(newest_, staging_->newest());
  records_ += staging_->records();
  if (!failure_) {
    try {
      failure_ = put_into_edges();
    } catch (...) {
      // The copy or the move of a record, or its `held_bytes`.
      failure_ = step_failure{std::current_exception(), "the copy of a record", {}};
    }
  }
  staging_->clear();
  if (is_oversized(*staging_, limits_)) {
    staging_ = staging_->fresh();
    copy_ = staging_->fresh();
    open_ = staging_.get();
  }
}

std::optional<step_failure> staged_port::put_into_edges() {
  for (std::size_t i = 0; i + 1 < edges_.size(); ++i) {
    copy_->clear();
    staging_->copy_records_to(*copy_);
    if (auto failed = edges_[i].put(*copy_, send_))
      return failed;
  }
  return edges_.back().put(*staging_, send_);
}

void staged_port::open() {
  auto room = failure_ ? std::int64_t{0} : std::numeric_limits<std::int64_t>::max();
  for (auto& each : edges_)
    room = std::min(room, each.room());
  records_left_ = room;
  bytes_left_ = room > 0 ? static_cast<std::int64_t>(limits_.bytes) : 0;
}

} // namespace weir
