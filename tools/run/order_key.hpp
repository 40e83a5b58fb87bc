// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a lookup in the mode `key_ordered` keeps its records in order by: the values of some fields, as
/// one text. A copy for each instance that reads keys, on that instance's thread.

#include "weir/json_fields.hpp"
#include "weir/json_record.hpp"
#include "weir/question.hpp"

#include <string>
#include <vector>

namespace weir::tool {

class order_key {
public:
  explicit order_key(std::vector<std::string> fields) : fields_(std::move(fields)) {}

  /// Equal where the fields have equal values. Empty where they cannot be read: the lookup then finds a
  /// bad record.
  std::string operator()(const json_record& of) const;

private:
  // Reading reuses buffers; nothing of it is seen from outside.
  mutable json_fields fields_;
  mutable value_list values_;
};

} // namespace weir::tool
