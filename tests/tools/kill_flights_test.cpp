// SPDX-License-Identifier: Apache-2.0

// The job of examples/flights, killed and started again until it is done, against the same job left alone:
// the parts, one behind the other, have the same bytes.

#include "kill_loop.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>

using namespace weir::tool::testing;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

#ifdef WEIR_SANITIZED
constexpr int slower = 4;
#else
constexpr int slower = 1;
#endif

/// A copy of the example's folder, with its store.
struct flights_folder {
  flights_folder() {
    const fs::path source = WEIR_SOURCE_DIR;
    for (const auto* name : {"airports.csv", "flights.ndjson", "job.toml", "make_store.sql"})
      fs::copy_file(source / "examples" / "flights" / name, folder.path(name));
    const auto make = ". '" + (source / "scripts" / "lib" / "store.sh").string()
                      + "' && make_flights_store '" + folder.path() + "' >/dev/null";
    BOOST_REQUIRE(std::system(("bash -c \"" + make + "\"").c_str()) == 0);
  }

  /// All visible parts in the order of their names.
  std::string output() const {
    std::string all;
    if (fs::exists(folder.path("out")))
      for (const auto& name : folder.names("out"))
        if (!name.starts_with('.'))
          all += folder.read("out/" + name);
    return all;
  }

  weir::testing::temp_folder folder;
};

} // namespace

BOOST_AUTO_TEST_SUITE(kills_of_flights)

BOOST_AUTO_TEST_CASE(the_output_has_the_bytes_of_a_run_that_is_left_alone) {
  // GIVEN what the job gives when it is left alone
  const flights_folder left_alone;
  const auto ended = run_for(left_alone.folder.path(), {});
  BOOST_REQUIRE_MESSAGE(ended.code == 0, ended.err);
  const auto expected = left_alone.output();
  BOOST_REQUIRE(expected.size() > 1'000'000u);
  // WHEN it is killed, and slow enough for that
  const flights_folder killed;
  const auto met = kill_job_until_done(
    killed.folder.path(),
    {.seed = 1,
     .kills = 6,
     .life_min = 100ms * slower,
     .life_max = 500ms * slower,
     .arguments = {"--set", "pool.airports.faults.latency=" + std::to_string(2 * slower) + "ms.."
                                + std::to_string(12 * slower) + "ms", "--set",
                   "lookup.origin.capacity=100", "--set", "lookup.destination.capacity=100", "--set",
                   "checkpoints.directory=checkpoints", "--set", "checkpoints.interval=20ms"}},
    [&](const finished_command&, bool done) -> std::string {
      // THEN what is visible is always its beginning, and in the end all of it
      const auto visible = killed.output();
      if (done ? visible == expected : expected.starts_with(visible))
        return {};
      return "the output is not that of the run that was left alone";
    });
  // AND some of the kills lay between the first checkpoint and the end
  BOOST_TEST(met.kills == 6);
  BOOST_TEST(met.went_on >= 3);
  for (const auto& name : killed.folder.names("out"))
    BOOST_TEST((name == ".part.run" || !name.starts_with('.')), name);
}

BOOST_AUTO_TEST_SUITE_END()
