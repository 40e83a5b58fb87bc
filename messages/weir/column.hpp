// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A growing array for what every record is put into. Does less than `std::vector`: there compilers make
/// a call of `push_back`, since its growth is too long to be inlined, and that is a tenth of what a record
/// costs. Not thread-safe; `T` must be movable without an exception.

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace weir {

template <class T>
class column {
public:
  static_assert(std::is_nothrow_move_constructible_v<T>,
                "records must be movable without an exception (noexcept), so that none is lost on its way; "
                "hold a part that is not in a std::unique_ptr");

  column() noexcept = default;
  column(const column&) = delete;
  column& operator=(const column&) = delete;
  column(column&& other) noexcept
    : begin_(std::exchange(other.begin_, nullptr)),
      end_(std::exchange(other.end_, nullptr)),
      limit_(std::exchange(other.limit_, nullptr)) {}
  column& operator=(column&& other) noexcept {
    std::swap(begin_, other.begin_);
    std::swap(end_, other.end_);
    std::swap(limit_, other.limit_);
    return *this;
  }
  ~column() {
    clear();
    std::allocator<T>{}.deallocate(begin_, capacity());
  }

  /// For how many it has memory.
  std::size_t capacity() const noexcept { return static_cast<std::size_t>(limit_ - begin_); }

  std::size_t size() const noexcept { return static_cast<std::size_t>(end_ - begin_); }
  bool empty() const noexcept { return begin_ == end_; }
  T* begin() noexcept { return begin_; }
  T* end() noexcept { return end_; }
  const T* begin() const noexcept { return begin_; }
  const T* end() const noexcept { return end_; }
  T& operator[](std::size_t i) noexcept { return begin_[i]; }
  const T& operator[](std::size_t i) const noexcept { return begin_[i]; }
  T& back() noexcept { return end_[-1]; }

  /// Keeps the memory.
  void clear() noexcept {
    std::destroy(begin_, end_);
    end_ = begin_;
  }

  /// `parts` are not of this column.
  template <class... Ts>
  [[gnu::always_inline]] T& emplace_back(Ts&&... parts) {
    if (end_ == limit_) [[unlikely]]
      grow();
    auto* made = std::construct_at(end_, std::forward<Ts>(parts)...);
    ++end_;
    return *made;
  }

  [[gnu::always_inline]] void push_back(T what) { emplace_back(std::move(what)); }

  void pop_back() noexcept { std::destroy_at(--end_); }

private:
  [[gnu::noinline]] void grow() {
    const auto more = begin_ == nullptr ? std::size_t{16} : 2 * capacity();
    auto* const to = std::allocator<T>{}.allocate(more);
    std::uninitialized_move(begin_, end_, to);
    std::destroy(begin_, end_);
    std::allocator<T>{}.deallocate(begin_, capacity());
    end_ = to + (end_ - begin_);
    begin_ = to;
    limit_ = to + more;
  }

  T* begin_ = nullptr;
  T* end_ = nullptr;
  T* limit_ = nullptr;
};

} // namespace weir
