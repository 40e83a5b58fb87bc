// SPDX-License-Identifier: Apache-2.0
#include "job_file_fixture.hpp"
#include "progress.hpp"
#include "summary.hpp"
#include "validate_report.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

using namespace weir;
using namespace weir::tool;
using namespace std::chrono_literals;
using weir::tool::testing::job_file_fixture;

// -- --validate --

BOOST_FIXTURE_TEST_SUITE(validate_reports, job_file_fixture)

BOOST_AUTO_TEST_CASE(retries_that_cannot_fit_into_the_timeout_are_found) {
  const exponential_delay how{.max_attempts = 3, .initial = 10ms, .max = 1s, .multiplier = 2};
  // The waits are 10, 20 and 40 ms.
  BOOST_TEST(!first_retry_too_late(how, 71ms).has_value());
  BOOST_TEST(first_retry_too_late(how, 70ms).value() == 3u);
  BOOST_TEST(first_retry_too_late(how, 30ms).value() == 2u);
  BOOST_TEST(first_retry_too_late(how, 10ms).value() == 1u);
  BOOST_TEST(!first_retry_too_late(retry_strategy{}, 1ms).has_value());
}

BOOST_AUTO_TEST_CASE(jitter_counts_with_the_shortest_waits) {
  exponential_delay how{.max_attempts = 2, .initial = 10ms, .max = 1s, .multiplier = 1};
  how.jitter = 0.5;
  BOOST_TEST(!first_retry_too_late(how, 11ms).has_value());
  BOOST_TEST(first_retry_too_late(how, 10ms).value() == 2u);
}

BOOST_AUTO_TEST_CASE(warnings_name_the_key) {
  add_to_lookup("retry = { kind = \"fixed\", delay = \"400ms\" }");
  add_behind("url", "faults = { hangs = 0.1 }\n[pool.spare]\nurl = \"sqlite:x\"");
  const auto all = warnings(good());
  BOOST_REQUIRE(all.size() == 2u);
  BOOST_TEST(all[0] == "lookup.origin.retry: retry 3 cannot begin: the waits before use up the timeout "
                       "of 1s; raise timeout, or lower the delays");
  BOOST_TEST(all[1] == "pool.spare: no lookup asks it");
}

BOOST_AUTO_TEST_CASE(a_call_that_may_hang_for_ever_is_warned_of) {
  add_behind("url", "faults = { hangs = 0.1 }");
  BOOST_TEST(warnings(good()).empty());
  BOOST_TEST(warnings(good({"lookup.origin.timeout=0s"})).size() == 1u);
}

BOOST_AUTO_TEST_CASE(the_throughput_is_bounded_by_calls_or_permits) {
  const auto drivers = known_drivers();
  const auto bound = [&](const std::vector<std::string>& set, duration latency) {
    const auto job = good(set);
    return throughput_max(concurrency_of(job.lookups[0], job, *drivers), latency);
  };
  BOOST_TEST(bound({}, 1ms) == 2000.0);
  BOOST_TEST(bound({"pool.airports.connections=8"}, 10ms) == 800.0);
  BOOST_TEST(bound({"pool.airports.connections=8", "lookup.origin.max_concurrent_calls=3"}, 100ms)
             == 30.0);
  BOOST_TEST(bound({"pool.airports.connections=8", "lookup.origin.capacity=3", "job.parallelism=2"},
                   100ms)
             == 60.0);
}

BOOST_AUTO_TEST_CASE(lookups_that_ask_one_pool_share_its_connections) {
  add_behind("timeout", "[[lookup]]\nname = \"destination\"\npool = \"airports\"\n"
                        "query = \"select name from airports where iata = ?\"\n"
                        "key = [\"destination\"]\ninto = \"destination_airport\"\n"
                        "mode = \"ordered\"\ntimeout = \"1s\"");
  const auto job = good({"pool.airports.connections=8"});
  BOOST_TEST(throughput_max(concurrency_of(job.lookups[0], job, *known_drivers()), 10ms) == 400.0);
  BOOST_TEST(validate_report(job, "job.toml", *known_drivers()).find(
               "(8 at once: the connections of pool.airports, which 2 lookups share)")
             != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_report_has_a_line_for_each_lookup) {
  BOOST_TEST(validate_report(good(), "job.toml", *known_drivers())
             == "job.toml: no mistakes\n"
                "\n"
                "At most so many records a second, by how long a call takes:\n"
                "lookup.origin: 2,000/s at 1ms, 200/s at 10ms, 20/s at 100ms  (2 at once: the "
                "connections of pool.airports)\n");
}

BOOST_AUTO_TEST_SUITE_END()

// -- summary --

namespace {

struct summary_fixture : job_file_fixture {
  summary_fixture() {
    status.sources.push_back(
      {.name = "source", .records_out = 90, .skipped = 7, .dead_letters = 3, .read = 500, .total = 500});
    status.sinks.push_back({"dead letters of origin", 2});
    status.sinks.push_back({"sink", 80});
    operator_status lookup;
    lookup.name = "origin";
    lookup.records_in = 90;
    lookup.records_out = 80;
    lookup.calls = 95;
    lookup.retries = 5;
    lookup.timeouts = 4;
    lookup.dropped = 8;
    lookup.dead_letters = 2;
    lookup.own_counters = {{"questions", 94}, {"misses", 6}, {"bad_records", 1}};
    histogram durations;
    durations.observe(2ms, 95);
    lookup.call_duration = durations.read();
    status.operators.push_back(lookup);
    result.took = 2s;
  }

  run_summary summary(const std::vector<std::string>& set = {"source.on_bad_record=skip"}) {
    return summarize(good(set), status, result);
  }

  job_status status;
  job_result result;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(summaries, summary_fixture)

BOOST_AUTO_TEST_CASE(every_record_is_accounted_for) {
  const auto sum = summary();
  BOOST_TEST(sum.records_in == 100u);
  BOOST_TEST(sum.skipped == 8u);
  BOOST_TEST(sum.all.dropped == 7u);
  BOOST_TEST(sum.records_in
             == sum.records_out + sum.skipped + sum.all.dropped + sum.dead_letters + sum.left_behind);
}

BOOST_AUTO_TEST_CASE(bad_records_are_skipped_only_where_the_source_skips) {
  // GIVEN a job whose bad records fail it, so that none was dropped
  const auto sum = summary({});
  BOOST_TEST(sum.all.skipped == 0u);
  BOOST_TEST(sum.all.dropped == 8u);
}

BOOST_AUTO_TEST_CASE(the_text_says_what_happened) {
  const auto shown = summary_text(summary());
  for (const auto* part : {"job flights: done after 2.00 s", "records in      100",
                           "records out     80", "records/s       40", "skipped         8",
                           "dropped         7", "dead letters    5", "output          jobs/out"})
    BOOST_TEST(shown.find(part) != shown.npos, part << " in\n" << shown);
}

BOOST_AUTO_TEST_CASE(a_drained_job_says_how_far_it_got) {
  result.end = job_end::drained;
  result.left_behind = 3;
  status.sources[0].read = 200;
  const auto shown = summary_text(summary());
  BOOST_TEST(shown.find("left behind     3\n") != shown.npos, shown);
  BOOST_TEST(shown.find("200 of 500 bytes of the input") != shown.npos, shown);
}

BOOST_AUTO_TEST_CASE(what_was_under_way_when_a_job_broke_off_was_left_behind) {
  result.end = job_end::failed;
  status.sinks[1].records_in = 70;
  const auto sum = summary();
  BOOST_TEST(sum.left_behind == 10u);
  BOOST_TEST(summary_text(sum).find("left behind     10\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_was_let_go_is_not_left_behind) {
  BOOST_TEST(summary_text(summary()).find("let go") == std::string::npos);
  BOOST_TEST(nlohmann::json::parse(summary_json(summary()))["let_go"] == 0);
  // GIVEN a job that broke off, and what earlier starts have let go
  result.end = job_end::failed;
  status.sinks[1].records_in = 60;
  status.gone.let_go = 9;
  status.gone.dropped = 2;
  status.gone.dead_letters = 1;
  const auto sum = summary();
  BOOST_TEST(sum.let_go == 9u);
  BOOST_TEST(sum.all.dropped == 7u + 2u);
  BOOST_TEST(sum.dead_letters == 5u + 1u);
  BOOST_TEST(sum.left_behind == 20u - 9u - 2u - 1u);
  BOOST_TEST(summary_text(sum).find("  let go          9\n") != std::string::npos);
  BOOST_TEST(nlohmann::json::parse(summary_json(sum))["let_go"] == 9);
}

BOOST_AUTO_TEST_CASE(no_call_has_no_duration) {
  status.operators[0].call_duration = {};
  BOOST_TEST(summary_text(summary()).find("-            -\n") != std::string::npos);
  BOOST_TEST(nlohmann::json::parse(summary_json(summary()))["call_p50_ms"].is_null());
  const auto now = sample_of(status, time_point{1s});
  BOOST_TEST(progress_line("flights", now, now, 1s).find("call p99 -,") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_failed_jobs_output_is_said_to_be_removed) {
  result.end = job_end::failed;
  BOOST_TEST(summary_text(summary()).find("jobs/out: removed") != std::string::npos);
  status.sinks[1].records_in = 0;
  BOOST_TEST(summary_text(summary()).find("jobs/out: nothing was written") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_json_has_the_same_numbers) {
  result.end = job_end::failed;
  result.why.emplace_back("io", "a \"store\"", "is gone");
  const auto json = nlohmann::json::parse(summary_json(summary()));
  BOOST_TEST(json["job"] == "flights");
  BOOST_TEST(json["end"] == "failed");
  BOOST_TEST(json["seconds"] == 2.0);
  BOOST_TEST(json["records_in"] == 100);
  BOOST_TEST(json["records_out"] == 80);
  BOOST_TEST(json["records_per_second"] == 40.0);
  BOOST_TEST(json["calls"] == 94);
  BOOST_TEST(json["misses"] == 6);
  BOOST_TEST(json["retries"] == 5);
  BOOST_TEST(json["timeouts"] == 4);
  BOOST_TEST(json["skipped"] == 8);
  BOOST_TEST(json["dead_letters"] == 5);
  BOOST_TEST(json["lookups"][0]["name"] == "origin");
  BOOST_TEST(json["lookups"][0]["skipped"] == 1);
  BOOST_TEST(json["call_mean_ms"].get<double>() > 0.0);
  BOOST_TEST(json["call_mean_ms"].get<double>() <= json["call_max_ms"].get<double>());
  BOOST_TEST(json["call_max_ms"].get<double>() >= json["call_p99_ms"].get<double>());
  BOOST_TEST(json["call_p99_ms"].get<double>() == 2.0, boost::test_tools::tolerance(0.07));
  BOOST_TEST(json["why"][0] == "a \"store\": is gone (io)");
}

BOOST_AUTO_TEST_CASE(checkpoints_are_told_where_a_job_makes_them) {
  BOOST_TEST(nlohmann::json::parse(summary_json(summary()))["checkpoints"].is_null());
  BOOST_TEST(summary_text(summary()).find("checkpoints") == std::string::npos);
  const std::vector<std::string> with_checkpoints{"source.on_bad_record=skip",
                                                  "checkpoints.directory=none"};
  auto& checkpoints = status.checkpoints.emplace();
  checkpoints.completed = 12;
  checkpoints.timed_out = 1;
  checkpoints.not_stored = 2;
  result.end = job_end::stopped;
  result.checkpoint = 17;
  result.held = 4;
  result.restarts = 3;
  weir::job_start how;
  how.kind = weir::start_kind::restored;
  how.run_number = 2;
  how.checkpoint = 5;
  // All had been read before.
  how.before.sources.push_back(status.sources[0]);
  how.before.sinks = {{"dead letters of origin", 1}, {"sink", 30}};
  const auto sum = summarize(good(with_checkpoints), status, result, how);
  const auto shown = summary_text(sum);
  for (const auto* part : {"job flights: stopped after 2.00 s", "records in      100", "records/s       25",
                           "checkpoints     12 completed, 3 failed; the newest is 17\n",
                           "held            4\n", "restarts        3\n", "nothing is visible yet"})
    BOOST_TEST(shown.find(part) != shown.npos, part << " in\n" << shown);
  const auto json = nlohmann::json::parse(summary_json(sum));
  BOOST_TEST(json["end"] == "stopped");
  BOOST_TEST(json["records_per_second"] == 25.0);
  BOOST_TEST(json["restarts"] == 3);
  BOOST_TEST(json["checkpoints"]
             == (nlohmann::json{{"run", 2},
                                {"restored_from", 5},
                                {"completed", 12},
                                {"failed", 3},
                                {"newest", 17},
                                {"held", 4}}));
}

BOOST_AUTO_TEST_CASE(a_job_that_was_finished_before_is_no_new_end) {
  weir::job_start how;
  how.kind = weir::start_kind::finished;
  BOOST_TEST(nlohmann::json::parse(summary_json(summarize(good(), {}, {}, how)))["end"] == "finished");
}

BOOST_AUTO_TEST_CASE(reasons_name_the_commands_options) {
  result.why.emplace_back("incompatible", "out/part", "let it be removed (remove_old_output)");
  BOOST_TEST(reasons(good(), result).front()
             == "out/part: let it be removed (--force) (incompatible)");
}

BOOST_AUTO_TEST_CASE(the_record_at_which_a_job_failed_is_named_once) {
  result.why.emplace_back("miss", "origin", "found no row");
  result.record = "line 17 (offset 1234)";
  BOOST_TEST(reasons(good(), result).front()
             == "jobs/in.ndjson:17 (offset 1234): origin: found no row (miss)");
}

BOOST_AUTO_TEST_SUITE_END()

// -- progress --

BOOST_FIXTURE_TEST_SUITE(progress_lines, summary_fixture)

BOOST_AUTO_TEST_CASE(a_line_shows_records_rate_calls_time_and_share) {
  status.operators[0].in_flight = 12;
  status.sources[0].total = 2000;
  const auto now = sample_of(status, time_point{65s});
  progress_sample since;
  since.at = time_point{63s};
  since.records = 30;
  const auto line = progress_line("flights", now, since, 65s);
  BOOST_TEST(line.starts_with("flights: 25 % read, 80 records, 25/s, 12 in flight, call p99 2."), line);
  BOOST_TEST(line.ends_with(" ms, 1:05"), line);
}

BOOST_AUTO_TEST_CASE(an_input_without_a_known_size_has_no_share) {
  status.sources[0].total.reset();
  const auto now = sample_of(status, time_point{3700s});
  const auto line = progress_line("flights", now, now, 3700s);
  BOOST_TEST(line.starts_with("flights: 80 records, "), line);
  BOOST_TEST(line.ends_with(", 1:01:40"), line);
}

BOOST_AUTO_TEST_SUITE_END()
