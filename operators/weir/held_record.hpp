// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What an operator holds, on its way to whoever writes it down at a barrier and back: one call for each
/// entry, in arrival order, with times as what is left of them, since a reading of a clock means nothing
/// after a restart. Records and results are shown where they lie, so that they need not be copied. Used
/// on the operator's thread. `machine_snapshot.hpp` has both ends for values in memory.

#include "weir/attempt_durations.hpp"
#include "weir/control.hpp"
#include "weir/error.hpp"
#include "weir/key_hash.hpp"
#include "weir/operator_options.hpp"
#include "weir/origin.hpp"
#include "weir/time.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>

namespace weir {

/// How an operator goes on from what was saved.
enum class restore_mode : std::uint8_t {
  /// Finished records leave without a call; the others have the attempts and the time that they had left.
  resume,
  /// Every record is called as if it had just come in. Flink's rule.
  call_all,
};

/// What is known of a record that is not yet emitted, beside its value and what it came to.
struct held_facts {
  event_time timestamp{};
  origin from{};
  /// 0 where the stream is not keyed.
  key_hash key = 0;
  /// The attempt that runs, or the last that was made; 0 = never called.
  std::uint32_t attempt = 0;
  /// Whether attempt `attempt` runs; it is made again after a restore, under its number.
  bool running = false;
  /// Whether it has its results or its failure, and waits for its turn or for room.
  bool finished = false;
  /// Absent: no timeout, or finished in time. 0: the timeout hook has been called.
  std::optional<duration> timeout_left{};
  /// Present only in back-off.
  std::optional<duration> backoff_left{};
  /// How long the last attempts that have ended took. None where it has finished without an error.
  last_durations durations{};
};

/// A record to be written. What it points to is borrowed, and stays for the length of the call.
struct held_record : held_facts {
  /// An In.
  const void* value = nullptr;
  /// Null unless it has finished with an error that its operator's `on_failure` turned into a dead letter or
  /// dropped.
  const error* why = nullptr;
  /// What `on_failure` does with it. Only where it failed.
  failure_action met = failure_action::fail_job;
  /// So many Outs, one behind the other, each so many bytes from the one before. None unless it finished
  /// without an error.
  const void* results = nullptr;
  std::size_t result_count = 0;
  std::size_t result_bytes_each = 0;
};

/// Writes what a machine holds. What it throws leaves the machine's `save`, and the machine is as it was.
class entry_writer {
public:
  virtual ~entry_writer() = default;

  /// First: so many entries follow. `input_ended`: whether the end of input has been taken in.
  virtual void begin(std::size_t entries, bool input_ended) = 0;

  /// The next entry.
  virtual void record(const held_record& what) = 0;
  /// A watermark or a status.
  virtual void border(const control& what) = 0;
};

/// A record that is read. Its value, and its results or its error, are read behind it.
struct read_record : held_facts {
  /// Whether an error is to be read, and what `on_failure` did with it. Only where it is finished.
  bool failed = false;
  failure_action met = failure_action::fail_job;
  /// So many results are to be read. None unless it finished without an error.
  std::size_t results = 0;
};

/// Reads what an `entry_writer` has written. What it throws leaves the machine's `restore`, and the machine
/// must not be used any more.
class entry_reader {
public:
  virtual ~entry_reader() = default;

  /// Whether the end of input had been taken in.
  virtual bool input_ended() const = 0;

  /// Reads the next entry, of a border all of it. False: there are no more.
  virtual bool next(std::variant<control, read_record>& into) = 0;

  // -- behind a record, once each and in this order --

  /// Makes an In in raw memory that is large enough and aligned for it. Where it throws, it has made none.
  virtual void read_value(void* raw) = 0;
  /// The counterpart for an Out; as often as the record says.
  virtual void read_result(void* raw) = 0;
  /// Only where it failed.
  virtual error read_error() = 0;
};

} // namespace weir
