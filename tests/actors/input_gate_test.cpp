// SPDX-License-Identifier: Apache-2.0

#include "input_gate.hpp"

#include <boost/test/unit_test.hpp>

using weir::batch;
using weir::batch_handle;
using weir::control;
using weir::control_kind;
using weir::event_time;
using weir::input_gate;

namespace {

struct gate_fixture {
  struct grant {
    std::uint32_t lane;
    weir::credit more;
    bool with_batch;
  };

  void open(std::size_t channels) {
    gate
      = std::make_unique<input_gate>(channels, weir::batch_limits{10, 1000},
                                     [this](const weir::credit_receiver&, weir::lane_id lane,
                                            const weir::credit& more, batch_handle spare) {
                                       BOOST_TEST((spare.batch == nullptr || spare.batch->empty()));
                                       grants.push_back({lane.lane, more, spare.batch != nullptr});
                                     });
    for (std::uint32_t i = 0; i < channels; ++i)
      gate->attach({i}, {0, i}, {});
  }

  void receive(std::uint32_t channel, int records, std::vector<control> behind = {}) {
    auto in = std::make_shared<batch<int>>();
    for (int i = 0; i < records; ++i)
      in->append(i, event_time::none(), {});
    for (const auto& each : behind)
      static_cast<weir::batch_base&>(*in).append(each);
    gate->receive({channel}, {std::move(in)});
  }

  /// The control elements of the batch at the front, which is then popped.
  std::vector<control> pop() {
    std::vector<control> of;
    for (const auto& each : gate->front().controls())
      of.push_back(each.what);
    gate->pop();
    return of;
  }

  std::vector<grant> grants;
  std::unique_ptr<input_gate> gate;
};

control mark(std::int64_t at) {
  return control::watermark(event_time{at});
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(input_gates, gate_fixture)

BOOST_AUTO_TEST_CASE(each_sender_gets_a_few_batches_of_credit_at_first) {
  open(2);
  BOOST_REQUIRE(grants.size() == 2u);
  BOOST_TEST(grants[1].lane == 1u);
  BOOST_TEST(grants[1].more.records == 40);
  BOOST_TEST(grants[1].more.bytes == 4000);
  BOOST_TEST(!grants[1].with_batch);
}

BOOST_AUTO_TEST_CASE(what_was_taken_is_given_back_with_the_batch) {
  open(1);
  receive(0, 7);
  gate->cursor().record = 7;
  BOOST_TEST(grants.size() == 1u);
  gate->pop();
  BOOST_TEST(gate->empty());
  BOOST_TEST(gate->cursor().record == 0u);
  BOOST_REQUIRE(grants.size() == 2u);
  BOOST_TEST(grants[1].more.records == 7);
  BOOST_TEST(grants[1].more.bytes == static_cast<std::int64_t>(7 * sizeof(int)));
  BOOST_TEST(grants[1].with_batch);
}

BOOST_AUTO_TEST_CASE(batches_come_out_in_the_order_of_their_coming) {
  open(2);
  receive(1, 1);
  receive(0, 2);
  receive(1, 3);
  std::vector<std::size_t> sizes;
  for (; !gate->empty(); gate->pop())
    sizes.push_back(gate->front().records());
  BOOST_TEST(sizes == (std::vector<std::size_t>{1, 2, 3}), boost::test_tools::per_element());
  BOOST_TEST(grants[2].lane == 1u);
  BOOST_TEST(grants[3].lane == 0u);
}

BOOST_AUTO_TEST_CASE(one_channel_passes_its_controls_as_they_are) {
  open(1);
  receive(0, 1, {mark(5), mark(3), control::idle(), control::end()});
  BOOST_TEST((pop() == std::vector{mark(5), mark(3), control::idle(), control::end()}));
}

BOOST_AUTO_TEST_CASE(the_watermark_is_the_least_of_the_channels) {
  open(3);
  receive(0, 1, {mark(5)});
  receive(1, 1, {mark(7)});
  BOOST_TEST(pop().empty());
  BOOST_TEST(pop().empty());
  receive(2, 1, {mark(6)});
  BOOST_TEST((pop() == std::vector{mark(5)}));
  receive(0, 1, {mark(9)});
  BOOST_TEST((pop() == std::vector{mark(6)}));
}

BOOST_AUTO_TEST_CASE(the_end_comes_with_the_last_channel) {
  open(2);
  receive(0, 1, {mark(5), control::end()});
  BOOST_TEST(pop().empty());
  receive(1, 1, {mark(3)});
  BOOST_TEST((pop() == std::vector{mark(3)}));
  receive(1, 0, {control::end()});
  BOOST_TEST((pop() == std::vector{control::end()}));
}

BOOST_AUTO_TEST_CASE(a_merged_control_keeps_its_place_among_the_records) {
  open(2);
  receive(0, 0, {mark(9)});
  gate->pop();
  auto in = std::make_shared<batch<int>>();
  in->append(1, event_time{1}, {});
  static_cast<weir::batch_base&>(*in).append(mark(4));
  in->append(2, event_time{5}, {});
  gate->receive({1}, {in});
  BOOST_REQUIRE(gate->front().controls().size() == 1u);
  BOOST_TEST(gate->front().controls()[0].before == 1u);
  BOOST_TEST((gate->front().controls()[0].what == mark(4)));
}

BOOST_AUTO_TEST_SUITE_END()
