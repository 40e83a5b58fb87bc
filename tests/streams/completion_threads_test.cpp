// SPDX-License-Identifier: Apache-2.0

// Who completes a call only hands over: nothing of the user's runs on that thread, by thread id. A client
// thread completes in every way; what runs because of it is noted with its thread.

#include "../support/client_thread.hpp"

#include "weir/weir.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weir::testing::client_thread;

namespace {

/// On which threads what has run.
class thread_notes {
public:
  void note(const std::string& what) {
    const std::lock_guard guard{mutex_};
    all_[what].insert(std::this_thread::get_id());
  }

  /// Each of these has run, and none of all that has run did so on this thread.
  void check(const std::vector<std::string>& expected, std::thread::id never_on) const {
    const std::lock_guard guard{mutex_};
    for (const auto& what : expected)
      BOOST_TEST(all_.contains(what), what << " has not run");
    for (const auto& [what, on] : all_)
      BOOST_TEST(!on.contains(never_on), what << " ran on the completing thread");
  }

private:
  mutable std::mutex mutex_;
  std::map<std::string, std::set<std::thread::id>> all_;
};

using future = weir::result_future<int>;

/// Hands each call to the client thread, which completes it as `how` says.
struct asks_client : weir::async_function<int, int> {
  asks_client(client_thread& c, thread_notes& to, void (*completes)(int, future, thread_notes&))
    : client(&c), notes(&to), how(completes) {}

  void async_invoke(const int& n, future done) {
    notes->note("call");
    client->post([n, h = how, to = notes, d = std::move(done)]() mutable { h(n, std::move(d), *to); });
  }

  std::optional<int> fallback(const int& n, const weir::error&) {
    notes->note("fallback");
    return -n;
  }

  client_thread* client;
  thread_notes* notes;
  void (*how)(int, future, thread_notes&);
};

struct threads_fixture {
  template <class Function>
  void run(std::vector<int> records, Function function, weir::operator_options options) {
    weir::environment env{{.threads = 2}};
    options.name = "op";
    weir::async_data_stream::unordered_wait(
      env.from_source(weir::collection_source<int>{std::move(records)}), std::move(function), options)
      .map([this](int n) {
        notes.note("map");
        return n;
      })
      .sink_to([this](int n) {
        notes.note("sink");
        out.insert(n);
      });
    BOOST_TEST(env.execute("job").text() == "done");
  }

  client_thread client;
  thread_notes notes;
  std::multiset<int> out;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(completion_threads, threads_fixture)

BOOST_AUTO_TEST_CASE(predicates_delays_suppliers_fallbacks_and_emission_do_not_run_on_the_completing_thread) {
  const auto how = [](int n, future done, thread_notes& to) {
    switch (n) {
      case 1:
        return done.complete(1);
      case 2:
        return done.complete(std::vector<int>{21, 22});
      case 3:
        return done.complete_empty();
      case 4:
        return done.fail({"io", "store", "it said no"});
      case 5:
        return done.complete_with([&to]() -> weir::expected<std::vector<int>> {
          to.note("supplier");
          return std::vector<int>{5};
        });
      default:
        return; // It destroys the future.
    }
  };
  const weir::custom_delay retry{.max_attempts = 1,
                                 .delay =
                                   [this](std::uint32_t) {
                                     notes.note("delay");
                                     return 1ms;
                                   },
                                 .if_error =
                                   [this](const weir::error&) {
                                     notes.note("error predicate");
                                     return true;
                                   },
                                 .if_result = weir::result_where<int>([this](std::span<const int> of) {
                                   notes.note("result predicate");
                                   return of.empty();
                                 })};
  run({1, 2, 3, 4, 5, 6}, asks_client{client, notes, how},
      {.timeout = 1min, .retry = retry, .at_end = weir::end_policy::keep_retrying});
  BOOST_TEST(out == (std::multiset<int>{1, 21, 22, -4, 5, -6}), boost::test_tools::per_element());
  notes.check({"call", "supplier", "fallback", "delay", "error predicate", "result predicate", "map", "sink"},
              client.id());
}

BOOST_AUTO_TEST_CASE(a_hooks_outcome_is_taken_on_the_operators_thread) {
  struct timed_out : asks_client {
    using asks_client::asks_client;

    void async_invoke(const int&, future done) { never->push_back(std::move(done)); }

    void timeout(const int& n, future done) {
      notes->note("hook");
      client->post([n, h = how, to = notes, d = std::move(done)]() mutable { h(n, std::move(d), *to); });
    }

    std::shared_ptr<std::vector<future>> never = std::make_shared<std::vector<future>>();
  };
  const auto how = [](int n, future done, thread_notes& to) {
    done.complete_with([n, &to]() -> weir::expected<std::vector<int>> {
      to.note("supplier");
      return std::vector<int>{n};
    });
  };
  run({1, 2}, timed_out{client, notes, how}, {.timeout = 1ms});
  BOOST_TEST(out == (std::multiset<int>{1, 2}), boost::test_tools::per_element());
  notes.check({"hook", "supplier", "map", "sink"}, client.id());
}

BOOST_AUTO_TEST_CASE(a_coroutine_and_what_it_holds_do_not_run_on_the_completing_thread) {
  struct local {
    explicit local(thread_notes& to) : notes(to) {}
    local(const local&) = delete;
    local& operator=(const local&) = delete;
    ~local() { notes.note("destructor"); }
    thread_notes& notes;
  };
  run({1, 2, 3},
      [this](const int& n) -> weir::task<int> {
        const local here{notes};
        const auto got = co_await weir::await_callback<int>([&](auto then) {
          client.post([n, t = std::move(then)]() mutable {
            if (n == 3)
              t.fail(std::make_exception_ptr(std::runtime_error("it said no")));
            else
              t(10 * n);
          });
        });
        notes.note("coroutine");
        co_return got;
      },
      {.timeout = 1min, .on_failure = weir::failure_action::drop});
  BOOST_TEST(out == (std::multiset<int>{10, 20}), boost::test_tools::per_element());
  notes.check({"coroutine", "destructor", "map", "sink"}, client.id());
}

BOOST_AUTO_TEST_SUITE_END()
