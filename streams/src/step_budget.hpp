// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How much a run has come to, against what it may come to: what `simulation_limits::steps` counts.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace weir::simulation::detail {

/// What steps are spent on.
enum class step : std::uint8_t { event, call, result, copy, look, choice };

class step_budget {
public:
  explicit step_budget(std::size_t most) : most_(most) {}

  void spend(step on, std::size_t steps) noexcept {
    spent_on_[static_cast<std::size_t>(on)] += steps;
    spent_ += steps;
  }

  bool is_overdrawn() const noexcept { return spent_ > most_; }

  /// Why a run that has overdrawn it is given up: what most steps were spent on, and what to do.
  std::string why_overdrawn() const {
    const auto greatest = std::ranges::max_element(spent_on_) - spent_on_.begin();
    return "it takes more than " + std::to_string(most_) + " steps, above all "
           + words_for(static_cast<step>(greatest));
  }

private:
  static const char* words_for(step what) {
    switch (what) {
      case step::event:
        return "events, of which each second that an actor waits is one; let less happen, or less "
               "time pass";
      case step::call:
        return "calls; let there be fewer records or retries, or a shorter timeout";
      case step::result:
        return "results; let answers emit fewer";
      case step::copy:
        return "copies of held elements, which barriers and restores make; let fewer be held at a "
               "barrier, or let fewer barriers be restored";
      case step::look:
        return "looks at held elements, for a log or a timeline: after each event at each that "
               "is held then; let fewer be held at once (a smaller capacity, fewer records), or "
               "run it without one";
      case step::choice:
        break;
    }
    return "looks at what falls into one millisecond, to choose what comes first; let fewer "
           "elements come, and answers be due, in one millisecond";
  }

  std::size_t most_;
  std::size_t spent_ = 0;
  std::array<std::size_t, 6> spent_on_{};
};

} // namespace weir::simulation::detail
