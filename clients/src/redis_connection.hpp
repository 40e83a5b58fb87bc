// SPDX-License-Identifier: Apache-2.0
#pragma once

/// One connection to a Redis server, as event_loop_driver uses it.

#include "file_descriptor.hpp"
#include "redis_command.hpp"
#include "redis_reply.hpp"
#include "stored_json.hpp"
#include "weir/event_loop_driver.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace weir::detail {

/// Whom a connection is made to, and as whom.
struct redis_endpoint {
  /// For messages.
  std::string shown;
  std::string host;
  std::string port;
  /// Where there is no host.
  std::string socket_path;
  std::string user;
  secret password;
  unsigned database = 0;
  /// What the server says may repeat a password.
  store_url url;
};

class redis_connection final : public loop_connection {
public:
  explicit redis_connection(std::shared_ptr<const redis_endpoint> to);

  expected<void> connect(const std::vector<statement_declaration>& statements, const connect_limits& limits) override;
  int fd() const noexcept override { return socket_.get(); }
  void start(std::span<const loop_call> calls, loop_answers& answers) override;
  expected<bool> advance(bool readable, loop_answers& answers) override;
  std::uint64_t bytes_read() const noexcept override { return bytes_read_; }

private:
  /// A command that was sent and whose reply has not come.
  struct sent {
    /// Of an MGET: how many keys it has, which are the next so many of `batched_`; else 0.
    std::uint32_t keys = 0;
    loop_call call{};
  };

  // -- connecting --
  expected<void> open_socket(const connect_limits& limits);
  expected<void> say_hello(const connect_limits& limits);
  /// Sends one command and waits for its reply.
  expected<redis_reply*> exchange(const std::vector<std::string_view>& parts, const connect_limits& limits);
  expected<void> wait_for(short events, const connect_limits& limits) const;

  // -- asking --
  void send_command(const loop_call& call);
  void send_batch(std::span<const loop_call> calls);
  expected<bool> write();
  expected<void> read(loop_answers& answers);
  expected<void> take(redis_reply& reply, loop_answers& answers);
  /// Of a connection that takes no more.
  void take_what_has_come(loop_answers& answers);
  expected<answer> answer_of(redis_command& asked, redis_reply& reply);
  expected<answer> document_of(redis_command& asked, redis_reply& reply);
  redis_command& command_of(const loop_call& call) { return commands_[call.asked->statement.index]; }

  error lost(std::string message) const { return {error_kind::connection_lost, to_.shown, std::move(message)}; }
  error error_of(const redis_reply& reply) const;

  const std::shared_ptr<const redis_endpoint> endpoint_;
  const redis_endpoint& to_;
  file_descriptor socket_;
  std::vector<redis_command> commands_;
  redis_replies replies_;
  stored_json json_;
  std::string out_;
  std::size_t written_ = 0;
  /// In the order of their replies.
  std::deque<sent> under_way_;
  std::deque<loop_call> batched_;
  std::vector<char> in_;
  std::uint64_t bytes_read_ = 0;
  /// The server lets this user have no MGET.
  bool batches_ = true;
};

} // namespace weir::detail
