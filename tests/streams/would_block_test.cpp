// SPDX-License-Identifier: Apache-2.0

// A wait on a thread that runs stages is an error, not a deadlock: with one worker each of these would
// wait for itself.

#include "weir/weir.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>

using namespace std::chrono_literals;

namespace {

constexpr auto watchdog = 1min;

struct tells_its_end {
  explicit tells_its_end(std::shared_ptr<std::promise<void>> to) : told(std::move(to)) {}
  ~tells_its_end() { told->set_value(); }
  tells_its_end(const tells_its_end&) = delete;
  tells_its_end& operator=(const tells_its_end&) = delete;

  std::shared_ptr<std::promise<void>> told;
};

std::string text_of(const weir::job_result& result) {
  return result.why.empty() ? "no error" : result.why.front().text();
}

/// Builds a line whose stages call `in_step`, `in_call` and `in_sink`, once each.
struct line_fixture {
  using action = std::function<void()>;

  void start() {
    weir::async_data_stream::ordered_wait(
      env.from_source(weir::collection_source<int>{{1}}).map([this](int x) {
        perform(in_step);
        return x;
      }),
      [this](const int& x, weir::result_future<int> done) {
        perform(in_call);
        done.complete(x);
      },
      {.name = "op", .timeout = 0s})
      .sink_to([this](int) { perform(in_sink); });
    // The stages may run before `start` returns.
    std::promise<void> started;
    may_go_on = started.get_future().share();
    job = std::make_unique<weir::job>(env.start("line"));
    started.set_value();
  }

  void perform(const action& what) {
    may_go_on.wait();
    if (what)
      what();
  }

  action in_step;
  action in_call;
  action in_sink;
  std::shared_future<void> may_go_on;
  weir::environment env{{.threads = 1}};
  std::unique_ptr<weir::job> job;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(waits_on_stages, line_fixture)

BOOST_AUTO_TEST_CASE(a_job_that_its_own_function_destroys_ends) {
  // GIVEN a job that alone holds its functions
  const auto gone = std::make_shared<std::promise<void>>();
  std::promise<void> started;
  auto may_destroy = started.get_future().share();
  std::unique_ptr<weir::job> doomed;
  {
    weir::environment other{{.threads = 1}};
    other.from_source(weir::collection_source<int>{{1, 2, 3}})
      .map([&, may_destroy, at_end = std::make_shared<tells_its_end>(gone)](int x) {
        may_destroy.wait();
        doomed.reset();
        return x;
      })
      .sink_to([](int) {});
    doomed = std::make_unique<weir::job>(other.start("doomed"));
  }
  // WHEN one of them destroys it, THEN it ends, and they are destroyed
  auto ended = gone->get_future();
  started.set_value();
  BOOST_TEST((ended.wait_for(watchdog) == std::future_status::ready));
}

BOOST_AUTO_TEST_CASE(a_wait_for_the_job_names_it_and_says_what_to_do) {
  std::string call;
  in_call = [&] { call = text_of(job->wait()); };
  start();
  BOOST_TEST(job->wait_for(watchdog));
  BOOST_TEST(call
             == "job line: wait would wait on a thread that runs stages, and so stop what it waits for; "
                "call it on a thread of your own (would_block)");
  BOOST_TEST(job->wait().ok());
}

BOOST_AUTO_TEST_CASE(a_wait_in_a_step_or_a_sink_is_the_same) {
  bool step = false;
  bool sink = false;
  in_step = [&] { step = job->wait().why.at(0).is(weir::error_kind::would_block); };
  in_sink = [&] { sink = job->wait().why.at(0).is(weir::error_kind::would_block); };
  start();
  BOOST_TEST(job->wait_for(watchdog));
  BOOST_TEST(step);
  BOOST_TEST(sink);
}

BOOST_AUTO_TEST_CASE(a_wait_with_a_limit_does_not_wait) {
  std::optional<bool> ended;
  in_call = [&] { ended = job->wait_for(weir::duration::max()); };
  start();
  BOOST_TEST(job->wait_for(watchdog));
  BOOST_TEST((ended == false));
}

BOOST_AUTO_TEST_CASE(a_job_that_has_ended_may_be_asked_for_its_end) {
  std::string call;
  weir::environment other;
  other.from_source(weir::collection_source<int>{{1}}).sink_to([](int) {});
  auto ended = other.start("other");
  BOOST_TEST(ended.wait().ok());
  in_call = [&] { call = text_of(ended.wait()); };
  start();
  BOOST_TEST(job->wait_for(watchdog));
  BOOST_TEST(call == "no error");
}

BOOST_AUTO_TEST_CASE(no_job_is_run_to_its_end_inside_another) {
  std::string call;
  bool ran = false;
  weir::environment other;
  other.from_source(weir::collection_source<int>{{1}}).sink_to([&](int) { ran = true; });
  in_call = [&] { call = text_of(other.execute("other")); };
  start();
  BOOST_TEST(job->wait_for(watchdog));
  BOOST_TEST(call.find("job other: execute would wait") == 0u);
  BOOST_TEST(!ran);
}

BOOST_AUTO_TEST_CASE(a_thread_of_ones_own_waits_while_a_stage_of_another_job_runs) {
  std::promise<void> inside;
  std::promise<void> leave;
  in_call = [&] {
    inside.set_value();
    leave.get_future().wait();
  };
  start();
  inside.get_future().wait();
  weir::environment other;
  other.from_source(weir::collection_source<int>{{1}}).sink_to([](int) {});
  BOOST_TEST(other.execute("other").ok());
  leave.set_value();
  BOOST_TEST(job->wait_for(watchdog));
}

BOOST_AUTO_TEST_SUITE_END()
