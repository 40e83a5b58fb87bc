// SPDX-License-Identifier: Apache-2.0
#include "weir/environment.hpp"

#include "forgets_system.hpp"
#include "prepared_start.hpp"

#include "weir/job_keeper.hpp"
#include "weir/stage_thread.hpp"
#include "weir/turn_sharing.hpp"
#include "weir/type_ids.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/coordinator.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <random>
#include <thread>

namespace weir {

namespace {

/// The actor system of one job.
class system_config : public caf::actor_system_config {
public:
  explicit system_config(std::uint32_t threads) {
    add_message_types<caf::id_block::weir>();
    const auto cores = std::max(std::thread::hardware_concurrency(), 1u);
    load<caf::scheduler::coordinator<turn_sharing>>();
    set("scheduler.max-threads", static_cast<std::size_t>(threads == 0 ? cores : threads));
  }
};

struct own_system {
  explicit own_system(std::uint32_t threads) : config(threads), system(config) {}

  system_config config;
  caf::actor_system system;
};

/// The end of a job, as another thread waits for it.
class ending {
public:
  void set(job_result result) {
    {
      const std::lock_guard guard{mutex_};
      result_ = std::move(result);
    }
    come_.notify_all();
  }

  bool wait_for(duration at_most) {
    // So that adding it to a time does not overflow; nobody waits longer either.
    const auto in_reach = std::min(at_most, duration::max() / 4);
    std::unique_lock guard{mutex_};
    return come_.wait_for(guard, in_reach, [&] { return result_.has_value(); });
  }

  job_result wait() {
    std::unique_lock guard{mutex_};
    come_.wait(guard, [&] { return result_.has_value(); });
    return *result_;
  }

private:
  std::mutex mutex_;
  std::condition_variable come_;
  std::optional<job_result> result_;
};

job_result not_waited_for(const std::string& job, const std::string& call) {
  job_result refused;
  refused.end = job_end::failed;
  refused.why = {would_block("job " + job, call, "call it on a thread of your own")};
  return refused;
}

std::uint64_t draw_seed() {
  std::random_device chance;
  return std::uint64_t{chance()} << 32 | chance();
}

/// Not of the seed: two runs with one seed are two runs.
run_id draw_run() {
  return run_id::of(draw_seed(), draw_seed());
}

} // namespace

class job::running {
public:
  /// `in`: the actor system; null: one of its own.
  running(const job_plan& plan, const environment_options& environment, const run_options& options,
          caf::actor_system* in)
    : name_(plan.name) {
    const auto run = draw_run();
    auto prepared = prepare_start(plan, environment, options, run);
    how_ = std::move(prepared.how);
    if (prepared.ended) {
      end_->set(*std::move(prepared.ended));
      return;
    }
    const forgets_system when_started;
    if (in == nullptr)
      in = &system_.emplace(environment.threads).system;
    auto& settings = prepared.settings;
    settings.seed = options.seed ? *options.seed : draw_seed();
    settings.run = run;
    if (plan.restarts().enabled() || plan.checkpoints)
      settings.on = std::make_unique<work_thread>();
    keeper_.emplace(*in, plan, std::move(settings));
    if (auto mistakes
        = keeper_->start([end = end_](job_result result) { end->set(std::move(result)); });
        !mistakes.empty())
      end_->set(not_started(std::move(mistakes)));
  }

  ~running() {
    if (!ended())
      keeper_->cancel();
    end_->wait();
    // The drivers' threads end before the system does.
    keeper_.reset();
  }

  running(const running&) = delete;
  running& operator=(const running&) = delete;

  const std::string& name() const noexcept { return name_; }
  const job_start& how() const noexcept { return how_; }
  bool ended() const { return end_->wait_for(duration{0}); }
  ending& end() { return *end_; }

  job_status status() const { return keeper_ ? keeper_->status() : status_of(how_); }

  /// Only before the end.
  job_keeper& keeper() { return *keeper_; }

private:
  const std::string name_;
  job_start how_;
  std::shared_ptr<ending> end_ = std::make_shared<ending>();
  /// Absent where it is the program's, or nothing was started.
  std::optional<own_system> system_;
  /// Absent where nothing was started.
  std::optional<job_keeper> keeper_;
};

void job::ender::operator()(running* what) const noexcept {
  if (!on_stage_thread()) {
    delete what;
    return;
  }
  if (!what->ended())
    what->keeper().cancel();
  // Its end may wait for this very thread.
  std::thread{[what] { delete what; }}.detach();
}

job job::make(const environment& of, std::string name, const run_options& options,
              caf::actor_system* in) {
  auto plan = of.plan();
  plan.name = std::move(name);
  return job{std::unique_ptr<running, ender>{new running{plan, of.options(), options, in}}};
}

job::job(std::unique_ptr<running, ender> what) : running_(std::move(what)) {}
job::job(job&&) noexcept = default;
job& job::operator=(job&&) noexcept = default;
job::~job() = default;

const job_start& job::how_started() const {
  return running_->how();
}

job_status job::status() const {
  return running_->status();
}

void job::drain(duration deadline) {
  if (!running_->ended())
    running_->keeper().drain(deadline);
}

void job::stop() {
  if (!running_->ended())
    running_->keeper().stop();
}

void job::cancel() {
  if (!running_->ended())
    running_->keeper().cancel();
}

bool job::wait_for(duration at_most) const {
  return running_->end().wait_for(on_stage_thread() ? duration{0} : at_most);
}

job_result job::wait() {
  if (on_stage_thread() && !running_->ended())
    return not_waited_for(running_->name(), "wait");
  return running_->end().wait();
}

environment::environment(environment_options options)
  : options_(options), plan_(std::make_shared<job_plan>()) {
  plan_->parallelism = options.parallelism;
  plan_->batches = options.batches;
}

client_pool environment::client_pool(pool_options options) {
  const auto number = static_cast<std::uint32_t>(plan_->pools.size());
  pool_plan pool{options.name, std::move(options.driver),
                 {options.name,
                  std::move(options.url),
                  {options.connections, options.permits_per_connection, options.open_timeout},
                  std::move(options.more),
                  std::move(options.password)}};
  auto statements = pool.statements;
  plan_->pools.push_back(std::move(pool));
  return weir::client_pool{std::move(statements), number};
}

waiting_pool environment::waiting_pool(waiting_pool_options options) {
  const auto number = static_cast<std::uint32_t>(plan_->waiting_pools.size());
  const auto& pool = plan_->waiting_pools.emplace_back(
    waiting_pool_plan{std::move(options.name), options.threads});
  return weir::waiting_pool{pool.identity, number};
}

void environment::enable_checkpointing(checkpoint_options how) {
  plan_->checkpoints = std::move(how);
}

void environment::restart_with(restart_strategy how) {
  plan_->restart = std::move(how);
}

std::vector<error> environment::check() const {
  return plan_->check();
}

job_result environment::execute(std::string name, run_options options) {
  if (on_stage_thread())
    return not_waited_for(name, "execute");
  return start(std::move(name), options).wait();
}

job environment::start(std::string name, run_options options) {
  return job::make(*this, std::move(name), options, nullptr);
}

} // namespace weir
