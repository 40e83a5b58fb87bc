// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Operators one behind the other, each in its actor, and a test that plays all that surrounds them: the senders of
/// the first, the receiver of the last, the job, and the coordinator of checkpoints. Records are numbers, which are
/// their origins too, and each comes to one result, the number itself. `transcript()` is what has happened, in the
/// order in which it was seen: calls while the operator handles a message, what it sends behind it. No threads.

#include "../support/actor_world.hpp"
#include "../support/job_scripts.hpp"
#include "../support/snapshot_bytes.hpp"

#include "operator_stage.hpp"

#include "weir/entry_codec.hpp"

#include <caf/actor_cast.hpp>
#include <caf/event_based_actor.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <typeinfo>
#include <utility>
#include <variant>
#include <vector>

namespace weir::testing {

struct operator_row {
  using ms = std::chrono::milliseconds;
  using snapshot = machine_snapshot<int, int>;

  /// What an operator held at a barrier.
  struct saved {
    snapshot held;
    batch<int> waiting;
    channel_states channels;
    instance_summary summary;
    std::shared_ptr<operator_state> bytes;
  };

  struct member {
    function_script function;
    std::shared_ptr<operator_stage_parts> parts;
    operator_actor actor;
    std::map<std::uint64_t, saved> states;
  };

  explicit operator_row(std::size_t operators = 1) : row(operators) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      auto& of = options(i);
      of.name = operators == 1 ? "op" : "op" + std::to_string(i + 1);
      of.timeout = duration{0};
    }
    world.watch([](caf::scheduled_actor&, const caf::type_erased_tuple& what) {
      if (what.match_elements<channel_id, batch_handle>())
        check_barriers(*what.get_as<batch_handle>(1).batch);
    });
  }

  ~operator_row() {
    end_all();
    world.watch(nullptr);
    for (auto& each : row)
      each.parts = nullptr;
  }

  operator_row(const operator_row&) = delete;
  operator_row& operator=(const operator_row&) = delete;

  // -- what a test says before it starts --

  operator_options& options(std::size_t i = 0) { return parts_of(i).plan.options; }
  void set_mode(output_mode mode, std::size_t i = 0) { parts_of(i).plan.mode = mode; }

  /// Senders of the first operator.
  std::uint32_t channels = 1;

  /// Room of the last receiver at the beginning, in records.
  std::int64_t room = 1'000'000;

  /// Most records of a batch between operators.
  std::size_t batch_records = 1024;

  /// A row that has not run, or has crashed. `from`: the checkpoint that it goes on from; 0: a fresh start.
  void start(std::uint64_t from = 0) {
    around_ = world.system().spawn(
      [](caf::event_based_actor*, operator_row* test) { return test->behavior(); }, this);
    for (auto i = row.size(); i-- > 0;)
      spawn(i, from);
    for (auto& each : row)
      caf::anon_send(each.actor, caf::open_atom::value);
    world.run();
    for (std::uint32_t channel = 0; channel < channels; ++channel)
      caf::anon_send(row[0].actor, attach_atom::value, channel_id{channel}, lane_id{0, channel},
                     caf::actor_cast<credit_receiver>(around_));
    for (auto i = row.size(); i-- > 0;)
      caf::anon_send(row[i].actor, run_atom::value);
    world.run();
  }

  /// All end at once, with what is under way between them.
  void crash() {
    end_all();
    log.take();
  }

  // -- what happens --

  void push(const std::vector<int>& records, const std::vector<control>& behind = {},
            std::uint32_t channel = 0) {
    auto in = std::make_shared<batch<int>>();
    for (const auto each : records)
      in->append(each, event_time::none(), origin{static_cast<std::uint64_t>(each), 0, 0},
                 key_hash(each % 3) + 1);
    for (const auto& each : behind)
      static_cast<batch_base&>(*in).append(each);
    caf::anon_send(row[0].actor, channel_id{channel}, batch_handle{std::move(in)});
    if (runs_at_once)
      world.run();
  }

  void barrier(std::uint64_t n, std::uint32_t channel = 0) {
    push({}, {control::barrier(n)}, channel);
  }

  /// Completes the oldest call for the record.
  void complete(int record, std::size_t i = 0) {
    row[i].function.take(record).complete(record);
    if (runs_at_once)
      world.run();
  }

  void fail(int record, std::size_t i = 0) {
    row[i].function.take(record).fail({"refused", "store", "no"});
    if (runs_at_once)
      world.run();
  }

  void grant(std::int64_t records) {
    caf::anon_send(row.back().actor, lane_id{0, 0}, credit{records, 1'000'000}, batch_handle{});
    if (runs_at_once)
      world.run();
  }

  /// Whether each of these lets all follow that can.
  bool runs_at_once = true;

  // -- what is seen --

  std::string transcript() { return log.take(); }

  /// What operator `i` held at barrier `n`: "1 running 2 finished w5 | 3 end", which is entries | waiting input.
  std::string held_at(std::uint64_t n, std::size_t i = 0) {
    const auto found = row[i].states.find(n);
    if (found == row[i].states.end())
      return "not saved";
    const auto& of = found->second;
    std::string all;
    for (const auto& each : of.held.entries)
      if (const auto* border = std::get_if<control>(&each)) {
        all += text_of(*border) + " ";
      } else {
        const auto& one = std::get<0>(each);
        all += std::to_string(one.value)
               + (one.finished       ? " finished "
                  : one.running      ? " running "
                  : one.backoff_left ? " backing off "
                                     : " waiting ");
      }
    all += of.held.input_ended ? "ended |" : "|";
    for (batch_cursor at; !at.at_end(of.waiting);)
      all += " "
             + (at.at_control(of.waiting) ? text_of(of.waiting.controls()[at.control++].what)
                                          : std::to_string(of.waiting.value(at.record++)));
    return all;
  }

  static std::string text_of(const control& what) {
    switch (what.kind()) {
      case control_kind::watermark:
        return "w" + std::to_string(what.event_time().ms());
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

  journal log;
  std::vector<member> row;
  actor_world world;
  /// Records that have left the last operator, and how many of them in front of each barrier.
  std::vector<int> left;
  std::map<std::uint64_t, std::size_t> left_before;
  /// Batches that the senders of the first operator have got back.
  std::size_t given_back = 0;

private:
  operator_stage_parts& parts_of(std::size_t i) {
    if (row[i].parts == nullptr) {
      row[i].parts = std::make_shared<operator_stage_parts>();
      row[i].parts->plan.types = {&typeid(int), &typeid(int)};
      row[i].parts->plan.make = [this, i](operator_parts of) {
        return std::make_unique<async_operator_body<scripted_function>>(
          std::move(of), scripted_function{[this, i](const function_context&) -> function_script& {
                                             return row[i].function;
                                           },
                                           log});
      };
    }
    return *row[i].parts;
  }

  void spawn(std::size_t i, std::uint64_t from) {
    auto& of = row[i];
    of.function.held.clear();
    // An actor keeps its parts.
    auto parts = std::make_shared<operator_stage_parts>();
    parts->plan = parts_of(i).plan;
    parts->instance.id = {static_cast<std::uint32_t>(i)};
    parts->instance.context = {"test", parts->plan.options.name, 0, 1};
    parts->instance.job = caf::actor_cast<job_actor>(around_);
    parts->instance.channels = i == 0 ? channels : 1;
    parts->instance.batches.records = batch_records;
    const auto to = i + 1 < row.size() ? caf::actor_cast<batch_receiver>(row[i + 1].actor)
                                       : caf::actor_cast<batch_receiver>(around_);
    parts->instance.results.push_back({{{to, {0}, 0}}, {}, {}});
    parts->probe = std::make_shared<operator_probe>();
    parts->coordinator = caf::actor_cast<coordinator_actor>(around_);
    parts->blocks = blocks_;
    if (from != 0)
      parts->restored = of.states.at(from).bytes;
    of.parts = parts;
    of.actor = world.system().spawn(operator_stage, std::move(parts));
  }

  void end_all() {
    for (auto& each : row)
      if (each.actor)
        caf::anon_send_exit(each.actor, caf::exit_reason::kill);
    if (around_)
      caf::anon_send_exit(around_, caf::exit_reason::kill);
    world.run();
    for (auto& each : row)
      each.actor = nullptr;
    around_ = nullptr;
    for (auto& each : row)
      each.function.held.clear();
    world.run();
  }

  caf::behavior behavior() {
    return {
      [this](attach_atom, channel_id, lane_id lane, const credit_receiver& from) {
        caf::anon_send(from, lane, credit{room, room * 1'000'000}, batch_handle{});
      },
      [this](channel_id, batch_handle& in) { take(static_cast<const batch<int>&>(*in.batch)); },
      [this](lane_id, const credit&, batch_handle& empty) { given_back += empty.batch != nullptr; },
      [this](instance_id who, stage_event what) {
        if (what == stage_event::finished)
          log.note("finished " + name_of(who));
      },
      [this](instance_id who, const stage_failure& why) {
        log.note("failed " + name_of(who) + ": " + why.why.text());
      },
      [this](const instance_saved& of) { keep(of); },
      [this](const instance_unsaved& of) {
        log.note("unsaved " + std::to_string(of.checkpoint) + " by " + name_of(of.who) + ": "
                 + of.why.text());
      },
    };
  }

  std::string name_of(instance_id who) { return options(who.number).name; }

  void take(const batch<int>& in) {
    for (batch_cursor at; !at.at_end(in);)
      if (at.at_control(in)) {
        const auto& what = in.controls()[at.control++].what;
        log.note(text_of(what));
        if (what.kind() == control_kind::barrier)
          left_before[what.checkpoint()] = left.size();
      } else {
        left.push_back(in.value(at.record++));
        log.note("out " + std::to_string(left.back()));
      }
  }

  void keep(const instance_saved& of) {
    log.note("saved " + std::to_string(of.checkpoint) + " by " + name_of(of.who));
    const auto& codec = *find_record_codec(typeid(int));
    const stored_type_name name{codec.name, codec.version};
    auto bytes = std::make_shared<operator_state>(
      operator_state{*std::move(of.what->state), of.what->summary, name, name});
    stored_entry_reader reader{bytes->bytes, {&codec, 1}, {&codec, 1}, "op"};
    auto& kept = row[of.who.number].states[of.checkpoint];
    BOOST_TEST((kept.bytes == nullptr), "checkpoint " << of.checkpoint << " was saved twice");
    kept.held = read_snapshot<int, int>(reader);
    reader.read_waiting(kept.waiting);
    kept.channels = reader.read_channels();
    reader.end();
    kept.summary = of.what->summary;
    kept.bytes = std::move(bytes);
  }

  /// A barrier is the last element of its batch.
  static void check_barriers(const batch_base& in) {
    const auto& all = in.controls();
    for (std::size_t i = 0; i < all.size(); ++i)
      if (all[i].what.kind() == control_kind::barrier)
        BOOST_TEST((i + 1 == all.size() && all[i].before == in.records()),
                   "barrier " << all[i].what.checkpoint() << " is not the last of its batch");
  }

  std::shared_ptr<block_pool> blocks_ = std::make_shared<block_pool>();
  caf::actor around_;
};

} // namespace weir::testing
