// SPDX-License-Identifier: Apache-2.0

/// Records of one key stand in one line; records of different keys know nothing of each other. The
/// random run holds the table to a map of lists.

#include "weir/key_chains.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <vector>

namespace {

using namespace weir;

struct chains_fixture {
  chains_fixture() { chains.grow(256); }
  key_chains chains;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(key_chains_of_slots, chains_fixture)

BOOST_AUTO_TEST_CASE(the_first_of_a_key_may_be_called_and_leave) {
  BOOST_TEST(chains.is_free(7));
  BOOST_TEST(chains.is_absent(7));
  chains.push(1, 7);
  BOOST_TEST(!chains.is_free(7));
  BOOST_TEST(chains.is_free(8));
  BOOST_TEST(chains.may_be_called(1));
  BOOST_TEST(chains.is_first(1));
}

BOOST_AUTO_TEST_CASE(the_next_may_be_called_when_the_one_before_is_finished) {
  chains.push(1, 7);
  chains.push(2, 7);
  BOOST_TEST(!chains.may_be_called(2));
  BOOST_TEST(chains.finish(1) == 2u);
  BOOST_TEST(chains.may_be_called(2));
  BOOST_TEST(!chains.is_first(2));
  BOOST_TEST(chains.pop(1) == no_slot);
  BOOST_TEST(chains.is_first(2));
}

BOOST_AUTO_TEST_CASE(one_that_finishes_early_lets_nobody_pass) {
  chains.push(1, 7);
  chains.push(2, 7);
  chains.push(3, 7);
  BOOST_TEST(chains.finish(2) == no_slot);
  BOOST_TEST(!chains.may_be_called(3));
  BOOST_TEST(chains.finish(1) == 3u);
  BOOST_TEST(chains.pop(1) == 2u);
  BOOST_TEST(chains.pop(2) == no_slot);
  BOOST_TEST(chains.finish(3) == no_slot);
  BOOST_TEST(chains.is_free(7));
  BOOST_TEST(!chains.is_absent(7));
  chains.pop(3);
  BOOST_TEST(chains.is_absent(7));
}

BOOST_AUTO_TEST_CASE(a_random_run_does_what_a_map_of_lists_does) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      std::mt19937_64 chance{seed};
      key_chains table;
      std::size_t room = 256;
      table.grow(room);
      std::map<key_hash, std::deque<slot_index>> lists;
      std::map<slot_index, bool> finished;
      std::vector<slot_index> free;
      const auto add_free = [&](slot_index from, std::size_t to) {
        for (auto slot = from; slot < to; ++slot)
          free.push_back(slot);
      };
      add_free(0, room);
      const auto first_unfinished = [&](const std::deque<slot_index>& of) {
        const auto at = std::find_if(of.begin(), of.end(), [&](slot_index s) { return !finished[s]; });
        return at == of.end() ? no_slot : *at;
      };
      for (int step = 0; step < 3000; ++step) {
        // Few keys or many, so that chains are long or the table is full of short ones.
        const key_hash key = chance() % (seed % 2 == 0 ? 5 : 400);
        auto& of = lists[key];
        BOOST_REQUIRE(table.is_absent(key) == of.empty());
        BOOST_REQUIRE(table.is_free(key) == (first_unfinished(of) == no_slot));
        if (chance() % 3 != 0) {
          if (free.empty()) {
            table.grow(2 * room);
            add_free(static_cast<slot_index>(room), 2 * room);
            room *= 2;
          }
          const auto slot = free.back();
          free.pop_back();
          finished[slot] = false;
          of.push_back(slot);
          table.push(slot, key);
          BOOST_REQUIRE(table.may_be_called(slot) == (first_unfinished(of) == slot));
        } else if (!of.empty()) {
          const auto slot = of[chance() % of.size()];
          if (!finished[slot]) {
            const auto before = first_unfinished(of);
            finished[slot] = true;
            BOOST_REQUIRE(table.finish(slot)
                          == (before == slot ? first_unfinished(of) : no_slot));
          }
          while (!of.empty() && finished[of.front()]) {
            const auto leaves = of.front();
            BOOST_REQUIRE(table.is_first(leaves));
            of.pop_front();
            BOOST_REQUIRE(table.pop(leaves)
                          == (!of.empty() && finished[of.front()] ? of.front() : no_slot));
            free.push_back(leaves);
          }
        }
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
