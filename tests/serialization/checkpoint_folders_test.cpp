// SPDX-License-Identifier: Apache-2.0

// Looking at the checkpoints of a store from outside.

#include "weir/checkpoint_folders.hpp"

#include "weir/directory_store.hpp"

#include "../support/allocations.hpp"
#include "../support/memory_files.hpp"
#include "../support/temp_folder.hpp"
#include "store_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace {

struct folders_fixture : weir::testing::store_fixture {
  std::shared_ptr<weir::testing::memory_files> files
    = std::make_shared<weir::testing::memory_files>();

  folders_fixture() {
    store = weir::directory_store("cp", files);
    BOOST_TEST_REQUIRE(store->claim("flights").has_value());
  }

  /// The paths of all that are found, each with a space behind it, and of what was not looked at; or
  /// the error.
  std::string found(const std::string& path) const {
    const auto found = weir::find_checkpoint_folders(path, files);
    if (!found)
      return found.why().text();
    std::string text;
    for (const auto& each : found->all)
      text += each.path + " ";
    for (const auto& each : found->not_read)
      text += "[not read: " + each.text() + "] ";
    for (const auto& each : found->passed_over)
      text += "[passed over: " + each.text() + "] ";
    return text;
  }

  /// As `found` where the first call of this kind fails.
  std::string found_where_fails(const std::string& call, int code) const {
    files->forget_transcript();
    static_cast<void>(found("cp"));
    const auto said = files->transcript();
    const auto before = std::string_view{said}.substr(0, said.find(call + "\n"));
    files->fail_call(1 + static_cast<std::uint64_t>(std::count(before.begin(), before.end(), '\n')),
                     code);
    auto text = found("cp");
    BOOST_TEST(files->was_met());
    BOOST_TEST(files->transcript().find(call + ": ") != std::string::npos);
    files->heal();
    return text;
  }

  /// As `cp -a`.
  void copy_folder(const std::string& from, const std::string& to) const {
    files->put_folder(to);
    for (const auto& name : files->names(from)) {
      const auto path = from + "/" + name;
      if (name == "MANIFEST" || name.ends_with(".state"))
        files->put(to + "/" + name, files->text(path));
      else
        copy_folder(path, to + "/" + name);
    }
  }

  /// What verifying says, and a start that loads the checkpoint.
  void check_that_both_refuse(const std::string& path, std::uint64_t run,
                              const std::string& why) const {
    BOOST_TEST(verified(path) == why);
    const auto loaded = store->load(run, 17);
    BOOST_TEST_REQUIRE(!loaded.has_value());
    BOOST_TEST(loaded.why().text() == why);
  }

  std::string verified(const std::string& path) const {
    const auto found = weir::find_checkpoint_folders(path, files);
    BOOST_TEST_REQUIRE((found && found->all.size() == 1));
    const auto about = weir::verify_checkpoint(found->all.front(), files);
    if (!about)
      return about.why().text();
    return *about ? "sound" : "gone";
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(checkpoint_folders, folders_fixture)

BOOST_AUTO_TEST_CASE(a_folder_at_every_level_leads_to_its_checkpoints) {
  write(0);
  write(2);
  write(10);
  write(1, 3);
  const std::string first = "cp/flights/run-0000000001";
  const std::string of_first
    = first + "/chk-0000000000 " + first + "/chk-0000000002 " + first + "/chk-0000000010 ";
  const std::string third = "cp/flights/run-0000000003/chk-0000000001";
  BOOST_TEST(found("cp") == of_first + third + " ");
  BOOST_TEST(found("cp/flights") == of_first + third + " ");
  BOOST_TEST(found(first) == of_first);
  BOOST_TEST(found(third) == third + " ");
}

BOOST_AUTO_TEST_CASE(a_job_that_has_only_begun_has_none) {
  BOOST_TEST(found("cp") == "");
}

BOOST_AUTO_TEST_CASE(what_is_being_written_or_was_set_aside_is_none) {
  write(1);
  write(2);
  BOOST_TEST_REQUIRE(store->set_aside(1, 2).has_value());
  files->put_folder("cp/flights/run-0000000001/chk-0000000003.tmp");
  BOOST_TEST(found("cp") == "cp/flights/run-0000000001/chk-0000000001 ");
}

BOOST_AUTO_TEST_CASE(another_folder_is_refused) {
  files->put_folder("other/folder");
  BOOST_TEST(found("other").starts_with("other: is no folder of checkpoints"));
  BOOST_TEST(found("none").starts_with("none: cannot be opened"));
}

// -- what may not be looked into --

BOOST_AUTO_TEST_CASE(a_folder_without_rights_beside_jobs_is_passed_over) {
  write(1);
  files->put_folder("cp/another's");
  files->put_folder("cp/lost+found");
  const std::string all = "cp/flights/run-0000000001/chk-0000000001 ";
  BOOST_TEST(found("cp") == all);
  for (const std::string folder : {"cp/another's", "cp/lost+found"})
    for (const std::string call : {"about ", "resolve ", "open ", "list "})
      BOOST_TEST(found_where_fails(call + folder, EACCES)
                   .starts_with(all + "[passed over: " + folder + ": cannot be "),
                 call);
  BOOST_TEST(found_where_fails("open cp/lost+found", EACCES)
             == all
                  + "[passed over: cp/lost+found: cannot be opened: Permission denied; give this "
                    "user the right to it, or choose another place (io)] ");
}

BOOST_AUTO_TEST_CASE(what_is_no_matter_of_rights_beside_jobs_is_not_passed_over) {
  write(1);
  files->put_folder("cp/another's");
  BOOST_TEST(
    found_where_fails("list cp/another's", EIO)
      .starts_with("cp/flights/run-0000000001/chk-0000000001 [not read: cp/another's: cannot be"));
}

BOOST_AUTO_TEST_CASE(a_folder_of_checkpoints_that_cannot_be_read_hides_no_other_one) {
  write(1);
  write(2, 3);
  const std::string first = "cp/flights/run-0000000001/chk-0000000001 ";
  const std::string third = "cp/flights/run-0000000003/chk-0000000002 ";
  for (const int code : {EACCES, EIO})
    for (const std::string call : {"resolve ", "open ", "list "}) {
      BOOST_TEST(found_where_fails(call + "cp/flights/run-0000000001", code)
                   .starts_with(third + "[not read: cp/flights/run-0000000001: cannot be "));
      BOOST_TEST(found_where_fails(call + "cp/flights/run-0000000003", code)
                   .starts_with(first + "[not read: cp/flights/run-0000000003: cannot be "));
    }
}

BOOST_AUTO_TEST_CASE(where_no_job_is_found_what_was_not_looked_into_is_the_error) {
  BOOST_TEST(found_where_fails("open cp/flights", EACCES)
               .starts_with("cp/flights: cannot be opened: Permission denied"));
}

BOOST_AUTO_TEST_CASE(whatever_call_fails_nothing_that_is_missing_goes_unsaid) {
  write(1);
  write(2, 3);
  files->put_folder("cp/another's");
  const auto all = found("cp");
  for (std::uint64_t n = 1, met = 1; met != 0; ++n) {
    files->fail_call(n, EACCES);
    const auto text = found("cp");
    met = files->was_met() ? 1 : 0;
    files->heal();
    BOOST_TEST((text == all || text.find("Permission denied") != std::string::npos), text);
  }
}

BOOST_AUTO_TEST_CASE(a_checkpoint_says_what_it_is) {
  write(17);
  const auto found = weir::find_checkpoint_folders("cp", files);
  const auto about = weir::read_checkpoint_manifest(found->all.front(), files);
  BOOST_TEST_REQUIRE((about && *about));
  BOOST_TEST((*about)->checkpoint == 17u);
  BOOST_TEST((*about)->job == "flights");
  BOOST_TEST(weir::state_bytes_of(**about) > 70'000u);
}

BOOST_AUTO_TEST_CASE(every_flipped_byte_of_every_file_is_noticed) {
  write(17);
  const std::string folder = "cp/flights/run-0000000001/chk-0000000017";
  BOOST_TEST(verified(folder) == "sound");
  for (const auto& name : files->names(folder)) {
    const auto path = folder + "/" + name;
    const auto sound = files->text(path);
    for (std::size_t i = 0; i < sound.size(); i += 1 + sound.size() / 50) {
      auto damaged = sound;
      damaged[i] = static_cast<char>(damaged[i] ^ 4);
      files->put(path, damaged);
      BOOST_TEST(verified(folder).starts_with(path + ": "), name << " byte " << i);
    }
    files->put(path, sound);
  }
  BOOST_TEST(verified(folder) == "sound");
}

// -- what is whole, and refused by a start --

BOOST_AUTO_TEST_CASE(a_copy_of_a_run_is_not_sound) {
  write(17);
  copy_folder("cp/flights/run-0000000001", "cp/flights/run-0000000002");
  const std::string copy = "cp/flights/run-0000000002/chk-0000000017";
  check_that_both_refuse(copy, 2,
                         copy
                           + "/MANIFEST: is of the job flights, run 1, and does not belong here "
                             "(damaged)");
  BOOST_TEST(verified("cp/flights/run-0000000001") == "sound");
}

BOOST_AUTO_TEST_CASE(a_job_whose_folder_was_renamed_is_not_sound) {
  write(17);
  store.reset();
  BOOST_TEST_REQUIRE(files->rename(AT_FDCWD, "cp/flights", AT_FDCWD, "cp/trains", false) == 0);
  store = weir::directory_store("cp", files);
  BOOST_TEST_REQUIRE(store->claim("trains").has_value());
  check_that_both_refuse("cp/trains/run-0000000001/chk-0000000017", 1,
                         "cp/trains/run-0000000001/chk-0000000017/MANIFEST: is of the job flights, "
                         "run 1, and does not belong here (damaged)");
}

BOOST_AUTO_TEST_CASE(a_state_of_an_instance_that_its_stage_does_not_have_is_not_sound) {
  auto what = checkpoint(1, 17);
  what.states[1].instance = 3;
  BOOST_TEST_REQUIRE(store->write(what).has_value());
  check_that_both_refuse("cp/flights/run-0000000001", 1,
                         "cp/flights/run-0000000001/chk-0000000017/origin.state: has a state of "
                         "instance 3, which its stage does not have (damaged)");
}

BOOST_AUTO_TEST_CASE(a_job_whose_name_is_written_otherwise_in_its_folders_is_sound) {
  store = weir::directory_store("cp", files);
  BOOST_TEST_REQUIRE(store->claim("a/b").has_value());
  auto what = checkpoint(1, 17);
  what.about.job = "a/b";
  BOOST_TEST_REQUIRE(store->write(what).has_value());
  BOOST_TEST(verified("cp/a%2Fb") == "sound");
}

BOOST_AUTO_TEST_CASE(a_checkpoint_is_sound_by_whatever_path) {
  const weir::testing::temp_folder folder;
  store = weir::directory_store(folder.path("cp"));
  BOOST_TEST_REQUIRE(store->claim("flights").has_value());
  write(17);
  const auto before = std::filesystem::current_path();
  const auto sound = [&](const std::string& path) {
    const auto found = weir::find_checkpoint_folders(path);
    BOOST_TEST_REQUIRE((found && found->all.size() == 1));
    const auto about = weir::verify_checkpoint(found->all.front());
    return about ? std::string{"sound"} : about.why().text();
  };
  // GIVEN a job that lies elsewhere, and links to its run and to its checkpoint
  std::filesystem::rename(folder.path("cp/flights"), folder.path("elsewhere"));
  std::filesystem::create_directory_symlink(folder.path("elsewhere"), folder.path("cp/flights"));
  // THEN it is the job of this name, as it is for a start
  for (const std::string path : {"cp", "cp/", "cp/flights", "cp/flights/run-0000000001",
                                 "cp/flights/run-0000000001/chk-0000000017/"})
    BOOST_TEST(sound(folder.path(path)) == "sound", path);
  std::filesystem::remove(folder.path("cp/flights"));
  std::filesystem::rename(folder.path("elsewhere"), folder.path("cp/flights"));
  const auto run_1 = folder.path("cp/flights/run-0000000001");
  std::filesystem::create_directory_symlink(run_1, folder.path("run"));
  std::filesystem::create_directory_symlink(run_1 + "/chk-0000000017", folder.path("checkpoint"));
  BOOST_TEST(sound(folder.path("run")) == "sound");
  BOOST_TEST(sound(folder.path("checkpoint")) == "sound");
  for (const std::string in : {"", "cp", "cp/flights", "cp/flights/run-0000000001",
                               "cp/flights/run-0000000001/chk-0000000017"}) {
    std::filesystem::current_path(folder.path(in));
    BOOST_TEST(sound(in.empty() ? "cp" : ".") == "sound", in);
  }
  BOOST_TEST(sound("..") == "sound");
  BOOST_TEST(sound("../../../../run") == "sound");
  std::filesystem::current_path(before);
  // A checkpoint that was copied somewhere for itself is of no run there.
  std::filesystem::create_directory(folder.path("copy"));
  std::filesystem::rename(run_1 + "/chk-0000000017", folder.path("copy/chk-0000000017"));
  BOOST_TEST(sound(folder.path("copy/chk-0000000017")) == "sound");
}

// -- large states --

BOOST_AUTO_TEST_CASE(a_large_state_is_not_held_in_memory) {
  constexpr std::ptrdiff_t mib = 1024 * 1024;
  auto what = checkpoint(1, 17);
  what.states[1].bytes = blocks_of(std::string(8 * mib, 'x'));
  BOOST_TEST_REQUIRE(store->write(what).has_value());
  what.states.clear();
  weir::testing::most_allocated_bytes();
  const auto before = weir::testing::allocated_bytes();
  BOOST_TEST(verified("cp/flights") == "sound");
  BOOST_TEST(weir::testing::most_allocated_bytes() - before < 2 * mib);
}

BOOST_AUTO_TEST_CASE(a_damage_is_named_as_where_the_file_is_held_as_a_whole) {
  auto what = checkpoint(1, 17);
  std::string state(3'000'000, ' ');
  for (std::size_t i = 0; i < state.size(); ++i)
    state[i] = static_cast<char>('a' + i * i % 23);
  what.states[1].bytes = blocks_of(state);
  BOOST_TEST_REQUIRE(store->write(what).has_value());
  const std::string path = "cp/flights/run-0000000001/chk-0000000017/origin.state";
  const auto sound = files->text(path);
  const auto folder
    = weir::open_file(files, AT_FDCWD, "cp/flights/run-0000000001/chk-0000000017", O_RDONLY).fd;
  const auto check = [&](const std::string& bytes) {
    files->put(path, bytes);
    const auto whole = weir::block_file::read(
      files, folder.get(), "origin.state", path,
      {weir::block_file_kind::state, what.about.run, 17, "origin"}, what.about.files[0].sums);
    BOOST_TEST(verified("cp/flights") == (whole ? "sound" : whole.why().text()));
    return whole.has_value();
  };
  BOOST_TEST(check(sound));
  for (std::size_t i = 0; i < sound.size(); i += 1 + sound.size() / 40) {
    auto other = sound;
    other[i] = static_cast<char>(other[i] ^ 4);
    BOOST_TEST(!check(other));
    BOOST_TEST(!check(sound.substr(0, i)));
  }
  for (std::size_t less = 1; less <= 40; ++less)
    BOOST_TEST(!check(sound.substr(0, sound.size() - less)));
  BOOST_TEST(!check(sound + "x"));
  BOOST_TEST(!check(sound + sound));
}

BOOST_AUTO_TEST_CASE(what_was_taken_away_meanwhile_is_gone_and_no_damage) {
  write(1);
  const auto found = weir::find_checkpoint_folders("cp", files);
  BOOST_TEST_REQUIRE(store->remove(1, 1).has_value());
  const auto about = weir::verify_checkpoint(found->all.front(), files);
  BOOST_TEST_REQUIRE(about.has_value());
  BOOST_TEST(!about->has_value());
}

BOOST_AUTO_TEST_SUITE_END()
