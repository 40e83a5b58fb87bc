// SPDX-License-Identifier: Apache-2.0
#include "json_tree.hpp"

#include "number_overflows.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <utility>

namespace weir::tool {

namespace {

/// How far a text has been read.
struct place {
  std::string_view content;
  std::size_t offset = 0;
  /// Line ends among what was read.
  std::size_t line_ends = 0;

  bool at_end() const { return offset == content.size(); }
  char next() const { return content[offset]; }
  void advance() { line_ends += content[offset++] == '\n' ? 1 : 0; }

  std::size_t line() const { return line_ends + 1; }

  /// The line of what was read last: the parser looks one character behind a number.
  std::size_t last_line() const {
    return line() - (offset > 0 && content[offset - 1] == '\n' ? 1 : 0);
  }
};

/// Reads from a place that outlives it, so that whoever made it sees how far a parser has got.
class place_iterator {
public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = char;

  /// The end.
  place_iterator() = default;
  explicit place_iterator(place& at) : at_(&at) {}

  char operator*() const { return at_->next(); }
  place_iterator& operator++() {
    at_->advance();
    return *this;
  }
  void operator++(int) { at_->advance(); }
  friend bool operator==(const place_iterator& a, const place_iterator& b) {
    return a.is_end() == b.is_end();
  }
  friend bool operator!=(const place_iterator& a, const place_iterator& b) { return !(a == b); }

private:
  bool is_end() const { return at_ == nullptr || at_->at_end(); }

  place* at_ = nullptr;
};

class tree_builder : public nlohmann::json_sax<nlohmann::json> {
public:
  tree_builder(const place& at, const std::string& path, std::vector<mistake>& mistakes,
               const json_limits& limits, const number_overflows& overflowed)
    : at_(at), path_(path), mistakes_(mistakes), limits_(limits), overflowed_(overflowed) {}

  json_node& root() { return root_; }

  /// Whether it ended at a number that no double holds.
  bool has_overflowed() const { return has_overflowed_; }

  bool null() override { return add({}) != nullptr; }
  bool boolean(bool value) override {
    auto* made = add({.kind = json_kind::boolean});
    if (made != nullptr)
      made->flag = value;
    return made != nullptr;
  }
  bool number_integer(std::int64_t value) override {
    return add({.kind = json_kind::integer, .integer = value, .text = std::to_string(value)});
  }
  bool number_unsigned(std::uint64_t value) override {
    if (const auto* text = value == 0 ? overflowed_.before(at_.offset) : nullptr)
      return number_float(text->front() == '-' ? -HUGE_VAL : HUGE_VAL, *text);
    if (value > INT64_MAX)
      return add({.kind = json_kind::number,
                  .number = static_cast<double>(value),
                  .text = std::to_string(value)});
    return number_integer(static_cast<std::int64_t>(value));
  }
  bool number_float(double value, const std::string& text) override {
    return add({.kind = json_kind::number, .number = value, .text = text});
  }
  bool string(std::string& value) override {
    return add({.kind = json_kind::text, .text = std::move(value)});
  }
  bool binary(nlohmann::json::binary_t&) override { return false; }

  bool start_array(std::size_t) override { return open(json_kind::array); }
  bool end_array() override { return close(); }
  bool start_object(std::size_t) override { return open(json_kind::object); }
  bool end_object() override {
    refuse_repeated_keys();
    return close();
  }
  bool key(std::string& name) override {
    open_.back()->keys.push_back(std::move(name));
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& why) override {
    constexpr int number_overflow = 406;
    if (why.id == number_overflow) {
      has_overflowed_ = true;
      return false;
    }
    const std::string_view what = why.what();
    const auto found = what.find("syntax error");
    const auto begin = found == what.npos ? 0 : found;
    // What was read last may have been changed.
    const auto end = overflowed_.none() ? what.npos : what.find("; last read");
    refuse("is no JSON: " + printable(what.substr(0, end).substr(begin))
           + (root_.line < at_.last_line()
                ? " (in the object that begins at line " + std::to_string(root_.line) + ")"
                : std::string{}));
    return false;
  }

private:
  bool open(json_kind kind) {
    if (open_.size() == limits_.depth) {
      refuse("is nested deeper than " + std::to_string(limits_.depth) + " levels");
      return false;
    }
    auto* made = add({.kind = kind});
    if (made != nullptr)
      open_.push_back(made);
    return made != nullptr;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  /// Null where there are too many.
  json_node* add(json_node node) {
    if (++values_ > limits_.values) {
      refuse("has more than " + std::to_string(limits_.values) + " values in one object");
      return nullptr;
    }
    node.line = at_.last_line();
    node.place = at_.offset;
    if (open_.empty()) {
      root_ = std::move(node);
      return &root_;
    }
    // What is open above has no other item behind this one, so its address stays.
    open_.back()->items.push_back(std::move(node));
    return &open_.back()->items.back();
  }

  /// The first of each stays.
  void refuse_repeated_keys() {
    std::set<std::string, std::less<>> seen;
    auto& of = *open_.back();
    std::size_t kept = 0;
    for (std::size_t i = 0; i < of.keys.size(); ++i)
      if (!seen.insert(of.keys[i]).second) {
        add_mistake(of.items[i], key_of_member(key_of_open(), of.keys[i]),
                    "is given twice in one object");
      } else if (kept++ < i) {
        of.keys[kept - 1] = std::move(of.keys[i]);
        of.items[kept - 1] = std::move(of.items[i]);
      }
    of.keys.resize(kept);
    of.items.resize(kept);
  }

  /// Of what is open, with all that it lies in.
  std::string key_of_open() const {
    std::string key;
    for (std::size_t i = 0; i + 1 < open_.size(); ++i)
      key = open_[i]->kind == json_kind::object
              ? key_of_member(key, open_[i]->keys.back())
              : key_of_item(key, open_[i]->items.size() - 1);
    return key;
  }

  void add_mistake(const json_node& at, std::string key, std::string rule) {
    if (mistakes_.size() < limits_.mistakes)
      mistakes_.push_back({path_ + ":" + std::to_string(at.line), std::move(key), text_of(at),
                           std::move(rule), at.place});
  }

  void refuse(std::string rule) {
    if (mistakes_.size() < limits_.mistakes)
      mistakes_.push_back({path_ + ":" + std::to_string(at_.last_line()), {}, {}, std::move(rule),
                           at_.offset});
  }

  const place& at_;
  const std::string& path_;
  std::vector<mistake>& mistakes_;
  const json_limits& limits_;
  const number_overflows& overflowed_;
  bool has_overflowed_ = false;
  json_node root_;
  std::vector<json_node*> open_;
  std::size_t values_ = 0;
};

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void skip_blanks(place& at) {
  while (!at.at_end() && is_blank(at.next()))
    at.advance();
}

/// Whether nothing but blanks is left of the line.
bool rest_is_blank(place& at) {
  while (!at.at_end() && at.next() != '\n' && is_blank(at.next()))
    at.advance();
  return at.at_end() || at.next() == '\n';
}

void skip_to_object(place& at) {
  while (!at.at_end()) {
    while (!at.at_end() && at.next() != '\n')
      at.advance();
    if (!at.at_end())
      at.advance();
    if (!at.at_end() && at.next() == '{')
      return;
  }
}

/// What is left of the line, as a person is told it.
std::string rest_of_line(const place& at) {
  constexpr std::size_t length_max = 40;
  auto rest = at.content.substr(at.offset);
  rest = rest.substr(0, rest.find('\n'));
  while (!rest.empty() && is_blank(rest.back()))
    rest.remove_suffix(1);
  return printable(rest.substr(0, length_max)) + (rest.size() > length_max ? "..." : "");
}

/// Reads what one text has.
class objects_reader {
public:
  objects_reader(std::string_view content, const std::string& path, std::vector<mistake>& mistakes,
                 const object_handler& each, const json_limits& limits)
    : at_{content}, path_(path), mistakes_(mistakes), each_(each), limits_(limits) {}

  void read_all() {
    for (skip_blanks(at_); !at_.at_end() && mistakes_.size() < limits_.mistakes; skip_blanks(at_))
      if (last_end_ == 0 || may_begin_object(at_.next()))
        read_next();
      else
        refuse_rest();
  }

private:
  // How the reading of a value ends; with `no_json` what is wrong has been said.
  enum class reading { done, no_json, number_overflow };

  void read_next() {
    const auto begin = at_;
    const auto mistakes_before = mistakes_.size();
    json_node root;
    auto ends = read_value(root);
    if (ends == reading::number_overflow) {
      while (mistakes_.size() > mistakes_before)
        mistakes_.pop_back();
      if (changed_.empty())
        changed_ = at_.content;
      overflowed_.blank_out(changed_, begin.offset);
      at_ = begin;
      at_.content = changed_;
      ends = read_value(root);
    }
    if (ends == reading::number_overflow)
      refuse(at_.last_line(), "is no JSON: a number that no double holds");
    if (ends != reading::done) {
      // A line whose brackets do not close must not cost those behind it.
      at_ = begin;
      skip_to_object(at_);
    } else if (root.kind != json_kind::object) {
      const bool is_array = root.kind == json_kind::array;
      refuse(root.line, is_array ? "must be an object, and is an array" : "must be an object");
      skip_to_object(at_);
    } else {
      last_end_ = at_.last_line();
      each_(root, mistakes_before);
      if (!rest_is_blank(at_))
        refuse_rest();
    }
  }

  reading read_value(json_node& into) {
    tree_builder builder{at_, path_, mistakes_, limits_, overflowed_};
    const bool done = nlohmann::json::sax_parse(place_iterator{at_}, place_iterator{}, &builder,
                                                nlohmann::json::input_format_t::json, false);
    into = std::move(builder.root());
    return done ? reading::done
                : builder.has_overflowed() ? reading::number_overflow : reading::no_json;
  }

  /// Also what begins with a mark of the byte order does.
  static bool may_begin_object(char c) { return c == '{' || c == '\xef'; }

  void refuse_rest() {
    refuse(at_.line(), '"' + rest_of_line(at_) + "\" stands behind the object that ends at line "
                         + std::to_string(last_end_) + "; a file has one object, or one a line");
    skip_to_object(at_);
  }

  void refuse(std::size_t line, std::string rule) {
    mistakes_.push_back({path_ + ":" + std::to_string(line), {}, {}, std::move(rule), at_.offset});
  }

  place at_;
  const std::string& path_;
  std::vector<mistake>& mistakes_;
  const object_handler& each_;
  const json_limits& limits_;
  /// A copy of the content without numbers that overflow, once there is one.
  std::string changed_;
  number_overflows overflowed_;
  /// The line in which the last whole object ends; 0: there was none.
  std::size_t last_end_ = 0;
};

} // namespace

void read_json_objects(std::string_view content, const std::string& path,
                       std::vector<mistake>& mistakes, const object_handler& each,
                       const json_limits& limits) {
  objects_reader{content, path, mistakes, each, limits}.read_all();
}

std::string key_of_member(const std::string& of, std::string_view name) {
  return (of.empty() ? std::string{} : of + ".") + printable(name);
}

std::string key_of_item(const std::string& of, std::size_t index) {
  return of + "[" + std::to_string(index) + "]";
}

std::string printable(std::string_view text) {
  constexpr std::size_t length_max = 200;
  std::string shown;
  for (const char c : text.substr(0, length_max))
    shown += c < ' ' || c == 0x7f ? '?' : c;
  // What is no UTF-8, and a character that was cut, become question marks.
  const auto quoted = nlohmann::json(shown).dump(-1, ' ', false,
                                                 nlohmann::json::error_handler_t::replace);
  shown = nlohmann::json::parse(quoted).get<std::string>();
  return text.size() > length_max ? shown + "..." : shown;
}

std::string text_of(const json_node& node) {
  switch (node.kind) {
    case json_kind::null:
      return "null";
    case json_kind::boolean:
      return node.flag ? "true" : "false";
    case json_kind::integer:
    case json_kind::number:
      return printable(node.text);
    case json_kind::text:
      return '"' + printable(node.text) + '"';
    case json_kind::array:
      return node.items.empty() ? "[]" : "[...]";
    case json_kind::object:
      break;
  }
  return node.items.empty() ? "{}" : "{...}";
}

} // namespace weir::tool
