// SPDX-License-Identifier: Apache-2.0

/// Every life of a result future: completed in its call, later, from other threads, twice, never,
/// after the operator's end; moved; and with what comes of it.

#include "../support/machine_fixture.hpp"

#include <algorithm>
#include <atomic>
#include <latch>
#include <memory>
#include <thread>

namespace {

using namespace weir;
using namespace weir::testing;

using port = completion_port<int>;

/// A port, used as an operator would, without the operator.
struct port_fixture {
  port_fixture() : owner(port::make([this] { ++wake_ups; })) {}

  /// A call that does not complete before it returns.
  result_future<int> begin(std::uint32_t slot) {
    const port::scope here{*owner, time_point{}};
    const call_id id{slot, 0, 1};
    owner->begin_call(id);
    BOOST_REQUIRE(owner->end_call() == nullptr);
    return {*owner, id, time_point::max()};
  }

  weir::column<completion<int>> drain() {
    weir::column<completion<int>> arrived;
    owner->drain(arrived);
    return arrived;
  }

  std::atomic<int> wake_ups = 0;
  port::owner owner;
};

/// A value that counts how many of it live.
struct counted {
  explicit counted(int& count) : live(&count) { ++*live; }
  counted(const counted& other) : live(other.live) { ++*live; }
  counted& operator=(const counted&) = default;
  ~counted() { --*live; }
  int* live;
};

} // namespace

// -- in the call --

BOOST_FIXTURE_TEST_SUITE(futures_in_their_call, port_fixture)

BOOST_AUTO_TEST_CASE(a_completion_inside_the_call_is_there_when_it_returns) {
  const port::scope here{*owner, time_point{}};
  const call_id id{3, 1, 1};
  owner->begin_call(id);
  result_future<int>{*owner, id, time_point::max()}.complete(5);
  const auto* outcome = owner->end_call();
  BOOST_REQUIRE(outcome != nullptr);
  BOOST_TEST(*outcome->one() == 5);
  BOOST_TEST(drain().empty());
  BOOST_TEST(wake_ups == 0);
}

BOOST_AUTO_TEST_CASE(a_future_that_is_dropped_inside_the_call_fails_it_as_abandoned) {
  const port::scope here{*owner, time_point{}};
  const call_id id{3, 1, 1};
  owner->begin_call(id);
  { result_future<int> dropped{*owner, id, time_point::max()}; }
  const auto* outcome = owner->end_call();
  BOOST_REQUIRE(outcome != nullptr);
  BOOST_TEST(outcome->why()->is(error_kind::abandoned));
}

BOOST_AUTO_TEST_CASE(a_completion_of_another_call_is_kept_apart) {
  auto other = begin(1);
  const port::scope here{*owner, time_point{}};
  const call_id id{2, 0, 1};
  owner->begin_call(id);
  result_future<int> own{*owner, id, time_point::max()};
  other.complete(10);
  BOOST_TEST(owner->end_call() == nullptr);
  BOOST_TEST(owner->has_own());
  const auto arrived = drain();
  BOOST_REQUIRE_EQUAL(arrived.size(), 1u);
  BOOST_TEST(arrived[0].id.slot == 1u);
  BOOST_TEST(wake_ups == 0);
}

BOOST_AUTO_TEST_SUITE_END()

// -- later --

BOOST_FIXTURE_TEST_SUITE(futures_after_their_call, port_fixture)

BOOST_AUTO_TEST_CASE(each_kind_of_completion_comes_in_as_it_was_given) {
  begin(0).complete(7);
  begin(1).complete(std::vector<int>{1, 2});
  begin(2).complete_empty();
  begin(3).fail({"io", "service", "it said no"});
  begin(4);
  const auto arrived = drain();
  BOOST_REQUIRE_EQUAL(arrived.size(), 5u);
  BOOST_TEST(*arrived[0].with.one() == 7);
  BOOST_TEST(arrived[1].with.several()->size() == 2u);
  BOOST_TEST(arrived[2].with.is_empty());
  BOOST_TEST(arrived[3].with.why()->is("io"));
  BOOST_TEST(arrived[4].with.why()->is(error_kind::abandoned));
  for (std::uint32_t slot = 0; slot < 5; ++slot)
    BOOST_TEST(arrived[slot].id.slot == slot);
}

BOOST_AUTO_TEST_CASE(one_wake_up_is_under_way_at_most) {
  begin(0).complete(1);
  begin(1).complete(1);
  BOOST_TEST(wake_ups == 1);
  // Drained for another reason than the wake-up, which is still under way.
  drain();
  begin(2).complete(1);
  BOOST_TEST(wake_ups == 1);
  owner->woken();
  drain();
  begin(3).complete(1);
  BOOST_TEST(wake_ups == 2);
}

BOOST_AUTO_TEST_CASE(a_completion_on_the_operators_own_thread_wakes_nobody) {
  auto done = begin(0);
  const port::scope here{*owner, time_point{}};
  done.complete(1);
  BOOST_TEST(wake_ups == 0);
  BOOST_TEST(drain().size() == 1u);
}

BOOST_AUTO_TEST_CASE(the_first_completion_wins) {
  auto done = begin(0);
  done.complete(1);
  done.complete(2);
  done.fail({"io", "service", ""});
  done.complete_empty();
  const auto arrived = drain();
  BOOST_REQUIRE_EQUAL(arrived.size(), 1u);
  BOOST_TEST(*arrived[0].with.one() == 1);
  BOOST_TEST(owner->ignored() == 3u);
}

BOOST_AUTO_TEST_CASE(a_moved_future_completes_once_and_what_it_was_moved_from_does_nothing) {
  auto first = begin(0);
  auto second = std::move(first);
  first.complete(1);
  BOOST_TEST(drain().empty());
  second.complete(2);
  BOOST_TEST(*drain()[0].with.one() == 2);
}

BOOST_AUTO_TEST_CASE(assigning_to_a_future_abandons_the_call_that_it_had) {
  auto kept = begin(0);
  kept = begin(1);
  const auto arrived = drain();
  BOOST_REQUIRE_EQUAL(arrived.size(), 1u);
  BOOST_TEST(arrived[0].id.slot == 0u);
  BOOST_TEST(arrived[0].with.why()->is(error_kind::abandoned));
  kept.complete(5);
  BOOST_TEST(drain()[0].id.slot == 1u);
}

BOOST_AUTO_TEST_CASE(a_future_of_no_call_does_nothing) {
  result_future<int> none;
  none.complete(1);
  none = result_future<int>{};
  BOOST_TEST(drain().empty());
}

BOOST_AUTO_TEST_CASE(results_that_can_only_be_moved_are_taken) {
  auto other = completion_port<std::unique_ptr<int>>::make([] {});
  const call_id id{0, 0, 1};
  other->begin_call(id);
  other->end_call();
  result_future<std::unique_ptr<int>>{*other, id, {}}.complete(std::make_unique<int>(3));
  weir::column<completion<std::unique_ptr<int>>> arrived;
  other->drain(arrived);
  BOOST_TEST(**arrived[0].with.one() == 3);
}

BOOST_AUTO_TEST_CASE(after_the_operators_end_completing_does_no_harm) {
  auto first = begin(0);
  auto second = begin(1);
  auto third = begin(2);
  first.complete(1);
  owner.reset();
  second.complete(2);
  { auto dropped = std::move(third); }
  BOOST_TEST(wake_ups == 1);
}

BOOST_AUTO_TEST_CASE(what_nobody_took_dies_with_the_operator) {
  int live = 0;
  auto other = completion_port<counted>::make([] {});
  std::vector<result_future<counted>> held;
  for (std::uint32_t slot = 0; slot < 2; ++slot) {
    const call_id id{slot, 0, 1};
    other->begin_call(id);
    other->end_call();
    held.emplace_back(*other, id, time_point::max());
  }
  held[0].complete(counted{live});
  BOOST_TEST(live == 1);
  other.reset();
  BOOST_TEST(live == 0);
  held[1].complete(counted{live});
  BOOST_TEST(live == 0);
}

BOOST_AUTO_TEST_SUITE_END()

// -- with a machine --

BOOST_FIXTURE_TEST_SUITE(futures_of_a_machine, machine_fixture)

BOOST_AUTO_TEST_CASE(a_forgotten_future_is_a_failure_and_no_hang) {
  start(output_mode::ordered);
  push(1);
  forget(1);
  BOOST_TEST(transcript() == "call 1\nfailed 1 abandoned\n");
}

BOOST_AUTO_TEST_CASE(a_completion_wakes_the_operator_and_waits_for_it) {
  start(output_mode::ordered);
  push(1);
  take_future(1).complete(item{10, 8});
  BOOST_TEST(wake_ups == 1);
  BOOST_TEST(transcript() == "call 1\n");
  settle();
  BOOST_TEST(transcript() == "out 10\n");
}

BOOST_AUTO_TEST_CASE(a_machine_may_end_before_its_futures) {
  start(output_mode::ordered);
  push({1, 2});
  machine.reset();
  take_future(1).complete(item{10, 8});
  BOOST_TEST(transcript() == "call 1\ncall 2\n");
}

BOOST_AUTO_TEST_CASE(futures_know_their_attempt) {
  options.timeout = ms{100};
  options.retry = fixed_delay{1, ms{1}, any_error()};
  start(output_mode::ordered);
  push(1);
  BOOST_TEST(held.find(1)->second.attempt() == 1u);
  fail(1, "io");
  advance(ms{1});
  BOOST_TEST(held.find(1)->second.attempt() == 2u);
}

struct time_left_fixture : machine_fixture {
  time_left_fixture() {
    does.call = [this](const item& x, result_future<item> done) {
      left.push_back(done.time_left());
      held.emplace(x.value, std::move(done));
    };
  }

  std::string text() const {
    std::string all;
    for (const auto& each : left)
      all += each == duration::max() ? "none " : std::to_string(each / ms{1}) + " ";
    return all;
  }

  std::vector<duration> left;
};

BOOST_FIXTURE_TEST_CASE(each_call_knows_the_time_that_its_record_has_left, time_left_fixture) {
  options.timeout = ms{100};
  options.max_concurrent_calls = 1;
  options.retry = fixed_delay{1, ms{30}, any_error()};
  start(output_mode::ordered);
  push({1, 2});
  advance(ms{10});
  fail(1, "io");
  advance(ms{40});
  complete(2);
  BOOST_TEST(text() == "100 90 50 ");
}

BOOST_FIXTURE_TEST_CASE(a_restored_call_has_the_time_left_that_it_had, time_left_fixture) {
  options.timeout = ms{100};
  start(output_mode::ordered);
  push(1);
  advance(ms{60});
  crash_and_restore(output_mode::ordered);
  BOOST_TEST(text() == "100 40 ");
}

BOOST_FIXTURE_TEST_CASE(without_a_timeout_the_time_left_is_without_bound, time_left_fixture) {
  start(output_mode::ordered);
  push(1);
  BOOST_TEST(text() == "none ");
  BOOST_TEST((result_future<item>{}.time_left() == duration::max()));
}

BOOST_FIXTURE_TEST_CASE(a_timeout_hook_has_no_time_left, time_left_fixture) {
  options.timeout = ms{100};
  hook([&](const item&, result_future<item> done) { left.push_back(done.time_left()); });
  start(output_mode::ordered);
  push(1);
  advance(ms{100});
  BOOST_TEST(text() == "100 0 ");
}

BOOST_AUTO_TEST_CASE(a_future_knows_whether_it_is_wanted) {
  BOOST_TEST(!result_future<item>{}.wanted());
  start(output_mode::ordered);
  push({1, 2});
  auto first = take_future(1);
  auto second = take_future(2);
  BOOST_TEST(first.wanted());
  first.complete(item{10, 8});
  BOOST_TEST(!first.wanted());
  BOOST_TEST(second.wanted());
  machine.reset();
  BOOST_TEST(!second.wanted());
}

BOOST_AUTO_TEST_CASE(a_future_is_wanted_until_its_record_has_timed_out) {
  // GIVEN room for one record, which times out
  options.timeout = ms{100};
  options.capacity = 1;
  options.on_failure = failure_action::drop;
  start(output_mode::ordered);
  push(1);
  const auto first = take_future(1);
  advance(ms{99});
  BOOST_TEST(first.wanted());
  advance(ms{1});
  BOOST_TEST(!first.wanted());
  // WHEN the next takes its place THEN that is wanted, until it times out too
  push(2);
  const auto second = take_future(2);
  BOOST_TEST(second.wanted());
  BOOST_TEST(!first.wanted());
  advance(ms{100});
  BOOST_TEST(!second.wanted());
  BOOST_TEST(!first.wanted());
}

BOOST_AUTO_TEST_CASE(a_timeout_hook_that_completes_nothing_leaves_a_future_wanted) {
  std::vector<result_future<item>> hooks;
  hook([&](const item&, result_future<item> done) { hooks.push_back(std::move(done)); });
  options.timeout = ms{100};
  start(output_mode::ordered);
  push(1);
  const auto call = take_future(1);
  advance(ms{100});
  BOOST_TEST(call.wanted());
  BOOST_TEST(hooks.at(0).wanted());
  hooks.at(0).complete(item{-1, 8});
  settle();
  BOOST_TEST(!call.wanted());
}

BOOST_AUTO_TEST_CASE(each_of_many_records_is_given_up_alone) {
  options.timeout = ms{10'000};
  options.capacity = 1'000;
  options.on_failure = failure_action::drop;
  start(output_mode::unordered);
  for (int i = 0; i < 1'000; ++i) {
    push(i);
    advance(ms{1});
  }
  std::vector<result_future<item>> calls;
  for (int i = 0; i < 1'000; ++i)
    calls.push_back(take_future(i));
  // The last timeout that has passed is that of record 400.
  advance(ms{9'400});
  for (int i = 0; i < 1'000; ++i)
    BOOST_REQUIRE_EQUAL(calls[static_cast<std::size_t>(i)].wanted(), i > 400);
}

static_assert(sizeof(result_future<item>) == 32, "a future is moved often: half a cache line");

BOOST_AUTO_TEST_SUITE_END()

// -- other threads --

BOOST_AUTO_TEST_SUITE(futures_on_other_threads)

constexpr std::uint32_t threads = 4;
constexpr std::uint32_t calls_per_thread = 2'000;

BOOST_AUTO_TEST_CASE(no_completion_and_no_wake_up_is_lost) {
  std::atomic<std::uint32_t> wake_ups = 0;
  const auto owner = port::make([&] {
    ++wake_ups;
    wake_ups.notify_one();
  });
  std::vector<std::vector<result_future<int>>> shares(threads);
  for (std::uint32_t n = 0; n < threads * calls_per_thread; ++n) {
    const call_id id{n, 0, 1};
    owner->begin_call(id);
    owner->end_call();
    shares[n % threads].emplace_back(*owner, id, time_point::max());
  }
  std::latch all_ready{threads};
  std::vector<std::thread> workers;
  for (auto& share : shares)
    workers.emplace_back([&all_ready, mine = std::move(share)]() mutable {
      all_ready.arrive_and_wait();
      for (auto& done : mine)
        done.complete(static_cast<int>(done.attempt()));
    });
  // Drained only when woken: a lost wake-up would hang here.
  std::vector<int> times_seen(threads * calls_per_thread);
  std::uint32_t seen = 0;
  weir::column<completion<int>> arrived;
  for (std::uint32_t handled = 0; seen < times_seen.size();) {
    wake_ups.wait(handled);
    handled = wake_ups;
    owner->woken();
    owner->drain(arrived);
    for (const auto& each : arrived)
      ++times_seen[each.id.slot];
    seen += static_cast<std::uint32_t>(arrived.size());
    arrived.clear();
  }
  for (auto& each : workers)
    each.join();
  BOOST_TEST(std::count(times_seen.begin(), times_seen.end(), 1)
             == static_cast<std::ptrdiff_t>(times_seen.size()));
}

BOOST_AUTO_TEST_CASE(a_client_may_ask_on_its_own_thread_whether_it_works_for_somebody) {
  machine_fixture at;
  at.options.timeout = machine_fixture::ms{100};
  at.options.on_failure = failure_action::drop;
  at.start(output_mode::ordered);
  at.push(1);
  std::jthread client{[done = at.take_future(1)]() mutable {
    while (done.wanted())
      std::this_thread::yield();
  }};
  at.advance(machine_fixture::ms{100});
}

BOOST_AUTO_TEST_CASE(the_operator_may_end_while_its_calls_complete) {
  for (int round = 0; round < 200; ++round) {
    std::atomic<bool> ended = false;
    std::atomic<bool> woken_after_the_end = false;
    auto owner = port::make([&] {
      if (ended)
        woken_after_the_end = true;
    });
    std::vector<result_future<int>> futures;
    for (std::uint32_t slot = 0; slot < threads; ++slot) {
      const call_id id{slot, 0, 1};
      owner->begin_call(id);
      owner->end_call();
      futures.emplace_back(*owner, id, time_point::max());
    }
    std::latch all_ready{threads + 1};
    std::vector<std::thread> workers;
    for (auto& each : futures)
      workers.emplace_back([&all_ready, done = std::move(each)]() mutable {
        all_ready.arrive_and_wait();
        done.complete(1);
      });
    all_ready.arrive_and_wait();
    owner.reset();
    ended = true;
    for (auto& each : workers)
      each.join();
    BOOST_TEST_REQUIRE(!woken_after_the_end);
  }
}

BOOST_AUTO_TEST_SUITE_END()
