// SPDX-License-Identifier: Apache-2.0
#include "weir/actor_client.hpp"

#include "forgets_system.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace weir::detail {

namespace {

/// CAF looks for the request that an answer is for in a list: it must not grow long.
constexpr std::size_t questions_max = 1024;

/// What a client and one of its helper actors share.
struct mailbox {
  std::mutex mutex;
  std::vector<askers::work> waiting;
  bool wake_up_under_way = false;
  /// Questions without an answer.
  std::atomic<std::size_t> open{0};
};

caf::behavior ask_on(caf::event_based_actor* self, const std::shared_ptr<mailbox>& from) {
  return {[=](caf::flush_atom) {
    std::vector<askers::work> all;
    {
      const std::lock_guard guard{from->mutex};
      all.swap(from->waiting);
      from->wake_up_under_way = false;
    }
    for (auto& each : all)
      try {
        each(*self, [from] { --from->open; });
      } catch (...) {
        // There was no memory for it: its call learns that nobody answers. The others are asked.
      }
  }};
}

class asker {
public:
  explicit asker(caf::actor_system& in) : system_(&in), actor_(in.spawn(ask_on, mailbox_)) {}
  asker(asker&&) = default;
  asker& operator=(asker&& other) noexcept {
    end();
    system_ = other.system_;
    mailbox_ = std::move(other.mailbox_);
    actor_ = std::move(other.actor_);
    asked_ = other.asked_;
    last_deadline_ = other.last_deadline_;
    return *this;
  }
  ~asker() { end(); }

  bool is_in(const caf::actor_system& system) const noexcept { return system_ == &system; }
  bool is_full() const noexcept { return asked_ >= questions_max; }
  bool is_done(time_point now) const noexcept {
    return mailbox_->open == 0 || last_deadline_ < now;
  }

  void post(time_point deadline, askers::work what) {
    ++asked_;
    last_deadline_ = std::max(last_deadline_, deadline);
    ++mailbox_->open;
    {
      const std::lock_guard guard{mailbox_->mutex};
      mailbox_->waiting.push_back(std::move(what));
      if (std::exchange(mailbox_->wake_up_under_way, true))
        return;
    }
    caf::anon_send(actor_, caf::flush_atom::value);
  }

private:
  void end() noexcept {
    if (actor_)
      caf::anon_send_exit(actor_, caf::exit_reason::kill);
  }

  caf::actor_system* system_;
  std::shared_ptr<mailbox> mailbox_ = std::make_shared<mailbox>();
  caf::actor actor_;
  std::size_t asked_ = 0;
  time_point last_deadline_ = time_point::min();
};

} // namespace

struct askers::impl {
  /// The last one takes questions; those before it wait for answers.
  std::deque<asker> all;
};

askers::askers() : impl_(std::make_unique<impl>()) {}

askers::~askers() = default;

void askers::post(caf::actor_system& in, time_point deadline, work what) {
  auto& all = impl_->all;
  if (all.empty() || all.back().is_full() || !all.back().is_in(in)) {
    const auto now = in.clock().now();
    std::erase_if(all, [&](const asker& each) { return each.is_full() && each.is_done(now); });
    const forgets_system here;
    all.emplace_back(in);
  }
  all.back().post(deadline, std::move(what));
}

error error_of_actor(const caf::actor_system& in, const caf::error& of) {
  auto text = in.render(of);
  if (of.category() == caf::atom("exit"))
    return {error_kind::connection_lost, "actor", "it has ended: " + text};
  if (of.category() != caf::atom("system"))
    return {caf::to_string(of.category()), "actor", std::move(text)};
  switch (static_cast<caf::sec>(of.code())) {
    case caf::sec::request_receiver_down:
      return {error_kind::connection_lost, "actor", "it has ended: " + text};
    case caf::sec::unexpected_message:
      return {error_kind::rejected, "actor", "it does not understand the question: " + text};
    case caf::sec::runtime_error:
      return {error_kind::exception, "actor", "its handler threw: " + text};
    default:
      return {error_kind::internal, "actor", std::move(text)};
  }
}

} // namespace weir::detail
