// SPDX-License-Identifier: Apache-2.0

#include "weir/histogram.hpp"
#include "weir/probes.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <random>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using weir::duration;
using weir::histogram;

namespace {

/// The duration that a share of `of` does not exceed, exactly.
duration exact(std::vector<duration> of, double q) {
  std::sort(of.begin(), of.end());
  const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(of.size())));
  return of[std::max<std::size_t>(rank, 1) - 1];
}

} // namespace

BOOST_AUTO_TEST_SUITE(histograms)

BOOST_AUTO_TEST_CASE(an_empty_one_says_nothing) {
  const histogram of;
  BOOST_TEST(of.read().count() == 0u);
  BOOST_TEST((of.read().quantile(0.5) == 0ns));
  BOOST_TEST((of.read().mean() == 0ns));
}

BOOST_AUTO_TEST_CASE(small_durations_are_exact) {
  histogram of;
  for (int ns = 0; ns < 16; ++ns)
    of.observe(duration{ns});
  const auto read = of.read();
  BOOST_TEST(read.count() == 16u);
  BOOST_TEST((read.quantile(0) == 0ns));
  BOOST_TEST((read.quantile(0.5) == 7ns));
  BOOST_TEST((read.quantile(1) == 15ns));
}

BOOST_AUTO_TEST_CASE(one_observation_is_every_quantile) {
  histogram of;
  of.observe(1ms);
  for (const double q : {0.0, 0.01, 0.5, 0.99, 1.0}) {
    const auto said = of.read().quantile(q);
    BOOST_TEST((said >= 1ms));
    BOOST_TEST((said <= 1063us));
  }
}

BOOST_AUTO_TEST_CASE(every_duration_falls_into_a_bucket_that_is_right_to_a_sixteenth) {
  for (std::int64_t ns = 1; ns < (std::int64_t{1} << 40); ns += 1 + ns / 37) {
    histogram of;
    of.observe(duration{ns});
    const auto said = of.read().quantile(1).count();
    BOOST_REQUIRE(said >= ns);
    BOOST_REQUIRE(said <= ns + ns / 16);
  }
}

BOOST_AUTO_TEST_CASE(greater_durations_never_fall_into_smaller_buckets) {
  duration before{0};
  for (std::int64_t ns = 0; ns < (std::int64_t{1} << 41); ns += 1 + ns / 50) {
    histogram of;
    of.observe(duration{ns});
    const auto said = of.read().quantile(1);
    BOOST_REQUIRE((said >= before));
    before = said;
  }
}

BOOST_AUTO_TEST_CASE(quantiles_of_many_are_right_to_six_percent) {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      std::mt19937_64 chance{seed};
      std::lognormal_distribution<double> sizes{13, 2};
      histogram of;
      std::vector<duration> all;
      for (int i = 0; i < 20'000; ++i) {
        all.emplace_back(static_cast<duration::rep>(std::min(sizes(chance), 1e12)));
        of.observe(all.back());
      }
      double sum = 0;
      for (const auto each : all)
        sum += static_cast<double>(each.count()) / static_cast<double>(all.size());
      BOOST_TEST(static_cast<double>(of.read().mean().count()) == sum, boost::test_tools::tolerance(0.02));
      for (const double q : {0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
        const auto right = static_cast<double>(exact(all, q).count());
        const auto said = static_cast<double>(of.read().quantile(q).count());
        BOOST_TEST(said >= right);
        BOOST_TEST(said <= right * 1.0625 + 1);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(negative_and_endless_durations_have_a_place) {
  histogram of;
  of.observe(duration{-5});
  of.observe(duration::max());
  of.observe(24h);
  const auto read = of.read();
  BOOST_TEST(read.count() == 3u);
  BOOST_TEST((read.quantile(0) == 0ns));
  BOOST_TEST((read.quantile(1) > 15min));
}

BOOST_AUTO_TEST_CASE(several_at_once_count_as_several) {
  histogram of;
  of.observe(1ns, 99);
  of.observe(1s);
  BOOST_TEST(of.read().count() == 100u);
  BOOST_TEST((of.read().quantile(0.99) == 1ns));
  BOOST_TEST((of.read().quantile(1) >= 1s));
}

BOOST_AUTO_TEST_CASE(instances_add_up) {
  histogram one;
  histogram other;
  one.observe(1us, 10);
  other.observe(1ms, 30);
  auto sum = one.read();
  sum += other.read();
  BOOST_TEST(sum.count() == 40u);
  BOOST_TEST((sum.quantile(0.25) < 1100ns));
  BOOST_TEST((sum.quantile(0.26) >= 1ms));
}

// One thread writes while others read: counts only grow, and in the end all is there.
BOOST_AUTO_TEST_CASE(readers_need_not_wait_for_the_writer) {
  constexpr std::uint64_t count = 50'000;
  auto probe = std::make_shared<weir::operator_probe>();
  std::atomic<bool> fell_back{false};
  std::vector<std::thread> readers;
  for (int t = 0; t < 2; ++t)
    readers.emplace_back([probe, &fell_back] {
      std::uint64_t calls = 0;
      std::uint64_t observed = 0;
      while (calls < count || observed < count) {
        const auto now = probe->calls.value();
        const auto read = probe->call_duration.read().count();
        if (now < calls || read < observed)
          fell_back = true;
        calls = now;
        observed = read;
      }
    });
  for (std::uint64_t i = 0; i < count; ++i) {
    probe->calls.add(1);
    probe->call_duration.observe(duration{static_cast<duration::rep>(i)});
  }
  for (auto& reader : readers)
    reader.join();
  BOOST_TEST(!fell_back);
  BOOST_TEST(probe->call_duration.read().count() == count);
}

BOOST_AUTO_TEST_SUITE_END()
