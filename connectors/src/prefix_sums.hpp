// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The checksum of all that stands before a place in a file, while the file is read a block at a
/// time: it is known at the ends of blocks, those of the last few included. Owned by a source; one
/// thread at a time.

#include "weir/crc32c.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace weir {

class prefix_sums {
public:
  struct mark {
    std::uint64_t offset = 0;
    /// Of the bytes before `offset`.
    std::uint32_t sum = 0;
  };

  /// What is read begins behind `from`.
  void begin_at(const mark& from) { marks_.assign(1, from); }

  /// The next bytes of the file. Nobody asks for a place before `needed` any more.
  void add(std::string_view bytes, std::uint64_t needed) {
    std::size_t gone = 0;
    while (gone + 1 < marks_.size() && marks_[gone + 1].offset <= needed)
      ++gone;
    marks_.erase(marks_.begin(), marks_.begin() + static_cast<std::ptrdiff_t>(gone));
    if (marks_.size() == marks_max)
      thin_out();
    const auto& last = marks_.back();
    marks_.push_back({last.offset + bytes.size(), crc32c(bytes.data(), bytes.size(), last.sum)});
  }

  /// The last place that is known and not behind `offset`.
  mark before(std::uint64_t offset) const noexcept {
    auto found = marks_.front();
    for (const auto& each : marks_)
      if (each.offset <= offset)
        found = each;
    return found;
  }

private:
  /// More come together only in front of the end of a very long line.
  static constexpr std::size_t marks_max = 256;

  void thin_out() {
    for (std::size_t i = 0; i < marks_max / 2; ++i)
      marks_[i] = marks_[2 * i];
    marks_[marks_max / 2] = marks_.back();
    marks_.resize(marks_max / 2 + 1);
  }

  std::vector<mark> marks_{mark{}};
};

} // namespace weir
