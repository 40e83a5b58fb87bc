// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The state of an async wait operator's instance as bytes: the records that it holds with all that is
/// known of them, then what had arrived and was not taken in, then what its channels had said. A writer is
/// handed to the machine's `save`, a reader to its `restore`; neither leads to Cereal. Equal states give
/// equal bytes. What they throw is a state_error, or std::bad_alloc. One thread; for one state each.
/// tests/serialization/entry_codec_test.cpp.

#include "weir/batch.hpp"
#include "weir/channel_merger.hpp"
#include "weir/error.hpp"
#include "weir/held_record.hpp"
#include "weir/manifest.hpp"
#include "weir/memory_budget.hpp"
#include "weir/record_codec.hpp"
#include "weir/state_blocks.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

namespace weir {

namespace detail {

/// Where the element before stood: what follows is written as the difference to it, which is small.
struct element_before {
  origin from{};
  std::int64_t event_ms = 0;
  std::int64_t timeout_left = 0;
};

} // namespace detail

class stored_entry_writer final : public entry_writer {
public:
  /// Writes behind what `to` holds, which must not be touched before `finish`. `in` and `out` are the
  /// codecs of the operator's records and results. All three outlive it.
  stored_entry_writer(state_blocks& to, const record_codec& in, const record_codec& out);
  ~stored_entry_writer() override;

  void begin(std::size_t entries, bool input_ended) override;
  void record(const held_record& what) override;
  void border(const control& what) override;

  // -- behind the entries, in this order --

  /// So many elements have arrived and were not taken in.
  void begin_waiting(std::size_t elements);
  /// Those of them that `in` has from `taken` on.
  void waiting(const batch_base& in, batch_cursor taken);
  /// The next of them.
  void waiting(const record_view& what, const origin& from);
  void waiting(const control& what) { control_element(what); }

  void channels(const channel_states& said);

  /// Throws a state_error where a reader could not afford the memory.
  void finish();

  /// What was written so far.
  const entry_counts& counts() const noexcept { return counts_; }

private:
  void place(unsigned flags, const origin& from, event_time timestamp);
  void control_element(const control& what);
  void error_text(const error& why);
  void results(const held_record& of);

  std::unique_ptr<state_output> to_;
  const record_codec& in_;
  const record_codec& out_;
  detail::element_before before_;
  entry_counts counts_;
};

/// A record type as it was stored, and the codec that reads it.
struct stored_record_type {
  const record_codec* codec = nullptr;
  std::uint32_t version = 0;
};

/// A record that waited, but for its value.
struct waiting_record {
  event_time timestamp{};
  origin from{};
  /// 0 where the stream is not keyed.
  key_hash key = 0;
};

/// Believes nothing of what it reads: bytes that do not say a state are a state_error of the kind `damaged`.
/// What they say need not be one that a machine has been in.
class stored_entry_reader final : public entry_reader {
public:
  /// Reads `from`, which outlives it. `what`: its name in errors. `input_goes_on`: what was written came
  /// from a job whose sources had been ended early and are to be read on; so nothing has ended.
  stored_entry_reader(const state_blocks& from, stored_record_type in, stored_record_type out,
                      std::string what, bool input_goes_on = false);
  ~stored_entry_reader() override;

  bool input_ended() const override { return input_ended_; }
  bool next(std::variant<control, read_record>& into) override;
  void read_value(void* raw) override;
  void read_result(void* raw) override;
  error read_error() override;

  // -- behind the entries, in this order --

  /// Puts what waited into a batch of the operator's records.
  void read_waiting(batch_base& into);
  /// Or one element after the other, between which nothing else is read: of a control element all of it. A
  /// record's value is to be read behind it (`read_value`). False: there are no more.
  void begin_waiting();
  bool next_waiting(std::variant<control, waiting_record>& into);

  channel_states read_channels();

  /// Throws where something is left.
  void end() const;

  /// Throws where reading so many bytes of records would take more memory than a state of this size may.
  /// Takes none.
  void must_afford(std::size_t bytes) const;

private:
  void load(const stored_record_type& of, void* raw);
  void read_place(unsigned flags, origin& from, event_time& timestamp);
  control read_control(unsigned flags);
  event_time read_event_time(std::int64_t ms) const;
  key_hash read_key(std::uint64_t has_key);
  duration read_time();
  failure_action read_action();

  memory_budget budget_;
  std::unique_ptr<state_input> from_;
  stored_record_type in_;
  stored_record_type out_;
  bool input_goes_on_;
  bool input_ended_ = false;
  std::size_t entries_left_ = 0;
  std::size_t waiting_left_ = 0;
  detail::element_before before_;
};

/// The error of `who`, whose state cannot be read though its store gives only what was written: `damaged` becomes
/// `incompatible`, with what the cause probably is and what can be done. Others stay as they are, but that `who` is the
/// thing of one that has none. `in`, `out`: as its records and results were stored.
error state_not_read(const error& why, const std::string& who, const stored_type_name& in,
                     const stored_type_name& out, std::optional<std::uint64_t> checkpoint);

} // namespace weir
