// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The number by which weir knows a record's key: 64 bits, the same on every machine, in every version
/// and after every restart, since checkpoints and the sharing out of keys hang on it (docs/formats.md).
/// Equal keys have equal numbers; two keys that share one, which chance makes once in 2^64, are only
/// called one after the other. Pure functions; any thread. tests/messages/key_hash_test.cpp.
///
/// Integers, enumerations, bool, strings, and pairs and tuples of such can be keys. A type of your own
/// says what it is made of with a free function `void add_key_bytes(weir::key_hasher&, const K&)` in its
/// own namespace.

#include "weir/splitmix64.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace weir {

/// A key's number.
using key_hash = std::uint64_t;

/// Takes in the parts of one key, in order.
class key_hasher {
public:
  /// Eight bytes at once.
  constexpr void add(std::uint64_t word) noexcept {
    state_ = splitmix64(state_ + splitmix64_step) ^ word;
    state_ = splitmix64(state_);
  }

  /// A text: its length, then its bytes, eight at a time, the last ones filled up with zeros.
  void add(std::string_view text) noexcept {
    add(static_cast<std::uint64_t>(text.size()));
    while (!text.empty()) {
      unsigned char bytes[8] = {};
      const auto taken = text.size() < sizeof(bytes) ? text.size() : sizeof(bytes);
      std::memcpy(bytes, text.data(), taken);
      std::uint64_t word = 0;
      for (std::size_t i = sizeof(bytes); i > 0; --i)
        word = word << 8 | bytes[i - 1];
      add(word);
      text.remove_prefix(taken);
    }
  }

  constexpr key_hash result() const noexcept { return state_; }

private:
  std::uint64_t state_ = 0;
};

namespace detail {

template <class K>
concept has_key_bytes = requires(key_hasher& to, const K& key) { add_key_bytes(to, key); };

template <class K>
void add_to_hash(key_hasher& to, const K& key) {
  if constexpr (has_key_bytes<K>)
    add_key_bytes(to, key);
  else if constexpr (std::is_enum_v<K>)
    to.add(static_cast<std::uint64_t>(static_cast<std::underlying_type_t<K>>(key)));
  else if constexpr (std::is_same_v<K, char>)
    to.add(static_cast<std::uint64_t>(static_cast<unsigned char>(key)));
  else if constexpr (std::is_integral_v<K>)
    to.add(static_cast<std::uint64_t>(key));
  else if constexpr (std::is_convertible_v<const K&, std::string_view>)
    to.add(std::string_view{key});
  else if constexpr (requires { std::tuple_size<K>::value; })
    std::apply([&](const auto&... parts) { (add_to_hash(to, parts), ...); }, key);
  else
    static_assert(has_key_bytes<K>,
                  "this type cannot be a key: give it a function "
                  "void add_key_bytes(weir::key_hasher&, const K&) in its own namespace");
}

} // namespace detail

template <class K>
key_hash hash_of_key(const K& key) {
  key_hasher all;
  detail::add_to_hash(all, key);
  return all.result();
}

/// Keys are shared out over the instances of a stage in groups, so that another number of instances
/// moves whole groups. Their number is the greatest parallelism of a stage behind `key_by`.
inline constexpr std::uint32_t key_groups = 128;

/// The group that a key belongs to, from 0 to `key_groups` - 1. As fixed as the hash.
constexpr std::uint32_t key_group(key_hash of) noexcept {
  return static_cast<std::uint32_t>(of % key_groups);
}

/// Which of `instances` (1 to `key_groups`) has the group: each has a contiguous range of them.
constexpr std::uint32_t instance_of_group(std::uint32_t group, std::uint32_t instances) noexcept {
  return group * instances / key_groups;
}

} // namespace weir
