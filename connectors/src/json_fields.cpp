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
    into.clear();
    text_.clear();
    if (from.appended.empty())
      text_ = from.raw;
    else
      append_json_text(text_, from);
    const auto size = text_.size();
    text_.resize(size + simdjson::SIMDJSON_PADDING);
    const auto parsed = parser_.parse({text_.data(), size});
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

private:
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
  // The record's text with the padding that the parser asks for.
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
