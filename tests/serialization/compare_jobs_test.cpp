// SPDX-License-Identifier: Apache-2.0

// Changed jobs. The checkpoint is of in -> origin -> destination -> out, with the dead letters of origin in
// bad; `origin` holds 7 records, 2 of them finished, `destination` none.

#include "weir/compare_jobs.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>

using weir::compare_jobs;
using weir::hashed_setting;
using weir::manifest_output;
using weir::manifest_partition;
using weir::stage_role;

namespace {

weir::manifest_stage lookup(std::string name) {
  return {std::move(name),
          stage_role::async_operator,
          2,
          {{"flight", 2}, {"flight", 2}},
          0,
          {},
          {hashed_setting("capacity", "100"), hashed_setting("query", "select 1")}};
}

weir::job_description flights() {
  weir::job_description of{"flights"};
  of.stages = {{"in", stage_role::source, 1, {{"flight", 2}}, 0, "flights.ndjson", {}},
               lookup("origin"),
               lookup("destination"),
               {"out", stage_role::sink, 1, {{"flight", 2}}, 0, "out", {}},
               {"bad", stage_role::sink, 1, {}, 0, "bad.ndjson", {}}};
  of.oldest = {{1}, {1, 1}, {1, 1}, {1}, {}};
  of.edges = {{0, manifest_output::results, 1, manifest_partition::forward},
              {1, manifest_output::results, 2, manifest_partition::forward},
              {1, manifest_output::dead_letters, 4, manifest_partition::forward},
              {2, manifest_output::results, 3, manifest_partition::forward}};
  return of;
}

struct compare_fixture {
  compare_fixture() {
    const auto job = flights();
    from.job = job.job;
    from.checkpoint = 17;
    from.stages = job.stages;
    from.edges = job.edges;
    weir::instance_summary a;
    a.entries = {1, 0, 1, 2, 5, 0};
    weir::instance_summary b;
    b.entries = {0, 2, 0, 0, 0, 1};
    weir::instance_summary borders_alone;
    borders_alone.entries.borders = 3;
    weir::instance_summary pending;
    pending.pending_output = "bad-17-origin-0.ndjson 100\n";
    from.instances = {{0, 0, {}}, {1, 0, a}, {1, 1, b}, {2, 0, borders_alone},
                      {2, 1, {}}, {3, 0, {}}, {4, 0, pending}};
  }

  weir::manifest_stage& stage(std::size_t number) { return to.stages[number]; }

  /// Takes a stage out, with the edges that lead to it.
  void remove(std::size_t number) {
    to.stages.erase(to.stages.begin() + static_cast<std::ptrdiff_t>(number));
    to.oldest.erase(to.oldest.begin() + static_cast<std::ptrdiff_t>(number));
    std::erase_if(to.edges, [&](const weir::manifest_edge& each) {
      return each.from == number || each.to == number;
    });
    for (auto& each : to.edges) {
      each.from -= each.from > number ? 1 : 0;
      each.to -= each.to > number ? 1 : 0;
    }
  }

  void connect(std::uint32_t a, std::uint32_t b) {
    to.edges.push_back({a, manifest_output::results, b, manifest_partition::forward});
  }

  void swap_lookups() {
    to.edges.clear();
    connect(0, 2);
    connect(2, 1);
    connect(1, 3);
    to.edges.push_back({1, manifest_output::dead_letters, 4, manifest_partition::forward});
  }

  /// All that is found, refusals first; `!` and `?` mark refusals and warnings.
  std::string found() const {
    const auto changes = compare_jobs(from, to, drop);
    std::string lines;
    for (const auto& each : changes.refusals)
      lines += "! " + each.text() + "\n";
    for (const auto& each : changes.warnings)
      lines += "? " + each + "\n";
    for (const auto& each : changes.notes)
      lines += each + "\n";
    return lines;
  }

  weir::manifest from;
  weir::job_description to = flights();
  std::vector<std::string> drop;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(changed_jobs, compare_fixture)

BOOST_AUTO_TEST_CASE(an_unchanged_job_goes_on) {
  BOOST_TEST(found() == "");
  BOOST_TEST(!compare_jobs(from, to).reshaped);
}

BOOST_AUTO_TEST_CASE(stages_may_be_built_in_another_order) {
  std::swap(to.stages[3], to.stages[4]);
  std::swap(to.oldest[3], to.oldest[4]);
  to.edges[2].to = 3;
  to.edges[3].to = 4;
  BOOST_TEST(found() == "");
  BOOST_TEST(!compare_jobs(from, to).reshaped);
}

BOOST_AUTO_TEST_CASE(how_often_a_stage_feeds_another_is_part_of_the_shape) {
  to.edges.push_back(to.edges.back());
  BOOST_TEST(found() == "");
  BOOST_TEST(compare_jobs(from, to).reshaped);
}

BOOST_AUTO_TEST_CASE(a_checkpoint_of_another_job_is_refused) {
  to.job = "trains";
  BOOST_TEST(found() == "! job trains: the checkpoint is one of the job flights (incompatible)\n");
}

// -- operators --

BOOST_AUTO_TEST_CASE(an_operator_that_is_gone_is_refused_even_if_it_held_nothing) {
  remove(2);
  connect(1, 2);
  BOOST_TEST(found()
             == "! operator destination: it is in the checkpoint, where it holds 0 records, but no longer "
                "in the job; bring it back and let the job end, let its state go (drop_state), or start "
                "anew (fresh) (incompatible)\n");
}

BOOST_AUTO_TEST_CASE(the_state_of_an_operator_that_is_gone_may_be_let_go) {
  remove(1);
  connect(0, 1);
  remove(3);
  drop = {"origin", "bad"};
  BOOST_TEST(found()
             == "? operator origin: its state is let go, 7 records with it\n"
                "? sink bad: its state is let go; its output stays as it is: what is hidden is not shown any "
                "more (at the checkpoint, in the sink's words: bad-17-origin-0.ndjson 100)\n");
  BOOST_TEST(compare_jobs(from, to, drop).reshaped);
}

BOOST_AUTO_TEST_CASE(what_a_sink_that_is_let_go_has_said_is_counted) {
  remove(4);
  drop = {"bad"};
  auto& said = from.instances.back().summary.pending_output;
  said = "0 10+ a\n0 20 b\n1 30 c\n";
  BOOST_TEST(found().find("in the sink's words: 0 10+ a, and 2 more)\n") != std::string::npos, found());
  said.clear();
  BOOST_TEST(found() == "? sink bad: its state is let go\n");
}

BOOST_AUTO_TEST_CASE(what_is_to_be_let_go_must_be_state_of_the_checkpoint) {
  drop = {"in", "out", "nobody"};
  BOOST_TEST(found()
             == "! drop_state in: it is a source, whose state is where it stands in its input (argument)\n"
                "! drop_state out: it is a sink of the job, which shows what the checkpoint says (argument)\n"
                "! drop_state nobody: the checkpoint has no stage of this name; if its state was let go already, "
                "leave it out (argument)\n");
}

BOOST_AUTO_TEST_CASE(an_operator_that_is_new_starts_empty_and_past_which_records_go_is_said) {
  to.stages.push_back(lookup("weather"));
  to.oldest.push_back({1, 1});
  // Behind origin
  to.edges[1].to = 5;
  connect(5, 2);
  BOOST_TEST(found() == "operator weather is new and starts empty\n");
  BOOST_TEST(compare_jobs(from, to).reshaped);
  // In front of it
  to.edges = flights().edges;
  to.edges[0].to = 5;
  connect(5, 1);
  BOOST_TEST(found()
             == "? operator weather is new and starts empty; 7 records that operators behind it hold do not "
                "come through it\n");
}

BOOST_AUTO_TEST_CASE(operators_that_change_places_are_refused_where_records_are_held) {
  swap_lookups();
  BOOST_TEST(found()
             == "! operator origin: it holds 7 records that would miss operator destination, which was "
                "behind it and no longer is; undo the change and let the job end, let its state go "
                "(drop_state), or start anew (fresh) (incompatible)\n");
}

BOOST_AUTO_TEST_CASE(records_that_would_come_through_an_operator_twice_are_refused_too) {
  from.instances[1].summary.entries = {};
  from.instances[2].summary.entries = {};
  from.instances[3].summary.entries.finished = 1;
  swap_lookups();
  BOOST_TEST(found()
             == "! operator destination: it holds 1 record that would come through operator origin twice, "
                "which was in front of it and is behind it; undo the change and let the job end, let its "
                "state go (drop_state), or start anew (fresh) (incompatible)\n");
}

BOOST_AUTO_TEST_CASE(operators_that_hold_nothing_change_places) {
  from.instances[1].summary.entries = {};
  from.instances[2].summary.entries = {};
  swap_lookups();
  BOOST_TEST(found() == "");
  BOOST_TEST(compare_jobs(from, to).reshaped);
}

BOOST_AUTO_TEST_CASE(operators_change_places_where_the_state_is_let_go) {
  swap_lookups();
  drop = {"origin"};
  BOOST_TEST(found() == "? operator origin: its state is let go, 7 records with it\n");
}

BOOST_AUTO_TEST_CASE(an_operator_that_was_beside_another_and_is_behind_it_is_said) {
  // GIVEN origin and destination side by side
  from.edges = {{0, manifest_output::results, 1, manifest_partition::forward},
                {0, manifest_output::results, 2, manifest_partition::forward},
                {1, manifest_output::results, 3, manifest_partition::forward},
                {2, manifest_output::results, 3, manifest_partition::forward},
                {1, manifest_output::dead_letters, 4, manifest_partition::forward}};
  BOOST_TEST(found()
             == "? operator destination is now behind operator origin; 7 records that this holds come through "
                "it too\n");
}

BOOST_AUTO_TEST_CASE(settings_may_change) {
  stage(1).settings[0] = hashed_setting("capacity", "200");
  stage(1).settings.push_back(hashed_setting("retry.max_attempts", "3"));
  BOOST_TEST(found() == "operator origin: changed is capacity, retry.max_attempts\n");
  BOOST_TEST(!compare_jobs(from, to).reshaped);
}

BOOST_AUTO_TEST_CASE(parallelism_may_change) {
  stage(1).parallelism = 4;
  stage(3).parallelism = 2;
  BOOST_TEST(found()
             == "operator origin: its parallelism was 2 and is 4\nsink out: its parallelism was 1 and is 2\n");
  BOOST_TEST(compare_jobs(from, to).reshaped);
}

BOOST_AUTO_TEST_CASE(finished_results_keep_the_answers_to_the_old_question) {
  for (const auto* key : {"into", "key", "query", "rows", "url"}) {
    to = flights();
    stage(1).settings = {hashed_setting("capacity", "100"), hashed_setting(key, "other")};
    if (key != std::string{"query"})
      stage(1).settings.push_back(hashed_setting("query", "select 1"));
    BOOST_TEST(found()
               == "? operator origin: changed is " + std::string{key}
                    + "; 2 records that it has finished keep the old answers\n");
  }
  // Who has finished none has no old answers.
  to = flights();
  stage(2).settings[1] = hashed_setting("query", "select 2");
  BOOST_TEST(found() == "operator destination: changed is query\n");
}

BOOST_AUTO_TEST_CASE(a_stage_of_another_kind_is_refused) {
  stage(2).role = stage_role::service;
  BOOST_TEST(found()
             == "! service destination: the checkpoint has a stage of another kind by this name, operator "
                "destination; give it another name, or start anew (fresh) (incompatible)\n");
}

// -- record types --

BOOST_AUTO_TEST_CASE(records_of_another_type_are_refused) {
  stage(1).records[1].name = "train";
  BOOST_TEST(found()
             == "! operator origin: its results are of the type train, and those in the checkpoint of the "
                "type flight; a type that was renamed keeps its name with WEIR_STORED_AS; undo the change "
                "and let the job end, let the operator's state go (drop_state), or start anew (fresh) "
                "(incompatible)\n");
}

BOOST_AUTO_TEST_CASE(records_of_a_newer_version_are_refused) {
  from.stages[1].records[0].version = 3;
  BOOST_TEST(found()
             == "! operator origin: its records were stored as flight version 3, and this program reads "
                "versions 1 to 2; run the program that wrote them and let the job end, let the operator's "
                "state go (drop_state), or start anew (fresh) (incompatible)\n");
}

BOOST_AUTO_TEST_CASE(records_that_are_older_than_the_oldest_that_is_read_are_refused) {
  from.stages[1].records[0].version = 1;
  to.oldest[1][0] = 2;
  BOOST_TEST(found()
             == "! operator origin: its records were stored as flight version 1, and this program reads "
                "version 2; run the program that wrote them and let the job end, let the operator's state go "
                "(drop_state), or start anew (fresh) (incompatible)\n");
}

BOOST_AUTO_TEST_CASE(records_of_an_older_version_are_read) {
  from.stages[1].records[0].version = 1;
  BOOST_TEST(found()
             == "operator origin: its records were stored as flight version 1 and are read as version 2\n");
}

BOOST_AUTO_TEST_CASE(other_types_are_allowed_where_the_state_is_let_go) {
  stage(1).records[1].name = "train";
  drop = {"origin"};
  BOOST_TEST(found() == "? operator origin: its state is let go, 7 records with it\n");
}

BOOST_AUTO_TEST_CASE(types_of_sources_and_sinks_have_no_versions_to_care_for) {
  from.stages[0].records[0].version = 9;
  from.stages[3].records[0] = {"anything", 9};
  BOOST_TEST(found() == "");
}

// -- sources --

BOOST_AUTO_TEST_CASE(a_source_that_reads_something_else_is_refused) {
  stage(0).place = "other.ndjson";
  BOOST_TEST(found()
             == "! source in: it reads other.ndjson, and the checkpoint says where in flights.ndjson it "
                "stood; give it that again, or start anew (fresh) (incompatible)\n");
  // One that does not say is not compared.
  stage(0).place = "";
  BOOST_TEST(found() == "");
}

BOOST_AUTO_TEST_CASE(a_source_of_other_records_is_refused) {
  stage(0).records[0].name = "train";
  BOOST_TEST(found()
             == "! source in: it gives records of the type train and gave those of flight; give it another "
                "name, or start anew (fresh) (incompatible)\n");
}

BOOST_AUTO_TEST_CASE(a_source_that_is_gone_is_refused_and_cannot_be_let_go) {
  stage(0).name = "input";
  drop = {"in"};
  BOOST_TEST(found()
             == "! drop_state in: it is a source, whose state is where it stands in its input (argument)\n"
                "! source in: it is in the checkpoint but no longer in the job; bring it back, or start anew "
                "(fresh) (incompatible)\n"
                "source input is new; it is read from its beginning\n");
}

// -- sinks --

BOOST_AUTO_TEST_CASE(a_sink_that_writes_elsewhere_is_refused) {
  stage(3).place = "elsewhere";
  BOOST_TEST(found()
             == "! sink out: it writes to elsewhere, and what belongs to the checkpoint is in out; give it that "
                "again, or start anew (fresh): what is shown there stays (incompatible)\n");
}

BOOST_AUTO_TEST_CASE(a_sink_that_begins_or_ceases_to_have_a_place_writes_elsewhere) {
  stage(3).place = "";
  BOOST_TEST(found()
             == "! sink out: it writes to a place without a name (such as standard output), and what belongs to "
                "the checkpoint is in out; give it that again, or start anew (fresh): what is shown there stays "
                "(incompatible)\n");
  from.stages[3].place = "";
  BOOST_TEST(found() == "");
  stage(3).place = "out";
  BOOST_TEST(found()
             == "! sink out: it writes to out, and what belongs to the checkpoint is in a place without a name "
                "(such as standard output); give it that again, or start anew (fresh): what is shown there stays "
                "(incompatible)\n");
}

BOOST_AUTO_TEST_CASE(a_sink_that_is_gone_is_refused) {
  remove(4);
  BOOST_TEST(found()
             == "! sink bad: it is in the checkpoint, but no longer in the job; bring it back and let the job "
                "end, let its state go (drop_state), or start anew (fresh) (incompatible)\n");
}

BOOST_AUTO_TEST_CASE(a_sink_that_is_new_begins_with_what_comes) {
  to.stages.push_back({"copy", stage_role::sink, 1, {}, 0, "copy", {}});
  to.oldest.push_back({});
  connect(2, 5);
  BOOST_TEST(found() == "sink copy is new\n");
}

// -- keys --

BOOST_AUTO_TEST_CASE(keys_for_records_that_have_none_are_refused) {
  stage(1).key_groups = 128;
  stage(2).key_groups = 128;
  BOOST_TEST(found()
             == "! operator origin: records come to it by key, and did not, and it holds 7 records whose order "
                "could not be kept; undo the change and let the job end, let its state go (drop_state), or "
                "start anew (fresh) (incompatible)\n"
                "operator destination: records come to it by key, and did not\n");
}

BOOST_AUTO_TEST_CASE(another_key_is_refused_where_records_are_held) {
  for (auto* of : {&from.stages, &to.stages})
    for (const std::size_t i : {1, 2}) {
      (*of)[i].key_groups = 128;
      (*of)[i].settings = {hashed_setting("order_key", of == &from.stages ? "/origin" : "/carrier")};
    }
  BOOST_TEST(found()
             == "! operator origin: records come to it by another key, and it holds 7 records whose order could "
                "not be kept; undo the change and let the job end, let its state go (drop_state), or start "
                "anew (fresh) (incompatible)\n"
                "operator destination: records come to it by another key\n");
}

BOOST_AUTO_TEST_CASE(keys_may_go) {
  from.stages[1].key_groups = 128;
  BOOST_TEST(found() == "operator origin: records came to it by key, and do no longer\n");
}

BOOST_AUTO_TEST_CASE(another_way_of_sharing_out_reshapes_the_job) {
  to.edges[1].how = manifest_partition::rebalance;
  BOOST_TEST(found() == "");
  BOOST_TEST(compare_jobs(from, to).reshaped);
}

// -- bytes that nobody has to have written --

BOOST_AUTO_TEST_CASE(edges_and_instances_of_stages_that_are_not_there_are_passed_over) {
  from.edges.push_back({7, manifest_output::results, 99, manifest_partition::forward});
  from.edges.push_back({1, manifest_output::results, 99, manifest_partition::forward});
  from.instances.push_back({99, 0, {}});
  BOOST_TEST(found() == "");
}

BOOST_AUTO_TEST_CASE(a_setting_is_known_by_its_key_and_its_value) {
  BOOST_TEST((hashed_setting("query", "a") == hashed_setting("query", "a")));
  BOOST_TEST(hashed_setting("query", "a").hash != hashed_setting("query", "b").hash);
  BOOST_TEST(hashed_setting("query", "a").hash != hashed_setting("url", "a").hash);
}

BOOST_AUTO_TEST_SUITE_END()
