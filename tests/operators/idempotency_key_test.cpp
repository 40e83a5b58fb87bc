// SPDX-License-Identifier: Apache-2.0

// Idempotency keys: their bytes, which must never change, and that a record has one key, whatever happens to it.

#include "../support/allocations.hpp"
#include "../support/coroutine_operator.hpp"
#include "../support/machine_fixture.hpp"

#include "weir/idempotency_key.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using namespace weir;
using namespace weir::testing;

namespace {

constexpr run_id run_of_bytes() {
  run_id run;
  for (std::size_t i = 0; i < run.bytes.size(); ++i)
    run.bytes[i] = static_cast<std::uint8_t>(i);
  return run;
}

std::string key_text(const std::string& job, const std::string& operator_name, const origin& from) {
  return idempotency_scope{job, run_of_bytes(), operator_name}.key_of(from).text();
}

} // namespace

BOOST_AUTO_TEST_SUITE(idempotency_keys)

BOOST_AUTO_TEST_CASE(a_key_is_the_same_in_every_version_and_on_every_machine) {
  // What another implementation of SHA-256 gives for the bytes of docs/formats.md.
  BOOST_TEST(key_text("flights", "airports", {0x0102'0304'0506'0708u, 0x1112'1314'1516'1718u, 0x2122'2324u})
             == "fc94f9d9c936e41c14acb4fe50b658f8");
  BOOST_TEST(key_text("flights", "airports", {}) == "ffe12ece566e0c1ad8b07581465de115");
  BOOST_TEST(key_text("Fl\xC3\xBCge", "airports", {1, 2, 3}) == "dcf91a4b844d853a58500804b0758c90");
}

BOOST_AUTO_TEST_CASE(names_of_every_length_are_hashed_as_the_standard_says) {
  // Lengths at which the padding needs a block of its own or just not, and the length of a name another byte.
  const std::map<std::size_t, std::string> expected{
    {27, "3dc01d4de7128642d54d3ba8da375044"},  {28, "9d39ebfd666af23c4c9599cd7d3fce0b"},
    {35, "4f81ec391d94c7f08498068420dbcaba"},  {36, "3186c50f6352977022f33195cf2e0542"},
    {37, "8f34ad91346ea902009d18307dd6f343"},  {91, "3754cfb18dabf03451462f99ab69dfba"},
    {92, "2436413738c082b7f35b100c435e27d3"},  {99, "f53c336ef2f24ed895996a36efeda57a"},
    {100, "cf5452c1c2f28eb39eb13e582785e7eb"}, {101, "1100dc082a5d81dea73ff472a550a9c1"},
    {127, "ecb1e0d41e4bc51be76ed59a5f0de24a"}, {128, "5f43fa45207370e8b7c300dd03b74fb9"},
    {200, "b9beeaca88308701b2fa952f9900c1fe"},
  };
  for (const auto& [length, text] : expected)
    BOOST_TEST(key_text(std::string(length, 'a'), "op", {7, 0, 0}) == text, "length " << length);
}

BOOST_AUTO_TEST_CASE(its_bytes_are_what_its_text_shows) {
  const auto key = idempotency_scope{"flights", run_of_bytes(), "airports"}.key_of({});
  BOOST_TEST(run_id{key.bytes()}.text() == key.text());
  BOOST_TEST((key.from() == origin{}));
}

BOOST_AUTO_TEST_CASE(another_job_run_operator_or_origin_has_another_key) {
  const auto run = run_of_bytes();
  auto other_run = run;
  other_run.bytes[15] ^= 1;
  const origin from{5, 6, 7};
  const std::vector<std::pair<idempotency_scope, origin>> all{
    {{"job", run, "op"}, from},          {{"job", other_run, "op"}, from},
    {{"jo", run, "op"}, from},           {{"job", run, "bop"}, from},
    {{"jobo", run, "p"}, from},          {{"", run, "jobop"}, from},
    {{"job", run, "op"}, {6, 6, 7}},     {{"job", run, "op"}, {5, 7, 7}},
    {{"job", run, "op"}, {5, 6, 8}},     {{"job", run, "op"}, {6, 5, 7}},
    {{"job", run, "op"}, from.child(0)}, {{"job", run, "op"}, from.child(1)},
    {{"job", run, "op"}, from.of_input(1)},
  };
  std::set<std::string> texts;
  for (const auto& [scope, at] : all) {
    texts.insert(scope.key_of(at).text());
    BOOST_TEST((scope.key_of(at) == all.front().first.key_of(from)) == (&at == &all.front().second));
  }
  BOOST_TEST(texts.size() == all.size());
}

BOOST_AUTO_TEST_CASE(no_two_origins_share_a_key) {
  const idempotency_scope scope{"job", run_of_bytes(), "op"};
  std::set<std::array<std::uint8_t, 16>> keys;
  for (std::uint64_t position = 0; position < 20; ++position)
    for (std::uint64_t ordinal = 0; ordinal < 20; ++ordinal)
      for (std::uint32_t split = 0; split < 20; ++split)
        keys.insert(scope.key_of({position, ordinal, split}).bytes());
  BOOST_TEST(keys.size() == 8'000u);
}

BOOST_AUTO_TEST_CASE(nothing_is_allocated_before_its_text_is_asked_for) {
  const auto before = allocations();
  const idempotency_scope scope{"a job whose name is too long for a string", run_of_bytes(), "op"};
  const auto key = scope.key_of({1, 2, 3});
  const auto copy = key;
  const auto bytes = copy.bytes();
  const bool same = copy == key;
  BOOST_TEST(allocations() == before);
  BOOST_TEST(same);
  BOOST_TEST(bytes.size() == 16u);
}

BOOST_AUTO_TEST_SUITE_END()

// -- in an operator --

namespace {

struct keyed_calls : machine_fixture {
  keyed_calls() {
    options.timeout = 100ms;
    options.retry = fixed_delay{5, 10ms, any_error()};
    options.on_failure = failure_action::dead_letter;
    does.call = [this, before = does.call](const item& x, result_future<item> done) {
      keys[x.value].push_back(done.idempotency_key());
      before(x, std::move(done));
    };
    hook([this](const item& x, const result_future<item>& done) {
      keys[x.value].push_back(done.idempotency_key());
    });
  }

  /// Whether all keys of a record are this one.
  bool all_are(int record, const std::string& text) {
    for (const auto& each : keys[record])
      if (each.text() != text)
        return false;
    return true;
  }

  /// By the number of a record, from 0 on in the order of their coming.
  std::string expected(std::uint64_t number) {
    return idempotency_scope{"test", {}, "lookup"}.key_of({number, 0, 0}).text();
  }

  std::map<int, std::vector<idempotency_key>> keys;
};

} // namespace

BOOST_AUTO_TEST_SUITE(idempotency_keys_in_an_operator)

BOOST_DATA_TEST_CASE_F(keyed_calls, all_calls_for_a_record_and_its_hook_have_one_key, every_mode, mode) {
  start(mode);
  push({1, 2});
  fail(1, "busy");
  advance(10ms);
  fail(1, "busy");
  advance(100ms);
  // Two retries and the hook; a call and the hook.
  BOOST_TEST(keys[1].size() == 4u);
  BOOST_TEST(keys[2].size() == 2u);
  BOOST_TEST(all_are(1, expected(0)));
  BOOST_TEST(all_are(2, expected(1)));
}

BOOST_DATA_TEST_CASE_F(keyed_calls, a_record_keeps_its_key_over_a_restore,
                       boost::unit_test::data::make(every_mode) * boost::unit_test::data::make({false, true}), mode,
                       calls_all) {
  const auto how = calls_all ? restore_mode::call_all : restore_mode::resume;
  start(mode);
  push({1, 2, 3});
  fail(2, "busy");
  complete(1);
  crash_and_restore(mode, how);
  advance(10ms);
  crash_and_restore(mode == output_mode::ordered ? output_mode::unordered : output_mode::ordered, how);
  advance(10ms);
  BOOST_TEST(keys[2].size() >= 3u);
  BOOST_TEST(keys[3].size() >= 3u);
  BOOST_TEST(all_are(1, expected(0)));
  BOOST_TEST(all_are(2, expected(1)));
  BOOST_TEST(all_are(3, expected(2)));
}

BOOST_DATA_TEST_CASE_F(keyed_calls, a_slot_that_is_used_again_gives_the_new_records_key, every_mode, mode) {
  start(mode);
  push(1);
  complete(1);
  push(2);
  complete(2);
  answer_at_once(3, [](result_future<item> done) { done.complete(item{30, 8}); });
  push(3);
  push(4);
  for (int record = 1; record <= 4; ++record) {
    BOOST_TEST(keys[record].size() == 1u);
    BOOST_TEST(all_are(record, expected(static_cast<std::uint64_t>(record - 1))));
  }
}

BOOST_FIXTURE_TEST_CASE(a_key_is_asked_for_inside_the_call, keyed_calls) {
  start(output_mode::ordered);
  BOOST_CHECK_THROW(result_future<item>{}.idempotency_key(), std::logic_error);
  push(1);
  const auto outside = take_future(1);
  BOOST_CHECK_THROW(outside.idempotency_key(), std::logic_error);
  bool thrown = false;
  std::thread{[&] {
    try {
      outside.idempotency_key();
    } catch (const std::logic_error&) {
      thrown = true;
    }
  }}.join();
  BOOST_TEST(thrown);
}

BOOST_FIXTURE_TEST_CASE(a_record_that_is_over_has_none_for_others_to_take, keyed_calls) {
  // GIVEN a call that is answered inside another, when its record has timed out and another has its slot
  start(output_mode::unordered);
  push(1);
  const auto late = take_future(1);
  answer_at_once(2, [&](result_future<item> done) {
    BOOST_CHECK_THROW(late.idempotency_key(), std::logic_error);
    done.complete_empty();
  });
  hook([](const item&, result_future<item> done) { done.complete_empty(); });
  advance(100ms);
  push(2);
}

BOOST_AUTO_TEST_CASE(an_operator_that_was_not_told_its_name_has_no_keys) {
  struct asking : async_function<int, int> {
    void async_invoke(const int&, result_future<int> done) {
      BOOST_CHECK_THROW(done.idempotency_key(), std::logic_error);
      done.complete_empty();
    }
  };
  asking function;
  observed_calls observer;
  const auto port = completion_port<int>::make([] {});
  operator_machine<asking, observed_calls> machine{{.name = "op", .timeout = 0s},
                                                   output_mode::ordered, function, *port, observer, 1};
  collecting_output<int> results;
  batch<int> in;
  in.append(1, event_time::none(), {});
  batch_cursor at;
  machine.take(in, at, {results}, time_point{1h});
}

BOOST_AUTO_TEST_CASE(a_coroutine_and_its_subtasks_know_the_key_of_their_call) {
  std::vector<std::string> keys;
  client c;
  const auto part = [&]() -> subtask<int> {
    keys.push_back((co_await this_call).idempotency_key.text());
    co_return 1;
  };
  operator_options options;
  options.retry = fixed_delay{1, 10ms, any_error()};
  operator_of op{[&](const std::string& key) -> task<std::string> {
                   const auto facts = co_await this_call;
                   keys.push_back(facts.idempotency_key.text());
                   co_await part();
                   co_await await_callback<std::string>([&](auto then) { c.ask(key, std::move(then)); });
                   keys.push_back((co_await this_call).idempotency_key.text());
                   if (facts.attempt == 1)
                     co_return error{"io", "store", "not now"};
                   co_return key;
                 },
                 options};
  op.push("other");
  keys.clear();
  op.push("a");
  c.answer("a", "");
  op.settle();
  op.pass(10ms);
  c.answer("a", "");
  op.settle();
  const auto expected = idempotency_scope{"test", {}, "lookup"}.key_of({1, 0, 0}).text();
  BOOST_TEST(keys == std::vector<std::string>(6, expected), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
