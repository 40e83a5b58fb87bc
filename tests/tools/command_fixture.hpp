// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Runs the built command `weir` in a folder of the test's own: `job`, `store`, `write`, `run`, `start`,
/// and, on a command that runs, `feed`, `read_until`, `signal`, `finish`. Every wait has a deadline, at
/// which the test fails. One thread.

#include "../support/temp_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace weir::tool::testing {

/// What a command came to.
struct finished_command {
  /// The exit code; 128 and the signal's number where one ended it.
  int code = -1;
  std::string out;
  std::string err;
};

/// A command that runs. Killed by the destructor if it still does.
class running_command {
public:
  /// Starts it in `folder`. `out`: where its standard output goes; empty: to the test. `in_child`:
  /// what its process does last before it becomes the command.
  running_command(const std::string& folder, const std::vector<std::string>& arguments,
                  const std::string& out = {}, const std::function<void()>& in_child = {});
  ~running_command();
  running_command(const running_command&) = delete;
  running_command& operator=(const running_command&) = delete;

  /// Writes to its standard input.
  void feed(std::string_view text);

  /// Ends its standard input.
  void end_input();

  /// Reads until its standard output, or its standard error, contains `text`.
  void read_out_until(std::string_view text) { read_until(out_, text); }
  void read_err_until(std::string_view text) { read_until(err_, text); }

  /// Waits until `holds()`; reads what it writes meanwhile.
  void wait_until(const std::function<bool()>& holds);

  /// Stops reading its standard output, as `head` does.
  void close_out();

  void signal(int number) const;

  /// Whether it ends within `time`; reads what it writes meanwhile.
  bool ends_within(std::chrono::milliseconds time);

  /// Whether a signal was sent that it has not taken yet.
  bool has_pending(int signal) const;

  /// Waits for its end.
  finished_command finish();

  /// Waits for its end, but reads nothing from it; its exit code.
  int finish_unread();

private:
  void read_until(const std::string& what, std::string_view text);
  bool read_some(std::chrono::steady_clock::time_point deadline,
                 std::chrono::milliseconds at_most = std::chrono::hours{1});

  bool has_ended() const;
  int wait_for_end(std::chrono::steady_clock::time_point deadline);

  pid_t process_ = -1;
  int in_fd_ = -1;
  int out_fd_ = -1;
  int err_fd_ = -1;
  std::string out_;
  std::string err_;
};

struct command_fixture {
  command_fixture();

  /// A job file that reads standard input, asks the store by the field `k`, and writes to standard
  /// output; `lookup` and `source` are more lines of these sections.
  void job(const std::string& lookup = {}, const std::string& source = {},
           const std::string& rest = {});

  /// One record for each key, `{"k":"a"}`.
  static std::string records(const std::vector<std::string>& keys);

  /// Runs `weir run job.toml` with these arguments to its end.
  finished_command run(std::vector<std::string> arguments, const std::string& input = {},
                       const std::string& out = {},
                       const std::function<void()>& in_child = {}) const;

  /// Runs `weir` with these arguments to its end.
  finished_command weir(const std::vector<std::string>& arguments) const;

  /// What the job wrote to the folder `out`, all parts in the order of their names.
  std::string output() const;

  /// Bytes of a file of the folder; 0 where there is none.
  std::uintmax_t size(const std::string& name) const;

  /// The store: keys `a`, `b`, `c` with the values 1, 2, 3.
  weir::testing::temp_folder folder;
};

} // namespace weir::tool::testing
