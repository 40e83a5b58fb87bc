// SPDX-License-Identifier: Apache-2.0

// Functions whose clients give std::futures, on real threads. tests/clients/future_waiter_test.cpp has how
// they are waited for.

#include "weir/weir.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

template <class T>
std::future<T> ready(T value) {
  std::promise<T> made;
  made.set_value(std::move(value));
  return made.get_future();
}

template <class T, class E>
std::future<T> thrown(E what) {
  std::promise<T> made;
  made.set_exception(std::make_exception_ptr(std::move(what)));
  return made.get_future();
}

/// A client whose answers never come, until it dies.
class silent_client {
public:
  std::future<int> ask() {
    const std::lock_guard guard{mutex_};
    return promises_.emplace_back().get_future();
  }

private:
  std::mutex mutex_;
  std::vector<std::promise<int>> promises_;
};

struct waiting_fixture {
  template <class Function>
  weir::job_result run(std::vector<int> records, Function function, weir::operator_options options = {}) {
    options.name = "op";
    if (!options.timeout)
      options.timeout = 1min;
    const auto results = weir::async_data_stream::ordered_wait(
      env.from_source(weir::collection_source<int>{std::move(records)}), std::move(function), options);
    results.sink_to([this](int n) { out.push_back(n); });
    results.dead_letters().sink_to(
      [this](const weir::dead_letter<int>& of) { errors.push_back(of.why.text()); }, {.name = "errors"});
    auto job = env.start("job");
    auto result = job.wait();
    status = job.status();
    return result;
  }

  weir::environment env{{.threads = 2}};
  weir::waiting_pool waits = env.waiting_pool({.name = "futures", .threads = 2});
  std::vector<int> out;
  std::vector<std::string> errors;
  weir::job_status status;
};

using done_type = weir::result_future<int>;

} // namespace

BOOST_FIXTURE_TEST_SUITE(waiting_pools, waiting_fixture)

// -- what a future may give --

BOOST_AUTO_TEST_CASE(a_call_may_be_completed_from_every_kind_of_future) {
  const auto answer = [this](const int& n, done_type done) {
    switch (n) {
      case 0:
        return waits.complete_from(ready(n), std::move(done));
      case 1:
        return waits.complete_from(ready(std::vector<int>{10, 11}), std::move(done));
      case 2:
        return waits.complete_from(ready(std::vector<int>{}), std::move(done));
      case 3:
        return waits.complete_from(ready(n).share(), std::move(done));
      case 4:
        return waits.complete_from(ready(weir::expected<int>{n}), std::move(done));
      case 5:
        return waits.complete_from(ready(static_cast<short>(n)), std::move(done));
      case 6:
        return waits.complete_from(std::async(std::launch::deferred, [] {}), std::move(done));
      default:
        return waits.complete_from(std::async(std::launch::async, [n] { return n; }), std::move(done));
    }
  };
  BOOST_TEST(run({0, 1, 2, 3, 4, 5, 6, 7}, answer).text() == "done");
  BOOST_TEST(out == (std::vector{0, 10, 11, 3, 4, 5, 7}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_a_future_throws_is_an_error_of_the_call) {
  const auto answer = [this](const int& n, done_type done) {
    switch (n) {
      case 0:
        return waits.complete_from(thrown<int>(std::runtime_error("no route")), std::move(done));
      case 1:
        return waits.complete_from(thrown<int>(weir::call_failed{{"io", "store", "it is full"}}),
                                   std::move(done));
      case 2:
        return waits.complete_from(thrown<int>(7), std::move(done));
      case 3:
        return waits.complete_from(ready(weir::expected<int>{weir::error{"io", "store", "no"}}),
                                   std::move(done));
      default:
        return waits.complete_from(std::future<int>{}, std::move(done));
    }
  };
  const auto result = run({0, 1, 2, 3, 4}, answer, {.on_failure = weir::failure_action::dead_letter});
  BOOST_TEST(result.text() == "done");
  const std::vector<std::string> expected{
    "call: its future threw: no route (exception)", "store: it is full (io)",
    "call: its future threw: something that is no std::exception (exception)", "store: no (io)",
    "waiting pool: the future that it is to wait for has no shared state: it was moved from, or made empty "
    "(argument)"};
  BOOST_TEST(errors == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_coroutine_awaits_a_future_and_goes_on_on_the_operators_thread) {
  std::atomic<bool> foreign = false;
  const auto twice = [&](const int& n) -> weir::task<int> {
    const auto client = std::async(std::launch::async, [] { return std::this_thread::get_id(); }).share();
    const auto on = co_await waits.await(client);
    if (std::this_thread::get_id() == on)
      foreign = true;
    co_await waits.await(std::async(std::launch::async, [] {}));
    try {
      co_await waits.await(thrown<int>(std::runtime_error("again")));
    } catch (const std::runtime_error& caught) {
      co_return caught.what() == std::string{"again"} ? 2 * n : 0;
    }
    co_return 0;
  };
  BOOST_TEST(run({1, 2, 3}, twice).text() == "done");
  BOOST_TEST(out == (std::vector{2, 4, 6}), boost::test_tools::per_element());
  BOOST_TEST(!foreign);
}

BOOST_AUTO_TEST_CASE(what_is_not_caught_behind_an_await_fails_the_call) {
  const auto answer = [&](const int& n) -> weir::task<int> {
    if (n == 0)
      co_return co_await waits.await(thrown<int>(std::runtime_error("no route")));
    co_return co_await waits.await(std::future<int>{});
  };
  run({0, 1}, answer, {.on_failure = weir::failure_action::dead_letter});
  BOOST_REQUIRE_EQUAL(errors.size(), 2u);
  BOOST_TEST(errors[0] == "call: its function threw: no route (exception)");
  BOOST_TEST(errors[1].find("has no shared state") != std::string::npos);
}

// -- how many, how long --

BOOST_AUTO_TEST_CASE(more_futures_than_threads_come_in_the_order_of_their_records) {
  std::vector<int> numbers(500);
  for (int i = 0; i < 500; ++i)
    numbers[static_cast<std::size_t>(i)] = i;
  std::mutex mutex;
  std::vector<std::pair<int, std::promise<int>>> asked;
  const auto answer = [&](const int& n, done_type done) {
    const std::lock_guard guard{mutex};
    asked.emplace_back(n, std::promise<int>{});
    waits.complete_from(asked.back().second.get_future(), std::move(done));
    // In spans, the last asked first.
    if (asked.size() == 100)
      for (; !asked.empty(); asked.pop_back())
        asked.back().second.set_value(10 * asked.back().first);
  };
  BOOST_TEST(run(numbers, answer, {.capacity = 100}).text() == "done");
  BOOST_REQUIRE_EQUAL(out.size(), numbers.size());
  for (std::size_t i = 0; i < out.size(); ++i)
    BOOST_REQUIRE_EQUAL(out[i], 10 * numbers[i]);
}

BOOST_AUTO_TEST_CASE(futures_that_are_never_ready_hold_up_neither_the_others_nor_the_end) {
  silent_client silent;
  const auto answer = [&](const int& n, done_type done) {
    waits.complete_from(n < 0 ? silent.ask() : ready(n), std::move(done));
  };
  BOOST_TEST(run({-1, 1, -2, 2, -3, 3, -4, 4}, answer,
                 {.timeout = 50ms, .on_failure = weir::failure_action::drop})
               .text()
             == "done");
  BOOST_TEST(out == (std::vector{1, 2, 3, 4}), boost::test_tools::per_element());
  BOOST_TEST(status.operators.at(0).timeouts == 4u);
}

BOOST_AUTO_TEST_CASE(a_record_whose_hook_leaves_it_to_a_future_that_never_comes_times_out) {
  struct patient : weir::async_function<int, int> {
    patient(const weir::waiting_pool& in, silent_client& asks) : waits(in), client(&asks) {}
    void async_invoke(const int&, done_type done) { waits.complete_from(client->ask(), std::move(done)); }
    void timeout(const int&, const done_type&) {}
    weir::waiting_pool waits;
    silent_client* client;
  };
  silent_client silent;
  run({1}, patient{waits, silent}, {.timeout = 20ms, .on_failure = weir::failure_action::dead_letter});
  BOOST_REQUIRE_EQUAL(errors.size(), 1u);
  BOOST_TEST(errors[0].find("timeout_error") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_job_ends_while_futures_of_std_async_are_not_ready) {
  std::promise<void> gate;
  const auto opened = gate.get_future().share();
  std::atomic<int> called = 0;
  const auto answer = [&](const int& n, done_type done) {
    waits.complete_from(std::async(std::launch::async,
                                   [opened, n] {
                                     opened.wait();
                                     return n;
                                   }),
                        std::move(done));
    called = n;
    called.notify_all();
  };
  weir::async_data_stream::ordered_wait(env.from_source(weir::collection_source<int>{{1, 2, 3}}), answer,
                                        {.name = "op", .timeout = 0s})
    .sink_to([](int) {});
  {
    auto job = env.start("job");
    for (int n = called; n < 3; n = called)
      called.wait(n);
    job.cancel();
    BOOST_TEST((job.wait().end == weir::job_end::cancelled));
  }
  gate.set_value();
}

BOOST_AUTO_TEST_CASE(a_future_is_never_destroyed_on_the_operators_thread) {
  struct noting {
    noting(int n, std::mutex& m, std::set<std::thread::id>& to) : value(n), mutex(&m), on(&to) {}
    noting(noting&& other) noexcept
      : value(other.value), mutex(std::exchange(other.mutex, nullptr)), on(other.on) {}
    noting& operator=(noting&&) = delete;
    ~noting() {
      if (mutex == nullptr)
        return;
      const std::lock_guard guard{*mutex};
      on->insert(std::this_thread::get_id());
    }
    operator int() const { return value; }
    int value;
    std::mutex* mutex;
    std::set<std::thread::id>* on;
  };
  std::mutex mutex;
  std::set<std::thread::id> destroyed_on;
  std::set<std::thread::id> called_on;
  const auto answer = [&](const int& n, done_type done) {
    called_on.insert(std::this_thread::get_id());
    std::promise<noting> promise;
    auto future = promise.get_future();
    promise.set_value(noting{n, mutex, destroyed_on});
    waits.complete_from(std::move(future), std::move(done));
  };
  run({1, 2, 3}, answer);
  BOOST_TEST(out == (std::vector{1, 2, 3}), boost::test_tools::per_element());
  BOOST_TEST(!destroyed_on.empty());
  for (const auto& each : called_on)
    BOOST_TEST(!destroyed_on.contains(each));
}

// -- pools and jobs --

BOOST_AUTO_TEST_CASE(one_plan_may_run_twice_at_a_time_each_with_threads_of_its_own) {
  std::atomic<int> sum = 0;
  weir::async_data_stream::ordered_wait(
    env.from_source(weir::collection_source<int>{{1, 2, 3}}),
    [this](const int& n, done_type done) {
      waits.complete_from(std::async(std::launch::async, [n] { return n; }), std::move(done));
    },
    {.name = "op", .timeout = 1min})
    .sink_to([&](int n) { sum += n; });
  auto one = env.start("one");
  auto two = env.start("two");
  BOOST_TEST(one.wait().ok());
  BOOST_TEST(two.wait().ok());
  BOOST_TEST(sum == 12);
  BOOST_TEST(env.execute("three").ok());
  BOOST_TEST(sum == 18);
}

BOOST_AUTO_TEST_CASE(a_pool_of_another_environment_is_an_error_of_the_call) {
  weir::environment other;
  const auto foreign = other.waiting_pool({.name = "futures"});
  const auto result
    = run({1}, [foreign](const int& n, done_type done) { foreign.complete_from(ready(n), std::move(done)); });
  BOOST_REQUIRE(!result.ok());
  BOOST_TEST(result.why.at(0).text()
             == "operator op: its function threw: it uses a waiting pool that was made by another "
                "environment (exception)");
}

BOOST_AUTO_TEST_CASE(mistakes_are_found_before_the_start) {
  env.waiting_pool({.name = "futures"});
  env.waiting_pool({});
  env.waiting_pool({.name = "none", .threads = 0});
  env.waiting_pool({.name = "many", .threads = 1025});
  env.from_source(weir::collection_source<int>{{1}}).sink_to([](int) {});
  std::vector<std::string> texts;
  for (const auto& each : env.check())
    texts.push_back(each.text());
  const std::vector<std::string> expected{
    "waiting pool futures: another waiting pool has this name; names are unique within a job (argument)",
    "waiting pool: name is empty but every waiting pool needs one (argument)",
    "waiting pool none: threads is 0 but must be 1 to 1024 (argument)",
    "waiting pool many: threads is 1025 but must be 1 to 1024 (argument)"};
  BOOST_TEST(texts == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_status_has_what_waits) {
  silent_client silent;
  std::atomic<bool> called = false;
  weir::async_data_stream::ordered_wait(
    env.from_source(weir::collection_source<int>{{1, 2}}),
    [&](const int& n, done_type done) {
      waits.complete_from(silent.ask(), std::move(done));
      if (n == 2) {
        called = true;
        called.notify_all();
      }
    },
    {.name = "op", .timeout = 0s})
    .sink_to([](int) {});
  auto job = env.start("job");
  called.wait(false);
  const auto seen = job.status().waiting_pools;
  BOOST_REQUIRE_EQUAL(seen.size(), 1u);
  BOOST_TEST(seen[0].name == "futures");
  BOOST_TEST(seen[0].waiting == 2u);
  BOOST_TEST(seen[0].given_up == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
