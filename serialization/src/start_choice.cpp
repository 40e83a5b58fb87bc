// SPDX-License-Identifier: Apache-2.0
#include "weir/start_choice.hpp"

#include <algorithm>
#include <utility>

namespace weir {

namespace {

/// The run to look at; null: there is none yet.
const run_in_store* run_of(const std::vector<run_in_store>& all, const start_wishes& how) {
  if (!how.run)
    return all.empty() ? nullptr : &all.back();
  const auto at = std::find_if(all.begin(), all.end(),
                               [&](const run_in_store& each) { return each.number == *how.run; });
  return at == all.end() ? nullptr : &*at;
}

/// What may be done where a checkpoint is none.
error with_ways_out(const error& why, std::uint64_t run, std::uint64_t id, bool is_newest) {
  if (!why.is(error_kind::damaged) && !why.is(error_kind::incompatible))
    return why;
  if (!is_newest)
    return {why.kind(), why.thing(),
            why.message() + "; it is checkpoint " + std::to_string(id) + " of run "
              + std::to_string(run) + ": start from another one (from), or begin a fresh run (fresh)"};
  return {why.kind(), why.thing(),
          why.message() + "; it is checkpoint " + std::to_string(id) + ", the newest of run "
            + std::to_string(run)
            + ": start from an older one (from), or begin a fresh run (fresh)"};
}

/// For a person: "15, 16, 17".
std::string list_of(const std::vector<std::uint64_t>& ids) {
  std::string all;
  for (const auto id : ids)
    all += (all.empty() ? "" : ", ") + std::to_string(id);
  return all;
}

/// Loads the checkpoint to go on from; those that are damaged are passed over where that is wished.
expected<void> load(checkpoint_store& store, const run_in_store& run, const start_wishes& how,
                    start_choice& choice) {
  auto ids = run.checkpoints;
  if (how.checkpoint) {
    const auto at = std::find(ids.begin(), ids.end(), *how.checkpoint);
    if (at == ids.end())
      return error{error_kind::argument, "checkpoint " + std::to_string(*how.checkpoint),
                   "run " + std::to_string(run.number) + " has none of this number, but "
                     + list_of(ids)};
    choice.newer.assign(at + 1, ids.end());
    ids.erase(at + 1, ids.end());
  }
  for (;;) {
    const auto id = ids.back();
    auto from = store.load(run.number, id);
    if (from) {
      choice.from = std::make_shared<checkpoint>(*std::move(from));
      return {};
    }
    const auto& why = from.why();
    if (!how.fall_back || how.checkpoint || !why.is(error_kind::damaged) || ids.size() == 1)
      return with_ways_out(why, run.number, id, id == run.checkpoints.back());
    choice.damaged.emplace_back(id, why);
    ids.pop_back();
  }
}

} // namespace

expected<start_choice> choose_start(checkpoint_store& store, const job_description& job,
                                    const start_wishes& how) {
  const auto runs = store.runs();
  if (!runs)
    return runs.why();
  start_choice choice;
  const auto* const run = run_of(*runs, how);
  if (run == nullptr && how.checkpoint)
    return error{error_kind::argument, "checkpoint " + std::to_string(*how.checkpoint),
                 "the job has no checkpoints yet"};
  if (run == nullptr || how.fresh) {
    choice.run_number = how.run ? *how.run : run == nullptr ? 1 : run->number + 1;
    return choice;
  }
  choice.run_number = run->number;
  if (auto loaded = load(store, *run, how, choice); !loaded)
    return std::move(loaded).why();
  if (choice.from->about.kind == checkpoint_kind::finished) {
    choice.kind = start_kind::finished;
    return choice;
  }
  choice.kind = start_kind::restored;
  choice.changes = compare_jobs(choice.from->about, job, how.drop_state);
  return choice;
}

} // namespace weir
