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

/// Questions whose slots were freed that wait among the others before they are taken out.
constexpr std::size_t gone_max = 64;

} // namespace

// -- the function's side --

void pool_client::begin(std::uint32_t slot, statement_id statement, value_list&& arguments, time_point deadline) {
  auto& e = at(slot);
  assert(e.then);
  e.deadline = deadline;
  // It may stay though what follows throws: the deadline of a slot that is freed is none.
  if (e.deadline != time_point::max())
    deadlines_.push({e.deadline, slot, e.generation}, outstanding() + 1,
                    [this](const auto& of) { return is_gone(of); });
  // With credit only where none waits for it: in their order.
  const bool has_credit = credit_ > 0 && waiting_ == 0;
  if (!has_credit)
    purge_waiting();
  auto& asked = has_credit ? requests_.emplace_back() : without_credit_.emplace_back();
  asked.token = token_of(slot);
  asked.statement = statement;
  asked.arguments = std::move(arguments);
  asked.deadline = deadline;
  e.state = has_credit ? entry_state::called : entry_state::waiting;
  credit_ -= has_credit ? 1 : 0;
  ++(has_credit ? called_ : waiting_);
}

// -- the shell's side --

std::vector<question> pool_client::take_requests(std::vector<question> spare) {
  while (credit_ > 0 && waiting_ > 0) {
    auto next = std::move(without_credit_.front());
    without_credit_.pop_front();
    if (!is_there(next.token))
      continue;
    at(static_cast<std::uint32_t>(next.token)).state = entry_state::called;
    requests_.push_back(std::move(next));
    --waiting_;
    ++called_;
    --credit_;
  }
  sent_ += requests_.size();
  spare.clear();
  return std::exchange(requests_, std::move(spare));
}

void pool_client::deliver(std::span<call_result> results, time_point now) {
  callback_runner runner;
  for (auto& result : results) {
    const auto slot = static_cast<std::uint32_t>(result.token);
    if (!is_there(result.token) || at(slot).state < entry_state::called
        || at(slot).state == entry_state::too_late) {
      ++unknown_results_;
      continue;
    }
    auto& e = at(slot);
    --sent_;
    ++credit_;
    if (e.state == entry_state::expired) {
      free_slot(slot);
      continue;
    }
    if (e.deadline <= now && !result.outcome && result.outcome.why().is(error_kind::cancelled)) {
      e.state = entry_state::too_late;
      continue;
    }
    e.state = entry_state::answered;
    --called_;
    runner.run(e.then, std::move(result.outcome));
    free_slot(slot);
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
    auto& e = at(next.slot);
    gone.push_back(std::move(e.then));
    if (e.state == entry_state::waiting) {
      --waiting_;
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
  drop_expired_requests(tokens);
  purge_waiting();
  return tokens;
}

void pool_client::fail_all(const error& why) {
  std::vector<callback> failed;
  failed.reserve(outstanding());
  for (std::uint32_t slot = 0; slot < slots_; ++slot) {
    auto& e = at(slot);
    if (e.state == entry_state::free)
      continue;
    if (e.state != entry_state::expired)
      failed.push_back(std::move(e.then));
    free_slot(slot);
  }
  requests_.clear();
  without_credit_.clear();
  waiting_ = called_ = sent_ = credit_ = 0;
  forget_deadlines_if_idle();
  callback_runner runner;
  for (auto& then : failed)
    runner.run(then, expected<answer>{why});
  runner.rethrow();
}

// -- slots --

std::uint32_t pool_client::take_slot() {
  if (free_ != none)
    return std::exchange(free_, at(free_).next);
  assert(slots_ < none);
  if (slots_ == blocks_.size() * block_size)
    blocks_.push_back(std::make_unique<entry[]>(block_size));
  return slots_++;
}

void pool_client::free_slot(std::uint32_t slot) noexcept {
  auto& e = at(slot);
  e.state = entry_state::free;
  ++e.generation;
  // What it holds may ask when it is destroyed, and takes another slot.
  e.then.reset();
  e.next = std::exchange(free_, slot);
}

void pool_client::purge_waiting() {
  if (without_credit_.size() > 2 * waiting_ + gone_max)
    std::erase_if(without_credit_, [this](const question& each) { return !is_there(each.token); });
}

void pool_client::drop_expired_requests(std::vector<call_token>& tokens) {
  if (requests_.empty() || tokens.empty())
    return;
  std::vector<call_token> dropped;
  std::erase_if(requests_, [&](const question& each) {
    if (at(static_cast<std::uint32_t>(each.token)).state != entry_state::expired)
      return false;
    dropped.push_back(each.token);
    return true;
  });
  std::sort(dropped.begin(), dropped.end());
  std::erase_if(tokens, [&](call_token each) { return std::binary_search(dropped.begin(), dropped.end(), each); });
  for (const auto token : dropped)
    free_slot(static_cast<std::uint32_t>(token));
  credit_ += dropped.size();
}

void pool_client::forget_deadlines_if_idle() noexcept {
  if (outstanding() == 0)
    deadlines_.clear();
}

} // namespace weir
