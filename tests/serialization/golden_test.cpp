// SPDX-License-Identifier: Apache-2.0

// What format 1 is, byte by byte: checkpoints in tests/data/format-1 that each later weir must read, with
// what they hold as text beside them. As long as this weir writes format 1, it writes the same bytes.
// `weir_serialization_tests --run_test=golden -- write` makes them anew; that is for a format that nobody has yet.

#include "weir/directory_store.hpp"
#include "weir/entry_codec.hpp"
#include "weir/stored.hpp"

#include "../support/snapshot_bytes.hpp"
#include "../support/temp_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace golden_test {

enum class colour : std::uint8_t { red = 1, blue = 2 };
constexpr bool is_stored_value(colour c) { return c == colour::red || c == colour::blue; }

/// Has a member of each sort.
struct parcel {
  std::int64_t number = 0;
  std::string to{};
  double weight = 0;
  bool fragile = false;
  colour paint = colour::red;
  std::optional<std::uint16_t> insured{};
  std::vector<std::string> stamps{};
  std::map<std::string, std::int32_t> customs{};
  std::variant<std::uint8_t, std::string> extra{};
  std::chrono::milliseconds age{};

  template <class Archive>
  void serialize(Archive& archive, std::uint32_t) {
    archive(number, to, weight, fragile, paint, insured, stamps, customs, extra, age);
  }
};

} // namespace golden_test

WEIR_STORED(golden_test::parcel, 3)

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using golden_test::colour;
using golden_test::parcel;
using weir::control;
using weir::event_time;
using record = weir::record_snapshot<parcel, std::string>;
using snapshot = weir::machine_snapshot<parcel, std::string>;

const fs::path data = "../data/format-1";

snapshot held_records() {
  const auto at = [](std::uint64_t position) { return weir::origin{position, 0, 0}; };
  snapshot all;
  all.input_ended = true;
  all.entries.emplace_back(record{{1, "waits for a call", 1.5, true, colour::blue, 500,
                                   {"a", "", "b"}, {{"pen", 2}, {"ink", -1}}, "more", 90ms},
                                  event_time{1000}, at(7)});
  all.entries.emplace_back(control::watermark(event_time{-5}));
  record running{{2, "runs"}, event_time::none(), at(8), 0, 2, 30s};
  running.running = true;
  running.durations = {5ms};
  all.entries.emplace_back(running);
  all.entries.emplace_back(control::idle());
  record backs_off{{3, ""}, event_time{900}, {~0ull, 77, 5}, 0xABCD'EF01'2345'6789u, 7, 29s, 40ms};
  backs_off.durations = {1ms, 2ms, 3ms, 4ms};
  all.entries.emplace_back(backs_off);
  all.entries.emplace_back(control::active());
  record hook{{4, "its hook was called"}, event_time{901}, at(0), 1, 1, 0s};
  hook.running = true;
  all.entries.emplace_back(hook);
  record none{{5, "no results"}, event_time{902}, at(1), 1, 1};
  none.finished = std::vector<std::string>{};
  all.entries.emplace_back(none);
  record several{{6, "several blocks"}, event_time{std::int64_t{1} << 62}, at(2), 1, 3, 1ns};
  several.finished = std::vector<std::string>{"a", "", std::string(70'000, 'c')};
  all.entries.emplace_back(several);
  record dead{{7, "dead"}, event_time{-(std::int64_t{1} << 62)}, at(3), 0, 4294967295,
              weir::duration::max()};
  dead.finished
    = record::failure{{"refused", "store", "it said no"}, weir::failure_action::dead_letter};
  dead.durations = {0ns, weir::duration::max()};
  all.entries.emplace_back(dead);
  record dropped{{8, "dropped"}, event_time::none(), at(4)};
  dropped.finished = record::failure{{"", "", ""}, weir::failure_action::drop};
  all.entries.emplace_back(dropped);
  return all;
}

weir::batch<parcel> waiting_input() {
  weir::batch<parcel> in;
  weir::batch_base& any = in;
  in.append({21, "first"}, event_time{4}, {5, 0, 0}, 42);
  any.append(control::watermark(event_time{4}));
  any.append(control::idle());
  in.append({22, "second"}, event_time::none(), {9, 3, 1}, 0);
  any.append(control::end());
  return in;
}

weir::channel_states channels() {
  using phase = weir::channel_states::phase;
  return {{{event_time{5}, phase::active},
           {event_time::none(), phase::idle},
           {event_time{-1}, phase::ended}},
          event_time{4},
          true};
}

weir::manifest about(std::uint64_t id, weir::checkpoint_kind kind) {
  weir::manifest m;
  m.weir_version = "0.1.0";
  m.job = "parcels / today";
  m.run.bytes = {0xde, 0xad, 0xbe, 0xef, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  m.run_number = 3;
  m.checkpoint = id;
  m.kind = kind;
  m.removes_old_output = id == 0;
  m.made_at_ms = 1'700'000'000'123;
  m.took = 2ms;
  const weir::stored_type_name type{"golden_test::parcel", 3};
  m.stages = {
    {"in", weir::stage_role::source, 1, {type}, 0, "in/parcels.ndjson", {}},
    {"scale / two", weir::stage_role::async_operator, 2, {type, {"string", 1}}, 128, "",
     {{"key", 0xFFFF'FFFF'FFFF'FFFFu}, {"query", 7}}},
    {"out", weir::stage_role::sink, 2, {{"string", 1}}, 0, "out", {}},
  };
  m.edges = {{0, weir::manifest_output::results, 1, weir::manifest_partition::key},
             {1, weir::manifest_output::results, 2, weir::manifest_partition::forward},
             {1, weir::manifest_output::dead_letters, 2, weir::manifest_partition::rebalance}};
  if (kind == weir::checkpoint_kind::finished)
    return m;
  weir::instance_summary source;
  source.positions = {{0, "offset 66048 line 512"}, {7, ""}};
  source.times = weir::source_times{event_time{-5}, event_time::none(), true, true};
  weir::instance_summary weighs;
  weighs.entries = {2, 1, 1, 4, 3, 2};
  weighs.counters = {{"records_in", 1000}, {"calls", ~0ull}};
  weighs.own_counters = {{"misses", 3}};
  weighs.histograms = {{"call_duration", {{3, 10}, {591, 1}}}, {"empty", {}}};
  weir::instance_summary sink;
  sink.pending_output = "part-0000000017-0000.ndjson 1234\n";
  m.instances = {{0, 0, source}, {1, 0, weighs}, {1, 1, {}}, {2, 0, sink}, {2, 1, {}}};
  return m;
}

/// Each checkpoint with how it is called in the text.
const std::pair<std::uint64_t, weir::checkpoint_kind> checkpoints[]
  = {{0, weir::checkpoint_kind::begun},
     {17, weir::checkpoint_kind::running},
     {18, weir::checkpoint_kind::stopped},
     {19, weir::checkpoint_kind::drained},
     {20, weir::checkpoint_kind::finished}};

void write_all(const fs::path& into) {
  const auto pool = std::make_shared<weir::block_pool>();
  const auto store = weir::directory_store(into.string());
  BOOST_TEST_REQUIRE(store->claim("parcels / today").has_value());
  for (const auto& [id, kind] : checkpoints) {
    weir::checkpoint what{about(id, kind), {}};
    if (kind == weir::checkpoint_kind::running) {
      weir::state_blocks bytes{pool};
      weir::stored_entry_writer writer{bytes, *weir::find_record_codec(typeid(parcel)),
                                       *weir::find_record_codec(typeid(std::string))};
      weir::testing::write_snapshot(writer, held_records());
      const auto in = waiting_input();
      writer.begin_waiting(in.records() + in.controls().size());
      writer.waiting(in, {});
      writer.channels(channels());
      writer.finish();
      what.states.push_back({1, 0, std::move(bytes)});
    }
    BOOST_TEST_REQUIRE(store->write(what).has_value());
  }
}

// -- as text --

std::string text(const parcel& of) {
  std::string all = std::to_string(of.number) + " \"" + of.to + "\"";
  if (of.weight != 0)
    all += " weight " + std::to_string(of.weight);
  all += of.fragile ? " fragile" : "";
  all += of.paint == colour::blue ? " blue" : "";
  if (of.insured)
    all += " insured " + std::to_string(*of.insured);
  for (const auto& each : of.stamps)
    all += " stamp \"" + each + "\"";
  for (const auto& [what, n] : of.customs)
    all += " " + what + " " + std::to_string(n);
  if (of.extra.index() == 1)
    all += " extra " + std::get<1>(of.extra);
  if (of.age != 0ms)
    all += " age " + std::to_string(of.age.count());
  return all;
}

std::string text(const control& of) {
  switch (of.kind()) {
    case weir::control_kind::watermark:
      return "watermark " + std::to_string(of.event_time().ms());
    case weir::control_kind::end:
      return "end";
    case weir::control_kind::idle:
      return "idle";
    case weir::control_kind::active:
      return "active";
    case weir::control_kind::barrier:
      break;
  }
  return "barrier";
}

std::string text(const weir::origin& of) {
  return " from " + std::to_string(of.position) + "/" + std::to_string(of.ordinal) + "/"
         + std::to_string(of.split);
}

std::string text(event_time of) {
  return of.has_value() ? " at " + std::to_string(of.ms()) : std::string{};
}

std::string text(const record& of) {
  auto all = text(of.value) + text(of.timestamp) + text(of.from);
  if (of.key != 0)
    all += " key " + std::to_string(of.key);
  all += " attempt " + std::to_string(of.attempt) + (of.running ? " running" : "");
  if (of.timeout_left)
    all += " timeout left " + std::to_string(of.timeout_left->count());
  if (of.backoff_left)
    all += " back-off left " + std::to_string(of.backoff_left->count());
  for (const auto took : of.durations)
    all += " took " + std::to_string(took.count());
  if (of.finished && of.finished->index() == 0) {
    all += " finished";
    for (const auto& each : std::get<0>(*of.finished))
      all += " \"" + (each.size() > 100 ? std::to_string(each.size()) + " " + each[0] : each) + "\"";
  } else if (of.finished) {
    const auto& failed = std::get<1>(*of.finished);
    all += failed.met == weir::failure_action::drop ? " dropped: " : " dead letter: ";
    all += failed.why.text();
  }
  return all;
}

std::string text(const weir::checkpoint& of) {
  std::string all = "checkpoint " + std::to_string(of.about.checkpoint) + "\n";
  for (const auto& each : of.states) {
    const auto& types = of.about.stages[each.stage].records;
    weir::stored_entry_reader reader{
      each.bytes,
      {weir::find_record_codec(typeid(parcel)), types[0].version},
      {weir::find_record_codec(typeid(std::string)), types[1].version},
      "operator scale"};
    const auto held = weir::testing::read_snapshot<parcel, std::string>(reader);
    for (const auto& entry : held.entries)
      all += "  " + std::visit([](const auto& what) { return text(what); }, entry) + "\n";
    all += held.input_ended ? "  its input has ended\n" : "";
    std::variant<control, weir::waiting_record> next{control::end()};
    reader.begin_waiting();
    while (reader.next_waiting(next)) {
      all += "  waits: ";
      if (const auto* what = std::get_if<control>(&next)) {
        all += text(*what) + "\n";
        continue;
      }
      const auto value
        = weir::testing::read_value<parcel>(reader, &weir::entry_reader::read_value);
      const auto& facts = std::get<weir::waiting_record>(next);
      all += text(value) + text(facts.timestamp) + text(facts.from)
             + (facts.key != 0 ? " key " + std::to_string(facts.key) : "") + "\n";
    }
    BOOST_TEST((reader.read_channels() == channels()));
    reader.end();
  }
  return all;
}

std::string content_of(const fs::path& file) {
  std::ifstream from{file, std::ios::binary};
  BOOST_TEST_REQUIRE(from.is_open(), file);
  return {std::istreambuf_iterator<char>{from}, {}};
}

/// Files by their paths under the folder; but for locks, which are no part of a format.
std::map<std::string, std::string> files_under(const fs::path& folder) {
  std::map<std::string, std::string> all;
  for (const auto& each : fs::recursive_directory_iterator{folder})
    if (each.is_regular_file() && each.path().filename() != "LOCK")
      all[fs::relative(each.path(), folder).string()] = content_of(each.path());
  return all;
}

/// What all checkpoints of a store hold.
std::string read_all(const fs::path& folder) {
  const auto store = weir::directory_store(folder.string());
  BOOST_TEST_REQUIRE(store->claim("parcels / today").has_value());
  std::string all;
  for (const auto& [id, kind] : checkpoints) {
    auto read = store->load(3, id);
    BOOST_TEST_REQUIRE(read.has_value(), (read ? "" : read.why().text()));
    auto expected = about(id, kind);
    expected.files = read->about.files;
    BOOST_TEST((read->about == expected), "checkpoint " << id);
    all += text(*read);
  }
  return all;
}

bool is_to_write() {
  const auto& suite = boost::unit_test::framework::master_test_suite();
  return suite.argc > 1 && std::string_view{suite.argv[1]} == "write";
}

} // namespace

BOOST_AUTO_TEST_SUITE(golden)

BOOST_AUTO_TEST_CASE(checkpoints_of_format_1_are_read) {
  const weir::testing::temp_folder copy;
  if (is_to_write()) {
    fs::remove_all(data / "checkpoints");
    fs::create_directories(data);
    write_all(data / "checkpoints");
    fs::remove(data / "checkpoints" / weir::file_name_of("parcels / today") / "LOCK");
    std::ofstream{data / "held.txt"} << read_all(data / "checkpoints");
    fs::remove(data / "checkpoints" / weir::file_name_of("parcels / today") / "LOCK");
  }
  // A store makes a lock in its folder.
  fs::copy(data / "checkpoints", copy.path("checkpoints"), fs::copy_options::recursive);
  BOOST_TEST(read_all(copy.path("checkpoints")) == content_of(data / "held.txt"));
}

BOOST_AUTO_TEST_CASE(what_is_written_is_format_1_to_the_byte) {
  const weir::testing::temp_folder made;
  write_all(made.path("checkpoints"));
  const auto now = files_under(made.path("checkpoints"));
  const auto then = files_under(data / "checkpoints");
  BOOST_TEST(now.size() == then.size());
  for (const auto& [name, bytes] : then) {
    const auto same = now.find(name);
    BOOST_TEST_REQUIRE((same != now.end()), name);
    BOOST_TEST((same->second == bytes), name);
  }
}

BOOST_AUTO_TEST_SUITE_END()
