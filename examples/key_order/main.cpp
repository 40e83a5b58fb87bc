// SPDX-License-Identifier: Apache-2.0
//
// New here: transformations, and order by key. Lines are parsed (`flat_map` leaves out what is none) and
// keyed by their account; the calls for one account are made one after the other, those for different
// accounts at once. So each account's balances come in order, though one account is slow.

#include "weir/weir.hpp"

#include <chrono>
#include <iostream>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

struct booking {
  std::string account;
  int amount = 0;
};

std::vector<booking> parse(const std::string& line) {
  booking of;
  std::istringstream in{line};
  if (in >> of.account >> of.amount)
    return {of};
  return {};
}

/// A bank that answers each question on a thread of its own, about "alice" later than about others. It
/// has no lock around an account: whoever books twice at once gets wrong balances.
class bank {
public:
  template <class Callback>
  void book(const booking& of, Callback then) {
    threads_.emplace_back([this, of, then = std::move(then)]() mutable {
      auto balance = read(of.account);
      if (of.account == "alice")
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
      balance += of.amount;
      write(of.account, balance);
      then(of.account + " has " + std::to_string(balance));
    });
  }

private:
  int read(const std::string& account) {
    const std::lock_guard guard{mutex_};
    return balances_[account];
  }
  void write(const std::string& account, int balance) {
    const std::lock_guard guard{mutex_};
    balances_[account] = balance;
  }

  std::mutex mutex_;
  std::map<std::string, int> balances_;
  std::vector<std::jthread> threads_;
};

} // namespace

int main() {
  bank store;
  weir::environment env;
  const auto bookings
    = env
        .from_source(weir::collection_source<std::string>{
          {"alice 100", "bob 10", "alice -30", "# a comment", "bob 5", "alice 7", "bob -8"}})
        .flat_map(parse);

  const auto balances = weir::async_data_stream::key_ordered_wait(
    bookings.key_by(&booking::account),
    [&store](const booking& of, weir::result_future<std::string> done) {
      store.book(of, [done = std::move(done)](const std::string& line) mutable { done.complete(line); });
    },
    {.name = "book", .timeout = std::chrono::seconds{10}, .capacity = 100});

  // One stream, two consumers. Only the order within an account is promised, so each has its own list.
  std::map<std::string, std::vector<std::string>> lists;
  for (const std::string account : {"alice", "bob"})
    balances.filter([account](const std::string& line) { return line.starts_with(account); })
      .sink_to([&list = lists[account]](const std::string& line) { list.push_back(line); });

  const auto result = env.execute("key order");
  if (!result.ok())
    std::cerr << result.text() << '\n';
  for (const auto& [account, lines] : lists)
    for (const auto& line : lines)
      std::cout << line << '\n';
  return result.ok() ? 0 : 1;
}
