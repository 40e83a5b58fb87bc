// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Counters that come to be while others already read: those that a user's function names itself. One
/// thread at a time finds and counts, any thread reads, nobody takes a lock. A counter stays where it is
/// for as long as its list. tests/metrics/named_counters_test.cpp.

#include "weir/counter.hpp"

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace weir {

class named_counters {
public:
  named_counters() = default;
  named_counters(const named_counters&) = delete;
  named_counters& operator=(const named_counters&) = delete;
  ~named_counters() {
    for (std::unique_ptr<node> each{first_.load()}; each != nullptr;)
      each.reset(each->next);
  }

  // -- the writer --

  /// The counter of this name; a new one where there is none.
  counter& find(std::string_view name) {
    auto* const first = first_.load(std::memory_order_relaxed);
    for (auto* each = first; each != nullptr; each = each->next)
      if (each->name == name)
        return each->value;
    auto* const added = new node{std::string{name}, first};
    first_.store(added, std::memory_order_release);
    ++size_;
    return added->value;
  }

  bool contains(std::string_view name) const noexcept {
    for (const auto* each = first_.load(std::memory_order_relaxed); each != nullptr; each = each->next)
      if (each->name == name)
        return true;
    return false;
  }

  std::size_t size() const noexcept { return size_; }

  // -- any thread --

  /// Calls `to(const std::string& name, std::uint64_t count)` for each.
  template <class To>
  void read(To&& to) const {
    for (const auto* each = first_.load(std::memory_order_acquire); each != nullptr; each = each->next)
      to(each->name, each->value.value());
  }

private:
  struct node {
    const std::string name;
    node* const next;
    counter value{};
  };

  std::atomic<node*> first_{nullptr};
  std::size_t size_ = 0;
};

} // namespace weir
