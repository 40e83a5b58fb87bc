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

/// What may be done where the newest checkpoint is none.
error with_ways_out(const error& why, std::uint64_t run, std::uint64_t id) {
  if (!why.is(error_kind::damaged) && !why.is(error_kind::incompatible))
    return why;
  return {why.kind(), why.thing(),
          why.message() + "; it is checkpoint " + std::to_string(id) + ", the newest of run "
            + std::to_string(run) + ": start from an older one, or begin a fresh run"};
}

} // namespace

expected<start_choice> choose_start(checkpoint_store& store, const job_description& job,
                                    const start_wishes& how) {
  const auto runs = store.runs();
  if (!runs)
    return runs.why();
  start_choice choice;
  const auto* const run = run_of(*runs, how);
  if (run == nullptr || how.fresh) {
    choice.run_number = how.run ? *how.run : run == nullptr ? 1 : run->number + 1;
    return choice;
  }
  choice.run_number = run->number;
  const auto newest = run->checkpoints.back();
  auto from = store.load(run->number, newest);
  if (!from)
    return with_ways_out(from.why(), run->number, newest);
  choice.from = std::make_shared<checkpoint>(*std::move(from));
  if (choice.from->about.kind == checkpoint_kind::finished) {
    choice.kind = start_kind::finished;
    return choice;
  }
  choice.kind = start_kind::restored;
  choice.changes = compare_jobs(choice.from->about, job, how.drop_state);
  return choice;
}

} // namespace weir
