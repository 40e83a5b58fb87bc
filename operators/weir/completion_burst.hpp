// SPDX-License-Identifier: Apache-2.0
#pragma once

/// For a client's own thread that has many answers at once, as an event loop has in each round: what it completes
/// while a burst lives is gathered, and each operator instance gets its part with one lock and one wake-up, where
/// else each completion takes a lock.
///
///     const weir::completion_burst together;
///     for (auto& each : answers)
///       each.done.complete(std::move(each.value));
///
/// A burst is for work that does not wait: a completion comes to its operator, and counts as come, when the burst ends,
/// or when `part` of that operator's have been gathered. What it gathers stays in order. Belongs to the thread
/// that made it; one inside another does nothing. On an operator's own thread completions take no lock as it is.
/// tests/operators/completion_burst_test.cpp.

#include <cstddef>
#include <memory>
#include <vector>

namespace weir {

class completion_burst;

namespace detail {

/// Of this thread.
inline constinit thread_local completion_burst* running_burst = nullptr;

/// What one port gets.
class gathered {
public:
  explicit gathered(const void* port) noexcept : port_(port) {}
  virtual ~gathered() = default;
  gathered(const gathered&) = delete;
  gathered& operator=(const gathered&) = delete;

  const void* port() const noexcept { return port_; }
  /// Gives the port what there is. Whether there was something.
  virtual bool hand_over() = 0;

private:
  const void* port_;
};

} // namespace detail

class completion_burst {
public:
  /// So many completions of one operator instance are handed over at once, so that it works while others come.
  static constexpr std::size_t part = 256;

  completion_burst() noexcept : is_inside_(detail::running_burst != nullptr) {
    if (!is_inside_)
      detail::running_burst = this;
  }
  ~completion_burst() {
    if (is_inside_)
      return;
    // What comes too late is destroyed, and may complete other calls, which line up.
    while (hand_over()) {}
    detail::running_burst = nullptr;
  }
  completion_burst(const completion_burst&) = delete;
  completion_burst& operator=(const completion_burst&) = delete;

  // -- for ports --

  /// Null: there is none for that port.
  detail::gathered* find(const void* port) noexcept {
    if (latest_ != nullptr && latest_->port() == port) [[likely]]
      return latest_;
    for (const auto& each : all_)
      if (each->port() == port)
        return latest_ = each.get();
    return nullptr;
  }

  /// `of` keeps its port alive.
  detail::gathered& add(std::unique_ptr<detail::gathered> of) {
    all_.push_back(std::move(of));
    return *(latest_ = all_.back().get());
  }

private:
  bool hand_over() {
    bool any = false;
    for (std::size_t i = 0; i < all_.size(); ++i)
      any = all_[i]->hand_over() || any;
    return any;
  }

  const bool is_inside_;
  detail::gathered* latest_ = nullptr;
  std::vector<std::unique_ptr<detail::gathered>> all_;
};

} // namespace weir
