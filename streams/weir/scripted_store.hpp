// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A store for tests, whose answers the test writes: what each question is answered with, and how long
/// that takes in virtual time. A client pool gets it as its driver. Outlives what asks it; used on the
/// thread of its clock. tests/streams/operator_harness_test.cpp.
///
///     weir::testing::scripted_store airports{clock};
///     airports.answer({"SFO"}, weir::testing::one_row({{"city", "San Francisco"}}), 20ms);
///     const auto pool = env.client_pool({.name = "airports", .driver = airports.driver()});

#include "weir/client_driver.hpp"
#include "weir/virtual_clock.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace weir::testing {

/// An answer of one row.
answer one_row(std::vector<std::pair<std::string, value>> cells);

/// What a store without the row answers.
answer no_rows();

class scripted_store {
public:
  explicit scripted_store(virtual_clock& clock);
  ~scripted_store();
  scripted_store(const scripted_store&) = delete;
  scripted_store& operator=(const scripted_store&) = delete;

  /// A question with these arguments is answered so, after that time. Given several times for the same
  /// arguments: in that order, and the last from then on.
  void answer(const value_list& arguments, weir::answer with, duration after);

  /// As `answer`, with an error.
  void fail(const value_list& arguments, error why, duration after);

  /// As `answer`, but nothing comes, until the question is cancelled.
  void be_silent(const value_list& arguments);

  /// What is not scripted is answered with this. Default: an error of the kind `argument`, at once.
  void answer_others(expected<weir::answer> with, duration after);

  /// The arguments of all questions so far, in the order in which they came.
  const std::vector<value_list>& asked() const;

  /// Questions that were not answered yet.
  std::size_t open() const;

  /// For `pool_options::driver`. Each driver made by it asks this store.
  driver_factory driver();

private:
  struct script;
  std::shared_ptr<script> script_;
};

} // namespace weir::testing
