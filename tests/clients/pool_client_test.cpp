// SPDX-License-Identifier: Apache-2.0

#include "weir/pool_client.hpp"

#include "../support/allocations.hpp"
#include "threads.hpp"

#include <boost/test/unit_test.hpp>

#include <ctime>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace weir::testing {

namespace {

/// What became of each question, as a line: `a=1 b!cancelled`.
struct pool_client_fixture {
  pool_client client;
  std::string log;

  static time_point at(duration since_start) { return time_point{since_start}; }

  void ask(const std::string& name, time_point deadline = time_point::max()) {
    value_list arguments;
    arguments.emplace_back(name);
    client.ask(statement_id{0}, std::move(arguments), deadline,
               [this, name](expected<answer> outcome) {
                 note(outcome ? name + "=" + std::get<std::string>(outcome->cell(0, 0))
                              : name + "!" + outcome.why().kind());
               });
  }

  void note(const std::string& what) { log += (log.empty() ? "" : " ") + what; }

  static std::string names(const std::vector<question>& questions) {
    std::string all;
    for (const auto& q : questions)
      all += std::get<std::string>(q.arguments.at(0));
    return all;
  }

  void answer_with(call_token token, std::string text) {
    call_result result{token, single(std::move(text))};
    client.deliver({&result, 1}, at(0s));
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(pool_clients, pool_client_fixture)

BOOST_AUTO_TEST_CASE(nothing_is_sent_without_credit) {
  ask("a");
  BOOST_TEST(!client.has_requests());
  BOOST_TEST(client.take_requests().empty());
  BOOST_TEST(client.outstanding() == 1);
  BOOST_TEST(client.unsent() == 1);
}

BOOST_AUTO_TEST_CASE(questions_are_sent_in_order_and_never_more_than_the_credit) {
  for (const auto* name : {"a", "b", "c", "d", "e"})
    ask(name);
  client.grant(2);
  BOOST_TEST(names(client.take_requests()) == "ab");
  BOOST_TEST(!client.has_requests());
  client.grant(2);
  BOOST_TEST(client.has_requests());
  BOOST_TEST(names(client.take_requests()) == "cd");
  BOOST_TEST(client.sent() == 4);
  BOOST_TEST(client.unsent() == 1);
}

BOOST_AUTO_TEST_CASE(a_question_carries_its_statement_and_its_deadline) {
  client.grant(1);
  client.ask(statement_id{3}, {}, at(5s), [](expected<answer>) {});
  const auto sent = client.take_requests();
  BOOST_REQUIRE(sent.size() == 1);
  BOOST_TEST(sent[0].statement.index == 3);
  BOOST_TEST((sent[0].deadline == at(5s)));
}

BOOST_AUTO_TEST_CASE(a_result_runs_its_own_callback_and_gives_its_credit_back) {
  client.grant(2);
  ask("a");
  ask("b");
  ask("c");
  const auto sent = client.take_requests();
  answer_with(sent[1].token, "2");
  BOOST_TEST(log == "b=2");
  BOOST_TEST(names(client.take_requests()) == "c");
  answer_with(sent[0].token, "1");
  BOOST_TEST(log == "b=2 a=1");
  BOOST_TEST(client.outstanding() == 1);
}

BOOST_AUTO_TEST_CASE(an_error_reaches_the_callback) {
  client.grant(1);
  ask("a");
  call_result result{client.take_requests().at(0).token,
                     error{error_kind::overloaded, "p", "busy"}};
  client.deliver({&result, 1}, at(0s));
  BOOST_TEST(log == "a!overloaded");
}

BOOST_AUTO_TEST_CASE(unknown_repeated_and_unsent_tokens_are_counted_and_give_no_credit) {
  client.grant(1);
  ask("a");
  ask("z");
  const auto token = client.take_requests().at(0).token;
  answer_with(token, "1"); // which gives the one credit back
  // Answered already; its slot is used by a question that waits behind z.
  answer_with(token, "2");
  ask("b");
  answer_with(token, "3");
  answer_with(token + (call_token{1} << 32), "4");
  BOOST_TEST(names(client.take_requests()) == "z");
  answer_with(token, "5");
  // Never given out at all.
  answer_with(0, "6");
  answer_with(token + 1000, "7");
  BOOST_TEST(log == "a=1");
  BOOST_TEST(client.unknown_results() == 6);
  ask("c");
  BOOST_TEST(!client.has_requests());
}

BOOST_AUTO_TEST_CASE(a_callback_may_ask_again_and_again) {
  client.grant(1);
  // Enough that memory for more questions is taken while callbacks run.
  int left = 1000;
  struct asker {
    pool_client* client;
    int* left;
    void operator()(expected<answer>) const {
      for (int i = 0; i < 2 && *left > 0; ++i) {
        --*left;
        client->ask(statement_id{0}, {}, time_point::max(), *this);
      }
    }
  };
  client.ask(statement_id{0}, {}, time_point::max(), asker{&client, &left});
  client.grant(10'000);
  std::size_t answered = 0;
  while (client.has_requests()) {
    std::vector<call_result> results;
    for (const auto& q : client.take_requests())
      results.push_back({q.token, single(value{})});
    answered += results.size();
    client.deliver(results, at(0s));
  }
  BOOST_TEST(answered == 1001);
  BOOST_TEST(client.outstanding() == 0);
}

BOOST_AUTO_TEST_CASE(a_callback_that_throws_does_not_keep_the_next_from_running) {
  client.grant(2);
  client.ask(statement_id{0}, {}, time_point::max(),
             [](expected<answer>) { throw std::runtime_error("first"); });
  ask("b");
  std::vector<call_result> results;
  for (const auto& q : client.take_requests())
    results.push_back({q.token, single(std::string{"2"})});
  BOOST_CHECK_EXCEPTION(client.deliver(results, at(0s)), std::runtime_error,
                        [](const auto& e) { return e.what() == std::string{"first"}; });
  BOOST_TEST(log == "b=2");
  BOOST_TEST(client.outstanding() == 0);
}

BOOST_AUTO_TEST_CASE(nothing_expires_before_its_deadline) {
  client.grant(1);
  ask("a", at(10s));
  ask("b", at(5s));
  BOOST_TEST((client.next_deadline() == at(5s)));
  BOOST_TEST(client.expire(at(5s) - 1ns).empty());
  BOOST_TEST(client.outstanding() == 2);
}

BOOST_AUTO_TEST_CASE(what_the_driver_did_not_start_in_time_is_no_answer) {
  client.grant(1);
  ask("a", at(2s));
  const auto sent = client.take_requests();
  call_result late{sent.at(0).token, error{error_kind::cancelled, "store", "its deadline passed"}};
  client.deliver({&late, 1}, at(2s));
  // The record's timeout has the last word; the credit is there again.
  BOOST_TEST(log == "");
  BOOST_TEST(client.outstanding() == 1u);
  BOOST_TEST((client.next_deadline() <= at(2s)));
  ask("b");
  BOOST_TEST(names(client.take_requests()) == "b");
  BOOST_TEST(client.expire(at(2s)).empty());
  BOOST_TEST(client.outstanding() == 1u);
  BOOST_TEST(log == "");
}

BOOST_AUTO_TEST_CASE(a_driver_may_cancel_long_before_the_deadline) {
  client.grant(1);
  ask("a", at(60s));
  const auto sent = client.take_requests();
  call_result killed{sent.at(0).token, error{error_kind::cancelled, "store", "an admin killed it"}};
  client.deliver({&killed, 1}, at(1s));
  BOOST_TEST(log == "a!cancelled");
}

BOOST_AUTO_TEST_CASE(a_question_without_a_deadline_may_be_answered_with_cancelled) {
  client.grant(1);
  ask("a");
  const auto sent = client.take_requests();
  call_result gone{sent.at(0).token, error{error_kind::cancelled, "store", "it closes"}};
  client.deliver({&gone, 1}, at(9s));
  BOOST_TEST(log == "a!cancelled");
}

BOOST_AUTO_TEST_CASE(an_unsent_question_that_expires_is_dropped_without_a_word) {
  ask("a", at(1s));
  ask("b", at(3s));
  ask("c", at(2s));
  BOOST_TEST(client.expire(at(2s)).empty());
  BOOST_TEST(client.outstanding() == 1);
  BOOST_TEST((client.next_deadline() == at(3s)));
  client.grant(3);
  BOOST_TEST(names(client.take_requests()) == "b");
  BOOST_TEST(log.empty());
}

BOOST_AUTO_TEST_CASE(a_sent_question_that_expires_is_to_be_cancelled_and_holds_its_credit) {
  client.grant(1);
  auto watched = std::make_shared<int>();
  client.ask(statement_id{0}, {}, at(1s), [watched, this](expected<answer>) { note("called"); });
  const auto token = client.take_requests().at(0).token;
  // WHEN its deadline passes
  BOOST_TEST((client.expire(at(1s)) == std::vector{token}));
  // THEN the callback is gone, the place at the pool is not
  BOOST_TEST(watched.use_count() == 1);
  BOOST_TEST(client.outstanding() == 0);
  BOOST_TEST(client.sent() == 1);
  ask("b");
  BOOST_TEST(!client.has_requests());
  // WHEN its result comes after all
  answer_with(token, "late");
  // THEN the place is free
  BOOST_TEST(client.has_requests());
  BOOST_TEST(log.empty());
  BOOST_TEST(client.unknown_results() == 0);
  answer_with(token, "later still");
  BOOST_TEST(client.unknown_results() == 1);
}

BOOST_AUTO_TEST_CASE(a_token_expires_once) {
  client.grant(1);
  ask("a", at(1s));
  client.take_requests();
  BOOST_TEST(client.expire(at(1s)).size() == 1);
  BOOST_TEST(client.expire(at(2s)).empty());
  BOOST_TEST((client.next_deadline() == time_point::max()));
}

BOOST_AUTO_TEST_CASE(a_deadline_is_forgotten_with_its_answer) {
  client.grant(1);
  ask("a", at(1s));
  answer_with(client.take_requests().at(0).token, "1");
  BOOST_TEST((client.next_deadline() == time_point::max()));
  BOOST_TEST(client.expire(at(1h)).empty());
}

BOOST_AUTO_TEST_CASE(deadlines_pass_in_their_order_whatever_the_order_of_asking) {
  client.grant(6);
  for (const int second : {5, 2, 6, 1, 4, 3})
    ask(std::to_string(second), at(std::chrono::seconds{second}));
  const auto sent = client.take_requests();
  answer_with(sent.at(3).token, "quick");
  for (const std::size_t place : {1, 5, 4, 0, 2}) {
    const auto due = sent.at(place).deadline;
    BOOST_TEST((client.next_deadline() <= due));
    BOOST_TEST(client.expire(due - 1ns).empty());
    BOOST_TEST((client.next_deadline() == due));
    BOOST_TEST((client.expire(due) == std::vector{sent.at(place).token}));
  }
  BOOST_TEST(client.outstanding() == 0u);
}

BOOST_AUTO_TEST_CASE(a_slot_that_is_used_again_has_its_own_deadline_only) {
  client.grant(2);
  ask("keeps the others from being forgotten", at(9s));
  ask("a", at(1s));
  answer_with(client.take_requests().at(1).token, "1");
  ask("b", at(5s));
  client.take_requests();
  BOOST_TEST(client.expire(at(1s)).empty());
  BOOST_TEST(client.outstanding() == 2u);
  BOOST_TEST(client.expire(at(5s)).size() == 1u);
}

BOOST_AUTO_TEST_CASE(an_expiry_costs_the_same_whatever_waits_behind_it) {
  // Processor time for each of 1,000 deadlines that pass one by one.
  const auto cost = [](std::uint32_t outstanding) {
    pool_client of;
    of.grant(outstanding);
    for (std::uint32_t i = 0; i < outstanding; ++i)
      of.ask({}, {}, at(std::chrono::microseconds{i}), [](expected<answer>) {});
    of.take_requests();
    const auto begin = std::clock();
    for (std::uint32_t i = 0; i < 1'000; ++i)
      BOOST_REQUIRE(of.expire(at(std::chrono::microseconds{i})).size() == 1u);
    return std::clock() - begin;
  };
  const auto few = cost(1'000);
  // Hundred times as many, which a look at each would make hundred times as dear.
  BOOST_TEST(cost(100'000) < 10 * few + CLOCKS_PER_SEC / 50);
}

BOOST_AUTO_TEST_CASE(a_callback_that_asks_while_it_is_destroyed_is_no_danger) {
  struct asks_at_its_end {
    pool_client_fixture* test;
    asks_at_its_end(pool_client_fixture* t) : test(t) {}
    asks_at_its_end(asks_at_its_end&& x) noexcept : test(std::exchange(x.test, nullptr)) {}
    ~asks_at_its_end() {
      if (test != nullptr)
        for (int i = 0; i < 100; ++i)
          test->ask("n");
    }
    void operator()(expected<answer>) {}
  };
  client.ask(statement_id{0}, {}, at(1s), asks_at_its_end{this});
  ask("b", at(2s));
  BOOST_TEST(client.expire(at(1s)).empty());
  BOOST_TEST(client.outstanding() == 101);
}

BOOST_AUTO_TEST_CASE(when_the_pool_is_gone_every_callback_gets_the_error) {
  client.grant(3);
  ask("a");
  ask("b", at(1s));
  const auto sent = client.take_requests();
  ask("c");
  client.expire(at(1s));
  client.fail_all(error{error_kind::refused, "p", "gone"});
  BOOST_TEST(log == "a!refused c!refused");
  BOOST_TEST(client.outstanding() == 0);
  BOOST_TEST(client.sent() == 0);
  answer_with(sent[0].token, "late");
  BOOST_TEST(client.unknown_results() == 1);
  // The old credit is void.
  ask("d");
  BOOST_TEST(!client.has_requests());
  client.grant(1);
  BOOST_TEST(names(client.take_requests()) == "d");
}

BOOST_AUTO_TEST_CASE(what_is_asked_while_all_fail_does_not_fail_with_them) {
  client.ask(statement_id{0}, {}, time_point::max(), [this](expected<answer>) { ask("again"); });
  ask("b");
  client.fail_all(error{error_kind::refused, "p", "gone"});
  BOOST_TEST(log == "b!refused");
  BOOST_TEST(client.outstanding() == 1);
}

BOOST_AUTO_TEST_CASE(in_steady_state_a_call_allocates_nothing_of_its_own) {
  client.grant(100);
  std::vector<question> requests;
  std::vector<call_result> results;
  std::size_t in_requests = 0;
  std::size_t answered = 0;
  const auto turn = [&] {
    struct { // as large as a callback may be
      char content[56];
    } const capture{};
    for (int i = 0; i < 100; ++i)
      client.ask(statement_id{0}, {}, at(1s), [capture, &answered](expected<answer>) {
        answered += 1 + static_cast<std::size_t>(capture.content[0]);
      });
    const auto before = allocations();
    requests = client.take_requests(std::move(requests));
    in_requests += allocations() - before;
    results.clear();
    for (const auto& q : requests)
      results.push_back({q.token, answer{}});
    client.deliver(results, at(0s));
  };
  // Memory that goes to and fro: two vectors of requests, and deadlines.
  for (int i = 0; i < 5; ++i)
    turn();
  in_requests = 0;
  answered = 0;
  const auto before = allocations();
  for (int i = 0; i < 10; ++i)
    turn();
  const auto after = allocations();
  BOOST_TEST(in_requests == 0);
  BOOST_TEST(after - before == 0);
  BOOST_TEST(answered == 1000);
}

BOOST_AUTO_TEST_CASE(deadlines_of_answered_questions_do_not_pile_up) {
  // GIVEN one question that waits for hours, and many with later deadlines that are answered
  client.grant(101);
  ask("waits", at(1h));
  const auto kept = client.take_requests();
  std::vector<question> requests;
  std::vector<call_result> results;
  duration due = 1h;
  const auto turn = [&] {
    for (int i = 0; i < 100; ++i)
      client.ask(statement_id{0}, {}, at(due += 1ms), [](expected<answer>) {});
    results.clear();
    requests = client.take_requests(std::move(requests));
    for (const auto& q : requests)
      results.push_back({q.token, answer{}});
    client.deliver(results, at(0s));
  };
  for (int i = 0; i < 10; ++i)
    turn();
  // WHEN that goes on for long
  const auto before = allocations();
  for (int i = 0; i < 1'000; ++i)
    turn();
  // THEN nothing is allocated any more
  BOOST_TEST(allocations() - before == 0u);
  BOOST_TEST(client.outstanding() == 1u);
}

BOOST_AUTO_TEST_CASE(questions_without_credit_that_expire_do_not_pile_up) {
  // GIVEN a store that answers nothing
  client.grant(1);
  ask("never answered");
  client.take_requests();
  duration now{};
  const auto turn = [&] {
    now += 1s;
    for (int i = 0; i < 100; ++i)
      client.ask(statement_id{0}, {}, at(now), [](expected<answer>) {});
    client.expire(at(now));
  };
  for (int i = 0; i < 10; ++i)
    turn();
  // WHEN all that is asked times out, for long
  const auto before = allocated_bytes();
  for (int i = 0; i < 100; ++i)
    turn();
  // THEN no more memory is held
  BOOST_TEST(client.unsent() == 0u);
  BOOST_TEST(allocated_bytes() - before < 20'000);
  ask("last");
  client.grant(1);
  BOOST_TEST(names(client.take_requests()) == "last");
}

BOOST_AUTO_TEST_CASE(a_question_that_expires_before_it_is_taken_is_not_sent) {
  client.grant(3);
  ask("a", at(1s));
  ask("b", at(3s));
  ask("c", at(2s));
  BOOST_TEST(client.unsent() == 3u);
  BOOST_TEST(client.expire(at(2s)).empty());
  BOOST_TEST(client.unsent() == 1u);
  BOOST_TEST(client.outstanding() == 1u);
  // Their credit is there for others.
  for (const auto* name : {"d", "e", "f"})
    ask(name);
  BOOST_TEST(names(client.take_requests()) == "bde");
  BOOST_TEST(log == "");
}

BOOST_AUTO_TEST_CASE(a_question_for_which_there_is_no_memory_is_not_asked) {
  struct large {
    char content[500]{};
    void operator()(expected<answer>) const {}
  };
  // Each allocation of its own: the block of entries, the callback, the request, the deadline.
  std::size_t failed = 0;
  for (std::size_t n = 1;; ++n) {
    pool_client of;
    of.grant(1);
    fail_allocation(n);
    try {
      of.ask(statement_id{0}, {}, at(1s), large{});
    } catch (const std::bad_alloc&) {
      ++failed;
    }
    const bool has_failed = allocation_has_failed();
    fail_allocation(0);
    if (!has_failed)
      break;
    BOOST_TEST(of.outstanding() == 0u);
    BOOST_TEST(!of.has_requests());
    of.ask(statement_id{0}, {}, at(1s), large{});
    const auto sent = of.take_requests();
    BOOST_TEST_REQUIRE(sent.size() == 1u);
    BOOST_TEST(of.outstanding() == 1u);
    BOOST_TEST((of.expire(at(1s)) == std::vector{sent[0].token}));
  }
  BOOST_TEST(failed >= 4u);
}

BOOST_AUTO_TEST_CASE(what_is_asked_with_credit_stays_behind_what_waits_for_it) {
  client.grant(1);
  for (const auto* name : {"a", "b"})
    ask(name);
  client.grant(2);
  ask("c");
  BOOST_TEST(names(client.take_requests()) == "abc");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace weir::testing
