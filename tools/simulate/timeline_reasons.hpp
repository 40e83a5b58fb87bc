// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The sentences of a timeline: why an element left when it left, and for whom it waited. Owned and used
/// by who draws; one thread.

#include "weir/machine_simulation.hpp"
#include "weir/scenario.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace weir::tool {

/// `record 5`, `watermark 3`, `status idle`, `barrier 1`, `restore 1`, `end`.
std::string element_name(const simulation::scenario& of, std::size_t element);

class timeline_reasons {
public:
  /// Both outlive it.
  timeline_reasons(const simulation::scenario& of, const std::vector<simulation::happening>& log);

  /// One sentence for each time that the element was there, joined by `; `.
  std::string sentence(std::size_t element) const;

private:
  /// A span of the element's own happenings, as places in the log.
  using life = std::vector<std::size_t>;

  std::vector<life> lives_of(std::size_t element) const;
  std::string sentence(std::size_t element, const life& of) const;
  std::string end_of_input(const life& of) const;
  std::string waits(std::size_t element, const life& of) const;
  std::string end(std::size_t element, const life& of) const;
  std::string what_left(const simulation::happening& left) const;
  std::string unfinished(std::size_t element, const life& of) const;

  using wanted = std::function<bool(const simulation::happening&)>;
  /// The element of the last wanted happening before `place`, or else of the first behind it, within the
  /// same millisecond.
  std::optional<std::size_t> cause(std::size_t place, const wanted& which) const;
  /// Whom an element that was finished at `held` waited for until `left`.
  std::optional<std::size_t> blocker(std::size_t element, std::size_t held, std::size_t left) const;
  /// The one that a held element still waits for at the end of the run.
  std::optional<std::size_t> lasting_blocker(std::size_t element) const;
  bool is_blocked_by(std::size_t element, std::size_t other, simulation::scenario_mode mode) const;

  const simulation::scenario_operator& settings_at(std::size_t place) const;
  bool same_key(std::size_t a, std::size_t b) const;
  bool is_record(std::size_t element) const;
  bool is_border(std::size_t element) const;
  bool takes_room(std::size_t element, std::size_t place) const;
  std::string name(std::optional<std::size_t> element) const;

  const simulation::scenario& scenario_;
  const std::vector<simulation::happening>& log_;
  std::vector<life> places_;
  bool job_failed_ = false;
};

} // namespace weir::tool
