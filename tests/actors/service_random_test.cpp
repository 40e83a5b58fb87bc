// SPDX-License-Identifier: Apache-2.0

// Services under chance: records are pushed in every way, answered late, early or never, retried, dropped,
// or fail the job; stages run in any order; the job ends in every way. Each record that was taken is
// accounted for once, its ticket settles once and tells the truth, and what the mode promises holds.

#include "../support/seeds.hpp"
#include "../support/service_fixture.hpp"

#include <algorithm>
#include <deque>
#include <random>
#include <set>

using namespace std::chrono_literals;
using weir::event_time;
using weir::output_mode;
using weir::push_result;
using weir::settlement_kind;

namespace {

/// What the function does with a record, decided when it is pushed.
struct plan_of_record {
  enum class does : std::uint8_t { results, drops, dies, times_out, fails_job } what = does::results;
  std::size_t results = 1;
  std::chrono::milliseconds after{};
};

struct life {
  plan_of_record plan;
  bool taken = false;
  /// Among those that were taken.
  std::size_t place = 0;
  /// Watermarks that were pushed before it was.
  std::int64_t watermark = 0;
  std::size_t results = 0;
  std::size_t dead_letters = 0;
  std::vector<weir::settlement> settled;
  bool tracked = false;
};

class random_service {
public:
  explicit random_service(std::uint64_t seed) : chance_(seed) {
    world_.shuffle(seed);
    mode_ = static_cast<output_mode>(pick(3));
    instances_ = 1 + static_cast<std::uint32_t>(pick(2));
    waiting_max_ = 1 + pick(6);
    may_fail_ = pick(8) == 0;
    weir::operator_options options{.name = "ask",
                                   .timeout = 5s,
                                   .on_failure = weir::failure_action::dead_letter,
                                   .failure_rules = {{"drop", weir::failure_action::drop},
                                                     {"fatal", weir::failure_action::fail_job}},
                                   .capacity = 1 + pick(5),
                                   .parallelism = instances_};
    const auto function = [this](const int& x, weir::result_future<int> done) {
      answer(x, std::move(done));
    };
    weir::service_settings<int, int> to{
      .on_result = [this](int&& x, const weir::record_facts& of) { on_result(x, of); },
      .on_dead_letter = [this](weir::dead_letter<int>&& x) { on_dead_letter(x.value); },
      .on_watermark = [this](event_time at) { on_watermark(at.ms()); },
      .waiting_max = waiting_max_};
    switch (mode_) {
      case output_mode::ordered:
        service_ = weir::async_service::ordered(env_, function, options, std::move(to));
        break;
      case output_mode::unordered:
        service_ = weir::async_service::unordered(env_, function, options, std::move(to));
        break;
      case output_mode::key_ordered:
        service_
          = weir::async_service::key_ordered(env_, &random_service::key_of, function, options, std::move(to));
        break;
    }
  }

  void run() {
    auto plan = env_.plan();
    plan.name = "random";
    runner_.emplace(world_.system(), plan, weir::run_settings{});
    const auto mistakes = runner_->start([this](weir::job_result with) { end_ = std::move(with); });
    BOOST_REQUIRE(mistakes.empty());
    for (auto steps = 20 + pick(150); steps > 0 && !end_; --steps)
      do_something();
    const auto how = pick(3);
    if (how == 0)
      service_->finish();
    else if (how == 1)
      runner_->drain(std::chrono::milliseconds{pick(4000)});
    else
      runner_->cancel();
    world_.run();
    for (int seconds = 0; !end_ && seconds < 60; ++seconds)
      advance(1s);
    if (!end_) {
      BOOST_ERROR("the job does not end");
      runner_->cancel();
      world_.run();
    }
    waiting_.clear();
    check();
  }

private:
  static int key_of(int x) { return x % 5; }

  std::size_t pick(std::size_t below) { return chance_() % below; }

  void do_something() {
    switch (pick(10)) {
      case 0:
        advance(std::chrono::milliseconds{pick(900)});
        break;
      case 1:
        if (service_->push_watermark(event_time{++watermarks_}))
          pushed_watermark_ = watermarks_;
        break;
      case 2:
        for (auto n = 1 + pick(5); n > 0; --n)
          world_.step();
        break;
      case 3:
        world_.run_messages();
        break;
      case 4:
        if (!waiting_.empty() && pick(4) == 0)
          destroy_one_that_waits();
        break;
      default:
        push();
    }
    BOOST_TEST(runner_->status().operators.at(0).waiting <= waiting_max_ * instances_);
  }

  void push() {
    const auto x = static_cast<int>(lives_.size());
    lives_.emplace_back().plan = draw();
    switch (pick(3)) {
      case 0:
        if (service_->try_push(x) == push_result::taken)
          is_taken(x);
        break;
      case 1:
        if (const auto made = service_->try_push_tracked(x); made && !made->settled()) {
          is_taken(x);
          watch(x, *made);
        }
        break;
      default:
        waiting_.emplace(x, await(x));
    }
  }

  void is_taken(int x) {
    life_of(x).taken = true;
    life_of(x).place = taken_++;
    life_of(x).watermark = pushed_watermark_;
  }

  weir::testing::loose_coroutine await(int x) {
    const auto made = co_await service_->pushed_tracked(x);
    // One that was refused has a ticket that has settled already.
    if (made.settled())
      co_return;
    is_taken(x);
    watch(x, made);
  }

  void watch(int x, const weir::ticket& made) {
    life_of(x).tracked = true;
    made.on_settled([this, x](const weir::settlement& how) { life_of(x).settled.push_back(how); });
  }

  void destroy_one_that_waits() {
    const auto at = std::next(waiting_.begin(), static_cast<std::ptrdiff_t>(pick(waiting_.size())));
    waiting_.erase(at);
  }

  plan_of_record draw() {
    using does = plan_of_record::does;
    plan_of_record of;
    of.after = std::chrono::milliseconds{pick(3) == 0 ? 0 : pick(1500)};
    of.results = pick(4) == 0 ? pick(4) : 1;
    switch (pick(12)) {
      case 0:
        of.what = does::drops;
        break;
      case 1:
        of.what = does::dies;
        break;
      case 2:
        of.what = does::times_out;
        break;
      case 3:
        of.what = may_fail_ ? does::fails_job : does::results;
        break;
      default:
        break;
    }
    return of;
  }

  void answer(int x, weir::result_future<int> done) {
    called_.insert(x);
    if (life_of(x).plan.after == 0ms)
      finish(x, std::move(done));
    else
      open_.push_back({world_.now() + life_of(x).plan.after, x, std::move(done)});
  }

  void finish(int x, weir::result_future<int> done) {
    using does = plan_of_record::does;
    const auto& plan = life_of(x).plan;
    switch (plan.what) {
      case does::results:
        done.complete(std::vector<int>(plan.results, x));
        break;
      case does::drops:
        done.fail({"drop", "", ""});
        break;
      case does::dies:
        done.fail({"die", "", ""});
        break;
      case does::fails_job:
        done.fail({"fatal", "", ""});
        break;
      case does::times_out:
        kept_.push_back(std::move(done));
    }
  }

  void advance(weir::duration by) {
    const auto until = world_.now() + by;
    for (;;) {
      const auto next = std::min_element(open_.begin(), open_.end(),
                                         [](const auto& a, const auto& b) { return a.due < b.due; });
      if (next == open_.end() || next->due > until)
        break;
      auto one = std::move(*next);
      open_.erase(next);
      world_.advance(one.due - world_.now());
      finish(one.record, std::move(one.done));
      if (pick(2) == 0)
        world_.run();
    }
    world_.advance(until - world_.now());
  }

  // -- what comes out --

  void on_result(int x, const weir::record_facts&) {
    left(x, true);
    ++life_of(x).results;
  }

  void on_dead_letter(int x) {
    left(x, false);
    ++life_of(x).dead_letters;
  }

  void left(int x, bool in_order) {
    if (life_of(x).watermark < told_watermark_)
      BOOST_ERROR("record " + std::to_string(x) + " came behind watermark "
                  + std::to_string(told_watermark_));
    if (!in_order)
      return;
    if (mode_ == output_mode::ordered && instances_ == 1)
      check_order(last_, x);
    if (mode_ == output_mode::key_ordered)
      check_order(last_of_key_[key_of(x)], x);
  }

  void check_order(std::size_t& last, int x) {
    if (life_of(x).place < last)
      BOOST_ERROR("record " + std::to_string(x) + " is out of order");
    last = life_of(x).place;
  }

  void on_watermark(std::int64_t at) {
    if (at <= told_watermark_)
      BOOST_ERROR("watermark " + std::to_string(at) + " came again, or late");
    told_watermark_ = at;
    for (std::size_t x = 0; x < lives_.size(); ++x) {
      const auto& of = lives_[x];
      // All that was pushed before the watermark has left, if it is to leave with something.
      if (of.taken && of.watermark < at && of.plan.what == plan_of_record::does::results
          && of.results != of.plan.results && !is_late(of))
        BOOST_ERROR("watermark " + std::to_string(at) + " came before record " + std::to_string(x));
    }
  }

  /// A record that waits for its call may time out whatever its answer would have been.
  static bool is_late(const life& of) { return of.dead_letters > 0; }

  void check() {
    const bool complete = end_->end == weir::job_end::done;
    for (std::size_t x = 0; x < lives_.size(); ++x) {
      const auto& of = lives_[x];
      BOOST_TEST_INFO("record " << x);
      if (!of.taken) {
        BOOST_TEST(of.results + of.dead_letters == 0u);
        BOOST_TEST(!called_.contains(static_cast<int>(x)));
        continue;
      }
      BOOST_TEST(of.dead_letters <= 1u);
      BOOST_TEST((of.dead_letters == 0 || of.results == 0));
      BOOST_TEST((of.results == 0 || of.results == of.plan.results));
      if (of.tracked)
        check_ticket(of, complete);
      else if (complete && of.plan.what == plan_of_record::does::results && !is_late(of))
        BOOST_TEST(of.results == of.plan.results);
    }
    BOOST_TEST(world_.actors() == 0u);
  }

  void check_ticket(const life& of, bool complete) {
    BOOST_TEST(of.settled.size() == 1u);
    if (of.settled.size() != 1)
      return;
    const auto& how = of.settled.front();
    switch (how.kind) {
      case settlement_kind::delivered:
        BOOST_TEST(how.results == of.results);
        BOOST_TEST(of.results == of.plan.results);
        break;
      case settlement_kind::dead_letter:
        BOOST_TEST(of.dead_letters == 1u);
        break;
      case settlement_kind::dropped:
        BOOST_TEST((of.plan.what == plan_of_record::does::drops));
        break;
      case settlement_kind::lost:
        BOOST_TEST(!complete);
        BOOST_TEST(of.results + of.dead_letters == 0u);
    }
  }

  struct open_call {
    weir::time_point due;
    int record;
    weir::result_future<int> done;
  };

  life& life_of(int x) { return lives_[static_cast<std::size_t>(x)]; }

  std::mt19937_64 chance_;
  weir::testing::actor_world world_;
  weir::environment env_;
  std::optional<weir::pusher<int>> service_;
  output_mode mode_ = output_mode::ordered;
  std::uint32_t instances_ = 1;
  std::size_t waiting_max_ = 1;
  bool may_fail_ = false;

  std::deque<life> lives_;
  std::map<int, weir::testing::loose_coroutine> waiting_;
  std::vector<open_call> open_;
  std::vector<weir::result_future<int>> kept_;
  std::set<int> called_;
  std::size_t taken_ = 0;
  std::int64_t watermarks_ = 0;
  std::int64_t pushed_watermark_ = 0;
  std::int64_t told_watermark_ = 0;
  std::size_t last_ = 0;
  std::map<int, std::size_t> last_of_key_;
  std::optional<weir::job_result> end_;
  std::optional<weir::job_runner> runner_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(random_services)

BOOST_AUTO_TEST_CASE(every_record_is_accounted_for_once) {
  const auto [first, count] = weir::testing::seeds(5000);
  for (auto seed = first; seed < first + count; ++seed)
    BOOST_TEST_CONTEXT("seed " << seed) {
      random_service{seed}.run();
    }
}

BOOST_AUTO_TEST_SUITE_END()
