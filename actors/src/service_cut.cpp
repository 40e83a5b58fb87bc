// SPDX-License-Identifier: Apache-2.0
#include "service_cut.hpp"

#include <charconv>
#include <optional>

namespace weir {

namespace {

/// What the numbers of the positions mean.
enum : std::uint32_t { next_number = 0, resume_from = 1 };

std::optional<std::uint64_t> number_in(const std::string& text) {
  std::uint64_t number = 0;
  const auto* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec != std::errc{} || read.ptr != end)
    return std::nullopt;
  return number;
}

} // namespace

void write_cut(const feed_cut& what, instance_summary& to) {
  to.positions = {{next_number, std::to_string(what.next_number)}};
  if (what.resume_from)
    to.positions.push_back({resume_from, std::to_string(*what.resume_from)});
  to.times = source_times{event_time::none(), what.watermark, false, what.ended};
}

expected<feed_cut> read_cut(const instance_summary& from, const std::string& service) {
  feed_cut cut;
  for (const auto& [split, text] : from.positions) {
    const auto number = number_in(text);
    if (!number || split > resume_from)
      return error{error_kind::damaged, "service " + service,
                   "its checkpoint says that it stands at \"" + text + "\" (" + std::to_string(split)
                     + "), which is none of its numbers"};
    if (split == next_number)
      cut.next_number = *number;
    else
      cut.resume_from = *number;
  }
  if (from.times) {
    cut.watermark = from.times->watermark;
    cut.ended = from.times->ended;
  }
  return cut;
}

} // namespace weir
