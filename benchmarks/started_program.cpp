// SPDX-License-Identifier: Apache-2.0
#include "started_program.hpp"

#include "measure.hpp"
#include "suite.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {

started_program start(std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (auto& each : words)
    arguments.push_back(each.data());
  arguments.push_back(nullptr);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    give_up("no pipe");
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  const auto began = clock::now();
  pid_t child = 0;
  if (::posix_spawn(&child, arguments[0], &files, nullptr, arguments.data(), environ) != 0)
    give_up(words[0] + " cannot be started");
  posix_spawn_file_actions_destroy(&files);
  ::close(ends[1]);
  started_program of;
  char bytes[4096];
  for (ssize_t got = 0; (got = ::read(ends[0], bytes, sizeof(bytes))) > 0;) {
    if (of.output.empty())
      of.first_output_ms = std::chrono::duration<double, std::milli>(clock::now() - began).count();
    of.output.append(bytes, static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  int status = 0;
  rusage used{};
  if (::wait4(child, &status, 0, &used) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    give_up(words[0] + " failed");
  of.seconds = std::chrono::duration<double>(clock::now() - began).count();
  of.cpu_seconds = cpu_seconds(used);
  of.peak_rss_mib = static_cast<double>(used.ru_maxrss) / 1024;
  return of;
}

} // namespace bench
