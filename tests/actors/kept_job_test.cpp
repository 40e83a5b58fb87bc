// SPDX-License-Identifier: Apache-2.0

// A job with checkpoints that fails and starts again inside the process: each launch goes on from the newest
// checkpoint that there is when the one before has left nothing more to be done.

#include "../support/checkpoint_fixture.hpp"

#include "weir/job_keeper.hpp"

#include <caf/actor_cast.hpp>

#include <string_view>

using namespace std::chrono_literals;
using weir::error;
using weir::expected;
using weir::fixed_delay_restart;
using weir::job_end;
using weir::testing::checkpoint_fixture;

namespace {

struct kept_job : checkpoint_fixture {
  kept_job() {
    add_line();
    plan.restart = weir::fixed_delay_restart{.max_restarts = 10, .delay = 2s};
  }

  ~kept_job() {
    world.watch(nullptr);
    if (keeper && !result) {
      keeper->cancel();
      work->hold(false);
      world.run();
      BOOST_TEST(result.has_value());
    }
  }

  void begin() {
    describe();
    weir::keeper_settings how{settings};
    auto queue = std::make_unique<weir::queued_work>(world);
    work = queue.get();
    how.on = std::move(queue);
    how.newest = [this]() -> expected<std::shared_ptr<weir::launch_state>> {
      const auto ids = stored();
      if (ids.empty())
        return std::shared_ptr<weir::launch_state>{};
      auto from = checkpoints().store->load(1, ids.back());
      if (!from)
        return std::move(from).why();
      return weir::state_for(plan, *std::move(from));
    };
    keeper = std::make_unique<weir::job_keeper>(world.system(), plan, std::move(how));
    BOOST_TEST_REQUIRE(keeper
                         ->start([this](weir::job_result with) {
                           log.note("ended " + text(with));
                           result = std::move(with);
                         })
                         .empty());
    world.run();
    transcript();
  }

  /// The launch that runs fails at this record.
  void fail_launch(int record) {
    auto failing = functions["op"].take(record);
    failing.fail({"io", "service", "it is away"});
    functions["op"].held.clear();
    world.run();
    transcript();
  }

  /// Each launch fails at this record, and is gone, while the store writes a checkpoint.
  void fail_in_write(int record) {
    memory->at_each_step([this, record](std::string_view at) -> expected<void> {
      auto& held = functions["op"].held;
      if (at != "write" || held.empty())
        return {};
      auto failing = functions["op"].take(record);
      failing.fail({"io", "service", "it is away"});
      held.clear();
      world.run_messages();
      return {};
    });
  }

  /// While the second launch looks for its checkpoint, and does not come to it.
  void end_while_it_cannot_start(const std::function<void()>& end,
                                 const error& why = {"io", "disk", "it is away"}) {
    begin();
    push({1});
    next_checkpoint();
    memory->at_each_step([end, why](std::string_view at) -> expected<void> {
      if (at != "load")
        return {};
      end();
      return why;
    });
    fail_launch(1);
    advance(2s);
  }

  /// The launch fails behind the last commit, and hears of that before it hears that all is visible, while the
  /// store notes that the run is finished.
  void fail_behind_last_commit() {
    world.watch([this, job = caf::actor{}, failed = false](caf::scheduled_actor& who,
                                                           const caf::type_erased_tuple& what) mutable {
      if (std::string_view{who.name()} == "weir.job")
        job = caf::actor_cast<caf::actor>(&who);
      if (!what.match_elements<weir::instance_committed>() || std::exchange(failed, true))
        return;
      caf::anon_send(job, weir::stage_failure{{"io", "pool store", "it is away"}, {}});
      weir::checkpoint marker;
      marker.about = about(1);
      marker.about.checkpoint = 2;
      marker.about.kind = weir::checkpoint_kind::finished;
      BOOST_TEST(checkpoints().store->write(marker).has_value());
    });
  }

  weir::queued_work* work = nullptr;
  std::unique_ptr<weir::job_keeper> keeper;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(kept_jobs, kept_job)

BOOST_AUTO_TEST_CASE(a_job_that_fails_goes_on_from_its_newest_checkpoint) {
  begin();
  push({1, 2});
  complete(1);
  next_checkpoint();
  push({3});
  fail_launch(2);
  advance(2s);
  BOOST_TEST(transcript()
             == "open out\nopen op\nopen in\nrecover out 1 up to 1\ncall op 2\ncall op 3\n");
  BOOST_TEST(keeper->status().checkpoints->restored_from.value() == 1u);
  next_checkpoint();
  // What launches before have made counts.
  BOOST_TEST(keeper->status().checkpoints->completed == 2u);
  BOOST_TEST(keeper->status().restarts == 1u);
}

BOOST_AUTO_TEST_CASE(a_checkpoint_that_the_store_was_writing_is_the_next_launchs) {
  expects_commits = false;
  begin();
  push({1});
  memory->at_each_step([this](std::string_view at) -> expected<void> {
    // The launch fails while the store is at it.
    if (at == "write" && !functions["op"].held.empty()) {
      auto failing = functions["op"].take(1);
      failing.fail({"io", "service", "it is away"});
    }
    return {};
  });
  next_checkpoint();
  transcript();
  advance(2s);
  BOOST_TEST(transcript() == "open out\nopen op\nopen in\nrecover out 1 up to 1\ncall op 1\n");
}

BOOST_AUTO_TEST_CASE(one_that_is_durable_when_its_launch_has_ended_counts_all_the_same) {
  expects_commits = false;
  plan.restart = weir::exponential_delay_restart{.max_restarts = 1};
  begin();
  push({1});
  fail_in_write(1);
  for (std::uint64_t i = 1; i <= 3; ++i) {
    next_checkpoint();
    BOOST_REQUIRE(!result.has_value());
    BOOST_TEST(keeper->status().checkpoints->completed == i);
    BOOST_TEST(keeper->status().checkpoints->last.value() == i);
    if (i < 3)
      advance(1s);
  }
  // And it is what a stop leaves behind.
  keeper->stop();
  world.run();
  BOOST_TEST(text(*result) == "stopped at 3, 1 held");
}

BOOST_AUTO_TEST_CASE(a_job_that_ends_for_good_while_one_is_written_names_it) {
  expects_commits = false;
  plan.restart = fixed_delay_restart{.max_restarts = 1, .delay = 0s};
  begin();
  push({1});
  fail_launch(1);
  fail_in_write(1);
  next_checkpoint();
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(text(*result) == "failed operator op io at record 0/0");
  BOOST_TEST(result->checkpoint.value() == 1u);
  BOOST_TEST(result->held == 1u);
}

BOOST_AUTO_TEST_CASE(one_that_it_had_not_begun_with_is_none) {
  expects_commits = false;
  begin();
  push({1});
  work->hold(true);
  next_checkpoint();
  fail_launch(1);
  work->hold(false);
  world.run();
  advance(2s);
  BOOST_TEST(transcript() == "open out\nopen op\nopen in\nrecover out 0\ncall op 1\n");
  BOOST_TEST((stored() == std::vector<std::uint64_t>{0}));
}

BOOST_AUTO_TEST_CASE(lost_output_is_read_again) {
  answer_at_once();
  begin();
  push({1});
  sinks["out"].durable_error = error{"io", "part", "it cannot be synced"};
  next_checkpoint();
  sinks["out"].durable_error.reset();
  transcript();
  advance(2s);
  BOOST_TEST(transcript()
             == "open out\nopen op\nopen in\nrecover out 0\ncall op 1\nwrite out 10\n");
  next_checkpoint();
}

BOOST_AUTO_TEST_CASE(a_job_that_is_stopped_while_it_waits_to_start_again_is_stopped_where_it_was) {
  begin();
  push({1});
  next_checkpoint();
  fail_launch(1);
  keeper->stop();
  world.run();
  BOOST_TEST(transcript() == "ended stopped at 1, 1 held\n");
}

BOOST_AUTO_TEST_CASE(one_that_is_stopped_while_it_cannot_start_again_is_stopped_where_it_was) {
  end_while_it_cannot_start([this] { keeper->stop(); });
  BOOST_TEST(transcript() == "ended stopped at 1, 1 held\n");
}

// It cannot be said to be where it was: no start goes on from there.
BOOST_AUTO_TEST_CASE(one_that_is_stopped_while_its_checkpoint_is_found_damaged_has_failed) {
  end_while_it_cannot_start([this] { keeper->stop(); },
                            {weir::error_kind::damaged, "MANIFEST", "it is not what was written"});
  BOOST_TEST(text(*result) == "failed MANIFEST damaged");
}

BOOST_AUTO_TEST_CASE(one_that_is_cancelled_while_it_cannot_start_again_is_cancelled) {
  end_while_it_cannot_start([this] { keeper->cancel(); });
  BOOST_TEST(transcript() == "ended cancelled\n");
  BOOST_TEST(result->checkpoint.value() == 1u);
  BOOST_TEST(result->held == 1u);
}

BOOST_AUTO_TEST_CASE(one_that_runs_is_stopped_by_a_last_checkpoint) {
  begin();
  push({1});
  keeper->stop();
  keeper->stop();
  world.run();
  BOOST_TEST(text(*result) == "stopped at 1, 1 held");
}

BOOST_AUTO_TEST_CASE(one_that_fails_while_it_is_stopped_does_not_start_again) {
  expects_commits = false;
  begin();
  push({1});
  work->hold(true);
  keeper->stop();
  auto failing = functions["op"].take(1);
  failing.fail({"io", "service", "it is away"});
  world.run();
  BOOST_TEST(!result.has_value());
  work->hold(false);
  world.run();
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(text(*result) == "failed operator op io at record 0/0");
}

BOOST_AUTO_TEST_CASE(one_that_fails_when_all_of_its_output_is_visible_is_done) {
  expects_commits = false;
  answer_at_once();
  begin();
  push({1});
  fail_behind_last_commit();
  end();
  BOOST_TEST(!result.has_value());
  BOOST_TEST(said()
             == "job test: it failed: pool store: it is away (io); it starts again in 2 s (restart 1 of 10)\n");
  transcript();
  advance(2s);
  BOOST_TEST(transcript() == "ended done\n");
  BOOST_TEST(said() == "job test: it was finished when it failed: there is nothing more to be done\n");
  BOOST_TEST(result->checkpoint.value() == 2u);
  BOOST_TEST(result->held == 0u);
  BOOST_TEST(result->restarts == 1u);
}

BOOST_AUTO_TEST_CASE(a_complete_checkpoint_gives_all_restarts_back) {
  plan.restart = weir::exponential_delay_restart{.max_restarts = 1};
  begin();
  push({1});
  for (int i = 0; i < 3; ++i) {
    next_checkpoint();
    fail_launch(1);
    BOOST_TEST(!result.has_value());
    advance(1s);
  }
  // Without one between them two failures are too many.
  fail_launch(1);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST((result->end == job_end::failed));
  BOOST_TEST(keeper->status().checkpoints->completed == 3u);
}

BOOST_AUTO_TEST_CASE(a_store_that_is_away_when_a_launch_begins_is_asked_again_by_the_next) {
  begin();
  push({1});
  next_checkpoint();
  let_store_fail("load");
  fail_launch(1);
  advance(2s);
  BOOST_TEST(transcript() == "");
  advance(2s);
  BOOST_TEST(transcript() == "open out\nopen op\nopen in\nrecover out 1 up to 1\ncall op 1\n");
  BOOST_TEST(keeper->status().restarts == 2u);
}

BOOST_AUTO_TEST_CASE(one_whose_newest_checkpoint_is_damaged_has_failed) {
  begin();
  push({1});
  next_checkpoint();
  memory->at_each_step([](std::string_view at) -> expected<void> {
    if (at == "load")
      return error{weir::error_kind::damaged, "MANIFEST", "it is not what was written"};
    return {};
  });
  fail_launch(1);
  advance(2s);
  BOOST_TEST(text(*result) == "failed MANIFEST damaged");
  BOOST_TEST(result->checkpoint.value() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
