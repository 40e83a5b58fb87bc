// SPDX-License-Identifier: Apache-2.0
//
// New here: back-pressure. The source could read a million records at once, the store answers one question
// after the other. The operator takes a record only when it has room, and asks for more only when it has
// taken what it asked for; so the source waits, no thread is blocked, and memory stays where it is,
// however long the input and however slow the store.

#include "weir/weir.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace {

/// A store with one thread, which answers one question after the other.
class slow_store {
public:
  using question = std::pair<std::int64_t, weir::result_future<std::int64_t>>;

  void ask(std::int64_t about, weir::result_future<std::int64_t> done) {
    const std::lock_guard guard{mutex_};
    waiting_.emplace_back(about, std::move(done));
    most_ = std::max(most_, waiting_.size());
    more_.notify_one();
  }

  /// The most questions that it ever had at once, the one that it answers not counted.
  std::size_t most() {
    const std::lock_guard guard{mutex_};
    return most_;
  }

private:
  void answer(const std::stop_token& stop) {
    std::unique_lock guard{mutex_};
    while (more_.wait(guard, stop, [&] { return !waiting_.empty(); })) {
      auto next = std::move(waiting_.front());
      waiting_.pop_front();
      guard.unlock();
      next.second.complete(next.first * next.first);
      guard.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable_any more_;
  std::deque<question> waiting_;
  std::size_t most_ = 0;
  std::jthread thread_{[this](const std::stop_token& stop) { answer(stop); }};
};

} // namespace

int main() {
  constexpr std::int64_t records = 100'000;
  slow_store store;
  std::atomic<std::int64_t> read{0};
  std::int64_t written = 0;
  std::int64_t most_on_their_way = 0;

  // Small batches, so that little is on its way between two stages: eight records a batch, and a few batches.
  weir::environment env{{.batches = {.records = 8}}};
  const auto numbers = env.from_source(weir::range_source(0, records, [&read](std::uint64_t n) {
    ++read;
    return static_cast<std::int64_t>(n);
  }));
  const auto squares = weir::async_data_stream::ordered_wait(
    numbers,
    [&store](const std::int64_t& n, weir::result_future<std::int64_t> done) {
      store.ask(n, std::move(done));
    },
    // At most 16 records in the operator, and at most 4 questions under way at once.
    {.name = "square", .timeout = std::chrono::seconds{60}, .capacity = 16, .max_concurrent_calls = 4});
  squares.sink_to([&](std::int64_t) {
    most_on_their_way = std::max(most_on_their_way, read - written);
    ++written;
  });

  const auto result = env.execute("back pressure");
  const auto bounded = [](bool holds) { return holds ? "yes" : "no"; };
  std::cout << written << " of " << records << " records written\n"
            << "never more than 4 questions at once: " << bounded(store.most() <= 4) << '\n'
            << "never more than 100 records read and not written: " << bounded(most_on_their_way <= 100)
            << '\n';
  return result.ok() ? 0 : 1;
}
