// SPDX-License-Identifier: Apache-2.0

#include "weir/rescale.hpp"

#include "job_shape.hpp"
#include "operator_dealer.hpp"
#include "shares.hpp"

#include "weir/state_error.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>

namespace weir {

namespace {

/// The inputs of the stage at `place`, in the order of their channels.
stage_inputs inputs_of(std::size_t place, const std::vector<manifest_stage>& stages,
                       const std::vector<manifest_edge>& edges) {
  stage_inputs of;
  const auto add = [&](stage_input next) {
    for (const auto& each : of.all)
      next.number += each.is_like(next) ? 1 : 0;
    next.first = of.channels;
    of.channels += next.channels;
    of.all.push_back(std::move(next));
  };
  // What is pushed into a service comes on a channel of its own.
  if (stages[place].role == stage_role::service)
    add({"", manifest_output::results, manifest_partition::forward, 1});
  for (const auto& each : edges) {
    if (each.to != place)
      continue;
    const auto& from = stages[each.from];
    const bool is_one_to_one
      = each.how == manifest_partition::forward && from.parallelism == stages[place].parallelism;
    add({from.name, each.output, each.how, is_one_to_one ? std::size_t{1} : from.parallelism});
  }
  return of;
}

bool holds_records(stage_role role) noexcept {
  return role == stage_role::async_operator || role == stage_role::service;
}

/// Sums by name, in the order in which the names come up.
void add_counters(std::vector<named_count>& to, const std::vector<named_count>& more) {
  for (const auto& each : more) {
    const auto known = std::find_if(to.begin(), to.end(),
                                    [&](const named_count& of) { return of.name == each.name; });
    if (known == to.end())
      to.push_back(each);
    else
      known->count += each.count;
  }
}

void add_histograms(std::vector<named_histogram>& to, const std::vector<named_histogram>& more) {
  for (const auto& each : more) {
    const auto known = std::find_if(
      to.begin(), to.end(), [&](const named_histogram& of) { return of.name == each.name; });
    if (known == to.end()) {
      to.push_back(each);
      continue;
    }
    std::map<std::uint32_t, std::uint64_t> sums;
    for (const auto* of : {&std::as_const(*known), &each})
      for (const auto& [bucket, count] : of->counts)
        sums[bucket] += count;
    known->counts.assign(sums.begin(), sums.end());
  }
}

void add_counts(instance_summary& to, const instance_summary& more) {
  add_counters(to.counters, more.counters);
  add_counters(to.own_counters, more.own_counters);
  add_histograms(to.histograms, more.histograms);
}

class rescaler {
public:
  rescaler(checkpoint from, const job_description& to, const std::vector<stage_codecs>& codecs,
           const std::vector<std::string>& drop, std::shared_ptr<block_pool> pool)
    : from_(std::move(from)),
      about_(from_.about),
      to_(to),
      codecs_(codecs),
      drop_(drop),
      pool_(std::move(pool)) {}

  expected<launch_state> run() {
    if (auto sound = sort_in(); !sound)
      return std::move(sound).why();
    // What stages have told a neighbour of idleness and watermarks it does not know any more where its state is let go.
    reshaped_ = job_shape(about_.stages, about_.edges) != job_shape(to_.stages, to_.edges)
                || std::any_of(to_.stages.begin(), to_.stages.end(),
                               [&](const manifest_stage& each) { return lets_go(each); });
    launch_state made;
    made.checkpoint = about_.checkpoint;
    made.kind = about_.kind;
    made.removes_old_output = about_.removes_old_output;
    made.made_at_ms = about_.made_at_ms;
    made.gone = gone();
    for (std::size_t now = 0; now < to_.stages.size(); ++now) {
      auto stage = of_stage(now);
      if (!stage)
        return std::move(stage).why();
      made.stages.push_back(*std::move(stage));
    }
    return made;
  }

private:
  struct old_instance {
    instance_summary* summary = nullptr;
    state_blocks* held = nullptr;
  };

  error damaged(const std::string& what) const {
    return {error_kind::damaged, "checkpoint " + std::to_string(about_.checkpoint), what};
  }

  /// The instances of each stage of the checkpoint.
  expected<void> sort_in() {
    const auto& stages = about_.stages;
    for (const auto& each : about_.edges)
      if (each.from >= stages.size() || each.to >= stages.size())
        return damaged("its manifest has an edge to a stage that there is not");
    for (const auto& each : stages)
      if (each.parallelism == 0)
        return damaged("its manifest has a stage without instances, " + each.name);
    olds_.resize(stages.size());
    // In their order, so that there are no more of them than the manifest has.
    for (auto& each : about_.instances) {
      if (each.stage >= stages.size() || each.instance != olds_[each.stage].size()
          || each.instance >= stages[each.stage].parallelism)
        return damaged("its manifest has an instance too many, or not in its place");
      olds_[each.stage].push_back({&each.summary});
    }
    for (std::size_t i = 0; i < stages.size(); ++i)
      if (!olds_[i].empty() && olds_[i].size() != stages[i].parallelism)
        return damaged("its manifest does not have all instances of " + stages[i].name);
    for (auto& each : from_.states) {
      if (each.stage >= stages.size() || each.instance >= olds_[each.stage].size()
          || !holds_records(stages[each.stage].role)
          || olds_[each.stage][each.instance].held != nullptr)
        return damaged("it has the state of an instance that it does not have");
      olds_[each.stage][each.instance].held = &each.bytes;
    }
    for (std::size_t i = 0; i < stages.size(); ++i)
      for (const auto& each : olds_[i])
        if (each.held == nullptr && each.summary->entries.records() > 0)
          return damaged("it does not have what an instance of " + stages[i].name + " holds");
    return {};
  }

  expected<launch_state::stage> of_stage(std::size_t now) {
    const auto& is = to_.stages[now];
    const auto known
      = std::find_if(about_.stages.begin(), about_.stages.end(),
                     [&](const manifest_stage& each) { return each.name == is.name; });
    if (known == about_.stages.end())
      return launch_state::stage{};
    const auto before = static_cast<std::size_t>(known - about_.stages.begin());
    if (olds_[before].empty())
      return launch_state::stage{};
    if (lets_go(is))
      return without_state(before, is);
    if (known->role != is.role)
      return error{error_kind::incompatible, is.name,
                   "the checkpoint has a stage of another kind by this name"};
    if (is.role == stage_role::source)
      return of_source(before, is);
    if (is.role == stage_role::sink)
      return of_sink(before, is);
    return of_operator(before, now);
  }

  /// Whether the state of a stage of the job is not wanted.
  bool lets_go(const manifest_stage& is) const {
    return holds_records(is.role) && std::find(drop_.begin(), drop_.end(), is.name) != drop_.end();
  }

  /// Summaries for the instances that there are now: each its own, or the first with the counts of all.
  std::vector<launch_state::instance> instances_of(std::size_t before, const manifest_stage& is) {
    std::vector<launch_state::instance> all(is.parallelism);
    if (olds_[before].size() == all.size()) {
      for (std::size_t i = 0; i < all.size(); ++i)
        all[i].summary = std::move(*olds_[before][i].summary);
      return all;
    }
    for (const auto& each : olds_[before])
      add_counts(all[0].summary, *each.summary);
    auto& own = all[0].summary.own_counters;
    std::sort(own.begin(), own.end(),
              [](const named_count& a, const named_count& b) { return a.name < b.name; });
    return all;
  }

  // -- sources --

  launch_state::stage of_source(std::size_t before, const manifest_stage& is) {
    const auto& olds = olds_[before];
    launch_state::stage made;
    made.instances = instances_of(before, is);
    if (olds.size() != is.parallelism)
      deal_splits(olds, made.instances);
    if (reshaped_)
      for (auto& each : made.instances)
        if (each.summary.times)
          each.summary.times->idle = false;
    return made;
  }

  static void deal_splits(const std::vector<old_instance>& olds,
                          std::vector<launch_state::instance>& to) {
    std::uint64_t splits = 0;
    least_time newest;
    least_time watermark;
    bool says_times = false;
    for (const auto& each : olds) {
      splits += each.summary->positions.size();
      if (const auto& times = each.summary->times) {
        says_times = true;
        const bool is_active = !times->ended && !times->idle;
        newest.add(times->newest, is_active);
        watermark.add(times->watermark, is_active);
      }
    }
    if (says_times)
      for (auto& each : to)
        each.summary.times = source_times{newest.get(), watermark.get(), false, false};
    contiguous_shares shares{splits, static_cast<std::uint32_t>(to.size())};
    for (const auto& each : olds)
      for (auto& split : each.summary->positions) {
        auto& gets = to[shares.next()].summary;
        // What was read to its end stays so; who has something else to read looks at it again.
        const bool ended = each.summary->times && each.summary->times->ended;
        if (gets.times)
          gets.times->ended = ended && (gets.positions.empty() || gets.times->ended);
        gets.positions.push_back(std::move(split));
      }
  }

  // -- sinks --

  launch_state::stage of_sink(std::size_t before, const manifest_stage& is) {
    launch_state::stage made;
    for (const auto& each : olds_[before])
      made.pending_output.push_back(each.summary->pending_output);
    made.instances = instances_of(before, is);
    return made;
  }

  // -- operators --

  /// What an operator holds is let go, and what it has counted stays. So does where a service stood, as with a source:
  /// what was pushed before is not pushed again.
  launch_state::stage without_state(std::size_t before, const manifest_stage& is) {
    launch_state::stage made;
    if (is.role != about_.stages[before].role)
      return made;
    made.instances = instances_of(before, is);
    for (auto& each : made.instances) {
      instance_summary counted;
      add_counts(counted, each.summary);
      if (is.role == stage_role::service && &each == &made.instances.front())
        carry_place_of_feed(olds_[before].size() == is.parallelism ? each.summary : *olds_[before][0].summary,
                            counted);
      each.summary = std::move(counted);
    }
    return made;
  }

  /// What the run has counted so of earlier changes, and what comes to it by this one.
  gone_counts gone() const {
    auto sum = gone_in(about_);
    for (std::size_t before = 0; before < about_.stages.size(); ++before) {
      const auto& was = about_.stages[before];
      if (!holds_records(was.role))
        continue;
      const auto now = std::find_if(to_.stages.begin(), to_.stages.end(),
                                    [&](const manifest_stage& each) { return each.name == was.name; });
      const bool is_gone = now == to_.stages.end();
      if (!is_gone && !lets_go(*now))
        continue;
      for (const auto& each : olds_[before]) {
        sum.let_go += each.summary->entries.records();
        for (const auto& counted : each.summary->counters) {
          sum.dropped += is_gone && counted.name == "dropped" ? counted.count : 0;
          sum.dead_letters += is_gone && counted.name == "dead_letters" ? counted.count : 0;
        }
      }
    }
    return sum;
  }

  /// Instance 0 speaks for what all of a service's are fed from.
  static void carry_place_of_feed(instance_summary& from, instance_summary& to) {
    to.positions = std::move(from.positions);
    to.times = from.times;
  }

  expected<launch_state::stage> of_operator(std::size_t before, std::size_t now) {
    const auto& was = about_.stages[before];
    const auto& is = to_.stages[now];
    const auto inputs_before = inputs_of(before, about_.stages, about_.edges);
    const auto inputs_now = inputs_of(now, to_.stages, to_.edges);
    launch_state::stage made;
    made.instances = instances_of(before, is);
    if (is.role == stage_role::service && olds_[before].size() != is.parallelism)
      carry_place_of_feed(*olds_[before][0].summary, made.instances[0].summary);
    made.records = was.records;
    const bool is_as_it_was
      = !reshaped_
        && std::equal(inputs_before.all.begin(), inputs_before.all.end(), inputs_now.all.begin(),
                      inputs_now.all.end(),
                      [](const stage_input& a, const stage_input& b) { return a.is(b); });
    if (is_as_it_was) {
      for (std::size_t i = 0; i < made.instances.size(); ++i)
        if (auto* held = olds_[before][i].held)
          made.instances[i].held = std::move(*held);
      return made;
    }
    std::vector<const state_blocks*> held;
    for (const auto& each : olds_[before])
      held.push_back(each.held);
    if (std::all_of(held.begin(), held.end(), [](const auto* each) { return each == nullptr; }))
      return made;
    auto codecs = codecs_of(was, now);
    if (!codecs)
      return std::move(codecs).why();
    auto dealt
      = deal_operator({is.name, codecs->first, codecs->second,
                       about_.kind == checkpoint_kind::drained, reshaped_, is.key_groups > 0,
                       was.key_groups == is.key_groups, is.parallelism, inputs_before, inputs_now,
                       about_.checkpoint},
                      std::move(held), pool_);
    for (std::size_t i = 0; i < dealt.size(); ++i) {
      made.instances[i].held = std::move(dealt[i].held);
      made.instances[i].summary.entries = dealt[i].counts;
    }
    made.records = {{codecs->first.codec->name, codecs->first.codec->version},
                    {codecs->second.codec->name, codecs->second.codec->version}};
    return made;
  }

  /// The codecs of a stage's records and results, each with the version that was stored.
  expected<std::pair<stored_record_type, stored_record_type>> codecs_of(const manifest_stage& was,
                                                                        std::size_t now) const {
    const auto who = "operator " + to_.stages[now].name;
    const auto codecs = now < codecs_.size() ? codecs_[now] : stage_codecs{};
    if (codecs.in == nullptr || codecs.out == nullptr)
      return error{error_kind::argument, who, "its records or its results cannot be stored"};
    if (was.records.size() != 2)
      return damaged("its manifest does not say of which types the records of " + was.name
                     + " are");
    for (const auto& [codec, stored] :
         {std::pair{codecs.in, &was.records[0]}, std::pair{codecs.out, &was.records[1]}})
      if (codec->name != stored->name)
        return error{error_kind::incompatible, who,
                     "its checkpoint holds records of the type " + stored->name + ", and it has "
                       + codec->name};
    return std::pair{stored_record_type{codecs.in, was.records[0].version},
                     stored_record_type{codecs.out, was.records[1].version}};
  }

  checkpoint from_;
  manifest& about_;
  const job_description& to_;
  const std::vector<stage_codecs>& codecs_;
  const std::vector<std::string>& drop_;
  std::shared_ptr<block_pool> pool_;
  /// What stages have told each other before the checkpoint is not what they would have by now.
  bool reshaped_ = false;
  /// By the places of the checkpoint's stages; none where nothing is said of a stage.
  std::vector<std::vector<old_instance>> olds_;
};

} // namespace

expected<launch_state> rescale(checkpoint from, const job_description& to,
                               const std::vector<stage_codecs>& codecs,
                               const std::vector<std::string>& drop_state,
                               const std::shared_ptr<block_pool>& pool) {
  try {
    return rescaler{std::move(from), to, codecs, drop_state, pool}.run();
  } catch (const state_error& thrown) {
    return thrown.why();
  }
}

} // namespace weir
