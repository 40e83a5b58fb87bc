// SPDX-License-Identifier: Apache-2.0

/// What a thread completes while a burst lives comes in together, in order, and is lost or kept alive no more than
/// what is completed by itself.

#include "../support/machine_fixture.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace weir;
using namespace weir::testing;

/// A port, used as an operator on another thread would.
template <class Out>
struct operator_port {
  using port = completion_port<Out>;

  result_future<Out> begin(std::uint32_t slot) {
    const typename port::scope here{*owner, time_point{}};
    const call_id id{slot, 0, 1};
    owner->begin_call(id);
    BOOST_REQUIRE(owner->end_call() == nullptr);
    return {*owner, id, time_point::max()};
  }

  std::vector<result_future<Out>> begin_many(std::uint32_t count) {
    std::vector<result_future<Out>> all;
    for (std::uint32_t slot = 0; slot < count; ++slot)
      all.push_back(begin(slot));
    return all;
  }

  /// The slots whose calls have been completed, in order.
  std::vector<std::uint32_t> drain() {
    column<completion<Out>> arrived;
    owner->drain(arrived);
    std::vector<std::uint32_t> slots;
    for (const auto& each : arrived)
      slots.push_back(each.id.slot);
    return slots;
  }

  int wake_ups = 0;
  typename port::owner owner = port::make([this] { ++wake_ups; });
};

std::vector<std::uint32_t> up_to(std::uint32_t end, std::uint32_t from = 0) {
  std::vector<std::uint32_t> all;
  for (; from < end; ++from)
    all.push_back(from);
  return all;
}

constexpr auto part = static_cast<std::uint32_t>(completion_burst::part);

/// Runs something when it is destroyed.
struct last_will {
  explicit last_will(std::function<void()> of) : run(std::move(of)) {}
  last_will(last_will&&) = default;
  last_will& operator=(last_will&&) = default;
  ~last_will() {
    if (run)
      run();
  }
  std::function<void()> run;
};

} // namespace

BOOST_AUTO_TEST_SUITE(completion_bursts)

BOOST_AUTO_TEST_CASE(completions_of_a_burst_come_together_and_in_order_when_it_ends) {
  operator_port<int> of;
  auto calls = of.begin_many(5);
  {
    const completion_burst together;
    for (auto& each : calls)
      each.complete(1);
    calls.clear();
    BOOST_TEST(of.drain().empty());
    BOOST_TEST(of.wake_ups == 0);
  }
  BOOST_TEST(of.drain() == up_to(5), boost::test_tools::per_element());
  BOOST_TEST(of.wake_ups == 1);
}

BOOST_AUTO_TEST_CASE(they_line_up_behind_what_came_before) {
  operator_port<int> of;
  auto calls = of.begin_many(4);
  calls[0].complete(1);
  {
    const completion_burst together;
    calls[1].complete(1);
    calls[2].complete(1);
  }
  calls[3].complete(1);
  BOOST_TEST(of.drain() == up_to(4), boost::test_tools::per_element());
  BOOST_TEST(of.wake_ups == 1);
}

BOOST_AUTO_TEST_CASE(a_part_is_handed_over_while_others_come) {
  operator_port<int> of;
  auto calls = of.begin_many(2 * part + 1);
  {
    const completion_burst together;
    for (std::uint32_t slot = 0; slot < part; ++slot)
      calls[slot].complete(1);
    BOOST_TEST(of.drain() == up_to(part), boost::test_tools::per_element());
    of.owner->woken();
    // From now on futures go one by one.
    for (auto slot = part; slot < 2 * part + 1; ++slot) {
      calls[slot].complete(1);
      calls[slot] = {};
    }
    BOOST_TEST(of.drain() == up_to(2 * part, part), boost::test_tools::per_element());
  }
  BOOST_TEST(of.drain() == up_to(2 * part + 1, 2 * part), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_future_that_is_dropped_in_a_burst_is_abandoned) {
  operator_port<int> of;
  {
    const completion_burst together;
    auto dropped = of.begin(3);
  }
  column<completion<int>> arrived;
  of.owner->drain(arrived);
  BOOST_REQUIRE(arrived.size() == 1u);
  BOOST_TEST(arrived[0].with.is_abandoned());
}

BOOST_AUTO_TEST_CASE(each_operator_gets_its_own_whatever_its_results_are) {
  operator_port<int> numbers;
  operator_port<std::string> texts;
  auto of_numbers = numbers.begin_many(3);
  auto of_texts = texts.begin_many(3);
  {
    const completion_burst together;
    for (std::size_t i = 0; i < 3; ++i) {
      of_numbers[i].complete(1);
      of_texts[i].complete("a text that is too long to lie inside its string");
    }
  }
  BOOST_TEST(numbers.drain() == up_to(3), boost::test_tools::per_element());
  BOOST_TEST(texts.drain() == up_to(3), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_burst_inside_another_does_nothing) {
  operator_port<int> of;
  auto call = of.begin(0);
  {
    const completion_burst together;
    {
      const completion_burst inner;
      call.complete(1);
    }
    BOOST_TEST(of.drain().empty());
  }
  BOOST_TEST(of.drain() == up_to(1), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_completed_on_another_thread_or_later_does_not_wait_for_it) {
  operator_port<int> of;
  auto calls = of.begin_many(2);
  {
    const completion_burst together;
    std::thread{[&] { calls[0].complete(1); }}.join();
    BOOST_TEST(of.drain() == up_to(1), boost::test_tools::per_element());
  }
  calls[1].complete(1);
  BOOST_TEST(of.drain() == up_to(2, 1), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_port_lives_until_its_part_is_there_and_takes_nothing_once_its_operator_is_gone) {
  const auto value = std::make_shared<int>(1);
  operator_port<std::shared_ptr<int>> of;
  auto calls = of.begin_many(part + 2);
  {
    const completion_burst together;
    for (auto& each : calls) {
      each.complete(value);
      if (&each == &calls[part])
        of.owner.reset();
    }
    calls.clear();
  }
  BOOST_TEST(value.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(ports_that_come_and_go_at_one_address_are_told_apart) {
  const completion_burst together;
  for (std::uint32_t i = 0; i < 20; ++i) {
    operator_port<int> numbers;
    auto of_numbers = numbers.begin_many(i % 2 == 0 ? part : 1);
    for (auto& each : of_numbers)
      each.complete(1);
    operator_port<std::string> texts;
    texts.begin(0).complete("a text that is too long to lie inside its string");
    BOOST_TEST(numbers.drain().size() == (i % 2 == 0 ? part : 0));
  }
}

BOOST_AUTO_TEST_CASE(what_comes_too_late_may_complete_other_calls_when_it_is_destroyed) {
  operator_port<int> others;
  auto of_others = others.begin_many(part + 1);
  std::size_t next = 0;
  {
    operator_port<std::shared_ptr<last_will>> of;
    auto calls = of.begin_many(part + 1);
    const completion_burst together;
    of.owner.reset();
    for (auto& each : calls)
      each.complete(std::make_shared<last_will>([&] { of_others[next++].complete(1); }));
  }
  BOOST_TEST(next == part + 1);
  BOOST_TEST(others.drain() == up_to(part + 1), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(it_lines_up_behind_what_the_burst_had_before) {
  operator_port<int> others;
  auto of_others = others.begin_many(2);
  {
    operator_port<std::shared_ptr<last_will>> of;
    auto late = of.begin(0);
    const completion_burst together;
    late.complete(std::make_shared<last_will>([&] { of_others[1].complete(1); }));
    of.owner.reset();
    of_others[0].complete(1);
  }
  BOOST_TEST(others.drain() == up_to(2), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_late_completion_may_complete_another_of_its_own_port) {
  operator_port<std::shared_ptr<last_will>> of;
  auto calls = of.begin_many(part + 1);
  bool is_destroyed = false;
  {
    const completion_burst together;
    of.owner.reset();
    calls[0].complete(std::make_shared<last_will>([&] {
      calls[part].complete(std::make_shared<last_will>([&] { is_destroyed = true; }));
    }));
    for (std::uint32_t slot = 1; slot < part; ++slot)
      calls[slot].complete(nullptr);
    calls.clear();
  }
  BOOST_TEST(is_destroyed);
}

BOOST_AUTO_TEST_CASE(futures_may_be_let_go_elsewhere_before_the_burst_ends) {
  operator_port<int> of;
  auto calls = of.begin_many(3);
  const completion_burst together;
  for (auto& each : calls)
    each.complete(1);
  of.owner.reset();
  std::thread{[&] { calls.clear(); }}.join();
}

BOOST_AUTO_TEST_SUITE_END()
