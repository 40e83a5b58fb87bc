// SPDX-License-Identifier: Apache-2.0

#include "weir/memory_driver.hpp"

#include "memory_table.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

namespace {

constexpr std::string_view scheme = "memory:";
constexpr std::array endings{".csv", ".ndjson", ".jsonl"};

/// No number of questions is too large for what answers at once.
constexpr std::size_t window_max = std::size_t{1} << 20;

constexpr std::pair<std::string_view, detail::cell_type> type_names[] = {{"string", detail::cell_type::string},
                                                                         {"number", detail::cell_type::number},
                                                                         {"boolean", detail::cell_type::boolean}};

const detail::cell_type* find_type(std::string_view name) {
  const auto found = std::find_if(std::begin(type_names), std::end(type_names),
                                  [&](const auto& each) { return each.first == name; });
  return found == std::end(type_names) ? nullptr : &found->second;
}

using named_texts = std::map<std::string, std::string>;

detail::table_source source_of(const driver_settings& settings) {
  detail::table_source from{std::string{settings.url.rest()}, settings.more.text("key_column"), {}};
  if (const auto* const types = settings.more.find<named_texts>("types"))
    for (const auto& [column, type] : *types)
      from.types.emplace(column, *find_type(type));
  return from;
}

class memory_driver_state final : public client_driver {
public:
  explicit memory_driver_state(const driver_settings& settings)
    : pool_(settings.pool),
      source_(source_of(settings)) {}

  expected<void> open(const std::vector<statement_declaration>& statements, result_receiver& results) override {
    results_ = &results;
    auto read = detail::memory_table::read(source_);
    if (!read)
      return std::move(read).why();
    table_ = *std::move(read);
    for (const auto& each : statements)
      if (auto done = prepare(each); !done)
        return done;
    return {};
  }

  std::size_t permits() const override { return window_max; }
  std::size_t window() const override { return window_max; }

  void submit(std::span<question> questions) override {
    answers_.clear();
    for (auto& each : questions)
      answers_.push_back({each.token, answer_to(each)});
    results_->receive(answers_);
  }

  void cancel(std::span<const call_token>) override {}
  void close() override { table_ = {}; }

private:
  struct prepared {
    column_names columns;
    std::vector<std::size_t> places;
  };

  expected<void> prepare(const statement_declaration& declared) {
    const auto& known = table_.columns();
    auto columns = declared.more.texts("columns");
    if (columns.empty())
      for (std::size_t i = 0; i < known.size(); ++i)
        if (i != table_.key_column())
          columns.push_back(known[i]);
    if (columns.empty())
      return error{error_kind::argument, source_.path, "has no column but its key; name that in columns"};
    std::vector<std::size_t> places;
    for (const auto& each : columns) {
      places.push_back(table_.find_column(each));
      if (places.back() < known.size())
        continue;
      std::string names;
      for (const auto& name : known)
        names += (names.empty() ? "" : ", ") + name;
      return error{error_kind::argument, source_.path, "has no column \"" + each + "\"; it has " + names};
    }
    statements_.push_back({column_names::of(std::move(columns)), std::move(places)});
    return {};
  }

  expected<answer> answer_to(const question& asked) {
    if (asked.statement.index >= statements_.size())
      return error{error_kind::rejected, pool_, "there is no statement " + std::to_string(asked.statement.index)};
    if (asked.arguments.size() != 1)
      return error{error_kind::rejected, pool_,
                   "a question brings " + std::to_string(asked.arguments.size()) + " arguments, but a table has one key"};
    const auto& how = statements_[asked.statement.index];
    answer found{how.columns, {}};
    for (auto row = table_.find(asked.arguments[0]); row != detail::memory_table::none; row = table_.next(row)) {
      if (found.cells.empty())
        found.cells.reserve(how.places.size());
      for (const auto place : how.places)
        found.cells.emplace_back(table_.cell(row, place));
    }
    return found;
  }

  const std::string pool_;
  const detail::table_source source_;
  result_receiver* results_ = nullptr;
  detail::memory_table table_;
  std::vector<prepared> statements_;
  /// Memory of the last submit's.
  std::vector<call_result> answers_;
};

class memory_driver_kind final : public driver_kind {
public:
  std::span<const option_rule> pool_options() const override {
    static constexpr option_rule all[] = {{"key_column", option_type::text, true},
                                          {"types", option_type::named_texts}};
    return all;
  }

  std::span<const option_rule> statement_options() const override {
    static constexpr option_rule all[] = {{"columns", option_type::texts}};
    return all;
  }

  bool is_file() const override { return true; }

  std::vector<unmet_rule> check(const driver_settings& pool) const override {
    std::vector<unmet_rule> all;
    const auto path = pool.url.rest();
    const auto ends_path = [&](const char* ending) { return path.ends_with(ending) && path != ending; };
    if (!pool.url.reveal().starts_with(scheme) || std::none_of(endings.begin(), endings.end(), ends_path))
      all.push_back({"url", "must be \"memory:PATH\" with a path that ends with .csv, .ndjson or .jsonl"});
    if (pool.more.text("key_column").empty())
      all.push_back({"key_column", "must be the name of the column that is asked for"});
    if (pool.more.has("types") && !path.ends_with(".csv"))
      all.push_back({"types", "is of no use where the file is no .csv: JSON says what a value is"});
    else if (const auto* const types = pool.more.find<named_texts>("types"))
      for (const auto& [column, type] : *types)
        if (find_type(type) == nullptr)
          all.push_back({"types", "must be \"string\", \"number\" or \"boolean\" for each column; \"" + type
                                    + "\" for \"" + column + "\" is none of them"});
    return all;
  }

  std::vector<unmet_rule> check(const statement_declaration& statement) const override {
    std::vector<unmet_rule> all;
    if (!statement.text.empty())
      all.push_back({"query", "must not be given: a table in memory is asked for its key_column alone; "
                              "columns says which are wanted"});
    if (statement.arguments != 1)
      all.push_back({"key", "must be one field: a table in memory is asked for its key_column alone"});
    return all;
  }

  expected<std::unique_ptr<client_driver>> make(const driver_settings& settings) const override {
    if (auto wrong = check(settings); !wrong.empty())
      return error{error_kind::argument, settings.pool, wrong.front().key + " " + wrong.front().rule};
    return std::unique_ptr<client_driver>{std::make_unique<memory_driver_state>(settings)};
  }
};

} // namespace

expected<std::unique_ptr<client_driver>> memory_driver(const driver_settings& settings) {
  return memory_kind()->make(settings);
}

std::shared_ptr<const driver_kind> memory_kind() {
  static const auto kind = std::make_shared<const memory_driver_kind>();
  return kind;
}

} // namespace weir
