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
/// For turns that take long or block there is a *lookout*, a thread that looks each millisecond, for as long as anything
/// goes on, and wakes another for what waits. So no actor that is ready waits for much longer than that while a thread
/// is free. When nothing has been done for a while the lookout sleeps too, and an idle system costs nothing.
///
/// What CAF's threads call is thread-safe. tests/streams/turn_sharing_test.cpp.

#include <caf/policy/unprofiled.hpp>
#include <caf/resumable.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

namespace caf::scheduler {
class abstract_coordinator;
}

namespace weir {

class turn_sharing : public caf::policy::unprofiled {
public:
  /// How often the lookout looks, and how often in vain before it sleeps.
  static constexpr std::chrono::milliseconds look_each{1};
  static constexpr int looks_in_vain = 50;

  struct coordinator_data {
    explicit coordinator_data(caf::scheduler::abstract_coordinator*) {}
    ~coordinator_data() { end_lookout(); }

    std::mutex mutex;
    std::deque<caf::resumable*> ready;
    /// Once what was added has had its turn the system may be gone, but not to whom a thread is being woken.
    std::shared_ptr<std::condition_variable> come = std::make_shared<std::condition_variable>();
    /// Threads that wait for `come`, and how many of them have been woken and do not run yet.
    std::size_t asleep = 0;
    std::size_t woken = 0;
    /// How many actors have had a turn.
    std::uint64_t turns = 0;

    /// Begun when it is first needed.
    std::thread lookout;
    std::condition_variable lookout_come;
    bool looks_out = false;
    bool ending = false;

    /// Whether a thread is free and has not been woken.
    bool has_sleeper() const noexcept { return asleep > woken; }

    void begin_lookout();
    void end_lookout();
    void look_out();
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
      wait(of, guard);
    auto* const job = of.ready.front();
    of.ready.pop_front();
    ++of.turns;
    wake_up wakes;
    // For what nobody has been woken for.
    if (of.ready.size() > of.woken && of.has_sleeper())
      wakes = wake_sleeper(of);
    guard.unlock();
    wake(wakes);
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

  /// Whom to notify, where there is somebody.
  using wake_up = std::shared_ptr<std::condition_variable>;

  /// Without the lock, which the one that is woken takes first of all.
  static void wake(const wake_up& whom) {
    if (whom != nullptr)
      whom->notify_one();
  }

  /// `taken_up`: so many of those that wait are taken up without anybody being woken.
  static void add(coordinator_data& of, caf::resumable* job, std::size_t taken_up) {
    wake_up wakes;
    {
      const std::lock_guard guard{of.mutex};
      of.ready.push_back(job);
      if (of.has_sleeper()) {
        if (of.ready.size() > taken_up + of.woken)
          wakes = wake_sleeper(of);
        else
          of.begin_lookout();
      }
    }
    wake(wakes);
  }

  static wake_up wake_sleeper(coordinator_data& of) {
    ++of.woken;
    return of.come;
  }

  static void wait(coordinator_data& of, lock& guard) {
    ++of.asleep;
    of.come->wait(guard);
    --of.asleep;
    if (of.woken > 0)
      --of.woken;
  }
};

// -- the lookout --

/// Under the lock, by one of the threads that share.
inline void turn_sharing::coordinator_data::begin_lookout() {
  if (looks_out)
    return;
  looks_out = true;
  if (lookout.joinable())
    lookout_come.notify_one();
  else
    lookout = std::thread{[this] { look_out(); }};
}

inline void turn_sharing::coordinator_data::end_lookout() {
  {
    const std::lock_guard guard{mutex};
    ending = true;
  }
  lookout_come.notify_one();
  if (lookout.joinable())
    lookout.join();
}

inline void turn_sharing::coordinator_data::look_out() {
  std::unique_lock guard{mutex};
  while (!ending) {
    lookout_come.wait(guard, [this] { return ending || looks_out; });
    for (int in_vain = 0; !ending && in_vain < looks_in_vain;) {
      const auto before = turns;
      lookout_come.wait_for(guard, look_each);
      const bool stands_still = turns == before;
      in_vain = stands_still && ready.empty() ? in_vain + 1 : 0;
      if (stands_still && !ready.empty() && has_sleeper())
        wake_sleeper(*this)->notify_one();
    }
    looks_out = false;
  }
}

} // namespace weir
