// SPDX-License-Identifier: Apache-2.0

#include "weir/endpoint_gate.hpp"

#include "weir/splitmix64.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace weir {

endpoint_gate::endpoint_gate(const settings& how, std::size_t connections, time_point now)
  : how_(how),
    random_(how.seed),
    states_(connections, state::down),
    dial_at_(now),
    down_since_(now) {}

bool endpoint_gate::may_dial() const noexcept {
  // While none is up, one tries for all.
  return up_ + dialled_ < states_.size() && (up_ > 0 || dialled_ == 0);
}

std::optional<std::size_t> endpoint_gate::next_to_dial(time_point now) {
  if (!may_dial() || now < dial_at_)
    return std::nullopt;
  const auto next = std::find(states_.begin(), states_.end(), state::down);
  *next = state::dialled;
  ++dialled_;
  return static_cast<std::size_t>(next - states_.begin());
}

void endpoint_gate::connected(std::size_t connection) {
  assert(states_[connection] == state::dialled);
  states_[connection] = state::up;
  --dialled_;
  ++up_;
}

void endpoint_gate::failed(std::size_t connection, error why, time_point now) {
  assert(states_[connection] == state::dialled);
  states_[connection] = state::down;
  --dialled_;
  if (up_ == 0)
    why_down_ = std::move(why);
  wait_before_next_try(now);
}

void endpoint_gate::lost(std::size_t connection, error why, time_point now) {
  assert(states_[connection] == state::up);
  states_[connection] = state::down;
  if (--up_ == 0) {
    down_since_ = now;
    why_down_ = std::move(why);
  }
  wait_before_next_try(now);
}

void endpoint_gate::wait_before_next_try(time_point now) {
  // What is lost together waits once.
  if (now < dial_at_)
    return;
  auto most = how_.initial;
  for (unsigned i = 0; i < tries_ && most < how_.max; ++i)
    most *= 2;
  most = std::min(most, how_.max);
  ++tries_;
  random_ += splitmix64_step;
  const auto share = static_cast<double>(splitmix64(random_) >> 11) * 0x1.0p-53;
  const auto drawn = duration{static_cast<duration::rep>(share * static_cast<double>(most.count()))};
  dial_at_ = now + std::max(drawn, how_.least);
}

const error* endpoint_gate::refuses(time_point asked, time_point now) const noexcept {
  if (up_ > 0 || !why_down_ || now - std::max(asked, down_since_) < how_.refuse_after)
    return nullptr;
  return &*why_down_;
}

time_point endpoint_gate::next_due(std::optional<time_point> asked) const noexcept {
  auto due = time_point::max();
  if (may_dial())
    due = std::min(due, dial_at_);
  if (asked && up_ == 0 && why_down_)
    due = std::min(due, std::max(*asked, down_since_) + how_.refuse_after);
  return due;
}

} // namespace weir
