// SPDX-License-Identifier: Apache-2.0

// Services with checkpoints under chance: a program pushes the numbers from 0 on and dies, fails, is stopped or
// drained whenever it likes, with other instances each time. What it was told is held against what a pusher may rely
// on: nothing that is durable is pushed again, nothing that was pushed is lost, results come in the order that the
// mode promises, and watermarks behind their records.

#include "../support/seeds.hpp"

#include "weir/memory_store.hpp"
#include "weir/stored.hpp"
#include "weir/testing.hpp"
#include "weir/weir.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weir::event_time;
using weir::job_end;
using weir::output_mode;
using weir::push_result;
using weir::testing::virtual_clock;
using weir::testing::virtual_job;
using number = std::uint64_t;

namespace {

constexpr number keys = 5;

class random_program {
public:
  explicit random_program(std::uint64_t seed) : chance_(seed), seed_(seed) {
    clock_.shuffle(seed);
    mode_ = static_cast<output_mode>(pick(3));
    count_ = 10 + pick(60);
    fails_ = pick(3) == 0;
    rescales_ = pick(3) != 0;
    interval_ = std::chrono::seconds{1 + pick(20)};
    slowest_ = std::chrono::seconds{1 + pick(40)};
  }

  void run() {
    for (auto lives = 1 + pick(5); lives > 0 && !is_finished_; --lives)
      live(false);
    if (!is_finished_)
      live(true);
    check(is_finished_, "it does not come to its end");
    for (number at = 0; at < count_; ++at) {
      check(given_.contains(at), "record " + std::to_string(at) + " is lost");
      check(given_[at] <= 1 + ungraceful_, "record " + std::to_string(at) + " comes too often");
    }
    check(given_.size() == count_, "there are results of records that nobody has pushed");
    for (const auto& [ticket, times] : settled_)
      check(times == 1, "a ticket has settled " + std::to_string(times) + " times");
  }

private:
  number pick(number below) { return chance_() % below; }

  void check(bool holds, const std::string& what) {
    if (!holds)
      BOOST_ERROR("seed " + std::to_string(seed_) + ": " + what);
  }

  // -- the program --

  weir::environment build() {
    weir::environment env;
    weir::operator_options how{.name = "ask",
                               .timeout = 1000h,
                               .capacity = 1 + pick(6),
                               .parallelism
                               = rescales_ ? 1 + static_cast<std::uint32_t>(pick(4)) : 1};
    const auto function = [this](const number& x, weir::result_future<number> done) {
      call(x, std::move(done));
    };
    weir::service_settings<number, number> to{
      .on_result = [this](number&& x, const weir::record_facts& of) { on_result(x, of); },
      .on_watermark = [this](event_time at) { on_watermark(at.ms()); },
      .on_start = [this](std::optional<std::uint64_t> from) { on_start(from); },
      .waiting_max = 1 + pick(8)};
    // What several instances held has no order among them.
    is_one_ = is_one_ && how.parallelism == 1;
    switch (mode_) {
      case output_mode::ordered:
        service_ = weir::async_service::ordered(env, function, how, std::move(to));
        break;
      case output_mode::unordered:
        service_ = weir::async_service::unordered(env, function, how, std::move(to));
        break;
      case output_mode::key_ordered:
        service_ = weir::async_service::key_ordered(
          env, [](number x) { return x % keys; }, function, how, std::move(to));
        break;
    }
    weir::checkpoint_options with;
    with.store = [memory = memory_] { return weir::memory_store(memory); };
    with.interval = std::chrono::duration_cast<std::chrono::milliseconds>(interval_);
    env.enable_checkpointing(with);
    if (fails_)
      env.restart_with(weir::fixed_delay_restart{.max_restarts = 1000, .delay = 3s});
    else
      env.restart_with(weir::restart_strategy{});
    return env;
  }

  void call(number x, weir::result_future<number> done) {
    const bool fails = may_fail_ && fails_ && pick(40) == 0;
    const auto after = pick(6) == 0 ? weir::duration{} : std::chrono::milliseconds{1 + pick(slowest_ / 1ms)};
    clock_.call_after(after, [x, fails, done = std::move(done)]() mutable {
      if (fails)
        done.fail({"io", "store", "it is away"});
      else
        done.complete(x);
    });
  }

  void on_start(std::optional<std::uint64_t> from) {
    const auto at = from.value_or(0);
    check(at <= pushed_, "it resumes from what was not pushed");
    check(durable_.empty() || at > *durable_.rbegin(), "it forgets what was durable");
    check(!nothing_is_lost_ || at == pushed_, "a job that was stopped forgets what was pushed");
    if (starts_++ > 0 && !std::exchange(nothing_is_lost_, false))
      ++ungraceful_;
    check(service_->resume_from() == from, "it says two different things");
    next_ = pushed_ = at;
    ended_ = false;
    last_given_.clear();
    watermark_ = -1;
  }

  void push() {
    if (next_ == count_)
      return;
    weir::push_options where{.position = next_, .timestamp = event_time{static_cast<std::int64_t>(next_)}};
    if (pick(3) > 0) {
      const auto came = service_->try_push(next_, where);
      note_pushed(came == push_result::taken);
      return;
    }
    const auto made = service_->try_push_tracked(next_, where);
    if (!made)
      return;
    const auto id = tickets_++;
    const auto at = next_;
    settled_[id] = 0;
    bool refused = made->settled();
    made->on_settled([this, id](const weir::settlement&) { ++settled_[id]; });
    made->on_durable([this, at](const weir::expected<void>& how) {
      if (how)
        durable_.insert(at);
    });
    note_pushed(!refused);
  }

  void note_pushed(bool taken) {
    if (!taken)
      return;
    check(!ended_, "something was taken behind the end");
    pushed_ = ++next_;
  }

  // -- what it gets --

  void on_result(number x, const weir::record_facts& of) {
    check(x == of.from.position && of.timestamp.ms() == static_cast<std::int64_t>(x),
          "a result is not of its record");
    ++given_[x];
    check(static_cast<std::int64_t>(x) > watermark_, "record " + std::to_string(x) + " comes behind its watermark");
    // Of one instance all are in order, or those of a key.
    if (mode_ == output_mode::unordered || (mode_ == output_mode::ordered && !is_one_))
      return;
    auto& last = last_given_[mode_ == output_mode::ordered ? 0 : x % keys];
    check(!last || *last < x, "record " + std::to_string(x) + " comes behind a later one");
    last = x;
  }

  void on_watermark(std::int64_t at) {
    check(at > watermark_, "a watermark goes back");
    watermark_ = at;
  }

  // -- its life --

  void live(bool last) {
    may_fail_ = !last;
    const auto env = build();
    virtual_job job{clock_, env, "random"};
    for (auto steps = pick(last ? 1 : 120); steps > 0 && !job.result(); --steps)
      do_something();
    // One that waits to start again makes no last checkpoint.
    const bool runs = !job.result() && service_->push_watermark(event_time::none());
    // So that it always has an end.
    if (last) {
      for (int minutes = 0; minutes < 10'000 && next_ < count_ && !job.result(); ++minutes) {
        for (int i = 0; i < 10; ++i)
          push();
        clock_.advance(1s);
      }
      service_->finish();
      clock_.advance(100h);
    } else {
      end(job);
    }
    if (job.result()) {
      is_finished_ = job.result()->end == job_end::done;
      nothing_is_lost_ = (job.result()->end == job_end::stopped || job.result()->end == job_end::drained)
                         && job.result()->why.empty() && runs;
      // One that fails while it is drained or stopped does not start again.
      check(job.result()->end != job_end::failed || may_fail_, job.result()->text());
    } else {
      job.cancel();
    }
  }

  void do_something() {
    switch (pick(12)) {
      case 0:
      case 1:
      case 2:
        clock_.advance(std::chrono::milliseconds{pick(6000)});
        break;
      case 3:
        clock_.run();
        break;
      case 4:
        // All in front of it were pushed in this launch, or the checkpoint has them.
        if (next_ > 0)
          service_->push_watermark(event_time{static_cast<std::int64_t>(next_) - 1});
        break;
      case 5:
        if (next_ == count_ && service_->finish())
          ended_ = true;
        break;
      default:
        push();
    }
  }

  void end(virtual_job& job) {
    switch (pick(4)) {
      case 0:
        job.stop();
        break;
      case 1:
        job.drain(std::chrono::milliseconds{pick(60'000)});
        clock_.advance(std::chrono::milliseconds{pick(120'000)});
        break;
      default:
        break;
    }
  }

  std::mt19937_64 chance_;
  const std::uint64_t seed_;
  virtual_clock clock_;
  std::shared_ptr<weir::checkpoint_memory> memory_ = std::make_shared<weir::checkpoint_memory>();
  output_mode mode_ = output_mode::ordered;
  number count_ = 0;
  bool fails_ = false;
  bool may_fail_ = true;
  bool rescales_ = false;
  weir::duration interval_{};
  weir::duration slowest_{};
  std::optional<weir::pusher<number>> service_;

  // -- the model --

  /// What a reader of the input would read next.
  number next_ = 0;
  /// Behind all that was taken.
  number pushed_ = 0;
  std::set<number> durable_;
  std::map<number, std::uint64_t> given_;
  std::uint64_t starts_ = 0;
  /// Starts behind something that may have been given twice.
  std::uint64_t ungraceful_ = 0;
  /// How the launch before has ended.
  bool nothing_is_lost_ = false;
  bool is_finished_ = false;
  bool ended_ = false;
  /// All launches had one instance.
  bool is_one_ = true;
  std::map<number, std::optional<number>> last_given_;
  std::int64_t watermark_ = -1;
  std::uint64_t tickets_ = 0;
  std::map<std::uint64_t, int> settled_;
};

} // namespace

BOOST_AUTO_TEST_CASE(whatever_becomes_of_a_program_its_service_keeps_what_it_has_taken) {
  const auto all = weir::testing::seeds(1500);
  for (auto seed = all.first; seed < all.first + all.count; ++seed)
    random_program{seed}.run();
}
