// SPDX-License-Identifier: Apache-2.0

#include "weir/record_codec.hpp"

#include "weir/stored.hpp"

#include "archive_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

namespace record_codec_test {

struct not_stored {
  int x = 0;
};

/// 64 bytes, as the benchmarks' records.
struct order {
  std::uint64_t id = 0;
  std::int64_t at = 0;
  double price = 0;
  std::uint32_t count = 0;
  std::uint32_t shop = 0;
  char name[32] = {};

  template <class Archive>
  void serialize(Archive& archive, std::uint32_t) {
    archive(id, at, price, count, shop, name);
  }
};

struct told_twice {
  int x = 0;
};

struct namesake {
  int x = 0;
};

} // namespace record_codec_test

WEIR_STORED(record_codec_test::order, 1)

namespace {

weir::record_codec named(std::string name, std::uint32_t version) {
  weir::record_codec codec;
  codec.name = std::move(name);
  codec.version = codec.oldest = version;
  return codec;
}

template <class T>
std::string name_of() {
  const auto* codec = weir::find_record_codec(typeid(T));
  return codec == nullptr ? "" : codec->name;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(record_codec, weir::testing::archive_fixture)

// First: what the program itself brings contradicts nothing.
BOOST_AUTO_TEST_CASE(there_are_no_mistakes_by_themselves) {
  BOOST_TEST(weir::record_codec_mistakes().empty());
}

BOOST_AUTO_TEST_CASE(a_type_that_is_not_stored_has_no_codec) {
  BOOST_TEST(weir::find_record_codec(typeid(record_codec_test::not_stored)) == nullptr);
  BOOST_TEST(weir::find_record_codec(typeid(weir::dead_letter<record_codec_test::not_stored>))
             == nullptr);
}

BOOST_AUTO_TEST_CASE(numbers_and_strings_have_codecs_with_fixed_names) {
  BOOST_TEST(name_of<bool>() == "bool");
  BOOST_TEST(name_of<char>() == "char");
  BOOST_TEST(name_of<std::int8_t>() == "int8");
  BOOST_TEST(name_of<std::uint8_t>() == "uint8");
  BOOST_TEST(name_of<std::int16_t>() == "int16");
  BOOST_TEST(name_of<int>() == "int32");
  BOOST_TEST(name_of<unsigned>() == "uint32");
  BOOST_TEST(name_of<std::int64_t>() == "int64");
  BOOST_TEST(name_of<std::uint64_t>() == "uint64");
  BOOST_TEST((name_of<long>() != "" && name_of<long long>() != ""));
  BOOST_TEST(name_of<float>() == "float");
  BOOST_TEST(name_of<double>() == "double");
  BOOST_TEST(name_of<std::string>() == "string");
  BOOST_TEST(name_of<weir::dead_letter<std::string>>() == "dead_letter<string>");
}

BOOST_AUTO_TEST_CASE(a_number_is_stored_by_its_codec) {
  const auto& codec = *weir::find_record_codec(typeid(int));
  const int x = -7;
  const auto bytes = written([&](weir::state_output& to) { codec.save(to, &x); });
  BOOST_TEST(bytes == "\xf9\xff\xff\xff");
  int y = 0;
  BOOST_TEST(fault(bytes, [&](weir::state_input& from) { codec.load(from, &y, 1); }) == "");
  BOOST_TEST(y == -7);
}

BOOST_AUTO_TEST_CASE(types_are_named_as_in_the_program) {
  BOOST_TEST(weir::type_name(typeid(record_codec_test::not_stored))
             == "record_codec_test::not_stored");
}

BOOST_AUTO_TEST_CASE(a_64_byte_record_is_stored_quickly) {
  constexpr int records = 10'000;
  const auto& codec = *weir::find_record_codec(typeid(record_codec_test::order));
  const std::vector<record_codec_test::order> orders(records);
  auto best = std::chrono::nanoseconds::max();
  for (int round = 0; round < 5; ++round) {
    weir::state_blocks blocks{pool};
    const auto begin = std::chrono::steady_clock::now();
    {
      weir::state_output to{blocks};
      for (const auto& each : orders)
        codec.save(to, &each);
    }
    best = std::min(best, std::chrono::nanoseconds{std::chrono::steady_clock::now() - begin});
    BOOST_TEST(blocks.size() == records * 64u);
  }
  BOOST_TEST_MESSAGE("saves a record of 64 bytes in " << best.count() / records << " ns");
}

// Last: these stay.
BOOST_AUTO_TEST_CASE(what_contradicts_itself_is_a_mistake) {
  using namespace record_codec_test;
  weir::add_record_codec(typeid(told_twice), named("told_twice", 1));
  weir::add_record_codec(typeid(told_twice), named("told_twice", 1));
  BOOST_TEST(weir::record_codec_mistakes().empty());
  weir::add_record_codec(typeid(told_twice), named("told_twice", 2));
  weir::add_record_codec(typeid(namesake), named("told_twice", 1));
  const auto mistakes = weir::record_codec_mistakes();
  BOOST_TEST_REQUIRE(mistakes.size() == 2u);
  BOOST_TEST(
    mistakes[0].text()
    == "record_codec_test::told_twice: is stored as 'told_twice' version 1 (oldest 1) by one part "
       "of "
       "the program and as 'told_twice' version 2 (oldest 2) by another; keep one of the two "
       "(argument)");
  BOOST_TEST(mistakes[1].text().find("is the name of two stored types") != std::string::npos);
  BOOST_TEST(weir::find_record_codec(typeid(told_twice))->version == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
