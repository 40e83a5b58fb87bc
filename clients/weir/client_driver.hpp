// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a client pool needs of the client of a store. A driver has threads of its own, which it
/// starts in `open` and joins in `close`; it takes questions in spans, so that it can send together
/// what is ready together, and gives results in spans, from its threads or at once. The pool owns it and calls
/// `submit` and `cancel` from one thread at a time; none of them may block.

#include "weir/driver_options.hpp"
#include "weir/error.hpp"
#include "weir/question.hpp"
#include "weir/store_url.hpp"
#include "weir/time.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace weir {

/// Where a driver gives its results to. Any thread, any number at a time, also from inside `submit` and
/// `cancel`, where an answer is known at once; each token once (a second one is ignored).
class result_receiver {
public:
  virtual ~result_receiver() = default;

  /// Takes the results out of `results`.
  virtual void receive(std::span<call_result> results) = 0;
};

/// What a pool is made with.
struct client_pool_options {
  /// Connections to the store. 1 to 1,024.
  std::size_t connections = 2;
  /// Questions under way on one connection at the same time; 0: as many as is usual for the store. A driver whose
  /// connections take one after the other has no use for it.
  std::size_t permits_per_connection = 0;
  /// How long a start waits for a store that is not there yet.
  duration open_timeout = std::chrono::seconds{10};
};

/// What a driver is made from.
struct driver_settings {
  /// The pool's name, for messages.
  std::string pool;
  /// The store's address, `scheme:rest`; the scheme has chosen the driver.
  store_url url;
  client_pool_options options;
  /// What this kind of store wants to know beside that.
  driver_options more{};
  /// Empty: none, or the one in the address.
  secret password{};
};

/// A statement that questions of a pool will use.
struct statement_declaration {
  /// The statement in the store's own language; empty where the store has none.
  std::string text;
  /// How many arguments each question with it will bring.
  std::size_t arguments = 0;
  /// What this kind of store wants to know beside that.
  driver_options more{};
};

/// The client of one store.
class client_driver {
public:
  virtual ~client_driver() = default;

  /// Connects, prepares the statements, starts the threads. Errors name the store or the statement
  /// (store missing, table missing, statement wrong, wrong number of arguments) and say what to do.
  /// May block for a moment: it is called before the job starts. `results` outlives the driver.
  virtual expected<void> open(const std::vector<statement_declaration>& statements,
                              result_receiver& results)
    = 0;

  /// How many calls the store works on at the same time, at most.
  virtual std::size_t permits() const = 0;

  /// How many questions the driver wants to hold at once (running ones and those that wait for a
  /// connection); `submit` is never given more. At least `permits()`.
  virtual std::size_t window() const = 0;

  /// Takes the questions. Each is answered exactly once through the receiver, unless the driver is
  /// closed first.
  virtual void submit(std::span<question> questions) = 0;

  /// Nobody waits for these any more. What has not started is not started; each token still gets its
  /// result (of kind `cancelled` where nothing better came first), since only then its place is free.
  virtual void cancel(std::span<const call_token> tokens) = 0;

  /// Stops and joins the threads; after it returns nothing is received any more. Idempotent.
  virtual void close() = 0;
};

/// Makes a driver; connects to nothing yet. Errors: the address is wrong.
using driver_factory
  = std::function<expected<std::unique_ptr<client_driver>>(const driver_settings&)>;

} // namespace weir
