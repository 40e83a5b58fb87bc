// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a person sees while a job runs: one line that is written anew on a terminal, a plain line every
/// few seconds elsewhere. It reads the job's numbers and never touches the job. Used by one thread.

#include "ready_writer.hpp"

#include "weir/job_status.hpp"
#include "weir/time.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace weir::tool {

/// The numbers of one moment.
struct progress_sample {
  time_point at{};
  /// That have come out.
  std::uint64_t records = 0;
  std::uint64_t in_flight = 0;
  histogram::snapshot call_duration{};
  /// Of the input's bytes that were read, 0 to 1, where its size is known.
  std::optional<double> share;
};

progress_sample sample_of(const job_status& status, time_point at);

/// The line for `now`. The rate is that since `since`.
std::string progress_line(const std::string& job, const progress_sample& now,
                          const progress_sample& since, duration elapsed);

/// Writes progress. A line that `to` does not take at once is left out: the next one is newer.
class progress {
public:
  /// `to`: standard error, usually; whether it is a terminal decides the form.
  /// `before`: what the job had counted when it was started.
  progress(std::string job, const ready_writer& to, time_point started,
           const job_status& before = {});

  /// How often `show` is worth calling.
  duration interval() const noexcept;

  /// Shows the numbers of now, if it is time to.
  void show(const job_status& status, time_point now);

  /// Takes the line off the terminal, so that something else can be written.
  void clear();

private:
  void write(std::string_view text) const;

  const std::string job_;
  const ready_writer& to_;
  const bool terminal_;
  const time_point started_;
  time_point next_;
  /// The last seconds, oldest first.
  std::deque<progress_sample> samples_;
  bool shown_ = false;
};

} // namespace weir::tool
