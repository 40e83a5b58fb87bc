// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How the standard library's types are stored. Cereal's own functions for them believe a stored
/// size and allocate it at once; these are found instead of those, whether Cereal's headers for the
/// types are included or not. Included by weir/stored.hpp.
/// tests/serialization/stored_containers_test.cpp.

#include "weir/state_input.hpp"
#include "weir/state_output.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

namespace weir {

namespace detail {

/// A container of the standard library takes this much for an element beside the element.
inline constexpr std::size_t node_bytes = 4 * sizeof(void*);
/// A deque has a table and one block of elements even when it is empty (libstdc++).
inline constexpr std::size_t deque_bytes = 8 * sizeof(void*) + 512;

/// Elements whose bytes are those that are stored, so that they can be copied at once.
template <class T>
inline constexpr bool is_plain_number
  = (std::endian::native == std::endian::little) && std::is_arithmetic_v<T>
    && !std::is_same_v<T, bool> && !std::is_same_v<T, long double>;

template <class C>
class nesting {
public:
  explicit nesting(C& of) : of_(of) { of_.enter(); }
  ~nesting() { of_.leave(); }
  nesting(const nesting&) = delete;
  nesting& operator=(const nesting&) = delete;

private:
  C& of_;
};

template <class Save>
void save_elements(state_output& to, std::size_t count, std::size_t memory_each, Save save_all) {
  to.number(count);
  to.charge(count * memory_each);
  const auto before = to.written();
  {
    const nesting deeper{to};
    save_all();
  }
  if (to.written() - before < count)
    to.stores_nothing();
}

template <class Load>
void load_elements(state_input& from, std::size_t memory_each, Load load_one) {
  const auto count = from.count();
  const nesting deeper{from};
  for (std::size_t i = 0; i < count; ++i) {
    from.charge(memory_each);
    load_one();
  }
}

template <class Sequence>
void save_sequence(state_output& to, const Sequence& from, std::size_t memory_each) {
  save_elements(to, from.size(), memory_each, [&] {
    for (const auto& each : from)
      to(each);
  });
}

template <class Sequence>
void load_sequence(state_input& from, Sequence& into, std::size_t memory_each) {
  into.clear();
  load_elements(from, memory_each, [&] { from(into.emplace_back()); });
}

template <class Map>
void save_entries(state_output& to, const Map& from) {
  save_elements(to, from.size(), sizeof(typename Map::value_type) + node_bytes, [&] {
    for (const auto& [key, x] : from)
      to(key, x);
  });
}

template <class Map>
void load_entries(state_input& from, Map& into) {
  into.clear();
  load_elements(from, sizeof(typename Map::value_type) + node_bytes, [&] {
    typename Map::key_type key{};
    from(key);
    const auto before = into.size();
    const auto at = into.emplace_hint(into.end(), std::move(key), typename Map::mapped_type{});
    if (into.size() == before)
      from.damaged("holds a key twice");
    from(at->second);
  });
}

template <class Set>
void load_keys(state_input& from, Set& into) {
  into.clear();
  load_elements(from, sizeof(typename Set::value_type) + node_bytes, [&] {
    typename Set::key_type key{};
    from(key);
    const auto before = into.size();
    into.emplace_hint(into.end(), std::move(key));
    if (into.size() == before)
      from.damaged("holds a key twice");
  });
}

template <class Key>
inline constexpr bool has_less = requires(const Key& a, const Key& b) { static_cast<bool>(a < b); };

/// The entries of a hash table in the order of their keys: equal tables may lie in any other order.
template <class Table, class KeyOf>
auto in_key_order(const Table& from, KeyOf key_of) {
  static_assert(
    has_less<typename Table::key_type>,
    "an unordered container is stored in the order of its keys, so that equal states have "
    "equal bytes: give the key an operator<, or use std::map or std::set");
  std::vector<const typename Table::value_type*> entries;
  entries.reserve(from.size());
  for (const auto& each : from)
    entries.push_back(&each);
  std::sort(entries.begin(), entries.end(),
            [&](const auto* a, const auto* b) { return key_of(*a) < key_of(*b); });
  return entries;
}

} // namespace detail

// -- numbers and what Cereal wraps --

template <class T>
requires std::is_arithmetic_v<T>
void CEREAL_SAVE_FUNCTION_NAME(state_output& to, const T& x) {
  to.fixed(x);
}

template <class T>
requires std::is_arithmetic_v<T>
void CEREAL_LOAD_FUNCTION_NAME(state_input& from, T& x) {
  x = from.fixed<T>();
}

/// Names are not stored.
template <class T>
void CEREAL_SERIALIZE_FUNCTION_NAME(state_output& to, cereal::NameValuePair<T>& pair) {
  to(pair.value);
}

template <class T>
void CEREAL_SERIALIZE_FUNCTION_NAME(state_input& from, cereal::NameValuePair<T>& pair) {
  from(pair.value);
}

/// For functions that store a container of their own: each element must leave at least one byte.
template <class T>
void CEREAL_SERIALIZE_FUNCTION_NAME(state_output& to, cereal::SizeTag<T>& tag) {
  to.number(static_cast<std::uint64_t>(tag.size));
  to.charge(static_cast<std::size_t>(tag.size));
}

template <class T>
void CEREAL_SERIALIZE_FUNCTION_NAME(state_input& from, cereal::SizeTag<T>& tag) {
  const auto count = from.count();
  from.charge(count);
  tag.size = static_cast<std::decay_t<T>>(count);
}

// -- texts and sequences --

template <class Traits, class A>
void CEREAL_SAVE_FUNCTION_NAME(state_output& to, const std::basic_string<char, Traits, A>& text) {
  to.text({text.data(), text.size()});
}

template <class Traits, class A>
void CEREAL_LOAD_FUNCTION_NAME(state_input& from, std::basic_string<char, Traits, A>& text) {
  const auto size = from.count();
  from.charge(size);
  text.resize(size);
  from.bytes(text.data(), size);
}

template <class T, class A>
void CEREAL_SAVE_FUNCTION_NAME(state_output& to, const std::vector<T, A>& from) {
  if constexpr (detail::is_plain_number<T>) {
    to.number(from.size());
    to.charge(from.size() * sizeof(T));
    to.bytes(from.data(), from.size() * sizeof(T));
  } else {
    detail::save_sequence(to, from, sizeof(T));
  }
}

template <class T, class A>
void CEREAL_LOAD_FUNCTION_NAME(state_input& from, std::vector<T, A>& into) {
  if constexpr (detail::is_plain_number<T>) {
    const auto count = from.count(sizeof(T));
    from.charge(count * sizeof(T));
    into.resize(count);
    from.bytes(into.data(), count * sizeof(T));
  } else {
    detail::load_sequence(from, into, sizeof(T));
  }
}

template <class A>
void CEREAL_SAVE_FUNCTION_NAME(state_output& to, const std::vector<bool, A>& from) {
  detail::save_elements(to, from.size(), 1, [&] {
    for (const bool each : from)
      to.fixed(each);
  });
}

template <class A>
void CEREAL_LOAD_FUNCTION_NAME(state_input& from, std::vector<bool, A>& into) {
  into.clear();
  detail::load_elements(from, 1, [&] { into.push_back(from.fixed<bool>()); });
}

template <class T, class A>
void CEREAL_SAVE_FUNCTION_NAME(state_output& to, const std::deque<T, A>& from) {
  to.charge(detail::deque_bytes);
  detail::save_sequence(to, from, sizeof(T));
}

template <class T, class A>
void CEREAL_LOAD_FUNCTION_NAME(state_input& from, std::deque<T, A>& into) {
  from.charge(detail::deque_bytes);
  detail::load_sequence(from, into, sizeof(T));
}

template <class T, class A>
void CEREAL_SAVE_FUNCTION_NAME(state_output& to, const std::list<T, A>& from) {
  detail::save_sequence(to, from, sizeof(T) + detail::node_bytes);
}

template <class T, class A>
void CEREAL_LOAD_FUNCTION_NAME(state_input& from, std::list<T, A>& into) {
  detail::load_sequence(from, into, sizeof(T) + detail::node_bytes);
}

template <class T, std::size_t n>
void CEREAL_SAVE_FUNCTION_NAME(state_output& to, const std::array<T, n>& from) {
  if constexpr (detail::is_plain_number<T>)
    to.bytes(from.data(), n * sizeof(T));
  else
    for (const auto& each : from)
      to(each);
}

template <class T, std::size_t n>
void CEREAL_LOAD_FUNCTION_NAME(state_input& from, std::array<T, n>& into) {
  if constexpr (detail::is_plain_number<T>)
    from.bytes(into.data(), n * sizeof(T));
  else
    for (auto& each : into)
      from(each);
}

/// Other arrays of the language are stored by Cereal, an element at a time.
template <class T, std::size_t n>
requires detail::is_plain_number<T>
void CEREAL_SERIALIZE_FUNCTION_NAME(state_output& to, T (&array)[n]) {
  to.bytes(array, sizeof(array));
}

template <class T, std::size_t n>
requires detail::is_plain_number<T>
void CEREAL_SERIALIZE_FUNCTION_NAME(state_input& from, T (&array)[n]) {
  from.bytes(array, sizeof(array));
}

// -- maps and sets --

template <class K, class V, class C, class A>
void CEREAL_SAVE_FUNCTION_NAME(state_output& to, const std::map<K, V, C, A>& from) {
  detail::save_entries(to, from);
}

template <class K, class V, class C, class A>
void CEREAL_LOAD_FUNCTION_NAME(state_input& from, std::map<K, V, C, A>& into) {
  detail::load_entries(from, into);
}

template <class K, class C, class A>
void CEREAL_SAVE_FUNCTION_NAME(state_output& to, const std::set<K, C, A>& from) {
  detail::save_sequence(to, from, sizeof(K) + detail::node_bytes);
}

template <class K, class C, class A>
void CEREAL_LOAD_FUNCTION_NAME(state_input& from, std::set<K, C, A>& into) {
  detail::load_keys(from, into);
}

template <class K, class V, class H, class E, class A>
void CEREAL_SAVE_FUNCTION_NAME(state_output& to, const std::unordered_map<K, V, H, E, A>& from) {
  const auto key_of = [](const auto& entry) -> const K& { return entry.first; };
  detail::save_elements(to, from.size(), sizeof(std::pair<const K, V>) + detail::node_bytes, [&] {
    for (const auto* each : detail::in_key_order(from, key_of))
      to(each->first, each->second);
  });
}

template <class K, class V, class H, class E, class A>
void CEREAL_LOAD_FUNCTION_NAME(state_input& from, std::unordered_map<K, V, H, E, A>& into) {
  detail::load_entries(from, into);
}

template <class K, class H, class E, class A>
void CEREAL_SAVE_FUNCTION_NAME(state_output& to, const std::unordered_set<K, H, E, A>& from) {
  const auto key_of = [](const K& key) -> const K& { return key; };
  detail::save_elements(to, from.size(), sizeof(K) + detail::node_bytes, [&] {
    for (const auto* each : detail::in_key_order(from, key_of))
      to(*each);
  });
}

template <class K, class H, class E, class A>
void CEREAL_LOAD_FUNCTION_NAME(state_input& from, std::unordered_set<K, H, E, A>& into) {
  detail::load_keys(from, into);
}

// -- products and sums --

template <class A, class B>
void CEREAL_SERIALIZE_FUNCTION_NAME(state_output& to, std::pair<A, B>& pair) {
  to(pair.first, pair.second);
}

template <class A, class B>
void CEREAL_SERIALIZE_FUNCTION_NAME(state_input& from, std::pair<A, B>& pair) {
  from(pair.first, pair.second);
}

template <class... T>
void CEREAL_SERIALIZE_FUNCTION_NAME(state_output& to, std::tuple<T...>& tuple) {
  std::apply([&](auto&... each) { (static_cast<void>(to(each)), ...); }, tuple);
}

template <class... T>
void CEREAL_SERIALIZE_FUNCTION_NAME(state_input& from, std::tuple<T...>& tuple) {
  std::apply([&](auto&... each) { (static_cast<void>(from(each)), ...); }, tuple);
}

template <class T>
void CEREAL_SAVE_FUNCTION_NAME(state_output& to, const std::optional<T>& from) {
  const detail::nesting deeper{to};
  to.fixed(from.has_value());
  if (from)
    to(*from);
}

template <class T>
void CEREAL_LOAD_FUNCTION_NAME(state_input& from, std::optional<T>& into) {
  const detail::nesting deeper{from};
  into.reset();
  if (from.fixed<bool>())
    from(into.emplace());
}

inline void CEREAL_SERIALIZE_FUNCTION_NAME(state_output&, const std::monostate&) {}
inline void CEREAL_SERIALIZE_FUNCTION_NAME(state_input&, const std::monostate&) {}

template <class First, class... Rest>
void CEREAL_SAVE_FUNCTION_NAME(state_output& to, const std::variant<First, Rest...>& from) {
  if (from.valueless_by_exception())
    throw state_error{
      {error_kind::argument, {}, "a std::variant has lost its value and cannot be stored"}};
  const detail::nesting deeper{to};
  to.number(from.index());
  std::visit([&](const auto& x) { to(x); }, from);
}

template <class... T>
void CEREAL_LOAD_FUNCTION_NAME(state_input& from, std::variant<T...>& into) {
  const detail::nesting deeper{from};
  const auto index = from.number();
  if (index >= sizeof...(T))
    from.damaged("names an alternative that its variant does not have");
  [&]<std::size_t... i>(std::index_sequence<i...>) {
    ((i == index ? static_cast<void>(from(into.template emplace<i>())) : void()), ...);
  }(std::index_sequence_for<T...>{});
}

template <class R, class P>
void CEREAL_SAVE_FUNCTION_NAME(state_output& to, const std::chrono::duration<R, P>& from) {
  to(from.count());
}

template <class R, class P>
void CEREAL_LOAD_FUNCTION_NAME(state_input& from, std::chrono::duration<R, P>& into) {
  R count{};
  from(count);
  into = std::chrono::duration<R, P>{count};
}

template <class C, class D>
void CEREAL_SAVE_FUNCTION_NAME(state_output& to, const std::chrono::time_point<C, D>& from) {
  static_assert(!C::is_steady,
                "a steady clock means nothing in another process: store what is left of "
                "the time, or a time of std::chrono::system_clock");
  to(from.time_since_epoch());
}

template <class C, class D>
void CEREAL_LOAD_FUNCTION_NAME(state_input& from, std::chrono::time_point<C, D>& into) {
  D since{};
  from(since);
  into = std::chrono::time_point<C, D>{since};
}

} // namespace weir
