// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What source and lookups share of reading JSON: a parser that takes everything RFC 8259 allows, and
/// the way to a field. simdjson shows here and in sources only, never in a public header.

#include "weir/error.hpp"

#include <simdjson.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::detail {

/// Parses one object after another and reuses its memory.
class json_parser {
public:
  /// Parses `text`, behind which SIMDJSON_PADDING bytes may be read. `cause` is empty, or a predicate
  /// that says why this is no JSON object ("is not UTF-8"). Valid until the next call.
  struct outcome {
    std::string cause;
    simdjson::dom::object object;
  };
  outcome parse(std::string_view text);

  /// Whether a field of the object that was parsed last is a number that no double can hold; it is
  /// given as an empty array. An empty array beside such a number is taken for one as well.
  bool is_huge_number(simdjson::dom::element field) const;

private:
  simdjson::simdjson_result<simdjson::dom::element> parse_with_simdjson(std::string_view text);
  void rewrite(std::string_view text);
  std::size_t rewrite_escape(std::string_view text, std::size_t at);
  std::size_t rewrite_number(std::string_view text, std::size_t at);
  bool takes(std::string_view number);

  simdjson::dom::parser parser_;
  simdjson::dom::parser number_parser_;
  std::string rewritten_;
  bool has_huge_numbers_ = false;
};

/// The way to a field: a member's name, or a JSON pointer.
class json_path {
public:
  /// `key`: as `json_fields::check_key` allows it.
  explicit json_path(std::string_view key);

  /// What is wrong with `key` as a JSON pointer; empty where nothing is.
  static std::string_view fault_of(std::string_view key);

  /// Follows the path. Nothing where the field is missing; the null where the path runs into one.
  std::optional<simdjson::dom::element> find(const simdjson::dom::object& object) const;

  /// How messages name the field: `field "x"`.
  const std::string& name() const noexcept { return name_; }

private:
  std::string name_;
  std::vector<std::string> steps_;
};

} // namespace weir::detail
