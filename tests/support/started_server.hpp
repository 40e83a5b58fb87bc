// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A server as a process of its own, for tests that ask a real one: started in a folder of its own, killed and started
/// again, and ended with its object, by its number. It listens on a socket in its folder, so tests can run beside each
/// other. One thread.

#include "temp_folder.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <stdexcept>
#include <string>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace weir::testing {

class started_server {
public:
  /// Runs the command line; waits until somebody listens on `socket`.
  started_server(std::vector<std::string> command, std::string socket, std::string log)
    : command_(std::move(command)), socket_(std::move(socket)), log_(std::move(log)) {
    start();
  }

  ~started_server() { kill(); }
  started_server(const started_server&) = delete;
  started_server& operator=(const started_server&) = delete;

  void start() {
    ::unlink(socket_.c_str());
    std::vector<char*> arguments;
    for (auto& each : command_)
      arguments.push_back(each.data());
    arguments.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ < 0) {
      pid_ = 0;
      throw std::runtime_error{"no process for " + command_[0]};
    }
    if (pid_ == 0) {
      // Whatever becomes of the test, it does not outlive it.
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      const int to = ::open(log_.c_str(), O_CREAT | O_APPEND | O_WRONLY, 0600);
      ::dup2(to, 1);
      ::dup2(to, 2);
      ::execvp(arguments[0], arguments.data());
      ::_exit(127);
    }
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    while (!listens()) {
      int status = 0;
      if (::waitpid(pid_, &status, WNOHANG) == pid_) {
        pid_ = 0;
        throw std::runtime_error{command_[0] + " has ended; is it installed? Its words are in " + log_};
      }
      if (std::chrono::steady_clock::now() > until)
        throw std::runtime_error{command_[0] + " does not listen on " + socket_};
      // A process elsewhere: there is no clock to move.
      std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
  }

  /// As a crash would.
  void kill() noexcept {
    if (pid_ <= 0)
      return;
    ::kill(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, 0), nullptr, 0);
  }

  void stop() noexcept {
    if (pid_ > 0)
      ::kill(pid_, SIGSTOP);
  }
  void go_on() noexcept {
    if (pid_ > 0)
      ::kill(pid_, SIGCONT);
  }

  const std::string& socket() const noexcept { return socket_; }

private:
  bool listens() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket_.c_str(), sizeof address.sun_path - 1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool connected = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    return connected;
  }

  std::vector<std::string> command_;
  std::string socket_;
  std::string log_;
  pid_t pid_ = 0;
};

/// A Redis server with nothing in it.
class redis_server {
public:
  /// Of what is not said, `requirepass` say, it has its defaults.
  explicit redis_server(const std::vector<std::string>& more = {}) : server_(command(more), socket(), folder_.path("log")) {}

  started_server& process() noexcept { return server_; }
  std::string socket() const { return folder_.path("redis.sock"); }
  std::string url() const { return "redis://" + socket(); }

private:
  std::vector<std::string> command(const std::vector<std::string>& more) const {
    std::vector<std::string> all{"redis-server", "--port", "0", "--unixsocket", socket(), "--save", "",
                                 "--appendonly", "no", "--dir", folder_.path()};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  temp_folder folder_;
  started_server server_;
};

} // namespace weir::testing
