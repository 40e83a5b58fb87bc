// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What every benchmark of weir's measures of itself and how it says so: one JSON line a measurement.

#include <sys/resource.h>
#include <sys/time.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// User and system time, in seconds.
inline double cpu_seconds(const rusage& used) {
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

/// Of this process so far.
inline double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return cpu_seconds(used);
}

/// A number in /proc/self/status; 0 where it is not there.
inline double process_status(std::string_view name) {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(name))
      return std::strtod(line.c_str() + name.size(), nullptr);
  return 0;
}

/// Peak of resident memory so far, in MiB. Not `ru_maxrss`, which begins with what the process had before it
/// became this program.
inline double peak_rss_mib() {
  return process_status("VmHWM:") / 1024;
}

/// That this process has now.
inline double threads() {
  return process_status("Threads:");
}

/// One run: how long it took on the wall and on the processors.
struct sample {
  double seconds = 0;
  double cpu = 0;
};

/// Runs `work` once and times it.
template <class Work>
sample timed(Work&& work) {
  const auto cpu = cpu_seconds();
  const auto begin = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  return {took.count(), cpu_seconds() - cpu};
}

inline double median(std::vector<double> of) {
  std::sort(of.begin(), of.end());
  return of[of.size() / 2];
}

/// Prints the line of one measurement.
inline void report(const std::string& workload, const std::string& mode, std::size_t capacity,
                   std::uint64_t records, const std::vector<sample>& runs) {
  std::vector<double> rates;
  std::vector<double> cpus;
  for (const auto& run : runs) {
    rates.push_back(static_cast<double>(records) / run.seconds);
    cpus.push_back(run.cpu / static_cast<double>(records) * 1e6);
  }
  std::printf("{\"workload\":\"%s\",\"mode\":\"%s\",\"capacity\":%zu,\"records\":%llu,\"runs\":%zu,"
              "\"records_per_s_best\":%.0f,\"records_per_s_median\":%.0f,"
              "\"cpu_s_per_million\":%.4f,\"peak_rss_mib\":%.1f}\n",
              workload.c_str(), mode.c_str(), capacity, static_cast<unsigned long long>(records),
              runs.size(), *std::max_element(rates.begin(), rates.end()), median(rates),
              median(cpus), peak_rss_mib());
  std::fflush(stdout);
}

} // namespace bench
