// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How the actors of a job share its threads: a scheduler policy for CAF, which weir's own systems have and which a
/// program may give to its own:
///
///     config.load<caf::scheduler::coordinator<weir::turn_sharing>>();
///
/// As with CAF's `sharing` there is one queue for all threads, so what comes from outside is taken up by whichever is
/// free. But a thread is woken only for what none that runs takes up soon: an actor that another has sent to is next on
/// that one's own thread, and waking a thread costs more than most turns take. Where more than one actor waits there is
/// work for more than one thread, and another is woken. So an actor may wait for the end of one turn of another while a
/// thread sleeps, and no longer. What CAF's threads call is thread-safe. tests/streams/turn_sharing_test.cpp.

#include <caf/policy/unprofiled.hpp>
#include <caf/resumable.hpp>

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>

namespace caf::scheduler {
class abstract_coordinator;
}

namespace weir {

class turn_sharing : public caf::policy::unprofiled {
public:
  struct coordinator_data {
    explicit coordinator_data(caf::scheduler::abstract_coordinator*) {}

    std::mutex mutex;
    std::condition_variable come;
    std::deque<caf::resumable*> ready;
    std::size_t asleep = 0;
    /// Of those asleep, how many have been woken and do not run yet.
    std::size_t woken = 0;
  };

  struct worker_data {
    explicit worker_data(caf::scheduler::abstract_coordinator*) {}
  };

  // -- what CAF's threads ask --

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
    std::unique_lock guard{of.mutex};
    while (of.ready.empty()) {
      ++of.asleep;
      of.come.wait(guard);
      --of.asleep;
      if (of.woken > 0)
        --of.woken;
    }
    auto* const job = of.ready.front();
    of.ready.pop_front();
    // Whoever put several in woke one thread.
    const bool more = !of.ready.empty() && of.asleep > of.woken;
    if (more)
      ++of.woken;
    guard.unlock();
    if (more)
      of.come.notify_one();
    return job;
  }

  template <class Worker, class Function>
  void foreach_resumable(Worker*, Function) {}

  template <class Coordinator, class Function>
  void foreach_central_resumable(Coordinator* all, Function function) {
    const std::lock_guard guard{all->data().mutex};
    for (auto* const each : all->data().ready)
      function(each);
    all->data().ready.clear();
  }

private:
  /// `taken_up`: so many of those that wait are taken up without anybody being woken.
  static void add(coordinator_data& of, caf::resumable* job, std::size_t taken_up) {
    std::unique_lock guard{of.mutex};
    of.ready.push_back(job);
    const bool wakes = of.ready.size() > taken_up + of.woken && of.asleep > of.woken;
    if (wakes)
      ++of.woken;
    guard.unlock();
    if (wakes)
      of.come.notify_one();
  }
};

} // namespace weir
