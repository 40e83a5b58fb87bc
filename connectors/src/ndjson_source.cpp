// SPDX-License-Identifier: Apache-2.0

#include "weir/ndjson_source.hpp"

#include "weir/file_system.hpp"
#include "weir/line_reader.hpp"
#include "weir/position_text.hpp"
#include "weir/timestamp.hpp"

#include "json_parser.hpp"
#include "prefix_sums.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <poll.h>
#include <span>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace weir {

namespace {

constexpr std::size_t block_bytes = 64 * 1024;
constexpr int lines_per_poll = 1024;
// A line that is too long is skipped without a record being given; that too needs an end.
constexpr int reads_per_poll = 32;

static_assert(line_reader::padding >= simdjson::SIMDJSON_PADDING);

/// What is wrong with a field: `field "t": 'soon' is not written as ...`.
std::string of_field(const detail::json_path& field, const error& why) {
  return field.name() + (why.thing().empty() ? " " : ": " + why.thing() + " ") + why.message();
}

/// Nanoseconds since 1970 at which the file, its rights or its names were last changed. Not when
/// its bytes were: that can be set back.
std::uint64_t changed_at(const struct stat& about) {
  return static_cast<std::uint64_t>(about.st_ctim.tv_sec) * 1'000'000'000
         + static_cast<std::uint64_t>(about.st_ctim.tv_nsec);
}

/// What a position says.
struct file_position {
  std::uint64_t offset = 0;
  /// Lines before `offset`.
  std::uint64_t lines = 0;
  // The file, when the position was taken.
  std::uint64_t size = 0;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  /// As before the first of these bytes was read; 0: it was another then, and nobody knows what was changed.
  std::uint64_t changed_ns = 0;
  /// Of the bytes before `offset`.
  std::uint64_t crc32c = 0;

  std::string text() const {
    return write_position({{"offset", offset},
                           {"lines", lines},
                           {"size", size},
                           {"device", device},
                           {"inode", inode},
                           {"changed_ns", changed_ns},
                           {"crc32c", crc32c}});
  }

  bool read(std::string_view text) {
    return read_position(text, {{"offset", &offset},
                                {"lines", &lines},
                                {"size", &size},
                                {"device", &device},
                                {"inode", &inode},
                                {"changed_ns", &changed_ns},
                                {"crc32c", &crc32c}});
  }

  /// Since before the bytes were read.
  bool is_untouched(const struct stat& now) const {
    return changed_ns != 0 && changed_ns == changed_at(now) && device == now.st_dev
           && inode == now.st_ino && size == static_cast<std::uint64_t>(now.st_size);
  }
};

/// `parser`: gave the field.
expected<event_time> to_event_time(simdjson::dom::element field,
                                   const detail::json_parser& parser) {
  if (std::string_view text; !field.get_string().get(text))
    return parse_rfc3339(text);
  if (std::int64_t ms = 0; !field.get_int64().get(ms))
    return from_epoch_ms(ms);
  // Some writers have no integers and say 978310020000.0 or 9.7831002e11.
  constexpr double exact = 9007199254740992.0;
  if (double ms = 0; field.is_double() && !field.get_double().get(ms) && std::trunc(ms) == ms
                     && std::abs(ms) <= exact)
    return from_epoch_ms(static_cast<std::int64_t>(ms));
  if (parser.is_huge_number(field))
    return error{error_kind::bad_record, {}, "is a number that no double can hold"};
  return error{error_kind::bad_record, simdjson::minify(field),
               "is neither RFC 3339 in a string nor a whole number of milliseconds"};
}

} // namespace

std::string input_name(std::string_view path) {
  return std::string{path == "-" ? "standard input" : path};
}

class ndjson_source::reader {
public:
  reader(ndjson_source_options options, int fd)
    : options_(std::move(options)),
      name_(input_name(options_.path)),
      lines_(options_.max_line, block_bytes),
      is_given_(fd >= 0),
      fd_(fd) {
    if (!options_.timestamp.empty())
      timestamp_.emplace(options_.timestamp);
  }

  expected<void> open(const instance_context& context) {
    if (auto ok = check_options(); !ok)
      return ok;
    has_split_ = context.resume ? !context.resume->empty() : context.subtask == 0;
    if (!has_split_) {
      lines_.finish();
      return {};
    }
    if (fd_ < 0 && options_.path == "-") {
      fd_ = STDIN_FILENO;
    } else if (fd_ < 0) {
      // Not waiting here lets a named pipe be opened before its writer comes.
      auto [file, code] = open_file(posix_files(), AT_FDCWD, options_.path, O_RDONLY | O_NONBLOCK);
      if (!file)
        return io_error(name_, "cannot be read", code);
      file_ = std::move(file);
      fd_ = file_.get();
    }
    struct stat about;
    if (::fstat(fd_, &about) != 0)
      return io_error(name_, "cannot be read", errno);
    if (S_ISDIR(about.st_mode))
      return io_error(name_, "cannot be read", EISDIR);
    waits_ = !S_ISREG(about.st_mode);
    keeps_sums_ = context.checkpointed;
    changed_ns_ = changed_at(about);
    if ((context.checkpointed || context.resume) && (waits_ || !can_resume()))
      return error{
        error_kind::argument, name_,
        "cannot be read again from where a checkpoint was made; write it to a file and name "
        "that, or let the job make no checkpoints"};
    if (!waits_) {
      const auto begin = ::lseek(fd_, 0, SEEK_CUR);
      begin_ = static_cast<std::uint64_t>(begin);
      total_ = static_cast<std::uint64_t>(about.st_size > begin ? about.st_size - begin : 0);
    }
    return context.resume ? go_on_from(*context.resume, about) : expected<void>{};
  }

  expected<poll_result> poll(source_outputs& out) {
    int reads = 0;
    for (int n = 0; n < lines_per_poll && out.has_room();) {
      if (const auto line = lines_.next()) {
        ++n;
        if (auto ok = take(*line, out); !ok)
          return std::move(ok).why();
        continue;
      }
      if (finished_ || !has_split_)
        return poll_result{poll_state::done, {}};
      if (reads++ == reads_per_poll)
        break;
      const auto filled = fill();
      if (!filled)
        return filled.why();
      if (!*filled)
        return poll_result{poll_state::wait, {fd_, false}};
    }
    return poll_result{poll_state::more, {}};
  }

  bool can_resume() const { return options_.path != "-"; }

  expected<std::vector<split_position>> positions() {
    if (!has_split_)
      return std::vector<split_position>{};
    struct stat about;
    if (::fstat(fd_, &about) != 0)
      return io_error(name_, "cannot be asked for its size", errno);
    const auto offset = lines_.offset();
    if (was_cut_off(about))
      return cut_off(about);
    const auto sum = keeps_sums_ ? sums_.at(offset) : sum_up_to(offset);
    if (!sum)
      return sum.why();
    // Who has changed the file meanwhile may have changed what was read: the next start has to look.
    const auto changed_ns = changed_at(about) == changed_ns_ ? changed_ns_ : 0;
    const file_position at{offset,       lines_.lines(), static_cast<std::uint64_t>(about.st_size),
                           about.st_dev, about.st_ino,   changed_ns,
                           *sum};
    return std::vector<split_position>{{0, at.text()}};
  }

  std::string place() const {
    if (is_given_ || options_.path == "-")
      return {};
    std::error_code failed;
    const auto whole = std::filesystem::absolute(options_.path, failed);
    return failed ? options_.path : whole.lexically_normal().string();
  }

  source_progress progress() const { return {lines_.offset(), total_}; }

  std::uint64_t skipped() const { return skipped_; }

  void close() {
    file_.close();
    fd_ = -1;
  }

private:
  expected<void> check_options() const {
    if (options_.path.empty())
      return error{error_kind::argument, "path", "is empty; name a file, or - for standard input"};
    if (options_.max_line == 0)
      return error{error_kind::argument, "max_line", "must be at least 1 byte"};
    if (const auto fault = detail::json_path::fault_of(options_.timestamp); !fault.empty())
      return error{error_kind::argument, "timestamp",
                   "'" + options_.timestamp + "' " + std::string{fault}};
    return {};
  }

  // -- going on --

  expected<void> go_on_from(const std::vector<split_position>& splits, const struct stat& about) {
    file_position then;
    if (splits.size() != 1 || splits[0].split != 0 || !then.read(splits[0].position))
      return not_a_position(name_, splits[0]);
    if (*total_ < then.offset)
      return is_another("is " + std::to_string(*total_) + " bytes long, and "
                        + std::to_string(then.offset)
                        + " bytes of it had been read when the checkpoint was made");
    if (then.offset <= options_.checked_bytes || !then.is_untouched(about)) {
      const auto sum = sum_up_to(then.offset);
      if (!sum)
        return sum.why();
      if (*sum != then.crc32c)
        return is_another("has other bytes among the first " + std::to_string(then.offset)
                          + " than when the checkpoint was made");
    }
    // The last line of a file needs no end; but once it has been read it must not grow.
    if (then.lines > 0 && then.offset < *total_) {
      char last = 0;
      if (const auto size = read_at(then.offset - 1, {&last, 1}); !size)
        return size.why();
      if (last != '\n')
        return is_another("goes on behind line " + std::to_string(then.lines)
                          + ", which had no end when it was read and the checkpoint was made");
    }
    if (::lseek(fd_, static_cast<off_t>(begin_ + then.offset), SEEK_SET) < 0)
      return io_error(name_, "cannot be read from the checkpoint's position on", errno);
    lines_.begin_at(then.offset, then.lines);
    read_ = then.offset;
    sums_.begin_at({then.offset, static_cast<std::uint32_t>(then.crc32c)});
    return {};
  }

  error is_another(const std::string& what) const {
    return {error_kind::incompatible, name_,
            what + "; what was read must stay as it was: put it back, or start afresh"};
  }

  /// The checksum of the bytes before `offset` as they are in the file now.
  expected<std::uint32_t> sum_up_to(std::uint64_t offset) const {
    std::array<char, 16 * 1024> bytes;
    prefix_sums::mark known;
    while (known.offset < offset) {
      const auto size
        = read_at(known.offset, {bytes.data(), static_cast<std::size_t>(std::min<std::uint64_t>(
                                                 bytes.size(), offset - known.offset))});
      if (!size)
        return size.why();
      known.sum = crc32c(bytes.data(), *size, known.sum);
      known.offset += *size;
    }
    return known.sum;
  }

  /// Bytes that are there: at least one.
  expected<std::size_t> read_at(std::uint64_t offset, std::span<char> into) const {
    while (true) {
      const auto size = ::pread(fd_, into.data(), into.size(), static_cast<off_t>(begin_ + offset));
      if (size > 0)
        return static_cast<std::size_t>(size);
      if (size == 0)
        return ends_at(offset);
      if (errno != EINTR)
        return io_error(name_, "cannot be read again", errno);
    }
  }

  /// Of a file that has become shorter than what was read of it, nobody can say what its end is. (Some of
  /// the system's own say of all of them that they are empty.)
  bool was_cut_off(const struct stat& about) const {
    return !waits_ && about.st_size < static_cast<off_t>(begin_ + read_)
           && (about.st_size > 0 || *total_ > 0);
  }

  error cut_off(const struct stat& about) const {
    const auto size = static_cast<std::uint64_t>(about.st_size);
    return ends_at(size > begin_ ? size - begin_ : 0);
  }

  error ends_at(std::uint64_t offset) const {
    return {error_kind::io, name_,
            "ends at byte " + std::to_string(offset)
              + ", in front of what was read of it; something has cut it off: put it back as it was"};
  }

  /// Reads a block; false where nothing is there yet.
  expected<bool> fill() {
    if (waits_) {
      pollfd look{fd_, POLLIN, 0};
      const int ready = ::poll(&look, 1, 0);
      if (ready == 0 || (ready < 0 && errno == EINTR))
        return false;
    }
    const auto room = lines_.room();
    auto size = ::read(fd_, room.data(), room.size());
    // Not waited for: a regular file is never reported to be ready.
    while (size < 0 && errno == EINTR)
      size = ::read(fd_, room.data(), room.size());
    if (size < 0) {
      if (errno == EAGAIN)
        return false;
      return io_error(name_, "cannot be read further", errno);
    }
    read_ += static_cast<std::uint64_t>(size);
    if (size == 0) {
      struct stat about;
      if (!waits_ && ::fstat(fd_, &about) == 0 && was_cut_off(about))
        return cut_off(about);
      lines_.finish();
      finished_ = true;
    }
    lines_.filled(static_cast<std::size_t>(size));
    if (keeps_sums_)
      sums_.add({room.data(), static_cast<std::size_t>(size)}, lines_.offset());
    return true;
  }

  expected<void> take(const text_line& line, source_outputs& out) {
    if (line.length == 0)
      return {};
    if (line.too_long())
      return refuse(line, out,
                    "is " + std::to_string(line.length)
                      + " bytes long, more than max_line = " + std::to_string(options_.max_line));
    const auto parsed = parser_.parse(line.text);
    if (!parsed.cause.empty())
      return refuse(line, out, parsed.cause);
    event_time at;
    if (timestamp_) {
      const auto field = timestamp_->find(parsed.object);
      if (!field)
        return refuse(line, out, "has no timestamp: " + timestamp_->name() + " is missing");
      const auto time = to_event_time(*field, parser_);
      if (!time)
        return refuse(line, out, "has a bad timestamp: " + of_field(*timestamp_, time.why()));
      at = *time;
    }
    out.records.emit(record_of(line), at, origin{line.offset, 0, 0});
    return {};
  }

  static json_record record_of(const text_line& line) {
    return {std::string{line.text}, {}, line.number};
  }

  expected<void> refuse(const text_line& line, source_outputs& out, std::string cause) {
    if (options_.on_bad_record == bad_record_action::skip) {
      ++skipped_;
      return {};
    }
    error why{error_kind::bad_record, record_place(name_, line.number, line.offset),
              std::move(cause)};
    if (options_.on_bad_record == bad_record_action::dead_letter && out.dead_letters != nullptr) {
      out.dead_letters->emit(dead_letter<json_record>{record_of(line), std::move(why), 0, {}},
                             event_time::none(), origin{line.offset, 0, 0});
      return {};
    }
    return error{why.kind(), why.thing(),
                 why.message() + "; correct the line, or let on_bad_record leave such lines out"};
  }

  const ndjson_source_options options_;
  const std::string name_;
  line_reader lines_;
  /// Only where `keeps_sums_`.
  prefix_sums sums_;
  detail::json_parser parser_;
  std::optional<detail::json_path> timestamp_;
  owned_fd file_;
  const bool is_given_;
  // The file's, or the caller's.
  int fd_;
  // Where that stood at first: offsets are counted from there.
  std::uint64_t begin_ = 0;
  // Up to where it has been read, from there.
  std::uint64_t read_ = 0;
  bool has_split_ = true;
  bool keeps_sums_ = false;
  /// When the file was changed last, before a byte of it was read.
  std::uint64_t changed_ns_ = 0;
  bool waits_ = false;
  bool finished_ = false;
  std::optional<std::uint64_t> total_;
  std::uint64_t skipped_ = 0;
};

ndjson_source::ndjson_source(ndjson_source_options options)
  : ndjson_source(std::move(options), -1) {}

ndjson_source::ndjson_source(ndjson_source_options options, int fd)
  : reader_(std::make_unique<reader>(std::move(options), fd)) {}

ndjson_source::~ndjson_source() = default;

expected<void> ndjson_source::open(const instance_context& context) {
  return reader_->open(context);
}

expected<poll_result> ndjson_source::poll(source_outputs& out) {
  return reader_->poll(out);
}

bool ndjson_source::can_resume() const {
  return reader_->can_resume();
}

expected<std::vector<split_position>> ndjson_source::positions() {
  return reader_->positions();
}

std::string ndjson_source::place() const {
  return reader_->place();
}

source_progress ndjson_source::progress() const {
  return reader_->progress();
}

std::uint64_t ndjson_source::skipped() const {
  return reader_->skipped();
}

void ndjson_source::close() {
  reader_->close();
}

} // namespace weir
