// SPDX-License-Identifier: Apache-2.0

/// What an operator's snapshot holds, and what a new operator makes of it. Between the two lie five
/// seconds that count for nobody.

#include "../support/machine_fixture.hpp"

#include <cstdint>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <variant>

namespace {

using namespace weir;
using namespace weir::testing;
namespace data = boost::unit_test::data;

using record_state = record_snapshot<item, item>;

const record_state& record_of(const machine_snapshot<item, item>& state, std::size_t i) {
  return std::get<record_state>(state.entries.at(i));
}

struct retrying : machine_fixture {
  retrying() {
    options.timeout = ms{1000};
    options.retry = fixed_delay{3, ms{100}, any_error()};
    options.on_failure = failure_action::dead_letter;
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(snapshot, retrying)

BOOST_AUTO_TEST_CASE(a_snapshot_holds_every_entry_in_arrival_order) {
  start(output_mode::unordered);
  push({1, 2});
  watermark(7);
  push(3);
  complete(3);
  advance(ms{30});
  fail(2, "io");
  advance(ms{20});
  const auto state = machine->snapshot(now);

  BOOST_REQUIRE_EQUAL(state.entries.size(), 4u);
  BOOST_TEST(!state.input_ended);
  const auto& running = record_of(state, 0);
  BOOST_TEST(running.value.value == 1);
  BOOST_TEST(running.running);
  BOOST_TEST(running.attempt == 1u);
  BOOST_TEST((running.timeout_left == ms{950}));
  BOOST_TEST(!running.backoff_left.has_value());
  const auto& backing_off = record_of(state, 1);
  BOOST_TEST(backing_off.value.value == 2);
  BOOST_TEST((backing_off.backoff_left == ms{80}));
  BOOST_TEST((backing_off.durations == std::vector<duration>{ms{30}}));
  BOOST_TEST((std::get<control>(state.entries[2]) == control::watermark(event_time{7})));
  const auto& finished = record_of(state, 3);
  BOOST_REQUIRE(finished.finished.has_value());
  BOOST_TEST(std::get<0>(*finished.finished).front().value == 30);
}

BOOST_AUTO_TEST_CASE(a_slot_that_is_used_again_leaves_no_trace_in_a_snapshot) {
  start(output_mode::unordered);
  push(1);
  advance(ms{30});
  complete(1);
  push(2);
  BOOST_TEST(record_of(machine->snapshot(now), 0).durations.empty());
}

BOOST_AUTO_TEST_CASE(nor_does_it_in_one_of_a_record_that_has_its_results) {
  start(output_mode::unordered);
  push(1);
  advance(ms{30});
  fail(1, "io");
  advance(ms{100});
  complete(1);
  room(0);
  push(2);
  complete(2);
  const auto state = machine->snapshot(now);
  BOOST_TEST(record_of(state, 0).finished.has_value());
  BOOST_TEST(record_of(state, 0).durations.empty());
}

BOOST_AUTO_TEST_CASE(what_one_entry_has_does_not_show_in_the_next) {
  // GIVEN a dead letter that waits for room, then a record in back-off, then one whose first call runs
  start(output_mode::ordered);
  room(0);
  push({1, 2, 3});
  fail(1, "io");
  for (int attempt = 2; attempt <= 4; ++attempt) {
    advance(ms{100});
    fail(1, "io");
  }
  fail(2, "io");
  const auto state = machine->snapshot(now);
  BOOST_REQUIRE_EQUAL(state.entries.size(), 3u);
  BOOST_TEST(record_of(state, 0).durations.size() == 4u);
  BOOST_TEST(!record_of(state, 0).timeout_left.has_value());
  const auto& backing_off = record_of(state, 1);
  BOOST_TEST(!backing_off.finished.has_value());
  BOOST_TEST((backing_off.durations == std::vector<duration>{ms{300}}));
  BOOST_TEST((backing_off.backoff_left == ms{100}));
  const auto& running = record_of(state, 2);
  BOOST_TEST(!running.finished.has_value());
  BOOST_TEST(!running.backoff_left.has_value());
  BOOST_TEST(running.durations.empty());
  BOOST_TEST((running.timeout_left == ms{700}));
}

BOOST_AUTO_TEST_CASE(the_order_does_not_hang_on_the_slots_that_records_happen_to_have) {
  start(output_mode::unordered);
  push({1, 2, 3});
  complete(1);
  complete(2);
  push({4, 5});
  const auto state = machine->snapshot(now);
  BOOST_REQUIRE_EQUAL(state.entries.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i)
    BOOST_TEST(record_of(state, i).value.value == static_cast<int>(i) + 3);
}

BOOST_AUTO_TEST_CASE(a_snapshot_changes_nothing) {
  start(output_mode::ordered);
  push({1, 2});
  complete(2);
  transcript();
  machine->snapshot(now);
  complete(1);
  BOOST_TEST(transcript() == "out 10\nout 20\n");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(restore, retrying)

BOOST_DATA_TEST_CASE_F(retrying, a_finished_record_leaves_without_another_call,
                       data::make(every_mode), mode) {
  start(mode);
  room(0);
  push(2);
  complete(2, {20, 21});
  crash_and_restore(mode);
  more_room(100);
  BOOST_TEST(transcript() == "out 20\nout 21\n");
  BOOST_TEST(counts().calls == 0u);
}

BOOST_AUTO_TEST_CASE(an_attempt_that_is_not_made_again_in_time_still_counts) {
  options.max_concurrent_calls = 1;
  start(output_mode::unordered);
  push({1, 2});
  advance(ms{10});
  crash_and_restore(output_mode::unordered);
  transcript();
  advance(ms{500});
  BOOST_TEST(record_of(machine->snapshot(now), 0).attempt == 1u);
  crash_and_restore(output_mode::unordered);
  advance(ms{1000});
  BOOST_TEST(transcript() == "call 1\ndead 1 timeout_error after 1\ncall 2\ndead 2 timeout_error after 1\n");
}

BOOST_AUTO_TEST_CASE(a_running_attempt_is_made_again_under_its_number) {
  start(output_mode::ordered);
  push(1);
  fail(1, "io");
  advance(ms{100});
  crash_and_restore(output_mode::ordered);
  BOOST_TEST(transcript() == "call 1 attempt 2\n");
  fail(1, "io");
  advance(ms{100});
  BOOST_TEST(transcript() == "call 1 attempt 3\n");
}

BOOST_AUTO_TEST_CASE(a_back_off_goes_on_with_the_time_that_it_had_left) {
  start(output_mode::ordered);
  push(1);
  fail(1, "io");
  advance(ms{60});
  crash_and_restore(output_mode::ordered);
  advance(ms{39});
  BOOST_TEST(transcript() == "");
  advance(ms{1});
  BOOST_TEST(transcript() == "call 1 attempt 2\n");
}

BOOST_AUTO_TEST_CASE(a_timeout_has_the_time_that_it_had_left) {
  start(output_mode::ordered);
  push(1);
  advance(ms{900});
  crash_and_restore(output_mode::ordered);
  advance(ms{99});
  BOOST_TEST(transcript() == "call 1\n");
  advance(ms{1});
  BOOST_TEST(transcript() == "dead 1 timeout_error after 1\n");
}

BOOST_AUTO_TEST_CASE(a_shorter_new_timeout_bounds_what_was_left) {
  start(output_mode::ordered);
  push(1);
  options.timeout = ms{200};
  crash_and_restore(output_mode::ordered);
  advance(ms{200});
  BOOST_TEST(transcript() == "call 1\ndead 1 timeout_error after 1\n");
}

BOOST_AUTO_TEST_CASE(the_hook_is_not_called_twice) {
  options.retry = {};
  hook([](const item&, result_future<item>) {});
  start(output_mode::ordered);
  push(1);
  advance(ms{1000});
  BOOST_TEST(transcript() == "call 1\nhook 1\n");
  crash_and_restore(output_mode::ordered);
  advance(ms{5000});
  BOOST_TEST(transcript() == "call 1\n");
  complete(1);
  BOOST_TEST(transcript() == "out 10\n");
}

BOOST_AUTO_TEST_CASE(borders_keep_their_places) {
  start(output_mode::unordered);
  push(1);
  watermark(7);
  push(2);
  idle();
  crash_and_restore(output_mode::unordered);
  complete(2);
  BOOST_TEST(transcript() == "call 1\ncall 2\n");
  complete(1);
  BOOST_TEST(transcript() == "out 10\nwatermark 7\nout 20\nidle\n");
}

BOOST_AUTO_TEST_CASE(what_a_failure_met_is_kept) {
  start(output_mode::ordered);
  push({1, 2});
  options.on_failure = failure_action::dead_letter;
  fail(2, "io");
  for (int attempt = 2; attempt <= 4; ++attempt) {
    advance(ms{100});
    fail(2, "io");
  }
  options.on_failure = failure_action::drop;
  crash_and_restore(output_mode::ordered);
  complete(1);
  BOOST_TEST(transcript() == "call 1\nout 10\ndead 2 io after 4\n");
  BOOST_TEST(latest_dead_letter->durations.size() == 4u);
}

BOOST_AUTO_TEST_CASE(the_end_of_input_is_remembered) {
  start(output_mode::ordered);
  push(1);
  end();
  crash_and_restore(output_mode::ordered);
  fail(1, "io");
  BOOST_TEST(transcript() == "call 1\ndead 1 io after 1\nend\n");
}

BOOST_AUTO_TEST_CASE(restored_entries_are_held_beyond_the_capacity) {
  start(output_mode::ordered);
  push({1, 2, 3});
  options.capacity = 1;
  options.max_concurrent_calls = 1;
  crash_and_restore(output_mode::ordered);
  BOOST_TEST(machine->size() == 3u);
  BOOST_TEST(transcript() == "call 1\n");
  push(4);
  BOOST_TEST(waiting_input() == 1u);
  complete(1);
  complete(2);
  BOOST_TEST(waiting_input() == 1u);
  complete(3);
  BOOST_TEST(transcript() == "out 10\ncall 2\nout 20\ncall 3\nout 30\ncall 4\n");
}

BOOST_DATA_TEST_CASE_F(retrying, call_all_calls_every_record_as_if_it_had_just_come_in,
                       data::make(every_mode), mode) {
  options.on_failure = failure_action::drop;
  start(mode);
  room(0);
  push({1, 2, 3});
  complete(1);
  fail(2, "io");
  advance(ms{50});
  crash_and_restore(mode, restore_mode::call_all);
  BOOST_TEST(transcript() == "call 1\ncall 2\ncall 3\n");
  const auto state = machine->snapshot(now);
  BOOST_TEST((record_of(state, 1).timeout_left == ms{1000}));
  BOOST_TEST(record_of(state, 1).attempt == 1u);
  BOOST_TEST(record_of(state, 1).durations.empty());
}

BOOST_DATA_TEST_CASE_F(retrying, what_a_record_had_left_begins_when_it_may_be_called,
                       data::make(every_mode), mode) {
  // GIVEN a record with 950 ms left, and one that backs off for 80 ms more
  start(mode);
  push({1, 2});
  advance(ms{30});
  fail(2, "io");
  advance(ms{20});
  auto state = machine->snapshot(now);
  held.clear();
  start(mode);
  machine->restore(state, restore_mode::resume);
  // WHEN it is long before the operator begins, THEN that is nobody's time
  now += ms{5000};
  BOOST_TEST((machine->next_due() == time_point::max()));
  state = machine->snapshot(now);
  BOOST_TEST((record_of(state, 0).timeout_left == ms{950}));
  BOOST_TEST((record_of(state, 1).timeout_left == ms{950}));
  BOOST_TEST((record_of(state, 1).backoff_left == ms{80}));
  transcript();
  settle();
  BOOST_TEST(transcript() == "call 1\n");
  advance(ms{79});
  BOOST_TEST(transcript() == "");
  advance(ms{1});
  BOOST_TEST(transcript() == "call 2 attempt 2\n");
  advance(ms{869});
  BOOST_TEST(counts().timeouts == 0u);
  advance(ms{1});
  BOOST_TEST(counts().timeouts == 2u);
}

BOOST_AUTO_TEST_CASE(with_call_all_the_timeout_begins_then_too) {
  start(output_mode::ordered);
  push(1);
  const auto state = machine->snapshot(now);
  held.clear();
  start(output_mode::ordered);
  machine->restore(state, restore_mode::call_all);
  now += ms{5000};
  settle();
  advance(ms{999});
  BOOST_TEST(counts().timeouts == 0u);
  advance(ms{1});
  BOOST_TEST(counts().timeouts == 1u);
}

BOOST_AUTO_TEST_CASE(a_finished_record_leaves_before_the_others_are_called) {
  start(output_mode::ordered);
  room(0);
  push({1, 2});
  complete(1);
  const auto state = machine->snapshot(now);
  machine.reset();
  held.clear();
  transcript();
  start(output_mode::ordered);
  machine->restore(state, restore_mode::resume);
  BOOST_TEST(transcript() == "");
  more_room(1);
  BOOST_TEST(transcript() == "out 10\ncall 2\n");
}

BOOST_AUTO_TEST_CASE(the_entries_of_two_instances_are_taken_up_in_little_time) {
  // GIVEN what two old instances held, one behind the other, so that deadlines do not ascend
  constexpr int half = 50'000;
  options.timeout = ms{100'000};
  options.capacity = 2 * half;
  machine_snapshot<item, item> both;
  for (int instance = 0; instance < 2; ++instance)
    for (int i = 0; i < half; ++i) {
      record_snapshot<item, item> of{item{i, 8}, event_time::none(), origin{}, 0, 1};
      of.timeout_left = ms{1 + i};
      both.entries.push_back(of);
    }
  start(output_mode::unordered);
  // WHEN they are taken up; looking for the place of each took ten seconds
  const auto began = std::chrono::steady_clock::now();
  machine->restore(both, restore_mode::resume);
  BOOST_TEST((std::chrono::steady_clock::now() - began < std::chrono::seconds{5}));
  settle();
  BOOST_TEST((machine->next_due() == now + ms{1}));
}

BOOST_AUTO_TEST_SUITE_END()

namespace {

/// A record that can only be moved.
struct parcel {
  explicit parcel(int what) : value(std::make_unique<int>(what)) {}

  std::unique_ptr<int> value;
};

struct parcel_lookup : async_function<parcel, parcel> {
  void async_invoke(const parcel& of, result_future<parcel> done) {
    calls.push_back(*of.value);
    if (*of.value % 2 == 0)
      done.complete(parcel{10 * *of.value});
    else
      open.push_back(std::move(done));
  }

  std::vector<int> calls;
  std::vector<result_future<parcel>> open;
};

struct ignored_calls {
  void observe(duration) {}
};

struct parcel_operator {
  parcel_operator()
    : port(completion_port<parcel>::make([] {})),
      machine(options(), output_mode::ordered, function, *port, calls, 0) {}

  static operator_options options() {
    operator_options with;
    with.name = "parcels";
    with.timeout = duration{0};
    return with;
  }

  parcel_lookup function;
  completion_port<parcel>::owner port;
  ignored_calls calls;
  operator_machine<parcel_lookup, ignored_calls> machine;
};

/// Keeps what is saved, parcels as their numbers.
struct parcel_writer : entry_writer {
  void begin(std::size_t entries, bool) override { announced = entries; }
  void record(const held_record& what) override {
    if (records.size() == fails_at)
      throw std::runtime_error("the disk is full");
    read_record facts{what};
    facts.results = what.result_count;
    records.push_back(facts);
    values.push_back(*static_cast<const parcel*>(what.value)->value);
    BOOST_TEST(what.result_bytes_each == sizeof(parcel));
    for (std::size_t i = 0; i < what.result_count; ++i)
      results.push_back(*static_cast<const parcel*>(what.results)[i].value);
  }
  void border(const control&) override {}

  std::size_t announced = 0;
  std::size_t fails_at = SIZE_MAX;
  std::vector<read_record> records;
  std::vector<int> values;
  std::vector<int> results;
};

struct parcel_reader : entry_reader {
  explicit parcel_reader(const parcel_writer& what) : from(what) {}
  bool input_ended() const override { return false; }
  bool next(std::variant<control, read_record>& into) override {
    if (read == from.records.size())
      return false;
    into = from.records[read++];
    return true;
  }
  void read_value(void* raw) override {
    std::construct_at(static_cast<parcel*>(raw), from.values[read - 1]);
  }
  void read_result(void* raw) override {
    if (results == fails_at)
      throw std::runtime_error("the file ends");
    std::construct_at(static_cast<parcel*>(raw), from.results[results++]);
  }
  error read_error() override { return error{error_kind::exception, {}, {}}; }

  const parcel_writer& from;
  std::size_t read = 0;
  std::size_t results = 0;
  std::size_t fails_at = SIZE_MAX;
};

struct parcels {
  parcels()
    : out([this](parcel& x, event_time, const origin& from) {
            left.push_back(*x.value);
            origins.push_back(from.position);
          },
          [](const control&) {}) {}

  void push(parcel_operator& to, int first, int last) {
    batch<parcel> in;
    for (int i = first; i <= last; ++i)
      in.append(parcel{i}, event_time::none(), {static_cast<std::uint64_t>(i), 0, 0});
    batch_cursor at;
    to.machine.take(in, at, {out}, now);
  }

  std::vector<int> left;
  std::vector<std::uint64_t> origins;
  journal_output<parcel> out;
  const time_point now{std::chrono::hours{1}};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(save, parcels)

BOOST_AUTO_TEST_CASE(records_that_cannot_be_copied_are_saved_where_they_lie_and_taken_up) {
  parcel_writer saved;
  {
    parcel_operator old;
    push(old, 1, 4);
    old.machine.save(saved, now);
    BOOST_TEST(old.machine.size() == 4u);
  }
  BOOST_TEST(saved.announced == 4u);
  BOOST_TEST((saved.values == std::vector<int>{1, 2, 3, 4}));
  BOOST_TEST((saved.results == std::vector<int>{20, 40}));

  parcel_operator fresh;
  parcel_reader from{saved};
  fresh.machine.restore(from, restore_mode::resume);
  fresh.machine.advance({out}, now);
  BOOST_TEST((fresh.function.calls == std::vector<int>{1, 3}));
  for (auto& each : fresh.function.open)
    each.complete(parcel{-1});
  fresh.machine.advance({out}, now);
  BOOST_TEST((left == std::vector<int>{-1, 20, -1, 40}));
  BOOST_TEST((origins == std::vector<std::uint64_t>{1, 2, 3, 4}));
}

BOOST_AUTO_TEST_CASE(where_all_are_called_again_results_are_read_and_not_used) {
  parcel_writer saved;
  parcel_operator old;
  push(old, 1, 4);
  old.machine.save(saved, now);
  parcel_operator fresh;
  parcel_reader from{saved};
  fresh.machine.restore(from, restore_mode::call_all);
  fresh.machine.advance({out}, now);
  BOOST_TEST((fresh.function.calls == std::vector<int>{1, 2, 3, 4}));
  BOOST_TEST(from.results == 2u);
}

BOOST_AUTO_TEST_CASE(a_writer_that_fails_leaves_the_machine_as_it_was) {
  parcel_operator of;
  push(of, 1, 4);
  parcel_writer broken;
  broken.fails_at = 2;
  BOOST_CHECK_THROW(of.machine.save(broken, now), std::runtime_error);
  parcel_writer saved;
  of.machine.save(saved, now);
  BOOST_TEST((saved.values == std::vector<int>{1, 2, 3, 4}));
  of.function.open.front().complete(parcel{-1});
  of.machine.advance({out}, now);
  BOOST_TEST((left == std::vector<int>{-1, 20}));
}

// The values that were read before it fails go with the machine: a leak would be seen by a sanitizer.
BOOST_AUTO_TEST_CASE(a_reader_that_fails_between_two_results_is_told_of) {
  parcel_writer saved;
  parcel_operator old;
  push(old, 1, 4);
  old.machine.save(saved, now);
  parcel_operator fresh;
  parcel_reader from{saved};
  from.fails_at = 1;
  BOOST_CHECK_THROW(fresh.machine.restore(from, restore_mode::resume), std::runtime_error);
}

BOOST_AUTO_TEST_SUITE_END()

namespace {

std::string text(const record_state& of) {
  auto line = std::to_string(of.value.value) + " key " + std::to_string(of.key) + " attempt "
              + std::to_string(of.attempt) + (of.running ? " running" : "") + " from " + of.from.text();
  if (of.timeout_left)
    line += " left " + std::to_string(of.timeout_left->count());
  if (of.backoff_left)
    line += " backs off " + std::to_string(of.backoff_left->count());
  for (const auto took : of.durations)
    line += " took " + std::to_string(took.count());
  if (!of.finished)
    return line;
  line += " finished";
  if (const auto* failed = std::get_if<1>(&*of.finished))
    return line + " " + failed->why.text() + " " + std::to_string(static_cast<int>(failed->met));
  for (const auto& each : std::get<0>(*of.finished))
    line += " " + std::to_string(each.value);
  return line;
}

std::string text(const machine_snapshot<item, item>& of) {
  std::string lines = of.input_ended ? "ended\n" : "";
  for (const auto& each : of.entries)
    if (const auto* border = std::get_if<control>(&each))
      lines += "border " + std::to_string(static_cast<int>(border->kind())) + "\n";
    else
      lines += text(std::get<record_state>(each)) + "\n";
  return lines;
}

/// Something happens.
void any_step(retrying& of, std::mt19937_64& chance, int& next) {
  const auto below = [&](std::size_t n) { return static_cast<int>(chance() % n); };
  const auto open = of.held.empty() ? 0 : std::next(of.held.begin(), below(of.held.size()))->first;
  switch (below(8)) {
    case 0:
    case 1:
    case 2:
      of.push(next++);
      break;
    case 3:
      of.advance(retrying::ms{1 + below(80)});
      break;
    case 4:
      of.watermark(next);
      break;
    case 5:
      of.more_room(below(4), below(2));
      break;
    default:
      if (of.held.empty())
        break;
      if (below(3) == 0)
        of.complete(open, std::vector<int>(static_cast<std::size_t>(below(3)), open));
      else
        of.fail(open, "io");
  }
}

} // namespace

// What a machine has gone through leaves its entries in slots in any order; one that was just restored has
// them in theirs. Both hold the same, so both save the same, at every step of random lives.
BOOST_AUTO_TEST_CASE(a_machine_that_is_restored_saves_what_the_old_one_did) {
  std::size_t with_results = 0;
  std::size_t failed = 0;
  std::size_t backing_off = 0;
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      std::mt19937_64 chance{seed};
      retrying old;
      old.options.retry = fixed_delay{1, retrying::ms{50}, any_error()};
      old.options.capacity = 1 + chance() % 12;
      old.options.max_concurrent_calls = 1 + chance() % old.options.capacity;
      const auto mode = every_mode[seed % 3];
      old.start(mode);
      old.room(0);
      int next = 0;
      for (int step = 0; step < 60; ++step) {
        any_step(old, chance, next);
        const auto state = old.machine->snapshot(old.now);
        for (const auto& each : state.entries)
          if (const auto* record = std::get_if<record_state>(&each)) {
            with_results += record->finished && record->finished->index() == 0;
            failed += record->finished && record->finished->index() == 1;
            backing_off += record->backoff_left.has_value();
          }
        retrying fresh;
        fresh.options = old.options;
        fresh.start(mode);
        fresh.machine->restore(state, restore_mode::resume);
        BOOST_REQUIRE_EQUAL(text(fresh.machine->snapshot(old.now)), text(state));
      }
    }
  }
  // So that it has not looked at machines that hold nothing to speak of.
  BOOST_TEST(with_results > 1000u);
  BOOST_TEST(failed > 1000u);
  BOOST_TEST(backing_off > 1000u);
}
