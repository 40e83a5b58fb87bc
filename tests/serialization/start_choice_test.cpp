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
       "start from an older one, or begin a fresh run (damaged)");
}

BOOST_AUTO_TEST_CASE(an_error_of_the_store_stays_as_it_is) {
  memory->at_each_step([](std::string_view) -> weir::expected<void> {
    return error{"io", "disk", "it is away"};
  });
  BOOST_TEST(weir::choose_start(*store, job, {}).why().text() == "disk: it is away (io)");
}

BOOST_AUTO_TEST_SUITE_END()
