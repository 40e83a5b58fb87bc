// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A little language for tests of services under virtual time: `add`, `start`, `push`, `push_tracked`,
/// `wait_in_line` (a coroutine), `complete`, `fail`, `advance`, and `transcript()`, which is what has happened
/// since it was last read. No threads; every verb runs the job until nothing more can happen at that time.
/// Records are numbers; a result is ten times its record.

#include "actor_world.hpp"
#include "job_scripts.hpp"

#include "weir/async_service.hpp"
#include "weir/job_runner.hpp"

#include <coroutine>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir::testing {

/// A coroutine that nobody waits for. It can be destroyed while it waits.
class loose_coroutine {
public:
  struct promise_type {
    loose_coroutine get_return_object() {
      return loose_coroutine{std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { throw; }
  };

  loose_coroutine(loose_coroutine&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
  loose_coroutine& operator=(loose_coroutine&& other) noexcept {
    std::swap(of_, other.of_);
    return *this;
  }
  ~loose_coroutine() {
    if (of_)
      of_.destroy();
  }

private:
  explicit loose_coroutine(std::coroutine_handle<promise_type> of) : of_(of) {}
  std::coroutine_handle<promise_type> of_;
};

inline std::string text(const settlement& of) {
  switch (of.kind) {
    case settlement_kind::delivered:
      return "delivered " + std::to_string(of.results);
    case settlement_kind::dropped:
      return "dropped, " + of.why.kind();
    case settlement_kind::dead_letter:
      return "dead letter, " + of.why.kind();
    case settlement_kind::lost:
      return "lost, " + of.why.kind();
  }
  return {};
}

inline std::string text(push_result of) {
  return of == push_result::taken ? "taken" : of == push_result::full ? "full" : "closed";
}

struct service_fixture {
  using ms = std::chrono::milliseconds;
  using settings_type = service_settings<int, int>;

  service_fixture() {
    options.name = "ask";
    options.timeout = duration{0};
  }

  ~service_fixture() {
    // What watches may have been the test's own.
    world.watch(nullptr);
    waiting.clear();
    if (runner && !result) {
      runner->cancel();
      world.run();
      if (!result) {
        BOOST_ERROR("the job did not end after it was cancelled");
        static_cast<void>(runner.release());
      }
    }
  }

  service_fixture(const service_fixture&) = delete;
  service_fixture& operator=(const service_fixture&) = delete;

  // -- what a test says before it starts --

  scripted_function function() {
    return scripted_function{[this](const function_context& who) -> function_script& {
                               return functions[who.name + (who.subtask > 0 ? ".1" : "")];
                             },
                             log};
  }

  /// What tells the transcript of all that a service can tell.
  settings_type telling() {
    settings_type to;
    to.waiting_max = waiting_max;
    to.on_result = [this](int&& x, const record_facts& of) {
      log.note("result " + std::to_string(x)
               + (of.timestamp.has_value() ? " @" + std::to_string(of.timestamp.ms()) : ""));
      if (on_result)
        on_result(x, of);
    };
    to.on_dead_letter = [this](dead_letter<int>&& x) {
      log.note("dead letter " + std::to_string(x.value) + " " + x.why.kind());
    };
    to.on_watermark = [this](event_time at) { log.note("watermark " + std::to_string(at.ms())); };
    return to;
  }

  pusher<int>& add(output_mode mode = output_mode::ordered) { return add(mode, telling()); }

  pusher<int>& add(output_mode mode, settings_type to) {
    switch (mode) {
      case output_mode::ordered:
        service = async_service::ordered(env, function(), options, std::move(to));
        break;
      case output_mode::unordered:
        service = async_service::unordered(env, function(), options, std::move(to));
        break;
      case output_mode::key_ordered:
        service = async_service::key_ordered(
          env, [](int x) { return x / 10; }, function(), options, std::move(to));
        break;
    }
    return *service;
  }

  std::vector<error> try_to_start(const std::string& name = "test") {
    result.reset();
    auto plan = env.plan();
    plan.name = name;
    runner = std::make_unique<job_runner>(world.system(), plan, settings);
    auto mistakes = runner->start([this](job_result with) {
      std::string line = with.end == job_end::done        ? "done"
                         : with.end == job_end::cancelled ? "cancelled"
                         : with.end == job_end::drained
                           ? "drained, " + std::to_string(with.left_behind) + " left behind"
                           : "failed, " + with.why.front().text();
      log.note("ended " + line + (with.record.empty() ? "" : ", at " + with.record));
      result = std::move(with);
    });
    if (!mistakes.empty())
      runner.reset();
    return mistakes;
  }

  void start() {
    const auto mistakes = try_to_start();
    BOOST_REQUIRE_MESSAGE(mistakes.empty(), (mistakes.empty() ? "" : mistakes.front().text()));
    world.run();
    log.take();
  }

  // -- what happens --

  /// What comes of each push, in one line; the job runs afterwards.
  std::string push(std::initializer_list<int> records) {
    std::string all;
    for (const auto x : records)
      all += (all.empty() ? "" : " ") + text(service->try_push(x));
    world.run();
    return all;
  }

  /// Tells the transcript when the ticket settles.
  void push_tracked(int x) {
    const auto made = service->try_push_tracked(x);
    if (!made)
      log.note("full " + std::to_string(x));
    else
      made->on_settled([this, x](const settlement& how) {
        log.note("ticket " + std::to_string(x) + " " + text(how));
      });
    world.run();
  }

  /// A coroutine that awaits room for the record, and says so.
  void wait_in_line(int x) {
    waiting.insert_or_assign(x, await(x));
    world.run();
  }

  void complete(int record) {
    script_of(record).take(record).complete(10 * record);
    world.run();
  }
  void fail(int record, std::string_view kind) {
    script_of(record).take(record).fail({kind, "store", "it said no"});
    world.run();
  }
  void answer_at_once() {
    functions["ask"].answer = [](int x, result_future<int> done) { done.complete(10 * x); };
  }

  void finish() {
    service->finish();
    world.run();
  }
  void drain(duration deadline) {
    runner->drain(deadline);
    world.run();
  }
  void cancel() {
    runner->cancel();
    world.run();
  }
  void advance(duration by) { world.advance(by); }

  std::string transcript() { return log.take(); }
  operator_status status() { return runner->status().operators.at(0); }

  std::map<std::string, function_script> functions;
  journal log;
  actor_world world;
  environment env;
  operator_options options;
  std::optional<std::size_t> waiting_max;
  std::function<void(int, const record_facts&)> on_result;
  std::optional<pusher<int>> service;
  run_settings settings;
  std::map<int, loose_coroutine> waiting;
  std::optional<job_result> result;
  std::unique_ptr<job_runner> runner;

private:
  /// That of the instance which has called for the record.
  function_script& script_of(int record) {
    for (auto& [name, script] : functions)
      if (script.held.contains(record))
        return script;
    return functions["ask"];
  }

  loose_coroutine await(int x) {
    const auto pushed = co_await service->pushed(x);
    log.note((pushed ? "taken " : pushed.why().kind() + " ") + std::to_string(x));
  }
};

} // namespace weir::testing
