// SPDX-License-Identifier: Apache-2.0

#include "batch_credit.hpp"
#include "direct_port.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <numeric>

using weir::batch;
using weir::batch_handle;
using weir::control;
using weir::control_kind;
using weir::direct_port;
using weir::event_time;
using weir::lane_target;

namespace {

/// A port to some lanes, and all that it has sent.
struct port_fixture {
  struct sent_batch {
    std::uint32_t lane;
    std::shared_ptr<weir::batch_base> batch;
    const weir::batch<int>& records() const { return static_cast<const weir::batch<int>&>(*batch); }
  };

  void open(std::size_t lanes, weir::batch_limits limits = {4, 1 << 10}) {
    std::vector<lane_target> targets;
    for (std::uint32_t i = 0; i < lanes; ++i)
      targets.push_back({{}, {i}});
    port
      = std::make_unique<direct_port>(std::move(targets), std::make_unique<batch<int>>(), limits,
                                      [this](const lane_target& to, batch_handle what) {
                                        sent.push_back({to.channel.number, std::move(what.batch)});
                                      });
  }

  void grant(std::uint32_t lane, std::int64_t records, std::int64_t bytes = 1 << 20) {
    port->grant(lane, {records, bytes}, {});
  }

  /// Emits records while there is room, at most `count`. How many it were.
  int emit(int count) {
    int n = 0;
    for (; n < count && port->has_room(); ++n)
      port->emit(next++, event_time::none(), {});
    return n;
  }

  std::vector<int> values(std::uint32_t lane) const {
    std::vector<int> all;
    for (const auto& each : sent)
      for (std::size_t i = 0; each.lane == lane && i < each.batch->records(); ++i)
        all.push_back(each.records().value(i));
    return all;
  }

  std::size_t controls(std::uint32_t lane) const {
    std::size_t sum = 0;
    for (const auto& each : sent)
      sum += each.lane == lane ? each.batch->controls().size() : 0;
    return sum;
  }

  int next = 0;
  std::vector<sent_batch> sent;
  std::unique_ptr<direct_port> port;
};

std::vector<int> numbers(int first, int end) {
  std::vector<int> all(static_cast<std::size_t>(end - first));
  std::iota(all.begin(), all.end(), first);
  return all;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(direct_ports, port_fixture)

BOOST_AUTO_TEST_CASE(without_credit_there_is_no_room) {
  open(1);
  BOOST_TEST(!port->has_room());
  BOOST_TEST(!port->has_unsent());
  port->flush();
  BOOST_TEST(sent.empty());
}

BOOST_AUTO_TEST_CASE(full_batches_go_at_once_and_the_rest_with_a_flush) {
  open(1);
  grant(0, 100);
  BOOST_TEST(emit(10) == 10);
  BOOST_TEST(sent.size() == 2u);
  BOOST_TEST(port->has_unsent());
  port->flush();
  BOOST_TEST(sent.size() == 3u);
  BOOST_TEST(!port->has_unsent());
  BOOST_TEST(values(0) == numbers(0, 10), boost::test_tools::per_element());
  BOOST_TEST(port->records() == 10u);
}

BOOST_AUTO_TEST_CASE(credit_is_never_exceeded) {
  open(1);
  grant(0, 8);
  BOOST_TEST(emit(100) == 8);
  BOOST_TEST(sent.size() == 2u);
  BOOST_TEST(emit(1) == 0);
}

BOOST_AUTO_TEST_CASE(while_something_is_under_way_a_batch_is_begun_only_where_there_is_credit_for_all_of_it) {
  open(1);
  grant(0, 6);
  BOOST_TEST(emit(100) == 4);
  grant(0, 1);
  BOOST_TEST(emit(100) == 0);
  grant(0, 1);
  BOOST_TEST(emit(100) == 4);
}

BOOST_AUTO_TEST_CASE(who_gives_credit_for_less_than_a_batch_gets_it_in_small_ones) {
  open(1);
  grant(0, 3);
  BOOST_TEST(emit(100) == 3);
  BOOST_TEST(sent.size() == 1u);
  grant(0, 2);
  BOOST_TEST(emit(100) == 0);
  grant(0, 1);
  BOOST_TEST(emit(100) == 3);
}

BOOST_AUTO_TEST_CASE(small_batches_bring_forth_no_small_ones) {
  // GIVEN a receiver that gives back what each batch has cost, and some small ones among full ones
  open(1, {4, 1 << 20});
  grant(0, 4 * 4, 4 << 20);
  std::size_t taken = 0;
  const auto give_back = [&] {
    const auto cost = weir::credit_of(*sent[taken++].batch);
    grant(0, cost.records, cost.bytes);
  };
  for (const int few : {1, 2, 3}) {
    emit(few);
    port->emit(control::barrier(static_cast<std::uint64_t>(few)));
    emit(6);
    give_back();
  }
  port->emit(control::barrier(4));
  // WHEN there is always something to send
  const auto before = sent.size();
  for (int i = 0; i < 1'000; ++i) {
    emit(100);
    give_back();
  }
  // THEN from then on all are full
  BOOST_TEST(std::all_of(sent.begin() + static_cast<std::ptrdiff_t>(before), sent.end(),
                         [](const sent_batch& each) { return each.batch->records() == 4; }));
  BOOST_TEST(sent.size() >= before + 900);
}

BOOST_AUTO_TEST_CASE(a_batch_whose_credit_is_used_up_goes_at_once) {
  open(1);
  grant(0, 2);
  emit(2);
  BOOST_TEST(sent.size() == 1u);
}

BOOST_AUTO_TEST_CASE(credit_in_bytes_counts_too) {
  open(1);
  grant(0, 100, 3 * sizeof(int));
  BOOST_TEST(emit(100) == 3);
  grant(0, 3, 2 * sizeof(int));
  BOOST_TEST(emit(100) == 2);
}

BOOST_AUTO_TEST_CASE(a_batch_is_bounded_in_bytes) {
  open(1, {100, 2 * sizeof(int)});
  grant(0, 400);
  emit(5);
  BOOST_TEST(sent.size() == 2u);
}

BOOST_AUTO_TEST_CASE(the_results_of_one_record_stay_together_and_overdraw_once) {
  open(1);
  grant(0, 1);
  for (int i = 0; i < 6; ++i)
    port->add(i, event_time::none(), {});
  port->settle();
  BOOST_REQUIRE(sent.size() == 1u);
  BOOST_TEST(values(0) == numbers(0, 6), boost::test_tools::per_element());
  BOOST_TEST(!port->has_room());
  // What was overdrawn is owed.
  grant(0, 5);
  BOOST_TEST(!port->has_room());
  grant(0, 1);
  BOOST_TEST(port->has_room());
}

BOOST_AUTO_TEST_CASE(spare_batches_are_filled_again) {
  open(1);
  grant(0, 100);
  emit(4);
  auto* const memory = sent[0].batch.get();
  sent[0].batch->clear();
  port->grant(0, {0, 0}, {std::move(sent[0].batch)});
  sent.clear();
  emit(8);
  BOOST_TEST(sent.size() == 2u);
  BOOST_TEST(sent[1].batch.get() == memory);
}

BOOST_AUTO_TEST_CASE(a_control_keeps_its_place) {
  open(1);
  grant(0, 100);
  emit(2);
  port->emit(control::watermark(event_time{5}));
  emit(1);
  port->flush();
  BOOST_REQUIRE(sent.size() == 1u);
  BOOST_REQUIRE(sent[0].batch->controls().size() == 1u);
  BOOST_TEST(sent[0].batch->controls()[0].before == 2u);
}

BOOST_AUTO_TEST_CASE(the_end_goes_without_credit) {
  open(2);
  port->emit(control::end());
  BOOST_TEST(port->has_unsent());
  port->flush();
  BOOST_TEST(controls(0) == 1u);
  BOOST_TEST(controls(1) == 1u);
  BOOST_TEST(!port->has_unsent());
}

BOOST_AUTO_TEST_CASE(watermarks_wait_for_credit_and_are_merged) {
  open(1);
  for (int i = 0; i < 5000; ++i) {
    port->emit(control::watermark(event_time{i}));
    port->flush();
  }
  BOOST_TEST(sent.empty());
  BOOST_TEST(!port->has_unsent());
  grant(0, 1);
  port->flush();
  BOOST_REQUIRE(sent.size() == 1u);
  BOOST_TEST(controls(0) <= 1001u);
  BOOST_TEST((sent[0].batch->controls().back().what.event_time() == event_time{4999}));
}

BOOST_AUTO_TEST_CASE(watermarks_without_records_use_credit_up) {
  // A receiver that stands still must not be sent watermark after watermark.
  open(1);
  grant(0, 10);
  for (int i = 0; i < 5000; ++i) {
    port->emit(control::watermark(event_time{i}));
    port->flush();
  }
  BOOST_TEST(sent.size() <= 10u);
}

BOOST_AUTO_TEST_CASE(a_status_between_watermarks_is_not_lost) {
  open(1);
  for (int i = 0; i < 990; ++i)
    port->emit(i % 3 == 0 ? control::idle() : i % 3 == 1 ? control::active() : control::watermark(event_time{i}));
  grant(0, 1);
  port->flush();
  BOOST_TEST(controls(0) == 990u);
}

BOOST_AUTO_TEST_CASE(a_source_that_flaps_does_not_fill_the_memory_of_who_waits_for_credit) {
  // GIVEN a lane without credit behind a source that is idle now and then
  open(1);
  for (int i = 0; i < 5000; ++i) {
    port->emit(control::idle());
    port->emit(control::active());
    port->emit(control::watermark(event_time{i}));
  }
  port->emit(control::idle());
  // WHEN credit comes
  grant(0, 1);
  port->flush();
  // THEN the newest watermark and the newest status are there, in their order, and not all that was before
  BOOST_REQUIRE(sent.size() == 1u);
  const auto& all = sent[0].batch->controls();
  BOOST_TEST(all.size() <= 1002u);
  BOOST_TEST((all[all.size() - 2].what == control::watermark(event_time{4999})));
  BOOST_TEST((all.back().what == control::idle()));
}

BOOST_AUTO_TEST_CASE(borders_are_not_merged_past_a_record) {
  weir::lane of{{}, {}, {}, std::make_shared<batch<int>>(), {}};
  for (int i = 0; i < 1000; ++i)
    of.append(control::watermark(event_time{i}));
  static_cast<batch<int>&>(*of.open).append(7, event_time{999}, {});
  of.append(control::watermark(event_time{1000}));
  of.append(control::idle());
  of.append(control::watermark(event_time{1001}));
  of.append(control::active());
  const auto& all = of.open->controls();
  BOOST_REQUIRE(all.size() == 1002u);
  BOOST_TEST(all[999].before == 0u);
  BOOST_TEST((all[999].what == control::watermark(event_time{999})));
  BOOST_TEST((all[1000].what == control::watermark(event_time{1001})));
  BOOST_TEST((all[1001].what == control::active()));
}

BOOST_AUTO_TEST_CASE(records_are_dealt_out_in_turns) {
  open(3, {1024, 1 << 14});
  for (std::uint32_t lane = 0; lane < 3; ++lane)
    grant(lane, 1000);
  emit(300);
  port->flush();
  // Five turns: lane 0 and 1 have two, lane 2 one; the last is cut short.
  BOOST_TEST(values(0).size() == 128u);
  BOOST_TEST(values(1).size() == 64u + 300 - 4 * 64);
  BOOST_TEST(values(2).size() == 64u);
  std::vector<int> all;
  for (std::uint32_t lane = 0; lane < 3; ++lane) {
    const auto of = values(lane);
    BOOST_TEST(std::is_sorted(of.begin(), of.end()));
    BOOST_TEST(of.size() >= 64u);
    all.insert(all.end(), of.begin(), of.end());
  }
  std::sort(all.begin(), all.end());
  BOOST_TEST(all == numbers(0, 300), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_lane_without_credit_is_passed_over) {
  open(2);
  grant(1, 200);
  BOOST_TEST(emit(1000) == 200);
  port->flush();
  BOOST_TEST(values(0).empty());
  BOOST_TEST(values(1).size() == 200u);
  grant(0, 3);
  BOOST_TEST(emit(1000) == 3);
  BOOST_TEST(values(0).size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_control_goes_to_every_lane_behind_what_that_has_got) {
  open(2, {1024, 1 << 14});
  grant(0, 1000);
  grant(1, 1000);
  emit(100);
  port->emit(control::watermark(event_time{7}));
  emit(100);
  port->flush();
  BOOST_REQUIRE(sent.size() == 2u);
  for (const auto& each : sent) {
    const auto before = each.batch->controls().at(0).before;
    const auto& values = each.records();
    for (std::size_t i = 0; i < values.records(); ++i)
      BOOST_TEST((values.value(i) < 100) == (i < before));
  }
}

BOOST_AUTO_TEST_CASE(without_receivers_everything_is_dropped) {
  open(0);
  BOOST_TEST(emit(10'000) == 10'000);
  port->emit(control::end());
  port->flush();
  BOOST_TEST(sent.empty());
  BOOST_TEST(port->has_room());
  BOOST_TEST(!port->has_unsent());
  BOOST_TEST(port->records() == 10'000u);
}

BOOST_AUTO_TEST_CASE(the_newest_event_time_is_told_over_all_lanes) {
  open(2);
  grant(0, 100);
  grant(1, 100);
  BOOST_TEST(!port->take_newest().has_value());
  for (int i = 0; i < 70; ++i)
    port->emit(i, event_time{i == 5 ? 1000 : i}, {});
  BOOST_TEST(port->take_newest().ms() == 1000);
}

BOOST_AUTO_TEST_CASE(few_of_many_empty_batches_are_kept) {
  open(1, {1, 1 << 10});
  std::vector<std::weak_ptr<weir::batch_base>> given;
  for (int n = 0; n < 1000; ++n) {
    auto spare = std::make_shared<batch<int>>();
    given.push_back(spare);
    port->grant(0, {1, 1 << 10}, {std::move(spare)});
  }
  BOOST_TEST(std::count_if(given.begin(), given.end(), [](const auto& x) { return !x.expired(); })
             == 8);
}

BOOST_AUTO_TEST_CASE(a_batch_that_one_record_has_made_huge_is_not_kept) {
  open(1);
  grant(0, 1'000'000, 1 << 30);
  for (int i = 0; i < 100'000; ++i)
    port->add(i, event_time::none(), {});
  port->settle();
  emit(4);
  BOOST_REQUIRE(sent.size() == 2u);
  for (auto& each : sent) {
    const std::weak_ptr<weir::batch_base> given = each.batch;
    const bool huge = each.batch->records() > 4;
    each.batch->clear();
    port->grant(0, {0, 0}, {std::move(each.batch)});
    BOOST_TEST(given.expired() == huge);
  }
}

BOOST_AUTO_TEST_CASE(a_barrier_goes_at_once_as_the_last_element_of_its_batch_also_without_credit) {
  open(2);
  grant(0, 2);
  emit(1);
  port->emit(control::watermark(event_time{1}));
  BOOST_TEST(sent.empty());
  port->emit(control::barrier(7));
  BOOST_REQUIRE(sent.size() == 2u);
  for (const auto& each : sent) {
    BOOST_TEST((each.batch->controls().back().what == control::barrier(7)));
    BOOST_TEST(each.batch->controls().back().before == each.batch->records());
  }
  BOOST_TEST(!port->has_unsent());
}

BOOST_AUTO_TEST_SUITE_END()
