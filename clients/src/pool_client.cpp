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

question& pool_client::add_waiting(entry& e) {
  purge_waiting();
  auto& asked = without_credit_.emplace_back();
  e.state = entry_state::waiting;
  ++waiting_;
  return asked;
}

// -- the shell's side --

std::vector<question> pool_client::take_requests(std::vector<question> spare) {
  while (credit_ > 0 && waiting_ > 0) {
    auto next = std::move(without_credit_.front());
    without_credit_.pop_front();
    auto* const e = find(next.token);
    if (e == nullptr)
      continue;
    e->state = entry_state::called;
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
    auto* const found = find(result.token);
    if (found == nullptr || found->state < entry_state::called || found->state == entry_state::too_late) {
      ++unknown_results_;
      continue;
    }
    const auto slot = static_cast<std::uint32_t>(result.token);
    auto& e = *found;
    --sent_;
    ++credit_;
    if (e.state == entry_state::expired) {
      free_slot(slot, e);
      continue;
    }
    if (e.deadline <= now && !result.outcome && result.outcome.why().is(error_kind::cancelled)) {
      e.state = entry_state::too_late;
      continue;
    }
    e.state = entry_state::answered;
    --called_;
    runner.run(e.then, std::move(result.outcome));
    free_slot(slot, e);
  }
  forget_deadlines();
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
      free_slot(next.slot, e);
      continue;
    }
    --called_;
    if (e.state == entry_state::too_late) {
      free_slot(next.slot, e);
    } else {
      tokens.push_back(token_of(next.slot, e));
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
    free_slot(slot, e);
  }
  requests_.clear();
  without_credit_.clear();
  waiting_ = called_ = sent_ = credit_ = 0;
  forget_deadlines();
  callback_runner runner;
  for (auto& then : failed)
    runner.run(then, expected<answer>{why});
  runner.rethrow();
}

// -- slots --

void pool_client::add_block() {
  assert(free_ == none && slots_ < none - block_size);
  blocks_.push_back(std::make_unique<entry[]>(block_size));
  for (std::uint32_t i = 0; i + 1 < block_size; ++i)
    blocks_.back()[i].next = slots_ + i + 1;
  free_ = slots_;
  slots_ += block_size;
}

void pool_client::free_slot(std::uint32_t slot, entry& e) noexcept {
  e.state = entry_state::free;
  ++e.generation;
  // What it holds may ask when it is destroyed, and takes another slot.
  e.then.reset();
  e.next = std::exchange(free_, slot);
}

void pool_client::purge_waiting() {
  if (without_credit_.size() > 2 * waiting_ + gone_max)
    std::erase_if(without_credit_, [this](const question& each) { return find(each.token) == nullptr; });
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
  for (const auto token : dropped) {
    const auto slot = static_cast<std::uint32_t>(token);
    free_slot(slot, at(slot));
  }
  credit_ += dropped.size();
}

void pool_client::forget_deadlines() noexcept {
  if (outstanding() == 0)
    deadlines_.clear();
  else
    deadlines_.drop_gone([this](const auto& of) { return is_gone(of); });
}

} // namespace weir
