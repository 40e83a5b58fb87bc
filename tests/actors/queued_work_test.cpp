// SPDX-License-Identifier: Apache-2.0

#include "../support/actor_world.hpp"

#include "weir/queued_work.hpp"
#include "weir/stage_thread.hpp"

#include <boost/test/unit_test.hpp>

#include <caf/event_based_actor.hpp>

#include <memory>
#include <optional>
#include <string>

using namespace std::chrono_literals;
using weir::queued_work;
using weir::time_point;

namespace {

struct work_fixture {
  auto note(std::string what) {
    return [this, what = std::move(what)] { done += what + " "; };
  }
  /// What has been done since this was last asked.
  std::string take() { return std::exchange(done, {}); }

  weir::testing::actor_world world;
  std::optional<queued_work> work{std::in_place, world};
  time_point begin = world.now();
  std::string done;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(queued_works, work_fixture)

BOOST_AUTO_TEST_CASE(tasks_are_run_in_their_order_when_the_system_runs) {
  work->run(note("a"));
  work->run(note("b"));
  BOOST_TEST(take() == "");
  BOOST_TEST(work->waiting() == 2u);
  world.run();
  BOOST_TEST(take() == "a b ");
  BOOST_TEST(work->waiting() == 0u);
}

BOOST_AUTO_TEST_CASE(what_a_task_sends_is_handled_before_the_next_task) {
  const auto notes = [](caf::event_based_actor* self, std::string* to) -> caf::behavior {
    return {[=](int) {
      *to += "message ";
      self->quit();
    }};
  };
  const auto actor = world.system().spawn(notes, &done);
  work->run([this, actor] {
    done += "a ";
    caf::anon_send(actor, 1);
  });
  work->run(note("b"));
  world.run();
  BOOST_TEST(take() == "a message b ");
}

BOOST_AUTO_TEST_CASE(the_clock_finds_timed_tasks_and_stops_at_each) {
  std::vector<weir::duration> at;
  for (const auto wait : {3h, 1h, 2h})
    work->run_at(begin + wait, [&] { at.push_back(world.now() - begin); });
  world.run();
  BOOST_TEST(at.empty());
  BOOST_TEST((world.next_timer() == begin + 1h));
  world.advance(150min);
  BOOST_TEST((at == std::vector<weir::duration>{1h, 2h}));
  BOOST_TEST((world.next_timer() == begin + 3h));
  world.advance(1h);
  BOOST_TEST(at.size() == 3u);
  BOOST_TEST((world.next_timer() == time_point::max()));
}

BOOST_AUTO_TEST_CASE(what_is_due_runs_behind_what_waits) {
  work->run_at(begin, note("due"));
  work->run(note("waiting"));
  world.run();
  BOOST_TEST(take() == "waiting due ");
}

BOOST_AUTO_TEST_CASE(timed_tasks_can_be_dropped_and_the_clock_stops_for_them_no_more) {
  const auto held = std::make_shared<int>();
  work->run_at(begin + 1h, [held] {});
  work->run(note("other"));
  work->forget_timed();
  BOOST_TEST(held.use_count() == 1);
  BOOST_TEST((world.next_timer() == time_point::max()));
  world.run();
  BOOST_TEST(take() == "other ");
}

BOOST_AUTO_TEST_CASE(held_tasks_wait_whatever_time_passes) {
  work->hold(true);
  work->run(note("a"));
  work->run_at(begin + 1h, note("timed"));
  world.advance(2h);
  BOOST_TEST(take() == "");
  work->hold(false);
  world.run();
  BOOST_TEST(take() == "a timed ");
}

BOOST_AUTO_TEST_CASE(a_wait_in_a_task_would_be_one_for_the_job) {
  bool counts_as_stage = false;
  work->run([&] { counts_as_stage = weir::on_stage_thread(); });
  world.run();
  BOOST_TEST(counts_as_stage);
  BOOST_TEST(!weir::on_stage_thread());
}

BOOST_AUTO_TEST_CASE(its_end_drops_what_has_not_begun) {
  work->run(note("a"));
  work->run_at(begin + 1h, note("b"));
  work.reset();
  world.advance(2h);
  BOOST_TEST(take() == "");
}

BOOST_AUTO_TEST_SUITE_END()
