// SPDX-License-Identifier: Apache-2.0
#include "../support/temp_folder.hpp"
#include "job_file_fixture.hpp"
#include "job_paths.hpp"
#include "validate_report.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <ostream>
#include <variant>

using namespace weir;
using namespace weir::tool;
using namespace std::chrono_literals;
using weir::tool::testing::job_file_fixture;

namespace {

/// The good job file ends behind [sink]; lines of the two tables come there.
struct recovery_fixture : job_file_fixture {
  void checkpoints(const std::string& lines = "") {
    text += "[checkpoints]\ndirectory = \"cp\"\n" + (lines.empty() ? "" : lines + "\n");
  }

  void restart(const std::string& lines) { text += "[restart]\n" + lines + "\n"; }

  template <class Strategy>
  Strategy strategy(const std::vector<std::string>& overrides = {}) const {
    const auto how = good(overrides).restart;
    if (!how)
      throw std::logic_error{"there is no restart"};
    return std::get<Strategy>(how->how());
  }

  std::string report(const std::vector<std::string>& overrides = {}) const {
    return validate_report(good(overrides), "job.toml", *known_drivers());
  }
};

/// Lines that are put into [checkpoints] or [restart], and all mistakes that they make.
struct bad_lines {
  const char* lines;
  const char* mistakes;

  friend std::ostream& operator<<(std::ostream& out, const bad_lines& x) { return out << x.lines; }
};

// The first of them is line 21.
const bad_lines bad_checkpoints[] = {
  {"interval = \"0s\"", "jobs/job.toml:21: checkpoints.interval = '0s': must be > 0\n"},
  {"interval = 10",
   "jobs/job.toml:21: checkpoints.interval = 10: must be a time such as \"200ms\", \"1.5s\" or \"2m\" "
   "(units ns, us, ms, s, m, h)\n"},
  {"min_pause = \"-1s\"",
   "jobs/job.toml:21: checkpoints.min_pause = '-1s': must be a time such as \"200ms\", \"1.5s\" or "
   "\"2m\" (units ns, us, ms, s, m, h)\n"},
  {"timeout = \"0ms\"", "jobs/job.toml:21: checkpoints.timeout = '0ms': must be > 0\n"},
  {"keep = 0",
   "jobs/job.toml:21: checkpoints.keep = 0: must be a whole number from 1 to 1000000\n"},
  {"keep = \"2\"",
   "jobs/job.toml:21: checkpoints.keep = '2': must be a whole number from 1 to 1000000\n"},
  {"tolerated_failures = -1",
   "jobs/job.toml:21: checkpoints.tolerated_failures = -1: must be a whole number from 0 to "
   "1000000\n"},
  {"on_restore = \"call-all\"",
   "jobs/job.toml:21: checkpoints.on_restore = 'call-all': must be \"resume\" or \"call_all\" (did "
   "you mean \"call_all\"?)\n"},
  {"intervall = \"1s\"",
   "jobs/job.toml:21: checkpoints.intervall = '1s': is no key that weir knows here (did you mean "
   "\"interval\"?)\n"},
  {"concurrent = 2", "jobs/job.toml:21: checkpoints.concurrent = 2: is no key that weir knows here\n"},
  {"timeout = \"0s\"\nkeep = 0\ninterval = \"0s\"",
   "jobs/job.toml:21: checkpoints.timeout = '0s': must be > 0\n"
   "jobs/job.toml:22: checkpoints.keep = 0: must be a whole number from 1 to 1000000\n"
   "jobs/job.toml:23: checkpoints.interval = '0s': must be > 0\n"},
};

// The first of them is line 20.
const bad_lines bad_restarts[] = {
  {"max_restarts = 3", "jobs/job.toml:19: restart.strategy is required\n"},
  {"strategy = \"fixed\"",
   "jobs/job.toml:20: restart.strategy = 'fixed': must be \"none\", \"fixed_delay\", "
   "\"exponential_delay\" or \"failure_rate\"\n"},
  {"strategy = \"failure-rate\"\nper = 1",
   "jobs/job.toml:20: restart.strategy = 'failure-rate': must be \"none\", \"fixed_delay\", "
   "\"exponential_delay\" or \"failure_rate\" (did you mean \"failure_rate\"?)\n"},
  {"strategy = \"none\"\ndelay = \"1s\"",
   "jobs/job.toml:21: restart.delay = '1s': is of no use with strategy = \"none\"; it belongs to "
   "\"fixed_delay\" or \"failure_rate\"\n"},
  {"strategy = \"none\"\nmax_restarts = 1",
   "jobs/job.toml:21: restart.max_restarts = 1: is of no use with strategy = \"none\"; it belongs to "
   "\"fixed_delay\" or \"exponential_delay\"\n"},
  {"strategy = \"fixed_delay\"\ninitial = \"1s\"\nmax = 7",
   "jobs/job.toml:21: restart.initial = '1s': is of no use with strategy = \"fixed_delay\"; it belongs "
   "to \"exponential_delay\"\n"
   "jobs/job.toml:22: restart.max = 7: is of no use with strategy = \"fixed_delay\"; it belongs to "
   "\"exponential_delay\"\n"},
  {"strategy = \"exponential_delay\"\ndelay = \"1s\"\nper = \"1s\"",
   "jobs/job.toml:21: restart.delay = '1s': is of no use with strategy = \"exponential_delay\"; it "
   "belongs to \"fixed_delay\" or \"failure_rate\"\n"
   "jobs/job.toml:22: restart.per = '1s': is of no use with strategy = \"exponential_delay\"; it "
   "belongs to \"failure_rate\"\n"},
  {"strategy = \"failure_rate\"\nmultiplier = 2.0\nmax_restarts = 2",
   "jobs/job.toml:21: restart.multiplier = 2: is of no use with strategy = \"failure_rate\"; it "
   "belongs to \"exponential_delay\"\n"
   "jobs/job.toml:22: restart.max_restarts = 2: is of no use with strategy = \"failure_rate\"; it "
   "belongs to \"fixed_delay\" or \"exponential_delay\"\n"},
  {"strategy = \"exponential_delay\"\nfailures = 2",
   "jobs/job.toml:21: restart.failures = 2: is of no use with strategy = \"exponential_delay\"; it "
   "belongs to \"failure_rate\"\n"},
  {"strategy = \"fixed_delay\"\nmax_restarts = 0",
   "jobs/job.toml:21: restart.max_restarts = 0: must be a whole number from 1 to 1000000\n"},
  {"strategy = \"fixed_delay\"\ndelay = 1",
   "jobs/job.toml:21: restart.delay = 1: must be a time such as \"200ms\", \"1.5s\" or \"2m\" (units "
   "ns, us, ms, s, m, h)\n"},
  {"strategy = \"exponential_delay\"\ninitial = \"0s\"",
   "jobs/job.toml:21: restart.initial = '0s': must be > 0\n"},
  {"strategy = \"exponential_delay\"\ninitial = \"2s\"\nmax = \"1s\"",
   "jobs/job.toml:22: restart.max = '1s': must be >= initial\n"},
  {"strategy = \"exponential_delay\"\ninitial = \"2m\"",
   "jobs/job.toml:19: restart.max must be >= initial; its default is not\n"},
  {"strategy = \"exponential_delay\"\nmultiplier = 0.5\nmax_restarts = -1",
   "jobs/job.toml:21: restart.multiplier = 0.5: must be a number from 1 on\n"
   "jobs/job.toml:22: restart.max_restarts = -1: must be a whole number from 1 to 1000000\n"},
  {"strategy = \"exponential_delay\"\nmultiplier = inf",
   "jobs/job.toml:21: restart.multiplier = inf: must be a number from 1 on\n"},
  {"strategy = \"failure_rate\"\nfailures = 1001",
   "jobs/job.toml:21: restart.failures = 1001: must be a whole number from 1 to 1000\n"},
  {"strategy = \"failure_rate\"\nper = \"0s\"\ndelay = \"soon\"",
   "jobs/job.toml:21: restart.per = '0s': must be > 0\n"
   "jobs/job.toml:22: restart.delay = 'soon': must be a time such as \"200ms\", \"1.5s\" or \"2m\" "
   "(units ns, us, ms, s, m, h)\n"},
  // What follows from a mistake is none of its own.
  {"strategy = \"exponential_delay\"\ninitial = 20\nmax = \"1ms\"",
   "jobs/job.toml:21: restart.initial = 20: must be a time such as \"200ms\", \"1.5s\" or \"2m\" (units "
   "ns, us, ms, s, m, h)\n"},
  {"strategy = \"exponential_delay\"\ninitial = \"2m\"\nmax = 20",
   "jobs/job.toml:22: restart.max = 20: must be a time such as \"200ms\", \"1.5s\" or \"2m\" (units ns, "
   "us, ms, s, m, h)\n"},
  {"strategy = \"fixed_delay\"\ndelays = \"1s\"",
   "jobs/job.toml:21: restart.delays = '1s': is no key that weir knows here (did you mean "
   "\"delay\"?)\n"},
};

/// What `directory` is, what else is set, and the rule that it breaks.
struct bad_directory {
  const char* directory;
  std::vector<std::string> overrides;
  const char* rule;

  friend std::ostream& operator<<(std::ostream& out, const bad_directory& x) {
    return out << x.directory;
  }
};

const bad_directory bad_directories[] = {
  {"-", {}, "must be a folder"},
  {"out", {}, "must not be the sink's folder"},
  {"x/../out/", {}, "must not be the sink's folder"},
  {"out", {"sink.path=out/"}, "must not be the sink's folder"},
  {"out/x/checkpoints", {},
   "must not lie in the sink's folder, jobs/out: who reads or clears that would take checkpoints for "
   "output"},
  {"cp", {"sink.path=."},
   "must not lie in the sink's folder, jobs/: who reads or clears that would take checkpoints for "
   "output"},
  {"in.ndjson", {}, "must not be the source's file"},
  {"./job.toml", {}, "must not be the job file"},
  {"airports.db", {}, "must not be the file of pool airports"},
  {"bad", {"source.on_bad_record=dead_letter", "source.dead_letter=bad"},
   "must not be a file for dead letters"},
  {"bad", {"lookup.origin.on_failure=dead_letter", "lookup.origin.dead_letter=./bad"},
   "must not be a file for dead letters"},
  {".", {"sink.path=flights"},
   "leads to jobs/flights for the checkpoints of this job, which must not be the sink's folder"},
  {"cp", {"sink.path=cp/flights/out"},
   "leads to jobs/cp/flights for the checkpoints of this job, which must not have the sink's folder in "
   "it"},
  {".", {"job.name=airports.db"},
   "leads to jobs/airports.db for the checkpoints of this job, which must not be the file of pool "
   "airports"},
  {"cp", {"source.path=cp/flights/in.ndjson"},
   "leads to jobs/cp/flights for the checkpoints of this job, which must not have the source's file in "
   "it"},
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(checkpoint_sections, recovery_fixture)

BOOST_AUTO_TEST_CASE(a_job_file_without_the_tables_stores_nothing_and_says_nothing_of_restarts) {
  BOOST_TEST(!good().checkpoints.has_value());
  BOOST_TEST(!good().restart.has_value());
}

BOOST_AUTO_TEST_CASE(all_but_the_directory_has_a_default) {
  checkpoints();
  const auto how = good().checkpoints;
  BOOST_REQUIRE(how.has_value());
  BOOST_TEST(how->directory == "jobs/cp");
  BOOST_TEST((how->timing.interval == 10s));
  BOOST_TEST((how->timing.min_pause == 0s));
  BOOST_TEST((how->timing.timeout == 10min));
  BOOST_TEST(how->timing.concurrent == 1u);
  BOOST_TEST(!how->timing.tolerated_failures.has_value());
  BOOST_TEST(how->keep == 2u);
  BOOST_TEST((how->on_restore == restore_mode::resume));
  BOOST_TEST(!good().restart.has_value());
}

BOOST_AUTO_TEST_CASE(every_setting_of_checkpoints_can_be_set) {
  checkpoints("interval = \"500ms\"\nmin_pause = \"1s\"\ntimeout = \"30s\"\nkeep = 5\n"
              "tolerated_failures = 3\non_restore = \"call_all\"");
  const auto how = good().checkpoints.value();
  BOOST_TEST((how.timing.interval == 500ms));
  BOOST_TEST((how.timing.min_pause == 1s));
  BOOST_TEST((how.timing.timeout == 30s));
  BOOST_TEST((how.timing.tolerated_failures == 3u));
  BOOST_TEST(how.keep == 5u);
  BOOST_TEST((how.on_restore == restore_mode::call_all));
  // A new setting must find its key. `concurrent` has none: more than one is for slow stores of programs.
  const auto& [directory, timing, keep, on_restore] = how;
  static_cast<void>(std::tie(directory, timing, keep, on_restore));
  const auto& [interval, min_pause, timeout, concurrent, tolerated_failures] = how.timing;
  static_cast<void>(std::tie(interval, min_pause, timeout, concurrent, tolerated_failures));
}

BOOST_AUTO_TEST_CASE(the_edges_of_checkpoints_are_allowed) {
  checkpoints("interval = \"1ns\"\nmin_pause = \"0s\"\ntimeout = \"1ns\"\nkeep = 1\n"
              "tolerated_failures = 0\non_restore = \"resume\"");
  BOOST_TEST((good().checkpoints->timing.tolerated_failures == 0u));
  BOOST_TEST((good({"checkpoints.keep=1000000"}).checkpoints->keep == 1'000'000u));
}

BOOST_DATA_TEST_CASE_F(recovery_fixture, a_bad_setting_of_checkpoints_is_named_with_its_rule,
                       boost::unit_test::data::make(bad_checkpoints), bad) {
  checkpoints(bad.lines);
  BOOST_TEST(mistakes() == bad.mistakes);
}

BOOST_AUTO_TEST_CASE(checkpoints_need_a_directory) {
  text += "[checkpoints]\n";
  BOOST_TEST(mistakes() == "jobs/job.toml:19: checkpoints.directory is required\n");
  text += "directory = \"\"\n";
  BOOST_TEST(mistakes() == "jobs/job.toml:20: checkpoints.directory = '': must not be empty\n");
}

BOOST_AUTO_TEST_CASE(checkpoints_and_restart_are_tables) {
  text = "checkpoints = \"cp\"\nrestart = \"none\"\n" + text;
  BOOST_TEST(mistakes()
             == "jobs/job.toml:1: checkpoints = 'cp': must be a table\n"
                "jobs/job.toml:2: restart = 'none': must be a table\n");
}

BOOST_AUTO_TEST_CASE(a_setting_of_checkpoints_can_be_overridden) {
  checkpoints("interval = \"5s\"");
  const auto how = good({"checkpoints.interval=2s", "checkpoints.directory=/data/cp",
                         "checkpoints.keep=3"})
                     .checkpoints.value();
  BOOST_TEST((how.timing.interval == 2s));
  BOOST_TEST(how.directory == "/data/cp");
  BOOST_TEST(how.keep == 3u);
  BOOST_TEST(mistakes({"checkpoints.interval=0s"})
             == "--set checkpoints.interval=0s: checkpoints.interval = '0s': must be > 0\n");
}

BOOST_AUTO_TEST_CASE(an_override_alone_makes_the_tables) {
  BOOST_TEST(good({"checkpoints.directory=../cp"}).checkpoints->directory == "cp");
  BOOST_TEST((strategy<fixed_delay_restart>({"restart.strategy=fixed_delay", "restart.delay=5ms"}).delay
              == 5ms));
  BOOST_TEST(mistakes({"checkpoints.interval=1s"})
             == "jobs/job.toml: checkpoints.directory is required\n");
}

// -- where checkpoints may lie --

BOOST_DATA_TEST_CASE_F(recovery_fixture, checkpoints_keep_away_from_what_the_job_needs,
                       boost::unit_test::data::make(bad_directories), bad) {
  checkpoints();
  replace("\"cp\"", std::string{"\""} + bad.directory + "\"");
  BOOST_TEST(mistakes(bad.overrides)
             == "jobs/job.toml:20: checkpoints.directory = '" + std::string{bad.directory}
                  + "': " + bad.rule + "\n");
}

BOOST_AUTO_TEST_CASE(checkpoints_may_lie_beside_and_above_all_else) {
  for (const std::string directory : {".", "..", "out2", "outer/out", "/"}) {
    recovery_fixture with;
    with.checkpoints();
    BOOST_TEST(with.mistakes({"checkpoints.directory=" + directory}) == "");
  }
  checkpoints();
  // Another job's folder is its own.
  BOOST_TEST(mistakes({"sink.path=cp/other", "source.path=cp/in.ndjson"}) == "");
}

BOOST_AUTO_TEST_CASE(links_do_not_hide_where_checkpoints_lead) {
  // GIVEN a link to the sink's folder
  const weir::testing::temp_folder folder;
  std::filesystem::create_directory(folder.path("out"));
  std::filesystem::create_directory_symlink("out", folder.path("link"));
  // WHEN checkpoints are to lie at its end, or behind it
  checkpoints();
  const auto rule = [&](const std::string& directory) {
    auto job = good();
    job.sink.path = folder.path("out");
    job.checkpoints->directory = folder.path(directory);
    return checkpoint_directory_fault(job);
  };
  // THEN it is seen
  BOOST_TEST(rule("link") == "must not be the sink's folder");
  BOOST_TEST(rule("link/cp").starts_with("must not lie in the sink's folder, "));
  BOOST_TEST(rule("cp") == "");
}

BOOST_AUTO_TEST_CASE(one_directory_may_hold_the_checkpoints_of_a_job_whose_name_is_a_mistake) {
  checkpoints();
  replace("name = \"flights\"", "name = 1");
  BOOST_TEST(mistakes() == "jobs/job.toml:2: job.name = 1: must be a string\n");
}

// -- standard streams --

BOOST_AUTO_TEST_CASE(standard_input_cannot_be_read_again) {
  replace("\"in.ndjson\"", "\"-\"");
  const auto rule = [&](const std::string& tables) {
    return "jobs/job.toml:5: source.path = '-': must be a file where there is " + tables
           + ": what was read from standard input cannot be read again\n";
  };
  BOOST_TEST(mistakes({"checkpoints.directory=cp"}) == rule("[checkpoints]"));
  BOOST_TEST(mistakes({"checkpoints.directory=cp", "restart.strategy=none"}) == rule("[checkpoints]"));
  BOOST_TEST(mistakes({"restart.strategy=fixed_delay"}) == rule("[restart]"));
  BOOST_TEST(mistakes({"restart.strategy=failure_rate", "checkpoints.directory=cp"})
             == rule("[checkpoints] and [restart]"));
  BOOST_TEST(mistakes({"restart.strategy=none"}) == "");
}

BOOST_AUTO_TEST_CASE(standard_input_that_an_override_brings_in_is_laid_to_it) {
  checkpoints();
  BOOST_TEST(mistakes({"source.path=-"}).starts_with("--set source.path=-: source.path = '-': must be"));
}

BOOST_AUTO_TEST_CASE(standard_output_is_allowed_and_warned_of) {
  replace("\"out\"", "\"-\"");
  BOOST_TEST(warnings(good()).empty());
  const auto all = warnings(good({"checkpoints.directory=cp"}));
  BOOST_REQUIRE(all.size() == 1u);
  BOOST_TEST(all[0]
             == "sink.path: is standard output, where records that came out after a checkpoint come again "
                "when the job goes on from it; in a folder each is there once");
}

BOOST_AUTO_TEST_SUITE_END()

// -- [restart] --

BOOST_FIXTURE_TEST_SUITE(restart_sections, recovery_fixture)

BOOST_AUTO_TEST_CASE(none_is_said_and_restarts_nothing) {
  restart("strategy = \"none\"");
  const auto how = good().restart;
  BOOST_REQUIRE(how.has_value());
  BOOST_TEST(!how->enabled());
}

BOOST_AUTO_TEST_CASE(strategies_have_the_defaults_of_the_library) {
  const auto fixed = strategy<fixed_delay_restart>({"restart.strategy=fixed_delay"});
  BOOST_TEST((fixed.max_restarts == 10u && fixed.delay == 1s));
  const auto exponential
    = strategy<exponential_delay_restart>({"restart.strategy=exponential_delay"});
  BOOST_TEST((exponential.initial == 1s && exponential.max == 1min));
  BOOST_TEST((exponential.multiplier == 2 && exponential.max_restarts == 10u));
  const auto rate = strategy<failure_rate_restart>({"restart.strategy=failure_rate"});
  BOOST_TEST((rate.failures == 3u && rate.per == 5min && rate.delay == 1s));
}

BOOST_AUTO_TEST_CASE(every_field_of_a_fixed_delay_can_be_set) {
  restart("strategy = \"fixed_delay\"\nmax_restarts = 7\ndelay = \"0s\"");
  // A new field must find its key.
  const auto [max_restarts, delay] = strategy<fixed_delay_restart>();
  BOOST_TEST(max_restarts == 7u);
  BOOST_TEST((delay == 0s));
}

BOOST_AUTO_TEST_CASE(every_field_of_an_exponential_delay_can_be_set) {
  restart("strategy = \"exponential_delay\"\ninitial = \"8ms\"\nmax = \"8ms\"\nmultiplier = 1\n"
          "max_restarts = 1");
  // A new field must find its key.
  const auto [initial, max, multiplier, max_restarts] = strategy<exponential_delay_restart>();
  BOOST_TEST((initial == 8ms));
  BOOST_TEST((max == 8ms));
  BOOST_TEST(multiplier == 1.0);
  BOOST_TEST(max_restarts == 1u);
}

BOOST_AUTO_TEST_CASE(every_field_of_a_failure_rate_can_be_set) {
  restart("strategy = \"failure_rate\"\nfailures = 1000\nper = \"1h\"\ndelay = \"5s\"");
  // A new field must find its key.
  const auto [failures, per, delay] = strategy<failure_rate_restart>();
  BOOST_TEST(failures == 1000u);
  BOOST_TEST((per == 1h));
  BOOST_TEST((delay == 5s));
}

BOOST_DATA_TEST_CASE_F(recovery_fixture, a_bad_setting_of_restarts_is_named_with_its_rule,
                       boost::unit_test::data::make(bad_restarts), bad) {
  restart(bad.lines);
  BOOST_TEST(mistakes() == bad.mistakes);
}

BOOST_AUTO_TEST_CASE(what_was_read_without_mistakes_has_none_for_the_library) {
  for (const std::string lines :
       {"strategy = \"none\"", "strategy = \"fixed_delay\"\nmax_restarts = 1000000\ndelay = \"0s\"",
        "strategy = \"exponential_delay\"\ninitial = \"1ns\"\nmax = \"1ns\"\nmultiplier = 1e300",
        "strategy = \"failure_rate\"\nfailures = 1\nper = \"1ns\"\ndelay = \"0s\""}) {
    recovery_fixture with;
    with.restart(lines);
    BOOST_TEST(with.good().restart->broken().all().empty(), lines);
  }
}

BOOST_AUTO_TEST_SUITE_END()

// -- --validate --

BOOST_FIXTURE_TEST_SUITE(recovery_reports, recovery_fixture)

BOOST_AUTO_TEST_CASE(the_report_has_checkpoints_and_the_default_of_restart) {
  checkpoints();
  const auto shown = report();
  BOOST_TEST(shown.starts_with(
               "job.toml: no mistakes\n"
               "\n"
               "What follows a failure:\n"
               "checkpoints.directory: jobs/cp\n"
               "checkpoints.interval: one each 10s\n"
               "checkpoints.timeout: one that is under way for 10m has failed; the job bears any number "
               "of failed ones\n"
               "checkpoints.keep: the newest 2\n"
               "checkpoints.on_restore: finished records need no new call, the others have the attempts "
               "and the time that they had left\n"
               "restart: exponential delay: 1s before the first restart, then 2 times as long each time, "
               "up to 1m; at most 10 restarts without a completed checkpoint between them (the default "
               "with [checkpoints])\n"
               "\n"
               "At most so many records a second"),
             shown);
}

BOOST_AUTO_TEST_CASE(the_report_has_what_was_set) {
  checkpoints("interval = \"500ms\"\nmin_pause = \"1s\"\ntimeout = \"90s\"\nkeep = 1\n"
              "tolerated_failures = 3\non_restore = \"call_all\"");
  restart("strategy = \"none\"");
  const auto shown = report();
  BOOST_TEST(shown.find("\nWhat follows a failure:\n"
                        "checkpoints.directory: jobs/cp\n"
                        "checkpoints.interval: one each 500ms, at least 1s behind the end of the one "
                        "before\n"
                        "checkpoints.timeout: one that is under way for 90s has failed; the job bears 3 "
                        "failed in a row, one more fails it\n"
                        "checkpoints.keep: the newest\n"
                        "checkpoints.on_restore: every record that was not out is called as if it had "
                        "just come in\n"
                        "restart: none: the first failure is final\n")
               != shown.npos,
             shown);
  BOOST_TEST(report({"checkpoints.tolerated_failures=0"})
               .find("has failed; the first that fails, fails the job\n")
             != std::string::npos);
}

BOOST_AUTO_TEST_CASE(each_strategy_has_its_words) {
  const auto words = [&](const std::vector<std::string>& set) { return restart_text(good(set)); };
  const std::string anew = "; each begins at the begin of the input, since there is no [checkpoints]";
  BOOST_TEST(words({}) == "none: the first failure is final (the default without [checkpoints])");
  BOOST_TEST(words({"restart.strategy=none"}) == "none: the first failure is final");
  BOOST_TEST(words({"restart.strategy=fixed_delay", "restart.max_restarts=1"})
             == "fixed delay: 1s before each restart, at most 1 restart in all" + anew);
  BOOST_TEST(words({"restart.strategy=exponential_delay", "restart.multiplier=1.5"})
             == "exponential delay: 1s before the first restart, then 1.5 times as long each time, up to "
                "1m; at most 10 restarts in all"
                  + anew);
  BOOST_TEST(words({"restart.strategy=failure_rate", "restart.failures=1"})
             == "failure rate: 1s before each restart; 1 failure within 5m is borne, one more is final"
                  + anew);
  BOOST_TEST(words({"restart.strategy=failure_rate", "checkpoints.directory=cp"})
             == "failure rate: 1s before each restart; 3 failures within 5m are borne, one more is final");
}

BOOST_AUTO_TEST_CASE(a_job_without_the_tables_has_nothing_of_them_in_its_report) {
  BOOST_TEST(report().find("failure") == std::string::npos);
  BOOST_TEST(report({"restart.strategy=none"}).find("\nWhat follows a failure:\nrestart: none")
             != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
