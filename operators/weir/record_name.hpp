// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How a record is named in messages to people. A type of your own that knows better than its origin
/// (a file and a line) says so with a free function `std::string record_name(const T&, const origin&)`
/// in its own namespace.

#include "weir/origin.hpp"

#include <concepts>
#include <string>

namespace weir {

template <class T>
std::string name_of_record(const T& record, const origin& from) {
  if constexpr (requires {
                  { record_name(record, from) } -> std::convertible_to<std::string>;
                })
    return record_name(record, from);
  else
    return "record " + from.text();
}

} // namespace weir
