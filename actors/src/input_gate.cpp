// SPDX-License-Identifier: Apache-2.0
#include "input_gate.hpp"

#include "batch_credit.hpp"

#include <algorithm>
#include <utility>

namespace weir {

input_gate::input_gate(std::size_t channels, batch_limits limits, granter grant)
  : limits_(limits),
    grant_(std::move(grant)),
    channels_(channels),
    merger_(channels) {}

void input_gate::attach(channel_id number, lane_id lane, credit_receiver sender) {
  auto& of = channels_[number.number];
  of.sender = std::move(sender);
  of.lane = lane;
  grant_(of.sender, lane,
         {window * static_cast<std::int64_t>(limits_.records),
          window * static_cast<std::int64_t>(limits_.bytes)},
         {});
}

void input_gate::receive(channel_id number, batch_handle in) {
  auto& of = channels_[number.number];
  arrival made{number.number, std::move(in.batch), {}};
  const auto ends_with = [&controls = made.batch->controls()](control_kind kind) {
    return !controls.empty() && controls.back().what.kind() == kind;
  };
  if (ends_with(control_kind::barrier))
    take_barrier_off(of, made);
  // Nothing but a barrier comes behind it.
  of.ended = of.ended || ends_with(control_kind::end);
  waiting_.push_back(std::move(made));
}

void input_gate::take_barrier_off(channel& of, arrival& in) {
  const auto barrier = in.batch->controls().back().what;
  const auto checkpoint = barrier.checkpoint();
  in.batch->remove_last_control();
  if (passed_ && checkpoint <= *passed_)
    return;
  if (barrier.is_last())
    last_ = checkpoint;
  in.barrier = checkpoint;
  of.barriers.push_back(checkpoint);
  ++barriers_;
}

std::size_t input_gate::next_arrival() const noexcept {
  std::size_t place = 0;
  while (place < waiting_.size() && waiting_[place].channel != no_channel
         && channels_[waiting_[place].channel].blocked)
    ++place;
  return place;
}

batch_base& input_gate::front() {
  auto& next = waiting_[next_arrival()];
  merge_controls(next);
  return *next.batch;
}

void input_gate::pop() {
  const auto place = next_arrival();
  auto done = std::move(waiting_[place]);
  waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(place));
  if (reached_)
    --in_front_;
  if (done.channel == no_channel)
    return;
  auto& of = channels_[done.channel];
  of.blocked = done.barrier.has_value();
  const auto used = credit_of(*done.batch);
  done.batch->clear();
  grant_(of.sender, of.lane, used, {std::move(done.batch)});
}

void input_gate::merge_controls(arrival& of) {
  if (std::exchange(of.merged, true) || of.batch->controls().empty())
    return;
  const bool is_only = channels_.size() == 1;
  // Only a sender that went on from a checkpoint says something behind its end: the end once more.
  if (is_only && merger_.states().channels.front().is == channel_states::phase::ended) {
    of.batch->replace_controls({});
    return;
  }
  std::vector<batch_base::placed_control> merged;
  for (const auto& [before, what] : of.batch->controls()) {
    follows_.clear();
    merger_.take(of.channel, what, follows_);
    if (!is_only)
      for (const auto& each : follows_)
        merged.push_back({before, each});
  }
  // One channel's pass as they are; what it has said is noted for checkpoints alone.
  if (!is_only)
    of.batch->replace_controls(std::move(merged));
  else if (restored_.has_value())
    leave_out_what_was_said(*of.batch);
}

void input_gate::leave_out_what_was_said(batch_base& of) const {
  const auto was_said = [&](const batch_base::placed_control& each) {
    return each.what.kind() == control_kind::watermark && each.what.event_time() <= restored_;
  };
  if (std::none_of(of.controls().begin(), of.controls().end(), was_said))
    return;
  auto left = of.controls();
  std::erase_if(left, was_said);
  of.replace_controls(std::move(left));
}

// -- checkpoints --

std::optional<std::uint64_t> input_gate::reached_barrier() {
  while (barriers_ > 0 && !reached_) {
    const auto newest = newest_first_barrier();
    if (!newest)
      break;
    const auto before = barriers_;
    drop_barriers_before(*newest);
    if (barriers_ != before)
      continue;
    reached_ = newest;
    put_front_first();
  }
  return reached_;
}

std::optional<std::uint64_t> input_gate::newest_first_barrier() const {
  std::optional<std::uint64_t> newest;
  for (const auto& each : channels_) {
    if (!each.barriers.empty())
      newest = std::max(newest, std::optional{each.barriers.front()});
    else if (!each.ended)
      return std::nullopt;
  }
  return newest;
}

void input_gate::drop_barriers_before(std::uint64_t checkpoint) {
  for (std::uint32_t number = 0; number < channels_.size(); ++number)
    while (!channels_[number].barriers.empty() && channels_[number].barriers.front() < checkpoint)
      drop_first_barrier(number);
}

void input_gate::drop_first_barrier(std::uint32_t number) {
  auto& of = channels_[number];
  of.barriers.pop_front();
  --barriers_;
  if (std::exchange(of.blocked, false))
    return;
  // It stands behind something that was not taken yet.
  for (auto& each : waiting_)
    if (each.channel == number && each.barrier) {
      each.barrier.reset();
      return;
    }
}

void input_gate::put_front_first() {
  std::vector<bool> behind;
  for (const auto& each : channels_)
    behind.push_back(each.blocked);
  const auto is_in_front = [&](const arrival& each) {
    if (each.channel == no_channel)
      return true;
    const bool in_front = !behind[each.channel];
    if (each.barrier)
      behind[each.channel] = true;
    return in_front;
  };
  const auto end = std::stable_partition(waiting_.begin(), waiting_.end(), is_in_front);
  in_front_ = static_cast<std::size_t>(end - waiting_.begin());
  // Here and not when they are taken, so that `said()` is what a checkpoint must hold.
  for (std::size_t i = 0; i < in_front_; ++i)
    merge_controls(waiting_[i]);
}

void input_gate::save_waiting(stored_entry_writer& to) const {
  std::size_t elements = 0;
  for (std::size_t i = 0; i < in_front_; ++i) {
    const auto& batch = *waiting_[i].batch;
    const auto& taken = waiting_[i].taken;
    elements += batch.records() + batch.controls().size() - taken.record - taken.control;
  }
  to.begin_waiting(elements);
  for (std::size_t i = 0; i < in_front_; ++i)
    to.waiting(*waiting_[i].batch, waiting_[i].taken);
}

void input_gate::pass_barrier() {
  for (std::uint32_t number = 0; number < channels_.size(); ++number)
    if (!channels_[number].barriers.empty() && channels_[number].barriers.front() == *reached_)
      drop_first_barrier(number);
  passed_ = reached_;
  reached_.reset();
  in_front_ = 0;
}

void input_gate::restore(std::shared_ptr<batch_base> waiting, channel_states said) {
  restored_ = said.watermark;
  merger_ = channel_merger{std::move(said)};
  if (!waiting->empty())
    waiting_.push_front({no_channel, std::move(waiting), {}, true});
}

} // namespace weir
