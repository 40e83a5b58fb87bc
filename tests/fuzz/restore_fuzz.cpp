// SPDX-License-Identifier: Apache-2.0

/// Any bytes, read as a checkpoint: its manifest and the state of an operator, as the files that they are, or
/// as what stands in these, so that a change is not found by a checksum at once. What can be read is dealt to
/// other instances, restored into machines, and called for until all has left. Whatever the bytes are, they get
/// no more memory than 64 MiB and eight times their own.
///
/// The first bytes of an input say how it is to be read (`reading`). What a run begins with is written here, of
/// the format of today; each of these inputs must be restored, or the target would pass by refusing all.

#include "../serialization/held_state.hpp"
#include "../support/collecting_output.hpp"
#include "../support/memory_files.hpp"

#include "weir/async_function.hpp"
#include "weir/directory_store.hpp"
#include "weir/operator_machine.hpp"
#include "weir/rescale.hpp"

#include <sanitizer/allocator_interface.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using namespace weir;
using namespace weir::testing;

/// Ends the process where a promise is broken.
void expect(bool holds) {
  if (!holds)
    std::abort();
}

// -- memory --

std::atomic<std::ptrdiff_t> held_now{0};
std::atomic<std::ptrdiff_t> held_most{0};

void allocated(const volatile void*, std::size_t size) {
  const auto now = held_now += static_cast<std::ptrdiff_t>(size);
  if (now > held_most)
    held_most = now;
}

void freed(const volatile void* what) {
  const auto* bytes = const_cast<const void*>(what);
  if (bytes != nullptr && __sanitizer_get_ownership(bytes) != 0)
    held_now -= static_cast<std::ptrdiff_t>(__sanitizer_get_allocated_size(bytes));
}

// -- the job --

constexpr const char* folder = "checkpoints/job/run-0000000001/chk-0000000017";

manifest made_by(std::uint32_t instances) {
  const held_state_codecs codecs;
  manifest of;
  of.job = "job";
  of.run_number = 1;
  of.checkpoint = 17;
  of.stages = {{"in", stage_role::source, instances, {}, 0, {}, {}},
               {"op",
                stage_role::async_operator,
                instances,
                {{codecs.in.name, codecs.in.version}, {codecs.out.name, codecs.out.version}},
                key_groups,
                {},
                {}},
               {"out", stage_role::sink, 1, {}, 0, {}, {}}};
  of.edges = {{0, manifest_output::results, 1, manifest_partition::key},
              {1, manifest_output::results, 2, manifest_partition::rebalance}};
  return of;
}

/// How an input is read: its first byte.
struct reading {
  explicit reading(unsigned char of) noexcept
    : as_files((of & 3) == 0),
      operators(1 + (of >> 2 & 3)),
      sources(1 + (of >> 4 & 3)),
      how((of & 64) != 0 ? restore_mode::call_all : restore_mode::resume),
      mode((of & 128) != 0 ? output_mode::unordered : output_mode::ordered) {}

  bool as_files;
  /// Instances that the job has now.
  std::uint32_t operators;
  std::uint32_t sources;
  restore_mode how;
  output_mode mode;
};

/// Takes a part off the front: its length in four bytes, then itself.
std::string_view take_part(std::string_view& from) {
  if (from.size() < 4)
    return std::exchange(from, {});
  std::uint32_t size = 0;
  for (std::size_t i = 4; i > 0; --i)
    size = size << 8 | static_cast<unsigned char>(from[i - 1]);
  from.remove_prefix(4);
  const auto part = from.substr(0, size);
  from.remove_prefix(part.size());
  return part;
}

void append_part(std::string& to, std::string_view part) {
  for (int shift = 0; shift < 32; shift += 8)
    to += static_cast<char>(part.size() >> shift & 0xFF);
  to += part;
}

expected<checkpoint> read_files(std::string_view content) {
  auto files = std::make_shared<memory_files>();
  files->put_folder(folder);
  files->put(std::string{folder} + "/MANIFEST", take_part(content));
  files->put(std::string{folder} + "/op.state", content);
  const auto store = directory_store("checkpoints", files);
  expect(store->claim("job").has_value());
  return store->load(1, 17);
}

expected<checkpoint> read_contents(std::string_view content,
                                   const std::shared_ptr<block_pool>& pool) {
  auto about = decode_manifest(take_part(content), "MANIFEST");
  if (!about)
    return std::move(about).why();
  checkpoint made{*std::move(about), {}};
  for (std::uint32_t i = 0; !content.empty(); ++i)
    made.states.push_back({1, i, blocks_of(take_part(content), pool)});
  return made;
}

// -- what goes on from it --

/// Answers at once.
struct echo : async_function<stored_item, std::string> {
  void async_invoke(const stored_item& what, result_future<std::string> done) {
    done.complete(std::vector<std::string>{what.text});
  }
};

struct no_observer {
  void observe(duration) {}
};

/// What is held leaves, all of it.
void run(const launch_state& of, const state_blocks& held, const reading& as) {
  const held_state_codecs codecs;
  operator_options options;
  options.name = "op";
  options.capacity = 3;
  options.on_failure = failure_action::drop;
  echo function;
  const auto port = completion_port<std::string>::make([] {});
  no_observer observer;
  operator_machine<echo, no_observer> machine{options, as.mode, function, *port, observer, 1};
  stored_entry_reader reader{held,
                             {&codecs.in, of.stages[1].records[0].version},
                             {&codecs.out, of.stages[1].records[1].version},
                             "op",
                             of.kind == checkpoint_kind::drained};
  auto now = time_point{} + 1h;
  machine.restore(reader, as.how);
  batch<stored_item> waiting;
  reader.read_waiting(waiting);
  static_cast<void>(reader.read_channels());
  reader.end();
  collecting_output<std::string> results;
  const operator_outputs to{results, nullptr};
  machine.advance(to, now);
  batch_cursor at;
  for (;;) {
    machine.take(waiting, at, to, now);
    const auto due = machine.next_due();
    if (due == time_point::max())
      break;
    now = std::max(now, due);
    machine.tick(to, due, now);
  }
  expect(!machine.failure() && machine.size() == 0 && at.at_end(waiting));
}

/// Whether all of it could be restored.
bool restore(std::string_view content) {
  if (content.empty())
    return false;
  const reading as{static_cast<unsigned char>(content[0])};
  content.remove_prefix(1);
  const auto pool = std::make_shared<block_pool>();
  auto from = as.as_files ? read_files(content) : read_contents(content, pool);
  if (!from)
    return false;
  job_description job{"job"};
  const auto now = made_by(1);
  job.stages = now.stages;
  job.stages[0].parallelism = as.sources;
  job.stages[1].parallelism = as.operators;
  job.edges = now.edges;
  const held_state_codecs codecs;
  const auto made = rescale(*std::move(from), job, {{}, {&codecs.in, &codecs.out}, {}}, {}, pool);
  if (!made)
    return false;
  const auto& stage = made->stages[1];
  if (!stage.instances.empty()
      && (stage.records.size() != 2 || stage.records[0].name != codecs.in.name
          || stage.records[1].name != codecs.out.name))
    return false;
  for (const auto& each : stage.instances)
    if (each.held)
      try {
        run(*made, *each.held, as);
      } catch (const state_error&) {
        return false;
      }
  return true;
}

bool restore_with_bounded_memory(std::string_view content) {
  const auto before = held_now.load();
  held_most = before;
  const bool restored = restore(content);
  expect(held_most - before <= static_cast<std::ptrdiff_t>(memory_budget::of(content.size())));
  return restored;
}

// -- what it begins with --

held_state some_of_each(std::int64_t first, key_hash key) {
  held_state all;
  const auto record = [&](std::int64_t number) {
    return held_state::record{{first + number, "text"},
                              event_time{number},
                              {static_cast<std::uint64_t>(first + number), 0, 0},
                              key};
  };
  all.hold(record(0));
  all.hold(control::watermark(event_time{3}));
  auto running = record(1);
  running.attempt = 2;
  running.running = true;
  running.timeout_left = 30s;
  running.durations = {5ms};
  all.hold(running);
  all.hold(control::idle());
  all.hold(control::active());
  auto backs_off = record(2);
  backs_off.attempt = 4;
  backs_off.backoff_left = 40ms;
  backs_off.timeout_left = 0s;
  backs_off.durations = {1ms, 2ms, 3ms, 4ms};
  all.hold(backs_off);
  auto finished = record(3);
  finished.attempt = 1;
  finished.finished = std::vector<std::string>{"a", "", std::string(100, 'b')};
  all.hold(finished);
  auto dead = record(4);
  dead.finished
    = held_state::record::failure{{"refused", "store", "it said no"}, failure_action::drop};
  all.hold(dead);
  for (int i = 5; i < 9; ++i)
    all.wait(first + i, key, event_time{i});
  all.wait(control::watermark(event_time{7}));
  all.wait(first + 9, key);
  return all;
}

/// A checkpoint of so many sources and operators.
std::string good_input(unsigned char how, std::uint32_t instances, bool holds,
                       checkpoint_kind kind) {
  const auto pool = std::make_shared<block_pool>();
  checkpoint all{made_by(instances), {}};
  all.about.kind = kind;
  for (std::uint32_t i = 0; i < instances; ++i)
    all.about.instances.push_back(
      {0, i, {{{i, "100"}}, source_times{event_time{8}, event_time{7}}}});
  for (std::uint32_t i = 0; i < instances; ++i) {
    held_state held;
    if (holds)
      // A key of the instance's own groups.
      held = some_of_each(100 * i, i * key_groups / instances + 1);
    held.said.channels.assign(instances, {event_time{7}});
    held.said.watermark = event_time{7};
    held.entries.input_ended = kind == checkpoint_kind::drained;
    manifest_instance of{1, i, {}};
    auto bytes = bytes_of(held, pool, &of.summary.entries);
    all.about.instances.push_back(of);
    all.states.push_back({1, i, std::move(bytes)});
  }
  all.about.instances.push_back({2, 0, {}});
  std::string input(1, static_cast<char>(how));
  if (!reading{how}.as_files) {
    append_part(input, *encode_manifest(all.about));
    for (const auto& each : all.states)
      append_part(input, archive_fixture::text_of(each.bytes));
    return input;
  }
  auto files = std::make_shared<memory_files>();
  files->put_folder("/");
  const auto store = directory_store("checkpoints", files);
  expect(store->claim("job").has_value());
  expect(store->write(all).has_value());
  append_part(input, files->text(std::string{folder} + "/MANIFEST"));
  input += files->text(std::string{folder} + "/op.state");
  return input;
}

} // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  expect(__sanitizer_install_malloc_and_free_hooks(allocated, freed) != 0);
  std::string corpus;
  for (int i = 1; i < *argc && corpus.empty(); ++i)
    if ((*argv)[i][0] != '-' && std::filesystem::is_directory((*argv)[i]))
      corpus = (*argv)[i];
  int n = 0;
  for (const auto kind : {checkpoint_kind::running, checkpoint_kind::drained})
    for (const bool holds : {false, true})
      for (const std::uint32_t instances : {1, 3})
        for (const unsigned how :
             {0b0000'0000, 0b0000'0001, 0b0010'1010, 0b0100'0110, 0b1000'1000, 0b1001'1101}) {
          const auto input = good_input(static_cast<unsigned char>(how), instances, holds, kind);
          const auto before = held_now.load();
          expect(restore_with_bounded_memory(input) && held_most > before);
          ++n;
          if (!corpus.empty())
            std::ofstream{corpus + "/good-" + std::to_string(n), std::ios::binary} << input;
        }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  restore_with_bounded_memory({reinterpret_cast<const char*>(data), size});
  return 0;
}
