// SPDX-License-Identifier: Apache-2.0

#include "weir/file_system.hpp"

#include "../support/temp_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <sys/stat.h>

namespace {

struct real_fixture {
  weir::testing::temp_folder folder;

  weir::owned_fd open(const std::string& path, int flags) const {
    auto opened = weir::open_file(weir::posix_files(), AT_FDCWD, path, flags);
    BOOST_TEST_REQUIRE(opened.code == 0);
    return std::move(opened.fd);
  }

  static weir::file_facts facts_of(const std::string& path, bool follow = true) {
    weir::file_facts facts;
    BOOST_TEST(weir::posix_files()->about(AT_FDCWD, path.c_str(), follow, facts) == 0);
    return facts;
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(posix_files, real_fixture)

BOOST_AUTO_TEST_CASE(what_is_not_there_cannot_be_opened) {
  const auto opened = weir::open_file(weir::posix_files(), AT_FDCWD, folder.path("none"), O_RDONLY);
  BOOST_TEST(!opened.fd);
  BOOST_TEST(opened.code == ENOENT);
}

BOOST_AUTO_TEST_CASE(links_are_followed_where_that_is_asked_for) {
  const auto file = folder.write("file", "abc");
  std::filesystem::create_symlink("file", folder.path("link"));
  const auto seen = facts_of(folder.path("link"));
  BOOST_TEST((seen.kind == weir::file_kind::regular));
  BOOST_TEST(seen.size == 3u);
  BOOST_TEST(is_same_file(seen, facts_of(file)));
  const auto link = facts_of(folder.path("link"), false);
  BOOST_TEST((link.kind == weir::file_kind::other));
  BOOST_TEST(!is_same_file(link, seen));
  std::string whole;
  BOOST_TEST(weir::posix_files()->resolve(folder.path("link").c_str(), whole) == 0);
  BOOST_TEST(is_same_file(facts_of(whole, false), seen));
}

BOOST_AUTO_TEST_CASE(a_device_has_no_disk_to_wait_for) {
  const auto null = open("/dev/null", O_WRONLY);
  weir::file_facts facts;
  BOOST_TEST(null.on().about(null.get(), facts) == 0);
  BOOST_TEST((facts.kind == weir::file_kind::device));
  BOOST_TEST(null.on().sync(null.get()) == 0);
}

BOOST_AUTO_TEST_CASE(a_lock_is_held_until_its_descriptor_is_closed) {
  const auto path = folder.write("file", "");
  auto first = open(path, O_RDONLY);
  const auto second = open(path, O_RDONLY);
  BOOST_TEST(first.on().lock(first.get()) == 0);
  BOOST_TEST(second.on().lock(second.get()) == EWOULDBLOCK);
  BOOST_TEST(first.close() == 0);
  BOOST_TEST(second.on().lock(second.get()) == 0);
}

BOOST_AUTO_TEST_CASE(descriptors_are_not_inherited) {
  const auto file = open(folder.write("file", ""), O_RDONLY);
  BOOST_TEST((::fcntl(file.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

BOOST_AUTO_TEST_CASE(reading_all_has_a_bound) {
  const auto path = folder.write("file", std::string(200'000, 'x'));
  const auto read = [&](std::size_t size_max, std::string& into) {
    const auto file = open(path, O_RDONLY);
    return weir::read_all(file.on(), file.get(), size_max, into);
  };
  std::string all = "before ";
  BOOST_TEST(read(200'000, all) == 0);
  BOOST_TEST(all == "before " + std::string(200'000, 'x'));
  std::string some;
  BOOST_TEST(read(199'999, some) == EFBIG);
}

BOOST_AUTO_TEST_CASE(a_closed_descriptor_is_closed_once) {
  auto file = open(folder.write("file", ""), O_RDONLY);
  BOOST_TEST(file.close() == 0);
  BOOST_TEST(!file);
  BOOST_TEST(file.close() == 0);
  const weir::owned_fd never;
  BOOST_TEST(!never);
}

BOOST_AUTO_TEST_SUITE_END()
