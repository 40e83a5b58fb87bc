// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Takes fields out of JSON records, as keys of lookups. Has a parser and buffers of its own, which it
/// uses again for each record; so one object for each instance of an operator, used by one thread at a
/// time. A copy has the same keys and buffers of its own.

#include "weir/error.hpp"
#include "weir/json_record.hpp"
#include "weir/question.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// Reads the same fields of one record after another.
///
/// A key is the name of a member of the record, which may hold any character; one that begins with `/`
/// is a JSON pointer (RFC 6901). Where a name is there twice, the first counts. Members that a job has
/// added are found like others.
class json_fields {
public:
  /// `keys`: each one must pass `check_key`. `absent`: a member that must not be in the record yet.
  explicit json_fields(std::vector<std::string> keys,
                       std::optional<std::string> absent = std::nullopt);
  ~json_fields();

  json_fields(const json_fields& other);
  json_fields& operator=(const json_fields& other);
  json_fields(json_fields&&) noexcept;
  json_fields& operator=(json_fields&&) noexcept;

  /// Whether `key` can be read at all: a JSON pointer has no `~` but in `~0` and `~1`. The error has
  /// the kind `argument`.
  static expected<void> check_key(std::string_view key);

  /// Puts the keys' values in place of what is in `into`, in the order of the keys: a string as text,
  /// an integer as std::int64_t (beyond its range as the nearest double), any other number as double,
  /// true and false as bool, null as std::monostate. A pointer that runs into null is null as well.
  /// A half of a surrogate pair that stands alone in a string is U+FFFD.
  ///
  /// The error has the kind `bad_record` and names the field as its thing: it is missing, it is an
  /// object, an array or a number beyond double's range, or the member `absent` is there already.
  expected<void> read(const json_record& from, value_list& into);

private:
  class reader;
  std::unique_ptr<reader> reader_;
};

} // namespace weir
