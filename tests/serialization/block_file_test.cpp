// SPDX-License-Identifier: Apache-2.0

#include "weir/block_file.hpp"

#include "weir/crc32c.hpp"

#include "../support/allocations.hpp"
#include "../support/memory_files.hpp"
#include "../support/temp_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t block = weir::block_payload_bytes;

/// Words for files and what befalls them.
struct file_fixture {
  using content = std::vector<std::pair<std::uint32_t, std::string>>;

  std::shared_ptr<weir::testing::memory_files> files
    = std::make_shared<weir::testing::memory_files>();
  std::shared_ptr<weir::block_pool> pool = std::make_shared<weir::block_pool>();
  weir::owned_fd folder;
  weir::block_file_header header{weir::block_file_kind::state, weir::run_id{{1, 2, 3}}, 17,
                                 "airports"};
  weir::block_file_sums sums;

  file_fixture() { use_new_files(); }

  void use_new_files() {
    folder = {};
    files = std::make_shared<weir::testing::memory_files>();
    files->put_folder("chk");
    folder = weir::open_file(files, AT_FDCWD, "chk", O_RDONLY | O_DIRECTORY).fd;
  }

  weir::state_blocks blocks_of(std::string_view text) const {
    weir::state_blocks blocks{pool};
    while (!text.empty()) {
      const auto room = blocks.room();
      const auto now = std::min(room.size(), text.size());
      std::memcpy(room.data(), text.data(), now);
      blocks.filled(now);
      text.remove_prefix(now);
    }
    return blocks;
  }

  /// Empty where it went well.
  std::string try_to_write(const content& sections, const std::string& name = "a.state",
                           std::uint64_t bytes_max = weir::file_bytes_max) {
    std::vector<weir::state_blocks> all;
    for (const auto& [number, text] : sections)
      all.push_back(blocks_of(text));
    std::vector<weir::section_to_write> list;
    for (std::size_t i = 0; i < all.size(); ++i)
      list.push_back({sections[i].first, &all[i]});
    const auto written = write_block_file(files, folder.get(), name, "chk/" + name, header, list,
                                          bytes_max);
    if (!written)
      return written.why().text();
    sums = *written;
    return {};
  }

  void write(const content& sections, const std::string& name = "a.state") {
    BOOST_TEST_REQUIRE(try_to_write(sections, name) == "");
  }

  std::string raw(const std::string& name = "a.state") const { return files->text("chk/" + name); }

  /// What is wrong with these bytes as that file, or nothing.
  std::string fault(std::string_view bytes, bool by_sums = true) const {
    const auto raw_bytes = std::as_bytes(std::span{bytes});
    std::vector<std::byte> all(raw_bytes.begin(), raw_bytes.end());
    const auto file = weir::block_file::parse(std::move(all), "a.state", header,
                                              by_sums ? std::optional{sums} : std::nullopt);
    return file ? std::string{} : file.why().text();
  }

  weir::expected<weir::block_file> read_back(const std::string& name = "a.state") const {
    return weir::block_file::read(files, folder.get(), name, "chk/" + name, header, sums);
  }

  static content content_of(const weir::block_file& file) {
    content result;
    for (const auto& each : file.sections()) {
      std::string text;
      for (const auto& payload : each.payloads)
        text.append(reinterpret_cast<const char*>(payload.data()), payload.size());
      BOOST_TEST(text.size() == each.size);
      result.emplace_back(each.number, std::move(text));
    }
    return result;
  }

  static std::string noise(std::size_t size) {
    std::string text(size, ' ');
    for (std::size_t i = 0; i < size; ++i)
      text[i] = static_cast<char>('a' + i * i % 23);
    return text;
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(block_file, file_fixture)

BOOST_AUTO_TEST_CASE(what_is_written_is_read) {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, block - 1, block, block + 1, 3 * block}) {
    use_new_files();
    const content sections{{0, noise(size)}, {1, "x"}, {7, ""}, {8, noise(10)}};
    write(sections);
    BOOST_TEST(raw().size() == sums.size);
    const auto file = read_back();
    BOOST_TEST_REQUIRE(file.has_value());
    BOOST_TEST((content_of(*file) == sections));
    BOOST_TEST((file->sums() == sums));
    BOOST_TEST(file->find(7) != nullptr);
    BOOST_TEST(file->find(2) == nullptr);
  }
}

BOOST_AUTO_TEST_CASE(a_file_may_have_no_sections) {
  write({});
  BOOST_TEST(raw().size() == weir::file_header_bytes + weir::file_footer_bytes);
  const auto file = read_back();
  BOOST_TEST_REQUIRE(file.has_value());
  BOOST_TEST(file->sections().empty());
}

BOOST_AUTO_TEST_CASE(a_file_that_is_moved_keeps_its_sections) {
  write({{0, "abc"}});
  auto file = read_back();
  BOOST_TEST_REQUIRE(file.has_value());
  const auto moved = *std::move(file);
  BOOST_TEST((content_of(moved) == content{{0, "abc"}}));
}

BOOST_AUTO_TEST_CASE(the_bytes_are_those_of_the_page) {
  header.run->bytes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  write({{5, "abc"}});
  const auto bytes = raw();
  using namespace std::string_literals;
  const auto le32 = [](std::uint32_t n) {
    std::string text;
    for (int i = 0; i < 4; ++i)
      text += static_cast<char>(n >> 8 * i);
    return text;
  };
  const auto crc = [](std::string_view text) { return weir::crc32c(text.data(), text.size()); };
  auto head = "weirCKP\n\1\0\1\0\0\0\0\0"s;
  for (char i = 0; i < 16; ++i)
    head += i;
  head += "\x11\0\0\0\0\0\0\0"s + le32(crc("airports")) + std::string(16, '\0');
  head += le32(crc(head));
  auto body = "\3\0\0\0\5\0\0\0\4\0\0\0abc"s;
  body = le32(crc(body)) + body;
  auto foot = "\1\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0"s + le32(crc(head.substr(60) + body.substr(0, 4)));
  BOOST_TEST(sums.footer == crc(foot));
  foot += le32(crc(foot)) + "weirEND\n";
  BOOST_TEST(bytes == head + body + foot);
}

BOOST_AUTO_TEST_CASE(every_flipped_bit_of_three_blocks_is_noticed) {
  write({{0, noise(150)}, {1, noise(90)}, {2, ""}});
  auto bytes = raw();
  BOOST_TEST(fault(bytes) == "");
  BOOST_TEST(fault(bytes, false) == "");
  std::size_t accepted = 0;
  for (const bool by_sums : {true, false})
    for (auto& byte : bytes)
      for (int bit = 0; bit < 8; ++bit) {
        byte = static_cast<char>(byte ^ 1 << bit);
        accepted += fault(bytes, by_sums).empty() ? 1 : 0;
        byte = static_cast<char>(byte ^ 1 << bit);
      }
  BOOST_TEST(accepted == 0u);
  BOOST_TEST(fault(bytes) == "");
}

BOOST_AUTO_TEST_CASE(a_bit_far_inside_a_large_block_is_noticed) {
  write({{0, noise(3 * block)}});
  auto bytes = raw();
  for (std::size_t at = 0; at < bytes.size(); at += 1009) {
    bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
    BOOST_TEST_REQUIRE(fault(bytes) != "");
    bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
  }
  BOOST_TEST(fault(bytes) == "");
}

BOOST_AUTO_TEST_CASE(every_length_but_the_right_one_is_noticed) {
  write({{0, noise(150)}, {1, noise(90)}, {2, ""}});
  const auto bytes = raw();
  for (std::size_t size = 0; size < bytes.size(); ++size)
    BOOST_TEST_REQUIRE(fault(bytes.substr(0, size), false) != "");
  for (const std::size_t more : {1, 15, 16, 32, 1000}) {
    BOOST_TEST(fault(bytes + std::string(more, '\0'), false) != "");
    BOOST_TEST(fault(bytes + bytes.substr(bytes.size() - std::min(more, bytes.size())), false)
               != "");
  }
  BOOST_TEST(fault(bytes, false) == "");
}

BOOST_AUTO_TEST_CASE(blocks_that_are_missing_or_swapped_are_noticed) {
  write({{0, noise(3)}, {1, noise(3)}});
  const auto bytes = raw();
  const auto head = bytes.substr(0, 64);
  const auto one = bytes.substr(64, 19);
  const auto two = bytes.substr(83, 19);
  const auto foot = bytes.substr(102);
  BOOST_TEST(head + one + two + foot == bytes);
  for (const auto& body : {one, two, std::string{}, two + one, one + one, one + two + two})
    for (const bool by_sums : {true, false})
      BOOST_TEST(fault(head + body + foot, by_sums) != "");
}

BOOST_AUTO_TEST_CASE(a_file_is_not_taken_for_another_one) {
  const content sections{{0, "abc"}};
  write(sections, "a.state");
  const auto own = header;
  auto fresh = sums;
  const auto refused = [&](const weir::block_file_header& as) {
    use_new_files();
    header = as;
    write(sections);
    header = own;
    sums = fresh;
    return fault(raw(), false);
  };
  BOOST_TEST(refused(own) == "");
  auto other = own;
  other.checkpoint = 18;
  BOOST_TEST(refused(other)
             == "a.state: is the file of another stage, checkpoint or run (damaged)");
  other = own;
  other.stage = "weather";
  BOOST_TEST(refused(other).find("another stage") != std::string::npos);
  other = own;
  other.run->bytes[15] = 1;
  BOOST_TEST(refused(other).find("another stage") != std::string::npos);
  other = own;
  other.kind = weir::block_file_kind::manifest;
  BOOST_TEST(refused(other).find("another stage") != std::string::npos);
  // Of the same stage and checkpoint, but with other bytes.
  use_new_files();
  write({{0, "abd"}});
  sums = fresh;
  BOOST_TEST(fault(raw())
             == "a.state: is whole, but not the file that its manifest speaks of (damaged)");
}

BOOST_AUTO_TEST_CASE(a_file_of_a_run_that_is_not_known_says_which_it_is_of) {
  write({{0, "abc"}});
  const auto run = *header.run;
  header.run.reset();
  const auto file = read_back();
  BOOST_TEST_REQUIRE(file.has_value());
  BOOST_TEST((file->run() == run));
}

BOOST_AUTO_TEST_CASE(a_newer_format_is_refused_with_its_version) {
  write({{0, "abc"}});
  auto bytes = raw();
  bytes[8] = 2;
  const auto sum = weir::crc32c(bytes.data(), 60);
  for (std::size_t i = 0; i < 4; ++i)
    bytes[60 + i] = static_cast<char>(sum >> 8 * i);
  BOOST_TEST(fault(bytes)
             == "a.state: was written in format version 2 with features that this program does not "
                "know (it reads "
                "version 1); use the weir that wrote it, or a newer one (incompatible)");
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_said_with_block_and_byte) {
  write({{0, noise(3)}, {1, noise(3)}});
  auto bytes = raw();
  bytes[101] ^= 1;
  BOOST_TEST(fault(bytes) == "a.state: block 1 at byte 83 is not what was written (damaged)");
  BOOST_TEST(fault("").find("has 0 bytes") != std::string::npos);
  BOOST_TEST(fault(std::string(200, 'x')).find("does not begin as") != std::string::npos);
  const auto missing = read_back("none.state");
  BOOST_TEST_REQUIRE(!missing.has_value());
  BOOST_TEST(missing.why().text() == "chk/none.state: is missing (damaged)");
}

// -- faults of the disk --

BOOST_AUTO_TEST_CASE(whatever_call_fails_the_error_says_so) {
  const content sections{{0, noise(block + 100)}, {1, noise(3)}};
  for (const int code : {EIO, ENOSPC})
    for (std::uint64_t n = 1;; ++n) {
      use_new_files();
      files->fail_call(n, code);
      const auto why = try_to_write(sections);
      const bool met = files->was_met();
      BOOST_TEST((why == "") == !met);
      if (met)
        BOOST_TEST(why.starts_with("chk/a.state: cannot be "));
      BOOST_TEST(files->open_files() == 1u);
      if (!met)
        break;
    }
}

BOOST_AUTO_TEST_CASE(a_write_that_is_cut_short_is_gone_on_with) {
  const content sections{{0, noise(block + 100)}, {1, noise(3)}};
  for (std::uint64_t n = 1;; ++n) {
    use_new_files();
    files->halve_write(n);
    write(sections);
    const auto file = read_back();
    BOOST_TEST_REQUIRE(file.has_value());
    BOOST_TEST((content_of(*file) == sections));
    if (!files->was_met())
      break;
  }
}

BOOST_AUTO_TEST_CASE(what_was_written_survives_a_loss_of_power) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    use_new_files();
    write({{0, noise(1000)}});
    BOOST_TEST(files->sync(folder.get()) == 0);
    files->lose_power(seed);
    BOOST_TEST(fault(raw()) == "");
  }
}

BOOST_AUTO_TEST_CASE(a_read_that_fails_is_an_error_of_the_disk) {
  write({{0, noise(1000)}});
  for (std::uint64_t n = 1;; ++n) {
    files->fail_call(n, EIO);
    const auto file = read_back();
    if (!files->was_met())
      break;
    // What a failed close says of a file that was only read does not matter.
    if (!file) {
      BOOST_TEST(file.why().is(weir::error_kind::io));
      BOOST_TEST(file.why().thing() == "chk/a.state");
    }
    BOOST_TEST(files->open_files() == 1u);
  }
}

// What could never be read again would be called a checkpoint.
BOOST_AUTO_TEST_CASE(a_file_of_more_than_can_be_read_is_not_begun) {
  for (const content& sections :
       {content{}, content{{0, ""}, {3, noise(10)}}, content{{0, noise(3 * block + 1)}, {1, "x"}}}) {
    use_new_files();
    write(sections);
    const auto size = sums.size;
    use_new_files();
    BOOST_TEST(try_to_write(sections, "a.state", size - 1)
               == "chk/a.state: would have " + std::to_string(size) + " bytes, more than the "
                    + std::to_string(size - 1)
                    + " that are read of a file of a checkpoint; let the stage hold less: a "
                      "smaller capacity, or smaller records (argument)");
    BOOST_TEST(files->names("chk").empty());
    BOOST_TEST(try_to_write(sections, "a.state", size) == "");
  }
}

// -- files that nobody has written --

BOOST_AUTO_TEST_CASE(memory_is_taken_for_what_has_been_checked_and_not_for_a_size) {
  write({{0, noise(5 * block)}, {1, noise(10)}});
  const auto good = raw();
  constexpr std::size_t hole = 64 * 1024 * 1024;
  const auto memory_for = [&](const std::string& bytes, bool by_sums) {
    files->put("chk/a.state", bytes);
    weir::testing::most_allocated_bytes();
    const auto before = weir::testing::allocated_bytes();
    const auto file = weir::block_file::read(files, folder.get(), "a.state", "chk/a.state", header,
                                             by_sums ? std::optional{sums} : std::nullopt);
    BOOST_TEST((!file && file.why().is(weir::error_kind::damaged)));
    return weir::testing::most_allocated_bytes() - before;
  };
  // GIVEN files whose size is a hole: behind nothing, the header, whole blocks, and half a block
  for (const std::size_t sound :
       {std::size_t{0}, weir::file_header_bytes, weir::file_header_bytes + 2 * (block + 16),
        weir::file_header_bytes + 2 * (block + 16) + 100})
    BOOST_TEST(memory_for(good.substr(0, sound) + std::string(hole, '\0'), false)
               < 8 * 1024 * 1024);
  // THEN one look at the size is enough where the manifest says it
  BOOST_TEST(memory_for(good + std::string(hole, '\0'), true) < 2 * 1024 * 1024);
}

BOOST_AUTO_TEST_CASE(a_file_of_many_reads_is_read) {
  write({{0, noise(40 * block)}, {3, ""}, {4, noise(100)}});
  const auto file = read_back();
  BOOST_TEST_REQUIRE(file.has_value());
  BOOST_TEST((content_of(*file) == content{{0, noise(40 * block)}, {3, ""}, {4, noise(100)}}));
  auto other = raw();
  other[other.size() / 2] = static_cast<char>(other[other.size() / 2] ^ 1);
  files->put("chk/a.state", other);
  BOOST_TEST(read_back().why().text() == "chk/" + fault(other));
}

// A pipe would be waited for, for ever.
BOOST_AUTO_TEST_CASE(what_is_no_file_is_damage) {
  const weir::testing::temp_folder real;
  BOOST_TEST_REQUIRE(::mkfifo(real.path("a.state").c_str(), 0600) == 0);
  std::filesystem::create_directory(real.path("b.state"));
  const auto in = weir::open_file(weir::posix_files(), AT_FDCWD, real.path(), O_RDONLY).fd;
  for (const std::string name : {"a.state", "b.state"}) {
    const auto file = weir::block_file::read(weir::posix_files(), in.get(), name, name, header);
    BOOST_TEST_REQUIRE(!file.has_value());
    BOOST_TEST(file.why().text() == name + ": is no file (damaged)");
  }
}

BOOST_AUTO_TEST_CASE(a_file_that_is_there_is_not_written_over) {
  write({{0, "abc"}});
  BOOST_TEST(try_to_write({{0, "xyz"}}).find("File exists") != std::string::npos);
  BOOST_TEST(fault(raw()) == "");
}

BOOST_AUTO_TEST_SUITE_END()
