// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Writes JSON records, one a line, to standard output or any other open descriptor, without blocking
/// where nobody reads. Owned by its stage and used by one thread at a time; the descriptor stays the
/// caller's. Raises no SIGPIPE.

#include "weir/json_record.hpp"
#include "weir/sink.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace weir {

/// Writes in pieces of whole lines where they are short enough. Errors have the kind `io`. Where it
/// stops early (a failure, `abandon`), a line that has been begun is completed if that needs no
/// waiting, or taken back from a regular file; nothing further is written.
class stdout_sink final : public sink<json_record> {
public:
  explicit stdout_sink(int fd = 1, std::string name = "standard output")
    : fd_(fd),
      name_(std::move(name)) {}

  /// The descriptor must be open for writing. Several instances would mix their lines: an error.
  expected<void> open(const instance_context& context) override;

  /// Takes records while less than 64 KiB wait for the reader.
  expected<poll_result> write(batch<json_record>& in, std::size_t& next, std::size_t end) override;

  expected<poll_result> flush() override;
  expected<poll_result> prepare(std::uint64_t checkpoint, bool last) override;
  void abandon(bool keep_partial) override;

private:
  enum class target { file, socket, pieces };

  // Writes what is gathered; false where the reader must be waited for.
  expected<bool> push();
  void finish_line();
  long write_some(std::size_t size) const;
  std::size_t next_piece() const;
  std::size_t half_line() const;
  void take_back_half_line();

  int fd_;
  std::string name_;
  target target_ = target::pieces;
  // Most bytes that one write may take without waiting.
  std::size_t piece_bytes_ = 0;
  std::string buffer_;
  // How much of `buffer_` has been written; `buffer_` begins where a line begins.
  std::size_t written_ = 0;
};

} // namespace weir
