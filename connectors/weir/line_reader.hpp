// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Cuts a stream of bytes into lines, however the bytes come in. One buffer, reused; lines are looked
/// at in place. Never holds more than one line's bound and a block. Reads no file itself; one thread
/// at a time.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace weir {

/// One line of a text.
struct text_line {
  /// Without its line end (LF or CRLF). Valid until the next call of the reader; at least
  /// `line_reader::padding` bytes behind it may be read, whatever they hold.
  std::string_view text;
  /// Bytes before the line in its input.
  std::uint64_t offset = 0;
  /// From 1.
  std::uint64_t number = 0;
  /// Length in bytes without the line end; more than `text` has where the line was too long.
  std::uint64_t length = 0;

  /// The line is longer than the bound, and `text` is only its beginning.
  bool too_long() const noexcept { return length > text.size(); }
};

/// Takes blocks of bytes, gives lines.
class line_reader {
public:
  /// Readable bytes behind each line.
  static constexpr std::size_t padding = 64;

  /// `max_line`: bytes of the longest line, its line end not counted; at least 1. `block`: how many
  /// bytes `room()` offers at least; at least 1.
  line_reader(std::size_t max_line, std::size_t block);

  /// Nothing has been filled yet: the first byte that comes stands at `offset` of the input, at the
  /// beginning of a line, behind `lines` lines.
  void begin_at(std::uint64_t offset, std::uint64_t lines) noexcept;

  /// Where the next bytes go to, after `next()` has given nothing. Ends the validity of lines.
  std::span<char> room();

  /// `size` bytes were put into `room()`.
  void filled(std::size_t size) noexcept;

  /// No more bytes come: what is left is the last line, if it is not empty.
  void finish() noexcept { finished_ = true; }

  /// The next line; nothing where bytes are missing or all lines have been given. A byte order mark in
  /// front of the input is left out.
  std::optional<text_line> next();

  /// Bytes before the first one that has not been given as part of a line.
  std::uint64_t offset() const noexcept { return offset_; }

  /// Lines before that byte.
  std::uint64_t lines() const noexcept { return number_; }

private:
  bool skip_byte_order_mark() noexcept;
  text_line take(std::size_t size, std::size_t line_end);

  std::size_t max_line_;
  std::size_t block_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_;
  // [begin_, end_) has been filled and not given; [begin_, searched_) has no line end.
  std::size_t begin_ = 0;
  std::size_t searched_ = 0;
  std::size_t end_ = 0;
  // Bytes of a line that is too long that stood behind [begin_, searched_) and are gone.
  std::uint64_t dropped_ = 0;
  std::uint64_t offset_ = 0;
  std::uint64_t number_ = 0;
  bool started_ = false;
  bool finished_ = false;
};

} // namespace weir
