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
#include <vector>

namespace weir {

namespace detail {
class part_series;
}

/// A part is hidden until its checkpoint is committed: its name begins with a dot, and with checkpoints ends with
/// the first 16 digits of its run's id, so that no other run shows or removes it. With checkpoints an
/// instance begins a part with the first line behind a checkpoint that it has prepared, and the part gets
/// the number behind that; so the names of an instance's parts are in the order of its lines, with gaps
/// where none came. Without, it writes one part with the number 1, also where no line comes. Errors have
/// the kind `io` and name the path unless it says otherwise; whatever fails, no half-written line becomes
/// visible. Destroyed, it removes the part that it was writing, and without checkpoints also one that was
/// not committed.
class part_file_sink final : public sink<json_record> {
public:
  static constexpr std::size_t default_buffer_bytes = 256 * 1024;

  /// `folder`: is there already. `buffer_bytes`: what is gathered before it is written. `on`: whose
  /// files.
  explicit part_file_sink(std::string folder, std::size_t buffer_bytes = default_buffer_bytes,
                          std::shared_ptr<file_system> on = posix_files());
  ~part_file_sink() override;

  /// Opens the folder. Errors: also `argument`.
  expected<void> open(const instance_context& context) override;

  /// Of all instances' parts in the folder: shows those that the checkpoint says are pending, removes
  /// other hidden ones of this run and of runs without checkpoints. Visible ones that are newer, and
  /// hidden ones of other runs, are moved to the folder `discarded-<checkpoint>` in it, or removed, or an
  /// error of the kind `incompatible`. A pending one that has another size is one of the kind `damaged`;
  /// of one that is not there, or that was visible and has another size, a line says what was known of it.
  /// Each start writes its run's mark into `.part.run`; where a run goes on that has been there and another
  /// mark stands there, or none, that is an error of the kind `incompatible`.
  expected<std::vector<std::string>> recover(const sink_recovery& from) override;

  /// A hidden part that is there already is an error: another run writes it.
  expected<poll_result> write(batch<json_record>& in, std::size_t& next, std::size_t end) override;
  expected<poll_result> flush() override;

  /// Writes the rest and ends the part.
  expected<poll_result> prepare(std::uint64_t checkpoint, bool last) override;

  /// The parts' names and sizes, and which are visible already; the task syncs files and folder.
  pending_output pending() override;

  /// Renames the parts. One that is there already is not replaced: an error.
  expected<poll_result> commit(std::uint64_t checkpoint) override;

  /// Removes the part that is being written. Without checkpoints also the one that was prepared; or
  /// shows the whole lines of it that could be written, and where there is none removes it all the same.
  void abandon(bool keep_partial) override;

  expected<std::vector<std::string>> newer_than(std::uint64_t checkpoint) const override;
  expected<std::vector<std::string>> hidden_of_others(const run_id& run,
                                                      std::uint64_t checkpoint) const override;
  expected<void> check_owner(const run_id& run) const override;

  /// The folder's absolute path.
  std::string place() const override;

  /// The visible path of the part that it writes, or has written, or will write first; empty before
  /// `open`.
  std::string path() const;

private:
  std::string folder_;
  std::shared_ptr<file_system> on_;
  std::unique_ptr<detail::part_series> parts_;
};

} // namespace weir
