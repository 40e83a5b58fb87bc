// SPDX-License-Identifier: Apache-2.0

// A job whose system calls fail, or kill it, one after the other: of each call that writes, makes durable, renames,
// opens or removes, the n-th of each thread, for n from 1 on until the job runs through without it. What is visible
// then is a beginning of what must come out, and the next start comes to all of it, each record once. strace(1) puts
// the faults in. `weir_kills_tests --run_test=failing_calls -- 1 1000000` tries every n; by itself it tries some.

#include "kill_fixture.hpp"

#include "../support/seeds.hpp"

#include <nlohmann/json.hpp>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

using namespace weir::tool::testing;
using namespace std::chrono_literals;

namespace {

/// A call, and what becomes of it, in strace's words.
struct call_fault {
  std::string call;
  std::string what;

  friend std::ostream& operator<<(std::ostream& to, const call_fault& of) {
    return to << of.call << " " << of.what;
  }
};

const std::vector<call_fault> faults = [] {
  std::vector<call_fault> all;
  for (const auto* call : {"write", "fsync", "renameat2", "openat", "mkdirat", "unlinkat"})
    for (const auto* what : {"signal=SIGKILL", "error=EIO", "error=ENOSPC"})
      all.push_back({call, what});
  return all;
}();

/// The command's exit codes: strace's where it was killed, and the loader's where a library cannot be read.
constexpr int killed_code = 128 + SIGKILL;
const std::set<int> sound_codes{0, 1, 2, 127, killed_code};

bool is_possible() {
  return std::system("strace -qq -o /dev/null true 2>/dev/null") == 0;
}

struct faulty_run {
  finished_command ended;
  bool met_fault = false;
};

const std::vector<std::string> run_arguments{
  "run", "job.toml", "--json", "--set", "restart.strategy=exponential_delay",
  "--set", "restart.initial=5ms", "--set", "restart.max=20ms"};

/// Runs the job of the folder; the n-th such call of each thread meets the fault.
faulty_run run_with(const weir::testing::temp_folder& folder, const call_fault& fault,
                    std::size_t n) {
  const auto log = folder.path("strace.log");
  std::vector<std::string> words{
    "strace", "-f", "-qq", "-o", log, "-e", "trace=" + fault.call, "-e",
    "inject=" + fault.call + ":" + fault.what + ":when=" + std::to_string(n), WEIR_COMMAND};
  words.insert(words.end(), run_arguments.begin(), run_arguments.end());
  std::vector<char*> argv;
  for (auto& each : words)
    argv.push_back(each.data());
  argv.push_back(nullptr);
  running_command command{folder.path(), {}, {}, [&] {
    // It cannot look for leaks where it is traced.
    ::setenv("LSAN_OPTIONS", "detect_leaks=0", 1);
    ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    if (::chdir(folder.path().c_str()) == 0)
      ::execvp(argv[0], argv.data());
  }};
  faulty_run run{command.finish()};
  run.met_fault = folder.read("strace.log").find("(INJECTED)") != std::string::npos
                  || run.ended.code == killed_code;
  return run;
}

/// Behind checkpoint 0.
bool has_complete_checkpoint(const weir::testing::temp_folder& of) {
  if (!std::filesystem::exists(of.path("checkpoints")))
    return false;
  for (const auto& each : std::filesystem::recursive_directory_iterator{of.path("checkpoints")}) {
    const auto name = each.path().filename().string();
    if (name.starts_with("chk-") && !name.ends_with(".tmp")
        && name.find_first_not_of('0', 4) != name.npos)
      return true;
  }
  return false;
}

/// What the faults met.
struct tally {
  int runs = 0;
  int faults = 0;
  /// Came to their end in spite of it.
  int done = 0;
  int failed_checkpoints = 0;
};

/// One run with a fault, then a start without any; false once there was no such call any more.
bool try_one(const call_fault& fault, std::size_t n, tally& met) {
  kill_fixture with{{.lines = 40, .checkpoint_interval = 20ms}, 5};
  const auto run = run_with(with.folder, fault, n);
  ++met.runs;
  BOOST_TEST_CONTEXT("call " << n << ", exit code " << run.ended.code << ", " << run.ended.err) {
    BOOST_TEST(sound_codes.count(run.ended.code) == 1u);
    BOOST_TEST(with.fault(run.ended.code == 0 ? progress_so_far::done : progress_so_far::under_way)
               == "");
    if (!run.met_fault) {
      BOOST_TEST(run.ended.code == 0);
      return false;
    }
    ++met.faults;
    if (run.ended.code == 0) {
      ++met.done;
      const auto summary = nlohmann::json::parse(run.ended.out, nullptr, false);
      if (summary.is_object())
        met.failed_checkpoints += summary["checkpoints"]["failed"].get<int>();
    }
    const auto next = running_command{with.folder.path(), run_arguments}.finish();
    BOOST_TEST_CONTEXT("the next start: " << next.err) {
      BOOST_TEST(next.code == 0);
      BOOST_TEST(with.fault(progress_so_far::done) == "");
    }
  }
  return true;
}

} // namespace

BOOST_AUTO_TEST_SUITE(failing_calls)

BOOST_DATA_TEST_CASE(whichever_fails_each_record_comes_once, faults, fault) {
  if (!is_possible()) {
    BOOST_TEST_MESSAGE("strace(1) is not here, or may trace nothing: not tried");
    return;
  }
  // With a step of so many, from a begin that is another one for each fault.
  const auto [seed, count] = weir::testing::seeds(1);
  const std::size_t step = count > 1 ? 1 : 7 * weir::testing::one_seed_of;
  const auto place = static_cast<std::size_t>(
    std::find_if(faults.begin(), faults.end(),
                 [&](const call_fault& each) {
                   return each.call == fault.call && each.what == fault.what;
                 })
    - faults.begin());
  tally met;
  for (std::size_t n = 1 + (seed + place) % std::min<std::size_t>(step, 7); try_one(fault, n, met); n += step)
    BOOST_REQUIRE(n < 10'000);
  BOOST_TEST_MESSAGE(fault << ": " << met.runs << " runs, " << met.faults << " with a fault, " << met.done
                           << " were done all the same, " << met.failed_checkpoints
                           << " checkpoints failed");
  // With a sanitizer too few are tried for that.
  if (weir::testing::one_seed_of == 1 && (fault.call == "write" || fault.call == "fsync")) {
    BOOST_TEST(met.faults > 0);
    // A disk that fails fails no stream.
    BOOST_TEST((fault.what == "signal=SIGKILL" || met.failed_checkpoints > 0));
  }
}

// A crash may leave behind what its checkpoint has promised and nobody has seen.
BOOST_AUTO_TEST_CASE(another_job_does_not_touch_what_the_next_start_is_to_show) {
  if (!is_possible())
    return;
  bool was_between = false;
  for (std::size_t n = 1; n < 100 && !was_between; ++n) {
    kill_fixture with{{.lines = 40, .checkpoint_interval = 20ms}, 5};
    const auto run = run_with(with.folder, {"fsync", "signal=SIGKILL"}, n);
    BOOST_REQUIRE(run.met_fault);
    const auto left = with.folder.names("out");
    const auto any = [&](std::string_view begin) {
      return std::any_of(left.begin(), left.end(),
                         [&](const std::string& name) { return name.starts_with(begin); });
    };
    was_between = has_complete_checkpoint(with.folder) && any(".part-") && !any("part-");
    if (!was_between)
      continue;
    // GIVEN another job, and the same one without checkpoints
    const auto text = with.folder.read("job.toml");
    with.folder.write("plain.toml", text.substr(0, text.find("[checkpoints]")));
    for (const auto& words :
         {std::vector<std::string>{"run", "job.toml", "--set", "job.name=other", "--set",
                                   "checkpoints.directory=elsewhere"},
          std::vector<std::string>{"run", "plain.toml"}}) {
      const auto other = running_command{with.folder.path(), words}.finish();
      BOOST_TEST_CONTEXT(words[1] << ": " << other.err) {
        BOOST_TEST(other.code == 1);
        BOOST_TEST(other.err.find("when it goes on") != std::string::npos);
        BOOST_TEST((with.folder.names("out") == left));
      }
    }
    const auto next = running_command{with.folder.path(), run_arguments}.finish();
    BOOST_TEST_CONTEXT("the next start: " << next.err) {
      BOOST_TEST(next.code == 0);
      BOOST_TEST(with.fault(progress_so_far::done) == "");
    }
  }
  BOOST_TEST(was_between);
}

BOOST_AUTO_TEST_SUITE_END()
