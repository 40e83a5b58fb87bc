// SPDX-License-Identifier: Apache-2.0

#include "weir/manifest.hpp"

#include "tagged.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>
#include <tuple>

namespace weir {

namespace {

using detail::if_unknown;
using detail::tagged_reader;
using detail::tagged_writer;

constexpr const char* manifest_name = "MANIFEST";

// -- fields; docs/formats.md. A number is never used for anything else. --

namespace stage_field {
enum : std::uint32_t { name = 1, role, parallelism, record, key_groups, place, setting };
}
namespace pair_field {
enum : std::uint32_t { first = 1, second };
}
namespace edge_field {
enum : std::uint32_t { from = 1, output, to, how };
}
namespace times_field {
enum : std::uint32_t { newest = 1, watermark, idle, ended };
}
namespace entries_field {
enum : std::uint32_t { running = 1, waits_for_call, backs_off, finished, borders, waiting_input };
}
namespace histogram_field {
enum : std::uint32_t { name = 1, bucket };
}
namespace instance_field {
enum : std::uint32_t {
  stage = 1,
  instance,
  position,
  times,
  pending_output,
  entries,
  counter,
  own_counter,
  histogram
};
}
namespace file_field {
enum : std::uint32_t { stage = 1, name, size, sum };
}
namespace manifest_field {
enum : std::uint32_t {
  weir_version = 1,
  job,
  run,
  run_number,
  checkpoint,
  kind,
  removes_old_output,
  made_at_ms,
  took_ns,
  stage,
  edge,
  instance,
  file
};
}

// -- writing --

void write(tagged_writer& to, const manifest_stage& stage) {
  using namespace stage_field;
  to.text(name, stage.name);
  to.number(role, static_cast<std::uint64_t>(stage.role));
  to.number(parallelism, stage.parallelism);
  for (const auto& each : stage.records)
    to.structure(record, [&](tagged_writer& in) {
      in.text(pair_field::first, each.name);
      in.number(pair_field::second, each.version);
    });
  to.number(key_groups, stage.key_groups);
  to.text(place, stage.place);
  for (const auto& each : stage.settings)
    to.structure(setting, [&](tagged_writer& in) {
      in.text(pair_field::first, each.key);
      in.number(pair_field::second, each.hash);
    });
}

void write(tagged_writer& to, const manifest_edge& edge) {
  using namespace edge_field;
  to.number(from, edge.from);
  to.number(output, static_cast<std::uint64_t>(edge.output));
  to.number(edge_field::to, edge.to);
  to.number(how, static_cast<std::uint64_t>(edge.how));
}

/// Absent where there is none.
void write_time(tagged_writer& to, std::uint32_t id, event_time at) {
  if (at.has_value())
    to.signed_number(id, at.ms());
}

void write(tagged_writer& to, const source_times& times) {
  using namespace times_field;
  write_time(to, newest, times.newest);
  write_time(to, watermark, times.watermark);
  to.number(idle, times.idle ? 1 : 0);
  if (times.ended)
    to.number(ended, 1);
}

void write(tagged_writer& to, const entry_counts& counts) {
  using namespace entries_field;
  const std::pair<std::uint32_t, std::uint64_t> all[]
    = {{running, counts.running},     {waits_for_call, counts.waits_for_call},
       {backs_off, counts.backs_off}, {finished, counts.finished},
       {borders, counts.borders},     {waiting_input, counts.waiting_input}};
  for (const auto& [id, n] : all)
    if (n != 0)
      to.number(id, n);
}

void write(tagged_writer& to, const named_histogram& what) {
  using namespace histogram_field;
  to.text(name, what.name);
  for (const auto& [at, n] : what.counts)
    to.structure(bucket, [&, at = at, n = n](tagged_writer& in) {
      in.number(pair_field::first, at);
      in.number(pair_field::second, n);
    });
}

void write_counts(tagged_writer& to, std::uint32_t id, const std::vector<named_count>& counts) {
  for (const auto& each : counts)
    to.structure(
      id,
      [&](tagged_writer& in) {
        in.text(pair_field::first, each.name);
        in.number(pair_field::second, each.count);
      },
      if_unknown::skip);
}

void write(tagged_writer& to, const manifest_instance& of) {
  using namespace instance_field;
  const auto& summary = of.summary;
  to.number(stage, of.stage);
  to.number(instance, of.instance);
  for (const auto& each : summary.positions)
    to.structure(position, [&](tagged_writer& in) {
      in.number(pair_field::first, each.split);
      in.text(pair_field::second, each.position);
    });
  if (summary.times)
    to.structure(times, [&](tagged_writer& in) { write(in, *summary.times); });
  if (!summary.pending_output.empty())
    to.text(pending_output, summary.pending_output);
  to.structure(
    entries, [&](tagged_writer& in) { write(in, summary.entries); }, if_unknown::skip);
  write_counts(to, counter, summary.counters);
  write_counts(to, own_counter, summary.own_counters);
  for (const auto& each : summary.histograms)
    to.structure(
      histogram, [&](tagged_writer& in) { write(in, each); }, if_unknown::skip);
}

void write(tagged_writer& to, const manifest_file& file) {
  using namespace file_field;
  to.number(stage, file.stage);
  to.text(name, file.name);
  to.number(size, file.sums.size);
  to.number(sum, file.sums.footer);
}

/// What is larger than it may be, or nothing.
std::string too_large(const manifest& what) {
  for (const auto& each : what.instances) {
    for (const auto& at : each.summary.positions)
      if (at.position.size() > split_position::position_bytes_max)
        return "a position of " + std::to_string(at.position.size())
               + " bytes; at most 64 KiB can be stored";
    if (each.summary.pending_output.size() > instance_summary::pending_bytes_max)
      return "pending output that takes " + std::to_string(each.summary.pending_output.size())
             + " bytes to say; at most 1 MiB can be stored";
  }
  return {};
}

// -- reading --

constexpr std::uint64_t bit(std::uint32_t id) {
  return std::uint64_t{1} << id;
}

// What a structure must have.
constexpr std::uint64_t stage_needs
  = bit(stage_field::name) | bit(stage_field::role) | bit(stage_field::parallelism);
constexpr std::uint64_t edge_needs
  = bit(edge_field::from) | bit(edge_field::to) | bit(edge_field::how);
constexpr std::uint64_t instance_needs = bit(instance_field::stage) | bit(instance_field::instance);
constexpr std::uint64_t file_needs
  = bit(file_field::stage) | bit(file_field::name) | bit(file_field::size) | bit(file_field::sum);
constexpr std::uint64_t manifest_needs
  = bit(manifest_field::job) | bit(manifest_field::run) | bit(manifest_field::run_number)
    | bit(manifest_field::checkpoint) | bit(manifest_field::kind);

/// Reads a structure's fields: `known(id)` is called for each and says whether it knew it.
/// `needed`: the `bit`s of those that must be there.
template <class F>
void read_fields(tagged_reader& from, std::uint64_t needed, F known) {
  while (from.next())
    if (!known(from.id()))
      from.unknown();
    else
      needed &= ~bit(from.id());
  if (needed != 0)
    from.damaged("lacks a field");
}

template <class First, class Second>
void read_pair(tagged_reader from, First first, Second second) {
  read_fields(from, bit(pair_field::first) | bit(pair_field::second), [&](std::uint32_t id) {
    if (id == pair_field::first)
      first(from);
    else if (id == pair_field::second)
      second(from);
    else
      return false;
    return true;
  });
}

template <class T>
T& append(tagged_reader& from, std::vector<T>& to) {
  from.charge(sizeof(T));
  return to.emplace_back();
}

manifest_stage read_stage(tagged_reader from) {
  manifest_stage stage;
  read_fields(from, stage_needs, [&](std::uint32_t id) {
    switch (id) {
      case stage_field::name:
        stage.name = from.text();
        return true;
      case stage_field::role:
        stage.role = from.one_of(stage_role::source, stage_role::sink);
        return true;
      case stage_field::parallelism:
        stage.parallelism = from.small_number();
        return true;
      case stage_field::record: {
        auto& record = append(from, stage.records);
        read_pair(
          from.structure("a record type"), [&](auto& in) { record.name = in.text(); },
          [&](auto& in) { record.version = in.small_number(); });
        return true;
      }
      case stage_field::key_groups:
        stage.key_groups = from.small_number();
        return true;
      case stage_field::place:
        stage.place = from.text();
        return true;
      case stage_field::setting: {
        auto& setting = append(from, stage.settings);
        read_pair(
          from.structure("a setting"), [&](auto& in) { setting.key = in.text(); },
          [&](auto& in) { setting.hash = in.number(); });
        return true;
      }
      default:
        return false;
    }
  });
  return stage;
}

manifest_edge read_edge(tagged_reader from) {
  manifest_edge edge;
  read_fields(from, edge_needs, [&](std::uint32_t id) {
    switch (id) {
      case edge_field::from:
        edge.from = from.small_number();
        return true;
      case edge_field::output:
        edge.output = from.one_of(manifest_output::results, manifest_output::dead_letters);
        return true;
      case edge_field::to:
        edge.to = from.small_number();
        return true;
      case edge_field::how:
        edge.how = from.one_of(manifest_partition::forward, manifest_partition::key);
        return true;
      default:
        return false;
    }
  });
  return edge;
}

event_time read_time(tagged_reader& from) {
  const event_time at{from.signed_number()};
  if (!at.has_value())
    from.damaged("has an event time that is none");
  return at;
}

source_times read_times(tagged_reader from) {
  source_times times;
  read_fields(from, 0, [&](std::uint32_t id) {
    switch (id) {
      case times_field::newest:
        times.newest = read_time(from);
        return true;
      case times_field::watermark:
        times.watermark = read_time(from);
        return true;
      case times_field::idle:
        times.idle = from.yes_or_no();
        return true;
      case times_field::ended:
        times.ended = from.yes_or_no();
        return true;
      default:
        return false;
    }
  });
  return times;
}

entry_counts read_entries(tagged_reader from) {
  entry_counts counts;
  std::uint64_t* const all[] = {&counts.running,  &counts.waits_for_call, &counts.backs_off,
                                &counts.finished, &counts.borders,        &counts.waiting_input};
  read_fields(from, 0, [&](std::uint32_t id) {
    if (id < entries_field::running || id > entries_field::waiting_input)
      return false;
    *all[id - 1] = from.number();
    return true;
  });
  return counts;
}

void read_count(tagged_reader& from, std::vector<named_count>& to) {
  auto& count = append(from, to);
  read_pair(
    from.structure("a counter"), [&](auto& in) { count.name = in.text(); },
    [&](auto& in) { count.count = in.number(); });
}

named_histogram read_histogram(tagged_reader from) {
  named_histogram result;
  read_fields(from, bit(histogram_field::name), [&](std::uint32_t id) {
    if (id == histogram_field::name) {
      result.name = from.text();
    } else if (id == histogram_field::bucket) {
      auto& bucket = append(from, result.counts);
      read_pair(
        from.structure("a bucket"), [&](auto& in) { bucket.first = in.small_number(); },
        [&](auto& in) { bucket.second = in.number(); });
    } else {
      return false;
    }
    return true;
  });
  return result;
}

bool read_summary_field(tagged_reader& from, instance_summary& summary) {
  switch (from.id()) {
    case instance_field::position: {
      auto& at = append(from, summary.positions);
      read_pair(
        from.structure("a position"), [&](auto& in) { at.split = in.small_number(); },
        [&](auto& in) { at.position = in.text(); });
      return true;
    }
    case instance_field::times:
      summary.times = read_times(from.structure("a source's times"));
      return true;
    case instance_field::pending_output:
      summary.pending_output = from.text();
      return true;
    case instance_field::entries:
      summary.entries = read_entries(from.structure("the entries' counts"));
      return true;
    case instance_field::counter:
      read_count(from, summary.counters);
      return true;
    case instance_field::own_counter:
      read_count(from, summary.own_counters);
      return true;
    case instance_field::histogram:
      append(from, summary.histograms) = read_histogram(from.structure("a histogram"));
      return true;
    default:
      return false;
  }
}

manifest_instance read_instance(tagged_reader from) {
  manifest_instance of;
  read_fields(from, instance_needs, [&](std::uint32_t id) {
    if (id == instance_field::stage)
      of.stage = from.small_number();
    else if (id == instance_field::instance)
      of.instance = from.small_number();
    else
      return read_summary_field(from, of.summary);
    return true;
  });
  return of;
}

manifest_file read_file(tagged_reader from) {
  manifest_file file;
  read_fields(from, file_needs, [&](std::uint32_t id) {
    switch (id) {
      case file_field::stage:
        file.stage = from.small_number();
        return true;
      case file_field::name:
        file.name = from.text();
        return true;
      case file_field::size:
        file.sums.size = from.number();
        return true;
      case file_field::sum:
        file.sums.footer = from.small_number();
        return true;
      default:
        return false;
    }
  });
  return file;
}

run_id read_run(tagged_reader& from) {
  const auto text = from.text();
  run_id run;
  if (text.size() != run.bytes.size())
    from.damaged("has a run's name that is none");
  std::memcpy(run.bytes.data(), text.data(), text.size());
  return run;
}

manifest read_all_fields(tagged_reader& from) {
  manifest result;
  read_fields(from, manifest_needs, [&](std::uint32_t id) {
    switch (id) {
      case manifest_field::weir_version:
        result.weir_version = from.text();
        return true;
      case manifest_field::job:
        result.job = from.text();
        return true;
      case manifest_field::run:
        result.run = read_run(from);
        return true;
      case manifest_field::run_number:
        result.run_number = from.number();
        return true;
      case manifest_field::checkpoint:
        result.checkpoint = from.number();
        return true;
      case manifest_field::kind:
        result.kind = from.one_of(checkpoint_kind::begun, checkpoint_kind::finished);
        return true;
      case manifest_field::removes_old_output:
        result.removes_old_output = from.yes_or_no();
        return true;
      case manifest_field::made_at_ms:
        result.made_at_ms = from.signed_number();
        return true;
      case manifest_field::took_ns:
        result.took = duration{from.signed_number()};
        return true;
      case manifest_field::stage:
        append(from, result.stages) = read_stage(from.structure("a stage"));
        return true;
      case manifest_field::edge:
        append(from, result.edges) = read_edge(from.structure("an edge"));
        return true;
      case manifest_field::instance:
        append(from, result.instances) = read_instance(from.structure("an instance"));
        return true;
      case manifest_field::file:
        append(from, result.files) = read_file(from.structure("a file"));
        return true;
      default:
        return false;
    }
  });
  return result;
}

/// Whether a name leads to a file of the folder, and to nothing else.
bool is_plain_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name != manifest_name
         && name.find('/') == name.npos && name.find('\0') == name.npos;
}

/// What contradicts itself, or nothing.
std::string contradiction(const manifest& what) {
  const auto stages = what.stages.size();
  for (const auto& each : what.stages)
    if (each.parallelism == 0)
      return "has the stage " + each.name + " without instances";
  for (const auto& each : what.edges)
    if (each.from >= stages || each.to >= stages)
      return "has an edge to a stage that there is not";
  const manifest_instance* before = nullptr;
  for (const auto& each : what.instances) {
    if (each.stage >= stages || each.instance >= what.stages[each.stage].parallelism)
      return "has an instance that its stage does not have";
    if (before != nullptr
        && std::tie(before->stage, before->instance) >= std::tie(each.stage, each.instance))
      return "has its instances in another order than theirs";
    before = &each;
  }
  const manifest_file* last = nullptr;
  for (const auto& each : what.files) {
    if (each.stage >= stages || !is_plain_name(each.name))
      return "has a file that cannot be one of it";
    // Whoever loads them puts one behind the other.
    if (last != nullptr && last->stage >= each.stage)
      return "has two files of one stage, or in another order than that of the stages";
    last = &each;
  }
  return {};
}

} // namespace

expected<std::string> encode_manifest(const manifest& what) {
  if (auto fault = too_large(what); !fault.empty())
    return error{error_kind::argument, what.job, "has " + fault};
  std::string bytes;
  tagged_writer to{bytes};
  using namespace manifest_field;
  to.text(weir_version, what.weir_version, if_unknown::skip);
  to.text(job, what.job);
  to.text(run, {reinterpret_cast<const char*>(what.run.bytes.data()), what.run.bytes.size()});
  to.number(run_number, what.run_number);
  to.number(checkpoint, what.checkpoint);
  to.number(kind, static_cast<std::uint64_t>(what.kind));
  if (what.removes_old_output)
    to.number(removes_old_output, 1);
  to.signed_number(made_at_ms, what.made_at_ms, if_unknown::skip);
  to.signed_number(took_ns, what.took.count(), if_unknown::skip);
  for (const auto& each : what.stages)
    to.structure(stage, [&](tagged_writer& in) { write(in, each); });
  for (const auto& each : what.edges)
    to.structure(edge, [&](tagged_writer& in) { write(in, each); });
  for (const auto& each : what.instances)
    to.structure(instance, [&](tagged_writer& in) { write(in, each); });
  for (const auto& each : what.files)
    to.structure(file, [&](tagged_writer& in) { write(in, each); });
  return bytes;
}

expected<manifest> decode_manifest(std::string_view bytes, const std::string& path) {
  memory_budget budget{bytes.size()};
  try {
    tagged_reader from{bytes, "the manifest", path, budget};
    auto result = read_all_fields(from);
    if (const auto fault = contradiction(result); !fault.empty())
      from.damaged(fault);
    return result;
  } catch (const state_error& thrown) {
    return thrown.why();
  }
}

expected<block_file_sums> write_manifest(const std::shared_ptr<file_system>& on, int folder,
                                         const std::string& path, const manifest& what) {
  const auto bytes = encode_manifest(what);
  if (!bytes)
    return bytes.why();
  state_blocks blocks{std::make_shared<block_pool>()};
  for (std::string_view rest = *bytes; !rest.empty();) {
    const auto room = blocks.room();
    const auto now = std::min(room.size(), rest.size());
    std::memcpy(room.data(), rest.data(), now);
    blocks.filled(now);
    rest.remove_prefix(now);
  }
  const section_to_write only{0, &blocks};
  return write_block_file(on, folder, manifest_name, path,
                          {block_file_kind::manifest, what.run, what.checkpoint}, {&only, 1});
}

expected<manifest> read_manifest(const std::shared_ptr<file_system>& on, int folder,
                                 const std::string& path, std::uint64_t checkpoint) {
  const auto file = block_file::read(on, folder, manifest_name, path,
                                     {block_file_kind::manifest, std::nullopt, checkpoint});
  if (!file)
    return file.why();
  if (file->sections().size() != 1)
    return error{error_kind::damaged, path, "is not one section, as a manifest is"};
  std::string bytes;
  bytes.reserve(file->sections()[0].size);
  for (const auto& each : file->sections()[0].payloads)
    bytes.append(reinterpret_cast<const char*>(each.data()), each.size());
  auto result = decode_manifest(bytes, path);
  if (result && (result->run != file->run() || result->checkpoint != checkpoint))
    return error{error_kind::damaged, path, "is of another checkpoint or run than its header says"};
  return result;
}

} // namespace weir
