// SPDX-License-Identifier: Apache-2.0

// What every store does; and how the one in memory is made to fail.

#include "weir/checkpoint_store.hpp"

#include "weir/directory_store.hpp"
#include "weir/memory_store.hpp"

#include "../support/memory_files.hpp"
#include "store_fixture.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

struct contract_fixture : weir::testing::store_fixture {
  std::shared_ptr<weir::testing::memory_files> files
    = std::make_shared<weir::testing::memory_files>();
  std::shared_ptr<weir::checkpoint_memory> place = std::make_shared<weir::checkpoint_memory>();
  std::function<std::shared_ptr<weir::checkpoint_store>()> make;

  void use(std::string_view which) {
    if (which == "directory")
      make = [this] { return weir::directory_store("cp", files); };
    else
      make = [this] { return weir::memory_store(place); };
    claim();
  }

  /// As the next process does.
  void claim() {
    store.reset();
    store = make();
    BOOST_TEST_REQUIRE(store->claim("flights").has_value());
  }
};

const std::vector<std::string> both{"directory", "memory"};

} // namespace

BOOST_FIXTURE_TEST_SUITE(checkpoint_store, contract_fixture)

BOOST_DATA_TEST_CASE_F(contract_fixture, what_is_written_is_loaded_by_the_next_process_too,
                       boost::unit_test::data::make(both)) {
  use(sample);
  BOOST_TEST(runs() == "");
  write(0);
  write(17);
  for (int process = 0; process < 2; ++process) {
    BOOST_TEST(runs() == "1: 0 17\n");
    BOOST_TEST(fault_of(0) == "");
    BOOST_TEST(fault_of(17) == "");
    const auto about = store->about(1, 17);
    BOOST_TEST_REQUIRE(about.has_value());
    BOOST_TEST(about->checkpoint == 17u);
    claim();
  }
}

BOOST_DATA_TEST_CASE_F(contract_fixture, runs_and_checkpoints_come_and_go,
                       boost::unit_test::data::make(both)) {
  use(sample);
  write(3, 12);
  write(10, 2);
  write(9, 2);
  BOOST_TEST(runs() == "2: 9 10\n12: 3\n");
  BOOST_TEST(store->remove(2, 9).has_value());
  BOOST_TEST(store->remove(2, 9).has_value());
  BOOST_TEST(store->remove(7, 9).has_value());
  BOOST_TEST(runs() == "2: 10\n12: 3\n");
  BOOST_TEST(store->remove_run(12).has_value());
  BOOST_TEST(store->remove_run(12).has_value());
  BOOST_TEST(runs() == "2: 10\n");
  BOOST_TEST(store->remove(2, 10).has_value());
  BOOST_TEST(runs() == "");
  write(0, 2);
  BOOST_TEST(runs() == "2: 0\n");
}

BOOST_DATA_TEST_CASE_F(contract_fixture, a_number_is_written_once,
                       boost::unit_test::data::make(both)) {
  use(sample);
  write(17);
  BOOST_TEST(try_to_write(17) != "");
  BOOST_TEST(fault_of(17) == "");
}

BOOST_DATA_TEST_CASE_F(contract_fixture, what_is_not_there_cannot_be_loaded,
                       boost::unit_test::data::make(both)) {
  use(sample);
  write(17);
  for (const auto& [run, id] : {std::pair{1, 18}, std::pair{2, 17}}) {
    const auto loaded
      = store->load(static_cast<std::uint64_t>(run), static_cast<std::uint64_t>(id));
    BOOST_TEST_REQUIRE(!loaded.has_value());
    BOOST_TEST(loaded.why().is(weir::error_kind::io));
    BOOST_TEST(
      !store->about(static_cast<std::uint64_t>(run), static_cast<std::uint64_t>(id)).has_value());
  }
}

BOOST_DATA_TEST_CASE_F(contract_fixture, what_is_set_aside_is_no_checkpoint_any_more,
                       boost::unit_test::data::make(both)) {
  use(sample);
  write(16);
  write(17);
  BOOST_TEST(store->set_aside(1, 17).has_value());
  BOOST_TEST(runs() == "1: 16\n");
}

BOOST_DATA_TEST_CASE_F(contract_fixture, a_job_has_one_store_at_a_time,
                       boost::unit_test::data::make(both)) {
  use(sample);
  const auto second = make();
  const auto refused = second->claim("flights");
  BOOST_TEST_REQUIRE(!refused.has_value());
  BOOST_TEST(refused.why().is(weir::error_kind::io));
  BOOST_TEST(refused.why().message().find("is in use by") != std::string::npos);
  BOOST_TEST(make()->claim("other").has_value());
  store.reset();
  BOOST_TEST(second->claim("flights").has_value());
}

BOOST_DATA_TEST_CASE_F(contract_fixture, jobs_do_not_see_each_other,
                       boost::unit_test::data::make(both)) {
  use(sample);
  write(17);
  const auto other = make();
  BOOST_TEST(other->claim("other").has_value());
  BOOST_TEST(other->runs()->empty());
}

BOOST_DATA_TEST_CASE_F(contract_fixture, what_was_loaded_is_its_own,
                       boost::unit_test::data::make(both)) {
  use(sample);
  write(17);
  auto loaded = store->load(1, 17);
  BOOST_TEST_REQUIRE(loaded.has_value());
  BOOST_TEST(store->remove_run(1).has_value());
  store.reset();
  BOOST_TEST(text_of(loaded->states.at(0).bytes) == "origin 17");
}

// -- the one in memory --

BOOST_AUTO_TEST_CASE(each_step_in_memory_can_fail) {
  use("memory");
  write(16);
  const weir::error why{weir::error_kind::io, "disk", "is full"};
  for (const std::string_view step :
       {"claim", "runs", "write", "about", "load", "remove", "remove_run", "set_aside"}) {
    place->at_each_step([&](weir::checkpoint_memory::step at) {
      return at == step ? weir::expected<void>{why} : weir::expected<void>{};
    });
    std::vector<std::string> failed;
    const auto note = [&](const char* call, const auto& result) {
      if (!result) {
        failed.push_back(call);
        BOOST_TEST((result.why() == why));
      }
    };
    auto what = checkpoint(1, 17);
    note("write", store->write(what));
    note("runs", store->runs());
    note("about", store->about(1, 16));
    note("load", store->load(1, 16));
    note("set_aside", store->set_aside(1, 17));
    note("remove", store->remove(1, 17));
    note("remove_run", store->remove_run(7));
    note("claim", memory_store(place)->claim("other"));
    BOOST_TEST(failed == std::vector<std::string>{std::string{step}},
               boost::test_tools::per_element());
    place->at_each_step(nullptr);
    static_cast<void>(store->remove(1, 17));
    BOOST_TEST(runs() == "1: 16\n");
  }
}

BOOST_AUTO_TEST_CASE(a_write_whose_last_step_fails_is_there_all_the_same) {
  use("memory");
  place->at_each_step([](weir::checkpoint_memory::step at) {
    return at == "written"
             ? weir::expected<void>{weir::error{weir::error_kind::io, "disk", "fails"}}
             : weir::expected<void>{};
  });
  BOOST_TEST(try_to_write(17) == "disk: fails (io)");
  BOOST_TEST(fault_of(17) == "");
}

BOOST_AUTO_TEST_CASE(a_step_may_wait_for_another_thread) {
  use("memory");
  std::jthread other;
  place->at_each_step([&](weir::checkpoint_memory::step at) {
    if (at == "write") {
      other = std::jthread{[&] { place->at_each_step(nullptr); }};
      other.join();
    }
    return weir::expected<void>{};
  });
  write(17);
  BOOST_TEST(runs() == "1: 17\n");
}

BOOST_AUTO_TEST_SUITE_END()
