// SPDX-License-Identifier: Apache-2.0

#include "weir/state_input.hpp"
#include "weir/state_output.hpp"

#include <algorithm>

namespace weir {

// -- state_output --

void state_output::bytes_over_blocks(const std::byte* from, std::size_t size) {
  while (size > 0) {
    if (at_ == end_) {
      finish();
      const auto room = to_.room();
      begin_ = at_ = room.data();
      end_ = at_ + room.size();
    }
    const auto now = std::min(size, room());
    std::memcpy(at_, from, now);
    at_ += now;
    from += now;
    size -= now;
  }
}

void state_output::number_over_blocks(std::uint64_t n) {
  std::byte raw[varint_bytes_max];
  bytes_over_blocks(raw, static_cast<std::size_t>(put(raw, n) - raw));
}

void state_output::finish() noexcept {
  const auto filled = static_cast<std::size_t>(at_ - begin_);
  to_.filled(filled);
  begun_ += filled;
  begin_ = at_;
}

void state_output::finish_checked() {
  finish();
  if (charged_ > memory_budget::of(begun_))
    throw state_error{
      {error_kind::argument,
       {},
       "its records take " + std::to_string(charged_) + " bytes of memory and "
         + std::to_string(begun_)
         + " bytes when they are stored; a state may take 64 MiB and eight times its "
           "stored size. Hold less in capacity, or store these records more plainly"}};
}

void state_output::stores_nothing() const {
  throw state_error{{error_kind::argument,
                     {},
                     "the elements of a container store nothing, so that their number could not be "
                     "believed; let their type store something, or store the number alone"}};
}

void state_output::too_deep() const {
  throw state_error{{error_kind::argument,
                     {},
                     "containers lie in each other " + std::to_string(depth_)
                       + " deep, more than can be stored; flatten them"}};
}

// -- state_input --

state_input::state_input(pieces from, memory_budget& budget, std::string what)
  : InputArchive(this),
    from_(std::move(from)),
    budget_(budget),
    what_(std::move(what)) {
  for (const auto& each : from_)
    size_ += each.size();
  behind_ = size_;
}

void state_input::bytes_over_pieces(std::byte* to, std::size_t size) {
  if (size > left())
    damaged("ends too soon");
  while (size > 0) {
    if (at_ == end_) {
      const auto piece = from_[next_++];
      at_ = piece.data();
      end_ = at_ + piece.size();
      behind_ -= piece.size();
    }
    const auto now = std::min(size, here());
    if (now > 0)
      std::memcpy(to, at_, now);
    at_ += now;
    to += now;
    size -= now;
  }
}

void state_input::damaged(std::string_view cause) const {
  throw state_error{
    {error_kind::damaged, what_, std::string{cause} + " at byte " + std::to_string(offset())}};
}

} // namespace weir
