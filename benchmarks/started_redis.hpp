// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A Redis server of a run's own, which listens on a socket in a temporary folder and ends with its object.

#include <cstdint>
#include <filesystem>
#include <string>
#include <sys/types.h>

namespace bench {

class started_redis {
public:
  /// With the keys "0" to this, less 1; under x stands 2x.
  explicit started_redis(std::int64_t keys);
  ~started_redis();
  started_redis(const started_redis&) = delete;
  started_redis& operator=(const started_redis&) = delete;

  std::string socket() const;

private:
  void fill(std::int64_t keys) const;

  /// Short, as a socket's path must be.
  const std::filesystem::path folder_;
  pid_t pid_;
};

} // namespace bench
