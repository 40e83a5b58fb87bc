// SPDX-License-Identifier: Apache-2.0
#include "source_controls.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

namespace weir {

namespace {

/// So that adding it to a time does not overflow; nobody waits longer.
constexpr duration forever = duration::max() / 4;

/// `at`, less `late` and 1 ms; `none()` where there is no such time.
event_time before(event_time at, duration late) noexcept {
  const auto distance = std::chrono::duration_cast<std::chrono::milliseconds>(late).count() + 1;
  constexpr auto first = std::numeric_limits<std::int64_t>::min() + 1;
  return at.has_value() && at.ms() >= first + distance ? event_time{at.ms() - distance}
                                                       : event_time::none();
}

} // namespace

source_controls::source_controls(parts with, const source_body& body, output_port& records,
                                 output_port* dead_letters)
  : how_(with.how),
    reader_(std::move(with.times)),
    generator_(std::move(with.generator)),
    body_(body),
    records_(records),
    dead_letters_(dead_letters),
    timed_records_(body.record_batch(), chunk_max, records,
                   [this](batch_base& of) { return take_records(of); }) {
  // They are few: each at once, so that it keeps its place among the control elements.
  if (dead_letters != nullptr)
    timed_dead_letters_.emplace(body.dead_letter_batch(), 1, *dead_letters,
                                [this](batch_base& of) { return take_dead_letters(of); });
}

bool source_controls::has_room() const noexcept {
  return source_outputs{records_, dead_letters_}.has_room() && !failure_;
}

source_outputs source_controls::begin_poll(const message_time& at) {
  set_time(at);
  given_before_ = given();
  if (!stands_between())
    return {records_, dead_letters_};
  timed_records_.open();
  if (!timed_dead_letters_)
    return {timed_records_, nullptr};
  timed_dead_letters_->open();
  return {timed_records_, &*timed_dead_letters_};
}

void source_controls::end_poll() {
  timed_records_.pass();
  if (failure_)
    return;
  const bool gave = given() != given_before_;
  if (how_.kind == watermark_kind::bounded)
    newest_ = std::max(newest_, records_.take_newest());
  if (gave)
    make_watermark();
  watch_quiet(gave);
}

void source_controls::tick(const message_time& at) {
  set_time(at);
  make_watermark();
}

bool source_controls::must_look(time_point now) const noexcept {
  return quiet_since_ != never && now - quiet_since_ >= how_.idle_after;
}

void source_controls::note_room(time_point now) {
  now_ = now;
  if (how_.idle_after == duration{0} || idle_)
    return;
  if (!has_room())
    quiet_since_ = never;
  else if (quiet_since_ == never)
    quiet_since_ = now;
}

void source_controls::end(const message_time& at) {
  set_time(at);
  next_watermark_ = time_point::min();
  if (!had_ended_)
    make_watermark();
  emit(control::end());
}

void source_controls::pass_barrier(std::uint64_t checkpoint, bool last) {
  emit(control::barrier(checkpoint, last));
}

source_times source_controls::said() const noexcept {
  return {newest_, last_watermark_, idle_};
}

void source_controls::go_on_from(const source_times& said) noexcept {
  newest_ = said.newest;
  last_watermark_ = said.watermark;
  idle_ = said.idle;
  had_ended_ = said.ended;
  // The system's time may have been set back since: a record must not come late by that.
  if (said.watermark.has_value() && said.watermark.ms() < std::numeric_limits<std::int64_t>::max())
    wall_ = event_time{said.watermark.ms() + 1};
}

time_point source_controls::next_due() const noexcept {
  auto due = never;
  if (!idle_ && (is_periodic() ? how_.interval > duration{0} : bounded() > last_watermark_))
    due = next_watermark_;
  if (quiet_since_ != never)
    due = std::min(due, quiet_since_ + std::min(how_.idle_after, forever));
  return due;
}

void source_controls::set_time(const message_time& at) noexcept {
  now_ = at.now;
  wall_ = std::max(wall_, at.wall);
}

bool source_controls::stands_between() const noexcept {
  return idle_ || reader_ != nullptr || is_periodic();
}

bool source_controls::take_records(batch_base& of) {
  if (failure_)
    return false;
  become_active();
  times_.clear();
  if (reader_ != nullptr)
    failure_ = reader_->read(of, times_);
  else if (how_.kind == watermark_kind::ingestion)
    times_.assign(of.records(), wall_);
  std::size_t done = 0;
  if (generator_ != nullptr && !failure_) {
    behind_.clear();
    failure_ = generator_->on_records(of, times_, behind_);
    for (std::size_t i = 0; i < behind_.size() && !failure_; ++i)
      if (behind_[i] > last_watermark_) {
        body_.emit_records(of, done, i + 1, times_, records_);
        done = i + 1;
        emit_watermark(behind_[i]);
      }
  }
  if (!failure_)
    body_.emit_records(of, done, of.records(), times_, records_);
  return !failure_;
}

bool source_controls::take_dead_letters(batch_base& of) {
  timed_records_.pass();
  if (failure_)
    return false;
  become_active();
  times_.clear();
  if (how_.kind == watermark_kind::ingestion)
    times_.assign(of.records(), wall_);
  body_.emit_dead_letters(of, 0, of.records(), times_, *dead_letters_);
  return true;
}

std::uint64_t source_controls::given() noexcept {
  return records_.records() + (dead_letters_ != nullptr ? dead_letters_->records() : 0);
}

event_time source_controls::bounded() const noexcept {
  return how_.kind == watermark_kind::bounded ? before(newest_, how_.max_out_of_orderness)
                                              : event_time::none();
}

void source_controls::make_watermark() {
  if (idle_ || now_ < next_watermark_)
    return;
  bool made = is_periodic();
  switch (how_.kind) {
    case watermark_kind::none:
      return;
    case watermark_kind::bounded:
      made = emit_watermark(bounded());
      break;
    case watermark_kind::ingestion:
      emit_watermark(before(wall_, duration{0}));
      break;
    case watermark_kind::generated:
      emit_watermark(ask_generator());
      break;
  }
  if (made)
    next_watermark_ = now_ + std::min(how_.interval, forever);
}

event_time source_controls::ask_generator() {
  try {
    return generator_->on_interval(now_);
  } catch (...) {
    failure_ = step_failure{std::current_exception(), "on_interval", {}};
    return event_time::none();
  }
}

bool source_controls::emit_watermark(event_time at) {
  if (at <= last_watermark_)
    return false;
  last_watermark_ = at;
  emit(control::watermark(at));
  return true;
}

void source_controls::watch_quiet(bool gave) {
  if (how_.idle_after == duration{0} || idle_)
    return;
  if (!gave && has_room() && must_look(now_)) {
    become_idle();
    return;
  }
  if (gave)
    quiet_since_ = never;
  note_room(now_);
}

void source_controls::become_idle() {
  next_watermark_ = time_point::min();
  make_watermark();
  emit(control::idle());
  idle_ = true;
  quiet_since_ = never;
}

void source_controls::become_active() {
  if (std::exchange(idle_, false))
    emit(control::active());
}

void source_controls::emit(const control& what) {
  records_.emit(what);
  if (dead_letters_ != nullptr)
    dead_letters_->emit(what);
}

} // namespace weir
