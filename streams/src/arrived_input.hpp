// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What has reached an operator and may have to wait for room: elements of a scenario as the batch that the
/// operator takes them from. One thread.

#include "simulated_operator.hpp"
#include "weir/scenario.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace weir::simulation::detail {

/// Puts an element, which is no barrier and no restore, into a batch.
void append_element(batch<simulated_record>& to, const scenario& of, std::size_t element);

class arrived_input {
public:
  /// `of` outlives it.
  explicit arrived_input(const scenario& of) : scenario_(of) {}

  /// Puts an element, which is no barrier and no restore, behind those that wait.
  void append(std::size_t element);

  void clear();

  /// Places in the scenario's input of what was not taken yet.
  std::span<const std::size_t> waiting() const {
    return std::span{elements_}.subspan(taken_.record + taken_.control);
  }

  // -- what an operator takes from --

  batch<simulated_record>& records() noexcept { return batch_; }
  batch_cursor& taken() noexcept { return taken_; }

private:
  const scenario& scenario_;
  batch<simulated_record> batch_;
  batch_cursor taken_;
  /// Those in the batch.
  std::vector<std::size_t> elements_;
};

} // namespace weir::simulation::detail
