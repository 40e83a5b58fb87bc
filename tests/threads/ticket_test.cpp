// SPDX-License-Identifier: Apache-2.0

#include "weir/stage_thread.hpp"
#include "weir/ticket.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using weir::settlement;
using weir::settlement_kind;

namespace {

struct ticket_fixture {
  void settle(std::size_t results = 1) { state->settle({settlement_kind::delivered, results, {}}); }

  std::shared_ptr<weir::ticket_state> state = std::make_shared<weir::ticket_state>();
  weir::ticket ticket{state};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(tickets, ticket_fixture)

BOOST_AUTO_TEST_CASE(it_settles_once_and_the_first_time_counts) {
  BOOST_TEST(!ticket.settled());
  settle(3);
  state->settle({settlement_kind::lost, 0, {"io", "", ""}});
  BOOST_TEST(ticket.settled());
  BOOST_TEST((*ticket.wait() == settlement{settlement_kind::delivered, 3, {}}));
  BOOST_TEST(ticket.wait()->ok());
}

BOOST_AUTO_TEST_CASE(a_wait_with_a_limit_ends_with_an_error) {
  BOOST_TEST(ticket.wait_for(1ms).why().is(weir::error_kind::timeout));
  settle();
  BOOST_TEST(ticket.wait_for(0ns).has_value());
}

BOOST_AUTO_TEST_CASE(threads_that_wait_go_on) {
  std::vector<std::future<std::size_t>> waits;
  for (int i = 0; i < 3; ++i)
    waits.push_back(std::async(std::launch::async, [copy = ticket] { return copy.wait()->results; }));
  settle(4);
  for (auto& each : waits)
    BOOST_TEST(each.get() == 4u);
}

BOOST_AUTO_TEST_CASE(callbacks_are_called_once_before_and_after) {
  std::vector<int> called;
  ticket.on_settled([&](const settlement& how) { called.push_back(static_cast<int>(how.results)); });
  ticket.on_settled([&](const settlement& how) { called.push_back(10 + static_cast<int>(how.results)); });
  BOOST_TEST(called.empty());
  settle(1);
  settle(2);
  ticket.on_settled([&](const settlement& how) { called.push_back(20 + static_cast<int>(how.results)); });
  BOOST_TEST(called == (std::vector{1, 11, 21}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_callback_may_ask_the_ticket_and_leave_another) {
  bool inner = false;
  ticket.on_settled([&](const settlement&) {
    BOOST_TEST(ticket.wait()->ok());
    ticket.on_settled([&](const settlement&) { inner = true; });
  });
  settle();
  BOOST_TEST(inner);
}

BOOST_AUTO_TEST_CASE(what_a_callback_throws_comes_out_when_all_were_called) {
  bool called = false;
  ticket.on_settled([](const settlement&) { throw std::runtime_error("no"); });
  ticket.on_settled([&](const settlement&) { called = true; });
  BOOST_CHECK_THROW(settle(), std::runtime_error);
  BOOST_TEST(called);
}

BOOST_AUTO_TEST_CASE(a_wait_on_a_stages_thread_is_an_error_unless_it_has_settled) {
  const weir::stage_scope here;
  for (const auto& waited : {ticket.wait(), ticket.wait_for(1h)})
    BOOST_TEST(waited.why().text()
               == "ticket: wait would wait on a thread that runs stages, and so stop what it waits for; "
                  "leave a callback with on_settled (would_block)");
  settle();
  BOOST_TEST(ticket.wait().has_value());
}

BOOST_AUTO_TEST_CASE(a_callback_that_comes_while_it_settles_is_called_once) {
  for (int round = 0; round < 500; ++round) {
    const auto one = std::make_shared<weir::ticket_state>();
    std::atomic<int> calls{0};
    std::thread settles{[&] { one->settle({settlement_kind::delivered, 1, {}}); }};
    one->on_settled([&](const settlement&) { ++calls; });
    settles.join();
    BOOST_TEST(calls == 1);
  }
}

BOOST_AUTO_TEST_SUITE_END()
