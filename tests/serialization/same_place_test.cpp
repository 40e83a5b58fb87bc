// SPDX-License-Identifier: Apache-2.0

#include "weir/same_place.hpp"

#include "../support/temp_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <string>

using weir::is_same_place;

namespace {

struct place_fixture {
  weir::testing::temp_folder folder;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(same_place, place_fixture)

BOOST_AUTO_TEST_CASE(a_path_may_be_spelled_in_many_ways) {
  const auto file = folder.path("in/file");
  for (const auto* spelled : {"in/file", "in//file", "in/./file", "none/../in/file", "in/file/"})
    BOOST_TEST(is_same_place(file, folder.path(spelled)), spelled);
  BOOST_TEST(!is_same_place(file, folder.path("in/file2")));
  BOOST_TEST(!is_same_place(file, folder.path("in")));
  BOOST_TEST(is_same_place("file", (std::filesystem::current_path() / "file").string()));
}

BOOST_AUTO_TEST_CASE(links_lead_to_it_whether_or_not_it_is_there) {
  std::filesystem::create_directory(folder.path("real"));
  std::filesystem::create_directory_symlink("real", folder.path("link"));
  BOOST_TEST(is_same_place(folder.path("real"), folder.path("link")));
  BOOST_TEST(is_same_place(folder.path("real/file"), folder.path("link/file")));
  folder.write("real/file", "");
  BOOST_TEST(is_same_place(folder.path("real/file"), folder.path("link/file")));
  BOOST_TEST(weir::real_path(folder.path("link/none/")) == weir::real_path(folder.path("real/none")));
}

BOOST_AUTO_TEST_CASE(a_file_with_two_names_is_one) {
  const auto file = folder.write("file", "");
  std::filesystem::create_hard_link(file, folder.path("other"));
  BOOST_TEST(is_same_place(file, folder.path("other")));
}

BOOST_AUTO_TEST_SUITE_END()
