// SPDX-License-Identifier: Apache-2.0

// The async operator everywhere in a graph: what comes out, and in which order where one is promised. The
// graphs are built as users build them, and run under CAF's testing scheduler; chance decides which actor
// runs next and which call is answered next.

#include "../support/actor_world.hpp"
#include "../support/seeds.hpp"

#include "weir/job_runner.hpp"
#include "weir/weir.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <string_view>

namespace {

using weir::output_mode;
using weir::stream;

constexpr int records = 200;

/// A graph that is being built, and then run.
struct graph {
  graph(output_mode of, std::uint32_t instances, std::uint64_t seed)
    : mode(of), parallelism(instances), chance(seed) {}

  stream<int> source(const std::string& name = "in") {
    std::vector<int> all;
    for (int i = 0; i < records; ++i)
      all.push_back(i);
    return env.from_source(weir::collection_source<int>{all}, {.name = name});
  }

  /// An operator that gives ten times the record; those that `refuses` names become dead letters.
  weir::async_stream<int, int> wait(const stream<int>& in, const std::string& name = "op",
                                    bool (*refuses)(int) = nullptr) {
    const auto call = [this, refuses](const int& x, weir::result_future<int> done) {
      held.push_back({x, refuses != nullptr && refuses(x), std::move(done)});
    };
    weir::operator_options how{.name = name,
                               .timeout = weir::duration{0},
                               .on_failure = refuses != nullptr ? weir::failure_action::dead_letter
                                                                : weir::failure_action::fail_job,
                               .capacity = 20,
                               .parallelism = parallelism};
    if (mode == output_mode::ordered)
      return weir::async_data_stream::ordered_wait(in, call, how);
    if (mode == output_mode::unordered)
      return weir::async_data_stream::unordered_wait(in, call, how);
    return weir::async_data_stream::key_ordered_wait(in.key_by([](int x) { return x % 7; }), call, how);
  }

  void sink(const stream<int>& of) {
    of.sink_to([this](int x) { out.push_back(x); });
  }

  void run(const weir::job_plan& plan) {
    world.shuffle(chance());
    weir::job_runner runner{world.system(), plan, {}};
    std::optional<weir::job_result> result;
    const auto mistakes = runner.start([&](weir::job_result with) { result = std::move(with); });
    BOOST_TEST_REQUIRE(mistakes.empty(), (mistakes.empty() ? "" : mistakes.front().text()));
    for (world.run(); !held.empty(); world.run())
      answer_one();
    BOOST_TEST_REQUIRE(result.has_value());
    BOOST_TEST_REQUIRE(result->ok(), result->text());
  }

  void answer_one() {
    std::swap(held[chance() % held.size()], held.back());
    auto next = std::move(held.back());
    held.pop_back();
    if (next.refused)
      next.done.fail({"refused", "service", ""});
    else
      next.done.complete(10 * next.record);
  }

  struct held_call {
    int record;
    bool refused;
    weir::result_future<int> done;
  };

  output_mode mode;
  std::uint32_t parallelism;
  std::mt19937_64 chance;
  weir::environment env;
  std::vector<held_call> held;
  std::vector<int> out;
  weir::testing::actor_world world;
};

/// Where the operator stands.
struct place {
  const char* name;
  /// Builds the graph; a stream of it.
  stream<int> (*build)(graph&);
  /// What comes of the record `x`.
  std::vector<int> (*expected)(int x);
  /// Whether one way leads from the source through the operator to the sink.
  bool one_way = true;
};

std::ostream& operator<<(std::ostream& to, const place& of) {
  return to << of.name;
}

output_mode mode_of(std::string_view name) {
  if (name == "key_ordered")
    return output_mode::key_ordered;
  return name == "ordered" ? output_mode::ordered : output_mode::unordered;
}

bool is_odd(int x) {
  return x % 2 == 1;
}

const place places[] = {
  {"after a source",
   [](graph& g) {
     const auto in = g.source();
     g.sink(g.wait(in));
     return in;
   },
   [](int x) { return std::vector{10 * x}; }},
  {"after a map",
   [](graph& g) {
     const auto in = g.source().map([](int x) { return x + 1; });
     g.sink(g.wait(in));
     return in;
   },
   [](int x) { return std::vector{10 * x + 10}; }},
  {"after a filter and a flat_map, before a map",
   [](graph& g) {
     const auto in = g.source().filter(is_odd).flat_map([](int x) { return std::vector{x, x + 1}; });
     g.sink(g.wait(in).map([](int x) { return x + 1; }));
     return in;
   },
   [](int x) {
     return is_odd(x) ? std::vector{10 * x + 1, 10 * x + 11} : std::vector<int>{};
   }},
  {"after key_by",
   [](graph& g) {
     const auto in = g.source().key_by([](int x) { return x % 5; });
     g.sink(g.wait(in));
     return stream<int>{in};
   },
   [](int x) { return std::vector{10 * x}; }},
  {"after rebalance",
   [](graph& g) {
     const auto in = g.source().rebalance();
     g.sink(g.wait(in));
     return in;
   },
   [](int x) { return std::vector{10 * x}; }},
  {"after a union",
   [](graph& g) {
     const auto one = g.source("one");
     const auto in = one.union_with(g.source("two").map([](int x) { return 1000 + x; })).union_with(one);
     g.sink(g.wait(in));
     return in;
   },
   [](int x) {
     return std::vector{10 * x, 10 * (1000 + x), 10 * x};
   },
   false},
  {"after another operator",
   [](graph& g) {
     const auto in = g.source();
     g.sink(g.wait(g.wait(in, "first").map([](int x) { return x + 1; }), "second"));
     return in;
   },
   [](int x) { return std::vector{100 * x + 10}; }},
  {"on a side output",
   [](graph& g) {
     const auto in = g.source();
     const auto results = g.wait(in, "first", is_odd);
     g.sink(results.filter([](int) { return false; }));
     g.sink(g.wait(results.dead_letters().map([](const auto& x) { return x.value; }), "second"));
     return in;
   },
   [](int x) { return is_odd(x) ? std::vector{10 * x} : std::vector<int>{}; }},
  {"in front of two consumers",
   [](graph& g) {
     const auto in = g.source();
     const auto results = g.wait(in, "first");
     g.sink(results);
     g.sink(g.wait(results.map([](int x) { return x + 1; }), "second"));
     return in;
   },
   [](int x) {
     return std::vector{10 * x, 100 * x + 10};
   },
   false},
};

} // namespace

BOOST_AUTO_TEST_SUITE(graphs)

namespace data = boost::unit_test::data;

BOOST_DATA_TEST_CASE(an_operator_does_its_work_everywhere,
                     data::make(places)
                       * data::make({"ordered", "unordered", "key_ordered"})
                       * data::make({1u, 2u, 3u, 4u}),
                     at, mode_name, parallelism) {
  const auto mode = mode_of(mode_name);
  const auto [first, count] = weir::testing::seeds(3);
  for (auto seed = first; seed < first + count; ++seed)
    BOOST_TEST_CONTEXT("seed " << seed) {
      graph g{mode, parallelism, seed};
      const auto plan = at.build(g).plan();
      g.run(*plan);
      std::vector<int> expected;
      for (int i = 0; i < records; ++i)
        for (const auto x : at.expected(i))
          expected.push_back(x);
      if (mode != output_mode::ordered || parallelism > 1 || !at.one_way) {
        std::sort(expected.begin(), expected.end());
        std::sort(g.out.begin(), g.out.end());
      }
      BOOST_TEST_REQUIRE((g.out == expected));
    }
}

BOOST_DATA_TEST_CASE(records_of_one_key_stay_in_order, data::make({1u, 2u, 3u, 4u}), parallelism) {
  graph g{output_mode::key_ordered, parallelism, 11};
  const auto in = g.source();
  g.sink(g.wait(in.filter([](int x) { return x % 3 != 0; })));
  g.run(*in.plan());
  std::map<int, int> last;
  for (const auto x : g.out) {
    BOOST_TEST(last[x / 10 % 7] < x);
    last[x / 10 % 7] = x;
  }
  BOOST_TEST(last.size() == 7u);
}

BOOST_AUTO_TEST_SUITE_END()
