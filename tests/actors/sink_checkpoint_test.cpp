// SPDX-License-Identifier: Apache-2.0

// A sink with checkpoints: what it has written when it prepares, what it answers, and that it shows what
// is complete whatever it is at. The test is its senders, its job and its coordinator.

#include "sink_stage.hpp"

#include "../support/actor_world.hpp"
#include "../support/job_scripts.hpp"
#include "../support/seeds.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_actor.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

using weir::control;
using weir::error;
using weir::testing::journal;

namespace {

const error broken{"io", "disk", "it is full"};

/// Who talks with the sink; notes what it says.
struct neighbours {
  journal* log = nullptr;
  std::map<std::uint64_t, std::shared_ptr<weir::saved_instance>> saved;
  std::int64_t credit = 0;
};

caf::behavior play(caf::event_based_actor*, const std::shared_ptr<neighbours>& all) {
  return {
    [=](weir::lane_id, const weir::credit& more, weir::batch_handle&) {
      all->credit += more.records;
    },
    [=](weir::instance_id, weir::stage_event what) {
      const auto* const text = what == weir::stage_event::opened      ? "opened"
                               : what == weir::stage_event::finished  ? "finished"
                               : what == weir::stage_event::recovered ? "recovered"
                                                                      : "?";
      all->log->note("> " + std::string{text});
    },
    [=](weir::instance_id, const weir::stage_failure& what) {
      all->log->note("> failure: " + what.why.text());
    },
    [=](const weir::instance_saved& what) {
      all->log->note("> saved " + std::to_string(what.checkpoint) + ": "
                     + what.what->summary.pending_output);
      all->saved[what.checkpoint] = what.what;
    },
    [=](const weir::instance_unsaved& what) {
      all->log->note("> unsaved " + std::to_string(what.checkpoint) + ": " + what.why.text());
    },
    [=](const weir::instance_committed& what) {
      all->log->note("> committed " + std::to_string(what.checkpoint));
    },
  };
}

struct sink_fixture {
  journal log;
  weir::testing::descriptors fds;
  weir::testing::sink_script script;
  std::vector<weir::log_entry> told;
  std::shared_ptr<neighbours> seen = std::make_shared<neighbours>();
  std::shared_ptr<weir::sink_probe> probe = std::make_shared<weir::sink_probe>();
  weir::testing::actor_world world;
  caf::actor neighbour;
  weir::sink_actor sink;
  std::uint32_t channels = 1;
  std::shared_ptr<const weir::instance_summary> restored;

  ~sink_fixture() {
    caf::anon_send_exit(sink, caf::exit_reason::kill);
    caf::anon_send_exit(neighbour, caf::exit_reason::kill);
    world.run();
  }

  void spawn() {
    seen->log = &log;
    script.fd = fds.make();
    neighbour = world.system().spawn(play, seen);
    auto parts = std::make_shared<weir::sink_parts>();
    parts->instance.id = {7};
    parts->instance.context = {"job", "out"};
    parts->instance.context.checkpointed = true;
    parts->instance.job = caf::actor_cast<weir::job_actor>(neighbour);
    parts->instance.batches = {10, 10'000};
    parts->instance.channels = channels;
    parts->instance.wait_for_fd = [this](const weir::fd_wait& what, std::function<void()> ready) {
      fds.wait(what, std::move(ready));
    };
    parts->instance.log = [this](const weir::log_entry& what) { told.push_back(what); };
    parts->body = std::make_unique<weir::typed_sink_body<int>>(
      std::make_unique<weir::testing::scripted_sink<int>>(
        [this](const weir::instance_context&) -> weir::testing::sink_script& { return script; },
        log));
    parts->probe = probe;
    parts->coordinator = caf::actor_cast<weir::coordinator_actor>(neighbour);
    parts->restored = restored;
    sink = world.system().spawn(weir::sink_stage, std::move(parts));
    for (std::uint32_t i = 0; i < channels; ++i)
      caf::anon_send(sink, weir::attach_atom::value, weir::channel_id{i}, weir::lane_id{0, i},
                     caf::actor_cast<weir::credit_receiver>(neighbour));
    caf::anon_send(sink, caf::open_atom::value);
    world.run();
    BOOST_TEST(log.take() == "open out\n> opened\n");
  }

  /// Records, and behind them control elements, in one batch.
  void send(const std::vector<int>& records, const std::vector<control>& behind = {},
            std::uint32_t channel = 0) {
    auto in = std::make_shared<weir::batch<int>>();
    for (const auto each : records)
      in->append(each, {}, {});
    for (const auto& each : behind)
      static_cast<weir::batch_base&>(*in).append(each);
    caf::anon_send(sink, weir::channel_id{channel}, weir::batch_handle{std::move(in)});
    world.run();
  }

  void barrier(std::uint64_t checkpoint, std::uint32_t channel = 0) {
    send({}, {control::barrier(checkpoint)}, channel);
  }

  template <class... Ts>
  void tell(const Ts&... message) {
    caf::anon_send(sink, message...);
    world.run();
  }

  void commit(std::uint64_t checkpoint) { tell(weir::commit_request{checkpoint}); }

  void stop() { tell(weir::stop_request{}); }

  void make_ready() {
    fds.make_ready(script.fd);
    world.run();
  }

  void feed(std::size_t appetite) {
    script.appetite += appetite;
    make_ready();
  }

  std::string transcript() { return log.take(); }
};

/// Streams over some channels with barriers at random places, a sink that waits and takes its time at
/// random, and commits at random times. Each record knows between which barriers it was sent.
struct random_streams : sink_fixture {
  static constexpr std::uint64_t barriers = 6;

  explicit random_streams(std::uint64_t seed) : chance(seed) {
    channels = 1 + below(3);
    spawn();
    passed.resize(channels);
    while (!is_sent())
      step();
    // Now nothing holds it up any more.
    script.appetite = weir::testing::sink_script::endless;
    for (int i = 0; i < 20; ++i)
      make_ready();
    all += transcript();
  }

  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(chance() % n); }

  bool is_sent() const {
    return std::all_of(passed.begin(), passed.end(),
                       [](std::uint64_t each) { return each == barriers; });
  }

  void step() {
    switch (below(8)) {
      case 0:
        feed(below(6));
        break;
      case 1:
        script.appetite = below(10);
        break;
      case 2:
        script.flush_waits = 1;
        script.prepare_rounds = static_cast<int>(below(3));
        break;
      case 3:
        script.prepare_waits = 1;
        break;
      case 4:
        script.commit_waits = static_cast<int>(below(2));
        script.commit_rounds = static_cast<int>(below(2));
        break;
      case 5:
        if (!seen->saved.empty() && committed < seen->saved.rbegin()->first)
          commit(++committed);
        break;
      default:
        send_some(below(channels));
    }
    all += transcript();
  }

  void send_some(std::uint32_t channel) {
    auto& before = passed[channel];
    if (before == barriers)
      return;
    std::vector<int> records;
    for (auto n = below(4); n > 0; --n) {
      front_of[next] = before + 1;
      records.push_back(next++);
    }
    if (below(3) == 0)
      send(records, {control::barrier(++before)}, channel);
    else
      send(records, {}, channel);
  }

  /// What is wrong, else nothing.
  std::string fault() const {
    std::set<int> written;
    std::vector<std::string> saved;
    std::uint64_t prepared = 0;
    std::istringstream lines{all};
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words{line};
      std::string verb;
      std::string out;
      std::uint64_t number = 0;
      words >> verb >> out >> number;
      if (verb == "write") {
        if (!written.insert(static_cast<int>(number)).second)
          return line + " for the second time";
      } else if (verb == "prepare") {
        prepared = number;
        for (const auto& [record, checkpoint] : front_of)
          if (written.contains(record) != (checkpoint <= number))
            return line + " at the wrong place for " + std::to_string(record);
      } else if (verb == "commit" && number > prepared) {
        return line + " before it was prepared";
      } else if (out == "saved") {
        saved.push_back(std::to_string(number));
      } else if (out == "failure:") {
        return line;
      }
    }
    std::vector<std::string> wanted;
    for (std::uint64_t i = 1; i <= barriers; ++i)
      wanted.push_back(std::to_string(i));
    return saved == wanted ? "" : "saved " + std::to_string(saved.size()) + " checkpoints";
  }

  std::mt19937_64 chance;
  std::vector<std::uint64_t> passed;
  std::map<int, std::uint64_t> front_of;
  int next = 1;
  std::uint64_t committed = 0;
  std::string all;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(sink_checkpoints, sink_fixture)

// -- at a barrier --

BOOST_AUTO_TEST_CASE(what_stands_in_front_is_written_and_prepared) {
  spawn();
  send({1, 2}, {control::barrier(17)});
  BOOST_TEST(transcript() == "write out 1\nwrite out 2\nprepare out 17\n> saved 17: up to 17\n");
  send({3});
  barrier(18);
  BOOST_TEST(transcript() == "write out 3\nprepare out 18\n> saved 18: up to 18\n");
}

BOOST_AUTO_TEST_CASE(what_was_prepared_is_made_durable_by_who_is_told) {
  spawn();
  send({1}, {control::barrier(1)});
  transcript();
  BOOST_TEST_REQUIRE(static_cast<bool>(seen->saved[1]->make_durable));
  BOOST_TEST(seen->saved[1]->make_durable().has_value());
  BOOST_TEST(transcript() == "make durable out 1\n");
}

BOOST_AUTO_TEST_CASE(a_commit_is_answered) {
  spawn();
  send({1}, {control::barrier(1)});
  send({2}, {control::barrier(2)});
  transcript();
  commit(2);
  BOOST_TEST(transcript() == "commit out 2\n> committed 2\n");
}

BOOST_AUTO_TEST_CASE(a_checkpoint_that_came_to_nothing_is_not_told) {
  spawn();
  send({1}, {control::barrier(1)});
  send({2}, {control::barrier(3)});
  transcript();
  commit(3);
  send({4}, {control::barrier(4)});
  BOOST_TEST(transcript()
             == "commit out 3\n> committed 3\nwrite out 4\nprepare out 4\n> saved 4: up to 4\n");
}

BOOST_AUTO_TEST_CASE(nothing_behind_a_barrier_is_written_before_it_is_prepared) {
  script.prepare_waits = 2;
  spawn();
  send({1}, {control::barrier(1)});
  send({2});
  barrier(2);
  BOOST_TEST(transcript() == "write out 1\n");
  make_ready();
  BOOST_TEST(transcript() == "");
  make_ready();
  BOOST_TEST(transcript()
             == "prepare out 1\nwrite out 2\nprepare out 2\n> saved 1: up to 1\n"
                "> saved 2: up to 2\n");
}

BOOST_AUTO_TEST_CASE(it_may_take_several_rounds_to_prepare) {
  script.prepare_rounds = 2;
  spawn();
  send({1}, {control::barrier(1)});
  send({2});
  BOOST_TEST(transcript()
             == "write out 1\nprepare out 1\nprepare out 1\nprepare out 1\n> saved 1: up to 1\n"
                "write out 2\n");
}

BOOST_AUTO_TEST_CASE(channels_are_aligned) {
  channels = 2;
  spawn();
  send({1}, {control::barrier(5)}, 0);
  send({2}, {}, 0);
  send({11}, {}, 1);
  BOOST_TEST(transcript() == "write out 1\nwrite out 11\n");
  send({12}, {control::barrier(5)}, 1);
  BOOST_TEST(transcript() == "write out 12\nprepare out 5\nwrite out 2\n> saved 5: up to 5\n");
}

BOOST_AUTO_TEST_CASE(a_barrier_that_is_overtaken_is_not_prepared) {
  channels = 2;
  spawn();
  send({1}, {control::barrier(5)}, 0);
  barrier(6, 0);
  barrier(6, 1);
  BOOST_TEST(transcript() == "write out 1\nprepare out 6\n> saved 6: up to 6\n");
}

// -- a sink that waits for its reader --

BOOST_AUTO_TEST_CASE(a_sink_that_waits_prepares_when_its_reader_reads) {
  script.appetite = 1;
  spawn();
  send({1, 2});
  send({3}, {control::barrier(1)});
  send({4});
  barrier(2);
  BOOST_TEST(transcript() == "write out 1\n");
  feed(1);
  BOOST_TEST(transcript() == "write out 2\n");
  feed(1);
  BOOST_TEST(transcript() == "write out 3\nprepare out 1\n> saved 1: up to 1\n");
  feed(1);
  BOOST_TEST(transcript() == "write out 4\nprepare out 2\n> saved 2: up to 2\n");
}

BOOST_AUTO_TEST_CASE(a_sink_that_waits_in_a_flush_prepares_behind_it) {
  script.flush_waits = 1;
  spawn();
  send({1});
  send({2}, {control::barrier(1)});
  BOOST_TEST(transcript() == "write out 1\n");
  make_ready();
  BOOST_TEST(transcript() == "write out 2\nprepare out 1\n> saved 1: up to 1\n");
}

BOOST_AUTO_TEST_CASE(a_commit_does_not_wait_for_the_reader) {
  script.appetite = 2;
  spawn();
  send({1}, {control::barrier(1)});
  send({2, 3}, {control::barrier(2)});
  transcript();
  // In the midst of a batch.
  commit(1);
  BOOST_TEST(transcript() == "commit out 1\n> committed 1\n");
  script.prepare_waits = 1;
  feed(1);
  BOOST_TEST(transcript() == "write out 3\n");
  // And in the midst of preparing.
  commit(1);
  BOOST_TEST(transcript() == "commit out 1\n> committed 1\n");
  make_ready();
  BOOST_TEST(transcript() == "prepare out 2\n> saved 2: up to 2\n");
}

BOOST_AUTO_TEST_CASE(a_commit_may_wait_and_take_another_along) {
  spawn();
  send({1}, {control::barrier(1)});
  send({2}, {control::barrier(2)});
  transcript();
  script.commit_waits = 1;
  script.commit_rounds = 1;
  commit(1);
  BOOST_TEST(transcript() == "");
  commit(2);
  BOOST_TEST(transcript() == "");
  // The stream goes on meanwhile.
  send({3}, {control::barrier(3)});
  BOOST_TEST(transcript() == "write out 3\nprepare out 3\n> saved 3: up to 3\n");
  make_ready();
  BOOST_TEST(transcript() == "commit out 2\n> committed 2\n");
  BOOST_TEST(fds.waiting() == 0u);
  commit(3);
  BOOST_TEST(transcript() == "commit out 3\n> committed 3\n");
}

BOOST_AUTO_TEST_CASE(the_senders_get_their_room_back) {
  channels = 2;
  spawn();
  const auto first = seen->credit;
  send({1, 2}, {control::barrier(1)}, 0);
  send({3, 4, 5}, {}, 0);
  barrier(1, 1);
  // A batch without records is as one.
  BOOST_TEST(seen->credit == first + 5 + 1);
}

// -- the end --

BOOST_AUTO_TEST_CASE(behind_the_end_it_prepares_the_last_output) {
  spawn();
  send({1}, {control::end()});
  BOOST_TEST(transcript() == "write out 1\n> finished\n");
  barrier(9);
  BOOST_TEST(transcript() == "prepare out 9 last\n> saved 9: up to 9\n");
  commit(9);
  BOOST_TEST(transcript() == "commit out 9\n> committed 9\n");
  // All is visible: there is nothing to abandon.
  stop();
  BOOST_TEST(transcript() == "");
}

BOOST_AUTO_TEST_CASE(the_end_and_a_barrier_may_come_together) {
  spawn();
  send({1}, {control::end(), control::barrier(9)});
  BOOST_TEST(transcript() == "write out 1\nprepare out 9 last\n> finished\n> saved 9: up to 9\n");
}

BOOST_AUTO_TEST_CASE(a_last_checkpoint_that_failed_is_tried_again) {
  spawn();
  send({1}, {control::end()});
  barrier(8);
  barrier(9);
  transcript();
  commit(9);
  BOOST_TEST(transcript() == "commit out 9\n> committed 9\n");
  barrier(10);
  // What was prepared behind the last commit is not visible.
  stop();
  BOOST_TEST(transcript() == "prepare out 10 last\n> saved 10: up to 10\nabandon out\n");
}

BOOST_AUTO_TEST_CASE(a_stop_abandons_what_was_not_committed) {
  spawn();
  send({1}, {control::barrier(1)});
  commit(1);
  transcript();
  stop();
  BOOST_TEST(transcript() == "abandon out\n");
}

BOOST_AUTO_TEST_CASE(a_stop_while_it_waits_leaves_nobody_to_be_woken) {
  script.prepare_waits = 1;
  spawn();
  send({1}, {control::barrier(1)});
  stop();
  make_ready();
  BOOST_TEST(transcript() == "write out 1\nabandon out\n");
}

// -- what goes wrong --

BOOST_AUTO_TEST_CASE(output_that_cannot_be_prepared_fails_the_job) {
  script.prepare_error = broken;
  spawn();
  send({1}, {control::barrier(1)});
  send({2}, {control::barrier(2)});
  BOOST_TEST(transcript() == "write out 1\n> failure: " + broken.text() + "\n");
}

BOOST_AUTO_TEST_CASE(a_commit_that_fails_fails_the_job) {
  spawn();
  send({1}, {control::barrier(1)});
  transcript();
  script.commit_error = broken;
  commit(1);
  BOOST_TEST(transcript() == "> failure: " + broken.text() + "\n");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_told_refuses_the_checkpoint_and_the_stream_goes_on) {
  spawn();
  script.pending_throws = true;
  send({1}, {control::barrier(1)});
  BOOST_TEST(transcript()
             == "write out 1\nprepare out 1\n"
                "> unsaved 1: out: it threw: no words (exception)\n");
  script.pending_throws = false;
  script.state = std::string(1024 * 1024 + 1, 'x');
  send({2}, {control::barrier(2)});
  BOOST_TEST(transcript()
             == "write out 2\nprepare out 2\n> unsaved 2: out: says more than 1 MiB of its "
                "pending output; let `pending` say less (argument)\n");
  script.state = "all of it";
  send({3}, {control::barrier(3)});
  BOOST_TEST(transcript() == "write out 3\nprepare out 3\n> saved 3: all of it\n");
}

// -- going on --

BOOST_AUTO_TEST_CASE(records_are_counted_over_a_crash) {
  spawn();
  send({1, 2}, {control::barrier(1)});
  send({3});
  BOOST_TEST(probe->records_in.value() == 3u);
  const auto& counters = seen->saved[1]->summary.counters;
  BOOST_TEST_REQUIRE(counters.size() == 1u);
  BOOST_TEST(counters[0].name == "records_in");
  BOOST_TEST(counters[0].count == 2u);
}

BOOST_AUTO_TEST_CASE(one_that_goes_on_counts_on) {
  auto from = std::make_shared<weir::instance_summary>();
  from->counters = {{"other", 5}, {"records_in", 1000}};
  restored = from;
  spawn();
  BOOST_TEST(probe->records_in.value() == 1000u);
  send({1, 2}, {control::barrier(1)});
  BOOST_TEST(probe->records_in.value() == 1002u);
  BOOST_TEST(seen->saved[1]->summary.counters[0].count == 1002u);
}

BOOST_AUTO_TEST_CASE(it_recovers_what_a_checkpoint_has_left_and_says_so) {
  script.recovered_lines = {"one", "two"};
  spawn();
  auto from = std::make_shared<weir::sink_recovery>();
  from->checkpoint = 17;
  from->states = {"a", "b"};
  tell(weir::recover_request{from});
  BOOST_TEST(transcript() == "recover out 17 a b\n> recovered\n");
  BOOST_TEST_REQUIRE(told.size() == 2u);
  BOOST_TEST(told[0].thing == "out");
  BOOST_TEST(told[0].message == "one");
  BOOST_TEST(told[1].message == "two");
}

BOOST_AUTO_TEST_CASE(a_recovery_that_fails_fails_the_job) {
  script.recover_error = broken;
  spawn();
  tell(weir::recover_request{std::make_shared<weir::sink_recovery>()});
  BOOST_TEST(transcript() == "> failure: " + broken.text() + "\n");
}

BOOST_AUTO_TEST_CASE(whatever_holds_it_up_each_barrier_parts_what_it_writes) {
  const auto [first, count] = weir::testing::seeds(300);
  std::size_t commits = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    random_streams run{seed};
    const auto fault = run.fault();
    BOOST_TEST_REQUIRE(fault == "", "seed " << seed << ": " << fault << "\n" << run.all);
    commits += run.committed;
  }
  BOOST_TEST(commits > count);
}

BOOST_AUTO_TEST_SUITE_END()
