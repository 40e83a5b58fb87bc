// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The async wait operator as a deterministic machine: it takes records in, calls the user's function
/// for each, keeps what is under way in a bounded queue, and lets results, watermarks and dead letters
/// leave in the order that its mode asks for, with timeouts and retries (docs/semantics.md). It knows
/// no clock, thread, file or actor: time comes in as an argument, what leaves goes into an `output`
/// that says whether there is room, and completions come through a `completion_port`. Owned and called
/// by one shell, on one thread at a time. tests/operators/operator_machine_test.cpp is its specification.

#include "weir/async_function.hpp"
#include "weir/attempt_durations.hpp"
#include "weir/batch.hpp"
#include "weir/column.hpp"
#include "weir/completion_port.hpp"
#include "weir/dead_letter.hpp"
#include "weir/function_caller.hpp"
#include "weir/held_entries.hpp"
#include "weir/held_record.hpp"
#include "weir/idempotency_key.hpp"
#include "weir/operator_options.hpp"
#include "weir/output.hpp"
#include "weir/prefetch.hpp"
#include "weir/queue_entry.hpp"
#include "weir/record_name.hpp"
#include "weir/retry_decision.hpp"
#include "weir/saved_entries.hpp"
#include "weir/slot_index.hpp"

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir {

/// Where an operator's results leave, and its dead letters where the job uses them.
struct operator_outputs {
  output& results;
  /// Carries `dead_letter<In>`. Null: dead letters are counted and dropped.
  output* dead_letters = nullptr;

  void emit(const control& what) {
    results.emit(what);
    if (dead_letters != nullptr)
      dead_letters->emit(what);
  }
};

/// What a machine has done since it was made. Plain numbers; the shell publishes them.
struct machine_counts {
  std::uint64_t records_in = 0;
  /// Records that have left, with results, without, as dead letters or dropped.
  std::uint64_t records_finished = 0;
  std::uint64_t records_out = 0;
  std::uint64_t calls = 0;
  std::uint64_t retries = 0;
  std::uint64_t timeouts = 0;
  std::uint64_t dropped = 0;
  std::uint64_t dead_letters = 0;
  std::uint64_t late_completions = 0;
};

/// How a record leaves.
enum class record_fate : std::uint8_t { results, dead_letter, dropped };

/// Why an operator fails its job.
struct operator_failure {
  error why;
  /// Names the record: its origin, or what `record_name` of its type says.
  std::string record;
};

/// `Function` is a class form of `async_function.hpp`; `Calls` has `void observe(duration)`, which is
/// told how long each call ran. It may have `call_begins()` and `call_ends()`, told when the user's function
/// is entered and left; and `admitted(slot)` and `left(slot, record_fate, number of results, const error*)`,
/// told when a record gets its slot and when it leaves it, with the error where it had no results to give.
template <class Function, class Calls>
class operator_machine {
public:
  using input_type = typename Function::input_type;
  using output_type = typename Function::output_type;

  static_assert(std::is_nothrow_move_constructible_v<input_type>
                  && std::is_nothrow_move_constructible_v<output_type>,
                "records and results must be movable without an exception (noexcept), so that none is "
                "lost on its way; hold a part that is not in a std::unique_ptr");
  /// Of a coroutine's form the user's class has been looked at.
  static_assert(sizeof(std::conditional_t<detail::has_coroutines<Function>, Function,
                                          detail::callable_hooks<Function>>)
                > 0);

  // -- construction --

  /// `options` has no mistakes. `function`, `port` and `calls` outlive the machine. `seed` decides what
  /// jitter takes off.
  operator_machine(const operator_options& options, output_mode mode, Function& function,
                   completion_port<output_type>& port, Calls& calls, std::uint64_t seed)
    : options_(options),
      calls_max_(options.max_concurrent_calls.value_or(options.capacity)),
      timeout_(in_reach(options.timeout.value_or(duration{0}))),
      port_(port),
      observer_(calls),
      caller_(function, port, calls, "operator " + options.name),
      retry_(options.retry, "operator " + options.name, seed),
      held_(mode) {
    port_.find_keys_in({this, [](const void* machine, const call_id& id) {
                          return static_cast<const operator_machine*>(machine)->key_of(id);
                        }});
  }

  operator_machine(const operator_machine&) = delete;
  operator_machine& operator=(const operator_machine&) = delete;

  /// Of what the idempotency keys of its records are made, beside their origins. Before the first call; where
  /// nobody said it there are none.
  void identify(const idempotency_scope& as) noexcept { scope_ = as; }

  // -- what comes in --

  /// Takes elements of `in` from `at` on, until all are taken, the queue is full or the job fails. No
  /// barriers: they do not stand in line, and the shell takes a snapshot instead.
  void take(batch<input_type>& in, batch_cursor& at, operator_outputs out, time_point now) {
    held_.go_on(now);
    const typename completion_port<output_type>::scope here{port_, now};
    // What was completed before these records came has finished before them.
    take_completions(out, now);
    do {
      take_until_full(in, at, out, now);
      settle(out, now);
    } while (!failure_ && !at.at_end(in) && !full());
  }

  /// Takes the completions that have come in, lets leave what may, and makes the calls that wait. To
  /// be called when completions or room came.
  void advance(operator_outputs out, time_point now) {
    held_.go_on(now);
    const typename completion_port<output_type>::scope here{port_, now};
    settle(out, now);
  }

  /// Handles what is due: timeouts and ends of back-off up to `due`, after the completions that have
  /// come in. `due` is the time that the shell's wake-up was for, at most `now`: what is due after it
  /// has its own wake-up, behind answers that may be waiting in the shell's mailbox and came in time.
  void tick(operator_outputs out, time_point due, time_point now) {
    while (step(out, due, now)) {}
  }

  /// As `tick`, but only the first that is due, with what follows from it, so that a caller may let
  /// input that waits come in before the next. Whether there was one.
  bool step(operator_outputs out, time_point due, time_point now) {
    held_.go_on(now);
    const typename completion_port<output_type>::scope here{port_, now};
    settle(out, now);
    const auto first = next_due();
    if (failure_ || first == time_point::max() || first > due)
      return false;
    // A back-off that ends when a timeout passes comes after it.
    if (held_.timeouts.first() != no_slot && held_.timeouts.due(held_.timeouts.first()) == first)
      time_out(held_.timeouts.first(), now);
    else
      held_.wait_for_call(held_.backing_off.first());
    settle(out, now);
    return true;
  }

  /// As `step`, but the timer of the record from `of` ahead of others that are due as well, so that a
  /// simulation may try every order of what falls together. Looks through all that is held. Whether that
  /// timer was due.
  bool step_for(const origin& of, record_timer which, operator_outputs out, time_point due,
                time_point now) {
    held_.go_on(now);
    const typename completion_port<output_type>::scope here{port_, now};
    settle(out, now);
    const auto slot = held_.slot_of(of);
    if (failure_ || slot == no_slot || held_.timer_of(slot, which) > due)
      return false;
    if (which == record_timer::timeout)
      time_out(slot, now);
    else
      held_.wait_for_call(slot);
    settle(out, now);
    return true;
  }

  // -- state --

  /// Writes what is held at `now`, in the order in which it arrived, and changes nothing. Neither calls
  /// nor room are waited for. Equal machines write the same, in whichever slots their entries lie.
  void save(entry_writer& to, time_point now) const {
    saver_.save(held_, input_ended_, to, now);
  }

  /// Takes up what was saved; before all else. Nothing leaves and nothing is called before the
  /// next `advance`: then finished records leave first, where their turn is, and the others are called
  /// with the attempt and the time that they had left. Until then time stands still: nothing is due, and
  /// what is saved has the times that were restored. `call_all`: every record is new.
  void restore(entry_reader& from, restore_mode how) {
    entry_restorer{held_, from, how, timeout_}.restore();
    input_ended_ = from.input_ended();
    if (input_ended_ && options_.at_end == end_policy::last_attempt)
      held_.end_back_offs();
  }

  // -- queries --

  /// Whether nothing more is taken from upstream.
  bool full() const noexcept {
    return held_.size_that_counts() >= options_.capacity || held_.bytes() >= options_.capacity_bytes;
  }

  /// When `tick` must be called next, if nothing else happens; `time_point::max()` = never.
  time_point next_due() const noexcept { return held_.next_due(); }

  /// Set once, when a final failure met `fail_job`; nothing leaves or is called from then on.
  const std::optional<operator_failure>& failure() const noexcept { return failure_; }

  /// Whether the end of input has left.
  bool finished() const noexcept { return end_emitted_; }

  /// Entries that are not yet emitted, borders included.
  std::size_t size() const noexcept { return held_.size(); }

  /// Calls that run.
  std::size_t running() const noexcept { return running_; }

  machine_counts counts() const noexcept {
    auto all = counts_;
    all.late_completions += port_.ignored();
    return all;
  }

private:
  using entry = queue_entry<input_type, output_type>;

  // -- taking in --

  void take_until_full(batch<input_type>& in, batch_cursor& at, operator_outputs& out,
                       time_point now) {
    while (!failure_ && !at.at_end(in)) {
      if (at.at_control(in)) {
        if (!take_control(in.controls()[at.control].what, out, now))
          return;
        ++at.control;
      } else if (!take_records(in, at, at.end_of_records(in), out, now)) {
        return;
      }
    }
  }

  /// Takes records up to `end`. Whether there was room for all.
  bool take_records(batch<input_type>& in, batch_cursor& at, std::size_t end, operator_outputs& out,
                    time_point now) {
    const auto deadline = deadline_from(now);
    bool room = !full();
    while (room && at.record < end) {
      const bool left = admit(in, at, deadline, out, now);
      ++at.record;
      // One that leaves at once takes no room.
      if (!left)
        room = !failure_ && !full();
    }
    return at.record == end;
  }

  /// The deadline of a record that comes now.
  time_point deadline_from(time_point now) const noexcept {
    return timeout_ == duration{0} ? time_point::max() : now + timeout_;
  }

  /// Whether it was taken: a border needs room but in key-ordered mode, the end never does.
  bool take_control(const control& what, operator_outputs& out, time_point now) {
    if (what.kind() == control_kind::end) {
      input_ended_ = true;
      if (options_.at_end == end_policy::last_attempt)
        held_.end_back_offs();
      settle(out, now);
      return true;
    }
    assert(what.is_border());
    if (held_.size() == 0) {
      out.emit(what);
      return true;
    }
    if (full() && held_.queue.mode() != output_mode::key_ordered)
      return false;
    held_.push_border(what, counts_.records_in);
    return true;
  }

  /// Takes the record at `at`. Whether it has left already.
  bool admit(batch<input_type>& in, batch_cursor& at, time_point deadline, operator_outputs& out,
             time_point now) {
    ++counts_.records_in;
    const auto slot = held_.free_slot();
    auto& e = held_[slot];
    const auto key = in.key(at.record);
    e.value.emplace(std::move(in.value(at.record)));
    e.timestamp = in.timestamp(at.record);
    at.origins.read(in.origins(), at.record, e.from);
    e.key = key;
    e.attempt = 0;
    e.repeats = false;
    e.hook_called = false;
    if constexpr (requires { observer_.admitted(slot); })
      observer_.admitted(slot);
    // Room for its bytes there is, or it would not have been taken.
    if (!held_.waiting.empty() || running_ >= calls_max_ || !held_.queue.key_is_free(key)) {
      held_.enter(slot, e, deadline);
      e.state = entry_state::waiting;
      held_.wait_for_call(slot);
      return false;
    }
    auto* completed = call(slot, e, deadline, now);
    if (completed == nullptr) {
      held_.enter(slot, e, deadline);
      e.state = entry_state::running;
      ++running_;
      if (port_.has_own())
        settle(out, now);
    } else if (is_final(*completed) && (held_.size() == 0 || held_.queue.passes_directly(key))
               && out.results.has_room()) {
      caller_.observe(duration{0});
      leave_with_results(slot, e, *completed, out);
      e.value.reset();
      ++e.generation;
      return true;
    } else {
      held_.enter(slot, e, deadline);
      e.state = entry_state::waiting;
      end_attempt(slot, e, *completed, out, now);
      settle(out, now);
    }
    return false;
  }

  /// Whether a call's outcome is the record's, whatever the retry strategy says.
  bool is_final(const outcome<output_type>& with) const noexcept {
    return with.has_results() && !retry_.looks_at_results();
  }

  // -- calling --

  idempotency_key key_of(const call_id& id) const {
    const auto& e = held_[id.slot];
    if (!scope_)
      throw std::logic_error("operator " + options_.name + " was not told of what idempotency keys are made");
    // Its slot may be another record's by now.
    if (e.generation != id.generation)
      throw std::logic_error("operator " + options_.name
                             + ": an idempotency key is asked for when its record is over");
    return scope_->key_of(e.from);
  }

  bool may_call() const noexcept {
    return running_ < calls_max_ && held_.bytes() < options_.capacity_bytes;
  }

  /// Whether the record that has waited longest for a call gets it. Above the bound on bytes only the
  /// call without which nothing would ever leave.
  bool may_call_waiting() const noexcept {
    return may_call()
           || (running_ == 0 && held_.queue.ready() == no_slot
               && held_.queue.leaves_next(held_.waiting.first()));
  }

  /// Makes the next attempt. The outcome where it completed inside the call, and no other call before
  /// it; else null.
  outcome<output_type>* call(slot_index slot, entry& e, time_point deadline, time_point now) {
    if (!std::exchange(e.repeats, false))
      ++e.attempt;
    ++counts_.calls;
    e.called_at = now;
    return caller_.call({slot, e.generation, e.attempt}, *e.value, deadline);
  }

  void call_waiting(operator_outputs& out, time_point now) {
    if (!held_.waiting.empty())
      call_all_waiting(out, now);
  }

  [[gnu::noinline]] void call_all_waiting(operator_outputs& out, time_point now) {
    while (!failure_ && !held_.waiting.empty() && may_call_waiting()) {
      const auto slot = held_.waiting.first();
      held_.waiting.pop();
      auto& e = held_[slot];
      if (e.attempt > 0 && !e.repeats)
        ++counts_.retries;
      auto* completed = call(slot, e, held_.timeouts.due(slot), now);
      if (completed == nullptr) {
        e.state = entry_state::running;
        ++running_;
      } else {
        end_attempt(slot, e, *completed, out, now);
        emit_ready(out);
      }
    }
  }

  void stop_running(entry& e) noexcept {
    e.state = entry_state::waiting;
    --running_;
  }

  // -- completions --

  void take_completions(operator_outputs& out, time_point now) {
    for (port_.drain(arrived_); !failure_ && !arrived_.empty(); port_.drain(arrived_)) {
      for (auto& each : arrived_) {
        if (failure_)
          break;
        if (static_cast<std::size_t>(arrived_.end() - &each) > fetched_ahead)
          prefetch(held_[(&each)[fetched_ahead].id.slot]);
        complete(each, out, now);
        emit_ready(out);
        call_waiting(out, now);
      }
      arrived_.clear();
    }
  }

  [[gnu::always_inline]] void complete(completion<output_type>& with, operator_outputs& out,
                                       time_point now) {
    auto& e = held_[with.id.slot];
    if (e.generation == with.id.generation && e.attempt == with.id.attempt
        && e.state == entry_state::running) [[likely]] {
      stop_running(e);
      // After its hook, a call that nobody completes any more has timed out.
      if (e.hook_called && with.with.is_abandoned())
        with.with.emplace(failed_outcome, timed_out());
      end_attempt(with.id.slot, e, with.with, out, now);
    } else {
      complete_otherwise(with, e, now);
    }
  }

  /// What is no completion of an attempt that runs.
  [[gnu::noinline]] void complete_otherwise(completion<output_type>& with, entry& e, time_point now) {
    if constexpr (function_caller<Function, Calls>::is_coroutine)
      if ((with.id.attempt & resume_attempt) != 0) {
        resume(with.id);
        return;
      }
    if ((with.id.attempt & expired_attempt) != 0) {
      expire(with.id, now);
      return;
    }
    // Neither an attempt nor a hook that nobody completes any more comes too late: nobody gave it up.
    if (with.with.is_abandoned())
      return;
    const bool of_hook = (with.id.attempt & timeout_hook_attempt) != 0;
    if (of_hook && e.generation == with.id.generation && e.is_unfinished())
      finish_by_hook(with.id.slot, e, with.with, now);
    else
      ++counts_.late_completions;
  }

  /// Lets a coroutine go on if its attempt still runs.
  void resume(const call_id& id) {
    const auto& e = held_[id.slot];
    if (e.generation == id.generation && e.state == entry_state::running
        && e.attempt == (id.attempt & ~resume_attempt))
      caller_.resume(id.slot);
  }

  /// Nobody waits for the answer to an attempt any more, since its record's timeout has passed, which the
  /// record may not have noticed.
  void expire(const call_id& id, time_point now) {
    auto& e = held_[id.slot];
    const auto runs = [&] {
      return e.generation == id.generation && e.state == entry_state::running
             && e.attempt == (id.attempt & ~expired_attempt);
    };
    if (runs() && !e.hook_called)
      time_out(id.slot, now);
    if (runs()) {
      outcome<output_type> with{failed_outcome, timed_out()};
      finish(id.slot, e, with, now);
    }
  }

  /// An attempt, which runs no longer, has its outcome: again, or final.
  [[gnu::always_inline]] void end_attempt(slot_index slot, entry& e, outcome<output_type>& with,
                                          operator_outputs& out, time_point now) {
    const auto took = now - e.called_at;
    caller_.observe(took);
    if (!is_final(with)) [[unlikely]] {
      decide(slot, e, with, took, now);
    } else if (held_.queue.is_next_unfinished(slot) && out.results.has_room()) {
      // The next to leave needs no place to wait in.
      held_.timeouts.remove(slot);
      leave_with_results(slot, e, with, out);
      held_.queue.pop_unfinished();
      held_.release(slot, e);
    } else {
      finish(slot, e, with, now);
    }
  }

  /// Whether the attempt, whose outcome may not be the record's, is made again.
  [[gnu::noinline]] void decide(slot_index slot, entry& e, outcome<output_type>& with, duration took,
                                time_point now) {
    held_.durations.note(slot, e.attempt, took);
    if (with.kind() == outcome_kind::supplied)
      caller_.ask_supplier(with);
    if (const auto wait = back_off_after(e, with))
      held_.back_off(slot, now, *wait);
    else
      finish(slot, e, with, now);
  }

  /// How long to wait until the next attempt; nothing where the outcome is final.
  std::optional<duration> back_off_after(const entry& e, outcome<output_type>& with) {
    const bool last = input_ended_ && options_.at_end == end_policy::last_attempt;
    if (e.hook_called || last)
      return std::nullopt;
    return retry_.after(e.attempt, with);
  }

  /// The record's outcome is final.
  void finish(slot_index slot, entry& e, outcome<output_type>& with, time_point now) {
    if (e.state == entry_state::running) {
      --running_;
      note_duration(slot, e, now);
      port_.give_up(slot, now);
    } else {
      held_.backing_off.remove(slot);
      held_.waiting.remove(slot);
    }
    e.state = entry_state::finished;
    held_.timeouts.remove(slot);
    if (with.kind() == outcome_kind::failed)
      caller_.fall_back(*e.value, with);
    if (auto* why = with.why()) {
      e.met = options_.action_for(*why);
      if (e.met == failure_action::fail_job) {
        failure_ = operator_failure{std::move(*why), name_of(e)};
        return;
      }
    } else {
      held_.add_bytes(e, with.bytes());
    }
    e.result = std::move(with);
    const auto next = held_.queue.finish(slot);
    // A back-off of its own that still runs makes it wait on.
    if (next != no_slot && !held_.backing_off.contains(next))
      held_.waiting.push(next, {{}, held_[next].arrival});
  }

  /// The latest attempt's call runs no longer.
  void note_duration(slot_index slot, const entry& e, time_point now) {
    const auto took = now - e.called_at;
    caller_.observe(took);
    held_.durations.note(slot, e.attempt, took);
  }

  static std::string name_of(const entry& e) {
    try {
      return name_of_record(*e.value, e.from);
    } catch (...) {
      // The failure that is being reported matters more than how its record calls itself.
      return "record " + e.from.text();
    }
  }

  static std::vector<duration> copy_of(const last_durations& of) {
    return {of.begin(), of.end()};
  }

  // -- time --

  void time_out(slot_index slot, time_point now) {
    auto& e = held_[slot];
    ++counts_.timeouts;
    held_.timeouts.remove(slot);
    held_.backing_off.remove(slot);
    held_.waiting.remove(slot);
    e.hook_called = true;
    using caller = function_caller<Function, Calls>;
    // A coroutine ends here, so that after its hook nothing may finish the record any more.
    if constexpr (caller::is_coroutine)
      if (e.state == entry_state::running) {
        stop_running(e);
        note_duration(slot, e, now);
        port_.give_up(slot, now);
        caller_.cancel(slot);
      }
    if constexpr (caller::has_hook) {
      if (auto* completed = caller_.time_out({slot, e.generation, e.attempt}, *e.value)) {
        finish_by_hook(slot, e, *completed, now);
        return;
      }
      if (e.state == entry_state::running)
        return;
    }
    outcome<output_type> with{failed_outcome, timed_out()};
    finish(slot, e, with, now);
  }

  void finish_by_hook(slot_index slot, entry& e, outcome<output_type>& with, time_point now) {
    if (with.kind() == outcome_kind::supplied)
      caller_.ask_supplier(with);
    finish(slot, e, with, now);
  }

  error timed_out() const {
    return {error_kind::timeout, "operator " + options_.name,
            "the record's timeout passed before its call was complete"};
  }

  // -- letting leave --

  /// What follows from an event: all that may leave leaves, then records that wait for a call are
  /// called, until nothing more can happen.
  void settle(operator_outputs& out, time_point now) {
    take_completions(out, now);
    emit_ready(out);
    call_waiting(out, now);
    if (port_.has_own())
      take_completions(out, now);
    if (input_ended_ && held_.size() == 0 && !end_emitted_ && !failure_) {
      end_emitted_ = true;
      out.emit(control::end());
    }
  }

  /// What may leave leaves.
  void emit_ready(operator_outputs& out) {
    if (held_.queue.ready() != no_slot)
      emit_all_ready(out);
  }

  [[gnu::noinline]] void emit_all_ready(operator_outputs& out) {
    for (auto slot = held_.queue.ready(); slot != no_slot && !failure_; slot = held_.queue.ready()) {
      auto& e = held_[slot];
      if (e.state == entry_state::border) {
        out.emit(held_.take_border(slot));
      } else if (!emit_record(slot, e, out)) {
        return;
      }
      held_.queue.pop();
      held_.release(slot, e);
    }
  }

  /// Whether there was room.
  bool emit_record(slot_index slot, entry& e, operator_outputs& out) {
    const auto* why = e.result.why();
    if (why == nullptr) {
      if (!e.result.is_empty() && !out.results.has_room())
        return false;
      leave_with_results(slot, e, e.result, out);
      return true;
    }
    if (e.met == failure_action::drop) {
      ++counts_.dropped;
      has_left(slot, record_fate::dropped, 0, why);
      return true;
    }
    if (out.dead_letters != nullptr && !out.dead_letters->has_room())
      return false;
    ++counts_.dead_letters;
    if (out.dead_letters != nullptr)
      out.dead_letters->emit(dead_letter<input_type>{std::move(*e.value), *why, e.attempt,
                                                     copy_of(held_.durations.last(slot, e.ended_attempts()))},
                             e.timestamp, e.from);
    has_left(slot, record_fate::dead_letter, 0, why);
    return true;
  }

  [[gnu::always_inline]] void leave_with_results(slot_index slot, const entry& e,
                                                 outcome<output_type>& with, operator_outputs& out) {
    std::size_t results = 1;
    if (auto* one = with.one()) [[likely]]
      out.results.emit(std::move(*one), e.timestamp, e.from);
    else
      results = emit_several(e, with, out);
    counts_.records_out += results;
    has_left(slot, record_fate::results, results);
  }

  [[gnu::noinline]] std::size_t emit_several(const entry& e, outcome<output_type>& with,
                                             operator_outputs& out) {
    auto* many = with.several();
    const auto results = many == nullptr ? 0 : many->size();
    for (std::size_t i = 0; i < results; ++i)
      out.results.add(std::move((*many)[i]), e.timestamp, results == 1 ? e.from : e.from.child(i));
    if (results > 0)
      out.results.settle();
    return results;
  }

  void has_left(slot_index slot, record_fate how, std::size_t results, const error* why = nullptr) {
    ++counts_.records_finished;
    if constexpr (requires { observer_.left(slot, how, results, why); })
      observer_.left(slot, how, results, why);
  }

  // -- data --

  /// So many entries before it is completed, one is fetched.
  static constexpr std::size_t fetched_ahead = 16;

  const operator_options options_;
  const std::size_t calls_max_;
  const duration timeout_;
  completion_port<output_type>& port_;
  Calls& observer_;
  function_caller<Function, Calls> caller_;
  retry_decision retry_;

  held_entries<input_type, output_type> held_;
  column<completion<output_type>> arrived_;

  std::size_t running_ = 0;
  bool input_ended_ = false;
  bool end_emitted_ = false;
  std::optional<operator_failure> failure_;
  machine_counts counts_;
  std::optional<idempotency_scope> scope_;

  /// Of `save` alone.
  mutable entry_saver<input_type, output_type> saver_;
};

} // namespace weir
