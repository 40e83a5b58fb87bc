// SPDX-License-Identifier: Apache-2.0

#include "weir/part_file_sink.hpp"

#include "part_names.hpp"
#include "part_search.hpp"
#include "part_series.hpp"
#include "series_owner.hpp"

#include <algorithm>
#include <utility>

namespace weir {

namespace {

expected<poll_result> done_if(expected<void> ok) {
  if (!ok)
    return std::move(ok).why();
  return poll_result{poll_state::done, {}};
}

} // namespace

part_file_sink::part_file_sink(std::string folder, std::size_t buffer_bytes,
                               std::shared_ptr<file_system> on)
  : folder_(std::move(folder)),
    on_(std::move(on)),
    parts_(std::make_unique<detail::part_series>(detail::part_series_settings{
      folder_, {}, std::max<std::size_t>(buffer_bytes, 1), /*shows_empty=*/true, on_})) {}

part_file_sink::~part_file_sink() = default;

expected<void> part_file_sink::open(const instance_context& context) {
  return parts_->open(context);
}

expected<std::vector<std::string>> part_file_sink::recover(const sink_recovery& from) {
  return parts_->recover(from);
}

expected<poll_result> part_file_sink::write(batch<json_record>& in, std::size_t& next,
                                            std::size_t end) {
  auto& lines = parts_->lines();
  while (next < end) {
    append_json_text(lines, in.value(next++));
    lines += '\n';
    if (auto ok = parts_->write_if_much(); !ok)
      return std::move(ok).why();
  }
  return poll_result{poll_state::done, {}};
}

expected<poll_result> part_file_sink::flush() {
  return done_if(parts_->write());
}

expected<poll_result> part_file_sink::prepare(std::uint64_t checkpoint, bool last) {
  return done_if(parts_->prepare(checkpoint, last));
}

pending_output part_file_sink::pending() {
  return parts_->pending();
}

expected<poll_result> part_file_sink::commit(std::uint64_t checkpoint) {
  return done_if(parts_->commit(checkpoint));
}

void part_file_sink::abandon(bool keep_partial) {
  parts_->abandon(keep_partial);
}

expected<std::vector<std::string>> part_file_sink::newer_than(std::uint64_t checkpoint) const {
  return detail::newer_parts(on_, folder_, {}, checkpoint);
}

expected<std::vector<std::string>> part_file_sink::hidden_of_others(const run_id& run,
                                                                   std::uint64_t) const {
  return detail::hidden_of_others(on_, folder_, {}, detail::mark_of(run), /*any_stage=*/false);
}

expected<void> part_file_sink::check_owner(const run_id& run) const {
  return detail::check_owner(on_, folder_, {}, detail::mark_of(run));
}

std::string part_file_sink::place() const {
  return detail::plain_path(folder_);
}

std::string part_file_sink::path() const {
  return parts_->path();
}

} // namespace weir
