// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How the actors of a job share its threads: a scheduler policy for CAF, which weir's own systems have and which a
/// program may give to its own:
///
///     config.load<caf::scheduler::coordinator<weir::turn_sharing>>();
///
/// As with CAF's `sharing` there is one queue for all threads, so what comes from outside is taken up by whichever is
/// free. But a thread is woken only for what none that runs takes up soon: when the turn of an actor ends its thread takes up
/// one to whom it has sent, and waking another costs more than most turns take. Where more than one actor waits there is
/// work for more than one thread, and another is woken.
///
/// For turns that take long or block, one of the threads that are free is the *lookout*: it looks each millisecond, for as
/// long as others run, and takes up what waits. So no actor that is ready waits for longer than that while a
/// thread is free. When nothing has been done for a while the lookout sleeps too, and an idle system costs nothing.
///
/// What CAF's threads call is thread-safe. tests/streams/turn_sharing_test.cpp.

#include <caf/policy/unprofiled.hpp>
#include <caf/resumable.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>

namespace caf::scheduler {
class abstract_coordinator;
}

namespace weir {

class turn_sharing : public caf::policy::unprofiled {
public:
  /// How often the lookout looks, and how often it does so while all threads are free before it sleeps.
  static constexpr std::chrono::milliseconds look_each{1};
  static constexpr int looks_when_idle = 50;

  struct coordinator_data {
    explicit coordinator_data(caf::scheduler::abstract_coordinator*) {}

    std::mutex mutex;
    std::deque<caf::resumable*> ready;
    std::condition_variable come;
    /// Threads that wait for `come`, and how many of them have been woken and do not run yet.
    std::size_t asleep = 0;
    std::size_t woken = 0;
    std::condition_variable lookout_come;
    bool has_lookout = false;
    bool lookout_is_called = false;
    /// How many actors have had a turn.
    std::uint64_t turns = 0;

    /// Whether somebody is free and has not been called.
    bool has_sleeper() const noexcept { return asleep > woken; }
    bool has_free_lookout() const noexcept { return has_lookout && !lookout_is_called; }
  };

  struct worker_data {
    explicit worker_data(caf::scheduler::abstract_coordinator*) {}
  };

  // -- what CAF's threads call --

  template <class Coordinator>
  void central_enqueue(Coordinator* all, caf::resumable* job) {
    add(all->data(), job, 0);
  }

  template <class Worker>
  void external_enqueue(Worker* to, caf::resumable* job) {
    add(to->parent()->data(), job, 0);
  }

  template <class Worker>
  void internal_enqueue(Worker* from, caf::resumable* job) {
    add(from->parent()->data(), job, 1);
  }

  /// Its turn is over, and the thread takes up another: which may be the one.
  template <class Worker>
  void resume_job_later(Worker* from, caf::resumable* job) {
    add(from->parent()->data(), job, 1);
  }

  template <class Worker>
  caf::resumable* dequeue(Worker* by) {
    auto& of = by->parent()->data();
    lock guard{of.mutex};
    while (of.ready.empty())
      wait(of, guard, by->parent()->num_workers());
    auto* const job = of.ready.front();
    of.ready.pop_front();
    ++of.turns;
    // For what nobody has been woken for; and while one runs another looks out.
    if (of.ready.size() > of.woken)
      wake_one(of);
    else if (!of.has_lookout && of.has_sleeper())
      wake_sleeper(of);
    return job;
  }

  template <class Worker, class Function>
  void foreach_resumable(Worker*, Function) {}

  template <class Coordinator, class Function>
  void foreach_central_resumable(Coordinator* all, Function function) {
    // What is destroyed may send.
    std::deque<caf::resumable*> left;
    {
      const std::lock_guard guard{all->data().mutex};
      left.swap(all->data().ready);
    }
    for (auto* const each : left)
      function(each);
  }

private:
  using lock = std::unique_lock<std::mutex>;

  /// `taken_up`: so many of those that wait are taken up without anybody being woken.
  static void add(coordinator_data& of, caf::resumable* job, std::size_t taken_up) {
    // To its end: once what was added has had its turn, the system may be gone.
    const std::lock_guard guard{of.mutex};
    of.ready.push_back(job);
    if (of.ready.size() > taken_up + of.woken)
      wake_one(of);
  }

  /// If one is free; the lookout last.
  static void wake_one(coordinator_data& of) {
    if (of.has_sleeper()) {
      wake_sleeper(of);
    } else if (of.has_free_lookout()) {
      of.lookout_is_called = true;
      of.lookout_come.notify_one();
    }
  }

  static void wake_sleeper(coordinator_data& of) {
    ++of.woken;
    of.come.notify_one();
  }

  static void wait(coordinator_data& of, lock& guard, std::size_t threads) {
    if (threads > 1 && !of.has_lookout && look_out(of, guard, threads))
      return;
    ++of.asleep;
    of.come.wait(guard);
    --of.asleep;
    if (of.woken > 0)
      --of.woken;
  }

  /// Until something waits. False: nothing has been done for so long that the lookout may sleep.
  static bool look_out(coordinator_data& of, lock& guard, std::size_t threads) {
    of.has_lookout = true;
    for (int idle = 0; of.ready.empty() && idle < looks_when_idle;) {
      const auto before = of.turns;
      of.lookout_come.wait_for(guard, look_each);
      of.lookout_is_called = false;
      const bool all_are_free = of.asleep + 1 == threads && of.turns == before;
      idle = all_are_free ? idle + 1 : 0;
    }
    of.has_lookout = false;
    return !of.ready.empty();
  }
};

} // namespace weir
