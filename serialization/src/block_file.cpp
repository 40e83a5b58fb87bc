// SPDX-License-Identifier: Apache-2.0

#include "weir/block_file.hpp"

#include "weir/crc32c.hpp"

#include "little_endian.hpp"
#include "read_blocks.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <utility>

namespace weir {

namespace {

using detail::get_little;
using detail::put_little;

constexpr std::string_view magic = "weirCKP\n";
constexpr std::string_view end_mark = "weirEND\n";

constexpr std::size_t first_read_bytes = 1024 * 1024;

// -- places in the header --
constexpr std::size_t at_version = 8;
constexpr std::size_t at_kind = 10;
constexpr std::size_t at_flags = 12;
constexpr std::size_t at_run = 16;
constexpr std::size_t at_checkpoint = 32;
constexpr std::size_t at_stage_sum = 40;
constexpr std::size_t at_header_sum = 60;

// -- in a block's header --
constexpr std::size_t at_length = 4;
constexpr std::size_t at_section = 8;
constexpr std::size_t at_place = 12;

// -- in the footer --
constexpr std::size_t at_blocks = 0;
constexpr std::size_t at_payload_bytes = 8;
constexpr std::size_t at_all_sums = 16;
constexpr std::size_t at_footer_sum = 20;
constexpr std::size_t at_end_mark = 24;

/// Where a block stands in its section.
enum class block_place : std::uint8_t { first = 1, middle = 2, last = 3, whole = 4 };

using header_bytes = std::array<std::byte, file_header_bytes>;
using footer_bytes = std::array<std::byte, file_footer_bytes>;

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

header_bytes make_header(const block_file_header& header) {
  header_bytes raw{};
  std::memcpy(raw.data(), magic.data(), magic.size());
  put_little(raw.data() + at_version, checkpoint_format_version);
  put_little(raw.data() + at_kind, static_cast<std::uint16_t>(header.kind));
  const auto run = header.run.value_or(run_id{});
  std::memcpy(raw.data() + at_run, run.bytes.data(), run.bytes.size());
  put_little(raw.data() + at_checkpoint, header.checkpoint);
  put_little(raw.data() + at_stage_sum, crc32c(header.stage.data(), header.stage.size()));
  put_little(raw.data() + at_header_sum, crc32c(raw.data(), at_header_sum));
  return raw;
}

/// What the footer says.
struct totals {
  std::uint64_t blocks = 0;
  std::uint64_t payload_bytes = 0;
  /// Over the header's sum and those of all blocks.
  std::uint32_t sums = 0;

  void add_sum(std::uint32_t sum) {
    std::byte raw[sizeof(sum)];
    put_little(raw, sum);
    sums = crc32c(raw, sizeof(raw), sums);
  }

  void add_block(std::uint32_t sum, std::size_t size) {
    ++blocks;
    payload_bytes += size;
    add_sum(sum);
  }

  footer_bytes footer() const {
    footer_bytes raw{};
    put_little(raw.data() + at_blocks, blocks);
    put_little(raw.data() + at_payload_bytes, payload_bytes);
    put_little(raw.data() + at_all_sums, sums);
    put_little(raw.data() + at_footer_sum, crc32c(raw.data(), at_footer_sum));
    std::memcpy(raw.data() + at_end_mark, end_mark.data(), end_mark.size());
    return raw;
  }
};

/// Fills in the room in front of a block's payload; gives the block's sum.
std::uint32_t seal_block(std::span<std::byte> block, std::uint32_t section, block_place place) {
  put_little(block.data() + at_length,
             static_cast<std::uint32_t>(block.size() - block_header_bytes));
  put_little(block.data() + at_section, section);
  put_little(block.data() + at_place, static_cast<std::uint32_t>(place));
  const auto sum = crc32c(block.data() + at_length, block.size() - at_length);
  put_little(block.data(), sum);
  return sum;
}

block_place place_of(std::size_t i, std::size_t count) {
  if (count == 1)
    return block_place::whole;
  if (i == 0)
    return block_place::first;
  return i + 1 == count ? block_place::last : block_place::middle;
}

std::uint64_t bytes_of(std::span<const section_to_write> sections) {
  std::uint64_t bytes = file_header_bytes + file_footer_bytes;
  for (const auto& each : sections)
    bytes += std::max<std::size_t>(each.bytes->count(), 1) * block_header_bytes + each.bytes->size();
  return bytes;
}

/// One file while it is written.
class writer {
public:
  writer(owned_fd file, const std::string& path) : file_(std::move(file)), path_(path) {}

  expected<block_file_sums> write(const block_file_header& header,
                                  std::span<const section_to_write> sections) {
    const auto head = make_header(header);
    totals_.add_sum(get_little<std::uint32_t>(head.data() + at_header_sum));
    put(head);
    for (const auto& each : sections)
      put_section(each);
    const auto foot = totals_.footer();
    put(foot);
    finish();
    if (code_ != 0)
      return io_error(path_, what_, code_);
    return block_file_sums{size_, get_little<std::uint32_t>(foot.data() + at_footer_sum)};
  }

private:
  void put(std::span<const std::byte> bytes) {
    if (code_ != 0)
      return;
    std::size_t written = 0;
    code_ = write_all(file_.on(), file_.get(), as_text(bytes), written);
    what_ = "cannot be written";
    size_ += written;
  }

  void put_section(const section_to_write& section) {
    // One that is empty has a block as well.
    std::array<std::byte, block_header_bytes> nothing{};
    const auto count = std::max<std::size_t>(section.bytes->count(), 1);
    for (std::size_t i = 0; i < count && code_ == 0; ++i) {
      const auto block
        = section.bytes->count() > 0 ? section.bytes->block(i) : std::span<std::byte>{nothing};
      const auto sum = seal_block(block, section.number, place_of(i, count));
      totals_.add_block(sum, block.size() - block_header_bytes);
      put(block);
    }
  }

  void finish() {
    if (code_ != 0)
      return;
    what_ = "cannot be written to the disk";
    code_ = file_.on().sync(file_.get());
    if (const int closed = file_.close(); code_ == 0)
      code_ = closed;
  }

  owned_fd file_;
  const std::string& path_;
  totals totals_;
  std::uint64_t size_ = 0;
  int code_ = 0;
  std::string_view what_;
};

// -- reading --

error damaged(const std::string& path, const std::string& what) {
  return {error_kind::damaged, path, what};
}

error damaged_block(const std::string& path, std::uint64_t block, std::size_t offset,
                    const std::string& what) {
  return damaged(path, "block " + std::to_string(block) + " at byte " + std::to_string(offset) + " "
                         + what);
}

run_id run_of(std::span<const std::byte> header) {
  run_id run;
  std::memcpy(run.bytes.data(), header.data() + at_run, run.bytes.size());
  return run;
}

expected<void> check_header(std::span<const std::byte> raw, const std::string& path,
                            block_file_header header) {
  if (as_text(raw.first(magic.size())) != magic)
    return damaged(path, "does not begin as a file of a checkpoint");
  const auto sum = get_little<std::uint32_t>(raw.data() + at_header_sum);
  if (sum != crc32c(raw.data(), at_header_sum))
    return damaged(path, "its header is not what was written");
  const auto version = get_little<std::uint16_t>(raw.data() + at_version);
  if (version > checkpoint_format_version || get_little<std::uint32_t>(raw.data() + at_flags) != 0)
    return error{error_kind::incompatible, path,
                 "was written in format version " + std::to_string(version)
                   + " with features that this program does not know (it reads version "
                   + std::to_string(checkpoint_format_version)
                   + "); use the weir that wrote it, or a newer one"};
  if (!header.run)
    header.run = run_of(raw);
  const auto wanted = make_header(header);
  if (!std::equal(wanted.begin(), wanted.end(), raw.begin()))
    return damaged(path, "is the file of another stage, checkpoint or run");
  return {};
}

/// Cuts a file into its sections and checks all of it, as far as it has been read. With `show` it
/// keeps nothing of what it has shown.
class parser {
public:
  /// `size`: of the whole file.
  parser(std::size_t size, const std::string& path, const block_file_header& header,
         const detail::block_function* show = nullptr)
    : size_(size),
      end_(size - std::min(size, file_footer_bytes)),
      path_(path),
      header_(header),
      show_(show) {}

  /// How much of the file has been checked: what is in front is not looked at again.
  std::size_t checked() const noexcept { return at_; }

  /// Checks the header and all blocks that are whole. `bytes`: what there is of the file, from byte
  /// `from` on.
  expected<void> check(std::span<const std::byte> bytes, std::size_t from = 0) {
    if (at_ == 0) {
      if (end_ < file_header_bytes)
        return damaged(path_, "has " + std::to_string(size_)
                                + " bytes, fewer than any file of a checkpoint");
      if (bytes.size() < file_header_bytes)
        return {};
      if (auto ok = check_header(bytes.first(file_header_bytes), path_, header_); !ok)
        return ok;
      totals_.add_sum(get_little<std::uint32_t>(bytes.data() + at_header_sum));
      at_ = file_header_bytes;
    }
    bytes_ = bytes;
    from_ = from;
    while (at_ < end_) {
      bool is_whole = true;
      if (auto ok = take_block(is_whole); !ok)
        return ok;
      if (!is_whole)
        break;
    }
    return {};
  }

  /// All of the file has been checked but its end, which is in what was given last. Gives the sum in
  /// its footer.
  expected<std::uint32_t> check_end() const {
    if (inside_)
      return damaged(path_, "ends in the middle of section " + std::to_string(*section_));
    const auto footer = totals_.footer();
    if (!std::equal(footer.begin(), footer.end(),
                    bytes_.begin() + static_cast<std::ptrdiff_t>(end_ - from_)))
      return damaged(path_, "its blocks are not those that its end speaks of");
    return get_little<std::uint32_t>(footer.data() + at_footer_sum);
  }

  /// As `check_end`; `bytes` is all of the file.
  expected<std::vector<block_file::section>> finish(std::span<const std::byte> bytes) {
    bytes_ = bytes;
    if (auto sum = check_end(); !sum)
      return std::move(sum).why();
    auto length = lengths_.begin();
    const auto* at = bytes.data() + file_header_bytes;
    for (std::size_t i = 0; i < sections_.size(); ++i) {
      sections_[i].payloads.reserve(blocks_in_[i]);
      for (std::size_t n = 0; n < blocks_in_[i]; ++n, ++length) {
        sections_[i].payloads.push_back({at + block_header_bytes, *length});
        at += block_header_bytes + *length;
      }
    }
    return std::move(sections_);
  }

private:
  expected<void> take_block(bool& is_whole) {
    if (end_ - at_ < block_header_bytes)
      return damaged_block(path_, totals_.blocks, at_, "is cut off");
    const auto there = std::min(from_ + bytes_.size(), end_) - at_;
    is_whole = there >= block_header_bytes;
    if (!is_whole)
      return {};
    const auto* head = bytes_.data() + (at_ - from_);
    const auto length = get_little<std::uint32_t>(head + at_length);
    if (length > block_payload_bytes || length > end_ - at_ - block_header_bytes)
      return damaged_block(path_, totals_.blocks, at_,
                           "is cut off, or its length is not what was written");
    is_whole = there >= block_header_bytes + length;
    if (!is_whole)
      return {};
    const auto sum = get_little<std::uint32_t>(head);
    if (sum != crc32c(head + at_length, block_header_bytes - at_length + length))
      return damaged_block(path_, totals_.blocks, at_, "is not what was written");
    const auto place = get_little<std::uint32_t>(head + at_place);
    const auto section = get_little<std::uint32_t>(head + at_section);
    if (!fits(place, section))
      return damaged_block(path_, totals_.blocks, at_, "stands where it does not belong");
    if (show_ != nullptr) {
      if (auto ok = (*show_)(section, {head + block_header_bytes, length}); !ok)
        return ok;
    } else {
      record(section, length);
    }
    section_ = section;
    inside_ = place == number_of(block_place::first) || place == number_of(block_place::middle);
    totals_.add_block(sum, length);
    at_ += block_header_bytes + length;
    return {};
  }

  void record(std::uint32_t section, std::uint32_t length) {
    if (!inside_) {
      sections_.push_back({section, {}, 0});
      blocks_in_.push_back(0);
    }
    // Not where it lies: what has been read may move as more is.
    lengths_.push_back(length);
    ++blocks_in_.back();
    sections_.back().size += length;
  }

  static constexpr std::uint32_t number_of(block_place place) {
    return static_cast<std::uint32_t>(place);
  }

  bool fits(std::uint32_t place, std::uint32_t section) const {
    if (place < number_of(block_place::first) || place > number_of(block_place::whole))
      return false;
    const bool begins
      = place == number_of(block_place::first) || place == number_of(block_place::whole);
    if (begins == inside_)
      return false;
    if (inside_)
      return section == section_;
    // Sections come in ascending order, so that each comes once.
    return !section_ || section > *section_;
  }

  const std::size_t size_;
  // Where the footer begins.
  const std::size_t end_;
  const std::string& path_;
  const block_file_header& header_;
  const detail::block_function* const show_;
  std::span<const std::byte> bytes_;
  // Where in the file they begin.
  std::size_t from_ = 0;
  // What is in front has been checked.
  std::size_t at_ = 0;
  std::vector<block_file::section> sections_;
  // Of each section, and of all blocks.
  std::vector<std::size_t> blocks_in_;
  std::vector<std::uint32_t> lengths_;
  // The last one.
  std::optional<std::uint32_t> section_;
  bool inside_ = false;
  totals totals_;
};

/// A file that is open to be read.
struct file_to_read {
  owned_fd fd;
  std::size_t size = 0;
};

expected<file_to_read> open_to_read(const std::shared_ptr<file_system>& on, int folder,
                                    const std::string& name, const std::string& path) {
  // Not waiting: a named pipe would wait for its writer.
  auto [file, code] = open_file(on, folder, name, O_RDONLY | O_NONBLOCK);
  if (code == ENOENT)
    return damaged(path, "is missing");
  if (!file)
    return io_error(path, "cannot be opened", code);
  file_facts facts;
  if (code = on->about(file.get(), facts); code != 0)
    return io_error(path, "cannot be looked at", code);
  if (facts.kind != file_kind::regular)
    return damaged(path, "is no file");
  if (facts.size > file_bytes_max)
    return damaged(path, "has " + std::to_string(facts.size)
                           + " bytes, more than any file of a checkpoint");
  return file_to_read{std::move(file), static_cast<std::size_t>(facts.size)};
}

error of_another_size(const std::string& path, std::size_t size, const block_file_sums& sums) {
  return damaged(path, "has " + std::to_string(size) + " bytes, and " + std::to_string(sums.size)
                         + " by its manifest");
}

error of_another_manifest(const std::string& path) {
  return damaged(path, "is whole, but not the file that its manifest speaks of");
}

} // namespace

expected<block_file_sums> write_block_file(const std::shared_ptr<file_system>& on, int folder,
                                           const std::string& name, const std::string& path,
                                           const block_file_header& header,
                                           std::span<const section_to_write> sections,
                                           std::uint64_t bytes_max) {
  if (const auto bytes = bytes_of(sections); bytes > bytes_max)
    return error{error_kind::argument, path,
                 "would have " + std::to_string(bytes) + " bytes, more than the "
                   + std::to_string(bytes_max)
                   + " that are read of a file of a checkpoint; let the stage hold less: a smaller "
                     "capacity, or smaller records"};
  auto [file, code] = open_file(on, folder, name, O_WRONLY | O_CREAT | O_EXCL);
  if (!file)
    return io_error(path, "cannot be created", code);
  return writer{std::move(file), path}.write(header, sections);
}

expected<block_file> block_file::parse(std::vector<std::byte> bytes, const std::string& path,
                                       const block_file_header& header,
                                       const std::optional<block_file_sums>& sums) {
  parser all{bytes.size(), path, header};
  if (auto ok = all.check(bytes); !ok)
    return std::move(ok).why();
  return from_checked(std::move(bytes), path, sums,
                      [&](std::span<const std::byte> of) { return all.finish(of); });
}

template <class Finish>
expected<block_file> block_file::from_checked(std::vector<std::byte> bytes, const std::string& path,
                                              const std::optional<block_file_sums>& sums,
                                              Finish finish) {
  block_file result;
  result.bytes_ = std::move(bytes);
  auto sections = finish(std::span<const std::byte>{result.bytes_});
  if (!sections)
    return std::move(sections).why();
  result.sections_ = *std::move(sections);
  result.run_ = run_of(result.bytes_);
  result.sums_.size = result.bytes_.size();
  const auto* footer = result.bytes_.data() + result.bytes_.size() - file_footer_bytes;
  result.sums_.footer = get_little<std::uint32_t>(footer + at_footer_sum);
  if (sums && *sums != result.sums_)
    return of_another_manifest(path);
  return result;
}

expected<block_file> block_file::read(const std::shared_ptr<file_system>& on, int folder,
                                      const std::string& name, const std::string& path,
                                      const block_file_header& header,
                                      const std::optional<block_file_sums>& sums) {
  const auto file = open_to_read(on, folder, name, path);
  if (!file)
    return file.why();
  const auto size = file->size;
  parser all{size, path, header};
  std::vector<std::byte> bytes;
  for (std::size_t at = 0; at < size;) {
    // What is there has been checked: memory is for bytes that somebody wrote, not for a size.
    if (at == bytes.size())
      bytes.resize(std::min(size, std::max(2 * at, first_read_bytes)));
    const auto got = on->read(file->fd.get(), std::span{bytes}.subspan(at));
    if (got.code != 0)
      return io_error(path, "cannot be read", got.code);
    if (got.size == 0) {
      // Somebody cuts it meanwhile: what is there tells of it.
      bytes.resize(at);
      return parse(std::move(bytes), path, header, sums);
    }
    at += got.size;
    if (auto ok = all.check(std::span{bytes}.first(at)); !ok)
      return std::move(ok).why();
    if (sums && size != sums->size)
      return of_another_size(path, size, *sums);
  }
  if (auto ok = all.check(bytes); !ok)
    return std::move(ok).why();
  return from_checked(std::move(bytes), path, sums,
                      [&](std::span<const std::byte> of) { return all.finish(of); });
}

expected<void> detail::read_blocks(const std::shared_ptr<file_system>& on, int folder,
                                   const std::string& name, const std::string& path,
                                   const block_file_header& header, const block_file_sums& sums,
                                   const block_function& show) {
  const auto file = open_to_read(on, folder, name, path);
  if (!file)
    return file.why();
  const auto size = file->size;
  parser all{size, path, header, &show};
  // Has room for any block, and begins with the first that has not been checked.
  std::vector<std::byte> window(std::min(size, first_read_bytes));
  std::size_t from = 0;
  std::size_t filled = 0;
  for (std::size_t at = 0; at < size;) {
    const auto room = std::span{window}.subspan(filled);
    const auto got = on->read(file->fd.get(), room.first(std::min(room.size(), size - at)));
    if (got.code != 0)
      return io_error(path, "cannot be read", got.code);
    // Somebody cuts it meanwhile.
    if (got.size == 0)
      return damaged(path, "ends at byte " + std::to_string(at) + ", and had "
                             + std::to_string(size) + " bytes when it was opened");
    at += got.size;
    filled += got.size;
    if (auto ok = all.check(std::span{window}.first(filled), from); !ok)
      return ok;
    if (size != sums.size)
      return of_another_size(path, size, sums);
    // Not behind the last piece: its end is still to be looked at.
    if (at < size) {
      const auto done = all.checked() - from;
      std::memmove(window.data(), window.data() + done, filled - done);
      from += done;
      filled -= done;
    }
  }
  if (auto ok = all.check(std::span{window}.first(filled), from); !ok)
    return ok;
  const auto sum = all.check_end();
  if (!sum)
    return sum.why();
  if (*sum != sums.footer)
    return of_another_manifest(path);
  return {};
}

const block_file::section* block_file::find(std::uint32_t number) const noexcept {
  const auto found = std::find_if(sections_.begin(), sections_.end(),
                                  [&](const auto& each) { return each.number == number; });
  return found == sections_.end() ? nullptr : &*found;
}

} // namespace weir
