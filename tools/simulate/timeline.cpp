// SPDX-License-Identifier: Apache-2.0
#include "timeline.hpp"

#include "duration_text.hpp"
#include "timeline_reasons.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

namespace weir::tool {

namespace {

using namespace simulation;

constexpr std::size_t page_columns = 100;
/// What is left for sentences beside the axis.
constexpr std::size_t sentence_columns = 38;
constexpr const char* gap = "  ";

/// The sign of something that happens at a moment; empty where only a state begins.
std::string mark_of(const happening& x) {
  switch (x.what) {
    case happening_kind::called:
      return x.attempt < 10 ? std::to_string(x.attempt) : "+";
    case happening_kind::answered:
      return "o";
    case happening_kind::call_fails:
      return "x";
    case happening_kind::times_out:
      return "T";
    case happening_kind::ignored:
      return "i";
    case happening_kind::leaves:
      return ">";
    case happening_kind::leaves_without_results:
    case happening_kind::is_dropped:
      return "|";
    case happening_kind::leaves_as_dead_letter:
      return "D";
    case happening_kind::fails_job:
      return "!";
    case happening_kind::is_lost:
      return "#";
    case happening_kind::is_restored:
      return "R";
    default:
      return {};
  }
}

/// The sign of the state that begins; nothing where the state stays.
std::optional<char> state_of(happening_kind what) {
  switch (what) {
    case happening_kind::waits_for_room:
      return '.';
    case happening_kind::waits_for_key:
      return 'k';
    case happening_kind::waits_for_call:
      return 'c';
    case happening_kind::called:
      return '=';
    case happening_kind::backs_off:
      return '~';
    case happening_kind::held:
      return '-';
    case happening_kind::times_out:
    case happening_kind::ignored:
      return std::nullopt;
    default:
      return ' ';
  }
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

std::string without_blanks_at_end(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

/// Where a line of at most `width` bytes that begins at `begin` ends: behind a semicolon, or else
/// behind a comma, or else at a blank, where there is one.
std::size_t line_end(const std::string& text, std::size_t begin, std::size_t width) {
  for (const std::string_view before_blank : {";", ",", ""}) {
    const auto part = std::string{before_blank} + " ";
    const auto at = text.rfind(part, begin + width - before_blank.size());
    if (at != std::string::npos && at > begin)
      return at + before_blank.size();
  }
  return begin + width;
}

std::vector<std::string> wrapped(const std::string& text, std::size_t width) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  while (text.size() - begin > width) {
    const auto end = line_end(text, begin, width);
    lines.push_back(text.substr(begin, end - begin));
    begin = end + (end < text.size() && text[end] == ' ' ? 1 : 0);
  }
  lines.push_back(text.substr(begin));
  return lines;
}

struct cell {
  std::string marks;
  char fill = ' ';

  bool is_blank() const { return marks.empty() && fill == ' '; }
};

struct row {
  std::string label;
  std::vector<cell> cells;
  /// Elements behind a failure never come.
  bool came = false;
  /// The column of the last thing that happens to it.
  std::size_t last = 0;
  std::string sentence;
};

class drawing {
public:
  drawing(const scenario& of, const std::vector<happening>& log) : scenario_(of), log_(log) {
    for (const auto& each : log)
      if (times_.empty() || times_.back() != each.at)
        times_.push_back(each.at);
    make_rows();
    measure();
  }

  std::string text() const {
    std::string all;
    const auto pages = (times_.size() + groups_max_ - 1) / groups_max_;
    for (std::size_t page = 0; page < pages; ++page) {
      if (pages > 1)
        all += "  page " + std::to_string(page + 1) + " of " + std::to_string(pages) + "\n";
      all += page_text(page * groups_max_, std::min((page + 1) * groups_max_, times_.size()));
    }
    return all;
  }

private:
  void make_rows() {
    const timeline_reasons reasons{scenario_, log_};
    rows_.resize(scenario_.input.size());
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      rows_[i].label = element_name(scenario_, i);
      rows_[i].cells.resize(times_.size());
      rows_[i].sentence = reasons.sentence(i);
    }
    std::vector<char> state(rows_.size(), ' ');
    std::size_t column = 0;
    for (const auto& each : log_) {
      for (; times_[column] != each.at; ++column)
        end_column(column, state);
      auto& of = rows_[each.element];
      of.came = true;
      // Its story had ended before.
      if (each.what != happening_kind::ignored)
        of.last = column;
      of.cells[column].marks += mark_of(each);
      state[each.element] = state_of(each.what).value_or(state[each.element]);
    }
    if (!times_.empty())
      end_column(column, state);
    for (std::size_t i = 0; i < rows_.size(); ++i)
      if (state[i] != ' ')
        rows_[i].last = times_.size() - 1;
  }

  void end_column(std::size_t column, const std::vector<char>& state) {
    for (std::size_t i = 0; i < rows_.size(); ++i)
      rows_[i].cells[column].fill = state[i];
  }

  void measure() {
    for (const auto& each : rows_) {
      label_columns_ = std::max(label_columns_, each.label.size());
      for (const auto& of : each.cells)
        group_columns_ = std::max(group_columns_, of.marks.size() + 1);
    }
    for (const auto each : times_)
      group_columns_ = std::max(group_columns_, std::to_string(each).size() + 1);
    const auto used = 2 + label_columns_ + 2 + sentence_columns + 2;
    const auto left = page_columns - std::min(page_columns, used);
    groups_max_ = std::max<std::size_t>(1, left / group_columns_);
  }

  std::string page_text(std::size_t begin, std::size_t end) const {
    auto text = gap + padded("ms", label_columns_) + gap;
    for (auto i = begin; i < end; ++i)
      text += padded(std::to_string(times_[i]), group_columns_);
    text = without_blanks_at_end(text) + "\n";
    for (const auto& each : rows_)
      if (is_seen(each, begin, end))
        text += row_text(each, begin, end);
    return text;
  }

  static bool is_seen(const row& of, std::size_t begin, std::size_t end) {
    if (!of.came)
      return false;
    for (auto i = begin; i < end; ++i)
      if (i == of.last || !of.cells[i].is_blank())
        return true;
    return false;
  }

  std::string row_text(const row& of, std::size_t begin, std::size_t end) const {
    auto line = gap + padded(of.label, label_columns_) + gap;
    for (auto i = begin; i < end; ++i) {
      auto shown = of.cells[i].marks;
      shown.resize(group_columns_, of.cells[i].fill);
      line += shown;
    }
    line += gap;
    if (of.last < begin || of.last >= end)
      return without_blanks_at_end(line) + "\n";
    const auto indent = line.size();
    const auto width = std::max(sentence_columns, page_columns - std::min(page_columns, indent));
    std::string text;
    for (const auto& part : wrapped(of.sentence, width)) {
      text += without_blanks_at_end(line + part) + "\n";
      line.assign(indent, ' ');
    }
    return text;
  }

  const scenario& scenario_;
  const std::vector<happening>& log_;
  std::vector<millis> times_;
  std::vector<row> rows_;
  std::size_t label_columns_ = 2;
  std::size_t group_columns_ = 3;
  std::size_t groups_max_ = 1;
};

const char* mode_text(scenario_mode mode) {
  constexpr const char* names[] = {"ordered", "unordered", "key_ordered"};
  return names[static_cast<std::size_t>(mode)];
}

std::string heading(const scenario& of) {
  const auto& with = of.with;
  auto text = of.name + ": " + mode_text(with.mode) + ", capacity " + std::to_string(with.capacity);
  if (with.max_concurrent_calls)
    text += ", at most " + counted_text(*with.max_concurrent_calls, "call") + " at once";
  text += with.timeout == 0 ? ", no timeout" : ", timeout " + std::to_string(with.timeout) + " ms";
  if (with.retry.kind != retry_kind::none)
    text += ", at most " + counted_text(with.retry.max_attempts, "retry", "retries");
  std::string all;
  for (const auto& line : wrapped(text, page_columns))
    all += line + "\n";
  return all;
}

} // namespace

std::string timeline_legend() {
  return "signs:  1 2 ..  that attempt's call begins   =  it runs   o  answer   x  error   T  timeout\n"
         "        ~  back-off   .  waits for room   k  for its key   c  for a call   -  finished, but held\n"
         "        >  leaves   |  leaves without results   D  leaves as a dead letter   !  fails the job\n"
         "        i  an answer that is ignored   #  lost in a restore   R  back from a snapshot\n";
}

std::string timeline_text(const scenario& of, const std::vector<happening>& log) {
  return heading(of) + drawing{of, log}.text();
}

} // namespace weir::tool
