// SPDX-License-Identifier: Apache-2.0
#include "run_watcher.hpp"

#include <algorithm>
#include <utility>

namespace weir::simulation::detail {

run_watcher::run_watcher(const scenario& of, std::vector<happening>& log)
  : scenario_(of),
    settings_(&of.with),
    log_(log),
    lives_(of.input.size()) {}

void run_watcher::note(std::size_t element, happening_kind what, std::uint32_t attempt) {
  log_.push_back({now_, element, what, attempt, {}, {}});
}

bool run_watcher::is_border(std::size_t element) const {
  const auto& what = scenario_.input[element].what;
  return std::holds_alternative<watermark_arrives>(what)
         || std::holds_alternative<status_arrives>(what) || is_end(element);
}

bool run_watcher::is_end(std::size_t element) const {
  return std::holds_alternative<end_arrives>(scenario_.input[element].what);
}

std::size_t run_watcher::end_of_input() const {
  std::size_t element = 0;
  while (!is_end(element))
    ++element;
  return element;
}

void run_watcher::arrives(std::size_t element) {
  note(element, happening_kind::arrives);
  lives_[element] = {};
  here_.insert(element);
  if (is_border(element))
    borders_.push_back(element);
}

void run_watcher::passes(std::size_t element) {
  note(element, happening_kind::arrives);
  note(element, happening_kind::leaves);
}

void run_watcher::called(std::size_t element, std::uint32_t attempt, std::uint64_t call) {
  note(element, happening_kind::called, attempt);
  lives_[element].state = happening_kind::called;
  lives_[element].call = call;
}

void run_watcher::answered(std::size_t element, std::uint64_t call, bool failed) {
  auto& of = lives_[element];
  if (of.call != call) {
    note(element, happening_kind::ignored);
    return;
  }
  of.call = 0;
  of.failed = failed;
  of.state = failed ? happening_kind::call_fails : happening_kind::answered;
  note(element, of.state);
}

void run_watcher::times_out(std::size_t element) {
  auto& of = lives_[element];
  of.failed = settings_->on_timeout.kind != hook_kind::emit;
  note(element, happening_kind::times_out);
}

void run_watcher::end_life(std::size_t element, happening_kind how) {
  if (here_.erase(element) == 0)
    return;
  lives_[element].call = 0;
  note(element, how);
}

void run_watcher::leaves(std::size_t element, std::int64_t result) {
  // Several results of one record leave together.
  end_life(element, happening_kind::leaves);
  log_.back().results.push_back(result);
}

void run_watcher::leaves_as_dead_letter(std::size_t element, std::string error,
                                        std::uint32_t attempts) {
  end_life(element, happening_kind::leaves_as_dead_letter);
  log_.back().error = std::move(error);
  log_.back().attempt = attempts;
}

void run_watcher::fails_job(std::size_t element, std::string error) {
  note(element, happening_kind::fails_job);
  log_.back().error = std::move(error);
}

void run_watcher::border_leaves(const control& what) {
  while (!is_like(borders_.front(), what))
    drop_merged_border(0);
  const auto element = borders_.front();
  borders_.pop_front();
  end_life(element, happening_kind::leaves);
}

void run_watcher::restored(const scenario_operator& settings, const simulated_snapshot& held,
                           std::span<const std::size_t> waiting,
                           std::deque<std::size_t> borders) {
  settings_ = &settings;
  borders_ = std::move(borders);
  // An operator whose input has ended says so anew.
  if (held.input_ended && (borders_.empty() || !is_end(borders_.back())))
    borders_.push_back(end_of_input());
  std::set<std::size_t> back{waiting.begin(), waiting.end()};
  back.insert(borders_.begin(), borders_.end());
  for (const auto& each : held.entries)
    if (const auto* entry = std::get_if<simulated_entry>(&each))
      back.insert(entry->value.element);
  for (const auto element : here_)
    if (!back.contains(element))
      note(element, happening_kind::is_lost);
  here_ = std::move(back);
  for (const auto element : here_) {
    lives_[element] = {};
    note(element, happening_kind::is_restored);
  }
}

void run_watcher::enters(std::size_t element, happening_kind state) {
  auto& of = lives_[element];
  if (std::exchange(of.state, state) != state)
    note(element, state);
}

void run_watcher::look(const simulated_snapshot& held, std::span<const std::size_t> waiting) {
  std::set<std::size_t> gone = here_;
  std::vector<control> held_borders;
  std::set<key_hash> busy_keys;
  for (const auto& each : held.entries)
    if (const auto* entry = std::get_if<simulated_entry>(&each)) {
      gone.erase(entry->value.element);
      look_at(*entry, busy_keys);
    } else {
      held_borders.push_back(std::get<control>(each));
    }
  // Once it has left, nothing is held before it either.
  const std::size_t held_ends = held.input_ended && !borders_.empty() ? 1 : 0;
  drop_merged_borders(held_borders, held_ends, waiting);
  for (std::size_t i = 0; i < held_borders.size() + held_ends; ++i) {
    gone.erase(borders_[i]);
    enters(borders_[i], happening_kind::held);
  }
  for (const auto element : waiting) {
    gone.erase(element);
    enters(element, happening_kind::waits_for_room);
  }
  for (const auto element : gone)
    if (std::holds_alternative<record_arrives>(scenario_.input[element].what))
      end_life(element, lives_[element].failed ? happening_kind::is_dropped
                                               : happening_kind::leaves_without_results);
    else
      end_life(element, happening_kind::leaves);
}

void run_watcher::look_at(const simulated_entry& held, std::set<key_hash>& busy_keys) {
  const auto element = held.value.element;
  auto& of = lives_[element];
  if (held.finished) {
    of.call = 0;
    enters(element, happening_kind::held);
    return;
  }
  const bool keyed = settings_->mode == scenario_mode::key_ordered;
  const bool waits_for_key = keyed && !busy_keys.insert(held.key).second;
  if (held.backoff_left)
    enters(element, happening_kind::backs_off);
  else if (of.call == 0)
    enters(element, waits_for_key ? happening_kind::waits_for_key : happening_kind::waits_for_call);
}

/// In key-ordered mode the operator merges borders when very many lie in a row. Those that are held stand in
/// the order in which they came, and of those that look the same the newest is held.
void run_watcher::drop_merged_borders(std::span<const control> held, std::size_t held_ends,
                                      std::span<const std::size_t> waiting) {
  auto place = borders_.size() - held_ends - borders_among(waiting);
  if (place == held.size())
    return;
  auto left = held.size();
  while (place-- > 0)
    if (left > 0 && is_like(borders_[place], held[left - 1]))
      --left;
    else
      drop_merged_border(place);
}

void run_watcher::drop_merged_border(std::size_t place) {
  const auto merged = borders_.begin() + static_cast<std::ptrdiff_t>(place);
  end_life(*merged, happening_kind::leaves_without_results);
  borders_.erase(merged);
}

bool run_watcher::is_like(std::size_t element, const control& what) const {
  const auto& of = scenario_.input[element].what;
  if (const auto* watermark = std::get_if<watermark_arrives>(&of))
    return what == control::watermark(event_time{watermark->time});
  if (const auto* status = std::get_if<status_arrives>(&of))
    return what == (status->idle ? control::idle() : control::active());
  return is_end(element) && what == control::end();
}

std::size_t run_watcher::borders_among(std::span<const std::size_t> elements) const {
  return static_cast<std::size_t>(
    std::count_if(elements.begin(), elements.end(), [&](auto x) { return is_border(x); }));
}

} // namespace weir::simulation::detail
