// SPDX-License-Identifier: Apache-2.0

// Part files with checkpoints: what is visible when, what a start makes of what it finds, and that no
// line is lost or doubled wherever process or machine stop.

#include "weir/output_folder.hpp"
#include "weir/part_file_sink.hpp"

#include "../support/memory_files.hpp"
#include "../support/temp_folder.hpp"
#include "two_phase_job.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using names = std::set<std::string>;
using lines = std::vector<std::string>;
using weir::newer_output;
using weir::testing::memory_files;
using weir::testing::two_phase_job;
using weir::testing::two_phase_sink_of;

weir::json_record record_of(int i) {
  return {"{\"i\":" + std::to_string(i) + "}", {}, 1};
}

std::string part(std::uint64_t checkpoint, std::uint32_t instance = 0) {
  return weir::part_file_name(checkpoint, instance);
}

/// Of a run whose mark this is.
std::string hidden(std::uint64_t checkpoint, std::uint32_t instance = 0,
                   std::string_view mark = "0123456789abcdef") {
  return "." + part(checkpoint, instance) + "." + std::string{mark};
}

constexpr auto run = weir::run_id{{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x99}};
constexpr auto owner = "out/.part.run";
constexpr auto owner_text = "0123456789abcdef\n";
constexpr auto other_mark = "0123456789abcdee";

struct series_fixture {
  std::shared_ptr<memory_files> files = std::make_shared<memory_files>();
  std::unique_ptr<weir::part_file_sink> sink;

  series_fixture() {
    files->put_folder("out");
    files->put(owner, owner_text);
  }

  void open(std::uint64_t checkpoint = 0, std::uint32_t instance = 0) {
    sink = std::make_unique<weir::part_file_sink>("out", 1, files);
    weir::instance_context who{"job", "sink", instance, 1};
    who.checkpointed = true;
    who.checkpoint = checkpoint;
    who.run = run;
    BOOST_TEST_REQUIRE(sink->open(who).has_value());
  }

  void write(int i) {
    weir::batch<weir::json_record> in;
    in.append(record_of(i), {}, {});
    std::size_t next = 0;
    BOOST_TEST_REQUIRE(sink->write(in, next, 1).has_value());
  }

  static std::string line(int i) { return "{\"i\":" + std::to_string(i) + "}\n"; }

  weir::pending_output prepare(std::uint64_t checkpoint, bool last = false) {
    BOOST_TEST_REQUIRE(sink->prepare(checkpoint, last).has_value());
    return sink->pending();
  }

  /// Its state.
  std::string prepare_durably(std::uint64_t checkpoint, bool last = false) {
    auto ready = prepare(checkpoint, last);
    if (ready.make_durable)
      BOOST_TEST_REQUIRE(ready.make_durable().has_value());
    return ready.state;
  }

  void commit(std::uint64_t checkpoint) {
    BOOST_TEST_REQUIRE(sink->commit(checkpoint).has_value());
  }

  weir::expected<lines> recover(std::uint64_t checkpoint, lines states = {},
                                newer_output newer = newer_output::refuse) {
    open(checkpoint);
    return sink->recover({checkpoint, std::move(states), newer});
  }

  std::string text(const std::string& name) const { return files->text("out/" + name); }

  /// Without what says whose it is.
  names in_folder(const std::string& name = "out") const {
    auto all = files->names(name);
    all.erase(".part.run");
    return all;
  }
};

struct crash_fixture : two_phase_job {
  crash_fixture() {
    stages.push_back({"sink",
                      [this] {
                        return std::make_unique<two_phase_sink_of<weir::part_file_sink>>(
                          std::make_unique<weir::part_file_sink>("out", 12, files), record_of);
                      },
                      [](int end, std::uint32_t instance) {
                        std::string all;
                        for (int i = 0; i < end; ++i)
                          if (is_of(i, instance))
                            all += series_fixture::line(i);
                        return all;
                      },
                      [](const memory_files& in, std::uint32_t instance) {
                        std::string all;
                        for (const auto& name : in.names("out"))
                          if (weir::is_part_file_name(name) && !name.starts_with('.')
                              && name.ends_with("-000" + std::to_string(instance) + ".ndjson"))
                            all += in.text("out/" + name);
                        return all;
                      }});
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(part_series, series_fixture)

// -- prepare and commit --

BOOST_AUTO_TEST_CASE(a_part_is_begun_with_the_first_line_behind_a_checkpoint) {
  open();
  auto ready = prepare(1);
  BOOST_TEST(ready.state == "");
  BOOST_TEST(!ready.make_durable);
  BOOST_TEST(in_folder().empty());
  write(0);
  BOOST_TEST((in_folder() == names{hidden(2)}));
  // Checkpoints 2 and 3 did not reach it.
  BOOST_TEST(prepare_durably(4) == "8 part-0000000002-0000.ndjson\n");
  BOOST_TEST((in_folder() == names{hidden(2)}));
  write(1);
  commit(4);
  BOOST_TEST((in_folder() == names{part(2), hidden(5)}));
  BOOST_TEST(text(part(2)) == line(0));
}

BOOST_AUTO_TEST_CASE(an_instance_that_goes_on_begins_behind_its_checkpoint) {
  open(17, 3);
  BOOST_TEST(sink->path() == "out/" + part(18, 3));
  write(0);
  BOOST_TEST((in_folder() == names{hidden(18, 3)}));
}

BOOST_AUTO_TEST_CASE(a_commit_shows_all_that_was_prepared_up_to_it) {
  open();
  write(0);
  prepare_durably(1);
  write(1);
  const auto state = prepare_durably(2);
  BOOST_TEST(state == "8 " + part(1) + "\n8 " + part(2) + "\n");
  write(2);
  prepare_durably(3);
  commit(2);
  BOOST_TEST((in_folder() == names{part(1), part(2), hidden(3)}));
  commit(2);
  commit(1);
  BOOST_TEST((in_folder() == names{part(1), part(2), hidden(3)}));
  commit(3);
  BOOST_TEST((in_folder() == names{part(1), part(2), part(3)}));
}

BOOST_AUTO_TEST_CASE(a_checkpoint_that_came_to_nothing_is_made_durable_by_the_next) {
  open();
  write(0);
  auto dropped = prepare(1);
  dropped.make_durable.reset();
  write(1);
  prepare_durably(2);
  sink.reset();
  files->lose_power(0);
  BOOST_TEST((in_folder() == names{hidden(1), hidden(2)}));
  BOOST_TEST(text(hidden(1)) == line(0));
  BOOST_TEST(text(hidden(2)) == line(1));
}

BOOST_AUTO_TEST_CASE(a_name_is_pending_until_a_checkpoint_knows_it_to_be_durable) {
  open();
  write(0);
  prepare_durably(1);
  commit(1);
  // The folder is synced by the task of checkpoint 2, also where nothing is new.
  auto ready = prepare(2);
  BOOST_TEST(ready.state == "8+ " + part(1) + "\n");
  files->forget_transcript();
  BOOST_TEST(ready.make_durable().has_value());
  BOOST_TEST(files->transcript() == "about out\nabout out\nsync out\n");
  // It came to nothing: 3 says it again.
  BOOST_TEST(prepare_durably(3) == "8+ " + part(1) + "\n");
  commit(3);
  auto later = prepare(4);
  BOOST_TEST(later.state == "");
  BOOST_TEST(!later.make_durable);
}

BOOST_AUTO_TEST_CASE(the_last_commit_makes_its_names_durable) {
  open();
  write(0);
  prepare_durably(1, true);
  commit(1);
  sink.reset();
  files->lose_power(0);
  BOOST_TEST((in_folder() == names{part(1)}));
}

BOOST_AUTO_TEST_CASE(a_file_stays_open_until_it_is_on_the_disk) {
  open();
  write(0);
  auto dropped = prepare(1);
  files->forget_transcript();
  write(1);
  auto ready = prepare(2);
  BOOST_TEST(ready.make_durable().has_value());
  const auto said = files->transcript();
  BOOST_TEST(said.find("sync out/" + hidden(1) + "\nclose out/" + hidden(1) + "\n")
               != std::string::npos,
             said);
  // The task of the dropped one finds nothing left to do.
  files->forget_transcript();
  BOOST_TEST(dropped.make_durable().has_value());
  BOOST_TEST(files->transcript() == "about out\nabout out\nsync out\n");
}

BOOST_AUTO_TEST_CASE(a_task_may_outlive_its_sink) {
  open();
  write(0);
  auto ready = prepare(1);
  sink.reset();
  BOOST_TEST(ready.make_durable().has_value());
  ready.make_durable.reset();
  BOOST_TEST(files->open_files() == 0u);
  files->lose_power(0);
  BOOST_TEST(text(hidden(1)) == line(0));
}

BOOST_AUTO_TEST_CASE(tasks_run_on_a_thread_beside_the_sinks) {
  open();
  for (int i = 0; i < 50; ++i) {
    write(2 * i);
    const auto id = static_cast<std::uint64_t>(i) + 1;
    auto ready = prepare(id);
    bool durable = false;
    std::thread store{[&] { durable = ready.make_durable().has_value(); }};
    write(2 * i + 1);
    BOOST_TEST(sink->flush().has_value());
    store.join();
    BOOST_TEST_REQUIRE(durable);
    commit(id);
  }
  BOOST_TEST(in_folder().size() == 51u);
}

// Linux drops what it could not write and says so once: a second sync succeeds and means nothing.
BOOST_AUTO_TEST_CASE(what_was_not_synced_once_is_never_trusted) {
  open();
  write(0);
  auto first = prepare(1);
  files->fail_call(1, EIO);
  const auto failed = first.make_durable();
  BOOST_TEST_REQUIRE(!failed.has_value());
  BOOST_TEST(failed.why().is(weir::error_kind::io));
  BOOST_TEST(failed.why().thing() == "out/" + hidden(1));
  files->heal();
  write(1);
  auto second = prepare(2);
  const auto again = second.make_durable();
  BOOST_TEST_REQUIRE(!again.has_value());
  BOOST_TEST(again.why().thing() == "out/" + hidden(1));
}

BOOST_AUTO_TEST_CASE(whatever_call_of_a_task_fails_is_told) {
  std::uint64_t failed = 0;
  for (std::uint64_t n = 1, met = 1; met != 0; ++n) {
    files = std::make_shared<memory_files>();
    files->put_folder("out");
    open();
    write(0);
    auto ready = prepare(1);
    files->fail_call(n, EIO);
    const auto durable = ready.make_durable();
    met = files->was_met() ? 1 : 0;
    BOOST_TEST(durable.has_value() == (met == 0));
    failed += met;
  }
  BOOST_TEST(failed == 5u);
}

// A further start would look for it at the path.
BOOST_AUTO_TEST_CASE(no_checkpoint_relies_on_a_folder_that_was_moved_or_replaced) {
  open();
  const auto root = weir::open_file(files, AT_FDCWD, "/", O_RDONLY | O_DIRECTORY);
  const auto rename = [&](const char* from, const char* to) {
    BOOST_TEST_REQUIRE(files->rename(root.fd.get(), from, root.fd.get(), to, false) == 0);
  };
  write(0);
  auto ready = prepare(1);
  rename("out", "elsewhere");
  const auto moved = ready.make_durable();
  BOOST_TEST_REQUIRE(!moved.has_value());
  BOOST_TEST(moved.why().is(weir::error_kind::io));
  BOOST_TEST(moved.why().text().starts_with("out: has been moved or replaced"));
  files->put_folder("out");
  BOOST_TEST(!prepare(2).make_durable().has_value());
  rename("out", "new");
  rename("elsewhere", "out");
  BOOST_TEST(prepare(3).make_durable().has_value());
  commit(3);
  BOOST_TEST((in_folder() == names{part(1)}));
}

// As when the disk of the checkpoints is full for days.
BOOST_AUTO_TEST_CASE(what_is_pending_is_never_more_than_a_checkpoint_can_say) {
  open();
  std::uint64_t id = 0;
  std::size_t most = 0;
  weir::expected<weir::poll_result> prepared = weir::poll_result{};
  const auto folder = files->open(AT_FDCWD, "out", O_RDONLY | O_DIRECTORY).fd;
  while (prepared && id < 100'000) {
    write(0);
    prepared = sink->prepare(++id, false);
    // The system does so by itself, and names that are not on the disk make each call slower here.
    files->sync(folder);
    // Not each time: what it says grows.
    if (prepared && id % 32 == 0)
      most = std::max(most, sink->pending().state.size());
    // However many tasks never run.
    BOOST_TEST_REQUIRE(files->open_files() < 100u);
  }
  BOOST_TEST_REQUIRE(!prepared.has_value());
  BOOST_TEST(prepared.why().is(weir::error_kind::io));
  BOOST_TEST(prepared.why().thing() == "out");
  BOOST_TEST(prepared.why().message().find("hidden parts of checkpoints that came to nothing")
             != std::string::npos);
  BOOST_TEST(id > 5'000u);
  BOOST_TEST(most < 512 * 1024u);
}

BOOST_AUTO_TEST_CASE(an_end_leaves_what_was_prepared_as_it_is) {
  for (const bool keep : {false, true}) {
    files = std::make_shared<memory_files>();
    files->put_folder("out");
    open();
    write(0);
    prepare_durably(1);
    commit(1);
    write(1);
    prepare_durably(2);
    write(2);
    BOOST_TEST((in_folder() == names{part(1), hidden(2), hidden(3)}));
    sink->abandon(keep);
    sink.reset();
    BOOST_TEST((in_folder() == names{part(1), hidden(2)}));
    BOOST_TEST(files->open_files() == 0u);
  }
}

// -- recover --

BOOST_AUTO_TEST_CASE(what_is_pending_is_shown_and_other_hidden_parts_go) {
  files->put("out/" + hidden(16), line(0));
  files->put("out/" + part(17), "already\n");
  files->put("out/" + hidden(17, 1), line(1) + line(2));
  files->put("out/" + hidden(18), "half");
  files->put("out/" + hidden(18, 1), "");
  files->put("out/" + part(9), "older\n");
  files->put("out/notes.txt", "another's");
  files->put("out/.part-0000000018-0000.ndjson.swp", "another's");
  const lines states{"8 " + part(16) + "\n8 " + part(17) + "\n8 " + part(15) + "\n", "",
                     "16 " + part(17, 1) + "\n"};
  const names after{part(16), part(17),    part(17, 1),
                    part(9),  "notes.txt", ".part-0000000018-0000.ndjson.swp"};
  // It may have been interrupted before.
  for (int round = 0; round < 2; ++round) {
    const auto said = recover(17, states);
    BOOST_TEST_REQUIRE(said.has_value());
    BOOST_TEST((in_folder() == after));
    BOOST_TEST(text(part(16)) == line(0));
    BOOST_TEST(text(part(17)) == "already\n");
    // Was there before its checkpoint was whole, so it was visible, and somebody took it.
    BOOST_TEST_REQUIRE(said->size() == 1u);
    BOOST_TEST(said->front().starts_with("out/" + part(15) + " "));
  }
  sink.reset();
  files->lose_power(0);
  BOOST_TEST((in_folder() == after));
}

// As by a process that lost its folder between the checkpoint and its commit.
BOOST_AUTO_TEST_CASE(a_pending_part_that_is_gone_is_said_as_it_was_known) {
  const auto said = recover(17, {"8 " + part(16) + "\n8+ " + part(17) + "\n"});
  BOOST_TEST_REQUIRE(said.has_value());
  BOOST_TEST((*said
              == lines{"out/" + part(16)
                         + " belongs to checkpoint 17 and is not there any more; somebody took it when it had "
                           "been made visible, or it was lost before, with its 8 bytes",
                       "out/" + part(17)
                         + " belongs to checkpoint 17 and is not there any more; it was visible when it was "
                           "taken away"}));
}

BOOST_AUTO_TEST_CASE(what_another_run_is_to_show_is_its_own) {
  files->put("out/." + part(2), "of a run without checkpoints, which is over\n");
  files->put("out/" + hidden(3), "of this one\n");
  const auto of_other = hidden(2, 0, other_mark);
  files->put("out/" + of_other, "of another\n");
  const auto before = in_folder();
  for (const std::uint64_t checkpoint : {0, 17}) {
    const auto refused = recover(checkpoint);
    BOOST_TEST_REQUIRE(!refused.has_value());
    BOOST_TEST(refused.why().text()
               == "out: holds 1 hidden part of another run, the first of them " + of_other
                    + ", which that run shows when it goes on; let it go on first, or let them be "
                    + (checkpoint == 0 ? "removed (remove_old_output) (incompatible)"
                                       : "put aside (discard_newer_output) (incompatible)"));
    BOOST_TEST((in_folder() == before));
  }
  BOOST_TEST(sink->newer_than(0)->empty());
  BOOST_TEST((*sink->hidden_of_others(run, 0) == lines{"out/" + of_other}));
  BOOST_TEST((*recover(17, {}, newer_output::move_aside)
              == lines{"moved 1 hidden part of another run to out/discarded-17"}));
  BOOST_TEST((in_folder() == names{"discarded-17"}));
  BOOST_TEST((in_folder("out/discarded-17") == names{of_other}));
  files->put("out/" + of_other, "of another\n");
  BOOST_TEST((*recover(0, {}, newer_output::remove)
              == lines{"removed 1 hidden part of another run from out"}));
  BOOST_TEST((in_folder() == names{"discarded-17"}));
}

// Whoever takes the folder over notes that, or removes the note.
BOOST_AUTO_TEST_CASE(a_folder_that_another_run_has_taken_over_is_not_gone_on_with) {
  files->put("out/" + part(16), "of another\n");
  files->put(owner, std::string{other_mark} + "\n");
  const auto ways_out = std::string{
    "; put back what this run had there, or begin it anew (fresh) in a folder of its own. If it is all there, write "
    "0123456789abcdef into out/.part.run (incompatible)"};
  for (const auto newer : {newer_output::refuse, newer_output::remove, newer_output::move_aside}) {
    const auto before = files->names("out");
    BOOST_TEST(recover(17, {""}, newer).why().text()
               == "out: is of another run by now, which is noted in .part.run" + ways_out);
    BOOST_TEST(sink->check_owner(run).why().text() == recover(17, {""}, newer).why().text());
    files->remove_file(AT_FDCWD, owner);
    BOOST_TEST(recover(17, {""}, newer).why().text()
               == "out: has no note (.part.run) that it holds the output of this run" + ways_out);
    BOOST_TEST(sink->check_owner(run).why().text() == recover(17, {""}, newer).why().text());
    files->put(owner, std::string{other_mark} + "\n");
    BOOST_TEST((files->names("out") == before));
  }
  // UNLESS its owner says otherwise
  files->put(owner, "0123456789abcdef");
  BOOST_TEST(recover(17, {""}).has_value());
  BOOST_TEST(sink->check_owner(run).has_value());
  // AND a run that begins takes it over
  BOOST_TEST(recover(0, {}, newer_output::remove).has_value());
  files->put(owner, std::string{other_mark} + "\n");
  BOOST_TEST(recover(0).has_value());
  BOOST_TEST(text(".part.run") == owner_text);
}

// As an empty folder is where a disk was not mounted: the output would be in two places.
BOOST_AUTO_TEST_CASE(a_folder_that_was_exchanged_is_not_gone_on_with) {
  files->remove_file(AT_FDCWD, owner);
  const auto ways_out = std::string{
    "; put back what this run had there, or begin it anew (fresh) in a folder of its own. If it is "
    "all there, write 0123456789abcdef into out/.part.run (incompatible)"};
  for (const auto& state : {"8 " + part(17) + "\n", "8+ " + part(17) + "\n", std::string{}}) {
    BOOST_TEST(recover(17, {state}).why().text()
               == "out: has no note (.part.run) that it holds the output of this run" + ways_out);
    BOOST_TEST(files->names("out").empty());
  }
  sink.reset();
  files->end_process();
  files->remove_folder(AT_FDCWD, "out");
  BOOST_TEST(weir::part_file_sink("out", 1, files).check_owner(run).why().text()
             == "out: is not there any more" + ways_out);
  BOOST_TEST(!files->has("out"));
}

BOOST_AUTO_TEST_CASE(a_sink_that_is_new_in_the_job_takes_its_folder_over) {
  files->remove_file(AT_FDCWD, owner);
  BOOST_TEST(recover(17).has_value());
  BOOST_TEST(text(".part.run") == owner_text);
}

// It must not be waited for, nor written into.
BOOST_AUTO_TEST_CASE(what_lies_where_the_note_is_made_goes) {
  files->put("out/.part.run.tmp", "another's");
  BOOST_TEST(recover(0).has_value());
  BOOST_TEST(!files->has("out/.part.run.tmp"));
  BOOST_TEST(text(".part.run") == owner_text);
}

BOOST_AUTO_TEST_CASE(a_visible_part_of_another_size_is_said) {
  files->put("out/" + part(17), "short\n");
  const auto said = recover(17, {"8+ " + part(17) + "\n"});
  BOOST_TEST_REQUIRE(said.has_value());
  BOOST_TEST((*said
              == lines{"out/" + part(17)
                         + " has 6 bytes, and had 8 when checkpoint 17 was made: something has changed it since it "
                           "was made visible"}));
}

// The name under which this run would show it is taken.
BOOST_AUTO_TEST_CASE(a_part_that_another_run_has_shown_is_not_taken_for_a_pending_one) {
  files->put("out/" + hidden(17), line(0));
  files->put("out/" + part(17), "of a run without checkpoints\n");
  const auto before = in_folder();
  const auto refused = recover(17, {"8 " + part(17) + "\n"});
  BOOST_TEST_REQUIRE(!refused.has_value());
  BOOST_TEST(refused.why().is(weir::error_kind::incompatible));
  BOOST_TEST((in_folder() == before));
}

BOOST_AUTO_TEST_CASE(a_pending_part_of_another_size_is_damage) {
  files->put("out/" + hidden(16), line(0));
  files->put("out/" + hidden(17), "half");
  files->put("out/" + hidden(18), "new");
  const auto before = in_folder();
  const auto refused = recover(17, {"8 " + part(16) + "\n8 " + part(17) + "\n"});
  BOOST_TEST_REQUIRE(!refused.has_value());
  BOOST_TEST(refused.why().is(weir::error_kind::damaged));
  BOOST_TEST(
    refused.why().text()
    == "out/" + hidden(17)
         + ": has 4 bytes, and 8 by checkpoint 17: something has changed it; put it back as it "
           "was, or start afresh (damaged)");
  BOOST_TEST((in_folder() == before));
}

BOOST_AUTO_TEST_CASE(a_state_that_is_not_its_own_is_damage) {
  for (const auto& state :
       lines{"x", "8 " + part(17), "8 " + part(18) + "\n", "8 notes.txt\n",
             "8 ../" + part(17) + "\n", " " + part(17) + "\n", "8  " + part(17) + "\n",
             "8" + part(17) + "\n", "99999999999999999999 " + part(17) + "\n", "\n"}) {
    const auto refused = recover(17, {"", state});
    BOOST_TEST_REQUIRE(!refused.has_value(), state);
    BOOST_TEST(refused.why().is(weir::error_kind::damaged));
    BOOST_TEST(refused.why().thing() == "out");
  }
  BOOST_TEST(recover(17, {"8 " + part(17) + "\n"}).has_value());
}

BOOST_AUTO_TEST_CASE(newer_output_is_refused_and_nothing_changed) {
  files->put("out/" + hidden(17), line(0));
  files->put("out/" + part(18), line(1));
  files->put("out/" + part(19, 1), line(2));
  files->put("out/" + hidden(20), line(2));
  const auto before = in_folder();
  const auto refused = recover(17, {"8 " + part(17) + "\n"});
  BOOST_TEST_REQUIRE(!refused.has_value());
  BOOST_TEST(refused.why().is(weir::error_kind::incompatible));
  BOOST_TEST(
    refused.why().text().find("2 part files newer than checkpoint 17, the first "
                              "of them "
                              + part(18))
      != std::string::npos,
    refused.why().text());
  BOOST_TEST((in_folder() == before));
  const auto newer = sink->newer_than(17);
  BOOST_TEST_REQUIRE(newer.has_value());
  BOOST_TEST((*newer == lines{"out/" + part(18), "out/" + part(19, 1)}));
}

BOOST_AUTO_TEST_CASE(newer_output_is_moved_aside) {
  files->put("out/" + part(17), line(0));
  files->put("out/" + part(18), line(1));
  files->put("out/" + part(19), line(2));
  const auto said = recover(17, {}, newer_output::move_aside);
  BOOST_TEST_REQUIRE(said.has_value());
  BOOST_TEST((*said
              == lines{"moved 2 part files newer than checkpoint 17 to "
                       "out/discarded-17"}));
  BOOST_TEST((in_folder() == names{part(17), "discarded-17"}));
  BOOST_TEST((in_folder("out/discarded-17") == names{part(18), part(19)}));
  sink.reset();
  files->lose_power(0);
  BOOST_TEST((in_folder("out/discarded-17") == names{part(18), part(19)}));
  // The same once more: those of before are not replaced.
  files->put("out/" + part(19), "another\n");
  BOOST_TEST(recover(17, {}, newer_output::move_aside)->front().ends_with("out/discarded-17.2"));
  BOOST_TEST(text("discarded-17/" + part(19)) == line(2));
  BOOST_TEST(text("discarded-17.2/" + part(19)) == "another\n");
  // What is no folder does not matter, and one that was begun is used again.
  files->put("out/discarded-18", "");
  files->put_folder("out/discarded-18.2");
  files->put("out/" + part(19), line(3));
  BOOST_TEST(recover(18, {}, newer_output::move_aside)->front().ends_with("out/discarded-18.2"));
}

BOOST_AUTO_TEST_CASE(newer_output_is_removed) {
  files->put("out/" + part(17), line(0));
  files->put("out/" + part(18), line(1));
  const auto said = recover(17, {}, newer_output::remove);
  BOOST_TEST_REQUIRE(said.has_value());
  BOOST_TEST((*said == lines{"removed 1 part file newer than checkpoint 17 from out"}));
  sink.reset();
  files->lose_power(0);
  BOOST_TEST((in_folder() == names{part(17)}));
}

BOOST_AUTO_TEST_CASE(at_checkpoint_0_every_part_is_newer) {
  files->put("out/" + part(1), line(0));
  files->put("out/" + hidden(2), line(0));
  const auto refused = recover(0);
  BOOST_TEST_REQUIRE(!refused.has_value());
  BOOST_TEST(refused.why().is(weir::error_kind::incompatible));
  BOOST_TEST(refused.why().text().find("1 part file of another run") != std::string::npos);
  BOOST_TEST(refused.why().text().find("(remove_old_output)") != std::string::npos);
  BOOST_TEST((in_folder() == names{part(1), hidden(2)}));
  BOOST_TEST(recover(0, {}, newer_output::remove).has_value());
  BOOST_TEST(in_folder().empty());
  BOOST_TEST(recover(0).has_value());
}

// As when somebody has put a copy there, or a commit was refused because of it.
BOOST_AUTO_TEST_CASE(a_pending_part_is_not_lost_to_another_file_of_its_name) {
  files->put("out/" + hidden(16), line(0));
  files->put("out/" + hidden(17), line(1));
  files->put("out/" + part(17), "another's\n");
  files->put("out/" + hidden(18), "new");
  const auto before = in_folder();
  const lines states{"8 " + part(16) + "\n8 " + part(17) + "\n"};
  const auto refused = recover(17, states);
  BOOST_TEST_REQUIRE(!refused.has_value());
  BOOST_TEST(refused.why().is(weir::error_kind::incompatible));
  BOOST_TEST(refused.why().thing() == "out/" + part(17));
  BOOST_TEST(refused.why().message().ends_with("; move it away"));
  BOOST_TEST((in_folder() == before));
  // When it is away, all is there.
  const auto folder = weir::open_file(files, AT_FDCWD, "out", O_RDONLY | O_DIRECTORY);
  BOOST_TEST(files->remove_file(folder.fd.get(), part(17).c_str()) == 0);
  BOOST_TEST_REQUIRE(recover(17, states).has_value());
  BOOST_TEST(text(part(17)) == line(1));
}

BOOST_AUTO_TEST_CASE(nothing_is_changed_where_a_hidden_part_is_no_file) {
  files->put("out/" + hidden(17), line(1));
  files->put_folder("out/" + hidden(18));
  const auto before = in_folder();
  const auto refused = recover(17, {"8 " + part(17) + "\n"});
  BOOST_TEST_REQUIRE(!refused.has_value());
  BOOST_TEST(refused.why().thing() == "out/" + hidden(18));
  BOOST_TEST(refused.why().message().find("but is no file") != std::string::npos);
  BOOST_TEST((in_folder() == before));
}

BOOST_AUTO_TEST_CASE(newer_output_is_not_moved_through_a_link) {
  const weir::testing::temp_folder real;
  std::filesystem::create_directory(real.path("out"));
  std::filesystem::create_directory(real.path("elsewhere"));
  std::filesystem::create_directory_symlink("../elsewhere", real.path("out/discarded-17"));
  std::filesystem::create_directory_symlink("nowhere", real.path("out/discarded-17.2"));
  real.write(owner, owner_text);
  real.write("out/" + part(18), line(0));
  weir::part_file_sink of_kernel{real.path("out")};
  weir::instance_context who{"job", "sink", 0, 1};
  who.checkpointed = true;
  who.run = run;
  who.checkpoint = 17;
  BOOST_TEST_REQUIRE(of_kernel.open(who).has_value());
  const auto said = of_kernel.recover({17, {}, newer_output::move_aside});
  BOOST_TEST_REQUIRE(said.has_value());
  BOOST_TEST(real.names("elsewhere").empty());
  BOOST_TEST((real.names("out/discarded-17.3") == names{part(18)}));
}

BOOST_AUTO_TEST_CASE(what_bears_the_name_of_a_part_and_is_no_file_is_left_alone) {
  files->put_folder("out/" + part(18));
  for (const auto newer : {newer_output::remove, newer_output::move_aside}) {
    const auto refused = recover(17, {}, newer);
    BOOST_TEST_REQUIRE(!refused.has_value());
    BOOST_TEST(refused.why().message().find("but is no file") != std::string::npos);
  }
  BOOST_TEST((in_folder() == names{part(18)}));
}

BOOST_AUTO_TEST_CASE(a_sink_that_is_not_open_knows_what_is_newer) {
  const weir::part_file_sink never{"out", 1, files};
  BOOST_TEST(never.newer_than(0)->empty());
  files->put("out/" + part(1), line(0));
  files->put("out/" + hidden(2), line(0));
  BOOST_TEST((*never.newer_than(0) == lines{"out/" + part(1)}));
  BOOST_TEST(never.newer_than(1)->empty());
  // However it is spelled: two stages must not take each other's parts for their own.
  const auto here = std::filesystem::current_path().string();
  for (const auto& path : lines{"out", "./out", "out/", "x/../out//", here + "/out"})
    BOOST_TEST((weir::part_file_sink{path, 1, files}.place() == here + "/out"), path);
  BOOST_TEST((weir::part_file_sink{"/", 1, files}.place() == "/"));
  const weir::part_file_sink nowhere{"none", 1, files};
  BOOST_TEST(nowhere.newer_than(0)->empty());
  BOOST_TEST((in_folder() == names{part(1), hidden(2)}));
}

BOOST_AUTO_TEST_CASE(a_recovery_that_is_interrupted_goes_on) {
  for (const auto newer : {newer_output::move_aside, newer_output::remove})
    for (std::uint64_t n = 1, stopped = 1; stopped != 0; ++n)
      for (std::uint64_t seed = 0; seed < 7; ++seed) {
        files = std::make_shared<memory_files>();
        files->put_folder("out");
        files->put(owner, owner_text);
        files->put("out/" + hidden(16), line(0));
        files->put("out/" + hidden(17), line(1));
        files->put("out/" + part(18), line(2));
        files->put("out/" + part(19), line(3));
        files->put("out/" + hidden(20), line(4));
        const lines states{"8 " + part(16) + "\n8 " + part(17) + "\n"};
        open(17);
        files->stop_at_call(n);
        static_cast<void>(sink->recover({17, states, newer}));
        stopped = files->was_met() ? 1 : 0;
        sink.reset();
        if (seed == 6)
          files->end_process();
        else
          files->lose_power(seed);
        BOOST_TEST_REQUIRE(recover(17, states, newer).has_value());
        sink.reset();
        files->lose_power(0);
        auto left = in_folder();
        std::set<std::string> aside;
        for (const std::string name : {"discarded-17", "discarded-17.2"})
          if (left.erase(name) != 0)
            for (const auto& each : in_folder("out/" + name))
              BOOST_TEST(aside.insert(text(name + "/" + each)).second);
        BOOST_TEST(left == (names{part(16), part(17)}), boost::test_tools::per_element());
        if (newer == newer_output::move_aside)
          BOOST_TEST((aside == std::set<std::string>{line(2), line(3)}));
      }
}

BOOST_AUTO_TEST_CASE(whatever_call_of_a_recovery_fails_is_told_and_can_be_repeated) {
  for (std::uint64_t n = 1, met = 1; met != 0; ++n) {
    files = std::make_shared<memory_files>();
    files->put_folder("out");
    files->put(owner, owner_text);
    files->put("out/" + hidden(17), line(1));
    files->put("out/" + part(18), line(2));
    files->put("out/" + hidden(20), line(4));
    const lines states{"8 " + part(17) + "\n"};
    open(17);
    files->fail_call(n, EIO);
    const auto first = sink->recover({17, states, newer_output::move_aside});
    met = files->was_met() ? 1 : 0;
    // Whether a folder holds a file of some name it may fail to say: then it is not used.
    BOOST_TEST((first.has_value() || first.why().is(weir::error_kind::io)));
    files->heal();
    BOOST_TEST_REQUIRE(recover(17, states, newer_output::move_aside).has_value());
    auto left = in_folder();
    BOOST_TEST((left.erase("discarded-17") + left.erase("discarded-17.2")) > 0u);
    BOOST_TEST((left == names{part(17)}));
  }
}

// -- crashes --

BOOST_FIXTURE_TEST_CASE(no_line_is_lost_or_doubled_wherever_it_stops, crash_fixture) {
  BOOST_TEST(run() == "");
  const auto faults = run_with_all_stops();
  BOOST_TEST(faults.size() == 0u, (faults.empty() ? "" : faults.front()));
  for (const auto at :
       {doing::recover, doing::write, doing::prepare, doing::make_durable, doing::commit})
    BOOST_TEST(stopped_at[at] > 20, "stopped " << stopped_at[at] << " times");
}

BOOST_FIXTURE_TEST_CASE(no_line_is_lost_or_doubled_whatever_fails, crash_fixture) {
  const auto faults = run_with_all_failures();
  BOOST_TEST(faults.size() == 0u, (faults.empty() ? "" : faults.front()));
}

// Each sync in its place, and what it costs to leave it out.
BOOST_FIXTURE_TEST_CASE(every_sync_is_needed, crash_fixture) {
  const auto is_needed = [&](doing where, bool of_folder) {
    left_out = [this, where, of_folder](const std::string& path) {
      return now == where && (path == "out") == of_folder;
    };
    return !run_with_all_stops().empty();
  };
  BOOST_TEST(is_needed(doing::make_durable, /*of_folder=*/false));
  BOOST_TEST(is_needed(doing::make_durable, /*of_folder=*/true));
  BOOST_TEST(is_needed(doing::commit, /*of_folder=*/true));
  BOOST_TEST(is_needed(doing::recover, /*of_folder=*/true));
}

BOOST_AUTO_TEST_SUITE_END()
