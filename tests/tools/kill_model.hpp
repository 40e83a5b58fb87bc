// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a job that is killed and started again must come to: a join of its input with its store, made
/// by hash maps and by what docs/job-file.md says, with nothing of weir's in it. Given what is visible,
/// it names the first thing that must not be so. Values; any thread.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace weir::tool::testing {

/// What the store knows of a customer.
struct customer_row {
  std::string name;
  int tier = 0;
};

/// One of the offers of a product.
struct offer_row {
  int price = 0;
  std::string shop;
};

/// A line of the input. An order has a customer and a product; another line is no JSON.
struct input_line {
  std::string text;
  std::uint64_t offset = 0;
  bool is_order = true;
  std::string customer;
  std::string product;
};

/// A job's input and its store.
struct kill_world {
  std::vector<input_line> lines;
  /// Some customers of orders are not there.
  std::unordered_map<std::string, customer_row> customers;
  /// By product, cheapest first. Some products have none.
  std::unordered_map<std::string, std::vector<offer_row>> offers;

  std::string input() const;
};

/// The same seed makes the same world; `lines` long.
kill_world make_world(std::uint64_t seed, std::size_t lines);

/// In which order records come out.
enum class promised_order { of_input, of_each_customer, any };

/// What has been made visible.
struct visible_output {
  /// All parts in the order of their names, one behind the other.
  std::string records;
  /// Likewise, of files for dead letters.
  std::string dead_letters;
  /// Names of hidden files that hold either.
  std::vector<std::string> hidden;
};

/// How far a job is.
enum class progress_so_far { under_way, done };

class kill_model {
public:
  kill_model(const kill_world& world, promised_order order);

  /// The first thing that must not be so; empty where all is as it must be. While a job is under way, what
  /// is visible is a beginning: of the whole, or of each customer's orders.
  std::string fault_of(const visible_output& what, progress_so_far how_far) const;

  /// The lines that come out, in the order of the input.
  const std::vector<std::string>& records() const noexcept { return records_; }

  /// As many dead letters come out.
  std::size_t dead_letters() const noexcept { return letters_.size(); }

private:
  void add_record(const input_line& from, std::size_t number, const kill_world& world);
  void add_letter(const input_line& from, std::size_t number, std::string_view stage,
                  std::string_view error);
  std::string fault_of_records(const std::string& text, bool done) const;
  std::string fault_of_letters(const std::string& text, bool done) const;
  std::string unexpected(const std::string& line) const;

  const promised_order order_;
  /// By their place in the output of a job that keeps the order.
  std::vector<std::string> records_;
  /// Of each record: its line in the input, from 1 on, and among whose records it has a place.
  std::vector<std::size_t> numbers_;
  std::vector<std::size_t> groups_;
  std::unordered_map<std::string, std::size_t> index_of_record_;
  std::unordered_map<std::size_t, std::size_t> index_of_number_;
  /// Records that have to keep their order, in it.
  std::vector<std::vector<std::size_t>> in_order_;
  std::unordered_map<std::string, std::size_t> group_of_customer_;
  /// What a dead letter says but for its message and its times, and its line in the input.
  std::unordered_map<std::string, std::size_t> letters_;
};

} // namespace weir::tool::testing
