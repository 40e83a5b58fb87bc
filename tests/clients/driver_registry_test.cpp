// SPDX-License-Identifier: Apache-2.0

#include "weir/driver_registry.hpp"

#include "weir/blocking_driver.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>

namespace weir::testing {

namespace {

/// A factory that makes a driver that can be told by its number of connections.
driver_factory making(std::size_t connections) {
  return [connections](const driver_settings&) -> expected<std::unique_ptr<client_driver>> {
    return std::unique_ptr<client_driver>{std::make_unique<blocking_driver>(
      driver_settings{"p", "", {connections}}, blocking_connection_factory{})};
  };
}

} // namespace

BOOST_AUTO_TEST_SUITE(driver_registries)

BOOST_AUTO_TEST_CASE(the_scheme_chooses_the_driver) {
  driver_registry registry;
  registry.add("one", making(1));
  registry.add("two", making(2));
  auto driver = registry.make({"p", "two:rest:more", {}});
  BOOST_REQUIRE(driver.has_value());
  BOOST_TEST((*driver)->permits() == 2);
}

BOOST_AUTO_TEST_CASE(the_factory_gets_the_settings_as_they_are) {
  driver_registry registry;
  driver_settings seen;
  registry.add("one", [&](const driver_settings& settings) {
    seen = settings;
    return making(1)(settings);
  });
  BOOST_TEST(registry.make({"airports", "one:a/b", {7}}).has_value());
  BOOST_TEST(seen.pool == "airports");
  BOOST_TEST(seen.url.reveal() == "one:a/b");
  BOOST_TEST(seen.options.connections == 7);
}

BOOST_AUTO_TEST_CASE(an_unknown_scheme_names_the_known_ones) {
  driver_registry registry;
  registry.add("two", making(2));
  registry.add("one", making(1));
  for (const std::string url : {"three:x", "one", "", ":x", "on:x", "oneone:x"}) {
    const auto driver = registry.make({"airports", url, {}});
    BOOST_REQUIRE(!driver.has_value());
    BOOST_TEST(driver.why().is(error_kind::argument));
    BOOST_TEST(driver.why().text()
               == "airports: url is \"" + url
                    + "\", but must begin with one of: one:, two: (argument)");
  }
}

BOOST_AUTO_TEST_CASE(an_empty_registry_says_so) {
  const auto driver = driver_registry{}.make({"p", "one:x", {}});
  BOOST_REQUIRE(!driver.has_value());
  BOOST_TEST(driver.why().message().find("no driver is there") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_driver_that_is_added_later_takes_the_place) {
  driver_registry registry;
  registry.add("one", making(1));
  registry.add("one", making(2));
  BOOST_TEST((*registry.make({"p", "one:x", {}}))->permits() == 2);
}

BOOST_AUTO_TEST_CASE(what_a_factory_says_comes_out) {
  driver_registry registry;
  registry.add("one", [](const driver_settings& s) -> expected<std::unique_ptr<client_driver>> {
    return error{error_kind::argument, s.pool, "no path"};
  });
  const auto driver = registry.make({"p", "one:", {}});
  BOOST_REQUIRE(!driver.has_value());
  BOOST_TEST(driver.why().message() == "no path");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace weir::testing
