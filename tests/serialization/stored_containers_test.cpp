// SPDX-License-Identifier: Apache-2.0

// Cereal's headers stand in front, as in a program that uses it for other things too.
#include <cereal/types/array.hpp>
#include <cereal/types/chrono.hpp>
#include <cereal/types/deque.hpp>
#include <cereal/types/list.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/set.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/tuple.hpp>
#include <cereal/types/unordered_map.hpp>
#include <cereal/types/unordered_set.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>

#include "weir/stored.hpp"

#include "../support/allocations.hpp"
#include "archive_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace {

using namespace std::string_literals;

enum class colour : std::uint8_t { red, green, blue };

constexpr bool is_stored_value(colour c) {
  return c <= colour::blue;
}

enum class level : std::int16_t { low = -1, high = 1 };

struct everything {
  bool yes = true;
  char letter = 'x';
  std::int8_t tiny = -8;
  std::uint64_t huge = ~0ull;
  float single = 1.5F;
  double twice = -2.5;
  colour shade = colour::blue;
  level height = level::low;
  int plain[3] = {7, 8, 9};
  std::string text = "text\0with a null"s;
  std::vector<int> ints{1, 2, 3};
  std::vector<std::string> texts{"", "a", "bc"};
  std::vector<bool> bits{true, false, true};
  std::vector<std::vector<double>> rows{{}, {1.0}, {2.0, 3.0}};
  std::deque<std::string> deque{"d"};
  std::list<std::int16_t> list{1, -1};
  std::array<std::string, 2> array{"x", "y"};
  std::map<std::string, std::vector<int>> map{{"a", {1}}, {"b", {}}};
  std::set<std::string> set{"p", "q"};
  std::unordered_map<std::string, int> table{{"one", 1}, {"two", 2}, {"three", 3}};
  std::unordered_set<int> hashed{5, 1, 9};
  std::pair<int, std::string> pair{1, "one"};
  std::tuple<int, bool, std::string> tuple{2, true, "two"};
  std::optional<std::string> there{"there"};
  std::optional<std::string> absent;
  std::variant<std::monostate, int, std::string> none;
  std::variant<std::monostate, int, std::string> one{std::in_place_index<2>, "alternative"};
  std::chrono::milliseconds wait{-250};
  std::chrono::system_clock::time_point when{std::chrono::seconds{1'700'000'000}};

  template <class Archive>
  void serialize(Archive& archive) {
    archive(yes, letter, tiny, huge, single, twice, shade, height, plain);
    archive(text, ints, texts, bits, rows, deque, list, array, map, set, table, hashed);
    archive(CEREAL_NVP(pair), tuple, there, absent, none, one, wait, when);
  }

  bool operator==(const everything&) const = default;
};

everything nothing() {
  everything x;
  x = {false, 0,  0,  0,  0,  0,  colour::red, level::high, {}, {}, {}, {}, {}, {}, {},
       {},    {}, {}, {}, {}, {}, {},          {},          {}, {}, {}, {}, {}, {}};
  return x;
}

struct node {
  int value = 0;
  std::vector<node> children;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(value, children);
  }
};

struct stores_nothing {
  int value = 0;

  template <class Archive>
  void serialize(Archive&) {}
};

/// As Cereal's pages say that a container of one's own is stored.
struct own_container {
  std::vector<std::string> all;

  template <class Archive>
  void save(Archive& archive) const {
    archive(cereal::make_size_tag(static_cast<cereal::size_type>(all.size())));
    for (const auto& each : all)
      archive(each);
  }

  template <class Archive>
  void load(Archive& archive) {
    cereal::size_type size = 0;
    archive(cereal::make_size_tag(size));
    all.resize(size);
    for (auto& each : all)
      archive(each);
  }
};

/// A count, as it stands in front of a container's elements.
std::string claim(std::uint64_t count) {
  std::string text;
  for (; count >= 0x80; count >>= 7)
    text += static_cast<char>(count | 0x80);
  return text + static_cast<char>(count);
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(stored_containers, weir::testing::archive_fixture)

BOOST_AUTO_TEST_CASE(what_is_stored_is_loaded) {
  const everything x;
  const auto bytes = bytes_of(x);
  BOOST_TEST((value_of<everything>(bytes) == x));
  for (const std::size_t piece : {1, 7, 64})
    BOOST_TEST((value_of<everything>(bytes, piece) == x));
  const auto empty = nothing();
  BOOST_TEST((value_of<everything>(bytes_of(empty)) == empty));
  // What was there before is gone.
  auto into = x;
  BOOST_TEST(fault(bytes_of(empty), [&](weir::state_input& from) { from(into); }) == "");
  BOOST_TEST((into == empty));
}

BOOST_AUTO_TEST_CASE(equal_values_have_equal_bytes) {
  std::unordered_map<std::string, int> one;
  std::unordered_map<std::string, int> other;
  other.reserve(1000);
  for (int i = 0; i < 50; ++i) {
    one[std::to_string(i)] = i;
    other[std::to_string(49 - i)] = 49 - i;
  }
  BOOST_TEST((one == other));
  BOOST_TEST(bytes_of(one) == bytes_of(other));
  BOOST_TEST((value_of<std::unordered_map<std::string, int>>(bytes_of(other)) == one));
}

BOOST_AUTO_TEST_CASE(values_are_stored_plainly) {
  BOOST_TEST(bytes_of("ab"s) == "\2ab"s);
  BOOST_TEST(bytes_of(std::vector<std::uint16_t>{1, 2}) == "\2\1\0\2\0"s);
  BOOST_TEST(bytes_of(std::optional<char>{'x'}) == "\1x"s);
  BOOST_TEST(bytes_of(std::variant<char, bool>{true}) == "\1\1"s);
  BOOST_TEST(bytes_of(std::map<char, bool>{{'a', true}}) == "\1a\1"s);
  BOOST_TEST(bytes_of(std::tuple<char, char>{'a', 'b'}) == "ab"s);
}

BOOST_AUTO_TEST_CASE(every_truncation_is_noticed) {
  const auto bytes = bytes_of(everything{});
  for (std::size_t size = 0; size < bytes.size(); ++size)
    BOOST_TEST_REQUIRE(fault_of<everything>(std::string_view{bytes}.substr(0, size)) != "");
  BOOST_TEST(fault_of<everything>(bytes) == "");
  BOOST_TEST(fault_of<everything>(bytes + "x") != "");
}

BOOST_AUTO_TEST_CASE(a_flipped_bit_gives_an_error_or_a_value) {
  auto bytes = bytes_of(everything{});
  std::size_t refused = 0;
  for (auto& byte : bytes)
    for (int bit = 0; bit < 8; ++bit) {
      byte = static_cast<char>(byte ^ 1 << bit);
      refused += fault_of<everything>(bytes).empty() ? 0 : 1;
      byte = static_cast<char>(byte ^ 1 << bit);
    }
  BOOST_TEST_MESSAGE(refused << " of " << 8 * bytes.size() << " flipped bits were refused");
  BOOST_TEST(refused > 100u);
  BOOST_TEST(fault_of<everything>(bytes) == "");
}

BOOST_AUTO_TEST_CASE(a_size_that_nobody_wrote_allocates_nothing) {
  const auto refused = [&]<class T>(std::type_identity<T>) {
    for (const std::uint64_t count : {~0ull, 3ull << 30, 1ull << 20}) {
      const auto bytes = claim(count) + "abcdefgh";
      const auto before = weir::testing::allocated_bytes();
      T value{};
      weir::memory_budget budget{bytes.size()};
      weir::state_input from{cut(bytes), budget, "state"};
      BOOST_CHECK_THROW(from(value), weir::state_error);
      BOOST_TEST(weir::testing::allocated_bytes() - before < 1000);
    }
  };
  refused(std::type_identity<std::string>{});
  refused(std::type_identity<std::vector<char>>{});
  refused(std::type_identity<std::vector<double>>{});
  refused(std::type_identity<std::vector<bool>>{});
  refused(std::type_identity<std::vector<std::string>>{});
  refused(std::type_identity<std::vector<everything>>{});
  refused(std::type_identity<std::deque<int>>{});
  refused(std::type_identity<std::list<int>>{});
  refused(std::type_identity<std::map<int, int>>{});
  refused(std::type_identity<std::set<int>>{});
  refused(std::type_identity<std::unordered_map<int, int>>{});
  refused(std::type_identity<std::unordered_set<int>>{});
  refused(std::type_identity<own_container>{});
}

BOOST_AUTO_TEST_CASE(a_value_that_takes_too_much_memory_is_refused_on_both_sides) {
  using fat = std::vector<std::array<std::optional<std::array<std::int64_t, 100>>, 1>>;
  // 808 bytes each in memory, 1 when stored.
  const fat all(200'000);
  const auto refusal = [&](const fat& value) -> std::string {
    try {
      bytes_of(value);
    } catch (const weir::state_error& thrown) {
      return thrown.why().text();
    }
    return {};
  };
  BOOST_TEST(refusal(all).find("bytes of memory") != std::string::npos);
  BOOST_TEST(refusal(fat(20'000)) == "");
  const auto stored = claim(200'000) + std::string(200'000, '\0');
  BOOST_TEST(fault_of<fat>(stored).find("more memory") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_deque_takes_memory_even_where_it_is_empty) {
  using deques = std::vector<std::deque<int>>;
  // A byte each when stored.
  std::string stored = "\xC0\x9A\x0C" + std::string(200'000, '\0');
  BOOST_TEST(bytes_of(deques(1'000)).size() == 1'002u);
  BOOST_TEST(fault_of<deques>(stored).find("more memory") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_truth_value_is_yes_or_no) {
  BOOST_TEST(fault_of<bool>("\1") == "");
  BOOST_TEST(fault_of<bool>("\5").find("neither yes nor no") != std::string::npos);
  BOOST_TEST(fault_of<std::optional<char>>("\2x") != "");
  BOOST_TEST(fault_of<std::vector<bool>>("\1\3") != "");
}

BOOST_AUTO_TEST_CASE(an_enumeration_may_know_its_values) {
  BOOST_TEST(fault_of<colour>("\2") == "");
  BOOST_TEST(fault_of<colour>("\3").find("that its enumeration does not have")
             != std::string::npos);
  BOOST_TEST((value_of<level>("\x10\x00"s) == static_cast<level>(16)));
}

BOOST_AUTO_TEST_CASE(an_alternative_must_be_one) {
  BOOST_TEST((fault_of<std::variant<char, bool>>("\1\1") == ""));
  BOOST_TEST((fault_of<std::variant<char, bool>>("\2\1").find("alternative") != std::string::npos));
}

BOOST_AUTO_TEST_CASE(a_key_comes_once) {
  BOOST_TEST((fault_of<std::set<char>>("\2aa").find("a key twice") != std::string::npos));
  BOOST_TEST((fault_of<std::map<char, char>>("\2axay").find("a key twice") != std::string::npos));
  BOOST_TEST((fault_of<std::unordered_set<char>>("\2aa").find("a key twice") != std::string::npos));
}

BOOST_AUTO_TEST_CASE(depth_has_a_bound_on_both_sides) {
  node root;
  auto* at = &root;
  for (std::uint32_t i = 1; i < weir::nesting_max; ++i)
    at = &at->children.emplace_back();
  const auto bytes = bytes_of(root);
  BOOST_TEST(fault_of<node>(bytes) == "");
  at->children.emplace_back();
  BOOST_CHECK_THROW(bytes_of(root), weir::state_error);
  std::string deep;
  for (int i = 0; i < 200'000; ++i)
    deep += "\0\0\0\0\1"s;
  deep += "\0\0\0\0\0"s;
  BOOST_TEST(fault_of<node>(deep).find("nests deeper") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(elements_that_store_nothing_are_refused_when_they_are_stored) {
  BOOST_CHECK_THROW(bytes_of(std::vector<stores_nothing>(3)), weir::state_error);
  BOOST_TEST(bytes_of(std::vector<stores_nothing>{}) == "\0"s);
  BOOST_TEST(bytes_of(stores_nothing{}) == "");
}

BOOST_AUTO_TEST_CASE(a_container_of_ones_own_is_stored_as_cereal_says) {
  const own_container x{{"a", "bc"}};
  BOOST_TEST((value_of<own_container>(bytes_of(x)).all == x.all));
}

BOOST_AUTO_TEST_SUITE_END()
