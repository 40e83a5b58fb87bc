// SPDX-License-Identifier: Apache-2.0

// Bad input and a world that does not do what is asked of it: a message that names the thing, the exit
// code 1, and no half-written line.

#include "command_fixture.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <grp.h>
#include <ostream>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

using weir::tool::testing::command_fixture;
using weir::tool::testing::finished_command;
using weir::tool::testing::running_command;

namespace {

/// A bad line, and the cause that is named.
struct bad_line {
  const char* text;
  const char* cause;

  friend std::ostream& operator<<(std::ostream& out, const bad_line& x) { return out << x.cause; }
};

const bad_line bad_lines[] = {
  {"{\"k\":\"a\",", "JSON"},
  {"[1]", "object"},
  {"{\"t\":\"2001-01-01T00:00:00Z\"}", "k"},
  {"{\"k\":[1],\"t\":0}", "k"},
  {"{\"k\":\"a\",\"t\":\"yesterday\"}", "timestamp"},
  {"{\"k\":\"a\"}", "timestamp"},
  {"{\"k\":\"a\",\"t\":0,\"found\":1}", "found"},
  {"{\"k\":\"a\",\"t\":0,\"pad\":\"01234567890123456789012345678901234567890123456789\"}", "max_line"},
  {"{\"k\":\"\xff\",\"t\":0}", "UTF-8"},
};

/// The bad line is the second of three, at byte 16.
std::string input_with(const bad_line& bad) {
  return "{\"k\":\"a\",\"t\":0}\n" + std::string{bad.text} + "\n{\"k\":\"b\",\"t\":0}\n";
}

const std::string good_lines = "{\"k\":\"a\",\"t\":0,\"found\":{\"v\":1}}\n"
                               "{\"k\":\"b\",\"t\":0,\"found\":{\"v\":2}}\n";

/// Root may write everywhere; so the process becomes somebody else's.
void give_up_root() {
  constexpr int nobody = 65534;
  if (::geteuid() == 0
      && (::setgroups(0, nullptr) != 0 || ::setgid(nobody) != 0 || ::setuid(nobody) != 0))
    ::_exit(126);
}

/// A disk of 64 KiB, mounted on a folder.
class small_disk {
public:
  explicit small_disk(std::string folder)
    : folder_(std::move(folder)),
      mounted_(::mount("tmpfs", folder_.c_str(), "tmpfs", 0, "size=64k") == 0) {}
  ~small_disk() {
    if (mounted_)
      ::umount2(folder_.c_str(), MNT_DETACH);
  }
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;

  /// `to`: "size=8m".
  bool grow(const char* to) const {
    return ::mount("tmpfs", folder_.c_str(), "tmpfs", MS_REMOUNT, to) == 0;
  }

  /// Not every user may mount, and not in every container.
  bool mounted() const { return mounted_; }

private:
  const std::string folder_;
  const bool mounted_;
};

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

/// The shell's `ulimit -f`: no file of the process may grow beyond `bytes`.
void limit_files(std::size_t bytes) {
  const rlimit limit{bytes, bytes};
  ::setrlimit(RLIMIT_FSIZE, &limit);
}

struct trouble_fixture : command_fixture {
  finished_command run_with(const bad_line& bad, const std::string& source) {
    job({}, "timestamp = \"t\"\nmax_line = \"64B\"\n" + source);
    return run({"--json", "--set", "sink.path=out"}, input_with(bad));
  }

  /// The job failed, said why, and left no output.
  void check_failed(const finished_command& got, std::string_view what) {
    BOOST_TEST(got.code == 1, got.err);
    BOOST_TEST(contains(got.err, what), got.err);
    if (std::filesystem::exists(folder.path("out")))
      BOOST_TEST(folder.names("out").empty());
  }

  /// The test's folder and the files in it are open to every user.
  void let_others_read() const {
    ::chmod(folder.path().c_str(), 0755);
    for (const auto* name : {"job.toml", "store.db"})
      ::chmod(folder.path(name).c_str(), 0644);
  }

  finished_command run_set(const std::string& set) {
    return run({"--set", "sink.path=out", "--set", set}, records({"a"}));
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(weir_run_in_trouble, trouble_fixture)

// -- bad records --

BOOST_DATA_TEST_CASE_F(trouble_fixture, a_bad_record_fails_the_job,
                       boost::unit_test::data::make(bad_lines), bad) {
  const auto got = run_with(bad, {});
  check_failed(got, bad.cause);
  BOOST_TEST(contains(got.err, "standard input"), got.err);
  BOOST_TEST((contains(got.err, "line 2 (offset 16)") || contains(got.err, ":2 (offset 16)")), got.err);
}

BOOST_DATA_TEST_CASE_F(trouble_fixture, a_bad_record_is_skipped_and_counted,
                       boost::unit_test::data::make(bad_lines), bad) {
  const auto got = run_with(bad, "on_bad_record = \"skip\"");
  BOOST_TEST(got.code == 0, got.err);
  const auto sum = nlohmann::json::parse(got.out);
  BOOST_TEST(sum["skipped"] == 1);
  BOOST_TEST(sum["dropped"] == 0);
  BOOST_TEST(sum["records_in"] == 3);
  BOOST_TEST(output() == good_lines);
}

BOOST_DATA_TEST_CASE_F(trouble_fixture, a_bad_record_becomes_a_dead_letter,
                       boost::unit_test::data::make(bad_lines), bad) {
  const auto got = run_with(bad, "on_bad_record = \"dead_letter\"\ndead_letter = \"bad.ndjson\"");
  BOOST_TEST(got.code == 0, got.err);
  BOOST_TEST(nlohmann::json::parse(got.out)["dead_letters"] == 1);
  BOOST_TEST(output() == good_lines);
  const auto letter = nlohmann::json::parse(folder.read("bad.ndjson"));
  BOOST_TEST(letter["error"] == "bad_record");
  BOOST_TEST(letter["line"] == 2);
  BOOST_TEST(letter["offset"] == 16);
  BOOST_TEST(letter["file"] == "standard input");
  BOOST_TEST(letter["record"].is_string());
  BOOST_TEST(contains(letter["message"].get<std::string>(), bad.cause), letter.dump());
}

BOOST_AUTO_TEST_CASE(a_dead_letter_has_as_much_of_the_line_as_json_and_max_line_allow) {
  job({}, "max_line = \"8B\"\non_bad_record = \"dead_letter\"\ndead_letter = \"bad.ndjson\"");
  const auto got = run({}, "{\"k\":\"abc\"}\n[\xff]\n");
  BOOST_TEST(got.code == 0, got.err);
  const auto lines = folder.read("bad.ndjson");
  const auto end = lines.find('\n');
  BOOST_TEST(nlohmann::json::parse(lines.substr(0, end))["record"] == "{\"k\":\"ab");
  BOOST_TEST(nlohmann::json::parse(lines.substr(end))["record"] == "[\xef\xbf\xbd]");
}

BOOST_AUTO_TEST_CASE(a_lookups_own_failures_have_a_file_of_their_own) {
  job("on_miss = \"fail\"\non_failure = \"dead_letter\"\ndead_letter = \"missed.ndjson\"",
      "on_bad_record = \"dead_letter\"\ndead_letter = \"bad.ndjson\"");
  const auto got = run({}, "{\"k\":\"x\"}\n{\"q\":1}\n{\"k\":\"a\"}\n");
  BOOST_TEST(got.code == 0, got.err);
  BOOST_TEST(got.out == "{\"k\":\"a\",\"found\":{\"v\":1}}\n");
  const auto missed = nlohmann::json::parse(folder.read("missed.ndjson"));
  BOOST_TEST(missed["record"] == "{\"k\":\"x\"}");
  BOOST_TEST(missed["error"] == "miss");
  BOOST_TEST(missed["attempts"] == 1);
  BOOST_TEST(missed["durations_ms"].size() == 1u);
  BOOST_TEST(missed["stage"] == "values");
  const auto bad = nlohmann::json::parse(folder.read("bad.ndjson"));
  BOOST_TEST(bad["record"] == "{\"q\":1}");
  BOOST_TEST(bad["stage"] == "values");
}

BOOST_AUTO_TEST_CASE(empty_lines_are_skipped_and_crlf_ends_a_line) {
  const auto got = run({}, "\r\n\n{\"k\":\"a\"}\r\n\n{\"k\":\"b\"}");
  BOOST_TEST(got.out == "{\"k\":\"a\",\"found\":{\"v\":1}}\n{\"k\":\"b\",\"found\":{\"v\":2}}\n");
}

// -- what is missing or wrong --

BOOST_AUTO_TEST_CASE(a_missing_store_is_named) {
  const auto got = run_set("pool.p.url=sqlite:none.db");
  check_failed(got, "none.db: the database cannot be opened: No such file or directory");
  BOOST_TEST(contains(got.err, "Check the path"), got.err);
}

BOOST_AUTO_TEST_CASE(a_missing_table_is_named_with_those_that_are_there) {
  const auto got = run_set("lookup.values.query=select v from u where k = ?");
  check_failed(got, "no such table: u");
  BOOST_TEST(contains(got.err, "Tables of this file: t"), got.err);
}

BOOST_AUTO_TEST_CASE(a_wrong_query_is_named) {
  check_failed(run_set("lookup.values.query=selct v from t where k = ?"), "selct");
  check_failed(run_set("lookup.values.query=select v from t"), "takes 0 arguments");
  check_failed(run_set("lookup.values.query=delete from t where k = ?"), "write a select");
}

BOOST_AUTO_TEST_CASE(a_missing_input_is_named) {
  check_failed(run_set("source.path=none.ndjson"), "none.ndjson: cannot be read");
}

BOOST_AUTO_TEST_CASE(an_output_that_cannot_be_made_is_named) {
  check_failed(run({"--set", "sink.path=no/such/out"}, records({"a"})), "no/such/out: cannot be created");
  folder.write("taken", "");
  check_failed(run({"--set", "sink.path=taken"}, records({"a"})), "taken: is a file");
}

BOOST_AUTO_TEST_CASE(an_output_that_may_not_be_written_is_named) {
  std::filesystem::create_directory(folder.path("out"));
  ::chmod(folder.path("out").c_str(), 0555);
  let_others_read();
  const auto got = run({"--set", "sink.path=out"}, records({"a"}), {}, give_up_root);
  check_failed(got, "out: cannot be written to: Permission denied");
}

BOOST_AUTO_TEST_CASE(a_job_that_cannot_start_has_a_json_summary) {
  // GIVEN another run's part, which is no output of this one
  BOOST_TEST(run({"--quiet", "--set", "sink.path=out"}, records({"a"})).code == 0);
  for (const auto& [set, why] : {std::pair{"pool.p.url=sqlite:none.db", "none.db"},
                                 std::pair{"job.parallelism=1", "holds 1 part file of"}}) {
    const auto got = run({"--json", "--set", "sink.path=out", "--set", set}, records({"a"}));
    BOOST_TEST(got.code == 1);
    BOOST_TEST(contains(got.err, why), got.err);
    const auto sum = nlohmann::json::parse(got.out);
    BOOST_TEST(sum["job"] == "test");
    BOOST_TEST(sum["end"] == "failed");
    BOOST_TEST(sum["records_in"] == 0);
    BOOST_TEST(sum["lookups"][0]["name"] == "values");
    BOOST_TEST(sum["output"] == "out");
    BOOST_TEST(sum["parts"].empty());
    BOOST_TEST(sum["output_removed"] == false);
    BOOST_REQUIRE(sum["why"].size() == 1u);
    BOOST_TEST(contains(sum["why"][0].get<std::string>(), why), sum.dump());
  }
}

BOOST_AUTO_TEST_CASE(a_job_that_cannot_start_has_its_json_summary_beside_records) {
  const auto got = run({"--json", "--set", "pool.p.url=sqlite:none.db"}, records({"a"}));
  BOOST_TEST(got.code == 1);
  BOOST_TEST(got.out == "");
  const auto json = got.err.find("\n{");
  BOOST_REQUIRE(json != got.err.npos);
  BOOST_TEST(nlohmann::json::parse(got.err.substr(json))["end"] == "failed");
}

BOOST_AUTO_TEST_CASE(dead_letters_that_cannot_be_written_are_named) {
  job({}, "on_bad_record = \"dead_letter\"\ndead_letter = \"no/such/bad\"");
  check_failed(run({}, records({"a"})), "no/such/bad: cannot be created");
}

BOOST_AUTO_TEST_CASE(a_part_file_that_may_not_grow_is_named_and_removed) {
  // GIVEN room for one line and a half
  const auto got = run({"--set", "sink.path=out"}, records({"a", "b", "c"}), {},
                       [] { limit_files(45); });
  check_failed(got, "out/.part-0000000001-0000.ndjson: cannot be written: File too large");
  BOOST_TEST(contains(got.err, "ulimit -f"), got.err);
}

BOOST_AUTO_TEST_CASE(a_part_file_that_may_not_grow_is_kept_up_to_its_last_whole_line) {
  const auto got = run({"--set", "sink.path=out", "--keep-partial"}, records({"a", "b", "c"}), {},
                       [] { limit_files(45); });
  BOOST_TEST(got.code == 1, got.err);
  BOOST_TEST((folder.names("out") == std::set<std::string>{"part-0000000001-0000.ndjson"}));
  BOOST_TEST(output() == "{\"k\":\"a\",\"found\":{\"v\":1}}\n");
}

// -- standard output --

BOOST_AUTO_TEST_CASE(a_file_that_may_not_grow_ends_with_a_whole_line) {
  const auto got = run({}, records({"a", "b", "c"}), folder.path("lines"), [] { limit_files(45); });
  check_failed(got, "standard output: cannot be written: File too large");
  BOOST_TEST(folder.read("lines") == "{\"k\":\"a\",\"found\":{\"v\":1}}\n");
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_named) {
  check_failed(run({}, records({"a"}), "/dev/full"), "No space left on device");
}

BOOST_AUTO_TEST_CASE(a_full_disk_leaves_no_half_line_in_the_folder) {
  std::filesystem::create_directory(folder.path("out"));
  const small_disk disk{folder.path("out")};
  if (!disk.mounted()) {
    BOOST_TEST_MESSAGE("left out: this user cannot mount a small disk");
    return;
  }
  for (const bool keep : {false, true}) {
    // GIVEN more output than the disk holds
    std::vector<std::string> arguments{"--set", "sink.path=out"};
    if (keep)
      arguments.push_back("--keep-partial");
    // WHEN the job fails for it, THEN it names the part and what to do
    const auto got = run(arguments, records(std::vector<std::string>(10'000, "a")));
    BOOST_TEST(got.code == 1, got.err);
    BOOST_TEST(contains(got.err, "out/.part-0000000001-0000.ndjson: cannot be written: No space "
                                 "left on device; free some space"),
               got.err);
    // AND nothing is left, or whole lines
    BOOST_TEST(folder.names("out").size() == (keep ? 1u : 0u));
    BOOST_TEST((!keep || output().ends_with("{\"k\":\"a\",\"found\":{\"v\":1}}\n")));
  }
}

BOOST_AUTO_TEST_CASE(a_full_disk_fails_a_job_with_checkpoints_and_spoils_none) {
  std::filesystem::create_directory(folder.path("out"));
  const small_disk disk{folder.path("out")};
  if (!disk.mounted()) {
    BOOST_TEST_MESSAGE("left out: this user cannot mount a small disk");
    return;
  }
  // GIVEN a job whose output goes to a small disk, and whose checkpoints do not
  job("capacity = 10\n", {},
      "[checkpoints]\n"
      "directory = \"checkpoints\"\n"
      "interval = \"10ms\"\n"
      "[restart]\n"
      "strategy = \"exponential_delay\"\n"
      "initial = \"1ms\"\n"
      "max_restarts = 2\n");
  folder.write("in.ndjson", records(std::vector<std::string>(3'000, "a")));
  const auto visible = [&] {
    std::string lines;
    for (const auto& name : folder.names("out"))
      if (name.starts_with("part-"))
        lines += folder.read("out/" + name);
    return lines;
  };
  const std::vector<std::string> arguments{"--json", "--set", "source.path=in.ndjson", "--set",
                                           "sink.path=out", "--set", "pool.p.faults.latency=2ms"};
  std::string all;
  for (int i = 0; i < 3'000; ++i)
    all += "{\"k\":\"a\",\"found\":{\"v\":1}}\n";
  // WHEN the disk is full, THEN the job starts again, as often as it may, and fails
  const auto failed = run(arguments);
  BOOST_TEST(failed.code == 1, failed.err);
  BOOST_TEST(contains(failed.err, "cannot be written: No space left on device; free some space"), failed.err);
  BOOST_TEST(contains(failed.err, "(restart 2 of 2)"), failed.err);
  BOOST_TEST(contains(failed.err, "weir: the same command goes on from checkpoint "), failed.err);
  BOOST_TEST(nlohmann::json::parse(failed.out)["end"] == "failed");
  // AND its checkpoints are sound, and what is visible is a beginning
  BOOST_TEST(weir({"checkpoints", "verify", folder.path("checkpoints")}).code == 0);
  const auto lines = visible();
  BOOST_TEST(lines.size() > 0u);
  BOOST_TEST(all.starts_with(lines));
  // AND with some room it comes to the end, each line once
  BOOST_TEST_REQUIRE(disk.grow("size=8m"));
  const auto got = run(arguments);
  BOOST_TEST(got.code == 0, got.err);
  BOOST_TEST((visible() == all));
}

BOOST_AUTO_TEST_CASE(a_summary_that_cannot_be_written_is_no_success) {
  const auto got = run({"--json", "--set", "sink.path=out"}, records({"a"}), "/dev/full");
  BOOST_TEST(got.code == 1);
  BOOST_TEST(contains(got.err, "the summary cannot be written to standard output"), got.err);
  BOOST_TEST(folder.names("out").size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_reader_that_goes_away_ends_the_job) {
  // GIVEN more output than a pipe holds
  std::string input;
  for (int i = 0; i < 20'000; ++i)
    input += "{\"k\":\"a\"}\n";
  folder.write("in.ndjson", input);
  running_command command{folder.path(), {"run", "job.toml", "--set", "source.path=in.ndjson"}};
  // WHEN its reader leaves after the first lines, as head does
  command.read_out_until("\n");
  command.close_out();
  // THEN the job fails with a message, and no signal kills it
  const auto got = command.finish();
  BOOST_TEST(got.code == 1, got.err);
  BOOST_TEST(contains(got.err, "standard output"), got.err);
}

BOOST_AUTO_TEST_CASE(a_standard_output_that_was_closed_is_no_file_of_the_job) {
  const auto script = "cd " + folder.path() + " && echo '{\"k\":\"a\"}' | " + WEIR_COMMAND
                      + " run job.toml --set sink.path=out >&- 2>err";
  const int status = std::system(script.c_str());
  BOOST_TEST(WEXITSTATUS(status) == 1);
  BOOST_TEST(contains(folder.read("err"), "cannot be written to standard output"), folder.read("err"));
  BOOST_TEST(output() == "{\"k\":\"a\",\"found\":{\"v\":1}}\n");
}

// -- what stays --

BOOST_AUTO_TEST_CASE(a_failed_jobs_output_is_removed_unless_kept) {
  for (const bool keep : {false, true}) {
    // GIVEN a job with whole lines in its hidden part
    std::vector<std::string> arguments{"run", "job.toml", "--set", "sink.path=out"};
    if (keep)
      arguments.push_back("--keep-partial");
    running_command command{folder.path(), arguments};
    command.feed(records({"a", "b"}));
    command.wait_until([&] { return size("out/.part-0000000001-0000.ndjson") > 0; });
    // WHEN it fails
    command.feed("no json\n");
    command.read_err_until("standard input:3");
    const auto got = command.finish();
    // THEN they are gone, or whole and visible, and the summary says so
    BOOST_TEST(got.code == 1);
    BOOST_TEST(contains(got.out, keep ? "out (1 part file, not of the whole input)"
                                      : "out: removed, since the job did not come to its end"),
               got.out);
    BOOST_TEST(folder.names("out").size() == (keep ? 1u : 0u));
    BOOST_TEST((!keep || output().ends_with("}\n")), output());
  }
}

BOOST_AUTO_TEST_SUITE_END()
