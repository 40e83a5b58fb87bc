// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A little language for tests of whole jobs under virtual time: `add_source`, `add_operator`,
/// `add_sink`, `start`, `push`, `complete`, `fail`, `feed`, `advance`, `drain`, `cancel`, and
/// `transcript()`, which is what has happened since it was last read. No threads; every verb runs the
/// job until nothing more can happen at that time.

#include "actor_world.hpp"
#include "job_scripts.hpp"

#include "weir/job_runner.hpp"

#include <initializer_list>
#include <typeinfo>

namespace weir::testing {

struct job_fixture {
  using ms = std::chrono::milliseconds;

  job_fixture() {
    plan.name = "test";
    settings.wait_for_fd = [this](const fd_wait& what, std::function<void()> ready) {
      fds.wait(what, std::move(ready));
    };
  }

  ~job_fixture() {
    end_job();
    for (const auto& [instance, function] : functions)
      BOOST_TEST(function.closed == function.opened, instance << " was opened " << function.opened
                                                              << " times and closed "
                                                              << function.closed);
  }

  job_fixture(const job_fixture&) = delete;
  job_fixture& operator=(const job_fixture&) = delete;

  /// Ends what still runs of it.
  void end_job() {
    // It looks at variables of a test that is over.
    world.watch(nullptr);
    if (runner && started && !result) {
      runner->cancel();
      world.run();
      for (int seconds = 0; !result && seconds < 10; ++seconds)
        world.advance(ms{1000});
      if (!result) {
        BOOST_ERROR("the job did not end after it was cancelled");
        // What still runs may use it.
        static_cast<void>(runner.release());
      }
    }
    runner.reset();
  }

  // -- what a test says before it starts: each stage follows the one that was added before it --

  source_plan& add_source(const std::string& name) {
    source_plan of;
    of.make = [this] {
      return std::make_unique<typed_source_body<int>>(std::make_unique<scripted_source>(
        [this](const instance_context& who) -> source_script& { return script(sources, who); },
        log));
    };
    add({name, 0, std::move(of)});
    return std::get<source_plan>(plan.stages.back().what);
  }

  /// No timeout, capacity and failures as the defaults are.
  operator_options& add_operator(const std::string& name, output_mode mode = output_mode::ordered,
                                 std::uint32_t parallelism = 1) {
    operator_plan of;
    of.options.name = name;
    of.options.timeout = duration{0};
    of.mode = mode;
    of.types = {&typeid(int), &typeid(int)};
    of.make = [this](operator_parts parts) {
      return std::make_unique<async_operator_body<scripted_function>>(
        std::move(parts),
        scripted_function{[this](const function_context& who) -> function_script& {
                            auto& does = functions[key(who.name, who.subtask)];
                            if (!plan.pools.empty())
                              does.pool = {0, plan.pools.front().statements.get()};
                            return does;
                          },
                          log});
    };
    add({name, parallelism, std::move(of)});
    return std::get<operator_plan>(plan.stages.back().what).options;
  }

  void add_sink(const std::string& name, std::uint32_t parallelism = 1) {
    add({name, parallelism, sink_of<int>()});
  }

  /// Takes the dead letters of the stage `of`.
  void add_dead_letter_sink(const std::string& of, const std::string& name) {
    const auto from = number_of(of);
    plan.stages.push_back({name, 0, sink_of<dead_letter<int>>()});
    plan.edges.push_back({from, output_kind::dead_letters, plan.stages.size() - 1});
  }

  /// A pool with the one statement that functions ask.
  void add_pool(const std::string& name) {
    pool_plan pool;
    pool.name = name;
    pool.statements->push_back({"look up", 1});
    pool.make = [this](const driver_settings& of) -> expected<std::unique_ptr<client_driver>> {
      return std::unique_ptr<client_driver>{new scripted_driver{drivers[of.pool], log}};
    };
    pool.settings.pool = name;
    plan.pools.push_back(std::move(pool));
  }

  /// source in -> operator op -> sink out
  operator_options& add_line(output_mode mode = output_mode::ordered) {
    add_source("in");
    add_operator("op", mode);
    add_sink("out");
    return std::get<operator_plan>(plan.stages[1].what).options;
  }

  /// What is wrong with the plan or its drivers; none: the job runs.
  std::vector<error> try_to_start() {
    runner = std::make_unique<job_runner>(world.system(), plan, settings);
    auto mistakes = runner->start([this](job_result with) {
      log.note("ended " + text(with));
      result = std::move(with);
    });
    started = mistakes.empty();
    return mistakes;
  }

  void start() {
    const auto mistakes = try_to_start();
    BOOST_REQUIRE_MESSAGE(mistakes.empty(), (mistakes.empty() ? "" : mistakes.front().text()));
    world.run();
  }

  // -- what happens --

  void push(std::initializer_list<int> records) {
    for (const auto record : records)
      sources["in"].items.push_back({record});
    wake("in");
  }
  void push(int record, std::int64_t timestamp) {
    sources["in"].items.push_back({record, event_time{timestamp}});
    wake("in");
  }
  /// `count` records from `first` on.
  void push_many(int first, int count) {
    for (int i = 0; i < count; ++i)
      sources["in"].items.push_back({first + i});
    wake("in");
  }
  void end() {
    sources["in"].ended = true;
    wake("in");
  }
  /// Lets a source look again.
  void wake(const std::string& source) {
    fds.make_ready(sources[source].fd);
    world.run();
  }

  /// Completes the oldest open call for this record, with ten times the record.
  void complete(int record, const std::string& function = "op") {
    functions[function].take(record).complete(10 * record);
    world.run();
  }
  void fail(int record, std::string_view kind, const std::string& function = "op") {
    functions[function].take(record).fail({kind, "service", "it said no"});
    world.run();
  }

  /// The store answers the question about this record.
  void answer(int record, const std::string& pool = "store") {
    drivers[pool].answer(record);
    world.run();
  }

  /// A sink takes so many records more.
  void feed(std::size_t appetite, const std::string& sink = "out") {
    sinks[sink].appetite += appetite;
    fds.make_ready(sinks[sink].fd);
    world.run();
  }
  void make_ready(const std::string& sink) {
    fds.make_ready(sinks[sink].fd);
    world.run();
  }

  void advance(duration by) { world.advance(by); }

  void drain(duration deadline) {
    runner->drain(deadline);
    world.run();
  }
  void cancel() {
    runner->cancel();
    world.run();
  }

  // -- what came of it --

  std::string transcript() { return log.take(); }

  const std::vector<int>& written(const std::string& sink = "out") { return sinks[sink].values; }

  operator_status status(std::size_t number = 0) { return runner->status().operators.at(number); }

  static std::string text(const job_result& of) {
    switch (of.end) {
      case job_end::done:
        return "done";
      case job_end::drained:
        return of.checkpoint ? "drained" + kept_text(of)
                             : "drained, " + std::to_string(of.left_behind) + " left behind";
      case job_end::stopped:
        return "stopped" + kept_text(of);
      case job_end::cancelled:
        return "cancelled";
      case job_end::failed:
        break;
    }
    std::string line = "failed";
    for (const auto& why : of.why)
      line += " " + why.thing() + " " + why.kind();
    return line + (of.record.empty() ? "" : " at " + of.record);
  }

  static std::string kept_text(const job_result& of) {
    if (!of.checkpoint)
      return " without a checkpoint";
    auto line = " at " + std::to_string(*of.checkpoint) + ", " + std::to_string(of.held) + " held";
    for (const auto& why : of.why)
      line += ", since " + why.text();
    return line;
  }

  /// The scripts of instances: by the stage's name, and from the second on `name.1`.
  std::map<std::string, source_script> sources;
  std::map<std::string, function_script> functions;
  std::map<std::string, sink_script> sinks;
  std::map<std::string, driver_script> drivers;

  journal log;
  descriptors fds;
  actor_world world;
  job_plan plan;
  run_settings settings;
  bool started = false;
  std::optional<job_result> result;
  std::unique_ptr<job_runner> runner;

private:
  static std::string key(const std::string& stage, std::uint32_t subtask) {
    return subtask == 0 ? stage : stage + "." + std::to_string(subtask);
  }

  template <class Scripts>
  typename Scripts::mapped_type& script(Scripts& all, const instance_context& who) {
    auto& found = all[key(who.stage, who.subtask)];
    if (found.fd < 0)
      found.fd = fds.make();
    return found;
  }

  template <class T>
  sink_plan sink_of() {
    return {[this] {
      return std::make_unique<typed_sink_body<T>>(std::make_unique<scripted_sink<T>>(
        [this](const instance_context& who) -> sink_script& { return script(sinks, who); }, log));
    }};
  }

  void add(stage_plan stage) {
    plan.stages.push_back(std::move(stage));
    if (plan.stages.size() > 1)
      plan.edges.push_back({plan.stages.size() - 2, output_kind::results, plan.stages.size() - 1});
  }

  std::size_t number_of(const std::string& stage) const {
    const auto at = std::find_if(plan.stages.begin(), plan.stages.end(),
                                 [&](const stage_plan& each) { return each.name == stage; });
    return static_cast<std::size_t>(at - plan.stages.begin());
  }
};

} // namespace weir::testing
