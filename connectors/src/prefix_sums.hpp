// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The checksum of all that stands before a place in a file, while the file is read a block at a
/// time: of the bytes that were read, whatever has become of the file since. Holds a copy of the last
/// block. Owned by a source; one thread at a time.

#include "weir/crc32c.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

class prefix_sums {
public:
  struct mark {
    std::uint64_t offset = 0;
    /// Of the bytes before `offset`.
    std::uint32_t sum = 0;
  };

  /// What is read begins behind `from`.
  void begin_at(const mark& from) {
    needed_ = block_begin_ = from;
    block_.clear();
  }

  /// The next bytes of the file. Until more are added, `needed` may be asked for, which could be before, and
  /// places in these bytes and at their end.
  void add(std::string_view bytes, std::uint64_t needed) {
    needed_ = {needed, at(needed)};
    // Not twice over bytes that are in it.
    const auto& from = needed >= block_begin_.offset ? needed_ : block_begin_;
    const auto rest = std::string_view{block_}.substr(from.offset - block_begin_.offset);
    block_begin_ = {from.offset + rest.size(), crc32c(rest.data(), rest.size(), from.sum)};
    block_.assign(bytes);
  }

  /// Of the bytes before `offset`.
  std::uint32_t at(std::uint64_t offset) const {
    if (offset < block_begin_.offset || offset == needed_.offset)
      return needed_.sum;
    return crc32c(block_.data(), static_cast<std::size_t>(offset - block_begin_.offset),
                  block_begin_.sum);
  }

private:
  mark needed_;
  /// Of the last block.
  mark block_begin_;
  std::string block_;
};

} // namespace weir
