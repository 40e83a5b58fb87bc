// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A little language for what a source says of time: `watermarks` sets how, the verbs of `job_fixture`
/// let things happen, and `take` is what has left the source, as `1@1000 w999 idle active end`.

#include "job_fixture.hpp"

#include "weir/event_time_steps.hpp"

#include <string>
#include <type_traits>
#include <utility>

namespace weir::testing {

/// What `from` holds, as `1@1000 w999 idle active end`; a record without an event time is its
/// number alone.
template <class T>
std::string text_of(const batch<T>& from) {
  std::string text;
  for (batch_cursor at; !at.at_end(from);) {
    if (!at.at_control(from)) {
      const auto time = from.timestamp(at.record);
      if constexpr (std::is_same_v<T, int>)
        text += std::to_string(from.value(at.record));
      else
        text += std::to_string(from.value(at.record).value);
      text += time.has_value() ? "@" + std::to_string(time.ms()) + " " : " ";
      ++at.record;
      continue;
    }
    const auto& what = from.controls()[at.control++].what;
    switch (what.kind()) {
      case control_kind::watermark:
        text += "w" + std::to_string(what.event_time().ms()) + " ";
        break;
      case control_kind::idle:
        text += "idle ";
        break;
      case control_kind::active:
        text += "active ";
        break;
      case control_kind::barrier:
        text += "barrier ";
        break;
      case control_kind::end:
        text += "end ";
        break;
    }
  }
  return text;
}

/// source in -> operator op -> sink out; calls are answered at once.
struct event_time_fixture : job_fixture {
  event_time_fixture() {
    add_line();
    functions["op"].answer = [](int x, result_future<int> done) { done.complete(x); };
    settings.wall_clock = [this] {
      return event_time{wall_start + (world.now() - start_time) / ms{1} + set_forward};
    };
    world.watch([this](caf::scheduled_actor& to, const caf::type_erased_tuple& what) {
      if (what.match_elements<channel_id, batch_handle>())
        note(std::string{to.name()}, *what.get_as<batch_handle>(1).batch);
    });
  }

  void note(const std::string& to, const batch_base& in) {
    if (const auto* dead = dynamic_cast<const batch<dead_letter<int>>*>(&in))
      dead_letters += text_of(*dead);
    else if (const auto* records = dynamic_cast<const batch<int>*>(&in))
      (to == "weir.operator" ? given : merged) += text_of(*records);
  }

  source_plan& source(std::size_t stage = 0) {
    return std::get<source_plan>(plan.stages[stage].what);
  }

  void watermarks(const watermark_strategy& how) { source().watermarks = how; }

  template <class G>
  void watermarks(const generated_watermarks<G>& how) {
    source().watermarks = how.strategy();
    source().generator = generator_of<int>(how.generator());
  }

  void push_unreadable(int record) {
    sources["in"].items.push_back({record, event_time{}, true});
    wake("in");
  }

  /// What has left the source since this was last asked.
  std::string take() { return std::exchange(given, {}); }
  std::string take_dead_letters() { return std::exchange(dead_letters, {}); }
  /// What has left the operator.
  std::string take_merged() { return std::exchange(merged, {}); }

  static constexpr std::int64_t wall_start = 5000;
  const time_point start_time = world.now();
  /// Somebody has set the system's clock.
  std::int64_t set_forward = 0;
  std::string given;
  std::string dead_letters;
  std::string merged;
};

} // namespace weir::testing
