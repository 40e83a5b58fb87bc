// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What the command writes beside its records: messages, which are dropped where nobody takes them,
/// and what it was asked for, which waits for its reader until somebody wants the command to stop.
/// One thread.

#include "ready_writer.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace weir::tool {

class command_output {
public:
  /// `is_to_stop` tells whether somebody wants the command to stop; null where a signal does that at once.
  explicit command_output(std::function<bool()> is_to_stop = nullptr);

  /// A line for the person who runs the command, on standard error. Dropped where that takes
  /// nothing for a second, and from then on at once, until it takes something.
  void say(const std::string& line);

  /// Prints what the command was asked for; whether that worked. If not, it is said: the `name` of
  /// what cannot be written, and why.
  bool print(const ready_writer& to, std::string_view text, const std::string& name);

  const ready_writer& standard_output() const noexcept { return out_; }
  const ready_writer& standard_error() const noexcept { return err_; }

private:
  const std::function<bool()> is_to_stop_;
  const ready_writer out_;
  const ready_writer err_;
  bool dropping_ = false;
};

} // namespace weir::tool
