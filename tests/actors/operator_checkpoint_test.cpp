// SPDX-License-Identifier: Apache-2.0

// What an operator hands over at a barrier, in whichever phase it is, what leaves in front of the barrier and behind
// it, and that another one goes on from there.

#include "../support/seeds.hpp"
#include "operator_row.hpp"

#include "weir/state_error.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <new>
#include <random>

using weir::control;
using weir::event_time;
using weir::output_mode;
using namespace weir::testing;

namespace {

constexpr output_mode every_mode[]
  = {output_mode::ordered, output_mode::unordered, output_mode::key_ordered};

/// In the place of a number of which the test says whether it can be written.
struct refusing {
  enum class by { nothing, error, memory };
  static inline by refuses = by::nothing;
};

struct never_stored {};

void let_refuse() {
  auto codec = *weir::find_record_codec(typeid(int));
  codec.name = "refusing";
  codec.save = [](weir::state_output& to, const void* record) {
    if (refusing::refuses == refusing::by::error)
      throw weir::state_error{{weir::error_kind::exception, "refusing", "not now"}};
    if (refusing::refuses == refusing::by::memory)
      throw std::bad_alloc{};
    weir::find_record_codec(typeid(int))->save(to, record);
  };
  weir::add_record_codec(typeid(refusing), codec);
}

} // namespace

BOOST_AUTO_TEST_SUITE(operator_checkpoints)

BOOST_AUTO_TEST_CASE(the_barrier_leaves_and_then_the_state_is_handed_over) {
  operator_row of;
  of.start();
  of.push({1, 2});
  of.complete(2);
  of.transcript();
  of.barrier(7);
  BOOST_TEST(of.transcript() == "barrier 7\nsaved 7 by op\n");
  BOOST_TEST(of.held_at(7) == "1 running 2 finished |");
  of.complete(1);
  BOOST_TEST(of.transcript() == "out 1\nout 2\n");
}

BOOST_AUTO_TEST_CASE(a_full_queue_and_what_waits_for_room_are_in_it) {
  operator_row of;
  of.options().capacity = 1;
  of.start();
  of.push({1, 2}, {control::watermark(event_time{5})});
  of.push({3}, {control::barrier(1)});
  BOOST_TEST(of.held_at(1) == "1 running | 2 w5 3");
  of.crash();
  of.start(1);
  for (const int record : {1, 2, 3})
    of.complete(record);
  BOOST_TEST(of.transcript()
             == "open op\ncall op 1\ncall op 2\nout 1\ncall op 3\nout 2\nw5\nout 3\n");
}

BOOST_AUTO_TEST_CASE(what_waits_for_room_downstream_is_in_it) {
  operator_row of;
  of.room = 0;
  of.start();
  of.push({1}, {control::watermark(event_time{5})});
  of.complete(1);
  of.barrier(1);
  BOOST_TEST(of.held_at(1) == "1 finished w5 |");
  BOOST_TEST(of.transcript() == "open op\ncall op 1\nbarrier 1\nsaved 1 by op\n");
}

BOOST_AUTO_TEST_CASE(two_barriers_close_together_are_two_states) {
  operator_row of;
  of.options().capacity = 1;
  of.start();
  of.runs_at_once = false;
  of.push({1}, {control::barrier(1)});
  of.push({2}, {control::barrier(2)});
  of.world.run();
  BOOST_TEST(of.held_at(1) == "| 1");
  BOOST_TEST(of.held_at(2) == "1 running | 2");
}

BOOST_AUTO_TEST_CASE(two_barriers_that_are_reached_at_once_are_two_states) {
  operator_row of;
  of.channels = 2;
  of.start();
  of.push({1}, {control::barrier(1)}, 0);
  of.push({2}, {control::barrier(2)}, 0);
  of.push({3}, {}, 0);
  of.transcript();
  of.push({}, {control::end()}, 1);
  BOOST_TEST(of.transcript()
             == "call op 2\ncall op 3\nbarrier 1\nsaved 1 by op\nbarrier 2\nsaved 2 by op\n");
  BOOST_TEST(of.held_at(1) == "1 running |");
  BOOST_TEST(of.held_at(2) == "1 running | 2");
}

BOOST_AUTO_TEST_CASE(where_streams_meet_nothing_from_behind_a_barrier_is_in_it) {
  operator_row of;
  of.channels = 2;
  of.start();
  of.push({1}, {control::watermark(event_time{3}), control::barrier(1)}, 0);
  of.push({2}, {control::watermark(event_time{9})}, 0);
  of.push({3}, {}, 1);
  BOOST_TEST(of.transcript() == "open op\ncall op 1\ncall op 3\n");
  of.push({4}, {control::barrier(1)}, 1);
  BOOST_TEST(of.transcript() == "call op 4\ncall op 2\nbarrier 1\nsaved 1 by op\n");
  BOOST_TEST(of.held_at(1) == "1 running 3 running | 4");
  BOOST_TEST(of.row[0].states[1].channels.channels[0].watermark.ms() == 3);
}

BOOST_AUTO_TEST_CASE(barriers_go_on_behind_the_end) {
  operator_row of;
  of.start();
  of.push({1}, {control::end()});
  of.complete(1);
  of.barrier(1);
  of.barrier(2);
  BOOST_TEST(of.transcript()
             == "open op\ncall op 1\nclose op\nout 1\nend\nfinished op\nbarrier 1\nsaved 1 by "
                "op\nbarrier 2\nsaved 2 by op\n");
  BOOST_TEST(of.held_at(2) == "ended |");
  BOOST_TEST(of.given_back == 3u);
}

BOOST_AUTO_TEST_CASE(one_that_has_failed_saves_nothing) {
  operator_row of;
  of.start();
  of.push({1});
  of.fail(1);
  of.transcript();
  of.barrier(1);
  BOOST_TEST(of.transcript() == "");
}

// FLINK-7949: a restored queue that is full, and one more that waits, are restored from a checkpoint that is made before
// any of it could leave.
BOOST_AUTO_TEST_CASE(one_that_waits_for_room_to_begin_hands_over_what_it_was_given) {
  operator_row of;
  of.options().capacity = 1;
  of.batch_records = 4;
  of.start();
  of.push({1, 2}, {control::barrier(1)});
  of.crash();
  of.room = 0;
  of.start(1);
  of.barrier(2);
  BOOST_TEST(of.held_at(2) == "| 1 2");
  of.crash();
  of.room = 10;
  of.start(2);
  of.complete(1);
  of.complete(2);
  BOOST_TEST(of.transcript() == "open op\ncall op 1\ncall op 2\nout 1\nout 2\n");
}

BOOST_AUTO_TEST_CASE(its_counters_are_in_it) {
  operator_row of;
  of.options().on_failure = weir::failure_action::drop;
  of.start();
  of.push({1, 2, 3}, {control::watermark(event_time{1})});
  of.complete(1);
  of.fail(2);
  of.barrier(1);
  const auto counted = [&](std::uint64_t n, std::string_view name) {
    for (const auto& each : of.row[0].states[n].summary.counters)
      if (each.name == name)
        return static_cast<int>(each.count);
    return -1;
  };
  BOOST_TEST(counted(1, "records_in") == 3);
  BOOST_TEST(counted(1, "records_finished") == 2);
  BOOST_TEST(counted(1, "records_out") == 1);
  BOOST_TEST(counted(1, "sent") == 1);
  BOOST_TEST(counted(1, "dropped") == 1);
  BOOST_TEST(counted(1, "calls") == 3);
  const auto& summary = of.row[0].states[1].summary;
  BOOST_TEST(summary.entries.running == 1u);
  BOOST_TEST(summary.entries.borders == 1u);
  BOOST_REQUIRE(summary.histograms.size() == 1u);
  BOOST_TEST(summary.histograms[0].counts.size() == 1u);
  of.crash();
  of.start(1);
  of.complete(3);
  of.barrier(2);
  BOOST_TEST(counted(2, "records_in") == 3);
  BOOST_TEST(counted(2, "records_out") == 2);
  BOOST_TEST(counted(2, "sent") == 2);
  BOOST_TEST(counted(2, "calls") == 4);
}

// -- what cannot be written --

BOOST_AUTO_TEST_CASE(a_state_that_cannot_be_written_is_refused_and_the_stream_goes_on) {
  let_refuse();
  operator_row of;
  of.start();
  of.crash();
  of.row[0].parts->plan.types.in = &typeid(refusing);
  of.start();
  of.push({1});
  of.transcript();
  refusing::refuses = refusing::by::error;
  of.barrier(1);
  BOOST_TEST(of.transcript() == "barrier 1\nunsaved 1 by op: refusing: not now (exception)\n");
  refusing::refuses = refusing::by::memory;
  of.barrier(2);
  BOOST_TEST(of.transcript()
             == "barrier 2\nunsaved 2 by op: op: it threw: std::bad_alloc (exception)\n");
  refusing::refuses = refusing::by::nothing;
  of.push({2}, {control::barrier(3)});
  BOOST_TEST(of.transcript() == "call op 2\nbarrier 3\nsaved 3 by op\n");
  BOOST_TEST(of.held_at(3) == "1 running | 2");
  of.complete(1);
  BOOST_TEST(of.transcript() == "out 1\n");
}

BOOST_AUTO_TEST_CASE(a_type_that_cannot_be_stored_is_named) {
  operator_row of;
  of.start();
  of.crash();
  of.row[0].parts->plan.types.out = &typeid(never_stored);
  of.start();
  of.barrier(1);
  BOOST_TEST(
    of.transcript()
    == "open op\nbarrier 1\nunsaved 1 by op: operator op: its results are of the type "
       "(anonymous namespace)::never_stored, which cannot be stored; write WEIR_STORED((anonymous "
       "namespace)::never_stored, 1) behind the type (weir/stored.hpp) (argument)\n");
}

// -- ends --

BOOST_AUTO_TEST_CASE(an_end_that_was_taken_in_and_is_sent_again_changes_nothing) {
  for (std::uint32_t n = 0; n < 6; ++n)
    BOOST_TEST_CONTEXT("mode " << n / 2 << ", channels " << 1 + n % 2) {
      const auto mode = every_mode[n / 2];
      const auto channels = 1 + n % 2;
      operator_row of;
      of.set_mode(mode);
      of.channels = channels;
      of.options().retry
        = weir::fixed_delay{5, weir::duration{std::chrono::seconds{1}}, weir::any_error()};
      of.options().on_failure = weir::failure_action::drop;
      const auto to_all = [&](const std::vector<control>& what) {
        for (std::uint32_t i = 0; i < channels; ++i)
          of.push({}, what, i);
      };
      // GIVEN a record whose last attempt runs since the end has come
      of.start();
      of.push({1});
      of.fail(1);
      to_all({control::end()});
      BOOST_TEST(of.transcript() == "open op\ncall op 1\ncall op 1 attempt 2\n");
      to_all({control::barrier(1)});
      BOOST_TEST(of.held_at(1) == "1 running ended |");
      // WHEN another operator goes on from there, and gets the end once more
      of.crash();
      of.start(1);
      to_all({control::end(), control::barrier(2)});
      // THEN there is no further attempt, and one end
      BOOST_TEST(of.transcript() == "open op\ncall op 1 attempt 2\nbarrier 2\nsaved 2 by op\n");
      of.fail(1);
      BOOST_TEST(of.transcript() == "close op\nend\nfinished op\n");
      to_all({control::barrier(3)});
      BOOST_TEST(of.transcript() == "barrier 3\nsaved 3 by op\n");
      // The one that goes on from behind the end ends at once, and once.
      of.crash();
      of.start(3);
      to_all({control::end(), control::barrier(4)});
      BOOST_TEST(of.transcript()
                 == "open op\nclose op\nend\nfinished op\nbarrier 4\nsaved 4 by op\n");
      BOOST_TEST(of.held_at(4) == "ended |");
    }
}

BOOST_AUTO_TEST_CASE(an_end_that_waited_and_is_sent_again_comes_once) {
  for (std::uint32_t n = 0; n < 6; ++n)
    BOOST_TEST_CONTEXT("mode " << n / 2 << ", channels " << 1 + n % 2) {
      const auto mode = every_mode[n / 2];
      const auto channels = 1 + n % 2;
      operator_row of;
      of.set_mode(mode);
      of.channels = channels;
      of.options().capacity = 1;
      const auto to_all = [&](const std::vector<control>& what) {
        for (std::uint32_t i = 0; i < channels; ++i)
          of.push({}, what, i);
      };
      of.start();
      of.push({1, 2});
      to_all({control::end()});
      to_all({control::barrier(1)});
      BOOST_TEST(of.held_at(1) == "1 running | 2 end");
      of.crash();
      of.start(1);
      to_all({control::end()});
      of.complete(1);
      of.complete(2);
      BOOST_TEST(of.transcript()
                 == "open op\ncall op 1\ncall op 2\nout 1\nclose op\nout 2\nend\nfinished op\n");
    }
}

BOOST_AUTO_TEST_CASE(an_end_that_sources_were_told_to_make_is_none_when_they_go_on) {
  for (const std::size_t capacity : {1, 2})
    for (std::uint32_t channels = 1; channels <= 2; ++channels)
      BOOST_TEST_CONTEXT("capacity " << capacity << ", " << channels << " channels") {
        operator_row of;
        of.channels = channels;
        of.options().capacity = capacity;
        of.start();
        of.push({1, 2});
        for (std::uint32_t i = 0; i < channels; ++i)
          of.push({}, {control::end()}, i);
        for (std::uint32_t i = 0; i < channels; ++i)
          of.push({}, {control::barrier(1)}, i);
        BOOST_TEST(of.held_at(1)
                   == (capacity == 1 ? "1 running | 2 end" : "1 running 2 running ended |"));
        of.crash();
        of.row[0].states[1].bytes->input_goes_on = true;
        of.start(1);
        of.push({3});
        of.complete(1);
        of.complete(2);
        of.complete(3);
        BOOST_TEST(of.left == (std::vector{1, 2, 3}), boost::test_tools::per_element());
        BOOST_TEST(of.transcript().find("end") == std::string::npos);
        for (std::uint32_t i = 0; i < channels; ++i)
          of.push({}, {control::end()}, i);
        BOOST_TEST(of.transcript() == "close op\nend\nfinished op\n");
      }
}

// -- one behind the other --

// FLINK-13063, FLINK-5638.
BOOST_AUTO_TEST_CASE(what_two_operators_hold_is_what_came_and_has_not_left) {
  operator_row of{2};
  of.start();
  of.push({1, 2, 3, 4});
  of.complete(1, 0);
  of.complete(2, 0);
  of.complete(1, 1);
  of.complete(4, 0);
  of.transcript();
  of.barrier(1);
  BOOST_TEST(of.transcript() == "saved 1 by op1\nbarrier 1\nsaved 1 by op2\n");
  BOOST_TEST(of.held_at(1, 0) == "3 running 4 finished |");
  BOOST_TEST(of.held_at(1, 1) == "2 running |");
  of.crash();
  of.start(1);
  BOOST_TEST(of.transcript() == "open op2\nopen op1\ncall op1 3\ncall op2 2\n");
  of.complete(3, 0);
  of.complete(2, 1);
  of.complete(3, 1);
  of.complete(4, 1);
  BOOST_TEST(of.transcript() == "call op2 3\ncall op2 4\nout 2\nout 3\nout 4\n");
}

namespace {

/// Two operators between senders, a receiver and a service that do anything in any order.
struct random_row : operator_row {
  explicit random_row(std::uint64_t seed) : operator_row(2), chance(seed) {
    channels = 1 + static_cast<std::uint32_t>(below(2));
    batch_records = 1 + below(3);
    room = static_cast<std::int64_t>(below(4));
    for (std::size_t i = 0; i < 2; ++i) {
      set_mode(every_mode[below(3)], i);
      auto& with = options(i);
      with.capacity = 1 + below(5);
      with.max_concurrent_calls = 1 + below(with.capacity);
      with.retry = weir::fixed_delay{1'000'000, ms{10}, weir::any_error()};
      with.at_end = weir::end_policy::keep_retrying;
    }
    senders.resize(channels);
    runs_at_once = false;
    if (below(2) == 0)
      world.shuffle(seed);
  }

  std::size_t below(std::size_t n) { return static_cast<std::size_t>(chance() % n); }

  struct sender {
    /// All that it has; behind the last of them may come its end.
    std::vector<int> records{};
    bool ends = false;
    /// How many of them are in front of each barrier.
    std::map<std::uint64_t, std::size_t> barriers{};
    /// In this life.
    std::size_t sent = 0;
    bool has_ended = false;
    std::uint64_t next_barrier = 1;
  };

  /// Behind an end come barriers alone.
  void send_some(std::uint32_t channel) {
    auto& of = senders[channel];
    std::vector<int> some;
    std::vector<control> behind;
    for (auto n = below(3); n > 0 && !of.has_ended; --n) {
      if (of.sent == of.records.size() && of.ends)
        break;
      if (of.sent == of.records.size())
        of.records.push_back(next++);
      some.push_back(of.records[of.sent++]);
    }
    // What comes behind all records is not said twice.
    if (below(4) == 0 && !some.empty())
      behind.push_back(control::watermark(event_time{next}));
    if (of.sent == of.records.size() && !of.has_ended && (of.ends || below(30) == 0)) {
      of.ends = of.has_ended = true;
      behind.push_back(control::end());
    }
    if (below(3) == 0 && of.next_barrier <= last_barrier)
      behind.push_back(next_barrier(of));
    push(some, behind, channel);
  }

  static control next_barrier(sender& of) {
    of.barriers[of.next_barrier] = of.sent;
    return control::barrier(of.next_barrier++);
  }

  /// Those that have not come; each on every channel.
  void send_barriers() {
    for (std::uint32_t channel = 0; channel < channels; ++channel)
      while (senders[channel].next_barrier <= last_barrier)
        push({}, {next_barrier(senders[channel])}, channel);
  }

  /// All crash, go on from barrier `n`, and the senders from what is behind it.
  void crash_and_restore(std::uint64_t n) {
    crash();
    left.resize(left_before.at(n));
    const auto forget = [n](auto& all) { all.erase(all.upper_bound(n), all.end()); };
    forget(left_before);
    for (auto& each : row)
      forget(each.states);
    for (auto& each : senders) {
      forget(each.barriers);
      each.sent = each.barriers.at(n);
      each.has_ended = false;
      each.next_barrier = last_barrier + 1;
    }
    last_barrier += barriers_in_a_life;
    start(n);
  }

  /// What is left to send is sent, and all comes to its end.
  void end() {
    for (std::uint32_t channel = 0; channel < channels; ++channel) {
      auto& of = senders[channel];
      std::vector<control> behind;
      if (!std::exchange(of.has_ended, true))
        behind.push_back(control::end());
      push({of.records.begin() + static_cast<std::ptrdiff_t>(of.sent), of.records.end()}, behind,
           channel);
    }
    grant(1'000'000);
    do
      world.advance(ms{20});
    while (answer_one(false));
  }

  /// Whether what has left did so in the order that its operators promise.
  bool is_in_order() const {
    const auto mode = [this](std::size_t i) { return row[i].parts->plan.mode; };
    if (channels == 2 || mode(0) == output_mode::unordered || mode(1) == output_mode::unordered)
      return true;
    if (mode(0) == output_mode::ordered)
      return std::is_sorted(left.begin(), left.end());
    // What the first gives has no keys any more: to the second it is of one.
    for (int key = 0; key < 3; ++key) {
      std::vector<int> of;
      std::copy_if(left.begin(), left.end(), std::back_inserter(of),
                   [key](int record) { return record % 3 == key; });
      if (!std::is_sorted(of.begin(), of.end()))
        return false;
    }
    return true;
  }

  bool answer_one(bool may_fail) {
    const auto i
      = row[0].function.held.empty() || (below(2) == 0 && !row[1].function.held.empty()) ? 1u : 0u;
    auto& held = row[i].function.held;
    if (held.empty())
      return false;
    const int record
      = std::next(held.begin(), static_cast<std::ptrdiff_t>(below(held.size())))->first;
    if (may_fail && below(4) == 0)
      fail(record, i);
    else
      complete(record, i);
    return true;
  }

  void any_step() {
    switch (below(8)) {
      case 0:
      case 1:
        send_some(static_cast<std::uint32_t>(below(channels)));
        break;
      case 2:
        grant(static_cast<std::int64_t>(1 + below(3)));
        break;
      case 3:
        world.advance_without_running(ms{3});
        break;
      case 4:
      case 5:
        answer_one(true);
        break;
      default:
        for (auto n = below(6); n > 0; --n)
          world.step();
    }
  }

  std::vector<int> in_front_of(std::uint64_t n) const {
    std::vector<int> all;
    for (const auto& each : senders)
      all.insert(all.end(), each.records.begin(),
                 each.records.begin() + static_cast<std::ptrdiff_t>(each.barriers.at(n)));
    std::sort(all.begin(), all.end());
    return all;
  }

  /// What had left in front of barrier `n`, and what the operators held at it.
  std::vector<int> left_or_held_at(std::uint64_t n) {
    std::vector<int> all(left.begin(),
                         left.begin() + static_cast<std::ptrdiff_t>(left_before.at(n)));
    for (auto& each : row) {
      const auto& of = each.states.at(n);
      for (const auto& entry : of.held.entries)
        if (const auto* one = std::get_if<0>(&entry))
          all.push_back(one->value);
      for (std::size_t i = 0; i < of.waiting.records(); ++i)
        all.push_back(of.waiting.value(i));
      entries.running += of.summary.entries.running;
      entries.finished += of.summary.entries.finished;
      entries.backs_off += of.summary.entries.backs_off;
      entries.waits_for_call += of.summary.entries.waits_for_call;
      entries.waiting_input += of.summary.entries.waiting_input;
    }
    std::sort(all.begin(), all.end());
    return all;
  }

  static constexpr std::uint64_t barriers_in_a_life = 4;
  std::mt19937_64 chance;
  std::vector<sender> senders;
  std::uint64_t last_barrier = barriers_in_a_life;
  int next = 1;
  static inline weir::entry_counts entries;
};

} // namespace

BOOST_AUTO_TEST_CASE(behind_the_last_barrier_none_of_them_does_anything_more) {
  operator_row of{2};
  for (std::size_t i = 0; i < 2; ++i)
    of.options(i).max_concurrent_calls = 1;
  of.start();
  of.push({1, 2, 3, 4});
  of.complete(1);
  of.complete(2);
  of.push({5}, {control::barrier(1, true)});
  of.transcript();
  of.complete(3);
  of.fail(1, 1);
  of.push({6});
  of.push({}, {control::end()});
  BOOST_TEST(of.transcript() == "");
  BOOST_TEST(of.held_at(1, 0) == "3 running 4 waiting | 5");
  BOOST_TEST(of.held_at(1, 1) == "1 running 2 waiting |");
}

BOOST_AUTO_TEST_CASE(every_barrier_cuts_random_streams_in_two) {
  const auto [first, count] = seeds(300);
  std::size_t ended_alone = 0;
  for (auto seed = first; seed < first + count; ++seed)
    BOOST_TEST_CONTEXT("seed " << seed) {
      random_row of{seed};
      of.start();
      for (int life = 0; life < 3; ++life) {
        for (int step = 0; step < 60; ++step)
          of.any_step();
        ended_alone += of.channels == 2 && of.senders[0].has_ended != of.senders[1].has_ended;
        // THEN no barrier waits for a call or for room, and what it finds is what came before it
        of.send_barriers();
        of.world.run_messages();
        const auto before = of.last_barrier - random_row::barriers_in_a_life;
        for (auto n = before + 1; n <= of.last_barrier; ++n) {
          BOOST_TEST_REQUIRE(of.row[0].states.contains(n));
          BOOST_TEST_REQUIRE(of.row[1].states.contains(n));
          BOOST_TEST(of.left_or_held_at(n) == of.in_front_of(n), boost::test_tools::per_element());
        }
        of.crash_and_restore(before + 1 + of.below(random_row::barriers_in_a_life));
      }
      of.end();
      // THEN each record has left once, and the end behind them
      BOOST_TEST(of.is_in_order());
      std::sort(of.left.begin(), of.left.end());
      BOOST_TEST_REQUIRE(of.left.size() == static_cast<std::size_t>(of.next - 1));
      for (std::size_t i = 0; i < of.left.size(); ++i)
        BOOST_TEST(of.left[i] == static_cast<int>(i + 1));
      const auto seen = of.transcript();
      const auto end = seen.find("end\n");
      BOOST_TEST((end < seen.size() && seen.find("finished op2\n", end) < seen.size()
                  && seen.find("out ", end) == std::string::npos
                  && seen.find("end\n", end + 1) == std::string::npos),
                 seen);
    }
  if (count < 40)
    return;
  const auto& met = random_row::entries;
  for (const auto each :
       {met.running, met.finished, met.backs_off, met.waits_for_call, met.waiting_input})
    BOOST_TEST(each > count);
  BOOST_TEST(ended_alone > count / 10);
}

BOOST_AUTO_TEST_SUITE_END()
