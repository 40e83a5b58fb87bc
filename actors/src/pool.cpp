// SPDX-License-Identifier: Apache-2.0
#include "pool.hpp"

#include "guarded.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <limits>
#include <utility>

namespace weir {

namespace {

/// Results that an operator gets with one message: while it takes them, those behind them and the questions in front
/// are worked on elsewhere.
constexpr std::size_t span_max = 256;
/// Empty vectors that are kept for each user and kind.
constexpr std::size_t spares_max = 8;

} // namespace

void pool_inbox::receive(std::span<call_result> results) {
  bool wakes = false;
  {
    const std::lock_guard guard{mutex_};
    waiting_.insert(waiting_.end(), std::make_move_iterator(results.begin()),
                    std::make_move_iterator(results.end()));
    wakes = !std::exchange(looks_, true);
  }
  if (wakes)
    wake_.wake();
}

void pool_inbox::set_wake_up(std::function<void()> wake) {
  wake_.set(std::move(wake));
  bool wakes = false;
  {
    // What came while nobody was there has woken nobody.
    const std::lock_guard guard{mutex_};
    looks_ = wakes = !waiting_.empty();
  }
  if (wakes)
    wake_.wake();
}

void pool_inbox::drain(std::vector<call_result>& into) {
  const std::lock_guard guard{mutex_};
  looks_ = false;
  std::swap(into, waiting_);
}

void pool_inbox::will_look() {
  const std::lock_guard guard{mutex_};
  looks_ = true;
}

pool_state::~pool_state() {
  if (parts_ != nullptr)
    parts_->inbox->set_wake_up(nullptr);
}

pool_actor::behavior_type pool_state::make_behavior(std::shared_ptr<pool_parts> parts) {
  parts_ = std::move(parts);
  self_->set_exception_handler(
    [job = parts_->job, name = "pool " + parts_->name](std::exception_ptr& thrown) -> caf::error {
      caf::anon_send(job, stage_failure{error_of(name, thrown), {}});
      return caf::exit_reason::unhandled_exception;
    });
  parts_->inbox->set_wake_up([to = self_->address()] {
    if (auto alive = caf::actor_cast<caf::actor>(to))
      caf::anon_send(alive, results_atom::value);
  });
  return {
    [this](caf::join_atom, std::uint32_t number, const pool_user& who) { on_join(number, who); },
    [this](const pool_questions& of) { on_questions(of); },
    [this](const pool_cancellations& of) { on_cancellations(of); },
    [this](results_atom) { on_results(); },
    [this](const stop_request&) { self_->quit(); },
  };
}

void pool_state::on_join(std::uint32_t number, const pool_user& who) {
  const auto share = std::max<std::size_t>(parts_->driver->window() / parts_->clients_max, 1);
  clients_.push_back({number, who, std::make_shared<std::vector<call_result>>()});
  self_->send(who, pool_results{parts_->number, nullptr, share});
}

void pool_state::on_questions(const pool_questions& of) {
  const auto client = static_cast<std::uint32_t>(client_index(of.client));
  asked_ += of.questions->size();
  parts_->probe->calls.set(asked_);
  auto& from = clients_[client];
  if (of.spare != nullptr && from.spare_results.size() < spares_max)
    from.spare_results.push_back(of.spare);
  for (auto& each : *of.questions)
    each.token = hold(client, from, each.token);
  held_ += of.questions->size();
  parts_->probe->held.set(held_);
  if (waiting_.empty() && submitted_ + of.questions->size() <= parts_->driver->window())
    submit(*of.questions);
  else
    std::move(of.questions->begin(), of.questions->end(), std::back_inserter(waiting_));
  of.questions->clear();
  if (from.spare_questions.size() < spares_max)
    from.spare_questions.push_back(of.questions);
  on_results();
}

void pool_state::on_cancellations(const pool_cancellations& of) {
  const auto client = client_index(of.client);
  std::vector<call_token> ours;
  for (const auto token : of.tokens)
    if (const auto* const found = find(client, token))
      ours.push_back(call_token{found->generation} << 32
                     | static_cast<std::size_t>(found - calls_.data()));
  std::sort(ours.begin(), ours.end());
  std::erase_if(waiting_, [&](const question& each) {
    if (!std::binary_search(ours.begin(), ours.end(), each.token))
      return false;
    call_result cancelled{each.token, error{error_kind::cancelled, "pool", "nobody waits for it"}};
    settle(cancelled);
    return true;
  });
  std::erase_if(ours, [&](call_token each) { return !is_held(each); });
  parts_->driver->cancel(ours);
  send_results();
}

void pool_state::on_results() {
  take_results();
  // What is answered at once makes room at once.
  while (!waiting_.empty() && submitted_ < parts_->driver->window()) {
    submit_waiting();
    take_results();
  }
}

void pool_state::take_results() {
  arrived_.clear();
  parts_->inbox->drain(arrived_);
  if (clients_.size() == 1 && arrived_.size() <= span_max) {
    // All of one user's, which gets them as they came.
    assert(clients_.front().results->empty());
    std::erase_if(arrived_, [&](call_result& each) { return end_call(each) == nullptr; });
    submitted_ -= arrived_.size();
    std::swap(*clients_.front().results, arrived_);
  } else {
    for (auto& each : arrived_)
      if (settle(each))
        --submitted_;
  }
  send_results();
}

void pool_state::submit(std::span<question> questions) {
  submitted_ += questions.size();
  parts_->inbox->will_look();
  parts_->driver->submit(questions);
}

void pool_state::submit_waiting() {
  const auto window = parts_->driver->window();
  const auto room = window - std::min(window, submitted_);
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(std::min(room, waiting_.size()));
  std::vector<question> next{std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end)};
  waiting_.erase(waiting_.begin(), end);
  submit(next);
}

bool pool_state::settle(call_result& with) {
  auto* const to = end_call(with);
  if (to == nullptr)
    return false;
  to->results->push_back(std::move(with));
  if (to->results->size() >= span_max)
    send_results_to(*to);
  return true;
}

pool_state::user* pool_state::end_call(call_result& with) noexcept {
  if (!is_held(with.token))
    return nullptr;
  const auto index = static_cast<std::uint32_t>(index_of(with.token));
  auto& of = calls_[index];
  of.held = false;
  ++of.generation;
  of.next = std::exchange(free_, index);
  --held_;
  if (!with.outcome)
    ++failed_;
  with.token = of.asked_as;
  return &clients_[of.client];
}

bool pool_state::is_held(call_token token) const noexcept {
  const auto index = index_of(token);
  return index < calls_.size() && calls_[index].held && calls_[index].generation == token >> 32;
}

const pool_state::call* pool_state::find(std::size_t client, call_token asked_as) const noexcept {
  const auto& of = clients_[client].calls;
  const auto slot = index_of(asked_as);
  if (slot >= of.size())
    return nullptr;
  const auto& found = calls_[of[slot]];
  return found.held && found.client == client && found.asked_as == asked_as ? &found : nullptr;
}

void pool_state::send_results() {
  parts_->probe->errors.set(failed_);
  parts_->probe->held.set(held_);
  for (auto& each : clients_)
    if (!each.results->empty())
      send_results_to(each);
}

void pool_state::send_results_to(user& of) {
  std::shared_ptr<std::vector<call_result>> next;
  if (of.spare_results.empty()) {
    next = std::make_shared<std::vector<call_result>>();
  } else {
    next = std::move(of.spare_results.back());
    of.spare_results.pop_back();
  }
  pool_results message{parts_->number, std::exchange(of.results, std::move(next)), 0};
  if (!of.spare_questions.empty()) {
    message.spare = std::move(of.spare_questions.back());
    of.spare_questions.pop_back();
  }
  self_->send(of.actor, std::move(message));
}

std::size_t pool_state::client_index(std::uint32_t number) const {
  const auto at = std::find_if(clients_.begin(), clients_.end(),
                               [&](const user& each) { return each.number == number; });
  return static_cast<std::size_t>(at - clients_.begin());
}

void pool_state::add_call() {
  assert(free_ == none);
  calls_.emplace_back();
  free_ = static_cast<std::uint32_t>(calls_.size() - 1);
}

call_token pool_state::hold(std::uint32_t client, user& from, call_token asked_as) {
  const auto slot = index_of(asked_as);
  if (slot >= from.calls.size()) [[unlikely]]
    from.calls.resize(slot + 1);
  if (free_ == none) [[unlikely]]
    add_call();
  const auto index = free_;
  auto& of = calls_[index];
  free_ = of.next;
  of.client = client;
  of.asked_as = asked_as;
  of.held = true;
  from.calls[slot] = index;
  return call_token{of.generation} << 32 | index;
}

pool_actor::behavior_type pool(pool_state::self_pointer self, std::shared_ptr<pool_parts> parts) {
  return self->state.make_behavior(std::move(parts));
}

} // namespace weir
