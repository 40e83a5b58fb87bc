// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The async wait operator as a deterministic machine: it takes records in, calls the user's function
/// for each, keeps what is under way in a bounded queue, and lets results, watermarks and dead letters
/// leave in the order that its mode asks for, with timeouts and retries (docs/semantics.md). It knows
/// no clock, thread, file or actor: time comes in as an argument, what leaves goes into an `output`
/// that says whether there is room, and completions come through a `completion_port`. Owned and called
/// by one shell, on one thread at a time. tests/operators/operator_machine_test.cpp is its specification.

#include "weir/arrival_order.hpp"
#include "weir/async_function.hpp"
#include "weir/attempt_durations.hpp"
#include "weir/batch.hpp"
#include "weir/border_run.hpp"
#include "weir/column.hpp"
#include "weir/completion_port.hpp"
#include "weir/dead_letter.hpp"
#include "weir/deadlines.hpp"
#include "weir/element_queue.hpp"
#include "weir/function_caller.hpp"
#include "weir/held_record.hpp"
#include "weir/idempotency_key.hpp"
#include "weir/operator_options.hpp"
#include "weir/output.hpp"
#include "weir/prefetch.hpp"
#include "weir/queue_entry.hpp"
#include "weir/record_name.hpp"
#include "weir/retry_decision.hpp"
#include "weir/slot_heap.hpp"
#include "weir/slot_table.hpp"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
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

/// What a record may be waiting for the passing of.
enum class record_timer : std::uint8_t { timeout, back_off };

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
      queue_(mode) {
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
    go_on(now);
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
    go_on(now);
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
    go_on(now);
    const typename completion_port<output_type>::scope here{port_, now};
    settle(out, now);
    const auto first = next_due();
    if (failure_ || first == time_point::max() || first > due)
      return false;
    // A back-off that ends when a timeout passes comes after it.
    if (deadlines_.first() != no_slot && deadlines_.due(deadlines_.first()) == first)
      time_out(deadlines_.first(), now);
    else
      wait_for_call(backing_off_.first());
    settle(out, now);
    return true;
  }

  /// As `step`, but the timer of the record from `of` ahead of others that are due as well, so that a
  /// simulation may try every order of what falls together. Looks through all that is held. Whether that
  /// timer was due.
  bool step_for(const origin& of, record_timer which, operator_outputs out, time_point due,
                time_point now) {
    go_on(now);
    const typename completion_port<output_type>::scope here{port_, now};
    settle(out, now);
    const auto slot = slot_of(of);
    if (failure_ || slot == no_slot || timer_of(slot, which) > due)
      return false;
    if (which == record_timer::timeout)
      time_out(slot, now);
    else
      wait_for_call(slot);
    settle(out, now);
    return true;
  }

  // -- state --

  /// Writes what is held at `now`, in the order in which it arrived, and changes nothing. Neither calls
  /// nor room are waited for. Equal machines write the same, in whichever slots their entries lie.
  void save(entry_writer& to, time_point now) const {
    if (stands_)
      now = standing_time;
    order_.clear();
    for (slot_index slot = 0; slot < table_.size(); ++slot) {
      if (const auto soon = slot + looked_at_ahead; soon < table_.size()) {
        prefetch(table_[soon].state);
        prefetch(table_[soon].arrival);
      }
      if (table_[slot].state != entry_state::free)
        order_.add(table_[slot].arrival, slot);
    }
    const auto places = order_.in_order();
    to.begin(places.size(), input_ended_);
    held_record record;
    record.result_bytes_each = sizeof(output_type);
    for (std::size_t i = 0; i < places.size(); ++i) {
      // In the order of arrival entries lie anywhere.
      if (i + fetched_ahead < places.size()) {
        const auto soon = places[i + fetched_ahead].slot;
        prefetch(table_[soon]);
        deadlines_.fetch(soon);
      }
      const auto slot = places[i].slot;
      if (table_[slot].state == entry_state::border) {
        to.border(borders_of_[slot]);
      } else {
        show(slot, now, record);
        to.record(record);
      }
    }
  }

  /// Takes up what was saved; before all else. Nothing leaves and nothing is called before the
  /// next `advance`: then finished records leave first, where their turn is, and the others are called
  /// with the attempt and the time that they had left. Until then time stands still: nothing is due, and
  /// what is saved has the times that were restored. `call_all`: every record is new.
  void restore(entry_reader& from, restore_mode how) {
    stands_ = true;
    std::vector<restored_deadline> due;
    std::variant<control, read_record> each{control::end()};
    while (from.next(each))
      if (const auto* border = std::get_if<control>(&each))
        push_border(*border);
      else
        restore_record(std::get<read_record>(each), from, how, due);
    // In order: the queue of deadlines looks for the place of each from its end.
    std::stable_sort(due.begin(), due.end(),
                     [](const auto& a, const auto& b) { return a.at < b.at; });
    for (const auto& each_due : due)
      deadlines_.push(each_due.slot, each_due.at);
    input_ended_ = from.input_ended();
    if (input_ended_ && options_.at_end == end_policy::last_attempt)
      give_last_attempts();
  }

  // -- queries --

  /// Whether nothing more is taken from upstream.
  bool full() const noexcept {
    const auto counted = queue_.mode() == output_mode::key_ordered ? size_ - borders_ : size_;
    return counted >= options_.capacity || held_bytes_ >= options_.capacity_bytes;
  }

  /// When `tick` must be called next, if nothing else happens; `time_point::max()` = never.
  time_point next_due() const noexcept {
    auto due = time_point::max();
    if (stands_)
      return due;
    if (deadlines_.first() != no_slot)
      due = deadlines_.due(deadlines_.first());
    if (!backing_off_.empty())
      due = std::min(due, backing_off_.first_key().due);
    return due;
  }

  /// Set once, when a final failure met `fail_job`; nothing leaves or is called from then on.
  const std::optional<operator_failure>& failure() const noexcept { return failure_; }

  /// Whether the end of input has left.
  bool finished() const noexcept { return end_emitted_; }

  /// Entries that are not yet emitted, borders included.
  std::size_t size() const noexcept { return size_; }

  /// Calls that run.
  std::size_t running() const noexcept { return running_; }

  machine_counts counts() const noexcept {
    auto all = counts_;
    all.late_completions += port_.ignored();
    return all;
  }

private:
  /// So that adding it to a time does not overflow: what is longer never passes either.
  static constexpr duration in_reach(duration d) noexcept {
    return std::min(d, duration::max() / 2);
  }

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
        give_last_attempts();
      settle(out, now);
      return true;
    }
    assert(what.is_border());
    if (size_ == 0) {
      out.emit(what);
      return true;
    }
    if (full() && queue_.mode() != output_mode::key_ordered)
      return false;
    push_border(what);
    return true;
  }

  void push_border(const control& what) {
    const bool takes_no_capacity = queue_.mode() == output_mode::key_ordered;
    if (takes_no_capacity && borders_in_a_row_.merge(what, counts_.records_in, borders_of_))
      return;
    const auto slot = free_slot();
    table_.take();
    auto& e = table_[slot];
    e.state = entry_state::border;
    borders_of_[slot] = what;
    e.arrival = arrivals_++;
    queue_.push_border(slot);
    if (takes_no_capacity)
      borders_in_a_row_.push(slot, what);
    ++size_;
    ++borders_;
  }

  /// Takes the record at `at`. Whether it has left already.
  bool admit(batch<input_type>& in, batch_cursor& at, time_point deadline, operator_outputs& out,
             time_point now) {
    ++counts_.records_in;
    const auto slot = free_slot();
    auto& e = table_[slot];
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
    if (!waiting_.empty() || running_ >= calls_max_ || !queue_.key_is_free(key)) {
      enter(slot, e, deadline);
      e.state = entry_state::waiting;
      wait_for_call(slot);
      return false;
    }
    auto* completed = call(slot, e, deadline, now);
    if (completed == nullptr) {
      enter(slot, e, deadline);
      e.state = entry_state::running;
      ++running_;
      if (port_.has_own())
        settle(out, now);
    } else if (is_final(*completed) && (size_ == 0 || queue_.passes_directly(key))
               && out.results.has_room()) {
      caller_.observe(duration{0});
      leave_with_results(slot, e, *completed, out);
      e.value.reset();
      ++e.generation;
      return true;
    } else {
      enter(slot, e, deadline);
      e.state = entry_state::waiting;
      end_attempt(slot, e, *completed, out, now);
      settle(out, now);
    }
    return false;
  }

  /// Makes the record in the slot at hand an entry of the queue, with the whole timeout before it.
  [[gnu::always_inline]] void enter(slot_index slot, entry& e, time_point deadline) {
    enter(slot, e);
    if (timeout_ != duration{0})
      deadlines_.push(slot, deadline);
  }

  [[gnu::always_inline]] void enter(slot_index slot, entry& e) {
    table_.take();
    e.arrival = arrivals_++;
    if constexpr (has_fixed_size_v<input_type>)
      e.bytes = sizeof(input_type);
    else
      e.bytes = value_bytes(*e.value);
    held_bytes_ += e.bytes;
    queue_.push_record(slot, e.key);
    ++size_;
  }

  /// Whether a call's outcome is the record's, whatever the retry strategy says.
  bool is_final(const outcome<output_type>& with) const noexcept {
    return with.has_results() && !retry_.looks_at_results();
  }

  /// A slot that may be taken.
  slot_index free_slot() {
    if (!table_.has_free())
      grow();
    return table_.peek();
  }

  void grow() {
    table_.grow();
    borders_of_.resize(table_.size(), control::end());
    durations_.grow(table_.size());
    queue_.grow(table_.size());
    deadlines_.grow(table_.size());
    backing_off_.grow(table_.size());
    waiting_.grow(table_.size());
  }

  // -- save and restore --

  void show(slot_index slot, time_point now, held_record& as) const {
    const auto& e = table_[slot];
    e.show(as);
    // Of one that has its results nobody asks, and the last was never noted.
    if (as.finished && as.why == nullptr)
      as.durations.clear();
    else
      as.durations = durations_.last(slot, e.ended_attempts());
    as.timeout_left.reset();
    if (e.hook_called)
      as.timeout_left = duration{0};
    else if (deadlines_.contains(slot))
      as.timeout_left = std::max(deadlines_.due(slot) - now, duration{1});
    as.backoff_left.reset();
    if (!backing_off_.empty() && backing_off_.contains(slot))
      as.backoff_left = std::max(backing_off_.key_of(slot).due - now, duration{0});
  }

  struct restored_deadline {
    time_point at;
    slot_index slot;
  };

  void restore_record(const read_record& of, entry_reader& from, restore_mode how,
                      std::vector<restored_deadline>& due) {
    // All of it, before there is an entry that could be half of one.
    auto record = read<input_type>(from, &entry_reader::read_value);
    auto result = read_outcome(of, from);
    const auto slot = free_slot();
    auto& e = table_[slot];
    borders_in_a_row_.clear();
    if (how == restore_mode::call_all) {
      e.take_up(std::move(record), {.timestamp = of.timestamp, .from = of.from, .key = of.key});
      enter(slot, e, deadline_from(standing_time));
      e.state = entry_state::waiting;
      wait_for_call(slot);
      return;
    }
    e.take_up(std::move(record), of);
    durations_.restore(slot, e.ended_attempts(), of.durations);
    enter(slot, e);
    if (of.finished) {
      e.state = entry_state::finished;
      e.met = of.met;
      e.result = std::move(result);
      const auto bytes = e.result.bytes();
      e.bytes += bytes;
      held_bytes_ += bytes;
      queue_.finish(slot);
      return;
    }
    e.state = entry_state::waiting;
    if (timeout_ != duration{0} && !e.hook_called)
      due.push_back({standing_time + std::min(of.timeout_left.value_or(timeout_), timeout_), slot});
    if (of.backoff_left)
      backing_off_.push(slot, {standing_time + in_reach(*of.backoff_left), e.arrival});
    else
      wait_for_call(slot);
  }

  static outcome<output_type> read_outcome(const read_record& of, entry_reader& from) {
    outcome<output_type> with;
    if (of.failed) {
      with.emplace(failed_outcome, from.read_error());
    } else if (of.results == 1) {
      with.emplace(one_result, read<output_type>(from, &entry_reader::read_result));
    } else if (of.results > 1) {
      std::vector<output_type> all;
      for (std::size_t i = 0; i < of.results; ++i)
        all.push_back(read<output_type>(from, &entry_reader::read_result));
      with.emplace(several_results, std::move(all));
    }
    return with;
  }

  template <class T>
  static T read(entry_reader& from, void (entry_reader::*make)(void*)) {
    alignas(T) std::byte raw[sizeof(T)];
    (from.*make)(raw);
    auto* const made = std::launder(reinterpret_cast<T*>(raw));
    T taken = std::move(*made);
    std::destroy_at(made);
    return taken;
  }

  // -- calling --

  idempotency_key key_of(const call_id& id) const {
    const auto& e = table_[id.slot];
    if (!scope_)
      throw std::logic_error("operator " + options_.name + " was not told of what idempotency keys are made");
    // Its slot may be another record's by now.
    if (e.generation != id.generation)
      throw std::logic_error("operator " + options_.name
                             + ": an idempotency key is asked for when its record is over");
    return scope_->key_of(e.from);
  }

  bool may_call() const noexcept {
    return running_ < calls_max_ && held_bytes_ < options_.capacity_bytes;
  }

  /// Whether the record that has waited longest for a call gets it. Above the bound on bytes only the
  /// call without which nothing would ever leave.
  bool may_call_waiting() const noexcept {
    return may_call()
           || (running_ == 0 && queue_.ready() == no_slot
               && queue_.leaves_next(waiting_.first()));
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
    if (!waiting_.empty())
      call_all_waiting(out, now);
  }

  [[gnu::noinline]] void call_all_waiting(operator_outputs& out, time_point now) {
    while (!failure_ && !waiting_.empty() && may_call_waiting()) {
      const auto slot = waiting_.first();
      waiting_.pop();
      auto& e = table_[slot];
      if (e.attempt > 0 && !e.repeats)
        ++counts_.retries;
      auto* completed = call(slot, e, deadlines_.due(slot), now);
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
          prefetch(table_[(&each)[fetched_ahead].id.slot]);
        complete(each, out, now);
        emit_ready(out);
        call_waiting(out, now);
      }
      arrived_.clear();
    }
  }

  [[gnu::always_inline]] void complete(completion<output_type>& with, operator_outputs& out,
                                       time_point now) {
    auto& e = table_[with.id.slot];
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
    const auto& e = table_[id.slot];
    if (e.generation == id.generation && e.state == entry_state::running
        && e.attempt == (id.attempt & ~resume_attempt))
      caller_.resume(id.slot);
  }

  /// Nobody waits for the answer to an attempt any more, since its record's timeout has passed, which the
  /// record may not have noticed.
  void expire(const call_id& id, time_point now) {
    auto& e = table_[id.slot];
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
    } else if (queue_.is_next_unfinished(slot) && out.results.has_room()) {
      // The next to leave needs no place to wait in.
      deadlines_.remove(slot);
      leave_with_results(slot, e, with, out);
      queue_.pop_unfinished();
      release(slot, e);
    } else {
      finish(slot, e, with, now);
    }
  }

  /// Whether the attempt, whose outcome may not be the record's, is made again.
  [[gnu::noinline]] void decide(slot_index slot, entry& e, outcome<output_type>& with, duration took,
                                time_point now) {
    durations_.note(slot, e.attempt, took);
    if (with.kind() == outcome_kind::supplied)
      caller_.ask_supplier(with);
    if (const auto wait = back_off_after(e, with))
      backing_off_.push(slot, {now + in_reach(*wait), e.arrival});
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
      backing_off_.remove(slot);
      waiting_.remove(slot);
    }
    e.state = entry_state::finished;
    deadlines_.remove(slot);
    if (with.kind() == outcome_kind::failed)
      caller_.fall_back(*e.value, with);
    if (auto* why = with.why()) {
      e.met = options_.action_for(*why);
      if (e.met == failure_action::fail_job) {
        failure_ = operator_failure{std::move(*why), name_of(e)};
        return;
      }
    } else {
      const auto bytes = with.bytes();
      e.bytes += bytes;
      held_bytes_ += bytes;
    }
    e.result = std::move(with);
    const auto next = queue_.finish(slot);
    // A back-off of its own that still runs makes it wait on.
    if (next != no_slot && !backing_off_.contains(next))
      waiting_.push(next, {{}, table_[next].arrival});
  }

  /// The latest attempt's call runs no longer.
  void note_duration(slot_index slot, const entry& e, time_point now) {
    const auto took = now - e.called_at;
    caller_.observe(took);
    durations_.note(slot, e.attempt, took);
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

  /// What was restored begins to pass.
  void go_on(time_point now) noexcept {
    if (!stands_) [[likely]]
      return;
    stands_ = false;
    deadlines_.put_off(now - standing_time);
    backing_off_.put_off(now - standing_time);
  }

  slot_index slot_of(const origin& of) const {
    for (slot_index slot = 0; slot < table_.size(); ++slot)
      if (const auto state = table_[slot].state;
          state != entry_state::free && state != entry_state::border && table_[slot].from == of)
        return slot;
    return no_slot;
  }

  /// `time_point::max()` where it does not run.
  time_point timer_of(slot_index slot, record_timer which) const noexcept {
    if (which == record_timer::timeout)
      return deadlines_.due(slot);
    return backing_off_.contains(slot) ? backing_off_.key_of(slot).due : time_point::max();
  }

  void time_out(slot_index slot, time_point now) {
    auto& e = table_[slot];
    ++counts_.timeouts;
    deadlines_.remove(slot);
    backing_off_.remove(slot);
    waiting_.remove(slot);
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

  /// The record wants to be called, as soon as its key is free.
  void wait_for_call(slot_index slot) {
    backing_off_.remove(slot);
    if (queue_.may_be_called(slot))
      waiting_.push(slot, {{}, table_[slot].arrival});
  }

  /// The end of input gives each record in back-off one last attempt at once.
  void give_last_attempts() {
    while (!backing_off_.empty())
      wait_for_call(backing_off_.first());
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
    if (input_ended_ && size_ == 0 && !end_emitted_ && !failure_) {
      end_emitted_ = true;
      out.emit(control::end());
    }
  }

  /// What may leave leaves.
  void emit_ready(operator_outputs& out) {
    if (queue_.ready() != no_slot)
      emit_all_ready(out);
  }

  [[gnu::noinline]] void emit_all_ready(operator_outputs& out) {
    for (auto slot = queue_.ready(); slot != no_slot && !failure_; slot = queue_.ready()) {
      auto& e = table_[slot];
      if (e.state == entry_state::border) {
        out.emit(borders_of_[slot]);
        --borders_;
      } else if (!emit_record(slot, e, out)) {
        return;
      }
      queue_.pop();
      release(slot, e);
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
                                                     copy_of(durations_.last(slot, e.ended_attempts()))},
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

  [[gnu::always_inline]] void release(slot_index slot, entry& e) noexcept {
    held_bytes_ -= e.bytes;
    e.bytes = 0;
    e.value.reset();
    e.result.reset();
    e.state = entry_state::free;
    table_.release(slot, e);
    --size_;
  }

  // -- data --

  /// The time of a machine that was restored and has not gone on.
  static constexpr time_point standing_time{};
  /// So many entries before one is looked at, which takes next to no time, what is looked at is fetched.
  static constexpr slot_index looked_at_ahead = 48;
  /// So many entries before it is saved, or completed, one is fetched.
  static constexpr std::size_t fetched_ahead = 16;

  const operator_options options_;
  const std::size_t calls_max_;
  const duration timeout_;
  completion_port<output_type>& port_;
  Calls& observer_;
  function_caller<Function, Calls> caller_;
  retry_decision retry_;

  slot_table<entry> table_;
  attempt_durations durations_;
  /// The control element of each slot that holds a border.
  std::vector<control> borders_of_;
  element_queue queue_;
  deadlines deadlines_;
  /// Records in back-off, by its end.
  slot_heap<time_point> backing_off_;
  /// Records that wait for a call, by arrival.
  slot_heap<time_point> waiting_;
  column<completion<output_type>> arrived_;

  std::size_t size_ = 0;
  std::size_t borders_ = 0;
  border_run borders_in_a_row_;
  std::size_t running_ = 0;
  std::size_t held_bytes_ = 0;
  std::uint64_t arrivals_ = 0;
  bool input_ended_ = false;
  bool end_emitted_ = false;
  /// It was restored and has not gone on.
  bool stands_ = false;
  std::optional<operator_failure> failure_;
  machine_counts counts_;
  std::optional<idempotency_scope> scope_;

  /// Of `save` alone; keeps its memory from one barrier to the next.
  mutable arrival_order order_;
};

} // namespace weir
