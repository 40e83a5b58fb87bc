// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Lets records of your type be part of checkpoints. Give the type one Cereal `serialize` function,
/// with a version, and name it behind its definition, at global scope, in the header that defines
/// it:
///
///   struct flight {
///     std::string number;
///     std::optional<int> delay_minutes;
///
///     template <class Archive>
///     void serialize(Archive& archive, std::uint32_t version) {
///       archive(number);
///       if (version >= 2)
///         archive(delay_minutes);
///     }
///   };
///   WEIR_STORED_SINCE(flight, 2, 1)
///
/// What it writes is version 2, and what version 1 has written it still reads: `serialize` is
/// called with the version that the bytes have, and the members that it does not read are as the
/// type's default constructor left them. WEIR_STORED(flight, 2) would refuse version 1. The pair
/// `save` and `load` will do as well, as will functions outside of the type. Types inside of others
/// that take a version are named in the same way; those that take none need not be named, and can
/// never change.
///
/// Numbers, enumerations, strings and the standard library's containers and sums can be stored:
/// vector, deque, list, array, map, set, unordered_map, unordered_set, pair, tuple, optional,
/// variant, chrono's durations and times. Pointers of any kind cannot. A type must have a default
/// constructor. An enumeration is checked when it is loaded if there is a `constexpr bool
/// is_stored_value(E)` in its namespace. `serialize` runs on the thread of the stage that holds the
/// record, and may throw: then there is no checkpoint this time.
///
/// This is the one public header of weir's that leads to another library, Cereal.
/// tests/serialization/stored_test.cpp.

#include "weir/dead_letter.hpp"
#include "weir/record_codec.hpp"
#include "weir/stored_containers.hpp"

#include <cereal/access.hpp>
#include <cereal/cereal.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <utility>

namespace weir {

/// What the macros say of a type: `name()`, `version`, `oldest`.
template <class T>
struct stored_type {};

namespace detail {

/// Numbers and strings have codecs of weir's own; the name by which one is known, null for other
/// types.
template <class T>
constexpr const char* built_in_name() {
  if constexpr (std::is_same_v<T, bool>)
    return "bool";
  else if constexpr (std::is_same_v<T, char>)
    return "char";
  else if constexpr (std::is_same_v<T, std::int8_t>)
    return "int8";
  else if constexpr (std::is_same_v<T, std::int16_t>)
    return "int16";
  else if constexpr (std::is_same_v<T, std::int32_t>)
    return "int32";
  else if constexpr (std::is_same_v<T, std::int64_t>)
    return "int64";
  else if constexpr (std::is_same_v<T, std::uint8_t>)
    return "uint8";
  else if constexpr (std::is_same_v<T, std::uint16_t>)
    return "uint16";
  else if constexpr (std::is_same_v<T, std::uint32_t>)
    return "uint32";
  else if constexpr (std::is_same_v<T, std::uint64_t>)
    return "uint64";
  // One of the two is the type of 64 bits above.
  else if constexpr (std::is_same_v<T, long>)
    return "long";
  else if constexpr (std::is_same_v<T, long long>)
    return "long long";
  else if constexpr (std::is_same_v<T, unsigned long>)
    return "unsigned long";
  else if constexpr (std::is_same_v<T, unsigned long long>)
    return "unsigned long long";
  else if constexpr (std::is_same_v<T, float>)
    return "float";
  else if constexpr (std::is_same_v<T, double>)
    return "double";
  else if constexpr (std::is_same_v<T, std::string>)
    return "string";
  else
    return nullptr;
}

template <class T>
concept built_in = (built_in_name<T>() != nullptr);

} // namespace detail

template <detail::built_in T>
struct stored_type<T> {
  static std::string name() { return detail::built_in_name<T>(); }
  static constexpr std::uint32_t version = 1;
  static constexpr std::uint32_t oldest = 1;
};

template <class T>
concept stored_record = requires { stored_type<T>::version; };

namespace detail {

/// Takes the parentheses off a macro's argument: of `void(T)` it gives T.
template <class F>
struct argument_of;
template <class T>
struct argument_of<void(T)> {
  using type = T;
};

template <class T, class Archive>
inline constexpr bool takes_version
  = cereal::traits::has_member_versioned_serialize<T, Archive>::value
    || cereal::traits::has_non_member_versioned_serialize<T, Archive>::value
    || cereal::traits::has_member_versioned_save<T, Archive>::value
    || cereal::traits::has_non_member_versioned_save<T, Archive>::value
    || cereal::traits::has_member_versioned_load<T, Archive>::value
    || cereal::traits::has_non_member_versioned_load<T, Archive>::value;

template <class T>
inline constexpr bool is_pointer = std::is_pointer_v<T> || std::is_member_pointer_v<T>;
template <class T>
inline constexpr bool is_pointer<std::shared_ptr<T>> = true;
template <class T>
inline constexpr bool is_pointer<std::weak_ptr<T>> = true;
template <class T, class D>
inline constexpr bool is_pointer<std::unique_ptr<T, D>> = true;

template <class T>
inline constexpr bool is_deferred = false;
template <class T>
inline constexpr bool is_deferred<cereal::DeferredData<T>> = true;

/// Every value of the underlying type is one of the enumeration's.
template <class T>
inline constexpr bool has_fixed_values = requires { T{0}; };

template <class Archive, class T>
constexpr void check_can_be_stored() {
  static_assert(!is_pointer<T>,
                "a stored type must hold no pointers: store what they lead to, in a "
                "std::optional or a container");
  static_assert(!is_deferred<T>, "cereal::defer is for pointers, which cannot be stored");
  if constexpr (std::is_enum_v<T>)
    static_assert(has_fixed_values<T>,
                  "give the enumeration an underlying type (enum e : int) so that any "
                  "stored number is one of its values");
  if constexpr (std::is_class_v<T>)
    static_assert(
      stored_record<T> || !takes_version<T, Archive>,
      "the type's serialize takes a version: write WEIR_STORED(type, version) behind the type");
}

/// Calls the type's own function, whichever it has.
template <class T>
void save_as(state_output& to, const T& x, std::uint32_t version) {
  if constexpr (cereal::traits::has_member_versioned_serialize<T, state_output>::value)
    cereal::access::member_serialize(to, const_cast<T&>(x), version);
  else if constexpr (cereal::traits::has_non_member_versioned_serialize<T, state_output>::value)
    CEREAL_SERIALIZE_FUNCTION_NAME(to, const_cast<T&>(x), version);
  else if constexpr (cereal::traits::has_member_versioned_save<T, state_output>::value)
    cereal::access::member_save(to, x, version);
  else if constexpr (cereal::traits::has_non_member_versioned_save<T, state_output>::value)
    CEREAL_SAVE_FUNCTION_NAME(to, x, version);
  else
    to(x);
}

template <class T>
void load_as(state_input& from, T& x, std::uint32_t version) {
  if constexpr (cereal::traits::has_member_versioned_serialize<T, state_input>::value)
    cereal::access::member_serialize(from, x, version);
  else if constexpr (cereal::traits::has_non_member_versioned_serialize<T, state_input>::value)
    CEREAL_SERIALIZE_FUNCTION_NAME(from, x, version);
  else if constexpr (cereal::traits::has_member_versioned_load<T, state_input>::value)
    cereal::access::member_load(from, x, version);
  else if constexpr (cereal::traits::has_non_member_versioned_load<T, state_input>::value)
    CEREAL_LOAD_FUNCTION_NAME(from, x, version);
  else
    from(x);
}

/// Throws a state_error where the program does not read the version.
void check_version(const std::string& type, std::uint64_t stored, std::uint32_t oldest,
                   std::uint32_t newest);

/// Called where an exception of a type's function is caught: throws it as a state_error, or as
/// itself where it is one or std::bad_alloc.
[[noreturn]] void rethrow_as_state_error(const std::string& type, const char* verb);

template <class T>
record_codec codec_of() {
  using stored = stored_type<T>;
  static_assert(std::is_default_constructible_v<T>,
                "a stored type needs a default constructor: records are constructed, then loaded");
  static_assert(
    stored::oldest >= 1 && stored::oldest <= stored::version,
    "versions begin at 1, and the oldest one that is read is not newer than the one written");
  static_assert(stored::oldest == stored::version || takes_version<T, state_input>,
                "to read older versions the type's serialize (or load) must take the version");
  record_codec codec;
  codec.name = stored::name();
  codec.version = stored::version;
  codec.oldest = stored::oldest;
  codec.size = sizeof(T);
  codec.alignment = alignof(T);
  codec.save = [](state_output& to, const void* record) {
    try {
      save_as(to, *static_cast<const T*>(record), stored::version);
    } catch (...) {
      rethrow_as_state_error(stored::name(), "stored");
    }
  };
  codec.load = [](state_input& from, void* raw, std::uint32_t stored_version) {
    T* made = nullptr;
    try {
      check_version(stored::name(), stored_version, stored::oldest, stored::version);
      made = ::new (raw) T();
      load_as(from, *made, stored_version);
    } catch (...) {
      if (made != nullptr)
        std::destroy_at(made);
      rethrow_as_state_error(stored::name(), "loaded");
    }
  };
  codec.destroy = [](void* record) noexcept { std::destroy_at(static_cast<T*>(record)); };
  return codec;
}

template <class T>
bool add_codecs() {
  add_record_codec(typeid(T), codec_of<T>());
  add_record_codec(typeid(dead_letter<T>), codec_of<dead_letter<T>>());
  return true;
}

/// For the macros, where the type's own name might be taken for that of one of weir's.
template <class T>
bool add_codecs_of(const stored_type<T>*) {
  return add_codecs<T>();
}

/// A stored type inside another one: its version goes in front.
template <class T>
concept stored_with_version
  = stored_record<T> && (takes_version<T, state_output> || takes_version<T, state_input>);

} // namespace detail

// -- called by Cereal around every value --

template <class T>
void prologue(state_output&, const T&) {
  detail::check_can_be_stored<state_output, T>();
}

template <class T>
void prologue(state_input&, const T&) {
  detail::check_can_be_stored<state_input, T>();
}

template <class T>
void epilogue(state_output&, const T&) {}

template <class T>
void epilogue(state_input& from, const T& x) {
  if constexpr (std::is_enum_v<T> && requires { static_cast<bool>(is_stored_value(x)); })
    if (!is_stored_value(x))
      from.damaged("holds a value that its enumeration does not have");
}

template <detail::stored_with_version T>
void CEREAL_SAVE_FUNCTION_NAME(state_output& to, const T& x) {
  to.number(stored_type<T>::version);
  detail::save_as(to, x, stored_type<T>::version);
}

template <detail::stored_with_version T>
void CEREAL_LOAD_FUNCTION_NAME(state_input& from, T& x) {
  const auto version = from.number();
  detail::check_version(stored_type<T>::name(), version, stored_type<T>::oldest,
                        stored_type<T>::version);
  detail::load_as(from, x, static_cast<std::uint32_t>(version));
}

// -- dead letters of stored types --

template <stored_record T>
struct stored_type<dead_letter<T>> {
  static std::string name() { return "dead_letter<" + stored_type<T>::name() + ">"; }
  static constexpr std::uint32_t version = stored_type<T>::version;
  static constexpr std::uint32_t oldest = stored_type<T>::oldest;
};

/// The record's version is the letter's.
template <stored_record T>
void CEREAL_SAVE_FUNCTION_NAME(state_output& to, const dead_letter<T>& letter,
                               std::uint32_t version) {
  detail::save_as(to, letter.value, version);
  to.text(letter.why.kind());
  to.text(letter.why.thing());
  to.text(letter.why.message());
  to.number(letter.attempts);
  to(letter.durations);
}

template <stored_record T>
void CEREAL_LOAD_FUNCTION_NAME(state_input& from, dead_letter<T>& letter, std::uint32_t version) {
  detail::load_as(from, letter.value, version);
  auto kind = from.text();
  auto thing = from.text();
  letter.why = error{kind, std::move(thing), from.text()};
  const auto attempts = from.number();
  if (attempts > 0xFFFF'FFFFu)
    from.damaged("counts more attempts than there can be");
  letter.attempts = static_cast<std::uint32_t>(attempts);
  from(letter.durations);
}

} // namespace weir

namespace cereal {

// Ours in front of the type's own, which Cereal would call after two look-ups for each object.
template <weir::detail::stored_with_version T>
struct specialize<weir::state_output, T, specialization::non_member_load_save> : std::true_type {};

template <weir::detail::stored_with_version T>
struct specialize<weir::state_input, T, specialization::non_member_load_save> : std::true_type {};

} // namespace cereal

/// `T` is stored as `version` (1 and up), and no other is read.
#define WEIR_STORED(T, version) WEIR_STORED_SINCE(T, version, version)

/// `T` is stored as `version`, and read from version `oldest` on.
#define WEIR_STORED_SINCE(T, version, oldest) WEIR_STORED_AS((T), #T, version, oldest)

/// `T`, in parentheses since it may have commas, is known as `type_name` in checkpoints: for a type that
/// was renamed, or moved to another namespace.
#define WEIR_STORED_AS(T, type_name, type_version, oldest_version)                                 \
  template <>                                                                                      \
  struct weir::stored_type<typename weir::detail::argument_of<void T>::type> {                     \
    static std::string name() { return type_name; }                                                \
    static constexpr std::uint32_t version = type_version;                                         \
    static constexpr std::uint32_t oldest = oldest_version;                                        \
    static const bool is_added;                                                                    \
  };                                                                                               \
  inline const bool weir::stored_type<typename weir::detail::argument_of<void T>::type>::is_added  \
    = weir::detail::add_codecs_of(static_cast<const stored_type*>(nullptr));
