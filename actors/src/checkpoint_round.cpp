// SPDX-License-Identifier: Apache-2.0
#include "checkpoint_round.hpp"

#include "guarded.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace weir {

namespace {

bool is_asked(checkpoint_kind kind, stage_role role) {
  switch (kind) {
    case checkpoint_kind::begun:
      return role == stage_role::source || role == stage_role::service;
    case checkpoint_kind::finished:
      return false;
    default:
      return true;
  }
}

std::string label(const manifest_stage& stage) {
  switch (stage.role) {
    case stage_role::source:
      return "source " + stage.name;
    case stage_role::async_operator:
    case stage_role::service:
      return "operator " + stage.name;
    case stage_role::sink:
      break;
  }
  return "sink " + stage.name;
}

} // namespace

checkpoint_round::checkpoint_round(manifest about, time_point began)
  : about_(std::move(about)),
    began_(began) {
  about_.instances.clear();
  about_.files.clear();
  for (std::uint32_t stage = 0; stage < about_.stages.size(); ++stage) {
    const auto& of = about_.stages[stage];
    const bool asked = is_asked(about_.kind, of.role);
    for (std::uint32_t instance = 0; instance < of.parallelism; ++instance) {
      auto& next = places_.emplace_back();
      next.stage = stage;
      next.instance = instance;
      next.is_asked = asked;
    }
    expected_ += asked ? of.parallelism : 0;
  }
}

checkpoint_round::place* checkpoint_round::waits_for(std::uint64_t id,
                                                     std::uint32_t instance) noexcept {
  if (id != about_.checkpoint || refusal_ || instance >= places_.size())
    return nullptr;
  auto& at = places_[instance];
  return at.is_asked && !at.answer ? &at : nullptr;
}

bool checkpoint_round::saved(std::uint64_t id, std::uint32_t instance, saved_instance what) {
  auto* const at = waits_for(id, instance);
  if (at == nullptr)
    return false;
  at->answer = std::move(what);
  ++answers_;
  return true;
}

bool checkpoint_round::unsaved(std::uint64_t id, std::uint32_t instance, const error& why) {
  const auto* const at = waits_for(id, instance);
  if (at == nullptr)
    return false;
  const auto& stage = about_.stages[at->stage];
  refusal_ = said_of(label(stage), stage.name, why);
  // Its memory is free for the next one at once.
  for (auto& each : places_)
    each.answer.reset();
  return true;
}

bool checkpoint_round::waits_for_sinks_alone() const noexcept {
  return !is_complete() && std::all_of(places_.begin(), places_.end(), [&](const place& each) {
    return !each.is_asked || each.answer || about_.stages[each.stage].role == stage_role::sink;
  });
}

std::string checkpoint_round::missing() const {
  std::string names;
  for (std::size_t at = 0; at < places_.size();) {
    const auto& stage = about_.stages[places_[at].stage];
    const auto begin = places_.begin() + static_cast<std::ptrdiff_t>(at);
    const auto count = std::count_if(begin, begin + stage.parallelism, [](const place& each) {
      return each.is_asked && !each.answer;
    });
    at += stage.parallelism;
    if (count == 0)
      continue;
    names += (names.empty() ? "" : ", ") + label(stage);
    if (stage.parallelism > 1)
      names += " (" + std::to_string(count) + " of " + std::to_string(stage.parallelism)
               + " instances)";
  }
  return names;
}

collected_checkpoint checkpoint_round::take(time_point now, std::int64_t made_at_ms) {
  assert(is_complete());
  collected_checkpoint all;
  about_.took = now - began_;
  about_.made_at_ms = made_at_ms;
  for (auto& each : places_) {
    if (!each.answer)
      continue;
    about_.instances.push_back({each.stage, each.instance, std::move(each.answer->summary)});
    if (auto& state = each.answer->state; state && state->size() > 0)
      all.what.states.push_back({each.stage, each.instance, *std::move(state)});
    if (each.answer->make_durable)
      all.to_make_durable.push_back(
        {about_.stages[each.stage].name, std::move(each.answer->make_durable)});
  }
  all.what.about = std::move(about_);
  return all;
}

expected<void> make_durable(std::vector<durable_task>& of) {
  for (auto& each : of) {
    const auto who = "sink " + each.sink;
    if (const auto done = guarded(who, each.run); !done)
      return said_of(who, done.why());
  }
  return {};
}

manifest finished_behind(manifest last, std::uint64_t id, std::int64_t made_at_ms) {
  last.checkpoint = id;
  last.kind = checkpoint_kind::finished;
  last.made_at_ms = made_at_ms;
  last.took = duration{0};
  last.files.clear();
  for (auto& each : last.instances) {
    each.summary.positions.clear();
    each.summary.times.reset();
    each.summary.pending_output.clear();
    each.summary.entries = {};
  }
  return last;
}

} // namespace weir
