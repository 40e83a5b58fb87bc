// SPDX-License-Identifier: Apache-2.0
#include "weir/service_ends.hpp"

#include <vector>

namespace weir {

service_ends::service_ends(std::shared_ptr<push_feed_base> feed, body_maker make,
                           std::unique_ptr<delivery> results, std::unique_ptr<delivery> dead_letters,
                           std::function<void(event_time)> on_watermark, start_callback on_start)
  : feed_(std::move(feed)),
    make_(std::move(make)),
    results_(std::move(results)),
    dead_letters_(std::move(dead_letters)),
    on_watermark_(std::move(on_watermark)),
    on_start_(std::move(on_start)) {}

expected<std::uint64_t> service_ends::begin(std::uint32_t instances, batch_limits batches,
                                            feed_run how) {
  how.on_start = on_start_;
  auto run = feed_->open(instances, batches, how);
  if (run) {
    const std::lock_guard guard{mutex_};
    merger_ = channel_merger{instances};
  }
  return run;
}

void service_ends::has_left(std::uint32_t instance, event_time watermark) {
  const std::lock_guard guard{mutex_};
  // That of all instances together was told, too.
  std::vector<control> told;
  merger_.take(instance, control::watermark(watermark), told);
}

void service_ends::leaves(std::uint32_t instance, const control& what) {
  if (!on_watermark_ || what.kind() == control_kind::barrier)
    return;
  // Called under the lock, so that watermarks come in order.
  const std::lock_guard guard{mutex_};
  std::vector<control> follows;
  merger_.take(instance, what, follows);
  for (const auto& each : follows)
    if (each.kind() == control_kind::watermark)
      on_watermark_(each.event_time());
}

} // namespace weir
