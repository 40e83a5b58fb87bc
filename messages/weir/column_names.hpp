// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The names of an answer's columns: a handle as large and as cheap as a pointer, so that each answer of a
/// statement can bring them from thread to thread without a count that all threads would write to. Equal
/// lists are one list, kept until the program ends: a driver asks for one when it prepares a statement, and
/// makes none from data. Plain values; any thread. tests/messages/column_names_test.cpp.

#include <cstddef>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace weir {

class column_names {
public:
  /// No columns.
  column_names() noexcept = default;

  /// The list with these names. Takes a lock.
  static column_names of(std::vector<std::string> names) {
    static std::mutex guards_lists;
    static std::set<std::vector<std::string>> lists;
    if (names.empty())
      return {};
    const std::lock_guard guard{guards_lists};
    return column_names{&*lists.insert(std::move(names)).first};
  }

  std::size_t size() const noexcept { return list_->size(); }
  bool empty() const noexcept { return list_->empty(); }
  const std::string& operator[](std::size_t i) const noexcept { return (*list_)[i]; }
  auto begin() const noexcept { return list_->begin(); }
  auto end() const noexcept { return list_->end(); }

  friend bool operator==(const column_names& a, const column_names& b) noexcept { return a.list_ == b.list_; }

private:
  explicit column_names(const std::vector<std::string>* list) noexcept : list_(list) {}

  static inline const std::vector<std::string> no_names_;

  const std::vector<std::string>* list_ = &no_names_;
};

} // namespace weir
