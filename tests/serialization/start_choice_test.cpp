// SPDX-License-Identifier: Apache-2.0

#include "weir/memory_store.hpp"
#include "weir/start_choice.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using weir::checkpoint_kind;
using weir::error;
using weir::start_kind;

namespace {

struct choice_fixture {
  choice_fixture() {
    BOOST_TEST_REQUIRE(store->claim("flights").has_value());
    job.stages = {{"in", weir::stage_role::source}};
    job.oldest = {{}};
  }

  void write(std::uint64_t run, std::uint64_t id, checkpoint_kind kind = checkpoint_kind::running) {
    weir::checkpoint what;
    what.about.job = "flights";
    what.about.run_number = run;
    what.about.checkpoint = id;
    what.about.kind = kind;
    what.about.stages = job.stages;
    BOOST_TEST_REQUIRE(store->write(what).has_value());
  }

  weir::start_choice choose(const weir::start_wishes& how = {}) {
    auto found = weir::choose_start(*store, job, how);
    BOOST_TEST_REQUIRE(found.has_value());
    return *std::move(found);
  }

  std::shared_ptr<weir::checkpoint_memory> memory = std::make_shared<weir::checkpoint_memory>();
  std::shared_ptr<weir::checkpoint_store> store = weir::memory_store(memory);
  weir::job_description job{"flights"};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(start_choices, choice_fixture)

BOOST_AUTO_TEST_CASE(without_checkpoints_a_first_run_begins) {
  const auto found = choose();
  BOOST_TEST((found.kind == start_kind::fresh));
  BOOST_TEST(found.run_number == 1u);
  BOOST_TEST((found.from == nullptr));
}

BOOST_AUTO_TEST_CASE(the_newest_checkpoint_of_the_newest_run_is_gone_on_from) {
  write(1, 30);
  write(2, 3);
  write(2, 4);
  const auto found = choose();
  BOOST_TEST((found.kind == start_kind::restored));
  BOOST_TEST(found.run_number == 2u);
  BOOST_TEST(found.from->about.checkpoint == 4u);
  BOOST_TEST(found.changes.refusals.empty());
}

BOOST_AUTO_TEST_CASE(a_fresh_start_begins_a_run_behind_all_others) {
  write(3, 0, checkpoint_kind::begun);
  const auto found = choose({.fresh = true});
  BOOST_TEST((found.kind == start_kind::fresh));
  BOOST_TEST(found.run_number == 4u);
}

BOOST_AUTO_TEST_CASE(a_finished_run_is_nothing_to_go_on_from) {
  write(1, 7);
  write(1, 8, checkpoint_kind::finished);
  const auto found = choose();
  BOOST_TEST((found.kind == start_kind::finished));
  BOOST_TEST(found.from->about.checkpoint == 8u);
}

BOOST_AUTO_TEST_CASE(a_further_launch_goes_on_in_its_run_alone) {
  write(1, 7);
  const auto begins = choose({.run = 2});
  BOOST_TEST((begins.kind == start_kind::fresh));
  BOOST_TEST(begins.run_number == 2u);
  write(2, 1);
  BOOST_TEST(choose({.run = 2}).from->about.checkpoint == 1u);
}

BOOST_AUTO_TEST_CASE(a_changed_job_is_compared) {
  write(1, 7);
  job.stages[0].name = "other";
  BOOST_TEST(!choose().changes.refusals.empty());
}

BOOST_AUTO_TEST_CASE(a_damaged_newest_one_is_an_error_and_never_silently_the_one_before) {
  write(1, 7);
  write(1, 8);
  memory->at_each_step([](std::string_view at) -> weir::expected<void> {
    if (at == "load")
      return error{weir::error_kind::damaged, "MANIFEST", "block 0 is not what was written"};
    return {};
  });
  const auto found = weir::choose_start(*store, job, {});
  BOOST_TEST_REQUIRE(!found.has_value());
  BOOST_TEST(
    found.why().text()
    == "MANIFEST: block 0 is not what was written; it is checkpoint 8, the newest of run 1: "
       "start from an older one (from), or begin a fresh run (fresh) (damaged)");
}

BOOST_AUTO_TEST_CASE(an_older_one_is_taken_where_it_is_named) {
  write(1, 1);
  write(2, 7);
  write(2, 8);
  write(2, 9, checkpoint_kind::finished);
  const auto found = choose({.checkpoint = 7});
  BOOST_TEST((found.kind == start_kind::restored));
  BOOST_TEST(found.from->about.checkpoint == 7u);
  BOOST_TEST((found.newer == std::vector<std::uint64_t>{8, 9}));
  BOOST_TEST(weir::choose_start(*store, job, {.checkpoint = 1}).why().text()
             == "checkpoint 1: run 2 has none of this number, but 7, 8, 9 (argument)");
}

BOOST_AUTO_TEST_CASE(damaged_ones_are_passed_over_where_that_is_wished) {
  write(1, 7);
  write(1, 8);
  write(1, 9);
  int left = 2;
  const auto damage = [&](std::string_view at) -> weir::expected<void> {
    if (at == "load" && left-- > 0)
      return error{weir::error_kind::damaged, "MANIFEST", "block 0 is not what was written"};
    return {};
  };
  memory->at_each_step(damage);
  const auto found = choose({.fall_back = true});
  BOOST_TEST(found.from->about.checkpoint == 7u);
  BOOST_TEST_REQUIRE(found.damaged.size() == 2u);
  BOOST_TEST(found.damaged[0].first == 9u);
  BOOST_TEST(found.damaged[1].first == 8u);
  // But where all are, and where one is named, that is an error.
  left = 3;
  BOOST_TEST(!weir::choose_start(*store, job, {.fall_back = true}).has_value());
  left = 1;
  BOOST_TEST(!weir::choose_start(*store, job, {.checkpoint = 9, .fall_back = true}).has_value());
}

BOOST_AUTO_TEST_CASE(an_error_of_the_store_stays_as_it_is) {
  memory->at_each_step([](std::string_view) -> weir::expected<void> {
    return error{"io", "disk", "it is away"};
  });
  BOOST_TEST(weir::choose_start(*store, job, {}).why().text() == "disk: it is away (io)");
}

BOOST_AUTO_TEST_SUITE_END()
