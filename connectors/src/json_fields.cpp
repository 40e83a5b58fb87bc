// SPDX-License-Identifier: Apache-2.0

#include "weir/json_fields.hpp"

#include "json_parser.hpp"

#include <cstdint>
#include <utility>

namespace weir {

namespace {

using simdjson::dom::element_type;

error bad(const detail::json_path& field, std::string message) {
  return {error_kind::bad_record, field.name(), std::move(message)};
}

} // namespace

class json_fields::reader {
public:
  reader(std::vector<std::string> keys, std::optional<std::string> absent)
    : keys_(std::move(keys)),
      absent_(std::move(absent)) {
    paths_.reserve(keys_.size());
    for (const auto& key : keys_)
      paths_.emplace_back(key);
  }

  std::unique_ptr<reader> fresh() const { return std::make_unique<reader>(keys_, absent_); }

  expected<void> read(const json_record& from, value_list& into) {
    if (from.appended.empty())
      return read_from(from.raw, into);
    // What came in stands in front of what was added, and of two members with one name the first counts:
    // where all keys came in, what was added need not be parsed.
    const bool may_be_added = absent_ && from.appended.find(*absent_) != std::string::npos;
    if (raw_has_keys_ && !may_be_added && !has_escapes(from.appended)) {
      if (read_from(from.raw, into))
        return {};
      raw_has_keys_ = false;
    }
    whole_.clear();
    append_json_text(whole_, from);
    return read_from(whole_, into);
  }

private:
  /// Where a name may be written in another way.
  static bool has_escapes(std::string_view json) { return json.find('\\') != json.npos; }

  expected<void> read_from(std::string_view json, value_list& into) {
    into.clear();
    text_ = json;
    text_.resize(json.size() + simdjson::SIMDJSON_PADDING);
    const auto parsed = parser_.parse({text_.data(), json.size()});
    if (!parsed.cause.empty())
      return error{error_kind::bad_record, "record", parsed.cause};
    if (absent_ && parsed.object.at_key(*absent_).error() == simdjson::SUCCESS)
      return error{error_kind::bad_record, "field \"" + *absent_ + "\"",
                   "is in the record already; the result needs a name of its own"};
    for (const auto& path : paths_) {
      const auto field = path.find(parsed.object);
      if (!field)
        return bad(path, "is missing");
      if (auto ok = append(path, *field, into); !ok)
        return ok;
    }
    return {};
  }

  expected<void> append(const detail::json_path& path, simdjson::dom::element field,
                        value_list& into) const {
    switch (field.type()) {
      case element_type::STRING:
        into.emplace_back(std::string{field.get_string().value_unsafe()});
        return {};
      case element_type::INT64:
        into.emplace_back(field.get_int64().value_unsafe());
        return {};
      case element_type::UINT64:
        into.emplace_back(static_cast<double>(field.get_uint64().value_unsafe()));
        return {};
      case element_type::DOUBLE:
        into.emplace_back(field.get_double().value_unsafe());
        return {};
      case element_type::BOOL:
        into.emplace_back(field.get_bool().value_unsafe());
        return {};
      case element_type::NULL_VALUE:
        into.emplace_back(std::monostate{});
        return {};
      case element_type::ARRAY:
        if (parser_.is_huge_number(field))
          return bad(path, "is a number that no double can hold, and so no key");
        return bad(path, "is an array; a key is a string, a number, true, false or null");
      default:
        return bad(path, "is an object; a key is a string, a number, true, false or null");
    }
  }

  std::vector<std::string> keys_;
  std::optional<std::string> absent_;
  std::vector<detail::json_path> paths_;
  detail::json_parser parser_;
  // So far; else each record of a job that adds a key itself would be parsed twice.
  bool raw_has_keys_ = true;
  std::string whole_;
  // With the padding that the parser asks for.
  std::string text_;
};

json_fields::json_fields(std::vector<std::string> keys, std::optional<std::string> absent)
  : reader_(std::make_unique<reader>(std::move(keys), std::move(absent))) {}

json_fields::~json_fields() = default;

json_fields::json_fields(const json_fields& other) : reader_(other.reader_->fresh()) {}

json_fields& json_fields::operator=(const json_fields& other) {
  reader_ = other.reader_->fresh();
  return *this;
}

json_fields::json_fields(json_fields&&) noexcept = default;
json_fields& json_fields::operator=(json_fields&&) noexcept = default;

expected<void> json_fields::check_key(std::string_view key) {
  if (const auto fault = detail::json_path::fault_of(key); !fault.empty())
    return error{error_kind::argument, std::string{key}, std::string{fault}};
  return {};
}

expected<void> json_fields::read(const json_record& from, value_list& into) {
  return reader_->read(from, into);
}

} // namespace weir
