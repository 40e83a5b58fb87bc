// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Room for records of a type that is known at run time alone, one behind the other. Destroys those that
/// were made in it. One thread.

#include "weir/record_codec.hpp"

#include <cstddef>
#include <new>

namespace weir {

class stored_values {
public:
  explicit stored_values(const record_codec& of) noexcept : of_(of) {}
  ~stored_values() {
    clear();
    free();
  }
  stored_values(const stored_values&) = delete;
  stored_values& operator=(const stored_values&) = delete;

  /// Makes room for so many; what was there is destroyed. std::bad_alloc.
  void reserve(std::size_t values) {
    clear();
    if (values <= room_)
      return;
    free();
    memory_ = static_cast<std::byte*>(::operator new(values* of_.size, alignment()));
    room_ = values;
  }

  /// Where the next is to be made. Only where there is room.
  void* next() const noexcept { return memory_ + size_ * of_.size; }
  /// It has been made.
  void made() noexcept { ++size_; }

  /// The first of them.
  void* data() const noexcept { return memory_; }
  std::size_t size() const noexcept { return size_; }

  void clear() noexcept {
    while (size_ > 0)
      of_.destroy(memory_ + --size_ * of_.size);
  }

private:
  std::align_val_t alignment() const noexcept { return std::align_val_t{of_.alignment}; }
  void free() noexcept {
    ::operator delete(memory_, alignment());
    memory_ = nullptr;
    room_ = 0;
  }

  const record_codec& of_;
  std::byte* memory_ = nullptr;
  std::size_t room_ = 0;
  std::size_t size_ = 0;
};

} // namespace weir
