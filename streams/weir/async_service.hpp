// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The operator alone, for a program that has records but no stream: threads of its own push records, and
/// callbacks get the results. All that holds for an operator in a stream holds here: order, timeouts,
/// retries, bounds. A push costs one hop; there is no source and no sink.
///
///     weir::environment env;
///     auto airports = weir::async_service::ordered(
///       env, lookup{pool}, {.name = "airports", .timeout = 1s},
///       {.on_result = [](airport&& found, const weir::record_facts& of) { ... }});
///     auto job = env.start("my program");
///     switch (airports.try_push("SFO")) { ... }  // taken, full or closed
///     airports.push("SFO");                      // waits for room
///     co_await airports.pushed("SFO");           // the same in a coroutine, without a thread
///     airports.push_tracked("SFO").wait();       // until what came of it was delivered
///     airports.finish();                         // the end of input; the job ends when all is out
///
/// An environment may have several services, and streams beside them; the job ends when all of them have.
/// It is watched, drained and cancelled as any job. A service takes records from `start` on until
/// `finish`, a drain, or the job's end, in one job at a time; after that the environment may be started anew.
///
/// * **Bounds.** What was pushed and not yet taken in by the operator is bounded by `waiting_max` records
///   and `capacity_bytes` in each instance; the operator's own bounds come on top.
/// * **Order.** Records are taken in the order of the pushes, one pusher's as it pushed them, and those
///   that wait for room in the order of their coming. With several instances each has its own order; they
///   get records in turn, or by key.
/// * **Callbacks** run on the operator's thread, one instance's one at a time, and must not wait. What one
///   throws fails the job with the service's name. Results are given when the message that brought them
///   has been handled: there is no commit, and what was given is not taken back when the job fails.
/// * **Crash.** Without checkpoints what the service held is gone with the process. A record that is pushed again by
///   its position has the same idempotency key only in the same run, which without checkpoints ends with the process.
///   What stays the same is the position, `done.idempotency_key().from().position`.
///
/// With checkpoints (`environment::enable_checkpointing`) a service goes on with what it held, as any operator:
///
/// * **Records.** What the last complete checkpoint has is not lost: records that wait for their turn, those that are
///   called for, results that were not given. What was pushed behind it is to be pushed again: give each record its
///   position in what you read (a log's offset, the number of a row), push in the order of the positions, and
///   go on where `service_settings::on_start` or `pusher::resume_from` says. So no record is lost and none
///   is pushed twice. In that order means: of several pushers' records, or of several that wait for room, none is
///   taken before one of a lower position. Without positions what was pushed behind the last complete checkpoint is
///   lost. `ticket::wait_durable` tells of a record that it is part of one: acknowledge it then where it came from.
/// * **Results.** Callbacks have no second phase, as sinks have: results, dead letters and watermarks that were given
///   behind the last complete checkpoint are given again after a crash or a failure. Those of a record with a
///   position have the `record_facts::from` that they had: store them under that. A job that is stopped or drained
///   gives nothing behind its last checkpoint, and so nothing twice.
/// * **Ends.** `finish` ends the input of the run: once a checkpoint has that, whoever goes on pushes nothing more.
///   A drain or a stop does not end it. When a job fails and starts again inside the process its service is closed
///   until then; a pusher that is told `closed` tries again after a while, or until the job has ended.
///
/// tests/streams/async_service_test.cpp, checkpointed_service_test.cpp; examples/embedded_push.

#include "weir/async_function.hpp"
#include "weir/async_data_stream.hpp"
#include "weir/dead_letter.hpp"
#include "weir/environment.hpp"
#include "weir/push_feed.hpp"
#include "weir/service_ends.hpp"
#include "weir/ticket.hpp"

#include <atomic>
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace weir {

/// What is called with a service's results: `f(T&&)` or `f(T&&, const record_facts&)`. Empty: nothing.
template <class T>
class record_callback {
public:
  record_callback() = default;

  template <class F>
  requires(!std::same_as<std::remove_cvref_t<F>, record_callback>)
    record_callback(F f) {
    static_assert(std::is_invocable_v<F&, T&&> || std::is_invocable_v<F&, T&&, const record_facts&>,
                  "the callback takes another type than this service gives: it is f(T&&) or "
                  "f(T&&, const weir::record_facts&)");
    if constexpr (std::is_invocable_v<F&, T&&, const record_facts&>)
      call_ = std::move(f);
    else
      call_ = [f = std::move(f)](T&& record, const record_facts&) mutable { f(std::move(record)); };
  }

  /// For services: null where it is empty.
  std::unique_ptr<delivery> as_delivery() && {
    return call_ ? std::make_unique<typed_delivery<T>>(std::move(call_)) : nullptr;
  }

private:
  typename typed_delivery<T>::callback call_;
};

/// What a service does beside its operator. With several instances callbacks are called by several threads
/// at a time.
template <class In, class Out>
struct service_settings {
  /// Gets the results.
  record_callback<Out> on_result{};
  /// Gets the records that failed for good, where the operator's options make them dead letters. Empty:
  /// they are counted, and tickets tell of them.
  record_callback<dead_letter<In>> on_dead_letter{};
  /// Hears of a watermark that was pushed, when all records that were pushed before it have left all instances.
  std::function<void(event_time)> on_watermark{};
  /// Told from where on to push, each time that a launch of the job opens the service: when the job starts, and when
  /// it starts again after a failure. Gets the first position that the checkpoint does not have which the launch goes
  /// on from; nothing where the run begins, or where no positions were given. Called by the thread that starts the
  /// launch, before the service takes anything: a push that comes before it has returned is refused as `closed`.
  /// It must not wait for pushers. What it throws is why the launch does not start.
  std::function<void(std::optional<std::uint64_t>)> on_start{};
  /// Most records that were pushed and not yet taken in, in each instance. Absent: the operator's
  /// `capacity`. > 0.
  std::optional<std::size_t> waiting_max{};
};

namespace detail {

/// Awaits room for a record.
template <class In, bool Tracked>
class push_awaitable {
public:
  push_awaitable(std::shared_ptr<push_feed_base> feed, In record, push_request what)
    : feed_(std::move(feed)), record_(std::move(record)), waits_(std::move(what)) {}
  push_awaitable(push_awaitable&&) = default;
  ~push_awaitable() {
    // A coroutine that is destroyed while it waits waits no more.
    if (feed_ != nullptr && waits_.coroutine)
      feed_->leave_line(waits_);
  }

  bool await_ready() const noexcept { return false; }

  bool await_suspend(std::coroutine_handle<> waits) {
    waits_.record = &record_;
    waits_.coroutine = waits;
    return feed_->stand_in_line(waits_);
  }

  auto await_resume() {
    feed_ = nullptr;
    if (waits_.thrown)
      std::rethrow_exception(waits_.thrown);
    const bool refused = waits_.is == waiting_push::state::refused;
    if constexpr (Tracked) {
      if (refused)
        waits_.ticket->settle({settlement_kind::lost, 0, std::move(waits_.why)});
      return ticket{std::move(waits_.ticket)};
    } else {
      return refused ? expected<void>{std::move(waits_.why)} : expected<void>{};
    }
  }

private:
  std::shared_ptr<push_feed_base> feed_;
  In record_;
  waiting_push waits_;
};

/// Which launch of a job a pusher pushes for; a copy is for the same.
class chosen_run {
public:
  chosen_run() = default;
  chosen_run(const chosen_run& other) noexcept : of_(other.get()) {}
  chosen_run& operator=(const chosen_run& other) noexcept {
    set(other.get());
    return *this;
  }

  std::uint64_t get() const noexcept { return of_.load(std::memory_order_relaxed); }
  void set(std::uint64_t run) noexcept { of_.store(run, std::memory_order_relaxed); }

private:
  std::atomic<std::uint64_t> of_{any_run};
};

} // namespace detail

/// Pushes records of type `In` into an async service. Copies push into the same one. All of it from any
/// thread, at any time, also when the job or the environment is gone: then the service is closed.
template <class In>
class pusher {
public:
  using key_function = std::function<key_hash(const In&)>;

  /// For `async_service`.
  pusher(std::shared_ptr<push_feed_base> feed, key_function key)
    : feed_(std::move(feed)), key_(std::move(key)) {}

  // -- that do not wait --

  /// The record is moved from only if it is taken, or if its `held_bytes` throws.
  push_result try_push(In&& record, push_options where = {}) const {
    auto what = request(record, where);
    return feed_->try_push(what);
  }
  push_result try_push(const In& record, push_options where = {}) const
  requires std::copy_constructible<In>
  {
    return try_push(In(record), where);
  }

  /// As `try_push`. Empty: there is no room. A service that is closed gives a ticket that has settled.
  std::optional<ticket> try_push_tracked(In&& record, push_options where = {}) const {
    auto what = tracked_request(record, where);
    switch (feed_->try_push(what)) {
      case push_result::full:
        return std::nullopt;
      case push_result::closed:
        what.ticket->settle({settlement_kind::lost, 0, feed_->why_closed(what.run)});
        break;
      case push_result::taken:
        break;
    }
    return ticket{std::move(what.ticket)};
  }
  std::optional<ticket> try_push_tracked(const In& record, push_options where = {}) const
  requires std::copy_constructible<In>
  {
    return try_push_tracked(In(record), where);
  }

  // -- that wait for room --

  /// Waits until the record is taken. An error, and the record is not moved from: of the kind `closed`
  /// where the service is closed, before or while it waits; `would_block` where there is no room and this
  /// thread runs stages (callbacks and functions are called on such), which must not wait, or where the job
  /// runs in virtual time. Where the record's `held_bytes` throws, that comes out, and the record is moved
  /// from and not pushed; so with all that push.
  expected<void> push(In&& record, push_options where = {}) const {
    return feed_->push(request(record, where), duration::max());
  }
  expected<void> push(const In& record, push_options where = {}) const
  requires std::copy_constructible<In>
  {
    return push(In(record), where);
  }

  /// As `push`, but for so long at most: then an error of the kind `timeout_error`.
  expected<void> push_within(duration at_most, In&& record, push_options where = {}) const {
    return feed_->push(request(record, where), at_most);
  }
  expected<void> push_within(duration at_most, const In& record, push_options where = {}) const
  requires std::copy_constructible<In>
  {
    return push_within(at_most, In(record), where);
  }

  /// As `push`, with a ticket. Where the record was not taken the ticket has settled as `lost`, with the
  /// error.
  ticket push_tracked(In&& record, push_options where = {}) const {
    auto what = tracked_request(record, where);
    auto of = what.ticket;
    if (auto pushed = feed_->push(std::move(what), duration::max()); !pushed)
      of->settle({settlement_kind::lost, 0, std::move(pushed).why()});
    return ticket{std::move(of)};
  }
  ticket push_tracked(const In& record, push_options where = {}) const
  requires std::copy_constructible<In>
  {
    return push_tracked(In(record), where);
  }

  // -- that are awaited --

  /// `co_await pushed(record)` goes on when the record is taken, with an `expected<void>`, whose error has
  /// the kind `closed`. The coroutine goes on on the operator's thread, where it must not wait, or on the
  /// one that closes the service. It may be destroyed while it waits: then the record is not pushed, unless it
  /// has been taken already and the coroutine was about to go on. The program sees to it that no thread destroys
  /// it while it goes on on another.
  /// In a `weir::task` it stays while it waits, also past the timeout of the task's own record.
  auto pushed(In record, push_options where = {}) const {
    auto what = request(record, where);
    return detail::push_awaitable<In, false>{feed_, std::move(record), std::move(what)};
  }

  /// As `pushed`; gives a ticket, as `push_tracked`.
  auto pushed_tracked(In record, push_options where = {}) const {
    auto what = tracked_request(record, where);
    return detail::push_awaitable<In, true>{feed_, std::move(record), std::move(what)};
  }

  // -- that are no records --

  /// Says that no record at or before this event time follows. In an unordered service nothing passes it.
  /// One that is not greater than all before it says nothing new, and is dropped. Whether it was taken: it
  /// needs no room, but not where the service is closed.
  bool push_watermark(event_time at) const { return feed_->push_watermark(at, run_.get()); }

  /// Ends the input: what was pushed is handled, who waits for room is refused, and the service ends when
  /// all is out. Whether it did: not where it had ended, or no job runs. Coroutines that are refused go on
  /// inside; what one throws comes out when all have gone on, and the input has ended all the same.
  bool finish() const { return feed_->finish(run_.get()); }

  // -- after a start --

  /// From which position on to push: as `service_settings::on_start` says for the present launch of the job, or for the
  /// last one. From now on this pusher, and copies that are made of it, push for that launch alone: to them the service
  /// stays closed when another has begun, until they ask again. So a launch that ends and another that begins
  /// between two pushes are not overlooked:
  ///
  ///     while (!job.wait_for(100ms)) {
  ///       auto at = airports.resume_from().value_or(0);
  ///       while (airports.push(read(at), {.position = at}))
  ///         ++at;
  ///     }
  ///
  /// A pusher that never asks pushes for whichever launch there is.
  std::optional<std::uint64_t> resume_from() const {
    const auto at = feed_->where();
    run_.set(at.run);
    return at.resume_from;
  }

private:
  push_request request(In& record, const push_options& where) const {
    return {&record, where, key_ ? key_(record) : 0, nullptr, run_.get()};
  }
  push_request tracked_request(In& record, const push_options& where) const {
    return {&record, where, key_ ? key_(record) : 0, std::make_shared<ticket_state>(), run_.get()};
  }

  std::shared_ptr<push_feed_base> feed_;
  key_function key_;
  mutable detail::chosen_run run_;
};

namespace detail {

template <class F>
using service_settings_of
  = service_settings<typename function_form_t<F>::input_type, typename function_form_t<F>::output_type>;

template <class F>
auto make_service(environment& in, F function, operator_options options, service_settings_of<F> settings,
                  output_mode mode,
                  typename pusher<typename function_form_t<F>::input_type>::key_function key) {
  using form = function_form_t<F>;
  using input = typename form::input_type;
  using body = async_operator_body<form, ticket_observer>;
  static_assert(std::copy_constructible<form>,
                "the function must be copyable: each parallel instance has a copy of its own");
  const auto& plan = in.shared_plan();
  check_predicates<typename form::output_type>(*plan, options);
  if (settings.waiting_max == std::size_t{0})
    plan->mistakes.emplace_back(error_kind::argument, "service " + options.name,
                                "waiting_max is 0 but must be > 0");
  const auto feed = std::make_shared<push_feed<input>>(
    "service " + options.name,
    feed_limits{settings.waiting_max.value_or(options.capacity), options.capacity_bytes},
    static_cast<bool>(key));
  operator_plan what{options, mode, {}, std::make_shared<service_ends>(
    feed,
    [prototype = form_of(std::move(function))](operator_parts parts, ticket_desk& desk) {
      return std::make_unique<body>(std::move(parts), prototype, desk);
    },
    std::move(settings.on_result).as_delivery(), std::move(settings.on_dead_letter).as_delivery(),
    std::move(settings.on_watermark), std::move(settings.on_start))};
  what.types = {&typeid(input), &typeid(typename form::output_type)};
  plan->stages.push_back({options.name, options.parallelism, std::move(what)});
  return pusher<input>{feed, std::move(key)};
}

} // namespace detail

namespace async_service {

/// A service whose results are given in the order of its records. `function` is a class, lambda or
/// coroutine, as for `async_data_stream::ordered_wait`.
template <class F>
auto ordered(environment& in, F function, operator_options options,
             detail::service_settings_of<F> settings = {}) {
  return detail::make_service<F>(in, std::move(function), std::move(options), std::move(settings),
                                 output_mode::ordered, {});
}

/// A service whose results are given as they come; watermarks keep their place among them.
template <class F>
auto unordered(environment& in, F function, operator_options options,
               detail::service_settings_of<F> settings = {}) {
  return detail::make_service<F>(in, std::move(function), std::move(options), std::move(settings),
                                 output_mode::unordered, {});
}

/// As `unordered`, but records of one key are called one after the other and leave in order. `key` takes a
/// `const In&` or is a pointer to a member; it is called by the pushers, several at a time. What can be a
/// key: `weir/key_hash.hpp`.
template <class K, class F>
auto key_ordered(environment& in, K key, F function, operator_options options,
                 detail::service_settings_of<F> settings = {}) {
  using input = typename function_form_t<F>::input_type;
  return detail::make_service<F>(
    in, std::move(function), std::move(options), std::move(settings), output_mode::key_ordered,
    [key = std::move(key)](const input& record) {
      using type = std::remove_cvref_t<decltype(std::invoke(key, record))>;
      return hash_of_key<type>(std::invoke(key, record));
    });
}

} // namespace async_service

} // namespace weir
