// SPDX-License-Identifier: Apache-2.0

#include "weir/ndjson_source.hpp"

#include "weir/file_system.hpp"
#include "weir/line_reader.hpp"
#include "weir/timestamp.hpp"

#include "json_parser.hpp"

#include <cerrno>
#include <cmath>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

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
      fd_(fd) {
    if (!options_.timestamp.empty())
      timestamp_.emplace(options_.timestamp);
  }

  expected<void> open(const instance_context& context) {
    if (auto ok = check_options(); !ok)
      return ok;
    if (context.subtask > 0) {
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
    if (!waits_) {
      const auto begin = ::lseek(fd_, 0, SEEK_CUR);
      total_ = static_cast<std::uint64_t>(about.st_size > begin ? about.st_size - begin : 0);
    }
    return {};
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
      if (finished_ || fd_ < 0)
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

  /// Reads a block; false where nothing is there yet.
  expected<bool> fill() {
    if (waits_) {
      pollfd look{fd_, POLLIN, 0};
      const int ready = ::poll(&look, 1, 0);
      if (ready == 0 || (ready < 0 && errno == EINTR))
        return false;
    }
    const auto room = lines_.room();
    const auto size = ::read(fd_, room.data(), room.size());
    if (size < 0) {
      if (errno == EAGAIN || errno == EINTR)
        return false;
      return io_error(name_, "cannot be read further", errno);
    }
    if (size == 0) {
      lines_.finish();
      finished_ = true;
    }
    lines_.filled(static_cast<std::size_t>(size));
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
  detail::json_parser parser_;
  std::optional<detail::json_path> timestamp_;
  owned_fd file_;
  // The file's, the caller's, or none for an instance that has nothing to read.
  int fd_;
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
