// SPDX-License-Identifier: Apache-2.0
#include "command_fixture.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <stdexcept>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace weir::tool::testing {

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr auto patience = 60s;

struct pipe_ends {
  pipe_ends() {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0)
      throw std::runtime_error{"no pipe"};
    read = fds[0];
    write = fds[1];
  }
  int read;
  int write;
};

/// In milliseconds, for poll(2).
int left_until(clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - clock::now());
  return static_cast<int>(std::max(left, 0ms).count());
}

void close_fd(int& fd) {
  if (fd >= 0)
    ::close(fd);
  fd = -1;
}

} // namespace

running_command::running_command(const std::string& folder,
                                 const std::vector<std::string>& arguments,
                                 const std::string& out, const std::function<void()>& in_child) {
  // A command that has gone must not take the test with it.
  std::signal(SIGPIPE, SIG_IGN);
  // By its descriptor: `in_child` may take away the rights to go through its folders.
  int command = ::open(WEIR_COMMAND, O_PATH | O_CLOEXEC);
  const pipe_ends in;
  const pipe_ends to_out;
  const pipe_ends err;
  std::vector<char*> argv{const_cast<char*>("weir")};
  for (const auto& each : arguments)
    argv.push_back(const_cast<char*>(each.c_str()));
  argv.push_back(nullptr);
  process_ = ::fork();
  if (process_ == 0) {
    // However this program was started: a shell lets what runs in its background ignore SIGINT.
    for (const int each : {SIGPIPE, SIGINT, SIGQUIT, SIGTERM})
      std::signal(each, SIG_DFL);
    ::dup2(in.read, 0);
    ::dup2(out.empty() ? to_out.write : ::open(out.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666), 1);
    ::dup2(err.write, 2);
    if (in_child)
      in_child();
    if (::chdir(folder.c_str()) == 0)
      ::fexecve(command, argv.data(), environ);
    ::_exit(127);
  }
  close_fd(command);
  ::close(in.read);
  ::close(to_out.write);
  ::close(err.write);
  in_fd_ = in.write;
  out_fd_ = to_out.read;
  err_fd_ = err.read;
  if (process_ < 0)
    throw std::runtime_error{"cannot fork"};
}

running_command::~running_command() {
  if (process_ > 0) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  for (auto* fd : {&in_fd_, &out_fd_, &err_fd_})
    close_fd(*fd);
}

void running_command::feed(std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(in_fd_, text.data(), text.size());
    if (written < 0)
      return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void running_command::end_input() {
  close_fd(in_fd_);
}

void running_command::close_out() {
  close_fd(out_fd_);
}

void running_command::signal(int number) const {
  ::kill(process_, number);
}

bool running_command::has_pending(int signal) const {
  std::ifstream status{"/proc/" + std::to_string(process_) + "/status"};
  std::string line;
  while (std::getline(status, line))
    if (line.starts_with("ShdPnd:"))
      return (std::stoull(line.substr(7), nullptr, 16) >> (signal - 1) & 1) != 0;
  return false;
}

bool running_command::ends_within(std::chrono::milliseconds time) {
  const auto deadline = clock::now() + time;
  while (!has_ended()) {
    const std::chrono::milliseconds left{left_until(deadline)};
    if (left == 0ms)
      return false;
    if (!read_some(clock::now() + patience, left))
      ::poll(nullptr, 0, 1);
  }
  return true;
}

finished_command running_command::finish() {
  end_input();
  const auto deadline = clock::now() + patience;
  while (read_some(deadline)) {
  }
  const int code = wait_for_end(deadline);
  return {code, out_, err_};
}

int running_command::finish_unread() {
  return wait_for_end(clock::now() + patience);
}

int running_command::wait_for_end(clock::time_point deadline) {
  auto process = static_cast<int>(::syscall(SYS_pidfd_open, process_, 0));
  pollfd look{process, POLLIN, 0};
  const int ended = ::poll(&look, 1, left_until(deadline));
  close_fd(process);
  if (ended <= 0)
    throw std::runtime_error{"the command does not end; it wrote: " + out_ + err_};
  int status = 0;
  ::waitpid(std::exchange(process_, -1), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void running_command::read_until(const std::string& what, std::string_view text) {
  const auto deadline = clock::now() + patience;
  while (what.find(text) == what.npos)
    if (!read_some(deadline))
      throw std::runtime_error{"the command ended before it wrote \"" + std::string{text}
                               + "\"; it wrote: " + out_ + err_};
}

void running_command::wait_until(const std::function<bool()>& holds) {
  const auto deadline = clock::now() + patience;
  while (!holds()) {
    if (read_some(deadline, 1ms))
      continue;
    if (has_ended() || left_until(deadline) == 0)
      throw std::runtime_error{"the command ended too early; it wrote: " + out_ + err_};
    ::poll(nullptr, 0, 1);
  }
}

bool running_command::has_ended() const {
  siginfo_t end{};
  return ::waitid(P_PID, static_cast<id_t>(process_), &end, WEXITED | WNOHANG | WNOWAIT) != 0
         || end.si_pid != 0;
}

/// Reads what is there or comes within `at_most`; false where both streams have ended.
bool running_command::read_some(clock::time_point deadline, std::chrono::milliseconds at_most) {
  std::array<pollfd, 2> fds{pollfd{out_fd_, POLLIN, 0}, pollfd{err_fd_, POLLIN, 0}};
  if (out_fd_ < 0 && err_fd_ < 0)
    return false;
  const int left_ms = left_until(deadline);
  if (left_ms == 0)
    throw std::runtime_error{"the command does not go on; it wrote: " + out_ + err_};
  if (::poll(fds.data(), fds.size(), std::min(left_ms, static_cast<int>(at_most.count()))) <= 0)
    return true;
  const auto read = [](const pollfd& from, int& fd, std::string& to) {
    if (fd < 0 || from.revents == 0)
      return;
    std::array<char, 65536> block;
    const auto size = ::read(fd, block.data(), block.size());
    if (size > 0)
      to.append(block.data(), static_cast<std::size_t>(size));
    else
      close_fd(fd);
  };
  read(fds[0], out_fd_, out_);
  read(fds[1], err_fd_, err_);
  return true;
}

command_fixture::command_fixture() {
  sqlite3* db = nullptr;
  const bool made = sqlite3_open(folder.path("store.db").c_str(), &db) == SQLITE_OK
                    && sqlite3_exec(db,
                                    "create table t (k text primary key, v integer);"
                                    "insert into t values ('a', 1), ('b', 2), ('c', 3)",
                                    nullptr, nullptr, nullptr)
                         == SQLITE_OK;
  sqlite3_close(db);
  if (!made)
    throw std::runtime_error{"cannot make the store"};
  job();
}

void command_fixture::job(const std::string& lookup, const std::string& source,
                          const std::string& rest) {
  folder.write("job.toml", "[job]\n"
                           "name = \"test\"\n"
                           "[source]\n"
                           "type = \"ndjson\"\n"
                           "path = \"-\"\n"
                             + source
                             + "\n[pool.p]\n"
                               "url = \"sqlite:store.db\"\n"
                               "[[lookup]]\n"
                               "name = \"values\"\n"
                               "pool = \"p\"\n"
                               "query = \"select v from t where k = ?\"\n"
                               "key = [\"k\"]\n"
                               "into = \"found\"\n"
                               "mode = \"ordered\"\n"
                               "timeout = \"1h\"\n"
                             + lookup
                             + "\n[sink]\n"
                               "type = \"ndjson\"\n"
                               "path = \"-\"\n"
                             + rest);
}

std::string command_fixture::records(const std::vector<std::string>& keys) {
  std::string all;
  for (const auto& each : keys)
    all += "{\"k\":\"" + each + "\"}\n";
  return all;
}

finished_command command_fixture::run(std::vector<std::string> arguments, const std::string& input,
                                      const std::string& out,
                                      const std::function<void()>& in_child) const {
  arguments.insert(arguments.begin(), {"run", "job.toml"});
  running_command command{folder.path(), arguments, out, in_child};
  command.feed(input);
  return command.finish();
}

finished_command command_fixture::weir(const std::vector<std::string>& arguments) const {
  return running_command{folder.path(), arguments}.finish();
}

std::uintmax_t command_fixture::size(const std::string& name) const {
  std::error_code none;
  const auto bytes = std::filesystem::file_size(folder.path(name), none);
  return none ? 0 : bytes;
}

std::string command_fixture::output() const {
  std::string all;
  for (const auto& name : folder.names("out"))
    all += folder.read("out/" + name);
  return all;
}

} // namespace weir::tool::testing
