// SPDX-License-Identifier: Apache-2.0
#pragma once

// The way from a program's threads to an operator, for tests that play the pushers and the stage themselves.

#include "weir/push_feed.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weir::push_result;
using weir::waiting_push;

/// A record that can refuse to be measured.
struct item {
  int value = 0;
  std::size_t bytes = 8;

  friend std::size_t held_bytes(const item& x) {
    if (x.value < 0)
      throw std::runtime_error("held_bytes of " + std::to_string(x.value));
    return x.bytes;
  }
};

/// Everything of a batch in order: `1`, `w5` for a watermark, `.` for the end, `b3` for the barrier of checkpoint 3,
/// `b3.` where that is the last.
inline std::string text_of(weir::batch_base& of) {
  auto& in = static_cast<weir::batch<item>&>(of);
  std::string all;
  weir::batch_cursor at;
  while (!at.at_end(in)) {
    all += all.empty() ? "" : " ";
    if (!at.at_control(in)) {
      all += std::to_string(in.value(at.record++).value);
      continue;
    }
    const auto& what = in.controls()[at.control++].what;
    if (what.kind() == weir::control_kind::barrier)
      all += "b" + std::to_string(what.checkpoint()) + (what.is_last() ? "." : "");
    else
      all += what.kind() == weir::control_kind::end ? "." : "w" + std::to_string(what.event_time().ms());
  }
  return all;
}

/// Plays a stage for each lane.
struct feed_fixture {
  explicit feed_fixture(weir::feed_limits limits = {.records = 3}, bool keyed = false)
    : feed("service s", limits, keyed) {}

  void open(std::uint32_t lanes = 1, weir::batch_limits batches = {}, const weir::feed_run& how = {}) {
    run = *feed.open(lanes, batches, how);
    wakes.assign(lanes, 0);
    admitted.assign(lanes, 0);
    all.clear();
    for (std::uint32_t i = 0; i < lanes; ++i) {
      all.push_back(feed.lane(i));
      feed.listen(*all[i], [this, i] { ++wakes[i]; });
      feed.take(*all[i], false);
    }
  }

  push_result push(int value, weir::push_options where = {}, weir::key_hash key = 0) {
    item record{value};
    weir::push_request what{&record, where, key, nullptr};
    return feed.try_push(what);
  }

  /// Takes all that lies in a lane, batch by batch, divided by `|`.
  std::string take(std::uint32_t lane = 0) {
    std::string text;
    while (auto taken = feed.take(*all[lane], false).of) {
      text += (text.empty() ? "" : " | ") + text_of(*taken);
      const auto bytes = taken->bytes();
      taken->clear();
      feed.give_back(*all[lane], bytes, std::move(taken));
    }
    return text;
  }

  /// Takes what stands in front of barriers.
  std::string take_to_barrier(std::uint32_t lane = 0) {
    std::string text;
    for (auto& taken : feed.take_to_barrier(*all[lane])) {
      text += (text.empty() ? "" : " | ") + text_of(*taken);
      const auto bytes = taken->bytes();
      taken->clear();
      feed.give_back(*all[lane], bytes, std::move(taken));
    }
    return text;
  }

  weir::feed_cut begin_checkpoint(std::uint64_t checkpoint, bool last = false) {
    const auto cut = feed.begin_checkpoint(*all[0], checkpoint, last);
    BOOST_TEST_REQUIRE(cut.has_value());
    return *cut;
  }

  /// The operator takes in so many records more.
  void admit(std::uint64_t records, std::uint32_t lane = 0) {
    feed.admitted(*all[lane], admitted[lane] += records);
  }

  weir::push_feed<item> feed;
  std::uint64_t run = 0;
  std::vector<std::shared_ptr<weir::push_lane>> all;
  std::vector<int> wakes;
  std::vector<std::uint64_t> admitted;
};

/// A record that stands in line as a coroutine does.
struct in_line {
  explicit in_line(int value, weir::key_hash key = 0)
    : record{value}, push(weir::push_request{&record, {}, key, nullptr}) {
    push.coroutine = std::noop_coroutine();
  }

  item record;
  waiting_push push;
};

struct ticket_fixture : feed_fixture {
  std::shared_ptr<weir::ticket_state> push_tracked(int value) {
    auto made = std::make_shared<weir::ticket_state>();
    item record{value};
    weir::push_request what{&record, {}, 0, made};
    BOOST_TEST((feed.try_push(what) == push_result::taken));
    return made;
  }

  static std::string how(const weir::ticket_state& of) {
    const auto settled = of.wait(0s);
    if (!settled)
      return "not settled";
    switch (settled->kind) {
      case weir::settlement_kind::delivered:
        return "delivered " + std::to_string(settled->results);
      case weir::settlement_kind::dropped:
        return "dropped " + settled->why.kind();
      case weir::settlement_kind::dead_letter:
        return "dead letter " + settled->why.kind();
      case weir::settlement_kind::lost:
        return "lost " + settled->why.kind();
    }
    return "";
  }

  const weir::error cancelled{"cancelled", "job j", ""};
};
