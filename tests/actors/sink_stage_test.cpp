// SPDX-License-Identifier: Apache-2.0

// A sink waits for its descriptor without holding anybody's thread, and completes in two phases.

#include "../support/job_fixture.hpp"

using namespace std::chrono_literals;
using weir::error;
using weir::testing::job_fixture;

namespace {

const error broken{"io", "disk", "it is full"};

struct sink_fixture : job_fixture {
  sink_fixture() {
    add_line();
    functions["op"].answer = [](int x, weir::result_future<int> done) { done.complete(x); };
  }

  std::string lines() {
    auto all = transcript();
    // What the function does is told elsewhere.
    std::string of_sink;
    for (std::size_t at = 0, end; at < all.size(); at = end + 1) {
      end = all.find('\n', at);
      const auto line = all.substr(at, end - at);
      if (line.find(" out") != std::string::npos || line.find("ended") == 0)
        of_sink += line + "\n";
    }
    return of_sink;
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(sink_stage, sink_fixture)

BOOST_AUTO_TEST_CASE(it_writes_what_it_can_and_the_rest_when_the_descriptor_is_ready) {
  sinks["out"].appetite = 2;
  start();
  lines();
  push({1, 2, 3, 4});
  BOOST_TEST(lines() == "write out 1\nwrite out 2\n");
  feed(1);
  BOOST_TEST(lines() == "write out 3\n");
  BOOST_TEST(runner->status().sinks[0].records_in == 3u);
  feed(10);
  BOOST_TEST(lines() == "write out 4\n");
  push({5});
  BOOST_TEST(lines() == "write out 5\n");
}

BOOST_AUTO_TEST_CASE(batches_that_come_while_it_waits_are_not_written_before) {
  sinks["out"].appetite = 1;
  start();
  push({1, 2});
  push({3});
  push({4});
  BOOST_TEST(fds.waiting() == 2u); // the source's and the sink's
  lines();
  feed(10);
  BOOST_TEST(lines() == "write out 2\nwrite out 3\nwrite out 4\n");
}

BOOST_AUTO_TEST_CASE(a_wake_up_without_readiness_does_no_harm) {
  sinks["out"].appetite = 1;
  start();
  push({1, 2});
  lines();
  make_ready("out");
  make_ready("out");
  BOOST_TEST(lines() == "");
  feed(1);
  BOOST_TEST(lines() == "write out 2\n");
}

BOOST_AUTO_TEST_CASE(own_buffers_go_out_when_nothing_more_is_here) {
  sinks["out"].flush_waits = 2;
  start();
  push({1});
  BOOST_TEST(sinks["out"].flush_waits == 1);
  make_ready("out");
  BOOST_TEST(sinks["out"].flush_waits == 0);
  make_ready("out");
  lines();
  push({2});
  BOOST_TEST(lines() == "write out 2\n");
}

BOOST_AUTO_TEST_CASE(the_end_comes_while_the_sink_waits) {
  sinks["out"].appetite = 1;
  sinks["out"].prepare_waits = 2;
  start();
  push({1, 2});
  end();
  lines();
  feed(1);
  BOOST_TEST(lines() == "write out 2\n");
  make_ready("out");
  BOOST_TEST(lines() == "");
  make_ready("out");
  BOOST_TEST(lines() == "prepare out\ncommit out\nended done\n");
}

BOOST_AUTO_TEST_CASE(a_flush_that_fails_fails_the_job) {
  sinks["out"].write_error = broken;
  start();
  push({1});
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(result->why.front().text() == broken.text());
  BOOST_TEST(sinks["out"].ended_by == "abandon");
}

BOOST_AUTO_TEST_CASE(a_cancel_while_it_waits_abandons) {
  sinks["out"].appetite = 0;
  start();
  push({1});
  cancel();
  BOOST_TEST(sinks["out"].ended_by == "abandon");
  // The descriptor may still become ready: nobody is there.
  feed(10);
  BOOST_TEST(written().empty());
}

BOOST_AUTO_TEST_CASE(a_cancel_while_it_prepares_abandons) {
  sinks["out"].prepare_waits = 1;
  start();
  end();
  cancel();
  BOOST_TEST(sinks["out"].ended_by == "abandon");
  BOOST_TEST((result->end == weir::job_end::cancelled));
}

BOOST_AUTO_TEST_CASE(a_drain_that_is_cut_off_prepares_a_waiting_sink_with_what_it_has) {
  sinks["out"].appetite = 1;
  start();
  push({1, 2, 3});
  drain(1s);
  advance(1s);
  BOOST_TEST(!result);
  // It waits for the descriptor in the midst of a batch; then it finishes without the rest.
  make_ready("out");
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST((result->end == weir::job_end::drained));
  BOOST_TEST(result->left_behind == 2u);
  BOOST_TEST(sinks["out"].ended_by == "commit");
}

BOOST_AUTO_TEST_CASE(a_sink_may_take_several_rounds_to_write_and_to_prepare) {
  sinks["out"].writes_one_by_one = true;
  sinks["out"].prepare_rounds = 2;
  start();
  transcript();
  push({1, 2});
  end();
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST((result->end == weir::job_end::done));
  BOOST_TEST(written() == (std::vector{1, 2}), boost::test_tools::per_element());
  const auto said = transcript();
  BOOST_TEST(said.find("prepare out\nprepare out\nprepare out\ncommit out\n") != said.npos, said);
}

BOOST_AUTO_TEST_CASE(a_commit_may_wait_for_a_descriptor_and_take_several_rounds) {
  sinks["out"].commit_waits = 1;
  sinks["out"].commit_rounds = 2;
  start();
  push({1});
  end();
  BOOST_TEST(!result);
  BOOST_TEST(sinks["out"].ended_by == "");
  make_ready("out");
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST((result->end == weir::job_end::done));
  BOOST_TEST(sinks["out"].ended_by == "commit");
  BOOST_TEST(sinks["out"].commit_rounds == 0);
}

BOOST_AUTO_TEST_CASE(output_that_cannot_be_put_on_the_disk_is_not_shown) {
  sinks["out"].durable_error = broken;
  start();
  push({1});
  end();
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST((result->end == weir::job_end::failed));
  BOOST_TEST(result->why.front().text() == broken.text());
  BOOST_TEST(sinks["out"].ended_by == "abandon");
}

BOOST_AUTO_TEST_CASE(a_sink_that_throws_fails_the_job) {
  std::get<weir::sink_plan>(plan.stages[2].what).make = []() -> std::unique_ptr<weir::sink_body> {
    struct thrower final : weir::sink<int> {
      weir::expected<weir::poll_result> write(weir::batch<int>&, std::size_t&,
                                              std::size_t) override {
        throw std::runtime_error("no such device");
      }
      void abandon(bool) override { throw std::runtime_error("again"); }
    };
    return std::make_unique<weir::typed_sink_body<int>>(std::make_unique<thrower>());
  };
  start();
  push({1});
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(result->why.front().kind() == weir::error_kind::exception);
  BOOST_TEST(result->why.front().thing() == "out");
}

BOOST_AUTO_TEST_SUITE_END()
