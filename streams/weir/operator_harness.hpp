// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Tests a function of yours as an async wait operator runs it: the test feeds records, moves a virtual
/// clock, looks at what leaves, and may let the operator crash and go on from a checkpoint. Nothing is
/// waited for, and every run is the same: idempotency keys too, with a job that is named "test" and a run id of
/// zeros, before and after `crash_and_restore`. What runs is the operator's actor itself, alone, with an output
/// that always has room. Used on the thread of its clock, which outlives it.
///
///     weir::testing::virtual_clock clock;
///     weir::testing::operator_harness airports{clock, airport_lookup{pool}, {.name = "airports", .timeout = 1s}};
///     airports.push("SFO");
///     clock.advance(20ms);
///     assert(airports.results() == std::vector{airport{"San Francisco"}});
///
/// examples/test_a_function is a whole test; tests/streams/operator_harness_test.cpp shows each verb.

#include "weir/async_function.hpp"
#include "weir/environment.hpp"
#include "weir/key_hash.hpp"
#include "weir/operator_body.hpp"
#include "weir/operator_rig.hpp"
#include "weir/virtual_clock.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <utility>
#include <variant>
#include <vector>

namespace weir::testing {

/// A result, with what goes along with it.
template <class Out>
struct result_left {
  Out value;
  event_time timestamp;
  /// That of its record, or, of one of several results, a child of it.
  origin from;
};

/// What a new operator needs to go on where one was; see `operator_harness::checkpoint`.
using operator_checkpoint = std::shared_ptr<const operator_state>;

template <class Function>
class operator_harness {
  using form = function_form_t<Function>;

public:
  using input_type = typename form::input_type;
  using output_type = typename form::output_type;
  /// A result, a dead letter, or a control element.
  using element = std::variant<result_left<output_type>, dead_letter<input_type>, control>;

  /// Opens a copy of `function` and lets it run; what its `open` says is in `failure()`. `pools`: the
  /// environment whose pools the function uses; null where it uses none.
  /// @throws std::invalid_argument where the options have mistakes, or a pool cannot be opened: a line each.
  operator_harness(virtual_clock& clock, Function function, operator_options options,
                   output_mode mode = output_mode::ordered, const environment* pools = nullptr)
    : clock_(clock), prototype_(weir::detail::form_of(std::move(function))), options_(std::move(options)), mode_(mode) {
    if (pools != nullptr) {
      pools_ = pools->plan().pools;
      waiting_pools_ = pools->plan().waiting_pools;
    }
    start({});
  }

  // -- what comes in, each then lets happen what can happen at that time; behind the end a std::logic_error --

  /// A record. Its origin is the number of records before it.
  /// @throws std::logic_error in key-ordered mode, where a record has a key.
  void push(input_type record, event_time timestamp = {}) {
    if (mode_ == output_mode::key_ordered)
      throw std::logic_error("a key-ordered operator needs a key for each record: use push_keyed");
    feed([&](batch<input_type>& in) { in.append(std::move(record), timestamp, next_origin()); });
  }

  /// A record of a keyed stream, for `output_mode::key_ordered`.
  template <class Key>
  void push_keyed(const Key& key, input_type record, event_time timestamp = {}) {
    feed([&](batch<input_type>& in) {
      in.append(std::move(record), timestamp, next_origin(), hash_of_key<Key>(key));
    });
  }

  void watermark(event_time at) { control_element(control::watermark(at)); }
  void idle() { control_element(control::idle()); }
  void active() { control_element(control::active()); }
  void end() {
    control_element(control::end());
    ended_ = true;
  }

  // -- what leaves --

  /// The results that have left since what left was last asked for.
  std::vector<output_type> results() {
    std::vector<output_type> all;
    for (auto& each : output())
      if (auto* result = std::get_if<result_left<output_type>>(&each))
        all.push_back(std::move(result->value));
    return all;
  }

  /// All that has left since then, in order. Of results and dead letters the order among one another is
  /// the one in which they left.
  std::vector<element> output() {
    std::vector<element> all;
    for (auto& each : rig_->take_output())
      if (const auto* what = std::get_if<control>(&each))
        all.emplace_back(*what);
      else
        take_records(std::get<records_left>(each), all);
    return all;
  }

  /// Why the operator could not go on: an error of `open`, or a final failure that fails the job.
  const std::optional<operator_failure>& failure() const { return rig_->failure(); }

  /// Whether the end of input has left.
  bool finished() const { return rig_->finished(); }

  /// The numbers of the operator that runs now, which goes on with those of the checkpoint that it comes from.
  operator_status status() const { return rig_->status(); }

  // -- crash and restore --

  /// Lets a barrier pass, which leaves as a control element, and gives the state at it, in bytes. Null where
  /// the operator has failed.
  /// @throws std::logic_error where it cannot be written: In or Out is not stored (weir/stored.hpp), or its
  /// function threw. The operator runs on.
  operator_checkpoint checkpoint() {
    // Also behind the end.
    give([&](batch_base& in) { in.append(control::barrier(++checkpoints_)); });
    if (const auto& why = rig_->refusal())
      throw std::logic_error(why->text());
    return rig_->failure() ? nullptr : rig_->state();
  }

  /// Destroys the operator with all that is under way, and starts another from a checkpoint: with a new
  /// copy of the function, and with other settings where they are given. What had left since the
  /// checkpoint is forgotten, also the end of input: push again what came behind it. Completions of calls
  /// from before come too late.
  /// @throws std::invalid_argument where `from` is null, which is what `checkpoint` gives of an operator that
  /// has failed.
  void crash_and_restore(const operator_checkpoint& from, restore_mode how = restore_mode::resume) {
    crash_and_restore(from, how, options_, mode_);
  }
  void crash_and_restore(const operator_checkpoint& from, restore_mode how, operator_options options,
                         output_mode mode) {
    if (from == nullptr)
      throw std::invalid_argument("there is no checkpoint to go on from: the operator had failed");
    options_ = std::move(options);
    mode_ = mode;
    ended_ = false;
    rig_.reset();
    operator_rig_settings settings;
    settings.restored = from;
    settings.restore_how = how;
    start(std::move(settings));
  }

private:
  static std::string texts_of(const std::vector<error>& all) {
    std::string lines;
    for (const auto& each : all)
      lines += (lines.empty() ? "" : "\n") + each.text();
    return lines;
  }

  void start(operator_rig_settings settings) {
    if (const auto mistakes = options_.mistakes(); !mistakes.empty())
      throw std::invalid_argument(texts_of(mistakes));
    settings.waiting_pools = waiting_pools_;
    operator_plan plan{options_, mode_, [prototype = prototype_](operator_parts parts) {
                         return std::make_unique<async_operator_body<form>>(std::move(parts), prototype);
                       }};
    plan.types = {&typeid(input_type), &typeid(output_type)};
    rig_ = std::make_unique<operator_rig>(clock_.system(), std::move(plan), pools_, std::move(settings));
    if (const auto failed = rig_->start(); !failed.empty())
      throw std::invalid_argument(texts_of(failed));
    clock_.run();
  }

  template <class Fill>
  void feed(Fill fill) {
    if (ended_)
      throw std::logic_error("the input has ended, so nothing can come in");
    give(std::move(fill));
  }

  template <class Fill>
  void give(Fill fill) {
    auto in = std::make_unique<batch<input_type>>();
    fill(*in);
    rig_->feed(std::move(in));
    clock_.run();
  }

  void control_element(const control& what) {
    feed([&](batch_base& in) { in.append(what); });
  }

  origin next_origin() { return {records_++, 0, 0}; }

  static void take_records(const records_left& left, std::vector<element>& all) {
    if (left.output == output_kind::dead_letters) {
      auto& of = static_cast<batch<dead_letter<input_type>>&>(*left.of);
      for (std::size_t i = 0; i < of.records(); ++i)
        all.emplace_back(std::move(of.value(i)));
      return;
    }
    auto& of = static_cast<batch<output_type>&>(*left.of);
    origin_runs::cursor origins;
    for (std::size_t i = 0; i < of.records(); ++i)
      all.emplace_back(result_left<output_type>{std::move(of.value(i)), of.timestamp(i),
                                                origins.at(of.origins(), i)});
  }

  virtual_clock& clock_;
  form prototype_;
  operator_options options_;
  output_mode mode_;
  std::vector<pool_plan> pools_;
  std::vector<waiting_pool_plan> waiting_pools_;
  std::unique_ptr<operator_rig> rig_;
  std::uint64_t records_ = 0;
  std::uint64_t checkpoints_ = 0;
  bool ended_ = false;
};

} // namespace weir::testing
