// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What an operator instance holds at a barrier, without the types of its records: a machine's snapshot
/// on its way from one body to another of the same types. Immutable once made; any thread.

#include "weir/machine_snapshot.hpp"

#include <utility>

namespace weir {

class held_entries {
public:
  virtual ~held_entries() = default;
};

template <class In, class Out>
class typed_held_entries final : public held_entries {
public:
  explicit typed_held_entries(machine_snapshot<In, Out> what) : what_(std::move(what)) {}

  const machine_snapshot<In, Out>& what() const noexcept { return what_; }

private:
  machine_snapshot<In, Out> what_;
};

} // namespace weir
