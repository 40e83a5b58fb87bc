// SPDX-License-Identifier: Apache-2.0

// Signals: the first lets what was read come out, the second cancels.

#include "../connectors/posix_fixtures.hpp"
#include "command_fixture.hpp"
#include "pseudo_terminal.hpp"

#include <nlohmann/json.hpp>

#include <climits>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

using weir::testing::pipe_ends;
using weir::tool::testing::command_fixture;
using weir::tool::testing::needs_pseudo_terminals;
using weir::tool::testing::pseudo_terminal;
using weir::tool::testing::running_command;

namespace {

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

/// For a job in which every call hangs; records with a null key pass the others.
std::vector<std::string> hanging(const std::string& drain_timeout) {
  return {"run", "job.toml", "--json", "--set", "pool.p.faults.hangs=1.0",
          "--set", "lookup.values.mode=unordered", "--set", "job.drain_timeout=" + drain_timeout};
}

struct stop_fixture : command_fixture {
  /// For a job that has more to write than a pipe holds.
  std::vector<std::string> with_much_input(const std::string& drain_timeout) {
    std::string input;
    for (int i = 0; i < 20'000; ++i)
      input += "{\"k\":\"a\"}\n";
    folder.write("in.ndjson", input);
    return {"run", "job.toml", "--set", "source.path=in.ndjson", "--set",
            "job.drain_timeout=" + drain_timeout};
  }
};

bool is_full(const pipe_ends& pipe) {
  pollfd look{pipe.writer(), POLLOUT, 0};
  return ::poll(&look, 1, 0) == 0;
}

/// Also the last page of a pipe that calls itself full.
void fill(const pipe_ends& pipe) {
  const int own = ::open(("/proc/self/fd/" + std::to_string(pipe.writer())).c_str(),
                         O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  const std::string piece(PIPE_BUF, 'x');
  for (const auto size : {piece.size(), std::size_t{1}})
    while (::write(own, piece.data(), size) > 0) {
    }
  ::close(own);
}

/// From now on both take nothing.
void block(const pipe_ends& pipe, const pseudo_terminal& screen) {
  fill(pipe);
  screen.stop();
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(weir_run_is_stopped, stop_fixture)

BOOST_AUTO_TEST_CASE(the_first_signal_drains) {
  for (const int number : {SIGINT, SIGTERM}) {
    // GIVEN a job whose input does not end
    running_command command{folder.path(), {"run", "job.toml"}};
    command.feed(records({"a", "b", "x"}));
    command.read_out_until("{\"k\":\"x\",\"found\":null}\n");
    // WHEN it is told to stop
    command.signal(number);
    command.read_err_until("job test: drained");
    // THEN everything that was read is out, and it says how far it got
    const auto got = command.finish();
    BOOST_TEST(got.code == 3, got.err);
    BOOST_TEST(got.out == "{\"k\":\"a\",\"found\":{\"v\":1}}\n"
                          "{\"k\":\"b\",\"found\":{\"v\":2}}\n"
                          "{\"k\":\"x\",\"found\":null}\n");
    BOOST_TEST(contains(got.err, "stopping: nothing more is read"), got.err);
    BOOST_TEST(contains(got.err, "left behind     0\n"), got.err);
    BOOST_TEST(contains(got.err, "30 bytes of the input"), got.err);
  }
}

BOOST_AUTO_TEST_CASE(a_drained_jobs_parts_are_visible) {
  running_command command{folder.path(),
                          {"run", "job.toml", "--set", "sink.path=out", "--set",
                           "lookup.values.on_miss=fail", "--set",
                           "lookup.values.on_failure=dead_letter", "--set",
                           "lookup.values.dead_letter=dead.ndjson"}};
  // In order: when the last one's dead letter is there, those before it are on their way.
  command.feed(records({"a", "b", "x"}));
  command.wait_until([&] { return size("dead.ndjson") > 0; });
  command.signal(SIGINT);
  command.read_out_until("\n  output ");
  const auto got = command.finish();
  BOOST_TEST(got.code == 3, got.err);
  BOOST_TEST((folder.names("out") == std::set<std::string>{"part-0000000001-0000.ndjson"}));
  BOOST_TEST(output() == "{\"k\":\"a\",\"found\":{\"v\":1}}\n{\"k\":\"b\",\"found\":{\"v\":2}}\n");
  BOOST_TEST(contains(got.out, "not of the whole input"), got.out);
}

BOOST_AUTO_TEST_CASE(the_drain_has_a_deadline) {
  // GIVEN two records whose calls never end, and one that passes them
  running_command command{folder.path(), hanging("10ms")};
  command.feed(records({"a", "b"}) + "{\"k\":null}\n");
  command.read_out_until("{\"k\":null,\"found\":null}\n");
  // WHEN the job is stopped
  command.signal(SIGINT);
  command.read_err_until("left_behind");
  const auto got = command.finish();
  // THEN it does not wait for them longer than it may, and counts them
  BOOST_TEST(got.code == 3, got.err);
  const auto sum = nlohmann::json::parse(got.err.substr(got.err.find('{')));
  BOOST_TEST(sum["end"] == "drained");
  BOOST_TEST(sum["left_behind"] == 2);
  BOOST_TEST(sum["records_out"] == 1);
}

BOOST_AUTO_TEST_CASE(the_second_signal_cancels) {
  running_command command{folder.path(), hanging("1h")};
  command.feed(records({"a"}) + "{\"k\":null}\n");
  command.read_out_until("{\"k\":null,\"found\":null}\n");
  command.signal(SIGINT);
  command.read_err_until("stopping: nothing more is read");
  command.signal(SIGTERM);
  const auto got = command.finish();
  BOOST_TEST(got.code == 3, got.err);
  BOOST_TEST(contains(got.err, "cancelled by a second signal"), got.err);
  BOOST_TEST(contains(got.err, "\"end\":\"cancelled\""), got.err);
}

BOOST_AUTO_TEST_CASE(a_second_signal_at_once_cancels_too) {
  // GIVEN a job whose records never come out
  running_command command{folder.path(), hanging("1h")};
  command.feed(records({"a"}) + "{\"k\":null}\n");
  command.read_out_until("{\"k\":null,\"found\":null}\n");
  // WHEN two signals come, and nobody waits for a word in between
  command.signal(SIGTERM);
  command.signal(SIGINT);
  // THEN both count
  command.read_err_until("\"end\":\"cancelled\"");
  const auto got = command.finish();
  BOOST_TEST(got.code == 3, got.err);
  BOOST_TEST(contains(got.err, "stopping: nothing more is read"), got.err);
  BOOST_TEST(contains(got.err, "cancelled by a second signal"), got.err);
}

BOOST_AUTO_TEST_CASE(a_signal_that_was_ignored_at_the_start_stays_ignored) {
  for (const int number : {SIGINT, SIGTERM}) {
    // GIVEN a job started as by `trap "" INT`
    running_command command{folder.path(), {"run", "job.toml"}, {},
                            [=] { std::signal(number, SIG_IGN); }};
    command.feed(records({"a"}));
    command.read_out_until("{\"k\":\"a\",\"found\":{\"v\":1}}\n");
    // WHEN it gets that signal
    command.signal(number);
    command.wait_until([&] { return !command.has_pending(number); });
    // THEN it goes on to its end
    command.feed(records({"b"}));
    command.read_out_until("{\"k\":\"b\",\"found\":{\"v\":2}}\n");
    const auto got = command.finish();
    BOOST_TEST(got.code == 0, got.err);
  }
}

BOOST_AUTO_TEST_CASE(messages_that_nobody_reads_hold_no_signal_up,
                     *needs_pseudo_terminals) {
  for (const bool terminal : {false, true}) {
    // GIVEN a standard error that takes nothing: a full pipe, or a terminal after Ctrl-S
    const pipe_ends pipe;
    pseudo_terminal screen;
    const int err = terminal ? screen.line() : pipe.writer();
    running_command command{folder.path(), {"run", "job.toml", "--set", "sink.path=out"}, {},
                            [=] { ::dup2(err, 2); }};
    command.feed(records({"a", "b"}));
    command.wait_until([&] { return size("out/.part-0000000001-0000.ndjson") > 0; });
    block(pipe, screen);
    // WHEN the job is told to stop
    command.signal(SIGTERM);
    // THEN it drains, and its parts are visible
    BOOST_TEST(command.finish_unread() == 3);
    BOOST_TEST((folder.names("out") == std::set<std::string>{"part-0000000001-0000.ndjson"}));
    BOOST_TEST(output() == "{\"k\":\"a\",\"found\":{\"v\":1}}\n"
                           "{\"k\":\"b\",\"found\":{\"v\":2}}\n");
    std::filesystem::remove_all(folder.path("out"));
  }
}

BOOST_AUTO_TEST_CASE(messages_that_nobody_reads_hold_no_second_signal_up,
                     *needs_pseudo_terminals) {
  for (const bool terminal : {false, true}) {
    // GIVEN such a standard error, and a record that hangs
    const pipe_ends pipe;
    pseudo_terminal screen;
    const int err = terminal ? screen.line() : pipe.writer();
    auto arguments = hanging("1h");
    arguments.insert(arguments.end(), {"--set", "sink.path=out"});
    running_command command{folder.path(), arguments, {}, [=] { ::dup2(err, 2); }};
    command.feed(records({"a"}) + "{\"k\":null}\n");
    command.wait_until([&] { return size("out/.part-0000000001-0000.ndjson") > 0; });
    block(pipe, screen);
    // WHEN a second signal follows the first
    command.signal(SIGINT);
    command.wait_until([&] { return !command.has_pending(SIGINT); });
    command.signal(SIGTERM);
    // THEN it is cancelled
    BOOST_TEST(command.finish_unread() == 3);
    BOOST_TEST(folder.names("out").empty());
  }
}

BOOST_AUTO_TEST_CASE(a_reader_that_stops_reading_holds_no_signal_up) {
  const auto arguments = with_much_input("10ms");
  // GIVEN records in a pipe that is full
  const pipe_ends pipe;
  running_command command{folder.path(), arguments, {}, [&] { ::dup2(pipe.writer(), 1); }};
  command.wait_until([&] { return is_full(pipe); });
  // WHEN the job is told to stop, THEN it does, and speaks of no second signal
  command.signal(SIGTERM);
  const auto got = command.finish();
  BOOST_TEST(got.code == 3, got.err);
  BOOST_TEST(contains(got.err, "stopping: nothing more is read"), got.err);
  BOOST_TEST(!contains(got.err, "cancelled by a second signal"), got.err);
}

BOOST_AUTO_TEST_CASE(one_reader_of_all_that_stops_reading_holds_no_signal_up) {
  const auto arguments = with_much_input("10ms");
  // GIVEN records, messages and summary in one pipe, as by 2>&1, that is full
  const pipe_ends pipe;
  running_command command{folder.path(), arguments, {}, [&] {
                            ::dup2(pipe.writer(), 1);
                            ::dup2(pipe.writer(), 2);
                          }};
  command.wait_until([&] { return is_full(pipe); });
  fill(pipe);
  // WHEN the job is told to stop
  command.signal(SIGTERM);
  // THEN it does
  BOOST_TEST(command.finish_unread() == 3);
}

BOOST_AUTO_TEST_CASE(a_summary_that_nobody_reads_holds_no_signal_up) {
  // GIVEN a job that has come to its end, but cannot say so
  const pipe_ends pipe;
  fill(pipe);
  running_command command{folder.path(), {"run", "job.toml", "--set", "sink.path=out"}, {},
                          [&] { ::dup2(pipe.writer(), 1); }};
  command.end_input();
  const auto part = folder.path("out/part-0000000001-0000.ndjson");
  command.wait_until([&] { return std::filesystem::exists(part); });
  // WHEN it is told to stop, THEN it does
  command.signal(SIGTERM);
  command.read_err_until("the summary cannot be written to standard output: nobody reads it");
  // The signal may still have found the job, just before it was done.
  const int code = command.finish_unread();
  BOOST_TEST((code == 1 || code == 3));
}

BOOST_AUTO_TEST_CASE(a_cancelled_jobs_output_is_removed_unless_kept) {
  for (const bool keep : {false, true}) {
    // GIVEN a job with a line in its hidden part, and a record that hangs
    auto arguments = hanging("1h");
    arguments.insert(arguments.end(), {"--set", "sink.path=out"});
    if (keep)
      arguments.push_back("--keep-partial");
    running_command command{folder.path(), arguments};
    command.feed(records({"a"}) + "{\"k\":null}\n");
    command.wait_until([&] { return size("out/.part-0000000001-0000.ndjson") > 0; });
    // WHEN it is cancelled
    command.signal(SIGINT);
    command.read_err_until("stopping: nothing more is read");
    command.signal(SIGINT);
    command.read_out_until("\"why\"");
    const auto got = command.finish();
    // THEN nothing of it is left, or the line that was whole
    BOOST_TEST(got.code == 3, got.err);
    BOOST_TEST(output() == (keep ? "{\"k\":null,\"found\":null}\n" : ""));
    BOOST_TEST(folder.names("out").size() == (keep ? 1u : 0u));
    BOOST_TEST(contains(got.out, "\"output_removed\":" + std::string{keep ? "false" : "true"}), got.out);
  }
}

BOOST_AUTO_TEST_SUITE_END()
