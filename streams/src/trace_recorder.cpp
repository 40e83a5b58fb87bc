// SPDX-License-Identifier: Apache-2.0
#include "trace_recorder.hpp"

#include <chrono>
#include <string>

namespace weir::simulation::detail {

trace_recorder::trace_recorder(const scenario& of, std::vector<happening>* log) : scenario_(of) {
  if (log != nullptr)
    watcher_.emplace(of, *log);
  trace_.name = of.name;
}

void trace_recorder::set_time(millis now) {
  now_ = now;
  if (watcher_)
    watcher_->set_time(now);
}

void trace_recorder::arrives(std::size_t element) {
  if (watcher_)
    watcher_->arrives(element);
}

void trace_recorder::passes(std::size_t element, const barrier_arrives& barrier) {
  add(barrier_leaves{barrier.id});
  if (watcher_)
    watcher_->passes(element);
}

void trace_recorder::restores(std::size_t element) {
  if (watcher_)
    watcher_->passes(element);
}

void trace_recorder::called(const simulated_record& of, std::uint32_t attempt, std::uint64_t call) {
  trace_.calls.push_back({now_, of.value, attempt});
  if (watcher_)
    watcher_->called(of.element, attempt, call);
}

void trace_recorder::answered(const simulated_record& of, std::uint64_t call, bool failed) {
  if (watcher_)
    watcher_->answered(of.element, call, failed);
}

void trace_recorder::times_out(const simulated_record& of) {
  if (watcher_)
    watcher_->times_out(of.element);
}

void trace_recorder::leaves(simulated_result value, event_time ts, const origin& from) {
  add(value_leaves{value, ts.has_value() ? std::optional{ts.ms()} : std::nullopt});
  if (watcher_)
    watcher_->leaves(from.position, value);
}

void trace_recorder::leaves(const dead_letter<simulated_record>& letter) {
  const auto error = name_of(letter.why);
  add(dead_letter_leaves{letter.value.value, error, letter.attempts});
  auto& times = account_.attempt_times.emplace_back();
  for (const auto each : letter.durations)
    times.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(each).count());
  if (watcher_)
    watcher_->leaves_as_dead_letter(letter.value.element, error, letter.attempts);
}

void trace_recorder::leaves(const control& what) {
  switch (what.kind()) {
    case control_kind::watermark:
      add(watermark_leaves{what.event_time().ms()});
      break;
    case control_kind::idle:
    case control_kind::active:
      add(status_leaves{what.kind() == control_kind::idle});
      break;
    case control_kind::barrier:
      return;
    case control_kind::end:
      account_.ended_at.push_back(now_);
      break;
  }
  if (watcher_)
    watcher_->border_leaves(what);
}

void trace_recorder::fails(const operator_failure& failure) {
  // `record_name` of a simulated record is its place in the input.
  const auto element = static_cast<std::size_t>(std::stoull(failure.record));
  const auto& record = std::get<record_arrives>(scenario_.input[element].what);
  trace_.failed = trace_failure{now_, name_of(failure.why), record.value};
  if (watcher_)
    watcher_->fails_job(element, trace_.failed->error);
}

void trace_recorder::add(const machine_counts& of) {
  account_.records_in += of.records_in;
  account_.records_finished += of.records_finished;
  account_.records_out += of.records_out;
  account_.calls += of.calls;
  account_.retries += of.retries;
  account_.timeouts += of.timeouts;
  account_.dropped += of.dropped;
  account_.dead_letters += of.dead_letters;
  account_.late_completions += of.late_completions;
}

void trace_recorder::set_left(std::size_t held, std::size_t running) {
  account_.held = held;
  account_.running = running;
}

trace trace_recorder::take() {
  trace_.account = std::move(account_);
  return std::move(trace_);
}

} // namespace weir::simulation::detail
