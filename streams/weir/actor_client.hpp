// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Asks CAF actors of yours from an async function, and completes its calls with their answers. A
/// function keeps an `actor_client` and uses it on the operator's thread. The actors may live in any actor
/// system of the process that outlives the job; answers come in there and are only handed over. One client may ask any number
/// of actors; when it is destroyed nobody waits for their answers any more.
///
///     class rate_of : public weir::async_function<std::string, double> {
///     public:
///       void async_invoke(const std::string& currency, weir::result_future<double> done) {
///         asks_.complete_from<double>(rates_, std::move(done), rate_atom::value, currency);
///       }
///     private:
///       weir::actor_client asks_;
///       caf::actor rates_;
///     };
///
/// An answer that is an error fails the call: with the kind `connection_lost` where the actor has ended,
/// `rejected` where it does not understand the question, `exception` where its handler threw, and else
/// with the name of the error's category, so that a retry strategy can name it. An actor that never answers
/// leaves the call to the record's timeout.
/// tests/streams/actor_client_test.cpp.

#include "weir/complete_as.hpp"
#include "weir/result_future.hpp"
#include "weir/task.hpp"
#include "weir/thrown_error.hpp"
#include "weir/time.hpp"
#include "weir/unique_function.hpp"

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/typed_actor.hpp>

#include <coroutine>
#include <memory>
#include <tuple>
#include <utility>

namespace weir {

namespace detail {

/// The helper actors through which one client asks.
class askers {
public:
  /// Asks through a helper actor of the system, on whose thread it runs; to be told when it was answered.
  using work = unique_function<void(caf::event_based_actor& self, unique_function<void()> answered)>;

  askers();
  ~askers();
  askers(const askers&) = delete;
  askers& operator=(const askers&) = delete;

  /// Nobody waits for the answer past `deadline`.
  void post(caf::actor_system& in, time_point deadline, work what);

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// What an actor's error is as weir's.
error error_of_actor(const caf::actor_system& in, const caf::error& of);

/// A question without an answer: `then` gets the answer, or learns that nobody waits any more.
template <class Answer, class Then>
struct open_question {
  Then then;
  unique_function<void()> answered;
  time_point deadline;
  caf::actor_system* in;

  open_question(Then t, unique_function<void()> a, time_point d, caf::actor_system& system)
    : then(std::move(t)), answered(std::move(a)), deadline(d), in(&system) {}
  open_question(const open_question&) = delete;
  open_question& operator=(const open_question&) = delete;
  ~open_question() {
    if constexpr (is_ours)
      if (answered && deadline <= in->clock().now())
        then.expire();
  }

  /// `make` gives the `expected<Answer>`. What is thrown is not the helper actor's, which has others to ask.
  template <class Make>
  void answer(Make make) noexcept {
    if (!answered)
      return;
    std::exchange(answered, {})();
    try {
      then(make());
    } catch (...) {
      if constexpr (is_ours)
        then(expected<Answer>{thrown_error("call", "actor's answer")});
    }
  }

private:
  static constexpr bool is_ours = requires(Then& of) { of.expire(); };
};

/// Completes a call with an actor's answer.
template <class Out>
struct completes_with_answer {
  result_future<Out> done;

  template <class Answer>
  void operator()(expected<Answer> got) {
    complete_as(done, std::move(got));
  }
  void expire() { done.expire(); }
};

/// Awaits the answer to what `start` asks.
template <class Answer, class Start>
class actor_answer_awaitable : public continuation_awaitable<expected<Answer>> {
public:
  explicit actor_answer_awaitable(Start start) : start_(std::move(start)) {}

  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> waits) {
    auto& who = waits.promise();
    this->wait(who, [&](continuation<expected<Answer>> then) {
      start_(std::move(then), who.call().facts().deadline);
    });
  }

private:
  Start start_;
};

} // namespace detail

class actor_client {
public:
  actor_client() = default;
  /// A copy, as each instance of a function has one, begins anew.
  actor_client(const actor_client&) {}
  actor_client& operator=(const actor_client&) { return *this; }

  /// Asks `target` with a message of `question`, and completes `done` with its answer, an `Answer`: a result,
  /// or a `std::vector` of results (perhaps empty).
  template <class Answer, class Target, class Out, class... Ts>
  void complete_from(const Target& target, result_future<Out> done, Ts&&... question) {
    const auto deadline = done.deadline();
    ask_then<Answer>(target, deadline, detail::completes_with_answer<Out>{std::move(done)},
                     std::forward<Ts>(question)...);
  }

  /// As a coroutine: awaits the answer, an `expected<Answer>`.
  template <class Answer, class Target, class... Ts>
  auto ask(const Target& target, Ts&&... question) {
    auto start = [this, target, all = std::make_tuple(std::forward<Ts>(question)...)](
                   continuation<expected<Answer>> then, time_point deadline) mutable {
      std::apply(
        [&](auto&... each) {
          ask_then<Answer>(target, deadline, std::move(then), std::move(each)...);
        },
        all);
    };
    return detail::actor_answer_awaitable<Answer, decltype(start)>{std::move(start)};
  }

  /// Asks, and calls `then` with an `expected<Answer>` on a thread of the target's actor system: it must
  /// only hand over. It is destroyed without being called where nobody waits for the answer any more:
  /// past `deadline`, at the latest when a thousand questions more were asked; `then.expire()`, if it has
  /// that, is called before. What `then` throws is dropped. Where `target` is an empty handle it is called
  /// here, with an error of the kind `argument`.
  template <class Answer, class Target, class Then, class... Ts>
  void ask_then(const Target& target, time_point deadline, Then then, Ts&&... question) {
    if (!target) {
      then(expected<Answer>{error{error_kind::argument, "actor", "its handle is empty: set it before the "
                                                                 "function is called"}});
      return;
    }
    if (askers_ == nullptr)
      askers_ = std::make_unique<detail::askers>();
    askers_->post(
      target.home_system(), deadline,
      [target, deadline, then = std::move(then), all = std::make_tuple(std::forward<Ts>(question)...)](
        caf::event_based_actor& self, unique_function<void()> answered) mutable {
        // CAF copies handlers.
        const auto waits = std::make_shared<detail::open_question<Answer, Then>>(
          std::move(then), std::move(answered), deadline, self.system());
        using reply = expected<Answer>;
        try {
          std::apply(
            [&](auto&... each) {
              self.request(target, caf::infinite, std::move(each)...)
                .then([waits](Answer& got) { waits->answer([&] { return reply{std::move(got)}; }); },
                      [waits, &system = self.system()](caf::error& why) {
                        waits->answer([&] { return reply{detail::error_of_actor(system, why)}; });
                      });
            },
            all);
        } catch (...) {
          waits->answer([] { return reply{thrown_error("call", "question")}; });
        }
      });
  }

private:
  std::unique_ptr<detail::askers> askers_;
};

} // namespace weir
