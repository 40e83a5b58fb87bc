// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Replies of a Redis server, read with hiredis's parser into memory that is used again. Not thread-safe.

#include "weir/error.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct redisReader;

namespace weir::detail {

struct redis_reply {
  enum class kind : std::uint8_t { nil, string, status, error, integer, list };

  kind what = kind::nil;
  std::int64_t integer = 0;
  /// Of a string, a status and an error.
  std::string text;
  std::vector<redis_reply> list;
};

class redis_replies {
public:
  /// A reply of more than `bytes_max` bytes is refused.
  explicit redis_replies(std::size_t bytes_max);
  ~redis_replies();
  redis_replies(const redis_replies&) = delete;
  redis_replies& operator=(const redis_replies&) = delete;

  void feed(std::string_view bytes);

  /// The next reply that is there as a whole, until the next call; null: it has not come yet. An error: what came is no
  /// reply, or larger than is taken; nothing can be read behind it.
  expected<redis_reply*> next();

private:
  struct reader_deleter {
    void operator()(redisReader* of) const noexcept;
  };

  const std::size_t bytes_max_;
  redis_reply root_;
  std::unique_ptr<redisReader, reader_deleter> reader_;
};

} // namespace weir::detail
