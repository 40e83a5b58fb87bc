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
  redis_replies();
  ~redis_replies();
  redis_replies(const redis_replies&) = delete;
  redis_replies& operator=(const redis_replies&) = delete;

  void feed(std::string_view bytes);

  /// The next reply that is there as a whole, until the next call; null: it has not come yet. Errors, behind which nothing
  /// can be read: what came is no reply (`connection_lost`), or it has more than `bytes_max` bytes (`rejected`).
  expected<redis_reply*> next(std::size_t bytes_max);

  /// Where the parser writes to.
  struct reading {
    redis_reply root;
    /// More cannot be in a reply that is not too large.
    std::size_t elements_max = 0;
  };

private:
  struct reader_deleter {
    void operator()(redisReader* of) const noexcept;
  };

  reading reading_;
  /// Of the reply that has not come as a whole.
  std::size_t unfinished_bytes_ = 0;
  std::unique_ptr<redisReader, reader_deleter> reader_;
};

} // namespace weir::detail
