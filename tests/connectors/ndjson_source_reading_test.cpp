// SPDX-License-Identifier: Apache-2.0

// Where the source reads from, when it waits, and what hinders its start.

#include "weir/ndjson_source.hpp"

#include "ndjson_source_fixture.hpp"
#include "posix_fixtures.hpp"

#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using weir::testing::collecting_output;
using weir::testing::letter;
using weir::testing::ndjson_source_fixture;

} // namespace

BOOST_FIXTURE_TEST_SUITE(ndjson_source_reading, ndjson_source_fixture)

BOOST_AUTO_TEST_CASE(a_source_stops_where_there_is_no_room_and_goes_on) {
  options.path = folder.write("in.ndjson", "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n");
  weir::ndjson_source source{options};
  BOOST_TEST(source.open({}).has_value());
  collecting_output<weir::json_record> records{2};
  weir::source_outputs out{records};
  BOOST_TEST((source.poll(out)->state == weir::poll_state::more));
  BOOST_TEST(records.records() == 2u);
  BOOST_TEST((source.poll(out)->state == weir::poll_state::more));
  BOOST_TEST(records.records() == 2u);
  BOOST_TEST(source.progress().read == 16u);
  BOOST_TEST(source.progress().total.value() == 24u);
  records.grant(5);
  BOOST_TEST((source.poll(out)->state == weir::poll_state::done));
  BOOST_TEST(records.records() == 3u);
  BOOST_TEST(source.progress().read == 24u);
}

BOOST_AUTO_TEST_CASE(dead_letters_wait_for_room_as_well) {
  options.path = folder.write("in.ndjson", "x\ny\n{}\n");
  options.on_bad_record = weir::bad_record_action::dead_letter;
  weir::ndjson_source source{options};
  BOOST_TEST(source.open({}).has_value());
  collecting_output<weir::json_record> records;
  collecting_output<letter> letters{1};
  weir::source_outputs out{records, &letters};
  BOOST_TEST((source.poll(out)->state == weir::poll_state::more));
  BOOST_TEST(letters.records() == 1u);
  letters.grant(2);
  BOOST_TEST((source.poll(out)->state == weir::poll_state::done));
  BOOST_TEST(letters.records() == 2u);
  BOOST_TEST(records.records() == 1u);
}

BOOST_AUTO_TEST_CASE(one_look_reads_a_bounded_amount) {
  std::string text;
  for (int i = 0; i < 5000; ++i)
    text += "{}\n";
  options.path = folder.write("in.ndjson", text);
  weir::ndjson_source source{options};
  BOOST_TEST(source.open({}).has_value());
  collecting_output<weir::json_record> records;
  weir::source_outputs out{records};
  BOOST_TEST((source.poll(out)->state == weir::poll_state::more));
  BOOST_TEST(records.records() <= 2000u);
}

BOOST_AUTO_TEST_CASE(a_pipe_that_is_empty_is_waited_for) {
  const weir::testing::pipe_ends pipe;
  options.path = "the pipe";
  weir::ndjson_source source{options, pipe.reader()};
  BOOST_TEST(source.open({}).has_value());
  collecting_output<weir::json_record> records;
  weir::source_outputs out{records};
  const auto waits = [&] {
    const auto looked = source.poll(out);
    BOOST_TEST_REQUIRE(looked.has_value());
    return looked->state == weir::poll_state::wait && looked->wait.fd == pipe.reader()
           && !looked->wait.writable;
  };
  BOOST_TEST(waits());
  pipe.put("{\"a\":1}\n{\"a\"");
  BOOST_TEST(waits());
  BOOST_TEST(records.records() == 1u);
  pipe.put(":2}");
  BOOST_TEST(waits());
  BOOST_TEST(records.records() == 1u);
  pipe.put("\n");
  BOOST_TEST(waits());
  BOOST_TEST(records.records() == 2u);
  BOOST_TEST(!source.progress().total.has_value());
}

BOOST_AUTO_TEST_CASE(a_pipe_in_any_pieces_gives_the_same_records) {
  const std::string text
    = "\xef\xbb\xbf{\"a\":\"S\xc3\xa3o\"}\r\n\n{}\nbad\n{\"b\":[1,2]}\n{\"c\":null}";
  options.on_bad_record = weir::bad_record_action::dead_letter;
  const auto whole = read(text);
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    weir::testing::pipe_ends pipe;
    auto own = options;
    own.path = "in.ndjson";
    weir::ndjson_source source{own, pipe.reader()};
    BOOST_TEST_REQUIRE(source.open({}).has_value());
    collecting_output<weir::json_record> records;
    collecting_output<letter> letters;
    weir::source_outputs out{records, &letters};
    for (std::size_t at = 0; at < text.size(); at += piece) {
      pipe.put(std::string_view{text}.substr(at, piece));
      BOOST_TEST_REQUIRE((source.poll(out)->state == weir::poll_state::wait));
    }
    pipe.close_writer();
    BOOST_TEST_REQUIRE((source.poll(out)->state == weir::poll_state::done));
    BOOST_TEST_REQUIRE(transcript(records) + transcript(letters) + "end\n" == whole, piece);
  }
}

BOOST_AUTO_TEST_CASE(a_named_pipe_waits_for_its_writer) {
  options.path = folder.path("fifo");
  BOOST_TEST_REQUIRE(::mkfifo(options.path.c_str(), 0600) == 0);
  weir::ndjson_source source{options};
  BOOST_TEST_REQUIRE(source.open({}).has_value());
  collecting_output<weir::json_record> records;
  weir::source_outputs out{records};
  BOOST_TEST((source.poll(out)->state == weir::poll_state::wait));
  const int writer = ::open(options.path.c_str(), O_WRONLY);
  BOOST_TEST_REQUIRE(writer >= 0);
  BOOST_TEST((source.poll(out)->state == weir::poll_state::wait));
  BOOST_TEST(::write(writer, "{}\n", 3) == 3);
  ::close(writer);
  BOOST_TEST((source.poll(out)->state == weir::poll_state::done));
  BOOST_TEST(records.records() == 1u);
}

BOOST_AUTO_TEST_CASE(of_several_instances_the_first_reads) {
  options.path = folder.write("in.ndjson", "{}\n");
  weir::ndjson_source first{options};
  weir::ndjson_source second{options};
  BOOST_TEST(run(first, {"job", "source", 0, 2}) == "1 0/0 {}\nend\n");
  BOOST_TEST(run(second, {"job", "source", 1, 2}) == "end\n");
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_read_is_named_at_the_start) {
  const auto opening = [&](const std::string& path) {
    options.path = path;
    weir::ndjson_source source{options};
    const auto opened = source.open({});
    if (opened)
      return std::string{"was opened"};
    BOOST_TEST(opened.why().is(weir::error_kind::io));
    return strip(opened.why().text());
  };
  BOOST_TEST(
    opening(folder.path("none"))
    == "none: cannot be read: No such file or directory; check the path, or create what is "
       "missing (io)");
  BOOST_TEST(opening(folder.path())
             == ": cannot be read: Is a directory; it is a folder; name a file (io)");
  const auto file = folder.write("closed", "{}");
  BOOST_TEST_REQUIRE(::chmod(file.c_str(), 0) == 0);
  BOOST_TEST_REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
  const weir::testing::without_root_rights rights;
  BOOST_TEST(
    opening(file).starts_with("closed: cannot be read: Permission denied; give this user"));
}

BOOST_AUTO_TEST_CASE(messages_name_the_input) {
  BOOST_TEST(weir::input_name("a/flights.ndjson") == "a/flights.ndjson");
  BOOST_TEST(weir::input_name("-") == "standard input");
  const weir::testing::pipe_ends pipe;
  pipe.put("x\n");
  options.path = "-";
  weir::ndjson_source source{options, pipe.reader()};
  BOOST_TEST(run(source).starts_with("standard input:1 (offset 0): is not JSON"));
}

BOOST_AUTO_TEST_CASE(settings_that_cannot_be_are_refused_at_the_start) {
  const auto refused = [](weir::ndjson_source_options wrong) {
    weir::ndjson_source source{std::move(wrong)};
    const auto opened = source.open({});
    return opened ? std::string{"was opened"} : opened.why().thing() + " " + opened.why().kind();
  };
  BOOST_TEST(refused({}) == "path argument");
  BOOST_TEST(refused({.path = "x", .max_line = 0}) == "max_line argument");
  BOOST_TEST(refused({.path = "x", .timestamp = "/a~"}) == "timestamp argument");
}

BOOST_AUTO_TEST_SUITE_END()
