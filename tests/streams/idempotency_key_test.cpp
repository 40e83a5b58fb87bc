// SPDX-License-Identifier: Apache-2.0

// How a program's function asks for its record's idempotency key, in each form that it may have, and over which
// of its records, jobs and runs keys are the same.

#include "weir/collection_source.hpp"
#include "weir/idempotency_key.hpp"
#include "weir/memory_store.hpp"
#include "weir/testing.hpp"
#include "weir/weir.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weir::idempotency_scope;
using weir::result_future;
using weir::run_id;
using weir::task;
using weir::testing::operator_harness;
using weir::testing::virtual_clock;
using weir::testing::virtual_job;

namespace {

const weir::error busy{"busy", "store", "ask again"};

/// By record, the key of each call and hook.
using keys = std::map<int, std::vector<std::string>>;

const weir::operator_options twice{.name = "ask",
                                   .timeout = 1s,
                                   .retry = weir::fixed_delay{1, 1ms, weir::any_error()},
                                   .on_failure = weir::failure_action::drop};

struct as_class : weir::async_function<int, int> {
  explicit as_class(keys& to) : all(&to) {}

  void async_invoke(const int& x, result_future<int> done) {
    (*all)[x].push_back(done.idempotency_key().text());
    done.fail(busy);
  }

  keys* all;
};

struct as_class_with_hook : weir::async_function<int, int> {
  explicit as_class_with_hook(keys& to) : all(&to) {}

  void async_invoke(const int& x, result_future<int> done) {
    (*all)[x].push_back(done.idempotency_key().text());
    never.push_back(std::move(done));
  }
  void timeout(const int& x, const result_future<int>& done) {
    (*all)[x].push_back(done.idempotency_key().text());
  }

  keys* all;
  std::vector<result_future<int>> never;

  as_class_with_hook(const as_class_with_hook& other) : async_function(other), all(other.all) {}
};

struct as_coroutine_class : weir::async_function<int, int> {
  explicit as_coroutine_class(keys& to) : all(&to) {}

  task<int> async_invoke(const int& x) {
    (*all)[x].push_back((co_await weir::this_call).idempotency_key.text());
    co_return busy;
  }

  keys* all;
};

/// Pushes records 0 and 1 and lets each have its second call, or its hook.
template <class Function>
keys keys_in_harness(Function function, keys& all) {
  virtual_clock clock;
  operator_harness op{clock, std::move(function), twice};
  op.push(0);
  op.push(1);
  clock.advance(1s);
  return all;
}

std::string key_text(const std::string& job, const run_id& run, const weir::origin& from) {
  return idempotency_scope{job, run, "ask"}.key_of(from).text();
}

/// Notes the key of each record, once.
auto noting(std::map<int, std::string>& to) {
  return [&to](const int& x, result_future<int> done) {
    to[x] = done.idempotency_key().text();
    done.complete(x);
  };
}

const weir::operator_options once{.name = "ask", .timeout = 1s};

} // namespace

BOOST_AUTO_TEST_SUITE(idempotency_keys)

BOOST_AUTO_TEST_CASE(a_function_of_each_form_asks_for_its_key) {
  const std::map<std::string, std::function<keys(keys&)>> forms{
    {"a class", [](keys& all) { return keys_in_harness(as_class{all}, all); }},
    {"a class with a hook", [](keys& all) { return keys_in_harness(as_class_with_hook{all}, all); }},
    {"a class of coroutines", [](keys& all) { return keys_in_harness(as_coroutine_class{all}, all); }},
    {"a lambda",
     [](keys& all) {
       return keys_in_harness(
         [&all](const int& x, result_future<int> done) {
           all[x].push_back(done.idempotency_key().text());
           done.fail(busy);
         },
         all);
     }},
    {"a lambda that is a coroutine",
     [](keys& all) {
       return keys_in_harness(
         [&all](const int& x) -> task<int> {
           all[x].push_back((co_await weir::this_call).idempotency_key.text());
           co_return busy;
         },
         all);
     }},
  };
  const auto first = key_text("test", {}, {0, 0, 0});
  const auto second = key_text("test", {}, {1, 0, 0});
  for (const auto& [name, run] : forms) {
    keys all;
    BOOST_TEST((run(all) == keys{{0, {first, first}}, {1, {second, second}}}), name);
  }
}

BOOST_AUTO_TEST_CASE(a_test_may_write_a_harness_key_down) {
  virtual_clock clock;
  std::map<int, std::string> seen;
  operator_harness op{clock, noting(seen), once};
  op.push(5);
  BOOST_TEST(seen[5] == "7a01dcb1806940bf2946ca7b6f8e04f4");
}

BOOST_AUTO_TEST_CASE(a_harness_record_keeps_its_key_over_a_crash) {
  virtual_clock clock;
  keys all;
  operator_harness op{clock, as_class_with_hook{all}, once};
  op.push(1);
  const auto state = op.checkpoint();
  op.crash_and_restore(state);
  op.crash_and_restore(state, weir::restore_mode::call_all);
  BOOST_TEST(all[1] == std::vector(3, key_text("test", {}, {0, 0, 0})), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_virtual_jobs_keys_are_those_of_its_seed) {
  const auto run = [](const weir::run_options& with) {
    virtual_clock clock;
    weir::environment env;
    std::map<int, std::string> seen;
    weir::async_data_stream::ordered_wait(env.from_source(weir::collection_source<int>{{1}}),
                                          noting(seen), once)
      .sink_to([](int) {});
    const virtual_job job{clock, env, "job", with};
    return seen.at(1);
  };
  BOOST_TEST(run({}) == run({}));
  BOOST_TEST(run({.seed = 7}) == key_text("job", run_id::of_seed(7), {0, 0, 0}));
  BOOST_TEST(run({.seed = 7}) != run({.seed = 8}));
}

BOOST_AUTO_TEST_CASE(each_of_several_that_one_record_becomes_has_a_key_of_its_own) {
  virtual_clock clock;
  weir::environment env;
  std::map<int, std::string> seen;
  const auto several = [](int x) { return std::vector{10 * x, 10 * x + 1, 10 * x + 2}; };
  weir::async_data_stream::ordered_wait(
    env.from_source(weir::collection_source<int>{{1, 2}}).flat_map(several), noting(seen), once)
    .sink_to([](int) {});
  const virtual_job job{clock, env, "job"};
  std::set<std::string> texts;
  for (const auto& [record, text] : seen)
    texts.insert(text);
  BOOST_TEST(texts.size() == 6u);
}

BOOST_AUTO_TEST_CASE(and_so_has_each_record_of_streams_that_are_united) {
  virtual_clock clock;
  weir::environment env;
  std::map<int, std::string> seen;
  const auto some = env.from_source(weir::collection_source<int>{{1, 2}});
  const auto others = env.from_source(weir::collection_source<int>{{3, 4}}, {.name = "others"});
  weir::async_data_stream::ordered_wait(some.union_with(others), noting(seen), once).sink_to([](int) {});
  const virtual_job job{clock, env, "job"};
  std::set<std::string> texts;
  for (const auto& [record, text] : seen)
    texts.insert(text);
  BOOST_TEST(texts.size() == 4u);
}

BOOST_AUTO_TEST_CASE(a_services_function_asks_alike) {
  virtual_clock clock;
  weir::environment env;
  std::map<int, std::string> seen;
  const auto service = weir::async_service::ordered(env, noting(seen), once);
  const virtual_job job{clock, env, "job"};
  BOOST_TEST(service.push(5, {.position = 77}).has_value());
  clock.run();
  BOOST_TEST(seen[5] == key_text("job", run_id::of_seed(0), {77, 0, 0}));
}

BOOST_AUTO_TEST_CASE(a_record_keeps_its_key_where_another_process_goes_on_with_other_instances) {
  const auto memory = std::make_shared<weir::checkpoint_memory>();
  std::map<int, std::set<std::string>> seen;
  virtual_clock clock;
  const auto start = [&](std::uint32_t instances, bool answers, const weir::run_options& with) {
    weir::environment env;
    const auto function = [&seen, answers, held = std::vector<std::shared_ptr<result_future<int>>>{}](
                            const int& x, result_future<int> done) mutable {
      seen[x].insert(done.idempotency_key().text());
      if (answers)
        done.complete(x);
      else
        held.push_back(std::make_shared<result_future<int>>(std::move(done)));
    };
    auto how = once;
    how.timeout = 10h;
    how.capacity = 4;
    how.parallelism = instances;
    weir::async_data_stream::unordered_wait(
      env.from_source(weir::collection_source<int>{{1, 2, 3, 4, 5, 6}}), function, how)
      .sink_to([](int) {});
    weir::checkpoint_options into;
    into.store = [memory] { return weir::memory_store(memory); };
    into.interval = 1min;
    env.enable_checkpointing(into);
    virtual_job job{clock, env, "job", with};
    clock.advance(5min);
    // Then it dies, or has come to its end.
    return job.how_started().kind;
  };
  // The seed of a process that goes on decides no key.
  BOOST_TEST((start(1, false, {.seed = 1}) == weir::start_kind::fresh));
  BOOST_TEST((start(2, false, {.seed = 2}) == weir::start_kind::restored));
  BOOST_TEST((start(3, true, {.seed = 3}) == weir::start_kind::restored));
  std::set<std::string> expected;
  for (std::uint64_t position = 0; position < 6; ++position)
    expected.insert(key_text("job", run_id::of_seed(1), {position, 0, 0}));
  std::set<std::string> all;
  BOOST_TEST(seen.size() == 6u);
  for (const auto& [record, texts] : seen) {
    BOOST_TEST(texts.size() == 1u, record);
    all.insert(texts.begin(), texts.end());
  }
  BOOST_TEST(all == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(two_runs_of_a_program_have_other_keys_also_with_one_seed) {
  weir::environment env;
  std::map<int, std::string> seen;
  weir::async_data_stream::ordered_wait(env.from_source(weir::collection_source<int>{{1}}), noting(seen), once)
    .sink_to([](int) {});
  std::set<std::string> texts;
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST_REQUIRE(env.execute("job", {.seed = 1}).ok());
    texts.insert(seen.at(1));
  }
  BOOST_TEST(texts.size() == 3u);
}

BOOST_AUTO_TEST_SUITE_END()
