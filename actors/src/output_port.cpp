// SPDX-License-Identifier: Apache-2.0
#include "output_port.hpp"

#include "batch_credit.hpp"

#include <algorithm>
#include <utility>

namespace weir {

output_port::output_port(std::vector<lane_target> targets, std::unique_ptr<batch_base> prototype,
                         batch_limits limits, sender send)
  : targets_(std::move(targets)),
    limits_(limits),
    send_(std::move(send)),
    lanes_(std::max<std::size_t>(targets_.size(), 1)) {
  for (auto& each : lanes_)
    each.open = prototype->fresh();
  if (targets_.empty())
    lanes_.front().left = {INT64_MAX / 2, INT64_MAX / 2};
  open_lane(0);
}

void output_port::grant(std::uint32_t number, const credit& more, batch_handle spare) {
  reconcile();
  auto& of = lanes_[number];
  of.left.records += more.records;
  of.left.bytes += more.bytes;
  if (spare.batch != nullptr && of.spare.size() < spares_max)
    of.spare.push_back(std::move(spare.batch));
  open_lane(current_);
}

void output_port::emit(const control& what) {
  reconcile();
  for (std::size_t number = 0; number < lanes_.size(); ++number) {
    auto& of = lanes_[number];
    const auto& controls = of.open->controls();
    if (!has_credit(of) && controls.size() >= controls_max
        && what.kind() == control_kind::watermark
        && controls.back().what.kind() == control_kind::watermark
        && controls.back().before == of.open->records())
      of.open->replace_last_control(what);
    else
      of.open->append(what);
    of.urgent = of.urgent || !what.is_border();
  }
  open_lane(current_);
}

void output_port::flush() {
  reconcile();
  for (std::size_t number = 0; number < lanes_.size(); ++number)
    if (is_sendable(lanes_[number]))
      send(number);
  open_lane(current_);
}

bool output_port::has_unsent() const noexcept {
  return std::any_of(lanes_.begin(), lanes_.end(), is_sendable);
}

event_time output_port::take_newest() noexcept {
  for (const auto& of : lanes_)
    newest_ = std::max(newest_, of.open->newest());
  return std::exchange(newest_, event_time::none());
}

void output_port::turn_over() {
  reconcile();
  const auto& open = *lanes_[current_].open;
  if (open.records() >= limits_.records || open.bytes() >= limits_.bytes
      || !has_credit(lanes_[current_]))
    send(current_);
  if (turn_left_ <= 0) {
    turn_left_ = turn_length;
    open_lane((current_ + 1) % lanes_.size());
  } else {
    open_lane(current_);
  }
}

void output_port::reconcile() noexcept {
  auto& left = lanes_[current_].left;
  const auto used = shown_.records - records_left_;
  left.records -= used;
  left.bytes -= shown_.bytes - bytes_left_;
  turn_left_ -= used;
  records_ += static_cast<std::uint64_t>(used);
  shown_ = {records_left_, bytes_left_};
}

void output_port::open_lane(std::size_t next) {
  for (std::size_t tried = 0; tried < lanes_.size() && !has_credit(lanes_[next]); ++tried)
    next = (next + 1) % lanes_.size();
  if (next != current_) {
    current_ = next;
    turn_left_ = turn_length;
  }
  auto& of = lanes_[current_];
  open_ = of.open.get();
  records_left_ = std::min(of.left.records,
                           static_cast<std::int64_t>(limits_.records)
                             - static_cast<std::int64_t>(open_->records()));
  bytes_left_ = std::min(of.left.bytes, static_cast<std::int64_t>(limits_.bytes)
                                          - static_cast<std::int64_t>(open_->bytes()));
  if (lanes_.size() > 1)
    records_left_ = std::min(records_left_, turn_left_);
  shown_ = {records_left_, bytes_left_};
}

void output_port::send(std::size_t number) {
  auto& of = lanes_[number];
  newest_ = std::max(newest_, of.open->newest());
  if (targets_.empty()) {
    of.open->clear();
    return;
  }
  of.urgent = false;
  // Its records have been taken off the credit already.
  of.left.records -= credit_of(*of.open).records - static_cast<std::int64_t>(of.open->records());
  std::shared_ptr<batch_base> next;
  if (of.spare.empty()) {
    next = of.open->fresh();
  } else {
    next = std::move(of.spare.back());
    of.spare.pop_back();
  }
  std::swap(of.open, next);
  send_(targets_[number], {std::move(next)});
}

} // namespace weir
