// SPDX-License-Identifier: Apache-2.0
#pragma once

/// One checkpoint under way: what the instances have answered, kept in memory until all have. So one that
/// is given up leaves nothing behind, and its files hold the instances in their order whichever was first.
/// Owned by the job's coordinator and used on its thread; no clock, no file. What it gives when all have
/// answered goes to the store's thread as a whole. tests/actors/checkpoint_round_test.cpp.

#include "saved_instance.hpp"

#include "weir/checkpoint_store.hpp"
#include "weir/error.hpp"
#include "weir/manifest.hpp"
#include "weir/time.hpp"
#include "weir/unique_function.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir {

/// What a sink has to do before its checkpoint may be written.
struct durable_task {
  /// The sink's name.
  std::string sink;
  unique_function<expected<void>()> run;
};

struct collected_checkpoint {
  checkpoint what;
  std::vector<durable_task> to_make_durable;
};

class checkpoint_round {
public:
  /// `about` says which checkpoint of which job it is and how the job is made up; what instances say is
  /// filled in here. Its kind decides who answers: at a `begun` one, before anything runs, sources and
  /// services; behind the end, at a `finished` one, nobody; else all. `began`: when it did.
  checkpoint_round(manifest about, time_point began);

  std::uint64_t id() const noexcept { return about_.checkpoint; }

  // -- what instances answer; `instance` counts through the stages in their order --

  /// Whether it was asked for: of this round, not answered yet, and the round not given up. What was not
  /// changes nothing.
  bool saved(std::uint64_t id, std::uint32_t instance, saved_instance what);

  /// The instance cannot save its state. The round has failed, and takes no more answers.
  bool unsaved(std::uint64_t id, std::uint32_t instance, const error& why);

  // -- what came of it --

  /// All have answered.
  bool is_complete() const noexcept { return !refusal_ && answers_ == expected_; }

  /// Why it has failed; begins with the name of the stage.
  const std::optional<error>& refusal() const noexcept { return refusal_; }

  /// Who has not answered yet is a sink, which may wait for its reader; all others do not wait.
  bool waits_for_sinks_alone() const noexcept;

  /// Who has not answered, for a person: "operator origin (2 of 4 instances), sink out".
  std::string missing() const;

  /// All that was answered; once, when it is complete. `made_at_ms`: see `manifest`.
  collected_checkpoint take(time_point now, std::int64_t made_at_ms);

private:
  struct place {
    std::uint32_t stage = 0;
    std::uint32_t instance = 0;
    bool is_asked = false;
    std::optional<saved_instance> answer{};
  };

  /// Null where no answer is waited for.
  place* waits_for(std::uint64_t id, std::uint32_t instance) noexcept;

  manifest about_;
  const time_point began_;
  std::vector<place> places_;
  std::size_t expected_ = 0;
  std::size_t answers_ = 0;
  std::optional<error> refusal_;
};

/// Lets all sinks make their output durable, in order, up to the first that cannot; on the store's thread.
/// The error names the sink.
expected<void> make_durable(std::vector<durable_task>& of);

/// The manifest that says that a run is finished: the checkpoint `id`, behind the run's last one and what
/// was counted up to that. It holds nothing to go on with.
manifest finished_behind(manifest last, std::uint64_t id, std::int64_t made_at_ms);

} // namespace weir
