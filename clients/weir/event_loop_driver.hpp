// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The base for stores whose protocol lets many questions be under way on one connection: Redis, PostgreSQL, a protocol
/// of your own. A driver is one class, a `loop_connection`, that turns questions into bytes and bytes into answers. What
/// is the same for all lies here: connecting on a thread of its own, back-off, outages, what is ready together sent
/// together, permits, and that each question is answered once. redis_driver is the example. The pool owns the driver and
/// calls it from one thread at a time. Shown by tests/clients/event_loop_driver_test.cpp.
///
/// * One thread serves all connections of a pool (epoll, level-triggered); a second one connects, so that a host name
///   that is slow to resolve holds up nobody.
/// * Questions that are asked while no connection is up wait for one, by the rules of endpoint_gate.hpp.
/// * What a lost connection had under way ends with the kind `connection_lost` and is never sent again: the store may
///   have executed it.
/// * A connection that gives nothing, not a byte, for `stall_grace`, while a question on it is past its deadline or nobody
///   waits for it any more, is cut: it would hold its permits for ever. A question without a deadline may wait as long
///   as it takes.

#include "weir/client_driver.hpp"
#include "weir/endpoint_gate.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace weir {

/// A question that a connection is to send.
struct loop_call {
  /// By what it is answered; less than the connection's permits.
  std::uint32_t slot = 0;
  /// Stays where it is until it is answered.
  const question* asked = nullptr;
};

/// Where a connection gives its answers to, each slot once.
class loop_answers {
public:
  virtual void give(std::uint32_t slot, expected<answer> outcome) = 0;

protected:
  ~loop_answers() = default;
};

/// How long connecting may take.
struct connect_limits {
  time_point by;
  /// Becomes readable when the driver is being closed: who waits for a socket waits for this too, and gives up.
  int stop_fd = -1;
};

/// One connection. Made and connected on the connector's thread, then handed to the loop's, and destroyed on either.
class loop_connection {
public:
  virtual ~loop_connection() = default;

  /// Connects, says who it is and prepares the statements; may wait. Errors of the kinds `refused`, `connection_lost`
  /// and `overloaded` may pass; any other, as a wrong password or a wrong statement, keeps a driver from opening.
  virtual expected<void> connect(const std::vector<statement_declaration>& statements, const connect_limits& limits)
    = 0;

  /// The socket, from then on.
  virtual int fd() const noexcept = 0;

  /// Takes calls to be sent, no more than there are permits; what cannot be sent is answered at once.
  virtual void start(std::span<const loop_call> calls, loop_answers& answers) = 0;

  /// Reads what is there and sends what can be sent, without waiting. Whether it has more to send than the
  /// socket takes. An error: the connection is lost.
  virtual expected<bool> advance(bool readable, loop_answers& answers) = 0;

  /// So far. A connection that reads is alive.
  virtual std::uint64_t bytes_read() const noexcept = 0;
};

using loop_connection_factory = std::function<std::unique_ptr<loop_connection>(std::size_t index)>;

struct event_loop_options {
  /// Questions under way on one connection. 1 to 65,536.
  std::size_t permits_per_connection = 128;
  /// For one try.
  duration connect_timeout = std::chrono::seconds{5};
  /// How long `open` waits for a store that refuses connections.
  duration open_timeout = std::chrono::seconds{10};
  duration stall_grace = std::chrono::seconds{1};
  endpoint_gate::settings gate;
};

class event_loop_driver final : public client_driver {
public:
  /// Connects to nothing yet. Of `settings` the pool's name, the address and the number of connections are used.
  event_loop_driver(driver_settings settings, event_loop_options options, loop_connection_factory make);

  ~event_loop_driver() override;

  /// Starts the threads and waits for the first connection; the others follow. Errors: the first one's, at once where it
  /// cannot pass, else when `open_timeout` has. Once in a driver's life.
  expected<void> open(const std::vector<statement_declaration>& statements, result_receiver& results) override;

  /// `permits_per_connection` for each connection.
  std::size_t permits() const override;

  /// Twice as many, so that those that come next are there when the store has answered.
  std::size_t window() const override;

  void submit(std::span<question> questions) override;
  void cancel(std::span<const call_token> tokens) override;
  void close() override;

private:
  class loop;
  std::unique_ptr<loop> loop_;
};

} // namespace weir
