// SPDX-License-Identifier: Apache-2.0

#include "weir/inline_vector.hpp"
#include "weir/question.hpp"
#include "weir/splitmix64.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using weir::inline_vector;

namespace {

using strings = inline_vector<std::string, 1>;

/// Longer than what a string keeps inside itself.
std::string long_text(int i) {
  return "a text that is longer than a string keeps inside itself, number " + std::to_string(i);
}

bool is_inside(const strings& of) {
  const auto* const at = reinterpret_cast<const std::byte*>(of.data());
  const auto* const self = reinterpret_cast<const std::byte*>(&of);
  return at >= self && at < self + sizeof(of);
}

struct throwing {
  explicit throwing(int at) : left(at) {}
  throwing(const throwing& other) : left(other.left), counted(other.counted) {
    if (left == 0)
      throw std::runtime_error("it is not copied");
  }
  throwing(throwing&&) noexcept = default;
  throwing& operator=(throwing&&) noexcept = default;
  int left;
  std::shared_ptr<int> counted = std::make_shared<int>(0);
};

} // namespace

BOOST_AUTO_TEST_SUITE(inline_vectors)

BOOST_AUTO_TEST_CASE(the_first_is_inside_and_the_second_takes_all_out) {
  strings all;
  BOOST_TEST(all.empty());
  all.push_back(long_text(0));
  BOOST_TEST(is_inside(all));
  all.push_back(long_text(1));
  BOOST_TEST(!is_inside(all));
  BOOST_TEST(all == (strings{long_text(0), long_text(1)}));
}

BOOST_AUTO_TEST_CASE(a_value_of_each_kind_moves_and_leaves_nothing) {
  const std::vector<weir::value> kinds{std::monostate{},   true,
                                       std::int64_t{-7},   0.5,
                                       long_text(1),       weir::blob{long_text(2)},
                                       weir::raw_json{long_text(3)}};
  for (const auto& each : kinds) {
    weir::value_list from{each};
    weir::value_list to{std::move(from)};
    BOOST_TEST(from.empty());
    BOOST_TEST((to == weir::value_list{each}));
    from = std::move(to);
    BOOST_TEST(to.empty());
    BOOST_TEST((from == weir::value_list{each}));
  }
}

BOOST_AUTO_TEST_CASE(moving_leaves_nothing_and_keeps_what_is_on_the_heap_where_it_is) {
  for (const std::size_t size : {0u, 1u, 2u, 5u}) {
    strings all;
    for (std::size_t i = 0; i < size; ++i)
      all.push_back(long_text(static_cast<int>(i)));
    const auto wanted = all;
    const auto* const at = all.data();
    auto moved = std::move(all);
    BOOST_TEST((moved == wanted));
    BOOST_TEST((size < 2 || moved.data() == at));
    BOOST_TEST(all.empty());
    all = {long_text(9)};
    all = std::move(moved);
    BOOST_TEST((all == wanted));
    moved = all;
    BOOST_TEST((moved == all));
  }
}

BOOST_AUTO_TEST_CASE(an_element_may_be_made_of_another_while_it_grows) {
  strings all{long_text(0)};
  for (int i = 0; i < 10; ++i)
    all.push_back(all[0]);
  BOOST_TEST(all.size() == 11u);
  for (const auto& each : all)
    BOOST_TEST(each == long_text(0));
}

BOOST_AUTO_TEST_CASE(at_is_checked) {
  const strings all{"a"};
  BOOST_TEST(all.at(0) == "a");
  BOOST_CHECK_THROW(all.at(1), std::out_of_range);
}

BOOST_AUTO_TEST_CASE(a_copy_that_throws_leaves_nothing_behind) {
  const throwing good{1};
  std::vector<throwing> from;
  from.reserve(2);
  from.push_back(good);
  from.emplace_back(0);
  using throwings = inline_vector<throwing, 1>;
  BOOST_CHECK_THROW((throwings{from.begin(), from.end()}), std::runtime_error);
  BOOST_TEST(good.counted.use_count() == 2);
}

BOOST_AUTO_TEST_CASE(it_does_what_a_vector_does) {
  std::uint64_t state = 17;
  const auto chance = [&](std::uint64_t below) {
    return weir::splitmix64(state += weir::splitmix64_step) % below;
  };
  for (int round = 0; round < 300; ++round) {
    inline_vector<std::string, 2> ours;
    std::vector<std::string> model;
    for (int step = 0; step < 30; ++step) {
      switch (chance(6)) {
        case 0:
          ours.clear();
          model.clear();
          break;
        case 1:
          ours.reserve(static_cast<std::size_t>(step));
          break;
        case 2: {
          auto copy = ours;
          ours = std::move(copy);
          break;
        }
        default:
          ours.emplace_back(long_text(step));
          model.emplace_back(long_text(step));
      }
      BOOST_REQUIRE(std::equal(ours.begin(), ours.end(), model.begin(), model.end()));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
