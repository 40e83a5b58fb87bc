// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A sink in two phases whose output outlives it, as files do a process: a test of a job that ends and starts
/// again sees on the shelf what a reader would. One instance, one thread.

#include "weir/sink.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir::testing {

struct shelf {
  /// By the checkpoint that they belong to.
  std::map<std::uint64_t, std::vector<int>> hidden{};
  std::map<std::uint64_t, std::vector<int>> visible{};
  std::map<std::uint64_t, std::vector<int>> aside{};
  /// Hidden, of other runs: what they are called.
  std::vector<std::string> of_others{};
  /// Why a run that has written there may not go on.
  std::optional<error> taken_over{};
  /// Why it does not open.
  std::optional<error> away{};
  /// Where it is said to be.
  std::string place = "shelf";

  std::vector<int> all() const {
    std::vector<int> numbers;
    for (const auto& [checkpoint, of] : visible)
      numbers.insert(numbers.end(), of.begin(), of.end());
    return numbers;
  }
};

class shelf_sink final : public sink<int> {
public:
  explicit shelf_sink(std::shared_ptr<shelf> on) : on_(std::move(on)) {}

  expected<void> open(const instance_context&) override {
    return on_->away ? expected<void>{*on_->away} : expected<void>{};
  }

  expected<std::vector<std::string>> recover(const sink_recovery& from) override {
    for (const auto& state : from.states)
      for (std::size_t at = 0; at < state.size(); at = state.find(' ', at) + 1)
        show(std::stoull(state.substr(at)));
    on_->hidden.clear();
    const auto first = on_->visible.upper_bound(from.checkpoint);
    if (first == on_->visible.end())
      return std::vector<std::string>{};
    if (from.newer == newer_output::refuse)
      return error{error_kind::incompatible, on_->place, "has newer output"};
    if (from.newer == newer_output::move_aside)
      on_->aside.insert(first, on_->visible.end());
    on_->visible.erase(first, on_->visible.end());
    return std::vector<std::string>{};
  }

  expected<poll_result> write(batch<int>& in, std::size_t& next, std::size_t end) override {
    for (; next < end; ++next)
      taken_.push_back(in.value(next));
    return done();
  }

  expected<poll_result> prepare(std::uint64_t checkpoint, bool) override {
    if (!taken_.empty())
      on_->hidden[checkpoint] = std::exchange(taken_, {});
    return done();
  }

  pending_output pending() override {
    pending_output of;
    for (const auto& [checkpoint, numbers] : on_->hidden)
      of.state += std::to_string(checkpoint) + " ";
    return of;
  }

  expected<poll_result> commit(std::uint64_t checkpoint) override {
    while (!on_->hidden.empty() && on_->hidden.begin()->first <= checkpoint)
      show(on_->hidden.begin()->first);
    return done();
  }

  expected<std::vector<std::string>> newer_than(std::uint64_t checkpoint) const override {
    std::vector<std::string> names;
    for (auto at = on_->visible.upper_bound(checkpoint); at != on_->visible.end(); ++at)
      names.push_back(on_->place + "/" + std::to_string(at->first));
    return names;
  }

  expected<std::vector<std::string>> hidden_of_others(const run_id&, std::uint64_t) const override {
    return on_->of_others;
  }

  expected<void> check_owner(const run_id&) const override {
    return on_->taken_over ? expected<void>{*on_->taken_over} : expected<void>{};
  }

  std::string place() const override { return on_->place; }

private:
  static expected<poll_result> done() { return poll_result{poll_state::done, {}}; }

  void show(std::uint64_t checkpoint) {
    if (auto found = on_->hidden.extract(checkpoint))
      on_->visible.insert(std::move(found));
  }

  std::shared_ptr<shelf> on_;
  std::vector<int> taken_;
};

} // namespace weir::testing
