// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A job's sinks without the job: they get records, prepare and commit by the numbers of checkpoints,
/// and start again from the last one, as the stages and the coordinator let them. The files may be
/// stopped at any call, after which process or machine die; what must then be visible is said by the
/// last checkpoint. One thread.

#include "weir/sink.hpp"

#include "../support/memory_files.hpp"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::testing {

/// A sink instance, whatever it takes. Record `i` is a line that the test knows.
class two_phase_sink {
public:
  virtual ~two_phase_sink() = default;
  virtual expected<void> open(const instance_context& who) = 0;
  virtual expected<std::vector<std::string>> recover(const sink_recovery& from) = 0;
  virtual expected<void> write(int i) = 0;
  virtual expected<void> prepare(std::uint64_t checkpoint, bool last) = 0;
  virtual pending_output pending() = 0;
  virtual expected<void> commit(std::uint64_t checkpoint) = 0;
};

template <class Sink>
class two_phase_sink_of final : public two_phase_sink {
public:
  using record = typename Sink::value_type;

  two_phase_sink_of(std::unique_ptr<Sink> sink, std::function<record(int)> make)
    : sink_(std::move(sink)),
      make_(std::move(make)) {}

  expected<void> open(const instance_context& who) override { return sink_->open(who); }
  expected<std::vector<std::string>> recover(const sink_recovery& from) override {
    return sink_->recover(from);
  }
  expected<void> write(int i) override {
    batch<record> in;
    in.append(make_(i), {}, {static_cast<std::uint64_t>(i), 0, 0});
    std::size_t next = 0;
    return done(sink_->write(in, next, 1));
  }
  expected<void> prepare(std::uint64_t checkpoint, bool last) override {
    return done(sink_->prepare(checkpoint, last));
  }
  pending_output pending() override { return sink_->pending(); }
  expected<void> commit(std::uint64_t checkpoint) override {
    return done(sink_->commit(checkpoint));
  }

private:
  static expected<void> done(const expected<poll_result>& of) {
    if (!of)
      return of.why();
    BOOST_TEST((of->state == poll_state::done));
    return {};
  }

  std::unique_ptr<Sink> sink_;
  std::function<record(int)> make_;
};

struct two_phase_stage {
  std::string name;
  std::function<std::unique_ptr<two_phase_sink>()> make;
  /// What all visible files of one instance must hold when the records up to `end` have been committed.
  std::function<std::string(int end, std::uint32_t instance)> wanted;
  /// What they hold, in the order of their names.
  std::function<std::string(const memory_files&, std::uint32_t instance)> visible;
};

/// Each stage gets all of 12 records, its two instances by turns. There is a checkpoint at the start of a
/// process, and one behind each third record; behind the sixth one more without a record between, and
/// one in front of it that comes to nothing.
class two_phase_job {
public:
  static constexpr int records = 12;
  static constexpr std::uint32_t instances = 2;

  enum class doing { recover, write, prepare, make_durable, commit };

  std::shared_ptr<memory_files> files;
  std::vector<two_phase_stage> stages;
  /// What it was at when it was stopped.
  std::map<doing, int> stopped_at;
  doing now = doing::recover;
  /// Syncs that say that they have succeeded and do nothing, by path.
  std::function<bool(const std::string& path)> left_out;

  static std::uint32_t instance_of(int i) { return static_cast<std::uint32_t>(i) % instances; }
  static bool is_of(int i, std::uint32_t instance) { return instance_of(i) == instance; }

  /// A new job in new files, in which there is the folder "out".
  void begin() {
    files = std::make_shared<memory_files>();
    files->put_folder("out");
    files->leave_out_syncs(left_out);
    durable_ = {};
  }

  /// A run that nothing stops. Gives what is wrong, else nothing.
  std::string run() {
    begin();
    bool finished = false;
    if (auto fault = run(finished); !fault.empty() || !finished)
      return fault + " and does not come to its end";
    return unlike(records, "at the end");
  }

  /// Stops it at each call and again later, with all kinds of death. Gives what is wrong, a line each,
  /// at most 100 of them. `seeds`: how many losses of power each.
  std::vector<std::string> run_with_all_stops(std::int64_t seeds = 6) {
    std::vector<std::string> faults;
    bool met = true;
    for (std::uint64_t n = 1; met && faults.size() < 100; ++n)
      for (std::int64_t seed = -1; seed < seeds; ++seed)
        if (auto fault = run_with_stops(n, 1 + n * 7 % 23, seed, met); !fault.empty())
          faults.push_back("stopped at call " + std::to_string(n) + ", seed " + std::to_string(seed)
                           + ": " + fault);
    return faults;
  }

  /// Lets each call fail once, starts it again in the same process, and stops it later. Gives what is wrong,
  /// as `run_with_all_stops`.
  std::vector<std::string> run_with_all_failures(std::int64_t seeds = 3) {
    std::vector<std::string> faults;
    bool met = true;
    for (std::uint64_t n = 1; met && faults.size() < 100; ++n)
      for (std::int64_t seed = -1; seed < seeds; ++seed)
        if (auto fault = run_with_failure(n, 1 + n * 11 % 29, seed, met); !fault.empty())
          faults.push_back("failed at call " + std::to_string(n) + ", seed " + std::to_string(seed)
                           + ": " + fault);
    return faults;
  }

private:
  /// Lets call `n` fail and, when it is started again, stops it at call `m`.
  std::string run_with_failure(std::uint64_t n, std::uint64_t m, std::int64_t seed, bool& met) {
    begin();
    files->fail_call(n, EIO);
    bool finished = false;
    if (auto fault = run(finished); !fault.empty())
      return fault;
    met = files->was_met();
    files->heal();
    // Of a folder that could not be synced nobody can ever say what the disk has of it.
    if (files->transcript().find("sync out: ") != std::string::npos)
      return {};
    for (const auto stop : {m, std::uint64_t{0}}) {
      if (finished)
        break;
      if (stop != 0)
        files->stop_at_call(stop);
      if (auto fault = run(finished); !fault.empty())
        return fault;
      if (seed < 0)
        files->end_process();
      else
        files->lose_power(static_cast<std::uint64_t>(seed));
    }
    return finished ? unlike(records, "at the end") : "does not come to its end";
  }

  /// Stops it at call `n` and, when it is started again, at call `m`; then lets it come to its end.
  /// `seed` as that of `lose_power`, and -1: the process alone dies.
  std::string run_with_stops(std::uint64_t n, std::uint64_t m, std::int64_t seed, bool& met) {
    begin();
    met = false;
    for (const auto stop : {n, m, std::uint64_t{0}}) {
      if (stop != 0)
        files->stop_at_call(stop);
      bool finished = false;
      if (auto fault = run(finished); !fault.empty())
        return fault;
      met = met || (stop == n && files->was_met());
      if (!finished && stop == 0)
        return "does not come to its end";
      if (seed < 0)
        files->end_process();
      else
        files->lose_power(static_cast<std::uint64_t>(seed));
      if (finished)
        return unlike(records, "at the end");
    }
    return {};
  }

  /// One process, until it dies or comes to its end.
  std::string run(bool& finished) {
    finished = false;
    std::string fault;
    {
      launch of{*this};
      fault = of.run(finished);
    }
    if (!finished && fault.empty())
      ++stopped_at[now];
    else if (fault.empty() && files->open_files() != 0)
      return "leaves files open";
    return fault;
  }

  struct checkpoint {
    std::uint64_t id = 0;
    /// By stages.
    std::vector<std::vector<std::string>> states{};
    int position = 0;
  };

  class launch {
  public:
    explicit launch(two_phase_job& job) : job_(job) {}

    std::string run(bool& finished) {
      job_.now = doing::recover;
      if (!open())
        return {};
      // With what is pending visible, and nothing else.
      if (auto fault = job_.unlike(job_.durable_.position, "when it goes on"); !fault.empty())
        return fault;
      const int begin = job_.durable_.position;
      if (!make_checkpoint(begin, begin == records))
        return {};
      for (int i = begin; i < records; ++i) {
        job_.now = doing::write;
        for (auto& stage : sinks_)
          if (!stage[instance_of(i)]->write(i))
            return {};
        const bool is_last = i + 1 == records;
        for (int round = 0; round < checkpoints_behind(i + 1); ++round)
          if (!make_checkpoint(i + 1, is_last))
            return {};
      }
      finished = true;
      return {};
    }

  private:
    static int checkpoints_behind(int position) {
      return position % 3 != 0 ? 0 : position == 6 ? 3 : 1;
    }

    bool open() {
      const auto& from = job_.durable_;
      for (std::size_t s = 0; s < job_.stages.size(); ++s) {
        auto& of = sinks_.emplace_back();
        for (std::uint32_t n = 0; n < instances; ++n) {
          of.push_back(job_.stages[s].make());
          instance_context who{"job", job_.stages[s].name, n, instances};
          who.checkpointed = true;
          who.checkpoint = from.id;
          if (!of.back()->open(who))
            return false;
        }
      }
      for (std::size_t s = 0; s < job_.stages.size(); ++s) {
        sink_recovery how{from.id, {}, newer_output::refuse};
        if (!from.states.empty())
          how.states = from.states[s];
        if (!sinks_[s].front()->recover(how))
          return false;
      }
      return true;
    }

    bool make_checkpoint(int position, bool is_last) {
      const auto id = ++next_id_ + job_.durable_.id;
      checkpoint made{id, {}, position};
      std::vector<unique_function<expected<void>()>> tasks;
      job_.now = doing::prepare;
      for (auto& stage : sinks_) {
        auto& states = made.states.emplace_back();
        for (auto& each : stage) {
          if (!each->prepare(id, is_last))
            return false;
          auto ready = each->pending();
          states.push_back(std::move(ready.state));
          if (ready.make_durable)
            tasks.push_back(std::move(ready.make_durable));
        }
      }
      // The round is dropped: nobody hears of it again.
      if (position == 6 && !std::exchange(has_dropped_one_, true))
        return true;
      job_.now = doing::make_durable;
      for (auto& each : tasks)
        if (!each())
          return false;
      job_.durable_ = std::move(made);
      next_id_ = 0;
      job_.now = doing::commit;
      for (auto& stage : sinks_)
        for (auto& each : stage)
          if (!each->commit(id))
            return false;
      return true;
    }

    two_phase_job& job_;
    std::vector<std::vector<std::unique_ptr<two_phase_sink>>> sinks_;
    std::uint64_t next_id_ = 0;
    bool has_dropped_one_ = false;
  };

  std::string unlike(int position, const std::string& when) const {
    for (const auto& stage : stages)
      for (std::uint32_t n = 0; n < instances; ++n) {
        const auto wanted = stage.wanted(position, n);
        if (const auto seen = stage.visible(*files, n); seen != wanted)
          return when + ", from checkpoint " + std::to_string(durable_.id) + ", " + stage.name + " "
                 + std::to_string(n) + " shows\n" + seen + "and not\n" + wanted;
      }
    for (const auto& name : files->names("out"))
      if (name.starts_with('.') && !name.ends_with(".lock") && !name.ends_with(".run"))
        return when + ", from checkpoint " + std::to_string(durable_.id) + ", there is " + name;
    return {};
  }

  /// As a store has it, whatever dies.
  checkpoint durable_;
};

} // namespace weir::testing
