// SPDX-License-Identifier: Apache-2.0

// Whole jobs under chance: random settings, schedules, latencies, errors, timeouts and ends. A seed that
// fails is printed; `weir_actors_tests -t random_jobs -- SEED` runs that one alone.

#include "../support/random_job.hpp"
#include "../support/seeds.hpp"

using weir::testing::random_job;

namespace {

std::string trace_of(std::uint64_t seed) {
  random_job job{seed};
  auto trace = job.run();
  job.check_accounts();
  return trace;
}

} // namespace

BOOST_AUTO_TEST_SUITE(random_jobs)

BOOST_AUTO_TEST_CASE(every_record_is_accounted_for_once) {
  const auto [first, count] = weir::testing::seeds(1000);
  for (auto seed = first; seed < first + count; ++seed)
    BOOST_TEST_CONTEXT("seed " << seed) {
      trace_of(seed);
    }
}

BOOST_AUTO_TEST_CASE(the_same_seed_gives_the_same_run) {
  for (const std::uint64_t seed : {11u, 12u, 13u, 14u, 15u})
    BOOST_TEST_CONTEXT("seed " << seed) {
      BOOST_TEST((trace_of(seed) == trace_of(seed)));
    }
}

BOOST_AUTO_TEST_CASE(another_seed_gives_another_run) {
  BOOST_TEST((trace_of(3) != trace_of(6)));
}

BOOST_AUTO_TEST_SUITE_END()
