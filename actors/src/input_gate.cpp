// SPDX-License-Identifier: Apache-2.0
#include "input_gate.hpp"

#include "batch_credit.hpp"

#include <utility>

namespace weir {

input_gate::input_gate(std::size_t channels, batch_limits limits, granter grant)
  : limits_(limits), grant_(std::move(grant)), senders_(channels), merger_(channels) {}

void input_gate::attach(channel_id channel, lane_id lane, credit_receiver from) {
  senders_[channel.number] = {std::move(from), lane};
  grant_(senders_[channel.number].actor, lane,
         {window * static_cast<std::int64_t>(limits_.records),
          window * static_cast<std::int64_t>(limits_.bytes)},
         {});
}

void input_gate::receive(channel_id channel, batch_handle in) {
  if (senders_.size() > 1 && !in.batch->controls().empty())
    merge_controls(channel.number, *in.batch);
  waiting_.push_back({channel.number, std::move(in.batch)});
}

void input_gate::pop() {
  auto done = std::move(waiting_.front());
  waiting_.pop_front();
  cursor_ = {};
  const auto used = credit_of(*done.batch);
  done.batch->clear();
  const auto& to = senders_[done.channel];
  grant_(to.actor, to.lane, used, {std::move(done.batch)});
}

void input_gate::merge_controls(std::uint32_t channel, batch_base& of) {
  std::vector<batch_base::placed_control> merged;
  std::vector<control> follows;
  for (const auto& [before, what] : of.controls()) {
    follows.clear();
    merger_.take(channel, what, follows);
    for (const auto& each : follows)
      merged.push_back({before, each});
  }
  of.replace_controls(std::move(merged));
}

} // namespace weir
