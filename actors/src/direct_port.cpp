// SPDX-License-Identifier: Apache-2.0
#include "direct_port.hpp"

#include <algorithm>
#include <utility>

namespace weir {

direct_port::direct_port(std::vector<lane_target> targets, std::unique_ptr<batch_base> prototype,
                         batch_limits limits, sender send)
  : send_(std::move(send)), drops_(targets.empty()) {
  for (auto& each : targets)
    lanes_.push_back({std::move(each), limits, {}, prototype->fresh(), {}});
  if (drops_)
    lanes_.push_back({{}, limits, {INT64_MAX / 2, INT64_MAX / 2}, prototype->fresh(), {}});
  open_lane(0);
}

void direct_port::grant(std::uint32_t number, const credit& more, batch_handle spare) {
  reconcile();
  lanes_[number].grant(more, std::move(spare.batch));
  open_lane(current_);
}

void direct_port::emit(const control& what) {
  if (auto& only = lanes_.front(); lanes_.size() == 1 && what.is_border() && only.has_place_for(what)) {
    only.open->append(what);
    return;
  }
  reconcile();
  for (auto& each : lanes_)
    each.append(what);
  if (what.kind() == control_kind::barrier)
    send_all();
  open_lane(current_);
}

void direct_port::flush() {
  reconcile();
  send_all();
  open_lane(current_);
}

void direct_port::send_all() {
  for (std::size_t number = 0; number < lanes_.size(); ++number)
    if (lanes_[number].is_sendable())
      send(number);
}

bool direct_port::has_unsent() const noexcept {
  return std::any_of(lanes_.begin(), lanes_.end(),
                     [](const lane& each) { return each.is_sendable(); });
}

event_time direct_port::take_newest() noexcept {
  for (const auto& of : lanes_)
    newest_ = std::max(newest_, of.open->newest());
  return std::exchange(newest_, event_time::none());
}

std::vector<lane_target> direct_port::targets() const {
  std::vector<lane_target> all;
  for (const auto& each : lanes_)
    if (!drops_)
      all.push_back(each.target);
  return all;
}

void direct_port::turn_over() {
  reconcile();
  if (lanes_[current_].is_full())
    send(current_);
  if (turn_left_ <= 0) {
    turn_left_ = lane_turn;
    open_lane((current_ + 1) % lanes_.size());
  } else {
    open_lane(current_);
  }
}

void direct_port::reconcile() noexcept {
  const auto used = shown_.records - records_left_;
  lanes_[current_].spend({used, shown_.bytes - bytes_left_});
  turn_left_ -= used;
  records_ += static_cast<std::uint64_t>(used);
  shown_ = {records_left_, bytes_left_};
}

void direct_port::open_lane(std::size_t next) {
  for (std::size_t tried = 0; tried < lanes_.size() && !lanes_[next].has_credit(); ++tried)
    next = (next + 1) % lanes_.size();
  if (next != current_) {
    current_ = next;
    turn_left_ = lane_turn;
  }
  auto& of = lanes_[current_];
  open_ = of.open.get();
  const auto room = of.room();
  records_left_ = room.records;
  bytes_left_ = room.bytes;
  if (lanes_.size() > 1)
    records_left_ = std::min(records_left_, turn_left_);
  shown_ = {records_left_, bytes_left_};
}

void direct_port::send(std::size_t number) {
  auto& of = lanes_[number];
  newest_ = std::max(newest_, of.open->newest());
  if (drops_)
    of.open->clear();
  else
    send_(of.target, {of.turn_over()});
}

} // namespace weir
