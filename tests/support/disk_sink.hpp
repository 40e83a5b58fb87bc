// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A sink in two phases whose disk outlives the launches that write to it, and may lose what it was not told
/// to keep. For tests that crash jobs: what is visible in the end is what a reader gets.

#include "weir/sink.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace weir::testing {

struct disk {
  std::vector<int> visible{};
  /// By the checkpoint that they were prepared for.
  std::map<std::uint64_t, std::vector<int>> hidden{};
  /// Of the hidden ones, those that the disk has.
  std::set<std::uint64_t> durable{};

  // -- faults; each is met once --

  bool loses_output = false;
  bool fails_to_write = false;
  bool fails_to_commit = false;
  bool fails_to_recover = false;

  /// A reader that does not read: `prepare` and `commit` wait for this descriptor.
  bool waits_to_prepare = false;
  bool waits_to_commit = false;
  int fd = -1;
  /// How often `commit` asks to be called again.
  int commit_rounds = 0;

  // -- what has happened --

  int lost = 0;
  int recovered = 0;
  int removed = 0;
};

class disk_sink final : public sink<int> {
public:
  explicit disk_sink(disk& to) : to_(to) {}

  expected<poll_result> write(batch<int>& in, std::size_t& next, std::size_t end) override {
    if (std::exchange(to_.fails_to_write, false))
      return broken();
    for (; next < end; ++next)
      open_.push_back(in.value(next));
    return done();
  }

  expected<poll_result> prepare(std::uint64_t checkpoint, bool) override {
    if (to_.waits_to_prepare)
      return wait();
    if (!open_.empty())
      to_.hidden[checkpoint] = std::exchange(open_, {});
    return done();
  }

  pending_output pending() override {
    std::string state;
    for (const auto& [number, records] : to_.hidden)
      state += std::to_string(number) + " ";
    return {state, [&to = to_]() -> expected<void> {
              const bool loses = std::exchange(to.loses_output, false);
              for (auto& [number, records] : to.hidden)
                if (!loses)
                  to.durable.insert(number);
                else if (to.durable.count(number) == 0)
                  records.clear();
              if (!loses)
                return {};
              ++to.lost;
              return error{"io", "part", "it cannot be synced"};
            }};
  }

  expected<poll_result> commit(std::uint64_t checkpoint) override {
    if (std::exchange(to_.fails_to_commit, false))
      return broken();
    if (to_.waits_to_commit)
      return wait();
    // Asked again, with what has happened meanwhile.
    if (to_.commit_rounds > 0 && to_.commit_rounds-- > 0)
      return poll_result{};
    while (!to_.hidden.empty() && to_.hidden.begin()->first <= checkpoint)
      show(to_.hidden.begin()->first);
    return done();
  }

  expected<std::vector<std::string>> recover(const sink_recovery& from) override {
    if (std::exchange(to_.fails_to_recover, false))
      return broken();
    for (const auto& each : from.states) {
      std::istringstream in{each};
      for (std::uint64_t number = 0; in >> number;)
        if (to_.hidden.count(number) > 0) {
          show(number);
          ++to_.recovered;
        }
    }
    to_.removed += static_cast<int>(to_.hidden.size());
    to_.hidden.clear();
    to_.durable.clear();
    return std::vector<std::string>{};
  }

private:
  static error broken() { return {"io", "disk", "it is full"}; }
  static poll_result done() { return {poll_state::done, {}}; }
  poll_result wait() const { return {poll_state::wait, {to_.fd, true}}; }
  void show(std::uint64_t number) {
    const auto at = to_.hidden.find(number);
    to_.visible.insert(to_.visible.end(), at->second.begin(), at->second.end());
    to_.hidden.erase(at);
    to_.durable.erase(number);
  }

  disk& to_;
  std::vector<int> open_;
};

} // namespace weir::testing
