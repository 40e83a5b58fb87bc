// SPDX-License-Identifier: Apache-2.0
#pragma once

/// JSON that a person wrote, with the line of every value, so that what is wrong with it can be said
/// where it stands. A text has one object, or one a line; each is handed over by itself, so that memory
/// goes by the largest. Depth, values and mistakes are bounded: no bytes make it crash or hang. Plain
/// functions and values; any thread.

#include "mistake.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::tool {

enum class json_kind : std::uint8_t { null, boolean, integer, number, text, array, object };

struct json_node {
  json_kind kind = json_kind::null;
  /// From 1.
  std::size_t line = 1;
  /// As `mistake::place`.
  std::uint64_t place = 0;
  bool flag = false;
  /// Of an integer of 64 bits with a sign; greater ones are a `number`.
  std::int64_t integer = 0;
  /// Infinite where the file's is greater than a double can be.
  double number = 0;
  /// Of a text; of a number as the file has it.
  std::string text{};
  /// Of an object, beside `items`; none is there twice.
  std::vector<std::string> keys{};
  /// Of an array or an object.
  std::vector<json_node> items{};
};

/// What one text may come to at most.
struct json_limits {
  std::size_t depth = 16;
  /// In one object, with all that it holds.
  std::size_t values = 1'000'000;
  std::size_t mistakes = 1'000;
};

/// Is handed each object, and how many mistakes there were before it.
using object_handler = std::function<void(const json_node& object, std::size_t mistakes_before)>;

/// Reads the objects of `content`, which is the file `path`'s. What is no JSON costs the object in which
/// it is; reading goes on with the next line that begins with `{`.
void read_json_objects(std::string_view content, const std::string& path,
                       std::vector<mistake>& mistakes, const object_handler& each,
                       const json_limits& limits = {});

/// The key of the member `name` of what has the key `of`; empty: of the object itself.
std::string key_of_member(const std::string& of, std::string_view name);

/// The key of an item of the array that has the key `of`.
std::string key_of_item(const std::string& of, std::size_t index);

/// Without what a terminal would take for a command, and cut where it is long.
std::string printable(std::string_view text);

/// A value as JSON, in few words.
std::string text_of(const json_node& node);

} // namespace weir::tool
