// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a source is to the stage that runs it: a plain object that is asked for elements and never
/// blocks. The stage calls it from one thread at a time (not always the same), owns it and destroys it.

#include "weir/dead_letter.hpp"
#include "weir/error.hpp"
#include "weir/output.hpp"
#include "weir/run_id.hpp"
#include "weir/source_state.hpp"
#include "weir/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir {

/// A file descriptor that must become readable or writable before work can go on.
struct fd_wait {
  int fd = -1;
  /// To be written to; otherwise read from.
  bool writable = false;
};

/// What a look at a source or a sink came to.
enum class poll_state : std::uint8_t {
  /// There may be more at once; ask again when there is room.
  more,
  /// Nothing can be done before the descriptor of `poll_result::wait` is ready.
  wait,
  /// Nothing will ever follow (source), or all has been taken (sink).
  done,
};

struct poll_result {
  poll_state state = poll_state::more;
  /// Only with `poll_state::wait`.
  fd_wait wait;
};

/// What a running instance of a source or a sink is told about itself.
struct instance_context {
  std::string job;
  std::string stage;
  /// From 0 to `parallelism` - 1.
  std::uint32_t subtask = 0;
  std::uint32_t parallelism = 1;
  /// The job makes checkpoints: a source will be asked for its positions.
  bool checkpointed = false;
  /// The checkpoint that it goes on from; 0: none, or the one in front of the first record.
  std::uint64_t checkpoint = 0;
  /// Of a source that goes on: where it stood in each split that is this instance's; there may be
  /// none. Absent: it begins.
  std::optional<std::vector<split_position>> resume{};
  /// With checkpoints: of which run this is a launch. A sink marks by it what is not visible yet, so that no other
  /// run takes that for its own.
  run_id run{};
};

/// How far a source has read.
struct source_progress {
  /// In a unit of the source's own: bytes of a file, records of a collection.
  std::uint64_t read = 0;
  /// The whole, where it is known.
  std::optional<std::uint64_t> total;
};

/// The two ways out of a source: its records, and those that it could not read.
struct source_outputs {
  output& records;
  /// Null where the job has no use for dead letters. Carries `dead_letter<T>`.
  output* dead_letters = nullptr;

  bool has_room() const noexcept {
    return records.has_room() && (dead_letters == nullptr || dead_letters->has_room());
  }
};

/// Gives records of type `T`.
template <class T>
class source {
public:
  using value_type = T;

  virtual ~source() = default;

  /// Called once, before all but `can_resume` and `place`. An error ends the job before a record is
  /// read. Where `resume` is present, it reads on from there; an error of the kind `incompatible` says
  /// that what it read is not there any more, or is not what it was.
  virtual expected<void> open(const instance_context&) { return {}; }

  /// Emits records into `out` while there is room and something to read, at most some thousand a
  /// call. An error fails the job. Never emits control elements: the stage makes watermarks,
  /// statuses and the end of input. May be called before the descriptor that it waits for is ready,
  /// and then says again that it waits: before its stream becomes idle it is asked once more.
  virtual expected<poll_result> poll(source_outputs& out) = 0;

  /// Whether it can be opened again where it stood. One that cannot is refused by a job with
  /// checkpoints. Always the same answer.
  virtual bool can_resume() const { return false; }

  /// Where it stands, behind every record that it has given, in each split that is this instance's;
  /// splits that have been read to their end too. Asked right after `open`, between two polls, and
  /// when there is nothing more to read; only of a source that can resume. Must not wait: the
  /// checkpoint's barrier has left. An error fails the checkpoint, not the job.
  virtual expected<std::vector<split_position>> positions() {
    return std::vector<split_position>{};
  }

  /// Which file or table it reads: one that goes on must have the same. Empty: it does not say.
  virtual std::string place() const { return {}; }

  /// How far it has read; of one that goes on, since the first of its run.
  virtual source_progress progress() const { return {}; }

  /// Records that were left out because they could not be read, since `open`.
  virtual std::uint64_t skipped() const { return 0; }

  /// Called once after a successful `open`, also after a failure.
  virtual void close() {}
};

} // namespace weir
