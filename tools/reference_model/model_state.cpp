// SPDX-License-Identifier: Apache-2.0
#include "model_state.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace weir::simulation {

namespace {

using entries = std::list<model_entry>;

bool by_key(const scenario_operator& with) {
  return with.mode == scenario_mode::key_ordered;
}

/// Whether one before it, of its key, has not left, or (`unfinished`) is not finished.
bool key_is_held(const entries& of, const model_entry& each, bool unfinished) {
  for (const auto& before : of) {
    if (&before == &each)
      return false;
    if (!before.border && key_of(before.value) == key_of(each.value)
        && !(unfinished && before.stage == model_stage::finished))
      return true;
  }
  return false;
}

// -- bytes --

std::size_t bytes_held(const entries& of) {
  std::size_t sum = 0;
  for (const auto& each : of)
    sum += each.bytes + each.result_bytes;
  return sum;
}

bool bytes_are_left(const scenario_operator& with, const entries& of) {
  return !with.capacity_bytes || bytes_held(of) < *with.capacity_bytes;
}

/// Whether nothing could leave any more without this call.
bool all_hangs_on(const scenario_operator& with, entries& of, const model_entry& call) {
  if (std::ranges::count(of, model_stage::runs, &model_entry::stage) > 0
      || next_to_leave(with, of) != nullptr)
    return false;
  if (with.mode == scenario_mode::ordered)
    return &call == &of.front();
  for (const auto& each : of) {
    if (&each == &call)
      return true;
    if (each.border)
      return false;
  }
  return false;
}

// -- calls --

bool call_is_free(const scenario_operator& with, const entries& of) {
  return std::cmp_less(std::ranges::count(of, model_stage::runs, &model_entry::stage),
                       with.max_concurrent_calls.value_or(with.capacity));
}

bool waits_for_call(const scenario_operator& with, const entries& of, const model_entry& each) {
  return each.stage == model_stage::waits && !(by_key(with) && key_is_held(of, each, true));
}

bool is_watermark(const model_entry& of) {
  return of.border && std::holds_alternative<watermark_leaves>(of.leaves.front());
}

} // namespace

// -- whose turn it is --

model_entry* next_to_leave(const scenario_operator& with, entries& of) {
  if (of.empty())
    return nullptr;
  auto& first = of.front();
  if (first.border)
    return &first;
  if (with.mode == scenario_mode::ordered)
    return first.stage == model_stage::finished ? &first : nullptr;
  model_entry* next = nullptr;
  for (auto& each : of) {
    if (each.border)
      break;
    if (each.stage != model_stage::finished || (by_key(with) && key_is_held(of, each, false)))
      continue;
    if (next == nullptr || each.finished_as < next->finished_as)
      next = &each;
  }
  return next;
}

model_entry* next_to_call(const scenario_operator& with, entries& of) {
  if (!call_is_free(with, of))
    return nullptr;
  const auto first = std::ranges::find_if(
    of, [&](const model_entry& each) { return waits_for_call(with, of, each); });
  if (first == of.end())
    return nullptr;
  return bytes_are_left(with, of) || all_hangs_on(with, of, *first) ? &*first : nullptr;
}

bool is_called_at_once(const scenario_operator& with, const entries& of) {
  return call_is_free(with, of) && waits_for_call(with, of, of.back());
}

// -- room --

bool has_room_for(const scenario_operator& with, const entries& of, const model_element& next) {
  if (std::holds_alternative<end_arrives>(next))
    return true;
  if (by_key(with) && !std::holds_alternative<record_arrives>(next))
    return true;
  const auto counted = by_key(with) ? std::ranges::count(of, false, &model_entry::border)
                                    : std::ssize(of);
  return std::cmp_less(counted, with.capacity) && bytes_are_left(with, of);
}

void add_border(const scenario_operator& with, entries& to, model_entry border) {
  to.push_back(std::move(border));
  if (!by_key(with))
    return;
  const auto newest = to.rbegin();
  const auto last_record = std::find_if(newest, to.rend(), [](const auto& x) { return !x.border; });
  const bool of_watermarks = is_watermark(*newest);
  const auto is_of_kind = [&](const model_entry& x) { return is_watermark(x) == of_watermarks; };
  if (std::cmp_less_equal(std::count_if(newest, last_record, is_of_kind), borders_in_a_row_max))
    return;
  for (auto each = std::next(newest); each != last_record; ++each)
    // A status goes only for the one directly behind it.
    if (is_of_kind(*each) && (of_watermarks || !is_watermark(*std::prev(each)))) {
      to.erase(std::prev(each.base()));
      return;
    }
}

} // namespace weir::simulation
