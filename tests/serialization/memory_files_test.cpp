// SPDX-License-Identifier: Apache-2.0

#include "../support/memory_files.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <set>
#include <string>
#include <string_view>

namespace {

using names = std::set<std::string>;

constexpr std::uint64_t nothing_stays = 0;
constexpr std::uint64_t all_stays = 1;
constexpr std::uint64_t first_by_chance = 2;
constexpr std::uint64_t seeds = 64;

struct memory_fixture {
  std::shared_ptr<weir::testing::memory_files> files
    = std::make_shared<weir::testing::memory_files>();

  weir::owned_fd open(const std::string& path, int flags) const {
    auto opened = weir::open_file(files, AT_FDCWD, path, flags);
    BOOST_TEST_REQUIRE(opened.code == 0);
    return std::move(opened.fd);
  }

  weir::owned_fd create(const std::string& path, std::string_view text) const {
    auto file = open(path, O_WRONLY | O_CREAT | O_EXCL);
    write(file, text);
    return file;
  }

  static void write(const weir::owned_fd& file, std::string_view text) {
    std::size_t written = 0;
    BOOST_TEST(write_all(file.on(), file.get(), text, written) == 0);
  }

  void sync_folder(const std::string& path = "/") const {
    const auto folder = open(path, O_RDONLY | O_DIRECTORY);
    BOOST_TEST(files->sync(folder.get()) == 0);
  }

  /// A fresh file system for each of some seeds.
  template <class F>
  void for_each_seed(F test) {
    for (auto seed = first_by_chance; seed < first_by_chance + seeds; ++seed) {
      files = std::make_shared<weir::testing::memory_files>();
      test(seed);
    }
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(memory_files, memory_fixture)

BOOST_AUTO_TEST_CASE(what_is_synced_with_its_folder_survives) {
  for_each_seed([&](std::uint64_t seed) {
    const auto file = create("a", "one");
    BOOST_TEST(files->sync(file.get()) == 0);
    sync_folder();
    files->lose_power(seed);
    BOOST_TEST(files->text("a") == "one");
  });
}

BOOST_AUTO_TEST_CASE(what_is_not_synced_may_go) {
  create("a", "one");
  files->lose_power(nothing_stays);
  BOOST_TEST((files->names() == names{}));
  create("a", "one");
  files->lose_power(all_stays);
  BOOST_TEST(files->text("a") == "one");
}

BOOST_AUTO_TEST_CASE(a_name_without_its_bytes_and_bytes_without_their_name_both_happen) {
  const auto synced = create("bytes", "one");
  BOOST_TEST(files->sync(synced.get()) == 0);
  files->lose_power(nothing_stays);
  BOOST_TEST((files->names() == names{}));
  create("name", "one");
  sync_folder();
  files->lose_power(nothing_stays);
  BOOST_TEST(files->text("name") == "");
}

BOOST_AUTO_TEST_CASE(a_rename_without_a_sync_of_the_folder_may_go_either_way) {
  std::set<names> seen;
  for_each_seed([&](std::uint64_t seed) {
    files->put("old", "new bytes");
    files->put("target", "old bytes");
    BOOST_TEST(files->rename(AT_FDCWD, "old", AT_FDCWD, "target", true) == 0);
    files->lose_power(seed);
    BOOST_TEST(files->text("target") == (files->has("old") ? "old bytes" : "new bytes"));
    seen.insert(files->names());
  });
  BOOST_TEST((seen == std::set<names>{{"old", "target"}, {"target"}}));
}

BOOST_AUTO_TEST_CASE(a_rename_between_folders_is_sure_after_both_are_synced) {
  std::set<bool> moved;
  for_each_seed([&](std::uint64_t seed) {
    files->put_folder("from");
    files->put_folder("to");
    files->put("from/a", "x");
    BOOST_TEST(files->rename(AT_FDCWD, "from/a", AT_FDCWD, "to/a", false) == 0);
    sync_folder("from");
    if (seed % 2 == 0)
      sync_folder("to");
    files->lose_power(seed);
    BOOST_TEST(files->has("from/a") != files->has("to/a"));
    if (seed % 2 == 0)
      BOOST_TEST(files->has("to/a"));
    else
      moved.insert(files->has("to/a"));
  });
  BOOST_TEST(moved.size() == 2u);
}

BOOST_AUTO_TEST_CASE(writes_are_torn_at_sectors) {
  std::set<std::string> seen;
  for_each_seed([&](std::uint64_t seed) {
    files->put("a", "");
    {
      const auto file = open("a", O_WRONLY);
      write(file, std::string(300, '1') + std::string(724, '2'));
    }
    files->lose_power(seed);
    auto text = files->text("a");
    BOOST_TEST((text.empty() || text.size() == 512 || text.size() == 1024));
    // A hole reads as zeros.
    BOOST_TEST((text.empty() || text[0] == '1' || text[0] == '\0'));
    seen.insert(std::move(text));
  });
  BOOST_TEST(seen.size() == 4u);
}

BOOST_AUTO_TEST_CASE(the_end_of_a_process_loses_nothing_but_descriptors_and_locks) {
  const auto file = create("a", "one");
  BOOST_TEST(files->lock(file.get()) == 0);
  files->end_process();
  BOOST_TEST(files->open_files() == 0u);
  BOOST_TEST(files->text("a") == "one");
  BOOST_TEST(files->write(file.get(), {}).code == EBADF);
  const auto again = open("a", O_RDONLY);
  BOOST_TEST(files->lock(again.get()) == 0);
  files->lose_power(nothing_stays);
  BOOST_TEST((files->names() == names{}));
}

BOOST_AUTO_TEST_CASE(a_removal_may_be_forgotten) {
  std::set<bool> seen;
  for_each_seed([&](std::uint64_t seed) {
    files->put("a", "one");
    BOOST_TEST(files->remove_file(AT_FDCWD, "a") == 0);
    files->lose_power(seed);
    seen.insert(files->has("a"));
    if (files->has("a"))
      BOOST_TEST(files->text("a") == "one");
  });
  BOOST_TEST(seen.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_folder_without_a_name_takes_what_is_in_it_along) {
  BOOST_TEST(files->make_folder(AT_FDCWD, "sub") == 0);
  const auto file = create("sub/a", "one");
  BOOST_TEST(files->sync(file.get()) == 0);
  sync_folder("sub");
  files->lose_power(nothing_stays);
  BOOST_TEST((files->names() == names{}));
}

// -- faults --

BOOST_AUTO_TEST_CASE(the_nth_call_fails_and_does_nothing) {
  const auto file = create("a", "one");
  files->fail_call(2, ENOSPC);
  std::size_t written = 0;
  BOOST_TEST(write_all(*files, file.get(), "2", written) == 0);
  BOOST_TEST(!files->was_met());
  BOOST_TEST(write_all(*files, file.get(), "3", written) == ENOSPC);
  BOOST_TEST(files->was_met());
  BOOST_TEST(write_all(*files, file.get(), "4", written) == 0);
  BOOST_TEST(files->text("a") == "one24");
}

BOOST_AUTO_TEST_CASE(a_half_write_writes_the_first_half) {
  const auto file = create("a", "");
  files->halve_write(1);
  const std::string_view text = "12345";
  const auto half = files->write(file.get(), std::as_bytes(std::span{text}));
  BOOST_TEST(half.code == 0);
  BOOST_TEST(half.size == 3u);
  std::size_t written = 0;
  BOOST_TEST(write_all(*files, file.get(), "6", written) == 0);
  BOOST_TEST(files->text("a") == "1236");
  files->halve_write(1, ENOSPC);
  written = 0;
  BOOST_TEST(write_all(*files, file.get(), "abcd", written) == ENOSPC);
  BOOST_TEST(written == 2u);
  BOOST_TEST(write_all(*files, file.get(), "e", written) == ENOSPC);
  files->heal();
  BOOST_TEST(write_all(*files, file.get(), "f", written) == 0);
  BOOST_TEST(files->text("a") == "1236abf");
}

BOOST_AUTO_TEST_CASE(behind_a_stop_nothing_happens_any_more) {
  auto file = create("a", "one");
  files->stop_at_call(1);
  std::size_t written = 0;
  BOOST_TEST(write_all(*files, file.get(), "2", written) == EIO);
  BOOST_TEST(files->remove_file(AT_FDCWD, "a") == EIO);
  BOOST_TEST(files->open(AT_FDCWD, "b", O_WRONLY | O_CREAT).code == EIO);
  BOOST_TEST(files->sync(file.get()) == EIO);
  BOOST_TEST(file.close() == EIO);
  files->end_process();
  BOOST_TEST((files->names() == names{"a"}));
  BOOST_TEST(files->text("a") == "one");
}

BOOST_AUTO_TEST_CASE(a_failed_sync_loses_what_was_to_be_synced_and_the_next_one_succeeds) {
  const auto file = create("a", "one");
  BOOST_TEST(files->sync(file.get()) == 0);
  sync_folder();
  write(file, "two");
  files->fail_call(1, EIO);
  BOOST_TEST(files->sync(file.get()) == EIO);
  BOOST_TEST(files->text("a") == "onetwo");
  write(file, "three");
  BOOST_TEST(files->sync(file.get()) == 0);
  BOOST_TEST(files->text("a") == "onetwothree");
  files->lose_power(all_stays);
  BOOST_TEST(files->text("a") == std::string("one\0\0\0three", 11));
}

BOOST_AUTO_TEST_CASE(after_a_failed_sync_of_a_folder_its_names_stay_unsure) {
  std::set<bool> seen;
  for_each_seed([&](std::uint64_t seed) {
    create("a", "");
    {
      const auto root = open("/", O_RDONLY | O_DIRECTORY);
      files->fail_call(1, EIO);
      BOOST_TEST(files->sync(root.get()) == EIO);
      BOOST_TEST(files->sync(root.get()) == 0);
    }
    files->lose_power(seed);
    seen.insert(files->has("a"));
  });
  BOOST_TEST(seen.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_sync_can_be_left_out) {
  files->put_folder("sub");
  files->leave_out_syncs([](const std::string& path) { return path == "sub"; });
  const auto file = create("sub/a", "one");
  BOOST_TEST(files->sync(file.get()) == 0);
  sync_folder("sub");
  files->lose_power(nothing_stays);
  BOOST_TEST(!files->has("sub/a"));
}

BOOST_AUTO_TEST_CASE(calls_are_written_down) {
  create("a", "one");
  static_cast<void>(files->open(AT_FDCWD, "none", O_RDONLY));
  BOOST_TEST(files->rename(AT_FDCWD, "a", AT_FDCWD, "b", false) == 0);
  sync_folder();
  BOOST_TEST(files->transcript()
             == "open a\nwrite a 3\nclose a\nopen none: ENOENT\nrename a b\nopen /\nsync /\n"
                "close /\n");
  BOOST_TEST(files->calls() == 8u);
}

BOOST_AUTO_TEST_SUITE_END()
