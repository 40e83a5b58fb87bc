// SPDX-License-Identifier: Apache-2.0

#include "weir/part_file_sink.hpp"

#include "../support/memory_files.hpp"
#include "../support/temp_folder.hpp"
#include "posix_fixtures.hpp"
#include "two_phase_job.hpp"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <sys/stat.h>

namespace {

using names = std::set<std::string>;

constexpr auto part_0 = "part-0000000001-0000.ndjson";
constexpr auto hidden_0 = ".part-0000000001-0000.ndjson";

struct sink_fixture {
  weir::testing::temp_folder folder;
  std::unique_ptr<weir::part_file_sink> sink;

  weir::expected<void> open(std::uint32_t instance = 0, std::size_t buffer_bytes = 1) {
    sink = std::make_unique<weir::part_file_sink>(folder.path(), buffer_bytes);
    return sink->open({"job", "sink", instance, 1});
  }

  /// Writes `count` lines of 8 bytes, numbered from `first`.
  weir::expected<void> write(int count, int first = 0) {
    weir::batch<weir::json_record> in;
    for (int i = first; i < first + count; ++i)
      in.append(weir::json_record{"{\"i\":" + std::to_string(i) + "}", {}, 1}, {}, {});
    std::size_t next = 0;
    auto written = sink->write(in, next, in.records());
    if (!written)
      return std::move(written).why();
    BOOST_TEST((written->state == weir::poll_state::done));
    BOOST_TEST(next == in.records());
    return {};
  }

  /// Ends all that is to come.
  void prepare() {
    BOOST_TEST((sink->prepare(1, true)->state == weir::poll_state::done));
    auto ready = sink->pending();
    BOOST_TEST_REQUIRE(static_cast<bool>(ready.make_durable));
    BOOST_TEST(ready.make_durable().has_value());
  }

  static std::string lines(int count) {
    std::string text;
    for (int i = 0; i < count; ++i)
      text += "{\"i\":" + std::to_string(i) + "}\n";
    return text;
  }
};

/// A sink over files that can fail at any call.
struct failing_fixture {
  std::shared_ptr<weir::testing::memory_files> files;
  std::unique_ptr<weir::part_file_sink> sink;

  /// Opens, writes 20 lines of 9 bytes in pieces of some lines, and commits.
  weir::expected<void> run() {
    sink = std::make_unique<weir::part_file_sink>("/out", 30, files);
    if (auto ok = sink->open({"job", "sink", 0, 1}); !ok)
      return ok;
    weir::batch<weir::json_record> in;
    for (int i = 10; i < 30; ++i)
      in.append(weir::json_record{"{\"i\":" + std::to_string(i) + "}", {}, 1}, {}, {});
    std::size_t next = 0;
    if (auto written = sink->write(in, next, in.records()); !written)
      return std::move(written).why();
    if (auto prepared = sink->prepare(1, true); !prepared)
      return std::move(prepared).why();
    if (auto durable = sink->pending().make_durable(); !durable)
      return durable;
    if (auto committed = sink->commit(1); !committed)
      return std::move(committed).why();
    return {};
  }

  static std::string lines(std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i)
      text += "{\"i\":" + std::to_string(10 + i) + "}\n";
    return text;
  }

  /// Tries a fault at each call of a run, until the run comes to its end before the fault.
  void at_every_call(const std::function<void(std::uint64_t n)>& set_fault,
                     const std::function<void(const weir::expected<void>&)>& look) {
    std::uint64_t failed = 0;
    for (std::uint64_t n = 1;; ++n) {
      files = std::make_shared<weir::testing::memory_files>();
      files->put_folder("out");
      set_fault(n);
      const auto result = run();
      const bool met = files->was_met();
      if (!met)
        BOOST_TEST(result.has_value());
      if (result) {
        BOOST_TEST_REQUIRE(files->text(std::string{"out/"} + part_0) == lines(20));
      } else {
        ++failed;
        BOOST_TEST(result.why().is(weir::error_kind::io));
        BOOST_TEST(result.why().thing().starts_with("/out"));
      }
      look(result);
      sink.reset();
      BOOST_TEST(files->open_files() == 0u);
      if (!met)
        break;
    }
    BOOST_TEST_MESSAGE(failed << " calls failed");
    BOOST_TEST(failed > 0u);
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(part_file_sink, sink_fixture)

BOOST_AUTO_TEST_CASE(a_part_is_hidden_until_it_is_committed) {
  BOOST_TEST(open().has_value());
  BOOST_TEST((folder.names() == names{}));
  BOOST_TEST(write(3).has_value());
  BOOST_TEST((folder.names() == names{hidden_0}));
  prepare();
  BOOST_TEST((folder.names() == names{hidden_0}));
  BOOST_TEST(folder.read(hidden_0) == lines(3));
  BOOST_TEST(sink->commit(1).has_value());
  sink.reset();
  BOOST_TEST((folder.names() == names{part_0}));
  BOOST_TEST(folder.read(part_0) == lines(3));
}

BOOST_AUTO_TEST_CASE(a_committed_part_can_be_taken_back) {
  BOOST_TEST(open().has_value());
  BOOST_TEST(write(3).has_value());
  prepare();
  BOOST_TEST(sink->commit(1).has_value());
  sink->abandon(false);
  BOOST_TEST((folder.names() == names{}));
}

BOOST_AUTO_TEST_CASE(lines_are_gathered_and_flushed) {
  BOOST_TEST(open(7, 1000).has_value());
  BOOST_TEST(sink->path() == folder.path("part-0000000001-0007.ndjson"));
  BOOST_TEST(write(3).has_value());
  BOOST_TEST(folder.names().empty());
  BOOST_TEST(sink->flush().has_value());
  BOOST_TEST(folder.read(".part-0000000001-0007.ndjson") == lines(3));
}

BOOST_AUTO_TEST_CASE(a_range_of_a_batch_is_written) {
  BOOST_TEST(open().has_value());
  weir::batch<weir::json_record> in;
  for (const auto* raw : {"{\"a\":0}", "{\"a\":1}", "{\"a\":2}", "{\"a\":3}"})
    in.append(weir::json_record{raw, ",\"b\":1", 1}, {}, {});
  std::size_t next = 1;
  BOOST_TEST(sink->write(in, next, 3).has_value());
  BOOST_TEST(next == 3u);
  BOOST_TEST(folder.read(hidden_0) == "{\"a\":1,\"b\":1}\n{\"a\":2,\"b\":1}\n");
}

BOOST_AUTO_TEST_CASE(a_part_without_lines_is_shown) {
  BOOST_TEST(open().has_value());
  prepare();
  BOOST_TEST(sink->commit(1).has_value());
  BOOST_TEST(folder.read(part_0) == "");
}

BOOST_AUTO_TEST_CASE(an_abandoned_part_is_removed) {
  BOOST_TEST(open().has_value());
  BOOST_TEST(write(3).has_value());
  sink->abandon(false);
  BOOST_TEST(folder.names().empty());
}

BOOST_AUTO_TEST_CASE(a_prepared_part_can_be_abandoned) {
  BOOST_TEST(open().has_value());
  BOOST_TEST(write(3).has_value());
  prepare();
  sink->abandon(false);
  BOOST_TEST(folder.names().empty());
  BOOST_TEST(open().has_value());
  BOOST_TEST(write(3).has_value());
  prepare();
  sink->abandon(true);
  sink.reset();
  BOOST_TEST(folder.read(part_0) == lines(3));
}

BOOST_AUTO_TEST_CASE(a_part_kept_has_all_lines_that_were_taken) {
  BOOST_TEST(open(0, 1000).has_value());
  BOOST_TEST(write(3).has_value());
  sink->abandon(true);
  sink.reset();
  BOOST_TEST((folder.names() == names{part_0}));
  BOOST_TEST(folder.read(part_0) == lines(3));
}

BOOST_AUTO_TEST_CASE(a_part_without_lines_is_not_kept) {
  BOOST_TEST(open().has_value());
  sink->abandon(true);
  BOOST_TEST(folder.names().empty());
}

BOOST_AUTO_TEST_CASE(a_sink_that_goes_away_takes_its_part_along) {
  BOOST_TEST(open().has_value());
  BOOST_TEST(write(3).has_value());
  sink.reset();
  BOOST_TEST(folder.names().empty());
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_named_and_leaves_nothing) {
  BOOST_TEST(open().has_value());
  {
    const weir::testing::file_size_limit limit{100};
    const auto written = write(50);
    BOOST_TEST_REQUIRE(!written.has_value());
    BOOST_TEST(written.why().is(weir::error_kind::io));
    BOOST_TEST(written.why().thing() == folder.path(hidden_0));
    BOOST_TEST(written.why().message().starts_with("cannot be written: File too large; "));
  }
  BOOST_TEST(folder.read(hidden_0).size() == 100u);
  sink->abandon(false);
  BOOST_TEST(folder.names().empty());
}

BOOST_AUTO_TEST_CASE(after_a_full_disk_whole_lines_can_be_kept) {
  for (const std::size_t buffer_bytes : {1, 30, 1000})
    for (const std::size_t room : {7, 8, 9, 100, 0}) {
      BOOST_TEST(open(0, buffer_bytes).has_value());
      {
        const weir::testing::file_size_limit limit{room};
        const auto written = write(10);
        BOOST_TEST((!written || !sink->prepare(1, true)) == (room < lines(10).size()));
        sink->abandon(true);
      }
      const auto whole = room / 8;
      if (whole == 0) {
        BOOST_TEST(folder.names().empty());
        continue;
      }
      BOOST_TEST((folder.names() == names{part_0}));
      BOOST_TEST(folder.read(part_0) == lines(static_cast<int>(std::min<std::size_t>(whole, 10))));
      std::filesystem::remove(folder.path(part_0));
    }
}

BOOST_AUTO_TEST_CASE(a_part_that_is_there_is_not_replaced) {
  BOOST_TEST(open().has_value());
  BOOST_TEST(write(1).has_value());
  prepare();
  folder.write(part_0, "another's\n");
  const auto shown = sink->commit(1);
  BOOST_TEST_REQUIRE(!shown.has_value());
  BOOST_TEST(shown.why().thing() == folder.path(part_0));
  sink->abandon(false);
  BOOST_TEST((folder.names() == names{part_0}));
  BOOST_TEST(folder.read(part_0) == "another's\n");
}

BOOST_AUTO_TEST_CASE(what_hinders_the_start_is_named) {
  const auto refusal = [](const std::string& path, std::uint32_t instance = 0) {
    weir::part_file_sink refused{path};
    const auto opened = refused.open({"job", "sink", instance, 1});
    return opened ? std::string{"was opened"} : opened.why().text();
  };
  const auto none = folder.path("none");
  BOOST_TEST(refusal(none).starts_with(none + ": cannot be opened: No such file"));
  BOOST_TEST(refusal(folder.write("file", "")).find("Not a directory") != std::string::npos);
  BOOST_TEST(refusal(folder.path(), 10'000).find("(argument)") != std::string::npos);
  BOOST_TEST_REQUIRE(::chmod(folder.path().c_str(), 0555) == 0);
  const weir::testing::without_root_rights rights;
  BOOST_TEST(refusal(folder.path()).find("cannot be written to: Permission denied; give this user")
             != std::string::npos);
}

BOOST_AUTO_TEST_CASE(another_runs_hidden_part_is_not_written_to) {
  folder.write(hidden_0, "another's\n");
  BOOST_TEST(open().has_value());
  const auto written = write(1);
  BOOST_TEST_REQUIRE(!written.has_value());
  BOOST_TEST(written.why().text().find("is there already") != std::string::npos);
  sink->abandon(true);
  sink.reset();
  BOOST_TEST((folder.names() == names{hidden_0}));
  BOOST_TEST(folder.read(hidden_0) == "another's\n");
}

BOOST_FIXTURE_TEST_CASE(whatever_call_fails_it_is_named_and_nothing_becomes_visible,
                        failing_fixture) {
  for (const int code : {EIO, ENOSPC})
    at_every_call([&](std::uint64_t n) { files->fail_call(n, code); },
                  [&](const weir::expected<void>& result) {
                    if (result)
                      return;
                    sink->abandon(false);
                    BOOST_TEST(files->names("out").empty());
                  });
}

BOOST_FIXTURE_TEST_CASE(whatever_call_fails_only_whole_lines_are_kept, failing_fixture) {
  const auto keep = [&](const weir::expected<void>& result) {
    if (result)
      return;
    files->heal();
    sink->abandon(true);
    const auto left = files->names("out");
    if (left.empty())
      return;
    BOOST_TEST_REQUIRE((left == names{part_0}));
    const auto text = files->text(std::string{"out/"} + part_0);
    BOOST_TEST(!text.empty());
    BOOST_TEST(text == lines(text.size() / 9));
  };
  at_every_call([&](std::uint64_t n) { files->fail_call(n, EIO); }, keep);
  at_every_call([&](std::uint64_t n) { files->halve_write(n, ENOSPC); }, keep);
}

BOOST_FIXTURE_TEST_CASE(a_write_that_is_cut_short_is_gone_on_with, failing_fixture) {
  for (std::uint64_t n = 1, met = 1; met != 0; ++n) {
    files = std::make_shared<weir::testing::memory_files>();
    files->put_folder("out");
    files->halve_write(n);
    BOOST_TEST(run().has_value());
    BOOST_TEST(files->text(std::string{"out/"} + part_0) == lines(20));
    met = files->was_met() ? 1 : 0;
    sink.reset();
  }
}

BOOST_FIXTURE_TEST_CASE(a_part_that_was_committed_survives_a_loss_of_power, failing_fixture) {
  for (std::uint64_t n = 1;; ++n) {
    files = std::make_shared<weir::testing::memory_files>();
    files->put_folder("out");
    files->stop_at_call(n);
    const bool committed = run().has_value();
    const bool met = files->was_met();
    sink.reset();
    files->lose_power(n);
    if (committed)
      BOOST_TEST(files->text(std::string{"out/"} + part_0) == lines(20));
    else if (files->has(std::string{"out/"} + part_0))
      // Visible only with its bytes on the disk.
      BOOST_TEST(files->text(std::string{"out/"} + part_0) == lines(20));
    if (!met)
      break;
  }
}

BOOST_AUTO_TEST_CASE(a_sink_that_was_not_opened_has_nothing_to_abandon) {
  weir::part_file_sink never{folder.path()};
  never.abandon(true);
  BOOST_TEST(never.path() == "");
  BOOST_TEST(folder.names().empty());
}

BOOST_AUTO_TEST_SUITE_END()
