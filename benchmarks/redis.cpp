// SPDX-License-Identifier: Apache-2.0
#include "workloads.hpp"

#include "doubling_lookup.hpp"
#include "numbers.hpp"
#include "started_redis.hpp"

#include "weir/blocking_driver.hpp"
#include "weir/redis_driver.hpp"

#include <hiredis/hiredis.h>

#include <memory>
#include <string>
#include <utility>
#include <variant>

namespace bench {

namespace {

using namespace std::chrono_literals;

/// Keys that the store has, "0" to this; what stands under x is 2x.
constexpr number keys = 10'000;
constexpr std::size_t window = 128;

struct reply_deleter {
  void operator()(redisReply* of) const noexcept { ::freeReplyObject(of); }
};
using reply_handle = std::unique_ptr<redisReply, reply_deleter>;
using context_handle = std::unique_ptr<redisContext, void (*)(redisContext*)>;

context_handle connect(const started_redis& to) {
  context_handle made{::redisConnectUnix(to.socket().c_str()), ::redisFree};
  if (made == nullptr || made->err != 0)
    give_up("no connection to Redis");
  return made;
}

reply_handle next_reply(redisContext& of) {
  void* reply = nullptr;
  if (::redisGetReply(&of, &reply) != REDIS_OK)
    give_up("Redis gives no reply");
  return reply_handle{static_cast<redisReply*>(reply)};
}

number number_in(const char* text) {
  return std::strtoll(text, nullptr, 10);
}

void ask_for(redisContext& of, std::uint64_t x) {
  ::redisAppendCommand(&of, "GET %lld", static_cast<long long>(x % static_cast<std::uint64_t>(keys)));
}

/// What a program writes by hand with the same library: so many questions under way, in order.
outcome run_bare(std::uint64_t records) {
  const started_redis server{keys};
  const auto connection = connect(server);
  std::uint64_t asked = 0;
  number sum = 0;
  number wanted = 0;
  const auto began = clock::now();
  for (std::uint64_t done = 0; done < records; ++done) {
    for (; asked < records && asked - done < window; ++asked)
      ask_for(*connection, asked);
    sum += number_in(next_reply(*connection)->str);
    wanted += 2 * static_cast<number>(done % static_cast<std::uint64_t>(keys));
  }
  const auto took = clock::now() - began;
  if (sum != wanted)
    give_up("wrong result");
  return {took};
}

/// Asks for x among the keys, and makes 2x of the answer.
class redis_lookup : public pool_lookup {
public:
  using pool_lookup::pool_lookup;

  void async_invoke(const number& x, weir::result_future<number> done) {
    const auto key = x % keys;
    const auto deadline = done.deadline();
    client().ask(asks(), {key}, deadline,
                 [rest = 2 * (x - key), done = std::move(done)](weir::expected<weir::answer>&& got) mutable {
                   if (got)
                     done.complete(std::get<number>(got->cell(0, 0)) + rest);
                   else
                     done.fail(std::move(got).why());
                 });
  }
};

outcome run_through(const started_redis& server, std::uint64_t records, weir::pool_options pool,
                    const weir::statement_declaration& asks, std::size_t capacity) {
  const auto sum = std::make_shared<checked_sum>();
  weir::environment env;
  pool.name = "store";
  pool.url = "redis://" + server.socket();
  const auto store = env.client_pool(std::move(pool));
  async_wait(env.from_source(numbers_to(records, sum)), weir::output_mode::ordered, redis_lookup{store, asks},
             {.name = "twice", .timeout = 10s, .capacity = capacity})
    .sink_to(checking_sink{sum});
  return run_checked(env, *sum, records, weir::output_mode::ordered);
}

outcome run_pipelined(std::uint64_t records, bool batch) {
  const started_redis server{keys};
  return run_through(server, records, {.driver = &weir::redis_driver, .connections = 1},
                     {"GET {1}", 1, {{"batch", batch}}}, 4 * window);
}

/// hiredis's blocking calls, one after the other.
class blocking_redis final : public weir::blocking_connection {
public:
  explicit blocking_redis(context_handle of) : connection_(std::move(of)) {}

  weir::expected<void> open(const std::vector<weir::statement_declaration>&) override { return {}; }
  weir::expected<weir::answer> execute(weir::statement_id, std::span<const weir::value> arguments,
                                       weir::time_point) override {
    ask_for(*connection_, static_cast<std::uint64_t>(std::get<number>(arguments[0])));
    static const auto column = weir::column_names::of({""});
    weir::answer made{column, {}};
    made.cells.emplace_back(number_in(next_reply(*connection_)->str));
    return made;
  }

private:
  context_handle connection_;
};

outcome run_blocking(std::uint64_t records, std::size_t threads) {
  const started_redis server{keys};
  const auto driver = [&](const weir::driver_settings& of) -> weir::expected<std::unique_ptr<weir::client_driver>> {
    return std::unique_ptr<weir::client_driver>{std::make_unique<weir::blocking_driver>(
      of, [&](std::size_t) -> weir::expected<std::unique_ptr<weir::blocking_connection>> {
        return std::unique_ptr<weir::blocking_connection>{std::make_unique<blocking_redis>(connect(server))};
      })};
  };
  return run_through(server, records, {.driver = driver, .connections = threads}, {"", 1}, 4 * window);
}

} // namespace

std::vector<measurement> redis() {
  std::vector<measurement> all;
  all.push_back({"bare hiredis", window, 2'000'000, 200'000, [](std::uint64_t records) { return run_bare(records); }});
  for (const bool batch : {false, true})
    all.push_back({batch ? "ordered, MGET" : "ordered, GET each", 4 * window, 2'000'000, 200'000,
                   [=](std::uint64_t records) { return run_pipelined(records, batch); }});
  for (const std::size_t threads : {1u, 8u, 64u})
    all.push_back({"blocking base", 4 * window, 200'000, 20'000,
                   [=](std::uint64_t records) { return run_blocking(records, threads); },
                   {{"threads", static_cast<double>(threads)}}});
  return all;
}

} // namespace bench
