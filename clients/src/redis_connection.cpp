// SPDX-License-Identifier: Apache-2.0

#include "redis_connection.hpp"

#include "utf8.hpp"

#include "weir/json_writer.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <utility>

namespace weir::detail {

namespace {

/// Above it an answer is refused: the operator would have to hold it, and so would what comes behind.
constexpr std::size_t answer_bytes_max = std::size_t{16} << 20;
constexpr std::size_t batch_max = 128;
constexpr std::size_t read_size = std::size_t{64} << 10;
/// What has gone out is taken off the front of the buffer when it is so much.
constexpr std::size_t written_max = std::size_t{256} << 10;

/// How a server says that it may answer later.
constexpr const char* busy_words[] = {"LOADING", "BUSY", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN", "OOM", "NOREPLICAS"};

std::string_view first_word(std::string_view text) {
  return text.substr(0, text.find(' '));
}

std::string system_text(int number) {
  char room[128];
  return ::strerror_r(number, room, sizeof room);
}

/// A reply as JSON; in pairs, an object. False: some text is not UTF-8.
bool append_reply(std::string& out, const redis_reply& of, bool in_pairs) {
  switch (of.what) {
    case redis_reply::kind::nil:
      out += "null";
      return true;
    case redis_reply::kind::integer:
      out += std::to_string(of.integer);
      return true;
    case redis_reply::kind::list:
      break;
    default:
      if (!is_utf8(of.text))
        return false;
      append_json_string(out, of.text);
      return true;
  }
  out += in_pairs ? '{' : '[';
  for (std::size_t i = 0; i < of.list.size(); ++i) {
    if (i > 0)
      out += in_pairs && i % 2 == 1 ? ':' : ',';
    if (!append_reply(out, of.list[i], false))
      return false;
  }
  out += in_pairs ? '}' : ']';
  return true;
}

void set_options(int fd) {
  const int yes = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
  // An idle connection that a firewall has forgotten is found within a minute, not two hours.
  const int idle_s = 30, between_s = 10, probes = 3;
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &between_s, sizeof between_s);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
  const unsigned unacknowledged_ms = 30'000;
  ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms, sizeof unacknowledged_ms);
}

} // namespace

redis_connection::redis_connection(std::shared_ptr<const redis_endpoint> to)
  : endpoint_(std::move(to)),
    to_(*endpoint_),
    in_(read_size) {}

// -- connecting --

expected<void> redis_connection::connect(const std::vector<statement_declaration>& statements,
                                         const connect_limits& limits) {
  for (const auto& each : statements) {
    auto parsed = redis_command::parse(each);
    if (!parsed)
      return error{error_kind::argument, to_.shown, "\"" + each.text + "\" " + parsed.why().message()};
    commands_.push_back(*std::move(parsed));
  }
  if (auto opened = open_socket(limits); !opened)
    return opened;
  return say_hello(limits);
}

expected<void> redis_connection::open_socket(const connect_limits& limits) {
  const auto try_one = [&](int family, const sockaddr* address, socklen_t size,
                           const connect_limits& share) -> expected<void> {
    socket_ = file_descriptor{::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!socket_)
      return error{error_kind::refused, to_.shown, "there is no socket: " + system_text(errno)
                                                     + ". Raise the limit of open files"};
    if (::connect(socket_.get(), address, size) != 0) {
      // A socket file whose server has its line full says so.
      if (errno != EINPROGRESS)
        return error{error_kind::refused, to_.shown, "cannot be connected to: " + system_text(errno)};
      if (auto waited = wait_for(POLLOUT, share); !waited)
        return waited;
      int failed = 0;
      socklen_t length = sizeof failed;
      ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &failed, &length);
      if (failed != 0)
        return error{error_kind::refused, to_.shown, "cannot be connected to: " + system_text(failed)};
    }
    return {};
  };
  if (to_.host.empty()) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (to_.socket_path.size() >= sizeof address.sun_path)
      return error{error_kind::argument, to_.shown, "the socket's path is too long: a path may have "
                                                      + std::to_string(sizeof address.sun_path - 1) + " bytes"};
    std::copy(to_.socket_path.begin(), to_.socket_path.end(), address.sun_path);
    return try_one(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address, limits);
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(to_.host.c_str(), to_.port.c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> at_the_end{found, [](addrinfo* of) {
                                                                    if (of != nullptr)
                                                                      ::freeaddrinfo(of);
                                                                  }};
  if (code != 0)
    return error{error_kind::refused, to_.shown, "the host's name cannot be resolved: " + std::string{::gai_strerror(code)}};
  expected<void> last = error{error_kind::refused, to_.shown, "the host has no address"};
  int addresses = 0;
  for (const auto* each = found; each != nullptr; each = each->ai_next)
    ++addresses;
  for (const auto* each = found; each != nullptr; each = each->ai_next) {
    // One that swallows what is sent to it leaves the others their time.
    const auto now = time_point::clock::now();
    const connect_limits share{now + (limits.by - now) / addresses--, limits.stop_fd};
    last = try_one(each->ai_family, each->ai_addr, each->ai_addrlen, share);
    if (last) {
      set_options(socket_.get());
      return last;
    }
  }
  return last;
}

expected<void> redis_connection::say_hello(const connect_limits& limits) {
  const auto refuse = [&](const redis_reply& reply, const std::string& command) -> error {
    auto why = error_of(reply);
    // A server that has no room for one more connection may have it later.
    const bool passes = why.is(error_kind::overloaded) || why.message().starts_with("ERR max number of clients");
    const auto kind = passes ? error_kind::overloaded : error_kind::rejected;
    return {kind, to_.shown, command + " is refused: " + why.message()};
  };
  if (!to_.password.empty() || !to_.user.empty()) {
    std::vector<std::string_view> parts{"AUTH"};
    if (!to_.user.empty())
      parts.push_back(to_.user);
    parts.push_back(to_.password.reveal());
    auto said = exchange(parts, limits);
    if (!said)
      return std::move(said).why();
    if ((*said)->what == redis_reply::kind::error)
      return refuse(**said, "AUTH");
  }
  if (to_.database != 0) {
    const auto number = std::to_string(to_.database);
    auto said = exchange({"SELECT", number}, limits);
    if (!said)
      return std::move(said).why();
    if ((*said)->what == redis_reply::kind::error)
      return refuse(**said, "SELECT " + number);
  }
  // Finds out whether a password is missing, and whether the server is ready.
  auto said = exchange({"PING"}, limits);
  if (!said)
    return std::move(said).why();
  if ((*said)->what == redis_reply::kind::error && first_word((*said)->text) != "NOPERM")
    return refuse(**said, "PING");
  return {};
}

expected<redis_reply*> redis_connection::exchange(const std::vector<std::string_view>& parts,
                                                  const connect_limits& limits) {
  append_command(out_, parts.size());
  for (const auto each : parts)
    append_bulk(out_, each);
  for (;;) {
    auto more = write();
    if (!more)
      return std::move(more).why();
    if (!*more)
      break;
    if (auto waited = wait_for(POLLOUT, limits); !waited)
      return std::move(waited).why();
  }
  for (;;) {
    auto reply = replies_.next(answer_bytes_max);
    if (!reply || *reply != nullptr)
      return reply;
    if (auto waited = wait_for(POLLIN, limits); !waited)
      return std::move(waited).why();
    const auto got = ::recv(socket_.get(), in_.data(), in_.size(), 0);
    if (got > 0)
      replies_.feed({in_.data(), static_cast<std::size_t>(got)});
    else if (got == 0)
      return lost("the server has closed the connection while it was made");
    else if (errno != EAGAIN && errno != EINTR)
      return lost("the connection broke while it was made: " + system_text(errno));
  }
}

expected<void> redis_connection::wait_for(short events, const connect_limits& limits) const {
  pollfd watched[2] = {{socket_.get(), events, 0}, {limits.stop_fd, POLLIN, 0}};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(limits.by - time_point::clock::now()).count();
    if (left <= 0)
      return error{error_kind::refused, to_.shown, "did not answer within the time for connecting"};
    const int ready = ::poll(watched, 2, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    if (watched[1].revents != 0)
      return error{error_kind::cancelled, to_.shown, "the pool is being closed"};
    if (ready > 0)
      return {};
  }
}

// -- asking --

void redis_connection::start(std::span<const loop_call> calls, loop_answers&) {
  while (!calls.empty()) {
    const auto statement = calls.front().asked->statement;
    const auto end = std::find_if(calls.begin(), calls.end(),
                                  [&](const loop_call& each) { return each.asked->statement != statement; });
    auto same = calls.first(static_cast<std::size_t>(end - calls.begin()));
    calls = calls.subspan(same.size());
    if (batches_ && commands_[statement.index].may_be_batched())
      for (; same.size() > 1; same = same.subspan(std::min(batch_max, same.size())))
        send_batch(same.first(std::min(batch_max, same.size())));
    for (const auto& each : same)
      send_command(each);
  }
}

void redis_connection::send_command(const loop_call& call) {
  command_of(call).append(out_, call.asked->arguments);
  under_way_.push_back({0, call});
}

void redis_connection::send_batch(std::span<const loop_call> calls) {
  append_command(out_, calls.size() + 1);
  append_bulk(out_, "MGET");
  for (const auto& each : calls) {
    command_of(each).append_key(out_, each.asked->arguments);
    batched_.push_back(each);
  }
  under_way_.push_back({static_cast<std::uint32_t>(calls.size()), {}});
}

expected<bool> redis_connection::advance(bool readable, loop_answers& answers) {
  if (readable)
    if (auto done = read(answers); !done)
      return std::move(done).why();
  auto more = write();
  if (!more)
    take_what_has_come(answers);
  return more;
}

void redis_connection::take_what_has_come(loop_answers& answers) {
  for (auto before = bytes_read_; read(answers) && bytes_read_ > before;)
    before = bytes_read_;
}

expected<bool> redis_connection::write() {
  while (written_ < out_.size()) {
    const auto sent_now = ::send(socket_.get(), out_.data() + written_, out_.size() - written_, MSG_NOSIGNAL);
    if (sent_now >= 0)
      written_ += static_cast<std::size_t>(sent_now);
    else if (errno == EAGAIN)
      break;
    else if (errno != EINTR)
      return lost("the connection was lost: " + system_text(errno));
  }
  if (written_ == out_.size()) {
    out_.clear();
    written_ = 0;
  } else if (written_ >= written_max) {
    out_.erase(0, written_);
    written_ = 0;
  }
  return written_ < out_.size();
}

expected<void> redis_connection::read(loop_answers& answers) {
  const auto got = ::recv(socket_.get(), in_.data(), in_.size(), 0);
  if (got == 0)
    return lost("the server has closed the connection");
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR)
      return {};
    return lost("the connection was lost: " + system_text(errno));
  }
  bytes_read_ += static_cast<std::uint64_t>(got);
  replies_.feed({in_.data(), static_cast<std::size_t>(got)});
  for (;;) {
    // Of an MGET each value may be as large as of a GET.
    const auto keys = under_way_.empty() ? 0 : under_way_.front().keys;
    auto reply = replies_.next(answer_bytes_max * std::max<std::size_t>(keys, 1));
    if (!reply) {
      // The others go with the connection; this one would break the next.
      if (reply.why().is(error_kind::rejected) && !under_way_.empty() && keys == 0) {
        answers.give(under_way_.front().call.slot, error{error_kind::rejected, to_.shown, reply.why().message()});
        under_way_.pop_front();
      }
      return lost(reply.why().message());
    }
    if (*reply == nullptr)
      return {};
    if (auto taken = take(**reply, answers); !taken)
      return taken;
  }
}

expected<void> redis_connection::take(redis_reply& reply, loop_answers& answers) {
  if (under_way_.empty())
    return lost("the server sent a reply that nobody asked for");
  const auto of = under_way_.front();
  under_way_.pop_front();
  if (of.keys == 0) {
    answers.give(of.call.slot, answer_of(command_of(of.call), reply));
    return {};
  }
  const bool is_list = reply.what == redis_reply::kind::list;
  if (is_list && reply.list.size() != of.keys)
    return lost("the server answered MGET with " + std::to_string(reply.list.size()) + " values for "
                + std::to_string(of.keys) + " keys");
  // One that may have GET alone, or a cluster that wants each key at its place.
  if (!is_list)
    batches_ = batches_ && first_word(reply.text) != "NOPERM" && first_word(reply.text) != "CROSSSLOT";
  for (std::uint32_t i = 0; i < of.keys; ++i) {
    const auto call = batched_.front();
    batched_.pop_front();
    // MGET finds no key of another type, and GET says that it is one: outcomes do not hang on what was ready together.
    if (!is_list || reply.list[i].what == redis_reply::kind::nil)
      send_command(call);
    else
      answers.give(call.slot, answer_of(command_of(call), reply.list[i]));
  }
  return {};
}

expected<answer> redis_connection::answer_of(redis_command& asked, redis_reply& reply) {
  static const auto document = column_names::of({""});
  switch (reply.what) {
    case redis_reply::kind::error:
      return error_of(reply);
    case redis_reply::kind::nil:
      return answer{document, {}};
    case redis_reply::kind::list:
      break;
    default:
      return document_of(asked, reply);
  }
  if (asked.form() == redis_command::reply_form::fields && reply.list.size() == asked.columns().size()) {
    answer found{asked.columns(), {}};
    const auto is_nil = [](const redis_reply& each) { return each.what == redis_reply::kind::nil; };
    if (std::all_of(reply.list.begin(), reply.list.end(), is_nil))
      return found;
    for (auto& each : reply.list) {
      if (is_nil(each)) {
        found.cells.emplace_back();
        continue;
      }
      auto cell = document_of(asked, each);
      if (!cell)
        return cell;
      found.cells.emplace_back(std::move(cell->cells[0]));
    }
    return found;
  }
  if (asked.form() == redis_command::reply_form::pairs && reply.list.empty())
    return answer{document, {}};
  return document_of(asked, reply);
}

expected<answer> redis_connection::document_of(redis_command& asked, redis_reply& reply) {
  static const auto document = column_names::of({""});
  answer found{document, {}};
  const auto not_utf8 = [&] { return error{error_kind::rejected, to_.shown, "a value is not UTF-8"}; };
  if (reply.what == redis_reply::kind::integer) {
    found.cells.emplace_back(reply.integer);
  } else if (reply.what == redis_reply::kind::status) {
    found.cells.emplace_back(std::move(reply.text));
  } else if (reply.what == redis_reply::kind::string) {
    if (!asked.holds_json()) {
      if (!is_utf8(reply.text))
        return not_utf8();
      found.cells.emplace_back(std::move(reply.text));
      return found;
    }
    value cell;
    if (const auto wrong = json_.read_document(reply.text, cell); !wrong.empty())
      return error{error_kind::rejected, to_.shown,
                   "a value " + wrong + "; a lookup of values that are no JSON has value = \"text\""};
    found.cells.emplace_back(std::move(cell));
  } else {
    raw_json list;
    if (!append_reply(list.text, reply, asked.form() == redis_command::reply_form::pairs))
      return not_utf8();
    found.cells.emplace_back(std::move(list));
  }
  return found;
}

error redis_connection::error_of(const redis_reply& reply) const {
  const auto word = first_word(reply.text);
  const bool is_busy = std::find(std::begin(busy_words), std::end(busy_words), word) != std::end(busy_words);
  // It may repeat what it was sent.
  constexpr std::size_t length_max = 300;
  auto message = to_.password.hidden_in(to_.url.hidden_in(reply.text)).substr(0, length_max);
  if (word == "MOVED" || word == "ASK")
    message += " (it is part of a cluster, which weir does not follow; ask a proxy in front of it)";
  return {is_busy ? error_kind::overloaded : error_kind::rejected, to_.shown, std::move(message)};
}

} // namespace weir::detail
