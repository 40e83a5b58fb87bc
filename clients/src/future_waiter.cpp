// SPDX-License-Identifier: Apache-2.0
#include "weir/future_waiter.hpp"

#include <algorithm>
#include <cassert>
#include <condition_variable>
#include <deque>
#include <iterator>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace weir {

namespace {

/// How long a future is left alone between two looks.
constexpr duration interval_min = std::chrono::microseconds{50};
constexpr duration interval_max = std::chrono::milliseconds{10};
constexpr duration interval_of_given_up = std::chrono::seconds{1};
constexpr int intervals_per_age = 8;

/// A future that is looked at less often than this is worth a thread that waits for it.
constexpr duration interval_of_old = std::chrono::milliseconds{1};

/// The most futures that are looked at in a row.
constexpr std::size_t span_max = 64;

using future_ptr = std::unique_ptr<awaited_future>;
using state = awaited_future::state;

time_point now() noexcept {
  return time_point::clock::now();
}

/// Futures that were not ready when their waiter ended. None is destroyed before it is ready: the
/// destructor of one that std::async gave would wait for it, for ever perhaps. So they are the process's, and
/// whoever opens or closes a waiter looks after them.
class left_futures {
public:
  static left_futures& instance() {
    // Never destroyed, for the same reason.
    static auto* const all = new left_futures;
    return *all;
  }

  void add(std::vector<future_ptr> more) {
    const std::lock_guard guard{mutex_};
    std::move(more.begin(), more.end(), std::back_inserter(futures_));
  }

  void sweep() {
    // Destroyed outside the lock: a value's destructor is user code.
    std::vector<future_ptr> ready;
    const std::lock_guard guard{mutex_};
    const auto first = std::partition(futures_.begin(), futures_.end(), [](const future_ptr& each) {
      return each->wait_for(duration{0}) == state::pending;
    });
    std::move(first, futures_.end(), std::back_inserter(ready));
    futures_.erase(first, futures_.end());
  }

private:
  std::mutex mutex_;
  std::vector<future_ptr> futures_;
};

struct awaited {
  future_ptr what;
  time_point since;
  time_point deadline;
  /// When it is looked at next, and after which time.
  time_point next;
  duration interval{};
  bool given_up = false;

  void look_again_after(time_point at) noexcept {
    interval = given_up ? interval_of_given_up
                        : std::clamp((at - since) / intervals_per_age, interval_min, interval_max);
    next = at + interval;
  }

  /// For a heap that has the next to look at in front.
  friend bool operator<(const awaited& a, const awaited& b) noexcept { return a.next > b.next; }
};

} // namespace

/// The futures and the threads. One thread is the watcher: it sleeps until the next future is to be looked
/// at, and looks. The others wait for one old future each, run deferred ones, or are spare.
/// Everything below `mutex_` is guarded by it.
class future_waiter::workers {
public:
  workers(std::string name, std::size_t threads) : name_(std::move(name)), count_(threads) {}

  expected<void> open() {
    left_futures::instance().sweep();
    assert(threads_.empty());
    threads_.reserve(count_);
    try {
      for (std::size_t i = 0; i < count_; ++i)
        threads_.emplace_back([this] { run(); });
    } catch (const std::system_error& e) {
      error why{error_kind::internal, "waiting pool " + name_,
                "thread " + std::to_string(threads_.size() + 1) + " of " + std::to_string(count_)
                  + " cannot be started (" + e.what() + "). Set fewer threads or raise the limit of threads"};
      close();
      return why;
    }
    return {};
  }

  void wait_for(future_ptr what, time_point deadline) {
    const bool deferred = what->wait_for(duration{0}) == state::deferred;
    const auto at = now();
    awaited one{std::move(what), at, deadline, at};
    const std::lock_guard guard{mutex_};
    assert(!closing_);
    if (count_ == 0) {
      futures_.push_back(std::move(one));
    } else if (deferred) {
      deferred_.push_back(std::move(one));
      (spare_ > 0 ? spare_come_ : watcher_come_).notify_one();
    } else {
      push(std::move(one));
      if (watched_)
        tell_watcher();
      else
        spare_come_.notify_one();
    }
  }

  bool look(time_point at, bool give_up) {
    assert(count_ == 0);
    // What is told may bring new ones.
    auto all = std::exchange(futures_, {});
    bool any = false;
    for (auto& each : all) {
      const bool pending = each.what->wait_for(duration{0}) == state::pending;
      if (!pending && !each.given_up) {
        each.what->take();
        any = true;
      } else if (pending && give_up && !each.given_up && each.deadline <= at) {
        each.what->expire();
        each.given_up = true;
        ++given_up_;
        any = true;
      }
      if (!pending) {
        given_up_ -= each.given_up ? 1 : 0;
        each.what = nullptr;
      }
    }
    std::erase_if(all, [](const awaited& each) { return each.what == nullptr; });
    std::move(futures_.begin(), futures_.end(), std::back_inserter(all));
    futures_ = std::move(all);
    return any;
  }

  void close() {
    {
      const std::lock_guard guard{mutex_};
      closing_ = true;
    }
    spare_come_.notify_all();
    watcher_come_.notify_all();
    for (auto& each : threads_)
      each.join();
    threads_.clear();
    let_go_of_all();
    left_futures::instance().sweep();
  }

  std::size_t waiting() const {
    const std::lock_guard guard{mutex_};
    return futures_.size() + deferred_.size() + taken_ - given_up_;
  }

  std::size_t given_up() const {
    const std::lock_guard guard{mutex_};
    return given_up_;
  }

private:
  using lock = std::unique_lock<std::mutex>;

  void run() {
    std::vector<awaited> mine;
    lock guard{mutex_};
    while (!closing_)
      // The watcher leaves deferred ones to a spare thread where there is one.
      if (!deferred_.empty() && (watched_ || spare_ == 0))
        run_deferred(guard);
      else if (!watched_)
        watch(mine, guard);
      else if (has_old())
        wait_for_old(mine, guard);
      else
        be_spare(guard);
  }

  void watch(std::vector<awaited>& mine, lock& guard) {
    watched_ = true;
    if (!deferred_.empty() || has_old())
      spare_come_.notify_one();
    if (futures_.empty()) {
      watched_until_ = time_point::max();
      watcher_come_.wait(guard);
    } else if (const auto at = now(); futures_.front().next > at) {
      watched_until_ = futures_.front().next;
      watcher_come_.wait_until(guard, watched_until_);
    } else {
      while (!futures_.empty() && mine.size() < span_max && futures_.front().next <= at)
        mine.push_back(pop());
      look_at(mine, duration{0}, guard);
    }
    watched_until_ = time_point::min();
    watched_ = false;
  }

  bool has_old() const noexcept {
    return !futures_.empty() && !futures_.front().given_up
           && futures_.front().interval >= interval_of_old;
  }

  void wait_for_old(std::vector<awaited>& mine, lock& guard) {
    mine.push_back(pop());
    look_at(mine, interval_max, guard);
  }

  void be_spare(lock& guard) {
    tell_watcher();
    ++spare_;
    spare_come_.wait(guard);
    --spare_;
  }

  void run_deferred(lock& guard) {
    tell_watcher();
    auto one = std::move(deferred_.front());
    deferred_.pop_front();
    // Those that came together may have told one thread alone.
    if (!deferred_.empty())
      (spare_ > 0 ? spare_come_ : watcher_come_).notify_one();
    ++taken_;
    guard.unlock();
    if (one.deadline > now())
      one.what->take();
    else
      one.what->expire();
    one.what = nullptr;
    guard.lock();
    --taken_;
  }

  /// Looks at what a thread has taken, for at most this long each. Those that are pending go back.
  void look_at(std::vector<awaited>& mine, duration at_most, lock& guard) {
    taken_ += mine.size();
    guard.unlock();
    std::size_t ended = 0;
    std::size_t newly_given_up = 0;
    const auto taken = mine.size();
    for (auto& each : mine) {
      if (each.what->wait_for(at_most) != state::pending) {
        if (each.given_up)
          ++ended;
        else
          each.what->take();
        each.what = nullptr;
      }
    }
    const auto at = now();
    for (auto& each : mine)
      if (each.what != nullptr) {
        if (!each.given_up && each.deadline <= at) {
          each.what->expire();
          each.given_up = true;
          ++newly_given_up;
        }
        each.look_again_after(at);
      }
    guard.lock();
    taken_ -= taken;
    given_up_ = given_up_ + newly_given_up - ended;
    for (auto& each : mine)
      if (each.what != nullptr)
        push(std::move(each));
    mine.clear();
  }

  /// The watcher, if it sleeps longer than it may, wakes up.
  void tell_watcher() {
    if (!futures_.empty() && futures_.front().next < watched_until_)
      watcher_come_.notify_one();
  }

  void push(awaited one) {
    futures_.push_back(std::move(one));
    std::push_heap(futures_.begin(), futures_.end());
  }

  awaited pop() {
    std::pop_heap(futures_.begin(), futures_.end());
    auto one = std::move(futures_.back());
    futures_.pop_back();
    return one;
  }

  void let_go_of_all() {
    std::vector<future_ptr> all;
    {
      const std::lock_guard guard{mutex_};
      for (auto& each : futures_)
        all.push_back(std::move(each.what));
      for (auto& each : deferred_)
        all.push_back(std::move(each.what));
      futures_.clear();
      deferred_.clear();
      given_up_ = 0;
    }
    for (const auto& each : all)
      each->forget();
    left_futures::instance().add(std::move(all));
  }

  const std::string name_;
  const std::size_t count_;
  std::vector<std::thread> threads_;

  mutable std::mutex mutex_;
  std::condition_variable watcher_come_;
  std::condition_variable spare_come_;
  /// A heap; without threads in the order of their coming.
  std::vector<awaited> futures_;
  std::deque<awaited> deferred_;
  /// Futures that threads have taken out and look at.
  std::size_t taken_ = 0;
  std::size_t given_up_ = 0;
  bool watched_ = false;
  /// Until when the watcher sleeps; the least of all times while it does not.
  time_point watched_until_ = time_point::min();
  /// Threads with nothing to do.
  std::size_t spare_ = 0;
  bool closing_ = false;
};

future_waiter::future_waiter(std::string name, std::size_t threads)
  : workers_(std::make_unique<workers>(std::move(name), threads)) {}

future_waiter::~future_waiter() {
  close();
}

expected<void> future_waiter::open() {
  return workers_->open();
}

void future_waiter::wait_for(std::unique_ptr<awaited_future> what, time_point deadline) {
  workers_->wait_for(std::move(what), deadline);
}

bool future_waiter::look(time_point now, bool give_up) {
  return workers_->look(now, give_up);
}

void future_waiter::close() {
  workers_->close();
}

std::size_t future_waiter::waiting() const {
  return workers_->waiting();
}

std::size_t future_waiter::given_up() const {
  return workers_->given_up();
}

} // namespace weir
