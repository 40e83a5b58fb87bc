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
/// A burst is for work that does not wait: a completion reaches its operator when the burst ends, or when `part` of
/// that operator's have been gathered. Belongs to the thread that made it; one inside another does nothing. On an
/// operator's own thread completions take no lock as it is. tests/operators/completion_burst_test.cpp.

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
  /// It keeps no reference of the port, at whose address there may soon be another.
  void forget() noexcept { port_ = nullptr; }

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
    // What it destroys may complete calls: by themselves, by now.
    if (!is_inside_)
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

  detail::gathered& add(std::unique_ptr<detail::gathered> of) {
    all_.push_back(std::move(of));
    return *(latest_ = all_.back().get());
  }

private:
  const bool is_inside_;
  detail::gathered* latest_ = nullptr;
  std::vector<std::unique_ptr<detail::gathered>> all_;
};

} // namespace weir
