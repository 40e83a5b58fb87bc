// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Writes JSON records, one a line, into part files of a folder that `prepare_output_folder` has made
/// ready. Nobody sees a part before it is complete and on the disk. Owned by its stage and used by one
/// thread at a time; writes to a file, so the disk's speed is its own.

#include "weir/file_system.hpp"
#include "weir/json_record.hpp"
#include "weir/sink.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace weir {

/// One instance writes one part, which is hidden (its name begins with a dot) until `commit()`. Without checkpoints it is number 1. Errors have the kind `io` and name the path;
/// whatever fails, no half-written line becomes visible. Destroyed without a `commit()`, it removes its
/// part.
class part_file_sink final : public sink<json_record> {
public:
  static constexpr std::size_t default_buffer_bytes = 256 * 1024;

  /// `folder`: is there already. `buffer_bytes`: what is gathered before it is written. `on`: whose
  /// files.
  explicit part_file_sink(std::string folder, std::size_t buffer_bytes = default_buffer_bytes,
                          std::shared_ptr<file_system> on = posix_files());
  ~part_file_sink() override;

  /// Creates the hidden part. One that is there already is an error: another run writes it.
  expected<void> open(const instance_context& context) override;

  expected<poll_result> write(batch<json_record>& in, std::size_t& next, std::size_t end) override;
  expected<poll_result> flush() override;

  /// Writes the rest and waits until it is on the disk.
  expected<poll_result> prepare(std::uint64_t checkpoint, bool last) override;

  /// Shows the part, also one without lines.
  expected<poll_result> commit(std::uint64_t checkpoint) override;

  /// Removes the part, or shows the whole lines of it that could be written; where there is none, it
  /// is removed all the same.
  void abandon(bool keep_partial) override;

  /// The part's path under its visible name; empty before `open`.
  std::string path() const;

private:
  class part;
  std::string folder_;
  std::size_t buffer_bytes_;
  std::shared_ptr<file_system> on_;
  std::unique_ptr<part> part_;
};

} // namespace weir
