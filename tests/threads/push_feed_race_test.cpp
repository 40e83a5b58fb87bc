// SPDX-License-Identifier: Apache-2.0

// Many threads push while stages on threads of their own take what comes.

#include "push_feed_fixture.hpp"

#include <atomic>
#include <deque>
#include <future>
#include <map>
#include <thread>

BOOST_AUTO_TEST_SUITE(push_feed_races)

namespace {

/// A stage on a thread of its own: takes what comes, admits it after a while, until the end has come.
class stage_thread {
public:
  stage_thread(weir::push_feed<item>& of, std::uint32_t lane) : feed_(of), lane_(of.lane(lane)) {
    feed_.listen(*lane_, [this] { wake(); });
    thread_ = std::thread{[this] { run(); }};
  }

  /// Leaves, whether the end has come or not.
  void leave() {
    leaving_ = true;
    wake();
  }

  /// What came, when the end has.
  const std::vector<int>& join() {
    thread_.join();
    return values_;
  }

  /// Then: how much of it stood in front of each barrier.
  const std::map<std::uint64_t, std::size_t>& fronts() const noexcept { return fronts_; }

private:
  void wake() {
    awake_ = true;
    awake_.notify_one();
  }

  void run() {
    for (bool ended = false; !ended && !leaving_;) {
      for (auto& taken : feed_.take_to_barrier(*lane_))
        ended = use(std::move(taken)) || ended;
      while (auto taken = feed_.take(*lane_, false).of)
        ended = use(std::move(taken)) || ended;
      if (!ended)
        awake_.wait(false);
      awake_ = false;
    }
    feed_.listen(*lane_, nullptr);
  }

  /// Whether the end is in it.
  bool use(std::shared_ptr<weir::batch_base> taken) {
    auto& in = static_cast<weir::batch<item>&>(*taken);
    for (std::size_t i = 0; i < in.records(); ++i)
      values_.push_back(in.value(i).value);
    bool ends = false;
    for (const auto& [before, what] : in.controls())
      if (what.kind() == weir::control_kind::barrier)
        fronts_[what.checkpoint()] = values_.size();
      else
        ends = true;
    const auto bytes = in.bytes();
    in.clear();
    feed_.give_back(*lane_, bytes, std::move(taken));
    feed_.admitted(*lane_, values_.size());
    return ends;
  }

  weir::push_feed<item>& feed_;
  const std::shared_ptr<weir::push_lane> lane_;
  std::atomic<bool> awake_{false};
  std::atomic<bool> leaving_{false};
  std::vector<int> values_;
  std::map<std::uint64_t, std::size_t> fronts_;
  std::thread thread_;
};

/// Pushes `first`, `first` + 1, ... in one of the ways, until the feed is closed or `count` were taken.
int push_all(weir::push_feed<item>& to, int first, int count, int way) {
  int taken = 0;
  while (taken < count) {
    item record{first + taken};
    weir::push_request what{&record, {}, static_cast<weir::key_hash>(first + taken), nullptr};
    if (way == 0) {
      const auto result = to.try_push(what);
      if (result == push_result::closed)
        break;
      taken += result == push_result::taken ? 1 : 0;
      if (result == push_result::full)
        std::this_thread::yield();
    } else {
      const auto pushed = to.push(what, way == 1 ? weir::duration::max() : weir::duration{1000});
      if (pushed)
        ++taken;
      else if (pushed.why().is(weir::error_kind::closed))
        break;
    }
  }
  return taken;
}

constexpr int far = 1'000'000;

/// Each pusher's records came in order and without a gap; gives how many there were of each.
std::vector<int> count_by_pusher(const std::vector<int>& values, int pushers) {
  std::vector<int> next(static_cast<std::size_t>(pushers), 0);
  for (const auto value : values) {
    auto& of = next[static_cast<std::size_t>(value / far)];
    if (value % far != of)
      BOOST_ERROR("record " + std::to_string(value) + " came where "
                  + std::to_string(value / far * far + of) + " was next");
    of = value % far + 1;
  }
  return next;
}

} // namespace

BOOST_AUTO_TEST_CASE(what_many_threads_push_comes_once_and_in_each_ones_order) {
  constexpr int pushers = 6;
  constexpr int each = 3000;
  feed_fixture of{{.records = 16}};
  BOOST_TEST(of.feed.open(1, {.records = 5}).has_value());
  stage_thread stage{of.feed, 0};
  std::vector<std::thread> threads;
  for (int i = 0; i < pushers; ++i)
    threads.emplace_back([&, i] { push_all(of.feed, i * far, each, i % 3); });
  for (auto& thread : threads)
    thread.join();
  BOOST_TEST(of.feed.finish());
  BOOST_TEST(count_by_pusher(stage.join(), pushers) == std::vector<int>(pushers, each),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_end_in_the_middle_loses_nothing_that_was_taken) {
  constexpr int pushers = 4;
  for (int round = 0; round < 50; ++round) {
    feed_fixture of{{.records = 4}};
    BOOST_TEST(of.feed.open(1, {}).has_value());
    stage_thread stage{of.feed, 0};
    std::vector<std::future<int>> taken;
    for (int i = 0; i < pushers; ++i)
      taken.push_back(std::async(std::launch::async, [&, i] {
        return push_all(of.feed, i * far, far, (i + round) % 3);
      }));
    while (of.feed.pushed(1) < static_cast<std::uint64_t>(round))
      std::this_thread::yield();
    BOOST_TEST(of.feed.finish());
    std::vector<int> counts;
    for (auto& each : taken)
      counts.push_back(each.get());
    BOOST_TEST(count_by_pusher(stage.join(), pushers) == counts, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(a_run_that_is_given_up_frees_all_who_wait_and_settles_their_tickets) {
  constexpr int pushers = 4;
  feed_fixture of{{.records = 2}};
  for (int round = 0; round < 50; ++round) {
    BOOST_TEST(of.feed.open(1, {}).has_value());
    stage_thread stage{of.feed, 0};
    std::atomic<int> taken{0};
    std::atomic<int> lost{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < pushers; ++i)
      threads.emplace_back([&] {
        for (;;) {
          auto made = std::make_shared<weir::ticket_state>();
          made->on_settled([&](const weir::settlement&) { ++lost; });
          item record{1};
          if (!of.feed.push({&record, {}, 0, made}, weir::duration::max()))
            return;
          ++taken;
        }
      });
    while (taken < round)
      std::this_thread::yield();
    // As a job ends: first nothing is taken, then the stages leave, then all is over.
    of.feed.refuse({"io", "store", "it said no"});
    stage.leave();
    stage.join();
    of.feed.end_run({"io", "store", "it said no"});
    for (auto& thread : threads)
      thread.join();
    BOOST_TEST(taken == lost);
  }
}

BOOST_AUTO_TEST_CASE(several_lanes_share_what_is_pushed) {
  constexpr int pushers = 3;
  constexpr int each = 2000;
  for (const bool keyed : {false, true}) {
    feed_fixture of{{.records = 8}, keyed};
    BOOST_TEST(of.feed.open(2, {}).has_value());
    stage_thread a{of.feed, 0};
    stage_thread b{of.feed, 1};
    std::vector<std::thread> threads;
    for (int i = 0; i < pushers; ++i)
      threads.emplace_back([&, i] { push_all(of.feed, i * far, each, i); });
    for (auto& thread : threads)
      thread.join();
    BOOST_TEST(of.feed.finish());
    auto values = a.join();
    const auto& others = b.join();
    BOOST_TEST(!values.empty());
    BOOST_TEST(!others.empty());
    values.insert(values.end(), others.begin(), others.end());
    std::sort(values.begin(), values.end());
    BOOST_TEST(count_by_pusher(values, pushers) == std::vector<int>(pushers, each),
               boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(a_barrier_cuts_what_many_threads_push_at_one_moment) {
  constexpr int pushers = 4;
  constexpr int each = 2000;
  constexpr std::uint64_t checkpoints = 40;
  for (const bool keyed : {false, true}) {
    feed_fixture of{{.records = 8}, keyed};
    BOOST_TEST(of.feed.open(3, {.records = 5}, {.first_checkpoint = 1}).has_value());
    std::deque<stage_thread> stages;
    for (std::uint32_t lane = 0; lane < 3; ++lane)
      stages.emplace_back(of.feed, lane);
    const auto lane = of.feed.lane(0);
    std::vector<weir::feed_cut> cuts;
    // A thread that is neither a pusher nor a stage makes checkpoints, and another says that they are durable.
    std::thread coordinator{[&] {
      for (std::uint64_t n = 1; n <= checkpoints; ++n) {
        cuts.push_back(of.feed.begin_checkpoint(*lane, n, false).value());
        lane->durability->reach(n);
        std::this_thread::yield();
      }
    }};
    std::atomic<int> durable{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < pushers; ++i)
      threads.emplace_back([&, i] {
        push_all(of.feed, i * far, each, i % 3);
        auto made = std::make_shared<weir::ticket_state>();
        item record{i * far + each};
        if (of.feed.push({&record, {}, static_cast<weir::key_hash>(record.value), made}, weir::duration::max()))
          made->on_durable([&](const weir::expected<void>& how) { durable += how ? 1 : 0; });
      });
    for (auto& thread : threads)
      thread.join();
    coordinator.join();
    cuts.push_back(of.feed.begin_checkpoint(*lane, checkpoints + 1, false).value());
    lane->durability->reach(checkpoints + 1);
    BOOST_TEST(durable == pushers);
    BOOST_TEST(of.feed.finish());
    std::vector<std::vector<int>> values;
    for (auto& stage : stages)
      values.push_back(stage.join());
    for (std::uint64_t n = 1; n <= checkpoints + 1; ++n) {
      // Of each pusher what it had pushed by then, and of all together as many as the cut says.
      std::vector<int> front;
      for (std::size_t i = 0; i < stages.size(); ++i)
        front.insert(front.end(), values[i].begin(),
                     values[i].begin() + static_cast<std::ptrdiff_t>(stages[i].fronts().at(n)));
      std::sort(front.begin(), front.end());
      count_by_pusher(front, pushers);
      BOOST_TEST(front.size() == cuts[n - 1].next_number);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
