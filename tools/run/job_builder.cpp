// SPDX-License-Identifier: Apache-2.0
#include "job_builder.hpp"

#include "lookup_function.hpp"
#include "order_key.hpp"

#include "weir/async_data_stream.hpp"
#include "weir/checkpoint_options.hpp"
#include "weir/dead_letter_file.hpp"
#include "weir/dead_letter_part_sink.hpp"
#include "weir/faulty_driver.hpp"
#include "weir/json_writer.hpp"
#include "weir/memory_driver.hpp"
#include "weir/ndjson_source.hpp"
#include "weir/part_file_sink.hpp"
#include "weir/redis_driver.hpp"
#include "weir/sqlite_driver.hpp"
#include "weir/stdout_sink.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <type_traits>
#include <unistd.h>
#include <utility>
#include <variant>
#include <vector>

namespace weir::tool {

namespace {

using record_stream = stream<json_record>;

/// Makes a pool's driver, with faults around it where the job wants them.
driver_factory driver_of(const pool_section& pool, std::shared_ptr<const driver_registry> drivers) {
  return [faults = pool.faults, drivers = std::move(drivers)](const driver_settings& settings)
           -> expected<std::unique_ptr<client_driver>> {
    auto made = drivers->make(settings);
    if (!made || !faults)
      return made;
    return faulty_driver(settings.pool, *std::move(made), *faults);
  };
}

/// The same for a start of the job in another folder.
std::string url_of(const pool_section& pool) {
  std::error_code fails;
  const auto whole = std::filesystem::absolute(pool.file, fails);
  return pool.file.empty() || fails ? pool.url.shown() : whole.lexically_normal().string();
}

/// Different lists have different ones.
std::string list_of(const std::vector<std::string>& names) {
  std::string list = "[";
  for (const auto& each : names) {
    list += list.size() > 1 ? "," : "";
    append_json_string(list, each);
  }
  return list + "]";
}

/// Different values have different ones.
std::string text_of(const option_value& of) {
  return std::visit(
    [](const auto& x) -> std::string {
      using type = std::remove_cvref_t<decltype(x)>;
      if constexpr (std::is_same_v<type, std::string>) {
        return x;
      } else if constexpr (std::is_same_v<type, std::vector<std::string>>) {
        return list_of(x);
      } else if constexpr (std::is_same_v<type, bool>) {
        return x ? "true" : "false";
      } else if constexpr (std::is_integral_v<type>) {
        return std::to_string(x);
      } else {
        std::vector<std::string> flat;
        for (const auto& [name, text] : x) {
          flat.push_back(name);
          flat.push_back(text);
        }
        return list_of(flat);
      }
    },
    of);
}

/// Builds one job.
class job_builder {
public:
  job_builder(const job_file& job, std::shared_ptr<const driver_registry> drivers,
              const job_outputs& outputs, log_function log)
    : job_(job),
      drivers_(std::move(drivers)),
      outputs_(outputs),
      env_({.parallelism = job.parallelism, .log = std::move(log)}),
      pools_(job.pools.size()) {}

  environment build() {
    if (job_.checkpoints)
      env_.enable_checkpointing(options_of(*job_.checkpoints));
    if (job_.restart)
      env_.restart_with(*job_.restart);
    auto records = add_source();
    for (const auto& lookup : job_.lookups)
      records = add_lookup(records, lookup);
    add_sink(records);
    return std::move(env_);
  }

private:
  static checkpoint_options options_of(const checkpoints_section& how) {
    checkpoint_options options;
    options.directory = how.directory;
    options.interval = how.timing.interval;
    options.min_pause = how.timing.min_pause;
    options.timeout = how.timing.timeout;
    options.concurrent = how.timing.concurrent;
    options.tolerated_failures = how.timing.tolerated_failures;
    options.keep = how.keep;
    options.on_restore = how.on_restore;
    return options;
  }

  record_stream add_source() {
    const auto& what = job_.source;
    const auto from = env_.from_source(
      [options = what.options] { return std::make_unique<ndjson_source>(options); },
      {.name = source_stage_name});
    from.with_watermarks(what.watermarks);
    if (what.options.on_bad_record == bad_record_action::dead_letter)
      add_dead_letters(from.dead_letters(), source_stage_name, what.dead_letter, {});
    return from;
  }

  record_stream add_lookup(const record_stream& in, const lookup_section& lookup) {
    const auto pool = pool_of(lookup.pool);
    const auto asks = pool.statement(lookup.statement());
    const auto options = weir::tool::options_of(lookup, job_.source.options.on_bad_record);
    lookup_function function{lookup, pool, asks};
    const auto out = wait_for(in, lookup, std::move(function), options);
    out.with_setting("query", lookup.query)
      .with_setting("url", url_of(job_.pools[lookup.pool]))
      .with_setting("key", list_of(lookup.key))
      .with_setting("into", lookup.into)
      .with_setting("rows", lookup.rows == row_form::one ? "one" : "all");
    if (!lookup.order_key.empty())
      out.with_setting("order_key", list_of(lookup.order_key));
    // What the answers hang on beside that.
    for (const auto& [name, given] : lookup.more)
      out.with_setting(name, text_of(given));
    for (const auto& [name, given] : job_.pools[lookup.pool].more)
      out.with_setting("pool." + name, text_of(given));
    if (options.makes_dead_letters())
      add_dead_letters(out.dead_letters(), lookup.name, lookup.dead_letter,
                       job_.source.dead_letter);
    return out;
  }

  static async_stream<json_record, json_record> wait_for(const record_stream& in,
                                                         const lookup_section& lookup,
                                                         lookup_function function,
                                                         const operator_options& options) {
    switch (lookup.mode) {
      case output_mode::ordered:
        return async_data_stream::ordered_wait(in, std::move(function), options);
      case output_mode::unordered:
        return async_data_stream::unordered_wait(in, std::move(function), options);
      case output_mode::key_ordered:
        break;
    }
    return async_data_stream::key_ordered_wait(in.key_by(order_key{lookup.order_key}),
                                               std::move(function), options);
  }

  void add_sink(const record_stream& records) {
    const auto& what = job_.sink;
    const sink_options options{.name = sink_stage_name, .parallelism = what.parallelism};
    if (what.is_standard_output())
      records.sink_to([] { return std::make_unique<stdout_sink>(); }, options);
    else
      records.sink_to(
        [folder = what.path] { return std::make_unique<part_file_sink>(folder); }, options);
  }

  /// `bad_records`: path of the file for what is no fault of the stage, or empty.
  void add_dead_letters(const stream<dead_letter<json_record>>& letters, const std::string& stage,
                        const std::string& path, const std::string& bad_records) {
    const sink_options options{.name = dead_letters_stage_prefix + stage};
    if (job_.checkpoints)
      letters.sink_to(
        [to = dead_letter_paths{path_of(path), path_of(bad_records)}, stage,
         file = source_name(job_)] {
          return std::make_unique<dead_letter_part_sink>(to, stage, file);
        },
        options);
    else
      letters.sink_to(
        [to = file_of(path), bad = file_of(bad_records), stage, file = source_name(job_)] {
          return std::make_unique<dead_letter_sink>(to, stage, file, bad);
        },
        options);
  }

  /// With checkpoints: where letters for this path go.
  std::string path_of(const std::string& path) const {
    const auto found = outputs_.dead_letter_paths.find(path);
    return found == outputs_.dead_letter_paths.end() ? path : found->second;
  }

  std::shared_ptr<dead_letter_file> file_of(const std::string& path) const {
    const auto found = outputs_.dead_letters.find(path);
    return found == outputs_.dead_letters.end() ? nullptr : found->second;
  }

  /// Pools that no lookup asks are not opened.
  client_pool pool_of(std::size_t index) {
    auto& made = pools_[index];
    if (!made) {
      const auto& what = job_.pools[index];
      made = env_.client_pool({.name = what.name,
                               .driver = driver_of(what, drivers_),
                               .url = what.url,
                               .connections = what.connections,
                               .more = what.more});
    }
    return *made;
  }

  const job_file& job_;
  const std::shared_ptr<const driver_registry> drivers_;
  const job_outputs& outputs_;
  environment env_;
  std::vector<std::optional<client_pool>> pools_;
};

failure_action action_for(bad_record_action what) {
  switch (what) {
    case bad_record_action::skip:
      return failure_action::drop;
    case bad_record_action::dead_letter:
      return failure_action::dead_letter;
    case bad_record_action::fail:
      break;
  }
  return failure_action::fail_job;
}

/// For a driver that is asked nothing.
class no_results final : public result_receiver {
public:
  void receive(std::span<call_result>) override {}
};

} // namespace

std::string source_name(const job_file& job) {
  return job.source.is_standard_input() ? "standard input" : job.source.options.path;
}

operator_options options_of(const lookup_section& lookup, bad_record_action on_bad_record) {
  operator_options options{.name = lookup.name,
                           .timeout = lookup.timeout,
                           .retry = lookup.retry,
                           .on_failure = lookup.on_failure,
                           .at_end = lookup.at_end,
                           .capacity = lookup.capacity,
                           .capacity_bytes = lookup.capacity_bytes,
                           .max_concurrent_calls = lookup.max_concurrent_calls,
                           .blocking_warning = lookup.blocking_warning};
  const auto add = [&](std::string_view kind, failure_action action) {
    options.failure_rules.push_back({std::string{kind}, action});
  };
  add(error_kind::bad_record, action_for(on_bad_record));
  if (lookup.on_miss == miss_action::drop)
    add(error_kind::miss, failure_action::drop);
  if (lookup.on_timeout == timeout_action::drop)
    add(error_kind::timeout, failure_action::drop);
  for (const auto& rule : lookup.failure_rules)
    add(rule.kind, rule.action);
  return options;
}

/// Opens the pool's driver with these statements, and closes it again.
expected<void> try_statements(const pool_section& pool, const driver_registry& drivers,
                              const std::vector<statement_declaration>& statements) {
  no_results nothing;
  auto driver = drivers.make(pool.settings());
  if (!driver)
    return std::move(driver).why();
  if (auto opened = (*driver)->open(statements, nothing); !opened)
    return opened;
  (*driver)->close();
  return {};
}

/// `all` failed: the same error, with the first lookup whose statement alone fails too.
error with_lookup(error all, const job_file& job, std::size_t pool,
                  const driver_registry& drivers) {
  // A store that is not there was waited for once.
  for (const auto passing : {error_kind::refused, error_kind::connection_lost, error_kind::overloaded})
    if (all.is(passing))
      return all;
  const bool store_is_fine = try_statements(job.pools[pool], drivers, {}).has_value();
  for (const auto& lookup : job.lookups) {
    if (lookup.pool != pool || !store_is_fine)
      continue;
    auto ok = try_statements(job.pools[pool], drivers, {lookup.statement()});
    if (!ok && ok.why() == all)
      return {all.kind(), "lookup " + lookup.name + ": " + all.thing(), all.message()};
  }
  return all;
}

expected<void> try_inputs(const job_file& job, const driver_registry& drivers) {
  if (!job.source.is_standard_input()) {
    const auto& path = job.source.options.path;
    std::error_code ignored;
    if (::access(path.c_str(), R_OK) != 0)
      return error{error_kind::io, path, std::string{"cannot be read: "} + std::strerror(errno)};
    if (std::filesystem::is_directory(path, ignored))
      return error{error_kind::io, path, "is a folder; name a file in it"};
  }
  for (std::size_t i = 0; i < job.pools.size(); ++i) {
    std::vector<statement_declaration> statements;
    for (const auto& lookup : job.lookups)
      if (lookup.pool == i)
        statements.push_back(lookup.statement());
    if (statements.empty())
      continue;
    if (auto tried = try_statements(job.pools[i], drivers, statements); !tried)
      return with_lookup(std::move(tried).why(), job, i, drivers);
  }
  return {};
}

environment build_job(const job_file& job, std::shared_ptr<const driver_registry> drivers,
                      const job_outputs& outputs, log_function log) {
  return job_builder{job, std::move(drivers), outputs, std::move(log)}.build();
}

std::shared_ptr<const driver_registry> known_drivers() {
  auto drivers = std::make_shared<driver_registry>();
  drivers->add("memory", memory_kind());
  drivers->add("redis", redis_kind());
  drivers->add("sqlite", sqlite_kind());
  return drivers;
}

} // namespace weir::tool
