// SPDX-License-Identifier: Apache-2.0
#include "started_redis.hpp"

#include "suite.hpp"

#include <hiredis/hiredis.h>

#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <memory>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace bench {

started_redis::started_redis(std::int64_t keys)
  : folder_(std::filesystem::temp_directory_path() / ("weir-bench-" + std::to_string(::getpid()))) {
  std::filesystem::create_directories(folder_);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int nothing = ::open("/dev/null", O_WRONLY);
    ::dup2(nothing, 1);
    const auto path = socket();
    ::execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", path.c_str(), "--save", "", "--appendonly",
             "no", nullptr);
    ::_exit(127);
  }
  fill(keys);
}

started_redis::~started_redis() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string started_redis::socket() const {
  return (folder_ / "redis.sock").string();
}

void started_redis::fill(std::int64_t keys) const {
  using context_handle = std::unique_ptr<redisContext, void (*)(redisContext*)>;
  context_handle connection{nullptr, ::redisFree};
  for (int tries = 0; connection == nullptr || connection->err != 0; ++tries) {
    if (tries == 1'000 || ::waitpid(pid_, nullptr, WNOHANG) != 0)
      give_up("redis-server does not start; is it installed?");
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
    connection.reset(::redisConnectUnix(socket().c_str()));
  }
  for (std::int64_t x = 0; x < keys; ++x)
    ::redisAppendCommand(connection.get(), "SET %lld %lld", static_cast<long long>(x), static_cast<long long>(2 * x));
  for (std::int64_t x = 0; x < keys; ++x) {
    void* reply = nullptr;
    if (::redisGetReply(connection.get(), &reply) != REDIS_OK)
      give_up("Redis takes no keys");
    ::freeReplyObject(reply);
  }
}

} // namespace bench
