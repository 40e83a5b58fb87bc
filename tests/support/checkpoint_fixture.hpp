// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A job_fixture whose job makes checkpoints, in memory and virtual time. What the store does is in the
/// transcript. `crash_and_start` goes on from the newest checkpoint as a new process would. At every commit
/// it is seen to that the checkpoint is stored.

#include "job_fixture.hpp"

#include "weir/compare_jobs.hpp"
#include "weir/memory_store.hpp"
#include "weir/prepared_launch.hpp"
#include "weir/queued_work.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir::testing {

/// Notes what is done with a store.
class noting_store final : public checkpoint_store {
public:
  noting_store(std::shared_ptr<checkpoint_store> in, journal& log)
    : in_(std::move(in)),
      log_(log) {}

  expected<void> claim(const std::string& job) override { return in_->claim(job); }
  void release() noexcept override { in_->release(); }
  expected<std::vector<run_in_store>> runs() override { return in_->runs(); }
  expected<manifest> about(std::uint64_t run, std::uint64_t id) override {
    return in_->about(run, id);
  }
  expected<checkpoint> load(std::uint64_t run, std::uint64_t id) override {
    return in_->load(run, id);
  }
  expected<void> set_aside(std::uint64_t run, std::uint64_t id) override {
    return in_->set_aside(run, id);
  }

  expected<std::uint64_t> write(checkpoint& what) override {
    static constexpr const char* kinds[] = {"", "begun", "", "stopped", "drained", "finished"};
    const std::string kind = kinds[static_cast<int>(what.about.kind)];
    const auto id = what.about.checkpoint;
    auto done = in_->write(what);
    log_.note("write " + std::to_string(id) + (kind.empty() ? "" : " " + kind)
              + (done ? "" : ": " + std::string{done.why().kind()}));
    return done;
  }
  expected<void> remove(std::uint64_t run, std::uint64_t id) override {
    log_.note("remove " + std::to_string(id));
    return in_->remove(run, id);
  }
  expected<void> remove_run(std::uint64_t run) override {
    log_.note("remove run " + std::to_string(run));
    return in_->remove_run(run);
  }

private:
  std::shared_ptr<checkpoint_store> in_;
  journal& log_;
};

struct checkpoint_fixture : job_fixture {
  checkpoint_fixture() {
    settings.log
      = [this](const log_entry& what) { told.push_back(what.thing + ": " + what.message); };
    settings.wall_clock = [this] { return event_time{wall_ms}; };
    auto& with = settings.checkpoints.emplace();
    with.store = std::make_shared<noting_store>(memory_store(memory), log);
    BOOST_TEST_REQUIRE(with.store->claim("test").has_value());
    with.on = &work;
    with.timing.interval = ms{100};
    with.run.job = "test";
    with.run.run.bytes.fill(7);
    with.run.run_number = 1;
    world.watch([this](caf::scheduled_actor&, const caf::type_erased_tuple& what) {
      if (what.match_elements<commit_request>())
        look_at(what.get_as<commit_request>(0));
    });
  }

  ~checkpoint_fixture() {
    end_job();
    // So that a test of it cannot pass by seeing none.
    BOOST_TEST((commits > 0 || !expects_commits));
  }

  launch_checkpoints& checkpoints() { return *settings.checkpoints; }

  bool try_to_launch() {
    describe();
    return try_to_start().empty();
  }

  void start() {
    describe();
    job_fixture::start();
  }

  /// All actors end; nothing that was prepared is touched.
  void crash() {
    log.muted = true;
    if (!result)
      cancel();
    log.muted = false;
    runner.reset();
    result.reset();
    started = false;
    for (auto& [name, of] : functions)
      of.held.clear();
  }

  /// Goes on from the newest checkpoint.
  void start_again() {
    const auto ids = stored();
    BOOST_TEST_REQUIRE(!ids.empty());
    auto from = checkpoints().store->load(checkpoints().run.run_number, ids.back());
    BOOST_TEST_REQUIRE(from.has_value());
    auto state = state_for(plan, *std::move(from));
    BOOST_TEST_REQUIRE(state.has_value());
    checkpoints().from = *std::move(state);
    start();
  }

  void crash_and_start() {
    crash();
    start_again();
  }

  void answer_at_once() {
    functions["op"].answer = [](int x, result_future<int> done) { done.complete(10 * x); };
  }

  /// Until the next checkpoint is due.
  void next_checkpoint() { advance(checkpoints().timing.interval); }

  /// Each call `step` of the store fails, so many times.
  void let_store_fail(std::string step, int times = 1) {
    memory->at_each_step([step, left = std::make_shared<int>(times)](checkpoint_memory::step at) {
      return at == step && (*left)-- > 0 ? expected<void>{error{"io", "disk", "it is full"}}
                                         : expected<void>{};
    });
  }

  /// The store does nothing that it is given, until it is let go.
  void hold_store() { work.hold(true); }
  void let_store_go() {
    work.hold(false);
    world.run();
  }

  void stop() {
    runner->stop();
    world.run();
  }

  /// How the job is made up.
  void describe() {
    auto of = plan.describe();
    checkpoints().run.stages = std::move(of.stages);
    checkpoints().run.edges = std::move(of.edges);
  }

  // -- what came of it --

  checkpoint_status counts() { return runner->status().checkpoints.value(); }

  /// What there is of the run.
  std::vector<std::uint64_t> stored() {
    const auto all = checkpoints().store->runs();
    for (const auto& each : *all)
      if (each.number == checkpoints().run.run_number)
        return each.checkpoints;
    return {};
  }

  manifest about(std::uint64_t id) {
    return *checkpoints().store->about(checkpoints().run.run_number, id);
  }

  /// What was told since this was last asked.
  std::string said() {
    std::string lines;
    for (const auto& each : std::exchange(told, {}))
      lines += each + "\n";
    return lines;
  }

  std::shared_ptr<checkpoint_memory> memory = std::make_shared<checkpoint_memory>();
  queued_work work{world};
  std::vector<std::string> told;
  std::int64_t wall_ms = 1'000;
  int commits = 0;
  bool expects_commits = true;

private:
  /// Nothing is committed that is not stored.
  void look_at(const commit_request& what) {
    if (!settings.checkpoints)
      return;
    ++commits;
    const auto ids = stored();
    BOOST_TEST((std::find(ids.begin(), ids.end(), what.checkpoint) != ids.end()),
               "checkpoint " << what.checkpoint << " is committed and not stored");
  }
};

} // namespace weir::testing
