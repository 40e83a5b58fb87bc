// SPDX-License-Identifier: Apache-2.0

#include "weir/collection_source.hpp"

#include "../support/collecting_output.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

namespace {

using weir::testing::collecting_output;

/// Polls to the end; a source that never ends fails the test.
template <class T>
std::vector<weir::testing::collected<T>> read(weir::source<T>& source,
                                              weir::instance_context context = {}) {
  BOOST_TEST(source.open(context).has_value());
  collecting_output<T> records;
  weir::source_outputs out{records};
  for (int i = 0; i < 1000; ++i) {
    const auto looked = source.poll(out);
    BOOST_TEST_REQUIRE(looked.has_value());
    if (looked->state == weir::poll_state::done)
      return records.elements();
  }
  BOOST_FAIL("has no end");
  return {};
}

struct square {
  std::uint64_t operator()(std::uint64_t i) const { return i * i; }
};

} // namespace

BOOST_AUTO_TEST_SUITE(collection_source)

BOOST_AUTO_TEST_CASE(a_collection_is_given_in_order_with_its_indices) {
  std::vector<int> numbers(5000);
  std::iota(numbers.begin(), numbers.end(), 7);
  weir::collection_source<int> source{numbers};
  const auto got = read(source);
  BOOST_TEST_REQUIRE(got.size() == 5000u);
  for (std::size_t i = 0; i < got.size(); ++i) {
    BOOST_TEST_REQUIRE(*got[i].value == numbers[i]);
    BOOST_TEST_REQUIRE((got[i].from == weir::origin{i, 0, 0}));
    BOOST_TEST_REQUIRE(!got[i].timestamp.has_value());
  }
  BOOST_TEST(source.progress().read == 5000u);
  BOOST_TEST(source.progress().total.value() == 5000u);
}

BOOST_AUTO_TEST_CASE(an_empty_collection_ends_at_once) {
  weir::collection_source<int> source{{}};
  BOOST_TEST(read(source).empty());
}

BOOST_AUTO_TEST_CASE(a_collection_stops_where_there_is_no_room) {
  weir::collection_source<std::string> source{{"a", "b", "c"}};
  collecting_output<std::string> records{2};
  weir::source_outputs out{records};
  BOOST_TEST((source.poll(out)->state == weir::poll_state::more));
  BOOST_TEST((records.values() == std::vector<std::string>{"a", "b"}));
  BOOST_TEST(source.progress().read == 2u);
  BOOST_TEST(source.progress().total.value() == 3u);
  records.grant(1);
  BOOST_TEST((source.poll(out)->state == weir::poll_state::done));
  BOOST_TEST(records.records() == 3u);
}

BOOST_AUTO_TEST_CASE(values_need_not_be_copyable) {
  std::vector<std::unique_ptr<int>> values;
  values.push_back(std::make_unique<int>(7));
  weir::collection_source<std::unique_ptr<int>> source{std::move(values)};
  collecting_output<std::unique_ptr<int>> records;
  weir::source_outputs out{records};
  BOOST_TEST((source.poll(out)->state == weir::poll_state::done));
  BOOST_TEST(**records.elements().at(0).value == 7);
}

BOOST_AUTO_TEST_CASE(several_instances_share_a_collection) {
  std::vector<int> seen(10, 0);
  for (std::uint32_t i = 0; i < 3; ++i) {
    weir::collection_source<int> source{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}};
    for (const auto& x : read(source, {"job", "source", i, 3})) {
      BOOST_TEST(x.from.position == static_cast<std::uint64_t>(*x.value));
      ++seen[static_cast<std::size_t>(*x.value)];
    }
    BOOST_TEST(source.progress().total.value() == source.progress().read);
  }
  BOOST_TEST((seen == std::vector<int>(10, 1)));
}

BOOST_AUTO_TEST_CASE(a_range_makes_its_records) {
  weir::range_source<square> source{3, 10'003};
  const auto got = read(source);
  BOOST_TEST_REQUIRE(got.size() == 10'000u);
  BOOST_TEST(*got.front().value == 9u);
  BOOST_TEST(got.front().from.position == 3u);
  BOOST_TEST(*got.back().value == 10'002u * 10'002u);
  weir::range_source<square> backwards{5, 3};
  BOOST_TEST(read(backwards).empty());
}

BOOST_AUTO_TEST_CASE(several_instances_share_a_range) {
  std::uint64_t next = 5;
  for (std::uint32_t i = 0; i < 4; ++i) {
    weir::range_source source{5, 5 + 11, [](std::uint64_t n) { return n; }};
    for (const auto& x : read(source, {"job", "source", i, 4}))
      BOOST_TEST(*x.value == next++);
  }
  BOOST_TEST(next == 16u);
}

BOOST_AUTO_TEST_SUITE_END()
