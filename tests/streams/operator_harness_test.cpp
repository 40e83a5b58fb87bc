// SPDX-License-Identifier: Apache-2.0

// How a user tests a function: every verb of the harness, on a function that asks a store.

#include "../support/snapshot_bytes.hpp"

#include "weir/entry_codec.hpp"
#include "weir/stored.hpp"
#include "weir/testing.hpp"

#include <boost/test/unit_test.hpp>

#include <future>
#include <map>
#include <memory>
#include <string>
#include <typeinfo>
#include <utility>

using namespace std::chrono_literals;
using weir::error_kind::timeout;
using weir::output_mode;
using weir::testing::no_rows;
using weir::testing::one_row;
using weir::testing::operator_harness;
using weir::testing::scripted_store;
using weir::testing::virtual_clock;

namespace {

/// As it is now; before, it had no delay.
struct flight {
  std::string number;
  int delay_minutes = -1;

  template <class Archive>
  void serialize(Archive& archive, std::uint32_t version) {
    archive(number);
    if (version >= 2)
      archive(delay_minutes);
  }
};

/// Nobody says how it is stored.
struct plain {
  int number = 0;
};

/// Counts the life of all copies.
struct life {
  int opened = 0;
  int restored = 0;
  int closed = 0;
};

class city_of : public weir::async_function<std::string, std::string> {
public:
  city_of(weir::client_pool store, life& to)
    : store_(std::move(store)), statement_(store_.statement("city of", 1)), life_(&to) {}

  weir::expected<void> open(weir::function_context& context) {
    ++life_->opened;
    life_->restored += context.restored;
    asks_ = &store_.bind(context);
    return {};
  }

  void async_invoke(const std::string& code, weir::result_future<std::string> done) {
    const auto deadline = done.deadline();
    asks_->ask(statement_, {code}, deadline,
               [done = std::move(done)](weir::expected<weir::answer> got) mutable {
                 if (!got)
                   done.fail(std::move(got).why());
                 else if (got->rows() == 0)
                   done.complete_empty();
                 else
                   done.complete(std::get<std::string>(got->cell(0, 0)));
               });
  }

  void close() { ++life_->closed; }

private:
  weir::client_pool store_;
  weir::statement_id statement_;
  life* life_;
  weir::pool_client* asks_ = nullptr;
};

struct harness_fixture {
  harness_fixture() {
    store.answer({"SFO"}, one_row({{"city", "San Francisco"}}), 20ms);
    store.answer({"BOS"}, one_row({{"city", "Boston"}}), 5ms);
    store.answer({"XXX"}, no_rows(), 1ms);
  }

  operator_harness<city_of>& start(weir::operator_options options, output_mode mode = output_mode::ordered) {
    options.name = "cities";
    if (!options.timeout)
      options.timeout = 1s;
    return harness.emplace(clock, city_of{pool, counts}, options, mode, &env);
  }

  virtual_clock clock;
  scripted_store store{clock};
  weir::environment env;
  weir::client_pool pool = env.client_pool({.name = "store", .driver = store.driver()});
  life counts;
  std::optional<operator_harness<city_of>> harness;
};

using strings = std::vector<std::string>;

} // namespace

WEIR_STORED_AS((flight), "flight", 2, 1)

BOOST_FIXTURE_TEST_SUITE(operator_harnesses, harness_fixture)

BOOST_AUTO_TEST_CASE(results_leave_when_the_store_has_answered) {
  auto& cities = start({});
  cities.push("SFO");
  cities.push("BOS");
  clock.advance(19ms);
  BOOST_TEST(cities.results().empty());
  clock.advance(1ms);
  BOOST_TEST((cities.results() == strings{"San Francisco", "Boston"}));
  BOOST_TEST((clock.now() == 20ms));
  BOOST_TEST(store.asked().size() == 2u);
  BOOST_TEST(store.open() == 0u);
}

BOOST_AUTO_TEST_CASE(an_unordered_operator_gives_what_comes_first) {
  auto& cities = start({}, output_mode::unordered);
  cities.push("SFO");
  cities.push("BOS");
  clock.advance(1s);
  BOOST_TEST((cities.results() == strings{"Boston", "San Francisco"}));
}

BOOST_AUTO_TEST_CASE(control_elements_results_and_dead_letters_come_in_their_order) {
  store.fail({"ERR"}, {"refused", "store", "no"}, 2ms);
  auto& cities = start({.on_failure = weir::failure_action::dead_letter});
  cities.push("ERR", weir::event_time{1});
  cities.watermark(weir::event_time{1});
  cities.push("BOS", weir::event_time{2});
  cities.push("XXX");
  cities.idle();
  cities.end();
  clock.advance(1s);
  const auto left = cities.output();
  BOOST_REQUIRE(left.size() == 5u);
  BOOST_TEST(std::get<0>(left[2]).value == "Boston");
  BOOST_TEST((std::get<0>(left[2]).timestamp == weir::event_time{2}));
  BOOST_TEST(std::get<0>(left[2]).from.position == 1u);
  BOOST_TEST(std::get<1>(left[0]).why.kind() == "refused");
  BOOST_TEST((std::get<2>(left[1]) == weir::control::watermark(weir::event_time{1})));
  BOOST_TEST((std::get<2>(left[3]) == weir::control::idle()));
  BOOST_TEST((std::get<2>(left[4]) == weir::control::end()));
  BOOST_TEST(cities.finished());
  BOOST_TEST(cities.status().calls == 3u);
  BOOST_TEST(counts.closed == 1);
}

BOOST_AUTO_TEST_CASE(a_question_that_nobody_answers_times_out) {
  store.be_silent({"???"});
  auto& cities = start({.timeout = 50ms});
  cities.push("???");
  clock.advance(49ms);
  BOOST_TEST(!cities.failure());
  BOOST_TEST(store.open() == 1u);
  clock.advance(1ms);
  BOOST_REQUIRE(cities.failure().has_value());
  BOOST_TEST(cities.failure()->why.kind() == timeout);
  clock.run();
  BOOST_TEST(store.open() == 0u);
}

BOOST_AUTO_TEST_CASE(a_retry_waits_in_virtual_time) {
  store.fail({"LAX"}, {"busy", "store", "later"}, 1ms);
  store.answer({"LAX"}, one_row({{"city", "Los Angeles"}}), 1ms);
  auto& cities = start({.retry = weir::fixed_delay{2, 100ms, weir::any_error()}});
  cities.push("LAX");
  clock.advance(101ms);
  BOOST_TEST(store.asked().size() == 2u);
  clock.advance(1ms);
  BOOST_TEST((cities.results() == strings{"Los Angeles"}));
}

BOOST_AUTO_TEST_CASE(what_is_not_scripted_fails_and_says_so) {
  auto& cities = start({});
  cities.push("JFK");
  clock.run();
  BOOST_REQUIRE(cities.failure().has_value());
  BOOST_TEST(cities.failure()->why.text().find("the test has written no answer") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(after_a_crash_it_goes_on_from_the_checkpoint) {
  // GIVEN an ordered operator with one call that runs, one that is finished, and a checkpoint of both
  store.be_silent({"LAX"});
  store.answer({"LAX"}, one_row({{"city", "Los Angeles"}}), 10ms);
  auto& cities = start({.timeout = 100ms});
  cities.push("LAX");
  cities.push("BOS");
  clock.advance(5ms);
  const auto saved = cities.checkpoint();
  BOOST_REQUIRE(saved != nullptr);
  BOOST_TEST((std::get<2>(cities.output().at(0)) == weir::control::barrier(1)));
  // WHEN it crashes with a record more in it
  cities.push("SFO");
  clock.advance(10ms);
  cities.crash_and_restore(saved);
  // THEN the running one alone is asked again, and what came behind the checkpoint is gone
  clock.advance(10ms);
  BOOST_TEST((cities.results() == strings{"Los Angeles", "Boston"}));
  BOOST_TEST(store.asked().size() == 4u);
  BOOST_TEST(counts.opened == 2);
  BOOST_TEST(counts.restored == 1);
  BOOST_TEST(counts.closed == 1);
  clock.advance(1s);
  BOOST_TEST(cities.results().empty());
}

BOOST_AUTO_TEST_CASE(after_a_crash_a_record_has_the_time_that_it_had_left) {
  store.be_silent({"LAX"});
  auto& cities = start({.timeout = 100ms, .on_failure = weir::failure_action::drop});
  cities.push("LAX");
  clock.advance(70ms);
  const auto saved = cities.checkpoint();
  clock.advance(20ms);
  cities.crash_and_restore(saved);
  clock.advance(29ms);
  BOOST_TEST(cities.status().timeouts == 0u);
  clock.advance(1ms);
  BOOST_TEST(cities.status().timeouts == 1u);
}

BOOST_AUTO_TEST_CASE(a_checkpoint_can_be_taken_up_with_other_settings_and_more_than_once) {
  auto& cities = start({});
  cities.push("SFO");
  cities.push("BOS");
  const auto saved = cities.checkpoint();
  cities.crash_and_restore(saved, weir::restore_mode::call_all, {.name = "cities", .timeout = 1s},
                           output_mode::unordered);
  clock.advance(1s);
  BOOST_TEST((cities.results() == strings{"Boston", "San Francisco"}));
  cities.crash_and_restore(saved);
  clock.advance(1s);
  BOOST_TEST((cities.results() == strings{"Boston", "San Francisco"}));
}

BOOST_AUTO_TEST_CASE(a_checkpoint_of_an_older_program_is_taken_up) {
  // GIVEN a checkpoint in which flights are as version 1 of their type stored them
  auto then = *weir::find_record_codec(typeid(flight));
  then.save = [](weir::state_output& to, const void* record) {
    flight{*static_cast<const flight*>(record)}.serialize(to, 1);
  };
  const auto& texts = *weir::find_record_codec(typeid(std::string));
  weir::operator_state saved{weir::state_blocks{std::make_shared<weir::block_pool>()}};
  weir::stored_entry_writer to{saved.bytes, then, texts};
  weir::machine_snapshot<flight, std::string> held;
  held.entries.emplace_back(weir::record_snapshot<flight, std::string>{{"LH1", 45}, {}, {}});
  weir::testing::write_snapshot(to, held);
  to.begin_waiting(0);
  to.channels({{{}}});
  to.finish();
  saved.in = {"flight", 1};
  saved.out = {texts.name, texts.version};
  // THEN this program reads it, and what was not stored is as the type makes it
  operator_harness delays{clock,
                          [](const flight& of, weir::result_future<std::string> done) {
                            done.complete(of.number + " " + std::to_string(of.delay_minutes));
                          },
                          {.name = "delays", .timeout = 1s}};
  delays.crash_and_restore(std::make_shared<const weir::operator_state>(std::move(saved)));
  delays.push({"LH2", 5});
  BOOST_TEST((delays.results() == strings{"LH1 -1", "LH2 5"}));
  delays.push({"LH3", 6});
  const auto now = delays.checkpoint();
  BOOST_TEST(now->in.version == 2u);
}

BOOST_AUTO_TEST_CASE(a_checkpoint_of_records_that_cannot_be_stored_says_what_to_write) {
  operator_harness numbers{
    clock,
    [](const plain& of, weir::result_future<int> done) { done.complete(of.number); },
    {.name = "numbers", .timeout = 1s}};
  BOOST_CHECK_EXCEPTION(
    numbers.checkpoint(), std::logic_error, [](const std::logic_error& refused) {
      return std::string{refused.what()}.find("write WEIR_STORED(") != std::string::npos;
    });
  numbers.push({5});
  BOOST_TEST((numbers.results() == std::vector{5}));
}

BOOST_AUTO_TEST_CASE(numbers_go_on_from_those_of_the_checkpoint) {
  auto& cities = start({});
  cities.push("BOS");
  clock.advance(5ms);
  const auto saved = cities.checkpoint();
  cities.push("SFO");
  cities.crash_and_restore(saved);
  cities.push("BOS");
  BOOST_TEST(cities.status().records_in == 2u);
  BOOST_TEST(cities.status().records_out == 1u);
}

BOOST_AUTO_TEST_CASE(what_waited_for_room_is_in_the_checkpoint) {
  auto& cities = start({.capacity = 1});
  cities.push("SFO");
  cities.push("BOS");
  cities.watermark(weir::event_time{5});
  const auto saved = cities.checkpoint();
  cities.crash_and_restore(saved);
  clock.advance(1s);
  const auto left = cities.output();
  BOOST_REQUIRE(left.size() == 3u);
  BOOST_TEST(std::get<0>(left[0]).value == "San Francisco");
  BOOST_TEST(std::get<0>(left[1]).value == "Boston");
  BOOST_TEST((std::get<2>(left[2]) == weir::control::watermark(weir::event_time{5})));
}

BOOST_AUTO_TEST_CASE(records_of_one_key_are_called_one_after_the_other) {
  auto& cities = start({}, output_mode::key_ordered);
  cities.push_keyed(1, "SFO");
  cities.push_keyed(1, "BOS");
  cities.push_keyed(2, "BOS");
  clock.advance(5ms);
  BOOST_TEST((cities.results() == strings{"Boston"}));
  clock.advance(20ms);
  BOOST_TEST((cities.results() == strings{"San Francisco", "Boston"}));
}

BOOST_AUTO_TEST_CASE(futures_are_looked_at_whenever_the_clock_runs) {
  std::map<std::string, std::promise<std::string>> promises;
  const auto waits = env.waiting_pool({.name = "futures", .threads = 4});
  const auto ask = [&](const std::string& code, weir::result_future<std::string> done) {
    waits.complete_from(promises[code].get_future(), std::move(done));
  };
  operator_harness cities{clock, ask,
                          {.name = "cities", .timeout = 1s, .on_failure = weir::failure_action::drop},
                          output_mode::ordered, &env};
  for (const auto* code : {"SFO", "BOS", "XXX"})
    cities.push(code);
  promises["BOS"].set_value("Boston");
  clock.run();
  BOOST_TEST(cities.results().empty());
  // At the timeout, which is in time.
  clock.call_after(1s, [&] { promises["SFO"].set_value("San Francisco"); });
  clock.advance(1s);
  BOOST_TEST((cities.results() == strings{"San Francisco", "Boston"}));
  BOOST_TEST(cities.status().timeouts == 1u);
  promises["XXX"].set_value("nowhere");
  clock.run();
  BOOST_TEST(cities.status().late_completions == 0u);
}

BOOST_AUTO_TEST_CASE(a_future_is_given_up_when_the_clock_reaches_its_records_timeout) {
  struct patient : weir::async_function<std::string, std::string> {
    patient(weir::waiting_pool in, std::promise<std::string>& of) : waits(std::move(in)), promise(&of) {}
    void async_invoke(const std::string&, weir::result_future<std::string> done) {
      waits.complete_from(promise->get_future(), std::move(done));
    }
    void timeout(const std::string&, const weir::result_future<std::string>&) {}
    weir::waiting_pool waits;
    std::promise<std::string>* promise;
  };
  std::promise<std::string> promise;
  operator_harness cities{clock, patient{env.waiting_pool({.name = "futures"}), promise},
                          {.name = "cities", .timeout = 1s}, output_mode::ordered, &env};
  cities.push("SFO");
  clock.advance(999ms);
  BOOST_TEST(!cities.failure());
  clock.advance(1ms);
  BOOST_REQUIRE(cities.failure().has_value());
  BOOST_TEST(cities.failure()->why.kind() == timeout);
}

BOOST_AUTO_TEST_CASE(options_that_are_wrong_are_refused_all_at_once) {
  BOOST_CHECK_EXCEPTION(start({.capacity = 0, .capacity_bytes = 0}), std::invalid_argument,
                        [](const std::invalid_argument& refused) {
                          const std::string text = refused.what();
                          return text.find("capacity is 0") != std::string::npos
                                 && text.find("\n") != std::string::npos
                                 && text.find("capacity_bytes is 0") != std::string::npos;
                        });
}

BOOST_AUTO_TEST_CASE(a_key_ordered_operator_takes_no_record_without_a_key) {
  auto& cities = start({}, output_mode::key_ordered);
  BOOST_CHECK_THROW(cities.push("SFO"), std::logic_error);
  cities.push_keyed(1, "SFO");
  BOOST_TEST(!cities.failure());
}

BOOST_AUTO_TEST_CASE(nothing_comes_in_behind_the_end_but_a_checkpoint) {
  auto& cities = start({});
  cities.end();
  BOOST_CHECK_THROW(cities.push("SFO"), std::logic_error);
  BOOST_CHECK_THROW(cities.end(), std::logic_error);
  const auto saved = cities.checkpoint();
  // AND a restored operator is given its end again
  cities.crash_and_restore(saved);
  cities.end();
  BOOST_TEST(cities.finished());
}

BOOST_AUTO_TEST_CASE(an_operator_that_has_failed_leaves_nothing_to_go_on_from) {
  auto& cities = start({});
  BOOST_CHECK_THROW(cities.crash_and_restore(nullptr), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_function_with_a_pool_needs_its_environment) {
  operator_harness cities{clock, city_of{pool, counts}, {.name = "cities", .timeout = 1s}};
  BOOST_REQUIRE(cities.failure().has_value());
  BOOST_TEST(cities.failure()->why.message().find("is given the environment that made the pool")
             != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_clock_does_not_go_back) {
  BOOST_CHECK_THROW(clock.advance(-1s), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
