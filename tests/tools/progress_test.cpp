// SPDX-License-Identifier: Apache-2.0
#include "progress.hpp"

#include "../connectors/posix_fixtures.hpp"
#include "job_builder.hpp"
#include "pseudo_terminal.hpp"

#include <boost/test/unit_test.hpp>

using namespace std::chrono_literals;
using namespace weir::tool;
using weir::testing::pipe_ends;
using weir::tool::testing::needs_pseudo_terminals;
using weir::tool::testing::pseudo_terminal;

namespace {

const weir::time_point start{1h};

weir::job_status status_with(std::uint64_t records) {
  weir::job_status status;
  status.sinks.push_back({sink_stage_name, records});
  return status;
}

std::string line_with(const std::string& records_rate, const std::string& elapsed) {
  return "flights: " + records_rate + ", 0 in flight, call p99 -, " + elapsed;
}

/// On a terminal the line takes the place of the one before.
std::string rewritten(const std::string& line) {
  return "\r" + line + "\x1b[K";
}

constexpr auto taken_off = "\r\x1b[K";

} // namespace

BOOST_AUTO_TEST_SUITE(progress_is_shown)

BOOST_AUTO_TEST_CASE(without_a_terminal_as_a_line_every_five_seconds) {
  const pipe_ends pipe;
  const ready_writer to{pipe.writer()};
  progress shown{"flights", to, start};
  shown.show(status_with(10), start + 5s - 1ns);
  BOOST_TEST(pipe.get() == "");
  shown.show(status_with(20), start + 5s);
  BOOST_TEST(pipe.get() == line_with("20 records, 4/s", "0:05") + "\n");
  shown.show(status_with(30), start + 10s - 1ns);
  BOOST_TEST(pipe.get() == "");
  shown.show(status_with(40), start + 10s);
  BOOST_TEST(pipe.get() == line_with("40 records, 4/s", "0:10") + "\n");
  // Nothing is there to be taken off.
  shown.clear();
  BOOST_TEST(pipe.get() == "");
}

BOOST_AUTO_TEST_CASE(with_the_rate_since_a_job_went_on) {
  const pipe_ends pipe;
  const ready_writer to{pipe.writer()};
  // GIVEN a job that goes on behind 1,000 records
  progress shown{"flights", to, start, status_with(1'000)};
  shown.show(status_with(1'020), start + 5s);
  BOOST_TEST(pipe.get() == line_with("1,020 records, 4/s", "0:05") + "\n");
}

BOOST_AUTO_TEST_CASE(on_a_terminal_in_one_line_five_times_a_second,
                     *needs_pseudo_terminals) {
  pseudo_terminal terminal;
  const ready_writer to{terminal.line()};
  progress shown{"flights", to, start};
  for (const auto at : {200ms - 1ns, 200ms + 0ns, 400ms - 1ns, 400ms + 0ns})
    shown.show(status_with(static_cast<std::uint64_t>(at / 100ms)), start + at);
  shown.clear();
  const auto all = rewritten(line_with("2 records, 10/s", "0:00"))
                   + rewritten(line_with("4 records, 10/s", "0:00")) + taken_off;
  BOOST_TEST(terminal.read_until(taken_off) == all);
}

BOOST_AUTO_TEST_CASE(and_taken_off_the_terminal_once,
                     *needs_pseudo_terminals) {
  pseudo_terminal terminal;
  const ready_writer to{terminal.line()};
  progress shown{"flights", to, start};
  shown.clear();
  shown.show(status_with(0), start + 1s);
  shown.clear();
  shown.clear();
  std::string_view end = "end";
  to.write_now(end);
  BOOST_TEST(terminal.read_until("end")
             == rewritten(line_with("0 records, 0/s", "0:01")) + taken_off + "end");
}

BOOST_AUTO_TEST_CASE(cut_to_what_a_narrow_terminal_holds,
                     *needs_pseudo_terminals) {
  // A line of the whole width would already be wrapped by some terminals.
  pseudo_terminal narrow{20};
  const ready_writer to{narrow.line()};
  progress{"flights", to, start}.show(status_with(5), start + 1s);
  BOOST_TEST(narrow.read_until("\x1b[K") == rewritten("flights: 5 records,"));
}

BOOST_AUTO_TEST_CASE(in_eighty_columns_where_the_terminal_does_not_know_its_width,
                     *needs_pseudo_terminals) {
  pseudo_terminal unknown{0};
  const ready_writer to{unknown.line()};
  const std::string name(100, 'n');
  progress{name, to, start}.show(status_with(5), start + 1s);
  BOOST_TEST(unknown.read_until("\x1b[K") == rewritten(name.substr(0, 79)));
}

BOOST_AUTO_TEST_CASE(with_the_rate_of_the_last_two_seconds,
                     *needs_pseudo_terminals) {
  pseudo_terminal terminal;
  const ready_writer to{terminal.line()};
  progress shown{"flights", to, start};
  // GIVEN 1,000 records in the first second, and 10 in each of the next
  const auto line_after = [&](std::uint64_t records, std::chrono::seconds time) {
    shown.show(status_with(records), start + time);
    return terminal.read_until("\x1b[K");
  };
  BOOST_TEST(line_after(1000, 1s) == rewritten(line_with("1,000 records, 1,000/s", "0:01")));
  BOOST_TEST(line_after(1010, 2s) == rewritten(line_with("1,010 records, 505/s", "0:02")));
  BOOST_TEST(line_after(1020, 3s) == rewritten(line_with("1,020 records, 10/s", "0:03")));
}

BOOST_AUTO_TEST_CASE(not_where_the_terminal_is_stopped_but_again_when_it_goes_on,
                     *needs_pseudo_terminals) {
  pseudo_terminal terminal;
  const ready_writer to{terminal.line()};
  progress shown{"flights", to, start};
  terminal.stop();
  shown.show(status_with(1), start + 1s);
  terminal.go_on();
  shown.show(status_with(2), start + 2s);
  BOOST_TEST(terminal.read_until("\x1b[K") == rewritten(line_with("2 records, 1/s", "0:02")));
}

BOOST_AUTO_TEST_SUITE_END()
