// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What the reference model holds, and what its rules ask of that: who leaves next, who is called next, what has
/// room. One list in the order of arrival, and linear searches. Values and plain functions; any thread. Part of
/// the reference model; tests/tools/reference_model_test.cpp.

#include "scenario_rules.hpp"

#include "weir/scenario.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <vector>

namespace weir::simulation {

enum class model_stage : std::uint8_t { waits, runs, backs_off, finished };

/// An answer to a call that runs.
struct coming_answer {
  millis at = 0;
  scenario_answer answer;
};

/// An element that was taken in and has not left. A border is finished from birth.
struct model_entry {
  std::size_t line = 0;
  bool border = false;
  std::int64_t value = 0;
  std::optional<std::int64_t> ts;
  /// Of the record, and of its results once it is finished.
  std::size_t bytes = 0;
  std::size_t result_bytes = 0;
  model_stage stage = model_stage::waits;
  std::uint32_t attempts = 0;
  /// The next call is one that a restore interrupted, and keeps its number.
  bool repeats = false;
  std::optional<millis> deadline;
  bool hook_called = false;
  millis back_off_end = 0;
  // -- of one that runs --
  millis called_at = 0;
  /// Its place among all calls.
  std::size_t call = 0;
  std::vector<coming_answer> answers;
  /// How long each attempt took that has ended.
  std::vector<millis> attempt_times;
  // -- of one that is finished --
  /// How many were before.
  std::size_t finished_as = 0;
  bool dropped = false;
  std::vector<leaving> leaves;
};

/// All that a barrier leaves behind.
struct model_state {
  std::list<model_entry> entries;
  /// Lines of the input that have arrived and are not yet taken in.
  std::vector<std::size_t> waiting;
  bool ended = false;
};

// -- whose turn it is --

/// Null: nobody's.
model_entry* next_to_leave(const scenario_operator& with, std::list<model_entry>& of);

/// Null: nobody waits, or no call is free, or the bytes forbid it.
model_entry* next_to_call(const scenario_operator& with, std::list<model_entry>& of);

/// Whether the last, which has just been taken in, is called as a part of that: what it holds does not forbid its
/// own call.
bool is_called_at_once(const scenario_operator& with, const std::list<model_entry>& of);

// -- room --

using model_element = decltype(scenario_input::what);

bool has_room_for(const scenario_operator& with, const std::list<model_entry>& of,
                  const model_element& next);

/// Puts a border behind all; another may have to go for it.
void add_border(const scenario_operator& with, std::list<model_entry>& to, model_entry border);

} // namespace weir::simulation
