// SPDX-License-Identifier: Apache-2.0

// The actor between the operators and a driver: credit, tokens, results to whom they belong.

#include "../support/job_fixture.hpp"

#include "pool.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <random>
#include <set>

using namespace std::chrono_literals;
using weir::call_result;
using weir::call_token;
using weir::pool_results;
using weir::question;
using namespace weir::testing;

namespace {

/// What an operator instance has got from the pool.
struct user_log {
  std::size_t granted = 0;
  std::size_t messages = 0;
  std::vector<call_token> answered;
  weir::pool_user actor;
};

weir::pool_user::behavior_type listening_user(weir::pool_user::pointer, user_log* log) {
  return {[log](const pool_results& of) {
    log->granted += of.granted;
    ++log->messages;
    if (of.results != nullptr)
      for (const auto& each : *of.results)
        log->answered.push_back(each.token);
  }};
}

struct pool_fixture {
  ~pool_fixture() {
    caf::anon_send(pool, weir::stop_request{});
    for (auto& each : users)
      caf::anon_send_exit(each.actor, caf::exit_reason::user_shutdown);
    world.run();
    // No handle may outlive the system.
    users.clear();
  }

  /// A pool whose driver wants `window` questions, for at most `clients_max` users.
  void open(std::size_t window, std::size_t clients_max) {
    store.window = window;
    auto parts = std::make_shared<weir::pool_parts>();
    parts->number = 3;
    parts->driver = std::make_shared<scripted_driver>(store, log);
    parts->inbox = inbox;
    parts->probe = probe;
    parts->clients_max = clients_max;
    static_cast<void>(parts->driver->open({}, *inbox));
    pool = world.system().spawn(weir::pool, std::move(parts));
    world.run();
    log.take();
  }

  /// User number 10, 11, ...
  user_log& join() {
    auto& user = users.emplace_back();
    user.actor = world.system().spawn(listening_user, &user);
    caf::anon_send(pool, caf::join_atom::value, static_cast<std::uint32_t>(9 + users.size()),
                   user.actor);
    world.run();
    return user;
  }

  void ask(std::uint32_t client, std::vector<std::pair<call_token, int>> what) {
    auto questions = std::make_shared<std::vector<question>>();
    for (const auto& [token, argument] : what)
      questions->push_back({token, {}, {weir::value{std::int64_t{argument}}}});
    caf::anon_send(pool, weir::pool_questions{client, std::move(questions)});
    world.run();
  }

  void cancel(std::uint32_t client, std::vector<call_token> tokens) {
    caf::anon_send(pool, weir::pool_cancellations{client, std::move(tokens)});
    world.run();
  }

  void answer(int argument) {
    store.answer(argument);
    world.run();
  }

  journal log;
  driver_script store;
  std::shared_ptr<weir::pool_inbox> inbox = std::make_shared<weir::pool_inbox>();
  std::shared_ptr<weir::pool_probe> probe = std::make_shared<weir::pool_probe>();
  std::deque<user_log> users;
  actor_world world;
  weir::pool_actor pool;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(pool, pool_fixture)

BOOST_AUTO_TEST_CASE(many_results_come_in_messages_of_bounded_size) {
  open(1000, 1);
  auto& user = join();
  std::vector<std::pair<call_token, int>> all;
  for (int i = 0; i < 600; ++i)
    all.emplace_back(call_token(i), i);
  ask(10, all);
  // WHEN all are answered before the pool looks
  for (int i = 0; i < 600; ++i)
    store.answer(i);
  world.run();
  BOOST_TEST(user.answered.size() == 600u);
  BOOST_TEST(std::is_sorted(user.answered.begin(), user.answered.end()));
  // The grant, and 256, 256 and 88.
  BOOST_TEST(user.messages == 4u);
}

BOOST_AUTO_TEST_CASE(a_driver_may_answer_inside_submit) {
  store.answers_at_once = true;
  open(2, 3);
  std::vector<user_log*> all;
  for (int i = 0; i < 3; ++i)
    all.push_back(&join());
  // More at once than the driver wants
  ask(10, {{1, 1}, {2, 2}, {3, 3}, {4, 4}, {5, 5}});
  ask(11, {{1, 6}});
  BOOST_TEST(all[0]->answered == (std::vector<call_token>{1, 2, 3, 4, 5}), boost::test_tools::per_element());
  BOOST_TEST(all[1]->answered == (std::vector<call_token>{1}), boost::test_tools::per_element());
  BOOST_TEST(store.most_held <= 2u);
  BOOST_TEST(probe->held.value() == 0u);
  // THEN it goes on as before where the answers come later
  store.answers_at_once = false;
  ask(12, {{7, 7}});
  BOOST_TEST(all[2]->answered.empty());
  answer(7);
  BOOST_TEST(all[2]->answered == (std::vector<call_token>{7}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(each_user_gets_its_share_of_the_window) {
  open(100, 3);
  BOOST_TEST(join().granted == 33u);
  BOOST_TEST(join().granted == 33u);
}

BOOST_AUTO_TEST_CASE(a_user_gets_one_question_at_least) {
  open(2, 3);
  BOOST_TEST(join().granted == 1u);
}

BOOST_AUTO_TEST_CASE(the_driver_is_never_given_more_than_it_wants) {
  // GIVEN more users than the driver wants questions
  open(2, 3);
  for (int i = 0; i < 3; ++i)
    join();
  // WHEN each uses its credit
  ask(10, {{1, 1}});
  ask(11, {{1, 2}});
  ask(12, {{1, 3}});
  // THEN one question waits for room, and all are answered
  BOOST_TEST(store.held.size() == 2u);
  BOOST_TEST(probe->held.value() == 3u);
  answer(1);
  answer(2);
  answer(3);
  for (const auto& each : users)
    BOOST_TEST(each.answered.size() == 1u);
  BOOST_TEST(store.most_held == 2u);
}

BOOST_AUTO_TEST_CASE(a_question_that_waits_for_room_can_be_cancelled) {
  open(1, 2);
  auto& first = join();
  auto& second = join();
  ask(10, {{1, 1}});
  ask(11, {{7, 2}});
  cancel(11, {7});
  BOOST_TEST(second.answered == (std::vector<call_token>{7}), boost::test_tools::per_element());
  answer(1);
  BOOST_TEST(first.answered.size() == 1u);
  BOOST_TEST(store.held.empty());
  BOOST_TEST(probe->held.value() == 0u);
}

BOOST_AUTO_TEST_CASE(results_go_to_whom_they_belong_under_their_own_tokens) {
  open(100, 2);
  auto& first = join();
  auto& second = join();
  // The same tokens from both.
  ask(10, {{1, 1}, {2, 2}});
  ask(11, {{1, 3}, {2, 4}});
  BOOST_TEST(log.take() == "ask 1\nask 2\nask 3\nask 4\n");
  answer(4);
  answer(1);
  BOOST_TEST(first.answered == (std::vector<call_token>{1}), boost::test_tools::per_element());
  BOOST_TEST(second.answered == (std::vector<call_token>{2}), boost::test_tools::per_element());
  BOOST_TEST(probe->calls.value() == 4u);
  BOOST_TEST(probe->held.value() == 2u);
}

BOOST_AUTO_TEST_CASE(results_that_come_together_are_one_message_a_user) {
  open(100, 1);
  auto& user = join();
  ask(10, {{1, 1}, {2, 2}, {3, 3}});
  const auto before = user.messages;
  store.answer(1);
  store.answer(2);
  store.answer(3);
  world.run();
  BOOST_TEST(user.messages == before + 1);
  BOOST_TEST(user.answered.size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_token_is_answered_once) {
  open(100, 1);
  auto& user = join();
  ask(10, {{1, 1}});
  const auto token = store.held.begin()->second.token;
  answer(1);
  // Its place belongs to another question by now.
  ask(10, {{2, 2}});
  BOOST_TEST(store.held.begin()->second.token != token);
  store.give(token, weir::error{"refused", "store", ""});
  store.give(0xFFFF'FFFF'FFFFu, weir::error{"refused", "store", ""});
  world.run();
  BOOST_TEST(user.answered.size() == 1u);
  BOOST_TEST(probe->errors.value() == 0u);
  answer(2);
  BOOST_TEST(user.answered.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_token_that_comes_twice_in_one_go_is_answered_once) {
  open(100, 1);
  auto& user = join();
  ask(10, {{1, 1}});
  const auto token = store.take(1).token;
  store.give(token, weir::error{"refused", "store", ""});
  store.give(token, weir::error{"refused", "store", ""});
  world.run();
  BOOST_TEST(user.answered.size() == 1u);
  BOOST_TEST(probe->errors.value() == 1u);
}

BOOST_AUTO_TEST_CASE(a_cancellation_reaches_the_driver_under_its_token) {
  open(100, 2);
  join();
  join();
  ask(10, {{1, 1}, {2, 2}});
  ask(11, {{1, 3}});
  cancel(11, {1});
  BOOST_TEST(store.cancelled.size() == 1u);
  BOOST_TEST(store.cancelled.at(0) == store.held.find(3)->second.token);
  // Answered in the meantime, or never asked: nothing to cancel.
  answer(1);
  cancel(10, {1, 99});
  BOOST_TEST(store.cancelled.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_cancellation_reaches_only_the_question_that_it_names) {
  open(100, 2);
  join();
  join();
  const auto token = [](std::uint64_t generation, std::uint64_t slot) { return generation << 32 | slot; };
  ask(10, {{token(1, 0), 1}, {token(1, 5), 2}});
  ask(11, {{token(1, 5), 3}});
  // Their slots are used again, and so are their places in the pool.
  answer(2);
  answer(3);
  ask(11, {{token(2, 5), 4}});
  ask(10, {{token(2, 5), 5}});
  // WHEN those that were answered are cancelled, and one that was never asked
  cancel(10, {token(1, 5), token(1, 4), token(1, 77)});
  cancel(11, {token(1, 5)});
  BOOST_TEST(store.cancelled.empty());
  // and then those that were not
  cancel(11, {token(2, 5)});
  cancel(10, {token(2, 5), token(1, 0)});
  BOOST_TEST(store.cancelled.size() == 3u);
  BOOST_TEST(store.cancelled.at(0) == store.held.find(4)->second.token);
}

BOOST_AUTO_TEST_CASE(results_that_came_before_the_actor_are_not_lost) {
  open(100, 1);
  auto& user = join();
  ask(10, {{1, 1}});
  store.answer(1);
  BOOST_TEST(user.answered.empty());
  world.run();
  BOOST_TEST(user.answered.size() == 1u);
}

BOOST_AUTO_TEST_CASE(results_after_the_end_do_no_harm) {
  open(100, 1);
  auto& user = join();
  ask(10, {{1, 1}});
  caf::anon_send(pool, weir::stop_request{});
  world.run();
  answer(1);
  BOOST_TEST(user.answered.empty());
}

BOOST_AUTO_TEST_CASE(a_user_that_is_gone_holds_up_nobody) {
  open(100, 2);
  auto& gone = join();
  auto& here = join();
  ask(10, {{1, 1}});
  ask(11, {{1, 2}});
  caf::anon_send_exit(gone.actor, caf::exit_reason::kill);
  world.run();
  answer(1);
  answer(2);
  BOOST_TEST(gone.answered.empty());
  BOOST_TEST(here.answered.size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

// -- with operators --

BOOST_FIXTURE_TEST_SUITE(pool_of_a_job, job_fixture)

BOOST_AUTO_TEST_CASE(operators_share_a_pool_and_never_ask_more_than_it_wants) {
  add_pool("store");
  drivers["store"].window = 6;
  add_source("in");
  add_operator("a");
  add_operator("b");
  add_sink("out");
  functions["a"].asks_pool = functions["b"].asks_pool = true;
  log.muted = true;
  start();
  push_many(1, 50);
  std::mt19937_64 chance{5};
  std::size_t answered = 0;
  while (!drivers["store"].held.empty()) {
    auto at = drivers["store"].held.begin();
    std::advance(at, chance() % drivers["store"].held.size());
    answer(at->first);
    ++answered;
  }
  BOOST_TEST(answered == 100u);
  BOOST_TEST(drivers["store"].most_held <= 6u);
  end();
  BOOST_TEST(written().size() == 50u);
  for (std::size_t i = 0; i < 50; ++i)
    BOOST_TEST(written()[i] == 100 * static_cast<int>(i + 1));
  BOOST_TEST(runner->status().pools[0].calls == 100u);
  BOOST_TEST(runner->status().pools[0].held == 0u);
}

BOOST_AUTO_TEST_CASE(an_error_of_the_store_fails_the_record) {
  add_pool("store");
  auto& options = add_line();
  options.on_failure = weir::failure_action::drop;
  functions["op"].asks_pool = true;
  start();
  push({1, 2});
  drivers["store"].fail(1, "rejected");
  answer(2);
  end();
  BOOST_TEST(written() == (std::vector{20}), boost::test_tools::per_element());
  BOOST_TEST(runner->status().pools[0].errors == 1u);
}

BOOST_AUTO_TEST_CASE(an_attempt_that_timed_out_gives_its_credit_back_with_its_result) {
  add_pool("store");
  drivers["store"].window = 1;
  auto& options = add_line();
  options.timeout = 1s;
  options.on_failure = weir::failure_action::drop;
  functions["op"].asks_pool = true;
  start();
  push({1});
  advance(1s);
  push({2});
  // The store still holds the first.
  BOOST_TEST(drivers["store"].held.count(2) == 0u);
  answer(1);
  BOOST_TEST(drivers["store"].held.count(2) == 1u);
  answer(2);
  BOOST_TEST(written() == (std::vector{20}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_driver_is_closed_when_the_job_is_gone) {
  add_pool("store");
  add_line();
  functions["op"].asks_pool = true;
  start();
  push({1});
  cancel();
  transcript();
  runner.reset();
  BOOST_TEST(transcript() == "close store\n");
}

BOOST_AUTO_TEST_SUITE_END()
