// SPDX-License-Identifier: Apache-2.0

/// Key hashes are written down in checkpoints: the numbers here must never change.

#include "weir/key_hash.hpp"

#include <boost/test/unit_test.hpp>

#include <set>

namespace own {

struct airport {
  std::string code;
  int terminal = 0;

  friend void add_key_bytes(weir::key_hasher& to, const airport& x) {
    to.add(x.code);
    to.add(static_cast<std::uint64_t>(x.terminal));
  }
};

enum class colour : signed char { red = -1, green };

} // namespace own

using weir::hash_of_key;

BOOST_AUTO_TEST_SUITE(key_hashes)

BOOST_AUTO_TEST_CASE(they_are_the_same_for_ever) {
  BOOST_TEST(hash_of_key(0) == 5197578548964807871u);
  BOOST_TEST(hash_of_key(std::string{"HAM"}) == 11437342252381103528u);
  BOOST_TEST(hash_of_key(std::pair{std::string{"HAM"}, 1}) == 4531279580747370372u);
}

BOOST_AUTO_TEST_CASE(equal_values_of_all_integer_types_are_one_key) {
  BOOST_TEST(hash_of_key(5) == hash_of_key(5ULL));
  BOOST_TEST(hash_of_key(-5) == hash_of_key(-5LL));
  BOOST_TEST(hash_of_key(own::colour::red) == hash_of_key(-1));
  BOOST_TEST(hash_of_key(true) == hash_of_key(1));
}

BOOST_AUTO_TEST_CASE(all_kinds_of_texts_are_one_key) {
  BOOST_TEST(hash_of_key(std::string{"LIS"}) == hash_of_key(std::string_view{"LIS"}));
  BOOST_TEST(hash_of_key("LIS") == hash_of_key(std::string{"LIS"}));
}

BOOST_AUTO_TEST_CASE(lengths_and_places_matter) {
  std::set<weir::key_hash> all;
  for (std::size_t n = 0; n <= 40; ++n)
    all.insert(hash_of_key(std::string(n, '\0')));
  BOOST_TEST(all.size() == 41u);
  BOOST_TEST(hash_of_key(std::pair{1, 2}) != hash_of_key(std::pair{2, 1}));
  BOOST_TEST(hash_of_key(std::pair{std::string{"a"}, std::string{"bc"}})
             != hash_of_key(std::pair{std::string{"ab"}, std::string{"c"}}));
}

BOOST_AUTO_TEST_CASE(a_type_says_what_it_is_made_of) {
  BOOST_TEST(hash_of_key(own::airport{"HAM", 1}) == hash_of_key(std::pair{std::string{"HAM"}, 1}));
  BOOST_TEST(hash_of_key(own::airport{"HAM", 1}) != hash_of_key(own::airport{"HAM", 2}));
}

BOOST_AUTO_TEST_CASE(groups_of_keys_are_the_same_for_ever) {
  BOOST_TEST(weir::key_groups == 128u);
  BOOST_TEST(weir::key_group(0) == 0u);
  BOOST_TEST(weir::key_group(hash_of_key(0)) == 63u);
  BOOST_TEST(weir::key_group(hash_of_key(std::string{"HAM"})) == 40u);
  BOOST_TEST(weir::key_group(hash_of_key(std::pair{std::string{"HAM"}, 1})) == 4u);
}

BOOST_AUTO_TEST_CASE(instances_have_contiguous_ranges_of_groups) {
  BOOST_TEST(weir::instance_of_group(42, 3) == 0u);
  BOOST_TEST(weir::instance_of_group(43, 3) == 1u);
  BOOST_TEST(weir::instance_of_group(85, 3) == 1u);
  BOOST_TEST(weir::instance_of_group(86, 3) == 2u);
  for (std::uint32_t instances = 1; instances <= weir::key_groups; ++instances) {
    std::uint32_t last = 0;
    std::set<std::uint32_t> all;
    for (std::uint32_t group = 0; group < weir::key_groups; ++group) {
      const auto of = weir::instance_of_group(group, instances);
      BOOST_TEST_REQUIRE((of >= last && of < instances));
      all.insert(last = of);
    }
    BOOST_TEST_REQUIRE(all.size() == instances);
  }
}

BOOST_AUTO_TEST_SUITE_END()
