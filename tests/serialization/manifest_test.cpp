// SPDX-License-Identifier: Apache-2.0

#include "weir/manifest.hpp"

#include "../support/memory_files.hpp"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <fcntl.h>
#include <memory>
#include <string>
#include <string_view>

namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

weir::manifest flights() {
  weir::manifest m;
  m.weir_version = "0.1.0";
  m.job = "flights";
  m.run.bytes = {0xde, 0xad, 0xbe, 0xef, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  m.run_number = 3;
  m.checkpoint = 17;
  m.kind = weir::checkpoint_kind::drained;
  m.removes_old_output = true;
  m.made_at_ms = 1'700'000'000'123;
  m.took = 2ms;
  m.stages = {
    {"flights.ndjson",
     weir::stage_role::source,
     1,
     {{"weir.json_record", 1}},
     0,
     "in/flights.ndjson",
     {}},
    {"origin",
     weir::stage_role::async_operator,
     4,
     {{"weir.json_record", 1}, {"weir.json_record", 1}},
     128,
     "",
     {{"key", 0xFFFF'FFFF'FFFF'FFFFu}, {"query", 7}}},
    {"out", weir::stage_role::sink, 2, {{"weir.json_record", 1}}, 0, "out", {}},
  };
  m.edges = {{0, weir::manifest_output::results, 1, weir::manifest_partition::key},
             {1, weir::manifest_output::results, 2, weir::manifest_partition::forward},
             {1, weir::manifest_output::dead_letters, 2, weir::manifest_partition::rebalance}};
  weir::instance_summary source;
  source.positions = {{0, "offset 66048 line 512"}, {7, ""}};
  source.times = weir::source_times{weir::event_time{-5}, weir::event_time::none(), true, true};
  weir::instance_summary airports;
  airports.entries = {1, 2, 3, 4, 5, 6};
  airports.counters = {{"records_in", 1000}, {"calls", ~0ull}};
  airports.own_counters = {{"misses", 3}};
  airports.histograms = {{"call_duration", {{3, 10}, {591, 1}}}, {"empty", {}}};
  weir::instance_summary sink;
  sink.pending_output = "part-0000000017-0000.ndjson 1234\n";
  m.instances = {{0, 0, source}, {1, 0, airports}, {1, 3, {}}, {2, 1, sink}};
  m.files = {{1, "origin.state", {4711, 0xABCD'EF01u}}};
  return m;
}

struct manifest_fixture {
  std::shared_ptr<weir::testing::memory_files> files
    = std::make_shared<weir::testing::memory_files>();

  static std::string encoded(const weir::manifest& what) {
    const auto bytes = encode_manifest(what);
    BOOST_TEST_REQUIRE(bytes.has_value());
    return *bytes;
  }

  /// What is wrong with the bytes, or nothing.
  static std::string fault(std::string_view bytes) {
    const auto read = weir::decode_manifest(bytes, "chk/MANIFEST");
    return read ? std::string{} : read.why().text();
  }

  std::string file_fault(std::uint64_t checkpoint = 17) const {
    const auto folder = weir::open_file(files, AT_FDCWD, "chk", O_RDONLY | O_DIRECTORY);
    const auto read = weir::read_manifest(files, folder.fd.get(), "chk/MANIFEST", checkpoint);
    return read ? std::string{} : read.why().text();
  }

  void write(const weir::manifest& what) {
    files = std::make_shared<weir::testing::memory_files>();
    files->put_folder("chk");
    const auto folder = weir::open_file(files, AT_FDCWD, "chk", O_RDONLY | O_DIRECTORY);
    BOOST_TEST(write_manifest(files, folder.fd.get(), "chk/MANIFEST", what).has_value());
  }

  /// A field as a weir writes it that knows more.
  static std::string field(unsigned id, bool must_be_known, std::string_view bytes) {
    return std::string{static_cast<char>(0x80 | (id << 1 & 0x7F) | (must_be_known ? 1 : 0)),
                       static_cast<char>(id >> 6), static_cast<char>(bytes.size())}
           + std::string{bytes};
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(manifest, manifest_fixture)

BOOST_AUTO_TEST_CASE(what_is_written_is_read) {
  for (const auto& each : {flights(), weir::manifest{}}) {
    const auto read = weir::decode_manifest(encoded(each), "MANIFEST");
    BOOST_TEST_REQUIRE(read.has_value());
    BOOST_TEST((*read == each));
    BOOST_TEST(encoded(*read) == encoded(each));
  }
}

BOOST_AUTO_TEST_CASE(every_kind_of_checkpoint_is_told_apart) {
  for (const auto kind : {weir::checkpoint_kind::begun, weir::checkpoint_kind::running,
                          weir::checkpoint_kind::stopped, weir::checkpoint_kind::drained,
                          weir::checkpoint_kind::finished}) {
    auto m = flights();
    m.kind = kind;
    const auto read = weir::decode_manifest(encoded(m), "MANIFEST");
    BOOST_TEST_REQUIRE(read.has_value());
    BOOST_TEST((read->kind == kind));
  }
}

BOOST_AUTO_TEST_CASE(a_file_holds_it) {
  write(flights());
  const auto folder = weir::open_file(files, AT_FDCWD, "chk", O_RDONLY | O_DIRECTORY);
  const auto read = weir::read_manifest(files, folder.fd.get(), "chk/MANIFEST", 17);
  BOOST_TEST_REQUIRE(read.has_value());
  BOOST_TEST((*read == flights()));
  BOOST_TEST(file_fault(18).find("another stage, checkpoint or run") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_large_one_goes_over_blocks) {
  auto m = flights();
  m.stages[1].parallelism = 5000;
  m.instances = {};
  for (std::uint32_t i = 0; i < 5000; ++i) {
    weir::instance_summary summary;
    summary.pending_output = std::string(i % 100, 'x');
    summary.counters = {{"records_in", i}};
    m.instances.push_back({1, i, summary});
  }
  write(m);
  BOOST_TEST(files->text("chk/MANIFEST").size() > 2 * weir::block_bytes);
  const auto folder = weir::open_file(files, AT_FDCWD, "chk", O_RDONLY | O_DIRECTORY);
  const auto read = weir::read_manifest(files, folder.fd.get(), "chk/MANIFEST", 17);
  BOOST_TEST_REQUIRE(read.has_value());
  BOOST_TEST((*read == m));
}

BOOST_AUTO_TEST_CASE(every_bit_and_every_length_of_its_file_is_noticed) {
  write(flights());
  auto bytes = files->text("chk/MANIFEST");
  std::size_t accepted = 0;
  for (auto& byte : bytes)
    for (int bit = 0; bit < 8; ++bit) {
      byte = static_cast<char>(byte ^ 1 << bit);
      files->put("chk/MANIFEST", bytes);
      accepted += file_fault().empty() ? 1 : 0;
      byte = static_cast<char>(byte ^ 1 << bit);
    }
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    files->put("chk/MANIFEST", bytes.substr(0, size));
    accepted += file_fault().empty() ? 1 : 0;
  }
  files->put("chk/MANIFEST", bytes + "x");
  accepted += file_fault().empty() ? 1 : 0;
  BOOST_TEST(accepted == 0u);
  files->put("chk/MANIFEST", bytes);
  BOOST_TEST(file_fault() == "");
}

BOOST_AUTO_TEST_CASE(bytes_without_checksums_give_an_error_or_a_manifest) {
  auto bytes = encoded(flights());
  std::size_t refused = 0;
  for (auto& byte : bytes)
    for (int bit = 0; bit < 8; ++bit) {
      byte = static_cast<char>(byte ^ 1 << bit);
      refused += fault(bytes).empty() ? 0 : 1;
      byte = static_cast<char>(byte ^ 1 << bit);
    }
  for (std::size_t size = 0; size < bytes.size(); ++size)
    refused += fault(std::string_view{bytes}.substr(0, size)).empty() ? 0 : 1;
  BOOST_TEST(refused > bytes.size());
  BOOST_TEST(fault(bytes) == "");
}

BOOST_AUTO_TEST_CASE(a_field_of_a_newer_weir_is_skipped_where_that_is_allowed) {
  const auto bytes = encoded(flights());
  const auto read = weir::decode_manifest(bytes + field(99, false, "whatever"), "MANIFEST");
  BOOST_TEST_REQUIRE(read.has_value());
  BOOST_TEST((*read == flights()));
  BOOST_TEST(
    fault(bytes + field(99, true, "whatever"))
    == "chk/MANIFEST: the manifest has a field 99 that a newer weir has written and that must be "
       "understood; use that one (incompatible)");
}

BOOST_AUTO_TEST_CASE(what_every_manifest_has_must_be_there) {
  BOOST_TEST(fault("") == "chk/MANIFEST: the manifest lacks a field (damaged)");
  // Without its first field, which is for people.
  const auto bytes = encoded(flights());
  BOOST_TEST(fault(std::string_view{bytes}.substr(7)) == "");
  // Without the job's name too.
  BOOST_TEST(fault(std::string_view{bytes}.substr(7 + 9)).find("lacks a field")
             != std::string::npos);
}

BOOST_AUTO_TEST_CASE(fields_are_in_order) {
  const auto bytes = encoded(flights());
  BOOST_TEST(fault(bytes + bytes).find("not in order") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_contradicts_itself_is_refused) {
  const auto fault_with = [](auto change) {
    auto m = flights();
    change(m);
    return fault(encoded(m));
  };
  BOOST_TEST(fault_with([](auto&) {}) == "");
  const auto is = [](const std::string& said, std::string_view what) {
    return said.find(what) != std::string::npos;
  };
  BOOST_TEST(is(fault_with([](auto& m) { m.edges[0].to = 3; }), "an edge to a stage"));
  BOOST_TEST(is(fault_with([](auto& m) { m.stages[2].parallelism = 0; }), "without instances"));
  BOOST_TEST(is(fault_with([](auto& m) { m.instances[1].instance = 4; }), "does not have"));
  BOOST_TEST(is(fault_with([](auto& m) { m.instances[0].stage = 9; }), "does not have"));
  BOOST_TEST(
    is(fault_with([](auto& m) { std::swap(m.instances[1], m.instances[2]); }), "another order"));
  BOOST_TEST(is(fault_with([](auto& m) { m.instances[2] = m.instances[1]; }), "another order"));
  for (const auto* name : {"", ".", "..", "a/b", "/etc/passwd", "MANIFEST"})
    BOOST_TEST(is(fault_with([&](auto& m) { m.files[0].name = name; }), "cannot be one of it"));
  for (const std::uint32_t stage : {0, 1})
    BOOST_TEST(is(fault_with([&](auto& m) {
      m.files.push_back({stage, "more.state", {1, 1}});
    }),
                  "two files of one stage"));
}

BOOST_AUTO_TEST_CASE(positions_and_pending_output_have_a_bound) {
  auto m = flights();
  m.instances[0].summary.positions[0].position = std::string(64 * 1024, 'x');
  m.instances[3].summary.pending_output = std::string(1024 * 1024, 'x');
  BOOST_TEST(encode_manifest(m).has_value());
  m.instances[0].summary.positions[0].position += 'x';
  BOOST_TEST(encode_manifest(m).why().text().find("a position of 65537 bytes")
             != std::string::npos);
  m.instances[0].summary.positions.clear();
  m.instances[3].summary.pending_output += 'x';
  BOOST_TEST(encode_manifest(m).why().text().find("pending output") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(many_small_structures_do_not_take_all_memory) {
  // Each takes 8 bytes here and some hundred when it is read.
  std::string bytes = encoded(weir::manifest{});
  for (int i = 0; i < 1'000'000; ++i)
    bytes += "\x19\x06\x03\x01\x00\x05\x01\x00"s;
  BOOST_TEST(fault(bytes).find("more memory than a manifest") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(whatever_call_fails_the_error_says_so) {
  for (std::uint64_t n = 1;; ++n) {
    files = std::make_shared<weir::testing::memory_files>();
    files->put_folder("chk");
    const auto folder = weir::open_file(files, AT_FDCWD, "chk", O_RDONLY | O_DIRECTORY);
    files->fail_call(n, ENOSPC);
    const auto written = write_manifest(files, folder.fd.get(), "chk/MANIFEST", flights());
    const bool met = files->was_met();
    BOOST_TEST(written.has_value() == !met);
    if (!met)
      break;
    BOOST_TEST(written.why().is(weir::error_kind::io));
  }
}

BOOST_AUTO_TEST_CASE(a_runs_name_is_32_digits) {
  BOOST_TEST(flights().run.text() == "deadbeef05060708090a0b0c0d0e0f10");
}

BOOST_AUTO_TEST_SUITE_END()
