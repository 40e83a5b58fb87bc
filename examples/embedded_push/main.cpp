// SPDX-License-Identifier: Apache-2.0
//
// New here: the operator inside a service, without a source and without a sink. The service has threads of
// its own, one for each customer; they push what they want to know and go on. Results come to a callback;
// a ticket tells a thread what became of its record. Timeouts, bounds and order are those of any operator.

#include "weir/weir.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

struct order {
  std::string customer;
  std::string article;
};

struct quote {
  std::string customer;
  int price = 0;
};

/// The client of a store of prices, as one might have it already: a thread, and callbacks.
class price_client {
public:
  using callback = std::function<void(std::optional<int> price)>;

  void ask(std::string article, callback then) {
    const std::lock_guard guard{mutex_};
    asked_.emplace_back(std::move(article), std::move(then));
    more_.notify_one();
  }

private:
  void answer(const std::stop_token& stop) {
    static const std::map<std::string, int> prices{{"chair", 40}, {"lamp", 25}, {"table", 120}};
    std::unique_lock guard{mutex_};
    while (more_.wait(guard, stop, [&] { return !asked_.empty(); })) {
      const auto [article, then] = std::move(asked_.front());
      asked_.pop_front();
      guard.unlock();
      const auto found = prices.find(article);
      then(found == prices.end() ? std::nullopt : std::optional{found->second});
      guard.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable_any more_;
  std::deque<std::pair<std::string, callback>> asked_;
  std::jthread thread_{[this](const std::stop_token& stop) { answer(stop); }};
};

} // namespace

int main() {
  price_client prices;
  std::map<std::string, int> baskets;

  weir::environment env;
  const auto quotes = weir::async_service::ordered(
    env,
    [&prices](const order& asked, weir::result_future<quote> done) {
      // std::function copies what it holds, and a future cannot be copied.
      auto answer = std::make_shared<weir::result_future<quote>>(std::move(done));
      prices.ask(asked.article, [answer, customer = asked.customer](std::optional<int> price) {
        if (price)
          answer->complete({customer, *price});
        else
          answer->fail({"rejected", "price list", "no such article"});
      });
    },
    {.name = "quotes",
     .timeout = std::chrono::seconds{10},
     .on_failure = weir::failure_action::drop,
     .capacity = 16},
    // Called for one result after the other, on the operator's thread; so it needs no lock, and must not wait.
    {.on_result = [&baskets](quote&& got) { baskets[got.customer] += got.price; }});

  // From here on `quotes` takes records, from any thread. This one goes on.
  auto job = env.start("shop");

  const std::vector<std::pair<std::string, std::vector<std::string>>> customers{
    {"ann", {"chair", "chair", "table"}}, {"bob", {"lamp", "sofa"}}, {"eve", {"lamp"}}};
  std::vector<std::string> reports(customers.size());
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < customers.size(); ++i)
      threads.emplace_back([&, i] {
        const auto& [customer, articles] = customers[i];
        std::vector<weir::ticket> tickets;
        // Waits while there is no room; `try_push` says so in its place, and a coroutine awaits `pushed`.
        for (const auto& article : articles)
          tickets.push_back(quotes.push_tracked({customer, article}));
        for (std::size_t n = 0; n < articles.size(); ++n) {
          // What the callback did with the result is done when the ticket has settled.
          const auto settled = tickets[n].wait();
          reports[i] += customer + ", " + articles[n] + ": "
                        + (settled->ok() ? "delivered" : settled->why.text()) + '\n';
        }
      });
  }
  for (const auto& report : reports)
    std::cout << report;

  // The end of input: what was pushed comes out, then the job ends.
  quotes.finish();
  const auto result = job.wait();
  for (const auto& [customer, total] : baskets)
    std::cout << customer << " pays " << total << '\n';
  if (quotes.try_push({"ann", "lamp"}) == weir::push_result::closed)
    std::cout << "closed\n";
  return result.ok() ? 0 : 1;
}
