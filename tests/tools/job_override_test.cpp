// SPDX-License-Identifier: Apache-2.0
#include "job_file_fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace weir;
using namespace std::chrono_literals;
using weir::tool::testing::job_file_fixture;

BOOST_FIXTURE_TEST_SUITE(overrides, job_file_fixture)

BOOST_AUTO_TEST_CASE(what_is_no_toml_is_a_string) {
  const auto job = good({"pool.airports.url=sqlite:other.db", "job.drain_timeout=5s"});
  BOOST_TEST(job.pools[0].url.reveal() == "sqlite:jobs/other.db");
  BOOST_TEST((job.drain_timeout == 5s));
}

BOOST_AUTO_TEST_CASE(toml_is_taken_as_such) {
  const auto job = good({"job.parallelism = 2", "job.name=\"x=y\"", "lookup.origin.key=[\"a\", \"b\"]"});
  BOOST_TEST(job.parallelism == 2u);
  BOOST_TEST(job.name == "x=y");
  BOOST_TEST(job.lookups[0].key == (std::vector<std::string>{"a", "b"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_lookup_is_found_by_its_name) {
  BOOST_TEST((good({"lookup.origin.timeout=2s"}).lookups[0].timeout == 2s));
  BOOST_TEST(mistakes({"lookup.dest.timeout=2s"})
             == "--set lookup.dest.timeout=2s: lookup has none with the name dest; there are: origin\n");
  BOOST_TEST(mistakes({"lookup.origin=2s"}).find("name a key of one of them") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_name_may_be_in_quotes) {
  replace("[pool.airports]", "[pool.\"a.b\"]");
  replace("pool = \"airports\"", "pool = \"a.b\"");
  BOOST_TEST(good({"pool.\"a.b\".url=sqlite:x=y.db"}).pools[0].url.reveal() == "sqlite:jobs/x=y.db");
}

BOOST_AUTO_TEST_CASE(tables_on_the_way_are_made) {
  const auto job = good({"pool.airports.faults.errors=0.5", "lookup.origin.retry.max_attempts=2"});
  BOOST_REQUIRE(job.pools[0].faults.has_value());
  BOOST_TEST(job.pools[0].faults->errors == 0.5);
  BOOST_TEST(job.lookups[0].retry.max_attempts() == 2u);
}

BOOST_AUTO_TEST_CASE(the_last_one_counts) {
  BOOST_TEST(good({"job.name=a", "job.name=b"}).name == "b");
}

BOOST_AUTO_TEST_CASE(a_bad_value_is_laid_to_the_override) {
  BOOST_TEST(mistakes({"job.parallelism=none"})
             == "--set job.parallelism=none: job.parallelism = 'none': must be a whole number from 1 to "
                "1024\n");
  BOOST_TEST(mistakes({"lookup.origin.capacity=0"}).starts_with("--set lookup.origin.capacity=0: "));
  BOOST_TEST(mistakes({"job.nmae=x"}).find("(did you mean \"name\"?)") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_is_no_assignment_is_refused) {
  for (const auto* each : {"", "job", "=x", ".=x", "a b=x", "job.=x", "a=1\nb"})
    BOOST_TEST(!mistakes({each}).empty(), each);
  BOOST_TEST(mistakes({"job"}) == "--set job: must be KEY=VALUE, with a key such as pool.airports.url\n");
}

BOOST_AUTO_TEST_CASE(nothing_can_be_set_inside_a_value) {
  BOOST_TEST(mistakes({"job.name.first=x"}).find("job.name is no table") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_value_cannot_bring_in_other_keys) {
  // GIVEN a value that would be two assignments as TOML
  const auto job = good({"job.name=1\nparallelism = 7"});
  // THEN it is a string
  BOOST_TEST(job.name == "1\nparallelism = 7");
  BOOST_TEST(job.parallelism == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
