// SPDX-License-Identifier: Apache-2.0

// The jobs that are killed elsewhere, left alone: they come to what the model says. And what kills them
// does, on a job that begins anew each time.

#include "kill_fixture.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <nlohmann/json.hpp>

#include <ostream>

using namespace weir::tool::testing;
using namespace std::chrono_literals;

namespace weir::tool::testing {

std::ostream& operator<<(std::ostream& out, const kill_job& job) {
  return out << job.mode << ", parallelism " << job.parallelism;
}

} // namespace weir::tool::testing

namespace {

const kill_job jobs[] = {
  {.mode = "ordered", .promises = promised_order::of_input},
  {.mode = "unordered", .promises = promised_order::any},
  {.mode = "key_ordered", .promises = promised_order::of_each_customer},
  {.mode = "ordered", .promises = promised_order::any, .parallelism = 2},
  {.mode = "unordered", .promises = promised_order::any, .parallelism = 3},
  {.mode = "key_ordered", .promises = promised_order::of_each_customer, .parallelism = 3},
};

/// That nothing is met too seldom for 30 kills.
constexpr kill_tally enough{.starts = 33, .kills = 30, .went_on = 15, .asked_again = 1};

} // namespace

BOOST_AUTO_TEST_SUITE(jobs_that_are_killed)

BOOST_DATA_TEST_CASE(left_alone_they_come_to_what_the_model_says, jobs, job) {
  kill_fixture with{job, 5};
  const auto ended = with.run();
  BOOST_REQUIRE_MESSAGE(ended.code == 0, ended.err);
  BOOST_TEST(with.fault(progress_so_far::done) == "");
  BOOST_TEST(with.fault_of_summary(ended.out) == "");
  BOOST_TEST(kill_fixture::asked_again(ended.out) == 0);
  // The store did fail, and what may overtake did.
  BOOST_TEST(nlohmann::json::parse(ended.out)["retries"].get<int>() > 100);
  const kill_model by_input{make_world(5, job.lines), promised_order::of_input};
  const bool in_order = by_input.fault_of(with.visible(), progress_so_far::done).empty();
  // Two ordered instances may happen to take turns.
  if (job.mode != "ordered" || job.parallelism == 1)
    BOOST_TEST(in_order == (job.promises == promised_order::of_input));
}

BOOST_AUTO_TEST_CASE(files_that_were_spoilt_are_named) {
  // GIVEN what a job has written
  kill_fixture with{jobs[0], 5};
  BOOST_REQUIRE(with.run().code == 0);
  const auto part = "out/part-0000000001-0000.ndjson";
  const auto good = with.folder.read(part);
  const auto letters = with.folder.read("letters/bad.ndjson");
  const auto fault = [&] { return with.fault(progress_so_far::done); };
  // WHEN one thing is wrong with its files
  with.folder.write("out/part-0000000002-0000.ndjson",
                    good.substr(good.rfind('\n', good.size() - 2) + 1));
  BOOST_TEST(fault().ends_with(" came out twice"), fault());
  std::filesystem::remove(with.folder.path("out/part-0000000002-0000.ndjson"));
  with.folder.write(part, good.substr(0, good.size() - 1));
  BOOST_TEST(fault().starts_with("the last line is cut: "), fault());
  with.folder.write(part, good);
  with.folder.write("letters/bad-0000000002-source-0000.ndjson", letters);
  BOOST_TEST(fault().ends_with(" came twice"), fault());
  std::filesystem::remove(with.folder.path("letters/bad-0000000002-source-0000.ndjson"));
  with.folder.write("out/.part-0000000002-0000.ndjson", "");
  // THEN it is named
  BOOST_TEST(fault() == "the hidden file .part-0000000002-0000.ndjson is left");
  std::filesystem::remove(with.folder.path("out/.part-0000000002-0000.ndjson"));
  BOOST_TEST(fault() == "");
}

BOOST_AUTO_TEST_CASE(a_summary_that_does_not_add_up_is_named) {
  const kill_fixture with{jobs[0], 5};
  const auto ended = with.run();
  for (const auto* name : {"records_in", "records_out", "dead_letters", "left_behind"}) {
    auto wrong = nlohmann::json::parse(ended.out);
    wrong[name] = wrong[name].get<int>() + 1;
    BOOST_TEST(
      with.fault_of_summary(wrong.dump()).starts_with("the summary's " + std::string{name}));
  }
}

BOOST_AUTO_TEST_CASE(a_part_that_changes_once_it_is_visible_is_named) {
  auto job = jobs[2];
  job.checkpoint_interval = 20ms;
  kill_fixture with{job, 5};
  std::filesystem::create_directory(with.folder.path("out"));
  const auto first = with.model().records()[0] + "\n";
  with.folder.write("out/part-0000000001-0000.ndjson", first);
  BOOST_TEST(with.fault(progress_so_far::under_way) == "");
  with.folder.write("out/part-0000000001-0000.ndjson", first + with.model().records()[1] + "\n");
  BOOST_TEST(with.fault(progress_so_far::under_way)
             == "out/part-0000000001-0000.ndjson, which was visible, has changed");
  std::filesystem::remove(with.folder.path("out/part-0000000001-0000.ndjson"));
  BOOST_TEST(with.fault(progress_so_far::under_way)
             == "out/part-0000000001-0000.ndjson, which was visible, has gone");
}

BOOST_AUTO_TEST_CASE(hidden_files_are_seen_but_for_lock_and_note) {
  kill_fixture with{jobs[0], 5};
  std::filesystem::create_directory(with.folder.path("out"));
  with.folder.write("letters/.bad.ndjson.lock", "");
  with.folder.write("letters/.bad.run", "");
  with.folder.write("out/.part.run", "");
  BOOST_TEST(with.visible().hidden.empty());
  with.folder.write("out/.part-0000000002-0000.ndjson", "");
  with.folder.write("letters/.bad-0000000002-source-0000.ndjson", "");
  BOOST_TEST(with.visible().hidden.size() == 2u);
}

// -- what killing must meet --

BOOST_AUTO_TEST_CASE(what_was_met_too_seldom_is_named) {
  BOOST_TEST(enough.shortfall(30) == "");
  auto less = enough;
  less.kills = 29;
  BOOST_TEST(less.shortfall(30) == "only 29 of 30 died by the signal");
  less = enough;
  less.went_on = 0;
  BOOST_TEST(less.shortfall(30) == "no start went on from a checkpoint");
  less.went_on = 14;
  BOOST_TEST(less.shortfall(30) == "only 14 starts behind 30 kills went on from a checkpoint");
  less = enough;
  less.asked_again = 0;
  BOOST_TEST(less.shortfall(30) == "nothing was ever under way: no question was asked again");
}

BOOST_AUTO_TEST_CASE(a_job_that_begins_anew_each_time_shows_nothing_about_going_on) {
  // GIVEN a job without checkpoints, in which nothing is visible before its end
  kill_fixture with{jobs[0], 5};
  // WHEN it is killed three times, and then left to come to its end
  const auto met = with.kill_until_done({.seed = 3,
                                         .kills = 3,
                                         .life_min = 20ms,
                                         .life_max = 150ms,
                                         .settings = {{"lookup.customer.capacity", {"5", "50"}}}});
  // THEN its output is right, but it is not taken for one that goes on
  BOOST_TEST(met.kills == 3);
  BOOST_TEST(met.starts == 4);
  BOOST_TEST(met.shortfall(3) == "no start went on from a checkpoint");
}

BOOST_AUTO_TEST_CASE(a_start_that_fails_by_itself_is_no_kill) {
  kill_fixture with{jobs[0], 5};
  with.folder.write("store.db", "no database");
  BOOST_CHECK_EXCEPTION(with.kill_until_done({.kills = 1, .life_min = 10s, .life_max = 10s}),
                        std::runtime_error, [](const std::runtime_error& why) {
                          return std::string{why.what()}.starts_with(
                            "start 1 of seed 1: exit code 1: ");
                        });
}

BOOST_AUTO_TEST_SUITE_END()
