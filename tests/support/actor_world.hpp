// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A virtual system whose messages a test can look at, and in which it can choose who runs next.

#include "weir/interfaces.hpp"
#include "weir/virtual_system.hpp"

#include <boost/test/unit_test.hpp>
#include <caf/actor_system.hpp>
#include <caf/scheduled_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <functional>
#include <string>

namespace weir::testing {

class actor_world final : public virtual_system {
public:
  using ms = std::chrono::milliseconds;

  /// Told of each message before its actor handles it.
  using tap = std::function<void(caf::scheduled_actor&, const caf::type_erased_tuple&)>;

  ~actor_world() override {
    if (!end())
      BOOST_ERROR(std::to_string(actors()) + " actors never ended");
  }

  void watch(tap what) { tap_ = std::move(what); }

  /// Runs one message of the first actor of this name that has one. Whether there was such an actor.
  bool step_of(const std::string& name) {
    auto& jobs = scheduler().jobs;
    const auto at = std::find_if(jobs.begin(), jobs.end(), [&](caf::resumable* each) {
      const auto* actor = dynamic_cast<caf::scheduled_actor*>(each);
      return actor != nullptr && actor->name() == name;
    });
    if (at == jobs.end())
      return false;
    std::rotate(jobs.begin(), at, at + 1);
    return step();
  }

  /// Moves the clock and hands out what falls due, but runs nobody yet.
  void advance_without_running(duration by) { scheduler().advance_time(by); }

private:
  void on_step(caf::resumable& next) override {
    if (!tap_)
      return;
    if (auto* actor = dynamic_cast<caf::scheduled_actor*>(&next))
      if (const auto* waiting = actor->mailbox().peek())
        tap_(*actor, waiting->content());
  }

  tap tap_;
};

} // namespace weir::testing
