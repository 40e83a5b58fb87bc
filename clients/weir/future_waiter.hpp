// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Waits for `std::future`s, which tell nobody when they are ready, on threads of its own: the last resort
/// for clients that give nothing better. Any number of futures share a few threads. A young future is looked
/// at often, an older one less often (it is found at most an eighth of its age late, and never more than
/// 10 ms); beside that each thread but one waits for one of those that are older than 8 ms, and finds it at
/// once. Without futures no thread runs. One future that is never ready holds up neither the others nor
/// the end. tests/clients/future_waiter_test.cpp.

#include "weir/error.hpp"
#include "weir/time.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace weir {

/// A future that is waited for, and whom its outcome is for. Made by any thread; then used and destroyed by
/// one of its waiter's at a time, or by the one that closes the waiter.
class awaited_future {
public:
  virtual ~awaited_future() = default;

  enum class state : std::uint8_t {
    /// Somebody else makes it ready.
    pending,
    ready,
    /// `take` runs the function that makes it ready.
    deferred,
  };

  /// Waits for it, no longer than that.
  virtual state wait_for(duration at_most) = 0;

  /// Hands the outcome over. Once it is ready or deferred; runs what was deferred.
  virtual void take() noexcept = 0;

  /// Says that it is given up, since its deadline has passed.
  virtual void expire() noexcept = 0;

  /// Lets go of whom it is for; from then on it may only be destroyed.
  virtual void forget() noexcept = 0;
};

class future_waiter {
public:
  /// `name`: in errors. `threads`: 0 = none, for virtual time: futures wait until `look`.
  future_waiter(std::string name, std::size_t threads);
  ~future_waiter();
  future_waiter(const future_waiter&) = delete;
  future_waiter& operator=(const future_waiter&) = delete;

  /// Starts the threads. Once.
  expected<void> open();

  /// Any thread, until `close`. Past `deadline` (`time_point::max()`: never) the future is given up; it is
  /// destroyed once it is ready, since the destructor of one that `std::async` gave waits for that.
  void wait_for(std::unique_ptr<awaited_future> what, time_point deadline);

  /// Without threads, in their place: takes the futures that are ready, in the order of their coming, and
  /// runs deferred ones; with `give_up` gives up those whose deadline is not after `now`. Whether there was
  /// any.
  bool look(time_point now, bool give_up);

  /// Ends the threads, of which one may be running a deferred function, and lets go of all futures. Those
  /// that are not ready are kept until one day the opening or closing of a waiter finds them ready.
  /// Idempotent.
  void close();

  /// Futures that are waited for, and those that were given up and are not yet ready. Any thread.
  std::size_t waiting() const;
  std::size_t given_up() const;

private:
  class workers;
  std::unique_ptr<workers> workers_;
};

} // namespace weir
