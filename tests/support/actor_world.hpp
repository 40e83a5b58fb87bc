// SPDX-License-Identifier: Apache-2.0
#pragma once

/// An actor system for tests in which nothing happens by itself: no threads, a clock that stands still
/// until the test moves it, and actors that run one message at a time, in the order of their coming or
/// in one that a seed decides. Whoever spawns into it sees to it that all actors end.

#include "weir/interfaces.hpp"

#include <boost/test/unit_test.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduled_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>

namespace weir::testing {

class actor_world {
public:
  using ms = std::chrono::milliseconds;

  /// Told of each message before its actor handles it.
  using tap = std::function<void(caf::scheduled_actor&, const caf::type_erased_tuple&)>;

  actor_world()
    : system_(std::make_unique<caf::actor_system>(config_)),
      scheduler_(dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler())) {
    // It begins at 1 ns, before which hardly a deadline fits.
    scheduler_.clock().current_time += std::chrono::hours{1};
  }

  /// Runs what still can run. A system with living actors would wait for them for ever: it is given up.
  ~actor_world() {
    const auto alive = [&] { return system_->registry().running() > 0; };
    for (int rounds = 0; alive() && rounds < 100; ++rounds)
      advance(ms{100});
    if (alive()) {
      BOOST_ERROR(std::to_string(system_->registry().running()) + " actors never ended");
      static_cast<void>(system_.release());
    }
  }

  actor_world(const actor_world&) = delete;
  actor_world& operator=(const actor_world&) = delete;

  caf::actor_system& system() { return *system_; }

  /// Actors that live.
  std::size_t actors() { return system_->registry().running(); }

  /// From now on chance decides which actor is the next to run.
  void shuffle(std::uint64_t seed) { chance_.emplace(seed); }

  void watch(tap what) { tap_ = std::move(what); }

  /// Runs one message. Whether there was one.
  bool step() {
    auto& jobs = scheduler_.jobs;
    if (jobs.empty() && !trigger_due())
      return false;
    if (jobs.empty())
      return true;
    if (chance_)
      std::swap(jobs.front(), jobs[(*chance_)() % jobs.size()]);
    if (tap_)
      tell_tap(*jobs.front());
    auto* const current = jobs.front();
    scheduler_.run_once();
    // CAF's testing scheduler lets one actor run on for ever; its real ones put it behind the others.
    if (!jobs.empty() && jobs.front() == current)
      std::rotate(jobs.begin(), jobs.begin() + 1, jobs.end());
    ++steps_;
    return true;
  }

  /// Runs one message of the first actor of this name that has one. Whether there was such an actor.
  bool step_of(const std::string& name) {
    auto& jobs = scheduler_.jobs;
    const auto at = std::find_if(jobs.begin(), jobs.end(), [&](caf::resumable* each) {
      const auto* actor = dynamic_cast<caf::scheduled_actor*>(each);
      return actor != nullptr && actor->name() == name;
    });
    if (at == jobs.end())
      return false;
    std::rotate(jobs.begin(), at, at + 1);
    return step();
  }

  /// Runs until nothing can be done before the clock moves. Gives up where that never happens.
  void run(std::size_t steps_max = 5'000'000) {
    for (std::size_t n = 0; step(); ++n)
      if (n == steps_max)
        throw std::runtime_error("the actors never come to rest");
  }

  /// Moves the clock, stopping at each time for which a message is due.
  void advance(duration by) {
    run();
    const auto until = now() + by;
    while (next_timer() <= until) {
      scheduler_.clock().current_time = std::max(now(), next_timer());
      run();
    }
    scheduler_.clock().current_time = until;
    run();
  }

  /// Moves the clock and hands out what falls due, but runs nobody yet.
  void advance_without_running(duration by) { scheduler_.advance_time(by); }

  time_point now() { return scheduler_.clock().now(); }

  /// When the next delayed message is due.
  time_point next_timer() {
    const auto& timers = scheduler_.clock().schedule();
    return timers.empty() ? time_point::max() : timers.begin()->first;
  }

  /// Delayed messages under way.
  std::size_t timers() { return scheduler_.clock().schedule().size(); }

  std::size_t steps() const noexcept { return steps_; }

private:
  struct config : caf::actor_system_config {
    config() {
      add_message_types<caf::id_block::weir>();
      set("scheduler.policy", caf::atom("testing"));
      set("logger.verbosity", caf::atom("quiet"));
    }
  };

  /// Whether a timer was due. The clock is not moved.
  bool trigger_due() { return next_timer() <= now() && scheduler_.advance_time(duration{0}) > 0; }

  void tell_tap(caf::resumable& next) {
    if (auto* actor = dynamic_cast<caf::scheduled_actor*>(&next))
      if (const auto* waiting = actor->mailbox().peek())
        tap_(*actor, waiting->content());
  }

  config config_;
  std::unique_ptr<caf::actor_system> system_;
  caf::scheduler::test_coordinator& scheduler_;
  std::optional<std::mt19937_64> chance_;
  tap tap_;
  std::size_t steps_ = 0;
};

} // namespace weir::testing
