// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Sources, functions, sinks and drivers that do what a test has said, and write down what was done to
/// them. All records are numbers. One script a stage instance; it outlives the job.

#include "weir/async_function.hpp"
#include "weir/client_driver.hpp"
#include "weir/pool_client.hpp"
#include "weir/sink.hpp"
#include "weir/source.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace weir::testing {

/// What has happened, a line each.
class journal {
public:
  void note(const std::string& line) {
    if (!muted)
      lines_ += line + "\n";
  }

  /// The lines since it was last asked.
  std::string take() { return std::exchange(lines_, {}); }
  const std::string& peek() const noexcept { return lines_; }

  bool muted = false;

private:
  std::string lines_;
};

/// Descriptors that become ready when the test says so.
class descriptors {
public:
  int make() { return next_++; }

  void wait(const fd_wait& for_what, std::function<void()> ready) {
    waiting_[for_what.fd].push_back(std::move(ready));
  }

  std::size_t waiting() const {
    std::size_t sum = 0;
    for (const auto& [fd, all] : waiting_)
      sum += all.size();
    return sum;
  }

  void make_ready(int fd) {
    for (auto& ready : std::exchange(waiting_[fd], {}))
      ready();
  }

private:
  int next_ = 1000;
  std::map<int, std::vector<std::function<void()>>> waiting_;
};

// -- sources --

struct source_script {
  struct item {
    int value = 0;
    event_time timestamp{};
    /// It cannot be read: a dead letter.
    bool unreadable = false;
  };

  std::deque<item> items{};
  /// Those that were given: a source that goes on somewhere in front of them gives them again.
  std::deque<item> given_items{};
  bool ended = false;
  /// Most records a poll.
  std::size_t span = 1000;
  std::optional<error> open_error{};
  /// Met when `items` is empty.
  std::optional<error> poll_error{};
  /// What is said, or thrown, in the place of its position.
  std::optional<std::string> position_text{};
  std::optional<error> position_error{};
  bool throws_on_positions = false;
  bool throws_on_close = false;
  std::uint64_t given = 0;
  std::size_t polls = 0;
  int fd = -1;
};

class scripted_source final : public source<int> {
public:
  using finder = std::function<source_script&(const instance_context&)>;

  scripted_source(finder find, journal& log) : find_(std::move(find)), log_(log) {}

  expected<void> open(const instance_context& who) override {
    script_ = &find_(who);
    name_ = who.stage;
    log_.note("open " + name_);
    if (script_->open_error)
      return *script_->open_error;
    open_ = true;
    if (who.resume)
      go_to(std::stoull(who.resume->at(0).position));
    return {};
  }

  bool can_resume() const override { return true; }

  expected<std::vector<split_position>> positions() override {
    require_open("positions");
    if (script_->throws_on_positions)
      throw std::runtime_error("it does not know where it is");
    if (script_->position_error)
      return *script_->position_error;
    return std::vector<split_position>{
      {0, script_->position_text.value_or(std::to_string(script_->given))}};
  }

  std::string place() const override { return "script"; }

  expected<poll_result> poll(source_outputs& out) override {
    require_open("poll");
    ++script_->polls;
    auto& items = script_->items;
    for (std::size_t n = 0; n < script_->span && !items.empty() && out.has_room(); ++n) {
      const auto next = items.front();
      items.pop_front();
      script_->given_items.push_back(next);
      const origin from{script_->given++, 0, 0};
      if (!next.unreadable)
        out.records.emit(next.value, next.timestamp, from);
      else if (out.dead_letters != nullptr)
        out.dead_letters->emit(
          dead_letter<int>{next.value, {error_kind::bad_record, "in", ""}, 0, {}}, next.timestamp,
          from);
    }
    if (!items.empty())
      return poll_result{};
    if (script_->poll_error)
      return *script_->poll_error;
    if (script_->ended)
      return poll_result{poll_state::done, {}};
    return poll_result{poll_state::wait, {script_->fd, false}};
  }

  source_progress progress() const override {
    require_open("progress");
    return {script_->given, std::nullopt};
  }

  std::uint64_t skipped() const override {
    require_open("skipped");
    return 0;
  }

  void close() override {
    require_open("close");
    open_ = false;
    log_.note("close " + name_);
    if (script_->throws_on_close)
      throw std::runtime_error("it does not close");
  }

private:
  void go_to(std::uint64_t given) {
    auto& ahead = script_->items;
    auto& behind = script_->given_items;
    for (; script_->given > given; --script_->given) {
      ahead.push_front(behind.back());
      behind.pop_back();
    }
    for (; script_->given < given; ++script_->given) {
      behind.push_back(ahead.front());
      ahead.pop_front();
    }
  }

  void require_open(const char* asked) const {
    if (!open_)
      log_.note(name_ + " was asked for " + asked + " while it was not open");
  }

  finder find_;
  journal& log_;
  source_script* script_ = nullptr;
  std::string name_;
  bool open_ = false;
};

// -- functions --

struct function_script {
  /// Completes the call; without it the future is kept for the test.
  std::function<void(int, result_future<int>)> answer{};
  /// The call asks pool 0, with the record as argument; the record comes back as ten times itself.
  bool asks_pool = false;
  pool_id pool{};
  /// Called by a pool's answer before the future is completed.
  std::function<void(int)> on_answer{};
  /// Called when the function opens; may throw.
  std::function<void(function_context&)> on_open{};
  std::optional<error> open_error{};
  /// Called when it closes; may throw.
  std::function<void()> on_close{};
  std::multimap<int, result_future<int>> held{};
  std::size_t calls = 0;
  /// How often it has opened well, and how often it was closed.
  std::size_t opened = 0;
  std::size_t closed = 0;

  /// The future of the oldest call for this record.
  result_future<int> take(int record) {
    const auto found = held.find(record);
    if (found == held.end())
      throw std::logic_error("no call for record " + std::to_string(record) + " is held");
    auto done = std::move(found->second);
    held.erase(found);
    return done;
  }
};

class scripted_function : public async_function<int, int> {
public:
  using finder = std::function<function_script&(const function_context&)>;

  scripted_function(finder find, journal& log) : find_(std::move(find)), log_(&log) {}

  expected<void> open(function_context& context) {
    script_ = &find_(context);
    name_ = context.name + (context.subtask == 0 ? "" : "." + std::to_string(context.subtask));
    log_->note("open " + name_);
    if (script_->asks_pool)
      pool_ = &context.bind(script_->pool);
    if (script_->on_open)
      script_->on_open(context);
    if (script_->open_error)
      return *script_->open_error;
    ++script_->opened;
    return {};
  }

  void async_invoke(const int& record, result_future<int> done) {
    ++script_->calls;
    const auto attempt = done.attempt();
    log_->note("call " + name_ + " " + std::to_string(record)
               + (attempt == 1 ? "" : " attempt " + std::to_string(attempt)));
    if (script_->asks_pool)
      ask(record, std::move(done));
    else if (script_->answer)
      script_->answer(record, std::move(done));
    else
      script_->held.emplace(record, std::move(done));
  }

  void close() {
    ++script_->closed;
    log_->note("close " + name_);
    if (script_->on_close)
      script_->on_close();
  }

private:
  void ask(int record, result_future<int> done) {
    const auto deadline = done.deadline();
    pool_->ask({}, {value{std::int64_t{record}}}, deadline,
               [script = script_, record, done = std::move(done)](expected<answer> with) mutable {
                 if (script->on_answer)
                   script->on_answer(record);
                 if (!with)
                   done.fail(with.why());
                 else if (with->rows() == 0)
                   done.complete_empty();
                 else
                   done.complete(static_cast<int>(std::get<std::int64_t>(with->cell(0, 0))));
               });
  }

  finder find_;
  journal* log_;
  function_script* script_ = nullptr;
  pool_client* pool_ = nullptr;
  std::string name_;
};

// -- sinks --

struct sink_script {
  static constexpr std::size_t endless = SIZE_MAX / 2;

  /// How many records it still takes before it waits.
  std::size_t appetite = endless;
  std::vector<int> values{};
  std::vector<event_time> timestamps{};
  std::optional<error> open_error{};
  std::optional<error> write_error{};
  std::optional<error> prepare_error{};
  std::optional<error> commit_error{};
  /// How often `prepare` and `flush` still wait for the descriptor.
  int prepare_waits = 0;
  /// How often `write` and `prepare` ask to be called again, `write` behind each record.
  bool writes_one_by_one = false;
  int prepare_rounds = 0;
  int flush_waits = 0;
  /// How often `commit` still waits for the descriptor, and how often it asks to be called again.
  int commit_waits = 0;
  int commit_rounds = 0;
  /// Of putting on the disk what was prepared.
  std::optional<error> durable_error{};
  /// What it says is pending; empty: up to which checkpoint.
  std::string state{};
  bool pending_throws = false;
  std::optional<error> recover_error{};
  std::vector<std::string> recovered_lines{};
  std::string ended_by{};
  int fd = -1;
};

template <class T>
class scripted_sink final : public sink<T> {
public:
  using finder = std::function<sink_script&(const instance_context&)>;

  scripted_sink(finder find, journal& log) : find_(std::move(find)), log_(log) {}

  expected<void> open(const instance_context& who) override {
    script_ = &find_(who);
    name_ = who.stage + (who.subtask == 0 ? "" : "." + std::to_string(who.subtask));
    checkpointed_ = who.checkpointed;
    log_.note("open " + name_);
    return script_->open_error ? expected<void>{*script_->open_error} : expected<void>{};
  }

  expected<poll_result> write(batch<T>& in, std::size_t& next, std::size_t end) override {
    for (; next < end; ++next) {
      if (script_->write_error)
        return *script_->write_error;
      if (script_->appetite == 0)
        return wait();
      --script_->appetite;
      const int value = value_of(in.value(next));
      script_->values.push_back(value);
      script_->timestamps.push_back(in.timestamp(next));
      log_.note("write " + name_ + " " + std::to_string(value));
      if (script_->writes_one_by_one) {
        ++next;
        return poll_result{};
      }
    }
    return poll_result{poll_state::done, {}};
  }

  expected<poll_result> flush() override {
    if (script_->flush_waits > 0 && script_->flush_waits-- > 0)
      return wait();
    return poll_result{poll_state::done, {}};
  }

  expected<std::vector<std::string>> recover(const sink_recovery& from) override {
    if (script_->recover_error)
      return *script_->recover_error;
    std::string states;
    for (const auto& each : from.states)
      states += " " + each;
    log_.note("recover " + name_ + " " + std::to_string(from.checkpoint) + states);
    return script_->recovered_lines;
  }

  expected<poll_result> prepare(std::uint64_t checkpoint, bool last) override {
    if (script_->prepare_error)
      return *script_->prepare_error;
    if (script_->prepare_waits > 0 && script_->prepare_waits-- > 0)
      return wait();
    prepared_ = checkpoint;
    log_.note("prepare " + name_ + number(checkpoint) + (checkpointed_ && last ? " last" : ""));
    return poll_result{script_->prepare_rounds-- > 0 ? poll_state::more : poll_state::done, {}};
  }

  pending_output pending() override {
    if (script_->pending_throws)
      throw std::runtime_error("no words");
    auto state = script_->state.empty() ? "up to" + number(prepared_) : script_->state;
    return {std::move(state), [this, n = prepared_]() -> expected<void> {
              if (script_->durable_error)
                return *script_->durable_error;
              if (checkpointed_)
                log_.note("make durable " + name_ + number(n));
              return {};
            }};
  }

  expected<poll_result> commit(std::uint64_t checkpoint) override {
    if (script_->commit_error)
      return *script_->commit_error;
    if (script_->commit_waits > 0 && script_->commit_waits-- > 0)
      return wait();
    if (script_->commit_rounds > 0 && script_->commit_rounds-- > 0)
      return poll_result{};
    script_->ended_by += "commit";
    log_.note("commit " + name_ + number(checkpoint));
    return poll_result{poll_state::done, {}};
  }

  void abandon(bool keep_partial) override {
    script_->ended_by += script_->ended_by.empty() ? "" : ", ";
    script_->ended_by += keep_partial ? "abandon, keep" : "abandon";
    log_.note("abandon " + name_ + (keep_partial ? " keeping" : ""));
  }

private:
  poll_result wait() const { return {poll_state::wait, {script_->fd, true}}; }
  /// Without checkpoints there is only one.
  std::string number(std::uint64_t checkpoint) const {
    return checkpointed_ ? " " + std::to_string(checkpoint) : "";
  }
  static int value_of(int x) { return x; }
  static int value_of(const dead_letter<int>& x) { return x.value; }

  finder find_;
  journal& log_;
  sink_script* script_ = nullptr;
  std::string name_;
  bool checkpointed_ = false;
  std::uint64_t prepared_ = 0;
};

// -- drivers --

/// A driver whose store is the test: it decides which question is answered when.
struct driver_script {
  std::size_t window = 100;
  std::optional<error> open_error{};
  /// Called when it opens.
  std::function<void()> on_open{};
  /// Questions that were not answered, by their argument.
  std::multimap<int, question> held{};
  /// Those that nobody waits for any more.
  std::vector<call_token> cancelled{};
  std::size_t most_held = 0;
  /// Each question is answered before `submit` returns.
  bool answers_at_once = false;
  result_receiver* to = nullptr;

  question take(int argument) {
    const auto found = held.find(argument);
    if (found == held.end())
      throw std::logic_error("no question about " + std::to_string(argument) + " is held");
    auto asked = std::move(found->second);
    held.erase(found);
    return asked;
  }

  void give(call_token token, expected<answer> outcome) {
    call_result result{token, std::move(outcome)};
    to->receive({&result, 1});
  }

  void answer_with(int argument, int result) {
    static const auto columns = column_names::of({"x"});
    give(take(argument).token, weir::answer{columns, {value{std::int64_t{result}}}});
  }
  void answer(int argument) { answer_with(argument, 10 * argument); }
  void fail(int argument, std::string_view kind) {
    give(take(argument).token, error{kind, "store", "it said no"});
  }
};

class scripted_driver final : public client_driver {
public:
  scripted_driver(driver_script& script, journal& log) : script_(script), log_(log) {}

  expected<void> open(const std::vector<statement_declaration>&,
                      result_receiver& results) override {
    log_.note("open store");
    script_.to = &results;
    if (script_.on_open)
      script_.on_open();
    return script_.open_error ? expected<void>{*script_.open_error} : expected<void>{};
  }
  std::size_t permits() const override { return script_.window; }
  std::size_t window() const override { return script_.window; }

  void submit(std::span<question> questions) override {
    for (auto& each : questions) {
      const auto argument = static_cast<int>(std::get<std::int64_t>(each.arguments.at(0)));
      log_.note("ask " + std::to_string(argument));
      script_.held.emplace(argument, std::move(each));
    }
    script_.most_held = std::max(script_.most_held, script_.held.size());
    while (script_.answers_at_once && !script_.held.empty())
      script_.answer(script_.held.begin()->first);
  }

  void cancel(std::span<const call_token> tokens) override {
    for (const auto token : tokens)
      script_.cancelled.push_back(token);
  }

  void close() override {
    if (!std::exchange(closed_, true))
      log_.note("close store");
  }

private:
  driver_script& script_;
  journal& log_;
  bool closed_ = false;
};

} // namespace weir::testing
