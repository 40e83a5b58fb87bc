// SPDX-License-Identifier: Apache-2.0
#pragma once

/// All that an operator's instance holds, as a value: on its way to bytes, back, and to one line of text.
/// One thread.

#include "../support/snapshot_bytes.hpp"
#include "archive_fixture.hpp"

#include "weir/entry_codec.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>
#include <variant>

namespace weir::testing {

/// A record of the tests: a number, and a text that its first version did not have.
struct stored_item {
  std::int64_t number = 0;
  std::string text;

  template <class Archive>
  void serialize(Archive& archive, std::uint32_t version) {
    archive(number);
    if (version >= 2)
      archive(text);
  }

  friend bool operator==(const stored_item&, const stored_item&) = default;
};

struct held_state {
  machine_snapshot<stored_item, std::string> entries;
  batch<stored_item> waiting;
  channel_states said{};

  using record = record_snapshot<stored_item, std::string>;

  void hold(record one) { entries.entries.emplace_back(std::move(one)); }
  void hold(const control& border) { entries.entries.emplace_back(border); }
  void wait(std::int64_t number, key_hash key = 0, event_time at = event_time::none()) {
    stored_item value{number, "waits"};
    static_cast<batch_base&>(waiting).adopt(&value, at, {static_cast<std::uint64_t>(number), 0, 0},
                                            key);
  }
  void wait(const control& what) { static_cast<batch_base&>(waiting).append(what); }
};

struct held_state_codecs {
  const record_codec& in = *find_record_codec(typeid(stored_item));
  const record_codec& out = *find_record_codec(typeid(std::string));
};

inline state_blocks bytes_of(const held_state& of, const std::shared_ptr<block_pool>& pool,
                             entry_counts* counts = nullptr) {
  const held_state_codecs codecs;
  state_blocks to{pool};
  stored_entry_writer writer{to, codecs.in, codecs.out};
  write_snapshot(writer, of.entries);
  writer.begin_waiting(of.waiting.records() + of.waiting.controls().size());
  writer.waiting(of.waiting, {});
  writer.channels(of.said);
  writer.finish();
  if (counts != nullptr)
    *counts = writer.counts();
  return to;
}

/// Throws a state_error where they are none.
inline held_state held_in(const state_blocks& from) {
  const held_state_codecs codecs;
  stored_entry_reader reader{from, {&codecs.in, codecs.in.version}, {&codecs.out, 1}, "it"};
  held_state all;
  all.entries = read_snapshot<stored_item, std::string>(reader);
  reader.read_waiting(all.waiting);
  all.said = reader.read_channels();
  reader.end();
  return all;
}

inline state_blocks blocks_of(std::string_view bytes, const std::shared_ptr<block_pool>& pool) {
  state_blocks to{pool};
  while (!bytes.empty()) {
    const auto room = to.room();
    const auto part = bytes.substr(0, room.size());
    std::copy_n(reinterpret_cast<const std::byte*>(part.data()), part.size(), room.data());
    to.filled(part.size());
    bytes.remove_prefix(part.size());
  }
  return to;
}

inline std::string text_of(event_time at) {
  return at.has_value() ? std::to_string(at.ms()) : "-";
}

inline std::string text_of(const control& what) {
  switch (what.kind()) {
    case control_kind::watermark:
      return "w" + text_of(what.event_time());
    case control_kind::idle:
      return "idle";
    case control_kind::active:
      return "active";
    case control_kind::end:
      return "end";
    case control_kind::barrier:
      break;
  }
  return "barrier";
}

/// "1 w5 2 | 3 w6 | 6 idle:- = 5": entries, then what waits, then the channels and what was made of them. An
/// end that was taken in is an exclamation mark.
inline std::string text_of(const held_state& of) {
  std::string text;
  for (const auto& each : of.entries.entries)
    text += (each.index() == 0 ? std::to_string(std::get<0>(each).value.number)
                               : text_of(std::get<control>(each)))
            + " ";
  text += of.entries.input_ended ? "! |" : "|";
  for (batch_cursor at; !at.at_end(of.waiting);)
    text += " "
            + (at.at_control(of.waiting) ? text_of(of.waiting.controls()[at.control++].what)
                                         : std::to_string(of.waiting.value(at.record++).number));
  text += " |";
  for (const auto& each : of.said.channels)
    text += (each.is == channel_states::phase::idle    ? " idle:"
             : each.is == channel_states::phase::ended ? " ended:"
                                                       : " ")
            + text_of(each.watermark);
  return text + " = " + text_of(of.said.watermark) + (of.said.idle ? " idle" : "");
}

} // namespace weir::testing

WEIR_STORED_SINCE(weir::testing::stored_item, 2, 1)
