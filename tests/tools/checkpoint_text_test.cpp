// SPDX-License-Identifier: Apache-2.0

// What `weir checkpoints` says of a checkpoint.

#include "checkpoint_text.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <string>

using namespace weir;
using namespace weir::tool;
using namespace std::chrono_literals;

namespace {

struct checkpoint_fixture {
  listed_checkpoint what{{}, 1234};
  std::int64_t now = 1'790'000'003'200;

  checkpoint_fixture() {
    auto& about = what.about;
    about.weir_version = "0.1.0";
    about.job = "flights";
    about.run.bytes[0] = 0xAB;
    about.run_number = 2;
    about.checkpoint = 17;
    about.made_at_ms = 1'790'000'000'000;
    about.took = 2100us;
    about.stages.resize(3);
    about.stages[0] = {.name = "source", .role = stage_role::source, .place = "in.ndjson"};
    about.stages[1] = {.name = "origin", .parallelism = 2, .records = {{"weir.json_record", 1}}};
    about.stages[2] = {.name = "sink", .role = stage_role::sink, .place = "out"};
    about.edges = {{.from = 0, .to = 1}, {.from = 1, .to = 2}};
    about.instances.resize(4);
    about.instances[0].summary.positions = {{0, "offset 4096\nline 31"}};
    about.instances[0].summary.times = source_times{event_time{9}, event_time{8}, true};
    about.instances[0].summary.counters = {{"records_out", 30}, {"skipped", 0}};
    about.instances[1] = {1, 0, {.entries = {.running = 3, .backs_off = 1, .waiting_input = 2}}};
    about.instances[2] = {1, 1, {.entries = {.waits_for_call = 1, .finished = 1500, .borders = 4}}};
    about.instances[3].stage = 2;
    about.instances[3].summary.pending_output = ".part-0000000017-0000.ndjson 812";
    about.files = {{1, "origin.state", {1234, 7}}};
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(checkpoint_texts, checkpoint_fixture)

BOOST_AUTO_TEST_CASE(a_list_has_a_line_for_each) {
  auto older = what;
  older.about.checkpoint = 9;
  older.about.made_at_ms -= 7'200'000;
  older.bytes = 12;
  BOOST_TEST(
    list_text({older, what}, now)
    == "job      kind     run  checkpoint                  made        age  bytes  records held\n"
       "flights  running    2           9  2026-09-21T12:13:20Z    2 hours     12         1,507\n"
       "flights  running    2          17  2026-09-21T14:13:20Z  3 seconds  1,234         1,507\n");
}

BOOST_AUTO_TEST_CASE(a_checkpoint_shows_its_stages_and_what_their_instances_say) {
  BOOST_TEST(show_text(what, now)
             == "checkpoint 17 of job flights, run 2\n"
                "  kind      running: while the job ran\n"
                "  made      2026-09-21T14:13:20Z, 3 seconds ago, in 2.10 ms\n"
                "  run id    ab000000000000000000000000000000\n"
                "  by        weir 0.1.0\n"
                "  state     1,234 bytes in 1 file\n"
                "  held      1,507 records\n"
                "\n"
                "  stage   role      instances  running  waits for call  backs off  finished  "
                "borders  waiting input\n"
                "  source  source            1        0               0          0         0       "
                " 0              0\n"
                "  origin  operator          2        3               1          1     1,500       "
                " 4              2\n"
                "  sink    sink              1        0               0          0         0       "
                " 0              0\n"
                "\n"
                "  source, instance 0 (in.ndjson)\n"
                "    split 0: offset 4096 line 31\n"
                "    watermark 8, idle\n"
                "    records_out 30\n"
                "\n"
                "  sink, instance 0 (out)\n"
                "    pending: .part-0000000017-0000.ndjson 812\n");
}

BOOST_AUTO_TEST_CASE(the_json_has_the_same) {
  const auto json = nlohmann::json::parse(show_json(what));
  BOOST_TEST(json["job"] == "flights");
  BOOST_TEST(json["checkpoint"] == 17);
  BOOST_TEST(json["kind"] == "running");
  BOOST_TEST(json["took_ms"] == 2.1);
  BOOST_TEST(json["records_held"] == 1507);
  BOOST_TEST(json["stages"][0]["instances"][0]["positions"][0]["position"]
             == "offset 4096\nline 31");
  BOOST_TEST(json["stages"][0]["instances"][0]["watermark"] == 8);
  BOOST_TEST(json["stages"][1]["records"][0]["type"] == "weir.json_record");
  BOOST_TEST(json["stages"][1]["instances"][1]["entries"]["finished"] == 1500);
  BOOST_TEST(json["edges"][1]["to"] == "sink");
  BOOST_TEST(json["files"][0]["bytes"] == 1234);
}

BOOST_AUTO_TEST_CASE(text_that_is_not_utf_8_is_shown_all_the_same) {
  what.about.instances[0].summary.positions[0].position = "\xFF\x1B[2J";
  BOOST_TEST(show_text(what, now).find('\x1B') == std::string::npos);
  BOOST_TEST(nlohmann::json::accept(show_json(what)));
}

BOOST_AUTO_TEST_SUITE_END()
