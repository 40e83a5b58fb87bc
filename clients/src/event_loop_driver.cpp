// SPDX-License-Identifier: Apache-2.0

#include "weir/event_loop_driver.hpp"

#include "file_descriptor.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <system_error>
#include <thread>
#include <utility>

namespace weir {

namespace {

constexpr std::size_t connections_max = 1024;
constexpr std::size_t permits_max = 65'536;

/// Among the connections' numbers, for epoll.
constexpr std::uint64_t woken = UINT64_MAX;

/// Whether a store may still come.
bool may_pass(const error& why) {
  return why.is(error_kind::refused) || why.is(error_kind::connection_lost) || why.is(error_kind::overloaded);
}

/// What `f` returns; what it throws as an error.
template <class F>
auto caught(const std::string& thing, F f) -> decltype(f()) {
  try {
    return f();
  } catch (const std::exception& thrown) {
    return error{error_kind::exception, thing, std::string{"the connection threw: "} + thrown.what()};
  } catch (...) {
    return error{error_kind::exception, thing, "the connection threw something that is no std::exception"};
  }
}

/// Signals are the program's; none is handled on a thread of a driver.
class blocked_signals {
public:
  blocked_signals() noexcept {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~blocked_signals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  blocked_signals(const blocked_signals&) = delete;
  blocked_signals& operator=(const blocked_signals&) = delete;

private:
  sigset_t before_;
};

} // namespace

/// Both threads and what is between them and the pool. What `mutex_` guards stands below it; all above belongs to the
/// loop's thread once it runs.
class event_loop_driver::loop {
public:
  loop(driver_settings settings, event_loop_options options, loop_connection_factory make)
    : settings_(std::move(settings)),
      options_(std::move(options)),
      make_(std::move(make)) {}

  std::size_t permits() const noexcept { return settings_.options.connections * options_.permits_per_connection; }

  expected<void> open(const std::vector<statement_declaration>& statements, result_receiver& results) {
    if (auto good = check(); !good)
      return good;
    assert(!looper_.joinable());
    statements_ = statements;
    results_ = &results;
    connections_.resize(settings_.options.connections);
    gate_.emplace(options_.gate, connections_.size(), time_point::clock::now());
    if (auto made = make_descriptors(); !made)
      return made;
    try {
      const blocked_signals blocked;
      connector_ = std::thread{[this] { run_connector(); }};
      looper_ = std::thread{[this] { run_loop(); }};
    } catch (const std::system_error& thrown) {
      close();
      return error{error_kind::internal, settings_.pool,
                   std::string{"its threads cannot be started: "} + thrown.what()};
    }
    auto opened = wait_until_open();
    if (!opened)
      close();
    return opened;
  }

  void submit(std::span<question> questions) {
    const std::lock_guard guard{mutex_};
    for (auto& each : questions)
      asked_.push_back(std::move(each));
    wake_loop();
  }

  void cancel(std::span<const call_token> tokens) {
    const std::lock_guard guard{mutex_};
    cancelled_.insert(cancelled_.end(), tokens.begin(), tokens.end());
    wake_loop();
  }

  void close() {
    {
      const std::lock_guard guard{mutex_};
      closing_ = true;
      wake_loop();
    }
    to_dial_changed_.notify_all();
    if (stop_)
      make_readable(*stop_);
    for (auto* const each : {&looper_, &connector_})
      if (each->joinable())
        each->join();
    connections_.clear();
    dialled_.clear();
    waiting_.clear();
  }

private:
  struct call {
    question asked;
    bool is_used = false;
    /// Nobody waits for it any more.
    bool is_unwanted = false;
  };
  struct connection {
    std::unique_ptr<loop_connection> of;
    std::vector<call> calls;
    std::vector<std::uint32_t> free;
    /// As epoll knows it.
    bool wants_to_write = false;
    std::uint64_t bytes_read = 0;
    /// When it last gave a byte, or got the first of the questions that it has.
    time_point progress{};

    std::size_t under_way() const noexcept { return calls.size() - free.size(); }
  };
  struct waiting_question {
    question asked;
    time_point since;
  };
  struct dial_outcome {
    std::size_t connection;
    expected<std::unique_ptr<loop_connection>> made;
  };

  /// What one connection answers.
  class answers final : public loop_answers {
  public:
    answers(loop& of, connection& from) : of_(of), from_(from) {}

    void give(std::uint32_t slot, expected<answer> outcome) override {
      auto& ended = from_.calls[slot];
      assert(ended.is_used);
      ended.is_used = false;
      of_.given_.push_back({ended.asked.token, std::move(outcome)});
      ended.asked.arguments = {};
      from_.free.push_back(slot);
    }

  private:
    loop& of_;
    connection& from_;
  };

  expected<void> check() const {
    const auto wrong = [&](std::string_view name, std::size_t is, std::size_t most) {
      return error{error_kind::argument, settings_.pool,
                   std::string{name} + " is " + std::to_string(is) + ", but must be from 1 to " + std::to_string(most)};
    };
    const auto connections = settings_.options.connections;
    if (connections < 1 || connections > connections_max)
      return wrong("connections", connections, connections_max);
    const auto permits = options_.permits_per_connection;
    if (permits < 1 || permits > permits_max)
      return wrong("permits_per_connection", permits, permits_max);
    return {};
  }

  expected<void> make_descriptors() {
    epoll_.emplace(::epoll_create1(EPOLL_CLOEXEC));
    wake_.emplace(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    stop_.emplace(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    epoll_event wakes{};
    wakes.events = EPOLLIN;
    wakes.data.u64 = woken;
    if (*epoll_ && *wake_ && *stop_ && ::epoll_ctl(epoll_->get(), EPOLL_CTL_ADD, wake_->get(), &wakes) == 0)
      return {};
    return error{error_kind::internal, settings_.pool,
                 std::string{"descriptors for its threads are not to be had: "} + std::strerror(errno)
                   + ". Raise the limit of open files"};
  }

  static void make_readable(const detail::file_descriptor& of) noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(of.get(), &one, sizeof one);
  }

  /// Under the lock.
  void wake_loop() noexcept {
    if (!std::exchange(is_awake_, true) && wake_)
      make_readable(*wake_);
  }

  expected<void> wait_until_open() {
    std::unique_lock guard{mutex_};
    const auto until = std::chrono::steady_clock::now() + options_.open_timeout;
    opened_.wait_until(guard, until, [this] { return is_open_ || (why_not_open_ && !may_pass(*why_not_open_)); });
    if (is_open_)
      return {};
    if (why_not_open_)
      return *why_not_open_;
    return error{error_kind::refused, settings_.url.shown(), "no connection within the time for opening the pool"};
  }

  // -- the connector's thread --

  void run_connector() {
    for (;;) {
      std::size_t next = 0;
      {
        std::unique_lock guard{mutex_};
        to_dial_changed_.wait(guard, [this] { return closing_ || !to_dial_.empty(); });
        if (closing_)
          return;
        next = to_dial_.front();
        to_dial_.pop_front();
      }
      dial_outcome outcome{next, dial(next)};
      const std::lock_guard guard{mutex_};
      if (outcome.made)
        is_open_ = true;
      else
        why_not_open_ = outcome.made.why();
      dialled_.push_back(std::move(outcome));
      opened_.notify_all();
      wake_loop();
    }
  }

  expected<std::unique_ptr<loop_connection>> dial(std::size_t index) {
    return caught(settings_.pool, [&]() -> expected<std::unique_ptr<loop_connection>> {
      auto made = make_(index);
      const connect_limits limits{time_point::clock::now() + options_.connect_timeout, stop_->get()};
      if (auto connected = made->connect(statements_, limits); !connected)
        return std::move(connected).why();
      return made;
    });
  }

  // -- the loop's thread --

  void run_loop() {
    std::array<epoll_event, 64> events;
    while (take_in()) {
      auto now = time_point::clock::now();
      dial_next(now);
      end_unsent(now);
      send_waiting(now);
      cut_stalled(now);
      deliver();
      const int ready
        = ::epoll_wait(epoll_->get(), events.data(), static_cast<int>(events.size()), milliseconds_to_wait(now));
      stay_awake();
      now = time_point::clock::now();
      for (int i = 0; i < ready; ++i) {
        const auto& event = events[static_cast<std::size_t>(i)];
        if (event.data.u64 == woken)
          clear_wake();
        else
          advance(static_cast<std::size_t>(event.data.u64), (event.events & ~EPOLLOUT) != 0, now);
        // Not at the turn's end: while others are read, these go on.
        deliver();
      }
    }
  }

  /// What is left from here on is found without a signal.
  void stay_awake() {
    const std::lock_guard guard{mutex_};
    is_awake_ = true;
  }

  void clear_wake() noexcept {
    std::uint64_t times = 0;
    [[maybe_unused]] const auto got = ::read(wake_->get(), &times, sizeof times);
  }

  /// Takes what others have left. False: the driver is being closed.
  bool take_in() {
    {
      const std::lock_guard guard{mutex_};
      if (closing_)
        return false;
      std::swap(taken_asked_, asked_);
      std::swap(taken_cancelled_, cancelled_);
      std::swap(taken_dialled_, dialled_);
    }
    const auto now = time_point::clock::now();
    for (auto& each : taken_dialled_)
      take_dialled(std::move(each), now);
    for (auto& each : taken_asked_)
      waiting_.push_back({std::move(each), now});
    if (!taken_cancelled_.empty())
      take_cancelled();
    taken_dialled_.clear();
    taken_asked_.clear();
    taken_cancelled_.clear();
    return true;
  }

  void take_dialled(dial_outcome outcome, time_point now) {
    if (!outcome.made) {
      gate_->failed(outcome.connection, std::move(outcome.made).why(), now);
      return;
    }
    gate_->connected(outcome.connection);
    auto& to = connections_[outcome.connection];
    to = {};
    to.of = *std::move(outcome.made);
    to.calls.resize(options_.permits_per_connection);
    for (auto slot = static_cast<std::uint32_t>(to.calls.size()); slot > 0; --slot)
      to.free.push_back(slot - 1);
    to.progress = now;
    epoll_event events{};
    events.events = EPOLLIN;
    events.data.u64 = outcome.connection;
    if (::epoll_ctl(epoll_->get(), EPOLL_CTL_ADD, to.of->fd(), &events) != 0)
      lose(outcome.connection,
           error{error_kind::connection_lost, settings_.url.shown(),
                 std::string{"the connection cannot be watched: "} + std::strerror(errno)},
           now);
  }

  void take_cancelled() {
    std::sort(taken_cancelled_.begin(), taken_cancelled_.end());
    const auto is_cancelled = [&](const question& each) {
      return std::binary_search(taken_cancelled_.begin(), taken_cancelled_.end(), each.token);
    };
    std::erase_if(waiting_, [&](const waiting_question& each) {
      if (!is_cancelled(each.asked))
        return false;
      given_.push_back({each.asked.token,
                        error{error_kind::cancelled, settings_.pool, "nobody waits for the answer any more"}});
      return true;
    });
    for (auto& each : connections_)
      for (auto& sent : each.calls)
        sent.is_unwanted = sent.is_unwanted || (sent.is_used && is_cancelled(sent.asked));
  }

  void dial_next(time_point now) {
    bool dials = false;
    while (const auto next = gate_->next_to_dial(now)) {
      const std::lock_guard guard{mutex_};
      to_dial_.push_back(*next);
      dials = true;
    }
    if (dials)
      to_dial_changed_.notify_one();
  }

  std::optional<time_point> oldest_waiting() const {
    return waiting_.empty() ? std::nullopt : std::optional{waiting_.front().since};
  }

  /// Ends what has waited for a connection for too long.
  void end_unsent(time_point now) {
    while (!waiting_.empty()) {
      const auto* const why = gate_->refuses(waiting_.front().since, now);
      if (why == nullptr)
        return;
      given_.push_back({waiting_.front().asked.token, error{error_kind::refused, why->thing(), why->message()}});
      waiting_.pop_front();
    }
  }

  void send_waiting(time_point now) {
    while (!waiting_.empty() && gate_->up() > 0) {
      const auto to = least_busy();
      if (to == connections_.size())
        return;
      // So that each has about as many.
      const auto share = (waiting_.size() + gate_->up() - 1) / gate_->up();
      start(to, std::min(share, connections_[to].free.size()), now);
    }
  }

  /// The number of connections where none has room.
  std::size_t least_busy() const {
    auto best = connections_.size();
    for (std::size_t i = 0; i < connections_.size(); ++i)
      if (connections_[i].of && !connections_[i].free.empty()
          && (best == connections_.size() || connections_[i].free.size() > connections_[best].free.size()))
        best = i;
    return best;
  }

  void start(std::size_t index, std::size_t count, time_point now) {
    auto& to = connections_[index];
    if (to.under_way() == 0)
      to.progress = now;
    starting_.clear();
    for (; starting_.size() < count && !waiting_.empty(); waiting_.pop_front()) {
      auto& next = waiting_.front().asked;
      if (next.deadline <= now) {
        given_.push_back({next.token, error{error_kind::cancelled, settings_.pool,
                                            "the deadline passed before a connection was free"}});
        continue;
      }
      if (auto wrong = fault_of(next)) {
        given_.push_back({next.token, *std::move(wrong)});
        continue;
      }
      const auto slot = to.free.back();
      to.free.pop_back();
      auto& begun = to.calls[slot];
      begun.asked = std::move(next);
      begun.is_used = true;
      begun.is_unwanted = false;
      starting_.push_back({slot, &begun.asked});
    }
    if (starting_.empty())
      return;
    answers into{*this, to};
    const auto started = caught(settings_.pool, [&]() -> expected<void> {
      to.of->start(starting_, into);
      return {};
    });
    if (started)
      advance(index, false, now);
    else
      lose(index, started.why(), now);
  }

  std::optional<error> fault_of(const question& asked) const {
    if (asked.statement.index >= statements_.size())
      return error{error_kind::rejected, settings_.pool,
                   "there is no statement " + std::to_string(asked.statement.index)};
    const auto wanted = statements_[asked.statement.index].arguments;
    if (asked.arguments.size() != wanted)
      return error{error_kind::rejected, settings_.pool,
                   "a question brings " + std::to_string(asked.arguments.size())
                     + " arguments, but its statement declares " + std::to_string(wanted)};
    return std::nullopt;
  }

  void advance(std::size_t index, bool readable, time_point now) {
    auto& of = connections_[index];
    // An event of a connection that an earlier one of this turn has ended.
    if (!of.of)
      return;
    const auto given_before = given_.size();
    answers into{*this, of};
    auto advanced = caught(settings_.pool, [&] { return of.of->advance(readable, into); });
    if (given_.size() > given_before)
      gate_->answered();
    if (!advanced) {
      lose(index, std::move(advanced).why(), now);
      return;
    }
    if (const auto bytes = of.of->bytes_read(); bytes != of.bytes_read) {
      of.bytes_read = bytes;
      of.progress = now;
    }
    if (*advanced != of.wants_to_write) {
      of.wants_to_write = *advanced;
      epoll_event events{};
      events.events = EPOLLIN | (of.wants_to_write ? EPOLLOUT : 0u);
      events.data.u64 = index;
      ::epoll_ctl(epoll_->get(), EPOLL_CTL_MOD, of.of->fd(), &events);
    }
  }

  void lose(std::size_t index, error why, time_point now) {
    auto& of = connections_[index];
    ::epoll_ctl(epoll_->get(), EPOLL_CTL_DEL, of.of->fd(), nullptr);
    for (auto& each : of.calls)
      if (each.is_used)
        given_.push_back({each.asked.token, error{error_kind::connection_lost, why.thing(), why.message()}});
    of = {};
    gate_->lost(index, std::move(why), now);
  }

  bool is_stalled(const connection& of, time_point now) const {
    if (!of.of || of.under_way() == 0 || now - of.progress < options_.stall_grace)
      return false;
    return std::any_of(of.calls.begin(), of.calls.end(), [&](const call& each) {
      return each.is_used && (each.is_unwanted || each.asked.deadline <= now);
    });
  }

  void cut_stalled(time_point now) {
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      if (!is_stalled(connections_[i], now))
        continue;
      // Where this process itself stood still, the bytes lie there.
      advance(i, true, now);
      if (is_stalled(connections_[i], now))
        lose(i,
             error{error_kind::connection_lost, settings_.url.shown(),
                   "the store has given no answer and not a byte since before a question's deadline; the connection was cut"},
             now);
    }
  }

  void deliver() {
    if (given_.empty())
      return;
    results_->receive(given_);
    given_.clear();
  }

  /// Decides whether the loop may sleep, and for how long.
  int milliseconds_to_wait(time_point now) {
    {
      const std::lock_guard guard{mutex_};
      if (closing_ || !asked_.empty() || !cancelled_.empty() || !dialled_.empty())
        return 0;
      is_awake_ = false;
    }
    auto due = gate_->next_due(oldest_waiting());
    const auto has_calls = [](const connection& each) { return each.of && each.under_way() > 0; };
    if (std::any_of(connections_.begin(), connections_.end(), has_calls))
      due = std::min(due, now + options_.stall_grace);
    if (due == time_point::max())
      return -1;
    // Rounded up: what is not due yet is not looked for.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - now).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
  }

  const driver_settings settings_;
  const event_loop_options options_;
  const loop_connection_factory make_;
  std::vector<statement_declaration> statements_;
  result_receiver* results_ = nullptr;
  std::optional<detail::file_descriptor> epoll_;
  std::optional<detail::file_descriptor> wake_;
  std::optional<detail::file_descriptor> stop_;
  std::thread connector_;
  std::thread looper_;

  std::optional<endpoint_gate> gate_;
  std::vector<connection> connections_;
  /// Not sent yet, in the order in which they were asked.
  std::deque<waiting_question> waiting_;
  /// To be delivered.
  std::vector<call_result> given_;
  std::vector<loop_call> starting_;
  std::vector<question> taken_asked_;
  std::vector<call_token> taken_cancelled_;
  std::vector<dial_outcome> taken_dialled_;

  std::mutex mutex_;
  std::condition_variable opened_;
  std::condition_variable to_dial_changed_;
  std::vector<question> asked_;
  std::vector<call_token> cancelled_;
  std::deque<std::size_t> to_dial_;
  std::vector<dial_outcome> dialled_;
  bool is_open_ = false;
  /// What the last try said.
  std::optional<error> why_not_open_;
  /// It will look at what was left here before it sleeps.
  bool is_awake_ = true;
  bool closing_ = false;
};

event_loop_driver::event_loop_driver(driver_settings settings, event_loop_options options,
                                     loop_connection_factory make)
  : loop_(std::make_unique<loop>(std::move(settings), std::move(options), std::move(make))) {}

event_loop_driver::~event_loop_driver() {
  close();
}

expected<void> event_loop_driver::open(const std::vector<statement_declaration>& statements,
                                       result_receiver& results) {
  return loop_->open(statements, results);
}

std::size_t event_loop_driver::permits() const {
  return loop_->permits();
}

std::size_t event_loop_driver::window() const {
  return 2 * loop_->permits();
}

void event_loop_driver::submit(std::span<question> questions) {
  loop_->submit(questions);
}

void event_loop_driver::cancel(std::span<const call_token> tokens) {
  loop_->cancel(tokens);
}

void event_loop_driver::close() {
  loop_->close();
}

} // namespace weir
