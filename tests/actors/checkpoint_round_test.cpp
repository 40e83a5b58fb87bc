// SPDX-License-Identifier: Apache-2.0

// Rounds of a job with a source of two instances, a keyed operator of two, and a sink. Instances are
// numbered through: 0 and 1, 2 and 3, 4.

#include "checkpoint_round.hpp"

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <utility>

using namespace std::chrono_literals;
using weir::checkpoint_kind;
using weir::checkpoint_round;
using weir::error;
using weir::expected;
using weir::saved_instance;
using weir::stage_role;
using weir::time_point;

namespace {

constexpr time_point began{1h};

weir::manifest about(checkpoint_kind kind = checkpoint_kind::running) {
  weir::manifest m;
  m.job = "flights";
  m.run_number = 3;
  m.checkpoint = 17;
  m.kind = kind;
  m.stages = {{"in", stage_role::source, 2, {}, 0, {}, {}},
              {"origin", stage_role::async_operator, 2, {}, 128, {}, {}},
              {"out", stage_role::sink, 1, {}, 0, {}, {}}};
  return m;
}

struct round_fixture {
  weir::state_blocks bytes(std::string_view of) const {
    weir::state_blocks blocks{pool};
    std::memcpy(blocks.room().data(), of.data(), of.size());
    blocks.filled(of.size());
    return blocks;
  }

  static std::string text(const weir::state_blocks& of) {
    std::string all;
    for (const auto part : of.payloads())
      all.append(reinterpret_cast<const char*>(part.data()), part.size());
    return all;
  }

  saved_instance source(std::string position) const {
    saved_instance of;
    of.summary.positions = {{0, std::move(position)}};
    return of;
  }

  saved_instance holds(std::string_view state) const {
    saved_instance of;
    of.summary.counters = {{"calls", state.size()}};
    of.state = bytes(state);
    return of;
  }

  saved_instance sink() {
    saved_instance of;
    of.summary.pending_output = "part 1";
    of.make_durable = [this]() -> expected<void> {
      done += "synced ";
      return {};
    };
    return of;
  }

  /// All answers but that of the sink.
  void answer_all_but_sink(checkpoint_round& round) {
    round.saved(17, 3, holds("bb"));
    round.saved(17, 0, source("10"));
    round.saved(17, 2, holds("a"));
    round.saved(17, 1, source("20"));
  }

  std::shared_ptr<weir::block_pool> pool = std::make_shared<weir::block_pool>();
  std::string done;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(checkpoint_rounds, round_fixture)

BOOST_AUTO_TEST_CASE(one_is_complete_when_all_have_answered) {
  checkpoint_round round{about(), began};
  BOOST_TEST(round.id() == 17u);
  answer_all_but_sink(round);
  BOOST_TEST(!round.is_complete());
  BOOST_TEST(round.saved(17, 4, sink()));
  BOOST_TEST(round.is_complete());
  BOOST_TEST(!round.refusal().has_value());
}

BOOST_AUTO_TEST_CASE(instances_stand_in_their_order_whichever_answered_first) {
  checkpoint_round round{about(), began};
  round.saved(17, 4, sink());
  answer_all_but_sink(round);
  auto all = round.take(began + 5ms, 1'700'000'000'123);
  const auto& m = all.what.about;
  BOOST_TEST(m.job == "flights");
  BOOST_TEST(m.run_number == 3u);
  BOOST_TEST(m.checkpoint == 17u);
  BOOST_TEST((m.took == 5ms));
  BOOST_TEST(m.made_at_ms == 1'700'000'000'123);
  std::string order;
  for (const auto& each : m.instances)
    order += std::to_string(each.stage) + "." + std::to_string(each.instance) + " ";
  BOOST_TEST(order == "0.0 0.1 1.0 1.1 2.0 ");
  BOOST_TEST(m.instances[1].summary.positions.at(0).position == "20");
  BOOST_TEST(m.instances[4].summary.pending_output == "part 1");
  BOOST_REQUIRE(all.what.states.size() == 2u);
  BOOST_TEST(all.what.states[0].stage == 1u);
  BOOST_TEST(text(all.what.states[0].bytes) == "a");
  BOOST_TEST(all.what.states[1].instance == 1u);
  BOOST_TEST(text(all.what.states[1].bytes) == "bb");
}

BOOST_AUTO_TEST_CASE(an_instance_that_holds_nothing_has_no_state_but_is_in_the_manifest) {
  checkpoint_round round{about(), began};
  round.saved(17, 0, source("10"));
  round.saved(17, 1, source("20"));
  round.saved(17, 2, holds(""));
  round.saved(17, 3, {});
  round.saved(17, 4, {});
  BOOST_REQUIRE(round.is_complete());
  const auto all = round.take(began, 0);
  BOOST_TEST(all.what.states.empty());
  BOOST_TEST(all.to_make_durable.empty());
  BOOST_TEST(all.what.about.instances.size() == 5u);
}

BOOST_AUTO_TEST_CASE(the_first_answer_of_an_instance_counts) {
  checkpoint_round round{about(), began};
  answer_all_but_sink(round);
  BOOST_TEST(!round.saved(17, 2, holds("again")));
  BOOST_TEST(!round.unsaved(17, 2, {"io", "", "too late"}));
  BOOST_TEST(!round.is_complete());
  round.saved(17, 4, {});
  BOOST_REQUIRE(round.is_complete());
  BOOST_TEST(text(round.take(began, 0).what.states.at(0).bytes) == "a");
}

BOOST_AUTO_TEST_CASE(answers_of_other_rounds_and_of_nobody_change_nothing) {
  checkpoint_round round{about(), began};
  answer_all_but_sink(round);
  BOOST_TEST(!round.saved(16, 4, sink()));
  BOOST_TEST(!round.unsaved(18, 4, {"io", "", "no"}));
  BOOST_TEST(!round.saved(17, 5, sink()));
  BOOST_TEST(!round.is_complete());
  BOOST_TEST(!round.refusal().has_value());
}

BOOST_AUTO_TEST_CASE(one_who_cannot_save_its_state_ends_the_round_and_is_named) {
  checkpoint_round round{about(), began};
  answer_all_but_sink(round);
  BOOST_TEST(round.unsaved(17, 4, {"io", "out/part-1", "no space"}));
  BOOST_REQUIRE(round.refusal().has_value());
  BOOST_TEST(round.refusal()->text() == "sink out: out/part-1: no space (io)");
  BOOST_TEST(!round.is_complete());
  BOOST_TEST(!round.saved(17, 4, sink()));
  BOOST_TEST(!round.is_complete());
  // Two instances held a block each.
  BOOST_TEST(pool->kept() == 2u);
}

BOOST_AUTO_TEST_CASE(a_refusal_does_not_name_its_stage_twice) {
  checkpoint_round round{about(), began};
  round.unsaved(17, 3, {"exception", "operator origin", "serialize threw: no"});
  BOOST_TEST(round.refusal()->text() == "operator origin: serialize threw: no (exception)");
  checkpoint_round other{about(), began};
  other.unsaved(17, 0, {"exception", "", "no"});
  BOOST_TEST(other.refusal()->text() == "source in: no (exception)");
  // Stages know themselves by their name alone.
  checkpoint_round third{about(), began};
  third.unsaved(17, 4, {"argument", "out", "says too much"});
  BOOST_TEST(third.refusal()->text() == "sink out: says too much (argument)");
}

BOOST_AUTO_TEST_CASE(who_is_missing_can_be_told) {
  checkpoint_round round{about(), began};
  BOOST_TEST(round.missing()
             == "source in (2 of 2 instances), operator origin (2 of 2 instances), sink out");
  round.saved(17, 0, source("10"));
  round.saved(17, 1, source("20"));
  round.saved(17, 3, {});
  BOOST_TEST(round.missing() == "operator origin (1 of 2 instances), sink out");
  round.saved(17, 2, {});
  round.saved(17, 4, {});
  BOOST_TEST(round.missing() == "");
}

BOOST_AUTO_TEST_CASE(before_the_begin_sources_alone_are_asked) {
  checkpoint_round round{about(checkpoint_kind::begun), began};
  BOOST_TEST(round.missing() == "source in (2 of 2 instances)");
  BOOST_TEST(!round.saved(17, 2, holds("a")));
  round.saved(17, 1, source("0"));
  round.saved(17, 0, source("0"));
  BOOST_REQUIRE(round.is_complete());
  BOOST_TEST(round.take(began, 0).what.about.instances.size() == 2u);
}

BOOST_AUTO_TEST_CASE(before_the_begin_services_are_asked_too) {
  auto m = about(checkpoint_kind::begun);
  m.stages = {{"ask", stage_role::service, 1, {}, 0, {}, {}}};
  checkpoint_round round{std::move(m), began};
  BOOST_TEST(!round.is_complete());
  BOOST_TEST(round.saved(17, 0, {}));
  BOOST_TEST(round.is_complete());
}

BOOST_AUTO_TEST_CASE(behind_the_end_nobody_is_asked) {
  checkpoint_round round{about(checkpoint_kind::finished), began};
  BOOST_TEST(round.is_complete());
}

BOOST_AUTO_TEST_CASE(a_finish_keeps_the_counts_of_the_last_checkpoint_and_nothing_to_go_on_with) {
  checkpoint_round round{about(), began};
  answer_all_but_sink(round);
  round.saved(17, 4, sink());
  auto last = round.take(began + 1ms, 5).what.about;
  last.instances[2].summary.entries.running = 1;
  last.instances[0].summary.times = weir::source_times{};
  last.files = {{1, "origin.state", {100, 1}}};
  const auto finish = finished_behind(last, 18, 7);
  BOOST_TEST(finish.checkpoint == 18u);
  BOOST_TEST((finish.kind == checkpoint_kind::finished));
  BOOST_TEST(finish.made_at_ms == 7);
  BOOST_TEST((finish.stages == last.stages));
  BOOST_TEST(finish.files.empty());
  weir::instance_summary counted;
  counted.counters = {{"calls", 1}};
  BOOST_TEST((finish.instances.at(2).summary == counted));
  BOOST_TEST((finish.instances.at(0).summary == weir::instance_summary{}));
  BOOST_TEST((finish.instances.at(4).summary == weir::instance_summary{}));
}

BOOST_AUTO_TEST_CASE(sinks_make_their_output_durable_up_to_the_first_that_cannot) {
  std::vector<weir::durable_task> tasks;
  const auto add = [&](std::string sink, expected<void> gives) {
    tasks.push_back({sink, [this, sink, gives] {
                       done += sink + " ";
                       return gives;
                     }});
  };
  add("a", {});
  add("b", {});
  BOOST_TEST(make_durable(tasks).has_value());
  BOOST_TEST(std::exchange(done, {}) == "a b ");
  tasks.clear();
  add("a", {});
  add("b", error{"io", "part-1", "no space"});
  add("c", {});
  const auto failed = make_durable(tasks);
  BOOST_REQUIRE(!failed.has_value());
  BOOST_TEST(failed.why().text() == "sink b: part-1: no space (io)");
  BOOST_TEST(done == "a b ");
}

BOOST_AUTO_TEST_CASE(what_a_sink_throws_is_its_error) {
  std::vector<weir::durable_task> tasks;
  tasks.push_back({"out", []() -> expected<void> { throw std::runtime_error("gone"); }});
  BOOST_TEST(make_durable(tasks).why().text() == "sink out: it threw: gone (exception)");
}

BOOST_AUTO_TEST_SUITE_END()
