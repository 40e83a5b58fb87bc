// SPDX-License-Identifier: Apache-2.0

// Types that can be stored, and where REFUSED is defined types that cannot: see support/refused_test.sh.

#include "weir/stored.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>

struct fine {
  std::string text;

  template <class Archive>
  void serialize(Archive& archive, std::uint32_t) {
    archive(text);
  }
};

struct versioned_part {
  int x = 0;

  template <class Archive>
  void serialize(Archive& archive, std::uint32_t) {
    archive(x);
  }
};

enum open_values { one, two };

struct unordered_key {
  int x = 0;
  bool operator==(const unordered_key&) const = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(x);
  }
};

template <>
struct std::hash<unordered_key> {
  std::size_t operator()(const unordered_key& key) const { return static_cast<std::size_t>(key.x); }
};

struct silent {
  int x = 0;
};

template <class T>
struct holding {
  T member{};

  template <class Archive>
  void serialize(Archive& archive, std::uint32_t) {
    archive(member);
  }
};

struct needs_argument {
  explicit needs_argument(int x) : member(x) {}
  int member;

  template <class Archive>
  void serialize(Archive& archive, std::uint32_t) {
    archive(member);
  }
};

struct never_changes {
  int member = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(member);
  }
};

struct aged : never_changes {};

#ifdef REFUSED
// refused: must hold no pointers
WEIR_STORED(holding<std::unique_ptr<int>>, 1)
// refused: must hold no pointers
WEIR_STORED(holding<std::shared_ptr<int>>, 1)
// refused: must hold no pointers
WEIR_STORED(holding<int*>, 1)
// refused: give the enumeration an underlying type
WEIR_STORED(holding<open_values>, 1)
// refused: write WEIR_STORED(type, version) behind the type
WEIR_STORED(holding<versioned_part>, 1)
// refused: give the key an operator<
WEIR_STORED(holding<std::unordered_set<unordered_key>>, 1)
// refused: a steady clock means nothing in another process
WEIR_STORED(holding<std::chrono::steady_clock::time_point>, 1)
// refused: could not find any output serialization functions
WEIR_STORED(holding<silent>, 1)
// refused: needs a default constructor
WEIR_STORED(needs_argument, 1)
// refused: must take the version
WEIR_STORED_SINCE(never_changes, 2, 1)
// refused: the oldest one that is read is not newer than the one written
WEIR_STORED_SINCE(aged, 1, 2)
// refused: use double
WEIR_STORED(holding<long double>, 1)
#else
WEIR_STORED(fine, 1)
WEIR_STORED(versioned_part, 1)
WEIR_STORED(holding<versioned_part>, 1)
#endif
