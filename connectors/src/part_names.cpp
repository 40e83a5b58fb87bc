// SPDX-License-Identifier: Apache-2.0

#include "part_names.hpp"

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <system_error>

namespace weir::detail {

namespace {

constexpr std::string_view suffix = ".ndjson";
constexpr std::size_t mark_digits = 16;

template <class Number>
bool parse(std::string_view text, Number& into) {
  const auto* end = text.data() + text.size();
  const auto [at, code] = std::from_chars(text.data(), end, into);
  return code == std::errc{} && at == end;
}

} // namespace

std::string part_names::visible(std::uint64_t checkpoint, std::uint32_t instance) const {
  char first[32];
  char last[16];
  std::snprintf(first, sizeof(first), "-%010llu", static_cast<unsigned long long>(checkpoint));
  std::snprintf(last, sizeof(last), "-%04u", static_cast<unsigned>(instance));
  return stem + first + (stage.empty() ? "" : "-" + stage) + last + std::string{suffix};
}

std::optional<std::uint64_t> part_names::checkpoint_of(std::string_view name) const {
  const auto digits = name.starts_with(stem) ? name.substr(stem.size()) : std::string_view{};
  const auto last = name.rfind('-');
  if (!digits.starts_with('-') || !name.ends_with(suffix) || last == name.npos)
    return std::nullopt;
  std::uint64_t checkpoint = 0;
  std::uint32_t instance = 0;
  // What is not written as `visible` would write it is none.
  if (!parse(digits.substr(1, digits.find('-', 1) - 1), checkpoint)
      || !parse(name.substr(last + 1, name.size() - suffix.size() - last - 1), instance)
      || instance >= part_instances_max || visible(checkpoint, instance) != name)
    return std::nullopt;
  return checkpoint;
}

std::optional<std::uint64_t> part_names::checkpoint_of_any_stage(std::string_view name) const {
  const auto begin = name.find('-', stem.size() + 1);
  const auto end = name.rfind('-');
  if (begin == name.npos || end <= begin)
    return std::nullopt;
  return part_names{stem, std::string{name.substr(begin + 1, end - begin - 1)}}.checkpoint_of(name);
}

std::string mark_of(const run_id& run) {
  return run.text().substr(0, mark_digits);
}

std::string hidden_name(std::string_view visible, std::string_view mark) {
  std::string name{"."};
  name += visible;
  if (!mark.empty()) {
    name += '.';
    name += mark;
  }
  return name;
}

std::string owner_name(const part_names& of) {
  return "." + of.stem + ".run";
}

std::optional<hidden_part_name> as_hidden(std::string_view name) {
  if (!name.starts_with('.'))
    return std::nullopt;
  name.remove_prefix(1);
  if (name.ends_with(suffix))
    return hidden_part_name{name, {}};
  if (name.size() <= mark_digits)
    return std::nullopt;
  const auto mark = name.substr(name.size() - mark_digits);
  const auto front = name.substr(0, name.size() - mark_digits);
  if (mark.find_first_not_of("0123456789abcdef") != name.npos || !front.ends_with('.')
      || !front.substr(0, front.size() - 1).ends_with(suffix))
    return std::nullopt;
  return hidden_part_name{front.substr(0, front.size() - 1), mark};
}

std::string counted(std::size_t n, std::string_view one) {
  return std::to_string(n) + " " + std::string{one} + (n == 1 ? "" : "s");
}

std::string path_in(const std::string& folder, std::string_view name) {
  return folder + (folder.ends_with('/') ? "" : "/") + std::string{name};
}

std::string plain_path(const std::string& path) {
  std::error_code failed;
  const auto whole = std::filesystem::absolute(path, failed);
  auto plain = (failed ? std::filesystem::path{path} : whole).lexically_normal().string();
  while (plain.size() > 1 && plain.ends_with('/'))
    plain.pop_back();
  return plain;
}

} // namespace weir::detail
