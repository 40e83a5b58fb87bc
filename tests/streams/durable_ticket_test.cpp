// SPDX-License-Identifier: Apache-2.0

// Tickets hear when their record cannot be lost any more.

#include "serving.hpp"

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

using weir::settlement_kind;

BOOST_FIXTURE_TEST_SUITE(durable_tickets, serving)

BOOST_AUTO_TEST_CASE(a_record_is_durable_with_the_first_checkpoint_that_has_it) {
  start();
  std::vector<std::string> known;
  const auto note = [&](const std::string& which) {
    return [&, which](const weir::expected<void>& how) {
      known.push_back(which + (how ? "" : " " + how.why().kind()) + " at "
                      + std::to_string(clock.now() / 1min));
    };
  };
  const auto before = push_tracked(1);
  before.on_durable(note("before"));
  std::optional<weir::ticket> at;
  // At the moment of the checkpoint, in front of it.
  clock.call_after(30min, [&] { at = service->try_push_tracked(2); });
  clock.advance(29min);
  BOOST_TEST(!before.is_durable());
  clock.advance(1min);
  BOOST_TEST(before.is_durable());
  BOOST_TEST(before.wait_durable().has_value());
  at->on_durable(note("at"));
  const auto behind = push_tracked(3);
  behind.on_durable(note("behind"));
  BOOST_TEST(!behind.is_durable());
  // It has nothing to do with what became of it.
  BOOST_TEST(!before.settled());
  clock.advance(2h);
  BOOST_TEST(behind.is_durable());
  behind.on_durable(note("late"));
  BOOST_TEST(text(known) == "before at 30, at at 30, behind at 60, late at 150");
}

BOOST_AUTO_TEST_CASE(a_checkpoint_that_fails_makes_nothing_durable_and_the_next_one_does) {
  start();
  const auto pushed = push_tracked(1);
  memory->at_each_step([](std::string_view at) -> weir::expected<void> {
    return at == "write" ? weir::expected<void>{weir::error{"io", "disk", "it is full"}}
                         : weir::expected<void>{};
  });
  clock.advance(31min);
  BOOST_TEST(!pushed.is_durable());
  memory->at_each_step(nullptr);
  clock.advance(2h);
  BOOST_TEST(pushed.is_durable());
}

BOOST_AUTO_TEST_CASE(who_waits_for_it_in_virtual_time_is_told_to_let_the_clock_run) {
  start();
  const auto pushed = push_tracked(1);
  for (const auto& waited : {pushed.wait_durable(), pushed.wait_durable_for(1h)})
    BOOST_TEST(waited.why().text()
               == "ticket: wait_durable would wait on a thread that runs stages, and so stop what it waits "
                  "for; let the clock run first (would_block)");
}

BOOST_AUTO_TEST_CASE(a_run_that_ends_first_says_so) {
  start();
  const auto durable = push_tracked(1);
  clock.advance(31min);
  const auto lost = push_tracked(2);
  std::string why;
  lost.on_durable([&](const weir::expected<void>& how) {
    why = how.why().text();
    throw std::runtime_error("nobody is to hear of it");
  });
  crash();
  BOOST_TEST(why == "job served: it was cancelled (cancelled)");
  BOOST_TEST(lost.wait_durable().why().text() == why);
  BOOST_TEST(!lost.is_durable());
  // One that is durable stays so; what became of it is another question.
  BOOST_TEST(durable.is_durable());
  BOOST_TEST((durable.wait()->kind == settlement_kind::lost));
}

BOOST_AUTO_TEST_CASE(what_is_in_the_last_checkpoint_is_durable) {
  start();
  const auto pushed = push_tracked(1);
  job->stop();
  BOOST_TEST(pushed.is_durable());
  job.reset();
  start();
  const auto other = push_tracked(2);
  service->finish();
  clock.advance(10h);
  BOOST_TEST_REQUIRE(job->result().has_value());
  BOOST_TEST(other.is_durable());
  BOOST_TEST(other.wait()->ok());
}

BOOST_AUTO_TEST_CASE(without_checkpoints_it_is_said_at_once) {
  makes_checkpoints = false;
  start();
  const auto pushed = push_tracked(1);
  bool called = false;
  pushed.on_durable([&](const weir::expected<void>& how) { called = !how; });
  BOOST_TEST(called);
  BOOST_TEST(!pushed.is_durable());
  for (int i = 0; i < 2; ++i) {
    BOOST_TEST(pushed.wait_durable().why().text()
               == "ticket: its job makes no checkpoints, so no record becomes durable; call "
                  "environment::enable_checkpointing (argument)");
    crash();
  }
  // One that was not taken says why.
  const auto refused = service->push_tracked(2);
  BOOST_TEST(refused.wait_durable().why().is(weir::error_kind::closed));
}

BOOST_AUTO_TEST_CASE(what_a_callback_throws_fails_the_job) {
  start();
  const auto pushed = push_tracked(1);
  bool called = false;
  pushed.on_durable([](const weir::expected<void>&) { throw std::runtime_error("no"); });
  pushed.on_durable([&](const weir::expected<void>&) { called = true; });
  clock.advance(31min);
  BOOST_TEST(called);
  BOOST_TEST_REQUIRE(job->result().has_value());
  BOOST_TEST(job->result()->text().find("operator ask: it threw: no") != std::string::npos,
             job->result()->text());
}

BOOST_AUTO_TEST_SUITE_END()
