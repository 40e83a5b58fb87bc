// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Where a job's dead letters are written, so that a person or a program can look at them and feed
/// them in again. Several stages, and several instances of each, may share one file.
///
/// A line is `{"record": <the line as a string>, "error", "message", "attempts", "durations_ms",
/// "stage", "file", "line", "offset"}`. It is written where it is seen, in place: without checkpoints a
/// line that was written stays, also when the job fails.

#include "weir/dead_letter.hpp"
#include "weir/file_system.hpp"
#include "weir/json_record.hpp"
#include "weir/sink.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

/// A file that whole lines are appended to, locked against other runs as long as the object lives
/// (some network file systems know no such locks). Shared; any thread.
class dead_letter_file {
public:
  /// Creates the file at `path`, or empties the one that is there. `on`: whose files.
  static expected<std::shared_ptr<dead_letter_file>>
  create(const std::string& path, const std::shared_ptr<file_system>& on = posix_files());

  /// Opens the file at `path` and leaves what is in it, or creates it; one that was created goes
  /// again with the object unless `clear` was called. Errors have the kind `io` and name the path:
  /// no file, not writable, open already in this run or another.
  static expected<std::shared_ptr<dead_letter_file>>
  open(const std::string& path, const std::shared_ptr<file_system>& on = posix_files());

  /// Removes all lines: a run begins.
  expected<void> clear();

  ~dead_letter_file();
  dead_letter_file(const dead_letter_file&) = delete;
  dead_letter_file& operator=(const dead_letter_file&) = delete;

  /// Appends whole lines, with their ends. After an error no half of a line is in the file.
  expected<void> append(std::string_view lines);

  /// Waits until all lines are on the disk, and the file's name.
  expected<void> sync();

  const std::string& path() const noexcept { return path_; }

private:
  dead_letter_file(std::string path, owned_fd file, bool created)
    : path_(std::move(path)),
      file_(std::move(file)),
      created_(created) {}

  bool take_back(std::size_t size);
  expected<void> sync_name();

  const std::string path_;
  std::mutex mutex_;
  const owned_fd file_;
  // By this object, which no run has used yet.
  bool created_;
  bool name_is_durable_ = false;
};

/// Appends a dead letter as one line with its end. `file`: where the record was read from. Bytes of the
/// record that are not UTF-8 become U+FFFD.
void append_dead_letter(std::string& out, const dead_letter<json_record>& letter,
                        std::string_view stage, std::string_view file, std::uint64_t offset);

/// Writes the dead letters of one stage's instance, at once: for jobs without checkpoints, others have
/// `dead_letter_part_sink`. Used by one thread at a time.
class dead_letter_sink final : public sink<dead_letter<json_record>> {
public:
  /// `stage`: who gave the records up. `file`: name of the source's file. `bad_records_to`: where
  /// letters of the kind `bad_record` go, if not to `to`; one of the two may be null where no letter
  /// goes there.
  dead_letter_sink(std::shared_ptr<dead_letter_file> to, std::string stage, std::string file,
                   std::shared_ptr<dead_letter_file> bad_records_to = nullptr)
    : to_(std::move(to)),
      bad_records_to_(bad_records_to == nullptr ? to_ : std::move(bad_records_to)),
      stage_(std::move(stage)),
      file_(std::move(file)) {}

  /// Empties the files: a job without checkpoints starts again, from the beginning.
  expected<std::vector<std::string>> recover(const sink_recovery& from) override;

  expected<poll_result> write(batch<dead_letter<json_record>>& in, std::size_t& next,
                              std::size_t end) override;

  /// Waits until the lines are on the disk.
  expected<poll_result> prepare(std::uint64_t checkpoint, bool last) override;

private:
  dead_letter_file* target(const dead_letter<json_record>& letter) const;

  std::shared_ptr<dead_letter_file> to_;
  std::shared_ptr<dead_letter_file> bad_records_to_;
  std::string stage_;
  std::string file_;
  std::string lines_;
};

} // namespace weir
