// SPDX-License-Identifier: Apache-2.0
#pragma once

/// One source instance as its actor runs it, in virtual time, whose neighbours (the job, the
/// coordinator of checkpoints, the receiver of each output) are all played by one actor of the test's:
/// `start`, `push`, `give`, `request`, `drain`, `crash_and_restore`. What it has done since it was last
/// asked is in `transcript()`. No threads.

#include "actor_world.hpp"
#include "job_scripts.hpp"

#include "source_stage.hpp"

#include "weir/source_body.hpp"

#include <caf/actor_cast.hpp>
#include <caf/event_based_actor.hpp>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir::testing {

struct source_rig {
  /// A record, or, where it has no value, a control element.
  struct element {
    std::optional<int> value;
    event_time timestamp;
    std::optional<control> what;
  };

  struct answer {
    /// Null: it could not say.
    std::shared_ptr<const instance_summary> summary;
    std::optional<error> why;
    /// What had left on each output before the barrier.
    std::vector<std::size_t> left_before;
  };

  source_rig() {
    script.fd = fds.make();
    left.resize(1);
  }

  ~source_rig() {
    kill();
    if (neighbour_)
      caf::anon_send_exit(neighbour_, caf::exit_reason::kill);
    world.run_messages();
  }

  source_rig(const source_rig&) = delete;
  source_rig& operator=(const source_rig&) = delete;

  // -- before it starts --

  void add_dead_letters() { left.resize(2); }

  // -- what happens --

  /// Spawns and opens it.
  void open(std::shared_ptr<const instance_summary> restored = {}) {
    if (!neighbour_)
      neighbour_ = world.system().spawn(
        [](caf::event_based_actor* self, source_rig* of) { return of->play(self); }, this);
    auto parts = std::make_shared<source_parts>();
    auto& of = parts->instance;
    of.context = {"test", "in", 0, 1, checkpointed, 0, {}};
    of.job = caf::actor_cast<job_actor>(neighbour_);
    of.batches = batches;
    of.results.push_back({{{caf::actor_cast<batch_receiver>(neighbour_), {0}}}, {}, {}});
    if (left.size() > 1)
      of.dead_letters.push_back({{{caf::actor_cast<batch_receiver>(neighbour_), {1}}}, {}, {}});
    of.wait_for_fd = [this](const fd_wait& what, std::function<void()> ready) {
      fds.wait(what, std::move(ready));
    };
    parts->body = std::make_unique<typed_source_body<int>>(std::make_unique<scripted_source>(
      [this](const instance_context&) -> source_script& { return script; }, log));
    parts->controls.how = watermarks;
    if (times)
      parts->controls.times = times();
    if (generator)
      parts->controls.generator = generator();
    parts->read_wall_clock = [this] {
      return event_time{(world.now() + wall_offset).time_since_epoch()
                        / std::chrono::milliseconds{1}};
    };
    probe = std::make_shared<source_probe>();
    parts->probe = probe;
    if (checkpointed)
      parts->coordinator = caf::actor_cast<coordinator_actor>(neighbour_);
    parts->restored = std::move(restored);
    source_ = world.system().spawn(source_stage, std::move(parts));
    caf::anon_send(source_, caf::open_atom::value);
    world.run_messages();
  }

  void run() {
    caf::anon_send(source_, run_atom::value);
    world.run();
  }

  void start(std::shared_ptr<const instance_summary> restored = {}) {
    open(std::move(restored));
    run();
  }

  void push(std::initializer_list<int> records) {
    for (const auto record : records)
      script.items.push_back({record});
    wake();
  }
  void push(int record, std::int64_t timestamp, bool unreadable = false) {
    script.items.push_back({record, event_time{timestamp}, unreadable});
    wake();
  }
  void end() {
    script.ended = true;
    wake();
  }
  void wake() {
    fds.make_ready(script.fd);
    world.run();
  }

  /// The receivers take so many records more.
  void give(std::int64_t records) {
    for (std::uint32_t output = 0; output < left.size(); ++output)
      caf::anon_send(source_, lane_id{output, 0}, credit{records, records * 1000}, batch_handle{});
    world.run();
  }

  /// Its answer comes when it has run.
  void send_request(std::uint64_t checkpoint, bool last = false) {
    caf::anon_send(source_, checkpoint_request{checkpoint, last});
  }
  void request(std::uint64_t checkpoint, bool last = false) {
    send_request(checkpoint, last);
    world.run();
  }

  void drain() {
    caf::anon_send(source_, drain_atom::value);
    world.run();
  }

  /// It ends with all that is under way.
  void kill() {
    if (source_)
      caf::anon_send_exit(source_, caf::exit_reason::kill);
    world.run_messages();
    source_ = nullptr;
    fds = {};
    script.fd = fds.make();
  }

  /// As a new instance, from the answer for this checkpoint; what had left behind its barrier is gone.
  void crash_and_restore(std::uint64_t checkpoint) {
    kill();
    const auto& from = answers.at(checkpoint);
    for (std::size_t output = 0; output < left.size(); ++output)
      left[output].resize(from.left_before[output]);
    log.take();
    start(from.summary);
  }

  // -- what came of it --

  const source_actor& source() const { return source_; }

  std::string transcript() { return log.take(); }

  static std::string text(const element& of) {
    if (of.value)
      return std::to_string(*of.value);
    switch (of.what->kind()) {
      case control_kind::watermark:
        return "watermark " + std::to_string(of.what->event_time().ms());
      case control_kind::idle:
        return "idle";
      case control_kind::active:
        return "active";
      case control_kind::barrier:
        return "barrier " + std::to_string(of.what->checkpoint());
      case control_kind::end:
        break;
    }
    return "end";
  }

  std::uint64_t counted(std::uint64_t checkpoint, const std::string& name) const {
    for (const auto& each : answers.at(checkpoint).summary->counters)
      if (each.name == name)
        return each.count;
    return UINT64_MAX;
  }

  // -- settings, and what a test looks at --

  source_script script;
  watermark_strategy watermarks;
  event_time_reader_maker times;
  generator_maker generator;
  batch_limits batches;
  bool checkpointed = true;
  /// Credit that the receivers give at once.
  std::int64_t first_credit = 1'000'000;
  /// What the system's time is ahead of the world's.
  duration wall_offset{};

  actor_world world;
  journal log;
  descriptors fds;
  std::shared_ptr<source_probe> probe;
  /// What has left on each output; dead letters are the second.
  std::vector<std::vector<element>> left;
  /// By checkpoint; the last of each.
  std::map<std::uint64_t, answer> answers;
  /// Told of each batch before it is taken apart.
  std::function<void(std::uint32_t output, const batch_handle&)> on_batch;

private:
  caf::behavior play(caf::event_based_actor* self) {
    return {
      [this, self](attach_atom, channel_id, lane_id lane, const credit_receiver& from) {
        self->send(from, lane, credit{first_credit, first_credit * 1000}, batch_handle{});
      },
      [this](channel_id output, batch_handle& in) {
        if (on_batch)
          on_batch(output.number, in);
        if (output.number == 0)
          take(output.number, static_cast<batch<int>&>(*in.batch));
        else
          take(output.number, static_cast<batch<dead_letter<int>>&>(*in.batch));
      },
      [this](instance_id, stage_event what) {
        log.note(what == stage_event::opened     ? "opened"
                 : what == stage_event::finished ? "finished"
                                                 : "cut short");
      },
      [this](instance_id, const stage_failure& what) { log.note("failed: " + what.why.text()); },
      [this](const stage_failure& what) { log.note("failed: " + what.why.text()); },
      [this](const instance_saved& of) { take(of); },
      [this](const instance_unsaved& of) {
        note_answer(of.checkpoint, {nullptr, of.why, {}});
        log.note("unsaved " + std::to_string(of.checkpoint) + ": " + of.why.text());
      },
    };
  }

  static int number(int x) { return x; }
  static int number(const dead_letter<int>& x) { return x.value; }

  void note(std::uint32_t output, const element& of) {
    left[output].push_back(of);
    log.note((output == 0 ? "" : "dead ") + text(of));
  }

  template <class T>
  void take(std::uint32_t output, batch<T>& in) {
    for (batch_cursor at; !at.at_end(in);) {
      if (!at.at_control(in)) {
        note(output, {number(in.value(at.record)), in.timestamp(at.record), {}});
        ++at.record;
        continue;
      }
      const auto what = in.controls()[at.control++].what;
      if (what.kind() == control_kind::barrier)
        BOOST_TEST(at.at_end(in), "a barrier is not the last element of its batch");
      note(output, {{}, {}, what});
    }
  }

  void note_answer(std::uint64_t checkpoint, answer of) {
    for (const auto& output : left) {
      std::size_t place = output.size();
      for (std::size_t i = 0; i < output.size(); ++i)
        if (output[i].what == control::barrier(checkpoint))
          place = i;
      of.left_before.push_back(place);
    }
    answers[checkpoint] = std::move(of);
  }

  void take(const instance_saved& of) {
    const auto summary = std::make_shared<const instance_summary>(of.what->summary);
    note_answer(of.checkpoint, {summary, {}, {}});
    auto line = "saved " + std::to_string(of.checkpoint) + " at";
    for (const auto& each : summary->positions)
      line += " " + each.position;
    if (!summary->times) {
      log.note(line + " without times");
      return;
    }
    if (summary->times->watermark.has_value())
      line += ", watermark " + std::to_string(summary->times->watermark.ms());
    log.note(line + (summary->times->idle ? ", idle" : "")
             + (summary->times->ended ? ", ended" : ""));
  }

  caf::actor neighbour_;
  source_actor source_;
};

} // namespace weir::testing
