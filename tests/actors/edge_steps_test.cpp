// SPDX-License-Identifier: Apache-2.0

#include "weir/edge_steps.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using weir::batch;
using weir::event_time;
using weir::origin;

namespace {

struct named {
  int number = 0;
  std::string text{};

  friend std::string record_name(const named& x, const origin&) { return "line " + x.text; }
};

batch<int> numbers(int count) {
  batch<int> all;
  for (int i = 0; i < count; ++i)
    all.append(i, event_time{100 + i}, {static_cast<std::uint64_t>(i), 0, 0});
  return all;
}

origin origin_of(const weir::batch_base& of, std::size_t i) {
  weir::origin_runs::cursor at;
  return at.at(of.origins(), i);
}

template <class T>
struct stepped {
  batch<T> out;
  std::optional<weir::step_failure> failure;
};

/// Runs a step that `make` makes.
template <class Out, class In>
stepped<Out> run(const weir::step_maker& make, batch<In> in) {
  stepped<Out> all;
  all.failure = make()->run(in, all.out);
  return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(edge_steps)

BOOST_AUTO_TEST_CASE(map_keeps_event_time_and_origin) {
  const auto all = run<std::string>(
    weir::map_of<int>([](const int& x) { return std::to_string(10 * x); }), numbers(3));
  BOOST_TEST_REQUIRE(all.out.records() == 3u);
  BOOST_TEST(all.out.value(2) == "20");
  BOOST_TEST(all.out.timestamp(2).ms() == 102);
  BOOST_TEST((origin_of(all.out, 2) == origin{2, 0, 0}));
}

BOOST_AUTO_TEST_CASE(map_may_take_the_record_or_read_a_member) {
  batch<std::unique_ptr<int>> in;
  in.append(std::make_unique<int>(7), event_time::none(), {});
  const auto moved = run<std::unique_ptr<int>>(
    weir::map_of<std::unique_ptr<int>>([](std::unique_ptr<int> x) { return x; }), std::move(in));
  BOOST_TEST(*moved.out.value(0) == 7);
  batch<named> of;
  of.append({3, "x"}, event_time::none(), {});
  BOOST_TEST(run<int>(weir::map_of<named>(&named::number), std::move(of)).out.value(0) == 3);
}

BOOST_AUTO_TEST_CASE(filter_keeps_what_the_function_says) {
  const auto odd = run<int>(weir::filter_of<int>([](int x) { return x % 2 == 1; }), numbers(5));
  BOOST_TEST_REQUIRE(odd.out.records() == 2u);
  BOOST_TEST(odd.out.value(1) == 3);
  BOOST_TEST(odd.out.timestamp(1).ms() == 103);
  BOOST_TEST((origin_of(odd.out, 1) == origin{3, 0, 0}));
}

BOOST_AUTO_TEST_CASE(flat_map_gives_every_result_an_origin_of_its_own) {
  const auto all = run<int>(
    weir::flat_map_of<int>([](const int& x) { return std::vector<int>(static_cast<std::size_t>(x), x); }),
    numbers(3));
  BOOST_TEST_REQUIRE(all.out.records() == 3u);
  BOOST_TEST(all.out.value(0) == 1);
  // Also where there is only one.
  BOOST_TEST((origin_of(all.out, 0) == origin{1, 0, 0}.child(0)));
  BOOST_TEST((origin_of(all.out, 2) == origin{2, 0, 0}.child(1)));
  BOOST_TEST(all.out.timestamp(2).ms() == 102);
}

BOOST_AUTO_TEST_CASE(flat_map_leaves_a_range_alone_that_lies_elsewhere) {
  const std::array<std::string, 2> words{std::string(100, 'a'), "b"};
  const auto make = weir::flat_map_of<int>(
    [&words](const int&) -> const std::array<std::string, 2>& { return words; });
  BOOST_TEST(run<std::string>(make, numbers(2)).out.records() == 4u);
  BOOST_TEST(words[0].size() == 100u);
}

BOOST_AUTO_TEST_CASE(only_flat_map_makes_several_of_one) {
  BOOST_TEST(!weir::map_of<int>([](int x) { return x; })()->multiplies());
  BOOST_TEST(!weir::filter_of<int>([](int) { return true; })()->multiplies());
  BOOST_TEST(weir::flat_map_of<int>([](int x) { return std::vector<int>{x}; })()->multiplies());
}

BOOST_AUTO_TEST_CASE(what_a_function_throws_names_the_step_and_the_record) {
  batch<named> in;
  in.append({1, "one"}, event_time::none(), {8, 0, 0});
  in.append({2, "two"}, event_time::none(), {9, 0, 0});
  const auto fails = [](const named& x) -> bool {
    if (x.number == 2)
      throw std::runtime_error{"no"};
    return true;
  };
  auto copy = std::make_unique<batch<named>>();
  in.copy_records_to(*copy);
  const auto failed = run<named>(weir::filter_of<named>(fails), std::move(*copy));
  BOOST_REQUIRE(failed.failure.has_value());
  BOOST_TEST(failed.failure->step == "filter");
  BOOST_TEST(failed.failure->record == "line two");
  BOOST_CHECK_THROW(std::rethrow_exception(failed.failure->thrown), std::runtime_error);
  // One that may have been moved from is known by its place.
  const auto takes = [](named&&) -> int { throw std::runtime_error{"no"}; };
  BOOST_TEST(run<int>(weir::map_of<named>(takes), std::move(in)).failure->record == "record 0/8");
}

BOOST_AUTO_TEST_CASE(keys_are_read_of_each_record) {
  batch<named> in;
  in.append({1, "HAM"}, event_time::none(), {});
  std::vector<weir::key_hash> keys;
  BOOST_TEST(!weir::keys_of<named>(&named::text)()->read(in, keys).has_value());
  BOOST_TEST(!weir::keys_of<named>([](const named& x) { return x.number; })()->read(in, keys));
  BOOST_TEST((keys == std::vector{weir::hash_of_key("HAM"), weir::hash_of_key(1)}));
  const auto failed
    = weir::keys_of<named>([](const named&) -> int { throw std::runtime_error{"no"}; })()->read(in, keys);
  BOOST_TEST(failed->step == "key_by");
  BOOST_TEST(failed->record == "line HAM");
}

BOOST_AUTO_TEST_SUITE_END()
