// SPDX-License-Identifier: Apache-2.0

#include "weir/line_reader.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace weir {

line_reader::line_reader(std::size_t max_line, std::size_t block)
  : max_line_(std::clamp<std::size_t>(max_line, 1, SIZE_MAX / 4)),
    block_(std::max<std::size_t>(block, 1)),
    buffer_(std::make_unique<char[]>(2 * block_ + padding)),
    capacity_(2 * block_) {}

void line_reader::begin_at(std::uint64_t offset, std::uint64_t lines) noexcept {
  offset_ = offset;
  number_ = lines;
  started_ = offset > 0;
}

std::span<char> line_reader::room() {
  if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    searched_ -= begin_;
    begin_ = 0;
  }
  if (capacity_ - end_ < block_) {
    // Doubles up to what a line and a block need; `next` drops what goes beyond.
    const auto capacity = std::max(end_ + block_, std::min(2 * capacity_, max_line_ + 2 + block_));
    auto larger = std::make_unique<char[]>(capacity + padding);
    std::memcpy(larger.get(), buffer_.get(), end_);
    buffer_ = std::move(larger);
    capacity_ = capacity;
  }
  return {buffer_.get() + end_, capacity_ - end_};
}

void line_reader::filled(std::size_t size) noexcept {
  end_ += size;
}

std::optional<text_line> line_reader::next() {
  if (!started_ && !skip_byte_order_mark())
    return std::nullopt;
  const auto* base = buffer_.get();
  const auto* found
    = searched_ == end_
        ? nullptr
        : static_cast<const char*>(std::memchr(base + searched_, '\n', end_ - searched_));
  if (found != nullptr) {
    const auto line_end = static_cast<std::size_t>(found - base);
    return take(line_end, line_end + 1);
  }
  searched_ = end_;
  if (finished_ && end_ > begin_)
    return take(end_, end_);
  // With room for a CR: it may be half of the line's end.
  if (end_ - begin_ > max_line_ + 1) {
    const auto kept = begin_ + max_line_ + 1;
    dropped_ += end_ - kept;
    // The last byte decides whether a CR stands before the line's end.
    buffer_[kept - 1] = buffer_[end_ - 1];
    end_ = searched_ = kept;
  }
  return std::nullopt;
}

/// False while more bytes must be seen.
bool line_reader::skip_byte_order_mark() noexcept {
  constexpr std::string_view mark = "\xef\xbb\xbf";
  const std::string_view text{buffer_.get() + begin_, std::min(end_ - begin_, mark.size())};
  if (text.size() < mark.size() && mark.starts_with(text) && !finished_)
    return false;
  started_ = true;
  if (text == mark) {
    begin_ += mark.size();
    searched_ = begin_;
    offset_ = mark.size();
  }
  return true;
}

/// The line in [begin_, size), whose end reaches up to `line_end`.
text_line line_reader::take(std::size_t size, std::size_t line_end) {
  text_line line;
  line.offset = offset_;
  line.number = ++number_;
  offset_ += line_end - begin_ + dropped_;
  line.length = size - begin_ + dropped_;
  if (size > begin_ && buffer_[size - 1] == '\r')
    --line.length;
  line.text = {buffer_.get() + begin_,
               static_cast<std::size_t>(std::min<std::uint64_t>(line.length, max_line_))};
  begin_ = searched_ = line_end;
  dropped_ = 0;
  return line;
}

} // namespace weir
