// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Writes down what happens to each element of a run: what it is told while an event is handled, and
/// how the elements' states differ after it. One thread.

#include "simulated_operator.hpp"
#include "weir/machine_simulation.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <span>
#include <vector>

namespace weir::simulation::detail {

class run_watcher {
public:
  run_watcher(const scenario& of, std::vector<happening>& log);

  /// The events that follow are at this time.
  void set_time(millis now) { now_ = now; }

  // -- while an event is handled --

  void arrives(std::size_t element);
  /// A barrier or a restore, which does not stand in line.
  void passes(std::size_t element);
  void called(std::size_t element, std::uint32_t attempt, std::uint64_t call);
  /// A completion; only the first of the element's present call counts.
  void answered(std::size_t element, std::uint64_t call, bool failed);
  void times_out(std::size_t element);
  /// One result of a record.
  void leaves(std::size_t element, std::int64_t result);
  void leaves_as_dead_letter(std::size_t element, std::string error, std::uint32_t attempts);
  /// The first such of the borders that have not left, or behind them the end. Those before it were merged.
  void border_leaves(const control& what);
  void fails_job(std::size_t element, std::string error);

  /// The operator starts anew with `settings`, from what it had held and what had waited then.
  void restored(const scenario_operator& settings, const simulated_snapshot& held,
                std::span<const std::size_t> waiting, std::deque<std::size_t> borders);

  // -- behind it --

  /// Compares with what is held and what waits now.
  void look(const simulated_snapshot& held, std::span<const std::size_t> waiting);

  /// Borders that have arrived and not left, in order; the end too, which stands in line as they do.
  const std::deque<std::size_t>& borders() const noexcept { return borders_; }

private:
  struct life {
    happening_kind state = happening_kind::arrives;
    /// The call that runs; 0: none.
    std::uint64_t call = 0;
    bool failed = false;
  };

  void note(std::size_t element, happening_kind what, std::uint32_t attempt = 0);
  /// Nothing where it has gone already.
  void end_life(std::size_t element, happening_kind how);
  void enters(std::size_t element, happening_kind state);
  void look_at(const simulated_entry& held, std::set<key_hash>& busy_keys);
  void drop_merged_borders(std::span<const control> held, std::size_t held_ends,
                           std::span<const std::size_t> waiting);
  void drop_merged_border(std::size_t place);
  bool is_border(std::size_t element) const;
  /// Whether the border, or the end, looks like this.
  bool is_like(std::size_t element, const control& what) const;
  bool is_end(std::size_t element) const;
  /// Where it is in the input, which has one.
  std::size_t end_of_input() const;
  std::size_t borders_among(std::span<const std::size_t> elements) const;

  const scenario& scenario_;
  const scenario_operator* settings_;
  std::vector<happening>& log_;
  millis now_ = 0;
  std::vector<life> lives_;
  /// Elements that have arrived and not left.
  std::set<std::size_t> here_;
  std::deque<std::size_t> borders_;
};

} // namespace weir::simulation::detail
