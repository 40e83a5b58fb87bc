// SPDX-License-Identifier: Apache-2.0
#include "weir/prepared_launch.hpp"

#include "guarded.hpp"
#include "stored_status.hpp"

#include "weir/checkpoint_store.hpp"
#include "weir/compare_jobs.hpp"
#include "weir/directory_store.hpp"
#include "weir/record_codec.hpp"
#include "weir/rescale.hpp"
#include "weir/same_place.hpp"
#include "weir/start_choice.hpp"
#include "weir/version.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

namespace weir {

namespace {

std::vector<stage_codecs> codecs_of(const job_plan& plan) {
  std::vector<stage_codecs> all;
  for (const auto& stage : plan.stages) {
    auto& of = all.emplace_back();
    const auto* wait = std::get_if<operator_plan>(&stage.what);
    if (wait == nullptr)
      continue;
    if (wait->types.in != nullptr)
      of.in = find_record_codec(*wait->types.in);
    if (wait->types.out != nullptr)
      of.out = find_record_codec(*wait->types.out);
  }
  return all;
}

expected<std::shared_ptr<launch_state>> deal(checkpoint from, const job_description& to,
                                             const job_plan& plan,
                                             const std::vector<std::string>& drop_state) {
  if (from.about.kind == checkpoint_kind::finished)
    return std::make_shared<launch_state>(
      launch_state{.checkpoint = from.about.checkpoint, .kind = from.about.kind});
  auto dealt = rescale(std::move(from), to, codecs_of(plan), drop_state);
  if (!dealt)
    return std::move(dealt).why();
  return std::make_shared<launch_state>(*std::move(dealt));
}

/// "a", "a and 1 more".
std::string first_and_count(const std::vector<std::string>& all) {
  return all.front() + (all.size() > 1 ? " and " + std::to_string(all.size() - 1) + " more" : "");
}

constexpr const char* way_out_of_newer_output
  = "; start from the newest checkpoint, or let it be put aside (discard_newer_output)";

std::string newer_output_than(std::uint64_t checkpoint) {
  return "is output that is newer than checkpoint " + std::to_string(checkpoint);
}

/// An error for each sink of the plan at which `find` names something.
template <class Find>
std::vector<error> found_at_sinks(const job_plan& plan, Find find, const std::string& why) {
  std::vector<error> all;
  for (const auto& stage : plan.stages) {
    const auto* to = std::get_if<sink_plan>(&stage.what);
    if (to == nullptr)
      continue;
    const auto found = guarded(stage.name, [&] { return find(*to->make()); });
    if (!found)
      all.push_back(found.why());
    else if (!found->empty())
      all.emplace_back(error_kind::incompatible, first_and_count(*found), why);
  }
  return all;
}

bool holds_stage(const manifest& about, const std::string& name) {
  return std::any_of(about.stages.begin(), about.stages.end(),
                     [&](const manifest_stage& each) { return each.name == name; });
}

class preparation {
public:
  preparation(const job_plan& plan, const launch_wishes& wishes, const run_id& fresh_run)
    : plan_(std::make_shared<const job_plan>(plan)),
      options_(*plan.checkpoints),
      wishes_(wishes),
      fresh_run_(fresh_run) {}

  launch_preparation run() {
    launch_preparation result;
    if (auto done = guarded("job " + plan_->name, [this] { return prepare(); }); !done)
      refusals_.push_back(std::move(done).why());
    // Who goes on with nothing gives the place up, whoever else keeps the store.
    const bool starts = refusals_.empty() && choice_.kind != start_kind::finished;
    if (store_ != nullptr && !starts)
      store_->release();
    result.refusals = std::move(refusals_);
    result.made = std::move(made_);
    return result;
  }

private:
  // Each step leaves what it refuses in `refusals_`; an error is one more.

  expected<void> prepare() {
    check_wishes();
    auto mistakes = record_codec_mistakes();
    refusals_.insert(refusals_.end(), mistakes.begin(), mistakes.end());
    if (auto done = describe(); !done)
      return done;
    if (!refusals_.empty())
      return {};
    store_ = options_.store ? options_.store() : directory_store(options_.directory);
    if (auto claimed = store_->claim(plan_->name); !claimed)
      return claimed;
    auto choice = choose_start(*store_, *job_,
                               {.fresh = wishes_.fresh,
                                .checkpoint = wishes_.from,
                                .fall_back = options_.fall_back,
                                .drop_state = wishes_.drop_state});
    if (!choice)
      return std::move(choice).why();
    choice_ = *std::move(choice);
    say_how_it_begins();
    switch (choice_.kind) {
      case start_kind::finished:
        break;
      case start_kind::fresh:
        return begin();
      case start_kind::restored:
        return go_on();
    }
    return {};
  }

  /// Once, where several stages find the same.
  void refuse(error why) {
    if (std::find(refusals_.begin(), refusals_.end(), why) == refusals_.end())
      refusals_.push_back(std::move(why));
  }

  void refuse(std::string_view kind, std::string thing, std::string message) {
    refuse(error{kind, std::move(thing), std::move(message)});
  }

  void check_wishes() {
    const auto thing = "job " + plan_->name;
    if (wishes_.fresh && wishes_.from)
      refuse(error_kind::argument, thing,
             "a fresh run goes on from no checkpoint; choose one, fresh or from");
    if (wishes_.fresh && !wishes_.drop_state.empty())
      refuse(error_kind::argument, thing, "a fresh run has no state to let go (drop_state)");
    if (wishes_.discard_newer_output && !wishes_.from && !options_.fall_back)
      refuse(error_kind::argument, thing,
             "output newer than a checkpoint is put aside (discard_newer_output) only where an "
             "older one is gone on from (from, fall_back)");
  }

  expected<void> describe() {
    job_ = std::make_shared<job_description>(plan_->describe());
    for (std::size_t i = 0; i < plan_->stages.size(); ++i) {
      const auto& stage = plan_->stages[i];
      auto place = guarded(stage.name, [&] { return look_at(stage); });
      if (!place)
        return std::move(place).why();
      job_->stages[i].place = *std::move(place);
    }
    check_places();
    return {};
  }

  /// Its place.
  expected<std::string> look_at(const stage_plan& stage) {
    if (const auto* from = std::get_if<source_plan>(&stage.what)) {
      const auto body = from->make();
      if (!body->can_resume())
        refuse(error_kind::argument, "source " + stage.name,
               "it cannot be read again from where it stood, and the job makes checkpoints; read something "
               "that can be (source::can_resume), or make none");
      return body->place();
    }
    if (const auto* to = std::get_if<sink_plan>(&stage.what))
      return to->make()->place();
    return std::string{};
  }

  /// Sinks would take each other's output for their own.
  void check_places() {
    const auto& stages = job_->stages;
    for (std::size_t i = 0; i < stages.size(); ++i)
      for (std::size_t other = 0; other < i; ++other)
        if (stages[i].role == stage_role::sink && stages[other].role == stage_role::sink
            && !stages[i].place.empty() && !stages[other].place.empty()
            && is_same_place(stages[i].place, stages[other].place))
          refuse(error_kind::argument, "sink " + stages[i].name,
                 "it writes to " + stages[i].place + ", as sink " + stages[other].name
                   + " does; give each a place of its own");
  }

  void say_how_it_begins() {
    made_ = std::make_shared<prepared_launch>();
    auto& how = made_->how;
    how.kind = choice_.kind;
    how.run_number = choice_.run_number;
    if (choice_.from == nullptr)
      return;
    const auto& about = choice_.from->about;
    how.checkpoint = about.checkpoint;
    how.made_at_ms = about.made_at_ms;
    how.before = status_in(about);
    how.held = held_in(about);
    for (const auto& [id, why] : choice_.damaged)
      how.warnings.push_back("checkpoint " + std::to_string(id)
                             + " is damaged and put aside: " + why.text());
    const auto& changes = choice_.changes;
    how.warnings.insert(how.warnings.end(), changes.warnings.begin(), changes.warnings.end());
    how.notes = changes.notes;
  }

  expected<void> begin() {
    if (!wishes_.remove_old_output)
      refuse_old_output(fresh_run_);
    if (!refusals_.empty())
      return {};
    hand_over(fresh_run_, wishes_.remove_old_output);
    return {};
  }

  expected<void> go_on() {
    const auto& about = choice_.from->about;
    refusals_.insert(refusals_.end(), choice_.changes.refusals.begin(),
                     choice_.changes.refusals.end());
    // Behind a checkpoint that shows nothing yet, what is visible is of earlier runs.
    const bool is_begin = about.checkpoint == 0 && choice_.newer.empty() && choice_.damaged.empty()
                          && !wishes_.from && !wishes_.discard_newer_output;
    const bool removes = is_begin && (about.removes_old_output || wishes_.remove_old_output);
    if (is_begin && !removes)
      refuse_old_output(about.run);
    else if (!refuse_output_of_others(about) && !removes && !wishes_.discard_newer_output)
      refuse_newer_output(about.run, about.checkpoint);
    if (!refusals_.empty())
      return {};
    const auto run = about.run;
    auto dealt = deal(std::move(*choice_.from), *job_, *plan_, wishes_.drop_state);
    choice_.from.reset();
    if (!dealt)
      return std::move(dealt).why();
    (*dealt)->removes_old_output = removes;
    hand_over(run, removes);
    made_->with.from = *std::move(dealt);
    // From the newest on, as they were passed over.
    auto& newer = made_->with.newer_checkpoints;
    for (const auto id : choice_.newer)
      newer.push_back({id, false});
    for (auto each = choice_.damaged.rbegin(); each != choice_.damaged.rend(); ++each)
      newer.push_back({each->first, true});
    return {};
  }

  void refuse_old_output(const run_id& run) {
    refuse_output(0, "is output of an earlier run, in the way of this one; let it be removed "
                     "(remove_old_output), move it away, or write elsewhere");
    refuse_hidden_of_others(run, 0, "or let it be removed (remove_old_output)");
  }

  void refuse_newer_output(const run_id& run, std::uint64_t checkpoint) {
    refuse_hidden_of_others(run, checkpoint, "or name that checkpoint (from) and let it be put aside (discard_newer_output)");
    const auto what = newer_output_than(checkpoint);
    const bool is_newest = choice_.newer.empty() && choice_.damaged.empty();
    refuse_output(checkpoint,
                  is_newest ? what + ", the newest that there is; name that checkpoint (from) and let the "
                                     "output be put aside (discard_newer_output)"
                            : what + way_out_of_newer_output);
  }

  void refuse_output(std::uint64_t behind, const std::string& why) {
    refuse_what_is_found([behind](const sink_body& of) { return of.newer_than(behind); }, why);
  }

  /// Whether another run has begun where this one has written.
  bool refuse_output_of_others(const manifest& about) {
    const auto before = refusals_.size();
    for (const auto& stage : plan_->stages) {
      const auto* to = std::get_if<sink_plan>(&stage.what);
      if (to == nullptr || about.checkpoint == 0 || !holds_stage(about, stage.name))
        continue;
      if (auto ok = guarded(stage.name, [&] { return to->make()->check_owner(about.run); }); !ok)
        refuse(std::move(ok).why());
    }
    return refusals_.size() != before;
  }

  void refuse_hidden_of_others(const run_id& run, std::uint64_t checkpoint,
                               const std::string& remedy) {
    refuse_what_is_found([&](const sink_body& of) { return of.hidden_of_others(run, checkpoint); },
                         "is hidden output of another run, which shows it when it goes on; let that run go on "
                         "first, " + remedy);
  }

  template <class Find>
  void refuse_what_is_found(Find find, const std::string& why) {
    for (auto& each : found_at_sinks(*plan_, find, why))
      refuse(std::move(each));
  }

  void hand_over(const run_id& run, bool removes_old_output) {
    auto& with = made_->with;
    with.store = store_;
    with.timing = options_.timing();
    with.keep = options_.keep;
    with.run.weir_version = version_text;
    with.run.job = plan_->name;
    with.run.run = run;
    with.run.run_number = choice_.run_number;
    with.run.removes_old_output = removes_old_output;
    with.run.stages = job_->stages;
    with.run.edges = job_->edges;
    with.how = options_.on_restore;
    with.newer = wishes_.discard_newer_output ? newer_output::move_aside : newer_output::refuse;
    made_->newest = [plan = plan_, job = job_, store = store_, number = choice_.run_number,
                     first = made_->how.checkpoint, drops = wishes_.drop_state] {
      return newest(*plan, *job, *store, number, first, drops);
    };
  }

  static expected<std::shared_ptr<launch_state>> newest(const job_plan& plan,
                                                        const job_description& job,
                                                        checkpoint_store& store, std::uint64_t number,
                                                        const std::optional<std::uint64_t>& first,
                                                        const std::vector<std::string>& drops) {
    auto choice
      = choose_start(store, job, {.run = number, .fall_back = plan.checkpoints->fall_back});
    if (!choice)
      return std::move(choice).why();
    if (choice->from == nullptr)
      return std::shared_ptr<launch_state>{};
    const auto& about = choice->from->about;
    const auto& damaged = choice->damaged;
    // What the run has shown behind it is its own. Looked at before anything changes, for a further start to find
    // it so too.
    if (!damaged.empty()) {
      auto refusals
        = found_at_sinks(plan, [&](const sink_body& of) { return of.newer_than(about.checkpoint); },
                         newer_output_than(about.checkpoint)
                           + "; a restart inside the process leaves it alone, so start the job again, and let it "
                             "be put aside then (discard_newer_output)");
      if (!refusals.empty())
        return std::move(refusals.front());
    }
    // Those that this run has made know nothing of what was let go.
    const bool is_first = first == about.checkpoint;
    auto dealt = deal(std::move(*choice->from), job, plan,
                      is_first ? drops : std::vector<std::string>{});
    if (!dealt)
      return dealt;
    (*dealt)->removes_old_output = (*dealt)->removes_old_output && damaged.empty();
    for (const auto& [id, why] : damaged)
      if (auto done = store.set_aside(number, id); !done)
        return std::move(done).why();
    return dealt;
  }

  const std::shared_ptr<const job_plan> plan_;
  const checkpoint_options& options_;
  const launch_wishes& wishes_;
  const run_id fresh_run_;
  std::vector<error> refusals_;
  std::shared_ptr<prepared_launch> made_;
  std::shared_ptr<job_description> job_;
  std::shared_ptr<checkpoint_store> store_;
  start_choice choice_;
};

} // namespace

launch_preparation prepare_launch(const job_plan& plan, const launch_wishes& wishes,
                                  const run_id& fresh_run) {
  return preparation{plan, wishes, fresh_run}.run();
}

expected<std::shared_ptr<launch_state>> state_for(const job_plan& plan, checkpoint from,
                                                  const std::vector<std::string>& drop_state) {
  return deal(std::move(from), plan.describe(), plan, drop_state);
}

} // namespace weir
