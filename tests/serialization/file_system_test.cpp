// SPDX-License-Identifier: Apache-2.0

// What both file systems do alike, so that a test in memory says something about the kernel's.

#include "weir/file_system.hpp"

#include "../support/memory_files.hpp"
#include "../support/temp_folder.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct files_fixture {
  weir::testing::temp_folder folder;
  std::shared_ptr<weir::file_system> on;
  std::string base;

  void use(std::string_view which) {
    if (which == "kernel") {
      on = weir::posix_files();
      base = folder.path();
      return;
    }
    const auto memory = std::make_shared<weir::testing::memory_files>();
    memory->put_folder("base");
    on = memory;
    base = "/base";
  }

  std::string path(std::string_view name) const { return base + "/" + std::string{name}; }

  int code_of_opening(std::string_view name, int flags) const {
    return weir::open_file(on, AT_FDCWD, path(name), flags).code;
  }

  weir::owned_fd open(std::string_view name, int flags) const {
    auto opened = weir::open_file(on, AT_FDCWD, path(name), flags);
    BOOST_TEST_REQUIRE(opened.code == 0);
    return std::move(opened.fd);
  }

  void write(std::string_view name, std::string_view text) const {
    const auto file = open(name, O_WRONLY | O_CREAT | O_TRUNC);
    std::size_t written = 0;
    BOOST_TEST(write_all(*on, file.get(), text, written) == 0);
    BOOST_TEST(written == text.size());
  }

  std::string read(std::string_view name) const {
    const auto file = open(name, O_RDONLY);
    std::string text;
    BOOST_TEST(read_all(*on, file.get(), 1'000'000, text) == 0);
    return text;
  }

  bool has(std::string_view name) const {
    weir::file_facts facts;
    return on->about(AT_FDCWD, path(name).c_str(), true, facts) == 0;
  }
};

const std::vector<std::string> both{"kernel", "memory"};

} // namespace

BOOST_FIXTURE_TEST_SUITE(file_system, files_fixture)

BOOST_DATA_TEST_CASE_F(files_fixture, what_is_written_is_read, boost::unit_test::data::make(both)) {
  use(sample);
  write("a", "one");
  BOOST_TEST(read("a") == "one");
  write("a", "2");
  BOOST_TEST(read("a") == "2");
  {
    const auto more = open("a", O_WRONLY | O_APPEND);
    std::size_t written = 0;
    BOOST_TEST(write_all(*on, more.get(), "34", written) == 0);
    BOOST_TEST(on->truncate(more.get(), 2) == 0);
    BOOST_TEST(write_all(*on, more.get(), "5", written) == 0);
    BOOST_TEST(written == 3u);
  }
  BOOST_TEST(read("a") == "235");
  {
    const auto over = open("a", O_RDWR);
    std::size_t written = 0;
    BOOST_TEST(write_all(*on, over.get(), "x", written) == 0);
    BOOST_TEST(on->truncate(over.get(), 5) == 0);
  }
  BOOST_TEST(read("a") == std::string("x35\0\0", 5));
}

BOOST_DATA_TEST_CASE_F(files_fixture, opening_has_its_rules, boost::unit_test::data::make(both)) {
  use(sample);
  write("file", "");
  BOOST_TEST(on->make_folder(AT_FDCWD, path("folder").c_str()) == 0);
  BOOST_TEST(code_of_opening("none", O_RDONLY) == ENOENT);
  BOOST_TEST(code_of_opening("none/file", O_WRONLY | O_CREAT) == ENOENT);
  BOOST_TEST(code_of_opening("file/file", O_RDONLY) == ENOTDIR);
  BOOST_TEST(code_of_opening("file", O_RDONLY | O_DIRECTORY) == ENOTDIR);
  BOOST_TEST(code_of_opening("file", O_WRONLY | O_CREAT | O_EXCL) == EEXIST);
  BOOST_TEST(code_of_opening("folder", O_WRONLY) == EISDIR);
  const auto reader = open("file", O_RDONLY);
  std::size_t written = 0;
  BOOST_TEST(write_all(*on, reader.get(), "x", written) == EBADF);
  const auto writer = open("file", O_WRONLY);
  std::string text;
  BOOST_TEST(read_all(*on, writer.get(), 10, text) == EBADF);
  const auto folder_itself = open("folder", O_RDONLY | O_DIRECTORY);
  BOOST_TEST(read_all(*on, folder_itself.get(), 10, text) == EISDIR);
  BOOST_TEST(on->sync(folder_itself.get()) == 0);
  BOOST_TEST(on->may_change(folder_itself.get()) == 0);
}

BOOST_DATA_TEST_CASE_F(files_fixture, names_are_relative_to_an_open_folder,
                       boost::unit_test::data::make(both)) {
  use(sample);
  BOOST_TEST(on->make_folder(AT_FDCWD, path("sub").c_str()) == 0);
  const auto sub = open("sub", O_RDONLY | O_DIRECTORY);
  BOOST_TEST(weir::open_file(on, sub.get(), "a", O_WRONLY | O_CREAT).code == 0);
  BOOST_TEST(on->make_folder(sub.get(), "b") == 0);
  BOOST_TEST(on->make_folder(sub.get(), "b") == EEXIST);
  BOOST_TEST(has("sub/a"));
  BOOST_TEST(weir::open_file(on, sub.get(), path("c"), O_WRONLY | O_CREAT).code == 0);
  BOOST_TEST(has("c"));
  std::vector<std::string> names;
  BOOST_TEST(on->list(sub.get(), names) == 0);
  std::sort(names.begin(), names.end());
  BOOST_TEST(names == (std::vector<std::string>{"a", "b"}), boost::test_tools::per_element());
  weir::file_facts by_name;
  weir::file_facts by_fd;
  BOOST_TEST(on->about(AT_FDCWD, path("sub").c_str(), false, by_name) == 0);
  BOOST_TEST(on->about(sub.get(), by_fd) == 0);
  BOOST_TEST(is_same_file(by_name, by_fd));
  BOOST_TEST((by_fd.kind == weir::file_kind::folder));
}

BOOST_DATA_TEST_CASE_F(files_fixture, a_rename_replaces_only_where_it_may,
                       boost::unit_test::data::make(both)) {
  use(sample);
  const auto rename = [&](std::string_view from, std::string_view to, bool replace) {
    return on->rename(AT_FDCWD, path(from).c_str(), AT_FDCWD, path(to).c_str(), replace);
  };
  write("a", "1");
  write("b", "2");
  BOOST_TEST(rename("a", "b", false) == EEXIST);
  BOOST_TEST(read("b") == "2");
  BOOST_TEST(rename("none", "c", false) == ENOENT);
  BOOST_TEST(rename("a", "b", true) == 0);
  BOOST_TEST(!has("a"));
  BOOST_TEST(read("b") == "1");
  BOOST_TEST(on->make_folder(AT_FDCWD, path("full").c_str()) == 0);
  write("full/x", "3");
  BOOST_TEST(rename("full", "moved", false) == 0);
  BOOST_TEST(read("moved/x") == "3");
  BOOST_TEST(on->make_folder(AT_FDCWD, path("other").c_str()) == 0);
  BOOST_TEST(rename("other", "moved", true) == ENOTEMPTY);
  BOOST_TEST(rename("moved/x", "other/x", false) == 0);
  BOOST_TEST(read("other/x") == "3");
}

BOOST_DATA_TEST_CASE_F(files_fixture, a_file_that_is_open_outlives_its_name,
                       boost::unit_test::data::make(both)) {
  use(sample);
  write("a", "1");
  const auto file = open("a", O_RDONLY);
  BOOST_TEST(on->remove_file(AT_FDCWD, path("a").c_str()) == 0);
  BOOST_TEST(!has("a"));
  std::string text;
  BOOST_TEST(read_all(*on, file.get(), 10, text) == 0);
  BOOST_TEST(text == "1");
  BOOST_TEST(on->remove_file(AT_FDCWD, path("a").c_str()) == ENOENT);
}

BOOST_DATA_TEST_CASE_F(files_fixture, a_folder_goes_only_when_it_is_empty,
                       boost::unit_test::data::make(both)) {
  use(sample);
  BOOST_TEST(on->make_folder(AT_FDCWD, path("sub").c_str()) == 0);
  write("sub/a", "");
  const auto remove_folder
    = [&](std::string_view name) { return on->remove_folder(AT_FDCWD, path(name).c_str()); };
  BOOST_TEST(remove_folder("sub") == ENOTEMPTY);
  BOOST_TEST(remove_folder("sub/a") == ENOTDIR);
  BOOST_TEST(on->remove_file(AT_FDCWD, path("sub").c_str()) == EISDIR);
  BOOST_TEST(on->remove_file(AT_FDCWD, path("sub/a").c_str()) == 0);
  BOOST_TEST(remove_folder("sub") == 0);
  BOOST_TEST(!has("sub"));
}

BOOST_DATA_TEST_CASE_F(files_fixture, one_descriptor_at_a_time_has_the_lock,
                       boost::unit_test::data::make(both)) {
  use(sample);
  write("a", "");
  auto first = open("a", O_RDONLY);
  const auto second = open("a", O_RDONLY);
  BOOST_TEST(on->lock(first.get()) == 0);
  BOOST_TEST(on->lock(first.get()) == 0);
  BOOST_TEST(on->lock(second.get()) == EWOULDBLOCK);
  BOOST_TEST(first.close() == 0);
  BOOST_TEST(on->lock(second.get()) == 0);
}

BOOST_AUTO_TEST_CASE(the_folder_that_a_path_lies_in) {
  const std::map<std::string, std::string> folders{
    {"b", "."}, {"b//", "."}, {"a/b", "a"}, {"/a/b/", "/a"}, {"./b", "."}, {"/b", "/"}, {"/", "/"}};
  for (const auto& each : folders)
    BOOST_TEST(weir::parent_of(each.first) == each.second, each.first);
}

BOOST_AUTO_TEST_SUITE_END()
