// SPDX-License-Identifier: Apache-2.0

#include "weir/pool_client.hpp"

#include <algorithm>
#include <cassert>
#include <exception>
#include <utility>

namespace weir {

namespace {

/// Runs callbacks one after the other; what the first one throws comes out at the end.
class callback_runner {
public:
  void run(pool_client::callback& then, expected<answer>&& outcome) noexcept {
    try {
      then(std::move(outcome));
    } catch (...) {
      if (!first_)
        first_ = std::current_exception();
    }
  }

  void rethrow() const {
    if (first_)
      std::rethrow_exception(first_);
  }

private:
  std::exception_ptr first_;
};

} // namespace

// -- the function's side --

void pool_client::ask(statement_id statement, std::vector<value> arguments, time_point deadline,
                      callback then) {
  assert(then);
  const auto slot = take_slot();
  auto& e = entries_[slot];
  e.then = std::move(then);
  e.arguments = std::move(arguments);
  e.statement = statement;
  e.state = entry_state::waiting;
  e.next = none;
  e.previous = last_waiting_;
  (last_waiting_ == none ? first_waiting_ : entries_[last_waiting_].next) = slot;
  last_waiting_ = slot;
  ++waiting_;
  e.deadline = deadline;
  if (deadline != time_point::max())
    deadlines_.push({deadline, slot, e.generation}, outstanding(),
                    [this](const auto& of) { return is_gone(of); });
}

// -- the shell's side --

std::vector<question> pool_client::take_requests() {
  const auto count = std::min(credit_, waiting_);
  std::vector<question> requests;
  requests.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto slot = first_waiting_;
    unlink_waiting(slot);
    auto& e = entries_[slot];
    e.state = entry_state::called;
    requests.push_back({token_of(slot), e.statement, std::move(e.arguments), e.deadline});
  }
  called_ += count;
  sent_ += count;
  credit_ -= count;
  return requests;
}

void pool_client::deliver(std::span<call_result> results, time_point now) {
  callback_runner runner;
  for (auto& result : results) {
    const auto slot = static_cast<std::uint32_t>(result.token);
    if (slot >= entries_.size() || token_of(slot) != result.token
        || entries_[slot].state < entry_state::called
        || entries_[slot].state == entry_state::too_late) {
      ++unknown_results_;
      continue;
    }
    --sent_;
    ++credit_;
    if (entries_[slot].state == entry_state::expired) {
      free_slot(slot);
      continue;
    }
    if (entries_[slot].deadline <= now && !result.outcome
        && result.outcome.why().is(error_kind::cancelled)) {
      entries_[slot].state = entry_state::too_late;
      continue;
    }
    // The callback may ask again, which may move the entries: nothing refers to them while it runs.
    auto then = std::move(entries_[slot].then);
    --called_;
    free_slot(slot);
    runner.run(then, std::move(result.outcome));
  }
  forget_deadlines_if_idle();
  runner.rethrow();
}

std::vector<call_token> pool_client::expire(time_point now) {
  std::vector<call_token> tokens;
  // Destroyed at the end, when the entries are in order again: a destructor may ask.
  std::vector<callback> gone;
  for (; !deadlines_.empty(); deadlines_.pop()) {
    const auto next = deadlines_.top();
    if (is_gone(next))
      continue;
    if (next.due > now)
      break;
    auto& e = entries_[next.slot];
    gone.push_back(std::move(e.then));
    if (e.state == entry_state::waiting) {
      unlink_waiting(next.slot);
      free_slot(next.slot);
      continue;
    }
    --called_;
    if (e.state == entry_state::too_late) {
      free_slot(next.slot);
    } else {
      tokens.push_back(token_of(next.slot));
      e.state = entry_state::expired;
    }
  }
  return tokens;
}

void pool_client::fail_all(const error& why) {
  std::vector<callback> failed;
  failed.reserve(outstanding());
  for (std::uint32_t slot = 0; slot < entries_.size(); ++slot) {
    auto& e = entries_[slot];
    if (e.state == entry_state::free)
      continue;
    if (e.state != entry_state::expired)
      failed.push_back(std::move(e.then));
    free_slot(slot);
  }
  first_waiting_ = last_waiting_ = none;
  waiting_ = called_ = sent_ = credit_ = 0;
  forget_deadlines_if_idle();
  callback_runner runner;
  for (auto& then : failed)
    runner.run(then, why);
  runner.rethrow();
}

// -- slots --

std::uint32_t pool_client::take_slot() {
  if (free_ == none) {
    assert(entries_.size() < none);
    entries_.emplace_back();
    return static_cast<std::uint32_t>(entries_.size() - 1);
  }
  return std::exchange(free_, entries_[free_].next);
}

void pool_client::free_slot(std::uint32_t slot) noexcept {
  auto& e = entries_[slot];
  e.state = entry_state::free;
  e.arguments = {};
  ++e.generation;
  e.next = std::exchange(free_, slot);
}

void pool_client::unlink_waiting(std::uint32_t slot) noexcept {
  const auto& e = entries_[slot];
  (e.previous == none ? first_waiting_ : entries_[e.previous].next) = e.next;
  (e.next == none ? last_waiting_ : entries_[e.next].previous) = e.previous;
  --waiting_;
}

call_token pool_client::token_of(std::uint32_t slot) const noexcept {
  return call_token{entries_[slot].generation} << 32 | slot;
}

void pool_client::forget_deadlines_if_idle() noexcept {
  if (outstanding() == 0)
    deadlines_.clear();
}

} // namespace weir
