// SPDX-License-Identifier: Apache-2.0
#include "weir/job_runner.hpp"

#include "checkpoint_probe.hpp"
#include "coordinator.hpp"
#include "guarded.hpp"
#include "operator_stage.hpp"
#include "probe_sums.hpp"
#include "running_pools.hpp"
#include "running_waiters.hpp"
#include "service_cut.hpp"
#include "sink_stage.hpp"
#include "source_stage.hpp"
#include "supervisor.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <map>
#include <optional>
#include <utility>

namespace weir {

namespace {

struct operator_probes {
  std::string name;
  std::vector<std::shared_ptr<operator_probe>> of;
};
struct source_probes {
  std::string name;
  std::vector<std::shared_ptr<source_probe>> of;
};
struct sink_probes {
  std::string name;
  std::vector<std::shared_ptr<sink_probe>> of;
};

event_time system_time() {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  return event_time{now.time_since_epoch().count()};
}

/// A service of the job, in this run.
struct running_service {
  std::string name;
  std::shared_ptr<service_ends> ends;
  std::uint64_t run = 0;
};

/// What an instance goes on from, where it does.
struct restored_instance {
  std::shared_ptr<const instance_summary> summary;
  /// Of an operator.
  std::shared_ptr<const operator_state> state;
};

/// What ended the job, for those who wait for something of it.
error end_of(const std::string& job, const job_result& with) {
  switch (with.end) {
    case job_end::failed:
      if (!with.why.empty())
        return with.why.front();
      break;
    case job_end::cancelled:
      return {error_kind::cancelled, "job " + job, "it was cancelled"};
    case job_end::drained:
      return {error_kind::cancelled, "job " + job, "it was drained, and its time was over"};
    case job_end::stopped:
      return {error_kind::cancelled, "job " + job, "it was stopped"};
    case job_end::done:
      break;
  }
  return {error_kind::closed, "job " + job, "it was done"};
}

/// What a stage that follows must know of the instances that it is sent to.
struct receivers {
  std::vector<batch_receiver> instances;
};

} // namespace

std::vector<error> keep_partial_mistakes(const job_plan& plan, bool makes_checkpoints) {
  const auto refuse = [&](const char* why) {
    return std::vector<error>{
      {error_kind::argument, "job " + plan.name, std::string{"keep_partial is set"} + why}};
  };
  if (makes_checkpoints)
    return refuse(", and it makes checkpoints, from which it goes on instead");
  if (plan.restarts().enabled())
    return refuse(" and it has a restart strategy, which begins its output anew; choose one");
  return {};
}

class job_runner::impl {
public:
  impl(caf::actor_system& system, const job_plan& plan, run_settings settings)
    : system_(system),
      plan_(plan),
      settings_(settings) {}

  std::vector<error> start(std::function<void(job_result)> on_end) {
    if (auto mistakes = plan_.check(); !mistakes.empty())
      return mistakes;
    if (settings_.keep_partial)
      if (auto mistakes = keep_partial_mistakes(plan_, settings_.checkpoints.has_value());
          !mistakes.empty())
        return mistakes;
    auto failed = pools_.open(plan_.pools);
    if (failed.empty())
      failed = waiters_.open(plan_.waiting_pools, settings_.in_virtual_time);
    if (!failed.empty()) {
      close_pools();
      return failed;
    }
    if (const auto begun = begin_services(); !begun) {
      end_services(begun.why());
      close_pools();
      return {begun.why()};
    }
    const auto spawned = guarded("job " + plan_.name, [&]() -> expected<void> {
      spawn(std::move(on_end));
      return {};
    });
    if (!spawned) {
      end_actors();
      end_services(spawned.why());
      close_pools();
      return {spawned.why()};
    }
    caf::anon_send(job_, run_atom::value);
    return {};
  }

  job_status status() const {
    job_status all;
    for (const auto& stage : sources_)
      all.sources.push_back(status_of(stage));
    for (const auto& stage : operators_)
      all.operators.push_back(status_of(stage));
    for (const auto& stage : sinks_) {
      sink_status sum{stage.name, 0};
      for (const auto& probe : stage.of)
        sum.records_in += probe->records_in.value();
      all.sinks.push_back(sum);
    }
    for (const auto& service : services_)
      for (auto& each : all.operators)
        if (each.name == service.name)
          each.waiting = service.ends->feed().waiting(service.run);
    all.pools = pools_.status();
    all.waiting_pools = waiters_.status();
    all.gone = gone_;
    if (checkpoints_ != nullptr) {
      all.checkpoints = checkpoints_->get();
      if (auto counted = checkpoints_->counted())
        take_counts(all, *std::move(counted));
    }
    return all;
  }

  bool look_at_futures(time_point now, bool give_up) { return waiters_.look(now, give_up); }

  void drain(duration deadline) { caf::anon_send(job_, drain_request{deadline}); }
  void stop() { caf::anon_send(job_, stop_job_atom::value); }
  void cancel() { caf::anon_send(job_, stop_request{}); }
  bool has_run() const noexcept { return has_run_; }
  bool can_replay() const noexcept { return can_replay_; }

private:
  void close_pools() {
    pools_.close();
    waiters_.close();
  }

  // -- actors --

  void spawn(std::function<void(job_result)> on_end) {
    supervision_ = std::make_shared<supervisor_parts>();
    supervision_->job = plan_.name;
    supervision_->keep_partial = settings_.keep_partial;
    supervision_->on_running = [this] { has_run_ = true; };
    supervision_->left_behind = [this] { return left_behind(); };
    supervision_->drain_services = [this] { return finish_services(); };
    supervision_->on_stopping = [this](const job_result& with) {
      for (const auto& each : services_)
        each.ends->feed().refuse(end_of(plan_.name, with));
    };
    supervision_->on_end = [this, on_end = std::move(on_end)](job_result with) {
      end_services(end_of(plan_.name, with));
      if (checkpoints_ != nullptr) {
        const auto now = checkpoints_->get();
        with.checkpoint = now.last;
        with.held = now.held;
      }
      on_end(std::move(with));
    };
    job_ = system_.spawn(supervisor, supervision_);
    spawn_pools();
    number_instances();
    if (settings_.checkpoints)
      begin_checkpoints(*settings_.checkpoints);
    receivers_.resize(plan_.stages.size());
    // From the sinks on upstream: a sender is made with its receivers.
    std::vector<bool> spawned(plan_.stages.size(), false);
    for (std::size_t done = 0; done < plan_.stages.size();)
      for (std::size_t i = 0; i < plan_.stages.size(); ++i)
        if (!spawned[i] && receivers_are_spawned(i, spawned)) {
          spawn_stage(i);
          spawned[i] = true;
          ++done;
        }
    supervision_.reset();
    coordination_.reset();
  }

  // -- checkpoints --

  void begin_checkpoints(launch_checkpoints with) {
    const auto from = std::move(with.from);
    coordination_ = std::make_shared<coordinator_parts>();
    coordination_->job = job_;
    coordination_->read_wall_clock = wall_clock_of();
    coordination_->log = settings_.log;
    checkpoints_ = coordination_->probe = std::make_shared<checkpoint_probe>();
    if (from != nullptr) {
      coordination_->from = from->checkpoint;
      coordination_->gone = gone_ = from->gone;
      take_apart(*from);
    }
    for (std::size_t i = 0; i < plan_.stages.size(); ++i)
      if (std::holds_alternative<sink_plan>(plan_.stages[i].what))
        supervision_->recoveries.emplace_back(first_instance_[i], recovery_of(i, with, from.get()));
    coordination_->with = std::move(with);
    supervision_->coordinator = coordinator_ = system_.spawn(coordinator, coordination_);
  }

  /// Hands out what the instances go on from.
  void take_apart(launch_state& from) {
    checkpoint_status status;
    status.last = status.restored_from = from.checkpoint;
    status.last_made_at_ms = from.made_at_ms;
    for (std::size_t i = 0; i < from.stages.size(); ++i) {
      auto& stage = from.stages[i];
      for (std::size_t instance = 0; instance < stage.instances.size(); ++instance) {
        auto& each = stage.instances[instance];
        status.held += each.summary.entries.records();
        auto& to = restored_[first_instance_[i] + instance];
        to.summary = std::make_shared<const instance_summary>(std::move(each.summary));
        if (each.held && stage.records.size() == 2)
          to.state = std::make_shared<const operator_state>(
            operator_state{*std::move(each.held), *to.summary, stage.records[0], stage.records[1],
                           from.kind == checkpoint_kind::drained, from.checkpoint});
      }
    }
    checkpoints_->set(status);
  }

  static std::shared_ptr<const sink_recovery> recovery_of(std::size_t stage,
                                                          const launch_checkpoints& with,
                                                          launch_state* from) {
    sink_recovery of;
    const bool begins = from == nullptr || from->checkpoint == 0;
    const bool removes = from == nullptr ? with.run.removes_old_output : from->removes_old_output;
    of.newer = begins && removes ? newer_output::remove : with.newer;
    if (from != nullptr) {
      of.checkpoint = from->checkpoint;
      if (!begins)
        of.states = std::move(from->stages[stage].pending_output);
    }
    return std::make_shared<const sink_recovery>(std::move(of));
  }

  const wall_clock& wall_clock_of() {
    if (!wall_clock_)
      wall_clock_ = settings_.wall_clock ? settings_.wall_clock : &system_time;
    return wall_clock_;
  }

  // -- services --

  expected<void> begin_services() {
    for (std::size_t i = 0; i < plan_.stages.size(); ++i)
      if (const auto& stage = plan_.stages[i]; job_plan::is_service(stage)) {
        auto how = begin_of_feed(i);
        if (!how)
          return std::move(how).why();
        const auto& ends = std::get<operator_plan>(stage.what).service;
        const auto run = guarded(stage.name, [&] {
          return ends->begin(plan_.instances(stage), plan_.batches, *std::move(how));
        });
        if (!run)
          return run.why();
        services_.push_back({stage.name, ends, *run});
      }
    return {};
  }

  expected<feed_run> begin_of_feed(std::size_t stage) const {
    feed_run how;
    how.in_virtual_time = settings_.in_virtual_time;
    if (!settings_.checkpoints)
      return how;
    const auto& from = settings_.checkpoints->from;
    how.first_checkpoint = from == nullptr ? 0 : from->checkpoint + 1;
    if (from != nullptr && !from->stages[stage].instances.empty()) {
      auto cut = read_cut(from->stages[stage].instances[0].summary, plan_.stages[stage].name);
      if (!cut)
        return std::move(cut).why();
      how.from = *cut;
    }
    return how;
  }

  /// Whether one had not ended, or the first thing that was thrown when all have.
  expected<bool> finish_services() {
    bool any = false;
    std::optional<error> why;
    for (const auto& each : services_)
      try {
        any = each.ends->feed().drain() || any;
      } catch (...) {
        auto of = error_of(each.name, std::current_exception(), "a coroutine that was refused");
        if (!why)
          why = std::move(of);
      }
    if (why)
      return *std::move(why);
    return any;
  }

  void end_services(const error& why) {
    for (const auto& each : services_)
      each.ends->feed().end_run(why);
  }

  /// A factory threw: what was spawned before it goes.
  void end_actors() {
    for (const auto& each : supervision_->instances)
      caf::anon_send_exit(each.actor, caf::exit_reason::kill);
    for (const auto& each : supervision_->pools)
      caf::anon_send_exit(each, caf::exit_reason::kill);
    if (coordinator_)
      caf::anon_send_exit(coordinator_, caf::exit_reason::kill);
    caf::anon_send_exit(job_, caf::exit_reason::kill);
  }

  void spawn_pools() {
    std::size_t operators = 0;
    for (const auto& stage : plan_.stages)
      if (std::holds_alternative<operator_plan>(stage.what))
        operators += plan_.instances(stage);
    pools_.spawn(system_, job_, operators);
    for (auto& each : pools_.access())
      supervision_->pools.push_back(std::move(each.actor));
  }

  void number_instances() {
    std::uint32_t next = 0;
    for (const auto& stage : plan_.stages) {
      first_instance_.push_back(next);
      next += plan_.instances(stage);
      if (std::holds_alternative<source_plan>(stage.what))
        sources_.push_back({stage.name, {}});
      else if (std::holds_alternative<operator_plan>(stage.what))
        operators_.push_back({stage.name, {}});
      else
        sinks_.push_back({stage.name, {}});
    }
    supervision_->instances.resize(next);
    restored_.resize(next);
  }

  bool receivers_are_spawned(std::size_t stage, const std::vector<bool>& spawned) const {
    return std::all_of(plan_.edges.begin(), plan_.edges.end(), [&](const edge_plan& edge) {
      return edge.from != stage || spawned[edge.to];
    });
  }

  void spawn_stage(std::size_t number) {
    const auto& stage = plan_.stages[number];
    const auto count = plan_.instances(stage);
    for (std::uint32_t subtask = 0; subtask < count; ++subtask) {
      auto instance = instance_parts_of(number, subtask);
      auto& slot = supervision_->instances[instance.id.number];
      slot.name = stage.name;
      if (const auto* of = std::get_if<source_plan>(&stage.what)) {
        slot.kind = stage_kind::source;
        slot.actor = spawn_source(*of, std::move(instance));
      } else if (const auto* wait = std::get_if<operator_plan>(&stage.what)) {
        slot.kind = wait->service ? stage_kind::service : stage_kind::operation;
        slot.actor = spawn_operator(number, *wait, std::move(instance));
      } else {
        slot.kind = stage_kind::sink;
        slot.actor = spawn_sink(number, std::get<sink_plan>(stage.what), std::move(instance));
      }
    }
  }

  instance_parts instance_parts_of(std::size_t number, std::uint32_t subtask) {
    const auto& stage = plan_.stages[number];
    instance_parts parts;
    parts.id = {first_instance_[number] + subtask};
    parts.context = {plan_.name, stage.name, subtask, plan_.instances(stage)};
    if (coordination_ != nullptr) {
      parts.context.checkpointed = true;
      parts.context.run = coordination_->with.run.run;
      parts.context.checkpoint = coordination_->from.value_or(0);
    }
    parts.job = job_;
    parts.batches = plan_.batches;
    parts.log = settings_.log;
    parts.wait_for_fd = settings_.wait_for_fd;
    if (!parts.wait_for_fd)
      parts.wait_for_fd = [this](const fd_wait& what, std::function<void()> ready) {
        watcher_.wait(what, std::move(ready));
      };
    // What a service's feed holds comes in on a channel.
    if (job_plan::is_service(stage))
      parts.channels = 1;
    for (const auto& edge : plan_.edges) {
      if (edge.to == number)
        parts.channels += channels_of(edge);
      if (edge.from == number)
        (edge.output == output_kind::results ? parts.results : parts.dead_letters)
          .push_back({lanes_of(edge, subtask), edge.steps, edge.keys, plan_.stages[edge.to].name});
    }
    for (auto* output : {&parts.results, &parts.dead_letters})
      if (output->size() == 1)
        output->front().to.clear();
    return parts;
  }

  /// Whether instance i feeds instance i alone.
  bool is_forward(const edge_plan& edge) const {
    return edge.how == partition::forward
           && plan_.instances(plan_.stages[edge.from]) == plan_.instances(plan_.stages[edge.to]);
  }

  /// Channels that an edge brings to each of its receiving instances.
  std::size_t channels_of(const edge_plan& edge) const {
    return is_forward(edge) ? 1 : plan_.instances(plan_.stages[edge.from]);
  }

  std::vector<lane_target> lanes_of(const edge_plan& edge, std::uint32_t subtask) const {
    // An instance's channels: those of the edges before this one, then one for each sender.
    std::uint32_t before = 0;
    std::uint32_t input = 0;
    for (const auto& other : plan_.edges) {
      if (&other == &edge)
        break;
      if (other.to != edge.to)
        continue;
      before += static_cast<std::uint32_t>(channels_of(other));
      ++input;
    }
    const auto& to = receivers_[edge.to].instances;
    if (is_forward(edge))
      return {{to[subtask], {before}, input}};
    std::vector<lane_target> lanes;
    for (const auto& each : to)
      lanes.push_back({each, {before + subtask}, input});
    return lanes;
  }

  /// The probes of an instance's stage; names are unique.
  template <class Probes>
  static auto& probes_of(std::vector<Probes>& stages, const instance_parts& instance) {
    return std::find_if(stages.begin(), stages.end(),
                        [&](const Probes& each) { return each.name == instance.context.stage; })
      ->of;
  }

  caf::actor spawn_source(const source_plan& of, instance_parts instance) {
    auto parts = std::make_shared<source_parts>();
    parts->instance = std::move(instance);
    parts->body = of.make();
    can_replay_ = can_replay_ && parts->body->can_resume();
    parts->controls.how = of.watermarks;
    if (of.times)
      parts->controls.times = of.times();
    if (of.generator)
      parts->controls.generator = of.generator();
    parts->read_wall_clock = wall_clock_of();
    parts->coordinator = coordinator_;
    parts->restored = restored_[parts->instance.id.number].summary;
    parts->probe = std::make_shared<source_probe>();
    probes_of(sources_, parts->instance).push_back(parts->probe);
    auto spawned = caf::actor_cast<caf::actor>(system_.spawn(source_stage, std::move(parts)));
    if (coordination_ != nullptr)
      coordination_->sources.push_back(spawned);
    return spawned;
  }

  caf::actor spawn_operator(std::size_t number, const operator_plan& of, instance_parts instance) {
    auto parts = std::make_shared<operator_stage_parts>();
    parts->seed = settings_.seed + instance.id.number;
    parts->run = settings_.checkpoints ? settings_.checkpoints->run.run : settings_.run;
    parts->instance = std::move(instance);
    parts->plan = of;
    if (of.service)
      parts->lane = of.service->feed().lane(parts->instance.context.subtask);
    parts->pools = pools_.access();
    parts->waiting = &waiters_.access();
    parts->coordinator = coordinator_;
    if (coordinator_)
      parts->blocks = blocks_;
    parts->restored = std::move(restored_[parts->instance.id.number].state);
    parts->counted = restored_[parts->instance.id.number].summary;
    if (settings_.checkpoints)
      parts->restore_how = settings_.checkpoints->how;
    parts->probe = std::make_shared<operator_probe>();
    probes_of(operators_, parts->instance).push_back(parts->probe);
    const bool is_first_of_service = of.service && parts->instance.context.subtask == 0;
    const auto spawned = system_.spawn(operator_stage, std::move(parts));
    receivers_[number].instances.push_back(spawned);
    if (coordination_ != nullptr && is_first_of_service)
      coordination_->services.push_back(caf::actor_cast<caf::actor>(spawned));
    return caf::actor_cast<caf::actor>(spawned);
  }

  caf::actor spawn_sink(std::size_t number, const sink_plan& of, instance_parts instance) {
    auto parts = std::make_shared<sink_parts>();
    parts->instance = std::move(instance);
    parts->body = of.make();
    parts->coordinator = coordinator_;
    parts->restored = restored_[parts->instance.id.number].summary;
    parts->probe = std::make_shared<sink_probe>();
    probes_of(sinks_, parts->instance).push_back(parts->probe);
    const auto id = parts->instance.id;
    const auto spawned = system_.spawn(sink_stage, std::move(parts));
    if (coordination_ != nullptr)
      coordination_->sinks.push_back({id, caf::actor_cast<caf::actor>(spawned)});
    receivers_[number].instances.push_back(spawned);
    return caf::actor_cast<caf::actor>(spawned);
  }

  // -- status --

  static source_status status_of(const source_probes& stage) {
    source_status sum;
    sum.name = stage.name;
    std::uint64_t total = 0;
    for (const auto& probe : stage.of) {
      sum.records_out += probe->records_out.value();
      sum.skipped += probe->skipped.value();
      sum.dead_letters += probe->dead_letters.value();
      sum.read += probe->read.value();
      total += probe->total.value();
    }
    if (total > 0)
      sum.total = total;
    return sum;
  }

  static operator_status status_of(const operator_probes& stage) {
    operator_status sum;
    sum.name = stage.name;
    for (const auto& probe : stage.of)
      add_probe(sum, *probe);
    return sum;
  }

  /// Both by the stages of the plan.
  static void take_counts(job_status& to, job_status of) {
    for (std::size_t i = 0; i < to.sources.size(); ++i) {
      of.sources[i].read = to.sources[i].read;
      of.sources[i].total = to.sources[i].total;
    }
    to.sources = std::move(of.sources);
    to.operators = std::move(of.operators);
    to.sinks = std::move(of.sinks);
  }

  /// Records that are between two stages, or in an operator. Exact once all stages have stopped: after
  /// each message of a stage all that it has emitted is counted as sent.
  std::uint64_t left_behind() const {
    std::uint64_t sent = 0;
    for (const auto& stage : sources_)
      for (const auto& each : stage.of)
        sent += each->sent.value();
    for (const auto& stage : operators_)
      for (const auto& each : stage.of)
        sent += each->sent.value();
    for (const auto& each : services_)
      sent += each.ends->feed().pushed(each.run);
    const auto now = status();
    std::uint64_t received = 0;
    std::uint64_t held = 0;
    for (const auto& each : now.operators) {
      received += each.records_in;
      held += each.records_in - each.records_finished;
    }
    for (const auto& each : now.sinks)
      received += each.records_in;
    return sent - received + held;
  }

  caf::actor_system& system_;
  const job_plan plan_;
  const run_settings settings_;
  running_pools pools_;
  running_waiters waiters_;
  std::vector<source_probes> sources_;
  std::vector<operator_probes> operators_;
  std::vector<sink_probes> sinks_;
  std::vector<running_service> services_;
  std::vector<std::uint32_t> first_instance_;
  std::vector<receivers> receivers_;
  std::shared_ptr<supervisor_parts> supervision_;
  job_actor job_;
  std::atomic<bool> has_run_{false};
  bool can_replay_ = true;
  /// Until all is spawned; null where there are no checkpoints.
  std::shared_ptr<coordinator_parts> coordination_;
  coordinator_actor coordinator_;
  std::shared_ptr<checkpoint_probe> checkpoints_;
  std::shared_ptr<block_pool> blocks_ = std::make_shared<block_pool>();
  /// What instances go on from, by their numbers.
  std::vector<restored_instance> restored_;
  /// What no stage of it counts.
  gone_counts gone_;
  weir::wall_clock wall_clock_;
  fd_watcher watcher_;
};

job_runner::job_runner(caf::actor_system& system, const job_plan& plan, run_settings settings)
  : impl_(std::make_unique<impl>(system, plan, settings)) {}

job_runner::~job_runner() = default;

std::vector<error> job_runner::start(std::function<void(job_result)> on_end) {
  return impl_->start(std::move(on_end));
}

bool job_runner::look_at_futures(time_point now, bool give_up) {
  return impl_->look_at_futures(now, give_up);
}

job_status job_runner::status() const {
  return impl_->status();
}

void job_runner::drain(duration deadline) {
  impl_->drain(deadline);
}

void job_runner::stop() {
  impl_->stop();
}

void job_runner::cancel() {
  impl_->cancel();
}

bool job_runner::has_run() const noexcept {
  return impl_->has_run();
}

bool job_runner::can_replay() const noexcept {
  return impl_->can_replay();
}

} // namespace weir
