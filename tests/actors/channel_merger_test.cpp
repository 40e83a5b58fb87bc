// SPDX-License-Identifier: Apache-2.0

#include "weir/channel_merger.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <optional>
#include <random>

using weir::channel_merger;
using weir::control;
using weir::control_kind;
using weir::event_time;

namespace {

control mark(std::int64_t at) {
  return control::watermark(event_time{at});
}

struct merger_fixture {
  void open(std::size_t channels) { merger.emplace(channels); }

  std::vector<control> take(std::size_t channel, const control& what) {
    std::vector<control> out;
    merger->take(channel, what, out);
    return out;
  }

  std::optional<channel_merger> merger;
};

const std::vector<control> nothing;

std::vector<control> just(const control& what) {
  return {what};
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(channel_mergers, merger_fixture)

BOOST_AUTO_TEST_CASE(a_channel_without_a_watermark_holds_all_back) {
  open(2);
  BOOST_TEST((take(0, mark(100)) == nothing));
  BOOST_TEST((take(1, mark(3)) == just(mark(3))));
  BOOST_TEST((take(1, mark(200)) == just(mark(100))));
}

BOOST_AUTO_TEST_CASE(a_watermark_that_goes_back_is_left_out) {
  open(1);
  BOOST_TEST((take(0, mark(5)) == just(mark(5))));
  BOOST_TEST((take(0, mark(5)) == nothing));
  BOOST_TEST((take(0, mark(4)) == nothing));
  BOOST_TEST((take(0, mark(6)) == just(mark(6))));
}

BOOST_AUTO_TEST_CASE(an_idle_channel_is_not_waited_for) {
  open(2);
  take(0, mark(5));
  BOOST_TEST((take(1, control::idle()) == just(mark(5))));
  BOOST_TEST((take(0, mark(6)) == just(mark(6))));
}

BOOST_AUTO_TEST_CASE(the_stream_is_idle_when_all_are) {
  open(2);
  BOOST_TEST((take(0, control::idle()) == nothing));
  BOOST_TEST((take(1, control::idle()) == just(control::idle())));
  BOOST_TEST((take(1, control::idle()) == nothing));
  BOOST_TEST((take(0, control::active()) == just(control::active())));
  BOOST_TEST((take(1, control::active()) == nothing));
}

BOOST_AUTO_TEST_CASE(a_channel_that_comes_back_behind_does_not_hold_back) {
  open(2);
  take(0, mark(5));
  take(1, mark(5));
  take(1, control::idle());
  BOOST_TEST((take(0, mark(50)) == just(mark(50))));
  take(1, control::active());
  BOOST_TEST((take(0, mark(60)) == just(mark(60))));
  BOOST_TEST((take(1, mark(20)) == nothing));
  // It has caught up: now it counts again.
  BOOST_TEST((take(1, mark(61)) == nothing));
  BOOST_TEST((take(0, mark(70)) == just(mark(61))));
}

BOOST_AUTO_TEST_CASE(a_channel_that_comes_back_without_a_watermark_does_not_hold_back) {
  open(2);
  take(1, control::idle());
  BOOST_TEST((take(0, mark(5)) == just(mark(5))));
  BOOST_TEST((take(1, control::active()) == nothing));
  BOOST_TEST((take(0, mark(6)) == just(mark(6))));
}

BOOST_AUTO_TEST_CASE(what_an_idle_channel_held_counts_when_it_comes_back_alone) {
  open(2);
  take(0, mark(10));
  BOOST_TEST((take(1, mark(5)) == just(mark(5))));
  take(0, control::idle());
  BOOST_TEST((take(1, control::idle()) == just(control::idle())));
  BOOST_TEST((take(0, control::active())
              == std::vector<control>{control::active(), mark(10)}));
}

BOOST_AUTO_TEST_CASE(an_ended_channel_is_not_waited_for) {
  open(2);
  take(0, mark(5));
  BOOST_TEST((take(1, control::end()) == just(mark(5))));
  BOOST_TEST((take(0, control::end()) == just(control::end())));
}

BOOST_AUTO_TEST_CASE(an_idle_stream_ends_with_the_last_channel) {
  open(2);
  take(0, control::idle());
  BOOST_TEST((take(1, control::end()) == just(control::idle())));
  BOOST_TEST((take(0, control::end()) == just(control::end())));
}

BOOST_AUTO_TEST_CASE(barriers_pass) {
  open(2);
  BOOST_TEST((take(1, control::barrier(3)) == just(control::barrier(3))));
}

// Against the definition: the merged watermark is the least of the channels that have not ended, none
// before each of them has one, and there is one end.
BOOST_AUTO_TEST_CASE(a_random_run_keeps_the_least) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      std::mt19937_64 chance{seed};
      const auto channels = 1 + chance() % 5;
      open(channels);
      std::vector<event_time> at(channels);
      std::vector<bool> ended(channels, false);
      event_time merged;
      bool has_ended = false;
      while (!has_ended) {
        const auto channel = chance() % channels;
        if (ended[channel])
          continue;
        const auto forward = static_cast<std::int64_t>(chance() % 10);
        ended[channel] = chance() % 30 == 0;
        if (!ended[channel])
          at[channel] = event_time{at[channel].has_value() ? at[channel].ms() + forward : forward};
        for (const auto& each :
             take(channel, ended[channel] ? control::end() : control::watermark(at[channel]))) {
          has_ended = each.kind() == control_kind::end;
          if (!has_ended) {
            BOOST_REQUIRE((each.kind() == control_kind::watermark));
            BOOST_REQUIRE((each.event_time() > merged));
            merged = each.event_time();
          }
        }
        std::optional<event_time> least;
        for (std::size_t i = 0; i < channels; ++i)
          if (!ended[i])
            least = least ? std::min(*least, at[i]) : at[i];
        BOOST_REQUIRE(has_ended == !least.has_value());
        if (least && least->has_value())
          BOOST_REQUIRE((merged == *least));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(another_merger_goes_on_from_its_states) {
  open(3);
  take(0, mark(5));
  take(1, mark(7));
  take(2, mark(6));
  take(0, control::idle());
  take(1, control::end());
  using phase = weir::channel_states::phase;
  const weir::channel_states expected{{{event_time{5}, phase::idle},
                                       {event_time{7}, phase::ended},
                                       {event_time{6}, phase::active}},
                                      event_time{6},
                                      false};
  BOOST_TEST((merger->states() == expected));
  merger.emplace(weir::channel_states{merger->states()});
  BOOST_TEST((take(2, mark(6)) == nothing));
  BOOST_TEST((take(2, mark(8)) == just(mark(8))));
  BOOST_TEST((take(1, mark(9)) == nothing));
  BOOST_TEST((take(2, control::idle()) == just(control::idle())));
  BOOST_TEST(merger->states().idle);
  merger.emplace(weir::channel_states{merger->states()});
  BOOST_TEST((take(0, control::active()) == just(control::active())));
}

BOOST_AUTO_TEST_SUITE_END()
