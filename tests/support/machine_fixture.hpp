// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A little language for tests of the operator machine: `start`, `push`, `watermark`, `end`,
/// `complete`, `fail`, `advance`, `room`, and `transcript()`, which is what has happened since it
/// was last read. The function's futures lie with the test until it completes them. Time is
/// virtual.

#include "scripted_machine.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <initializer_list>
#include <map>
#include <optional>
#include <stdexcept>

namespace weir {
inline std::ostream& operator<<(std::ostream& to, output_mode mode) {
  constexpr const char* names[] = {"ordered", "unordered", "key_ordered"};
  return to << names[static_cast<int>(mode)];
}
} // namespace weir

namespace weir::testing {

/// For tests of what does not depend on the mode.
inline constexpr output_mode every_mode[]
  = {output_mode::ordered, output_mode::unordered, output_mode::key_ordered};

/// For tests of what holds where borders take room.
inline constexpr output_mode both_modes[] = {output_mode::ordered, output_mode::unordered};

struct machine_fixture {
  using ms = std::chrono::milliseconds;

  machine_fixture()
    : results([this](item& x, event_time ts,
                     const origin&) { note("out " + std::to_string(x.value) + time_text(ts)); },
              [this](const control& what) { note(text(what)); }),
      dead_letters(
        [this](dead_letter<item>& x, event_time ts, const origin&) {
          latest_dead_letter = x;
          note("dead " + std::to_string(x.value.value) + time_text(ts) + " " + x.why.kind()
               + " after " + std::to_string(x.attempts));
        },
        [](const control&) {}) {
    options.name = "lookup";
    options.timeout = duration{0};
    does.call = [this](const item& x, result_future<item> done) {
      const auto n = done.attempt();
      note("call " + std::to_string(x.value) + (n == 1 ? "" : " attempt " + std::to_string(n)));
      if (const auto at_once = answers_at_once.find(x.value); at_once != answers_at_once.end())
        std::function{at_once->second}(std::move(done)); // A copy: it may change the map.
      else
        held.emplace(x.value, std::move(done));
    };
  }

  // -- what a test says before it starts --

  /// `name` and no timeout are given; the rest as the defaults are.
  operator_options options;

  /// What the timeout hook does; without it there is none.
  void hook(std::function<void(const item&, result_future<item>)> what) {
    does.timeout = [this, what = std::move(what)](const item& x, result_future<item> done) {
      note("hook " + std::to_string(x.value));
      what(x, std::move(done));
    };
  }

  /// The calls for this record complete before they return.
  void answer_at_once(int record, std::function<void(result_future<item>)> how) {
    answers_at_once[record] = std::move(how);
  }

  void start(output_mode mode) {
    const auto mistakes = options.mistakes();
    BOOST_REQUIRE_MESSAGE(mistakes.empty(), (mistakes.empty() ? "" : mistakes.front().text()));
    machine = scripted_machine::make(options, mode, does, [this] { ++wake_ups; });
  }

  /// The machine is gone with all that was under way; a new one takes up what the old one held.
  void crash_and_restore(output_mode mode, restore_mode how = restore_mode::resume) {
    const auto state = machine->snapshot(now);
    machine.reset();
    held.clear();
    transcript();
    now += ms{5000};
    start(mode);
    machine->restore(state, how);
    machine->advance(out(), now);
  }

  // -- what happens --

  void push(item x, event_time ts = event_time::none()) {
    append(x, ts);
    take();
  }
  void push(int record) { push(item{record, 8}); }
  void push(std::initializer_list<int> several) {
    for (const auto record : several)
      append({record, 8}, event_time::none());
    take();
  }
  void watermark(std::int64_t at) { arrive(control::watermark(event_time{at})); }
  void idle() { arrive(control::idle()); }
  void active() { arrive(control::active()); }
  void end() { arrive(control::end()); }

  /// Completes the oldest call for this record that has not been answered.
  void complete(int record, std::vector<int> values) {
    std::vector<item> given;
    for (const auto value : values)
      given.push_back({value, 8});
    answer(record, [&](result_future<item> done) { done.complete(std::move(given)); });
  }
  void complete(int record) {
    answer(record, [&](result_future<item> done) { done.complete(item{10 * record, 8}); });
  }
  void fail(int record, std::string_view kind) {
    answer(record, [&](result_future<item> done) { done.fail(failure(kind)); });
  }
  /// Destroys its future.
  void forget(int record) {
    answer(record, [](result_future<item>) {});
  }
  /// The future of the oldest call for this record.
  result_future<item> take_future(int record) {
    const auto found = held.find(record);
    if (found == held.end())
      throw std::logic_error("no call for record " + std::to_string(record) + " is held");
    auto done = std::move(found->second);
    held.erase(found);
    return done;
  }

  /// Moves the clock, and handles what falls due on the way, each at its time.
  void advance(duration by) {
    const auto until = now + by;
    while (machine->next_due() <= until && !machine->failure()) {
      now = std::max(now, machine->next_due());
      machine->tick(out(), now, now);
      take();
    }
    now = until;
  }

  /// The outputs have this much room, and no more.
  void room(std::int64_t n, std::int64_t for_dead_letters = 0) {
    results.close();
    dead_letters.close();
    more_room(n, for_dead_letters);
  }
  void more_room(std::int64_t n, std::int64_t for_dead_letters = 0) {
    results.grant(n);
    dead_letters.grant(for_dead_letters);
    if (machine)
      settle();
  }

  /// Lets the machine see what came from outside.
  void settle() {
    machine->advance(out(), now);
    take();
  }

  // -- what came of it --

  /// Lines of what happened since it was last asked.
  std::string transcript() {
    if (machine && machine->failure() && !failure_noted) {
      failure_noted = true;
      note("failed " + machine->failure()->record + " " + machine->failure()->why.kind());
    }
    return std::exchange(lines, {});
  }

  /// Elements that have arrived and wait for room in the queue.
  std::size_t waiting_input() const {
    return input.records() - taken.record + input.controls().size() - taken.control;
  }

  machine_counts counts() const { return machine->counts(); }

  static error failure(std::string_view kind) { return {kind, "service", "it said no"}; }

  operator_outputs out() { return {results, dead_letters_wanted ? &dead_letters : nullptr}; }

  void note(const std::string& line) { lines += line + "\n"; }

  // -- data: a test may look --

  time_point now{std::chrono::hours{1}};
  bool dead_letters_wanted = true;
  std::optional<dead_letter<item>> latest_dead_letter;
  int wake_ups = 0;
  std::map<int, std::function<void(result_future<item>)>> answers_at_once;
  /// Futures of calls that were not answered, oldest first.
  std::multimap<int, result_future<item>> held;
  script does;
  journal_output<item> results;
  journal_output<dead_letter<item>> dead_letters;
  batch<item> input;
  batch_cursor taken;
  std::uint64_t records = 0;
  std::unique_ptr<scripted_machine> machine;

private:
  void take() { machine->take(input, taken, out(), now); }

  /// The key of a record is its value modulo 10.
  void append(const item& x, event_time ts) {
    input.append(x, ts, {records++, 0, 0}, hash_of_key(x.value % 10));
  }

  void arrive(const control& what) {
    input.append(what);
    take();
  }

  template <class How>
  void answer(int record, How how) {
    how(take_future(record));
    settle();
  }

  static std::string time_text(event_time ts) {
    return ts.has_value() ? " @" + std::to_string(ts.ms()) : "";
  }

  static std::string text(const control& what) {
    switch (what.kind()) {
      case control_kind::watermark:
        return "watermark " + std::to_string(what.event_time().ms());
      case control_kind::idle:
        return "idle";
      case control_kind::active:
        return "active";
      case control_kind::barrier:
        return "barrier " + std::to_string(what.checkpoint());
      case control_kind::end:
        break;
    }
    return "end";
  }

  bool failure_noted = false;
  std::string lines;
};

} // namespace weir::testing
