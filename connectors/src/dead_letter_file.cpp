// SPDX-License-Identifier: Apache-2.0

#include "weir/dead_letter_file.hpp"

#include "weir/json_writer.hpp"

#include <cerrno>
#include <fcntl.h>
#include <memory>

namespace weir {

namespace {

constexpr std::size_t lines_bytes = 256 * 1024;

// Not waiting here: a named pipe without a reader is refused later, not waited for.
constexpr int append_flags = O_WRONLY | O_APPEND | O_NONBLOCK;

/// Whether the path still leads to the open file.
bool leads_to(const std::string& path, const owned_fd& file) {
  file_facts by_path;
  file_facts opened;
  return file.on().about(AT_FDCWD, path.c_str(), /*follow=*/true, by_path) == 0
         && file.on().about(file.get(), opened) == 0 && is_same_file(by_path, opened);
}

/// False where another run has the file. Where there are no locks, nobody has.
bool take_lock(const std::string& path, const owned_fd& file) {
  if (file.on().lock(file.get()) == EWOULDBLOCK)
    return false;
  // Another run may have taken away what it had created, between our opening it and this.
  return leads_to(path, file);
}

/// Removes the open file, which is empty, by its path.
void remove_unused(const std::string& path, const owned_fd& file) {
  file_facts facts;
  if (file.on().about(file.get(), facts) != 0 || facts.size != 0 || !leads_to(path, file))
    return;
  // Through a link the file was created, not the link.
  std::string whole;
  if (file.on().resolve(path.c_str(), whole) == 0)
    file.on().remove_file(AT_FDCWD, whole.c_str());
}

} // namespace

expected<std::shared_ptr<dead_letter_file>>
dead_letter_file::create(const std::string& path, const std::shared_ptr<file_system>& on) {
  auto file = open(path, on);
  if (file)
    if (auto ok = (*file)->clear(); !ok)
      return std::move(ok).why();
  return file;
}

expected<void> dead_letter_file::clear() {
  const std::lock_guard guard{mutex_};
  file_facts facts;
  if (file_.on().about(file_.get(), facts) == 0 && facts.kind == file_kind::regular)
    if (const int code = file_.on().truncate(file_.get(), 0); code != 0)
      return io_error(path_, "cannot be emptied", code);
  created_ = false;
  return {};
}

expected<std::shared_ptr<dead_letter_file>>
dead_letter_file::open(const std::string& path, const std::shared_ptr<file_system>& on) {
  auto [file, code] = open_file(on, AT_FDCWD, path, append_flags);
  const bool created = code == ENOENT;
  if (created) {
    auto made = open_file(on, AT_FDCWD, path, append_flags | O_CREAT);
    file = std::move(made.fd);
    code = made.code;
  }
  file_facts facts;
  if (file)
    code = on->about(file.get(), facts);
  if (code != 0)
    return io_error(path, "cannot be created", code);
  if (facts.kind != file_kind::regular && facts.kind != file_kind::device)
    return error{error_kind::io, path, "is no file; dead letters are written to a file"};
  // Any number of runs may write to /dev/null.
  if (facts.kind == file_kind::regular && !take_lock(path, file))
    return error{error_kind::io, path,
                 "is being written to by another run; wait for its end, or name another file"};
  return std::shared_ptr<dead_letter_file>{new dead_letter_file{path, std::move(file), created}};
}

dead_letter_file::~dead_letter_file() {
  // While the lock is held, so that no other run comes to use it.
  if (created_)
    remove_unused(path_, file_);
}

expected<void> dead_letter_file::append(std::string_view lines) {
  const std::lock_guard guard{mutex_};
  std::size_t written = 0;
  const int code = write_all(file_.on(), file_.get(), lines, written);
  if (code == 0)
    return {};
  const auto last_end = lines.substr(0, written).rfind('\n');
  const auto half = written - (last_end == lines.npos ? 0 : last_end + 1);
  if (half > 0 && !take_back(half))
    return io_error(path_, "ends in half a line and cannot be written", code);
  return io_error(path_, "cannot be written", code);
}

bool dead_letter_file::take_back(std::size_t size) {
  file_facts facts;
  return file_.on().about(file_.get(), facts) == 0
         && file_.on().truncate(file_.get(), facts.size - size) == 0;
}

expected<void> dead_letter_file::sync() {
  if (const int code = file_.on().sync(file_.get()); code != 0)
    return io_error(path_, "cannot be written to the disk", code);
  return sync_name();
}

expected<void> dead_letter_file::sync_name() {
  const std::lock_guard guard{mutex_};
  auto& on = file_.on();
  file_facts facts;
  // Through a link it is another folder than the path's. What was moved away has no name to sync.
  std::string whole;
  if (name_is_durable_ || on.about(file_.get(), facts) != 0 || facts.kind != file_kind::regular
      || on.resolve(path_.c_str(), whole) != 0)
    return {};
  const auto slash = whole.rfind('/');
  const auto folder = slash == 0 ? std::string{"/"} : whole.substr(0, slash);
  const auto [fd, code] = on.open(AT_FDCWD, folder.c_str(), O_RDONLY | O_DIRECTORY);
  // One that may only be searched cannot be synced.
  if (code == EACCES)
    return {};
  if (code != 0)
    return io_error(folder, "cannot be opened", code);
  const int failed = on.sync(fd);
  on.close(fd);
  if (failed != 0)
    return io_error(folder, "cannot be written to the disk", failed);
  name_is_durable_ = true;
  return {};
}

void append_dead_letter(std::string& out, const dead_letter<json_record>& letter,
                        std::string_view stage, std::string_view file, std::uint64_t offset) {
  const auto& why = letter.why;
  out += "{\"record\":";
  append_json_string(out, letter.value.raw);
  out += ",\"error\":";
  append_json_string(out, why.kind());
  out += ",\"message\":";
  append_json_string(out, why.thing().empty() ? why.message() : why.thing() + ": " + why.message());
  out += ",\"attempts\":" + std::to_string(letter.attempts) + ",\"durations_ms\":[";
  for (std::size_t i = 0; i < letter.durations.size(); ++i) {
    if (i > 0)
      out += ',';
    append_json_number(out, static_cast<double>(letter.durations[i].count()) / 1e6);
  }
  out += "],\"stage\":";
  append_json_string(out, stage);
  out += ",\"file\":";
  append_json_string(out, file);
  out += ",\"line\":" + std::to_string(letter.value.line);
  out += ",\"offset\":" + std::to_string(offset) + "}\n";
}

dead_letter_file* dead_letter_sink::target(const dead_letter<json_record>& letter) const {
  return (letter.why.is(error_kind::bad_record) ? bad_records_to_ : to_).get();
}

expected<std::vector<std::string>> dead_letter_sink::recover(const sink_recovery&) {
  for (const auto& each : {to_, bad_records_to_})
    if (each != nullptr)
      if (auto ok = each->clear(); !ok)
        return std::move(ok).why();
  return std::vector<std::string>{};
}

expected<poll_result> dead_letter_sink::write(batch<dead_letter<json_record>>& in,
                                              std::size_t& next, std::size_t end) {
  origin_runs::cursor origins;
  while (next < end) {
    lines_.clear();
    auto* const to = target(in.value(next));
    for (; next < end && lines_.size() < lines_bytes && target(in.value(next)) == to; ++next)
      append_dead_letter(lines_, in.value(next), stage_, file_,
                         origins.at(in.origins(), next).position);
    if (auto ok = to->append(lines_); !ok)
      return std::move(ok).why();
  }
  return poll_result{poll_state::done, {}};
}

expected<poll_result> dead_letter_sink::prepare(std::uint64_t, bool) {
  for (const auto& each : {to_, bad_records_to_})
    if (each != nullptr)
      if (auto ok = each->sync(); !ok)
        return std::move(ok).why();
  return poll_result{poll_state::done, {}};
}

} // namespace weir
