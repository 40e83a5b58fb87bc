// SPDX-License-Identifier: Apache-2.0
#include "progress.hpp"

#include "duration_text.hpp"
#include "job_builder.hpp"
#include "quantile_text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utility>

namespace weir::tool {

namespace {

using namespace std::chrono_literals;

constexpr duration terminal_interval = 200ms;
constexpr duration plain_interval = 5s;
/// The rate is that of so long a time.
constexpr duration rate_window = 2s;

/// `1:02:03`, or `2:03`.
std::string elapsed_text(duration elapsed) {
  const auto seconds = std::max<std::int64_t>(elapsed / 1s, 0);
  char text[64];
  if (seconds < 3600)
    std::snprintf(text, sizeof(text), "%d:%02d", int(seconds / 60), int(seconds % 60));
  else
    std::snprintf(text, sizeof(text), "%lld:%02d:%02d", static_cast<long long>(seconds / 3600),
                  int(seconds / 60 % 60), int(seconds % 60));
  return text;
}

std::size_t width_of(int terminal) {
  winsize size{};
  if (::ioctl(terminal, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
    return 80;
  return size.ws_col;
}

} // namespace

progress_sample sample_of(const job_status& status, time_point at) {
  progress_sample sample;
  sample.at = at;
  for (const auto& sink : status.sinks)
    if (sink.name == sink_stage_name)
      sample.records += sink.records_in;
  for (const auto& each : status.operators) {
    sample.in_flight += each.in_flight;
    sample.call_duration += each.call_duration;
  }
  for (const auto& source : status.sources)
    if (source.total && *source.total > 0)
      sample.share = std::min(1.0, static_cast<double>(source.read)
                                     / static_cast<double>(*source.total));
  return sample;
}

std::string progress_line(const std::string& job, const progress_sample& now,
                          const progress_sample& since, duration elapsed) {
  const auto seconds = static_cast<double>((now.at - since.at).count()) / 1e9;
  const auto rate
    = seconds > 0 ? static_cast<double>(now.records - since.records) / seconds : 0.0;
  auto line = job + ": ";
  // In front, since a narrow terminal cuts the end off.
  if (now.share)
    line += std::to_string(static_cast<int>(*now.share * 100)) + " % read, ";
  return line + counted_text(now.records, "record") + ", "
         + grouped_text(static_cast<std::uint64_t>(std::llround(std::max(rate, 0.0)))) + "/s, "
         + grouped_text(now.in_flight) + " in flight, call p99 " + quantile_text(now.call_duration, 0.99) + ", "
         + elapsed_text(elapsed);
}

progress::progress(std::string job, const ready_writer& to, time_point started,
                   const job_status& before)
  : job_(std::move(job)),
    to_(to),
    terminal_(::isatty(to.fd()) == 1),
    started_(started),
    next_(started + interval()),
    samples_{sample_of(before, started)} {}

duration progress::interval() const noexcept {
  return terminal_ ? terminal_interval : plain_interval;
}

void progress::show(const job_status& status, time_point now) {
  if (now < next_)
    return;
  next_ = now + interval();
  samples_.push_back(sample_of(status, now));
  while (samples_.size() > 2 && samples_[1].at <= now - rate_window)
    samples_.pop_front();
  auto line = progress_line(job_, samples_.back(), samples_.front(), now - started_);
  if (terminal_) {
    // A line that is wrapped could not be written over.
    line.resize(std::min(line.size(), width_of(to_.fd()) - 1));
    write("\r" + line + "\x1b[K");
    shown_ = true;
  } else {
    write(line + "\n");
  }
}

void progress::clear() {
  if (std::exchange(shown_, false))
    write("\r\x1b[K");
}

void progress::write(std::string_view text) const {
  // Nobody is left to tell that progress cannot be shown.
  static_cast<void>(to_.write_now(text));
}

} // namespace weir::tool
