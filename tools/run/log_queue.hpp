// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a running job has to say, on its way from the job's threads to the one that writes. Bounded:
/// where nobody takes lines, later ones are only counted. Any thread.

#include "weir/log.hpp"

#include <cstddef>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace weir::tool {

class log_queue {
public:
  void add(const log_entry& entry) {
    const std::lock_guard guard{mutex_};
    if (lines_.size() < lines_max)
      lines_.push_back(text(entry));
    else
      ++lost_;
  }

  /// The lines since it was last asked.
  std::vector<std::string> take() {
    const std::lock_guard guard{mutex_};
    auto lines = std::exchange(lines_, {});
    if (const auto lost = std::exchange(lost_, 0); lost > 0)
      lines.push_back(std::to_string(lost) + " more lines were left out");
    return lines;
  }

private:
  static constexpr std::size_t lines_max = 100;

  static std::string text(const log_entry& entry) {
    constexpr const char* levels[] = {"", "warning: ", "error: "};
    return levels[static_cast<int>(entry.level)] + entry.thing + ": " + entry.message;
  }

  std::mutex mutex_;
  std::vector<std::string> lines_;
  std::size_t lost_ = 0;
};

} // namespace weir::tool
