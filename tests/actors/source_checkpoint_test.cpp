// SPDX-License-Identifier: Apache-2.0

// At a checkpoint a source says where it stands and lets the barrier leave, whatever it is doing.

#include "../support/source_rig.hpp"

#include "input_gate.hpp"

#include "weir/watermark_strategy.hpp"

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

using namespace std::chrono_literals;
using weir::testing::source_rig;

namespace {

struct checkpoint_fixture : source_rig {
  /// How it goes on from there.
  static std::shared_ptr<const weir::instance_summary> standing_at(
    std::uint64_t given, std::optional<weir::source_times> times = {}) {
    weir::instance_summary of;
    of.positions = {{0, std::to_string(given)}};
    of.times = times;
    return std::make_shared<const weir::instance_summary>(std::move(of));
  }

  /// Of an empty batch with control elements.
  static weir::batch_handle copy_of(const weir::batch_handle& in) {
    auto copy = in.batch->fresh();
    for (const auto& each : in.batch->controls())
      copy->append(each.what);
    return {std::move(copy)};
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(source_checkpoints, checkpoint_fixture)

// -- in each phase --

BOOST_AUTO_TEST_CASE(before_it_runs_it_answers_alone) {
  script.items = {{1}, {2}};
  open();
  request(0);
  BOOST_TEST(transcript() == "open in\nopened\nsaved 0 at 0\n");
  run();
  BOOST_TEST(transcript() == "1\n2\n");
}

BOOST_AUTO_TEST_CASE(while_it_waits_for_its_descriptor_the_barrier_leaves) {
  start();
  push({1, 2});
  transcript();
  request(1);
  BOOST_TEST(transcript() == "barrier 1\nsaved 1 at 2\n");
  push({3});
  request(2);
  BOOST_TEST(transcript() == "3\nbarrier 2\nsaved 2 at 3\n");
}

BOOST_AUTO_TEST_CASE(while_it_reads_its_position_is_that_of_the_barrier) {
  batches = {3, 1 << 20};
  script.span = 10;
  for (int i = 0; i < 1000; ++i)
    script.items.push_back({i});
  open();
  caf::anon_send(source(), weir::run_atom::value);
  std::uint64_t asked = 0;
  while (script.given < 1000) {
    world.step();
    if (script.given / 100 > asked)
      send_request(++asked);
  }
  world.run();
  BOOST_TEST(asked >= 10u);
  for (std::uint64_t i = 1; i <= asked; ++i)
    BOOST_TEST(answers.at(i).summary->positions.at(0).position
               == std::to_string(answers.at(i).left_before.at(0) - (i - 1)));
}

BOOST_AUTO_TEST_CASE(without_credit_the_barrier_leaves_all_the_same) {
  first_credit = 2;
  start();
  push({1, 2, 3});
  transcript();
  request(1);
  request(2);
  BOOST_TEST(transcript() == "barrier 1\nsaved 1 at 2\nbarrier 2\nsaved 2 at 2\n");
  give(5);
  request(3);
  BOOST_TEST(transcript() == "3\nbarrier 3\nsaved 3 at 3\n");
}

BOOST_AUTO_TEST_CASE(both_outputs_get_the_barrier) {
  add_dead_letters();
  start();
  push(1, 0);
  push(2, 0, true);
  transcript();
  request(1);
  BOOST_TEST(transcript() == "barrier 1\ndead barrier 1\nsaved 1 at 2\n");
}

BOOST_AUTO_TEST_CASE(behind_its_end_it_answers_with_where_it_stood) {
  start();
  push({1});
  end();
  transcript();
  request(1);
  request(2);
  BOOST_TEST(transcript() == "barrier 1\nsaved 1 at 1, ended\nbarrier 2\nsaved 2 at 1, ended\n");
}

BOOST_AUTO_TEST_CASE(it_is_closed_at_its_end_and_not_asked_again) {
  start();
  push({1});
  end();
  BOOST_TEST(transcript() == "open in\nopened\n1\nclose in\nfinished\nend\n");
  request(1);
  BOOST_TEST(transcript().find("not open") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(one_that_was_drained_has_not_ended_where_it_stands) {
  first_credit = 2;
  start();
  push({1, 2, 3, 4});
  drain();
  transcript();
  request(1);
  BOOST_TEST(transcript() == "barrier 1\nsaved 1 at 2\n");
  give(5);
  wake();
  BOOST_TEST(transcript() == "");
}

BOOST_AUTO_TEST_CASE(what_it_had_said_of_event_time_is_a_part) {
  watermarks = weir::monotonous_watermarks(0ms);
  watermarks.idle_after = 50ms;
  start();
  push(1, 1000);
  request(1);
  world.advance(60ms);
  request(2);
  BOOST_TEST(transcript()
             == "open in\nopened\n1\nwatermark 999\nbarrier 1\nsaved 1 at 1, watermark 999\nidle\n"
                "barrier 2\nsaved 2 at 1, watermark 999, idle\n");
}

BOOST_AUTO_TEST_CASE(after_a_failure_the_barrier_leaves_and_nothing_is_saved) {
  start();
  script.poll_error = weir::error{"io", "disk", "is gone"};
  wake();
  transcript();
  request(1);
  BOOST_TEST(transcript() == "barrier 1\nunsaved 1: in: it is not open (internal)\n");
}

// -- the last one --

BOOST_AUTO_TEST_CASE(behind_the_last_one_nothing_is_read) {
  watermarks = weir::monotonous_watermarks(100ms);
  watermarks.idle_after = 50ms;
  batches = {1, 100};
  // For two records and the watermark between them.
  first_credit = 3;
  start();
  push(1, 1000);
  push(2, 1001);
  push(3, 1002);
  transcript();
  request(1, true);
  BOOST_TEST(transcript() == "close in\nbarrier 1\nsaved 1 at 2, watermark 999\n");
  give(5);
  wake();
  world.advance(1h);
  drain();
  BOOST_TEST(transcript() == "");
  request(2);
  BOOST_TEST(transcript() == "barrier 2\nsaved 2 at 2, watermark 999\n");
}

BOOST_AUTO_TEST_CASE(the_last_one_may_come_while_it_reads) {
  script.span = 1;
  for (int i = 0; i < 100; ++i)
    script.items.push_back({i});
  open();
  caf::anon_send(source(), weir::run_atom::value);
  while (script.given < 10)
    world.step();
  request(1, true);
  BOOST_TEST(script.given < 20u);
  BOOST_TEST(left[0].size() == script.given + 1);
  BOOST_TEST(answers.at(1).summary->positions.at(0).position == std::to_string(script.given));
}

BOOST_AUTO_TEST_CASE(the_last_one_may_come_before_it_runs) {
  script.items = {{1}};
  open();
  request(1, true);
  run();
  request(2);
  BOOST_TEST(transcript() == "open in\nopened\nclose in\nsaved 1 at 0\nbarrier 2\nsaved 2 at 0\n");
}

// -- one that cannot say where it stands --

BOOST_AUTO_TEST_CASE(a_source_that_cannot_say_where_it_stands_goes_on) {
  start();
  push({1});
  transcript();
  script.throws_on_positions = true;
  request(1);
  BOOST_TEST(transcript()
             == "barrier 1\nunsaved 1: in: it threw: it does not know where it is (exception)\n");
  script.throws_on_positions = false;
  script.position_error = weir::error{"io", "disk", "cannot be asked"};
  request(2);
  BOOST_TEST(transcript() == "barrier 2\nunsaved 2: disk: cannot be asked (io)\n");
  script.position_error.reset();
  push({2});
  request(3);
  BOOST_TEST(transcript() == "2\nbarrier 3\nsaved 3 at 2\n");
}

BOOST_AUTO_TEST_CASE(a_position_that_is_too_large_is_named) {
  start();
  script.position_text = std::string(64 * 1024, 'x');
  request(1);
  BOOST_TEST((answers.at(1).summary != nullptr));
  *script.position_text += 'x';
  request(2);
  BOOST_TEST(
    answers.at(2).why.value().text()
    == "in: its position in split 0 has 65537 bytes; at most 64 KiB can be stored (argument)");
}

BOOST_AUTO_TEST_CASE(one_that_cannot_say_where_it_has_ended_is_asked_again) {
  start();
  push({1});
  script.throws_on_positions = true;
  end();
  BOOST_TEST(transcript() == "open in\nopened\n1\nfinished\nend\n");
  request(1);
  BOOST_TEST(transcript()
             == "barrier 1\nunsaved 1: in: it threw: it does not know where it is (exception)\n");
  script.throws_on_positions = false;
  request(2);
  request(3);
  BOOST_TEST(transcript()
             == "close in\nbarrier 2\nsaved 2 at 1, ended\nbarrier 3\nsaved 3 at 1, ended\n");
}

BOOST_AUTO_TEST_CASE(one_that_cannot_say_so_at_the_last_one_is_asked_again_and_reads_nothing) {
  start();
  script.throws_on_positions = true;
  request(1, true);
  transcript();
  push({1});
  BOOST_TEST(transcript() == "");
  script.throws_on_positions = false;
  request(2, true);
  BOOST_TEST(transcript() == "close in\nbarrier 2\nsaved 2 at 0\n");
}

BOOST_AUTO_TEST_CASE(a_union_goes_on_where_one_of_its_sources_cannot_say_where_it_stands) {
  // GIVEN a stage that gets the batches of two sources
  source_rig other;
  weir::input_gate gate{2, weir::batch_limits{}, [](auto&&...) {}};
  on_batch = [&](std::uint32_t, const weir::batch_handle& in) { gate.receive({0}, copy_of(in)); };
  other.on_batch
    = [&](std::uint32_t, const weir::batch_handle& in) { gate.receive({1}, copy_of(in)); };
  start();
  other.start();
  // WHEN one of them throws when it is asked
  script.throws_on_positions = true;
  request(1);
  other.request(1);
  // THEN the barrier of both is there
  BOOST_TEST((gate.reached_barrier() == std::optional<std::uint64_t>{1}));
  BOOST_TEST(answers.at(1).why.has_value());
  BOOST_TEST(!other.answers.at(1).why.has_value());
}

BOOST_AUTO_TEST_CASE(without_checkpoints_nobody_asks_where_it_stands) {
  checkpointed = false;
  script.throws_on_positions = true;
  start();
  end();
  BOOST_TEST(transcript() == "open in\nopened\nclose in\nfinished\nend\n");
}

// -- going on --

BOOST_AUTO_TEST_CASE(it_goes_on_where_it_stood) {
  first_credit = 3;
  start();
  push({1, 2, 3});
  request(1);
  give(2);
  push({4, 5, 6});
  crash_and_restore(1);
  give(10);
  BOOST_TEST(transcript() == "open in\nopened\n4\n5\n6\n");
}

BOOST_AUTO_TEST_CASE(what_it_counts_goes_on_too) {
  add_dead_letters();
  start();
  push({1, 2});
  push(3, 0, true);
  request(1);
  for (const auto& [name, count] :
       {std::pair{"records_out", 2u}, {"sent", 3u}, {"dead_letters", 1u}, {"skipped", 0u}})
    BOOST_TEST(counted(1, name) == count, name);
  push({4});
  crash_and_restore(1);
  BOOST_TEST(probe->records_out.value() == 3u);
  BOOST_TEST(probe->sent.value() == 4u);
  BOOST_TEST(probe->dead_letters.value() == 1u);
  BOOST_TEST(probe->read.value() == 4u);
  request(2);
  BOOST_TEST(counted(2, "records_out") == 3u);
}

BOOST_AUTO_TEST_CASE(watermarks_do_not_go_back) {
  watermarks = weir::bounded_out_of_orderness(10ms, 0ms);
  start();
  push(1, 1000);
  request(1);
  crash_and_restore(1);
  push(2, 995);
  push(3, 1001);
  BOOST_TEST(transcript() == "open in\nopened\n2\n3\nwatermark 990\n");
}

BOOST_AUTO_TEST_CASE(a_watermark_that_was_held_back_comes) {
  watermarks = weir::monotonous_watermarks(100ms);
  start();
  push(1, 1000);
  push(2, 1001);
  request(1);
  crash_and_restore(1);
  world.advance(1ms);
  BOOST_TEST(transcript() == "open in\nopened\nwatermark 1000\n");
}

BOOST_AUTO_TEST_CASE(an_idle_stream_becomes_active_with_its_next_record) {
  watermarks = weir::monotonous_watermarks(0ms);
  watermarks.idle_after = 50ms;
  start();
  world.advance(60ms);
  request(1);
  crash_and_restore(1);
  world.advance(1h);
  push(1, 1000);
  BOOST_TEST(transcript() == "open in\nopened\nactive\n1\nwatermark 999\n");
}

BOOST_AUTO_TEST_CASE(what_has_come_behind_the_end_of_a_stream_is_not_read) {
  start();
  push({1});
  end();
  request(1);
  script.items.push_back({2});
  const auto polls = script.polls;
  crash_and_restore(1);
  BOOST_TEST(transcript() == "open in\nopened\nclose in\nfinished\nend\n");
  BOOST_TEST(script.polls == polls);
  request(2);
  BOOST_TEST(transcript() == "barrier 2\nsaved 2 at 1, ended\n");
}

BOOST_AUTO_TEST_CASE(behind_the_end_of_a_stream_no_watermark_comes) {
  watermarks = weir::ingestion_time(10ms);
  start();
  push({1});
  end();
  request(1);
  world.advance(1h);
  crash_and_restore(1);
  BOOST_TEST(transcript() == "open in\nopened\nclose in\nfinished\nend\n");
}

BOOST_AUTO_TEST_CASE(a_system_clock_that_was_set_back_makes_no_record_late) {
  watermarks = weir::ingestion_time(10ms);
  start();
  push({1});
  world.advance(10ms);
  request(1);
  const auto said = answers.at(1).summary->times->watermark;
  wall_offset = -30min;
  crash_and_restore(1);
  push({2});
  BOOST_TEST((left[0].back().timestamp > said));
}

BOOST_AUTO_TEST_CASE(the_last_time_that_there_is_can_be_gone_on_from) {
  const weir::event_time last{std::numeric_limits<std::int64_t>::max()};
  watermarks = weir::ingestion_time(10ms);
  start(standing_at(0, weir::source_times{{}, last}));
  push({1});
  world.advance(1s);
  BOOST_TEST(transcript() == "open in\nopened\n1\n");
}

BOOST_AUTO_TEST_SUITE_END()
