// SPDX-License-Identifier: Apache-2.0

#include "weir/callback_sink.hpp"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <string>

namespace {

weir::batch<std::string> four() {
  weir::batch<std::string> in;
  for (std::uint64_t i = 0; i < 4; ++i)
    in.append(std::string(1, static_cast<char>('a' + i)), weir::event_time{static_cast<long>(i)},
              {10 * i, 0, 0});
  return in;
}

} // namespace

BOOST_AUTO_TEST_SUITE(callback_sink)

BOOST_AUTO_TEST_CASE(the_function_gets_each_record_of_the_range) {
  std::string got;
  auto sink = weir::make_callback_sink<std::string>([&](std::string x) { got += x; });
  auto in = four();
  std::size_t next = 1;
  const auto written = sink.write(in, next, 3);
  BOOST_TEST_REQUIRE(written.has_value());
  BOOST_TEST((written->state == weir::poll_state::done));
  BOOST_TEST(next == 3u);
  BOOST_TEST(got == "bc");
}

BOOST_AUTO_TEST_CASE(the_function_may_ask_for_time_and_place) {
  std::string got;
  auto sink = weir::make_callback_sink<std::string>(
    [&](std::string&& x, weir::event_time at, const weir::origin& from) {
      got += x + std::to_string(at.ms()) + "@" + from.text() + " ";
    });
  auto in = four();
  std::size_t next = 2;
  BOOST_TEST(sink.write(in, next, 4).has_value());
  BOOST_TEST(got == "c2@0/20 d3@0/30 ");
}

BOOST_AUTO_TEST_CASE(an_error_of_the_function_ends_the_batch) {
  int calls = 0;
  auto sink = weir::make_callback_sink<std::string>([&](std::string x) -> weir::expected<void> {
    ++calls;
    if (x == "b")
      return weir::error{"full", "the cup", "cannot take more"};
    return {};
  });
  auto in = four();
  std::size_t next = 0;
  const auto written = sink.write(in, next, 4);
  BOOST_TEST_REQUIRE(!written.has_value());
  BOOST_TEST(written.why().kind() == "full");
  BOOST_TEST(calls == 2);
}

BOOST_AUTO_TEST_CASE(records_need_not_be_copyable) {
  std::unique_ptr<int> got;
  auto sink = weir::make_callback_sink<std::unique_ptr<int>>([&](auto&& x) { got = std::move(x); });
  weir::batch<std::unique_ptr<int>> in;
  in.append(std::make_unique<int>(7), {}, {});
  std::size_t next = 0;
  BOOST_TEST(sink.write(in, next, 1).has_value());
  BOOST_TEST_REQUIRE(got);
  BOOST_TEST(*got == 7);
}

BOOST_AUTO_TEST_SUITE_END()
