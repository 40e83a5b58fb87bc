// SPDX-License-Identifier: Apache-2.0

#include "weir/output_folder.hpp"

#include "../support/memory_files.hpp"
#include "../support/temp_folder.hpp"
#include "posix_fixtures.hpp"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <sys/stat.h>
#include <vector>

namespace {

using names = std::set<std::string>;
using paths = std::vector<std::string>;

constexpr auto part_0 = "part-0000000001-0000.ndjson";
constexpr auto part_1 = "part-0000000001-0001.ndjson";
constexpr auto hidden_0 = ".part-0000000001-0000.ndjson";
constexpr auto of_checkpoints = ".part-0000000001-0000.ndjson.0123456789abcdef";

struct folder_fixture {
  weir::testing::temp_folder folder;

  folder_fixture() { std::filesystem::create_directory(folder.path("out")); }

  std::string out(std::string_view name = "") const {
    return folder.path(name.empty() ? "out" : "out/" + std::string{name});
  }

  void put(std::string_view name) const { folder.write("out/" + std::string{name}, "{}\n"); }

  /// The error's message; its kind and thing are as they must be.
  static std::string refusal(const std::string& path, bool force = false) {
    const auto state = weir::prepare_output_folder(path, force);
    if (state)
      return "was taken";
    BOOST_TEST(state.why().is(weir::error_kind::io));
    BOOST_TEST(state.why().thing().starts_with(path));
    return state.why().message();
  }
};

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(output_folder, folder_fixture)

BOOST_AUTO_TEST_CASE(a_folder_is_created_or_used) {
  for (const auto* path : {"new", "other/"}) {
    const auto state = weir::prepare_output_folder(folder.path(path), false);
    BOOST_TEST_REQUIRE(state.has_value());
    BOOST_TEST(state->created);
    BOOST_TEST(state->lock.holds());
    BOOST_TEST(std::filesystem::is_directory(folder.path(path)));
  }
  const auto again = weir::prepare_output_folder(folder.path("new"), false);
  BOOST_TEST_REQUIRE(again.has_value());
  BOOST_TEST(!again->created);
}

BOOST_AUTO_TEST_CASE(another_runs_parts_are_refused_and_nothing_is_removed) {
  put(part_0);
  put(part_1);
  put(hidden_0);
  const auto message = refusal(out());
  BOOST_TEST(contains(message, "2 part files of another run"));
  BOOST_TEST(contains(message, part_0));
  BOOST_TEST(contains(message, "let them be removed (remove_old_output)"));
  BOOST_TEST((folder.names("out") == names{part_0, part_1, hidden_0}));
}

BOOST_AUTO_TEST_CASE(force_removes_the_parts_and_nothing_else) {
  const names others{"part-1-1.ndjson",
                     "part-0000000001-0000.ndjson.bak",
                     "part-0000000001-00000.ndjson",
                     "part-000000000a-0000.ndjson",
                     "xpart-0000000001-0000.ndjson",
                     "..part-0000000001-0000.ndjson",
                     "Part-0000000001-0000.ndjson",
                     ".part-0000000001-0000.ndjson.swp",
                     "part-0000000001-0000.json",
                     ".hidden",
                     "notes.txt"};
  for (const auto& name : others)
    put(name);
  put(part_1);
  put("part-0000000042-0000.ndjson");
  put(hidden_0);
  const auto state = weir::prepare_output_folder(out(), true);
  BOOST_TEST_REQUIRE(state.has_value());
  BOOST_TEST((state->removed_parts == paths{out(part_1), out("part-0000000042-0000.ndjson")}));
  BOOST_TEST((state->removed_hidden == paths{out(hidden_0)}));
  BOOST_TEST((folder.names("out") == others));
}

BOOST_AUTO_TEST_CASE(a_dead_runs_hidden_parts_are_removed_and_named) {
  put(hidden_0);
  const auto state = weir::prepare_output_folder(out() + "/", false);
  BOOST_TEST_REQUIRE(state.has_value());
  BOOST_TEST((state->removed_hidden == paths{out(hidden_0)}));
  BOOST_TEST(state->removed_parts.empty());
  BOOST_TEST(folder.names("out").empty());
}

BOOST_AUTO_TEST_CASE(parts_that_a_run_with_checkpoints_is_to_show_are_not_a_dead_runs) {
  put(hidden_0);
  put(of_checkpoints);
  BOOST_TEST(refusal(out())
             == "holds 1 hidden part of a run with checkpoints, the first of them " + std::string{of_checkpoints}
                  + ", which that run shows when it goes on; let it go on first, choose another folder, or let "
                    "them be removed (remove_old_output)");
  BOOST_TEST((folder.names("out") == names{hidden_0, of_checkpoints}));
  const auto state = weir::prepare_output_folder(out(), true);
  BOOST_TEST_REQUIRE(state.has_value());
  BOOST_TEST((state->removed_hidden == paths{out(hidden_0)}));
  BOOST_TEST((state->removed_of_others == paths{out(of_checkpoints)}));
  BOOST_TEST(folder.names("out").empty());
}

// Else a run with checkpoints would go on beside what comes now.
BOOST_AUTO_TEST_CASE(the_note_of_a_run_with_checkpoints_goes_and_stays_where_the_folder_is_refused) {
  put(".part.run");
  put(part_0);
  BOOST_TEST(contains(refusal(out()), "1 part file of another run"));
  BOOST_TEST((folder.names("out") == names{".part.run", part_0}));
  BOOST_TEST(weir::prepare_output_folder(out(), true).has_value());
  BOOST_TEST(folder.names("out").empty());
  put(".part.run");
  BOOST_TEST(weir::prepare_output_folder(out(), false).has_value());
  BOOST_TEST(folder.names("out").empty());
}

// Else it would go on without what it has promised.
BOOST_AUTO_TEST_CASE(nothing_of_a_run_with_checkpoints_is_gone_while_its_note_is_there) {
  bool was_met = true;
  for (std::uint64_t n = 1; was_met; ++n)
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const auto files = std::make_shared<weir::testing::memory_files>();
      files->put_folder("out");
      files->put("out/.part.run", "0123456789abcdef\n");
      files->put(std::string{"out/"} + of_checkpoints, "{}\n");
      files->put(std::string{"out/"} + part_1, "{}\n");
      files->stop_at_call(n);
      const auto state = weir::prepare_output_folder("out", true, files);
      was_met = files->was_met();
      BOOST_TEST((state.has_value() || was_met));
      files->lose_power(seed);
      const bool is_whole = files->has(std::string{"out/"} + of_checkpoints)
                            && files->has(std::string{"out/"} + part_1);
      BOOST_TEST((is_whole || !files->has("out/.part.run")), "call " << n << ", seed " << seed);
    }
}

BOOST_AUTO_TEST_CASE(a_second_run_is_refused_while_the_first_holds_the_folder) {
  {
    const auto first = weir::prepare_output_folder(out(), false);
    BOOST_TEST_REQUIRE(first.has_value());
    put(hidden_0);
    BOOST_TEST(contains(refusal(out(), true), "by another run"));
    BOOST_TEST((folder.names("out") == names{hidden_0}));
  }
  BOOST_TEST(weir::prepare_output_folder(out(), false).has_value());
}

BOOST_AUTO_TEST_CASE(the_lock_goes_along_when_moved) {
  weir::output_folder_lock held;
  {
    auto state = weir::prepare_output_folder(out(), false);
    BOOST_TEST_REQUIRE(state.has_value());
    held = std::move(state->lock);
  }
  BOOST_TEST(contains(refusal(out()), "by another run"));
  held = {};
  BOOST_TEST(weir::prepare_output_folder(out(), false).has_value());
}

BOOST_AUTO_TEST_CASE(what_cannot_be_a_folder_is_named) {
  BOOST_TEST(contains(refusal(folder.path("none/out")), "parent folder is missing"));
  const auto file = folder.write("file", "");
  BOOST_TEST(contains(refusal(file), "is a file"));
  BOOST_TEST(contains(refusal(file + "/out"), "Not a directory"));
  BOOST_TEST(contains(refusal(folder.path(std::string(300, 'x'))), "too long"));
}

BOOST_AUTO_TEST_CASE(a_folder_that_bears_a_parts_name_is_left_alone) {
  std::filesystem::create_directory(out(part_0));
  BOOST_TEST(contains(refusal(out(), true), "is no file"));
  BOOST_TEST((folder.names("out") == names{part_0}));
}

BOOST_AUTO_TEST_CASE(where_one_part_cannot_be_removed_none_is) {
  put(part_0);
  std::filesystem::create_directory(out(part_1));
  put(hidden_0);
  BOOST_TEST(contains(refusal(out(), true), "is no file"));
  BOOST_TEST((folder.names("out") == names{part_0, part_1, hidden_0}));
}

BOOST_AUTO_TEST_CASE(a_part_that_the_run_uses_is_refused_and_nothing_is_removed) {
  put(part_0);
  put(part_1);
  put(hidden_0);
  std::filesystem::create_symlink(out(part_1), folder.path("link"));
  std::filesystem::create_hard_link(out(hidden_0), folder.path("other-name"));
  for (const auto* used : {"link", "other-name"}) {
    auto claimed = weir::claim_output_folder(out());
    BOOST_TEST_REQUIRE(claimed.has_value());
    const auto ok = clear_output_folder(
      *claimed, true, {{folder.path("none"), "nothing"}, {folder.path(used), "the input"}});
    BOOST_TEST_REQUIRE(!ok.has_value());
    BOOST_TEST(ok.why().thing() == out(used == std::string{"link"} ? part_1 : hidden_0));
    BOOST_TEST(contains(ok.why().message(), "is the input"), ok.why().message());
    BOOST_TEST((folder.names("out") == names{part_0, part_1, hidden_0}));
    // Who leaves the removing to others asks for the same.
    const auto checked = check_output_folder(*claimed, {{folder.path(used), "the input"}});
    BOOST_TEST_REQUIRE(!checked.has_value());
    BOOST_TEST((checked.why() == ok.why()));
    BOOST_TEST(check_output_folder(*claimed, {{folder.path("none"), "nothing"}}).has_value());
    BOOST_TEST((folder.names("out") == names{part_0, part_1, hidden_0}));
  }
}

BOOST_AUTO_TEST_CASE(a_folder_that_was_made_goes_with_a_claim_that_came_to_nothing) {
  const auto path = folder.path("new");
  BOOST_TEST(weir::claim_output_folder(path).has_value());
  BOOST_TEST(!std::filesystem::exists(path));
  {
    auto claimed = weir::claim_output_folder(path);
    BOOST_TEST_REQUIRE(claimed.has_value());
    BOOST_TEST(clear_output_folder(*claimed, false).has_value());
  }
  BOOST_TEST(std::filesystem::exists(path));
  // One that was there stays in any case.
  BOOST_TEST(weir::claim_output_folder(path).has_value());
  BOOST_TEST(std::filesystem::exists(path));
}

BOOST_AUTO_TEST_CASE(a_claimed_folder_survives_a_loss_of_power_whoever_has_made_it) {
  const auto files = std::make_shared<weir::testing::memory_files>();
  // GIVEN a folder that a run has made which died at once
  files->stop_at_call(2);
  BOOST_TEST(!weir::claim_output_folder("out", files).has_value());
  files->end_process();
  BOOST_TEST_REQUIRE(files->has("out"));
  {
    auto claimed = weir::prepare_output_folder("out", false, files);
    BOOST_TEST_REQUIRE(claimed.has_value());
    BOOST_TEST(!claimed->created);
  }
  files->lose_power(0);
  BOOST_TEST(files->has("out"));
}

BOOST_AUTO_TEST_CASE(what_was_removed_stays_away_over_a_loss_of_power) {
  const auto files = std::make_shared<weir::testing::memory_files>();
  for (const std::string name : {part_0, part_1, hidden_0})
    files->put("out/" + name, "{}\n");
  BOOST_TEST(weir::prepare_output_folder("out", true, files).has_value());
  files->lose_power(0);
  BOOST_TEST(files->names("out").empty());
}

// Between its opening and its lock another run, which had made it, comes to nothing.
BOOST_AUTO_TEST_CASE(a_folder_that_was_taken_away_meanwhile_is_refused) {
  const auto files = std::make_shared<weir::testing::memory_files>();
  files->before_call(3, [&] {
    const auto root = weir::open_file(files, AT_FDCWD, "/", O_RDONLY | O_DIRECTORY);
    BOOST_TEST(files->remove_folder(root.fd.get(), "out") == 0);
  });
  const auto second = weir::claim_output_folder("out", files);
  BOOST_TEST_REQUIRE(!second.has_value());
  BOOST_TEST(contains(second.why().message(), "start again"));
  BOOST_TEST(weir::claim_output_folder("out", files).has_value());
}

BOOST_AUTO_TEST_CASE(whatever_call_of_a_claim_fails_it_is_told) {
  for (std::uint64_t n = 1, met = 1; met != 0; ++n) {
    const auto files = std::make_shared<weir::testing::memory_files>();
    files->fail_call(n, EIO);
    {
      const auto claimed = weir::claim_output_folder("out", files);
      met = files->was_met() ? 1 : 0;
      const auto said = files->transcript();
      // A file system without locks holds nothing back; a folder that was synced may fail to close.
      BOOST_TEST((!claimed.has_value() || met == 0
                  || said.find("lock out: ") != std::string::npos
                  || said.find("close /: ") != std::string::npos),
                 said);
      files->heal();
    }
    BOOST_TEST(files->open_files() == 0u);
  }
}

BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_written_to_is_refused) {
  BOOST_TEST_REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
  BOOST_TEST_REQUIRE(::chmod(out().c_str(), 0555) == 0);
  const weir::testing::without_root_rights rights;
  BOOST_TEST(contains(refusal(out()), "cannot be written to: Permission denied"));
  BOOST_TEST(contains(refusal(out("deeper")), "cannot be created: Permission denied"));
}

BOOST_AUTO_TEST_CASE(a_parts_name_is_known) {
  BOOST_TEST(weir::is_part_file_name(part_0));
  BOOST_TEST(weir::is_part_file_name(hidden_0));
  BOOST_TEST(weir::is_part_file_name(of_checkpoints));
  for (const auto* other :
       {"", ".", "..part-0000000001-0000.ndjson", "part-1-1.ndjson", "part-0000000001-0000.ndjson.0123456789abcdef",
        ".part-0000000001-0000.ndjson.0123456789abcde", ".part-0000000001-0000.ndjson.0123456789abcdeX",
        ".part-0000000001-0000.ndjson.0123456789ABCDEF", ".0123456789abcdef", "..0123456789abcdef",
        ".part-0000000001-0000.0123456789abcdef"})
    BOOST_TEST(!weir::is_part_file_name(other), other);
}

BOOST_AUTO_TEST_CASE(parts_have_names_that_sort) {
  BOOST_TEST(weir::part_file_name(1, 0) == part_0);
  BOOST_TEST(weir::part_file_name(9'999'999'999, 9'999) == "part-9999999999-9999.ndjson");
}

BOOST_AUTO_TEST_SUITE_END()
