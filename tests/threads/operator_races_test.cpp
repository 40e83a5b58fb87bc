// SPDX-License-Identifier: Apache-2.0

// An operator against the threads that complete its calls: completions of every kind from several threads,
// while timeouts pass, while retries run, while the operator is destroyed and after. The operator is run as
// an actor would be, without CAF: messages in a mailbox, and workers of whom one at a time has it. The
// user's function counts in plain numbers, so that the sanitizer for threads sees a call that is not ordered
// behind the one before it.

#include "../support/collecting_output.hpp"

#include "weir/operator_body.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

using weir::testing::collecting_output;

/// Threads that are given calls and complete them when they like.
class client_threads {
public:
  /// Does something to a call; `how` is drawn.
  using job = weir::unique_function<void(std::uint64_t how)>;

  explicit client_threads(std::size_t count) : queues_(count) {
    for (std::size_t i = 0; i < count; ++i)
      threads_.emplace_back([this, i] { run(queues_[i], i); });
  }

  ~client_threads() {
    for (auto& each : queues_) {
      const std::lock_guard guard{each.mutex};
      each.closed = true;
      each.come.notify_one();
    }
    threads_.clear();
  }

  client_threads(const client_threads&) = delete;
  client_threads& operator=(const client_threads&) = delete;

  void give(std::size_t to, job what) {
    auto& of = queues_[to % queues_.size()];
    const std::lock_guard guard{of.mutex};
    of.jobs.push_back(std::move(what));
    of.come.notify_one();
  }

private:
  struct queue {
    std::mutex mutex;
    std::condition_variable come;
    std::deque<job> jobs;
    bool closed = false;
  };

  static void run(queue& of, std::uint64_t chance) {
    std::unique_lock guard{of.mutex};
    for (;;) {
      of.come.wait(guard, [&] { return of.closed || !of.jobs.empty(); });
      if (of.jobs.empty())
        return;
      auto next = std::move(of.jobs.front());
      of.jobs.pop_front();
      guard.unlock();
      chance = chance * 6364136223846793005u + 1442695040888963407u;
      if ((chance >> 40) % 8 == 0)
        std::this_thread::sleep_for(std::chrono::microseconds{(chance >> 50) % 300});
      next(chance >> 33);
      next = nullptr;
      guard.lock();
    }
  }

  std::vector<queue> queues_;
  std::vector<std::jthread> threads_;
};

/// What a function has seen. Plain numbers: only the operator orders who writes them.
struct seen {
  std::uint64_t calls = 0;
  std::uint64_t hooks = 0;
  std::uint64_t resumed = 0;
  std::uint64_t supplied = 0;
};

/// Completes a call in one of all ways.
void complete(weir::result_future<int> done, int n, std::uint64_t how, seen& of) {
  switch (how % 8) {
    case 0:
      return done.complete(std::vector<int>{n, n});
    case 1:
      return done.complete_empty();
    case 2:
      return done.fail({"io", "store", "it said no"});
    case 3:
      return done.complete_with([n, &of]() -> weir::expected<std::vector<int>> {
        ++of.supplied;
        return std::vector<int>{n};
      });
    case 4:
      return; // It destroys the future.
    case 5:
      done.complete(n);
      return done.complete(n + 1);
    default:
      return done.complete(n);
  }
}

struct racing_function : weir::async_function<int, int> {
  racing_function(seen& to, client_threads& asks) : counts(&to), clients(&asks) {}

  void async_invoke(const int& n, weir::result_future<int> done) {
    ++counts->calls;
    give(n, std::move(done));
  }

  void timeout(const int& n, weir::result_future<int> done) {
    ++counts->hooks;
    if (n % 3 == 0)
      done.complete(-n);
    else if (n % 3 == 1)
      give(n + 1, std::move(done));
  }

  void give(int n, weir::result_future<int> done) {
    clients->give(static_cast<std::size_t>(n),
                  [n, to = counts, d = std::move(done)](std::uint64_t how) mutable {
                    complete(std::move(d), n, how, *to);
                  });
  }

  seen* counts;
  client_threads* clients;
};

struct racing_coroutine : weir::async_function<int, int> {
  racing_coroutine(seen& to, client_threads& asks) : counts(&to), clients(&asks) {}

  weir::task<int> async_invoke(const int& n) {
    ++counts->calls;
    int sum = 0;
    for (int i = 0; i < 2; ++i) {
      sum += co_await weir::await_callback<int>([&](auto then) {
        clients->give(static_cast<std::size_t>(n + i),
                      [n, t = std::move(then)](std::uint64_t how) mutable {
                        // No std::runtime_error: the sanitizer does not see how the standard library
                        // counts those who share its text.
                        if (how % 8 == 0)
                          t.fail(std::make_exception_ptr(weir::call_failed{{"io", "store", "it said no"}}));
                        else if (how % 8 != 1)
                          t(n);
                      });
      });
      ++counts->resumed;
    }
    co_return sum;
  }

  seen* counts;
  client_threads* clients;
};

constexpr int records = 2'000;
constexpr int in_a_batch = 20;
constexpr int keys = 7;

/// Looks at what leaves: all results of a record together, each record once, and in the order that the mode
/// promises.
class watched_results {
public:
  explicit watched_results(weir::output_mode mode) : mode_(mode) {}

  void take(weir::testing::collecting_output<int>& from) {
    for (const auto& each : from.elements())
      if (each.value)
        look_at(each.from.position);
    from.forget();
  }

  /// Records that gave results out of turn, or twice.
  int faults() const { return faults_; }

private:
  void look_at(std::uint64_t position) {
    if (last_ == position)
      return;
    last_ = position;
    auto& before = newest_.at(mode_ == weir::output_mode::key_ordered ? position % keys : 0);
    faults_ += seen_.at(position) || (mode_ != weir::output_mode::unordered && before && *before > position);
    seen_.at(position) = true;
    before = position;
  }

  const weir::output_mode mode_;
  std::optional<std::uint64_t> last_;
  std::vector<bool> seen_ = std::vector<bool>(records);
  std::vector<std::optional<std::uint64_t>> newest_ = std::vector<std::optional<std::uint64_t>>(keys);
  int faults_ = 0;
};

/// An operator, its mailbox, and the workers that run it.
template <class F>
class hosted_operator {
public:
  enum class message { batch, completions, tick, destroy };

  hosted_operator(F function, weir::output_mode mode) : watched_(mode) {
    weir::operator_parts parts;
    parts.options.name = "op";
    parts.options.timeout = 500us;
    parts.options.capacity = 64;
    parts.options.max_concurrent_calls = 48;
    parts.options.retry = weir::fixed_delay{2, 50us, weir::any_error()};
    parts.options.on_failure = weir::failure_action::drop;
    parts.mode = mode;
    parts.wake_up = [this] { send(message::completions); };
    using form = weir::function_form_t<F>;
    body_ = std::make_unique<weir::async_operator_body<form>>(std::move(parts),
                                                              weir::detail::form_of(std::move(function)));
    for (int i = 0; i < 2; ++i)
      workers_.emplace_back([this] { work(); });
  }

  ~hosted_operator() {
    {
      const std::lock_guard guard{mutex_};
      mailbox_.push_back(message::destroy);
      stopping_ = true;
    }
    come_.notify_all();
    workers_.clear();
  }

  hosted_operator(const hosted_operator&) = delete;
  hosted_operator& operator=(const hosted_operator&) = delete;

  void send(message what) {
    {
      const std::lock_guard guard{mutex_};
      mailbox_.push_back(what);
    }
    come_.notify_one();
  }

  void send(std::unique_ptr<weir::batch<int>> in) {
    {
      const std::lock_guard guard{mutex_};
      batches_.push_back(std::move(in));
      mailbox_.push_back(message::batch);
    }
    come_.notify_one();
  }

  bool finished() const { return finished_; }

  /// When it has finished and while nothing is sent.
  weir::machine_counts counts() {
    const std::lock_guard guard{mutex_};
    return counts_;
  }

  /// At the same time.
  int faults() {
    const std::lock_guard guard{mutex_};
    return faults_;
  }

private:
  void work() {
    std::unique_lock guard{mutex_};
    for (;;) {
      come_.wait(guard, [&] { return (stopping_ && mailbox_.empty()) || (!busy_ && !mailbox_.empty()); });
      if (mailbox_.empty())
        return;
      const auto next = mailbox_.front();
      mailbox_.pop_front();
      busy_ = true;
      while (!batches_.empty()) {
        input_.push_back(std::move(batches_.front()));
        batches_.pop_front();
      }
      guard.unlock();
      handle(next);
      guard.lock();
      busy_ = false;
      faults_ = watched_.faults();
      // Last: who sees that it has finished reads the others.
      if (body_ != nullptr) {
        counts_ = body_->counts();
        finished_ = body_->finished();
      }
      come_.notify_all();
    }
  }

  void handle(message what) {
    if (body_ == nullptr)
      return;
    if (what == message::destroy) {
      body_.reset();
      return;
    }
    const auto now = weir::time_point::clock::now();
    const weir::operator_outputs out{results_};
    if (what == message::completions)
      body_->on_completions(out, now);
    else if (what == message::tick)
      while (body_->step(out, now, now)) {}
    for (; !input_.empty(); input_.pop_front(), at_ = {}) {
      body_->take(*input_.front(), at_, out, now);
      if (!at_.at_end(*input_.front()))
        break;
    }
    watched_.take(results_);
  }

  // -- whoever has the operator --
  std::unique_ptr<weir::operator_body> body_;
  std::deque<std::unique_ptr<weir::batch<int>>> input_;
  weir::batch_cursor at_;
  collecting_output<int> results_;
  watched_results watched_;

  std::atomic<bool> finished_ = false;
  std::mutex mutex_;
  std::condition_variable come_;
  std::deque<message> mailbox_;
  std::deque<std::unique_ptr<weir::batch<int>>> batches_;
  weir::machine_counts counts_;
  int faults_ = 0;
  bool busy_ = false;
  bool stopping_ = false;
  std::vector<std::jthread> workers_;
};

template <class F>
struct race {
  using host_type = hosted_operator<F>;

  explicit race(weir::output_mode mode = weir::output_mode::unordered) {
    host.emplace(F{of, clients}, mode);
  }

  void feed(bool with_end) {
    for (int n = 0; n < records; n += in_a_batch) {
      auto in = std::make_unique<weir::batch<int>>();
      for (int i = n; i < n + in_a_batch; ++i)
        in->append(i, weir::event_time::none(), {static_cast<std::uint64_t>(i), 0, 0},
                   static_cast<weir::key_hash>(i % keys));
      if (with_end && n + in_a_batch == records)
        in->append(weir::control::end());
      host->send(std::move(in));
      host->send(host_type::message::tick);
      std::this_thread::yield();
    }
  }

  /// Until all records are through.
  void run_to_the_end() {
    feed(true);
    while (!host->finished()) {
      host->send(host_type::message::tick);
      std::this_thread::sleep_for(100us);
    }
    const auto counts = host->counts();
    const auto faults = host->faults();
    host.reset();
    BOOST_TEST(faults == 0);
    BOOST_TEST(counts.records_in == static_cast<std::uint64_t>(records));
    BOOST_TEST(counts.records_finished == static_cast<std::uint64_t>(records));
    BOOST_TEST(counts.calls == of.calls);
    BOOST_TEST(of.calls >= static_cast<std::uint64_t>(records) - counts.timeouts);
  }

  /// The operator goes while calls are under way, wherever they are.
  void destroy_while_running() {
    feed(false);
    host.reset();
    BOOST_TEST(of.calls > 0u);
  }

  seen of{};
  client_threads clients{3};
  std::optional<host_type> host;
};

constexpr int rounds = 10;
constexpr weir::output_mode modes[]
  = {weir::output_mode::unordered, weir::output_mode::ordered, weir::output_mode::key_ordered};

} // namespace

BOOST_AUTO_TEST_SUITE(operator_races)

BOOST_AUTO_TEST_CASE(completions_race_with_timeouts_and_retries_until_the_end) {
  for (const auto mode : modes)
    for (int round = 0; round < rounds; ++round)
      race<racing_function>{mode}.run_to_the_end();
}

BOOST_AUTO_TEST_CASE(completions_race_with_the_operators_end) {
  for (int round = 0; round < rounds; ++round)
    race<racing_function>{modes[round % 3]}.destroy_while_running();
}

BOOST_AUTO_TEST_CASE(coroutines_race_with_timeouts_and_retries_until_the_end) {
  for (const auto mode : modes)
    for (int round = 0; round < rounds; ++round)
      race<racing_coroutine>{mode}.run_to_the_end();
}

BOOST_AUTO_TEST_CASE(coroutines_race_with_the_operators_end) {
  for (int round = 0; round < rounds; ++round)
    race<racing_coroutine>{modes[round % 3]}.destroy_while_running();
}

BOOST_AUTO_TEST_SUITE_END()
