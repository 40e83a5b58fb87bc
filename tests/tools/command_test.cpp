// SPDX-License-Identifier: Apache-2.0

// What the command does where all goes well, and what its options do.

#include "command_fixture.hpp"
#include "pseudo_terminal.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <unistd.h>

using weir::tool::testing::command_fixture;
using weir::tool::testing::needs_pseudo_terminals;
using weir::tool::testing::pseudo_terminal;
using weir::tool::testing::running_command;

namespace {

using names = std::set<std::string>;

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(weir_run, command_fixture)

BOOST_AUTO_TEST_CASE(records_come_out_with_what_was_found) {
  const auto got = run({}, records({"b", "x", "a"}));
  BOOST_TEST(got.code == 0, got.err);
  BOOST_TEST(got.out == "{\"k\":\"b\",\"found\":{\"v\":2}}\n"
                        "{\"k\":\"x\",\"found\":null}\n"
                        "{\"k\":\"a\",\"found\":{\"v\":1}}\n");
}

BOOST_AUTO_TEST_CASE(with_records_on_standard_output_the_summary_is_beside_them) {
  const auto got = run({}, records({"a", "x"}));
  BOOST_TEST(contains(got.err, "job test: done after "), got.err);
  BOOST_TEST(contains(got.err, "records in      2\n"), got.err);
  BOOST_TEST(contains(got.err, "output          standard output\n"), got.err);
}

BOOST_AUTO_TEST_CASE(records_on_a_terminal_share_it_with_no_progress,
                     *needs_pseudo_terminals) {
  // GIVEN one terminal for all, and a record that takes longer than progress has time
  pseudo_terminal terminal;
  running_command command{folder.path(),
                          {"run", "job.toml", "--set", "pool.p.faults.latency=500ms"},
                          {}, [&] {
                            ::dup2(terminal.line(), 1);
                            ::dup2(terminal.line(), 2);
                          }};
  command.feed(records({"a"}));
  command.end_input();
  BOOST_TEST(terminal.read_until("done") == "{\"k\":\"a\",\"found\":{\"v\":1}}\r\njob test: done");
}

BOOST_AUTO_TEST_CASE(progress_is_on_the_terminal_where_records_go_elsewhere,
                     *needs_pseudo_terminals) {
  pseudo_terminal terminal;
  running_command command{folder.path(),
                          {"run", "job.toml", "--set", "pool.p.faults.latency=500ms"},
                          {}, [&] { ::dup2(terminal.line(), 2); }};
  command.feed(records({"a"}));
  command.end_input();
  const auto shown = terminal.read_until("done");
  BOOST_TEST(shown.starts_with("\rtest: 0 records, 0/s, "), shown);
  BOOST_TEST(shown.ends_with("\r\x1b[Kjob test: done"), shown);
}

BOOST_AUTO_TEST_CASE(an_empty_input_is_done_at_once) {
  const auto got = run({"--json"});
  BOOST_TEST(got.code == 0, got.err);
  BOOST_TEST(got.out == "");
  BOOST_TEST(nlohmann::json::parse(got.err)["records_in"] == 0);
}

BOOST_AUTO_TEST_CASE(json_is_on_standard_output_beside_a_folder) {
  const auto got = run({"--json", "--set", "sink.path=out"}, records({"a", "x", "b"}));
  BOOST_TEST(got.code == 0, got.err);
  BOOST_TEST(got.err == "");
  const auto sum = nlohmann::json::parse(got.out);
  BOOST_TEST(sum["end"] == "done");
  BOOST_TEST(sum["records_out"] == 3);
  BOOST_TEST(sum["misses"] == 1);
  BOOST_TEST(sum["calls"] == 3);
  BOOST_TEST(sum["parts"][0] == "out/part-0000000001-0000.ndjson");
  BOOST_TEST((folder.names("out") == names{"part-0000000001-0000.ndjson"}));
  BOOST_TEST(output() == "{\"k\":\"a\",\"found\":{\"v\":1}}\n"
                         "{\"k\":\"x\",\"found\":null}\n"
                         "{\"k\":\"b\",\"found\":{\"v\":2}}\n");
}

BOOST_AUTO_TEST_CASE(quiet_says_nothing_where_all_goes_well) {
  const auto got = run({"--quiet"}, records({"a"}));
  BOOST_TEST(got.code == 0);
  BOOST_TEST(got.err == "");
  BOOST_TEST(run({"--quiet", "--set", "sink.path=out"}, records({"a"})).out == "");
}

BOOST_AUTO_TEST_CASE(records_of_one_key_stay_in_order_however_long_their_answers_take) {
  std::string in;
  for (int n = 0; n < 300; ++n)
    in += "{\"k\":\"" + std::string{"abcx"[n % 4]} + "\",\"n\":" + std::to_string(n) + "}\n";
  const auto got = run({"--set", "lookup.values.mode=key_ordered", "--set", "job.parallelism=2",
                        "--set", "pool.p.faults.latency=0ms..2ms"},
                       in);
  BOOST_TEST(got.code == 0, got.err);
  std::map<std::string, std::vector<int>> of_key;
  std::istringstream lines{got.out};
  for (std::string line; std::getline(lines, line);) {
    const auto record = nlohmann::json::parse(line);
    of_key[record["k"]].push_back(record["n"]);
  }
  BOOST_TEST(of_key.size() == 4u);
  for (const auto& [key, numbers] : of_key) {
    BOOST_TEST(numbers.size() == 75u, key);
    BOOST_TEST(std::is_sorted(numbers.begin(), numbers.end()), key);
  }
}

BOOST_AUTO_TEST_CASE(set_overrides_a_key) {
  const auto got = run({"--set", "lookup.values.into=w", "--set", "lookup.values.rows=all"},
                       records({"a", "x"}));
  BOOST_TEST(got.out == "{\"k\":\"a\",\"w\":[{\"v\":1}]}\n{\"k\":\"x\",\"w\":[]}\n");
}

BOOST_AUTO_TEST_CASE(paths_are_relative_to_the_job_file) {
  std::filesystem::create_directory(folder.path("elsewhere"));
  folder.write("in.ndjson", records({"c"}));
  const auto got = weir({"run", folder.path("job.toml"), "--set", "source.path=in.ndjson"});
  BOOST_TEST(got.out == "{\"k\":\"c\",\"found\":{\"v\":3}}\n", got.err);
}

BOOST_AUTO_TEST_CASE(parallel_sinks_write_a_part_each) {
  const auto got = run({"--set", "sink.path=out", "--set", "sink.parallelism=2"}, records({"a", "b"}));
  BOOST_TEST(got.code == 0, got.err);
  BOOST_TEST((folder.names("out")
              == names{"part-0000000001-0000.ndjson", "part-0000000001-0001.ndjson"}));
}

BOOST_AUTO_TEST_CASE(a_folder_with_another_runs_parts_is_refused) {
  BOOST_TEST(run({"--set", "sink.path=out"}, records({"a"})).code == 0);
  folder.write("out/notes.txt", "mine");
  const auto refused = run({"--set", "sink.path=out"}, records({"b"}));
  BOOST_TEST(refused.code == 1);
  BOOST_TEST(contains(refused.err, "out: holds 1 part file of another run"), refused.err);
  BOOST_TEST(contains(refused.err, "--force"), refused.err);
  BOOST_TEST(contains(folder.read("out/part-0000000001-0000.ndjson"), "\"a\""));
}

BOOST_AUTO_TEST_CASE(force_removes_the_parts_and_nothing_else) {
  BOOST_TEST(run({"--set", "sink.path=out", "--set", "sink.parallelism=2"}, records({"a"})).code == 0);
  folder.write("out/notes.txt", "mine");
  const auto got = run({"--set", "sink.path=out", "--force"}, records({"b"}));
  BOOST_TEST(got.code == 0, got.err);
  BOOST_TEST(contains(got.err, "removed 2 part files of another run"), got.err);
  BOOST_TEST((folder.names("out") == names{"notes.txt", "part-0000000001-0000.ndjson"}));
  BOOST_TEST(contains(folder.read("out/part-0000000001-0000.ndjson"), "\"b\""));
}

BOOST_AUTO_TEST_CASE(force_takes_nothing_where_the_new_run_cannot_start) {
  BOOST_TEST(run({"--set", "sink.path=out"}, records({"a"})).code == 0);
  for (const auto* wrong : {"pool.p.url=sqlite:none.db", "lookup.values.query=select z from t where k=?",
                            "source.path=none.ndjson", "source.path=.",
                            "source={type='ndjson', path='-', on_bad_record='dead_letter',"
                            " dead_letter='no/such/folder'}"}) {
    const auto got = run({"--set", "sink.path=out", "--force", "--set", wrong}, records({"b"}));
    BOOST_TEST(got.code == 1, got.err);
    BOOST_TEST(contains(folder.read("out/part-0000000001-0000.ndjson"), "\"a\""), wrong);
  }
}

BOOST_AUTO_TEST_CASE(dead_letters_of_an_earlier_run_stay_where_the_new_one_cannot_start) {
  folder.write("bad.ndjson", "{}\n");
  const std::string source
    = "source={type='ndjson', path='-', on_bad_record='dead_letter', dead_letter=";
  const auto got = run({"--set", source + "'bad.ndjson'}", "--set", "pool.p.url=sqlite:none.db"},
                       records({"a"}));
  BOOST_TEST(got.code == 1, got.err);
  BOOST_TEST(folder.read("bad.ndjson") == "{}\n");
}

BOOST_AUTO_TEST_CASE(hidden_parts_of_a_dead_run_are_removed_with_a_word) {
  std::filesystem::create_directory(folder.path("out"));
  folder.write("out/.part-0000000001-0003.ndjson", "{}\n{\"half");
  const auto got = run({"--set", "sink.path=out"}, records({"a"}));
  BOOST_TEST(got.code == 0, got.err);
  BOOST_TEST(contains(got.err, "removed out/.part-0000000001-0003.ndjson"), got.err);
  BOOST_TEST((folder.names("out") == names{"part-0000000001-0000.ndjson"}));
}

BOOST_AUTO_TEST_CASE(validate_reports_and_touches_nothing) {
  const auto before = folder.names();
  const auto got = run({"--validate", "--set", "sink.path=out"});
  BOOST_TEST(got.code == 0, got.err);
  BOOST_TEST(contains(got.out, "job.toml: no mistakes\n"), got.out);
  BOOST_TEST(contains(got.out, "lookup.values: 2,000/s at 1ms, 200/s at 10ms, 20/s at 100ms"), got.out);
  BOOST_TEST((folder.names() == before));
}

BOOST_AUTO_TEST_CASE(validate_names_all_mistakes) {
  job("capacity = 0\nrowz = \"all\"");
  const auto got = run({"--validate"});
  BOOST_TEST(got.code == 2);
  BOOST_TEST(contains(got.err, "job.toml:17: lookup.values.capacity = 0: must be"), got.err);
  BOOST_TEST(contains(got.err, "job.toml:18: lookup.values.rowz = 'all': is no key that weir knows here "
                               "(did you mean \"rows\"?)"),
             got.err);
  BOOST_TEST(contains(got.err, "2 mistakes; nothing was run"), got.err);
}

BOOST_AUTO_TEST_CASE(help_and_version_are_there) {
  BOOST_TEST(weir({"--help"}).code == 0);
  BOOST_TEST(weir({"--version"}).out.starts_with("weir 0."));
}

BOOST_AUTO_TEST_CASE(the_help_says_what_exit_codes_mean_whatever_is_run) {
  const auto help = weir({"--help"}).out;
  BOOST_TEST(contains(help, "exit codes:\n"
                            "  0  done\n"
                            "  1  not done: a job failed, traces differ, a rule is broken, a checkpoint is\n"
                            "     damaged, output is lost\n"
                            "  2  bad usage, or a bad file\n"
                            "  3  stopped before the end\n"),
             help);
  // What belongs to one subcommand is not said of all.
  BOOST_TEST(!contains(help, "SIGINT"), help);
}

BOOST_AUTO_TEST_CASE(the_help_of_each_subcommand_says_what_its_own_exit_codes_mean) {
  // GIVEN the subcommands that there are
  std::istringstream lines{weir({"--help"}).out};
  std::string line;
  while (std::getline(lines, line) && line != "Subcommands:")
    continue;
  std::vector<std::string> names;
  while (std::getline(lines, line) && !line.empty())
    names.push_back(line.substr(2, line.find(' ', 2) - 2));
  BOOST_TEST(names == (std::vector<std::string>{"run", "simulate", "checkpoints", "plan"}), boost::test_tools::per_element());
  // THEN each has its own codes, and none that it does not end with
  const auto run = weir({"run", "--help"}).out;
  BOOST_TEST(contains(run, "exit codes:\n"
                           "  0  the job is done, or was finished before; with --validate: the job "
                           "file has\n"
                           "     no mistakes\n"
                           "  1  the job failed or was refused, or its summary or report could not be\n"
                           "     written\n"
                           "  2  bad usage, or a bad job file\n"
                           "  3  stopped before the end of the input; a job with [checkpoints] goes on "
                           "by\n"
                           "     the same command, without the options that chose where this start "
                           "began\n"),
             run);
  BOOST_TEST(contains(run, "SIGINT"), run);
  const std::string of_checkpoints = "exit codes:\n"
                                     "  0  done; with verify: all are sound\n"
                                     "  1  a checkpoint is damaged, a folder of checkpoints cannot be read, or the\n"
                                     "     output could not be written\n"
                                     "  2  bad usage, or no folder of checkpoints\n";
  for (const std::string of : {"list", "show", "verify"})
    BOOST_TEST(contains(weir({"checkpoints", of, "--help"}).out, of_checkpoints), of);
  const auto simulate = weir({"simulate", "--help"}).out;
  BOOST_TEST(contains(simulate, "exit codes:\n"
                                "  0  all ran; with --check: all agree; with --explore: no rule is broken\n"
                                "  1  with --check: some differ; with --explore: a rule is broken; or the\n"
                                "     output could not be written\n"
                                "  2  bad usage, a bad file, or a scenario that takes too long\n"),
             simulate);
  BOOST_TEST(!contains(simulate, "  3  "), simulate);
  const auto plan = weir({"plan", "--help"}).out;
  BOOST_TEST(contains(plan, "exit codes:\n"
                            "  0  done\n"
                            "  1  the output could not be written\n"
                            "  2  bad usage, or a bad summary\n"),
             plan);
}

BOOST_AUTO_TEST_CASE(a_plan_is_printed_or_what_is_wrong_with_the_load) {
  const auto good = weir({"plan", "--rate", "20000", "--latency", "5ms", "--slowest", "500ms"});
  BOOST_TEST(good.code == 0, good.err);
  BOOST_TEST(contains(good.out, "  ordered           10,000"), good.out);
  const auto bad = weir({"plan", "--rate", "100"});
  BOOST_TEST(bad.code == 2);
  BOOST_TEST(bad.err == "weir: --latency: must be given, or --summary, which has it\n");
  BOOST_TEST(bad.out.empty(), bad.out);
}

BOOST_AUTO_TEST_CASE(bad_usage_ends_with_2) {
  for (const auto& arguments : {std::vector<std::string>{}, {"run"}, {"walk"}, {"run", "--fast", "job.toml"},
                                {"run", "job.toml", "--validate", "--json"}, {"run", "no.toml"},
                                {"run", "job.toml", "--set", "x"}}) {
    const auto got = weir(arguments);
    BOOST_TEST(got.code == 2, got.err);
    BOOST_TEST(!got.err.empty());
  }
}

BOOST_AUTO_TEST_CASE(kinds_of_errors_have_actions_of_their_own) {
  // GIVEN a job that fails at an error, but neither at those that are injected nor at a miss
  job("on_miss = \"fail\"\ndead_letter = \"lost\"\n"
      "failure_rules = { injected = \"drop\", miss = \"dead_letter\" }");
  // THEN misses go to the dead letters, in a run without faults
  const auto got = run({"--json"}, records({"a", "x", "b"}));
  BOOST_TEST(got.code == 0, got.err);
  BOOST_TEST(got.out == "{\"k\":\"a\",\"found\":{\"v\":1}}\n{\"k\":\"b\",\"found\":{\"v\":2}}\n");
  const auto letter = nlohmann::json::parse(folder.read("lost"));
  BOOST_TEST(letter["error"] == "miss");
  BOOST_TEST(letter["record"] == "{\"k\":\"x\"}");
  BOOST_TEST(contains(got.err, "\"dead_letters\":1"), got.err);
  // AND injected errors drop their records
  const auto dropped = run({"--set", "pool.p.faults.errors=1", "--json"}, records({"a", "b"}));
  BOOST_TEST(dropped.code == 0, dropped.err);
  BOOST_TEST(dropped.out == "");
  BOOST_TEST(contains(dropped.err, "\"dropped\":2"), dropped.err);
  // AND without a rule the job fails
  const auto failed = run({"--set", "pool.p.faults.errors=1", "--set",
                           "lookup.values.failure_rules.injected=fail_job"},
                          records({"a"}));
  BOOST_TEST(failed.code == 1);
}

BOOST_AUTO_TEST_CASE(faults_change_nothing_that_retries_cannot_mend) {
  job("retry = { max_attempts = 20, initial = \"1us\" }\ncapacity = 3");
  const auto got = run({"--set", "pool.p.faults={ latency = \"1us..1ms\", errors = 0.3, seed = 7 }",
                        "--json"},
                       records({"a", "b", "c", "a", "b", "c", "a", "b", "c"}));
  BOOST_TEST(got.code == 0, got.err);
  const auto once = "{\"k\":\"a\",\"found\":{\"v\":1}}\n{\"k\":\"b\",\"found\":{\"v\":2}}\n"
                    "{\"k\":\"c\",\"found\":{\"v\":3}}\n"
                    + std::string{};
  BOOST_TEST(got.out == once + once + once);
}

BOOST_AUTO_TEST_SUITE_END()
