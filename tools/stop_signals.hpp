// SPDX-License-Identifier: Apache-2.0
#pragma once

/// SIGINT and SIGTERM as something that is asked for, in place of handlers that run at any moment. Made
/// before any thread is started, so that all of them leave the signals to it; SIGPIPE and SIGXFSZ are
/// ignored from then on, since writing says the same by its error. For programs only: a library must
/// not do this.

namespace weir::tool {

class stop_signals {
public:
  /// Keeps the signals from ending the process.
  stop_signals();

  /// Gives them back what they did before; those that came too late to matter are forgotten.
  ~stop_signals();

  stop_signals(const stop_signals&) = delete;
  stop_signals& operator=(const stop_signals&) = delete;

  /// Whether one has come since it was asked last. Does not wait.
  bool take();
};

} // namespace weir::tool
