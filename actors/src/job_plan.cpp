// SPDX-License-Identifier: Apache-2.0
#include "weir/job_plan.hpp"

#include "weir/compare_jobs.hpp"
#include "weir/record_codec.hpp"

#include <algorithm>
#include <set>

namespace weir {

namespace {

class checker {
public:
  explicit checker(const job_plan& plan) : plan_(plan), found_(plan.mistakes) {}

  std::vector<error> run() {
    if (plan_.parallelism == 0)
      add("environment", "parallelism is 0 but must be >= 1");
    check_batches();
    const auto of_restart = plan_.restarts().broken().errors("environment", "restart.");
    found_.insert(found_.end(), of_restart.begin(), of_restart.end());
    if (plan_.checkpoints) {
      const auto of_checkpoints = plan_.checkpoints->mistakes("checkpoints");
      found_.insert(found_.end(), of_checkpoints.begin(), of_checkpoints.end());
    }
    if (plan_.stages.empty())
      add("job " + plan_.name, "it has no source and no service; begin with environment::from_source "
                               "or async_service");
    check_pools();
    check_waiting_pools();
    std::set<std::string> names;
    for (std::size_t i = 0; i < plan_.stages.size(); ++i)
      check_stage(i, names);
    if (edges_lead_to_stages()) {
      check_keys();
      check_ways();
    }
    return std::move(found_);
  }

private:
  void check_batches() {
    const auto check = [&](const char* what, std::size_t value, std::size_t most) {
      if (value == 0 || value > most)
        add("environment", std::string{"batches."} + what + " is " + std::to_string(value)
                             + " but must be 1 to " + std::to_string(most));
    };
    check("records", plan_.batches.records, std::size_t{1} << 20);
    check("bytes", plan_.batches.bytes, std::size_t{1} << 40);
  }

  void check_source(const std::string& name, const source_plan& of) {
    using std::chrono::milliseconds;
    const auto& how = of.watermarks;
    const auto check = [&](const char* what, duration value, bool holds, const char* rule) {
      if (!holds)
        add(name, what + (" is " + std::to_string(value.count())) + " ns but must be " + rule);
    };
    check("max_out_of_orderness", how.max_out_of_orderness,
          how.max_out_of_orderness >= duration{0}
            && how.max_out_of_orderness % milliseconds{1} == duration{0},
          ">= 0 and whole milliseconds");
    if (how.kind == watermark_kind::ingestion)
      check("the interval of watermarks", how.interval, how.interval >= milliseconds{1},
            ">= 1 ms with ingestion_time");
    else if (how.kind == watermark_kind::generated)
      check("the interval of watermarks", how.interval,
            how.interval == duration{0} || how.interval >= milliseconds{1},
            "0 or >= 1 ms with generated_watermarks");
    else
      check("the interval of watermarks", how.interval, how.interval >= duration{0}, ">= 0");
    check("idle_after", how.idle_after, how.idle_after >= duration{0}, ">= 0");
    if (of.times && how.kind == watermark_kind::ingestion)
      add(name, "its event times are to be read from records and by ingestion_time; choose one");
    if ((how.kind == watermark_kind::generated) != static_cast<bool>(of.generator))
      add(name, "its watermarks come from a generator but it has none, or the other way round");
  }

  void check_pools() {
    std::set<std::string> names;
    for (const auto& pool : plan_.pools) {
      const auto thing = "pool " + pool.name;
      if (pool.name.empty())
        add("pool", "name is empty but every pool needs one");
      else if (!names.insert(pool.name).second)
        add(thing, "another pool has this name; names are unique within a job");
      if (!pool.make)
        add(thing, "it has no driver");
      if (const auto n = pool.settings.options.connections; n == 0 || n > 1024)
        add(thing, "connections is " + std::to_string(n) + " but must be 1 to 1024");
    }
  }

  void check_waiting_pools() {
    std::set<std::string> names;
    for (const auto& pool : plan_.waiting_pools) {
      const auto thing = "waiting pool " + pool.name;
      if (pool.name.empty())
        add("waiting pool", "name is empty but every waiting pool needs one");
      else if (!names.insert(pool.name).second)
        add(thing, "another waiting pool has this name; names are unique within a job");
      if (const auto n = pool.threads; n == 0 || n > 1024)
        add(thing, "threads is " + std::to_string(n) + " but must be 1 to 1024");
    }
  }

  void check_stage(std::size_t number, std::set<std::string>& names) {
    const auto& stage = plan_.stages[number];
    if (const auto* of = std::get_if<source_plan>(&stage.what))
      check_source(stage.name, *of);
    if (const auto* of = std::get_if<operator_plan>(&stage.what)) {
      const auto mistakes = of->options.mistakes();
      found_.insert(found_.end(), mistakes.begin(), mistakes.end());
    } else if (stage.name.empty()) {
      add("stage", "name is empty but every stage needs one");
    }
    if (plan_.checkpoints && stage.is_named_by_number)
      add(stage.name, "nobody has given it this name, and checkpoints know a stage by its name; give it one "
                      "that stays when the job changes");
    if (!stage.name.empty() && !names.insert(stage.name).second)
      add(stage.name, "another stage has this name; names are unique within a job");
    check_outputs(number, stage);
  }

  void check_outputs(std::size_t number, const stage_plan& stage) {
    const auto edges = [&](output_kind output) {
      return std::count_if(plan_.edges.begin(), plan_.edges.end(), [&](const edge_plan& edge) {
        return edge.from == number && edge.output == output;
      });
    };
    if (std::holds_alternative<sink_plan>(stage.what) || job_plan::is_service(stage))
      return;
    if (edges(output_kind::results) == 0)
      add(stage.name, "nothing takes its records; end the stream with sink_to");
    for (const auto output : {output_kind::results, output_kind::dead_letters})
      if (edges(output) > 1)
        check_copies(number, output);
    const auto* of = std::get_if<operator_plan>(&stage.what);
    if (of != nullptr && of->options.makes_dead_letters() && edges(output_kind::dead_letters) == 0)
      add("operator " + stage.name, "its failures become dead letters but nothing takes them; end "
                                    "dead_letters() with sink_to");
  }

  void check_copies(std::size_t from, output_kind output) {
    const bool copyable
      = std::all_of(plan_.edges.begin(), plan_.edges.end(), [&](const edge_plan& edge) {
          return edge.from != from || edge.output != output || edge.copyable;
        });
    if (!copyable)
      add(plan_.stages[from].name,
          output == output_kind::results
            ? "its records are taken more than once but their type cannot be copied"
            : "its dead letters are taken more than once but their type cannot be copied");
  }

  void check_keys() {
    for (const auto& edge : plan_.edges) {
      const auto& to = plan_.stages[edge.to];
      const bool keyed = edge.how == partition::key && edge.keys;
      if ((edge.how == partition::key) != static_cast<bool>(edge.keys))
        add(to.name, "records come to it by key but nothing reads their keys, or the other way round");
      if (keyed && plan_.instances(to) > key_groups)
        add(to.name, "parallelism is " + std::to_string(plan_.instances(to))
                       + " but must be at most " + std::to_string(key_groups) + " behind key_by");
      const auto* of = std::get_if<operator_plan>(&to.what);
      if (of != nullptr && of->mode == output_mode::key_ordered && !keyed)
        add("operator " + to.name, "its mode is key_ordered but records come to it without keys; "
                                   "put key_by before it");
    }
  }

  bool edges_lead_to_stages() {
    const auto lost = std::find_if(plan_.edges.begin(), plan_.edges.end(), [&](const edge_plan& edge) {
      return edge.from >= plan_.stages.size() || edge.to >= plan_.stages.size();
    });
    if (lost == plan_.edges.end())
      return true;
    add("job " + plan_.name, "an output leads to no stage");
    return false;
  }

  /// Records must come to every stage but a source, and never come back to one.
  void check_ways() {
    const auto& stages = plan_.stages;
    std::vector<std::size_t> entries(stages.size(), 0);
    for (const auto& edge : plan_.edges) {
      ++entries[edge.to];
      for (const auto end : {edge.from, edge.to})
        if (job_plan::is_service(stages[end]))
          add(stages[end].name, "it is a service, which no stream leads to or from");
      if (std::holds_alternative<source_plan>(stages[edge.to].what))
        add(stages[edge.from].name, "its output leads into a source");
    }
    for (std::size_t i = 0; i < stages.size(); ++i)
      if (entries[i] == 0 && !std::holds_alternative<source_plan>(stages[i].what)
          && !job_plan::is_service(stages[i]))
        add(stages[i].name, "nothing leads to it; it would wait for its input for ever");
    // What is left when all that leads nowhere is taken away, again and again, goes in a circle.
    std::vector<std::size_t> exits(stages.size(), 0);
    for (const auto& edge : plan_.edges)
      ++exits[edge.from];
    std::vector<std::size_t> done;
    for (std::size_t i = 0; i < stages.size(); ++i)
      if (exits[i] == 0)
        done.push_back(i);
    for (std::size_t i = 0; i < done.size(); ++i)
      for (const auto& edge : plan_.edges)
        if (edge.to == done[i] && --exits[edge.from] == 0)
          done.push_back(edge.from);
    for (std::size_t i = 0; i < stages.size(); ++i)
      if (exits[i] > 0)
        add(stages[i].name, "its records come back to it, or to a stage behind it");
  }

  void add(const std::string& thing, const std::string& message) {
    found_.emplace_back(error_kind::argument, thing, message);
  }

  const job_plan& plan_;
  std::vector<error> found_;
};

} // namespace

std::vector<error> job_plan::check() const {
  return checker{*this}.run();
}

namespace {

/// One type of records that a stage takes or gives. A type that cannot be stored is left out.
void add_type(const std::type_info* of, manifest_stage& to, std::vector<std::uint32_t>& oldest) {
  const auto* const codec = of != nullptr ? find_record_codec(*of) : nullptr;
  if (codec == nullptr)
    return;
  to.records.push_back({codec->name, codec->version});
  oldest.push_back(codec->oldest);
}

manifest_partition partition_of(partition how) {
  switch (how) {
    case partition::forward:
      return manifest_partition::forward;
    case partition::rebalance:
      return manifest_partition::rebalance;
    case partition::key:
      break;
  }
  return manifest_partition::key;
}

} // namespace

job_description job_plan::describe() const {
  job_description of{name};
  for (const auto& stage : stages) {
    manifest_stage to{stage.name};
    std::vector<std::uint32_t> oldest;
    to.parallelism = instances(stage);
    for (const auto& [key, text] : stage.settings)
      to.settings.push_back(hashed_setting(key, text));
    if (const auto* from = std::get_if<source_plan>(&stage.what)) {
      to.role = stage_role::source;
      add_type(from->type, to, oldest);
    } else if (const auto* wait = std::get_if<operator_plan>(&stage.what)) {
      to.role = wait->service ? stage_role::service : stage_role::async_operator;
      add_type(wait->types.in, to, oldest);
      add_type(wait->types.out, to, oldest);
      to.settings.push_back(hashed_setting("mode", name_of(wait->mode)));
      to.settings.push_back(hashed_setting("capacity", std::to_string(wait->options.capacity)));
      to.settings.push_back(hashed_setting(
        "timeout", std::to_string(wait->options.timeout.value_or(duration{0}).count())));
      if (wait->service && wait->mode == output_mode::key_ordered)
        to.key_groups = weir::key_groups;
    } else {
      to.role = stage_role::sink;
      add_type(std::get<sink_plan>(stage.what).type, to, oldest);
    }
    std::sort(to.settings.begin(), to.settings.end(),
              [](const setting_hash& a, const setting_hash& b) { return a.key < b.key; });
    of.stages.push_back(std::move(to));
    of.oldest.push_back(std::move(oldest));
  }
  for (const auto& edge : edges) {
    of.edges.push_back({static_cast<std::uint32_t>(edge.from),
                        edge.output == output_kind::results ? manifest_output::results
                                                            : manifest_output::dead_letters,
                        static_cast<std::uint32_t>(edge.to), partition_of(edge.how)});
    if (edge.how == partition::key)
      of.stages[edge.to].key_groups = weir::key_groups;
  }
  return of;
}

restart_strategy job_plan::restarts() const {
  if (restart)
    return *restart;
  return checkpoints ? restart_strategy{exponential_delay_restart{}} : restart_strategy{};
}

const stage_plan* job_plan::find_stage(const std::string& called) const {
  const auto at = std::find_if(stages.begin(), stages.end(),
                               [&](const stage_plan& each) { return each.name == called; });
  return at == stages.end() ? nullptr : &*at;
}

bool job_plan::is_service(const stage_plan& stage) noexcept {
  const auto* of = std::get_if<operator_plan>(&stage.what);
  return of != nullptr && of->service != nullptr;
}

std::uint32_t job_plan::instances(const stage_plan& stage) const noexcept {
  if (stage.parallelism > 0)
    return stage.parallelism;
  return std::holds_alternative<operator_plan>(stage.what) ? parallelism : 1;
}

} // namespace weir
