// SPDX-License-Identifier: Apache-2.0

// A checkpoint of the job `a` and `b` -> `op` -> `out`, and jobs that go on from it with other instances.

#include "weir/rescale.hpp"

#include "../support/allocations.hpp"
#include "../support/seeds.hpp"
#include "held_state.hpp"

#include "weir/gone_counts.hpp"
#include "weir/key_hash.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using namespace weir::testing;
using weir::channel_states;
using weir::control;
using weir::event_time;
using weir::launch_state;
using weir::manifest_output;
using weir::manifest_partition;
using weir::stage_role;
using phase = channel_states::phase;

constexpr std::uint32_t a = 0;
constexpr std::uint32_t b = 1;
constexpr std::uint32_t op = 2;
constexpr std::uint32_t out = 3;

weir::manifest_stage stage(std::string name, stage_role role, std::uint32_t parallelism) {
  return {std::move(name), role, parallelism, {}, 0, {}, {}};
}

weir::manifest_edge edge(std::uint32_t from, std::uint32_t to,
                         manifest_partition how = manifest_partition::rebalance) {
  return {from, manifest_output::results, to, how};
}

control mark(std::int64_t at) {
  return control::watermark(event_time{at});
}

held_state::record item(std::int64_t number, weir::key_hash key = 0,
                        event_time at = event_time::none()) {
  held_state::record one{{number, "held"}, at, {static_cast<std::uint64_t>(number), 0, 0}, key};
  return one;
}

channel_states channels(std::vector<channel_states::channel> all, std::int64_t merged) {
  return {std::move(all), event_time{merged}, false};
}

/// Stands for "no error".
std::string error_of(const weir::expected<launch_state>& of) {
  return of ? "" : of.why().text();
}

struct rescale_fixture {
  rescale_fixture() {
    auto& of = from.about;
    of.job = to.job = "job";
    of.checkpoint = 17;
    of.made_at_ms = 1234;
    of.stages = {stage("a", stage_role::source, 1), stage("b", stage_role::source, 1),
                 stage("op", stage_role::async_operator, 1), stage("out", stage_role::sink, 1)};
    of.stages[op].records = {{codecs.in.name, codecs.in.version}, {codecs.out.name, 1}};
    of.edges = {edge(a, op), edge(b, op), edge(op, out)};
    to.stages = of.stages;
    to.edges = of.edges;
  }

  weir::instance_summary& add(std::uint32_t stage, weir::instance_summary with = {}) {
    auto& all = from.about.instances;
    const auto instance = static_cast<std::uint32_t>(
      std::count_if(all.begin(), all.end(), [&](const auto& each) { return each.stage == stage; }));
    all.push_back({stage, instance, std::move(with)});
    return all.back().summary;
  }

  /// The next instance of `op` holds this.
  void hold(const held_state& what) {
    weir::instance_summary of;
    auto bytes = bytes_of(what, pool, &of.entries);
    add(op, of);
    from.states.push_back({op, from.about.instances.back().instance, std::move(bytes)});
    from.about.stages[op].parallelism = from.about.instances.back().instance + 1;
  }

  void by_key() {
    for (auto* each : {&from.about.stages[op], &to.stages[op]})
      each->key_groups = weir::key_groups;
    for (auto* each : {&from.about.edges[0], &to.edges[0], &from.about.edges[1], &to.edges[1]})
      each->how = manifest_partition::key;
  }

  weir::expected<launch_state> try_rescale(const std::vector<std::string>& drop = {}) {
    std::vector<weir::stage_codecs> all;
    for (const auto& each : to.stages)
      all.push_back(each.role == stage_role::async_operator || each.role == stage_role::service
                      ? weir::stage_codecs{&codecs.in, &codecs.out}
                      : weir::stage_codecs{});
    std::stable_sort(from.about.instances.begin(), from.about.instances.end(),
                     [](const auto& x, const auto& y) { return x.stage < y.stage; });
    return weir::rescale(std::move(from), to, all, drop, pool);
  }

  launch_state rescaled(const std::vector<std::string>& drop = {}) {
    auto made = try_rescale(drop);
    BOOST_REQUIRE_MESSAGE(made, error_of(made));
    return *std::move(made);
  }

  /// A line for each instance of `op`.
  static std::string lines(const launch_state& of, std::size_t stage = op) {
    std::string all;
    for (const auto& each : of.stages[stage].instances)
      all += (each.held ? text_of(held_in(*each.held)) : "nothing") + "\n";
    return all;
  }

  std::shared_ptr<weir::block_pool> pool = std::make_shared<weir::block_pool>();
  held_state_codecs codecs;
  weir::checkpoint from;
  weir::job_description to;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(rescaling, rescale_fixture)

// -- operators --

BOOST_AUTO_TEST_CASE(records_go_in_contiguous_shares_those_taken_in_and_those_waiting) {
  for (const int first : {0, 10, 20}) {
    held_state of;
    of.hold(item(first));
    of.hold(item(first + 1));
    of.wait(first + 5);
    of.said.channels.resize(2);
    hold(of);
  }
  to.stages[op].parallelism = 2;
  BOOST_TEST(lines(rescaled())
             == "0 1 10 | 5 15 | - - = -\n"
                "11 20 21 | 25 | - - = -\n");
}

BOOST_AUTO_TEST_CASE(records_that_come_by_key_go_where_their_key_goes) {
  by_key();
  // By groups of 128: instance 0 has those below 43, instance 1 those below 86.
  held_state of;
  for (const auto& [number, key] :
       {std::pair{1, 100}, {2, 42}, {3, 43}, {4, 0}, {5, 100 + 128}, {6, 85}})
    of.hold(item(number, static_cast<weir::key_hash>(key)));
  of.wait(7, 86);
  of.wait(8, 1);
  of.wait(9, 127);
  of.said.channels.resize(2);
  hold(of);
  to.stages[op].parallelism = 3;
  BOOST_TEST(lines(rescaled())
             == "2 4 | 8 | - - = -\n"
                "3 6 | | - - = -\n"
                "1 5 | 7 9 | - - = -\n");
}

BOOST_AUTO_TEST_CASE(records_of_a_key_stay_in_order_where_instances_come_together) {
  by_key();
  held_state low;
  low.hold(item(1, 7));
  low.hold(item(2, 7));
  low.wait(3, 7);
  low.said.channels.resize(2);
  held_state high;
  high.hold(item(4, 120));
  high.wait(5, 120);
  high.said.channels.resize(2);
  hold(low);
  hold(high);
  BOOST_TEST(lines(rescaled()) == "1 2 4 | 3 5 | - - = -\n");
}

BOOST_AUTO_TEST_CASE(behind_all_stands_the_least_watermark_that_all_had_got) {
  held_state one;
  one.hold(item(1));
  one.hold(mark(4));
  one.hold(item(2));
  one.wait(mark(7));
  one.wait(3);
  one.said = channels({{event_time{7}}, {event_time{8}}}, 7);
  held_state other;
  other.hold(item(4));
  other.said = channels({{event_time{5}}, {event_time{9}}}, 5);
  hold(one);
  hold(other);
  BOOST_TEST(lines(rescaled()) == "1 2 4 | 3 w5 | 5 8 = 5\n");
}

BOOST_AUTO_TEST_CASE(a_watermark_that_has_left_all_instances_is_not_sent_again) {
  for (int i = 0; i < 2; ++i) {
    held_state of;
    of.hold(item(i));
    of.said = channels({{event_time{5}}, {event_time{5}}}, 5);
    hold(of);
  }
  BOOST_TEST(lines(rescaled()) == "0 1 | | 5 5 = 5\n");
}

BOOST_AUTO_TEST_CASE(who_was_idle_or_at_its_end_does_not_hold_event_time_back) {
  held_state goes_on;
  goes_on.said = channels({{event_time{9}}, {event_time{12}}}, 9);
  held_state has_ended;
  has_ended.entries.input_ended = true;
  has_ended.said = channels({{event_time{3}, phase::ended}, {event_time{3}, phase::ended}}, 3);
  held_state is_idle;
  is_idle.said = channels({{event_time{4}, phase::idle}, {event_time{4}, phase::idle}}, 4);
  is_idle.said.idle = true;
  hold(has_ended);
  hold(goes_on);
  hold(is_idle);
  BOOST_TEST(lines(rescaled()) == "| | 9 12 = 9\n");
}

BOOST_AUTO_TEST_CASE(a_channel_does_not_begin_behind_what_its_stage_goes_by) {
  held_state of;
  of.said = channels({{event_time{9}}, {event_time{3}, phase::idle}}, 9);
  hold(of);
  to.stages[op].parallelism = 2;
  BOOST_TEST(lines(rescaled()) == "| | 9 9 = 9\n| | 9 9 = 9\n");
}

BOOST_AUTO_TEST_CASE(other_senders_bring_other_channels_and_the_entries_stay) {
  by_key();
  held_state one;
  one.hold(item(1, 7));
  one.hold(control::idle());
  one.hold(mark(5));
  one.hold(item(2, 8));
  one.hold(mark(8));
  one.wait(control::active());
  one.wait(3, 9);
  one.wait(mark(9));
  one.said = channels({{event_time{9}}, {event_time{10}, phase::idle}}, 9);
  held_state other;
  other.wait(4, 120);
  other.wait(control::end());
  other.said = channels({{event_time{6}}, {event_time{6}}}, 6);
  hold(one);
  hold(other);
  to.stages[op].parallelism = 2;
  to.stages[a].parallelism = 3;
  // The one at its end is not waited for: 9 is the least.
  BOOST_TEST(lines(rescaled())
             == "1 w5 2 w8 | 3 w9 | 9 9 9 9 = 9\n"
                "| 4 | 9 9 9 9 = 9\n");
}

BOOST_AUTO_TEST_CASE(in_a_job_that_was_reshaped_held_watermarks_are_lowered_to_the_least) {
  held_state one;
  one.hold(mark(4));
  one.hold(item(1));
  one.hold(mark(7));
  one.hold(item(2));
  one.wait(mark(9));
  one.said = channels({{event_time{9}}}, 9);
  held_state other;
  other.said = channels({{event_time{6}}}, 6);
  hold(one);
  hold(other);
  // Its only input comes one to one.
  from.about.edges = {edge(a, op, manifest_partition::forward), edge(op, out)};
  from.about.stages[a].parallelism = 2;
  to.edges = from.about.edges;
  to.stages[op].parallelism = 2;
  to.stages[a].parallelism = 3;
  BOOST_TEST(lines(rescaled()) == "w4 1 w6 2 | | 6 6 6 = 6\n| | 6 6 6 = 6\n");
}

BOOST_AUTO_TEST_CASE(an_operator_has_ended_only_where_all_of_its_instances_had) {
  held_state ended;
  ended.entries.input_ended = true;
  ended.said = channels({{event_time{3}, phase::ended}, {event_time{3}, phase::ended}}, 3);
  held_state waits;
  waits.wait(control::end());
  waits.said = ended.said;
  for (const auto* second : {&ended, &waits}) {
    rescale_fixture of;
    of.hold(ended);
    of.hold(*second);
    of.to.stages[op].parallelism = 1;
    BOOST_TEST(lines(of.rescaled()) == (second == &ended ? "! | | 3 3 = 3\n" : "| | 3 3 = 3\n"));
  }
}

BOOST_AUTO_TEST_CASE(an_operator_that_gets_another_input_has_not_ended) {
  held_state ended;
  ended.entries.input_ended = true;
  ended.said = channels({{event_time{3}, phase::ended}, {event_time{3}, phase::ended}}, 3);
  hold(ended);
  to.stages.push_back(stage("c", stage_role::source, 2));
  to.edges.push_back(edge(4, op));
  BOOST_TEST(lines(rescaled()) == "| | 3 3 3 3 = 3\n");
}

BOOST_AUTO_TEST_CASE(what_was_drained_has_not_ended) {
  from.about.kind = weir::checkpoint_kind::drained;
  for (int i = 0; i < 2; ++i) {
    held_state of;
    of.entries.input_ended = true;
    of.said = channels({{event_time{3 + i}, phase::ended}, {event_time{3}, phase::ended}}, 3 + i);
    hold(of);
  }
  const auto made = rescaled();
  BOOST_TEST(lines(made) == "| | 3 3 = 3\n");
  BOOST_TEST((made.kind == weir::checkpoint_kind::drained));
}

BOOST_AUTO_TEST_CASE(where_nothing_has_changed_nothing_is_touched) {
  add(a);
  add(out);
  add(op).entries.running = 1;
  from.states.push_back({op, 0, blocks_of("not looked at", pool)});
  const auto made = rescaled();
  BOOST_TEST(archive_fixture::text_of(*made.stages[op].instances[0].held) == "not looked at");
  BOOST_TEST(made.stages[op].instances[0].summary.entries.running == 1u);
  BOOST_TEST(made.checkpoint == 17u);
  BOOST_TEST(made.made_at_ms == 1234);
}

BOOST_AUTO_TEST_CASE(stages_and_inputs_are_found_by_their_names_in_whatever_order) {
  held_state of;
  of.hold(item(1));
  of.hold(control::idle());
  of.said = {{{event_time{5}, phase::idle}, {event_time{7}, phase::ended}}, event_time{5}, true};
  hold(of);
  add(a).counters = {{"records_out", 1}};
  add(b).counters = {{"records_out", 2}};
  std::swap(to.stages[a], to.stages[b]);
  std::swap(to.stages[op], to.stages[out]);
  to.edges = {edge(0, 3), edge(1, 3), edge(3, 2)};
  const auto made = rescaled();
  BOOST_TEST(lines(made, 3) == "1 idle | | ended:7 idle:5 = 5 idle\n");
  BOOST_TEST(made.stages[0].instances[0].summary.counters[0].count == 2u);
}

BOOST_AUTO_TEST_CASE(inputs_that_are_alike_but_for_how_they_come_are_told_apart) {
  from.about.stages[a].parallelism = 2;
  from.about.edges = {edge(a, op, manifest_partition::forward), edge(a, op), edge(op, out)};
  for (int i = 0; i < 2; ++i) {
    held_state of;
    of.said = channels({{event_time{1}}, {event_time{2}}, {event_time{3}}}, 1);
    hold(of);
  }
  to.stages[a].parallelism = to.stages[op].parallelism = 2;
  to.edges = {edge(a, op), edge(a, op, manifest_partition::forward), edge(op, out)};
  BOOST_TEST(lines(rescaled()) == "| | 2 3 1 = 1\n| | 2 3 1 = 1\n");
}

BOOST_AUTO_TEST_CASE(what_is_new_or_let_go_begins_anew) {
  held_state of;
  of.hold(item(1));
  of.said.channels.resize(2);
  hold(of);
  add(a);
  add(b);
  to.stages.push_back(stage("c", stage_role::source, 1));
  const auto made = rescaled({"op", "gone"});
  BOOST_TEST(made.stages.size() == 5u);
  BOOST_TEST(made.stages[a].instances.size() == 1u);
  BOOST_TEST(lines(made) == "nothing\n");
  BOOST_TEST(made.stages[4].instances.empty());
}

BOOST_AUTO_TEST_CASE(an_operator_whose_state_is_let_go_goes_on_counting) {
  for (const std::uint32_t instances : {2, 1}) {
    rescale_fixture job;
    for (int i = 0; i < 2; ++i) {
      held_state of;
      of.hold(item(i));
      of.wait(10 + i);
      job.hold(of);
      auto& said = job.from.about.instances.back().summary;
      said.counters = {{"calls", 10}, {"dropped", 1}};
      said.own_counters = {{"misses", 3}};
      said.positions = {{0, "7"}};
    }
    job.to.stages[op].parallelism = instances;
    const auto made = job.rescaled({"op"});
    // THEN what it held is in a count of its own, and no longer in it
    BOOST_TEST((made.gone == weir::gone_counts{.let_go = 4}));
    BOOST_TEST_REQUIRE(made.stages[op].instances.size() == instances);
    std::uint64_t dropped = 0;
    std::uint64_t misses = 0;
    for (const auto& each : made.stages[op].instances) {
      BOOST_TEST(!each.held.has_value());
      BOOST_TEST(each.summary.entries.records() == 0u);
      BOOST_TEST(each.summary.positions.empty());
      for (const auto& counted : each.summary.counters)
        dropped += counted.name == "dropped" ? counted.count : 0;
      for (const auto& counted : each.summary.own_counters)
        misses += counted.count;
    }
    BOOST_TEST(dropped == 2u);
    BOOST_TEST(misses == 6u);
  }
}

BOOST_AUTO_TEST_CASE(what_is_gone_is_counted_from_then_on) {
  const weir::gone_counts before{.let_go = 5, .dropped = 1};
  for (const bool stays : {true, false}) {
    // GIVEN a run that has let records go before
    rescale_fixture job;
    job.add(a).counters = {{"records_out", 20}};
    held_state of;
    of.hold(item(1));
    of.wait(2);
    of.said.channels.resize(2);
    job.hold(of);
    job.from.about.instances.back().summary.counters
      = {{"records_in", 9}, {"dropped", 3}, {"dead_letters", 4}};
    weir::write_gone(job.from.about, before);
    BOOST_TEST((weir::gone_in(job.from.about) == before));
    if (stays) {
      // WHEN it goes on as it was, THEN they are counted as before
      BOOST_TEST((job.rescaled().gone == before));
      continue;
    }
    // AND what an operator that is gone has counted goes nowhere else
    job.to.stages.erase(job.to.stages.begin() + op);
    job.to.edges = {edge(a, 2), edge(b, 2)};
    const weir::gone_counts after{.let_go = 5 + 2, .dropped = 1 + 3, .dead_letters = 4};
    BOOST_TEST((job.rescaled({"op"}).gone == after));
  }
}

BOOST_AUTO_TEST_CASE(a_manifest_of_a_run_that_has_let_nothing_go_does_not_say_so) {
  add(a);
  const auto before = from.about;
  weir::write_gone(from.about, {});
  BOOST_TEST((from.about == before));
}

BOOST_AUTO_TEST_CASE(what_is_let_go_was_told_who_is_idle_and_has_told_others) {
  // GIVEN a source that is idle, an operator that knows it, and one behind that which was told so in its turn
  add(a).times = weir::source_times{event_time{9}, event_time{9}, true, false};
  add(b).times = weir::source_times{event_time{5}, event_time{5}, false, false};
  for (auto* each : {&from.about.stages, &to.stages}) {
    each->push_back(stage("next", stage_role::async_operator, 1));
    each->back().records = from.about.stages[op].records;
  }
  from.about.edges = to.edges = {edge(a, op), edge(b, op), edge(op, 4), edge(4, out)};
  held_state of;
  of.said = {{{event_time{9}, phase::idle}, {event_time{5}}}, event_time{5}, false};
  hold(of);
  held_state behind;
  behind.hold(item(1));
  behind.hold(control::idle());
  behind.said = {{{event_time{5}, phase::idle}}, event_time{5}, true};
  weir::instance_summary summary;
  auto bytes = bytes_of(behind, pool, &summary.entries);
  add(4, summary);
  from.states.push_back({4, 0, std::move(bytes)});
  // WHEN the first operator's state is let go, THEN all of them are active until they say otherwise
  const auto made = rescaled({"op"});
  BOOST_TEST(!made.stages[a].instances[0].summary.times->idle);
  BOOST_TEST(lines(made) == "nothing\n");
  BOOST_TEST(lines(made, 4) == "1 | | 5 = 5\n");
}

BOOST_AUTO_TEST_CASE(the_first_checkpoint_says_something_of_sources_alone) {
  from.about.kind = weir::checkpoint_kind::begun;
  from.about.checkpoint = 0;
  from.about.removes_old_output = true;
  add(a).positions = {{0, "0"}};
  add(b);
  to.stages[op].parallelism = 3;
  const auto made = rescaled();
  BOOST_TEST(made.stages[a].instances.size() == 1u);
  BOOST_TEST(made.stages[op].instances.empty());
  BOOST_TEST(made.removes_old_output);
}

BOOST_AUTO_TEST_CASE(an_older_version_of_a_record_becomes_the_one_of_this_program) {
  auto old = codecs.in;
  old.save = [](weir::state_output& bytes_of_it, const void* of) {
    bytes_of_it.fixed(static_cast<const stored_item*>(of)->number);
  };
  weir::state_blocks bytes{pool};
  weir::stored_entry_writer writer{bytes, old, codecs.out};
  write_snapshot<stored_item, std::string>(writer, {{item(1), item(2)}, false});
  writer.begin_waiting(0);
  writer.channels({{{}, {}}});
  writer.finish();
  add(op);
  from.states.push_back({op, 0, std::move(bytes)});
  from.about.stages[op].records[0].version = 1;
  to.stages[op].parallelism = 2;
  const auto made = rescaled();
  BOOST_TEST(lines(made) == "1 | | - - = -\n2 | | - - = -\n");
  BOOST_TEST((made.stages[op].records
              == std::vector<weir::stored_type_name>{{codecs.in.name, 2}, {codecs.out.name, 1}}));
}

BOOST_AUTO_TEST_CASE(records_without_keys_or_with_others_are_not_shared_out_by_key) {
  held_state of;
  of.said.channels.resize(2);
  for (const bool holds : {false, true}) {
    rescale_fixture one;
    one.by_key();
    one.from.about.stages[op].key_groups = 0;
    if (holds)
      of.wait(1);
    one.hold(of);
    one.to.stages[op].parallelism = 2;
    const auto why = error_of(one.try_rescale());
    BOOST_TEST((why.find("shared out by other keys") != std::string::npos) == holds);
    BOOST_TEST(why.empty() == !holds);
  }
}

// -- counts --

BOOST_AUTO_TEST_CASE(what_was_counted_goes_to_the_first_instance) {
  held_state of;
  of.hold(item(1));
  of.said.channels.resize(2);
  for (int i = 0; i < 2; ++i)
    hold(of);
  auto& first = from.about.instances[0].summary;
  auto& second = from.about.instances[1].summary;
  first.counters = {{"records_in", 5}, {"calls", 7}};
  second.counters = {{"records_in", 6}, {"calls", 1}};
  first.own_counters = {{"misses", 1}};
  second.own_counters = {{"bad_records", 2}, {"misses", 3}};
  first.histograms = {{"call_duration", {{3, 1}, {9, 2}}}};
  second.histograms = {{"call_duration", {{1, 4}, {9, 8}}}};
  to.stages[op].parallelism = 3;
  const auto made = rescaled();
  const auto& all = made.stages[op].instances;
  BOOST_TEST(
    (all[0].summary.counters == std::vector<weir::named_count>{{"records_in", 11}, {"calls", 8}}));
  BOOST_TEST((all[0].summary.own_counters
              == std::vector<weir::named_count>{{"bad_records", 2}, {"misses", 4}}));
  BOOST_TEST((all[0].summary.histograms
              == std::vector<weir::named_histogram>{{"call_duration", {{1, 4}, {3, 1}, {9, 10}}}}));
  BOOST_TEST(all[0].summary.entries.waits_for_call == 1u);
  BOOST_TEST(all[1].summary.entries.waits_for_call == 1u);
  BOOST_TEST(all[2].summary.entries.records() == 0u);
  BOOST_TEST(all[1].summary.counters.empty());
}

BOOST_AUTO_TEST_CASE(where_a_services_feed_stood_its_first_instance_says) {
  for (const std::uint32_t instances : {1u, 2u, 3u}) {
    rescale_fixture of;
    for (auto* each : {&of.from.about.stages, &of.to.stages})
      (*each)[op].role = stage_role::service;
    of.from.about.edges = of.to.edges = {edge(a, out), edge(b, out)};
    held_state held;
    held.hold(item(1));
    held.said = channels({{event_time{50}}}, 50);
    for (int i = 0; i < 2; ++i)
      of.hold(held);
    auto& first = of.from.about.instances[0].summary;
    first.positions = {{0, "7"}, {1, "70"}};
    first.times = weir::source_times{event_time::none(), event_time{50}, false, true};
    const auto said = first;
    of.to.stages[op].parallelism = instances;
    const auto made = of.rescaled();
    const auto& all = made.stages[op].instances;
    BOOST_TEST_REQUIRE(all.size() == instances);
    BOOST_TEST((all[0].summary.positions == said.positions));
    BOOST_TEST((all[0].summary.times == said.times));
    for (std::size_t i = 1; i < all.size(); ++i) {
      BOOST_TEST(all[i].summary.positions.empty());
      BOOST_TEST(!all[i].summary.times.has_value());
    }
  }
}

// -- sources and sinks --

BOOST_AUTO_TEST_CASE(splits_are_dealt_in_their_order) {
  const auto dealt = [](std::uint32_t instances) {
    rescale_fixture of;
    of.from.about.stages[a].parallelism = 2;
    of.add(a).positions = {{0, "p0"}, {1, "p1"}};
    of.add(a).positions = {{2, "p2"}, {3, "p3"}, {4, "p4"}};
    of.to.stages[a].parallelism = instances;
    const auto made = of.rescaled();
    std::string text;
    for (const auto& each : made.stages[a].instances) {
      for (const auto& split : each.summary.positions)
        text += std::to_string(split.split) + split.position + " ";
      text += "| ";
    }
    return text;
  };
  BOOST_TEST(dealt(1) == "0p0 1p1 2p2 3p3 4p4 | ");
  BOOST_TEST(dealt(2) == "0p0 1p1 | 2p2 3p3 4p4 | ");
  BOOST_TEST(dealt(3) == "0p0 1p1 | 2p2 3p3 | 4p4 | ");
  BOOST_TEST(dealt(7) == "0p0 | 1p1 | 2p2 | | 3p3 | 4p4 | | ");
}

BOOST_AUTO_TEST_CASE(a_source_goes_on_from_the_least_that_its_instances_had_said) {
  from.about.stages[a].parallelism = 3;
  add(a).times = {event_time{100}, event_time{90}, false, false};
  add(a).times = {event_time{50}, event_time{40}, false, false};
  add(a).times = {event_time{5}, event_time{4}, true, false};
  to.stages[a].parallelism = 2;
  const auto made = rescaled();
  for (const auto& each : made.stages[a].instances)
    BOOST_TEST(
      (each.summary.times == weir::source_times{event_time{50}, event_time{40}, false, false}));
}

BOOST_AUTO_TEST_CASE(a_source_has_ended_where_all_that_it_reads_had) {
  from.about.stages[a].parallelism = 4;
  for (const bool ended : {true, true, false, true}) {
    auto& of = add(a);
    of.times = {event_time{9}, event_time{8}, false, ended};
    of.positions = {{0, "p"}};
  }
  to.stages[a].parallelism = 2;
  const auto made = rescaled();
  BOOST_TEST(made.stages[a].instances[0].summary.times->ended);
  BOOST_TEST(!made.stages[a].instances[1].summary.times->ended);
}

BOOST_AUTO_TEST_CASE(nothing_is_idle_in_a_job_that_was_reshaped) {
  for (const std::uint32_t instances : {1, 2}) {
    rescale_fixture of;
    of.add(a).times = {event_time{9}, event_time{8}, true, true};
    of.to.stages[op].parallelism = instances;
    const auto times = of.rescaled().stages[a].instances[0].summary.times;
    BOOST_TEST(times->idle == (instances == 1));
    BOOST_TEST(times->ended);
    BOOST_TEST(times->watermark.ms() == 8);
  }
}

BOOST_AUTO_TEST_CASE(a_sink_gets_what_all_of_its_instances_had_pending) {
  from.about.stages[out].parallelism = 3;
  for (const char* pending : {"x", "", "z"}) {
    auto& of = add(out);
    of.pending_output = pending;
    of.counters = {{"records_in", 2}};
  }
  const auto made = rescaled();
  BOOST_TEST(made.stages[out].pending_output == (std::vector<std::string>{"x", "", "z"}),
             boost::test_tools::per_element());
  BOOST_TEST(made.stages[out].instances.size() == 1u);
  BOOST_TEST(made.stages[out].instances[0].summary.counters[0].count == 6u);
}

// -- what nobody has written --

BOOST_AUTO_TEST_CASE(a_manifest_that_contradicts_itself_is_damaged) {
  const auto fault = [](auto damage) {
    rescale_fixture of;
    held_state held;
    held.hold(item(1));
    held.said.channels.resize(2);
    of.add(a);
    of.hold(held);
    of.hold(held);
    of.to.stages[op].parallelism = 3;
    damage(of.from);
    return error_of(of.try_rescale());
  };
  using checkpoint = weir::checkpoint;
  BOOST_TEST(fault([](checkpoint&) {}) == "");
  const auto is_damaged
    = [&](auto damage) { return fault(damage).find("(damaged)") != std::string::npos; };
  BOOST_TEST(is_damaged([](checkpoint& of) { of.about.edges[1].to = 4; }));
  BOOST_TEST(is_damaged([](checkpoint& of) { of.about.edges[1].from = 99; }));
  BOOST_TEST(is_damaged([](checkpoint& of) { of.about.stages[b].parallelism = 0; }));
  BOOST_TEST(is_damaged([](checkpoint& of) { of.about.stages[op].parallelism = 3; }));
  BOOST_TEST(is_damaged([](checkpoint& of) { of.about.stages[op].parallelism = 1; }));
  BOOST_TEST(is_damaged([](checkpoint& of) { of.about.instances[1].stage = 4; }));
  BOOST_TEST(is_damaged([](checkpoint& of) { of.about.instances[1].instance = 1; }));
  BOOST_TEST(
    is_damaged([](checkpoint& of) { of.about.instances.push_back(of.about.instances[2]); }));
  BOOST_TEST(is_damaged([](checkpoint& of) { of.states[1].instance = 0; }));
  BOOST_TEST(is_damaged([](checkpoint& of) { of.states[1].instance = 2; }));
  BOOST_TEST(is_damaged([](checkpoint& of) { of.states[1].stage = a; }));
  BOOST_TEST(is_damaged([](checkpoint& of) { of.states[1].stage = 4; }));
  BOOST_TEST(is_damaged([](checkpoint& of) { of.states.pop_back(); }));
  // Another number of senders than its channels are of.
  BOOST_TEST(is_damaged([](checkpoint& of) {
    of.about.stages[a].parallelism = 2;
    of.about.instances.erase(of.about.instances.begin());
  }));
  BOOST_TEST(is_damaged([](checkpoint& of) { of.about.stages[op].records.pop_back(); }));
  BOOST_TEST(fault([](checkpoint& of) {
               of.about.stages[op].records[0].name = "other";
             }).find("(incompatible)")
             != std::string::npos);
  BOOST_TEST(
    fault([](checkpoint& of) { of.about.stages[op].records[0].version = 9; }).find("(incompatible)")
    != std::string::npos);
  BOOST_TEST(fault([](checkpoint& of) { of.about.stages[op].role = stage_role::service; }) != "");
}

namespace {

/// One of everything.
held_state some_of_each() {
  held_state all;
  all.hold(item(1, 7, event_time{-9}));
  all.hold(mark(3));
  auto running = item(2, 0);
  running.attempt = 2;
  running.running = true;
  running.timeout_left = 30s;
  running.durations = {5ms};
  all.hold(running);
  all.hold(control::idle());
  auto backs_off = item(3, 1);
  backs_off.attempt = 4;
  backs_off.timeout_left = 0s;
  backs_off.backoff_left = 40ms;
  backs_off.durations = {1ms, 2ms, 3ms, 4ms};
  all.hold(backs_off);
  auto several = item(4, 2);
  several.attempt = 1;
  several.finished = std::vector<std::string>{"a", "", "bcd"};
  all.hold(several);
  auto dead = item(5, 3);
  dead.finished = held_state::record::failure{{"refused", "store", "it said no"},
                                              weir::failure_action::dead_letter};
  all.hold(dead);
  all.wait(6, 9, event_time{5});
  all.wait(mark(4));
  all.wait(control::active());
  all.wait(7, 127);
  all.wait(control::end());
  all.said = {{{event_time{5}}, {event_time{7}, phase::ended}}, event_time{5}, false};
  return all;
}

} // namespace

BOOST_AUTO_TEST_CASE(every_cut_of_a_state_is_noticed_and_every_flipped_bit_is_noticed_or_harmless) {
  const auto bytes = archive_fixture::text_of(bytes_of(some_of_each(), pool));
  const auto fault = [&](std::string_view damaged) {
    rescale_fixture of;
    of.by_key();
    of.hold(some_of_each());
    of.from.states[0].bytes = blocks_of(damaged, pool);
    of.to.stages[op].parallelism = 3;
    return error_of(of.try_rescale());
  };
  BOOST_TEST(fault(bytes) == "");
  for (std::size_t size = 0; size < bytes.size(); ++size)
    BOOST_TEST(fault(std::string_view{bytes}.substr(0, size)).find("(incompatible)")
               != std::string::npos);
  BOOST_TEST(fault(bytes + "x").find("(incompatible)") != std::string::npos);
  std::size_t noticed = 0;
  auto flipped = bytes;
  for (auto& byte : flipped)
    for (int bit = 0; bit < 8; ++bit) {
      byte = static_cast<char>(byte ^ 1 << bit);
      noticed += fault(flipped).empty() ? 0 : 1;
      byte = static_cast<char>(byte ^ 1 << bit);
    }
  BOOST_TEST(noticed > bytes.size());
}

BOOST_AUTO_TEST_CASE(
  results_for_which_a_state_is_too_small_are_refused_before_there_is_room_for_them) {
  // A record with so many results, each of them an empty text of one byte: 96 MB of strings in 3 MB.
  constexpr std::size_t results = 3'000'000;
  std::string bytes{"\x01\x00\x81\x00\x00\x00", 6};
  for (auto left = results; left > 0; left >>= 7)
    bytes += static_cast<char>((left & 0x7F) | (left > 0x7F ? 0x80 : 0));
  // The record's number and its text.
  bytes.append(9 + results, '\0');
  bytes += std::string{"\0\x02\0\0\0", 5};
  hold({});
  from.states[0].bytes = blocks_of(bytes, pool);
  to.stages[op].parallelism = 2;
  const auto why = error_of(try_rescale());
  BOOST_TEST(why.find("more memory than a state of its size may at byte 19; ") != std::string::npos,
             why);
}

BOOST_AUTO_TEST_CASE(each_allocation_may_fail_and_nothing_is_kept) {
  held_state_codecs all;
  for (std::size_t n = 1;; ++n) {
    BOOST_REQUIRE(n < 10'000u);
    rescale_fixture of;
    of.pool = pool;
    of.hold(some_of_each());
    of.hold(some_of_each());
    of.to.stages[op].parallelism = 3;
    const auto codecs_of_all = std::vector<weir::stage_codecs>{{}, {}, {&all.in, &all.out}, {}};
    const std::vector<std::string> drop;
    const auto before = allocated_bytes();
    const auto of_state = [&] {
      std::size_t bytes = 0;
      for (const auto& each : of.from.states)
        bytes += each.bytes.count();
      return bytes;
    };
    BOOST_TEST(of_state() == 2u);
    bool failed = false;
    fail_allocation(n);
    try {
      BOOST_TEST(weir::rescale(std::move(of.from), of.to, codecs_of_all, drop, pool).has_value());
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    fail_allocation(0);
    // Blocks lie in the pool; all else is gone.
    BOOST_TEST(allocated_bytes()
               <= before + 3 * static_cast<std::ptrdiff_t>(weir::block_bytes) + 4096);
    if (!failed) {
      BOOST_TEST(n > 20u);
      return;
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

// -- against a model --

namespace {

/// A job, what its operator's instances hold, and the job that it becomes; drawn from a seed.
struct drawn_case : rescale_fixture {
  explicit drawn_case(std::uint64_t seed) : chance(seed) {
    const auto instances = [&] { return 1 + static_cast<std::uint32_t>(below(4)); };
    auto& was = from.about;
    for (auto& each : was.stages)
      each.parallelism = instances();
    const bool keyed = below(2) == 0;
    const auto how = [&] {
      return keyed           ? manifest_partition::key
             : below(2) == 0 ? manifest_partition::forward
                             : manifest_partition::rebalance;
    };
    was.edges = {edge(a, op, how()), edge(b, op, how()), edge(op, out)};
    if (below(3) == 0)
      was.edges.erase(was.edges.begin() + 1);
    if (keyed)
      was.stages[op].key_groups = weir::key_groups;
    to.stages = was.stages;
    to.edges = was.edges;
    if (below(4) != 0)
      for (auto& each : to.stages)
        if (below(2) == 0)
          each.parallelism = instances();
    if (below(3) == 0)
      std::swap(to.edges[0], to.edges[1]);
    if (below(6) == 0) {
      to.stages.push_back(stage("c", stage_role::source, instances()));
      to.edges.insert(to.edges.begin(), edge(4, op, how()));
    }
    if (below(6) == 0)
      was.kind = weir::checkpoint_kind::drained;
    for (std::uint32_t i = 0; i < was.stages[op].parallelism; ++i)
      old.push_back(drawn_state(i, keyed));
    // `hold` counts the instances.
    for (const auto& each : old)
      hold(each);
  }

  std::uint64_t below(std::uint64_t n) { return chance() % n; }

  event_time time() {
    return below(5) == 0 ? event_time::none() : event_time{static_cast<std::int64_t>(below(20))};
  }

  control border() {
    return below(3) == 0   ? control::idle()
           : below(3) == 0 ? control::active()
                           : mark(static_cast<std::int64_t>(below(20)));
  }

  held_state drawn_state(std::uint32_t instance, bool keyed) {
    held_state all;
    const auto n = from.about.stages[op].parallelism;
    const auto key = [&] {
      for (;;) {
        const auto drawn = below(1000);
        if (!keyed)
          return std::uint64_t{0};
        if (weir::instance_of_group(weir::key_group(drawn), n) == instance)
          return drawn;
      }
    };
    for (auto left = below(12); left > 0; --left) {
      if (below(3) == 0) {
        all.hold(border());
        continue;
      }
      auto one = item(next_number++, key(), time());
      one.attempt = static_cast<std::uint32_t>(below(4));
      one.running = one.attempt > 0 && below(2) == 0;
      if (below(2) == 0)
        one.timeout_left = weir::duration{static_cast<std::int64_t>(below(1000))};
      if (!one.running && below(3) == 0)
        one.backoff_left = weir::duration{static_cast<std::int64_t>(below(1000))};
      if (one.attempt > 1)
        one.durations = {1ms};
      if (below(3) == 0)
        one.finished = std::vector<std::string>(below(3), "result");
      else if (below(4) == 0)
        one.finished
          = held_state::record::failure{{"kind", "thing", "why"}, weir::failure_action::drop};
      all.hold(std::move(one));
    }
    for (auto left = below(8); left > 0; --left)
      if (below(3) == 0)
        all.wait(border());
      else
        all.wait(next_number++, key(), time());
    all.entries.input_ended = below(4) == 0;
    if (below(5) == 0)
      all.wait(control::end());
    for (const auto& each : from.about.edges)
      if (each.to == op)
        for (std::size_t i = channel_count(from.about.stages, each); i > 0; --i)
          all.said.channels.push_back({time(), static_cast<phase>(below(3))});
    all.said.watermark = time();
    all.said.idle = below(4) == 0;
    return all;
  }

  static std::size_t channel_count(const std::vector<weir::manifest_stage>& stages,
                                   const weir::manifest_edge& of) {
    const auto senders = stages[of.from].parallelism;
    return of.how == manifest_partition::forward && senders == stages[of.to].parallelism ? 1
                                                                                         : senders;
  }

  std::mt19937_64 chance;
  std::int64_t next_number = 0;
  std::vector<held_state> old;
};

/// What the instances of the job are to hold, made of values one at a time.
class rescale_model {
public:
  explicit rescale_model(const drawn_case& of) : was_(of.from.about), is_(of.to), old_(&of.old) {
    std::map<std::string, int> shapes;
    for (const auto* side : {&was_.stages, &is_.stages})
      for (const auto& each : *side)
        shapes[each.name + "/" + std::to_string(each.parallelism)] += side == &was_.stages ? 1 : -1;
    for (const auto& each : was_.edges)
      ++shapes["edge " + name_of(was_.stages, each)];
    for (const auto& each : is_.edges)
      --shapes["edge " + name_of(is_.stages, each)];
    reshaped = std::any_of(shapes.begin(), shapes.end(),
                           [](const auto& each) { return each.second != 0; });
    const auto inputs = [](const auto& of_job) {
      std::string all;
      for (const auto& each : of_job.edges)
        if (each.to == op)
          all += name_of(of_job.stages, each) + "; ";
      return all;
    };
    untouched = !reshaped && inputs(was_) == inputs(is_);
    // What is not touched says what was written.
    goes_on_ = was_.kind == weir::checkpoint_kind::drained && !untouched;
  }

  std::vector<held_state> made() {
    const auto n = is_.stages[op].parallelism;
    std::vector<held_state> all(n);
    if (n == old_->size())
      for (std::size_t i = 0; i < n; ++i)
        copy((*old_)[i], all[i]);
    else
      deal(all);
    for (std::size_t i = 0; i < n; ++i)
      finish(i, all[i]);
    return all;
  }

  bool reshaped = false;
  bool untouched = false;

private:
  static std::string name_of(const std::vector<weir::manifest_stage>& stages,
                             const weir::manifest_edge& of) {
    return stages[of.from].name + " " + stages[of.to].name + " "
           + std::to_string(static_cast<int>(of.how));
  }

  bool has_ended(const held_state& of) const {
    if (goes_on_)
      return false;
    bool ends = of.entries.input_ended;
    for (const auto& each : of.waiting.controls())
      ends = ends || each.what.kind() == weir::control_kind::end;
    return ends;
  }

  /// Missing times are less than others.
  static event_time least(const std::vector<std::pair<event_time, bool>>& of) {
    std::vector<event_time> counted;
    for (const auto& [at, counts] : of)
      if (counts)
        counted.push_back(at);
    if (counted.empty())
      for (const auto& each : of)
        counted.push_back(each.first);
    std::sort(counted.begin(), counted.end());
    return counted.front();
  }

  event_time watermark() const {
    std::vector<std::pair<event_time, bool>> all;
    for (const auto& each : *old_)
      all.emplace_back(each.said.watermark, !has_ended(each) && !each.said.idle);
    return least(all);
  }

  void copy(const held_state& from, held_state& to) const {
    std::set<std::int64_t> said;
    const auto control_of = [&](const control& what) -> std::optional<control> {
      if (what.kind() == weir::control_kind::end && goes_on_)
        return std::nullopt;
      if (!reshaped)
        return what;
      if (what.kind() != weir::control_kind::watermark || !watermark().has_value())
        return std::nullopt;
      const auto at = std::min(what.event_time(), watermark()).ms();
      if (!said.empty() && at <= *said.rbegin())
        return std::nullopt;
      said.insert(at);
      return mark(at);
    };
    for (const auto& each : from.entries.entries)
      if (const auto* what = std::get_if<control>(&each)) {
        if (const auto stays = control_of(*what))
          to.hold(*stays);
      } else {
        to.hold(std::get<0>(each));
      }
    for (weir::batch_cursor at; !at.at_end(from.waiting);)
      if (at.at_control(from.waiting)) {
        if (const auto stays = control_of(from.waiting.controls()[at.control++].what))
          to.wait(*stays);
      } else {
        wait(to, from.waiting, at.record++);
      }
  }

  static void wait(held_state& to, const weir::batch<stored_item>& from, std::size_t i) {
    to.wait(from.value(i).number, from.key(i), from.timestamp(i));
  }

  void deal(std::vector<held_state>& to) const {
    const bool keyed = is_.stages[op].key_groups > 0;
    std::vector<held_state::record> entries;
    bool holds_watermarks = false;
    std::vector<std::pair<const weir::batch<stored_item>*, std::size_t>> waiting;
    for (const auto& each : *old_) {
      for (const auto& entry : each.entries.entries)
        if (entry.index() == 0)
          entries.push_back(std::get<0>(entry));
        else
          holds_watermarks
            = holds_watermarks || std::get<control>(entry).kind() == weir::control_kind::watermark;
      for (const auto& what : each.waiting.controls())
        holds_watermarks = holds_watermarks || what.what.kind() == weir::control_kind::watermark;
      for (std::size_t i = 0; i < each.waiting.records(); ++i)
        waiting.emplace_back(&each.waiting, i);
    }
    for (std::size_t i = 0; i < entries.size(); ++i)
      to[keyed ? by_key(entries[i].key, to.size()) : share(i, entries.size(), to.size())].hold(
        entries[i]);
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      const auto& [in, at] = waiting[i];
      wait(to[keyed ? by_key(in->key(at), to.size()) : share(i, waiting.size(), to.size())], *in,
           at);
    }
    if (holds_watermarks && watermark().has_value())
      for (auto& each : to)
        each.wait(control::watermark(watermark()));
  }

  static std::size_t by_key(weir::key_hash key, std::size_t instances) {
    return key % 128 * instances / 128;
  }

  /// Whose share the record at `i` is.
  static std::size_t share(std::size_t i, std::size_t all, std::size_t shares) {
    for (std::size_t whose = 0;; ++whose) {
      const auto size
        = (all * (whose + 1) + shares - 1) / shares - (all * whose + shares - 1) / shares;
      if (i < size)
        return whose;
      i -= size;
    }
  }

  /// The channels that an edge of the old job has in an instance.
  std::vector<channel_states::channel> channels(const held_state& of,
                                                const weir::manifest_edge& which) const {
    std::size_t at = 0;
    for (const auto& each : was_.edges) {
      if (each.to != op)
        continue;
      const auto n = drawn_case::channel_count(was_.stages, each);
      if (each == which) {
        const auto first = of.said.channels.begin() + static_cast<std::ptrdiff_t>(at);
        return {first, first + static_cast<std::ptrdiff_t>(n)};
      }
      at += n;
    }
    return {};
  }

  void finish(std::size_t instance, held_state& to) const {
    bool all_ended = true;
    bool known = true;
    for (const auto& each : *old_)
      all_ended = all_ended && each.entries.input_ended && !goes_on_;
    for (const auto& each : is_.edges) {
      if (each.to != op)
        continue;
      const weir::manifest_edge* before = nullptr;
      for (const auto& old : was_.edges)
        if (old.to == op && was_.stages[old.from].name == is_.stages[each.from].name)
          before = &old;
      known = known && before != nullptr;
      if (!reshaped) {
        for (auto one : channels((*old_)[instance], *before)) {
          if (goes_on_ && one.is == phase::ended)
            one.is = phase::active;
          to.said.channels.push_back(one);
        }
        continue;
      }
      auto begins = watermark();
      if (before != nullptr) {
        std::vector<std::pair<event_time, bool>> all;
        for (const auto& old : *old_)
          for (const auto& one : channels(old, *before))
            all.emplace_back(one.watermark,
                             one.is == phase::active || (goes_on_ && one.is == phase::ended));
        begins = std::max(begins, least(all));
      }
      for (auto n = drawn_case::channel_count(is_.stages, each); n > 0; --n)
        to.said.channels.push_back({begins});
    }
    if (!reshaped) {
      to.entries.input_ended = (*old_)[instance].entries.input_ended && !goes_on_;
      to.said.watermark = (*old_)[instance].said.watermark;
      to.said.idle = (*old_)[instance].said.idle;
    } else {
      to.entries.input_ended = all_ended && known;
      to.said.watermark = watermark();
    }
  }

  const weir::manifest was_;
  const weir::job_description is_;
  const std::vector<held_state>* old_;
  bool goes_on_ = false;
};

/// For each record, by its number, the greatest watermark that is held in front of it.
std::map<std::int64_t, event_time> watermarks_in_front(const std::vector<held_state>& of) {
  std::map<std::int64_t, event_time> all;
  for (const auto& instance : of) {
    auto greatest = event_time::none();
    const auto take = [&](const control& what) {
      if (what.kind() == weir::control_kind::watermark)
        greatest = std::max(greatest, what.event_time());
    };
    for (const auto& each : instance.entries.entries)
      if (const auto* what = std::get_if<control>(&each))
        take(*what);
      else
        BOOST_TEST(all.emplace(std::get<0>(each).value.number, greatest).second);
    for (weir::batch_cursor at; !at.at_end(instance.waiting);)
      if (at.at_control(instance.waiting))
        take(instance.waiting.controls()[at.control++].what);
      else
        BOOST_TEST(all.emplace(instance.waiting.value(at.record++).number, greatest).second);
  }
  return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(rescaling_at_random)

BOOST_AUTO_TEST_CASE(instances_hold_what_they_would_have_written_themselves) {
  std::size_t others = 0;
  std::size_t reshaped = 0;
  std::size_t reordered = 0;
  const auto range = weir::testing::seeds(2'500);
  for (auto seed = range.first; seed < range.first + range.count; ++seed)
    BOOST_TEST_CONTEXT("seed " << seed) {
      drawn_case of{seed};
      rescale_model model{of};
      const auto expected = model.made();
      others += of.old.size() != expected.size() ? 1 : 0;
      reshaped += model.reshaped ? 1 : 0;
      reordered += !model.reshaped && !model.untouched ? 1 : 0;
      const auto made = of.rescaled();
      const auto& instances = made.stages[op].instances;
      BOOST_REQUIRE(instances.size() == expected.size());
      std::vector<held_state> got;
      for (std::size_t i = 0; i < expected.size(); ++i) {
        weir::entry_counts counts;
        const auto bytes = bytes_of(expected[i], of.pool, &counts);
        got.push_back(held_in(*instances[i].held));
        BOOST_TEST(text_of(got.back()) == text_of(expected[i]));
        BOOST_TEST(
          (archive_fixture::text_of(*instances[i].held) == archive_fixture::text_of(bytes)));
        BOOST_TEST((instances[i].summary.entries == counts));
      }
      // No record is lost or doubled, and no watermark overtakes one.
      const auto before = watermarks_in_front(of.old);
      const auto now = watermarks_in_front(got);
      BOOST_REQUIRE(now.size() == before.size());
      for (const auto& [number, at] : now)
        BOOST_TEST((before.count(number) == 1 && at <= before.at(number)));
    }
  if (range.count >= 100) {
    BOOST_TEST(others > range.count / 4);
    BOOST_TEST(reshaped > range.count / 2);
    BOOST_TEST(reordered > range.count / 50);
  }
}

BOOST_AUTO_TEST_SUITE_END()
