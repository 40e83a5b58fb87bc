// SPDX-License-Identifier: Apache-2.0
#include "checkpoint_writer.hpp"

#include "guarded.hpp"

#include <utility>

namespace weir {

namespace {

constexpr const char* who = "checkpoint store";

} // namespace

checkpoint_writer::checkpoint_writer(std::shared_ptr<checkpoint_store> store, std::size_t keep,
                                     log_function log)
  : store_(std::move(store)),
    keep_(keep),
    log_(std::move(log)) {}

checkpoint_writer::outcome checkpoint_writer::write(collected_checkpoint& what) {
  if (output_lost_)
    return {error{error_kind::io, who, "output of an earlier checkpoint was lost"}, true};
  if (auto durable = make_durable(what.to_make_durable); !durable) {
    output_lost_ = true;
    return {std::move(durable).why(), true};
  }
  return {guarded(who, [&] { return store_->write(what.what); })};
}

expected<void> checkpoint_writer::put_away(
  std::uint64_t run, const std::vector<launch_checkpoints::newer_checkpoint>& newer) {
  return guarded(who, [&]() -> expected<void> {
    for (auto each = newer.rbegin(); each != newer.rend(); ++each)
      if (auto done = each->damaged ? store_->set_aside(run, each->id) : store_->remove(run, each->id);
          !done)
        return done;
    return {};
  });
}

void checkpoint_writer::prune(std::uint64_t run, time_point now) {
  const auto done = guarded(who, [&] { return remove_old(run); });
  if (done)
    return;
  if (const auto untold = prune_reports_.happened(now))
    tell(log_, {log_level::warning, who,
                "an old checkpoint could not be removed: " + done.why().text()
                  + "; it is tried again behind the next one"
                  + (*untold > 0 ? " (" + std::to_string(*untold) + " more since the last report)"
                                 : "")});
}

expected<void> checkpoint_writer::remove_old(std::uint64_t run) {
  // First of all what earlier ones have left: `runs` does not know of it.
  auto all = store_->remove_unfinished();
  auto runs = store_->runs();
  if (!runs)
    return std::move(runs).why();
  const auto note = [&](expected<void> removed) {
    if (all && !removed)
      all = std::move(removed);
  };
  for (const auto& each : *runs) {
    if (each.number < run)
      note(store_->remove_run(each.number));
    else if (each.number == run)
      for (std::size_t i = 0; i + keep_ < each.checkpoints.size(); ++i)
        note(store_->remove(run, each.checkpoints[i]));
  }
  return all;
}

} // namespace weir
