// SPDX-License-Identifier: Apache-2.0
#pragma once

/// An actor system for tests and simulations in which nothing happens by itself: no threads, a clock that
/// stands still until it is moved, and actors that run one message at a time, in the order of their coming
/// or in one that a seed decides. So a run can be repeated exactly. Used by one thread. Whoever spawns
/// into it sees to it that all its actors end.

#include "weir/time.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace caf {
class actor_system;
class resumable;
namespace scheduler {
class test_coordinator;
}
} // namespace caf

namespace weir {

class virtual_system {
public:
  virtual_system();
  /// Runs what still can run. A system with living actors would wait for them for ever: it is given up.
  virtual ~virtual_system();
  virtual_system(const virtual_system&) = delete;
  virtual_system& operator=(const virtual_system&) = delete;

  caf::actor_system& system() noexcept;

  /// Actors that live.
  std::size_t actors() const;

  // -- time --

  time_point now() const;

  /// When the next delayed message or alarm is due; `time_point::max()` where there is none.
  time_point next_timer() const;

  /// Delayed messages under way.
  std::size_t timers() const;

  /// Moves the clock and hands out nothing. `to` is not before `now()`.
  void set_time(time_point to);

  /// Hands out the delayed messages that are due. How many.
  std::size_t trigger_timers();

  /// Runs, moves the clock to each time for which a delayed message is due, and runs.
  void advance(duration by);

  // -- actors --

  /// Runs one message; where there is none, what is due is handed out, or an idler finds something to do.
  /// Whether there was any.
  bool step();

  /// Runs messages until there are none, without handing out what is due.
  void run_messages();

  /// Runs until nothing can be done before the clock moves. Throws where that never happens.
  void run(std::size_t steps_max = 5'000'000);

  /// From now on chance decides which actor is the next to run.
  void shuffle(std::uint64_t seed);

  /// Looks for what nobody tells the system of, such as futures that have become ready: when there are no
  /// messages, and again, with `at_rest`, when nothing is due either. Whether there was something.
  using idler = std::function<bool(bool at_rest)>;

  /// Calls `what` until `owner`, which names it, removes it. In the order of their coming.
  void add_idler(const void* owner, idler what);
  void remove_idler(const void* owner);

  /// The clock, when it is advanced, stops at `at`, so that the idler of `owner` finds what it has to do then.
  /// One for each owner, who sets another, or `time_point::max()` for none, when that is done.
  void set_alarm(const void* owner, time_point at);

  /// Messages that have been run.
  std::size_t steps() const noexcept;

protected:
  caf::scheduler::test_coordinator& scheduler() noexcept;
  /// `next` is about to handle a message.
  virtual void on_step(caf::resumable& next);
  /// Ends as far as possible. Whether all actors have ended.
  bool end();

private:
  void run_one();
  bool look(bool at_rest);

  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace weir
