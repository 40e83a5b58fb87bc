// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The file format of checkpoints: sections of bytes, cut into blocks that each bear a checksum,
/// between a header that says what the file is and a footer that says how much it must hold.
/// docs/formats.md has the layout; this knows nothing of what the bytes mean. Every flipped bit,
/// every cut, bytes behind the end, blocks that were swapped and files that were taken for each
/// other are noticed when a file is read, before any of its bytes is believed. Calls block; any
/// thread, one at a time for one file. tests/serialization/block_file_test.cpp.

#include "weir/error.hpp"
#include "weir/file_system.hpp"
#include "weir/run_id.hpp"
#include "weir/state_blocks.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace weir {

/// What is written, and the only version that is read.
inline constexpr std::uint16_t checkpoint_format_version = 1;

inline constexpr std::size_t file_header_bytes = 64;
inline constexpr std::size_t file_footer_bytes = 32;

/// A file that says that it is larger is not read, so none that would be is written.
inline constexpr std::uint64_t file_bytes_max = std::uint64_t{16} << 30;

enum class block_file_kind : std::uint16_t { state = 1, manifest = 2 };

/// What a file is, so that it cannot be taken for another one.
struct block_file_header {
  block_file_kind kind = block_file_kind::state;
  /// Absent only where one is read whose run is not known before: a manifest.
  std::optional<run_id> run{};
  std::uint64_t checkpoint = 0;
  /// Name of the stage whose state it is; empty for a manifest. Only its checksum is in the file.
  std::string stage{};
};

/// By which a manifest knows a file.
struct block_file_sums {
  std::uint64_t size = 0;
  /// The footer's own checksum, over those of all else. (One over the whole footer, this in it,
  /// would be the same for all files: so it is with a CRC that follows what it is of.)
  std::uint32_t footer = 0;

  friend bool operator==(const block_file_sums&, const block_file_sums&) = default;
};

/// Bytes that belong together, as a stage's instance's state.
struct section_to_write {
  std::uint32_t number = 0;
  /// What is in front of its payloads is overwritten. Not null.
  state_blocks* bytes = nullptr;
};

/// Creates the file `name` in an open folder, writes it (`sections` in ascending order of their
/// numbers), and returns when it is on the disk (its name is not: that is for a sync of the
/// folder). After an error a part of the file may be there. `path`: of the file, for errors, which
/// have the kind `io`; or `argument`, before anything is done, where it would have more than
/// `bytes_max` bytes.
expected<block_file_sums> write_block_file(const std::shared_ptr<file_system>& on, int folder,
                                           const std::string& name, const std::string& path,
                                           const block_file_header& header,
                                           std::span<const section_to_write> sections,
                                           std::uint64_t bytes_max = file_bytes_max);

/// A file's sections. Owns its bytes; moving it leaves them where they are.
class block_file {
public:
  struct section {
    std::uint32_t number = 0;
    std::vector<std::span<const std::byte>> payloads{};
    /// Bytes of all payloads.
    std::size_t size = 0;
  };

  /// Checks `bytes`, all that a file holds. `path`: for errors. `sums`: what the manifest says of
  /// it, if it does. Errors: `damaged`, which names path, block and byte; `incompatible`, for a
  /// newer format.
  static expected<block_file> parse(std::vector<std::byte> bytes, const std::string& path,
                                    const block_file_header& header,
                                    const std::optional<block_file_sums>& sums = {});

  /// Reads the file `name` of an open folder and checks it as `parse` while it does, so that memory is
  /// taken for what has been checked and for as much again (but for 1 MiB), whatever the file's size.
  /// Errors also: `io`; what is missing or no file is `damaged`.
  static expected<block_file> read(const std::shared_ptr<file_system>& on, int folder,
                                   const std::string& name, const std::string& path,
                                   const block_file_header& header,
                                   const std::optional<block_file_sums>& sums = {});

  /// In the order in which they were written.
  const std::vector<section>& sections() const noexcept { return sections_; }

  /// The section of this number, or null.
  const section* find(std::uint32_t number) const noexcept;

  const block_file_sums& sums() const noexcept { return sums_; }
  const run_id& run() const noexcept { return run_; }

private:
  block_file() = default;

  /// Their blocks have been checked; `finish` cuts them into sections.
  template <class Finish>
  static expected<block_file> from_checked(std::vector<std::byte> bytes, const std::string& path,
                                           const std::optional<block_file_sums>& sums,
                                           Finish finish);

  std::vector<std::byte> bytes_;
  std::vector<section> sections_;
  block_file_sums sums_;
  run_id run_;
};

} // namespace weir
