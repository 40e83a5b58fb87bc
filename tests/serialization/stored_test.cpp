// SPDX-License-Identifier: Apache-2.0

#include "weir/stored.hpp"

#include "../support/allocations.hpp"
#include "archive_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

namespace stored_test {

// Three versions of one type, as three programs have them.

struct flight_1 {
  std::string number;

  template <class Archive>
  void serialize(Archive& archive, std::uint32_t) {
    archive(number);
  }
};

struct flight_3 {
  std::string number;
  int delay_minutes = -1;
  std::vector<std::string> stops{"none yet"};

  template <class Archive>
  void serialize(Archive& archive, std::uint32_t version) {
    archive(number);
    if (version >= 2)
      archive(delay_minutes);
    if (version >= 3)
      archive(stops);
  }

  bool operator==(const flight_3&) const = default;
};

struct flight_from_2 : flight_3 {};

/// In the version that says when it was first here.
struct leg {
  int miles = 0;

  template <class Archive>
  void serialize(Archive& archive, std::uint32_t version) {
    archive(miles);
    if (version >= 2 && miles < 0)
      throw std::runtime_error{"miles are negative"};
  }

  bool operator==(const leg&) const = default;
};

struct trip {
  std::vector<leg> legs;

  template <class Archive>
  void serialize(Archive& archive, std::uint32_t) {
    archive(legs);
  }

  bool operator==(const trip&) const = default;
};

/// Its functions are outside, and two.
struct split {
  std::string text;
};

template <class Archive>
void save(Archive& archive, const split& value, std::uint32_t) {
  archive(value.text);
}

template <class Archive>
void load(Archive& archive, split& value, std::uint32_t version) {
  archive(value.text);
  value.text += " v" + std::to_string(version);
}

/// Its functions are inside, and two.
struct member_split {
  std::string text;

  template <class Archive>
  void save(Archive& archive, std::uint32_t) const {
    archive(text);
  }

  template <class Archive>
  void load(Archive& archive, std::uint32_t) {
    archive(text);
  }
};

/// Its function is outside.
struct free_standing {
  int x = 0;
};

template <class Archive>
void serialize(Archive& archive, free_standing& value, std::uint32_t) {
  archive(value.x);
}

/// Takes no version, and lets nobody see it.
class plain {
public:
  explicit plain(int x = 0) : x_(x) {}
  int x() const { return x_; }

private:
  friend class cereal::access;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(x_);
  }

  int x_;
};

template <class T>
struct pair_of {
  T a{};
  T b{};

  template <class Archive>
  void serialize(Archive& archive, std::uint32_t) {
    archive(a, b);
  }
};

/// Counts those that are alive.
struct counted {
  static inline int alive = 0;

  counted() { ++alive; }
  counted(const counted&) = delete;
  ~counted() { --alive; }

  std::string text;

  template <class Archive>
  void serialize(Archive& archive, std::uint32_t) {
    archive(text);
  }
};

struct derived : leg {
  int more = 0;

  template <class Archive>
  void serialize(Archive& archive, std::uint32_t) {
    archive(cereal::base_class<leg>(this), more);
  }
};

/// A checkpoint of the version that a program does not read.
struct throws_anything {
  int x = 0;

  template <class Archive>
  void serialize(Archive& archive, std::uint32_t) {
    if (x == 7)
      throw 7;
    archive(x);
    if (x == 8)
      throw std::bad_alloc{};
  }
};

} // namespace stored_test

/// A type of the user's whose name is that of one of weir's.
struct error {
  int number = 0;

  template <class Archive>
  void serialize(Archive& archive, std::uint32_t) {
    archive(number);
  }
};

WEIR_STORED(error, 1)
WEIR_STORED(stored_test::flight_1, 1)
WEIR_STORED_AS((stored_test::flight_3), "flight", 3, 1)
WEIR_STORED_SINCE(stored_test::flight_from_2, 3, 2)
WEIR_STORED_SINCE(stored_test::leg, 2, 1)
WEIR_STORED(stored_test::trip, 1)
WEIR_STORED(stored_test::split, 4)
WEIR_STORED(stored_test::member_split, 1)
WEIR_STORED(stored_test::free_standing, 1)
WEIR_STORED(stored_test::plain, 1)
WEIR_STORED(stored_test::counted, 1)
WEIR_STORED(stored_test::derived, 1)
WEIR_STORED(stored_test::throws_anything, 1)
WEIR_STORED_AS((stored_test::pair_of<std::pair<int, int>>), "pair_of", 1, 1)

namespace {

using namespace stored_test;

struct stored_fixture : weir::testing::archive_fixture {
  template <class T>
  static const weir::record_codec& codec() {
    const auto* found = weir::find_record_codec(typeid(T));
    BOOST_TEST_REQUIRE(found != nullptr);
    return *found;
  }

  template <class T>
  std::string saved(const T& value) const {
    return written([&](weir::state_output& to) { codec<T>().save(to, &value); });
  }

  /// Loads a T and gives it to `look`; what went wrong, or an empty text.
  template <class T, class F>
  static std::string loaded(std::string_view bytes, std::uint32_t version, F look) {
    return fault(bytes, [&](weir::state_input& from) {
      alignas(T) std::byte raw[sizeof(T)];
      codec<T>().load(from, raw, version);
      look(*std::launder(reinterpret_cast<T*>(raw)));
      codec<T>().destroy(raw);
    });
  }

  template <class T>
  static std::string load_fault(std::string_view bytes, std::uint32_t version) {
    return loaded<T>(bytes, version, [](const T&) {});
  }

  template <class T>
  std::string save_fault(const T& value) const {
    try {
      saved(value);
    } catch (const weir::state_error& thrown) {
      return thrown.why().text();
    }
    return {};
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(stored, stored_fixture)

BOOST_AUTO_TEST_CASE(a_record_is_stored_and_loaded_by_its_codec) {
  const flight_3 x{"DL42", 15, {"DTW", "ATL"}};
  BOOST_TEST(codec<flight_3>().name == "flight");
  BOOST_TEST(codec<flight_3>().version == 3u);
  BOOST_TEST(codec<flight_3>().oldest == 1u);
  BOOST_TEST(codec<flight_3>().size == sizeof(flight_3));
  BOOST_TEST(codec<flight_1>().name == "stored_test::flight_1");
  BOOST_TEST(loaded<flight_3>(saved(x), 3, [&](const flight_3& y) { BOOST_TEST((y == x)); }) == "");
}

BOOST_AUTO_TEST_CASE(an_older_version_is_read_and_what_it_lacks_is_as_constructed) {
  const auto old_bytes = saved(flight_1{"DL42"});
  BOOST_TEST(loaded<flight_3>(old_bytes, 1,
                              [](const flight_3& y) {
                                BOOST_TEST((y == flight_3{"DL42", -1, {"none yet"}}));
                              })
             == "");
}

BOOST_AUTO_TEST_CASE(a_version_that_is_too_old_or_too_new_is_refused) {
  const auto old_bytes = saved(flight_1{"DL42"});
  const auto too_old = load_fault<flight_from_2>(old_bytes, 1);
  BOOST_TEST(too_old
             == "stored_test::flight_from_2: was stored as version 1, and this program reads "
                "versions 2 to 3; "
                "run the program that wrote it, or one that reads both (incompatible)");
  BOOST_TEST(load_fault<flight_1>(old_bytes, 2).find("this program reads version 1;")
             != std::string::npos);
  BOOST_TEST(load_fault<flight_1>(old_bytes, 1) == "");
}

BOOST_AUTO_TEST_CASE(a_type_inside_of_another_has_its_own_version) {
  const trip x{{{100}, {200}}};
  const auto bytes = saved(x);
  using namespace std::string_literals;
  BOOST_TEST(bytes == "\2\2\x64\0\0\0\2\xc8\0\0\0"s);
  BOOST_TEST(loaded<trip>(bytes, 1, [&](const trip& y) { BOOST_TEST((y == x)); }) == "");
  auto older = bytes;
  older[1] = 1;
  BOOST_TEST(loaded<trip>(older, 1, [&](const trip& y) { BOOST_TEST((y == x)); }) == "");
  older[1] = 3;
  BOOST_TEST(load_fault<trip>(older, 1).find("stored_test::leg: was stored as version 3")
             != std::string::npos);
}

BOOST_AUTO_TEST_CASE(each_form_that_cereal_knows_will_do) {
  BOOST_TEST(
    loaded<split>(saved(split{"s"}), 4, [](const split& y) { BOOST_TEST(y.text == "s v4"); })
    == "");
  BOOST_TEST(loaded<member_split>(saved(member_split{"m"}), 1,
                                  [](const member_split& y) { BOOST_TEST(y.text == "m"); })
             == "");
  BOOST_TEST(loaded<free_standing>(saved(free_standing{3}), 1,
                                   [](const free_standing& y) { BOOST_TEST(y.x == 3); })
             == "");
  BOOST_TEST(loaded<plain>(saved(plain{4}), 1, [](const plain& y) { BOOST_TEST(y.x() == 4); })
             == "");
  using pairs = pair_of<std::pair<int, int>>;
  BOOST_TEST(loaded<pairs>(saved(pairs{{1, 2}, {3, 4}}), 1,
                           [](const pairs& y) { BOOST_TEST(y.b.second == 4); })
             == "");
  derived child;
  child.miles = 5;
  child.more = 6;
  BOOST_TEST(
    loaded<derived>(saved(child), 1, [](const derived& y) { BOOST_TEST(y.miles + y.more == 11); })
    == "");
}

BOOST_AUTO_TEST_CASE(a_record_that_cannot_be_loaded_leaves_nothing_behind) {
  counted x;
  x.text = "text";
  const auto bytes = saved(x);
  BOOST_TEST(counted::alive == 1);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    BOOST_TEST(load_fault<counted>(std::string_view{bytes}.substr(0, size), 1) != "");
  BOOST_TEST(counted::alive == 1);
  BOOST_TEST(loaded<counted>(bytes, 1, [](const counted&) { BOOST_TEST(counted::alive == 2); })
             == "");
  BOOST_TEST(counted::alive == 1);
}

BOOST_AUTO_TEST_CASE(a_type_may_have_the_name_of_one_of_weirs) {
  const auto* codec = weir::find_record_codec(typeid(::error));
  BOOST_TEST_REQUIRE(codec != nullptr);
  BOOST_TEST(codec->name == "error");
  BOOST_TEST(codec->size == sizeof(int));
  BOOST_TEST(weir::find_record_codec(typeid(weir::error)) == nullptr);
}

BOOST_AUTO_TEST_CASE(what_a_types_function_throws_becomes_a_state_error) {
  BOOST_TEST(
    save_fault(leg{-1})
    == "stored_test::leg: cannot be stored, its function threw: miles are negative (exception)");
  const std::string minus_one(4, '\xff');
  BOOST_TEST(
    load_fault<leg>(minus_one, 2)
    == "stored_test::leg: cannot be loaded, its function threw: miles are negative (exception)");
  BOOST_TEST(save_fault(throws_anything{7}).find("no std::exception") != std::string::npos);
  BOOST_CHECK_THROW(saved(throws_anything{8}), std::bad_alloc);
}

BOOST_AUTO_TEST_CASE(dead_letters_of_a_stored_type_are_stored) {
  using namespace std::chrono_literals;
  using letter = weir::dead_letter<flight_3>;
  const letter x{{"DL42", 15, {}}, {"timeout_error", "airports", "took too long"}, 3, {1ms, 2s}};
  BOOST_TEST(codec<letter>().name == "dead_letter<flight>");
  const auto bytes = saved(x);
  const auto look = [&](const letter& y) {
    BOOST_TEST((y.value == x.value));
    BOOST_TEST((y.why == x.why));
    BOOST_TEST(y.attempts == 3u);
    BOOST_TEST((y.durations == x.durations));
  };
  BOOST_TEST(loaded<letter>(bytes, 3, look) == "");
  for (std::size_t size = 0; size < bytes.size(); ++size)
    BOOST_TEST(load_fault<letter>(std::string_view{bytes}.substr(0, size), 3) != "");
}

BOOST_AUTO_TEST_CASE(a_dead_letters_record_may_be_older) {
  const weir::dead_letter<flight_1> x{{"DL42"}, {"miss", "", "no row"}, 1, {}};
  BOOST_TEST(loaded<weir::dead_letter<flight_3>>(saved(x), 1,
                                                 [](const weir::dead_letter<flight_3>& y) {
                                                   BOOST_TEST(y.value.delay_minutes == -1);
                                                   BOOST_TEST(y.why.message() == "no row");
                                                 })
             == "");
}

BOOST_AUTO_TEST_CASE(whatever_allocation_fails_nothing_is_lost) {
  const std::string text(100, 'x');
  const weir::dead_letter<flight_3> x{
    {text, 15, {text, text}}, {text, text, text}, 3, {std::chrono::seconds{1}}};
  const auto& of = codec<weir::dead_letter<flight_3>>();
  const auto bytes = saved(x);
  const auto bytes_before = weir::testing::allocated_bytes();
  const auto until_it_runs_through = [](auto run) {
    std::size_t failures = 0;
    for (std::size_t n = 1;; ++n, ++failures) {
      weir::testing::fail_allocation(n);
      try {
        run();
      } catch (const std::bad_alloc&) {
      }
      const bool failed = weir::testing::allocation_has_failed();
      weir::testing::fail_allocation(0);
      if (!failed)
        return failures;
    }
  };
  const auto save = [&] {
    weir::state_blocks blocks{std::make_shared<weir::block_pool>()};
    weir::state_output to{blocks};
    of.save(to, &x);
  };
  const auto load = [&] {
    weir::memory_budget budget{bytes.size()};
    weir::state_input from{cut(bytes), budget, "state"};
    alignas(weir::dead_letter<flight_3>) std::byte raw[sizeof(x)];
    of.load(from, raw, 3);
    of.destroy(raw);
  };
  BOOST_TEST(until_it_runs_through(save) >= 3u);
  BOOST_TEST(until_it_runs_through(load) >= 8u);
  BOOST_TEST(weir::testing::allocated_bytes() == bytes_before);
}

BOOST_AUTO_TEST_SUITE_END()
