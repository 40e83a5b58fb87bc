// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The two ends of an operator that is a service: records come from a feed that the service's threads push
/// to, and results go to callbacks. One for a service, used by all its instances. Made by the stream API
/// while the job is built; the job's stages use it while that runs. docs/threads.md.

#include "weir/batch.hpp"
#include "weir/channel_merger.hpp"
#include "weir/operator_body.hpp"
#include "weir/push_feed.hpp"
#include "weir/ticket_desk.hpp"
#include "weir/time.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace weir {

/// Where a result, or a dead letter, comes from.
struct record_facts {
  /// That of its record; its `position` is what the pusher gave. Several results of one record differ in
  /// their `ordinal`.
  origin from;
  event_time timestamp;
};

/// Gives the records of one output to a callback. Several instances use it at a time.
class delivery {
public:
  virtual ~delivery() = default;

  /// Gives the records from `at` on, up to record `end`, and moves `at` behind each that was given. What
  /// the callback throws comes out.
  virtual void give(batch_base& of, batch_cursor& at, std::size_t end) = 0;
};

template <class T>
class typed_delivery final : public delivery {
public:
  using callback = std::function<void(T&&, const record_facts&)>;

  explicit typed_delivery(callback to) : to_(std::move(to)) {}

  void give(batch_base& of, batch_cursor& at, std::size_t end) override {
    auto& from = static_cast<batch<T>&>(of);
    while (at.record < end) {
      const auto i = at.record;
      to_(std::move(from.value(i)), {at.origins.at(from.origins(), i), from.timestamp(i)});
      ++at.record;
    }
  }

private:
  callback to_;
};

class service_ends {
public:
  /// What an instance is made with.
  using body_maker = std::function<std::unique_ptr<operator_body>(operator_parts, ticket_desk&)>;

  using start_callback = std::function<void(std::optional<std::uint64_t>)>;

  /// Each `delivery` may be null: then what comes is dropped, as are watermarks. `on_start`: see `feed_run`.
  service_ends(std::shared_ptr<push_feed_base> feed, body_maker make,
               std::unique_ptr<delivery> results, std::unique_ptr<delivery> dead_letters,
               std::function<void(event_time)> on_watermark, start_callback on_start = {});

  push_feed_base& feed() const noexcept { return *feed_; }

  std::unique_ptr<operator_body> make_body(operator_parts parts, ticket_desk& desk) const {
    return make_(std::move(parts), desk);
  }

  delivery* results() const noexcept { return results_.get(); }
  delivery* dead_letters() const noexcept { return dead_letters_.get(); }

  /// A run begins. Gives its number in the feed, or why it cannot. What `on_start` throws comes out. `how` is told
  /// it here.
  expected<std::uint64_t> begin(std::uint32_t instances, batch_limits batches, feed_run how);

  /// Before anything leaves: an earlier run had let this watermark leave the instance, and nothing behind it that it
  /// still holds.
  void has_left(std::uint32_t instance, event_time watermark);

  /// A control element has come out of an instance. The callback hears of a watermark that has come out of
  /// all of them.
  void leaves(std::uint32_t instance, const control& what);

private:
  const std::shared_ptr<push_feed_base> feed_;
  const body_maker make_;
  const std::unique_ptr<delivery> results_;
  const std::unique_ptr<delivery> dead_letters_;
  const std::function<void(event_time)> on_watermark_;
  const start_callback on_start_;
  std::mutex mutex_;
  channel_merger merger_{0};
};

} // namespace weir
