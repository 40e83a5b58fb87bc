// SPDX-License-Identifier: Apache-2.0

// A source says where it stands, and another one goes on from there, if the file is still the same
// up to that place.

#include "weir/crc32c.hpp"
#include "weir/file_system.hpp"
#include "weir/ndjson_source.hpp"

#include "ndjson_source_fixture.hpp"
#include "posix_fixtures.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

using weir::split_position;
using weir::testing::collecting_output;
using weir::testing::letter;
using weir::testing::ndjson_source_fixture;

/// Whether it begins, or what it goes on from.
using start = std::optional<std::vector<split_position>>;

weir::instance_context context_of(start from) {
  return {"job", "in", 0, 1, true, 0, std::move(from)};
}

/// Reads a source element by element.
class reading {
public:
  explicit reading(const weir::ndjson_source_options& options, start from = {}) : source_{options} {
    const auto opened = source_.open(context_of(std::move(from)));
    BOOST_TEST_REQUIRE(opened.has_value(), opened.why().text());
  }

  /// A record or a dead letter, as a line; empty at the end.
  std::string next() {
    weir::source_outputs out{records_, &letters_};
    while (true) {
      const auto looked = source_.poll(out);
      BOOST_TEST_REQUIRE(looked.has_value());
      const auto got
        = ndjson_source_fixture::transcript(records_) + ndjson_source_fixture::transcript(letters_);
      records_.grant(static_cast<std::int64_t>(records_.records()));
      letters_.grant(static_cast<std::int64_t>(letters_.records()));
      records_.forget();
      letters_.forget();
      if (!got.empty() || looked->state == weir::poll_state::done)
        return got;
    }
  }

  std::vector<std::string> rest() {
    std::vector<std::string> all;
    for (auto one = next(); !one.empty(); one = next())
      all.push_back(std::move(one));
    return all;
  }

  std::vector<split_position> positions() {
    const auto all = source_.positions();
    BOOST_TEST_REQUIRE(all.has_value());
    return *all;
  }

  weir::ndjson_source& source() { return source_; }

private:
  weir::ndjson_source source_;
  collecting_output<weir::json_record> records_{1};
  collecting_output<letter> letters_{1};
};

struct resume_fixture : ndjson_source_fixture {
  resume_fixture() { options.on_bad_record = weir::bad_record_action::dead_letter; }

  void write(std::string_view text) { options.path = folder.write("in.ndjson", text); }

  /// Where a source stands that has given so many elements.
  std::vector<split_position> position_behind(std::size_t elements) {
    reading of{options};
    for (; elements > 0; --elements)
      BOOST_TEST_REQUIRE(!of.next().empty());
    return of.positions();
  }

  /// What is said when a source is to go on.
  std::string going_on(std::vector<split_position> from) {
    weir::ndjson_source source{options};
    const auto opened = source.open(context_of(std::move(from)));
    if (opened)
      return "goes on";
    BOOST_TEST(opened.why().is(weir::error_kind::incompatible), opened.why().text());
    return strip(opened.why().text());
  }

  static std::uint64_t number_in(const split_position& at, std::string_view name) {
    const auto found = at.position.find(std::string{name} + "=");
    BOOST_TEST_REQUIRE(found != std::string::npos);
    return std::stoull(at.position.substr(found + name.size() + 1));
  }

  /// With `by` in the place of one of its numbers.
  static split_position changed(split_position at, std::string_view name, std::uint64_t by) {
    const auto old = std::string{name} + "=" + std::to_string(number_in(at, name));
    at.position.replace(at.position.find(old), old.size(),
                        std::string{name} + "=" + std::to_string(by));
    return at;
  }

  /// Writes over bytes where they are, until that can be seen.
  void write_over(std::size_t offset, std::string_view bytes) const {
    const auto file = weir::open_file(weir::posix_files(), AT_FDCWD, options.path, O_WRONLY);
    const auto changed_at = [&] {
      struct stat about;
      BOOST_TEST_REQUIRE(::fstat(file.fd.get(), &about) == 0);
      return std::pair{about.st_ctim.tv_sec, about.st_ctim.tv_nsec};
    };
    // The file system's clock ticks some hundred times a second.
    const auto before = changed_at();
    do {
      BOOST_TEST_REQUIRE(::pwrite(file.fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset))
                         == static_cast<ssize_t>(bytes.size()));
    } while (changed_at() == before);
  }

  /// Whether a start trusts the file system, that nobody has touched the file.
  bool is_trusted(const split_position& at) {
    return going_on({changed(at, "crc32c", number_in(at, "crc32c") ^ 1)}) == "goes on";
  }

  /// The checksum in each position is that of the bytes in front of it.
  void check_sums(std::string_view text) {
    write(text);
    reading of{options};
    do {
      const auto at = of.positions().at(0);
      BOOST_TEST_REQUIRE(number_in(at, "crc32c")
                         == weir::crc32c(text.data(), number_in(at, "offset")));
    } while (!of.next().empty());
    BOOST_TEST(number_in(of.positions().at(0), "offset") == text.size());
  }
};

constexpr std::string_view all_sorts = "\xef\xbb\xbf{\"a\":1}\r\n\n{}\nbad\r\n\r\n{\"a\":\"much "
                                       "too long to be taken\"}\n{\"b\":[1,2]}\n\n"
                                       "{\"c\":null}";

} // namespace

BOOST_FIXTURE_TEST_SUITE(ndjson_source_resume, resume_fixture)

BOOST_AUTO_TEST_CASE(from_any_line_on_the_rest_is_the_same) {
  options.max_line = 20;
  for (const auto* end : {"", "\n", "\r\n\n"}) {
    write(std::string{all_sorts} + end);
    const auto all = reading{options}.rest();
    BOOST_TEST_REQUIRE(all.size() == 6u);
    for (std::size_t taken = 0; taken <= all.size(); ++taken) {
      const std::vector<std::string> rest(all.begin() + static_cast<std::ptrdiff_t>(taken),
                                          all.end());
      BOOST_TEST((reading{options, position_behind(taken)}.rest() == rest), taken << " were taken");
    }
  }
}

BOOST_AUTO_TEST_CASE(positions_go_on_over_any_number_of_restarts) {
  options.max_line = 20;
  write(all_sorts);
  const auto all = reading{options}.rest();
  std::vector<std::string> got;
  start from;
  while (true) {
    reading of{options, from};
    auto one = of.next();
    if (one.empty())
      break;
    got.push_back(std::move(one));
    from = of.positions();
  }
  BOOST_TEST(got == all, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(progress_goes_on_too) {
  write("{}\n{}\n{}\n");
  reading of{options, position_behind(2)};
  BOOST_TEST(of.source().progress().read == 6u);
  BOOST_TEST(of.source().progress().total.value() == 9u);
  of.rest();
  BOOST_TEST(of.source().progress().read == 9u);
}

BOOST_AUTO_TEST_CASE(a_source_that_has_ended_stands_at_the_end) {
  write("{}\n{}");
  reading of{options};
  BOOST_TEST(of.rest().size() == 2u);
  BOOST_TEST(reading(options, of.positions()).rest().empty());
}

BOOST_AUTO_TEST_CASE(a_position_can_be_read_by_people) {
  write("{}\n{}\n");
  const auto at = position_behind(1);
  BOOST_TEST_REQUIRE(at.size() == 1u);
  BOOST_TEST(at[0].split == 0u);
  BOOST_TEST(at[0].position.starts_with("offset=3 lines=1 size=6 device="));
}

// -- another file --

BOOST_AUTO_TEST_CASE(a_byte_that_was_read_must_not_change) {
  options.max_line = 20;
  const auto sizes = all_sorts.size();
  for (std::size_t taken = 0; taken <= 6; ++taken) {
    write(all_sorts);
    const auto from = position_behind(taken);
    const auto offset = number_in(from[0], "offset");
    for (std::size_t at = 0; at < sizes; ++at) {
      std::string edited{all_sorts};
      edited[at] = static_cast<char>(edited[at] ^ 1);
      write(edited);
      BOOST_TEST_REQUIRE((going_on(from) == "goes on") == (at >= offset),
                         "byte " << at << ", position " << offset);
    }
    write(all_sorts);
    BOOST_TEST(going_on(from) == "goes on");
  }
}

BOOST_AUTO_TEST_CASE(a_change_is_named_with_what_to_do) {
  write("{}\n{}\n{}\n");
  const auto from = position_behind(2);
  write("{}\n[]\n{}\n");
  BOOST_TEST(
    going_on(from)
    == "in.ndjson: has other bytes among the first 6 than when the checkpoint was made; what "
       "was read must stay as it was: put it back, or start afresh (incompatible)");
  write("{}\n");
  BOOST_TEST(
    going_on(from)
    == "in.ndjson: is 3 bytes long, and 6 bytes of it had been read when the checkpoint was "
       "made; what was read must stay as it was: put it back, or start afresh (incompatible)");
}

BOOST_AUTO_TEST_CASE(what_was_read_is_compared_and_not_what_the_file_was_at_the_checkpoint) {
  // The last block that was read, and one before it.
  for (const std::size_t padding : {0, 100'000}) {
    write("{}\n{\"a\":\"" + std::string(padding, 'x') + "\"}\n{}\n");
    reading of{options};
    of.next();
    of.next();
    write_over(0, "[]");
    const auto from = of.positions();
    BOOST_TEST(going_on(from).starts_with("in.ndjson: has other bytes among the first "), padding);
    write_over(0, "{}");
    BOOST_TEST(going_on(from) == "goes on");
  }
}

BOOST_AUTO_TEST_CASE(what_was_not_read_may_change_and_grow) {
  write("{}\n{}\n{}\n");
  const auto from = position_behind(2);
  write("{}\n{}\n{\"a\":1}\n{\"a\":2}\n");
  BOOST_TEST(reading(options, from).rest()
               == (std::vector<std::string>{"3 0/6 {\"a\":1}\n", "4 0/14 {\"a\":2}\n"}),
             boost::test_tools::per_element());
  write("{}\n{}\n");
  BOOST_TEST(reading(options, from).rest().empty());
}

BOOST_AUTO_TEST_CASE(another_file_with_the_same_bytes_will_do) {
  write("{}\n{}\n{}\n");
  const auto from = position_behind(2);
  std::filesystem::rename(options.path, folder.path("old"));
  write("{}\n{}\n{}\n");
  BOOST_TEST(going_on(from) == "goes on");
}

BOOST_AUTO_TEST_CASE(a_last_line_that_was_read_without_its_end_must_not_grow) {
  write("{}\n{\"a\":1}");
  const auto from = position_behind(2);
  BOOST_TEST(going_on(from) == "goes on");
  write("{}\n{\"a\":1}\n{}\n");
  BOOST_TEST(
    going_on(from)
    == "in.ndjson: goes on behind line 2, which had no end when it was read and the checkpoint "
       "was made; what was read must stay as it was: put it back, or start afresh "
       "(incompatible)");
}

BOOST_AUTO_TEST_CASE(a_file_that_is_cut_off_while_it_is_read_fails_the_checkpoint) {
  write("{}\n{}\n{}\n");
  reading of{options};
  of.next();
  of.next();
  std::filesystem::resize_file(options.path, 3);
  const auto at = of.source().positions();
  BOOST_TEST_REQUIRE(!at.has_value());
  BOOST_TEST(
    strip(at.why().text())
    == "in.ndjson: ends at byte 3, in front of what was read of it; something has cut it off: put "
       "it back as it was (io)");
  // Also where what was read is known without another look.
  for (const std::uintmax_t size : {0, 5, 8}) {
    write("{}\n{}\n{}\n");
    reading all{options};
    BOOST_TEST(all.rest().size() == 3u);
    std::filesystem::resize_file(options.path, size);
    BOOST_TEST(!all.source().positions().has_value());
  }
}

// As some do that take logs away: what stands in the buffer would be the last line, and be whole.
BOOST_AUTO_TEST_CASE(a_file_that_is_cut_off_while_it_is_read_has_no_end) {
  const std::string line = "{\"a\":\"" + std::string(1000, 'x') + "\"}\n";
  std::string text;
  while (text.size() < 300 * 1024)
    text += line;
  for (const std::uintmax_t size : {0, 100, 64 * 1024}) {
    write(text);
    weir::ndjson_source source{options};
    BOOST_TEST_REQUIRE(source.open(context_of({})).has_value());
    collecting_output<weir::json_record> records{1};
    collecting_output<letter> letters{1000};
    weir::source_outputs out{records, &letters};
    BOOST_TEST_REQUIRE(source.poll(out).has_value());
    std::filesystem::resize_file(options.path, size);
    weir::expected<weir::poll_result> looked = weir::poll_result{};
    while (looked && looked->state != weir::poll_state::done) {
      records.grant(1000);
      records.forget();
      looked = source.poll(out);
    }
    BOOST_TEST_REQUIRE(!looked.has_value());
    BOOST_TEST(looked.why().is(weir::error_kind::io));
    BOOST_TEST(letters.records() == 0u);
  }
}

BOOST_AUTO_TEST_CASE(a_file_of_the_system_that_says_it_is_empty_is_read) {
  options.path = "/proc/self/limits";
  BOOST_TEST(!reading{options}.rest().empty());
}

// -- large files: checksums are taken a block at a time --

BOOST_AUTO_TEST_CASE(the_checksum_is_that_of_the_bytes_in_front) {
  std::string text;
  for (int i = 0; text.size() < 5 * 64 * 1024; ++i)
    text += "{\"a\":\"" + std::string(static_cast<std::size_t>(i * 37 % 1500), 'x') + "\"}\n";
  check_sums(text);
  // Lines that end with blocks.
  text.clear();
  const std::string line(64 * 1024 - 9, 'x');
  for (int i = 0; i < 4; ++i)
    text += "{\"a\":\"" + line + "\"}\n";
  check_sums(text);
}

BOOST_AUTO_TEST_CASE(lines_that_are_too_long_are_in_the_checksum) {
  options.max_line = 100;
  std::string text;
  for (const std::size_t length : {70'000u, 200'000u, 10u, 65'535u, 65'536u, 101u, 5u})
    text += "{\"a\":\"" + std::string(length, 'x') + "\"}\r\n";
  check_sums(text);
}

BOOST_AUTO_TEST_CASE(a_line_that_is_far_too_long_keeps_a_bounded_number_of_checksums) {
  options.max_line = 100;
  check_sums("{}\n" + std::string(400 * 64 * 1024, 'x') + "\n{}\n{}\n");
}

BOOST_AUTO_TEST_CASE(a_byte_at_the_end_of_a_block_must_not_change) {
  std::string text;
  for (int i = 0; i < 4 * 1024; ++i)
    text += "{\"a\":\"" + std::string(55, 'x') + "\"}\n";
  write(text);
  const auto from = position_behind(3 * 1024 + 5);
  const auto offset = number_in(from[0], "offset");
  BOOST_TEST(offset > 3 * 64 * 1024u);
  for (std::size_t block = 64 * 1024; block < text.size(); block += 64 * 1024)
    for (const auto at : {block - 1, block, block + 1}) {
      auto edited = text;
      edited[at] = static_cast<char>(edited[at] ^ 1);
      write(edited);
      BOOST_TEST((going_on(from) == "goes on") == (at >= offset), "byte " << at);
    }
  write(text);
  BOOST_TEST(going_on(from) == "goes on");
}

BOOST_AUTO_TEST_CASE(
  the_beginning_of_a_very_large_file_is_not_read_again_where_nobody_has_touched_it) {
  options.max_line = 100;
  write("");
  std::filesystem::resize_file(options.path, 65 * 1024 * 1024);
  const auto from = [&] {
    reading of{options};
    BOOST_TEST(of.rest().size() == 1u);
    return of.positions();
  }();
  BOOST_TEST(number_in(from[0], "offset") == 65 * 1024 * 1024u);
  BOOST_TEST(going_on(from) == "goes on");
  // GIVEN a checksum with which nobody could go on who looked
  const auto wrong = changed(from[0], "crc32c", number_in(from[0], "crc32c") ^ 1);
  BOOST_TEST(going_on({wrong}) == "goes on");
  // THEN one look tells whether somebody was there, by each of the facts
  for (const auto* fact : {"device", "inode", "changed_ns", "size"})
    BOOST_TEST(going_on({changed(wrong, fact, number_in(wrong, fact) ^ 1)}) != "goes on", fact);
  BOOST_TEST_REQUIRE(::truncate(options.path.c_str(), 66 * 1024 * 1024) == 0);
  BOOST_TEST(going_on({wrong}) != "goes on");
}

BOOST_AUTO_TEST_CASE(a_file_that_is_touched_while_it_is_read_is_looked_at) {
  options.checked_bytes = 2;
  write("{}\n{}\n{}\n");
  BOOST_TEST(is_trusted(position_behind(2)[0]));
  // GIVEN a byte that changes between its reading and the checkpoint
  reading of{options};
  of.next();
  of.next();
  write_over(0, "[]");
  const auto from = of.positions();
  // THEN nobody goes on in the middle of other content
  BOOST_TEST(going_on(from).starts_with("in.ndjson: has other bytes among the first 6 than when"));
  write_over(0, "{}");
  BOOST_TEST(going_on(from) == "goes on");
  BOOST_TEST(!is_trusted(from[0]));
  // AND who has looked may trust again, until the file is touched once more
  reading next{options, from};
  BOOST_TEST(is_trusted(next.positions()[0]));
  write_over(3, "[]");
  const auto then = next.positions();
  BOOST_TEST(going_on(then).starts_with("in.ndjson: has other bytes "));
}

BOOST_AUTO_TEST_CASE(a_file_that_does_not_say_when_it_was_touched_is_looked_at) {
  options.checked_bytes = 2;
  write("{}\n{}\n{}\n");
  const auto at = position_behind(2)[0];
  BOOST_TEST(going_on({changed(at, "changed_ns", 0)}) == "goes on");
  BOOST_TEST(!is_trusted(changed(at, "changed_ns", 0)));
}

// -- what cannot be gone on with --

BOOST_AUTO_TEST_CASE(a_job_with_checkpoints_opens_no_pipe) {
  const weir::testing::pipe_ends pipe;
  options.path = "the pipe";
  weir::ndjson_source source{options, pipe.reader()};
  const auto opened = source.open(context_of({}));
  BOOST_TEST_REQUIRE(!opened.has_value());
  BOOST_TEST(
    opened.why().text()
    == "the pipe: cannot be read again from where a checkpoint was made; write it to a file "
       "and name that, or let the job make no checkpoints (argument)");
  weir::ndjson_source without{options, pipe.reader()};
  BOOST_TEST(without.open({}).has_value());
}

BOOST_AUTO_TEST_CASE(standard_input_cannot_resume_whatever_it_is) {
  options.path = "-";
  weir::ndjson_source source{options};
  BOOST_TEST(!source.can_resume());
  BOOST_TEST(source.place() == "");
  const auto opened = source.open(context_of({}));
  BOOST_TEST_REQUIRE(!opened.has_value());
  BOOST_TEST(opened.why().is(weir::error_kind::argument));
  BOOST_TEST(opened.why().thing() == "standard input");
}

BOOST_AUTO_TEST_CASE(a_file_can_resume_and_says_which_it_is) {
  write("");
  weir::ndjson_source source{options};
  BOOST_TEST(source.can_resume());
  BOOST_TEST(source.place() == options.path);
  weir::ndjson_source relative{{.path = "./x/../in.ndjson"}};
  BOOST_TEST(relative.place() == (std::filesystem::current_path() / "in.ndjson").string());
}

BOOST_AUTO_TEST_CASE(a_descriptor_counts_from_where_it_stood) {
  write("skipped\n{}\n{\"a\":1}\n");
  const auto file = weir::open_file(weir::posix_files(), AT_FDCWD, options.path, O_RDONLY);
  const auto stands_behind_the_first_line
    = [&] { BOOST_TEST_REQUIRE(::lseek(file.fd.get(), 8, SEEK_SET) == 8); };
  stands_behind_the_first_line();
  weir::ndjson_source source{options, file.fd.get()};
  BOOST_TEST_REQUIRE(source.open(context_of({})).has_value());
  collecting_output<weir::json_record> records{1};
  weir::source_outputs out{records};
  BOOST_TEST_REQUIRE(source.poll(out).has_value());
  const auto from = source.positions();
  BOOST_TEST_REQUIRE(from.has_value());
  BOOST_TEST(from->at(0).position.starts_with("offset=3 lines=1 "));
  stands_behind_the_first_line();
  weir::ndjson_source second{options, file.fd.get()};
  BOOST_TEST(run(second, context_of(*from)) == "2 0/3 {\"a\":1}\nend\n");
}

BOOST_AUTO_TEST_CASE(an_instance_without_the_split_has_no_position) {
  write("{}\n");
  weir::ndjson_source first{options};
  BOOST_TEST(run(first, context_of(std::vector<split_position>{})) == "end\n");
  weir::ndjson_source second{options};
  weir::instance_context who{"job", "in", 1, 2, true, 0, {}};
  BOOST_TEST_REQUIRE(second.open(who).has_value());
  BOOST_TEST(second.positions()->empty());
  // A split goes with its position, to whichever instance.
  who.resume = position_behind(0);
  weir::ndjson_source third{options};
  BOOST_TEST(run(third, who) == "1 0/0 {}\nend\n");
}

BOOST_AUTO_TEST_CASE(what_is_no_position_of_its_own_is_refused) {
  write("{}\n{}\n");
  const auto good = position_behind(1)[0];
  BOOST_TEST(going_on({good}) == "goes on");
  BOOST_TEST(going_on({{1, good.position}}).starts_with("in.ndjson: cannot go on from 'offset=3 "));
  BOOST_TEST(going_on({good, good}).starts_with("in.ndjson: cannot go on from "));
  for (const auto& text :
       {std::string{}, std::string{"7"}, good.position + " ", "x" + good.position,
        good.position.substr(0, good.position.find(" crc32c"))})
    BOOST_TEST(going_on({{0, text}}).starts_with("in.ndjson: cannot go on from '" + text + "'"));
}

BOOST_AUTO_TEST_SUITE_END()
