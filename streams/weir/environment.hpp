// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Where a job is built and run. An environment owns a job's plan and, while it runs, its threads; it
/// reads no environment variable, opens no port, installs no signal handler and prints nothing. Several
/// may live in one process. Build a job from one thread; `job` may be used from any.

#include "weir/checkpoint_options.hpp"
#include "weir/client_pool.hpp"
#include "weir/job_start.hpp"
#include "weir/job_status.hpp"
#include "weir/log.hpp"
#include "weir/restart_strategy.hpp"
#include "weir/stream.hpp"
#include "weir/waiting_pool.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace caf {
class actor_system;
}

namespace weir {

struct environment_options {
  /// Threads that run the stages; 0 = one a core. Drivers have theirs besides.
  std::uint32_t threads = 0;
  /// Parallel instances of operators that do not set a number of their own. >= 1.
  std::uint32_t parallelism = 1;
  /// Bounds of the batches between stages: greater ones cost memory, smaller ones throughput.
  batch_limits batches{};
  /// Told what somebody should know while jobs run, such as a function that blocks; see `log_function`.
  /// Null: nobody.
  log_function log{};
};

struct source_options {
  std::string name = "source";
  /// Parallel instances.
  std::uint32_t parallelism = 1;
};

struct pool_options {
  /// Required, unique within the job.
  std::string name{};
  /// What makes the driver, e.g. `weir::sqlite_driver`.
  driver_factory driver{};
  /// The store's address, in the driver's form.
  store_url url{};
  /// Connections to the store. 1 to 1,024.
  std::size_t connections = client_pool_options{}.connections;
  /// See `client_pool_options`.
  std::size_t permits_per_connection = client_pool_options{}.permits_per_connection;
  /// See `client_pool_options`.
  duration open_timeout = client_pool_options{}.open_timeout;
  /// What this kind of store wants to know beside that; its driver's header says what there is.
  driver_options more{};
  /// Empty: none, or the one in the address.
  secret password{};
};

struct waiting_pool_options {
  /// Required, unique within the job; errors and the job's status know the pool by it.
  std::string name{};
  /// Threads that wait. 1 to 1,024. One can look after any number of futures; with more, old futures are
  /// found sooner, and more functions of deferred ones run at once.
  std::size_t threads = 2;
};

struct run_options {
  /// When the job fails or is cancelled: keep the whole records that sinks have written, in place of
  /// removing them.
  bool keep_partial = false;
  /// Decides what the jitter of retries takes off, so that a run can be repeated; absent: drawn. The run id, and with
  /// it idempotency keys, are drawn anew all the same.
  std::optional<std::uint64_t> seed{};
  /// Begins a run at the begin of the input, whatever checkpoints there are; those of earlier runs go once the
  /// new run's first is durable. Without checkpoints each run is fresh.
  bool fresh = false;

  // -- only with checkpoints, see `launch_wishes` --

  /// Where a run begins, sinks remove what earlier runs have left visible; else that is an error. A run that
  /// goes on leaves its output as it is.
  bool remove_old_output = false;
  /// Operators whose state in the checkpoint is let go, and sinks that are no longer in the job, by their names.
  std::vector<std::string> drop_state{};
  /// The checkpoint of the newest run to go on from, in the place of the newest; those that are newer are
  /// removed.
  std::optional<std::uint64_t> from{};
  /// Visible output that is newer than that checkpoint is put aside; else it is an error.
  bool discard_newer_output = false;
};

class environment;

/// A running job. Destroying it cancels the job and waits for its end; but on a thread that runs stages it
/// does not wait: then what the job uses must live on until it has ended.
class job {
public:
  job(job&&) noexcept;
  job& operator=(job&&) noexcept;
  ~job();

  /// How it began: with checkpoints, whether it goes on from one. Of a job with checkpoints that was not started the
  /// run number is 0, and the kind says nothing; `wait` says why.
  const job_start& how_started() const;

  /// The numbers of now; also after the end.
  job_status status() const;

  /// Stops reading and lets what has been read come out, for at most `deadline`; then sinks have a second to
  /// complete what they got. The job ends as `drained`; with checkpoints what is left is in its last one, without
  /// as `cancelled` where a sink could not complete. One that waits to start again (`environment::restart_with`)
  /// ends with its failure. Returns at once. After the end: nothing.
  void drain(duration deadline);

  /// Makes a last checkpoint, waits for nothing else, and ends as `stopped`: the next start goes on from it. A
  /// job without checkpoints is drained, with no time for what has been read. Returns at once. After the end:
  /// nothing.
  void stop();

  /// Stops as soon as possible; the newest checkpoint stays what the next start goes on from. Returns at once.
  /// After the end: nothing.
  void cancel();

  /// Waits for the end, at most this long; whether it has come. On a thread that runs stages it does not
  /// wait.
  bool wait_for(duration at_most) const;

  /// Waits for the end. On a thread that runs stages, and before the end, it does not wait but gives a
  /// result that has failed with the kind `would_block`; the job goes on.
  job_result wait();

private:
  friend class environment;
  friend job start_in(caf::actor_system&, const environment&, std::string, run_options);
  class running;
  struct ender {
    void operator()(running* what) const noexcept;
  };
  /// `in`: the actor system; null: one of its own.
  static job make(const environment& of, std::string name, const run_options& options,
                  caf::actor_system* in);
  explicit job(std::unique_ptr<running, ender> what);
  std::unique_ptr<running, ender> running_;
};

class environment {
public:
  explicit environment(environment_options options = {});

  /// Begins a stream: a copyable `source<T>` of which each instance gets a copy, or a factory
  /// `() -> std::unique_ptr<source<T>>`.
  template <class Source>
  auto from_source(Source from, source_options options = {}) {
    auto make = detail::factory_of(std::move(from));
    using part = std::remove_reference_t<decltype(*make())>;
    using type = typename part::value_type;
    static_assert(std::derived_from<part, source<type>>, "not a weir::source<T>");
    source_plan what{{}, [make] {
      return std::make_unique<typed_source_body<type>>(std::unique_ptr<source<type>>(make()));
    }};
    what.type = &typeid(type);
    const auto stage = plan_->stages.size();
    plan_->stages.push_back({std::move(options.name), options.parallelism, std::move(what)});
    return source_stream<type>{{plan_, stage, output_kind::results},
                               {plan_, stage, output_kind::dead_letters}};
  }

  /// A store that functions of this job may ask.
  weir::client_pool client_pool(pool_options options);

  /// Threads on which functions of this job have `std::future`s waited for. They start with the job, and end
  /// when it is destroyed.
  weir::waiting_pool waiting_pool(waiting_pool_options options);

  /// Lets the job make checkpoints while it runs, in its stream's place, so that whatever ends it (a failure,
  /// `job::stop`, the process's death) a start of a job of the same name goes on from the newest: each record
  /// of a source that can be read again contributes its results once to sinks that write in two phases
  /// (docs/exactly-once.md). Operators need names, and records that can be stored (weir/stored.hpp). A job that
  /// has come to its end is finished: a further start says so (`job::how_started`) and does nothing.
  void enable_checkpointing(checkpoint_options how);

  /// What follows when the job fails while it runs: it starts again inside the process, after a pause, from
  /// its newest checkpoint, or without checkpoints from the beginning of its input. What the launch that
  /// failed has written and not shown is removed; what it has shown without a checkpoint (standard output,
  /// lines of a dead-letter file, callbacks) may come again. A job that cannot start, or fails before its
  /// first launch has read anything, is not tried again; nor is one that fails for what no further try can
  /// mend, a mistake (`argument`) or damage. Where this is not called: with checkpoints as
  /// `exponential_delay_restart{}`, without, the first failure is final.
  void restart_with(restart_strategy how);

  /// Everything that is wrong with the job as it is built; empty: it may start.
  std::vector<error> check() const;

  /// Runs the job to its end. On a thread that runs stages it does not start, and the result has failed
  /// with the kind `would_block`.
  job_result execute(std::string name, run_options options = {});

  /// Starts the job. One that cannot start (a mistake, a store that is missing) is a job that has
  /// failed already.
  job start(std::string name, run_options options = {});

  // -- for the parts of the stream API --

  const job_plan& plan() const noexcept { return *plan_; }
  const std::shared_ptr<job_plan>& shared_plan() noexcept { return plan_; }
  const environment_options& options() const noexcept { return options_; }

private:
  environment_options options_;
  std::shared_ptr<job_plan> plan_;
};

} // namespace weir
