// SPDX-License-Identifier: Apache-2.0
#include "leaving_rules.hpp"

#include <algorithm>
#include <utility>

namespace weir::simulation {

namespace {

using sentence = std::optional<std::string>;

std::string at(millis when) {
  return " at " + std::to_string(when);
}

class leaving_judge {
public:
  leaving_judge(const life& of, const answered_calls& calls) :
    of_(of), view_(of, calls) {}

  /// Without order, those of which the end is known leave as they finished.
  sentence overtaken() const {
    if (of_.with.mode != scenario_mode::unordered)
      return std::nullopt;
    std::vector<const element*> section;
    for (const auto& each : of_.elements) {
      if (each.border)
        section.clear();
      else if (each.place)
        section.push_back(&each);
      for (const auto* other : section)
        if (auto broken = finish_order_broken(each, *other))
          return broken;
    }
    return std::nullopt;
  }

  /// What may leave leaves at once.
  sentence late(millis ends) const {
    if (of_.room_was_short)
      return std::nullopt;
    for (const auto& each : of_.elements) {
      const auto due = known_moment(each);
      if (due && each.place && each.left_at > *due)
        return name_of(each) + " leaves" + at(each.left_at) + " and could leave" + at(*due);
      if (due && !each.left && *due < ends && view_.silent_from(each) == never)
        return name_of(each) + " is lost: it could leave" + at(*due);
    }
    return std::nullopt;
  }

  sentence failed_wrongly(const trace_failure& failed) const {
    const auto said = "the job fails" + at(failed.at) + " with " + failed.error + " of record "
                      + std::to_string(failed.record);
    if (of_.with.on_failure != scenario_failure_action::fail_job && of_.with.failure_rules.empty())
      return said + ", but failures do not fail it";
    for (const auto& each : of_.elements)
      if (!each.border && each.value == failed.record && !each.left && may_fail(each, failed))
        return std::nullopt;
    return said + ", which has no such failure then";
  }

  /// What has not left must be stuck, or behind one that is, or there is no room or call for it.
  sentence lost() const {
    std::size_t held = 0;
    const auto stuck = static_cast<std::size_t>(std::ranges::count_if(
      of_.elements, [&](const auto& each) { return !each.left && view_.is_stuck(each); }));
    // Where bytes are bounded, one that is stuck may hold them for ever.
    if (of_.room_is_used_up || (of_.with.capacity_bytes && stuck > 0))
      return std::nullopt;
    const bool no_call = stuck >= of_.with.max_concurrent_calls.value_or(of_.with.capacity);
    const auto waits_for_call
      = [&](const element& each) { return no_call && !each.border && may_wait_for_call(each); };
    for (const auto& each : of_.elements) {
      if (each.left)
        continue;
      const bool no_room = held >= of_.with.capacity;
      const bool waits = no_room || waits_for_call(each) || is_behind(each, waits_for_call);
      if (!waits && !view_.is_stuck(each) && view_.silent_from(each) == never)
        return name_of(each) + " is lost";
      held += view_.takes_place(each) ? 1 : 0;
    }
    return std::nullopt;
  }

private:
  sentence finish_order_broken(const element& one, const element& other) const {
    if (!one.place || one.border || &one == &other)
      return std::nullopt;
    const auto& first = *one.place < *other.place ? one : other;
    const auto& second = &first == &one ? other : one;
    const auto first_ends = known_end(first);
    const auto second_ends = known_end(second);
    if (!first_ends || !second_ends || *first_ends <= *second_ends)
      return std::nullopt;
    return name_of(first) + " leaves" + at(first.left_at) + " before " + name_of(second)
           + ", which finished first";
  }

  /// When it may leave. Absent where that hangs on what the trace does not show.
  std::optional<millis> known_moment(const element& each) const {
    auto moment = each.border ? std::nullopt : known_end(each);
    for (const auto& before : of_.elements) {
      if (&before == &each || !moment)
        break;
      if (!view_.holds_back(before, each))
        continue;
      moment = before.place ? std::optional{std::max(*moment, before.left_at)} : std::nullopt;
    }
    return moment;
  }

  /// Absent where it may have been the hook, also of a record that waited for a retry.
  std::optional<millis> known_end(const element& each) const {
    const auto calls = view_.last_calls_of(each);
    if (each.shares_value || calls.empty() || calls.back().completes >= view_.deadline_min(each)
        || wants_retry(of_.with.retry, *calls.back().answer, each.value))
      return std::nullopt;
    return calls.back().completes;
  }

  bool may_fail(const element& each, const trace_failure& failed) const {
    for (const auto& call : view_.calls_of(each.value))
      if (call.completes == failed.at && call.answer->error == failed.error
          && fails_job(failed.error, source_of_error(*call.answer)))
        return true;
    const auto& hook = of_.with.on_timeout;
    const bool is_own = hook.kind == hook_kind::error;
    const auto error = is_own ? hook.error : timeout_error;
    if (!fails_job(error, is_own ? error_source::service_or_hook : error_source::timeout))
      return false;
    return view_.deadline_min(each) <= failed.at && failed.at <= deadline_max(each)
           && hook.kind != hook_kind::emit && error == failed.error;
  }

  bool fails_job(const std::string& error, error_source from) const {
    return action_for(of_.with, error, from) == scenario_failure_action::fail_job;
  }

  /// It was admitted when it was first called, at the latest.
  millis deadline_max(const element& each) const {
    const auto calls = view_.calls_of(each.value);
    return each.shares_value || calls.empty() ? never : calls.front().call.at + of_.with.timeout;
  }

  /// For ever: nothing else ends it.
  bool may_wait_for_call(const element& each) const {
    if (each.shares_value || (each.inherited && of_.hook_may_be_silent))
      return true;
    auto outcomes = view_.outcomes_of(each).size();
    // What it may have become before a restore, it did not become for certain.
    if (!each.finished_before && view_.calls_of(each.value).empty())
      outcomes -= each.outcomes_before.size();
    return outcomes == 0;
  }

  /// Behind one that is certainly there, or that may wait for a call.
  template <class Waits>
  bool is_behind(const element& each, Waits waits_for_call) const {
    for (const auto& before : of_.elements) {
      if (&before == &each)
        return false;
      const bool may_be_gone = !before.border && !view_.is_stuck(before)
                               && view_.silent_from(before) != never && !waits_for_call(before);
      if (!before.left && !may_be_gone && view_.holds_back(before, each))
        return true;
    }
    return false;
  }

  const life& of_;
  life_view view_;
};

} // namespace

std::optional<std::string> broken_leaving_rule(const life& of,
                                               const answered_calls& calls,
                                               millis ends) {
  const leaving_judge judge{of, calls};
  auto broken = judge.overtaken();
  return broken ? broken : judge.late(ends);
}

std::optional<std::string> failed_wrongly(const life& of, const answered_calls& calls,
                                          const trace_failure& failed) {
  return leaving_judge{of, calls}.failed_wrongly(failed);
}

std::optional<std::string> lost(const life& of, const answered_calls& calls) {
  return leaving_judge{of, calls}.lost();
}

} // namespace weir::simulation
