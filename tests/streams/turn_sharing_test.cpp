// SPDX-License-Identifier: Apache-2.0

// The policy by which actors share threads: nothing that is ready is left lying, and no thread is woken for what one
// that runs takes up anyway.

#include "weir/turn_sharing.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/coordinator.hpp>
#include <caf/send.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

constexpr auto at_most = 30s;

struct program {
  struct configuration : caf::actor_system_config {
    explicit configuration(std::size_t threads) {
      load<caf::scheduler::coordinator<weir::turn_sharing>>();
      set("scheduler.max-threads", threads);
    }
  };

  explicit program(std::size_t threads) : config(threads), system(config) {}

  configuration config;
  caf::actor_system system;
};

/// Looks at what is woken, with threads that sleep and are not there, nor is the lookout.
struct desk {
  desk() { state.looks_out = true; }

  weir::turn_sharing::coordinator_data state{nullptr};

  weir::turn_sharing::coordinator_data& data() { return state; }
  desk* parent() { return this; }

  weir::turn_sharing policy;
};

/// An actor that does this with each number that it gets.
template <class Function>
caf::actor spawn(program& in, Function on_number) {
  return in.system.spawn(
    [](caf::event_based_actor* self, Function handler) -> caf::behavior {
      return {[self, handler](int number) { handler(self, number); }};
    },
    std::move(on_number));
}

caf::resumable* job(std::uintptr_t number) {
  return reinterpret_cast<caf::resumable*>(number * alignof(std::max_align_t));
}

} // namespace

BOOST_AUTO_TEST_SUITE(turn_sharing)

BOOST_AUTO_TEST_CASE(a_thread_is_woken_for_what_the_one_that_runs_does_not_take_up) {
  desk of;
  of.state.asleep = 3;
  of.policy.internal_enqueue(&of, job(1));
  BOOST_TEST(of.state.woken == 0u);
  of.policy.internal_enqueue(&of, job(2));
  BOOST_TEST(of.state.woken == 1u);
  of.policy.resume_job_later(&of, job(3));
  BOOST_TEST(of.state.woken == 2u);
  BOOST_TEST(of.policy.dequeue(&of) == job(1));
}

BOOST_AUTO_TEST_CASE(for_what_comes_from_outside_one_is_woken_at_once) {
  desk of;
  of.state.asleep = 2;
  of.policy.central_enqueue(&of, job(1));
  BOOST_TEST(of.state.woken == 1u);
  of.policy.external_enqueue(&of, job(2));
  BOOST_TEST(of.state.woken == 2u);
  // There is nobody left to be woken.
  of.policy.central_enqueue(&of, job(3));
  BOOST_TEST(of.state.woken == 2u);
}

BOOST_AUTO_TEST_CASE(who_takes_one_of_several_wakes_another_for_the_rest) {
  desk of;
  for (std::uintptr_t number = 1; number <= 3; ++number)
    of.policy.internal_enqueue(&of, job(number));
  of.state.asleep = 1;
  BOOST_TEST(of.policy.dequeue(&of) == job(1));
  BOOST_TEST(of.state.woken == 1u);
  BOOST_TEST(of.policy.dequeue(&of) == job(2));
  BOOST_TEST(of.policy.dequeue(&of) == job(3));
  BOOST_TEST(of.state.woken == 1u);
}

BOOST_AUTO_TEST_CASE(what_is_left_at_the_end_is_given_back) {
  desk of;
  of.policy.central_enqueue(&of, job(1));
  of.policy.central_enqueue(&of, job(2));
  std::vector<caf::resumable*> left;
  of.policy.foreach_central_resumable(&of, [&](caf::resumable* each) { left.push_back(each); });
  BOOST_TEST(left.size() == 2u);
  BOOST_TEST(of.state.ready.empty());
}

/// Rings of actors that hand a number on until it is 0, begun from several threads.
BOOST_DATA_TEST_CASE(whatever_is_sent_arrives, boost::unit_test::data::make({1, 2, 3, 8}), threads) {
  program of{static_cast<std::size_t>(threads)};
  constexpr int rings = 12;
  constexpr int rounds = 3'000;
  std::vector<std::future<void>> ends;
  std::vector<caf::actor> first;
  for (int ring = 0; ring < rings; ++ring) {
    auto end = std::make_shared<std::promise<void>>();
    ends.push_back(end->get_future());
    auto next = std::make_shared<caf::actor>();
    const auto one = spawn(of, [end, next](caf::event_based_actor* self, int left) {
      if (left == 0)
        end->set_value();
      else
        self->send(*next, left - 1);
    });
    *next = spawn(of, [end, one](caf::event_based_actor*, int left) {
      if (left == 0)
        end->set_value();
      else
        caf::anon_send(one, left - 1);
    });
    first.push_back(one);
  }
  std::vector<std::thread> from_outside;
  for (int part = 0; part < 3; ++part)
    from_outside.emplace_back([&, part] {
      for (int ring = part; ring < rings; ring += 3)
        caf::anon_send(first[static_cast<std::size_t>(ring)], rounds);
    });
  for (auto& each : from_outside)
    each.join();
  for (auto& each : ends)
    BOOST_TEST((each.wait_for(at_most) == std::future_status::ready));
  for (const auto& each : first)
    caf::anon_send_exit(each, caf::exit_reason::user_shutdown);
}

BOOST_AUTO_TEST_CASE(a_turn_that_blocks_holds_up_nobody_to_whom_others_send) {
  program of{2};
  std::promise<void> opened;
  std::promise<void> blocks;
  std::promise<void> come;
  const auto gate = opened.get_future().share();
  const auto blocked = spawn(of, [&, gate](caf::event_based_actor*, int) {
    blocks.set_value();
    gate.wait();
  });
  const auto other = spawn(of, [&](caf::event_based_actor*, int) { come.set_value(); });
  caf::anon_send(blocked, 1);
  blocks.get_future().wait();
  caf::anon_send(other, 1);
  BOOST_TEST((come.get_future().wait_for(at_most) == std::future_status::ready));
  opened.set_value();
}

BOOST_DATA_TEST_CASE(a_turn_that_blocks_does_not_hold_up_to_whom_it_has_sent, boost::unit_test::data::make({2, 4}),
                     threads) {
  program of{static_cast<std::size_t>(threads)};
  // Also when nothing has been done for so long that all threads sleep.
  for (const auto pause : {0ms, 200ms}) {
    std::promise<void> has_run;
    std::promise<bool> come;
    const auto other = spawn(of, [&](caf::event_based_actor*, int) { has_run.set_value(); });
    const auto blocked = spawn(of, [&, other](caf::event_based_actor* self, int) {
      self->send(other, 1);
      come.set_value(has_run.get_future().wait_for(at_most) == std::future_status::ready);
    });
    std::this_thread::sleep_for(pause);
    caf::anon_send(blocked, 1);
    BOOST_TEST(come.get_future().get());
  }
}

BOOST_AUTO_TEST_CASE(two_to_whom_one_turn_sends_run_side_by_side) {
  program of{2};
  std::promise<void> second_has_run;
  std::promise<bool> come;
  const auto first = spawn(of, [&](caf::event_based_actor*, int) {
    come.set_value(second_has_run.get_future().wait_for(at_most) == std::future_status::ready);
  });
  const auto second = spawn(of, [&](caf::event_based_actor*, int) { second_has_run.set_value(); });
  const auto sender = spawn(of, [=](caf::event_based_actor* self, int) {
    self->send(first, 1);
    self->send(second, 1);
  });
  caf::anon_send(sender, 1);
  BOOST_TEST(come.get_future().get());
}

BOOST_AUTO_TEST_SUITE_END()
