// SPDX-License-Identifier: Apache-2.0
#include "edge_output.hpp"

#include <algorithm>
#include <utility>

namespace weir {

edge_output::edge_output(const edge_parts& parts, const batch_base& prototype, batch_limits limits)
  : limits_(limits), to_(parts.to), keys_(parts.keys ? parts.keys() : nullptr) {
  for (const auto& make : parts.steps) {
    steps_.push_back(make());
    between_.push_back(steps_.back()->output_batch());
    multiplies_ = multiplies_ || steps_.back()->multiplies();
  }
  const auto& last = between_.empty() ? prototype : *between_.back();
  for (const auto& each : parts.targets)
    lanes_.push_back({each, limits, {}, last.fresh(), {}});
}

std::int64_t edge_output::room() {
  if (keys_ == nullptr) {
    choose_lane();
    const auto room = room_of(lanes_[current_]);
    return lanes_.size() > 1 ? std::min(room, turn_left_) : room;
  }
  // Any record may be for any of them.
  auto room = chunk_;
  for (const auto& each : lanes_)
    room = std::min(room, room_of(each));
  return room;
}

std::optional<step_failure> edge_output::put(batch_base& in, const output_port::sender& send) {
  before_.clear();
  for (const auto& each : lanes_)
    before_.push_back(size_of(*each.open));
  if (auto failed = run_steps(in))
    return failed;
  credit added;
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    const auto of_lane = take_off(lanes_[i], before_[i]);
    added.records += of_lane.records;
    added.bytes += of_lane.bytes;
    send_full(lanes_[i], send);
  }
  sent_ += static_cast<std::uint64_t>(added.records);
  turn_left_ -= added.records;
  if (multiplies_)
    for (auto& each : between_)
      if (is_oversized(*each, limits_))
        each = each->fresh();
  if (added.records > 0)
    bytes_a_record_ = std::max({added.bytes / added.records, bytes_a_record_ / 2, std::int64_t{1}});
  chunk_ = std::min(2 * chunk_, chunk_max);
  return {};
}

void edge_output::append(const control& what) {
  for (auto& each : lanes_)
    each.append(what);
}

void edge_output::flush(const output_port::sender& send) {
  for (auto& each : lanes_)
    if (each.is_sendable())
      send(each.target, {each.turn_over()});
}

bool edge_output::has_unsent() const noexcept {
  return std::any_of(lanes_.begin(), lanes_.end(),
                     [](const lane& each) { return each.is_sendable(); });
}

void edge_output::choose_lane() {
  auto next = turn_left_ > 0 ? current_ : (current_ + 1) % lanes_.size();
  for (std::size_t tried = 0; tried < lanes_.size() && !lanes_[next].has_credit(); ++tried)
    next = (next + 1) % lanes_.size();
  if (next != current_ || turn_left_ <= 0)
    turn_left_ = lane_turn;
  current_ = next;
}

std::int64_t edge_output::room_of(const lane& of) const {
  if (!of.has_credit())
    return 0;
  // One record's results may overdraw the credit, those of two may not.
  if (multiplies_)
    return 1;
  const auto room = of.room();
  return std::min({room.records, std::max<std::int64_t>(room.bytes / bytes_a_record_, 1), chunk_});
}

std::optional<step_failure> edge_output::run_steps(batch_base& in) {
  auto* at = &in;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    // Where all go to one lane, the last step writes straight into its batch.
    const bool to_lane = i + 1 == steps_.size() && keys_ == nullptr;
    auto& out = to_lane ? *lanes_[current_].open : *between_[i];
    if (auto failed = steps_[i]->run(*at, out))
      return at_step(i, *std::move(failed));
    if (at != &in)
      at->clear();
    at = &out;
  }
  if (keys_ != nullptr)
    return deal(*at);
  if (steps_.empty())
    in.move_records_to(*lanes_[current_].open);
  return {};
}

std::optional<step_failure> edge_output::deal(batch_base& in) {
  read_.clear();
  if (auto failed = keys_->read(in, read_))
    return at_step(steps_.size(), *std::move(failed));
  open_.clear();
  for (const auto& each : lanes_)
    open_.push_back(each.open.get());
  in.deal_records(read_, open_);
  // Where there are no steps, `in` is what the caller clears; it may be done twice.
  in.clear();
  return {};
}

step_failure edge_output::at_step(std::size_t number, step_failure failed) const {
  const auto all = steps_.size() + (keys_ != nullptr ? 1 : 0);
  if (all > 1)
    failed.which = "step " + std::to_string(number + 1) + " of " + std::to_string(all);
  if (!to_.empty())
    failed.which += (all > 1 ? " on the way to " : "on the way to ") + to_;
  return failed;
}

credit edge_output::take_off(lane& of, const credit& before) {
  const auto now = size_of(*of.open);
  const credit added{now.records - before.records, now.bytes - before.bytes};
  of.spend(added);
  return added;
}

void edge_output::send_full(lane& of, const output_port::sender& send) {
  if (of.is_full())
    send(of.target, {of.turn_over()});
}

} // namespace weir
