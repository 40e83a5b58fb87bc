// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A Redis command as a template: split into its parts once, filled and written down in the server's protocol for each
/// question. Plain values.

#include "weir/client_driver.hpp"
#include "weir/error.hpp"
#include "weir/question.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::detail {

/// Appends one part of a command: a length and bytes.
void append_bulk(std::string& out, std::string_view bytes);

/// Appends the head of a command with so many parts.
void append_command(std::string& out, std::size_t parts);

class redis_command {
public:
  enum class reply_form : std::uint8_t {
    /// Whatever comes.
    any,
    /// Names and values in turn.
    pairs,
    /// Values of the fields that the command names.
    fields,
  };

  /// Errors of the kind `argument`: the rule of a template that `declared` breaks.
  static expected<redis_command> parse(const statement_declaration& declared);

  reply_form form() const noexcept { return form_; }
  /// In the form `fields`.
  column_names columns() const noexcept { return columns_; }
  /// Whether strings are JSON.
  bool holds_json() const noexcept { return holds_json_; }
  /// Whether it is a GET that may be part of an MGET.
  bool may_be_batched() const noexcept { return may_be_batched_; }

  /// Appends the command in the protocol's form.
  void append(std::string& out, std::span<const value> arguments);

  /// Of a GET: its key, as one part of a command.
  void append_key(std::string& out, std::span<const value> arguments);

private:
  struct piece {
    /// In front of the argument.
    std::string text;
    /// From 0; `none`: there is none.
    std::size_t argument;
  };
  static constexpr std::size_t none = SIZE_MAX;
  using part = std::vector<piece>;

  expected<void> split(const statement_declaration& declared);
  void append_part(std::string& out, const part& of, std::span<const value> arguments);

  std::vector<part> parts_;
  reply_form form_ = reply_form::any;
  column_names columns_;
  bool holds_json_ = true;
  bool may_be_batched_ = false;
  /// Memory for a part that is filled.
  std::string filled_;
};

} // namespace weir::detail
