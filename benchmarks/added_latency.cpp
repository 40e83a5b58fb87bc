// SPDX-License-Identifier: Apache-2.0
#include "workloads.hpp"

#include "answering_store.hpp"
#include "mailbox.hpp"
#include "open_loop.hpp"

#include "weir/async_service.hpp"
#include "weir/caf.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

namespace bench {

namespace {

using namespace std::chrono_literals;

/// Never reached.
constexpr std::size_t capacity = 1'000'000;

/// Set as an environment sets its own.
struct shared_system {
  struct settings : caf::actor_system_config {
    settings() {
      load<caf::scheduler::coordinator<weir::turn_sharing>>();
      set("scheduler.max-threads", std::size_t{std::max(std::thread::hardware_concurrency(), 1u)});
    }
  };

  settings config;
  caf::actor_system system{config};
};

/// Notes when the store's answer is there, each by itself.
struct noting_future {
  weir::result_future<trip> done;

  void complete(trip of) {
    of.answered = clock::now();
    done.complete(of);
  }
};

/// Pushed into a service whose function asks a store that answers after 1 ms.
class operator_way final : public way {
public:
  operator_way(caf::actor_system& in, weir::output_mode mode)
    : mode_(mode), service_(make_service()), job_(weir::start_in(in, env_, "trips")) {}

  ~operator_way() override {
    service_.finish();
    if (const auto ended = job_.wait(); !ended.ok())
      give_up(ended.text());
  }

  void send(const trip& what) override {
    if (const auto pushed = service_.push(what); !pushed)
      give_up(pushed.why().text());
  }

  bool is_in_order() const override { return mode_ == weir::output_mode::ordered; }

private:
  weir::pusher<trip> make_service() {
    const auto ask = [this](const trip& what, weir::result_future<trip> done) {
      auto of = what;
      of.asked = clock::now();
      store_.ask(0, of, {std::move(done)});
    };
    const weir::operator_options options{.name = "ask", .timeout = 10s, .capacity = capacity};
    const weir::service_settings<trip, trip> settings{
      .on_result = [this](const trip& of) { at_the_end.arrive(of); }};
    return is_in_order() ? weir::async_service::ordered(env_, ask, options, settings)
                         : weir::async_service::unordered(env_, ask, options, settings);
  }

  const weir::output_mode mode_;
  answering_store<trip, noting_future> store_{{1ms}};
  weir::environment env_;
  weir::pusher<trip> service_;
  weir::job job_;
};

/// What is to be compared with: one message to an actor, which hands it to a thread.
class bare_way final : public way {
public:
  explicit bare_way(caf::actor_system& in)
    : system_(in), passer_(in.spawn(pass, &handed_)), receiver_([this] { receive(); }) {}

  ~bare_way() override {
    caf::anon_send_exit(passer_, caf::exit_reason::user_shutdown);
    caf::scoped_actor{system_}->wait_for(passer_);
    handed_.close();
    receiver_.join();
  }

  void send(const trip& what) override {
    caf::anon_send(passer_, what.number, what.intended.time_since_epoch().count());
  }

  bool is_in_order() const override { return true; }

private:
  using passer = caf::typed_actor<caf::reacts_to<std::uint64_t, std::int64_t>>;

  static passer::behavior_type pass(passer::pointer, mailbox<trip>* to) {
    return {[to](std::uint64_t number, std::int64_t intended) {
      const clock::time_point at{clock::duration{intended}};
      to->put({number, at, at, at});
    }};
  }

  void receive() {
    std::vector<trip> taken;
    while (handed_.take(taken)) {
      for (const auto& each : taken)
        at_the_end.arrive(each);
      taken.clear();
    }
  }

  caf::actor_system& system_;
  mailbox<trip> handed_;
  passer passer_;
  std::thread receiver_;
};

/// Appends what was added in a journey, without its first tenth: that is its warm-up.
void keep(std::vector<added_time>& all, const std::vector<added_time>& of) {
  all.insert(all.end(), of.begin() + static_cast<std::ptrdiff_t>(of.size() / 10), of.end());
}

template <class Part>
std::vector<clock::duration> part_of(const std::vector<added_time>& all, Part part) {
  std::vector<clock::duration> parts(all.size());
  std::transform(all.begin(), all.end(), parts.begin(), part);
  return parts;
}

/// p50, p99 and p99.9.
figures quantiles(const std::string& name, const std::vector<added_time>& of) {
  auto all = part_of(of, [](const added_time& each) { return each.whole(); });
  return {{name + "_p50_us", quantile_us(all, 0.5)},
          {name + "_p99_us", quantile_us(all, 0.99)},
          {name + "_p999_us", quantile_us(all, 0.999)}};
}

/// Both ways in turn, in one process and actor system, so that what the machine does meanwhile meets both.
outcome run(std::uint64_t records, weir::output_mode mode, double load) {
  shared_system in;
  operator_way through_weir{in.system, mode};
  bare_way bare{in.system};
  const auto full = highest_rate(through_weir, records);
  const auto bare_full = highest_rate(bare, records);
  const auto rate = load * full;
  // A bare trip that cannot carry the rate would only be compared by its backlog.
  const auto bare_rate = load * std::min(full, bare_full);
  constexpr std::uint64_t turns = 5;
  outcome ended;
  std::vector<added_time> added;
  std::vector<added_time> bare_added;
  for (std::uint64_t turn = 0; turn < turns; ++turn) {
    const auto begin = clock::now();
    const auto& of = travel(through_weir, records / turns, rate);
    ended.streamed += clock::now() - begin;
    keep(added, of);
    keep(bare_added, travel(bare, records / turns, bare_rate));
  }
  auto& more = ended.more;
  more = {{"full_rate", full}, {"bare_full_rate", bare_full}, {"bare_rate", bare_rate}};
  const auto of_weir = quantiles("added", added);
  const auto of_bare = quantiles("bare", bare_added);
  more.insert(more.end(), of_weir.begin(), of_weir.end());
  more.insert(more.end(), of_bare.begin(), of_bare.end());
  auto before = part_of(added, [](const added_time& each) { return each.before_call; });
  auto after = part_of(added, [](const added_time& each) { return each.after_call; });
  more.emplace_back("before_call_p50_us", quantile_us(before, 0.5));
  more.emplace_back("after_call_p50_us", quantile_us(after, 0.5));
  more.emplace_back("p50_to_bare", of_weir[0].second / of_bare[0].second);
  more.emplace_back("p99_to_bare", of_weir[1].second / of_bare[1].second);
  return ended;
}

} // namespace

std::vector<measurement> added_latency() {
  std::vector<measurement> all;
  for (const auto mode : {weir::output_mode::ordered, weir::output_mode::unordered})
    for (const auto percent : {10u, 50u, 80u})
      // The search for the full rate warms up.
      all.push_back({name_of(mode), capacity, 50'000 * percent, 5'000 * percent,
                     [=](std::uint64_t records) { return run(records, mode, percent / 100.0); },
                     {{"load_percent", percent}}, false});
  return all;
}

} // namespace bench
