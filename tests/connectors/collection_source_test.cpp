// SPDX-License-Identifier: Apache-2.0

#include "weir/collection_source.hpp"

#include "../support/collecting_output.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
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

struct same {
  std::uint64_t operator()(std::uint64_t i) const { return i; }
};

/// Reads some records of each of several instances, gives their positions to others, and so on, to
/// the end: together they have given the numbers from `first` to before `last`, each once and with
/// its index.
template <class Make>
void check_going_on(Make make, std::uint64_t first, std::uint64_t last) {
  using value = typename decltype(make())::value_type;
  for (std::uint32_t before = 1; before <= 3; ++before)
    for (std::uint32_t after = 1; after <= 4; ++after)
      for (std::int64_t each = 0; each <= 5; ++each) {
        std::vector<std::uint64_t> got;
        std::vector<weir::split_position> splits;
        std::uint64_t total = 0;
        const auto take = [&](auto& source, std::int64_t most) {
          collecting_output<value> records{most};
          weir::source_outputs out{records};
          for (auto state = weir::poll_state::more;
               state != weir::poll_state::done && records.has_room();)
            state = source.poll(out)->state;
          for (const auto& x : records.elements()) {
            got.push_back(static_cast<std::uint64_t>(*x.value));
            BOOST_TEST_REQUIRE(x.from.position == got.back());
          }
        };
        for (std::uint32_t i = 0; i < before; ++i) {
          auto source = make();
          BOOST_TEST_REQUIRE(source.open({"job", "in", i, before, true, 0, {}}).has_value());
          take(source, each);
          const auto at = source.positions();
          splits.insert(splits.end(), at->begin(), at->end());
        }
        // Dealt out in order, as evenly as may be.
        for (std::uint32_t i = 0; i < after; ++i) {
          const auto begin = splits.begin() + static_cast<std::ptrdiff_t>(i * before / after);
          const auto end = splits.begin() + static_cast<std::ptrdiff_t>((i + 1) * before / after);
          auto source = make();
          BOOST_TEST_REQUIRE(
            source.open({"job", "in", i, after, true, 1, {std::vector(begin, end)}}).has_value());
          BOOST_TEST_REQUIRE(source.can_resume());
          take(source, 1000);
          BOOST_TEST_REQUIRE(source.progress().read == source.progress().total.value());
          total += source.progress().read;
          BOOST_TEST_REQUIRE(source.positions()->size() == static_cast<std::size_t>(end - begin));
        }
        BOOST_TEST_REQUIRE(total == last - first);
        std::sort(got.begin(), got.end());
        std::vector<std::uint64_t> whole(last - first);
        std::iota(whole.begin(), whole.end(), first);
        BOOST_TEST_REQUIRE((got == whole), "of " << before << " instances to " << after << ", each "
                                                 << each << " records before");
      }
}

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

// -- going on --

BOOST_AUTO_TEST_CASE(a_collection_goes_on_behind_any_record) {
  check_going_on(
    [] {
      return weir::collection_source<int>{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}};
    },
    0, 10);
}

BOOST_AUTO_TEST_CASE(a_range_goes_on_behind_any_record) {
  check_going_on([] { return weir::range_source<same>{5, 16}; }, 5, 16);
}

BOOST_AUTO_TEST_CASE(there_may_be_fewer_records_than_shares) {
  check_going_on([] { return weir::collection_source<int>{{0}}; }, 0, 1);
  check_going_on([] { return weir::range_source<same>{5, 6}; }, 5, 6);
  check_going_on([] { return weir::range_source<same>{5, 5}; }, 5, 5);
}

BOOST_AUTO_TEST_CASE(a_source_that_goes_on_must_be_the_same) {
  const auto opening = [](auto source, const std::string& position) {
    const auto opened = source.open({"job", "numbers", 0, 1, true, 17, {{{0, position}}}});
    if (opened)
      return std::string{"was opened"};
    BOOST_TEST(opened.why().is(weir::error_kind::incompatible));
    return opened.why().text();
  };
  const auto collection = [&](const std::string& position) {
    return opening(weir::collection_source<int>{{1, 2, 3}}, position);
  };
  BOOST_TEST(collection("next=1 step=1 size=3") == "was opened");
  BOOST_TEST(
    collection("next=1 step=1 size=2")
    == "numbers: its collection has 3 records and had 2 when the checkpoint was made; give it "
       "the same, or start afresh (incompatible)");
  for (const auto* wrong : {"next=1 step=0 size=3", "next=1 size=3", "7", ""})
    BOOST_TEST(collection(wrong).starts_with("numbers: cannot go on from '" + std::string{wrong}));
  const auto range = [&](const std::string& position) {
    return opening(weir::range_source<same>{5, 16}, position);
  };
  BOOST_TEST(range("next=7 begin=5 end=9 first=5 last=16") == "was opened");
  BOOST_TEST(
    range("next=7 begin=5 end=9 first=5 last=17")
    == "numbers: its range goes from 5 to 16, and went from 5 to 17 when the checkpoint was "
       "made; give it the same, or start afresh (incompatible)");
  for (const auto* wrong :
       {"next=4 begin=5 end=9 first=5 last=16", "next=10 begin=5 end=9 first=5 last=16",
        "next=7 begin=5 end=17 first=5 last=16", "next=7 begin=4 end=9 first=5 last=16",
        "offset=3"})
    BOOST_TEST(range(wrong).starts_with("numbers: cannot go on from '" + std::string{wrong}));
}

BOOST_AUTO_TEST_SUITE_END()
