// SPDX-License-Identifier: Apache-2.0
#include "weir/virtual_clock.hpp"

#include "weir/virtual_system.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <utility>

namespace weir::testing {

struct virtual_clock::impl {
  /// Calls what is due, one moment at a time, until nothing is.
  void settle() {
    do {
      system.run();
    } while (call_first_due());
  }

  bool call_first_due() {
    if (calls.empty() || calls.begin()->first > system.now())
      return false;
    auto what = std::move(calls.begin()->second);
    calls.erase(calls.begin());
    what();
    // Before the timers of this moment.
    system.run_messages();
    return true;
  }

  /// Moves to a moment at which something is due.
  void go_to(time_point at) {
    system.set_time(std::max(system.now(), at));
    while (call_first_due()) {
    }
    settle();
  }

  virtual_system system;
  time_point start = system.now();
  std::multimap<time_point, unique_function<void()>> calls;
};

virtual_clock::virtual_clock() : impl_(std::make_unique<impl>()) {}

virtual_clock::~virtual_clock() = default;

duration virtual_clock::now() const {
  return impl_->system.now() - impl_->start;
}

event_time virtual_clock::wall_time() const {
  constexpr std::int64_t year_2000 = 946'684'800'000;
  return event_time{year_2000 + now() / std::chrono::milliseconds{1}};
}

void virtual_clock::call_after(duration wait, unique_function<void()> what) {
  impl_->calls.emplace(impl_->system.now() + std::max(wait, duration{0}), std::move(what));
}

void virtual_clock::advance(duration by) {
  if (by < duration{0})
    throw std::invalid_argument("a virtual clock does not go back");
  run();
  const auto until = impl_->system.now() + by;
  for (;;) {
    auto next = impl_->system.next_timer();
    if (!impl_->calls.empty())
      next = std::min(next, impl_->calls.begin()->first);
    if (next > until)
      break;
    impl_->go_to(next);
  }
  impl_->go_to(until);
}

void virtual_clock::run() {
  impl_->settle();
}

void virtual_clock::shuffle(std::uint64_t seed) {
  impl_->system.shuffle(seed);
}

virtual_system& virtual_clock::system() noexcept {
  return impl_->system;
}

} // namespace weir::testing
