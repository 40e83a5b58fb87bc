// SPDX-License-Identifier: Apache-2.0
#include "job_file.hpp"

#include "checkpoint_section.hpp"
#include "duration_text.hpp"
#include "job_paths.hpp"
#include "lookup_errors.hpp"
#include "toml_override.hpp"
#include "toml_section.hpp"

#include "weir/json_fields.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <memory>
#include <set>
#include <span>

namespace weir::tool {

namespace {

using namespace std::chrono_literals;

constexpr std::int64_t instances_max = 1'024;
constexpr std::int64_t retries_max = 1'000'000;
constexpr std::uint64_t line_bytes_max = std::uint64_t{1} << 30;
constexpr auto int64_max = std::numeric_limits<std::int64_t>::max();

constexpr choices<bool, 1> ndjson_only{{{"ndjson", true}}};
constexpr choices<bad_record_action, 3> bad_record_actions{
  {{"fail", bad_record_action::fail},
   {"skip", bad_record_action::skip},
   {"dead_letter", bad_record_action::dead_letter}}};
/// How `watermarks` is written.
enum class watermark_choice { none, monotonous, bounded, ingestion };
constexpr choices<watermark_choice, 4> watermark_choices{
  {{"none", watermark_choice::none},
   {"monotonous", watermark_choice::monotonous},
   {"bounded", watermark_choice::bounded},
   {"ingestion", watermark_choice::ingestion}}};
constexpr choices<row_form, 2> row_forms{{{"one", row_form::one}, {"all", row_form::all}}};
constexpr choices<output_mode, 3> modes{
  {{"ordered", output_mode::ordered},
   {"unordered", output_mode::unordered},
   {"key_ordered", output_mode::key_ordered}}};
constexpr choices<timeout_action, 3> timeout_actions{{{"fail", timeout_action::fail},
                                                      {"null", timeout_action::null},
                                                      {"drop", timeout_action::drop}}};
constexpr choices<miss_action, 3> miss_actions{
  {{"null", miss_action::null}, {"drop", miss_action::drop}, {"fail", miss_action::fail}}};
constexpr choices<failure_action, 3> failure_actions{{{"fail_job", failure_action::fail_job},
                                                      {"drop", failure_action::drop},
                                                      {"dead_letter", failure_action::dead_letter}}};
constexpr choices<end_policy, 2> end_policies{
  {{"keep_retrying", end_policy::keep_retrying}, {"last_attempt", end_policy::last_attempt}}};
enum class retry_kind { exponential, fixed };
constexpr choices<retry_kind, 2> retry_kinds{
  {{"exponential", retry_kind::exponential}, {"fixed", retry_kind::fixed}}};
/// Keys that are of one kind alone.
constexpr std::pair<const char*, retry_kind> kind_of_key[] = {{"delay", retry_kind::fixed},
                                                              {"initial", retry_kind::exponential},
                                                              {"max", retry_kind::exponential},
                                                              {"multiplier", retry_kind::exponential},
                                                              {"jitter", retry_kind::exponential}};
constexpr choices<bool, 1> empty_only{{{"empty", true}}};

/// Kinds of errors that a store gives.
const std::vector<std::string>& kinds_of_stores() {
  static const std::vector<std::string> all{
    std::string{error_kind::rejected}, std::string{error_kind::overloaded},
    std::string{error_kind::io}, std::string{error_kind::refused},
    std::string{error_kind::connection_lost}, std::string{error_kind::cancelled},
    std::string{error_kind::internal}, std::string{injected_error_kind}};
  return all;
}

/// What `if_error` may name.
const std::vector<std::string>& retried_kinds() {
  static const auto all = [] {
    auto kinds = kinds_of_stores();
    kinds.insert(kinds.begin(), "any");
    return kinds;
  }();
  return all;
}

/// What `failure_rules` may name.
const std::vector<std::string>& final_kinds() {
  static const auto all = [] {
    auto kinds = kinds_of_stores();
    kinds.emplace_back(error_kind::miss);
    kinds.emplace_back(error_kind::timeout);
    return kinds;
  }();
  return all;
}

/// The rule that a name in `failure_rules` breaks; empty where it breaks none.
std::string fault_of_final(const std::string& name, bool misses_fail, bool timeouts_fail) {
  if (name == "any")
    return "must be under a kind of error; for all that have no rule there is on_failure";
  if (name == error_kind::bad_record)
    return "must not be given: source.on_bad_record says what becomes of bad records";
  if (name == error_kind::miss && !misses_fail)
    return "is of no use without on_miss = \"fail\"";
  if (name == error_kind::timeout && !timeouts_fail)
    return "is of no use without on_timeout = \"fail\"";
  const auto& known = final_kinds();
  if (std::find(known.begin(), known.end(), name) != known.end())
    return {};
  return "must be under a kind of error: " + quoted_list(known) + did_you_mean(name, known);
}

/// The rule that a name in `if_error` breaks; empty where it breaks none.
std::string fault_of_retried(const std::string& name) {
  if (name == error_kind::miss)
    return "must not name miss; if_result = \"empty\" retries misses";
  if (name == error_kind::bad_record)
    return "must not name bad_record: asking again cannot help";
  if (name == error_kind::timeout)
    return "must not name timeout_error: a timeout is over all attempts and is never retried";
  const auto& known = retried_kinds();
  if (std::find(known.begin(), known.end(), name) != known.end())
    return {};
  return "must name " + quoted_list(known) + "; \"" + name + "\" is none of them"
         + did_you_mean(name, known);
}

/// Which errors are asked for again; no names: every kind but `rejected`.
error_predicate retried_errors(const std::vector<std::string>& names, bool misses) {
  const bool any = std::find(names.begin(), names.end(), "any") != names.end();
  return [names, misses, any](const error& why) {
    if (why.is(error_kind::bad_record))
      return false;
    if (why.is(error_kind::miss))
      return misses && !is_miss_of_null_key(why);
    if (names.empty())
      return !why.is(error_kind::rejected);
    return any || std::find(names.begin(), names.end(), why.kind()) != names.end();
  };
}

/// Reads one job file.
class job_reader {
public:
  job_reader(const toml::table& root, const std::string& path, const driver_registry& drivers,
             loaded_job& into)
    : root_(&root, "", path, into.mistakes),
      path_(path),
      folder_(std::filesystem::path{path}.parent_path()),
      drivers_(drivers),
      job_(into.job),
      mistakes_(into.mistakes) {
    job_.path = path;
  }

  void read() {
    read_job(required_section("job"));
    read_source(required_section("source"));
    read_pools();
    read_lookups();
    read_sink(required_section("sink"));
    read_checkpoints_and_restart();
    check_dead_letters();
    root_.refuse_unknown();
  }

private:
  toml_section section(const toml::table* table, std::string key) {
    return {table, std::move(key), path_, mistakes_};
  }

  toml_section required_section(std::string_view name) {
    return section(root_.table(name), std::string{name});
  }

  // -- sections --

  void read_job(toml_section in) {
    job_.name = in.required_text("name").value_or("");
    job_.parallelism = static_cast<std::uint32_t>(in.integer("parallelism", 1, 1, instances_max));
    job_.drain_timeout = in.time("drain_timeout").value_or(job_.drain_timeout);
    in.refuse_unknown();
  }

  void read_source(toml_section in) {
    auto& source = job_.source;
    read_type(in);
    source.options.path = path_of(in.required_text("path").value_or(""));
    source.options.timestamp = in.text("timestamp").value_or("");
    if (!source.options.timestamp.empty())
      check_field(in, "timestamp", source.options.timestamp);
    read_watermarks(in, source);
    source.options.max_line = in.size("max_line", source.options.max_line, 1, line_bytes_max);
    source.options.on_bad_record
      = in.choice("on_bad_record", bad_record_actions).value_or(bad_record_action::fail);
    source.dead_letter = read_dead_letter(
      in, source.options.on_bad_record == bad_record_action::dead_letter, "on_bad_record");
    in.refuse_unknown();
    source_.emplace(in);
  }

  void read_watermarks(toml_section& in, source_section& source) {
    const auto kind = read_watermark_kind(in);
    const auto late = in.time("max_out_of_orderness");
    const auto interval = in.time("watermark_interval");
    const auto idle_after = in.time("idle_after");
    require(in, "max_out_of_orderness", !late || kind == watermark_choice::bounded,
            "is of no use without watermarks = \"bounded\"");
    require(in, "max_out_of_orderness", !late || *late % 1ms == 0ns,
            "must be whole milliseconds, as event time is");
    if (kind == watermark_choice::none) {
      require(in, "watermark_interval", !interval, "is of no use without watermarks");
      require(in, "idle_after", !idle_after, "is of no use without watermarks");
      return;
    }
    auto& how = source.watermarks;
    how = kind == watermark_choice::ingestion ? ingestion_time()
                                              : bounded_out_of_orderness(late.value_or(0ns));
    how.interval = interval.value_or(how.interval);
    require(in, "watermark_interval", kind != watermark_choice::ingestion || how.interval >= 1ms,
            "must be at least 1ms with watermarks = \"ingestion\"");
    how.idle_after = idle_after.value_or(0ns);
  }

  watermark_choice read_watermark_kind(toml_section& in) {
    const bool has_timestamp = in.find("timestamp") != nullptr;
    if (in.find("watermarks") == nullptr) {
      const bool has_bound = in.find("max_out_of_orderness") != nullptr;
      if (has_bound && !has_timestamp)
        in.missing("timestamp", "is required with max_out_of_orderness");
      return has_bound ? watermark_choice::bounded
                       : has_timestamp ? watermark_choice::monotonous : watermark_choice::none;
    }
    const auto kind = in.choice("watermarks", watermark_choices);
    const bool of_records
      = kind == watermark_choice::monotonous || kind == watermark_choice::bounded;
    require(in, "watermarks", has_timestamp || !of_records,
            "needs timestamp, which names the field that holds the event time");
    require(in, "timestamp", !has_timestamp || kind != watermark_choice::ingestion,
            "must not be given with watermarks = \"ingestion\", which takes the time of reading");
    // Where it is a mistake, nothing follows from it.
    return kind.value_or(watermark_choice::bounded);
  }

  void read_pools() {
    const auto* pools = root_.table("pool");
    if (pools == nullptr)
      return;
    for (const auto& [name, node] : *pools) {
      auto all = section(pools, "pool");
      if (name.str().empty())
        mistakes_.push_back({place_of(node, path_), "pool." + key_part(""), {}, "must have a name",
                             place_in_order(node)});
      const auto* table = all.table(name.str());
      if (table != nullptr)
        read_pool(section(table, "pool." + key_part(name.str())), std::string{name.str()});
    }
  }

  void read_pool(toml_section in, std::string name) {
    pool_section pool;
    pool.name = std::move(name);
    pool.connections = static_cast<std::size_t>(in.integer("connections", 2, 1, 1'024));
    std::shared_ptr<const driver_kind> kind;
    if (const auto url = in.required_text("url")) {
      pool.url = *url;
      if (auto known = drivers_.find(pool.settings())) {
        kind = *std::move(known);
        if (kind->is_file() && !pool.url.rest().empty()) {
          pool.file = path_of(std::string{pool.url.rest()});
          pool.url = std::string{pool.url.scheme()} + ":" + pool.file;
        }
        pool.more = read_options(in, kind->pool_options());
        add_unmet(in, kind->check(pool.settings()));
      } else {
        in.wrong("url", known.why().message());
      }
    }
    if (!kind)
      for (const auto& each : drivers_.all())
        know_options(in, each->pool_options());
    kinds_.push_back(kind);
    if (const auto* table = in.table("faults"))
      pool.faults = read_faults(section(table, in.key() + ".faults"));
    in.refuse_unknown();
    job_.pools.push_back(std::move(pool));
  }

  /// What a kind of store says of a section, where nothing is said of that key yet.
  static void add_unmet(toml_section& in, const std::vector<unmet_rule>& rules) {
    for (const auto& each : rules)
      if (!in.has_mistake(each.key))
        in.wrong(each.key, each.rule);
  }

  /// Of a section whose kind of store is not known: what might be one of its options is no mistake.
  static void know_options(toml_section& in, std::span<const option_rule> rules) {
    for (const auto& each : rules)
      in.find(each.key);
  }

  /// The options that the section's kind of store knows.
  static driver_options read_options(toml_section& in, std::span<const option_rule> rules) {
    driver_options options;
    for (const auto& rule : rules) {
      if (in.find(rule.key) == nullptr) {
        if (rule.required)
          in.missing(rule.key);
        continue;
      }
      const std::string key{rule.key};
      switch (rule.type) {
        case option_type::flag:
          if (const auto given = in.flag(rule.key))
            options.set(key, *given);
          break;
        case option_type::integer:
          options.set(key, in.integer(rule.key, 0, 0, int64_max));
          break;
        case option_type::text:
          if (auto given = in.text(rule.key))
            options.set(key, *std::move(given));
          break;
        case option_type::texts:
          options.set(key, in.texts(rule.key));
          break;
        case option_type::named_texts:
          options.set(key, in.named_texts(rule.key));
          break;
      }
    }
    return options;
  }

  fault_settings read_faults(toml_section in) {
    fault_settings faults;
    if (const auto* node = in.find("latency")) {
      const auto* text = node->as_string();
      const auto range = text == nullptr ? std::nullopt : parse_duration_range(text->get());
      if (range) {
        faults.latency_min = range->min;
        faults.latency_max = range->max;
      } else {
        in.wrong("latency", "must be a range of times such as \"1ms..20ms\", or one time");
      }
    }
    faults.errors = in.number("errors", 0, 0, 1);
    faults.hangs = in.number("hangs", 0, 0, 1);
    if (faults.errors + faults.hangs > 1)
      in.wrong("hangs", "must be at most 1 together with errors, which is "
                          + text_of(toml::value<double>{faults.errors}));
    faults.seed = static_cast<std::uint64_t>(in.integer("seed", 1, 0, int64_max));
    in.refuse_unknown();
    return faults;
  }

  void read_lookups() {
    const auto* node = root_.find("lookup");
    if (node == nullptr)
      return;
    const auto* tables = node->as_array();
    if (tables == nullptr || (!tables->empty() && !tables->is_array_of_tables())) {
      root_.wrong("lookup", "must be written [[lookup]], once for each lookup");
      return;
    }
    for (std::size_t i = 0; i < tables->size(); ++i) {
      const auto* table = tables->get(i)->as_table();
      const auto* name = table->get_as<std::string>("name");
      read_lookup(section(table, name == nullptr || name->get().empty()
                                   ? "lookup[" + std::to_string(i + 1) + "]"
                                   : "lookup." + key_part(name->get())));
    }
  }

  void read_lookup(toml_section in) {
    lookup_section lookup;
    read_name(in, lookup);
    read_question(in, lookup);
    lookup.into = in.required_text("into").value_or("");
    if (lookup.into.starts_with('/'))
      in.wrong("into", "must be the name of one new field, not a JSON pointer");
    else if (!lookup.into.empty() && !into_.insert(lookup.into).second)
      in.wrong("into", "must not be the field that another lookup adds");
    if (in.find("mode") == nullptr)
      in.missing("mode");
    lookup.mode = in.choice("mode", modes).value_or(output_mode::ordered);
    read_order_key(in, lookup);
    read_bounds(in, lookup);
    read_outcomes(in, lookup);
    in.refuse_unknown();
    job_.lookups.push_back(std::move(lookup));
  }

  void read_name(toml_section& in, lookup_section& lookup) {
    lookup.name = in.required_text("name").value_or("");
    if (lookup.name == source_stage_name || lookup.name == sink_stage_name)
      in.wrong("name", "must not be \"source\" or \"sink\", which are stages of each job");
    else if (lookup.name.starts_with(dead_letters_stage_prefix))
      in.wrong("name", "must not begin with \"" + std::string{dead_letters_stage_prefix}
                         + "\", as stages for dead letters do");
    else if (!lookup.name.empty() && !names_.insert(lookup.name).second)
      in.wrong("name", "must be unique");
  }

  void read_question(toml_section& in, lookup_section& lookup) {
    std::vector<std::string> pools;
    for (const auto& each : job_.pools)
      pools.push_back(each.name);
    if (const auto pool = in.required_text("pool")) {
      const auto found = std::find(pools.begin(), pools.end(), *pool);
      lookup.pool = static_cast<std::size_t>(found - pools.begin());
      if (found == pools.end())
        in.wrong("pool", "must be the name of a [pool.NAME]" + did_you_mean(*pool, pools));
    }
    lookup.query = in.text("query").value_or("");
    if (in.find("key") == nullptr)
      in.missing("key");
    lookup.key = in.texts("key");
    for (const auto& each : lookup.key)
      check_field(in, "key", each);
    lookup.rows = in.choice("rows", row_forms).value_or(row_form::one);
    if (const auto* const kind = kind_of(lookup)) {
      lookup.more = read_options(in, kind->statement_options());
      add_unmet(in, kind->check(lookup.statement()));
    } else {
      if (in.find("query") == nullptr)
        in.missing("query");
      for (const auto& each : drivers_.all())
        know_options(in, each->statement_options());
    }
  }

  /// Null: its pool is not there, or is of no kind that is known.
  const driver_kind* kind_of(const lookup_section& lookup) const {
    return lookup.pool < kinds_.size() ? kinds_[lookup.pool].get() : nullptr;
  }

  void read_order_key(toml_section& in, lookup_section& lookup) {
    const bool keyed = lookup.mode == output_mode::key_ordered;
    if (in.find("order_key") == nullptr) {
      if (keyed)
        lookup.order_key = lookup.key;
      return;
    }
    lookup.order_key = in.texts("order_key");
    for (const auto& each : lookup.order_key)
      check_field(in, "order_key", each);
    if (!keyed && !in.has_mistake("mode"))
      in.wrong("order_key", "is of no use without mode = \"key_ordered\"");
  }

  void read_bounds(toml_section& in, lookup_section& lookup) {
    constexpr std::int64_t capacity_max = std::numeric_limits<std::int32_t>::max();
    if (in.find("timeout") == nullptr)
      in.missing("timeout", "is required; \"0s\" means none");
    const auto timeout = in.time("timeout");
    lookup.timeout = timeout.value_or(0ns);
    const auto capacity = in.integer("capacity", 100, 1, capacity_max);
    lookup.capacity = static_cast<std::size_t>(capacity);
    lookup.max_concurrent_calls = static_cast<std::size_t>(
      in.integer("max_concurrent_calls", capacity, 1, capacity_max));
    if (lookup.max_concurrent_calls > lookup.capacity && !in.has_mistake("capacity"))
      in.wrong("max_concurrent_calls",
               "must be at most capacity, which is " + std::to_string(lookup.capacity));
    lookup.capacity_bytes = static_cast<std::size_t>(
      in.size("capacity_bytes", lookup.capacity_bytes, 1, std::uint64_t{1} << 40));
    lookup.blocking_warning = in.time("blocking_warning").value_or(lookup.blocking_warning);
    if (const auto* table = in.table("retry")) {
      read_retry(section(table, in.key() + ".retry"), lookup);
      if (timeout && *timeout == 0ns)
        in.wrong("timeout", "must be more than 0 where there is a retry");
    }
  }

  void read_outcomes(toml_section& in, lookup_section& lookup) {
    lookup.on_timeout = in.choice("on_timeout", timeout_actions).value_or(timeout_action::fail);
    lookup.on_miss = in.choice("on_miss", miss_actions).value_or(miss_action::null);
    lookup.on_failure = in.choice("on_failure", failure_actions).value_or(failure_action::fail_job);
    if (const auto* table = in.table("failure_rules"))
      read_failure_rules(*table, section(table, in.key() + ".failure_rules"), lookup,
                         lookup.on_miss == miss_action::fail || in.has_mistake("on_miss"));
    std::string wanted_by;
    for (const auto& rule : lookup.failure_rules)
      if (wanted_by.empty() && rule.action == failure_action::dead_letter)
        wanted_by = "failure_rules." + rule.kind;
    if (lookup.on_failure == failure_action::dead_letter)
      wanted_by = "on_failure";
    lookup.dead_letter = read_dead_letter(in, !wanted_by.empty(), wanted_by);
    lookup.at_end = in.choice("at_end", end_policies).value_or(end_policy::keep_retrying);
  }

  static void read_failure_rules(const toml::table& table, toml_section in, lookup_section& lookup,
                                 bool misses_fail) {
    for (const auto& [key, node] : table) {
      const std::string kind{key.str()};
      auto fault = fault_of_final(kind, misses_fail, lookup.on_timeout == timeout_action::fail);
      if (!fault.empty())
        in.wrong(kind, std::move(fault));
      if (const auto action = in.choice(kind, failure_actions))
        lookup.failure_rules.push_back({kind, *action});
    }
  }

  void read_retry(toml_section in, lookup_section& lookup) {
    const auto kind = in.choice("kind", retry_kinds).value_or(retry_kind::exponential);
    const auto attempts
      = static_cast<std::uint32_t>(in.integer("max_attempts", 3, 1, retries_max));
    lookup.retries_misses = in.choice("if_result", empty_only).value_or(false);
    const auto if_error = read_retried_errors(in, lookup.retries_misses);
    refuse_keys_of_others(in, kind);
    if (kind == retry_kind::fixed) {
      const auto delay = in.time("delay").value_or(10ms);
      require(in, "delay", delay > 0ns, "must be more than 0");
      lookup.retry = fixed_delay{attempts, delay, if_error};
    } else {
      exponential_delay how{attempts, 10ms, 1s, 2, 0, if_error};
      how.initial = in.time("initial").value_or(how.initial);
      require(in, "initial", how.initial > 0ns, "must be more than 0");
      how.max = in.time("max").value_or(how.max);
      require(in, "max",
              how.max >= how.initial || in.has_mistake("max") || in.has_mistake("initial"),
              "must be at least initial, which is " + exact_text(how.initial));
      how.multiplier = in.number("multiplier", how.multiplier, 1, 1e300);
      how.jitter = in.number("jitter", how.jitter, 0, 1);
      lookup.retry = how;
    }
    in.refuse_unknown();
  }

  static void refuse_keys_of_others(toml_section& in, retry_kind kind) {
    for (const auto& [key, owner] : kind_of_key)
      require(in, key, owner == kind || in.find(key) == nullptr || in.has_mistake("kind"),
              kind == retry_kind::fixed ? "is of no use with kind = \"fixed\""
                                        : "is of no use without kind = \"fixed\"");
  }

  error_predicate read_retried_errors(toml_section& in, bool misses) {
    const auto names = in.texts("if_error", true);
    for (const auto& name : names)
      if (auto fault = fault_of_retried(name); !fault.empty())
        in.wrong("if_error", std::move(fault));
    return retried_errors(names, misses);
  }

  void read_sink(toml_section in) {
    read_type(in);
    job_.sink.path = path_of(in.required_text("path").value_or(""));
    job_.sink.parallelism
      = static_cast<std::uint32_t>(in.integer("parallelism", 1, 1, instances_max));
    if (job_.sink.is_standard_output() && job_.sink.parallelism > 1)
      in.wrong("parallelism", "must be 1 where path is \"-\": instances would mix their lines");
    in.refuse_unknown();
  }

  void read_checkpoints_and_restart() {
    if (const auto* table = root_.table("checkpoints")) {
      auto in = section(table, "checkpoints");
      job_.checkpoints = read_checkpoints(in);
      job_.checkpoints->directory = path_of(job_.checkpoints->directory);
      if (auto fault = checkpoint_directory_fault(job_);
          !fault.empty() && !in.has_mistake("directory"))
        in.wrong("directory", std::move(fault));
    }
    if (const auto* table = root_.table("restart"))
      job_.restart = read_restart(section(table, "restart"));
    check_source_is_there_again();
  }

  void check_source_is_there_again() {
    const bool restarts = job_.restart && job_.restart->enabled();
    if (!job_.source.is_standard_input() || (!job_.checkpoints && !restarts))
      return;
    const std::string tables = !restarts ? "[checkpoints]"
                               : job_.checkpoints ? "[checkpoints] and [restart]"
                                                  : "[restart]";
    source_->wrong("path", "must be a file where there is " + tables
                             + ": what was read from standard input cannot be read again");
  }

  // -- parts of sections --

  void read_type(toml_section& in) {
    if (in.find("type") == nullptr)
      in.missing("type");
    in.choice("type", ndjson_only);
  }

  /// The path of the dead letters, which must be given where `wanted`.
  std::string read_dead_letter(toml_section& in, bool wanted, const std::string& action) {
    const auto path = in.text("dead_letter");
    if (wanted && in.find("dead_letter") == nullptr)
      in.missing("dead_letter",
                 "is required with " + action + " = \"dead_letter\": a file");
    if (!wanted || !path)
      return {};
    if (*path == "-") {
      in.wrong("dead_letter", "must be a file");
      return {};
    }
    dead_letters_.emplace_back(in, path_of(*path));
    return dead_letters_.back().second;
  }

  /// When all is known that they must keep away from.
  void check_dead_letters() {
    for (auto& [in, path] : dead_letters_)
      if (auto fault = dead_letter_fault(job_, path); !fault.empty())
        in.wrong("dead_letter", std::move(fault));
  }

  void check_field(toml_section& in, std::string_view name, const std::string& field) {
    if (const auto ok = json_fields::check_key(field); !ok)
      in.wrong(name, "must be a field's name or a JSON pointer; \"" + field + "\" "
                       + ok.why().message());
  }

  static void require(toml_section& in, std::string_view name, bool holds, std::string rule) {
    if (!holds)
      in.wrong(name, std::move(rule));
  }

  // -- paths --

  std::string path_of(const std::string& written) const {
    if (written.empty() || written == "-")
      return written;
    return (folder_ / written).lexically_normal().string();
  }

  toml_section root_;
  const std::string& path_;
  const std::filesystem::path folder_;
  const driver_registry& drivers_;
  /// Of the pools; null: not known.
  std::vector<std::shared_ptr<const driver_kind>> kinds_;
  job_file& job_;
  std::vector<mistake>& mistakes_;
  /// Once it was read.
  std::optional<toml_section> source_;
  std::set<std::string> names_;
  std::set<std::string> into_;
  // Where they were written, and their paths.
  std::vector<std::pair<toml_section, std::string>> dead_letters_;
};

/// 0, or the errno.
int read_file(const std::string& path, std::string& content) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::fopen(path.c_str(), "rb"),
                                                             std::fclose};
  if (!file)
    return errno;
  char block[4096];
  for (std::size_t size = 0; (size = std::fread(block, 1, sizeof(block), file.get())) > 0;)
    content.append(block, size);
  return std::ferror(file.get()) != 0 ? errno : 0;
}

} // namespace

loaded_job parse_job_file(const std::string& content, const std::string& path,
                          const std::vector<std::string>& overrides,
                          const driver_registry& drivers) {
  loaded_job loaded;
  toml::table root;
  try {
    root = toml::parse(content, path);
  } catch (const toml::parse_error& wrong) {
    const auto line = std::to_string(wrong.source().begin.line);
    loaded.mistakes.push_back(
      {path + ":" + line, {}, {}, "is no TOML: " + std::string{wrong.description()}});
    return loaded;
  }
  for (const auto& each : overrides)
    if (auto wrong = apply_override(root, each))
      loaded.mistakes.push_back(std::move(*wrong));
  job_reader{root, path, drivers, loaded}.read();
  put_in_order(loaded.mistakes);
  return loaded;
}

loaded_job load_job_file(const std::string& path, const std::vector<std::string>& overrides,
                         const driver_registry& drivers) {
  std::string content;
  if (const int code = read_file(path, content); code != 0) {
    loaded_job loaded;
    loaded.mistakes.push_back({path, {}, {}, std::string{"cannot be read: "} + std::strerror(code)});
    return loaded;
  }
  return parse_job_file(content, path, overrides, drivers);
}

} // namespace weir::tool
