// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Deals what the instances of one operator hold; `rescale` says by which rules. On bytes, with the codecs of
/// its records and results: all is read once to see what there is, then once more to be written. One thread.
/// tests/serialization/rescale_test.cpp.

#include "weir/entry_codec.hpp"
#include "weir/manifest.hpp"
#include "weir/state_blocks.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace weir {

/// An input of a stage: by whom it is fed, and on how many channels.
struct stage_input {
  std::string from;
  manifest_output output = manifest_output::results;
  manifest_partition how = manifest_partition::forward;
  std::size_t channels = 0;
  /// Where its channels begin.
  std::size_t first = 0;
  /// Which of several that are alike.
  std::size_t number = 0;

  bool has_same_sender(const stage_input& other) const noexcept {
    return from == other.from && output == other.output;
  }
  bool is_like(const stage_input& other) const noexcept {
    return has_same_sender(other) && how == other.how;
  }
  bool is(const stage_input& other) const noexcept {
    return is_like(other) && number == other.number;
  }
};

struct stage_inputs {
  std::vector<stage_input> all;
  std::size_t channels = 0;
};

/// How an operator's state is dealt.
struct operator_dealing {
  /// The operator's.
  std::string name;
  /// As they were stored.
  stored_record_type in;
  stored_record_type out;
  /// The job had been drained.
  bool input_goes_on = false;
  /// The job has changed so that records come on other ways.
  bool reshaped = false;
  bool is_keyed = false;
  /// Whether the keys are those that it had in the checkpoint.
  bool has_same_keys = true;
  /// That there are now.
  std::uint32_t instances = 1;
  stage_inputs inputs_before;
  stage_inputs inputs_now;
  /// For errors.
  std::uint64_t checkpoint = 0;
};

struct dealt_state {
  state_blocks held;
  entry_counts counts;
};

/// `old`: what each of the old instances holds; null where nothing was written of it. Gives that of each new one.
/// Throws a state_error, or std::bad_alloc.
std::vector<dealt_state> deal_operator(operator_dealing how, std::vector<const state_blocks*> old,
                                       std::shared_ptr<block_pool> pool);

} // namespace weir
