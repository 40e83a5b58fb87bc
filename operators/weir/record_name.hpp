// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How a record is named in messages to people. A type of your own that knows better than its origin
/// (a file and a line) says so with a free function `std::string record_name(const T&, const origin&)`,
/// or `record_name(const T&)`, in its own namespace.

#include "weir/origin.hpp"

#include <concepts>
#include <string>

namespace weir {

namespace detail {

template <class T>
concept named_by_origin
  = requires(const T& record, const origin& from) { record_name(record, from); };
template <class T>
concept named_by_itself = requires(const T& record) { record_name(record); };

} // namespace detail

template <class T>
std::string name_of_record(const T& record, const origin& from) {
  if constexpr (detail::named_by_origin<T>) {
    static_assert(std::constructible_from<std::string, decltype(record_name(record, from))>,
                  "record_name(const T&, const weir::origin&) gives what a std::string is made of");
    return std::string(record_name(record, from));
  } else if constexpr (detail::named_by_itself<T>) {
    static_assert(std::constructible_from<std::string, decltype(record_name(record))>,
                  "record_name(const T&) gives what a std::string is made of");
    return std::string(record_name(record));
  } else {
    return "record " + from.text();
  }
}

} // namespace weir
