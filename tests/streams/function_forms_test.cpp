// SPDX-License-Identifier: Apache-2.0

// One small program with a function in each form that weir takes: the same records, the same store, the same
// transcript. The store answers with one result, none or two, fails for good, fails twice before it
// answers, and once never answers.

#include "../support/client_thread.hpp"

#include "weir/blocking_driver.hpp"
#include "weir/caf.hpp"
#include "weir/weir.hpp"

#include <boost/test/unit_test.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/response_promise.hpp>
#include <caf/send.hpp>

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <functional>
#include <future>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

using namespace std::chrono_literals;

namespace {

using results = std::vector<std::string>;
using reply = weir::expected<results>;
using done_type = weir::result_future<std::string>;

/// The store, and its client with callbacks. Answers on a thread of its own.
class store {
public:
  using callback = weir::unique_function<void(reply)>;

  void ask(const std::string& key, std::uint32_t attempt, callback then) {
    thread_.post([key, attempt, t = std::move(then), this]() mutable {
      if (auto with = answer(key, attempt))
        t(*std::move(with));
      else
        unanswered_.push_back(std::move(t));
    });
  }

  /// Nothing: it does not answer. Any thread.
  static std::optional<reply> answer(const std::string& key, std::uint32_t attempt) {
    if (key == "one")
      return results{"one"};
    if (key == "none")
      return results{};
    if (key == "two")
      return results{"two, first", "two, second"};
    if (key == "busy")
      return attempt < 3 ? reply{weir::error{"busy", "store", "ask again"}}
                         : reply{results{"busy, attempt " + std::to_string(attempt)}};
    if (key == "broken")
      return weir::error{"io", "store", "it is broken"};
    return std::nullopt;
  }

private:
  /// Those that it forgot; touched on its thread.
  std::list<callback> unanswered_;
  weir::testing::client_thread thread_;
};

/// Another client of the store, which gives futures.
std::future<results> ask_for_future(store& of, const std::string& key, std::uint32_t attempt) {
  std::promise<results> made;
  auto future = made.get_future();
  of.ask(key, attempt, [p = std::move(made)](reply got) mutable {
    if (got)
      p.set_value(*std::move(got));
    else
      p.set_exception(std::make_exception_ptr(weir::call_failed{got.why()}));
  });
  return future;
}

/// Another, whose questions are awaitables that go on on the store's thread.
class question {
public:
  // Not an aggregate: g++ 12 destroys one that is awaited twice.
  question(store& in, std::string what, std::uint32_t attempt_now)
    : of_(&in), key_(std::move(what)), attempt_(attempt_now) {}

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waits) {
    // A frame that nobody resumes is the library's to destroy.
    struct owner {
      explicit owner(std::coroutine_handle<> h) : frame(h) {}
      owner(owner&& other) noexcept : frame(std::exchange(other.frame, nullptr)) {}
      owner& operator=(owner&&) = delete;
      ~owner() {
        if (frame)
          frame.destroy();
      }
      std::coroutine_handle<> frame;
    };
    of_->ask(key_, attempt_, [this, o = owner{waits}](reply got) mutable {
      answer_ = std::move(got);
      std::exchange(o.frame, nullptr).resume();
    });
  }
  reply await_resume() { return std::move(answer_); }

private:
  store* of_;
  std::string key_;
  std::uint32_t attempt_;
  reply answer_{results{}};
};

/// An actor before the store. CAF's spawn of a function without arguments dereferences a null pointer, which
/// assertions of the standard library find.
struct nothing_more {};
caf::behavior answer_as_actor(caf::event_based_actor* self, nothing_more) {
  auto unanswered = std::make_shared<std::vector<caf::response_promise>>();
  return {[=](const std::string& key, std::uint32_t attempt) -> caf::result<results> {
    auto with = store::answer(key, attempt);
    if (!with) {
      unanswered->push_back(self->make_response_promise());
      return caf::delegated<results>{};
    }
    if (!*with)
      return caf::error{1, with->why().is("busy") ? caf::atom("busy") : caf::atom("io")};
    return **std::move(with);
  }};
}

/// A client of the store that blocks the thread that asks it: one row for each result.
class blocking_store final : public weir::blocking_connection {
public:
  weir::expected<void> open(const std::vector<weir::statement_declaration>&) override { return {}; }

  weir::expected<weir::answer> execute(weir::statement_id, std::span<const weir::value> arguments,
                                       weir::time_point deadline) override {
    static const auto column = weir::column_names::of({"result"});
    auto with = store::answer(std::get<std::string>(arguments[0]),
                              static_cast<std::uint32_t>(std::get<std::int64_t>(arguments[1])));
    if (!with) {
      std::this_thread::sleep_until(deadline);
      return weir::error{weir::error_kind::cancelled, "store", "too late"};
    }
    if (!*with)
      return with->why();
    weir::answer rows{column, {}};
    for (auto& each : **with)
      rows.cells.emplace_back(std::move(each));
    return rows;
  }
};

weir::pool_options pool_of_stores() {
  return {.name = "store",
          .driver = [](const weir::driver_settings& of)
            -> weir::expected<std::unique_ptr<weir::client_driver>> {
            return std::unique_ptr<weir::client_driver>{std::make_unique<weir::blocking_driver>(
              of, [](std::size_t) -> weir::expected<std::unique_ptr<weir::blocking_connection>> {
                return std::unique_ptr<weir::blocking_connection>{std::make_unique<blocking_store>()};
              })};
          },
          .url = "store:"};
}

reply results_of(const weir::expected<weir::answer>& rows) {
  if (!rows)
    return rows.why();
  results all;
  for (const auto& each : rows->cells)
    all.push_back(std::get<std::string>(each));
  return all;
}

void complete(done_type done, reply with) {
  if (with)
    done.complete(*std::move(with));
  else
    done.fail(std::move(with).why());
}

// -- the forms --

struct as_class : weir::async_function<std::string, std::string> {
  explicit as_class(store& in) : of(&in) {}

  void async_invoke(const std::string& key, done_type done) {
    const auto attempt = done.attempt();
    of->ask(key, attempt,
            [d = std::move(done)](reply got) mutable { complete(std::move(d), std::move(got)); });
  }

  store* of;
};

struct as_coroutine_class : weir::async_function<std::string, std::string> {
  explicit as_coroutine_class(store& in) : of(&in) {}

  weir::task<std::string> async_invoke(const std::string& key) {
    const auto facts = co_await weir::this_call;
    auto got = co_await weir::await_callback<reply>(
      [&](auto then) { of->ask(key, facts.attempt, std::move(then)); });
    if (!got)
      co_return got.why();
    co_return *std::move(got);
  }

  store* of;
};

/// Asks a client pool.
struct as_pool_class : weir::async_function<std::string, std::string> {
  explicit as_pool_class(const weir::client_pool& of) : pool(of), find(of.statement("find", 2)) {}

  weir::expected<void> open(weir::function_context& context) {
    client = &pool.bind(context);
    return {};
  }

  static weir::value_list arguments(const std::string& key, std::uint32_t attempt) {
    weir::value_list all;
    all.emplace_back(key);
    all.emplace_back(std::int64_t{attempt});
    return all;
  }

  void async_invoke(const std::string& key, done_type done) {
    const auto deadline = done.deadline();
    auto what = arguments(key, done.attempt());
    client->ask(find, std::move(what), deadline,
                [d = std::move(done)](const weir::expected<weir::answer>& got) mutable {
                  complete(std::move(d), results_of(got));
                });
  }

  weir::client_pool pool;
  weir::statement_id find;
  weir::pool_client* client = nullptr;
};

struct as_pool_coroutine : as_pool_class {
  using as_pool_class::as_pool_class;

  weir::task<std::string> async_invoke(const std::string& key) {
    auto what = arguments(key, (co_await weir::this_call).attempt);
    auto got = results_of(co_await weir::await_answer(*client, find, std::move(what)));
    if (!got)
      co_return got.why();
    co_return *std::move(got);
  }
};

/// The program around the function.
class program {
public:
  template <class Function>
  void build(Function function) {
    const auto answers = weir::async_data_stream::ordered_wait(
      env.from_source(
        weir::collection_source<std::string>{{"one", "busy", "none", "broken", "two", "never", "one"}}),
      std::move(function),
      {.name = "ask",
       .timeout = 1s,
       .retry = weir::fixed_delay{5, 1ms, weir::error_of_kind({"busy"})},
       .on_failure = weir::failure_action::dead_letter,
       .at_end = weir::end_policy::keep_retrying});
    answers.sink_to([this](const std::string& line) { results_ += line + "\n"; });
    answers.dead_letters().sink_to(
      [this](const weir::dead_letter<std::string>& of) {
        failures_ += of.value + " failed, " + of.why.kind() + " after " + std::to_string(of.attempts) + "\n";
      },
      {.name = "failures"});
  }

  void start() { job_.emplace(env.start("program")); }

  /// When it has ended.
  std::string transcript() {
    const auto end = job_->wait();
    const auto of = job_->status().operators.at(0);
    return results_ + failures_ + end.text() + ": " + std::to_string(of.calls) + " calls, "
           + std::to_string(of.retries) + " retries, " + std::to_string(of.timeouts) + " timeouts, "
           + std::to_string(of.dead_letters) + " dead letters\n";
  }

  store shop;
  caf::actor clerk;
  weir::environment env{{.threads = 1}};

private:
  std::string results_;
  std::string failures_;
  std::optional<weir::job> job_;
};

struct form {
  const char* name;
  std::function<void(program&)> build;
};

const std::vector<form> forms{
  {"a class", [](program& in) { in.build(as_class{in.shop}); }},
  {"a lambda with a callback",
   [](program& in) {
     in.build([&of = in.shop](const std::string& key, done_type done) {
       const auto attempt = done.attempt();
       of.ask(key, attempt,
              [d = std::move(done)](reply got) mutable { complete(std::move(d), std::move(got)); });
     });
   }},
  {"a class of coroutines", [](program& in) { in.build(as_coroutine_class{in.shop}); }},
  {"a coroutine that awaits a callback",
   [](program& in) {
     in.build([&of = in.shop](const std::string& key) -> weir::task<std::string> {
       const auto attempt = (co_await weir::this_call).attempt;
       auto got = co_await weir::await_callback<reply>(
         [&](auto then) { of.ask(key, attempt, std::move(then)); });
       if (!got)
         throw weir::call_failed{got.why()};
       co_return *std::move(got);
     });
   }},
  {"a lambda with a std::future",
   [](program& in) {
     const auto waits = in.env.waiting_pool({.name = "futures"});
     in.build([&of = in.shop, waits](const std::string& key, done_type done) {
       auto future = ask_for_future(of, key, done.attempt());
       waits.complete_from(std::move(future), std::move(done));
     });
   }},
  {"a coroutine that awaits a std::future",
   [](program& in) {
     const auto waits = in.env.waiting_pool({.name = "futures"});
     in.build([&of = in.shop, waits](const std::string& key) -> weir::task<std::string> {
       const auto attempt = (co_await weir::this_call).attempt;
       co_return co_await waits.await(ask_for_future(of, key, attempt));
     });
   }},
  {"a coroutine that awaits a std::shared_future",
   [](program& in) {
     const auto waits = in.env.waiting_pool({.name = "futures"});
     in.build([&of = in.shop, waits](const std::string& key) -> weir::task<std::string> {
       const auto attempt = (co_await weir::this_call).attempt;
       co_return co_await waits.await(ask_for_future(of, key, attempt).share());
     });
   }},
  {"a coroutine that awaits another library's awaitable",
   [](program& in) {
     in.build([&of = in.shop](const std::string& key) -> weir::task<std::string> {
       const auto attempt = (co_await weir::this_call).attempt;
       auto got = co_await question{of, key, attempt};
       if (!got)
         co_return got.why();
       co_return *std::move(got);
     });
   }},
  {"a lambda with another actor's answer",
   [](program& in) {
     in.build([who = in.clerk, asks = weir::actor_client{}](const std::string& key, done_type done) mutable {
       const auto attempt = done.attempt();
       asks.complete_from<results>(who, std::move(done), key, attempt);
     });
   }},
  {"a coroutine that awaits another actor's answer",
   [](program& in) {
     in.build([who = in.clerk, asks = std::make_shared<weir::actor_client>()](
                const std::string& key) -> weir::task<std::string> {
       const auto attempt = (co_await weir::this_call).attempt;
       auto got = co_await asks->ask<results>(who, key, attempt);
       if (!got)
         co_return got.why();
       co_return *std::move(got);
     });
   }},
  {"a class that asks a client pool",
   [](program& in) { in.build(as_pool_class{in.env.client_pool(pool_of_stores())}); }},
  {"a class of coroutines that ask a client pool",
   [](program& in) { in.build(as_pool_coroutine{in.env.client_pool(pool_of_stores())}); }},
};

constexpr auto expected_transcript = "one\n"
                                     "busy, attempt 3\n"
                                     "two, first\n"
                                     "two, second\n"
                                     "one\n"
                                     "broken failed, io after 1\n"
                                     "never failed, timeout_error after 1\n"
                                     "done: 9 calls, 2 retries, 1 timeouts, 2 dead letters\n";

} // namespace

BOOST_AUTO_TEST_SUITE(function_forms)

BOOST_AUTO_TEST_CASE(one_program_gives_the_same_transcript_in_all_forms) {
  caf::actor_system_config config;
  caf::actor_system system{config};
  std::list<program> all;
  // All at a time, since each waits for its timeout.
  for (const auto& each : forms) {
    all.emplace_back().clerk = system.spawn(answer_as_actor, nothing_more{});
    each.build(all.back());
    all.back().start();
  }
  auto at = all.begin();
  for (const auto& each : forms)
    BOOST_TEST_CONTEXT(each.name)
      BOOST_TEST((at++)->transcript() == expected_transcript);
  // They wait for nobody, but keep the questions that they never answer.
  for (const auto& each : all)
    caf::anon_send_exit(each.clerk, caf::exit_reason::kill);
}

BOOST_AUTO_TEST_SUITE_END()
