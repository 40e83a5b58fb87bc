// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What travels between the stages of a job: some hundred records and the control elements among
/// them. A batch has one owner at a time, the receiver once it is sent; the empty batch goes back with
/// the credit and is filled again, so a running job allocates none. Not thread-safe: whoever owns it
/// touches it.

#include "weir/column.hpp"
#include "weir/control.hpp"
#include "weir/copyable.hpp"
#include "weir/held_bytes.hpp"
#include "weir/key_hash.hpp"
#include "weir/origin.hpp"
#include "weir/time.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

namespace weir {

/// Bounds of one batch.
struct batch_limits {
  /// Most records.
  std::size_t records = 1024;
  /// Most bytes that the records hold; one record above it passes alone.
  std::size_t bytes = 256 * 1024;
};

struct batch_cursor;

/// One record of a batch, whatever its type is.
struct record_view {
  /// The batch's own.
  const void* value = nullptr;
  event_time timestamp{};
  /// 0 where the stream is not keyed.
  key_hash key = 0;
};

/// What a stage needs to know of a batch without knowing the type of its records.
class batch_base {
public:
  /// A control element and the number of records before it.
  struct placed_control {
    std::size_t before;
    control what;
  };

  virtual ~batch_base() = default;

  /// Number of records.
  virtual std::size_t records() const noexcept = 0;

  /// For how many records it has memory, or control elements where those are more.
  virtual std::size_t reserved() const noexcept = 0;

  /// An empty batch for the same type of record.
  virtual std::unique_ptr<batch_base> fresh() const = 0;

  /// Removes all elements and keeps the memory.
  virtual void clear() noexcept {
    controls_.clear();
    origins_.clear();
    bytes_ = 0;
    newest_ = event_time::none();
  }

  // -- records on their way from one batch to others of the same type, behind what those hold --

  /// Moves all records to `to`. Those that are left here are to be cleared.
  virtual void move_records_to(batch_base& to) = 0;

  /// Copies all records to `to`. Only of a type that can be copied (`is_copyable_v`).
  virtual void copy_records_to(batch_base& to) const = 0;

  /// Moves each record with its key to the batch of the instance that has the key's group.
  virtual void deal_records(std::span<const key_hash> keys, std::span<batch_base* const> to) = 0;

  // -- one at a time, for who does not know their type; at barriers, not in the stream's way --

  virtual record_view record_at(std::size_t i) const noexcept = 0;

  /// Moves a record of the batch's type out of `value` and behind all that is in the batch.
  virtual void adopt(void* value, event_time timestamp, const origin& from, key_hash key) = 0;

  const origin_runs& origins() const noexcept { return origins_; }

  /// Gives the records the origins that they have as those of the receiver's input `number`.
  void come_from_input(std::uint64_t number) noexcept {
    if (number != 0)
      origins_.come_from_input(number);
  }

  /// Bytes that the records hold.
  std::size_t bytes() const noexcept { return bytes_; }

  bool empty() const noexcept { return records() == 0 && controls_.empty(); }

  /// The control elements, in order.
  const std::vector<placed_control>& controls() const noexcept { return controls_; }

  /// The greatest event time of the records; none where no record has one.
  event_time newest() const noexcept { return newest_; }

  /// Puts another control element in the place of the last one.
  void replace_last_control(const control& with) { controls_.back().what = with; }

  /// Puts other control elements in the place of those that there are, in order of `before`.
  void replace_controls(std::vector<placed_control> with) { controls_ = std::move(with); }

  /// Puts a control element behind all that is in the batch.
  void append(const control& what) { controls_.push_back({records(), what}); }

  /// Takes the last control element off. Only where there is one.
  void remove_last_control() { controls_.pop_back(); }

protected:
  std::vector<placed_control> controls_;
  origin_runs origins_;
  std::size_t bytes_ = 0;
  event_time newest_;
};

/// A place inside a batch: how far its receiver has got.
struct batch_cursor {
  /// Records that have been taken.
  std::size_t record = 0;
  /// Control elements that have been taken.
  std::size_t control = 0;
  origin_runs::cursor origins;

  /// Whether everything of `from` has been taken.
  bool at_end(const batch_base& from) const noexcept {
    return record == from.records() && control == from.controls().size();
  }

  /// Where the records end that come before the next control element.
  std::size_t end_of_records(const batch_base& from) const noexcept {
    return control < from.controls().size() ? from.controls()[control].before : from.records();
  }

  /// Whether the next element is a control element.
  bool at_control(const batch_base& from) const noexcept {
    return control < from.controls().size() && from.controls()[control].before == record;
  }
};

/// A batch of records that carry values of type `T`.
template <class T>
class batch final : public batch_base {
public:
  std::size_t records() const noexcept override { return values_.size(); }

  std::size_t reserved() const noexcept override {
    return values_.capacity() < controls_.capacity() ? controls_.capacity() : values_.capacity();
  }

  std::unique_ptr<batch_base> fresh() const override { return std::make_unique<batch>(); }

  void clear() noexcept override {
    batch_base::clear();
    values_.clear();
    timestamps_.clear();
    keys_.clear();
  }

  void move_records_to(batch_base& to) override {
    auto& other = static_cast<batch&>(to);
    origin_runs::cursor from;
    for (std::size_t i = 0; i < records(); ++i)
      other.append(std::move(values_[i]), timestamp(i), from.at(origins_, i));
  }

  void copy_records_to(batch_base& to) const override {
    if constexpr (is_copyable_v<T>) {
      auto& other = static_cast<batch&>(to);
      origin_runs::cursor from;
      for (std::size_t i = 0; i < records(); ++i)
        other.append(T(values_[i]), timestamp(i), from.at(origins_, i));
    } else {
      throw std::logic_error("records of a type that cannot be copied were to be copied");
    }
  }

  void deal_records(std::span<const key_hash> keys, std::span<batch_base* const> to) override {
    const auto instances = static_cast<std::uint32_t>(to.size());
    origin_runs::cursor from;
    for (std::size_t i = 0; i < records(); ++i) {
      auto& other = static_cast<batch&>(*to[instance_of_group(key_group(keys[i]), instances)]);
      other.append(std::move(values_[i]), timestamp(i), from.at(origins_, i), keys[i]);
    }
  }

  record_view record_at(std::size_t i) const noexcept override {
    return {&values_[i], timestamp(i), key(i)};
  }

  void adopt(void* value, event_time timestamp, const origin& from, key_hash key) override {
    append(std::move(*static_cast<T*>(value)), timestamp, from);
    if (key == 0 && keys_.empty())
      return;
    // A key may be 0 among others.
    keys_.resize(records() - 1);
    keys_.push_back(key);
  }

  using batch_base::append;

  /// Puts a record behind all that is in the batch. Inlined by force, as are its callee and its callers
  /// in `output`: left to themselves compilers make calls of them once there are several callers, which
  /// costs an operator a quarter of its speed.
  [[gnu::always_inline]] void append(T what, event_time timestamp, const origin& from) {
    bytes_ += value_bytes(what);
    if (timestamp.has_value()) {
      // The column exists only from the first timestamp on.
      if (timestamps_.size() < values_.size())
        timestamps_.resize(values_.size());
      timestamps_.push_back(timestamp);
      if (timestamp > newest_)
        newest_ = timestamp;
    } else if (!timestamps_.empty()) {
      timestamps_.push_back(timestamp);
    }
    origins_.append(from);
    values_.push_back(std::move(what));
  }

  /// Puts a record of a keyed stream behind all that is in the batch, which are keyed too.
  void append(T what, event_time timestamp, const origin& from, key_hash key) {
    append(std::move(what), timestamp, from);
    keys_.push_back(key);
  }

  T& value(std::size_t i) noexcept { return values_[i]; }
  const T& value(std::size_t i) const noexcept { return values_[i]; }

  event_time timestamp(std::size_t i) const noexcept {
    return timestamps_.empty() ? event_time::none() : timestamps_[i];
  }

  /// Gives every record its key: of each record in order.
  void set_keys(std::vector<key_hash>&& of_all) noexcept { keys_.swap(of_all); }

  /// The record's key; 0 where the stream is not keyed.
  key_hash key(std::size_t i) const noexcept { return keys_.empty() ? 0 : keys_[i]; }

private:
  column<T> values_;
  std::vector<event_time> timestamps_;
  /// Empty where the stream is not keyed.
  std::vector<key_hash> keys_;
};

} // namespace weir
