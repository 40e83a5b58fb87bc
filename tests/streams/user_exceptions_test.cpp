// SPDX-License-Identifier: Apache-2.0

// Code of the user's that throws where nobody expects it: the job fails, and says at what.

#include "weir/weir.hpp"

#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

namespace {

/// A record that says what it holds, or throws.
struct touchy {
  int value = 0;

  friend std::size_t held_bytes(const touchy& x) {
    if (x.value < 0)
      throw std::runtime_error("held_bytes of " + std::to_string(x.value));
    return sizeof(x);
  }
};

/// A record whose name cannot be had.
struct nameless {
  int value = 0;

  friend std::string record_name(const nameless&, const weir::origin&) {
    throw std::runtime_error("no name");
  }
};

class throwing_source : public weir::source<int> {
public:
  weir::expected<weir::poll_result> poll(weir::source_outputs&) override {
    return weir::poll_result{weir::poll_state::done, {}};
  }
  std::uint64_t skipped() const override { throw std::runtime_error("lost count"); }
};

} // namespace

BOOST_AUTO_TEST_SUITE(user_exceptions)

BOOST_AUTO_TEST_CASE(held_bytes_of_a_result_fails_the_job_by_the_operators_name) {
  weir::environment env;
  weir::async_data_stream::ordered_wait(
    env.from_source(weir::collection_source<int>{{1, -2, 3}}),
    [](const int& in, weir::result_future<touchy> done) { done.complete(touchy{in}); },
    {.name = "touch", .timeout = 0s})
    .sink_to([](touchy) {});
  BOOST_TEST(env.execute("job").why.at(0).text() == "operator touch: it threw: held_bytes of -2 (exception)");
}

BOOST_AUTO_TEST_CASE(a_source_that_throws_outside_of_poll_fails_the_job_by_its_name) {
  weir::environment env;
  env.from_source([] { return std::make_unique<throwing_source>(); }).sink_to([](int) {});
  BOOST_TEST(env.execute("job").why.at(0).text() == "source: it threw: lost count (exception)");
}

BOOST_AUTO_TEST_CASE(a_failure_is_reported_even_if_its_record_has_no_name) {
  weir::environment env;
  weir::async_data_stream::ordered_wait(
    env.from_source(weir::collection_source<nameless>{{nameless{1}}}),
    [](const nameless&, weir::result_future<int> done) {
      done.fail({"io", "store", "it said no"});
    },
    {.name = "ask", .timeout = 0s})
    .sink_to([](int) {});
  const auto result = env.execute("job");
  BOOST_TEST(result.why.at(0).text() == "operator ask: store: it said no (io)");
  BOOST_TEST(result.stage == "ask");
  BOOST_TEST(result.record == "record 0/0");
}

BOOST_AUTO_TEST_SUITE_END()
