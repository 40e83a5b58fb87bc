// SPDX-License-Identifier: Apache-2.0

#include "weir/fault_machine.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace weir {

void fault_machine::effects::clear() noexcept {
  submit.clear();
  cancel.clear();
  results.clear();
}

// -- what happens --

void fault_machine::submit(std::span<question> questions, time_point now) {
  for (auto& q : questions) {
    const auto [what, latency] = plan_.next();
    const auto token = q.token;
    auto& c = calls_[token];
    c = {submitted_++, latency, place::line};
    switch (what) {
      case fault_plan::fate::pass:
        line_.push_back(std::move(q));
        break;
      case fault_plan::fate::fail:
        hold(token, c, error{injected_error_kind, pool_, "this call was chosen to fail"},
             now + latency);
        break;
      case fault_plan::fate::hang:
        c.where = place::hung;
        break;
    }
  }
}

void fault_machine::cancel(std::span<const call_token> tokens) {
  std::vector<call_token> from_line;
  for (const auto token : tokens) {
    const auto known = calls_.find(token);
    if (known == calls_.end())
      continue;
    if (known->second.where == place::store) {
      known->second.latency = duration::zero();
      to_cancel_.push_back(token);
      continue;
    }
    if (known->second.where == place::line)
      from_line.push_back(token);
    answer_now(token, "nobody waits for the answer any more");
  }
  if (from_line.empty())
    return;
  std::sort(from_line.begin(), from_line.end());
  std::erase_if(line_, [&](const question& q) {
    return std::binary_search(from_line.begin(), from_line.end(), q.token);
  });
}

void fault_machine::receive(std::span<call_result> results, time_point now) {
  for (auto& result : results) {
    const auto known = calls_.find(result.token);
    if (known == calls_.end() || known->second.where != place::store)
      continue;
    --in_store_;
    hold(result.token, known->second, std::move(result.outcome), now + known->second.latency);
  }
}

// -- what follows --

void fault_machine::advance(time_point now, effects& out) {
  for (; !line_.empty() && in_store_ < window_; line_.pop_front()) {
    auto& q = line_.front();
    if (q.deadline <= now) {
      answer_now(q.token, "the deadline passed before the store had room");
      continue;
    }
    calls_.at(q.token).where = place::store;
    ++in_store_;
    out.submit.push_back(std::move(q));
  }
  out.cancel.insert(out.cancel.end(), to_cancel_.begin(), to_cancel_.end());
  to_cancel_.clear();
  std::move(ready_.begin(), ready_.end(), std::back_inserter(out.results));
  ready_.clear();
  while (!held_.empty() && held_.front().at <= now) {
    std::pop_heap(held_.begin(), held_.end(), later{});
    auto due = std::move(held_.back());
    held_.pop_back();
    // A cancelled one has been answered already, and its token may name another call by now.
    const auto known = calls_.find(due.result.token);
    if (known == calls_.end() || known->second.number != due.number)
      continue;
    calls_.erase(known);
    out.results.push_back(std::move(due.result));
  }
}

time_point fault_machine::next_due() const noexcept {
  if (!ready_.empty() || !to_cancel_.empty() || (!line_.empty() && in_store_ < window_))
    return time_point::min();
  return held_.empty() ? time_point::max() : held_.front().at;
}

// -- parts --

void fault_machine::hold(call_token token, call& c, expected<answer> outcome, time_point at) {
  c.where = place::held;
  held_.push_back({at, c.number, {token, std::move(outcome)}});
  std::push_heap(held_.begin(), held_.end(), later{});
}

void fault_machine::answer_now(call_token token, std::string why) {
  calls_.erase(token);
  ready_.push_back({token, error{error_kind::cancelled, pool_, std::move(why)}});
}

} // namespace weir
