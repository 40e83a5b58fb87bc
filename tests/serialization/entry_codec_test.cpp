// SPDX-License-Identifier: Apache-2.0

#include "weir/entry_codec.hpp"

#include "../support/allocations.hpp"
#include "../support/snapshot_bytes.hpp"
#include "archive_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <new>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace entry_test {

/// What is asked for; one that cannot be stored where its number is negative.
struct question {
  std::int64_t number = 0;
  std::string text;

  template <class Archive>
  void serialize(Archive& archive, std::uint32_t version) {
    if (number < 0)
      throw std::runtime_error{"the number is negative"};
    archive(number);
    if (version >= 2)
      archive(text);
  }

  friend bool operator==(const question&, const question&) = default;
};

/// 64 bytes, as the bars of size and speed have them.
struct large {
  std::array<std::uint64_t, 8> words{};

  template <class Archive>
  void serialize(Archive& archive, std::uint32_t) {
    archive(words);
  }
};

/// Stores nothing.
struct done {
  template <class Archive>
  void serialize(Archive&, std::uint32_t) {}
};

} // namespace entry_test

WEIR_STORED_SINCE(entry_test::question, 2, 1)
WEIR_STORED(entry_test::large, 1)
WEIR_STORED(entry_test::done, 1)

namespace {

using namespace std::chrono_literals;
using weir::batch;
using weir::batch_cursor;
using weir::channel_states;
using weir::control;
using weir::duration;
using weir::event_time;
using weir::origin;
using weir::state_blocks;
using weir::testing::write_snapshot;

template <class In, class Out>
struct stored_fixture {
  using record = weir::record_snapshot<In, Out>;
  using snapshot = weir::machine_snapshot<In, Out>;
  using input = batch<In>;

  /// All that a state holds.
  struct state {
    snapshot held;
    input waiting;
    channel_states channels{{{}}};
    bool was_read = false;
  };

  std::shared_ptr<weir::block_pool> pool = std::make_shared<weir::block_pool>();
  const weir::record_codec& in_codec = *weir::find_record_codec(typeid(In));
  const weir::record_codec& out_codec = *weir::find_record_codec(typeid(Out));
  weir::entry_counts counts;

  state_blocks written(const snapshot& held, const input& waiting = {}, batch_cursor taken = {},
                       const channel_states& channels = {{{}}}) {
    state_blocks to{pool};
    weir::stored_entry_writer writer{to, in_codec, out_codec};
    write_snapshot(writer, held);
    writer.begin_waiting(waiting.records() + waiting.controls().size() - taken.record
                         - taken.control);
    writer.waiting(waiting, taken);
    writer.channels(channels);
    writer.finish();
    counts = writer.counts();
    return to;
  }

  state read(const state_blocks& from, bool input_goes_on = false,
             std::uint32_t version = 0) const {
    weir::stored_entry_reader reader{from,
                                     {&in_codec, version == 0 ? in_codec.version : version},
                                     {&out_codec, out_codec.version},
                                     "operator airports",
                                     input_goes_on};
    state all;
    all.held = weir::testing::read_snapshot<In, Out>(reader);
    reader.read_waiting(all.waiting);
    all.channels = reader.read_channels();
    reader.end();
    all.was_read = true;
    return all;
  }

  /// What is wrong with the bytes, or nothing.
  std::string fault(std::string_view bytes) const {
    state_blocks from{pool};
    while (!bytes.empty()) {
      const auto room = from.room();
      const auto part = bytes.substr(0, room.size());
      std::copy_n(reinterpret_cast<const std::byte*>(part.data()), part.size(), room.data());
      from.filled(part.size());
      bytes.remove_prefix(part.size());
    }
    try {
      read(from);
    } catch (const weir::state_error& thrown) {
      return thrown.why().text();
    }
    return {};
  }

  static std::string bytes_of(const state_blocks& of) {
    return weir::testing::archive_fixture::text_of(of);
  }
};

using questions = stored_fixture<entry_test::question, std::string>;
using record = questions::record;

bool same(const record& a, const record& b) {
  const auto same_failure
    = [](const auto& x, const auto& y) { return x.why == y.why && x.met == y.met; };
  if (a.finished.has_value() != b.finished.has_value()
      || (a.finished && a.finished->index() != b.finished->index()))
    return false;
  return a.value == b.value && a.timestamp == b.timestamp && a.from == b.from && a.key == b.key
         && a.attempt == b.attempt && a.timeout_left == b.timeout_left
         && a.backoff_left == b.backoff_left && a.durations == b.durations && a.running == b.running
         && (!a.finished
             || (a.finished->index() == 0
                   ? std::get<0>(*a.finished) == std::get<0>(*b.finished)
                   : same_failure(std::get<1>(*a.finished), std::get<1>(*b.finished))));
}

bool same(const questions::snapshot& a, const questions::snapshot& b) {
  if (a.input_ended != b.input_ended || a.entries.size() != b.entries.size())
    return false;
  for (std::size_t i = 0; i < a.entries.size(); ++i) {
    const auto* x = std::get_if<record>(&a.entries[i]);
    const auto* y = std::get_if<record>(&b.entries[i]);
    if ((x == nullptr) != (y == nullptr)
        || !(x != nullptr ? same(*x, *y)
                          : std::get<control>(a.entries[i]) == std::get<control>(b.entries[i])))
      return false;
  }
  return true;
}

std::string elements_of(const questions::input& of, batch_cursor at = {}) {
  std::string all;
  while (!at.at_end(of))
    if (at.at_control(of)) {
      const auto& what = of.controls()[at.control++].what;
      all += "control " + std::to_string(static_cast<int>(what.kind()))
             + (what.kind() == weir::control_kind::watermark
                  ? " at " + std::to_string(what.event_time().ms())
                  : "")
             + "\n";
    } else {
      const auto i = at.record++;
      all += std::to_string(of.value(i).number) + " " + of.value(i).text + " "
             + at.origins.at(of.origins(), i).text() + " " + std::to_string(of.timestamp(i).ms())
             + " key " + std::to_string(of.key(i)) + "\n";
    }
  return all;
}

/// One of everything, and what makes numbers go round.
questions::snapshot some_of_each() {
  const auto at = [](std::uint64_t position) { return origin{position, 0, 0}; };
  questions::snapshot all;
  all.input_ended = true;
  all.entries.emplace_back(record{{1, "waits for a call"}, event_time{1000}, at(7)});
  all.entries.emplace_back(control::watermark(event_time{-5}));
  record running{{2, "runs"}, event_time::none(), at(8), 0, 2, 30s};
  running.running = true;
  running.durations = {5ms};
  all.entries.emplace_back(running);
  all.entries.emplace_back(control::idle());
  record backs_off{{3, ""}, event_time{900}, {~0ull, 77, 5}, 0xABCD'EF01'2345'6789u, 7, 29s, 40ms};
  backs_off.durations = {1ms, 2ms, 3ms, 4ms};
  all.entries.emplace_back(backs_off);
  all.entries.emplace_back(control::active());
  record hook{{4, "its hook was called"}, event_time{901}, at(0), 1, 1, 0s};
  hook.running = true;
  all.entries.emplace_back(hook);
  record none{{5, "no results"}, event_time{902}, at(1), 1, 1};
  none.finished = std::vector<std::string>{};
  all.entries.emplace_back(none);
  record several{{6, "several"}, event_time{std::int64_t{1} << 62}, at(2), 1, 3, 1ns};
  several.finished = std::vector<std::string>{"a", "", std::string(200, 'c')};
  all.entries.emplace_back(several);
  record dead{{7, "dead"},    event_time{-(std::int64_t{1} << 62)}, at(3), 0, 4294967295,
              duration::max()};
  dead.finished
    = record::failure{{"refused", "store", "it said no"}, weir::failure_action::dead_letter};
  dead.durations = {0ns, duration::max()};
  all.entries.emplace_back(dead);
  record dropped{{8, "dropped"}, event_time::none(), at(4)};
  dropped.finished = record::failure{{"", "", ""}, weir::failure_action::drop};
  all.entries.emplace_back(dropped);
  return all;
}

questions::input some_input() {
  questions::input in;
  weir::batch_base& any = in;
  in.append({20, "taken"}, event_time::none(), {4, 0, 0});
  any.append(control::watermark(event_time{3}));
  in.append({21, "first"}, event_time{4}, {5, 0, 0});
  any.append(control::watermark(event_time{4}));
  any.append(control::idle());
  in.append({22, "second"}, event_time::none(), {9, 3, 1});
  any.append(control::end());
  return in;
}

channel_states some_channels() {
  using phase = channel_states::phase;
  return {{{event_time{5}, phase::active},
           {event_time::none(), phase::idle},
           {event_time{-1}, phase::ended}},
          event_time{4},
          true};
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(entry_codec, questions)

BOOST_AUTO_TEST_CASE(what_is_written_is_read) {
  const auto in = some_input();
  const batch_cursor taken{1, 1, {}};
  const auto bytes = written(some_of_each(), in, taken, some_channels());
  const auto all = read(bytes);
  BOOST_TEST(same(all.held, some_of_each()));
  BOOST_TEST(elements_of(all.waiting) == elements_of(in, taken));
  BOOST_TEST((all.channels == some_channels()));
  BOOST_TEST(bytes_of(written(all.held, all.waiting, {}, all.channels)) == bytes_of(bytes));
}

BOOST_AUTO_TEST_CASE(an_operator_that_holds_nothing_is_a_few_bytes) {
  const auto bytes = written({});
  BOOST_TEST(bytes.size() == 6u);
  const auto all = read(bytes);
  BOOST_TEST(all.held.entries.empty());
  BOOST_TEST(!all.held.input_ended);
  BOOST_TEST(all.waiting.empty());
}

BOOST_AUTO_TEST_CASE(it_counts_what_becomes_of_each) {
  written(some_of_each(), some_input());
  BOOST_TEST(counts.waits_for_call == 1u);
  BOOST_TEST(counts.running == 2u);
  BOOST_TEST(counts.backs_off == 1u);
  BOOST_TEST(counts.finished == 4u);
  BOOST_TEST(counts.borders == 3u);
  BOOST_TEST(counts.waiting_input == 3u);
}

BOOST_AUTO_TEST_CASE(keys_of_waiting_records_are_kept) {
  questions::input in;
  in.append({1, ""}, event_time::none(), {}, 42);
  in.append({2, ""}, event_time::none(), {}, 0);
  in.append({3, ""}, event_time::none(), {}, 43);
  const auto all = read(written({}, in));
  BOOST_TEST(elements_of(all.waiting) == elements_of(in));
}

BOOST_AUTO_TEST_CASE(waiting_input_is_read_and_written_one_element_at_a_time_too) {
  const auto in = some_input();
  const auto bytes = written({}, in);
  state_blocks to{pool};
  weir::stored_entry_reader reader{bytes, {&in_codec, 2}, {&out_codec, out_codec.version}, "it"};
  weir::stored_entry_writer writer{to, in_codec, out_codec};
  write_snapshot(writer, weir::testing::read_snapshot<entry_test::question, std::string>(reader));
  writer.begin_waiting(in.records() + in.controls().size());
  std::variant<control, weir::waiting_record> each{control::end()};
  reader.begin_waiting();
  while (reader.next_waiting(each))
    if (const auto* what = std::get_if<control>(&each)) {
      writer.waiting(*what);
    } else {
      const auto& waiting = std::get<weir::waiting_record>(each);
      const auto value = weir::testing::read_value<entry_test::question>(
        reader, &weir::entry_reader::read_value);
      writer.waiting({&value, waiting.timestamp, waiting.key}, waiting.from);
    }
  writer.channels(reader.read_channels());
  writer.finish();
  reader.end();
  BOOST_TEST(bytes_of(to) == bytes_of(bytes));
  BOOST_TEST(writer.counts().waiting_input == in.records());
}

BOOST_AUTO_TEST_CASE(memory_for_which_a_state_is_too_small_is_refused_before_it_is_taken) {
  const auto bytes = written({});
  const weir::stored_entry_reader reader{bytes, {&in_codec, 2}, {&out_codec, 1}, "it"};
  BOOST_CHECK_NO_THROW(reader.must_afford(weir::memory_budget::least));
  BOOST_CHECK_THROW(reader.must_afford(weir::memory_budget::least + 1000), weir::state_error);
}

BOOST_AUTO_TEST_CASE(input_that_goes_on_has_not_ended_whatever_was_written) {
  const auto in = some_input();
  const auto all = read(written(some_of_each(), in, {}, some_channels()), true);
  BOOST_TEST(!all.held.input_ended);
  BOOST_TEST(all.held.entries.size() == some_of_each().entries.size());
  BOOST_TEST(elements_of(all.waiting) + "control 4\n" == elements_of(in));
  BOOST_TEST((all.channels.channels[2].is == channel_states::phase::active));
  BOOST_TEST(all.channels.channels[2].watermark.ms() == -1);
  BOOST_TEST((all.channels.channels[1].is == channel_states::phase::idle));
}

BOOST_AUTO_TEST_CASE(random_states_come_back_as_equal_bytes) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed)
    BOOST_TEST_CONTEXT("seed " << seed) {
      std::mt19937_64 chance{seed};
      const auto below = [&](std::uint64_t n) { return chance() % n; };
      const auto number = [&] { return chance() >> below(64); };
      const auto time = [&] { return duration{static_cast<std::int64_t>(number() >> 1)}; };
      questions::snapshot held;
      held.input_ended = below(2) == 0;
      for (auto n = below(40); n > 0; --n) {
        if (below(5) == 0) {
          held.entries.emplace_back(
            below(2) == 0 ? control::idle()
                          : control::watermark(event_time{static_cast<std::int64_t>(number())}));
          continue;
        }
        record one{{static_cast<std::int64_t>(number() >> 1), std::string(below(30), 'x')},
                   below(3) == 0 ? event_time::none()
                                 : event_time{static_cast<std::int64_t>(number())},
                   {number(), below(2) == 0 ? 0 : number(), static_cast<std::uint32_t>(number())},
                   below(2) == 0 ? 0 : number(),
                   static_cast<std::uint32_t>(number())};
        one.running = one.attempt > 0 && below(2) == 0;
        if (below(2) == 0)
          one.timeout_left = below(3) == 0 ? 0ns : time() + 1ns;
        if (below(3) == 0)
          one.backoff_left = time();
        const auto ended = one.attempt - (one.running ? 1 : 0);
        for (std::uint64_t i = 0; i < std::min<std::uint64_t>(ended, below(5)); ++i)
          one.durations.push_back(time());
        if (below(3) == 0)
          one.finished = std::vector<std::string>(below(4), "result");
        else if (below(3) == 0)
          one.finished = record::failure{{"kind", "thing", std::string(below(300), 'm')},
                                         weir::failure_action::drop};
        held.entries.emplace_back(std::move(one));
      }
      const auto bytes = written(held);
      const auto all = read(bytes);
      BOOST_TEST(same(all.held, held));
      BOOST_TEST(bytes_of(written(all.held)) == bytes_of(bytes));
    }
}

BOOST_AUTO_TEST_CASE(an_older_version_of_a_record_is_read) {
  // GIVEN a state as a program has written it in which the record had no text yet
  state_blocks old{pool};
  auto before = in_codec;
  before.save = [](weir::state_output& to, const void* of) {
    to.fixed(static_cast<const entry_test::question*>(of)->number);
  };
  weir::stored_entry_writer writer{old, before, out_codec};
  write_snapshot<entry_test::question, std::string>(
    writer, {{record{{17, "dropped"}, event_time::none(), {}}}, false});
  writer.begin_waiting(0);
  writer.channels({{{}}});
  writer.finish();
  // THEN this one reads it, and none that is older still
  const auto all = read(old, false, 1);
  BOOST_TEST((std::get<record>(all.held.entries[0]).value == entry_test::question{17, ""}));
  BOOST_CHECK_EXCEPTION(read(old, false, 3), weir::state_error,
                        [](const weir::state_error& thrown) {
                          return thrown.why().is(weir::error_kind::incompatible);
                        });
}

BOOST_AUTO_TEST_CASE(every_cut_is_noticed_and_every_flipped_bit_is_noticed_or_harmless) {
  const auto bytes = bytes_of(written(some_of_each(), some_input(), {1, 1, {}}, some_channels()));
  BOOST_TEST(fault(bytes) == "");
  for (std::size_t size = 0; size < bytes.size(); ++size)
    BOOST_TEST(fault(std::string_view{bytes}.substr(0, size)).find("(damaged)")
               != std::string::npos);
  BOOST_TEST(fault(bytes + "x").find("holds more than was expected") != std::string::npos);
  std::size_t noticed = 0;
  auto flipped = bytes;
  for (auto& byte : flipped)
    for (int bit = 0; bit < 8; ++bit) {
      byte = static_cast<char>(byte ^ 1 << bit);
      noticed += fault(flipped).empty() ? 0 : 1;
      byte = static_cast<char>(byte ^ 1 << bit);
    }
  // The others are other texts, times and numbers.
  BOOST_TEST(noticed > bytes.size());
}

BOOST_AUTO_TEST_CASE(what_no_machine_could_be_in_is_damage) {
  const auto of = [&](const record& one) { return bytes_of(written({{one}, false})); };
  const auto with_flags = [](std::string bytes, unsigned flags) {
    bytes[2] = static_cast<char>(flags);
    return bytes;
  };
  // 2 bytes, then flags, position, attempt.
  const auto waits = of({{5, ""}, event_time::none(), {}});
  BOOST_TEST(fault(waits) == "");
  BOOST_TEST(fault(with_flags(waits, 0x80 | 4))
             == "operator airports: holds a call that runs and was never made at byte 5 (damaged)");
  const auto timed = of({{1, ""}, event_time::none(), {}, 0, 0, 5ns});
  BOOST_TEST(fault(with_flags(timed, 0x80 | 0x10 | 0x20)).find("has passed and has not")
             != std::string::npos);
  BOOST_TEST(fault(with_flags(waits, 3 | 4 << 2)).find("an end of input among")
             != std::string::npos);
  BOOST_TEST(fault(with_flags(waits, 3 | 3 << 2)).find("no such kind") != std::string::npos);
  BOOST_TEST(fault(with_flags(waits, 0x80 | 2)).find("met nothing") != std::string::npos);
  record took{{1, ""}, event_time::none(), {}, 0, 1};
  took.durations = {1ns};
  auto bytes = of(took);
  bytes[4] = 0;
  BOOST_TEST(fault(bytes).find("more attempts took than there were") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_number_of_elements_that_nobody_wrote_asks_for_no_memory) {
  const auto before = weir::testing::allocated_bytes();
  const std::string claims{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10};
  BOOST_TEST(fault(claims).find("more follows than there is") != std::string::npos);
  // No entries; then so much waiting input, or so many channels.
  BOOST_TEST(fault(std::string{"\0\0", 2} + claims).find("more follows than there is")
             != std::string::npos);
  BOOST_TEST(fault(std::string{"\0\0\0", 3} + claims).find("more follows than there is")
             != std::string::npos);
  pool.reset();
  BOOST_TEST(weir::testing::allocated_bytes() - before < 1000);
}

BOOST_AUTO_TEST_CASE(a_record_that_cannot_be_stored_says_so) {
  BOOST_CHECK_EXCEPTION(
    written({{record{{-1, ""}, event_time::none(), {}}}, false}), weir::state_error,
    [](const weir::state_error& thrown) {
      return thrown.why().text()
             == "entry_test::question: cannot be stored, its function threw: the "
                "number is negative (exception)";
    });
}

BOOST_AUTO_TEST_CASE(each_allocation_may_fail_and_nothing_is_kept) {
  const auto held = some_of_each();
  const auto in = some_input();
  const auto bytes = written(held, in, {}, some_channels());
  // So that there is a block in the pool.
  written(held, in, {}, some_channels());
  const auto tries = [](auto work) {
    std::size_t n = 0;
    do {
      const auto before = weir::testing::allocated_bytes();
      weir::testing::fail_allocation(++n);
      bool failed = false;
      try {
        work();
      } catch (const std::bad_alloc&) {
        failed = true;
      }
      weir::testing::fail_allocation(0);
      BOOST_TEST(weir::testing::allocated_bytes() == before);
      if (!failed)
        return n;
    } while (n < 10'000);
    return n;
  };
  BOOST_TEST(tries([&] { written(held, in, {}, some_channels()); }) > 1u);
  BOOST_TEST(tries([&] { read(bytes); }) > 10u);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(entry_sizes)

BOOST_AUTO_TEST_CASE(beside_the_values_an_entry_takes_at_most_32_bytes) {
  using entry_test::large;
  stored_fixture<large, large> of;
  decltype(of)::snapshot running;
  decltype(of)::snapshot finished;
  constexpr std::size_t entries = 10'000;
  for (std::uint64_t i = 0; i < entries; ++i) {
    decltype(of)::record one{large{},
                             event_time{1'700'000'000'000 + static_cast<std::int64_t>(i)},
                             {1000 * i, 0, 3},
                             0x1234'5678'9ABC'DEF0u + i,
                             1};
    one.timeout_left = 30s + 1us * i;
    one.running = true;
    running.entries.emplace_back(one);
    one.running = false;
    one.finished = std::vector<large>{large{}};
    finished.entries.emplace_back(one);
  }
  const auto beside = [&](const auto& held, std::size_t values) {
    return static_cast<double>(of.written(held).size()) / entries
           - static_cast<double>(values * sizeof(large));
  };
  BOOST_TEST_MESSAGE("bytes beside the value: " << beside(running, 1) << " running, "
                                                << beside(finished, 2) << " finished");
  BOOST_TEST(beside(running, 1) < 24);
  BOOST_TEST(beside(finished, 2) < 24);
}

BOOST_AUTO_TEST_CASE(one_result_may_store_nothing_and_several_may_not) {
  using entry_test::done;
  stored_fixture<int, done> of;
  const auto with_results = [](std::size_t n) {
    decltype(of)::record one{5, event_time::none(), {}};
    one.finished = std::vector<done>(n);
    return decltype(of)::snapshot{{one}, false};
  };
  for (const std::size_t n : {0, 1}) {
    const auto all = of.read(of.written(with_results(n)));
    BOOST_TEST(std::get<0>(*std::get<0>(all.held.entries[0]).finished).size() == n);
  }
  BOOST_CHECK_EXCEPTION(
    of.written(with_results(2)), weir::state_error,
    [](const weir::state_error& thrown) { return thrown.why().is(weir::error_kind::argument); });
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_named_with_its_types_where_its_bytes_are_sound) {
  const auto said = [](const weir::error& why) {
    return weir::state_not_read(why, "operator op", {"flight", 3}, {"airport", 1}, 12).text();
  };
  BOOST_TEST(said({weir::error_kind::damaged, "operator op", "holds it at byte 7"})
               .starts_with("operator op: checkpoint 12 holds its records as flight version 3 and its results as "
                            "airport version 1, and they cannot be read: holds it at byte 7; "));
  BOOST_TEST(said({weir::error_kind::damaged, "operator op (instance 1)", "holds it"})
               .find(" cannot be read: operator op (instance 1): holds it; ")
             != std::string::npos);
  // Of others it is known what is the matter.
  const weir::error other{weir::error_kind::exception, "flight", "its function threw"};
  BOOST_TEST(said(other) == other.text());
}

BOOST_AUTO_TEST_SUITE_END()
