// SPDX-License-Identifier: Apache-2.0
#include "trace_check.hpp"

#include "trace_text.hpp"

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <vector>

namespace weir::tool {

namespace {

using namespace simulation;
using lines = std::vector<std::string>;

constexpr std::size_t lines_before = 3;
constexpr std::size_t lines_behind = 5;

std::string padded_left(const std::string& text, std::size_t width) {
  return std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
}

std::string padded(const std::string& text, std::size_t width) {
  return text + std::string(width > text.size() ? width - text.size() : 0, ' ');
}

template <class Item>
std::size_t time_width(const std::vector<Item>& items) {
  std::size_t width = 0;
  for (const auto& each : items)
    width = std::max(width, std::to_string(each.at).size());
  return width;
}

/// Lines with times that fill `width` columns, or without times.
template <class Item>
lines lines_of(const std::vector<Item>& items, std::size_t width = 0) {
  lines all;
  for (const auto& each : items)
    all.push_back((width > 0 ? padded_left(std::to_string(each.at), width) + "  " : std::string{})
                  + text_of(each));
  return all;
}

lines lines_of(const std::optional<trace_failure>& failed) {
  return {failed ? "at " + std::to_string(failed->at) + ": " + text_of(*failed) : "no"};
}

std::string line_at(const lines& of, std::size_t i) {
  return i < of.size() ? of[i] : "-";
}

bool differ_at(const lines& a, const lines& b, std::size_t i) {
  return line_at(a, i) != line_at(b, i);
}

/// One row a line, `>` before those that differ.
std::string listing(const lines& expected, const lines& came, std::size_t begin, std::size_t end) {
  const std::string heading = "expected";
  auto width = heading.size();
  for (auto i = begin; i < end; ++i)
    width = std::max(width, line_at(expected, i).size());
  const auto numbers = std::to_string(end).size();
  std::string text = std::string(numbers + 6, ' ') + padded(heading, width) + "    came\n";
  for (auto i = begin; i < end; ++i)
    text += (differ_at(expected, came, i) ? "  > " : "    ")
            + padded_left(std::to_string(i + 1), numbers) + "  "
            + padded(line_at(expected, i), width) + "    " + line_at(came, i) + "\n";
  return text;
}

std::string count_text(std::size_t n, const char* noun) {
  return std::to_string(n) + " " + noun + (n == 1 ? "" : "s");
}

std::string difference(const char* part, const lines& expected, const lines& came) {
  const auto size = std::max(expected.size(), came.size());
  std::size_t first = 0;
  while (first < size && !differ_at(expected, came, first))
    ++first;
  if (first == size)
    return {};
  std::size_t differing = 0;
  for (auto i = first; i < size; ++i)
    differing += differ_at(expected, came, i) ? 1 : 0;
  const auto begin = first - std::min(first, lines_before);
  const auto end = std::min(size, first + lines_behind);
  auto text = std::string{"  "} + part + ": " + count_text(expected.size(), "line") + " expected, "
              + std::to_string(came.size()) + " came, " + std::to_string(differing)
              + (differing == 1 ? " differs\n" : " differ\n");
  return text + listing(expected, came, begin, end);
}

template <class Item>
std::string difference(const char* part, const std::vector<Item>& expected,
                       const std::vector<Item>& came) {
  const auto width = std::max(time_width(expected), time_width(came));
  return difference(part, lines_of(expected, width), lines_of(came, width));
}

template <class T>
std::string joined(const std::vector<T>& of);

template <class T>
std::string number_text(const T& of) {
  if constexpr (std::is_integral_v<T>)
    return std::to_string(of);
  else
    return joined(of);
}

/// The failure as one row of two columns.
std::string failure_difference(const lines& expected, const lines& came) {
  return expected == came ? std::string{}
                          : "  failed: expected " + expected[0] + "; came " + came[0] + "\n";
}

template <class T>
std::string joined(const std::vector<T>& of) {
  std::string text;
  for (const auto& each : of)
    text += (text.empty() ? "" : " ") + number_text(each);
  return "[" + text + "]";
}

std::string account_difference(const char* what, const std::string& expected,
                               const std::string& came) {
  return expected == came ? std::string{}
                          : std::string{"  "} + what + ": expected " + expected + "; came " + came
                              + "\n";
}

} // namespace

std::string account_difference_text(const trace& expected, const trace& came) {
  if (!expected.account || !came.account)
    return {};
  const auto compare = [&](const char* what, auto run_account::*which) {
    return account_difference(what, number_text((*expected.account).*which),
                              number_text((*came.account).*which));
  };
  return compare("records in", &run_account::records_in)
         + compare("records finished", &run_account::records_finished)
         + compare("records out", &run_account::records_out)
         + compare("calls", &run_account::calls) + compare("retries", &run_account::retries)
         + compare("timeouts", &run_account::timeouts) + compare("dropped", &run_account::dropped)
         + compare("dead letters", &run_account::dead_letters)
         + compare("late completions", &run_account::late_completions)
         + compare("held at the end", &run_account::held)
         + compare("running at the end", &run_account::running)
         + compare("times of dead letters' attempts", &run_account::attempt_times)
         + compare("the end leaves at", &run_account::ended_at);
}

std::string difference_text(const trace& expected, const trace& came) {
  if (expected.compare_output_alone)
    return difference("output, without times", lines_of(expected.output), lines_of(came.output));
  return difference("output", expected.output, came.output)
         + difference("calls", expected.calls, came.calls)
         + failure_difference(lines_of(expected.failed), lines_of(came.failed));
}

} // namespace weir::tool
