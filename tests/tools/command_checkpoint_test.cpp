// SPDX-License-Identifier: Apache-2.0

// Jobs with checkpoints: a further start goes on where the last one was, and says so; what would lose
// records, or show them twice, is refused until somebody asks for it.

#include "../connectors/posix_fixtures.hpp"
#include "command_fixture.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <poll.h>
#include <unistd.h>

using weir::testing::pipe_ends;
using weir::testing::without_root_rights;
using weir::tool::testing::command_fixture;
using weir::tool::testing::finished_command;
using weir::tool::testing::running_command;

namespace {

namespace fs = std::filesystem;
using names = std::set<std::string>;
using arguments = std::vector<std::string>;

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

constexpr auto interval = std::chrono::milliseconds{10};
const arguments all_hang{"--set", "pool.p.faults.hangs=1.0"};

struct checkpoint_fixture : command_fixture {
  checkpoint_fixture() {
    job_with_checkpoints();
    folder.write("in.ndjson", records({"a", "x", "b"}));
  }

  void job_with_checkpoints(const std::string& source = {}, const std::string& lookup = values({})) {
    folder.write("job.toml", "[job]\n"
                             "name = \"test\"\n"
                             "[source]\n"
                             "type = \"ndjson\"\n"
                             "path = \"in.ndjson\"\n"
                               + source
                               + "[pool.p]\n"
                                 "url = \"sqlite:store.db\"\n"
                               + lookup
                               + "[sink]\n"
                                 "type = \"ndjson\"\n"
                                 "path = \"out\"\n"
                                 "[checkpoints]\n"
                                 "directory = \"checkpoints\"\n"
                                 "interval = \""
                               + std::to_string(interval.count()) + "ms\"\n");
  }

  static std::string values(const std::string& more = {}) {
    return "[[lookup]]\n"
           "name = \"values\"\n"
           "pool = \"p\"\n"
           "query = \"select v from t where k = ?\"\n"
           "key = [\"k\"]\n"
           "into = \"found\"\n"
           "mode = \"ordered\"\n"
           "timeout = \"1h\"\n"
           + more;
  }

  static arguments run_of(const arguments& more) {
    arguments all{"run", "job.toml"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  finished_command run_it(const arguments& more = {}) const { return weir(run_of(more)); }

  /// Visible lines, in the order of the parts.
  std::string visible(const std::string& in = "out") const {
    std::string all;
    if (fs::exists(folder.path(in)))
      for (const auto& name : folder.names(in))
        if (name.starts_with("part-"))
          all += folder.read(in + "/" + name);
    return all;
  }

  std::size_t parts() const {
    const auto all = fs::exists(folder.path("out")) ? folder.names("out") : names{};
    return static_cast<std::size_t>(std::count_if(
      all.begin(), all.end(), [](const std::string& each) { return each.starts_with("part-"); }));
  }

  /// Whole checkpoints of a run, ascending.
  names checkpoints(int run = 1) const {
    names whole;
    const auto in = "checkpoints/test/run-000000000" + std::to_string(run);
    if (fs::exists(folder.path(in)))
      for (const auto& name : folder.names(in))
        if (name.starts_with("chk-") && !contains(name, "."))
          whole.insert(name);
    return whole;
  }

  bool has_made_checkpoints() const {
    const auto all = checkpoints();
    return !all.empty() && *all.rbegin() > "chk-0000000002";
  }

  /// Runs the job until it has checkpoints that hold what its calls hang at, and stops it.
  finished_command stop(const arguments& more = all_hang, int signal = SIGTERM) const {
    running_command command{folder.path(), run_of(more)};
    command.wait_until([&] { return has_made_checkpoints(); });
    command.signal(signal);
    return command.finish();
  }

  static void check(const finished_command& got, int code, std::string_view says) {
    BOOST_TEST(got.code == code, got.err);
    BOOST_TEST(contains(got.err, says), got.err);
  }

  const std::string all_lines = "{\"k\":\"a\",\"found\":{\"v\":1}}\n"
                                "{\"k\":\"x\",\"found\":null}\n"
                                "{\"k\":\"b\",\"found\":{\"v\":2}}\n";
};

/// A job of many records whose output becomes visible bit by bit.
struct long_job_fixture : checkpoint_fixture {
  long_job_fixture() {
    std::string input;
    for (int i = 0; i < count; ++i)
      input += "{\"k\":\"a\",\"i\":" + std::to_string(i) + "}\n";
    folder.write("in.ndjson", input);
  }

  /// Stops it when some parts are visible; its summary.
  nlohmann::json stop_between() const {
    auto with = run_of(slow);
    with.push_back("--json");
    running_command command{folder.path(), with};
    command.wait_until([&] { return parts() > 3; });
    command.signal(SIGTERM);
    const auto stopped = command.finish();
    BOOST_TEST_REQUIRE(stopped.code == 3, stopped.err);
    BOOST_TEST_REQUIRE(visible() != all());
    return nlohmann::json::parse(stopped.out);
  }

  std::string all() const {
    std::string lines;
    for (int i = 0; i < count; ++i)
      lines += "{\"k\":\"a\",\"i\":" + std::to_string(i) + ",\"found\":{\"v\":1}}\n";
    return lines;
  }

  static constexpr int count = 2'000;
  const arguments slow{"--set", "pool.p.faults.latency=5ms", "--set", "lookup.values.capacity=2",
                       "--set", "checkpoints.keep=1000"};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(weir_run_goes_on, checkpoint_fixture)

// -- stop and go on --

BOOST_AUTO_TEST_CASE(a_job_that_was_stopped_goes_on) {
  for (const int signal : {SIGTERM, SIGINT}) {
    // GIVEN a job whose calls hang, which is stopped
    const auto stopped = stop(all_hang, signal);
    BOOST_TEST(stopped.code == 3, stopped.err);
    BOOST_TEST(contains(stopped.err, "stopping: nothing more is read; a last checkpoint is made"),
               stopped.err);
    BOOST_TEST(contains(stopped.err, "the same command goes on from checkpoint "), stopped.err);
    BOOST_TEST(contains(stopped.err, ", which holds 3 records\n"), stopped.err);
    BOOST_TEST(contains(stopped.out, "job test: stopped after "), stopped.out);
    BOOST_TEST(contains(stopped.out, "records out     0\n"), stopped.out);
    BOOST_TEST(contains(stopped.out, "left behind     3\n"), stopped.out);
    BOOST_TEST(contains(stopped.out, "held            3\n"), stopped.out);
    BOOST_TEST(visible() == "");
    // WHEN the same command is given again, THEN it says so and comes to the end
    const auto got = run_it({"--json"});
    BOOST_TEST(got.code == 0, got.err);
    BOOST_TEST(contains(got.err, "goes on from checkpoint "), got.err);
    BOOST_TEST(contains(got.err, " of run 1, which holds 3 records\n"), got.err);
    BOOST_TEST(visible() == all_lines);
    // AND the counts are those of the whole run
    const auto sum = nlohmann::json::parse(got.out);
    BOOST_TEST(sum["end"] == "done");
    BOOST_TEST(sum["records_in"] == 3);
    BOOST_TEST(sum["records_out"] == 3);
    BOOST_TEST(sum["left_behind"] == 0);
    BOOST_TEST(sum["records_per_second"] > 0.0);
    BOOST_TEST(sum["checkpoints"]["run"] == 1);
    BOOST_TEST(sum["checkpoints"]["restored_from"].is_number());
    BOOST_TEST(sum["checkpoints"]["held"] == 0);
    BOOST_TEST(sum["parts"].size() == parts());
    for (const auto* each : {"out", "checkpoints"})
      fs::remove_all(folder.path(each));
  }
}

BOOST_AUTO_TEST_CASE(a_second_signal_cancels_and_the_newest_checkpoint_stays) {
  // GIVEN a job that cannot make a last checkpoint at once, since nobody reads its output
  std::string input;
  for (int i = 0; i < 20'000; ++i)
    input += "{\"k\":\"a\"}\n";
  folder.write("in.ndjson", input);
  const pipe_ends pipe;
  running_command command{folder.path(), run_of({"--set", "sink.path=-"}), {},
                          [&] { ::dup2(pipe.writer(), 1); }};
  // Whether a sink waits cannot be seen; but one is in the way of every checkpoint.
  names made;
  auto since = std::chrono::steady_clock::now();
  command.wait_until([&] {
    pollfd look{pipe.writer(), POLLOUT, 0};
    const auto now = std::chrono::steady_clock::now();
    if (::poll(&look, 1, 0) != 0 || checkpoints() != made)
      since = now;
    made = checkpoints();
    return now - since > 50 * interval;
  });
  // WHEN it is told to stop, and once more
  command.signal(SIGTERM);
  command.read_err_until("a last checkpoint is made");
  command.signal(SIGINT);
  // THEN it waits no longer
  const auto got = command.finish();
  check(got, 3, "cancelled by a second signal");
  BOOST_TEST(contains(got.err, "the same command goes on from checkpoint "), got.err);
}

BOOST_AUTO_TEST_CASE(a_job_goes_on_from_another_working_folder) {
  BOOST_TEST_REQUIRE(stop().code == 3);
  fs::create_directory(folder.path("elsewhere"));
  running_command command{folder.path("elsewhere"), {"run", "../job.toml"}};
  const auto got = command.finish();
  check(got, 0, "goes on from checkpoint ");
  BOOST_TEST(!contains(got.err, "changed"), got.err);
  BOOST_TEST(visible() == all_lines);
}

BOOST_AUTO_TEST_CASE(a_job_that_fails_starts_again_from_its_checkpoint) {
  // GIVEN a job that fails each time at one record
  folder.write("in.ndjson", records({"a", "b", "x"}));
  const arguments fails{"--json", "--set", "lookup.values.on_miss=fail", "--set",
                        "restart.strategy=fixed_delay", "--set", "restart.max_restarts=2", "--set",
                        "restart.delay=30ms"};
  const auto failed = run_it(fails);
  // THEN it starts again, as often as it may, and says what failed
  check(failed, 1, "it starts again in 30 ms (restart 1 of 2)");
  BOOST_TEST(contains(failed.err, "the same command goes on from checkpoint "), failed.err);
  BOOST_TEST(nlohmann::json::parse(failed.out)["restarts"] == 2);
  // WHEN the failure is borne, THEN it comes to the end, each record once
  const auto got = run_it();
  check(got, 0, "goes on from checkpoint ");
  BOOST_TEST(visible()
             == "{\"k\":\"a\",\"found\":{\"v\":1}}\n{\"k\":\"b\",\"found\":{\"v\":2}}\n"
                "{\"k\":\"x\",\"found\":null}\n");
}

// -- looking at checkpoints --

BOOST_AUTO_TEST_CASE(what_cannot_be_looked_into_hides_no_checkpoint) {
  BOOST_TEST_REQUIRE(run_it().code == 0);
  const auto look = [&](const std::string& how) { return weir({"checkpoints", how, "checkpoints"}); };
  // GIVEN a run that cannot be opened, as it is a link to itself
  const auto broken = folder.path("checkpoints/test/run-0000000009");
  fs::create_directory_symlink(broken, broken);
  // THEN the others are looked at, and the exit code says that it is not all
  const auto verified = look("verify");
  check(verified, 1, "checkpoints/test/run-0000000009: cannot be opened: ");
  BOOST_TEST(contains(verified.out, ": sound, "), verified.out);
  const auto listed = look("list");
  check(listed, 1, "checkpoints/test/run-0000000009: cannot be opened: ");
  BOOST_TEST(contains(listed.out, "test"), listed.out);
  // AND nobody can say which is the newest
  check(look("show"), 1, "checkpoints/test/run-0000000009: cannot be opened: ");
  fs::remove(broken);
  // GIVEN a folder beside the job that this user has no right to
  fs::permissions(folder.path(), fs::perms{0755});
  fs::create_directory(folder.path("checkpoints/lost+found"));
  fs::permissions(folder.path("checkpoints/lost+found"), fs::perms::none);
  {
    const without_root_rights somebody;
    // THEN it is named and passed over
    for (const std::string how : {"verify", "list", "show"}) {
      running_command command{folder.path(), {"checkpoints", how, "checkpoints"}, {}, [] {
                                // Wholly: what has two users cannot be looked into for leaks.
                                const auto user = ::geteuid();
                                if (::seteuid(0) == 0 && ::setresuid(user, user, user) != 0)
                                  ::_exit(127);
                              }};
      const auto got = command.finish();
      check(got, 0, "passed over: checkpoints/lost+found: cannot be opened: Permission denied");
      BOOST_TEST(!got.out.empty());
    }
  }
  fs::permissions(folder.path("checkpoints/lost+found"), fs::perms{0755});
}

// -- finished --

BOOST_AUTO_TEST_CASE(a_finished_job_says_so_and_touches_nothing) {
  const auto first = run_it();
  check(first, 0, "");
  BOOST_TEST(contains(first.out, "job test: done after "), first.out);
  const auto before = folder.names("out");
  const auto stored = checkpoints();
  // Not even its input is needed.
  fs::remove(folder.path("in.ndjson"));
  const auto again = run_it();
  check(again, 0, "it is finished (run 1); a fresh run begins it anew (--fresh)");
  BOOST_TEST(again.out == "");
  const auto json = nlohmann::json::parse(run_it({"--json", "--force"}).out);
  BOOST_TEST(json["end"] == "finished");
  // Its counts are still those of the run.
  BOOST_TEST(json["records_in"] == 3);
  BOOST_TEST(json["records_out"] == 3);
  BOOST_TEST(json["calls"] == 3);
  BOOST_TEST(json["lookups"][0]["misses"] == 1);
  BOOST_TEST(json["parts"].size() == parts());
  BOOST_TEST((folder.names("out") == before));
  BOOST_TEST((checkpoints() == stored));
  BOOST_TEST(visible() == all_lines);
}

// -- fresh, and old output --

BOOST_AUTO_TEST_CASE(a_fresh_run_leaves_old_output_unless_it_is_forced) {
  BOOST_TEST_REQUIRE(run_it().code == 0);
  const auto before = folder.names("out");
  const auto stored = checkpoints();
  // WHEN it is run anew, THEN its own old output is in the way
  const auto refused = run_it({"--fresh", "--json"});
  check(refused, 1, "is output of an earlier run, in the way of this one; let it be removed (--force)");
  BOOST_TEST(nlohmann::json::parse(refused.out)["parts"].empty());
  BOOST_TEST((folder.names("out") == before));
  BOOST_TEST((checkpoints() == stored));
  check(run_it(), 0, "it is finished (run 1)");
  // AND with --force it is removed, but only when the run can begin
  const auto impossible = run_it({"--fresh", "--force", "--set", "pool.p.url=sqlite:none.db"});
  check(impossible, 1, "none.db");
  BOOST_TEST((folder.names("out") == before));
  const auto forced = run_it({"--fresh", "--force"});
  check(forced, 0, " of another run from out");
  BOOST_TEST(visible() == all_lines);
  BOOST_TEST(checkpoints(1).empty());
  check(run_it(), 0, "it is finished (run 2)");
}

BOOST_AUTO_TEST_CASE(a_run_that_goes_on_removes_nothing_by_force) {
  BOOST_TEST_REQUIRE(stop({"--set", "pool.p.faults.hangs=1.0", "--set",
                           "lookup.values.mode=unordered"})
                       .code
                     == 3);
  check(run_it({"--force"}), 0, "goes on from checkpoint ");
  BOOST_TEST(visible() == all_lines);
}

BOOST_AUTO_TEST_CASE(each_run_of_a_job_without_checkpoints_is_fresh) {
  job();
  BOOST_TEST(run({"--fresh"}, records({"a"})).code == 0);
  for (const arguments& option :
       {arguments{"--from", "1"}, {"--drop-state", "values"}, {"--from", "1", "--discard-newer-output"}})
    check(run(option, records({"a"})), 2,
          option.front() + ": the job has no [checkpoints], so each of its runs begins at the begin");
}

BOOST_AUTO_TEST_CASE(options_that_do_not_go_together_are_bad_usage) {
  check(run_it({"--keep-partial"}), 2, "--keep-partial: the job has [checkpoints]");
  check(run_it({"--fresh", "--from", "1"}), 2, "--fresh");
  check(run_it({"--fresh", "--drop-state", "values"}), 2, "--fresh");
  check(run_it({"--discard-newer-output"}), 2, "--from");
  check(run_it({"--from", "-1"}), 2, "--from");
  BOOST_TEST(!fs::exists(folder.path("out")));
  BOOST_TEST(!fs::exists(folder.path("checkpoints")));
}

// -- a job that was changed --

BOOST_AUTO_TEST_CASE(a_changed_query_is_said) {
  // GIVEN records that are finished and wait behind one that hangs
  folder.write("in.ndjson", records({"a"}) + "{\"k\":null}\n");
  BOOST_TEST_REQUIRE(stop().code == 3);
  const auto got
    = run_it({"--set", "lookup.values.query=select v + 10 as v from t where k = ?"});
  check(got, 0,
        "warning: job test: operator values: changed is query; 1 record that it has finished keep the "
        "old answers");
  BOOST_TEST(visible() == "{\"k\":\"a\",\"found\":{\"v\":11}}\n{\"k\":null,\"found\":null}\n");
}

BOOST_AUTO_TEST_CASE(a_lookup_that_is_gone_is_refused_unless_its_state_is_let_go) {
  BOOST_TEST_REQUIRE(stop().code == 3);
  const auto stored = checkpoints();
  job_with_checkpoints({}, {});
  const auto refused = run_it();
  check(refused, 1,
        "operator values: it is in the checkpoint, where it holds 3 records, but no longer in the job");
  BOOST_TEST(contains(refused.err, "let its state go (--drop-state), or start anew (--fresh)"),
             refused.err);
  BOOST_TEST((checkpoints() == stored));
  check(run_it({"--drop-state", "value"}), 2,
        "--drop-state value: the checkpoint has no stage of this name");
  const auto got = run_it({"--drop-state", "values"});
  check(got, 0, "operator values: its state is let go, 3 records with it");
  BOOST_TEST(visible() == "");
}

BOOST_AUTO_TEST_CASE(dead_letters_that_are_gone_are_refused_unless_they_are_let_go) {
  // GIVEN a job that was stopped with a dead letter
  job_with_checkpoints("on_bad_record = \"dead_letter\"\ndead_letter = \"bad.ndjson\"\n");
  folder.write("in.ndjson", "no record\n" + records({"a"}));
  BOOST_TEST_REQUIRE(stop().code == 3);
  // WHEN its job file names another path, THEN the message says what the names of parts begin with
  check(run_it({"--set", "source.dead_letter=worse.ndjson"}), 1,
        "/worse-source, and what belongs to the checkpoint is in ");
  // WHEN it has none any more
  job_with_checkpoints();
  check(run_it(), 1, "sink dead letters of source: it is in the checkpoint, but no longer in the job");
  const auto got
    = run_it({"--drop-state", "dead letters of source", "--drop-state", "dead letters of values"});
  // THEN they may be let go, and stay as they are
  check(got, 0, "sink dead letters of source: its state is let go");
  BOOST_TEST(!contains(got.err, "stays hidden"), got.err);
  const auto all = folder.names();
  BOOST_TEST(std::count_if(all.begin(), all.end(),
                           [](const std::string& each) { return each.starts_with("bad-"); })
             == 1);
  BOOST_TEST(visible() == "{\"k\":\"a\",\"found\":{\"v\":1}}\n");
}

BOOST_FIXTURE_TEST_CASE(what_is_let_go_is_counted_until_the_job_is_done, long_job_fixture) {
  constexpr auto counted = [](const nlohmann::json& sum) {
    int all = 0;
    for (const auto* each : {"records_out", "skipped", "dropped", "dead_letters", "let_go", "left_behind"})
      all += sum[each].get<int>();
    return all;
  };
  const auto stop_later = [&](arguments with) {
    with.insert(with.end(), {"--json", "--set", "checkpoints.keep=1000"});
    const auto before = *checkpoints().rbegin();
    running_command command{folder.path(), run_of(with)};
    command.wait_until([&] { return *checkpoints().rbegin() > before; });
    command.signal(SIGTERM);
    const auto stopped = command.finish();
    BOOST_TEST_REQUIRE(stopped.code == 3, stopped.err);
    auto sum = nlohmann::json::parse(stopped.out);
    BOOST_TEST(counted(sum) == sum["records_in"].get<int>());
    BOOST_TEST(sum["left_behind"] == sum["checkpoints"]["held"]);
    return sum;
  };
  // More than a lookup and what is in front of it hold; some are bad.
  std::string input;
  for (int i = 0; i < 20'000; ++i)
    input += i % 10 == 3 ? "{\"k\":[1]}\n" : "{\"k\":\"a\"}\n";
  folder.write("in.ndjson", input);
  job_with_checkpoints("on_bad_record = \"skip\"\n");
  const auto first = stop_between();
  const auto held = first["checkpoints"]["held"].get<int>();
  BOOST_TEST_REQUIRE(held > 0);
  BOOST_TEST(first["let_go"] == 0);
  BOOST_TEST(first["skipped"] > 0);
  // WHEN a lookup that stays lets its state go
  const auto second = stop_later({"--drop-state", "values", "--set", "pool.p.faults.hangs=1.0"});
  BOOST_TEST(second["let_go"] == held);
  BOOST_TEST(second["skipped"].get<int>() >= first["skipped"].get<int>());
  // AND once more, and is no longer in the job then
  auto others = values();
  others.replace(others.find("values"), 6, "others");
  job_with_checkpoints("on_bad_record = \"skip\"\n", others);
  const auto third = stop_later({"--drop-state", "values", "--set", "pool.p.faults.hangs=1.0"});
  const auto gone = held + second["checkpoints"]["held"].get<int>();
  BOOST_TEST(third["let_go"] == gone);
  // THEN all that was read is in one of the counts to the end, and a start that finds nothing to do says the same
  for (const auto* each : {"done", "finished"}) {
    const auto got = run_it({"--json"});
    BOOST_TEST_REQUIRE(got.code == 0, got.err);
    const auto sum = nlohmann::json::parse(got.out);
    BOOST_TEST(sum["end"] == each);
    BOOST_TEST(sum["records_in"] == 20'000);
    BOOST_TEST(sum["let_go"] == gone);
    BOOST_TEST(sum["left_behind"] == 0);
    BOOST_TEST(counted(sum) == 20'000);
  }
}

// -- which command goes on --

BOOST_AUTO_TEST_CASE(a_fresh_run_that_was_stopped_goes_on_without_fresh) {
  BOOST_TEST_REQUIRE(run_it().code == 0);
  // GIVEN a run that was begun anew, and is stopped
  const arguments anew{"--fresh", "--force", "--set", "pool.p.faults.hangs=1.0"};
  running_command command{folder.path(), run_of(anew)};
  command.wait_until([&] { return checkpoints(2).size() > 1; });
  command.signal(SIGTERM);
  const auto stopped = command.finish();
  // THEN it does not say that the same would go on, which would begin anew
  check(stopped, 3, "weir: without --fresh the same command goes on from checkpoint ");
  // AND what it says is so
  check(run_it({"--force"}), 0, " of run 2, which holds 3 records");
  BOOST_TEST(visible() == all_lines);
}

BOOST_FIXTURE_TEST_CASE(state_is_let_go_once, long_job_fixture) {
  // More than a lookup and what is in front of it hold.
  folder.write("in.ndjson", records(std::vector<std::string>(20'000, "a")));
  stop_between();
  // GIVEN another lookup in the place of the one that holds records
  auto others = values();
  others.replace(others.find("values"), 6, "others");
  job_with_checkpoints({}, others);
  const arguments hang{"--drop-state", "values", "--set", "pool.p.faults.hangs=1.0", "--set",
                       "lookup.others.capacity=2", "--set", "checkpoints.keep=1000"};
  // WHEN the start fails before there is another checkpoint, THEN it is the same command that goes on
  fs::rename(folder.path("in.ndjson"), folder.path("away"));
  check(run_it(hang), 1, "weir: the same command goes on from checkpoint ");
  fs::rename(folder.path("away"), folder.path("in.ndjson"));
  // WHEN there is, THEN it says that the state has been let go
  const auto before = *checkpoints().rbegin();
  running_command command{folder.path(), run_of(hang)};
  command.wait_until([&] { return *checkpoints().rbegin() > before; });
  command.signal(SIGTERM);
  check(command.finish(), 3, "weir: without --drop-state the same command goes on from checkpoint ");
  check(run_it(hang), 2,
        "--drop-state values: the checkpoint has no stage of this name; if its state was let go already, "
        "leave it out");
  check(run_it(), 0, "goes on from checkpoint ");
}

BOOST_FIXTURE_TEST_CASE(an_older_checkpoint_is_gone_back_to_once, long_job_fixture) {
  stop_between();
  const auto before = *checkpoints().rbegin();
  running_command command{folder.path(),
                          run_of({"--from", "1", "--discard-newer-output", "--set",
                                  "pool.p.faults.hangs=1.0", "--set", "checkpoints.keep=1000"})};
  command.wait_until([&] { return checkpoints().size() > 3 && *checkpoints().rbegin() < before; });
  command.signal(SIGTERM);
  check(command.finish(), 3,
        "weir: without --from and --discard-newer-output the same command goes on from checkpoint ");
  check(run_it(), 0, "goes on from checkpoint ");
  BOOST_TEST(visible() == all());
}

BOOST_AUTO_TEST_CASE(what_a_further_start_meets_again_is_not_gone_on_with) {
  BOOST_TEST_REQUIRE(stop().code == 3);
  folder.write("in.ndjson", records({"b", "x", "b"}));
  const auto got = run_it();
  check(got, 1, "in.ndjson: has other bytes among the first ");
  BOOST_TEST(!contains(got.err, "the same command"), got.err);
}

// -- another checkpoint --

BOOST_FIXTURE_TEST_CASE(an_older_checkpoint_is_refused_while_newer_output_is_visible,
                        long_job_fixture) {
  stop_between();
  const auto before = folder.names("out");
  const auto stored = checkpoints();
  check(run_it({"--from", "1"}), 1, "is output that is newer than checkpoint 1");
  check(run_it({"--from", "99999"}), 2, "checkpoint 99999: run 1 has none of this number");
  BOOST_TEST((folder.names("out") == before));
  BOOST_TEST((checkpoints() == stored));
  // WHEN it may be put aside
  const auto got = run_it({"--from", "1", "--discard-newer-output"});
  // THEN the job goes on from there, and the rest comes once more
  check(got, 0, "goes on from checkpoint 1 of run 1");
  BOOST_TEST(contains(got.err, "newer than checkpoint 1 to out/discarded-1"), got.err);
  BOOST_TEST(visible() == all());
  BOOST_TEST(visible("out/discarded-1") != "");
}

BOOST_FIXTURE_TEST_CASE(a_long_job_is_the_same_in_two_pieces, long_job_fixture) {
  const auto sum = stop_between();
  const auto lines = visible();
  BOOST_TEST(all().starts_with(lines));
  // What came out behind the checkpoint counts as little as it is to be seen.
  BOOST_TEST(sum["records_out"] == std::count(lines.begin(), lines.end(), '\n'));
  BOOST_TEST(sum["records_in"].get<int>() - sum["records_out"].get<int>()
             == sum["checkpoints"]["held"].get<int>());
  BOOST_TEST(sum["left_behind"] == sum["checkpoints"]["held"]);
  const auto got = run_it({"--json"});
  check(got, 0, "goes on from checkpoint ");
  BOOST_TEST(visible() == all());
  BOOST_TEST(nlohmann::json::parse(got.out)["records_out"] == count);
}

BOOST_AUTO_TEST_CASE(a_damaged_checkpoint_is_named_with_the_ways_out) {
  BOOST_TEST_REQUIRE(stop().code == 3);
  const auto newest = *checkpoints().rbegin();
  const auto path = "checkpoints/test/run-0000000001/" + newest + "/MANIFEST";
  auto bytes = folder.read(path);
  bytes[bytes.size() / 2] ^= 1;
  folder.write(path, bytes);
  const auto refused = run_it();
  check(refused, 1,
        "the newest of run 1: start from an older one (--from), or begin a fresh run (--fresh)");
  BOOST_TEST(contains(refused.err, newest), refused.err);
  BOOST_TEST(contains(refused.err, "(damaged)"), refused.err);
  // The one before it holds the same.
  const auto older = std::to_string(std::stoi(newest.substr(4)) - 1);
  check(run_it({"--from", older}), 0, "goes on from checkpoint " + older);
  BOOST_TEST(visible() == all_lines);
}

// -- two at a time --

BOOST_AUTO_TEST_CASE(a_job_runs_once_at_a_time) {
  running_command first{folder.path(), run_of(all_hang)};
  first.wait_until([&] { return has_made_checkpoints(); });
  check(run_it(), 1, "out: is being written to by another run");
  check(run_it({"--set", "sink.path=other"}), 1, "is in use by ");
  BOOST_TEST(!fs::exists(folder.path("other")));
  first.signal(SIGTERM);
  BOOST_TEST(first.finish().code == 3);
  BOOST_TEST(run_it().code == 0);
}

// -- dead letters --

BOOST_AUTO_TEST_CASE(dead_letters_appear_once) {
  // GIVEN what a job without checkpoints has left, and a job that is stopped with a dead letter
  job_with_checkpoints("on_bad_record = \"dead_letter\"\ndead_letter = \"bad.ndjson\"\n");
  folder.write("bad.ndjson", "old\n");
  folder.write("in.ndjson", "no record\n" + records({"a"}) + "{}\n");
  BOOST_TEST_REQUIRE(stop({"--set", "pool.p.faults.hangs=1.0", "--force"}).code == 3);
  const auto letters = [&] {
    names found;
    for (const auto& name : folder.names())
      if (name.starts_with("bad"))
        found.insert(name);
    return found;
  };
  const auto first = letters();
  BOOST_TEST(first.size() == 1u);
  const auto got = run_it({"--json"});
  // THEN each is in one part
  check(got, 0, "goes on from checkpoint ");
  const auto json = nlohmann::json::parse(got.out);
  BOOST_TEST(json["dead_letters"] == 2);
  std::string all;
  for (const auto& path : json["dead_letter_files"])
    all += folder.read(path.get<std::string>());
  BOOST_TEST(std::count(all.begin(), all.end(), '\n') == 2);
  BOOST_TEST(contains(all, "\"record\":\"no record\""), all);
  BOOST_TEST(json["dead_letter_files"].size() == letters().size());
}

BOOST_AUTO_TEST_CASE(a_fresh_run_leaves_old_dead_letters_unless_it_is_forced) {
  // GIVEN two stages that name one file, and what a job without checkpoints has left there
  job_with_checkpoints("on_bad_record = \"dead_letter\"\ndead_letter = \"bad.ndjson\"\n",
                       values("on_miss = \"fail\"\non_failure = \"dead_letter\"\n"
                              "dead_letter = \"bad.ndjson\"\n"));
  folder.write("bad.ndjson", "old\n");
  const std::string says
    = "is output of an earlier run, in the way of this one; let it be removed (--force)";
  const auto refused = run_it();
  // THEN it is said once
  check(refused, 1, "bad.ndjson: " + says);
  BOOST_TEST(refused.err.find(says) == refused.err.rfind(says), refused.err);
  BOOST_TEST(folder.read("bad.ndjson") == "old\n");
  check(run_it({"--force"}), 0, "removed 1 file with earlier dead letters from ");
  BOOST_TEST(!fs::exists(folder.path("bad.ndjson")));
  const std::string letters = "bad-0000000001-values-0000.ndjson";
  const auto first = folder.read(letters);
  BOOST_TEST(contains(first, "\"error\":\"miss\""), first);
  // AND a further run finds those of this one
  fs::remove_all(folder.path("out"));
  check(run_it({"--fresh"}), 1, letters + ": " + says);
  BOOST_TEST(folder.read(letters) == first);
}

BOOST_AUTO_TEST_CASE(dead_letters_that_are_newer_than_the_begin_are_moved_aside) {
  job_with_checkpoints("on_bad_record = \"dead_letter\"\ndead_letter = \"bad.ndjson\"\n");
  folder.write("in.ndjson", "no record\n" + records({"a"}));
  BOOST_TEST_REQUIRE(
    stop({"--set", "pool.p.faults.hangs=1.0", "--set", "checkpoints.keep=1000"}).code == 3);
  const auto got = run_it({"--from", "0", "--discard-newer-output"});
  check(got, 0, "moved 1 file with earlier dead letters to ");
  const auto aside = folder.names("discarded-0");
  BOOST_TEST_REQUIRE(aside.size() == 1u);
  BOOST_TEST(contains(folder.read("discarded-0/" + *aside.begin()), "\"record\":\"no record\""));
}

BOOST_AUTO_TEST_CASE(a_job_does_not_remove_its_own_input) {
  // GIVEN an input that bears the name of what the job's sinks remove
  const std::string letter = "bad-0000000003-source-0000.ndjson";
  const std::string part = "out/part-0000000003-0000.ndjson";
  fs::create_directory(folder.path("out"));
  job_with_checkpoints("on_bad_record = \"dead_letter\"\ndead_letter = \"bad.ndjson\"\n");
  folder.write(letter, records({"a"}));
  folder.write(part, records({"a"}));
  for (const auto& [path, says] :
       {std::pair{letter, "bears the name of dead letters of this job but is the source's file"},
        {part, "bears the name of a part but is the source's file"}}) {
    check(run_it({"--fresh", "--force", "--set", "source.path=" + path}), 1, path + ": " + says);
    BOOST_TEST(folder.read(path) == records({"a"}));
  }
  BOOST_TEST(!fs::exists(folder.path("checkpoints")));
}

BOOST_AUTO_TEST_CASE(two_names_of_one_file_for_dead_letters_are_one) {
  fs::create_directory(folder.path("letters"));
  fs::create_symlink("letters", folder.path("link"));
  job_with_checkpoints("on_bad_record = \"dead_letter\"\ndead_letter = \"link/bad.ndjson\"\n",
                       values("on_miss = \"fail\"\non_failure = \"dead_letter\"\n"
                              "dead_letter = \"letters/bad.ndjson\"\n"));
  folder.write("in.ndjson", records({"a", "x"}) + "{}\n");
  const auto got = run_it({"--json"});
  check(got, 0, "");
  std::string all;
  for (const auto& name : folder.names("letters"))
    if (!name.starts_with('.'))
      all += folder.read("letters/" + name);
  BOOST_TEST(std::count(all.begin(), all.end(), '\n') == 2, all);
}

BOOST_AUTO_TEST_CASE(output_that_goes_over_to_standard_output_or_from_there_is_refused) {
  const arguments to_standard_output{"--set", "sink.path=-"};
  // GIVEN a job that has written to a folder
  BOOST_TEST_REQUIRE(stop().code == 3);
  const auto stored = checkpoints();
  // WHEN it is to write to standard output, THEN it is refused and has lost nothing
  const auto refused = run_it(to_standard_output);
  check(refused, 1,
        "sink sink: it writes to a place without a name (such as standard output), and what belongs to the "
        "checkpoint is in ");
  BOOST_TEST(refused.out == "");
  BOOST_TEST((checkpoints() == stored));
  BOOST_TEST(run_it().code == 0);
  BOOST_TEST(visible() == all_lines);
  // AND the other way round
  for (const auto* each : {"out", "checkpoints"})
    fs::remove_all(folder.path(each));
  auto hang = to_standard_output;
  hang.insert(hang.end(), all_hang.begin(), all_hang.end());
  BOOST_TEST_REQUIRE(stop(hang).code == 3);
  check(run_it(), 1,
        "and what belongs to the checkpoint is in a place without a name (such as standard output)");
  BOOST_TEST(!fs::exists(folder.path("out")));
  const auto got = run_it(to_standard_output);
  check(got, 0, "goes on from checkpoint ");
  BOOST_TEST(got.out == all_lines);
}

BOOST_AUTO_TEST_CASE(a_job_that_is_refused_leaves_no_folder) {
  BOOST_TEST_REQUIRE(stop().code == 3);
  check(run_it({"--set", "sink.path=new"}), 1, "and what belongs to the checkpoint is in ");
  BOOST_TEST(!fs::exists(folder.path("new")));
}

BOOST_AUTO_TEST_SUITE_END()
