// SPDX-License-Identifier: Apache-2.0
#include "weir/push_feed.hpp"

#include "weir/stage_thread.hpp"

#include <algorithm>

namespace weir {

namespace {

/// Empty batches that a lane keeps.
constexpr std::size_t spares_max = 4;

/// The next position, where there is one.
constexpr std::uint64_t behind(std::uint64_t position) noexcept {
  return position == UINT64_MAX ? position : position + 1;
}

/// Behind all numbers that a process may have given from there on.
constexpr std::uint64_t far_behind(std::uint64_t number) noexcept {
  return ((number >> 32) + 1) << 32;
}

constexpr const char* input_ended = "its input has ended";

} // namespace

push_feed_base::push_feed_base(std::string thing, feed_limits limits, bool keyed)
  : thing_(std::move(thing)),
    limits_(limits),
    keyed_(keyed),
    why_(closed("it runs in no job; start the environment that it was made in")) {}

// -- pushers --

push_result push_feed_base::try_push(push_request& what) {
  const std::lock_guard guard{mutex_};
  if (!is_open_for(what.run))
    return push_result::closed;
  auto* const to = lane_for(what);
  if (to == nullptr)
    return push_result::full;
  put(*to, what);
  return push_result::taken;
}

expected<void> push_feed_base::push(push_request what, duration at_most) {
  waiting_push waits{std::move(what)};
  std::condition_variable come;
  waits.come = &come;
  std::unique_lock guard{mutex_};
  decide(waits);
  if (waits.is == waiting_push::state::outside) {
    if (on_stage_thread())
      return would_block(thing_, "push", "use try_push, or await `pushed` in a coroutine");
    if (in_virtual_time_)
      return would_block(thing_, "push", "use try_push, or let the clock run first");
    auto& line = line_for(waits);
    waits.is = waiting_push::state::in_line;
    line.push_back(waits);
    const auto served = [&] { return waits.is != waiting_push::state::in_line; };
    // So that adding it to a time does not overflow; nobody waits longer either.
    if (!come.wait_for(guard, std::min(at_most, duration::max() / 4), served)) {
      line.remove(waits);
      waits.is = waiting_push::state::outside;
      return error{error_kind::timeout, thing_, "there was no room for the record in the time given"};
    }
  }
  guard.unlock();
  if (waits.thrown)
    std::rethrow_exception(waits.thrown);
  if (waits.is == waiting_push::state::refused)
    return std::move(waits.why);
  return {};
}

bool push_feed_base::stand_in_line(waiting_push& what) {
  const std::lock_guard guard{mutex_};
  decide(what);
  if (what.is != waiting_push::state::outside)
    return false;
  what.is = waiting_push::state::in_line;
  line_for(what).push_back(what);
  return true;
}

void push_feed_base::leave_line(waiting_push& what) noexcept {
  const std::lock_guard guard{mutex_};
  if (what.stands_in != nullptr)
    what.stands_in->remove(what);
}

error push_feed_base::why_closed(std::uint64_t run) const {
  const std::lock_guard guard{mutex_};
  return why_closed_for(run);
}

push_feed_base::place push_feed_base::where() const {
  const std::lock_guard guard{mutex_};
  return {run_, resume_from_};
}

bool push_feed_base::push_watermark(event_time at, std::uint64_t run) {
  const std::lock_guard guard{mutex_};
  if (!is_open_for(run))
    return false;
  if (at > now_.watermark) {
    append_to_all(control::watermark(at));
    now_.watermark = at;
  }
  return true;
}

bool push_feed_base::end_input(bool by_pushers, std::uint64_t run) {
  waiting_line go_on;
  {
    const std::lock_guard guard{mutex_};
    if (!is_open_for(run))
      return false;
    open_ = false;
    now_.ended = by_pushers;
    why_ = closed(input_ended);
    append_to_all(control::end());
    refuse_all(why_, go_on);
  }
  resume(go_on);
  return true;
}

// -- whoever runs the job --

expected<std::uint64_t> push_feed_base::open(std::uint32_t lanes, batch_limits batches,
                                             const feed_run& how) {
  auto run = reserve(lanes, batches, how);
  if (!run)
    return run;
  if (how.on_start)
    try {
      how.on_start(where().resume_from);
    } catch (...) {
      give_up_run();
      throw;
    }
  take_records_from_now_on();
  return run;
}

expected<std::uint64_t> push_feed_base::reserve(std::uint32_t lanes, batch_limits batches,
                                                const feed_run& how) {
  const std::lock_guard guard{mutex_};
  if (running_)
    return error{error_kind::argument, thing_,
                 "it runs in a job already; end that, or make another environment"};
  in_virtual_time_ = how.in_virtual_time;
  batches_ = batches;
  // The bytes of a batch are given back when all of it has been taken.
  batches_.bytes = std::min(batches.bytes, std::max<std::size_t>(limits_.bytes / 4, 1));
  durability_ = how.first_checkpoint ? std::make_shared<weir::durability>(in_virtual_time_) : nullptr;
  next_checkpoint_ = how.first_checkpoint.value_or(0);
  for (std::uint32_t number = 0; number < lanes; ++number) {
    lanes_.push_back(std::make_shared<push_lane>());
    lanes_.back()->number = number;
    lanes_.back()->open = make_batch();
    lanes_.back()->durability = durability_;
  }
  lines_.assign(keyed_ ? lanes : 1, {});
  next_lane_ = 0;
  // No record gets a number that another has had. Of those that this process has given the next is known; another
  // process may have given more than its checkpoint knows of, also where that knows of none. (Of one that began the
  // job anew meanwhile and came less far than this one, it is not known that it was another.)
  const auto next = now_.next_number;
  const bool is_of_another = how.from && (run_ == 0 || how.from->next_number > next);
  now_ = how.from.value_or(feed_cut{});
  now_.next_number = is_of_another ? far_behind(now_.next_number) : next;
  resume_from_ = now_.resume_from;
  running_ = true;
  why_ = closed("its job is about to start");
  return ++run_;
}

void push_feed_base::give_up_run() noexcept {
  const std::lock_guard guard{mutex_};
  lanes_.clear();
  running_ = false;
  why_ = closed("its job has not started");
}

void push_feed_base::take_records_from_now_on() {
  const std::lock_guard guard{mutex_};
  if (now_.ended) {
    why_ = closed(input_ended);
    append_to_all(control::end());
  } else {
    open_ = true;
  }
}

void push_feed_base::refuse(const error& why) {
  waiting_line go_on;
  {
    const std::lock_guard guard{mutex_};
    if (!running_)
      return;
    open_ = false;
    why_ = closed("its job has ended: "
                  + (why.is(error_kind::closed) ? why.thing() + ": " + why.message() : why.text()));
    refuse_all(why_, go_on);
  }
  const stage_scope here;
  try {
    resume(go_on);
  } catch (...) {
    // The job has ended: there is nothing left that could fail.
  }
}

void push_feed_base::end_run(const error& why) {
  refuse(why);
  std::vector<std::shared_ptr<push_lane>> gone;
  std::shared_ptr<weir::durability> durable;
  {
    const std::lock_guard guard{mutex_};
    gone.swap(lanes_);
    durable.swap(durability_);
    running_ = false;
  }
  const stage_scope here;
  for (auto& each : gone) {
    each->desk.expect(each->tickets);
    each->desk.give_up(why);
  }
  if (durable != nullptr)
    durable->end(why);
}

std::uint64_t push_feed_base::pushed(std::uint64_t run) const {
  const std::lock_guard guard{mutex_};
  std::uint64_t sum = 0;
  if (run == run_)
    for (const auto& each : lanes_)
      sum += each->pushed;
  return sum;
}

std::uint64_t push_feed_base::waiting(std::uint64_t run) const {
  const std::lock_guard guard{mutex_};
  std::uint64_t sum = 0;
  if (run == run_)
    for (const auto& each : lanes_)
      sum += each->pushed - each->admitted;
  return sum;
}

// -- the stage of a lane --

std::shared_ptr<push_lane> push_feed_base::lane(std::uint32_t number) const {
  const std::lock_guard guard{mutex_};
  return lanes_[number];
}

void push_feed_base::listen(push_lane& of, wake_up wake) {
  const std::lock_guard guard{mutex_};
  of.wake = std::move(wake);
  of.woken = true;
}

push_feed_base::taken_batch push_feed_base::take(push_lane& from, bool coming) {
  const std::lock_guard guard{mutex_};
  from.desk.expect(from.tickets);
  taken_batch taken;
  if (from.barriers > 0) {
    // What stands in front of a barrier is fetched by the message that tells of it.
    taken.more = true;
    return taken;
  }
  if (!from.full.empty()) {
    taken.of = std::move(from.full.front());
    from.full.pop_front();
  } else if (!from.open->empty()) {
    taken.of = std::exchange(from.open, empty_batch(from));
  }
  taken.more = !from.full.empty() || !from.open->empty();
  from.woken = taken.more || coming;
  return taken;
}

void push_feed_base::give_back(push_lane& to, std::size_t bytes,
                               std::shared_ptr<batch_base> empty) {
  const std::lock_guard guard{mutex_};
  to.bytes -= bytes;
  if (to.spare.size() < spares_max)
    to.spare.push_back(std::move(empty));
}

void push_feed_base::admitted(push_lane& of, std::uint64_t records) {
  waiting_line go_on;
  {
    const std::lock_guard guard{mutex_};
    of.admitted = records;
    if (of.admitted >= of.restored)
      of.bytes -= std::exchange(of.restored_bytes, 0);
    serve(of, go_on);
  }
  resume(go_on);
}

// -- checkpoints --

void push_feed_base::restored(push_lane& to, std::uint64_t records, std::size_t bytes) {
  const std::lock_guard guard{mutex_};
  to.restored = records;
  to.restored_bytes = bytes;
  to.bytes += bytes;
  to.pushed += records;
  // They are admitted first.
  for (auto& each : to.tickets)
    each.place += records;
}

std::optional<feed_cut> push_feed_base::begin_checkpoint(push_lane& of, std::uint64_t checkpoint,
                                                         bool last) {
  waiting_line go_on;
  feed_cut cut;
  {
    const std::lock_guard guard{mutex_};
    if (of.number >= lanes_.size() || lanes_[of.number].get() != &of)
      return std::nullopt;
    for (const auto& each : lanes_)
      put_barrier(*each, control::barrier(checkpoint, last));
    next_checkpoint_ = checkpoint + 1;
    cut = now_;
    if (last && std::exchange(open_, false)) {
      why_ = closed("its job is being stopped");
      refuse_all(why_, go_on);
    }
  }
  try {
    resume(go_on);
  } catch (...) {
    // As where a job ends: it is to be stopped, and not to fail.
  }
  return cut;
}

std::vector<std::shared_ptr<batch_base>> push_feed_base::take_to_barrier(push_lane& from) {
  const std::lock_guard guard{mutex_};
  from.desk.expect(from.tickets);
  std::vector<std::shared_ptr<batch_base>> taken;
  while (from.barriers > 0) {
    auto& next = *from.full.front();
    if (!next.controls().empty() && next.controls().back().what.kind() == control_kind::barrier)
      --from.barriers;
    taken.push_back(std::move(from.full.front()));
    from.full.pop_front();
  }
  return taken;
}

// -- under the lock --

error push_feed_base::why_closed_for(std::uint64_t run) const {
  if (open_ && !is_open_for(run))
    return closed("its job has started again since this pusher has asked from where to resume; ask again");
  return why_;
}

bool push_feed_base::has_room(const push_lane& of) const noexcept {
  return of.pushed - of.admitted < limits_.records && of.bytes < limits_.bytes;
}

push_lane* push_feed_base::lane_for(const push_request& what) noexcept {
  // Bytes come back a moment before the line is served.
  if (line_for(what).first != nullptr)
    return nullptr;
  if (keyed_) {
    auto& one = *lanes_[lane_of_key(what.key)];
    return has_room(one) ? &one : nullptr;
  }
  for (std::size_t tried = 0; tried < lanes_.size(); ++tried) {
    auto& next = *lanes_[next_lane_];
    next_lane_ = (next_lane_ + 1) % lanes_.size();
    if (has_room(next))
      return &next;
  }
  return nullptr;
}

std::size_t push_feed_base::lane_of_key(key_hash key) const noexcept {
  return instance_of_group(key_group(key), static_cast<std::uint32_t>(lanes_.size()));
}

waiting_line& push_feed_base::line_for(const push_request& what) noexcept {
  return lines_[keyed_ ? lane_of_key(what.key) : 0];
}

void push_feed_base::put(push_lane& to, push_request& what) {
  if (to.open->records() >= batches_.records || to.open->bytes() >= batches_.bytes) {
    auto next = empty_batch(to);
    to.full.push_back(std::move(to.open));
    to.open = std::move(next);
  }
  if (what.ticket != nullptr) {
    to.tickets.push_back({to.pushed, what.ticket});
    if (in_virtual_time_)
      what.ticket->settles_in_virtual_time();
  }
  const auto before = to.open->bytes();
  try {
    append(*to.open, what, {what.where.position.value_or(now_.next_number), 0, 0});
  } catch (...) {
    if (what.ticket != nullptr)
      to.tickets.pop_back();
    throw;
  }
  to.bytes += to.open->bytes() - before;
  ++to.pushed;
  if (!what.where.position)
    ++now_.next_number;
  else
    now_.resume_from = std::max(now_.resume_from, std::optional{behind(*what.where.position)});
  if (what.ticket != nullptr)
    what.ticket->was_taken(durability_, next_checkpoint_);
  wake(to);
}

void push_feed_base::decide(waiting_push& what) {
  if (!is_open_for(what.run)) {
    what.is = waiting_push::state::refused;
    what.why = why_closed_for(what.run);
  } else if (auto* const to = lane_for(what)) {
    put(*to, what);
    what.is = waiting_push::state::taken;
  }
}

void push_feed_base::append_to_all(const control& what) {
  for (const auto& to : lanes_) {
    auto& open = *to->open;
    const bool merges = what.kind() == control_kind::watermark && !open.controls().empty()
                        && open.controls().back().before == open.records();
    if (merges)
      open.replace_last_control(what);
    else
      open.append(what);
    wake(*to);
  }
}

void push_feed_base::put_barrier(push_lane& to, const control& barrier) {
  // Before anything has changed: it may throw.
  auto next = empty_batch(to);
  to.open->append(barrier);
  to.full.push_back(std::move(to.open));
  to.open = std::move(next);
  ++to.barriers;
  // Also where the stage knows that there is something: for that it may be waiting until there is room.
  to.woken = true;
  if (to.wake)
    to.wake();
}

void push_feed_base::wake(push_lane& of) {
  if (of.wake && !std::exchange(of.woken, true))
    of.wake();
}

std::shared_ptr<batch_base> push_feed_base::empty_batch(push_lane& of) const {
  if (of.spare.empty())
    return make_batch();
  auto one = std::move(of.spare.back());
  of.spare.pop_back();
  return one;
}

void push_feed_base::serve(push_lane& to, waiting_line& go_on) {
  auto& line = lines_[keyed_ ? to.number : 0];
  while (line.first != nullptr && has_room(to)) {
    auto& next = *line.first;
    auto how = waiting_push::state::taken;
    try {
      put(to, next);
    } catch (...) {
      next.thrown = std::current_exception();
      how = waiting_push::state::refused;
    }
    leave(next, how, go_on);
  }
}

void push_feed_base::leave(waiting_push& what, waiting_push::state how,
                           waiting_line& go_on) noexcept {
  what.stands_in->remove(what);
  what.is = how;
  // Under the lock: behind it a thread that waits may be gone.
  if (what.come != nullptr)
    what.come->notify_one();
  else
    go_on.push_back(what);
}

void push_feed_base::refuse_all(const error& why, waiting_line& go_on) {
  for (auto& line : lines_)
    while (line.first != nullptr) {
      line.first->why = why;
      leave(*line.first, waiting_push::state::refused, go_on);
    }
}

void waiting_line::push_back(waiting_push& what) noexcept {
  what.stands_in = this;
  what.previous = last;
  (last == nullptr ? first : last->next) = &what;
  last = &what;
}

void waiting_line::remove(waiting_push& what) noexcept {
  (what.previous == nullptr ? first : what.previous->next) = what.next;
  (what.next == nullptr ? last : what.next->previous) = what.previous;
  what.stands_in = nullptr;
  what.previous = nullptr;
  what.next = nullptr;
}

// -- without it --

void push_feed_base::resume(waiting_line& those) {
  // One at a time: each may destroy those behind it.
  const auto next = [&]() -> std::coroutine_handle<> {
    const std::lock_guard guard{mutex_};
    if (those.first == nullptr)
      return nullptr;
    auto& first = *those.first;
    those.remove(first);
    return first.coroutine;
  };
  std::exception_ptr thrown;
  while (const auto one = next())
    try {
      one.resume();
    } catch (...) {
      if (!thrown)
        thrown = std::current_exception();
    }
  if (thrown)
    std::rethrow_exception(thrown);
}

error push_feed_base::closed(const std::string& message) const {
  return {error_kind::closed, thing_, message};
}

} // namespace weir
