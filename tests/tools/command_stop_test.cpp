// SPDX-License-Identifier: Apache-2.0

// Signals: the first lets what was read come out, the second cancels.

#include "command_fixture.hpp"

#include <nlohmann/json.hpp>

#include <csignal>

using weir::tool::testing::command_fixture;
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

} // namespace

BOOST_FIXTURE_TEST_SUITE(weir_run_is_stopped, command_fixture)

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
