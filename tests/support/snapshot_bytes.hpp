// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a machine holds, as a value, on its way to an `entry_writer` and from an `entry_reader`: so that tests
/// can write down any state, and look at what an operator has written. One thread.

#include "weir/machine_snapshot.hpp"

#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <variant>
#include <vector>

namespace weir::testing {

template <class In, class Out>
void write_record(entry_writer& to, const record_snapshot<In, Out>& of) {
  held_record what;
  what.value = &of.value;
  what.timestamp = of.timestamp;
  what.from = of.from;
  what.key = of.key;
  what.attempt = of.attempt;
  what.running = of.running;
  what.timeout_left = of.timeout_left;
  what.backoff_left = of.backoff_left;
  for (const auto took : of.durations)
    what.durations.push_back(took);
  what.finished = of.finished.has_value();
  what.result_bytes_each = sizeof(Out);
  if (of.finished && of.finished->index() == 1) {
    what.why = &std::get<1>(*of.finished).why;
    what.met = std::get<1>(*of.finished).met;
  } else if (of.finished) {
    what.results = std::get<0>(*of.finished).data();
    what.result_count = std::get<0>(*of.finished).size();
  }
  to.record(what);
}

template <class In, class Out>
void write_snapshot(entry_writer& to, const machine_snapshot<In, Out>& of) {
  to.begin(of.entries.size(), of.input_ended);
  for (const auto& each : of.entries)
    if (const auto* border = std::get_if<control>(&each))
      to.border(*border);
    else
      write_record(to, std::get<0>(each));
}

template <class T>
T read_value(entry_reader& from, void (entry_reader::*read)(void*)) {
  alignas(T) std::byte raw[sizeof(T)];
  (from.*read)(raw);
  auto* const made = std::launder(reinterpret_cast<T*>(raw));
  T taken = std::move(*made);
  std::destroy_at(made);
  return taken;
}

template <class In, class Out>
record_snapshot<In, Out> read_record_of(entry_reader& from, const read_record& of) {
  record_snapshot<In, Out> all{read_value<In>(from, &entry_reader::read_value),
                               of.timestamp,
                               of.from,
                               of.key,
                               of.attempt,
                               of.timeout_left,
                               of.backoff_left};
  all.durations.assign(of.durations.begin(), of.durations.end());
  all.running = of.running;
  if (of.failed) {
    all.finished = typename record_snapshot<In, Out>::failure{from.read_error(), of.met};
  } else if (of.finished) {
    std::vector<Out> results;
    for (std::size_t i = 0; i < of.results; ++i)
      results.push_back(read_value<Out>(from, &entry_reader::read_result));
    all.finished = std::move(results);
  }
  return all;
}

template <class In, class Out>
machine_snapshot<In, Out> read_snapshot(entry_reader& from) {
  machine_snapshot<In, Out> all;
  all.input_ended = from.input_ended();
  std::variant<control, read_record> each{control::end()};
  while (from.next(each))
    if (const auto* border = std::get_if<control>(&each))
      all.entries.emplace_back(*border);
    else
      all.entries.emplace_back(read_record_of<In, Out>(from, std::get<read_record>(each)));
  return all;
}

} // namespace weir::testing
