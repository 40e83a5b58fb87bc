// SPDX-License-Identifier: Apache-2.0
#include "machine_run.hpp"

#include "weir/entry_codec.hpp"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <typeinfo>
#include <utility>
#include <variant>

namespace weir::simulation::detail {

namespace {

/// Whether a time that was left at the begin of a millisecond passes in it.
bool is_due(const std::optional<duration>& left) {
  return left && *left < std::chrono::milliseconds{1};
}

/// How what the operator holds is stored.
const record_codec& stored_record() {
  static const auto& codec = *find_record_codec(typeid(simulated_record));
  return codec;
}
const record_codec& stored_result() {
  static const auto& codec = *find_record_codec(typeid(simulated_result));
  return codec;
}

/// Hands on what it is given, and counts it.
class counting_writer final : public entry_writer {
public:
  explicit counting_writer(entry_writer& to) : to_(to) {}

  std::size_t entries() const noexcept { return entries_; }
  std::size_t results() const noexcept { return results_; }

  void begin(std::size_t entries, bool input_ended) override {
    entries_ = entries;
    to_.begin(entries, input_ended);
  }
  void record(const held_record& what) override {
    results_ += what.result_count;
    to_.record(what);
  }
  void border(const control& what) override { to_.border(what); }

private:
  entry_writer& to_;
  std::size_t entries_ = 0;
  std::size_t results_ = 0;
};

bool timeout_is_due(const simulated_entry& of) {
  // 0: the hook has been called.
  return is_due(of.timeout_left) && *of.timeout_left != duration{0};
}

} // namespace

machine_run::machine_run(const scenario& of, const simulation_options& options)
  : scenario_(of),
    limits_(options.limits),
    choose_(options.choose),
    steps_(limits_.steps),
    recorder_(of, options.log),
    service_(of, recorder_, steps_, limits_.end),
    input_(of),
    results_([this](simulated_result x, event_time ts, const origin& from) {
               recorder_.leaves(x, ts, from);
             },
             [this](const control& what) { recorder_.leaves(what); },
             of.room ? 0 : journal<simulated_result>::unbounded),
    dead_letters_([this](const dead_letter<simulated_record>& x, event_time, const origin&) {
                    recorder_.leaves(x);
                  },
                  [](const control&) {},
                  of.room ? 0 : journal<dead_letter<simulated_record>>::unbounded),
    settings_(&of.with) {
  for (const auto& line : of.input)
    if (const auto* restores = std::get_if<operator_restores>(&line.what))
      restored_ids_.insert(restores->id);
  operator_ = std::make_unique<simulated_operator>(*settings_, *this);
}

// -- events --

expected<trace> machine_run::to_end() {
  while (!recorder_.has_failed() && find_next_time()) {
    if (recorder_.now() > limits_.end)
      return too_long("it runs past " + std::to_string(limits_.end) + " ms of virtual time");
    handle_next_event();
    if (steps_.is_overdrawn())
      return too_long(steps_.why_overdrawn());
  }
  recorder_.add(machine()->counts());
  if (!recorder_.has_failed())
    recorder_.set_left(machine()->size(), machine()->running());
  return recorder_.take();
}

error machine_run::too_long(const std::string& why) const {
  return {error_kind::argument, "scenario " + scenario_.name, why};
}

bool machine_run::find_next_time() {
  auto next = std::min(next_timer(), service_.next_at());
  if (const auto* input = next_input())
    next = std::min(next, input->at);
  if (const auto* room = next_room())
    next = std::min(next, room->at);
  recorder_.set_time(next);
  return next != scripted_service::never;
}

const scenario_input* machine_run::next_input() const {
  return read_ < scenario_.input.size() ? &scenario_.input[read_] : nullptr;
}

const output_room* machine_run::next_room() const {
  const auto& room = scenario_.room;
  return room && given_ < room->size() ? &(*room)[given_] : nullptr;
}

millis machine_run::next_timer() {
  const auto due = machine()->next_due();
  if (due == time_point::max())
    return scripted_service::never;
  return std::chrono::duration_cast<std::chrono::milliseconds>(due.time_since_epoch()).count();
}

void machine_run::handle_next_event() {
  if (service_.has_late()) {
    service_.give_late();
    machine()->advance(out(), now());
  } else if (choose_) {
    handle_chosen_event();
  } else {
    handle_first_event();
  }
  machine()->take(input_.records(), input_.taken(), out(), now());
  if (const auto& failure = machine()->failure())
    recorder_.fails(*failure);
  else
    let_watcher_look();
}

/// Without a look at the others: what `due_events` would give first.
void machine_run::handle_first_event() {
  if (service_.has_due()) {
    service_.give_due();
    machine()->advance(out(), now());
  } else if (next_timer() <= recorder_.now()) {
    machine()->step(out(), now(), now());
  } else if (const auto* input = next_input(); input && input->at == recorder_.now()) {
    handle_input(read_++);
  } else {
    handle_room((*scenario_.room)[given_++]);
  }
}

void machine_run::handle_chosen_event() {
  const auto due = due_events();
  handle(due.size() == 1 ? due.front() : due.at(choose_(due)));
}

std::vector<event_description> machine_run::due_events() {
  std::vector<event_description> due;
  service_.add_due(due);
  if (next_timer() <= recorder_.now())
    add_due_timers(due);
  if (const auto* input = next_input(); input && input->at == recorder_.now()) {
    const auto* record = std::get_if<record_arrives>(&input->what);
    due.push_back({event_kind::input, input->at, read_, record ? record->value : 0, 0});
  }
  if (const auto* room = next_room(); room && room->at == recorder_.now())
    due.push_back({event_kind::room, room->at, given_, 0, 0});
  steps_.spend(step::choice, due.size());
  return due;
}

/// Of the timeouts only the first, and that not while an answer to its record is due as well; no end of
/// back-off of a record whose timeout is due.
void machine_run::add_due_timers(std::vector<event_description>& to) {
  const auto held = machine().held(now());
  steps_.spend(step::choice, held.entries.size());
  const auto describe = [&](event_kind kind, const simulated_entry& of) {
    return event_description{kind, recorder_.now(), of.value.element, of.value.value, of.attempt};
  };
  std::vector<event_description> back_off_ends;
  bool timeout_found = false;
  for (const auto& each : held.entries) {
    const auto* record = std::get_if<simulated_entry>(&each);
    if (record == nullptr)
      continue;
    const bool times_out = timeout_is_due(*record);
    if (times_out && !std::exchange(timeout_found, true) && !service_.has_due(record->value.element))
      to.push_back(describe(event_kind::timeout, *record));
    if (!times_out && is_due(record->backoff_left))
      back_off_ends.push_back(describe(event_kind::back_off_end, *record));
  }
  to.insert(to.end(), back_off_ends.begin(), back_off_ends.end());
}

void machine_run::handle(const event_description& event) {
  const origin record{event.line, 0, 0};
  switch (event.kind) {
    case event_kind::completion:
      service_.give_due(event.line);
      machine()->advance(out(), now());
      break;
    case event_kind::timeout:
      handle_timer(record, record_timer::timeout);
      break;
    case event_kind::back_off_end:
      handle_timer(record, record_timer::back_off);
      break;
    case event_kind::wake_up:
      assert(false && "the machine's timers pass one by one");
      break;
    case event_kind::input:
      handle_input(read_++);
      break;
    case event_kind::room:
      handle_room((*scenario_.room)[given_++]);
      break;
  }
}

void machine_run::handle_timer(const origin& of, record_timer which) {
  // The snapshot that it was found in keeps at least a nanosecond of every timeout.
  const auto due = now() + std::chrono::milliseconds{1} - duration{1};
  [[maybe_unused]] const bool was_due = machine()->step_for(of, which, out(), due, now());
  assert(was_due);
}

void machine_run::handle_input(std::size_t element) {
  const auto& what = scenario_.input[element].what;
  if (const auto* barrier = std::get_if<barrier_arrives>(&what)) {
    if (restored_ids_.contains(barrier->id))
      states_.insert_or_assign(barrier->id, keep());
    recorder_.passes(element, *barrier);
  } else if (const auto* restores = std::get_if<operator_restores>(&what)) {
    recorder_.restores(element);
    restore(*restores);
  } else {
    recorder_.arrives(element);
    input_.append(element);
  }
}

void machine_run::handle_room(const output_room& room) {
  results_.grant(room.results);
  dead_letters_.grant(room.dead_letters);
  machine()->advance(out(), now());
}

void machine_run::let_watcher_look() {
  auto* watcher = recorder_.watcher();
  if (watcher == nullptr)
    return;
  const auto held = machine().held(now());
  steps_.spend(step::look, held.entries.size());
  watcher->look(held, input_.waiting());
}

// -- user code --

void machine_run::call(const simulated_record& of, simulated_future done) {
  service_.call(of, std::move(done));
}

void machine_run::time_out(const simulated_record& of, simulated_future done) {
  service_.time_out(of, settings_->on_timeout, std::move(done));
}

// -- barriers --

machine_run::kept_state machine_run::keep() {
  const auto waiting = input_.waiting();
  kept_state kept{state_blocks{blocks_}, 0, {waiting.begin(), waiting.end()}, {}, {}};
  stored_entry_writer to{kept.held, stored_record(), stored_result()};
  counting_writer counted{to};
  machine()->save(counted, now());
  to.finish();
  kept.entries = counted.entries();
  steps_.spend(step::copy, kept.waiting.size() + counted.entries() + counted.results());
  if (auto* watcher = recorder_.watcher()) {
    kept.seen = machine().held(now());
    kept.borders = watcher->borders();
  }
  return kept;
}

void machine_run::restore(const operator_restores& how) {
  const auto& kept = states_.at(how.id);
  if (how.with)
    settings_ = &*how.with;
  recorder_.add(machine()->counts());
  // The old operator goes before its futures, so that it hears of none of them.
  operator_ = std::make_unique<simulated_operator>(*settings_, *this);
  service_.forget_calls();
  input_.clear();
  for (const auto element : kept.waiting)
    input_.append(element);
  if (auto* watcher = recorder_.watcher())
    watcher->restored(*settings_, kept.seen, kept.waiting, kept.borders);
  steps_.spend(step::copy, kept.entries + 1);
  stored_entry_reader from{kept.held,
                           {&stored_record(), stored_record().version},
                           {&stored_result(), stored_result().version},
                           "scenario " + scenario_.name};
  machine()->restore(from, how.call_all ? restore_mode::call_all : restore_mode::resume);
  from.end();
  machine()->advance(out(), now());
}

} // namespace weir::simulation::detail
