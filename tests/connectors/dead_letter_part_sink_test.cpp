// SPDX-License-Identifier: Apache-2.0

// Dead letters with checkpoints: each is there once, whatever stops, and stages that name one file do
// not touch each other's.

#include "weir/dead_letter_part_sink.hpp"
#include "weir/output_folder.hpp"

#include "../support/memory_files.hpp"
#include "../support/temp_folder.hpp"
#include "two_phase_job.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <filesystem>
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
using letter = weir::dead_letter<weir::json_record>;
using weir::dead_letter_paths;
using weir::newer_output;
using weir::testing::memory_files;
using weir::testing::two_phase_job;
using weir::testing::two_phase_sink_of;

/// Of each four, the last two are of the kind `bad_record`.
letter letter_of(int i) {
  return {{"{\"i\":" + std::to_string(i) + "}", {}, static_cast<std::uint64_t>(i)},
          {i % 4 < 2 ? "timeout_error" : "bad_record", "", "no"},
          1,
          {}};
}

std::string line_of(int i, std::string_view stage) {
  std::string line;
  append_dead_letter(line, letter_of(i), stage, "in.ndjson", static_cast<std::uint64_t>(i));
  return line;
}

std::string part(std::uint64_t checkpoint, const std::string& stage, std::uint32_t instance = 0,
                 const std::string& stem = "bad") {
  const auto plain = weir::part_file_name(checkpoint, instance); // part-<10>-<4>.ndjson
  return stem + plain.substr(4, 11) + "-" + stage + plain.substr(15);
}

/// While its run, which has no name here, has not shown it.
std::string hidden(const std::string& part) {
  return "." + part + ".0000000000000000";
}

struct letters_fixture {
  std::shared_ptr<memory_files> files = std::make_shared<memory_files>();
  std::unique_ptr<weir::dead_letter_part_sink> sink;

  letters_fixture() { make_folder(); }

  void make_folder() {
    files->put_folder("out");
    files->put("out/.bad.run", "0000000000000000\n");
  }

  /// Without what says whose it is.
  names in_out() const {
    auto all = files->names("out");
    std::erase_if(all, [](const std::string& name) { return name.ends_with(".run"); });
    return all;
  }

  void make(dead_letter_paths to = {"out/bad.ndjson"}, const std::string& stage = "origin") {
    sink = std::make_unique<weir::dead_letter_part_sink>(std::move(to), stage, "in.ndjson", files);
  }

  weir::expected<void> try_to_open(std::uint64_t checkpoint = 0) {
    weir::instance_context who{"job", "dead letters of origin", 0, 1};
    who.checkpointed = true;
    who.checkpoint = checkpoint;
    return sink->open(who);
  }

  void open(std::uint64_t checkpoint = 0) {
    BOOST_TEST_REQUIRE(try_to_open(checkpoint).has_value());
  }

  void write(int i) {
    weir::batch<letter> in;
    in.append(letter_of(i), {}, {static_cast<std::uint64_t>(i), 0, 0});
    std::size_t next = 0;
    BOOST_TEST_REQUIRE(sink->write(in, next, 1).has_value());
    BOOST_TEST(next == 1u);
  }

  std::string checkpoint(std::uint64_t id) {
    BOOST_TEST_REQUIRE(sink->prepare(id, false).has_value());
    auto ready = sink->pending();
    if (ready.make_durable)
      BOOST_TEST_REQUIRE(ready.make_durable().has_value());
    BOOST_TEST_REQUIRE(sink->commit(id).has_value());
    return ready.state;
  }
};

/// What earlier runs have left, among what is another's.
struct old_letters_fixture : letters_fixture {
  names others{"bad.ndjson.txt",   "bad-notes.ndjson",         part(3, "origin", 0, "badly"),
               ".bad.ndjson.lock", "bad-1-origin-0000.ndjson", "part-0000000001-0000.ndjson"};

  old_letters_fixture() {
    files->put("out/bad.ndjson", "old\n");
    files->put("out/" + part(3, "origin"), "old\n");
    files->put("out/" + part(3, "gone-stage", 2), "old\n");
    files->put("out/." + part(4, "origin"), "old\n");
    for (const auto& each : others)
      files->put("out/" + each, "another's");
    make();
  }
};

/// All visible parts of one instance, of all that begin with one of `stems`.
std::string visible(const memory_files& in, const lines& stems, const std::string& stage,
                    std::uint32_t instance) {
  std::string all;
  for (const auto& stem : stems)
    for (const auto& name : in.names("out"))
      if (name.starts_with(stem + "-")
          && name.ends_with("-" + stage + "-000" + std::to_string(instance) + ".ndjson"))
        all += in.text("out/" + name);
  return all;
}

/// Two stages that name one file, and one whose bad records go elsewhere.
struct crash_fixture : two_phase_job {
  crash_fixture() {
    add("origin", {"out/bad.ndjson"}, {"bad"});
    add("in", {"out/bad.ndjson"}, {"bad"});
    add("other", {"out/worse.ndjson", "out/bad.ndjson"}, {"worse", "bad"});
  }

private:
  void add(const std::string& name, const dead_letter_paths& to, const lines& stems) {
    stages.push_back(
      {"dead letters of " + name,
       [this, name, to] {
         return std::make_unique<two_phase_sink_of<weir::dead_letter_part_sink>>(
           std::make_unique<weir::dead_letter_part_sink>(to, name, "in.ndjson", files), letter_of);
       },
       [name, stems](int end, std::uint32_t instance) {
         std::string all;
         for (const auto& stem : stems)
           for (int i = 0; i < end; ++i)
             if (is_of(i, instance) && (stems.size() == 1 || (i % 4 < 2) == (stem == "worse")))
               all += line_of(i, name);
         return all;
       },
       [name, stems](const memory_files& in, std::uint32_t instance) {
         return visible(in, stems, name, instance);
       }});
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(dead_letter_part_sink, letters_fixture)

BOOST_AUTO_TEST_CASE(letters_are_parts_named_after_file_and_stage) {
  make();
  open(16);
  write(0);
  BOOST_TEST(sink->flush().has_value());
  BOOST_TEST((in_out() == names{hidden(part(17, "origin"))}));
  const auto state = checkpoint(17);
  BOOST_TEST(
    state == "0 " + std::to_string(line_of(0, "origin").size()) + " " + part(17, "origin") + "\n");
  BOOST_TEST((in_out() == names{part(17, "origin")}));
  BOOST_TEST(part(17, "origin") == "bad-0000000017-origin-0000.ndjson");
  BOOST_TEST(files->text("out/" + part(17, "origin")) == line_of(0, "origin"));
  // No letter, no part.
  checkpoint(18);
  BOOST_TEST((in_out() == names{part(17, "origin")}));
}

BOOST_AUTO_TEST_CASE(names_that_a_file_cannot_bear_are_written_otherwise) {
  make({"letters"}, "a/b c");
  open();
  write(0);
  checkpoint(1);
  BOOST_TEST(files->has("letters-0000000001-a%2Fb%20c-0000.ndjson"));
  make({"out/bad.ndjson"}, std::string(240, 'x'));
  BOOST_TEST(try_to_open().why().is(weir::error_kind::argument));
  make({"out/ba\nd.ndjson"});
  BOOST_TEST(try_to_open().why().is(weir::error_kind::argument));
}

BOOST_AUTO_TEST_CASE(bad_records_may_go_elsewhere) {
  files->put_folder("elsewhere");
  // The same name in another folder.
  make({"out/bad.ndjson", "elsewhere/bad.ndjson"});
  open();
  BOOST_TEST(sink->recover({})->empty());
  for (int i = 0; i < 4; ++i)
    write(i);
  BOOST_TEST_REQUIRE(sink->prepare(1, false).has_value());
  auto ready = sink->pending();
  BOOST_TEST_REQUIRE(ready.make_durable().has_value());
  sink.reset();
  files->lose_power(0);
  BOOST_TEST((in_out() == names{hidden(part(1, "origin"))}));
  BOOST_TEST((files->names("elsewhere") == names{".bad.run", hidden(part(1, "origin"))}));
  make({"out/bad.ndjson", "elsewhere/bad.ndjson"});
  open(1);
  BOOST_TEST(sink->recover({1, {ready.state}})->empty());
  BOOST_TEST(files->text("out/" + part(1, "origin"))
             == line_of(0, "origin") + line_of(1, "origin"));
  BOOST_TEST(files->text("elsewhere/" + part(1, "origin"))
             == line_of(2, "origin") + line_of(3, "origin"));
}

BOOST_AUTO_TEST_CASE(only_bad_records_need_only_their_file) {
  make({"", "out/bad.ndjson"});
  open();
  write(2);
  checkpoint(1);
  BOOST_TEST(files->text("out/" + part(1, "origin")) == line_of(2, "origin"));
}

// Two series of one name would remove each other's hidden parts.
BOOST_AUTO_TEST_CASE(a_path_that_is_spelled_in_two_ways_is_one) {
  for (const dead_letter_paths& to :
       {dead_letter_paths{"out/bad.ndjson", "./out//bad.ndjson"}, {"out/bad.ndjson", "out/bad"}}) {
    files = std::make_shared<memory_files>();
    files->put_folder("out");
    make(to);
    open();
    BOOST_TEST(sink->recover({})->empty());
    write(0);
    write(2);
    BOOST_TEST_REQUIRE(sink->prepare(1, false).has_value());
    auto ready = sink->pending();
    BOOST_TEST_REQUIRE(ready.make_durable().has_value());
    sink.reset();
    make(to);
    open(1);
    BOOST_TEST(sink->recover({1, {ready.state}})->empty());
    BOOST_TEST(files->text("out/" + part(1, "origin"))
               == line_of(0, "origin") + line_of(2, "origin"));
  }
}

BOOST_AUTO_TEST_CASE(paths_that_links_lead_together_are_refused) {
  const weir::testing::temp_folder folder;
  std::filesystem::create_directory_symlink(".", folder.path("link"));
  const auto open_with = [&](const std::string& bad_records) {
    weir::dead_letter_part_sink real{
      {folder.path("bad.ndjson"), folder.path(bad_records)}, "origin", "in.ndjson"};
    weir::instance_context who{"job", "dead letters of origin", 0, 1};
    who.checkpointed = true;
    return real.open(who);
  };
  const auto refused = open_with("link/bad.ndjson");
  BOOST_TEST_REQUIRE(!refused.has_value());
  BOOST_TEST(refused.why().is(weir::error_kind::argument));
  BOOST_TEST(refused.why().thing() == folder.path("link/bad.ndjson"));
  BOOST_TEST(open_with("link/worse.ndjson").has_value());
}

// Whose records could be read, whose stem is that of the sink's own parts.
BOOST_AUTO_TEST_CASE(they_may_lie_among_the_parts_of_results) {
  files->put("out/part-0000000001-0000.ndjson", "a result\n");
  files->put("out/.part-0000000002-0000.ndjson", "half a result\n");
  files->put("out/part-0000000003-0000.ndjson", "a result\n");
  const auto before = in_out();
  make({"out/part.ndjson"});
  open();
  BOOST_TEST(sink->recover({})->empty());
  BOOST_TEST((in_out() == before));
  BOOST_TEST(sink->recover({2, {}, newer_output::remove})->empty());
  BOOST_TEST(sink->newer_than(1)->empty());
  BOOST_TEST((in_out() == before));
  for (const auto& name : {part(1, "origin", 0, "part"), "." + part(1, "origin", 0, "part")})
    BOOST_TEST(!weir::is_part_file_name(name));
}

// -- at the beginning of a run --

BOOST_FIXTURE_TEST_CASE(what_earlier_runs_have_left_is_refused, old_letters_fixture) {
  const auto before = in_out();
  const auto newer = sink->newer_than(0);
  BOOST_TEST_REQUIRE(newer.has_value());
  BOOST_TEST((*newer
              == lines{"out/" + part(3, "gone-stage", 2), "out/" + part(3, "origin"),
                       "out/bad.ndjson"}));
  open();
  const auto refused = sink->recover({});
  BOOST_TEST_REQUIRE(!refused.has_value());
  BOOST_TEST(refused.why().text()
             == "out: holds 3 files with earlier dead letters, the first of them "
                  + part(3, "gone-stage", 2)
                  + "; let them be removed (remove_old_output), move them away, or write elsewhere "
                    "(incompatible)");
  BOOST_TEST((in_out() == before));
}

BOOST_FIXTURE_TEST_CASE(what_earlier_runs_have_left_is_removed, old_letters_fixture) {
  open();
  const auto said = sink->recover({0, {}, newer_output::remove});
  BOOST_TEST_REQUIRE(said.has_value());
  BOOST_TEST((*said == lines{"removed 3 files with earlier dead letters from out"}));
  BOOST_TEST((in_out() == others));
  sink.reset();
  files->lose_power(0);
  BOOST_TEST((in_out() == others));
}

BOOST_FIXTURE_TEST_CASE(what_earlier_runs_have_left_is_moved_aside, old_letters_fixture) {
  open();
  const auto said = sink->recover({0, {}, newer_output::move_aside});
  BOOST_TEST_REQUIRE(said.has_value());
  BOOST_TEST(
    (*said == lines{"moved 3 files with earlier dead letters to out/discarded-0"}));
  // Another stage of the job finds nothing more.
  make({"out/bad.ndjson"}, "destination");
  open();
  BOOST_TEST(sink->recover({0, {}, newer_output::move_aside})->empty());
  sink.reset();
  files->lose_power(0);
  others.insert("discarded-0");
  BOOST_TEST((in_out() == others));
  BOOST_TEST((files->names("out/discarded-0")
              == names{"bad.ndjson", part(3, "origin"), part(3, "gone-stage", 2)}));
  BOOST_TEST(files->text("out/discarded-0/bad.ndjson") == "old\n");
}

// The sinks of a job begin on threads of their own.
BOOST_AUTO_TEST_CASE(stages_that_begin_together_do_not_hinder_each_other) {
  for (int round = 0; round < 50; ++round)
    for (const auto newer : {newer_output::remove, newer_output::move_aside}) {
      files = std::make_shared<memory_files>();
      files->put_folder("out");
      for (std::uint64_t n = 1; n <= 20; ++n) {
        files->put("out/" + part(n, "origin"), "old\n");
        files->put("out/." + part(n, "destination"), "old\n");
      }
      make();
      open();
      const auto first = std::exchange(sink, nullptr);
      make({"out/bad.ndjson"}, "destination");
      open();
      std::string why;
      std::thread other{[&] {
        const auto done = first->recover({0, {}, newer});
        why = done ? "" : done.why().text();
      }};
      const auto done = sink->recover({0, {}, newer});
      other.join();
      BOOST_TEST(why == "");
      BOOST_TEST(done.has_value(), (done ? "" : done.why().text()));
      if (newer == newer_output::remove)
        BOOST_TEST(in_out().empty());
      else
        BOOST_TEST((in_out() == names{"discarded-0"}));
    }
}

// Nobody has seen them, and nobody is to show them.
BOOST_AUTO_TEST_CASE(hidden_letters_are_in_nobodys_way) {
  for (const auto& of : {part(4, "origin"), part(4, "gone-stage")}) {
    files->put("out/." + of, "of a run without checkpoints\n");
    files->put("out/" + hidden(of), "of this one\n");
  }
  make();
  BOOST_TEST(sink->newer_than(0)->empty());
  open();
  BOOST_TEST(sink->recover({})->empty());
  BOOST_TEST(in_out().empty());
}

BOOST_AUTO_TEST_CASE(letters_that_another_run_is_to_show_are_in_the_way) {
  const auto of_other = "." + part(4, "gone-stage") + ".0123456789abcdef";
  files->put("out/" + of_other, "old\n");
  make();
  BOOST_TEST((*sink->hidden_of_others({}, 0) == lines{"out/" + of_other}));
  BOOST_TEST(sink->hidden_of_others(weir::run_id{{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}}, 0)->empty());
  // A run that goes on leaves other stages' alone.
  BOOST_TEST(sink->hidden_of_others({}, 3)->empty());
  BOOST_TEST(sink->newer_than(0)->empty());
  open();
  const auto refused = sink->recover({});
  BOOST_TEST_REQUIRE(!refused.has_value());
  BOOST_TEST(refused.why().text()
             == "out: holds 1 hidden part of another run, the first of them " + of_other
                  + ", which that run shows when it goes on; let it go on first, or let them be removed "
                    "(remove_old_output) (incompatible)");
  BOOST_TEST((*sink->recover({0, {}, newer_output::remove})
              == lines{"removed 1 hidden part of another run from out"}));
  BOOST_TEST(in_out().empty());
}

BOOST_AUTO_TEST_CASE(letters_whose_file_begins_with_a_dot_are_not_hidden) {
  files->put("out/.bad.ndjson", "old\n");
  files->put("out/" + part(3, "origin", 0, ".bad"), "old\n");
  files->put("out/." + part(4, "origin", 0, ".bad"), "old\n");
  make({"out/.bad.ndjson"});
  BOOST_TEST((*sink->newer_than(0)
              == lines{"out/" + part(3, "origin", 0, ".bad"), "out/.bad.ndjson"}));
  BOOST_TEST(weir::dead_letter_files("out/.bad.ndjson", files)->size() == 3u);
  open();
  BOOST_TEST((*sink->recover({0, {}, newer_output::remove})
              == lines{"removed 2 files with earlier dead letters from out"}));
  BOOST_TEST(in_out().empty());
}

BOOST_AUTO_TEST_CASE(a_file_that_a_run_without_checkpoints_writes_to_is_not_taken_away) {
  for (const auto newer : {newer_output::remove, newer_output::move_aside}) {
    files->put("out/" + part(3, "origin"), "old\n");
    auto other = weir::dead_letter_file::create("out/bad.ndjson", files);
    BOOST_TEST_REQUIRE(other.has_value());
    make();
    open();
    const auto before = in_out();
    const auto refused = sink->recover({0, {}, newer});
    BOOST_TEST_REQUIRE(!refused.has_value());
    BOOST_TEST(refused.why().thing() == "out/bad.ndjson");
    BOOST_TEST(refused.why().message().starts_with("is being written to by another run; "));
    BOOST_TEST((in_out() == before));
    *other = nullptr;
    BOOST_TEST(sink->recover({0, {}, newer}).has_value());
    BOOST_TEST(sink->newer_than(0)->empty());
  }
}

BOOST_AUTO_TEST_CASE(a_start_that_is_interrupted_can_be_repeated) {
  for (const auto newer : {newer_output::remove, newer_output::move_aside})
    for (std::uint64_t n = 1, stopped = 1; stopped != 0; ++n)
      for (const std::uint64_t seed : {0, 1, 2, 3}) {
        files = std::make_shared<memory_files>();
        make_folder();
        files->put("out/bad.ndjson", "old\n");
        files->put("out/" + part(3, "origin"), "older\n");
        make();
        open();
        files->stop_at_call(n);
        static_cast<void>(sink->recover({0, {}, newer}));
        stopped = files->was_met() ? 1 : 0;
        sink.reset();
        files->lose_power(seed);
        make();
        open();
        BOOST_TEST(sink->recover({0, {}, newer}).has_value());
        sink.reset();
        files->lose_power(0);
        // THEN what was to be moved is in one of the folders for it
        std::string moved;
        auto left = in_out();
        for (const auto* folder : {"discarded-0", "discarded-0.2"})
          if (left.erase(folder) > 0)
            for (const auto& each : files->names("out/" + std::string{folder}))
              moved += files->text("out/" + std::string{folder} + "/" + each);
        BOOST_TEST(left.empty());
        BOOST_TEST(moved.size() == (newer == newer_output::remove ? 0u : 10u));
      }
}

// -- going on --

BOOST_AUTO_TEST_CASE(stages_that_name_one_file_leave_each_others_alone) {
  const names of_other{part(9, "destination"), hidden(part(18, "destination")),
                       part(18, "destination", 1)};
  for (const auto& each : of_other)
    files->put("out/" + each, "another stage's\n");
  files->put("out/bad.ndjson", "of a job without checkpoints\n");
  files->put("out/" + hidden(part(17, "origin")), "four");
  files->put("out/" + hidden(part(18, "origin")), "new");
  files->put("out/" + part(18, "origin", 1), "newer");
  make();
  const auto newer = sink->newer_than(17);
  BOOST_TEST_REQUIRE(newer.has_value());
  BOOST_TEST((*newer == lines{"out/" + part(18, "origin", 1)}));
  open(17);
  const std::string state = "0 4 " + part(17, "origin") + "\n";
  BOOST_TEST(sink->recover({17, {state}}).why().is(weir::error_kind::incompatible));
  BOOST_TEST(sink->recover({17, {state}, newer_output::move_aside}).has_value());
  auto left = in_out();
  for (const auto& each : of_other)
    BOOST_TEST(left.erase(each) == 1u);
  BOOST_TEST((left == names{"bad.ndjson", "discarded-17", part(17, "origin")}));
  BOOST_TEST((files->names("out/discarded-17") == names{part(18, "origin", 1)}));
}

BOOST_AUTO_TEST_CASE(a_state_that_is_not_its_own_is_damage) {
  make();
  open(17);
  const auto mine = "4 " + part(17, "origin") + "\n";
  for (const auto& state : lines{"x", "0", "0 ", "\n", "1 " + mine, "0" + mine, mine,
                                 "0 4 " + part(17, "other") + "\n", "0 " + mine + "0"}) {
    const auto refused = sink->recover({17, {state}});
    BOOST_TEST_REQUIRE(!refused.has_value(), state);
    BOOST_TEST(refused.why().is(weir::error_kind::damaged));
  }
  BOOST_TEST(sink->recover({17, {"0 " + mine}}).has_value());
}

BOOST_AUTO_TEST_CASE(places_of_stages_that_name_one_file_differ) {
  const auto place = [&](dead_letter_paths to, const std::string& stage) {
    make(std::move(to), stage);
    return sink->place();
  };
  const auto here = std::filesystem::current_path().string();
  BOOST_TEST(place({"out/bad.ndjson"}, "origin") == here + "/out/bad-origin");
  BOOST_TEST(place({"./out//bad.ndjson"}, "origin") == here + "/out/bad-origin");
  BOOST_TEST(place({"bad.ndjson"}, "origin") == here + "/bad-origin");
  BOOST_TEST(place({"out/bad.ndjson"}, "a b") == here + "/out/bad-a%20b");
  BOOST_TEST(place({"/x", "/y"}, "origin") == "/x-origin, /y-origin");
}

BOOST_AUTO_TEST_CASE(all_that_goes_when_a_run_begins_is_named) {
  for (const auto& name : {part(2, "origin"), part(1, "a-b", 1), std::string{"bad.ndjson"},
                           "." + part(3, "origin"), part(1, "origin", 0, "worse"),
                           std::string{"good.ndjson"}, part(1, "x")})
    files->put("out/" + name, "");
  files->put_folder("out/" + part(7, "origin"));
  BOOST_TEST((*weir::dead_letter_files("out/bad.ndjson", files)
              == lines{"out/." + part(3, "origin"), "out/" + part(1, "a-b", 1), "out/" + part(1, "x"),
                       "out/" + part(2, "origin"), "out/bad.ndjson"}));
  BOOST_TEST(weir::dead_letter_files("none/bad.ndjson", files)->empty());
  // And nothing else does.
  make();
  open();
  BOOST_TEST(sink->recover({0, {}, newer_output::remove}).has_value());
  BOOST_TEST(weir::dead_letter_files("out/bad.ndjson", files)->empty());
  BOOST_TEST(weir::dead_letter_files("out/worse.ndjson", files)->size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(no_letter_is_lost_or_doubled_wherever_it_stops, crash_fixture) {
  BOOST_TEST(run() == "");
  const auto faults = run_with_all_stops(3);
  BOOST_TEST(faults.size() == 0u, (faults.empty() ? "" : faults.front()));
  for (const auto at : {doing::recover, doing::prepare, doing::make_durable, doing::commit})
    BOOST_TEST(stopped_at[at] > 20, "stopped " << stopped_at[at] << " times");
}

BOOST_FIXTURE_TEST_CASE(no_letter_is_lost_or_doubled_whatever_fails, crash_fixture) {
  const auto faults = run_with_all_failures(1);
  BOOST_TEST(faults.size() == 0u, (faults.empty() ? "" : faults.front()));
}

// -- devices --

BOOST_AUTO_TEST_CASE(a_device_gets_its_letters_at_once) {
  weir::dead_letter_part_sink to_null{{"/dev/null", "/dev/full"}, "origin", "in.ndjson"};
  weir::instance_context who{"job", "dead letters of origin", 0, 1};
  who.checkpointed = true;
  BOOST_TEST_REQUIRE(to_null.open(who).has_value());
  BOOST_TEST(to_null.recover({})->empty());
  weir::batch<letter> in;
  in.append(letter_of(0), {}, {});
  std::size_t next = 0;
  BOOST_TEST(to_null.write(in, next, 1).has_value());
  BOOST_TEST(to_null.flush().has_value());
  BOOST_TEST(to_null.prepare(1, false).has_value());
  const auto ready = to_null.pending();
  BOOST_TEST(ready.state == "");
  BOOST_TEST(!ready.make_durable);
  BOOST_TEST(to_null.commit(1).has_value());
  // A bad record, to the full one.
  in.append(letter_of(2), {}, {});
  BOOST_TEST(to_null.write(in, next, 2).has_value());
  BOOST_TEST(to_null.flush().why().thing() == "/dev/full");
}

BOOST_AUTO_TEST_CASE(what_is_no_file_is_refused) {
  make({"out"});
  BOOST_TEST(try_to_open().why().message().starts_with("is no file; "));
  BOOST_TEST(weir::dead_letter_lock::take("out", files).why().thing() == "out");
  make({"none/bad.ndjson"});
  BOOST_TEST(try_to_open().why().thing() == "none");
}

// -- the lock --

BOOST_AUTO_TEST_CASE(a_lock_that_is_a_link_is_refused_and_nothing_behind_it_is_made) {
  const weir::testing::temp_folder folder;
  const auto lock = folder.path(".bad.ndjson.lock");
  for (const std::string to : {"victim", "none"}) {
    folder.write("victim", "of another");
    std::filesystem::create_symlink(folder.path(to), lock);
    const auto taken = weir::dead_letter_lock::take(folder.path("bad.ndjson"), weir::posix_files());
    BOOST_TEST_REQUIRE(!taken.has_value());
    BOOST_TEST(taken.why().text().starts_with(lock + ": is a symbolic link, which is not followed"));
    BOOST_TEST((folder.names() == names{".bad.ndjson.lock", "victim"}));
    BOOST_TEST(folder.read("victim") == "of another");
    std::filesystem::remove(lock);
  }
}

BOOST_AUTO_TEST_CASE(a_path_is_one_runs_at_a_time) {
  {
    const auto first = weir::dead_letter_lock::take("out/bad.ndjson", files);
    BOOST_TEST_REQUIRE(first.has_value());
    const auto second = weir::dead_letter_lock::take("out/bad.ndjson", files);
    BOOST_TEST_REQUIRE(!second.has_value());
    BOOST_TEST(second.why().thing() == "out/bad.ndjson");
    BOOST_TEST(second.why().message().starts_with("is being written to by another run"));
    // Its parts would have the same names.
    BOOST_TEST(!weir::dead_letter_lock::take("out/bad", files).has_value());
    BOOST_TEST(weir::dead_letter_lock::take("out/worse.ndjson", files).has_value());
    BOOST_TEST(weir::dead_letter_lock::take("bad.ndjson", files).has_value());
  }
  BOOST_TEST((in_out() == names{".bad.ndjson.lock", ".worse.ndjson.lock"}));
  BOOST_TEST(weir::dead_letter_lock::take("out/bad.ndjson", files).has_value());
  BOOST_TEST(weir::dead_letter_lock::take("none/bad.ndjson", files).why().thing()
             == "none/.bad.ndjson.lock");
}

BOOST_AUTO_TEST_CASE(a_device_is_not_locked) {
  const auto first = weir::dead_letter_lock::take("/dev/null");
  BOOST_TEST(first.has_value());
  BOOST_TEST(weir::dead_letter_lock::take("/dev/null").has_value());
  BOOST_TEST(!std::filesystem::exists("/dev/.null.lock"));
}

BOOST_AUTO_TEST_CASE(a_link_is_left_alone) {
  const weir::testing::temp_folder folder;
  folder.write("elsewhere", "old\n");
  std::filesystem::create_symlink("elsewhere", folder.path("bad.ndjson"));
  weir::dead_letter_part_sink real{{folder.path("bad.ndjson")}, "origin", "in.ndjson"};
  weir::instance_context who{"job", "dead letters of origin", 0, 1};
  who.checkpointed = true;
  BOOST_TEST_REQUIRE(real.open(who).has_value());
  BOOST_TEST(real.recover({})->empty());
  BOOST_TEST(folder.read("bad.ndjson") == "old\n");
}

BOOST_AUTO_TEST_SUITE_END()
