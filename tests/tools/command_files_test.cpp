// SPDX-License-Identifier: Apache-2.0

// What a run never removes or empties: files that it needs, files of a run that is still going on,
// and anything at all where it is refused.

#include "command_fixture.hpp"

#include <algorithm>
#include <fcntl.h>
#include <unistd.h>

using weir::tool::testing::command_fixture;
using weir::tool::testing::finished_command;
using weir::tool::testing::running_command;

namespace {

using names = std::set<std::string>;
namespace fs = std::filesystem;

constexpr auto part = "part-0000000001-0000.ndjson";
constexpr auto next_part = "part-0000000001-0001.ndjson";
constexpr auto hidden_part = ".part-0000000001-0000.ndjson";

bool contains(const std::string& text, std::string_view what) {
  return text.find(what) != text.npos;
}

struct files_fixture : command_fixture {
  files_fixture() { fs::create_directory(folder.path("out")); }

  void put(const std::string& name, const std::string& text) const {
    folder.write("out/" + name, text);
  }

  finished_command run_into_folder(std::vector<std::string> arguments,
                                   const std::function<void()>& in_child = {}) const {
    arguments.insert(arguments.end(), {"--set", "sink.path=out"});
    return run(std::move(arguments), records({"a"}), {}, in_child);
  }

  /// The job, with its bad records in `file`.
  void job_with_dead_letters(const std::string& file) {
    job({}, "on_bad_record = \"dead_letter\"\ndead_letter = \"" + file + "\"");
  }

  static void check_refused(const finished_command& got, std::string_view why, int code = 1) {
    BOOST_TEST(got.code == code, got.err);
    BOOST_TEST(contains(got.err, why), got.err);
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(files_of_weir_run, files_fixture)

// -- parts that are something else as well --

BOOST_AUTO_TEST_CASE(force_does_not_remove_the_jobs_own_input) {
  for (const std::string name : {part, hidden_part}) {
    // GIVEN an input that bears the name of a part, behind one that may be removed
    put(name, records({"a"}));
    put("part-0000000000-0000.ndjson", "old\n");
    // WHEN the job is run, THEN it is refused, and both are there
    check_refused(run_into_folder({"--force", "--set", "source.path=out/" + name}),
                  "out/" + name + ": bears the name of a part but is the source's file");
    BOOST_TEST((folder.names("out") == names{name, "part-0000000000-0000.ndjson"}));
    fs::remove(folder.path("out/" + name));
  }
}

BOOST_AUTO_TEST_CASE(a_hidden_input_is_not_taken_for_a_dead_runs_part) {
  put(hidden_part, records({"a"}));
  check_refused(run_into_folder({"--set", std::string{"source.path=out/"} + hidden_part}),
                "is the source's file");
  BOOST_TEST(folder.read(std::string{"out/"} + hidden_part) == records({"a"}));
}

BOOST_AUTO_TEST_CASE(force_does_not_remove_an_input_under_another_name) {
  put(part, records({"a"}));
  fs::create_symlink(std::string{"out/"} + part, folder.path("in.ndjson"));
  check_refused(run_into_folder({"--force", "--set", "source.path=in.ndjson"}),
                "is the source's file");
  BOOST_TEST((folder.names("out") == names{part}));
}

BOOST_AUTO_TEST_CASE(force_does_not_remove_what_standard_input_reads) {
  put(part, records({"a"}));
  const auto in = folder.path("out/") + part;
  check_refused(run_into_folder({"--force"}, [&] { ::dup2(::open(in.c_str(), O_RDONLY), 0); }),
                "is the file that is standard input");
  BOOST_TEST((folder.names("out") == names{part}));
}

BOOST_AUTO_TEST_CASE(force_does_not_remove_a_store) {
  fs::copy(folder.path("store.db"), folder.path("out/") + part);
  fs::copy(folder.path("store.db"), folder.path("out/") + next_part);
  // One store is asked, the other only named.
  for (const std::string pool : {"p", "spare"}) {
    const auto& name = pool == "p" ? part : next_part;
    check_refused(run_into_folder({"--force", "--set", "pool." + pool + ".url=sqlite:out/" + name}),
                  std::string{name} + ": bears the name of a part but is the file of pool "
                    + pool);
    BOOST_TEST((folder.names("out") == names{part, next_part}));
  }
}

BOOST_AUTO_TEST_CASE(force_does_not_remove_the_job_file) {
  fs::copy(folder.path("job.toml"), folder.path("out/") + part);
  check_refused(weir({"run", std::string{"out/"} + part, "--force", "--set", "sink.path=.", "--set",
                      "pool.p.url=sqlite:../store.db"}),
                "is the job file");
  BOOST_TEST((folder.names("out") == names{part}));
}

// -- dead letters --

BOOST_AUTO_TEST_CASE(dead_letters_in_a_file_that_is_needed_are_a_mistake_of_the_job_file) {
  fs::create_symlink("job.toml", folder.path("link"));
  for (const auto* name : {"job.toml", "link"}) {
    job_with_dead_letters(name);
    const auto before = folder.read("job.toml");
    for (const auto* option : {"--validate", "--force"})
      check_refused(run_into_folder({option}),
                    "job.toml:7: source.dead_letter = '" + std::string{name}
                      + "': must not be the job file",
                    2);
    BOOST_TEST(folder.read("job.toml") == before);
  }
}

BOOST_AUTO_TEST_CASE(dead_letters_with_the_name_of_a_part_are_a_mistake_of_the_job_file) {
  for (const std::string name : {part, hidden_part}) {
    job_with_dead_letters("out/" + name);
    put(name, "old\n");
    check_refused(run_into_folder({"--validate"}),
                  "job.toml:7: source.dead_letter = 'out/" + name
                    + "': must not have the name of a part in the sink's folder",
                  2);
    check_refused(run_into_folder({"--force"}), "must not have the name of a part", 2);
    BOOST_TEST(folder.read("out/" + name) == "old\n");
  }
}

BOOST_AUTO_TEST_CASE(dead_letters_that_a_link_leads_to_a_part_are_refused) {
  // GIVEN a link that leads to the sink's folder only when that is there
  fs::remove(folder.path("out"));
  fs::create_symlink("out", folder.path("link"));
  job_with_dead_letters(std::string{"link/"} + part);
  check_refused(run_into_folder({}), "must not have the name of a part");
  BOOST_TEST(!fs::exists(folder.path("out")));
  // AND one to a part that is there
  fs::create_directory(folder.path("out"));
  put(part, "old\n");
  fs::create_hard_link(folder.path("out/") + part, folder.path("bad.ndjson"));
  job_with_dead_letters("bad.ndjson");
  check_refused(run_into_folder({"--force"}), "is a file for dead letters");
  BOOST_TEST(folder.read("bad.ndjson") == "old\n");
}

BOOST_AUTO_TEST_CASE(dead_letters_do_not_empty_what_standard_input_reads) {
  folder.write("in.ndjson", records({"a"}));
  job_with_dead_letters("in.ndjson");
  const auto in = folder.path("in.ndjson");
  check_refused(run_into_folder({}, [&] { ::dup2(::open(in.c_str(), O_RDONLY), 0); }),
                "must not be the file that is standard input", 2);
  BOOST_TEST(folder.read("in.ndjson") == records({"a"}));
}

BOOST_AUTO_TEST_CASE(dead_letters_may_lie_in_the_sinks_new_folder) {
  fs::remove(folder.path("out"));
  job_with_dead_letters("out/bad.ndjson");
  const auto got = run({"--set", "sink.path=out"}, "{\"k\":\"a\"}\n{}\n");
  BOOST_TEST(got.code == 0, got.err);
  BOOST_TEST((folder.names("out") == names{"bad.ndjson", part}));
  BOOST_TEST(contains(folder.read("out/bad.ndjson"), "bad_record"));
  // A second run finds both there.
  BOOST_TEST(run_into_folder({"--force"}).code == 0);
  BOOST_TEST(folder.read("out/bad.ndjson") == "");
}

BOOST_AUTO_TEST_CASE(two_names_of_one_file_for_dead_letters_are_one_file) {
  fs::create_symlink("bad.ndjson", folder.path("link"));
  job("on_miss = \"fail\"\non_failure = \"dead_letter\"\ndead_letter = \"link\"",
      "on_bad_record = \"dead_letter\"\ndead_letter = \"bad.ndjson\"");
  const auto got = run({}, "{\"k\":\"x\"}\n{}\n");
  BOOST_TEST(got.code == 0, got.err);
  const auto lines = folder.read("bad.ndjson");
  BOOST_TEST(std::count(lines.begin(), lines.end(), '\n') == 2);
}

BOOST_AUTO_TEST_CASE(a_run_that_is_refused_leaves_dead_letters_as_they_were) {
  // GIVEN a folder with another run's part, one file that is there and one that is not
  put(part, "old\n");
  folder.write("bad.ndjson", "{}\n");
  job("on_failure = \"dead_letter\"\ndead_letter = \"missed.ndjson\"",
      "on_bad_record = \"dead_letter\"\ndead_letter = \"bad.ndjson\"");
  const auto before = folder.names();
  // WHEN the run is refused for the part, THEN nothing was made and nothing emptied
  check_refused(run_into_folder({}), "part file of another run");
  BOOST_TEST((folder.names() == before));
  BOOST_TEST(folder.read("bad.ndjson") == "{}\n");
  // AND so for a file that cannot be opened, with the folder still to be made
  const auto got = run({"--set", "sink.path=new", "--set", "lookup.values.dead_letter=none/x"});
  check_refused(got, "none/x: cannot be created");
  BOOST_TEST((folder.names() == before));
  BOOST_TEST(folder.read("bad.ndjson") == "{}\n");
}

BOOST_AUTO_TEST_CASE(a_file_for_dead_letters_belongs_to_one_run) {
  // GIVEN a run that has written a dead letter
  job_with_dead_letters("bad.ndjson");
  running_command first{folder.path(), {"run", "job.toml"}};
  first.feed("{}\n");
  first.wait_until([&] { return size("bad.ndjson") > 0; });
  const auto letter = folder.read("bad.ndjson");
  // WHEN a second one names the same file, THEN it is refused and the letter stays
  check_refused(run_into_folder({}), "bad.ndjson: is being written to by another run");
  BOOST_TEST(folder.names("out").empty());
  BOOST_TEST(first.finish().code == 0);
  BOOST_TEST(folder.read("bad.ndjson") == letter);
}

BOOST_AUTO_TEST_SUITE_END()
