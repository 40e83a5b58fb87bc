// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Files of lines that become visible in two phases: what the sinks for files have in common. The parts
/// of a series lie in one folder, and each one's name holds the number of a checkpoint. Every instance
/// of a sink has a `part_series` of its own, and uses it on one thread at a time; only the tasks of
/// `pending()` run elsewhere.
///
/// A part is hidden while it is written and until it is committed. Its number is that behind the last
/// checkpoint that was prepared when it was begun, so *its number is above c* says the same as
/// *checkpoint c does not know it*.

#include "part_names.hpp"

#include "weir/error.hpp"
#include "weir/file_system.hpp"
#include "weir/sink.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weir::detail {

/// Which series, and how it is written.
struct part_series_settings {
  /// Is there already.
  std::string folder;
  part_names names;
  /// What is gathered before it is written.
  std::size_t buffer_bytes = 0;
  /// Without checkpoints there is a part even if no line came.
  bool shows_empty = false;
  std::shared_ptr<file_system> on;
};

/// Errors have the kind `io` and name the path unless it says otherwise; whatever fails, no
/// half-written line becomes visible. Destroyed, it removes a part that was not prepared, and without
/// checkpoints also one that was and is still hidden.
class part_series {
public:
  explicit part_series(part_series_settings how);
  ~part_series();
  part_series(const part_series&) = delete;
  part_series& operator=(const part_series&) = delete;

  /// Opens the folder; a part is made when there is a line for it. Errors: also `argument`.
  expected<void> open(const instance_context& context);

  // -- lines --

  /// What is gathered; whole lines are put behind it, each with its end.
  std::string& lines() noexcept { return buffer_; }
  expected<void> write_if_much();
  expected<void> write();

  // -- the two phases: as those of a sink --

  /// Fails where so many parts are pending, since checkpoints come to nothing, that no state could say
  /// them.
  expected<void> prepare(std::uint64_t checkpoint, bool last);
  pending_output pending();
  expected<void> commit(std::uint64_t checkpoint);
  void abandon(bool keep_partial);

  /// Errors: also `damaged` and `incompatible`.
  expected<std::vector<std::string>> recover(const sink_recovery& from);

  /// At the beginning of a run: `recover` for the parts of all stages with this stem, and the file `plain`
  /// of the folder.
  expected<std::vector<std::string>> recover_all_of_stem(const std::string& plain,
                                                         newer_output newer);

  /// The visible path of the part that is written, was written last, or comes first; empty before
  /// `open`.
  std::string path() const;

private:
  class part;
  struct open_folder;
  struct prepared_part {
    std::shared_ptr<part> what;
    std::uint64_t prepared_for = 0;
    bool shown = false;
    /// The first checkpoint that was prepared when it was visible already: its task makes the visible
    /// name durable.
    std::optional<std::uint64_t> name_durable_at{};
  };

  expected<void> begin_part();
  void end_part(std::uint64_t checkpoint);
  expected<void> bound_pending();
  expected<void> show(prepared_part& which);
  void show_whole_lines();
  void remove_all();

  part_series_settings how_;
  // Shared with the tasks, which may outlive this.
  std::shared_ptr<const open_folder> folder_;
  std::uint32_t instance_ = 0;
  bool checkpointed_ = false;
  // Of hidden names; empty without checkpoints.
  std::string mark_;
  bool is_last_ = false;
  std::string buffer_;
  std::uint64_t next_number_ = 1;
  // That is being written.
  std::shared_ptr<part> part_;
  // Those that are hidden, and those whose visible name may not be on the disk.
  std::vector<prepared_part> prepared_;
};

} // namespace weir::detail
