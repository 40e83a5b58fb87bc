// SPDX-License-Identifier: Apache-2.0

#include "input_gate.hpp"

#include "weir/entry_codec.hpp"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <typeinfo>

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

  /// What a checkpoint would hold of what waits: records by value, control elements as text.
  std::string waiting() const {
    const auto& codec = *weir::find_record_codec(typeid(int));
    weir::state_blocks bytes{std::make_shared<weir::block_pool>()};
    weir::stored_entry_writer to{bytes, codec, codec};
    to.begin(0, false);
    gate->save_waiting(to);
    to.channels(gate->said());
    to.finish();
    weir::stored_entry_reader from{bytes, {&codec, 1}, {&codec, 1}, "gate"};
    batch<int> held;
    from.read_waiting(held);
    BOOST_TEST((from.read_channels() == gate->said()));
    from.end();
    return text_of(held);
  }

  /// Takes all that may be taken.
  std::string take_all() {
    std::string taken;
    for (; !gate->empty(); gate->pop()) {
      auto& front = static_cast<batch<int>&>(gate->front());
      taken += text_of(front);
    }
    return taken;
  }

  static std::string text_of(const batch<int>& of) {
    std::string text;
    for (weir::batch_cursor at; !at.at_end(of);) {
      if (!at.at_control(of)) {
        text += std::to_string(of.value(at.record++)) + " ";
        continue;
      }
      const auto& what = of.controls()[at.control++].what;
      text += what.kind() == control_kind::watermark ? "w" + std::to_string(what.event_time().ms()) + " "
              : what.kind() == control_kind::end     ? "end "
                                                     : "? ";
    }
    return text;
  }

  void receive_values(std::uint32_t channel, const std::vector<int>& values,
                      const std::vector<control>& behind = {}) {
    auto in = std::make_shared<batch<int>>();
    for (const auto each : values)
      in->append(each, event_time::none(), {});
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

const weir::channel_states one_channel{{{}}};

control barrier(std::uint64_t checkpoint) {
  return control::barrier(checkpoint);
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
  pop();
  auto in = std::make_shared<batch<int>>();
  in->append(1, event_time{1}, {});
  static_cast<weir::batch_base&>(*in).append(mark(4));
  in->append(2, event_time{5}, {});
  gate->receive({1}, {in});
  BOOST_REQUIRE(gate->front().controls().size() == 1u);
  BOOST_TEST(gate->front().controls()[0].before == 1u);
  BOOST_TEST((gate->front().controls()[0].what == mark(4)));
}

BOOST_AUTO_TEST_CASE(a_barrier_does_not_wait_behind_what_waits) {
  open(1);
  receive_values(0, {1, 2}, {mark(5)});
  receive_values(0, {3}, {barrier(7)});
  BOOST_TEST((gate->reached_barrier() == 7u));
  BOOST_TEST(waiting() == "1 2 w5 3 ");
  gate->pass_barrier();
  BOOST_TEST(!gate->reached_barrier());
  BOOST_TEST(take_all() == "1 2 w5 3 ");
}

BOOST_AUTO_TEST_CASE(what_was_taken_does_not_belong_to_the_checkpoint) {
  open(1);
  receive_values(0, {1, 2, 3}, {mark(5)});
  gate->cursor().record = 2;
  receive_values(0, {}, {barrier(7)});
  BOOST_REQUIRE(gate->reached_barrier());
  BOOST_TEST(waiting() == "3 w5 ");
}

BOOST_AUTO_TEST_CASE(nothing_behind_a_barrier_is_taken_before_it_has_come_on_every_channel) {
  open(2);
  receive_values(0, {1}, {barrier(1)});
  receive_values(0, {2});
  receive_values(1, {3});
  BOOST_TEST(!gate->reached_barrier());
  BOOST_TEST(take_all() == "1 3 ");
  BOOST_TEST(gate->empty());
  receive_values(1, {4}, {barrier(1)});
  BOOST_TEST((gate->reached_barrier() == 1u));
  BOOST_TEST(waiting() == "4 ");
  gate->pass_barrier();
  BOOST_TEST(take_all() == "4 2 ");
}

BOOST_AUTO_TEST_CASE(a_channel_that_has_ended_is_not_waited_for) {
  open(2);
  receive_values(0, {1}, {barrier(1)});
  BOOST_TEST(!gate->reached_barrier());
  receive_values(1, {2}, {control::end()});
  BOOST_TEST((gate->reached_barrier() == 1u));
  BOOST_TEST(waiting() == "1 2 ");
  gate->pass_barrier();
  receive_values(0, {3}, {barrier(2)});
  BOOST_TEST((gate->reached_barrier() == 2u));
}

BOOST_AUTO_TEST_CASE(a_checkpoint_that_was_reached_without_an_ended_channel_is_not_reached_again_with_it) {
  open(2);
  receive_values(1, {2}, {control::end()});
  receive_values(0, {1}, {barrier(1)});
  BOOST_TEST((gate->reached_barrier() == 1u));
  gate->pass_barrier();
  receive_values(0, {3});
  // Its sender goes on to send barriers behind its end.
  receive_values(1, {}, {barrier(1)});
  BOOST_TEST(!gate->reached_barrier());
  BOOST_TEST(take_all() == "2 1 3 ");
  receive_values(1, {}, {barrier(2)});
  BOOST_TEST(!gate->reached_barrier());
  receive_values(0, {4}, {barrier(2)});
  BOOST_TEST((gate->reached_barrier() == 2u));
  BOOST_TEST(waiting() == "4 ");
  gate->pass_barrier();
  BOOST_TEST(!gate->reached_barrier());
}

BOOST_AUTO_TEST_CASE(that_a_barrier_is_the_last_is_known_when_it_has_been_reached) {
  open(2);
  for (const std::uint32_t channel : {0, 1})
    receive_values(channel, {1}, {barrier(1)});
  BOOST_TEST((gate->reached_barrier() == 1u));
  BOOST_TEST(!gate->is_last_barrier());
  gate->pass_barrier();
  receive_values(0, {2}, {control::barrier(2, true)});
  BOOST_TEST(!gate->reached_barrier());
  BOOST_TEST(!gate->is_last_barrier());
  receive_values(1, {3}, {control::barrier(2, true)});
  BOOST_TEST((gate->reached_barrier() == 2u));
  BOOST_TEST(gate->is_last_barrier());
}

BOOST_AUTO_TEST_CASE(an_end_in_front_of_a_barrier_in_one_batch_ends_its_channel) {
  open(2);
  receive_values(1, {2}, {control::end(), barrier(1)});
  receive_values(0, {1}, {barrier(1)});
  BOOST_TEST((gate->reached_barrier() == 1u));
  BOOST_TEST(waiting() == "2 1 ");
  gate->pass_barrier();
  // Channel 1 is not waited for any more.
  receive_values(0, {3}, {barrier(2)});
  BOOST_TEST((gate->reached_barrier() == 2u));
}

BOOST_AUTO_TEST_CASE(several_barriers_of_one_channel_wait_for_those_of_the_other) {
  open(2);
  receive_values(0, {1}, {barrier(1)});
  receive_values(0, {2}, {barrier(2)});
  receive_values(0, {3});
  BOOST_TEST(take_all() == "1 ");
  receive_values(1, {}, {barrier(1)});
  BOOST_TEST((gate->reached_barrier() == 1u));
  gate->pass_barrier();
  BOOST_TEST(!gate->reached_barrier());
  BOOST_TEST(take_all() == "2 ");
  receive_values(1, {}, {barrier(2)});
  BOOST_TEST((gate->reached_barrier() == 2u));
  gate->pass_barrier();
  BOOST_TEST(take_all() == "3 ");
}

BOOST_AUTO_TEST_CASE(a_barrier_that_the_other_channel_skipped_is_given_up) {
  open(2);
  receive_values(0, {1}, {barrier(1)});
  receive_values(0, {2});
  receive_values(0, {3}, {barrier(2)});
  BOOST_TEST(take_all() == "1 ");
  receive_values(1, {}, {barrier(2)});
  BOOST_TEST((gate->reached_barrier() == 2u));
  BOOST_TEST(waiting() == "2 3 ");
}

BOOST_AUTO_TEST_CASE(no_watermark_from_behind_a_barrier_overtakes_records_in_front_of_it) {
  // GIVEN channel 0 beyond its barrier, with a watermark behind it
  open(2);
  receive_values(0, {1}, {mark(10)});
  receive_values(0, {}, {barrier(1)});
  receive_values(0, {}, {mark(20)});
  // WHEN channel 1 brings a record and a later watermark, all in front of its barrier
  receive_values(1, {15}, {mark(30)});
  receive_values(1, {}, {barrier(1)});
  BOOST_REQUIRE(gate->reached_barrier());
  gate->pass_barrier();
  // THEN the watermark of both comes behind the record
  BOOST_TEST(take_all() == "1 15 w10 w20 ");
}

BOOST_AUTO_TEST_CASE(what_the_channels_said_in_front_of_the_barrier_is_in_the_checkpoint) {
  open(2);
  receive_values(0, {}, {mark(10)});
  receive_values(1, {}, {mark(4)});
  receive_values(0, {}, {barrier(1)});
  receive_values(0, {}, {mark(20)});
  receive_values(1, {}, {barrier(1)});
  BOOST_REQUIRE(gate->reached_barrier());
  const auto said = gate->said();
  BOOST_TEST(waiting() == "w4 ");
  // A new instance goes on from there: channel 0 stands at 10, not at 20.
  open(2);
  gate->restore(std::make_shared<batch<int>>(), said);
  receive_values(1, {}, {mark(15)});
  BOOST_TEST(take_all() == "w10 ");
}

BOOST_AUTO_TEST_CASE(what_the_only_channel_has_said_is_in_the_checkpoint_too) {
  open(1);
  receive_values(0, {1}, {mark(10), mark(7), control::idle()});
  BOOST_TEST((pop() == std::vector{mark(10), mark(7), control::idle()}));
  receive_values(0, {}, {control::active(), mark(12)});
  receive_values(0, {}, {barrier(1)});
  receive_values(0, {}, {mark(20)});
  BOOST_REQUIRE(gate->reached_barrier());
  BOOST_TEST(
    (gate->said().channels == std::vector<weir::channel_states::channel>{{event_time{12}}}));
  BOOST_TEST((gate->said().watermark == event_time{12}));
}

BOOST_AUTO_TEST_CASE(only_what_waits_in_front_of_the_barrier_is_in_the_checkpoint) {
  open(2);
  receive_values(0, {1, 2}, {mark(5)});
  receive_values(0, {}, {barrier(1)});
  receive_values(0, {3}, {mark(9)});
  receive_values(1, {4}, {mark(6)});
  receive_values(1, {5}, {barrier(1)});
  receive_values(1, {6});
  BOOST_REQUIRE(gate->reached_barrier());
  BOOST_TEST(waiting() == "1 2 4 w5 5 ");
  gate->cursor().record = 2;
  BOOST_TEST(waiting() == "4 w5 5 ");
}

BOOST_AUTO_TEST_CASE(channels_that_are_restored_as_ended_end_once) {
  using phase = weir::channel_states::phase;
  open(2);
  gate->restore(
    std::make_shared<batch<int>>(),
    {{{event_time{5}, phase::ended}, {event_time{7}, phase::ended}}, event_time{5}, false});
  receive_values(0, {}, {control::end(), barrier(4)});
  receive_values(1, {}, {mark(7), control::end(), barrier(4)});
  BOOST_TEST((gate->reached_barrier() == 4u));
  gate->pass_barrier();
  BOOST_TEST(take_all() == "");
}

BOOST_AUTO_TEST_CASE(the_only_channel_ends_once_too) {
  using phase = weir::channel_states::phase;
  open(1);
  auto held = std::make_shared<batch<int>>();
  held->append(1, event_time::none(), {});
  static_cast<weir::batch_base&>(*held).append(control::end());
  gate->restore(held, {{{event_time{5}, phase::ended}}, event_time{5}, false});
  receive_values(0, {}, {control::end(), barrier(4)});
  BOOST_TEST((gate->reached_barrier() == 4u));
  BOOST_TEST(waiting() == "1 end ");
  gate->pass_barrier();
  BOOST_TEST(take_all() == "1 end ");
}

BOOST_AUTO_TEST_CASE(a_channel_that_is_restored_as_ended_does_not_hold_back_the_other) {
  using phase = weir::channel_states::phase;
  open(2);
  gate->restore(
    std::make_shared<batch<int>>(),
    {{{event_time{5}, phase::active}, {event_time{7}, phase::ended}}, event_time{5}, false});
  receive_values(0, {}, {mark(9)});
  BOOST_TEST(take_all() == "w9 ");
  receive_values(1, {}, {control::end()});
  receive_values(0, {}, {control::end()});
  BOOST_TEST(take_all() == "end ");
}

BOOST_AUTO_TEST_CASE(a_watermark_that_is_behind_the_one_gone_on_from_does_not_pass_the_only_channel) {
  using phase = weir::channel_states::phase;
  open(1);
  gate->restore(std::make_shared<batch<int>>(), {{{event_time{9}, phase::active}}, event_time{9}, false});
  receive(0, 1, {control::watermark(event_time{4}), control::idle(), control::active()});
  receive(0, 1, {control::watermark(event_time{9}), control::watermark(event_time{10})});
  BOOST_TEST(take_all() == "0 ? ? 0 w10 ");
}

BOOST_AUTO_TEST_CASE(what_a_checkpoint_gives_back_comes_first_and_costs_no_sender_credit) {
  open(1);
  auto held = std::make_shared<batch<int>>();
  held->append(1, event_time::none(), {});
  receive_values(0, {2});
  gate->restore(held, one_channel);
  BOOST_TEST(take_all() == "1 2 ");
  BOOST_REQUIRE(grants.size() == 2u);
  BOOST_TEST(grants[1].more.records == 1);
}

BOOST_AUTO_TEST_SUITE_END()
