// SPDX-License-Identifier: Apache-2.0
#include "job_file_fixture.hpp"

#include "lookup_errors.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <ostream>

using namespace weir;
using namespace weir::tool;
using namespace std::chrono_literals;
using weir::tool::testing::job_file_fixture;

namespace {

/// A line that is put into the good job file, and the mistake that it makes.
struct bad_line {
  const char* section;
  const char* line;
  const char* mistake;

  friend std::ostream& operator<<(std::ostream& out, const bad_line& x) { return out << x.line; }
};

const bad_line bad_lines[] = {
  {"name = \"fl", "parallelism = 0",
   "jobs/job.toml:3: job.parallelism = 0: must be a whole number from 1 to 1024"},
  {"name = \"fl", "parallelism = \"2\"", "job.parallelism = '2': must be a whole number"},
  {"name = \"fl", "drain_timeout = \"soon\"", "job.drain_timeout = 'soon': must be a time"},
  {"name = \"fl", "paralelism = 1", "job.paralelism = 1: is no key that weir knows here (did you mean "
                                   "\"parallelism\"?)"},
  {"path = \"in", "timestamp = \"\"", "source.timestamp = '': must not be empty"},
  {"path = \"in", "timestamp = \"/a~\"", "source.timestamp = '/a~': must be a field's name or a JSON "
                                       "pointer"},
  {"path = \"in", "timestamp = \"t\"\nmax_out_of_orderness = \"1us\"",
   "source.max_out_of_orderness = '1us': must be whole milliseconds"},
  {"path = \"in", "max_out_of_orderness = \"1s\"",
   "source.timestamp is required with max_out_of_orderness"},
  {"path = \"in", "watermarks = \"periodic\"",
   "source.watermarks = 'periodic': must be \"none\", \"monotonous\", \"bounded\" or "
   "\"ingestion\""},
  {"path = \"in", "watermarks = \"monotonous\"",
   "source.watermarks = 'monotonous': needs timestamp, which names the field that holds the event "
   "time"},
  {"path = \"in", "watermarks = \"bounded\"", "source.watermarks = 'bounded': needs timestamp"},
  {"path = \"in", "watermarks = \"ingestion\"\ntimestamp = \"t\"",
   "source.timestamp = 't': must not be given with watermarks = \"ingestion\""},
  {"path = \"in", "watermarks = \"monotonous\"\ntimestamp = \"t\"\nmax_out_of_orderness = \"1s\"",
   "source.max_out_of_orderness = '1s': is of no use without watermarks = \"bounded\""},
  {"path = \"in", "watermark_interval = 200", "source.watermark_interval = 200: must be a time"},
  {"path = \"in", "watermark_interval = \"1s\"",
   "source.watermark_interval = '1s': is of no use without watermarks"},
  {"path = \"in", "watermarks = \"ingestion\"\nwatermark_interval = \"999us\"",
   "source.watermark_interval = '999us': must be at least 1ms with watermarks = \"ingestion\""},
  {"path = \"in", "timestamp = \"t\"\nwatermarks = \"none\"\nidle_after = \"1m\"",
   "source.idle_after = '1m': is of no use without watermarks"},
  {"path = \"in", "timestamp = \"t\"\nidle_after = 5", "source.idle_after = 5: must be a time"},
  {"path = \"in", "max_line = \"0B\"", "source.max_line = '0B': must be from 1 to"},
  {"path = \"in", "max_line = \"1MB\"", "source.max_line = '1MB': must be a size"},
  {"path = \"in", "on_bad_record = \"ignore\"", "must be \"fail\", \"skip\" or \"dead_letter\""},
  {"path = \"in", "on_bad_record = \"dead_letter\"", "source.dead_letter is required"},
  {"path = \"in", "on_bad_record = \"dead_letter\"\ndead_letter = \"-\"", "must be a file"},
  {"path = \"in", "on_bad_record = \"dead_letter\"\ndead_letter = \"in.ndjson\"",
   "must not be the source's file"},
  {"path = \"in", "on_bad_record = \"dead_letter\"\ndead_letter = \"./job.toml\"",
   "jobs/job.toml:7: source.dead_letter = './job.toml': must not be the job file"},
  {"path = \"in", "on_bad_record = \"dead_letter\"\ndead_letter = \"airports.db\"",
   "must not be the file of pool airports"},
  {"timeout", "on_failure = \"dead_letter\"\ndead_letter = \"out/part-0000000001-0000.ndjson\"",
   "jobs/job.toml:17: lookup.origin.dead_letter = 'out/part-0000000001-0000.ndjson': must not have "
   "the name of a part in the sink's folder"},
  {"timeout", "on_failure = \"dead_letter\"\ndead_letter = \"x/../out/.part-0000000042-0007.ndjson"
              "\"",
   "must not have the name of a part in the sink's folder"},
  {"url", "connections = 0", "pool.airports.connections = 0: must be a whole number from 1 to 1024"},
  {"url", "faults = 1", "pool.airports.faults = 1: must be a table"},
  {"url", "faults = { latency = \"2ms..1ms\" }", "pool.airports.faults.latency = '2ms..1ms': must be a "
                                                 "range"},
  {"url", "faults = { errors = 1.5 }", "pool.airports.faults.errors = 1.5: must be a number from 0 to 1"},
  {"url", "faults = { errors = nan }", "pool.airports.faults.errors = nan: must be a number from 0 to 1"},
  {"url", "faults = { errors = 0.7, hangs = 0.6 }", "faults.hangs = 0.6: must be at most 1 together "
                                                    "with errors, which is 0.7"},
  {"url", "faults = { seed = -1 }", "pool.airports.faults.seed = -1: must be"},
  {"timeout", "capacity = 0", "lookup.origin.capacity = 0: must be a whole number from 1 to 2147483647"},
  {"timeout", "capacity = 10\nmax_concurrent_calls = 11", "must be at most capacity, which is 10"},
  {"timeout", "max_concurrent_calls = 101", "must be at most capacity, which is 100"},
  {"timeout", "rows = \"first\"", "lookup.origin.rows = 'first': must be \"one\" or \"all\""},
  {"timeout", "on_timeout = \"dead_letter\"", "must be \"fail\", \"null\" or \"drop\""},
  {"timeout", "on_miss = \"empty\"", "must be \"null\", \"drop\" or \"fail\""},
  {"timeout", "on_failure = \"fail\"", "must be \"fail_job\", \"drop\" or \"dead_letter\""},
  {"timeout", "on_failure = \"dead_letter\"", "lookup.origin.dead_letter is required"},
  {"timeout", "failure_rules = \"drop\"", "lookup.origin.failure_rules = 'drop': must be a table"},
  {"timeout", "failure_rules = { io = \"fail\" }",
   "lookup.origin.failure_rules.io = 'fail': must be \"fail_job\", \"drop\" or \"dead_letter\""},
  {"timeout", "failure_rules = { io = [\"drop\"] }",
   "lookup.origin.failure_rules.io = [ 'drop' ]: must be \"fail_job\", \"drop\" or \"dead_letter\""},
  {"timeout", "failure_rules = { rejectd = \"drop\" }",
   "lookup.origin.failure_rules.rejectd = 'drop': must be under a kind of error: \"rejected\", "
   "\"overloaded\", \"io\", \"refused\", \"connection_lost\", \"cancelled\", \"internal\", \"injected\", "
   "\"miss\" or \"timeout_error\" (did you mean \"rejected\"?)"},
  {"timeout", "failure_rules = { any = \"drop\" }",
   "lookup.origin.failure_rules.any = 'drop': must be under a kind of error; for all that have no "
   "rule there is on_failure"},
  {"timeout", "failure_rules = { bad_record = \"drop\" }",
   "lookup.origin.failure_rules.bad_record = 'drop': must not be given: source.on_bad_record says "
   "what becomes of bad records"},
  {"timeout", "failure_rules = { miss = \"drop\" }",
   "lookup.origin.failure_rules.miss = 'drop': is of no use without on_miss = \"fail\""},
  {"timeout", "on_timeout = \"null\"\nfailure_rules = { timeout_error = \"drop\" }",
   "lookup.origin.failure_rules.timeout_error = 'drop': is of no use without on_timeout = \"fail\""},
  {"timeout", "failure_rules = { refused = \"drop\", io = \"dead_letter\" }",
   "lookup.origin.dead_letter is required with failure_rules.io = \"dead_letter\": a file"},
  {"timeout", "failure_rules = { io = \"dead_letter\" }\ndead_letter = \"in.ndjson\"",
   "lookup.origin.dead_letter = 'in.ndjson': must not be the source's file"},
  {"timeout", "at_end = \"stop\"", "must be \"keep_retrying\" or \"last_attempt\""},
  {"timeout", "retry = true", "lookup.origin.retry = true: must be a table"},
  {"timeout", "retry = { kind = \"linear\" }", "must be \"exponential\" or \"fixed\""},
  {"timeout", "retry = { max_attempts = 0 }", "lookup.origin.retry.max_attempts = 0: must be"},
  {"timeout", "retry = { initial = \"0s\" }", "retry.initial = '0s': must be more than 0"},
  {"timeout", "retry = { initial = \"2s\" }", "must be at least initial, which is 2s"},
  {"timeout", "retry = { multiplier = 0.5 }", "retry.multiplier = 0.5: must be a number from 1 on"},
  {"timeout", "retry = { jitter = 1.1 }", "retry.jitter = 1.1: must be a number from 0 to 1"},
  {"timeout", "retry = { delay = \"1ms\" }",
   "lookup.origin.retry.delay = '1ms': is of no use without kind = \"fixed\""},
  {"timeout", "retry = { kind = \"fixed\", jitter = 0.5 }",
   "lookup.origin.retry.jitter = 0.5: is of no use with kind = \"fixed\""},
  {"timeout", "retry = { kind = \"fixed\", delay = \"0s\" }", "retry.delay = '0s': must be more than 0"},
  {"timeout", "retry = { if_error = [] }", "must be a string or an array of strings"},
  {"timeout", "retry = { if_error = \"miss\" }", "if_result = \"empty\" retries misses"},
  {"timeout", "retry = { if_error = [\"io\", \"bad_record\"] }", "must not name bad_record"},
  {"timeout", "retry = { if_error = [\"io\", \"injectd\"] }",
   "\"injectd\" is none of them (did you mean \"injected\"?)"},
  {"timeout", "retry = { if_error = \"all\" }",
   "lookup.origin.retry.if_error = 'all': must name \"any\", \"rejected\", \"overloaded\", \"io\", "
   "\"refused\", \"connection_lost\", \"cancelled\", \"internal\" or \"injected\"; \"all\" is none of "
   "them"},
  {"timeout", "retry = { if_error = \"timeout_error\" }",
   "must not name timeout_error: a timeout is over all attempts and is never retried"},
  {"timeout", "retry = { if_result = \"null\" }", "must be \"empty\""},
  {"timeout", "order_key = [\"x\"]", "lookup.origin.order_key = [ 'x' ]: is of no use without mode = \"key_ordered\""},
  {"path = \"out", "parallelism = 0", "sink.parallelism = 0: must be"},
  {"path = \"out", "[lookups]", "lookups is no key that weir knows here (did you mean \"lookup\"?)"},
};

/// With `if_error = "io"` and `if_result = "empty"`, of which a miss makes an error.
void check_what_is_retried(const retry_strategy& retry) {
  const auto retries = [&](std::string_view kind) { return retry.retries_error({kind, "", ""}); };
  BOOST_TEST(retries(error_kind::io));
  BOOST_TEST(!retries(error_kind::refused));
  BOOST_TEST(retry.retries_error(miss_without_row("origin")));
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(job_files, job_file_fixture)

BOOST_AUTO_TEST_CASE(what_is_not_given_has_its_default) {
  const auto job = good();
  BOOST_TEST(job.name == "flights");
  BOOST_TEST(job.parallelism == 1u);
  BOOST_TEST((job.drain_timeout == 30s));
  BOOST_TEST(job.source.options.timestamp.empty());
  BOOST_TEST((job.source.watermarks.kind == watermark_kind::none));
  BOOST_TEST(job.source.options.max_line == 1048576u);
  BOOST_TEST((job.source.options.on_bad_record == bad_record_action::fail));
  BOOST_REQUIRE(job.pools.size() == 1u);
  BOOST_TEST(job.pools[0].connections == 2u);
  BOOST_TEST(!job.pools[0].faults.has_value());
  BOOST_REQUIRE(job.lookups.size() == 1u);
  const auto& lookup = job.lookups[0];
  BOOST_TEST((lookup.rows == row_form::one));
  BOOST_TEST(lookup.capacity == 100u);
  BOOST_TEST(lookup.max_concurrent_calls == 100u);
  BOOST_TEST(lookup.capacity_bytes == 64u * 1024 * 1024);
  BOOST_TEST((lookup.blocking_warning == 10ms));
  BOOST_TEST(!lookup.retry.enabled());
  BOOST_TEST((lookup.at_end == end_policy::keep_retrying));
  BOOST_TEST((lookup.on_timeout == timeout_action::fail));
  BOOST_TEST((lookup.on_miss == miss_action::null));
  BOOST_TEST((lookup.on_failure == failure_action::fail_job));
  BOOST_TEST(job.sink.parallelism == 1u);
}

BOOST_AUTO_TEST_CASE(event_times_make_monotonous_watermarks_unless_said_otherwise) {
  add_behind("path = \"in", "timestamp = \"t\"");
  const auto how = good().source.watermarks;
  BOOST_TEST((how.kind == watermark_kind::bounded));
  BOOST_TEST((how.max_out_of_orderness == 0s));
  BOOST_TEST((how.interval == 200ms));
  BOOST_TEST((how.idle_after == 0s));
}

BOOST_AUTO_TEST_CASE(a_bound_makes_bounded_watermarks) {
  add_behind("path = \"in", "timestamp = \"t\"\nmax_out_of_orderness = \"5s\"");
  BOOST_TEST((good().source.watermarks.max_out_of_orderness == 5s));
  add_behind("path = \"in", "watermarks = \"bounded\"");
  BOOST_TEST((good().source.watermarks.max_out_of_orderness == 5s));
}

BOOST_AUTO_TEST_CASE(every_setting_of_watermarks_can_be_set) {
  add_behind("path = \"in", "watermarks = \"ingestion\"\nwatermark_interval = \"1ms\"\n"
                           "idle_after = \"1m\"");
  const auto how = good().source.watermarks;
  BOOST_TEST((how.kind == watermark_kind::ingestion));
  BOOST_TEST((how.interval == 1ms));
  BOOST_TEST((how.idle_after == 1min));
  BOOST_TEST((good({"source.watermarks=\"bounded\"", "source.timestamp=t",
                    "source.max_out_of_orderness=2s"})
                .source.watermarks.max_out_of_orderness
              == 2s));
  // A new setting must find its key.
  const auto& [kind, max_out_of_orderness, interval, idle_after] = how;
  static_cast<void>(std::tie(kind, max_out_of_orderness, interval, idle_after));
}

BOOST_AUTO_TEST_CASE(event_times_may_be_there_without_watermarks) {
  add_behind("path = \"in", "timestamp = \"t\"\nwatermarks = \"none\"");
  BOOST_TEST((good().source.watermarks.kind == watermark_kind::none));
  BOOST_TEST(good().source.options.timestamp == "t");
}

BOOST_AUTO_TEST_CASE(each_mistake_in_watermarks_is_named_once) {
  add_behind("path = \"in", "watermarks = \"ingestion\"\ntimestamp = \"t\"\n"
                           "max_out_of_orderness = \"1s\"\nwatermark_interval = \"0s\"\n"
                           "idle_after = \"soon\"");
  BOOST_TEST(load().mistakes.size() == 4u, mistakes());
  replace("\"ingestion\"", "\"ingest\"");
  BOOST_TEST(load().mistakes.size() == 2u, mistakes());
}

BOOST_AUTO_TEST_CASE(all_watermarks_can_be_built) {
  for (const std::string lines :
       {"watermarks = \"none\"", "watermarks = \"ingestion\"\nidle_after = \"0s\"",
        "watermarks = \"monotonous\"\ntimestamp = \"t\"\nidle_after = \"1m\"",
        "watermarks = \"bounded\"\ntimestamp = \"t\"\nwatermark_interval = \"0s\""}) {
    job_file_fixture with;
    with.add_behind("path = \"in", lines);
    for (const auto& each : build_job(with.good(), known_drivers(), {}).check())
      BOOST_ERROR(each.text());
  }
}

BOOST_AUTO_TEST_CASE(records_are_kept_in_order_by_the_key_unless_said_otherwise) {
  replace("mode = \"ordered\"", "mode = \"key_ordered\"");
  BOOST_TEST(good().lookups[0].order_key == (std::vector<std::string>{"origin"}),
             boost::test_tools::per_element());
  add_to_lookup("order_key = [\"/a/b\", \"c\"]");
  BOOST_TEST(good().lookups[0].order_key == (std::vector<std::string>{"/a/b", "c"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(every_option_of_the_operator_can_be_set) {
  add_to_lookup("capacity = 7\ncapacity_bytes = \"3KiB\"\nmax_concurrent_calls = 5\n"
                "blocking_warning = \"7ms\"\non_failure = \"drop\"\nat_end = \"last_attempt\"\n"
                "failure_rules = { io = \"fail_job\" }\n"
                "retry = { kind = \"fixed\", max_attempts = 2 }");
  const auto options = options_of(good().lookups[0], bad_record_action::fail);
  const operator_options defaults;
  BOOST_TEST(options.name == "origin");
  BOOST_TEST((options.timeout == 1s));
  BOOST_TEST(options.capacity == 7u);
  BOOST_TEST(options.capacity_bytes == 3072u);
  BOOST_TEST((options.max_concurrent_calls == std::size_t{5}));
  BOOST_TEST((options.blocking_warning == 7ms));
  BOOST_TEST((options.on_failure == failure_action::drop));
  BOOST_TEST((options.at_end == end_policy::last_attempt));
  BOOST_TEST(options.retry.max_attempts() == 2u);
  BOOST_TEST((options.action_for({error_kind::io, "", ""}) == failure_action::fail_job));
  // Set for all lookups, in [job].
  BOOST_TEST(options.parallelism == defaults.parallelism);
  // A new option must find its key.
  const auto& [name, timeout, retry, on_failure, failure_rules, at_end, capacity, capacity_bytes,
               max_concurrent_calls, blocking_warning, parallelism] = defaults;
  static_cast<void>(std::tie(name, timeout, retry, on_failure, failure_rules, at_end, capacity,
                             capacity_bytes, max_concurrent_calls, blocking_warning, parallelism));
}

BOOST_AUTO_TEST_CASE(each_kind_of_error_may_have_an_action_of_its_own) {
  add_to_lookup("on_miss = \"fail\"\non_failure = \"drop\"\ndead_letter = \"bad\"\n"
                "[lookup.failure_rules]\nrejected = \"fail_job\"\nmiss = \"dead_letter\"\n"
                "timeout_error = \"dead_letter\"\ninjected = \"drop\"");
  const auto job = good();
  BOOST_TEST(job.lookups[0].dead_letter == "jobs/bad");
  const auto options = options_of(job.lookups[0], bad_record_action::skip);
  const auto action = [&](std::string_view kind) { return options.action_for({kind, "", ""}); };
  BOOST_TEST((action(error_kind::rejected) == failure_action::fail_job));
  BOOST_TEST((action(error_kind::miss) == failure_action::dead_letter));
  BOOST_TEST((action(error_kind::timeout) == failure_action::dead_letter));
  BOOST_TEST((action("injected") == failure_action::drop));
  BOOST_TEST((action(error_kind::io) == failure_action::drop));
  BOOST_TEST((action(error_kind::bad_record) == failure_action::drop));
  for (const auto& each : build_job(job, known_drivers(), {}).check())
    BOOST_ERROR(each.text());
}

BOOST_AUTO_TEST_CASE(a_rule_for_failures_can_be_overridden) {
  const auto rules = good({"lookup.origin.failure_rules.io=drop"}).lookups[0].failure_rules;
  BOOST_REQUIRE(rules.size() == 1u);
  BOOST_TEST((rules[0].kind == "io" && rules[0].action == failure_action::drop));
  BOOST_TEST(mistakes({"lookup.origin.failure_rules.io=keep"})
             == "--set lookup.origin.failure_rules.io=keep: lookup.origin.failure_rules.io = 'keep': must be "
                "\"fail_job\", \"drop\" or \"dead_letter\"\n");
}

BOOST_AUTO_TEST_CASE(all_mistakes_in_rules_for_failures_are_named_in_their_order) {
  add_to_lookup("on_miss = \"none\"\n[lookup.failure_rules]\nrefused = 1\nmiss = \"drop\"\n"
                "bad = \"keep\"\nio = \"drp\"");
  BOOST_TEST(mistakes()
             == "jobs/job.toml:16: lookup.origin.on_miss = 'none': must be \"null\", \"drop\" or \"fail\"\n"
                "jobs/job.toml:18: lookup.origin.failure_rules.refused = 1: must be \"fail_job\", \"drop\" or "
                "\"dead_letter\"\n"
                "jobs/job.toml:20: lookup.origin.failure_rules.bad = 'keep': must be under a kind of error: "
                "\"rejected\", \"overloaded\", \"io\", \"refused\", \"connection_lost\", \"cancelled\", "
                "\"internal\", \"injected\", \"miss\" or \"timeout_error\"\n"
                "jobs/job.toml:20: lookup.origin.failure_rules.bad = 'keep': must be \"fail_job\", \"drop\" or "
                "\"dead_letter\"\n"
                "jobs/job.toml:21: lookup.origin.failure_rules.io = 'drp': must be \"fail_job\", \"drop\" or "
                "\"dead_letter\" (did you mean \"drop\"?)\n");
}

BOOST_AUTO_TEST_CASE(every_field_of_a_fixed_delay_can_be_set) {
  add_to_lookup("retry = { kind = \"fixed\", max_attempts = 2, delay = \"7ms\", if_error = \"io\", "
                "if_result = \"empty\" }");
  const auto retry = good().lookups[0].retry;
  BOOST_TEST(retry.max_attempts() == 2u);
  BOOST_TEST((retry.delay(1, 0.5) == 7ms && retry.delay(2, 0.5) == 7ms));
  check_what_is_retried(retry);
  // A new field must find its key. Those of a custom delay have none: it is a program's function.
  const auto& [max_attempts, delay, if_error, if_result] = fixed_delay{};
  static_cast<void>(std::tie(max_attempts, delay, if_error, if_result));
}

BOOST_AUTO_TEST_CASE(every_field_of_an_exponential_delay_can_be_set) {
  add_to_lookup("retry = { kind = \"exponential\", max_attempts = 5, initial = \"8ms\", max = \"20ms\", "
                "multiplier = 1.5, jitter = 0.5, if_error = \"io\", if_result = \"empty\" }");
  const auto retry = good().lookups[0].retry;
  BOOST_TEST(retry.max_attempts() == 5u);
  BOOST_TEST((retry.delay(1, 0) == 8ms && retry.delay(2, 0) == 12ms && retry.delay(4, 0) == 20ms));
  BOOST_TEST((retry.delay(1, 0.5) == 6ms));
  check_what_is_retried(retry);
  // A new field must find its key.
  const auto& [max_attempts, initial, max, multiplier, jitter, if_error, if_result]
    = exponential_delay{};
  static_cast<void>(
    std::tie(max_attempts, initial, max, multiplier, jitter, if_error, if_result));
}

BOOST_AUTO_TEST_CASE(max_concurrent_calls_is_the_capacity_unless_set) {
  add_to_lookup("capacity = 7");
  BOOST_TEST(good().lookups[0].max_concurrent_calls == 7u);
}

BOOST_AUTO_TEST_CASE(the_defaults_of_a_retry_and_of_faults) {
  add_to_lookup("retry = {}");
  add_behind("url", "faults = {}");
  const auto job = good();
  const auto& retry = job.lookups[0].retry;
  BOOST_TEST(retry.max_attempts() == 3u);
  BOOST_TEST((retry.delay(1, 0.5) == 10ms && retry.delay(2, 0.5) == 20ms));
  BOOST_TEST((retry.delay(20, 0.5) == 1s));
  const auto& faults = job.pools[0].faults;
  BOOST_REQUIRE(faults.has_value());
  BOOST_TEST((faults->latency_max == 0ns && faults->errors == 0 && faults->hangs == 0));
  BOOST_TEST(faults->seed == 1u);
}

BOOST_AUTO_TEST_CASE(paths_are_relative_to_the_job_file) {
  add_behind("path = \"in", "on_bad_record = \"dead_letter\"\ndead_letter = \"../bad.ndjson\"");
  const auto job = good();
  BOOST_TEST(job.source.options.path == "jobs/in.ndjson");
  BOOST_TEST(job.source.dead_letter == "bad.ndjson");
  BOOST_TEST(job.pools[0].url.reveal() == "sqlite:jobs/airports.db");
  BOOST_TEST(job.sink.path == "jobs/out");
}

BOOST_AUTO_TEST_CASE(absolute_paths_and_standard_streams_stay_as_they_are) {
  replace("\"in.ndjson\"", "\"-\"");
  replace("sqlite:airports.db", "sqlite:/data/airports.db");
  replace("\"out\"", "\"-\"");
  const auto job = good();
  BOOST_TEST(job.source.options.path == "-");
  BOOST_TEST(job.pools[0].url.reveal() == "sqlite:/data/airports.db");
  BOOST_TEST(job.sink.is_standard_output());
}

BOOST_DATA_TEST_CASE_F(job_file_fixture, a_bad_value_is_named_with_its_rule,
                       boost::unit_test::data::make(bad_lines), bad) {
  add_behind(bad.section, bad.line);
  const auto found = mistakes();
  BOOST_TEST(found.find(bad.mistake) != found.npos, found);
}

BOOST_AUTO_TEST_CASE(dead_letters_may_lie_beside_the_parts) {
  add_behind("path = \"in", "on_bad_record = \"dead_letter\"\ndead_letter = \"out/bad.ndjson\"");
  add_to_lookup("on_failure = \"dead_letter\"\ndead_letter = \"old/part-0000000001-0000.ndjson\"");
  BOOST_TEST(mistakes() == "");
}

BOOST_AUTO_TEST_CASE(each_required_key_is_missed) {
  text = "[job]\n[source]\n[pool.p]\n[[lookup]]\n[sink]\n";
  const auto found = mistakes();
  for (const auto* key : {"job.name", "source.type", "source.path", "pool.p.url", "lookup[1].name",
                          "lookup[1].pool", "lookup[1].query", "lookup[1].key", "lookup[1].into",
                          "lookup[1].mode", "lookup[1].timeout", "sink.type", "sink.path"})
    BOOST_TEST(found.find(std::string{key} + " is required") != found.npos, key);
  BOOST_TEST(load().mistakes.size() == 13u, found);
}

BOOST_AUTO_TEST_CASE(an_empty_file_misses_everything) {
  text.clear();
  const auto found = mistakes();
  for (const auto* key : {"job.name", "source.type", "source.path", "sink.type", "sink.path"})
    BOOST_TEST(found.find(std::string{"jobs/job.toml: "} + key + " is required") != found.npos, key);
}

BOOST_AUTO_TEST_CASE(all_mistakes_are_reported_at_once_with_their_lines) {
  replace("\"flights\"", "7");
  replace("sqlite:airports.db", "radis://localhost");
  replace("\"ordered\"", "\"orderd\"");
  BOOST_TEST(mistakes()
             == "jobs/job.toml:2: job.name = 7: must be a string\n"
                "jobs/job.toml:7: pool.airports.url = 'radis://localhost': url is "
                "\"radis://localhost\", but must begin with one of: memory:, redis:, sqlite:\n"
                "jobs/job.toml:14: lookup.origin.mode = 'orderd': must be \"ordered\", \"unordered\" "
                "or \"key_ordered\" "
                "(did you mean \"ordered\"?)\n");
}

BOOST_AUTO_TEST_CASE(mistakes_show_no_password) {
  for (const std::string line : {"url = \"rediss://:hunter2@h\"", "ulr = \"redis://:hunter2@h\"",
                                 "url = [\"redis://me:hunter2@h\"]", "password = \"hunter2\"",
                                 "connections = \"redis://me:hunter2@h\"", "url = \"redis://me:hunter2@h/x\""}) {
    job_file_fixture with;
    if (line.starts_with("url"))
      with.replace("url = \"sqlite:airports.db\"", line);
    else
      with.add_behind("url", line);
    const auto found = with.mistakes();
    BOOST_TEST(!found.empty(), line);
    BOOST_TEST(found.find("hunter2") == found.npos, found);
  }
  const auto set = mistakes({"pool.airports.url=rediss://:hunter2@h"});
  BOOST_TEST(!set.empty());
  BOOST_TEST(set.find("hunter2") == set.npos, set);
  BOOST_TEST(mistakes({"poool=redis://:hunter2@h"}).find("hunter2") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(options_of_any_store_are_no_mistakes_where_the_store_is_one) {
  replace("url = \"sqlite:airports.db\"", "url = \"radis://h\"\nkey_column = \"iata\"");
  add_to_lookup("value = \"text\"");
  BOOST_TEST(load().mistakes.size() == 1u, mistakes());
}

BOOST_AUTO_TEST_CASE(mistakes_come_in_the_order_of_the_file) {
  // GIVEN sections in an order of their own, with several mistakes each, and one from outside
  text = "[sink]\n"
         "type = \"ndjson\"\n"
         "path = 1\n"
         "[[lookup]]\n"
         "into = 2\n"
         "name = \"origin\"\n"
         "colour = 3\n"
         "[pool.b]\n"
         "url = 4\n"
         "[pool.a]\n"
         "url = 5\n"
         "[job]\n"
         "name = 6\n"
         "drain_timeout = 7\n";
  // WHEN they are reported
  std::vector<std::string> places;
  for (const auto& each : load({"job.parallelism=0"}).mistakes)
    places.push_back(each.where);
  // THEN the file as a whole is first, then line by line, and what came from outside is last
  const auto at = [](int line) { return "jobs/job.toml:" + std::to_string(line); };
  const std::vector<std::string> expected{
    "jobs/job.toml", "jobs/job.toml", at(3), at(4), at(4), at(4), at(4), at(4), at(5), at(7),
    at(9), at(11), at(13), at(14), "--set job.parallelism=0"};
  BOOST_TEST(places == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_follows_from_a_mistake_is_none_of_its_own) {
  for (const std::string lines :
       {"capacity = \"300\"\nmax_concurrent_calls = 200", "retry = { initial = 20, max = \"1ms\" }",
        "retry = { initial = \"2s\", max = 20 }", "retry = { initial = \"0s\", max = \"0s\" }"}) {
    job_file_fixture with;
    with.add_to_lookup(lines);
    BOOST_TEST(with.load().mistakes.size() == 1u, with.mistakes());
  }
  for (const std::string mode : {"mode = \"key_order\"\n", ""}) {
    job_file_fixture with;
    with.replace("mode = \"ordered\"\n", mode + "order_key = [\"x\"]\n");
    BOOST_TEST(with.load().mistakes.size() == 1u, with.mistakes());
  }
}

BOOST_AUTO_TEST_CASE(mistakes_in_one_line_come_in_its_order) {
  add_to_lookup("retry = { jitter = 2, delay = 3, initial = 4, max_attempts = 5.5, kind = 6 }");
  std::vector<std::string> keys;
  for (const auto& each : load().mistakes)
    keys.push_back(each.key.substr(each.key.rfind('.') + 1));
  const std::vector<std::string> expected{"jitter", "initial", "max_attempts", "kind"};
  BOOST_TEST(keys == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_lookup_adds_a_field_and_not_a_part_of_one) {
  replace("into = \"origin_airport\"", "into = \"/origin/airport\"");
  const auto found = mistakes();
  BOOST_TEST(found.find("lookup.origin.into = '/origin/airport': must be the name of one new field, "
                        "not a JSON pointer")
               != found.npos,
             found);
}

BOOST_AUTO_TEST_CASE(what_is_no_toml_is_named_with_its_line) {
  replace("[source]", "[source");
  const auto found = mistakes();
  BOOST_TEST(found.starts_with("jobs/job.toml:3: is no TOML: "), found);
}

BOOST_AUTO_TEST_CASE(a_lookup_asks_a_pool_that_is_there) {
  replace("pool = \"airports\"", "pool = \"airport\"");
  BOOST_TEST(mistakes()
             == "jobs/job.toml:10: lookup.origin.pool = 'airport': must be the name of a [pool.NAME] "
                "(did you mean \"airports\"?)\n");
}

BOOST_AUTO_TEST_CASE(lookups_have_names_and_fields_of_their_own) {
  const auto lookup = text.substr(text.find("[[lookup]]"), text.find("[sink]") - text.find("[[lookup]]"));
  text += lookup;
  const auto found = mistakes();
  BOOST_TEST(found.find("lookup.origin.name = 'origin': must be unique") != found.npos, found);
  BOOST_TEST(found.find("must not be the field that another lookup adds") != found.npos, found);
}

BOOST_AUTO_TEST_CASE(a_lookup_has_no_name_that_the_job_needs_itself) {
  for (const std::string name : {"source", "sink", "dead letters of source", "dead letters of x"}) {
    job_file_fixture with;
    with.replace("name = \"origin\"", "name = \"" + name + "\"");
    const auto found = with.mistakes();
    BOOST_TEST(found.starts_with("jobs/job.toml:9: lookup."), found);
    BOOST_TEST(found.find(".name = '" + name + "': must not ") != found.npos, found);
    BOOST_TEST(with.load().mistakes.size() == 1u, found);
  }
}

BOOST_AUTO_TEST_CASE(a_pool_has_a_name) {
  replace("[pool.airports]", "[pool.\"\"]");
  BOOST_TEST(mistakes().starts_with("jobs/job.toml:6: pool.'' must have a name\n"), mistakes());
}

BOOST_AUTO_TEST_CASE(what_was_read_without_mistakes_can_be_built) {
  for (const auto* name : {"dead letters", "environment", "job", "airports", "a b", "\u00e9"}) {
    job_file_fixture with;
    with.replace("name = \"origin\"", "name = \"" + std::string{name} + "\"");
    with.add_behind("path = \"in", "on_bad_record = \"dead_letter\"\ndead_letter = \"bad\"");
    for (const auto& each : build_job(with.good(), known_drivers(), {}).check())
      BOOST_ERROR(each.text());
  }
}

BOOST_AUTO_TEST_CASE(a_job_without_lookups_is_one) {
  text.erase(text.find("[[lookup]]"), text.find("[sink]") - text.find("[[lookup]]"));
  BOOST_TEST(good().lookups.empty());
}

BOOST_AUTO_TEST_CASE(standard_output_is_one_stream) {
  replace("\"out\"", "\"-\"\nparallelism = 2");
  BOOST_TEST(mistakes().find("instances would mix their lines") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_retry_needs_a_timeout) {
  replace("timeout = \"1s\"", "timeout = \"0s\"");
  BOOST_TEST(mistakes() == "");
  add_to_lookup("retry = {}");
  BOOST_TEST(mistakes().find("must be more than 0 where there is a retry") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

// -- which errors are retried --

BOOST_FIXTURE_TEST_SUITE(retried_errors, job_file_fixture)

namespace {

bool retries(const job_file_fixture& with, std::string_view kind) {
  return with.good().lookups[0].retry.retries_error({kind, "", ""});
}

} // namespace

BOOST_AUTO_TEST_CASE(by_default_all_but_rejected) {
  add_to_lookup("retry = {}");
  BOOST_TEST(retries(*this, "io"));
  BOOST_TEST(retries(*this, "injected"));
  BOOST_TEST(!retries(*this, "rejected"));
  BOOST_TEST(!retries(*this, "bad_record"));
  BOOST_TEST(!retries(*this, "miss"));
}

BOOST_AUTO_TEST_CASE(any_means_every_failure_of_a_call) {
  add_to_lookup("retry = { if_error = \"any\" }");
  BOOST_TEST(retries(*this, "rejected"));
  BOOST_TEST(retries(*this, "io"));
  BOOST_TEST(!retries(*this, "bad_record"));
  BOOST_TEST(!retries(*this, "miss"));
}

BOOST_AUTO_TEST_CASE(names_mean_these_alone) {
  add_to_lookup("retry = { if_error = [\"io\", \"overloaded\"] }");
  BOOST_TEST(retries(*this, "io"));
  BOOST_TEST(retries(*this, "overloaded"));
  BOOST_TEST(!retries(*this, "internal"));
}

BOOST_AUTO_TEST_CASE(each_kind_that_a_store_gives_may_be_named) {
  for (const std::string kind : {"rejected", "overloaded", "io", "refused", "connection_lost",
                                 "cancelled", "internal", "injected"}) {
    job_file_fixture with;
    with.add_to_lookup("retry = { if_error = \"" + kind + "\" }");
    BOOST_TEST(retries(with, kind), kind);
  }
}

BOOST_AUTO_TEST_CASE(an_empty_result_is_retried_where_the_job_says_so) {
  add_to_lookup("retry = { if_result = \"empty\", if_error = \"io\" }");
  const auto retry = good().lookups[0].retry;
  BOOST_TEST(retry.retries_error(miss_without_row("origin")));
  BOOST_TEST(!retry.retries_error(miss_of_null_key("origin")));
}

BOOST_AUTO_TEST_SUITE_END()
