// SPDX-License-Identifier: Apache-2.0
#include "kill_model.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <random>
#include <unordered_set>
#include <utility>

namespace weir::tool::testing {

namespace {

using json = nlohmann::ordered_json;

/// From 0 to below `bound`.
std::size_t below(std::mt19937_64& chance, std::size_t bound) {
  return static_cast<std::size_t>(chance() % bound);
}

constexpr std::size_t customers = 60;
constexpr std::size_t products = 200;

std::string customer_name(std::size_t n) {
  return "c" + std::to_string(n);
}

std::string product_name(std::size_t n) {
  return "p-" + std::to_string(n);
}

void fill_store(kill_world& world, std::mt19937_64& chance) {
  for (std::size_t i = 0; i < customers; ++i)
    if (below(chance, 12) != 0)
      world.customers[customer_name(i)]
        = {"Zoë \"" + std::to_string(i) + "\"", static_cast<int>(below(chance, 5))};
  for (std::size_t i = 0; i < products; ++i) {
    auto& offers = world.offers[product_name(i)];
    for (auto left = below(chance, 4); left > 0; --left)
      offers.push_back({static_cast<int>(below(chance, 1000) * 10 + left),
                        "shop " + std::to_string(below(chance, 9))});
    std::sort(offers.begin(), offers.end(),
              [](const auto& a, const auto& b) { return a.price < b.price; });
  }
}

input_line make_line(std::size_t number, std::int64_t at, std::mt19937_64& chance) {
  input_line line;
  line.customer = customer_name(below(chance, customers));
  line.product = product_name(below(chance, products));
  const bool is_order = below(chance, 97) != 0;
  line.is_order = is_order;
  line.text = is_order
                ? "{\"order\":" + std::to_string(number) + ",\"at\":" + std::to_string(at)
                    + ", \"customer\":\"" + line.customer + "\",\"product\":\"" + line.product
                    + "\",\"note\":\"" + std::string(below(chance, 40), 'x') + "\"}"
                : "order " + std::to_string(number) + " was lost";
  return line;
}

/// Lines without their ends; a last one without an end goes to `cut`.
std::vector<std::string> lines_of(const std::string& text, std::string& cut) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (auto end = text.find('\n'); end != text.npos; end = text.find('\n', begin)) {
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  cut = text.substr(begin);
  return lines;
}

/// What a dead letter says but for what a run draws anew.
std::string identity(std::string_view record, std::string_view error, std::string_view stage,
                     std::uint64_t line, std::uint64_t offset) {
  return json::array({record, error, stage, "in.ndjson", line, offset}).dump();
}

std::string name_of(std::size_t number) {
  return "the record of line " + std::to_string(number);
}

} // namespace

std::string kill_world::input() const {
  std::string all;
  for (const auto& each : lines)
    all += each.text + "\n";
  return all;
}

kill_world make_world(std::uint64_t seed, std::size_t lines) {
  std::mt19937_64 chance{seed};
  kill_world world;
  fill_store(world, chance);
  std::uint64_t offset = 0;
  for (std::size_t i = 1; i <= lines; ++i) {
    // Event times go on, and back by less than the 50 ms that watermarks stay behind.
    const auto at = static_cast<std::int64_t>(1'700'000'000'000 + i * 10 + below(chance, 50));
    world.lines.push_back(make_line(i, at, chance));
    world.lines.back().offset = offset;
    offset += world.lines.back().text.size() + 1;
  }
  return world;
}

kill_model::kill_model(const kill_world& world, promised_order order) : order_(order) {
  for (std::size_t i = 0; i < world.lines.size(); ++i) {
    const auto& line = world.lines[i];
    if (!line.is_order)
      add_letter(line, i + 1, "source", "bad_record");
    else if (!world.customers.contains(line.customer))
      add_letter(line, i + 1, "customer", "miss");
    else
      add_record(line, i + 1, world);
  }
}

void kill_model::add_record(const input_line& from, std::size_t number, const kill_world& world) {
  const auto& customer = world.customers.at(from.customer);
  json offers = json::array();
  if (const auto found = world.offers.find(from.product); found != world.offers.end())
    for (const auto& each : found->second)
      offers.push_back({{"price", each.price}, {"shop", each.shop}});
  auto line = from.text;
  line.pop_back();
  line += ",\"who\":" + json{{"name", customer.name}, {"tier", customer.tier}}.dump()
          + ",\"offers\":" + offers.dump() + "}";

  const auto index = records_.size();
  const auto group = order_ == promised_order::of_each_customer
                       ? group_of_customer_.emplace(from.customer, in_order_.size()).first->second
                       : 0;
  in_order_.resize(std::max(in_order_.size(), group + 1));
  in_order_[group].push_back(index);
  groups_.push_back(group);
  numbers_.push_back(number);
  index_of_number_[number] = index;
  index_of_record_[line] = index;
  records_.push_back(std::move(line));
}

void kill_model::add_letter(const input_line& from, std::size_t number, std::string_view stage,
                            std::string_view error) {
  letters_[identity(from.text, error, stage, number, from.offset)] = number;
}

std::string kill_model::fault_of(const visible_output& what, progress_so_far how_far) const {
  const bool done = how_far == progress_so_far::done;
  if (auto fault = fault_of_records(what.records, done); !fault.empty())
    return fault;
  if (auto fault = fault_of_letters(what.dead_letters, done); !fault.empty())
    return fault;
  if (done && !what.hidden.empty())
    return "the hidden file " + what.hidden.front() + " is left";
  return {};
}

std::string kill_model::fault_of_records(const std::string& text, bool done) const {
  std::string cut;
  std::vector<bool> came(records_.size());
  std::vector<std::size_t> next(in_order_.size());
  for (const auto& line : lines_of(text, cut)) {
    const auto found = index_of_record_.find(line);
    if (found == index_of_record_.end())
      return unexpected(line);
    const auto index = found->second;
    if (came[index])
      return name_of(numbers_[index]) + " came out twice";
    came[index] = true;
    if (order_ == promised_order::any)
      continue;
    const auto group = groups_[index];
    const auto due = in_order_[group][next[group]++];
    if (due != index)
      return name_of(numbers_[index]) + " came out where that of line "
             + std::to_string(numbers_[due]) + " was due";
  }
  if (!cut.empty())
    return "the last line is cut: " + cut;
  for (std::size_t i = 0; done && i < records_.size(); ++i)
    if (!came[i])
      return name_of(numbers_[i]) + " did not come out";
  return {};
}

std::string kill_model::unexpected(const std::string& line) const {
  const auto read = json::parse(line, nullptr, false);
  if (read.is_object() && read.contains("order") && read["order"].is_number_unsigned()) {
    const auto found = index_of_number_.find(read["order"].get<std::size_t>());
    if (found != index_of_number_.end())
      return name_of(found->first) + " came out as " + line + " and must be "
             + records_[found->second];
  }
  return "no record comes out as " + line;
}

std::string kill_model::fault_of_letters(const std::string& text, bool done) const {
  std::string cut;
  std::unordered_set<std::string> came;
  for (const auto& line : lines_of(text, cut)) {
    auto read = json::parse(line, nullptr, false);
    if (!read.is_object() || !read["record"].is_string() || !read["line"].is_number_unsigned()
        || !read["offset"].is_number_unsigned())
      return "no dead letter is written as " + line;
    const auto who = json::array({read["record"], read["error"], read["stage"], read["file"],
                                  read["line"], read["offset"]})
                       .dump();
    if (!letters_.contains(who))
      return "no record makes the dead letter " + line;
    if (!came.insert(who).second)
      return "the dead letter of line " + std::to_string(letters_.at(who)) + " came twice";
  }
  if (!cut.empty())
    return "the last dead letter is cut: " + cut;
  for (const auto& [who, number] : letters_)
    if (done && !came.contains(who))
      return "the dead letter of line " + std::to_string(number) + " did not come";
  return {};
}

} // namespace weir::tool::testing
