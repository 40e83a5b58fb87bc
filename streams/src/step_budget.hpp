// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How much a run has come to, against what it may come to: what `simulation_limits::steps` counts.

#include <cstddef>

namespace weir::simulation::detail {

class step_budget {
public:
  explicit step_budget(std::size_t most) : most_(most) {}

  void spend(std::size_t steps) noexcept { spent_ += steps; }
  bool is_overdrawn() const noexcept { return spent_ > most_; }
  std::size_t most() const noexcept { return most_; }

private:
  std::size_t most_;
  std::size_t spent_ = 0;
};

} // namespace weir::simulation::detail
