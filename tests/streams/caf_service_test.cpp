// SPDX-License-Identifier: Apache-2.0

// A service whose stages are actors of the program's own actor system, and whose results go to an actor.

#include "weir/caf.hpp"
#include "weir/weir.hpp"

#include <boost/test/unit_test.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

using collector = caf::typed_actor<caf::reacts_to<int>, caf::replies_to<caf::get_atom>::with<std::vector<int>>>;

struct collected {
  std::vector<int> all;
};

/// Keeps the numbers that come, and tells `enough` when there are so many.
collector::behavior_type collect(collector::stateful_pointer<collected> self, std::size_t enough,
                                 std::promise<void>* come) {
  return {[=](int x) {
            self->state.all.push_back(x);
            if (self->state.all.size() == enough)
              come->set_value();
          },
          [=](caf::get_atom) { return self->state.all; }};
}

auto doubles() {
  return [](const int& x, weir::result_future<int> done) { done.complete(2 * x); };
}

struct program {
  caf::actor_system_config config;
  caf::actor_system system{config};
};

std::vector<int> ask(program& of, const collector& whom) {
  caf::scoped_actor self{of.system};
  std::vector<int> got;
  self->request(whom, caf::infinite, caf::get_atom::value)
    .receive([&](std::vector<int>& all) { got = std::move(all); },
             [](const caf::error&) { BOOST_FAIL("no answer"); });
  return got;
}

} // namespace

BOOST_AUTO_TEST_SUITE(caf_services)

BOOST_AUTO_TEST_CASE(results_go_to_an_actor_of_the_program) {
  program own;
  std::promise<void> come;
  const auto to = own.system.spawn(collect, 3, &come);
  weir::environment env;
  const auto service = weir::async_service::ordered(env, doubles(), {.name = "double", .timeout = 1s},
                                                    {.on_result = weir::send_to(to)});
  auto job = weir::start_in(own.system, env, "in mine");
  for (const int x : {1, 2, 3})
    BOOST_TEST(service.push(x).has_value());
  BOOST_REQUIRE((come.get_future().wait_for(1min) == std::future_status::ready));
  BOOST_TEST(ask(own, to) == (std::vector{2, 4, 6}), boost::test_tools::per_element());
  service.finish();
  BOOST_TEST(job.wait().ok());
}

BOOST_AUTO_TEST_CASE(actors_of_the_program_push) {
  program own;
  std::atomic<int> sum{0};
  weir::environment env;
  const auto service
    = weir::async_service::unordered(env, doubles(), {.name = "double", .timeout = 1s, .capacity = 4},
                                     {.on_result = [&](int x) { sum += x; }});
  auto job = weir::start_in(own.system, env, "in mine");
  // An actor must not wait; what finds no room it sends itself again.
  const auto pusher = own.system.spawn(
    [&service](caf::event_based_actor* self, int last) -> caf::behavior {
      return {[=, &service](int x) {
        if (service.try_push(x) != weir::push_result::taken)
          self->send(self, x);
        else if (x == last)
          service.finish();
      }};
    },
    1000);
  for (int x = 1; x < 1000; ++x)
    BOOST_TEST(service.push(x).has_value());
  caf::anon_send(pusher, 1000);
  BOOST_TEST(job.wait().ok());
  BOOST_TEST(sum == 1'001'000);
  caf::anon_send_exit(pusher, caf::exit_reason::user_shutdown);
}

BOOST_AUTO_TEST_CASE(an_actor_that_has_ended_gets_nothing_and_holds_nothing_up) {
  program own;
  std::promise<void> come;
  auto to = std::make_optional(own.system.spawn(collect, 1, &come));
  weir::environment env;
  const auto service = weir::async_service::ordered(env, doubles(), {.name = "double", .timeout = 1s},
                                                    {.on_result = weir::send_to(*to)});
  auto job = weir::start_in(own.system, env, "in mine");
  BOOST_TEST(service.push_tracked(1).wait()->ok());
  BOOST_REQUIRE((come.get_future().wait_for(1min) == std::future_status::ready));
  // The service does not keep it.
  to.reset();
  BOOST_TEST(service.push_tracked(2).wait()->ok());
  service.finish();
  BOOST_TEST(job.wait().ok());
}

BOOST_AUTO_TEST_CASE(a_thousand_starts_and_stops_in_one_system_leave_no_actor) {
  program own;
  const auto before = own.system.registry().running();
  for (int round = 0; round < 1'000; ++round) {
    weir::environment env;
    const auto service
      = weir::async_service::ordered(env, doubles(), {.name = "double", .timeout = 1s});
    auto job = weir::start_in(own.system, env, "in mine");
    service.try_push(round);
    if (round % 2 == 0) {
      service.finish();
      BOOST_TEST(job.wait().ok());
    }
  }
  own.system.registry().await_running_count_equal(before);
  BOOST_TEST(own.system.registry().running() == before);
}

BOOST_AUTO_TEST_CASE(the_job_may_outlive_the_system_it_ran_in) {
  std::optional<program> own{std::in_place};
  weir::environment env;
  const auto service
    = weir::async_service::ordered(env, doubles(), {.name = "double", .timeout = 1s});
  auto job = weir::start_in(own->system, env, "in mine");
  service.finish();
  BOOST_TEST(job.wait().ok());
  own.reset();
  BOOST_TEST((service.try_push(1) == weir::push_result::closed));
}

BOOST_AUTO_TEST_CASE(two_environments_share_a_system) {
  program own;
  std::atomic<int> sum{0};
  std::atomic<int> refused{0};
  weir::environment a;
  weir::environment b;
  const auto to = weir::async_service::ordered(b, doubles(), {.name = "second", .timeout = 1s},
                                               {.on_result = [&](int x) { sum += x; }});
  const auto from = weir::async_service::ordered(
    a, doubles(), {.name = "first", .timeout = 1s, .capacity = 1000},
    {.on_result = [&, to](int x) { refused += to.try_push(x) == weir::push_result::taken ? 0 : 1; }});
  auto job_b = weir::start_in(own.system, b, "b");
  auto job_a = weir::start_in(own.system, a, "a");
  for (int x = 1; x <= 20; ++x)
    BOOST_TEST(from.push(x).has_value());
  from.finish();
  BOOST_TEST(job_a.wait().ok());
  to.finish();
  BOOST_TEST(job_b.wait().ok());
  BOOST_TEST(refused == 0);
  BOOST_TEST(sum == 840);
}

BOOST_AUTO_TEST_SUITE_END()
