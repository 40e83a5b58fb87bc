// SPDX-License-Identifier: Apache-2.0
#include "weir/operator_rig.hpp"

#include "operator_stage.hpp"
#include "probe_sums.hpp"
#include "running_pools.hpp"
#include "running_waiters.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <deque>
#include <utility>

namespace weir {

namespace {

/// More than anybody sends.
constexpr std::int64_t no_bound = std::int64_t{1} << 60;

/// What came out of one of the two outputs, numbered in the order of its coming.
struct numbered {
  std::uint64_t number;
  element_left what;
};

/// What the operator has told its neighbours, all of whom one actor plays.
struct neighbours {
  std::deque<numbered> results;
  std::deque<numbered> dead_letters;
  std::uint64_t came = 0;
  std::optional<operator_failure> failure;
  bool finished = false;
  /// As they are stored.
  stored_type_name in;
  stored_type_name out;
  std::shared_ptr<const operator_state> state;
  std::optional<error> refusal;

  void take(saved_instance& what) {
    state = std::make_shared<const operator_state>(
      operator_state{*std::move(what.state), std::move(what.summary), in, out});
    refusal.reset();
  }

  void take(output_kind from, const std::shared_ptr<batch_base>& of) {
    auto& to = from == output_kind::results ? results : dead_letters;
    const auto number = ++came;
    // Each batch has the records of one element at most, behind the control elements.
    for (const auto& [before, what] : of->controls())
      if (before == 0)
        to.push_back({number, what});
    if (of->records() > 0)
      to.push_back({number, records_left{from, of}});
    for (const auto& [before, what] : of->controls())
      if (before > 0)
        to.push_back({number, what});
  }
};

bool is_control(const numbered& each) noexcept {
  return std::holds_alternative<control>(each.what);
}

caf::behavior play(caf::event_based_actor* self, const std::shared_ptr<neighbours>& all) {
  return {
    [=](attach_atom, channel_id, lane_id lane, const credit_receiver& from) {
      self->send(from, lane, credit{no_bound, no_bound}, batch_handle{});
    },
    [=](channel_id channel, batch_handle& in) {
      all->take(channel.number == 0 ? output_kind::results : output_kind::dead_letters, in.batch);
    },
    [](lane_id, const credit&, batch_handle&) {},
    [=](instance_id, stage_event what) {
      all->finished = all->finished || what == stage_event::finished;
    },
    [=](instance_id, const stage_failure& why) {
      if (!all->failure)
        all->failure = operator_failure{why.why, why.record};
    },
    [=](const stage_failure& why) {
      if (!all->failure)
        all->failure = operator_failure{why.why, why.record};
    },
    [=](const instance_saved& of) { all->take(*of.what); },
    [=](const instance_unsaved& of) {
      all->state = nullptr;
      all->refusal = of.why;
    },
  };
}

} // namespace

class operator_rig::impl {
public:
  impl(virtual_system& in, operator_plan what, const std::vector<pool_plan>& pools,
       operator_rig_settings settings)
    : system_(in), plan_(std::move(what)), pool_plans_(pools), settings_(std::move(settings)) {}

  ~impl() {
    for (const auto& each : pools_.access())
      caf::anon_send_exit(each.actor, caf::exit_reason::kill);
    if (operator_)
      caf::anon_send_exit(operator_, caf::exit_reason::kill);
    if (neighbour_)
      caf::anon_send_exit(neighbour_, caf::exit_reason::kill);
    system_.run_messages();
    system_.remove_idler(this);
    waiters_.close();
  }

  std::vector<error> start() {
    if (auto failed = pools_.open(pool_plans_); !failed.empty())
      return failed;
    if (auto failed = waiters_.open(settings_.waiting_pools, true); !failed.empty())
      return failed;
    system_.add_idler(this,
                      [this](bool at_rest) { return waiters_.look(system_.now(), at_rest); });
    neighbour_ = system_.system().spawn(play, seen_);
    pools_.spawn(system_.system(), caf::actor_cast<job_actor>(neighbour_), 1);
    auto parts = std::make_shared<operator_stage_parts>();
    parts->instance = instance();
    parts->plan = plan_;
    parts->seed = settings_.seed;
    parts->run = settings_.run;
    parts->probe = probe_;
    parts->pools = pools_.access();
    parts->waiting = &waiters_.access();
    parts->coordinator = caf::actor_cast<coordinator_actor>(neighbour_);
    parts->blocks = blocks_;
    if (const auto codecs = find_codecs(plan_)) {
      seen_->in = {codecs->in->name, codecs->in->version};
      seen_->out = {codecs->out->name, codecs->out->version};
    }
    parts->restored = std::move(settings_.restored);
    parts->restore_how = settings_.restore_how;
    operator_ = system_.system().spawn(operator_stage, std::move(parts));
    caf::anon_send(operator_, caf::open_atom::value);
    system_.run_messages();
    if (!seen_->failure) {
      caf::anon_send(operator_, attach_atom::value, channel_id{0}, lane_id{0, 0},
                     caf::actor_cast<credit_receiver>(neighbour_));
      caf::anon_send(operator_, run_atom::value);
      system_.run_messages();
    }
    return {};
  }

  void feed(std::unique_ptr<batch_base> of) {
    caf::anon_send(operator_, channel_id{0}, batch_handle{std::move(of)});
  }

  std::vector<element_left> take_output() {
    std::vector<element_left> all;
    auto& a = seen_->results;
    auto& b = seen_->dead_letters;
    const auto give = [&](std::deque<numbered>& from) {
      all.push_back(std::move(from.front().what));
      from.pop_front();
    };
    // A control element goes to both: it stands behind what either has in front of it.
    while (!a.empty() || !b.empty()) {
      if (a.empty() || b.empty()) {
        give(a.empty() ? b : a);
      } else if (is_control(a.front()) && is_control(b.front())) {
        b.pop_front();
        give(a);
      } else if (is_control(a.front()) || is_control(b.front())) {
        give(is_control(a.front()) ? b : a);
      } else {
        give(a.front().number < b.front().number ? a : b);
      }
    }
    return all;
  }

  const neighbours& seen() const { return *seen_; }
  operator_status status() const {
    operator_status sum;
    sum.name = plan_.options.name;
    add_probe(sum, *probe_);
    return sum;
  }

private:
  instance_parts instance() const {
    instance_parts of;
    of.context = {settings_.job, plan_.options.name, settings_.subtask, 1};
    of.job = caf::actor_cast<job_actor>(neighbour_);
    // One a batch, so that the two outputs can be put in order.
    of.batches.records = 1;
    of.channels = 1;
    of.log = settings_.log;
    const auto to = caf::actor_cast<batch_receiver>(neighbour_);
    of.results.push_back({{{to, {0}}}, {}, {}});
    of.dead_letters.push_back({{{to, {1}}}, {}, {}});
    return of;
  }

  virtual_system& system_;
  operator_plan plan_;
  std::vector<pool_plan> pool_plans_;
  operator_rig_settings settings_;
  running_pools pools_;
  running_waiters waiters_;
  std::shared_ptr<neighbours> seen_ = std::make_shared<neighbours>();
  std::shared_ptr<operator_probe> probe_ = std::make_shared<operator_probe>();
  std::shared_ptr<block_pool> blocks_ = std::make_shared<block_pool>();
  caf::actor neighbour_;
  operator_actor operator_;
};

operator_rig::operator_rig(virtual_system& in, operator_plan what,
                           const std::vector<pool_plan>& pools, operator_rig_settings settings)
  : impl_(std::make_unique<impl>(in, std::move(what), pools, std::move(settings))) {}

operator_rig::~operator_rig() = default;

std::vector<error> operator_rig::start() {
  return impl_->start();
}

void operator_rig::feed(std::unique_ptr<batch_base> of) {
  impl_->feed(std::move(of));
}

std::vector<element_left> operator_rig::take_output() {
  return impl_->take_output();
}

std::shared_ptr<const operator_state> operator_rig::state() const {
  return impl_->seen().state;
}

const std::optional<error>& operator_rig::refusal() const {
  return impl_->seen().refusal;
}

const std::optional<operator_failure>& operator_rig::failure() const {
  return impl_->seen().failure;
}

bool operator_rig::finished() const {
  return impl_->seen().finished;
}

operator_status operator_rig::status() const {
  return impl_->status();
}

} // namespace weir
