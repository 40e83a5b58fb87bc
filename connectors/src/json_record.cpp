// SPDX-License-Identifier: Apache-2.0

#include "weir/json_record.hpp"

#include "weir/held_bytes.hpp"
#include "weir/json_writer.hpp"
#include "weir/stored.hpp"

namespace weir {

static void save(state_output& to, const json_record& record, std::uint32_t) {
  to.text(record.raw);
  to.text(record.appended);
  to.number(record.line);
}

static void load(state_input& from, json_record& record, std::uint32_t) {
  from.text(record.raw);
  from.text(record.appended);
  record.line = from.number();
}

} // namespace weir

// Here and not in a file of its own, which nobody would refer to: a linker leaves such a one out.
WEIR_STORED_AS((weir::json_record), "weir.json_record", 1, 1)

namespace weir {

namespace {

constexpr std::string_view white_space = " \t\r\n";

} // namespace

std::size_t held_bytes(const json_record& x) noexcept {
  return sizeof(x) - 2 * sizeof(std::string) + value_bytes(x.raw) + value_bytes(x.appended);
}

void begin_member(json_record& to, std::string_view name) {
  to.appended += ',';
  append_json_string(to.appended, name);
  to.appended += ':';
}

void append_member(json_record& to, std::string_view name, std::string_view json) {
  begin_member(to, name);
  to.appended += json;
}

void append_json_text(std::string& out, const json_record& from) {
  const std::string_view raw = from.raw;
  const auto brace = raw.rfind('}');
  if (from.appended.empty() || brace == raw.npos) {
    out += raw.substr(0, brace == raw.npos ? brace : brace + 1);
    return;
  }
  const auto last = raw.find_last_not_of(white_space, brace == 0 ? raw.npos : brace - 1);
  const auto members = raw.substr(0, last + 1);
  out += members;
  // What ends in its opening brace is an object without members.
  out += std::string_view{from.appended}.substr(members.ends_with('{') ? 1 : 0);
  out += '}';
}

std::string record_name(const json_record& of, const origin& from) {
  if (of.line == 0)
    return "record " + from.text();
  return "line " + std::to_string(of.line) + " (offset " + std::to_string(from.position) + ")";
}

std::string record_place(std::string_view file, std::uint64_t line, std::uint64_t offset) {
  return std::string{file} + ":" + std::to_string(line) + " (offset " + std::to_string(offset)
         + ")";
}

} // namespace weir
