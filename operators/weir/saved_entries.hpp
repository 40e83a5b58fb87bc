// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How the entries of an operator are shown to whoever writes them down, and taken up again from what was
/// written. Part of the deterministic machine: on its thread, at a barrier and at a start.
/// tests/operators/operator_snapshot_test.cpp.

#include "weir/arrival_order.hpp"
#include "weir/control.hpp"
#include "weir/held_entries.hpp"
#include "weir/held_record.hpp"
#include "weir/outcome.hpp"
#include "weir/prefetch.hpp"
#include "weir/queue_entry.hpp"
#include "weir/slot_index.hpp"
#include "weir/time.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <variant>
#include <vector>

namespace weir {

/// Writes entries in the order in which they arrived. Equal entries are written alike, in whichever slots
/// they lie. Keeps its memory from one barrier to the next.
template <class In, class Out>
class entry_saver {
public:
  void save(const held_entries<In, Out>& held, bool input_ended, entry_writer& to, time_point now) {
    if (held.stands())
      now = held.standing_time;
    const auto places = in_order(held);
    to.begin(places.size(), input_ended);
    held_record record;
    record.result_bytes_each = sizeof(Out);
    for (std::size_t i = 0; i < places.size(); ++i) {
      // In the order of arrival entries lie anywhere.
      if (i + fetched_ahead < places.size()) {
        const auto soon = places[i + fetched_ahead].slot;
        prefetch(held[soon]);
        held.timeouts.fetch(soon);
      }
      const auto slot = places[i].slot;
      if (held[slot].state == entry_state::border) {
        to.border(held.border_in(slot));
      } else {
        show(held, slot, now, record);
        to.record(record);
      }
    }
  }

private:
  /// So many entries before one is looked at, which takes next to no time, what is looked at is fetched.
  static constexpr slot_index looked_at_ahead = 48;
  /// So many entries before it is saved, one is fetched.
  static constexpr std::size_t fetched_ahead = 16;

  auto in_order(const held_entries<In, Out>& held) {
    order_.clear();
    for (slot_index slot = 0; slot < held.slots(); ++slot) {
      if (const auto soon = slot + looked_at_ahead; soon < held.slots()) {
        prefetch(held[soon].state);
        prefetch(held[soon].arrival);
      }
      if (held[slot].state != entry_state::free)
        order_.add(held[slot].arrival, slot);
    }
    return order_.in_order();
  }

  static void show(const held_entries<In, Out>& held, slot_index slot, time_point now,
                   held_record& as) {
    const auto& e = held[slot];
    e.show(as);
    // Of one that has its results nobody asks, and the last was never noted.
    if (as.finished && as.why == nullptr)
      as.durations.clear();
    else
      as.durations = held.durations.last(slot, e.ended_attempts());
    as.timeout_left.reset();
    if (e.hook_called)
      as.timeout_left = duration{0};
    else if (held.timeouts.contains(slot))
      as.timeout_left = std::max(held.timeouts.due(slot) - now, duration{1});
    as.backoff_left.reset();
    if (!held.backing_off.empty() && held.backing_off.contains(slot))
      as.backoff_left = std::max(held.backing_off.key_of(slot).due - now, duration{0});
  }

  arrival_order order_;
};

/// The counterpart, which is used once and for entries that hold nothing yet. They stand still then.
template <class In, class Out>
class entry_restorer {
public:
  /// `whole_timeout` is what a new record gets, within reach; 0 = none.
  entry_restorer(held_entries<In, Out>& held, entry_reader& from, restore_mode how,
                 duration whole_timeout)
    : held_(held),
      from_(from),
      how_(how),
      timeout_(whole_timeout) {}

  void restore() {
    held_.stand();
    std::variant<control, read_record> each{control::end()};
    while (from_.next(each))
      if (const auto* border = std::get_if<control>(&each))
        held_.push_border(*border, /*records=*/0);
      else
        restore_record(std::get<read_record>(each));
    // In order: the queue of deadlines looks for the place of each from its end.
    std::stable_sort(due_.begin(), due_.end(),
                     [](const auto& a, const auto& b) { return a.at < b.at; });
    for (const auto& each_due : due_)
      held_.timeouts.push(each_due.slot, each_due.at);
  }

private:
  struct deadline {
    time_point at;
    slot_index slot;
  };

  void restore_record(const read_record& of) {
    // All of it, before there is an entry that could be half of one.
    auto record = read<In>(&entry_reader::read_value);
    auto result = read_outcome(of);
    const auto slot = held_.free_slot();
    auto& e = held_[slot];
    held_.end_run_of_borders();
    if (how_ == restore_mode::call_all) {
      e.take_up(std::move(record), {.timestamp = of.timestamp, .from = of.from, .key = of.key});
      held_.enter(slot, e, has_timeout() ? held_.standing_time + timeout_ : time_point::max());
      e.state = entry_state::waiting;
      held_.wait_for_call(slot);
      return;
    }
    e.take_up(std::move(record), of);
    held_.durations.restore(slot, e.ended_attempts(), of.durations);
    held_.enter(slot, e);
    if (of.finished) {
      e.state = entry_state::finished;
      e.met = of.met;
      e.result = std::move(result);
      held_.add_bytes(e, e.result.bytes());
      held_.queue.finish(slot);
      return;
    }
    e.state = entry_state::waiting;
    if (has_timeout() && !e.hook_called)
      due_.push_back({held_.standing_time + std::min(of.timeout_left.value_or(timeout_), timeout_), slot});
    if (of.backoff_left)
      held_.back_off(slot, held_.standing_time, *of.backoff_left);
    else
      held_.wait_for_call(slot);
  }

  bool has_timeout() const noexcept { return timeout_ != duration{0}; }

  outcome<Out> read_outcome(const read_record& of) {
    outcome<Out> with;
    if (of.failed) {
      with.emplace(failed_outcome, from_.read_error());
    } else if (of.results == 1) {
      with.emplace(one_result, read<Out>(&entry_reader::read_result));
    } else if (of.results > 1) {
      std::vector<Out> all;
      for (std::size_t i = 0; i < of.results; ++i)
        all.push_back(read<Out>(&entry_reader::read_result));
      with.emplace(several_results, std::move(all));
    }
    return with;
  }

  template <class T>
  T read(void (entry_reader::*make)(void*)) {
    alignas(T) std::byte raw[sizeof(T)];
    (from_.*make)(raw);
    auto* const made = std::launder(reinterpret_cast<T*>(raw));
    T taken = std::move(*made);
    std::destroy_at(made);
    return taken;
  }

  held_entries<In, Out>& held_;
  entry_reader& from_;
  const restore_mode how_;
  const duration timeout_;
  /// Of records that were restored.
  std::vector<deadline> due_;
};

} // namespace weir
