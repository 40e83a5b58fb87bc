// SPDX-License-Identifier: Apache-2.0

// The checkpoints of a whole job: how a run begins with one, what happens at each, what is committed when,
// and what becomes of one that fails.

#include "../support/checkpoint_fixture.hpp"
#include "../support/temp_folder.hpp"

#include "checkpoint_writer.hpp"
#include "coordinator.hpp"

#include "weir/directory_store.hpp"

#include <caf/event_based_actor.hpp>

#include <filesystem>
#include <set>
#include <string>

using namespace std::chrono_literals;
using weir::checkpoint_kind;
using weir::error;
using weir::expected;
using weir::job_end;
using weir::testing::checkpoint_fixture;

namespace {

const error broken{"io", "disk", "it is full"};

/// in -> op -> out, with checkpoint 0 made and its transcript read.
struct line : checkpoint_fixture {
  line() { add_line(); }

  void begin() {
    start();
    transcript();
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(coordinators, line)

// -- the begin --

BOOST_AUTO_TEST_CASE(a_run_begins_with_checkpoint_0_and_then_sinks_recover_and_then_it_reads) {
  expects_commits = false;
  hold_store();
  start();
  BOOST_TEST(transcript() == "open out\nopen op\nopen in\n");
  BOOST_TEST(!counts().last.has_value());
  let_store_go();
  BOOST_TEST(transcript() == "write 0 begun\nrecover out 0\n");
  BOOST_TEST(sources["in"].polls == 1u);
  const auto begun = about(0);
  BOOST_TEST((begun.kind == checkpoint_kind::begun));
  BOOST_REQUIRE(begun.instances.size() == 1u);
  BOOST_TEST(begun.instances[0].summary.positions.at(0).position == "0");
  BOOST_TEST(counts().last.value() == 0u);
  BOOST_TEST(counts().completed == 0u);
}

BOOST_AUTO_TEST_CASE(nothing_is_read_before_all_sinks_have_recovered_whoever_is_first) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    line of;
    of.expects_commits = false;
    of.add_dead_letter_sink("op", "bad");
    of.sources["in"].items.push_back({1});
    of.world.shuffle(seed);
    of.start();
    const auto all = of.transcript();
    const auto reads = all.find("call op 1");
    BOOST_REQUIRE(reads != std::string::npos);
    BOOST_TEST(all.find("write 0 begun") < all.find("recover out 0"), "seed " << seed);
    BOOST_TEST(all.find("recover out 0") < reads, "seed " << seed);
    BOOST_TEST(all.find("recover bad 0") < reads, "seed " << seed);
  }
  expects_commits = false;
}

BOOST_AUTO_TEST_CASE(runs_before_it_go_when_checkpoint_0_is_durable) {
  expects_commits = false;
  weir::checkpoint old;
  old.about.job = "test";
  old.about.run_number = 1;
  BOOST_TEST(checkpoints().store->write(old).has_value());
  transcript();
  checkpoints().run.run_number = 2;
  start();
  BOOST_TEST(transcript()
             == "open out\nopen op\nopen in\nwrite 0 begun\nremove run 1\nrecover out 0\n");
}

BOOST_AUTO_TEST_CASE(a_run_whose_checkpoint_0_cannot_be_stored_does_not_begin) {
  expects_commits = false;
  let_store_fail("write");
  start();
  BOOST_TEST(transcript()
             == "open out\nopen op\nopen in\nwrite 0 begun: io\nclose in\nclose op\nabandon out\n"
                "ended failed disk io\n");
  BOOST_TEST(sources["in"].polls == 0u);
}

BOOST_AUTO_TEST_CASE(nor_one_whose_source_cannot_say_where_it_stands) {
  expects_commits = false;
  sources["in"].position_error = broken;
  start();
  BOOST_TEST(transcript()
             == "open out\nopen op\nopen in\nclose in\nclose op\nabandon out\n"
                "ended failed source in io\n");
  BOOST_TEST(stored().empty());
}

BOOST_AUTO_TEST_CASE(nor_one_whose_sink_cannot_recover) {
  expects_commits = false;
  sinks["out"].recover_error = broken;
  start();
  BOOST_TEST(transcript()
             == "open out\nopen op\nopen in\nwrite 0 begun\nclose in\nclose op\nabandon out\n"
                "ended failed disk io\n");
  BOOST_TEST(sources["in"].polls == 0u);
}

BOOST_AUTO_TEST_CASE(what_a_start_removes_checkpoint_0_says_so_that_the_next_goes_on_with_it) {
  expects_commits = false;
  checkpoints().run.removes_old_output = true;
  sinks["out"].recover_error = broken;
  start();
  BOOST_TEST(about(0).removes_old_output);
}

BOOST_AUTO_TEST_CASE(keeping_partial_output_and_checkpoints_do_not_go_together) {
  expects_commits = false;
  settings.keep_partial = true;
  BOOST_TEST(!try_to_launch());
}

// -- one checkpoint after the other --

BOOST_AUTO_TEST_CASE(a_checkpoint_is_made_durable_then_stored_and_then_committed) {
  begin();
  push({1, 2});
  complete(1);
  transcript();
  next_checkpoint();
  BOOST_TEST(transcript() == "prepare out 1\nmake durable out 1\nwrite 1\ncommit out 1\n");
  const auto made = about(1);
  BOOST_TEST((made.kind == checkpoint_kind::running));
  BOOST_TEST(made.run.bytes[0] == 7u);
  BOOST_TEST(made.made_at_ms == 1'000);
  BOOST_REQUIRE(made.instances.size() == 3u);
  BOOST_TEST(made.instances[0].summary.positions.at(0).position == "2");
  BOOST_TEST(made.instances[1].summary.entries.running == 1u);
  BOOST_TEST(made.instances[2].summary.pending_output == "up to 1");
  const auto now = counts();
  BOOST_TEST(now.completed == 1u);
  BOOST_TEST(now.last.value() == 1u);
  BOOST_TEST(now.held == 1u);
  BOOST_TEST(now.last_bytes > 0u);
  BOOST_TEST(now.last_made_at_ms == 1'000);
}

BOOST_AUTO_TEST_CASE(the_newest_are_kept) {
  begin();
  next_checkpoint();
  next_checkpoint();
  BOOST_TEST(transcript()
             == "prepare out 1\nmake durable out 1\nwrite 1\ncommit out 1\n"
                "prepare out 2\nmake durable out 2\nwrite 2\nremove 0\ncommit out 2\n");
  BOOST_TEST((stored() == std::vector<std::uint64_t>{1, 2}));
  next_checkpoint();
  BOOST_TEST((stored() == std::vector<std::uint64_t>{2, 3}));
}

BOOST_AUTO_TEST_CASE(an_old_one_that_cannot_be_removed_is_said_and_in_nobodys_way) {
  begin();
  let_store_fail("remove", 2);
  for (int i = 0; i < 3; ++i)
    next_checkpoint();
  BOOST_TEST(counts().completed == 3u);
  BOOST_TEST(counts().failed() == 0u);
  BOOST_TEST(
    said()
    == "checkpoint store: an old checkpoint could not be removed: disk: it is full (io); it is "
       "tried again behind the next one\n");
  next_checkpoint();
  BOOST_TEST((stored() == std::vector<std::uint64_t>{3, 4}));
}

BOOST_AUTO_TEST_CASE(what_writes_and_removals_have_left_goes_behind_a_checkpoint) {
  expects_commits = false;
  const weir::testing::temp_folder folder;
  const auto store = weir::directory_store(folder.path("cp"));
  BOOST_TEST_REQUIRE(store->claim("test").has_value());
  weir::checkpoint_writer writer{store, 2, {}};
  weir::collected_checkpoint all;
  all.what.about.job = "test";
  all.what.about.run_number = 1;
  all.what.about.checkpoint = 17;
  BOOST_TEST_REQUIRE(writer.write(all).bytes.has_value());
  for (const auto* each : {"run-0000000001/chk-0000000016.tmp", "run-0000000000.tmp"}) {
    std::filesystem::create_directory(folder.path("cp/test/" + std::string{each}));
    folder.write("cp/test/" + std::string{each} + "/MANIFEST", "");
  }
  writer.prune(1, weir::time_point{});
  BOOST_TEST((folder.names("cp/test") == std::set<std::string>{"LOCK", "run-0000000001"}));
  BOOST_TEST((folder.names("cp/test/run-0000000001") == std::set<std::string>{"chk-0000000017"}));
}

BOOST_AUTO_TEST_CASE(all_sinks_commit) {
  add_dead_letter_sink("op", "bad");
  begin();
  next_checkpoint();
  BOOST_TEST(transcript()
             == "prepare out 1\nprepare bad 1\nmake durable out 1\nmake durable bad 1\nwrite 1\n"
                "commit out 1\ncommit bad 1\n");
}

// -- those that fail --

BOOST_AUTO_TEST_CASE(a_refused_checkpoint_is_counted_and_the_stream_goes_on) {
  answer_at_once();
  begin();
  push({1});
  transcript();
  sources["in"].position_error = broken;
  next_checkpoint();
  BOOST_TEST(transcript() == "prepare out 1\n");
  BOOST_TEST(counts().refused == 1u);
  BOOST_TEST(
    said()
    == "checkpoint 1: it failed: source in: disk: it is full (io); the job goes on, the last "
       "complete one is 0 (1 failure in a row)\n");
  sources["in"].position_error.reset();
  push({2});
  next_checkpoint();
  // What was prepared for 1 belongs to 2.
  BOOST_TEST(
    transcript()
    == "call op 2\nwrite out 20\nprepare out 2\nmake durable out 2\nwrite 2\ncommit out 2\n");
  BOOST_TEST(counts().completed == 1u);
}

BOOST_AUTO_TEST_CASE(one_that_takes_too_long_is_given_up_and_its_late_answers_change_nothing) {
  answer_at_once();
  checkpoints().timing.timeout = 50ms;
  begin();
  sinks["out"].appetite = 0;
  push({1});
  transcript();
  advance(149ms);
  BOOST_TEST(counts().timed_out == 0u);
  advance(1ms);
  BOOST_TEST(counts().timed_out == 1u);
  BOOST_TEST(
    said()
    == "checkpoint 1: it failed: checkpoint 1: there is no answer yet of sink out "
       "(timeout_error); the job goes on, the last complete one is 0 (1 failure in a row)\n");
  feed(10);
  BOOST_TEST(transcript() == "write out 10\nprepare out 1\n");
  BOOST_TEST((stored() == std::vector<std::uint64_t>{0}));
  next_checkpoint();
  BOOST_TEST(transcript() == "prepare out 2\nmake durable out 2\nwrite 2\ncommit out 2\n");
}

BOOST_AUTO_TEST_CASE(one_that_the_store_refuses_is_counted_and_nothing_of_it_is_committed) {
  begin();
  let_store_fail("write");
  next_checkpoint();
  BOOST_TEST(transcript() == "prepare out 1\nmake durable out 1\nwrite 1: io\n");
  BOOST_TEST(counts().not_stored == 1u);
  BOOST_TEST(
    said()
    == "checkpoint 1: it failed: disk: it is full (io); the job goes on, the last complete one "
       "is 0 (1 failure in a row)\n");
  next_checkpoint();
  BOOST_TEST(transcript() == "prepare out 2\nmake durable out 2\nwrite 2\ncommit out 2\n");
}

BOOST_AUTO_TEST_CASE(
  one_that_is_whole_although_its_write_failed_is_not_committed_and_not_written_again) {
  begin();
  let_store_fail("written");
  next_checkpoint();
  BOOST_TEST(transcript() == "prepare out 1\nmake durable out 1\nwrite 1: io\n");
  BOOST_TEST((stored() == std::vector<std::uint64_t>{0, 1}));
  // A start may go on from it all the same.
  crash_and_start();
  BOOST_TEST(transcript() == "open out\nopen op\nopen in\nrecover out 1 up to 1\n");
  next_checkpoint();
  BOOST_TEST(transcript()
             == "prepare out 2\nmake durable out 2\nwrite 2\nremove 0\ncommit out 2\n");
}

BOOST_AUTO_TEST_CASE(a_store_that_throws_fails_the_checkpoint_alone) {
  begin();
  memory->at_each_step([](std::string_view at) -> expected<void> {
    if (at == "write")
      throw std::runtime_error("it is confused");
    return {};
  });
  next_checkpoint();
  BOOST_TEST(counts().not_stored == 1u);
  BOOST_TEST(!result.has_value());
  memory->at_each_step(nullptr);
  next_checkpoint();
  BOOST_TEST(counts().completed == 1u);
}

BOOST_AUTO_TEST_CASE(failures_in_a_row_are_told_once_a_minute) {
  begin();
  let_store_fail("write", 5);
  for (int i = 0; i < 20 && counts().not_stored < 4; ++i)
    next_checkpoint();
  BOOST_TEST(counts().not_stored == 4u);
  BOOST_TEST(told.size() == 1u);
  next_checkpoint();
  advance(60s);
  BOOST_TEST(counts().completed > 0u);
}

BOOST_AUTO_TEST_CASE(output_that_cannot_be_made_durable_ends_the_launch) {
  expects_commits = false;
  checkpoints().timing.concurrent = 2;
  begin();
  sinks["out"].durable_error = broken;
  hold_store();
  next_checkpoint();
  next_checkpoint();
  BOOST_TEST(transcript() == "prepare out 1\nprepare out 2\n");
  let_store_go();
  // Neither the one whose output it was nor the one behind it is written.
  BOOST_TEST(transcript() == "close in\nclose op\nabandon out\nended failed sink out io\n");
  BOOST_TEST(result->stage == "out");
  BOOST_TEST((stored() == std::vector<std::uint64_t>{0}));
}

BOOST_AUTO_TEST_CASE(behind_lost_output_nothing_is_written_before_the_job_hears_of_it_either) {
  expects_commits = false;
  weir::checkpoint_writer writer{checkpoints().store, 2, {}};
  const auto made = [](std::uint64_t id, expected<void> durable) {
    weir::collected_checkpoint all;
    all.what.about.job = "test";
    all.what.about.run_number = 1;
    all.what.about.checkpoint = id;
    all.to_make_durable.push_back({"out", [durable] { return durable; }});
    return all;
  };
  auto sound = made(1, {});
  BOOST_TEST(writer.write(sound).bytes.has_value());
  auto lost = made(2, broken);
  BOOST_TEST(writer.write(lost).output_lost);
  auto behind = made(3, {});
  const auto outcome = writer.write(behind);
  BOOST_TEST(outcome.output_lost);
  BOOST_TEST(!outcome.bytes.has_value());
  BOOST_TEST((stored() == std::vector<std::uint64_t>{1}));
}

BOOST_AUTO_TEST_CASE(more_failures_in_a_row_than_are_borne_fail_the_job) {
  checkpoints().timing.tolerated_failures = 1;
  begin();
  let_store_fail("write");
  next_checkpoint();
  next_checkpoint();
  BOOST_TEST(counts().completed == 1u);
  let_store_fail("write", 2);
  next_checkpoint();
  BOOST_TEST(!result.has_value());
  transcript();
  advance(200ms);
  BOOST_TEST(transcript()
             == "prepare out 4\nmake durable out 4\nwrite 4: io\nclose in\nclose op\nabandon out\n"
                "ended failed checkpoint 4 io\n");
  BOOST_TEST(
    result->why.front().text()
    == "checkpoint 4: disk: it is full; it is failure 2 in a row, and tolerated_failures is 1 "
       "(io)");
  BOOST_TEST(result->checkpoint.value() == 2u);
}

BOOST_AUTO_TEST_CASE(a_commit_that_fails_fails_the_job_and_the_output_is_pending) {
  begin();
  sinks["out"].commit_error = broken;
  next_checkpoint();
  BOOST_TEST(transcript()
             == "prepare out 1\nmake durable out 1\nwrite 1\nclose in\nclose op\nabandon out\n"
                "ended failed disk io\n");
  sinks["out"].commit_error.reset();
  crash_and_start();
  BOOST_TEST(transcript() == "open out\nopen op\nopen in\nrecover out 1 up to 1\n");
}

// -- whose commit it is --

namespace {

/// Notes what the coordinator wants of its neighbours, all of whom one actor plays.
caf::behavior play(caf::event_based_actor*, weir::testing::journal* log) {
  return {
    [=](const weir::checkpoint_request& what) {
      log->note("ask for " + std::to_string(what.checkpoint));
    },
    [=](const weir::commit_request& what) {
      log->note("let commit " + std::to_string(what.checkpoint));
    },
    [=](const weir::checkpoint_event& what) {
      log->note(what.what == weir::checkpoint_news::visible     ? "all is visible"
                : what.what == weir::checkpoint_news::last_done ? "last done"
                                                                : "other news");
    },
  };
}

} // namespace

BOOST_AUTO_TEST_CASE(the_commit_of_an_earlier_checkpoint_is_not_that_of_the_last) {
  // GIVEN a source and a sink, played by the test
  expects_commits = false;
  const auto neighbour = world.system().spawn(play, &log);
  auto parts = std::make_shared<weir::coordinator_parts>();
  parts->job = caf::actor_cast<weir::job_actor>(neighbour);
  parts->with = checkpoints();
  parts->with.run.stages = {{"in", weir::stage_role::source}, {"out", weir::stage_role::sink}};
  parts->from = 0;
  parts->sources = {neighbour};
  parts->sinks = {{{1}, neighbour}};
  parts->probe = std::make_shared<weir::checkpoint_probe>();
  parts->read_wall_clock = settings.wall_clock;
  const auto tested = world.system().spawn(weir::coordinator, parts);
  const auto tell = [&](auto what) {
    caf::anon_send(tested, what);
    world.run();
  };
  const auto answer = [&](std::uint64_t id) {
    for (const std::uint32_t each : {0, 1})
      tell(weir::instance_saved{id, {each}, std::make_shared<weir::saved_instance>()});
  };
  // WHEN the last checkpoint is stored while a sink still commits the one before
  world.watch(nullptr);
  tell(weir::checkpoint_order::run);
  next_checkpoint();
  answer(1);
  tell(weir::checkpoint_order::finish);
  answer(2);
  BOOST_TEST(transcript()
             == "ask for 1\nwrite 1\nlet commit 1\nask for 2\nwrite 2\nlet commit 2\n");
  // THEN the run is finished when the sink has committed the last, not before
  tell(weir::instance_committed{1, {1}});
  BOOST_TEST(transcript() == "");
  tell(weir::instance_committed{2, {1}});
  BOOST_TEST(transcript() == "all is visible\nwrite 3 finished\nremove 1\nlast done\n");
  caf::anon_send(tested, weir::stop_request{});
  caf::anon_send_exit(neighbour, caf::exit_reason::kill);
  world.run();
}

// -- a store that takes its time --

BOOST_AUTO_TEST_CASE(a_store_that_hangs_holds_up_checkpoints_and_nothing_else) {
  answer_at_once();
  checkpoints().timing.timeout = 1s;
  checkpoints().timing.min_pause = 50ms;
  begin();
  hold_store();
  advance(1h);
  push({1, 2, 3});
  BOOST_TEST(written().size() == 3u);
  BOOST_TEST(work.waiting() == 1u);
  BOOST_TEST(counts().failed() == 0u);
  transcript();
  // It comes late, and is one.
  let_store_go();
  BOOST_TEST(transcript() == "make durable out 1\nwrite 1\ncommit out 1\n");
  BOOST_TEST((counts().last_took == 1h - 100ms));
  next_checkpoint();
  BOOST_TEST(counts().completed == 2u);
}

BOOST_AUTO_TEST_CASE(as_many_are_under_way_as_may_be) {
  checkpoints().timing.concurrent = 2;
  begin();
  hold_store();
  advance(1s);
  BOOST_TEST(work.waiting() == 2u);
  BOOST_TEST(transcript() == "prepare out 1\nprepare out 2\n");
  let_store_go();
  BOOST_TEST(
    transcript()
    == "make durable out 1\nwrite 1\ncommit out 1\nmake durable out 2\nwrite 2\nremove 0\n"
       "commit out 2\nprepare out 3\nmake durable out 3\nwrite 3\nremove 1\ncommit out 3\n");
}

BOOST_AUTO_TEST_CASE(a_job_that_ends_drops_what_the_store_has_not_begun_with) {
  expects_commits = false;
  begin();
  hold_store();
  next_checkpoint();
  cancel();
  BOOST_TEST(transcript() == "prepare out 1\nclose in\nclose op\nabandon out\nended cancelled\n");
  let_store_go();
  BOOST_TEST(transcript() == "");
  BOOST_TEST((stored() == std::vector<std::uint64_t>{0}));
}

BOOST_AUTO_TEST_CASE(what_it_has_begun_with_is_there_for_the_next_launch) {
  begin();
  memory->at_each_step([this](std::string_view at) -> expected<void> {
    if (at == "write")
      runner->cancel();
    return {};
  });
  next_checkpoint();
  BOOST_TEST(transcript()
             == "prepare out 1\nmake durable out 1\nwrite 1\nclose in\nclose op\nabandon out\n"
                "ended cancelled\n");
  BOOST_TEST((result->end == job_end::cancelled));
  memory->at_each_step(nullptr);
  expects_commits = false;
  crash_and_start();
  BOOST_TEST(transcript() == "open out\nopen op\nopen in\nrecover out 1 up to 1\n");
}

// -- going on --

BOOST_AUTO_TEST_CASE(a_launch_goes_on_where_its_checkpoint_was) {
  begin();
  push({1, 2, 3});
  complete(1);
  complete(3);
  transcript();
  next_checkpoint();
  push({4});
  complete(2);
  BOOST_TEST(
    transcript()
    == "prepare out 1\nmake durable out 1\nwrite 1\ncommit out 1\ncall op 4\nwrite out 20\n"
       "write out 30\n");
  crash_and_start();
  BOOST_TEST(transcript()
             == "open out\nopen op\nopen in\nrecover out 1 up to 1\ncall op 2\ncall op 4\n");
  BOOST_TEST(counts().restored_from.value() == 1u);
  BOOST_TEST(counts().last.value() == 1u);
  complete(2);
  complete(4);
  BOOST_TEST(transcript() == "write out 20\nwrite out 30\nwrite out 40\n");
  BOOST_TEST(status().records_in == 4u);
  BOOST_TEST(runner->status().sinks.at(0).records_in == 4u);
  next_checkpoint();
  BOOST_TEST(transcript()
             == "prepare out 2\nmake durable out 2\nwrite 2\nremove 0\ncommit out 2\n");
}

BOOST_AUTO_TEST_CASE(what_a_start_takes_is_not_taken_from_its_records) {
  std::get<weir::operator_plan>(plan.stages[1].what).options.timeout = 1s;
  start();
  push({1});
  advance(990ms);
  stop();
  BOOST_TEST(text(*result) == "stopped at 10, 1 held");
  crash();
  // GIVEN a start from a checkpoint behind which there are newer ones, which take their time to go
  checkpoints().newer_checkpoints = {{11, false}};
  hold_store();
  start_again();
  advance(1h);
  transcript();
  // WHEN the job begins, THEN the record has the time that it had left
  let_store_go();
  BOOST_TEST(transcript() == "remove 11\nrecover out 10 up to 10\ncall op 1\n");
  advance(9ms);
  complete(1);
  BOOST_TEST(transcript() == "write out 10\n");
}

BOOST_AUTO_TEST_CASE(one_that_goes_on_from_checkpoint_0_reads_from_the_begin_and_writes_no_other) {
  expects_commits = false;
  checkpoints().run.removes_old_output = true;
  begin();
  push({1});
  crash();
  transcript();
  checkpoints().run.removes_old_output = false;
  start_again();
  BOOST_TEST(transcript() == "open out\nopen op\nopen in\nrecover out 0\ncall op 1\n");
}

BOOST_AUTO_TEST_CASE(each_instance_goes_on_with_its_own) {
  plan.stages.clear();
  plan.edges.clear();
  add_source("in");
  add_operator("op", weir::output_mode::unordered, 2);
  add_sink("out");
  plan.edges[0].how = weir::partition::rebalance;
  plan.edges[1].how = weir::partition::rebalance;
  begin();
  push({1, 2});
  next_checkpoint();
  const auto made = about(1);
  BOOST_REQUIRE(made.instances.size() == 4u);
  BOOST_TEST(made.instances[1].summary.entries.running + made.instances[2].summary.entries.running
             == 2u);
  crash_and_start();
  std::size_t held = 0;
  for (const auto& name : {"op", "op.1"})
    held += functions[name].held.size();
  BOOST_TEST(held == 2u);
}

BOOST_AUTO_TEST_SUITE_END()
