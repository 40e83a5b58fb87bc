// SPDX-License-Identifier: Apache-2.0

#include "weir/origin.hpp"

#include "../support/seeds.hpp"

#include <boost/test/unit_test.hpp>

#include <random>
#include <set>
#include <tuple>

using weir::origin;
using weir::origin_runs;

namespace {

/// What `runs` says of each index, read with one cursor.
std::vector<origin> read(const origin_runs& runs) {
  std::vector<origin> all;
  origin_runs::cursor at;
  for (std::size_t i = 0; i < runs.size(); ++i)
    all.push_back(at.at(runs, i));
  return all;
}

std::vector<origin> random_origins(std::uint64_t seed) {
  std::mt19937_64 chance{seed};
  std::vector<origin> all;
  origin next;
  for (auto n = chance() % 300; n > 0; --n) {
    switch (chance() % 8) {
      case 0:
        next.position = chance() % 50;
        break;
      case 1:
        next.split = static_cast<std::uint32_t>(chance() % 3);
        break;
      case 2:
        next.ordinal = chance() % 3;
        break;
      case 3:
        // The same once more: no step.
        break;
      default:
        ++next.position;
    }
    all.push_back(next);
  }
  return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(origins)

BOOST_AUTO_TEST_CASE(children_stay_at_their_parents_place) {
  const auto child = origin{7, 0, 2}.child(3);
  BOOST_TEST(child.position == 7u);
  BOOST_TEST(child.split == 2u);
  BOOST_TEST(child.ordinal != 0u);
}

BOOST_AUTO_TEST_CASE(a_child_is_the_same_every_time) {
  const origin of{7, 123, 2};
  BOOST_TEST((of.child(5) == of.child(5)));
  // Part of keys that outlive the process: it must not change.
  BOOST_TEST((origin{0, 0, 0}.child(0).ordinal) == 0x5692'161D'100B'05E5u);
}

BOOST_AUTO_TEST_CASE(children_of_children_have_names_of_their_own) {
  std::set<std::uint64_t> ordinals;
  const origin root{7, 0, 2};
  ordinals.insert(root.ordinal);
  for (std::uint64_t i = 0; i < 100; ++i) {
    ordinals.insert(root.child(i).ordinal);
    for (std::uint64_t j = 0; j < 100; ++j)
      ordinals.insert(root.child(i).child(j).ordinal);
  }
  BOOST_TEST(ordinals.size() == 10'101u);
}

BOOST_AUTO_TEST_CASE(what_comes_on_several_inputs_has_an_origin_of_its_own_on_each) {
  const origin of{7, 123, 2};
  BOOST_TEST((of.of_input(0) == of));
  // Part of keys that outlive the process: it must not change.
  BOOST_TEST((origin{0, 0, 0}.of_input(1).ordinal) == 0x1AC0'46DD'A8E8'6E2Au);
  BOOST_TEST(of.of_input(3).ordinal == 0x7441'5F10'C291'01F7u);
  BOOST_TEST(of.of_input(3).position == 7u);
  BOOST_TEST(of.of_input(3).split == 2u);
  std::set<std::uint64_t> ordinals;
  for (std::uint64_t input = 0; input < 10; ++input)
    for (std::uint64_t child = 0; child < 100; ++child) {
      ordinals.insert(origin{7, 0, 2}.of_input(input).child(child).ordinal);
      ordinals.insert(origin{7, 0, 2}.child(child).of_input(input).ordinal);
    }
  // Where the input is number 0, both ways lead to the same.
  BOOST_TEST(ordinals.size() == 2 * 1000u - 100u);
}

BOOST_AUTO_TEST_CASE(the_text_names_split_and_position) {
  BOOST_TEST((origin{7, 0, 2}.text()) == "2/7");
  BOOST_TEST((origin{7, 9, 2}.text()) == "2/7/9");
}

// -- runs --

BOOST_AUTO_TEST_CASE(runs_give_what_a_plain_vector_gives) {
  const auto [first, count] = weir::testing::seeds(500);
  for (auto seed = first; seed < first + count; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      const auto plain = random_origins(seed);
      origin_runs runs;
      for (const auto& each : plain)
        runs.append(each);
      BOOST_TEST_REQUIRE(runs.size() == plain.size());
      BOOST_TEST_REQUIRE((read(runs) == plain));
      // A cursor may leave some out.
      origin_runs::cursor at;
      for (std::size_t i = 0; i < plain.size(); i += 1 + seed % 5)
        BOOST_TEST_REQUIRE((at.at(runs, i) == plain[i]));
    }
  }
}

BOOST_AUTO_TEST_CASE(runs_come_from_an_input_as_a_whole) {
  const auto plain = random_origins(1);
  origin_runs runs;
  for (const auto& each : plain)
    runs.append(each);
  runs.come_from_input(2);
  const auto now = read(runs);
  for (std::size_t i = 0; i < plain.size(); ++i)
    BOOST_TEST_REQUIRE((now[i] == plain[i].of_input(2)));
}

BOOST_AUTO_TEST_CASE(a_cursor_may_read_while_more_is_appended) {
  origin_runs runs;
  origin_runs::cursor at;
  for (std::uint64_t i = 0; i < 100; ++i) {
    const origin from{i / 10 * 1000 + i % 10, 0, 0};
    runs.append(from);
    BOOST_TEST((at.at(runs, i) == from));
  }
}

BOOST_AUTO_TEST_CASE(cleared_runs_begin_anew) {
  origin_runs runs;
  runs.append({5, 0, 0});
  runs.append({6, 0, 0});
  runs.clear();
  BOOST_TEST(runs.size() == 0u);
  runs.append({7, 0, 1});
  BOOST_TEST((read(runs) == std::vector{origin{7, 0, 1}}));
}

BOOST_AUTO_TEST_SUITE_END()
