// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a `[[lookup]]` does with each record: takes its key out of it, asks the pool, and adds what
/// was found as a field. One copy for each operator instance, on that operator's thread. What only
/// it knows of its records is counted in its operator's own counters: each record once, when it is
/// decided.

#include "job_file.hpp"

#include "weir/async_function.hpp"
#include "weir/client_pool.hpp"
#include "weir/json_fields.hpp"
#include "weir/json_record.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace weir::tool {

// Names of the counters.
/// Of records that the store was asked for, retries included: a null key and a bad record ask nothing.
inline constexpr std::string_view questions_counter = "questions";
inline constexpr std::string_view misses_counter = "misses";
inline constexpr std::string_view bad_records_counter = "bad_records";

class lookup_function : public async_function<json_record, json_record> {
public:
  /// `asks`: `what.query`, as `pool` has declared it.
  lookup_function(const lookup_section& what, client_pool pool, statement_id asks);

  expected<void> open(function_context& context);

  /// Completes with the record and its new field; a miss that may be asked for again, or that is not
  /// to become null, fails with the kind `miss`.
  void async_invoke(const json_record& in, result_future<json_record> done);

  /// Counts what has failed for good, and turns misses and timeouts into null where the job wants it.
  std::optional<json_record> fallback(const json_record& in, const error& why);

private:
  // Also what a callback needs that outlives a call.
  struct settings {
    std::string name;
    std::string into;
    row_form rows;
    miss_action on_miss;
    timeout_action on_timeout;
    bool retries_misses;
  };

  /// Finds a name that two columns of an answer have, which would be two members of one object.
  class column_check {
  public:
    /// The name, or an empty one. The columns of a statement are looked at once.
    const std::string& twice_in(const column_names& columns);

  private:
    column_names columns_;
    std::string twice_;
  };

  static json_record with_miss(json_record to, const settings& how);
  void answer_miss(const json_record& in, result_future<json_record> done);

  std::shared_ptr<const settings> settings_;
  /// Made in `open`, since each instance has its own.
  std::shared_ptr<column_check> column_check_;
  json_fields fields_;
  /// Where records are kept in order by other fields than these: they must be there too.
  std::optional<json_fields> order_fields_;
  client_pool pool_;
  statement_id asks_;
  pool_client* client_ = nullptr;
  own_counter questions_;
  own_counter misses_;
  own_counter bad_records_;
};

} // namespace weir::tool
