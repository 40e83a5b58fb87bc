// SPDX-License-Identifier: Apache-2.0

// kill -9 at random moments, again and again: what is visible is always a beginning of what must come
// out, and at the end it is all of it, each record once. No power is lost here: what the page cache has
// survives. `weir_kills_tests --run_test=kills -- FIRST_SEED [KILLS]`, with so many for each job, repeats a
// failure or looks further.

#include "kill_fixture.hpp"

#include "../support/seeds.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <utility>

using namespace weir::tool::testing;
using namespace std::chrono_literals;
using weir::testing::seeds;

namespace {

#ifdef WEIR_SANITIZED
constexpr int slower = 4;
constexpr int kills_wanted = 2;
#else
constexpr int slower = 1;
constexpr int kills_wanted = 10;
#endif

/// So long that most of the kills fall into it.
kill_job job_of(std::string mode, promised_order promises, std::size_t lines) {
  return {
    .mode = std::move(mode), .promises = promises, .lines = lines, .checkpoint_interval = 20ms};
}

/// Kills such a job, and others like it, until that has met enough.
void kill(const kill_job& job, std::vector<std::string> parallelisms) {
  const auto [first_seed, given] = seeds(0);
  const int wanted = given > 1 ? static_cast<int>(given) : kills_wanted;
  kill_plan plan{.life_min = 50ms * slower, .life_max = 500ms * slower};
  for (const auto* lookup : {"customer", "offers"})
    plan.settings.push_back({"lookup." + std::string{lookup} + ".capacity", {"3", "10", "40"}});
  plan.settings.push_back({"job.parallelism", std::move(parallelisms)});

  kill_tally all;
  const auto worlds = static_cast<std::uint64_t>(wanted / kills_wanted * 2 + 2);
  for (plan.seed = first_seed; plan.seed < first_seed + worlds; ++plan.seed) {
    if (all.shortfall(wanted).empty())
      break;
    plan.kills = std::min(wanted - all.kills, kills_wanted);
    if (all.kills >= wanted) {
      // Where the machine has much else to do, starts need longer to get on.
      plan.life_max *= 2;
      plan.kills = kills_wanted;
    }
    BOOST_TEST_CONTEXT("the job's mode is " << job.mode << ", its seed " << plan.seed) {
      kill_fixture with{job, plan.seed};
      all += with.kill_until_done(plan);
    }
  }
  BOOST_TEST(all.shortfall(wanted) == "");
}

} // namespace

BOOST_AUTO_TEST_SUITE(kills)

BOOST_AUTO_TEST_CASE(an_ordered_job_gives_each_record_once_and_in_order) {
  kill(job_of("ordered", promised_order::of_input, 3'000), {"1"});
}

BOOST_AUTO_TEST_CASE(an_unordered_job_gives_each_record_once) {
  kill(job_of("unordered", promised_order::any, 4'000), {"1", "2", "3"});
}

BOOST_AUTO_TEST_CASE(a_job_that_keeps_keys_in_order_gives_each_record_once_and_in_its_keys_order) {
  kill(job_of("key_ordered", promised_order::of_each_customer, 4'000), {"1", "2", "3"});
}

BOOST_AUTO_TEST_SUITE_END()
