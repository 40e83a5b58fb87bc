// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Which seeds a random test runs: its own, or those that follow `--` on the command line, as in
/// `weir_operator_random_tests -- FIRST_SEED [CASES]`. That is how a failure is repeated. With a sanitizer,
/// which makes each case many times slower, a tenth of its own.

#include <boost/test/framework.hpp>
#include <boost/test/tree/test_unit.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace weir::testing {

struct seed_range {
  std::uint64_t first = 1;
  std::uint64_t count = 1;
};

#ifdef WEIR_SANITIZED
inline constexpr std::uint64_t one_seed_of = 10;
#else
inline constexpr std::uint64_t one_seed_of = 1;
#endif

/// `count` seeds from 1 on, unless the command line says otherwise; a first seed alone is one case.
inline seed_range seeds(std::uint64_t count) {
  const auto& suite = boost::unit_test::framework::master_test_suite();
  const auto argument = [&](int n) { return std::strtoull(suite.argv[n], nullptr, 10); };
  if (suite.argc < 2)
    return {1, std::max<std::uint64_t>(1, count / one_seed_of)};
  return {argument(1), suite.argc > 2 ? argument(2) : 1};
}

} // namespace weir::testing
