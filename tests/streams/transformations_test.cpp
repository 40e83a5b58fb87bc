// SPDX-License-Identifier: Apache-2.0

// Transformations as a program writes them, on real threads.

#include "weir/weir.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weir::collection_source;

namespace {

/// Takes records from all instances of a sink.
template <class T>
class collector {
public:
  auto sink() {
    return [all = all_](T x) {
      const std::lock_guard guard{all->mutex};
      all->records.push_back(std::move(x));
    };
  }

  std::vector<T> in_order() const { return all_->records; }

  std::vector<T> sorted() const {
    auto all = all_->records;
    std::sort(all.begin(), all.end());
    return all;
  }

private:
  struct shared {
    std::mutex mutex;
    std::vector<T> records;
  };
  std::shared_ptr<shared> all_ = std::make_shared<shared>();
};

struct transformations_fixture {
  auto numbers(int count, std::uint32_t instances = 1) {
    std::vector<int> all;
    for (int i = 0; i < count; ++i)
      all.push_back(i);
    return env.from_source(collection_source<int>{all}, {.parallelism = instances});
  }

  void run() {
    const auto result = env.execute("test");
    BOOST_TEST_REQUIRE(result.ok(), result.text());
  }

  bool has_mistake(const std::string& part) const {
    const auto all = env.check();
    return std::any_of(all.begin(), all.end(), [&](const weir::error& each) {
      return each.text().find(part) != std::string::npos;
    });
  }

  weir::environment env{{.threads = 4}};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(transformations, transformations_fixture)

BOOST_AUTO_TEST_CASE(they_run_one_behind_the_other) {
  collector<std::string> out;
  numbers(6)
    .filter([](int x) { return x % 2 == 1; })
    .map([](int x) { return std::to_string(x); })
    .flat_map([](const std::string& x) { return std::vector{x, x + x}; })
    .sink_to(out.sink());
  run();
  BOOST_TEST((out.in_order() == std::vector<std::string>{"1", "11", "3", "33", "5", "55"}));
}

BOOST_AUTO_TEST_CASE(one_stream_may_have_several_consumers) {
  collector<int> all;
  collector<int> odd;
  const auto in = numbers(1000);
  in.sink_to(all.sink());
  in.filter([](int x) { return x % 2 == 1; }).sink_to(odd.sink());
  run();
  BOOST_TEST(all.in_order().size() == 1000u);
  BOOST_TEST(odd.in_order().size() == 500u);
  BOOST_TEST((all.in_order() == all.sorted()));
}

BOOST_AUTO_TEST_CASE(a_stream_may_meet_itself_and_its_records_stay_apart) {
  std::mutex mutex;
  std::set<std::string> origins;
  const auto in = numbers(100);
  in.union_with(in.map([](int x) { return -x; }))
    .union_with(in)
    .sink_to([&](int, weir::event_time, const weir::origin& from) {
      const std::lock_guard guard{mutex};
      origins.insert(from.text());
    });
  run();
  BOOST_TEST(origins.size() == 300u);
}

BOOST_AUTO_TEST_CASE(each_key_is_at_one_instance_and_in_order) {
  for (std::uint32_t instances = 1; instances <= 4; ++instances) {
    env = weir::environment{{.threads = 4, .parallelism = instances}};
    struct seen {
      std::mutex mutex;
      std::map<int, std::set<const void*>> instances_of;
      std::map<int, std::vector<int>> called;
    };
    const auto all = std::make_shared<seen>();
    struct lookup : weir::async_function<int, int> {
      explicit lookup(std::shared_ptr<seen> into) : all(std::move(into)) {}
      void async_invoke(const int& x, weir::result_future<int> done) {
        {
          const std::lock_guard guard{all->mutex};
          all->instances_of[x % 17].insert(this);
          all->called[x % 17].push_back(x);
        }
        // From elsewhere, so that calls of several keys overlap.
        std::thread{[x, done = std::move(done)]() mutable { done.complete(x); }}.detach();
      }
      std::shared_ptr<seen> all;
    };
    collector<int> out;
    const auto keyed = numbers(500, 1).filter([](int x) { return x % 3 != 0; }).key_by([](int x) {
      return x % 17;
    });
    weir::async_data_stream::key_ordered_wait(keyed, lookup{all}, {.name = "op", .timeout = 30s})
      .sink_to(out.sink());
    run();
    BOOST_TEST(out.sorted().size() == 333u);
    BOOST_TEST(all->instances_of.size() == 17u);
    for (const auto& [key, which] : all->instances_of)
      BOOST_TEST(which.size() == 1u);
    for (const auto& [key, values] : all->called)
      BOOST_TEST(std::is_sorted(values.begin(), values.end()));
    // One instance feeds one sink, and a key comes from one instance.
    std::map<int, int> last;
    for (const auto x : out.in_order()) {
      BOOST_TEST((!last.contains(x % 17) || last[x % 17] < x));
      last[x % 17] = x;
    }
  }
}

BOOST_AUTO_TEST_CASE(only_what_changes_records_drops_their_keys) {
  const auto keyed = numbers(10).key_by([](int x) { return x % 3; });
  using of_keys = weir::keyed_stream<int, int>;
  static_assert(std::is_same_v<decltype(keyed.filter([](int) { return true; })), of_keys>);
  static_assert(std::is_same_v<decltype(keyed.union_with(keyed)), of_keys>);
  static_assert(
    std::is_same_v<decltype(keyed.map([](int x) { return x; })), weir::stream<int>>);
  static_assert(std::is_same_v<decltype(keyed.rebalance()), weir::stream<int>>);
  static_assert(std::is_same_v<decltype(keyed.flat_map([](int x) { return std::vector{x}; })),
                               weir::stream<int>>);
  BOOST_TEST((keyed.filter([](int) { return true; }).edges()[0].how == weir::partition::key));
  BOOST_TEST((keyed.map([](int x) { return x; }).edges()[0].how == weir::partition::forward));
}

BOOST_AUTO_TEST_CASE(dead_letters_are_a_stream_like_others) {
  collector<std::string> out;
  const auto results = weir::async_data_stream::ordered_wait(
    numbers(10),
    [](const int& x, weir::result_future<int> done) {
      if (x % 5 == 0)
        done.fail({"refused", "service", "not five"});
      else
        done.complete(x);
    },
    {.name = "op", .timeout = 30s, .on_failure = weir::failure_action::dead_letter});
  results.dead_letters()
    .map([](const weir::dead_letter<int>& x) { return "dead " + std::to_string(x.value); })
    .union_with(results.map([](int x) { return std::to_string(x); }))
    .sink_to(out.sink());
  run();
  BOOST_TEST((out.sorted()
              == std::vector<std::string>{"1", "2", "3", "4", "6", "7", "8", "9", "dead 0", "dead 5"}));
}

BOOST_AUTO_TEST_CASE(rebalance_and_parallelism_spread_the_work) {
  // Answers nothing before each of the three instances has been asked: an instance whose thread rests for as long as
  // the others need for all would get no record.
  struct shared_work {
    void take(const void* instance, int x, weir::result_future<int> done) {
      std::vector<std::pair<int, weir::result_future<int>>> ready;
      {
        const std::lock_guard guard{mutex};
        instances.insert(instance);
        held.emplace_back(x, std::move(done));
        if (instances.size() == 3)
          ready.swap(held);
      }
      for (auto& [of, answer] : ready)
        answer.complete(of);
    }
    std::mutex mutex;
    std::set<const void*> instances;
    std::vector<std::pair<int, weir::result_future<int>>> held;
  } work;
  struct lookup : weir::async_function<int, int> {
    explicit lookup(shared_work& of) : work(&of) {}
    void async_invoke(const int& x, weir::result_future<int> done) { work->take(this, x, std::move(done)); }
    shared_work* work;
  };
  collector<int> out;
  const auto in = numbers(30'000).parallelism(2);
  weir::async_data_stream::ordered_wait(in.rebalance(), lookup{work}, {.name = "op", .timeout = 30s})
    .parallelism(3)
    .map([](int x) { return x; })
    .sink_to(out.sink(), {.parallelism = 2});
  run();
  BOOST_TEST(out.in_order().size() == 30'000u);
  BOOST_TEST(work.instances.size() == 3u);
}

BOOST_AUTO_TEST_CASE(an_operator_that_is_set_up_in_one_line_may_be_kept_by_reference) {
  const auto wait = [this] {
    return weir::async_data_stream::ordered_wait(
      numbers(10), [](const int& x, weir::result_future<int> done) { done.complete(x); },
      {.name = "op", .timeout = 30s});
  };
  static_assert(!std::is_reference_v<decltype(wait().dead_letters())>);
  static_assert(!std::is_reference_v<decltype(wait().parallelism(2))>);
  const auto& answers = wait().parallelism(2);
  collector<int> out;
  answers.sink_to(out.sink());
  run();
  BOOST_TEST(out.in_order().size() == 10u);
}

BOOST_AUTO_TEST_CASE(what_a_transformation_throws_fails_the_job_by_stage_and_record) {
  numbers(10)
    .map([](int x) {
      if (x == 7)
        throw std::runtime_error{"seven"};
      return x;
    })
    .sink_to([](int) {});
  const auto result = env.execute("test");
  BOOST_TEST((result.end == weir::job_end::failed));
  BOOST_TEST(result.why.front().text() == "source: map threw: seven (exception)");
  BOOST_TEST(result.stage == "source");
  BOOST_TEST(result.record == "record 0/7");
}

BOOST_AUTO_TEST_CASE(what_a_key_or_a_step_behind_an_operator_throws_fails_the_job_too) {
  const auto results = weir::async_data_stream::unordered_wait(
    numbers(10), [](const int& x, weir::result_future<int> done) { done.complete(x); },
    {.name = "op", .timeout = 30s});
  results.key_by([](int x) { return x == 3 ? throw std::runtime_error{"three"} : x; })
    .sink_to([](int) {});
  const auto result = env.execute("test");
  BOOST_TEST((result.end == weir::job_end::failed));
  BOOST_TEST(result.why.front().text() == "operator op: key_by threw: three (exception)");
  BOOST_TEST(result.record == "record 0/3");
}

BOOST_AUTO_TEST_CASE(mistakes_are_found_at_once) {
  const auto unique = env.from_source(
    [] {
      return std::make_unique<collection_source<std::unique_ptr<int>>>(
        std::vector<std::unique_ptr<int>>{});
    },
    {.name = "unique"});
  unique.sink_to([](std::unique_ptr<int>&&) {});
  BOOST_TEST(env.check().empty());
  unique.map([](const std::unique_ptr<int>& x) { return *x; }).sink_to([](int) {});
  weir::environment other;
  numbers(3).union_with(other.from_source(collection_source<int>{std::vector<int>{1}})).sink_to([](int) {});
  BOOST_TEST(env.check().size() == 2u);
  BOOST_TEST(has_mistake("unique: its records are taken more than once but their type cannot be copied"));
  BOOST_TEST(has_mistake("union_with: its streams belong to two environments"));
}

BOOST_AUTO_TEST_SUITE_END()
