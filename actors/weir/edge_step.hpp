// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What happens to records on an edge, between the stage that emits them and the stages that take them:
/// map, filter, flat_map, and the reading of keys. The sending stage's actor runs it, so it costs no
/// message; calls are per batch, and inside is a loop that knows the types. Each upstream instance has
/// steps of its own and uses them on its thread.

#include "weir/batch.hpp"

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// A step's function has thrown.
struct step_failure {
  std::exception_ptr thrown;
  /// `map`, `filter`, `flat_map`, `key_by`.
  std::string_view step;
  /// Names the record.
  std::string record;
  /// Which of several it is, for a person: "step 2 of 3"; empty where it is the only one.
  std::string which{};
};

/// From a batch to a batch of another, or the same, type.
class edge_step {
public:
  virtual ~edge_step() = default;

  /// Whether one record may become several.
  virtual bool multiplies() const noexcept = 0;

  /// An empty batch for what comes out.
  virtual std::unique_ptr<batch_base> output_batch() const = 0;

  /// Appends what becomes of the records of `in` to `out`. Those of `in` may have been moved from: it is
  /// to be cleared. After a failure both are worth nothing.
  virtual std::optional<step_failure> run(batch_base& in, batch_base& out) = 0;
};

/// Reads the keys of a batch's records.
class key_reader {
public:
  virtual ~key_reader() = default;

  /// Appends the key of each record to `keys`.
  virtual std::optional<step_failure> read(const batch_base& of, std::vector<key_hash>& keys) = 0;
};

/// Make a step, or a reader of keys, for one upstream instance, from a copy of the user's function.
using step_maker = std::function<std::unique_ptr<edge_step>()>;
using key_reader_maker = std::function<std::unique_ptr<key_reader>()>;

} // namespace weir
