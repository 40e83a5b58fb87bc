// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Where a job is built and run. An environment owns a job's plan and, while it runs, its threads; it
/// reads no environment variable, opens no port, installs no signal handler and prints nothing. Several
/// may live in one process. Build a job from one thread; `job` may be used from any.

#include "weir/client_pool.hpp"
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
  std::string url{};
  /// Connections to the store. 1 to 1,024.
  std::size_t connections = 2;
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
};

class environment;

/// A running job. Destroying it cancels the job and waits for its end; but on a thread that runs stages it
/// does not wait: then what the job uses must live on until it has ended.
class job {
public:
  job(job&&) noexcept;
  job& operator=(job&&) noexcept;
  ~job();

  /// The numbers of now; also after the end.
  job_status status() const;

  /// Stops reading and lets what has been read come out, for at most `deadline`; then sinks have one
  /// second to complete what they got, and the job ends as `drained`, or as `cancelled` where a sink
  /// cannot even do that. One that waits to start again (`environment::restart_with`) ends with its
  /// failure. Returns at once. After the end: nothing.
  void drain(duration deadline);

  /// Stops as soon as possible. Returns at once. After the end: nothing.
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

  /// What follows when the job fails while it runs: it starts again inside the process, after a pause, from
  /// the beginning of its input. What the launch that failed has written and not shown is removed; what it
  /// has shown (standard output, lines of a dead-letter file, callbacks) may come again. A job that cannot
  /// start, or fails before its first launch has read anything, is not tried again; nor is one that fails for
  /// what no further try can mend, a mistake (`argument`) or damage. Without this, the first failure is final.
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
