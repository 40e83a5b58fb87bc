// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The base for stores whose client library blocks: as many connections as the pool has, each with a
/// thread of its own, and one queue of questions before them. A driver of your own is one class, a
/// `blocking_connection`; sqlite_driver is the example. The pool owns the driver and calls it from one
/// thread at a time; a connection is touched by its own thread alone, but for `interrupt`.
/// Shown by tests/clients/blocking_driver_test.cpp.

#include "weir/client_driver.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace weir {

/// One connection to a store. Made, opened, asked and destroyed on one thread.
class blocking_connection {
public:
  virtual ~blocking_connection() = default;

  /// Connects and prepares the statements. An error keeps the driver from opening.
  virtual expected<void> open(const std::vector<statement_declaration>& statements) = 0;

  /// Asks and waits for the answer. `statement` is one of those given to `open`, and there are as many
  /// arguments as it declares. Nobody waits for the answer past `deadline` (`time_point::max()`: none):
  /// a connection that can give up then does so, with the kind `cancelled`, and is free for others.
  /// What it throws becomes an error of kind `exception`.
  virtual expected<answer> execute(statement_id statement, std::span<const value> arguments,
                                   time_point deadline)
    = 0;

  /// Called before the first and after the last of some questions that are asked one right after the
  /// other: the place for what is better done once for all of them. Must not throw.
  virtual void begin_span() {}
  virtual void end_span() {}

  /// The driver is being closed: the call under way is to return soon, if that can be done. The one
  /// function that is called from another thread than the connection's, at any time after `open`.
  virtual void interrupt() noexcept {}
};

/// Makes connection number `index`, from 0. Called on the connection's thread, several at a time.
using blocking_connection_factory
  = std::function<expected<std::unique_ptr<blocking_connection>>(std::size_t index)>;

/// Reads the steady clock. Called from any thread, several at a time.
using clock_function = std::function<time_point()>;

/// Runs blocking connections. A question waits in one queue, in order, for the next thread that is
/// free. A thread takes several at once, so that results come in spans, but only while the store
/// answers quickly and never more than its share: with a slow store each takes one.
///
/// `cancel` ends what still waits in the queue; what a thread has taken runs on and gives its result, or
/// gives up at its deadline.
/// `close` drops what waits, interrupts what runs and waits for it.
class blocking_driver final : public client_driver {
public:
  /// Connects to nothing yet. `settings`: the pool's name and its number of connections are used.
  blocking_driver(driver_settings settings, blocking_connection_factory make,
                  clock_function now = &time_point::clock::now);

  ~blocking_driver() override;

  /// Starts a thread for each connection and waits until all are open. If some fail, all threads are
  /// joined and the error of the lowest connection is returned. Once in a driver's life.
  expected<void> open(const std::vector<statement_declaration>& statements,
                      result_receiver& results) override;

  /// The number of connections.
  std::size_t permits() const override;

  /// 256 for each connection.
  std::size_t window() const override;

  void submit(std::span<question> questions) override;
  void cancel(std::span<const call_token> tokens) override;
  void close() override;

private:
  class workers;
  std::unique_ptr<workers> workers_;
};

} // namespace weir
