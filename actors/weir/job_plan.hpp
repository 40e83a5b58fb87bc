// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A job before it runs: which stages there are, how they are joined, which pools they ask, and how to
/// make an instance of each. Holds factories, no running objects, so that one plan can be started more
/// than once. The stream API writes it, the runner reads it; a plain value without CAF.

#include "weir/batch.hpp"
#include "weir/checkpoint_options.hpp"
#include "weir/client_driver.hpp"
#include "weir/edge_step.hpp"
#include "weir/event_time_steps.hpp"
#include "weir/operator_body.hpp"
#include "weir/restart_strategy.hpp"
#include "weir/service_ends.hpp"
#include "weir/sink_body.hpp"
#include "weir/source_body.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <typeinfo>
#include <utility>
#include <variant>
#include <vector>

namespace weir {

struct job_description;

/// Which output of a stage an edge begins at.
enum class output_kind : std::uint8_t { results, dead_letters };

struct source_plan {
  watermark_strategy watermarks;
  std::function<std::unique_ptr<source_body>()> make;
  /// Reads event times from records, in the place of those that the source gives. May be null.
  event_time_reader_maker times{};
  /// With `watermark_kind::generated`.
  generator_maker generator{};
  /// The type of its records; null: not known.
  const std::type_info* type = nullptr;
};

/// Of which types an operator's records and results are: by them it is found how those are stored.
struct record_types {
  const std::type_info* in = nullptr;
  const std::type_info* out = nullptr;
};

struct operator_plan {
  operator_options options;
  output_mode mode = output_mode::ordered;
  std::function<std::unique_ptr<operator_body>(operator_parts)> make;
  /// Where set, the operator is a service: it has no edges, and makes its instances.
  std::shared_ptr<service_ends> service{};
  /// Where they are not said the operator takes no part in checkpoints.
  record_types types{};
};

struct sink_plan {
  std::function<std::unique_ptr<sink_body>()> make;
  /// The type of its records; null: not known.
  const std::type_info* type = nullptr;
};

/// One stage; it runs as `parallelism` instances, each an actor.
struct stage_plan {
  std::string name;
  /// 0 = the environment's.
  std::uint32_t parallelism = 0;
  std::variant<source_plan, operator_plan, sink_plan> what;
  /// What else matters to who goes on from a checkpoint, by name: an operator's question, what its records
  /// are ordered by. Stored as hashes.
  std::vector<std::pair<std::string, std::string>> settings{};
  /// The name is one of those that are given by number where nobody has given one.
  bool is_named_by_number = false;
};

/// Which instance of the receiving stage a record goes to.
enum class partition : std::uint8_t {
  /// Between equal parallelism instance i feeds instance i; else as `rebalance`.
  forward,
  /// All in turn.
  rebalance,
  /// The one that has the group of the record's key.
  key,
};

/// From one stage's output to another stage. An output may have several edges; each gets every record.
struct edge_plan {
  std::size_t from = 0;
  output_kind output = output_kind::results;
  std::size_t to = 0;
  partition how = partition::forward;
  /// What happens to the records on the way, in the sending stage's actor.
  std::vector<step_maker> steps{};
  /// With `partition::key`: reads the keys of what comes out of the last step.
  key_reader_maker keys{};
  /// Whether the output's records can be copied (`is_copyable_v`).
  bool copyable = true;
};

struct pool_plan {
  std::string name;
  driver_factory make;
  driver_settings settings;
  /// Shared with the handles that functions keep: a handle that kept the plan would keep itself.
  std::shared_ptr<std::vector<statement_declaration>> statements
    = std::make_shared<std::vector<statement_declaration>>();
};

/// Threads that wait for `std::future`s.
struct waiting_pool_plan {
  std::string name;
  std::size_t threads = 1;
  /// Shared with the handles that functions keep: tells it from the pools of other environments.
  std::shared_ptr<const int> identity = std::make_shared<const int>();
};

struct job_plan {
  std::string name;
  std::vector<stage_plan> stages;
  std::vector<edge_plan> edges;
  std::vector<pool_plan> pools;
  std::vector<waiting_pool_plan> waiting_pools;
  batch_limits batches;
  /// Instances of a stage that sets no number of its own. Sinks and sources: 1.
  std::uint32_t parallelism = 1;
  /// What follows when the job fails; absent: nothing is said of it, see `restarts`.
  std::optional<restart_strategy> restart{};
  /// Absent: the job makes none.
  std::optional<checkpoint_options> checkpoints{};
  /// What was found wrong while the plan was written.
  std::vector<error> mistakes;

  /// All that is wrong with the plan: `mistakes`, bad operator options, names that are missing or
  /// there twice, outputs that lead nowhere or in a circle, records that would have to be copied and
  /// cannot be, keys that are missing, stages that nothing reaches.
  std::vector<error> check() const;

  /// How the job is made up, as a checkpoint says it; but for places, which instances know. The plan has
  /// no mistakes.
  job_description describe() const;

  /// What follows when the job fails. Where nothing is said of it: with checkpoints it starts again after an
  /// exponential delay, else not.
  restart_strategy restarts() const;

  /// The stage with this name; null where none has it.
  const stage_plan* find_stage(const std::string& called) const;

  /// Whether the stage is a service.
  static bool is_service(const stage_plan& stage) noexcept;

  /// The number of instances of a stage.
  std::uint32_t instances(const stage_plan& stage) const noexcept;
};

} // namespace weir
