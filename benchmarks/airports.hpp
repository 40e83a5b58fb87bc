// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The airports that the flights of the main job are looked up in, as examples/flights/airports.csv has them.

#include <cstddef>
#include <fstream>
#include <string>
#include <vector>

namespace bench {

/// As the file's columns are called.
struct airport {
  std::string iata{};
  std::string name{};
  std::string city{};
  std::string state{};
  std::string country{};
  double latitude = 0;
  double longitude = 0;
};

/// The cells of a line: with commas between them, in quotes where they hold commas. None holds a quote.
inline std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"')
      quoted = !quoted;
    else if (c == ',' && !quoted)
      cells.emplace_back();
    else if (c != '\r')
      cells.back() += c;
  }
  return cells;
}

/// All of them; none where the file cannot be read, or is another.
inline std::vector<airport> read_airports(const std::string& path) {
  std::ifstream file{path};
  std::vector<airport> all;
  std::string line;
  std::getline(file, line); // the columns' names
  while (std::getline(file, line)) {
    const auto cells = cells_of(line);
    if (cells.size() != 7)
      return {};
    all.push_back({cells[0], cells[1], cells[2], cells[3], cells[4], std::stod(cells[5]), std::stod(cells[6])});
  }
  return all;
}

} // namespace bench
