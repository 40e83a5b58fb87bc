// SPDX-License-Identifier: Apache-2.0

// Calls that are completed by the answers of actors which live in an actor system of the user's.

#include "weir/caf.hpp"
#include "weir/weir.hpp"

#include <boost/test/unit_test.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/response_promise.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <numeric>

using namespace std::chrono_literals;

namespace {

using doubler = caf::typed_actor<caf::replies_to<int>::with<int>>;

/// CAF's spawn of a function without arguments dereferences a null pointer, which assertions of the
/// standard library find.
struct nothing_more {};

/// Answers with twice the number; 13 fails, 14 throws, 15 is never answered, 16 ends it.
caf::behavior double_it(caf::event_based_actor* self, nothing_more) {
  // It would be printed.
  self->set_exception_handler([](std::exception_ptr&) -> caf::error {
    return caf::make_error(caf::sec::runtime_error);
  });
  auto kept = std::make_shared<std::vector<caf::response_promise>>();
  return {[=](int x) -> caf::result<int> {
    switch (x) {
      case 13:
        return caf::error{1, caf::atom("unlucky")};
      case 14:
        throw std::runtime_error("fourteen");
      case 15:
        kept->push_back(self->make_response_promise());
        return caf::delegated<int>{};
      case 16:
        self->quit();
        return 32;
      default:
        return 2 * x;
    }
  }};
}

template <class Target>
struct asking : weir::async_function<int, int> {
  explicit asking(Target of) : target(std::move(of)) {}
  void async_invoke(const int& x, weir::result_future<int> done) {
    client.complete_from<int>(target, std::move(done), x);
  }
  Target target;
  weir::actor_client client;
};

struct awaiting : weir::async_function<int, int> {
  explicit awaiting(caf::actor of) : target(std::move(of)) {}
  weir::task<int> async_invoke(const int& x) {
    const auto once = co_await client.ask<int>(target, x);
    if (!once)
      co_return once.why();
    const auto twice = co_await client.ask<int>(target, *once);
    co_return twice ? *twice : 0;
  }
  caf::actor target;
  weir::actor_client client;
};

struct client_fixture {
  /// What came out, and of each dead letter its kind.
  template <class Function>
  std::string run(std::vector<int> records, Function function, weir::duration timeout = 10s) {
    std::string seen;
    weir::environment env{{.threads = 2}};
    const auto results = weir::async_data_stream::ordered_wait(
      env.from_source(weir::collection_source<int>{std::move(records)}), std::move(function),
      {.name = "ask", .timeout = timeout, .on_failure = weir::failure_action::dead_letter, .capacity = 5000});
    std::mutex mutex;
    const auto note = [&](const std::string& what) {
      const std::lock_guard guard{mutex};
      seen += what + " ";
    };
    results.sink_to([&](int x) { note(std::to_string(x)); });
    results.dead_letters().sink_to([&](const weir::dead_letter<int>& of) { note(of.why.kind()); });
    result = env.execute("ask");
    BOOST_TEST(result.ok(), result.text());
    return seen;
  }

  caf::actor_system_config config;
  caf::actor_system system{config};
  weir::job_result result;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(actor_clients, client_fixture)

BOOST_AUTO_TEST_CASE(answers_complete_calls) {
  BOOST_TEST(run({1, 2, 3}, asking<caf::actor>{system.spawn(double_it, nothing_more{})}) == "2 4 6 ");
}

BOOST_AUTO_TEST_CASE(a_typed_actor_is_asked_in_the_same_way) {
  const auto of = system.spawn(
    [](nothing_more) -> doubler::behavior_type { return {[](int x) { return 2 * x; }}; }, nothing_more{});
  BOOST_TEST(run({1, 2, 3}, asking<doubler>{of}) == "2 4 6 ");
}

BOOST_AUTO_TEST_CASE(a_coroutine_awaits_answers) {
  BOOST_TEST(run({1, 2, 3}, awaiting{system.spawn(double_it, nothing_more{})}) == "4 8 12 ");
}

BOOST_AUTO_TEST_CASE(an_error_fails_the_call_with_the_name_of_its_category) {
  BOOST_TEST(run({13}, asking<caf::actor>{system.spawn(double_it, nothing_more{})}) == "unlucky ");
  BOOST_TEST(run({13}, awaiting{system.spawn(double_it, nothing_more{})}) == "unlucky ");
}

BOOST_AUTO_TEST_CASE(an_actor_that_does_not_understand_rejects) {
  const auto deaf = system.spawn(
    [](caf::event_based_actor* self, nothing_more) -> caf::behavior {
      self->set_default_handler(caf::drop);
      return {[](const std::string&) {}};
    },
    nothing_more{});
  BOOST_TEST(run({1}, asking<caf::actor>{deaf}) == "rejected ");
  caf::anon_send_exit(deaf, caf::exit_reason::kill);
}

BOOST_AUTO_TEST_CASE(an_actor_that_has_ended_is_a_lost_connection) {
  const auto of = system.spawn(double_it, nothing_more{});
  BOOST_TEST(run({16}, asking<caf::actor>{of}) == "32 ");
  BOOST_TEST(run({1}, asking<caf::actor>{of}) == "connection_lost ");
}

BOOST_AUTO_TEST_CASE(a_handler_that_throws_is_told_from_one_that_is_gone) {
  BOOST_TEST(run({14}, asking<caf::actor>{system.spawn(double_it, nothing_more{})}) == "exception ");
}

BOOST_AUTO_TEST_CASE(an_actor_that_never_answers_leaves_it_to_the_timeout) {
  const auto of = system.spawn(double_it, nothing_more{});
  BOOST_TEST(run({15}, asking<caf::actor>{of}, 50ms) == "timeout_error ");
  BOOST_TEST(run({15}, awaiting{of}, 50ms) == "timeout_error ");
  caf::anon_send_exit(of, caf::exit_reason::kill);
}

BOOST_AUTO_TEST_CASE(many_questions_at_once_all_have_their_answer) {
  std::vector<int> records(20'000);
  std::iota(records.begin(), records.end(), 1000);
  std::string expected;
  for (const auto x : records)
    expected += std::to_string(2 * x) + " ";
  BOOST_TEST((run(records, asking<caf::actor>{system.spawn(double_it, nothing_more{})}) == expected));
}

/// A result that cannot be made of a great number.
struct small {
  small(int of) : number(of) {
    if (of > 100)
      throw std::out_of_range("too great");
  }
  int number;
};

BOOST_AUTO_TEST_CASE(an_answer_of_which_no_result_can_be_made_fails_its_call_alone) {
  std::string seen;
  weir::environment env{{.threads = 1}};
  const auto results = weir::async_data_stream::ordered_wait(
    env.from_source(weir::collection_source<int>{{1, 60, 2, 3}}),
    [who = system.spawn(double_it, nothing_more{}),
     asks = weir::actor_client{}](const int& x, weir::result_future<small> done) mutable {
      asks.complete_from<int>(who, std::move(done), x);
    },
    {.name = "ask", .timeout = 1s, .on_failure = weir::failure_action::dead_letter});
  results.sink_to([&](const small& x) { seen += std::to_string(x.number) + " "; });
  std::string dead;
  results.dead_letters().sink_to(
    [&](const weir::dead_letter<int>& of) { dead += of.why.text() + "; "; }, {.name = "dead"});
  BOOST_TEST(env.execute("ask").text() == "done");
  BOOST_TEST(seen == "2 4 6 ");
  BOOST_TEST(dead == "call: its actor's answer threw: too great (exception); ");
}

BOOST_AUTO_TEST_CASE(what_a_callback_throws_harms_no_other_question) {
  struct throwing : weir::async_function<int, int> {
    explicit throwing(caf::actor of) : target(std::move(of)) {}
    void async_invoke(const int& x, weir::result_future<int> done) {
      client.ask_then<int>(target, weir::time_point::max(), [d = std::move(done)](weir::expected<int> got) mutable {
        if (*got == 4)
          throw std::runtime_error("four");
        d.complete(*got);
      }, x);
    }
    caf::actor target;
    weir::actor_client client;
  };
  // The dead letter has a sink of its own.
  auto seen = run({1, 2, 3, 4}, throwing{system.spawn(double_it, nothing_more{})});
  const auto at = seen.find("abandoned ");
  BOOST_REQUIRE(at != std::string::npos);
  BOOST_TEST(seen.erase(at, 10) == "2 6 8 ");
}

BOOST_AUTO_TEST_CASE(an_empty_handle_is_an_error_of_the_call) {
  BOOST_TEST(run({1}, asking<caf::actor>{caf::actor{}}) == "argument ");
}

BOOST_AUTO_TEST_CASE(a_system_that_was_asked_may_end_before_the_handle_of_the_job) {
  weir::environment env;
  std::optional<weir::job> job;
  {
    caf::actor_system_config config_of_asked;
    caf::actor_system asked{config_of_asked};
    const auto who = asked.spawn(double_it, nothing_more{});
    weir::async_data_stream::ordered_wait(
      env.from_source(weir::collection_source<int>{{1, 2}}),
      asking<caf::actor>{who}, {.name = "ask", .timeout = 10s})
      .sink_to([](int) {});
    job.emplace(env.start("ask"));
    BOOST_TEST(job->wait().text() == "done");
    // The environment's function has a handle.
    caf::anon_send_exit(who, caf::exit_reason::user_shutdown);
  }
}

BOOST_AUTO_TEST_CASE(nothing_of_the_client_lives_on) {
  const auto before = system.registry().running();
  { run({1, 2, 3}, asking<caf::actor>{system.spawn(double_it, nothing_more{})}); }
  // The helper actors end with the function; they are told so and need a moment.
  for (int i = 0; i < 1000 && system.registry().running() > before; ++i)
    std::this_thread::sleep_for(1ms);
  BOOST_TEST(system.registry().running() == before);
}

BOOST_AUTO_TEST_SUITE_END()
