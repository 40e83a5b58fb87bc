// SPDX-License-Identifier: Apache-2.0

#include "weir/dead_letter_file.hpp"

#include "../support/memory_files.hpp"
#include "../support/temp_folder.hpp"
#include "posix_fixtures.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using letter = weir::dead_letter<weir::json_record>;

letter letter_of(std::string raw, std::uint64_t line) {
  return {{std::move(raw), ",\"added\":1", line},
          {"timeout_error", "airports", "took longer than 1 s"},
          2,
          {1500us, 1s}};
}

struct file_fixture {
  weir::testing::temp_folder folder;

  std::shared_ptr<weir::dead_letter_file> create(std::string_view name = "dead.ndjson") {
    auto file = weir::dead_letter_file::create(folder.path(name));
    BOOST_TEST_REQUIRE(file.has_value());
    return *file;
  }
};

std::string refusal(const std::string& path) {
  const auto file = weir::dead_letter_file::create(path);
  return file ? "was created" : file.why().text();
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(dead_letter_file, file_fixture)

BOOST_AUTO_TEST_CASE(a_line_says_everything_about_the_record) {
  std::string line;
  append_dead_letter(line, letter_of("{\"iata\": \"DTW\"}", 17), "origin", "flights.ndjson", 1234);
  BOOST_TEST(
    line
    == R"({"record":"{\"iata\": \"DTW\"}","error":"timeout_error",)"
       R"("message":"airports: took longer than 1 s","attempts":2,"durations_ms":[1.5,1000],)"
       R"("stage":"origin","file":"flights.ndjson","line":17,"offset":1234})"
       "\n");
}

BOOST_AUTO_TEST_CASE(any_record_is_a_line_of_json) {
  std::string line;
  const letter bad{{"[\xff\"\x01", {}, 3}, {"bad_record", "", "is not UTF-8"}, 0, {}};
  append_dead_letter(line, bad, "so\"urce", "a\\b", 9);
  BOOST_TEST(std::count(line.begin(), line.end(), '\n') == 1);
  const auto read = nlohmann::json::parse(line);
  BOOST_TEST(read["record"] == "[\xef\xbf\xbd\"\x01");
  BOOST_TEST(read["message"] == "is not UTF-8");
  BOOST_TEST(read["durations_ms"].empty());
  BOOST_TEST(read["stage"] == "so\"urce");
  BOOST_TEST(read["file"] == "a\\b");
}

BOOST_AUTO_TEST_CASE(a_sink_writes_its_batches_with_their_offsets) {
  const auto file = create();
  weir::dead_letter_sink sink{file, "origin", "in.ndjson"};
  weir::batch<letter> in;
  for (std::uint64_t i = 0; i < 5; ++i)
    in.append(letter_of("{}", i + 1), {}, {100 * i, 0, 0});
  std::size_t next = 1;
  BOOST_TEST(sink.write(in, next, 3).has_value());
  BOOST_TEST(next == 3u);
  BOOST_TEST(sink.write(in, next, 4).has_value());
  BOOST_TEST(sink.prepare(1, true).has_value());
  BOOST_TEST(sink.commit(1).has_value());
  std::istringstream lines{folder.read("dead.ndjson")};
  std::string line;
  for (std::uint64_t i = 1; i < 4; ++i) {
    BOOST_TEST_REQUIRE(!std::getline(lines, line).fail());
    const auto read = nlohmann::json::parse(line);
    BOOST_TEST(read["line"] == i + 1);
    BOOST_TEST(read["offset"] == 100 * i);
  }
  BOOST_TEST(std::getline(lines, line).fail());
}

BOOST_AUTO_TEST_CASE(a_job_that_starts_again_has_written_nothing) {
  const auto letters = create();
  const auto bad_records = create("bad.ndjson");
  BOOST_TEST(letters->append("of the launch that failed\n").has_value());
  BOOST_TEST(bad_records->append("of the launch that failed\n").has_value());
  weir::dead_letter_sink sink{letters, "origin", "in.ndjson", bad_records};
  BOOST_TEST(sink.recover({})->empty());
  BOOST_TEST(folder.read("dead.ndjson") == "");
  BOOST_TEST(folder.read("bad.ndjson") == "");
  BOOST_TEST(letters->append("of the next\n").has_value());
  BOOST_TEST(folder.read("dead.ndjson") == "of the next\n");
}

BOOST_AUTO_TEST_CASE(a_run_begins_with_an_empty_file) {
  folder.write("dead.ndjson", "from before\n");
  const auto file = create();
  BOOST_TEST(folder.read("dead.ndjson") == "");
  BOOST_TEST(file->path() == folder.path("dead.ndjson"));
}

// The results of the job are, with their names, when it says that it is done.
BOOST_AUTO_TEST_CASE(what_was_synced_survives_a_loss_of_power_with_its_name) {
  for (std::uint64_t n = 1, met = 1; met != 0; ++n) {
    const auto files = std::make_shared<weir::testing::memory_files>();
    files->put_folder("out");
    auto file = weir::dead_letter_file::create("out/dead.ndjson", files);
    BOOST_TEST_REQUIRE(file.has_value());
    BOOST_TEST((*file)->append("one\n").has_value());
    files->fail_call(n, EIO);
    const bool synced = (*file)->sync().has_value();
    met = files->was_met() ? 1 : 0;
    files->heal();
    file = std::shared_ptr<weir::dead_letter_file>{};
    BOOST_TEST(files->open_files() == 0u);
    files->lose_power(0);
    // A look that fails says nothing of the disk.
    if (met == 0)
      BOOST_TEST((synced && files->text("out/dead.ndjson") == "one\n"));
  }
}

BOOST_AUTO_TEST_CASE(a_file_that_was_opened_is_as_before_until_it_is_cleared) {
  folder.write("dead.ndjson", "from before\n");
  const auto path = folder.path("dead.ndjson");
  BOOST_TEST(weir::dead_letter_file::open(path).has_value());
  BOOST_TEST(folder.read("dead.ndjson") == "from before\n");
  BOOST_TEST((*weir::dead_letter_file::open(path))->clear().has_value());
  BOOST_TEST(folder.read("dead.ndjson") == "");
}

BOOST_AUTO_TEST_CASE(a_file_that_was_created_goes_again_unless_a_run_began) {
  std::filesystem::create_symlink("dead.ndjson", folder.path("link"));
  for (const auto* name : {"dead.ndjson", "link"}) {
    BOOST_TEST(weir::dead_letter_file::open(folder.path(name)).has_value());
    BOOST_TEST((folder.names() == std::set<std::string>{"link"}));
  }
  create();
  BOOST_TEST((folder.names() == std::set<std::string>{"link", "dead.ndjson"}));
}

BOOST_AUTO_TEST_CASE(a_second_run_is_refused_and_does_not_empty_the_file) {
  auto first = create();
  BOOST_TEST(first->append("one\n").has_value());
  BOOST_TEST(refusal(first->path())
             == first->path()
                  + ": is being written to by another run; wait for its end, or name another file"
                    " (io)");
  BOOST_TEST(folder.read("dead.ndjson") == "one\n");
  first.reset();
  BOOST_TEST(refusal(folder.path("dead.ndjson")) == "was created");
}

BOOST_AUTO_TEST_CASE(any_number_of_runs_write_to_a_device) {
  const auto first = weir::dead_letter_file::create("/dev/null");
  BOOST_TEST(first.has_value());
  BOOST_TEST(refusal("/dev/null") == "was created");
}

BOOST_AUTO_TEST_CASE(lines_of_several_threads_do_not_mix) {
  const auto file = create();
  {
    std::vector<std::jthread> writers;
    for (char c : {'a', 'b', 'c', 'd'})
      writers.emplace_back([&file, c] {
        weir::dead_letter_sink sink{file, std::string(1, c), "in"};
        weir::batch<letter> in;
        for (int i = 0; i < 100; ++i)
          in.append(letter_of(std::string(100, c), 1), {}, {});
        for (std::size_t next = 0; next < 100;)
          if (!sink.write(in, next, next + 10))
            return;
      });
  }
  std::istringstream lines{folder.read("dead.ndjson")};
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const auto read = nlohmann::json::parse(line);
    BOOST_TEST_REQUIRE(read["record"].get<std::string>()
                       == std::string(100, read["stage"].get<std::string>()[0]));
  }
  BOOST_TEST(count == 400u);
}

BOOST_AUTO_TEST_CASE(a_full_disk_leaves_whole_lines) {
  const auto file = create();
  BOOST_TEST(file->append("one\ntwo\n").has_value());
  {
    const weir::testing::file_size_limit limit{15};
    const auto appended = file->append("three\nfour\n");
    BOOST_TEST_REQUIRE(!appended.has_value());
    BOOST_TEST(appended.why().is(weir::error_kind::io));
    BOOST_TEST(appended.why().thing() == file->path());
  }
  BOOST_TEST(folder.read("dead.ndjson") == "one\ntwo\nthree\n");
  BOOST_TEST(file->append("five\n").has_value());
  BOOST_TEST(folder.read("dead.ndjson") == "one\ntwo\nthree\nfive\n");
}

BOOST_AUTO_TEST_CASE(a_device_that_is_full_fails_the_sink) {
  auto file = weir::dead_letter_file::create("/dev/full");
  BOOST_TEST_REQUIRE(file.has_value());
  weir::dead_letter_sink sink{*file, "origin", "in"};
  weir::batch<letter> in;
  in.append(letter_of("{}", 1), {}, {});
  std::size_t next = 0;
  const auto written = sink.write(in, next, 1);
  BOOST_TEST_REQUIRE(!written.has_value());
  BOOST_TEST(written.why().text()
             == "/dev/full: cannot be written: No space left on device; free some space, or choose "
                "another place (io)");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_the_file_is_named) {
  BOOST_TEST(refusal(folder.path()).find("Is a directory") != std::string::npos);
  BOOST_TEST(refusal(folder.path("none/dead")).find("No such file") != std::string::npos);
  const auto fifo = folder.path("fifo");
  BOOST_TEST_REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  BOOST_TEST(refusal(fifo).starts_with(fifo + ": "));
  BOOST_TEST_REQUIRE(::chmod(folder.path().c_str(), 0555) == 0);
  const weir::testing::without_root_rights rights;
  BOOST_TEST(refusal(folder.path("dead")).find("Permission denied; give this user")
             != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
