// SPDX-License-Identifier: Apache-2.0
#pragma once

/// An output for tests: keeps everything that is emitted, in order, and gives room as the test says.
/// One thread; outlives whoever emits into it.

#include "weir/batch.hpp"
#include "weir/control.hpp"
#include "weir/origin.hpp"
#include "weir/output.hpp"
#include "weir/time.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace weir::testing {

/// A record, or a control element in its place.
template <class T>
struct collected {
  /// Empty: a control element.
  std::optional<T> value;
  event_time timestamp;
  origin from;
  /// Empty: a record.
  std::optional<control> what;
};

template <class T>
class collecting_output final : public output {
public:
  static constexpr std::int64_t unbounded = INT64_MAX / 2;

  /// `records`, `bytes`: how much room there is at first.
  explicit collecting_output(std::int64_t records = unbounded, std::int64_t bytes = unbounded)
    : records_(records),
      bytes_(bytes) {
    open_ = &batch_;
    share_out();
  }

  using output::emit;
  void emit(const control& what) override { batch_.append(what); }

  /// Gives more room.
  void grant(std::int64_t records, std::int64_t bytes = unbounded) {
    collect();
    records_ += records;
    bytes_ = std::min(unbounded, bytes_ + bytes);
    share_out();
  }

  /// Everything emitted so far.
  const std::vector<collected<T>>& elements() {
    collect();
    share_out();
    return elements_;
  }

  /// The records' values so far.
  std::vector<T> values() {
    std::vector<T> result;
    for (const auto& x : elements())
      if (x.value)
        result.push_back(*x.value);
    return result;
  }

  /// How many records were emitted since the start or the last `forget()`.
  std::size_t records() {
    return static_cast<std::size_t>(std::count_if(
      elements().begin(), elements().end(), [](const auto& x) { return x.value.has_value(); }));
  }

  /// Throws away what was collected; the room stays as it is.
  void forget() {
    collect();
    share_out();
    elements_.clear();
  }

protected:
  void turn_over() override {
    collect();
    share_out();
  }

private:
  void share_out() {
    records_left_ = records_;
    bytes_left_ = bytes_;
  }

  // The room used by the open batch is gone for good; its elements move behind the others.
  void collect() {
    records_ = records_left_;
    bytes_ = bytes_left_;
    std::size_t next_control = 0;
    const auto& controls = batch_.controls();
    origin_runs::cursor origins;
    for (std::size_t i = 0; i <= batch_.records(); ++i) {
      for (; next_control < controls.size() && controls[next_control].before == i; ++next_control)
        elements_.push_back({std::nullopt, {}, {}, controls[next_control].what});
      if (i < batch_.records())
        elements_.push_back({std::move(batch_.value(i)), batch_.timestamp(i),
                             origins.at(batch_.origins(), i), std::nullopt});
    }
    batch_.clear();
  }

  batch<T> batch_;
  std::vector<collected<T>> elements_;
  std::int64_t records_;
  std::int64_t bytes_;
};

} // namespace weir::testing
