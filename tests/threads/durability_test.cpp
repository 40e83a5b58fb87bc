// SPDX-License-Identifier: Apache-2.0

#include "weir/durability.hpp"
#include "weir/stage_thread.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using weir::expected;

namespace {

struct durability_fixture {
  weir::durability::callback note(int number) {
    return [this, number](const expected<void>& how) { called.push_back(how ? number : -number); };
  }

  weir::durability of{false};
  std::vector<int> called;
  const weir::error gone{weir::error_kind::cancelled, "job j", "it was cancelled"};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(durabilities, durability_fixture)

BOOST_AUTO_TEST_CASE(a_checkpoint_stands_for_all_before_it) {
  BOOST_TEST(!of.known(0).has_value());
  of.reach(3);
  for (const std::uint64_t first : {0u, 2u, 3u})
    BOOST_TEST(of.known(first).value().has_value());
  BOOST_TEST(!of.known(4).has_value());
  // An older one that is told of later takes nothing back.
  of.reach(2);
  BOOST_TEST(of.known(3).value().has_value());
}

BOOST_AUTO_TEST_CASE(callbacks_are_called_once_those_of_earlier_checkpoints_first) {
  of.on_durable(2, note(2));
  of.on_durable(1, note(1));
  of.on_durable(1, note(11));
  of.on_durable(4, note(4));
  of.reach(2);
  of.reach(3);
  BOOST_TEST(called == (std::vector{1, 11, 2}), boost::test_tools::per_element());
  of.on_durable(3, note(3));
  BOOST_TEST(called.back() == 3);
}

BOOST_AUTO_TEST_CASE(the_end_is_told_to_all_who_are_left_and_to_those_who_come_later) {
  of.on_durable(5, [](const expected<void>&) { throw std::runtime_error("nobody is to hear of it"); });
  of.on_durable(5, note(5));
  of.reach(4);
  of.end(gone);
  of.on_durable(6, note(6));
  of.on_durable(4, note(4));
  BOOST_TEST(called == (std::vector{-5, -6, 4}), boost::test_tools::per_element());
  BOOST_TEST((of.known(5).value().why() == gone));
  BOOST_TEST((of.wait(5, 1h).why() == gone));
}

BOOST_AUTO_TEST_CASE(what_a_callback_throws_comes_out_when_all_were_called) {
  of.on_durable(1, [](const expected<void>&) { throw std::runtime_error("no"); });
  of.on_durable(1, note(1));
  BOOST_CHECK_THROW(of.reach(1), std::runtime_error);
  BOOST_TEST(called.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_callback_may_ask_and_leave_another) {
  of.on_durable(1, [this](const expected<void>&) {
    BOOST_TEST(of.wait(1, 1h).has_value());
    of.on_durable(1, note(1));
    of.on_durable(2, note(2));
  });
  of.reach(1);
  BOOST_TEST(called.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_wait_with_a_limit_ends_with_an_error) {
  const auto waited = of.wait(1, 1ms);
  BOOST_TEST(waited.why().text()
             == "ticket: its record has not become durable in the time given (timeout_error)");
  of.reach(1);
  BOOST_TEST(of.wait(1, 0ns).has_value());
}

BOOST_AUTO_TEST_CASE(a_wait_on_a_stages_thread_is_an_error_unless_it_is_known) {
  const weir::stage_scope here;
  BOOST_TEST(of.wait(1, weir::duration::max()).why().text()
             == "ticket: wait_durable would wait on a thread that runs stages, and so stop what it waits for; "
                "leave a callback with on_durable (would_block)");
  of.reach(1);
  BOOST_TEST(of.wait(1, weir::duration::max()).has_value());
}

BOOST_AUTO_TEST_CASE(threads_that_wait_go_on) {
  std::vector<std::future<bool>> durable;
  std::vector<std::future<bool>> lost;
  for (int i = 0; i < 3; ++i) {
    durable.push_back(std::async(std::launch::async, [&] { return of.wait(1, 1min).has_value(); }));
    lost.push_back(std::async(std::launch::async, [&] { return of.wait(2, 1min).why() == gone; }));
  }
  of.reach(1);
  for (auto& each : durable)
    BOOST_TEST(each.get());
  of.end(gone);
  for (auto& each : lost)
    BOOST_TEST(each.get());
}

BOOST_AUTO_TEST_CASE(a_callback_that_comes_meanwhile_is_called_once) {
  for (int round = 0; round < 500; ++round) {
    weir::durability one{false};
    std::atomic<int> calls{0};
    std::thread reaches{[&] {
      one.reach(1);
      one.end(gone);
    }};
    for (const std::uint64_t first : {1u, 2u})
      one.on_durable(first, [&, first](const expected<void>& how) {
        calls += how.has_value() == (first == 1) ? 1 : 100;
      });
    reaches.join();
    BOOST_TEST(calls == 2);
  }
}

BOOST_AUTO_TEST_SUITE_END()
