// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The actor of one client pool: takes questions of all operator instances that use the pool, hands
/// them to the driver as far as it wants to hold, and carries results back to whom they belong. Touched
/// only by its own messages; the driver's threads reach it through `pool_inbox`.

#include "stage_pointer.hpp"

#include "weir/client_driver.hpp"
#include "weir/interfaces.hpp"
#include "weir/probes.hpp"
#include "weir/waker.hpp"

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace weir {

/// Where a driver puts results, from its threads or inside `submit`, with at most one wake-up under way. Outlives
/// the driver.
class pool_inbox final : public result_receiver {
public:
  // -- any thread --
  void receive(std::span<call_result> results) override;

  // -- the pool's actor, and whoever starts and ends the job --
  /// From now on `wake` is called, under a lock, when something lies in the inbox; null: no more.
  void set_wake_up(std::function<void()> wake);
  void drain(std::vector<call_result>& into);
  /// The pool will look by itself: nothing wakes it until it has drained.
  void will_look();

private:
  std::mutex mutex_;
  std::vector<call_result> waiting_;
  waker wake_;
  /// It has been woken, or looks by itself.
  bool looks_ = false;
};

struct pool_parts {
  std::uint32_t number = 0;
  std::string name;
  job_actor job;
  std::shared_ptr<client_driver> driver;
  std::shared_ptr<pool_inbox> inbox;
  std::shared_ptr<pool_probe> probe;
  /// How many operator instances may join at most; each gets an equal share of the driver's window.
  std::size_t clients_max = 1;
};

class pool_state {
public:
  using self_pointer = stage_pointer<pool_actor, pool_state>;

  explicit pool_state(self_pointer self) : self_(self) {}
  ~pool_state();

  pool_actor::behavior_type make_behavior(std::shared_ptr<pool_parts> parts);

  static inline const char* name = "weir.pool";

private:
  struct user {
    std::uint32_t number;
    pool_user actor;
    /// Those that are next to be sent.
    std::shared_ptr<std::vector<call_result>> results;
    /// Empty ones.
    std::vector<std::shared_ptr<std::vector<call_result>>> spare_results{};
    std::vector<std::shared_ptr<std::vector<question>>> spare_questions{};
    /// Where the call is that was last asked from each of its slots; see `pool_questions`.
    std::vector<std::uint32_t> calls{};
  };
  /// Ends the list of free calls.
  static constexpr std::uint32_t none = 0xffff'ffff;

  /// A question that is not answered, or a free place for one.
  struct call {
    call_token asked_as = 0;
    std::uint32_t client = 0;
    std::uint32_t generation = 0;
    /// Among the free ones.
    std::uint32_t next = none;
    bool held = false;
  };

  // -- message handlers, in the interface's order --
  void on_join(std::uint32_t number, const pool_user& who);
  void on_questions(const pool_questions& of);
  void on_cancellations(const pool_cancellations& of);
  void on_results();

  /// Gives the driver what waits, as far as it wants to hold.
  void submit_waiting();
  void submit(std::span<question> questions);
  /// Lets each user have what has come for it.
  void take_results();
  /// Puts a result to those of its user. False: its call is over.
  bool settle(call_result& with);
  /// Ends the call that a result is of, gives it its user's token, and says who that is. Null: its call is over.
  [[gnu::always_inline]] inline user* end_call(call_result& with) noexcept;
  bool is_held(call_token token) const noexcept;
  /// The call that a client asked under this token, where it is not answered; else null.
  const call* find(std::size_t client, call_token asked_as) const noexcept;
  void send_results();
  void send_results_to(user& of);
  std::size_t client_index(std::uint32_t number) const;
  [[gnu::noinline]] void add_call();
  /// The token of a question of this client's from now on.
  [[gnu::always_inline]] inline call_token hold(std::uint32_t client, user& from, call_token asked_as);
  static std::size_t index_of(call_token token) noexcept { return token & 0xFFFF'FFFFu; }

  self_pointer self_;
  std::shared_ptr<pool_parts> parts_;
  std::vector<user> clients_;
  std::vector<call> calls_;
  std::uint32_t free_ = none;
  /// Calls that are not free.
  std::size_t held_ = 0;
  std::vector<call_result> arrived_;
  /// Questions beyond the driver's window: there are more users than it has places.
  std::deque<question> waiting_;
  /// Questions that the driver holds.
  std::size_t submitted_ = 0;
  std::uint64_t asked_ = 0;
  std::uint64_t failed_ = 0;
};

pool_actor::behavior_type pool(pool_state::self_pointer self, std::shared_ptr<pool_parts> parts);

} // namespace weir
