// SPDX-License-Identifier: Apache-2.0
#pragma once

/// JSON that a store holds, as cells of an answer (a whole number beyond 64 bits, or one beyond a double, makes a text
/// invalid): what drivers and tables in memory share. Numbers keep their digits,
/// documents their members' order and text, without blanks and line breaks between them, since an answer's text goes
/// into a line. Not thread-safe: one object for each thread, whose memory is used again.

#include "weir/question.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::detail {

/// A number in JSON's form: whole where it fits into 64 bits, a double where that prints as the same digits, else
/// its text. Nothing: it is no such number.
bool number_of(std::string_view text, value& into);

class stored_json {
public:
  using members = std::vector<std::pair<std::string, value>>;

  stored_json();
  ~stored_json();
  stored_json(stored_json&&) noexcept;
  stored_json& operator=(stored_json&&) noexcept;

  /// What a JSON text holds, or the part of it that `pointer` (RFC 6901; empty: all) leads to: an object's members, or
  /// one member without a name. Returns what is wrong with it ("is not UTF-8"); empty: nothing. A pointer that
  /// leads nowhere gives no member.
  std::string read(std::string_view text, std::string_view pointer, members& into);

  /// A JSON text as one value, which goes into a line as it is. What is wrong with it, as `read` says it.
  std::string read_document(std::string_view text, value& into);

  /// As `read`, of what must be an object.
  std::string read_object(std::string_view text, members& into);

private:
  class parser;
  std::unique_ptr<parser> parser_;
};

} // namespace weir::detail
