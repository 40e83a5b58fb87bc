// SPDX-License-Identifier: Apache-2.0

#include "weir/batch.hpp"

#include "weir/dead_letter.hpp"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

using weir::batch;
using weir::batch_base;
using weir::batch_cursor;
using weir::control;
using weir::event_time;
using weir::origin;

namespace {

void append(batch_base& to, const control& what) {
  to.append(what);
}

/// Value, event time and origin of each record.
template <class T>
std::string text(const batch<T>& of) {
  std::string all;
  weir::origin_runs::cursor at;
  for (std::size_t i = 0; i < of.records(); ++i) {
    all += of.value(i) + (of.timestamp(i).has_value() ? "@" + std::to_string(of.timestamp(i).ms()) : "");
    all += " " + at.at(of.origins(), i).text() + "\n";
  }
  return all;
}

/// Says that it can be copied, as a struct with a vector of `unique_ptr` does.
struct moved_only {
  std::vector<std::unique_ptr<int>> numbers;
};

} // namespace

template <>
inline constexpr bool weir::is_copyable_v<moved_only> = false;

BOOST_AUTO_TEST_SUITE(batches)

BOOST_AUTO_TEST_CASE(a_new_one_is_empty) {
  const batch<int> of;
  BOOST_TEST(of.empty());
  BOOST_TEST(of.records() == 0u);
  BOOST_TEST(of.bytes() == 0u);
  BOOST_TEST(!of.newest().has_value());
}

BOOST_AUTO_TEST_CASE(records_keep_value_time_and_origin) {
  batch<std::string> of;
  of.append("a", event_time{5}, {1, 0, 0});
  of.append("b", event_time{3}, {9, 2, 4});
  BOOST_TEST(of.records() == 2u);
  BOOST_TEST(of.value(1) == "b");
  BOOST_TEST(of.timestamp(0).ms() == 5);
  BOOST_TEST(of.timestamp(1).ms() == 3);
  BOOST_TEST(of.newest().ms() == 5);
  weir::origin_runs::cursor at;
  BOOST_TEST((at.at(of.origins(), 0) == origin{1, 0, 0}));
  BOOST_TEST((at.at(of.origins(), 1) == origin{9, 2, 4}));
}

BOOST_AUTO_TEST_CASE(times_may_be_there_for_some_only) {
  batch<int> of;
  of.append(1, event_time::none(), {});
  of.append(2, event_time{7}, {});
  of.append(3, event_time::none(), {});
  BOOST_TEST(!of.timestamp(0).has_value());
  BOOST_TEST(of.timestamp(1).ms() == 7);
  BOOST_TEST(!of.timestamp(2).has_value());
}

BOOST_AUTO_TEST_CASE(times_before_the_epoch_are_times) {
  batch<int> of;
  of.append(1, event_time{-10}, {});
  of.append(2, event_time{-20}, {});
  BOOST_TEST(of.newest().ms() == -10);
}

BOOST_AUTO_TEST_CASE(bytes_are_those_of_the_values) {
  batch<std::string> of;
  const std::string text(1000, 'x');
  of.append(text, event_time::none(), {});
  BOOST_TEST(of.bytes() >= 1000u);
  // What is taken out by its receiver is still what the batch has cost.
  const auto before = of.bytes();
  const auto taken = std::move(of.value(0));
  BOOST_TEST(of.bytes() == before);
}

BOOST_AUTO_TEST_CASE(controls_keep_their_places) {
  batch<int> of;
  append(of, control::idle());
  of.append(1, event_time::none(), {});
  append(of, control::watermark(event_time{1}));
  append(of, control::watermark(event_time{2}));
  of.append(2, event_time::none(), {});
  append(of, control::end());
  BOOST_TEST_REQUIRE(of.controls().size() == 4u);
  const std::size_t places[] = {0, 1, 1, 2};
  for (std::size_t i = 0; i < 4; ++i)
    BOOST_TEST(of.controls()[i].before == places[i]);
}

BOOST_AUTO_TEST_CASE(a_batch_of_controls_alone_is_not_empty) {
  batch<int> of;
  append(of, control::end());
  BOOST_TEST(!of.empty());
  BOOST_TEST(of.records() == 0u);
}

BOOST_AUTO_TEST_CASE(records_go_from_one_to_another_that_does_not_know_their_type) {
  batch<std::string> from;
  from.append("a", event_time{5}, {1, 0, 0});
  from.append("b", event_time::none(), {9, 2, 4});
  batch<std::string> to;
  batch_base& any = to;
  weir::origin_runs::cursor at;
  for (std::size_t i = 0; i < 2; ++i) {
    const auto record = static_cast<const batch_base&>(from).record_at(i);
    std::string value = *static_cast<const std::string*>(record.value);
    any.adopt(&value, record.timestamp, at.at(from.origins(), i), record.key);
  }
  BOOST_TEST(text(to) == "a@5 0/1\nb 4/9/2\n");
  BOOST_TEST(any.record_at(0).key == 0u);
}

BOOST_AUTO_TEST_CASE(a_record_that_is_adopted_has_its_key_whatever_those_before_it_had) {
  batch<int> to;
  batch_base& any = to;
  int value = 1;
  for (const weir::key_hash key : {0, 7, 0})
    any.adopt(&value, event_time::none(), {}, key);
  to.append(2, event_time::none(), {}, 8);
  const weir::key_hash keys[] = {0, 7, 0, 8};
  for (std::size_t i = 0; i < 4; ++i)
    BOOST_TEST(any.record_at(i).key == keys[i]);
}

BOOST_AUTO_TEST_CASE(the_last_control_can_be_replaced) {
  batch<int> of;
  append(of, control::watermark(event_time{1}));
  of.replace_last_control(control::watermark(event_time{2}));
  BOOST_TEST_REQUIRE(of.controls().size() == 1u);
  BOOST_TEST((of.controls()[0].what == control::watermark(event_time{2})));
}

BOOST_AUTO_TEST_CASE(a_cleared_one_is_as_new) {
  batch<int> of;
  of.append(1, event_time{5}, {3, 0, 0});
  append(of, control::end());
  of.clear();
  BOOST_TEST(of.empty());
  BOOST_TEST(of.bytes() == 0u);
  BOOST_TEST(!of.newest().has_value());
  of.append(2, event_time::none(), {8, 0, 0});
  BOOST_TEST(!of.timestamp(0).has_value());
  weir::origin_runs::cursor at;
  BOOST_TEST((at.at(of.origins(), 0) == origin{8, 0, 0}));
}

BOOST_AUTO_TEST_CASE(a_fresh_one_is_of_the_same_type) {
  const batch<int> of;
  const auto other = of.fresh();
  BOOST_TEST(dynamic_cast<batch<int>*>(other.get()) != nullptr);
  BOOST_TEST(other->empty());
}

BOOST_AUTO_TEST_CASE(records_are_copied_and_moved_behind_those_of_another) {
  batch<std::string> from;
  from.append("a", event_time{5}, {1, 0, 0});
  from.append("b", event_time::none(), {9, 2, 4});
  append(from, control::end());
  batch<std::string> to;
  to.append("first", event_time::none(), {0, 0, 0});
  from.copy_records_to(to);
  from.move_records_to(to);
  BOOST_TEST(text(to) == "first 0/0\na@5 0/1\nb 4/9/2\na@5 0/1\nb 4/9/2\n");
  BOOST_TEST(to.newest().ms() == 5);
  BOOST_TEST(to.controls().empty());
}

BOOST_AUTO_TEST_CASE(records_are_dealt_by_the_group_of_their_key) {
  batch<std::string> from;
  for (std::uint64_t i = 0; i < 4; ++i)
    from.append(std::string(1, static_cast<char>('a' + i)), event_time::none(), {i, 0, 0});
  batch<std::string> first;
  batch<std::string> second;
  batch_base* const to[] = {&first, &second};
  const weir::key_hash keys[] = {127, 128, 63, 64};
  from.deal_records(keys, to);
  BOOST_TEST(text(first) == "b 0/1\nc 0/2\n");
  BOOST_TEST(text(second) == "a 0/0\nd 0/3\n");
  BOOST_TEST(second.key(0) == 127u);
  BOOST_TEST(second.key(1) == 64u);
}

BOOST_AUTO_TEST_CASE(some_records_can_only_be_moved) {
  static_assert(weir::is_copyable_v<std::string>);
  static_assert(weir::is_copyable_v<weir::dead_letter<std::vector<int>>>);
  static_assert(!weir::is_copyable_v<std::unique_ptr<int>>);
  static_assert(!weir::is_copyable_v<std::vector<std::unique_ptr<int>>>);
  static_assert(!weir::is_copyable_v<std::pair<int, std::optional<std::vector<std::unique_ptr<int>>>>>);
  static_assert(!weir::is_copyable_v<weir::dead_letter<moved_only>>);
  batch<moved_only> from;
  from.append({}, event_time::none(), {});
  batch<moved_only> to;
  from.move_records_to(to);
  BOOST_TEST(to.records() == 1u);
  BOOST_CHECK_THROW(from.copy_records_to(to), std::logic_error);
}

BOOST_AUTO_TEST_CASE(a_cursor_meets_every_element_in_its_place) {
  batch<int> of;
  append(of, control::idle());
  of.append(1, event_time::none(), {});
  append(of, control::active());
  append(of, control::watermark(event_time{1}));
  of.append(2, event_time::none(), {});
  append(of, control::end());
  std::string order;
  for (batch_cursor at; !at.at_end(of);) {
    if (at.at_control(of))
      order += "c" + std::to_string(static_cast<int>(of.controls()[at.control++].what.kind()));
    else
      order += "r" + std::to_string(of.value(at.record++));
  }
  BOOST_TEST(order == "c1r1c2c0r2c4");
}

BOOST_AUTO_TEST_SUITE_END()
