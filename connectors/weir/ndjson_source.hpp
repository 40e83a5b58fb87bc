// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Reads JSON records from a file, a pipe or standard input, one a line. Checks each line (one JSON
/// object, UTF-8, not too long, with a readable timestamp) while it is read, so nothing behind it meets
/// a record that is none. Owned by its stage and used by one thread at a time; does not block on
/// pipes, terminals and sockets.

#include "weir/json_record.hpp"
#include "weir/source.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// What becomes of a record that cannot be read.
enum class bad_record_action : std::uint8_t {
  /// The job fails.
  fail,
  /// It is left out and counted.
  skip,
  /// It goes to the source's dead letters.
  dead_letter,
};

/// Settings of an `ndjson_source`.
struct ndjson_source_options {
  /// A file, or `-` for standard input.
  std::string path{};
  /// The field with the event time: a member's name, or a JSON pointer when it begins with `/`. Holds
  /// RFC 3339 as a string, or milliseconds since the epoch as a number. Empty: no event time.
  std::string timestamp{};
  /// Bytes of the longest line, its line end not counted. At least 1; this much memory may be used.
  std::size_t max_line = 1024 * 1024;
  bad_record_action on_bad_record = bad_record_action::fail;
  /// A position with at most so many bytes in front of it is gone on from only once these have been read again
  /// and are the same. With more in front of it that is left out where the file's inode, size and time of the last
  /// change are as they were before these bytes were read.
  std::uint64_t checked_bytes = 64 * 1024 * 1024;
};

/// How messages and dead letters name the input at `path`: the path itself, or `standard input`.
std::string input_name(std::string_view path);

/// Gives the lines of one file as records.
///
/// * A line ends with LF or CRLF; the last one needs no end. Lines without a character are left out. A
///   byte order mark at the beginning of the file is left out.
/// * A record's position is its line's byte offset, its split is 0. A file is one split: of several
///   instances the first reads it.
/// * A bad line's error has the kind `bad_record` and names file, line, byte offset and cause. As a
///   dead letter it has `attempts` 0 and the line as it came, but of a line that is too long its first
///   `max_line` bytes.
/// * It can go on from a position in a regular file: byte offset, lines, what file that is, and a
///   checksum of all that stands in front. What has been read must stay as it was: where a byte of
///   it is another, `open` says so (`incompatible`); what is behind may change and grow. For that `open`
///   reads the file up to the position, but where it is large and nobody has touched it
///   (`ndjson_source_options::checked_bytes`). Pipes and standard input cannot be gone on with, so a job
///   with checkpoints does not open them.
/// * Any JSON that RFC 8259 allows is taken, nested at most 1,024 deep; numbers of any length.
class ndjson_source final : public source<json_record> {
public:
  explicit ndjson_source(ndjson_source_options options);

  /// Reads `fd`, which stays the caller's; `options.path` is only its name in messages.
  ndjson_source(ndjson_source_options options, int fd);

  ~ndjson_source() override;

  expected<void> open(const instance_context& context) override;
  expected<poll_result> poll(source_outputs& out) override;

  /// False of standard input. Of another pipe only `open` can tell.
  bool can_resume() const override;
  expected<std::vector<split_position>> positions() override;

  /// The absolute path; empty of standard input and of a descriptor.
  std::string place() const override;

  /// Bytes of the lines that were read; the whole is known of regular files.
  source_progress progress() const override;

  /// Bad lines that were left out; those that became dead letters do not count.
  std::uint64_t skipped() const override;

  void close() override;

private:
  class reader;
  std::unique_ptr<reader> reader_;
};

} // namespace weir
