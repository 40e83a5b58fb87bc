// SPDX-License-Identifier: Apache-2.0
#include "lookup_function.hpp"

#include "lookup_errors.hpp"

#include "weir/json_writer.hpp"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

namespace weir::tool {

namespace {

bool is_null(const value& x) {
  return std::holds_alternative<std::monostate>(x);
}

} // namespace

lookup_function::lookup_function(const lookup_section& what, client_pool pool, statement_id asks)
  : settings_(std::make_shared<settings>(
    settings{what.name, what.into, what.rows, what.on_miss, what.on_timeout, what.retries_misses})),
    fields_(what.key, what.into),
    pool_(std::move(pool)),
    asks_(asks) {
  if (!what.order_key.empty() && what.order_key != what.key)
    order_fields_.emplace(what.order_key);
}

expected<void> lookup_function::open(function_context& context) {
  client_ = &pool_.bind(context);
  column_check_ = std::make_shared<column_check>();
  questions_ = context.counter(questions_counter);
  misses_ = context.counter(misses_counter);
  bad_records_ = context.counter(bad_records_counter);
  return {};
}

void lookup_function::async_invoke(const json_record& in, result_future<json_record> done) {
  value_list key;
  if (order_fields_)
    if (auto read = order_fields_->read(in, key); !read) {
      done.fail(std::move(read).why());
      return;
    }
  if (auto read = fields_.read(in, key); !read) {
    done.fail(std::move(read).why());
    return;
  }
  if (std::any_of(key.begin(), key.end(), is_null)) {
    answer_miss(in, std::move(done));
    return;
  }
  ++questions_;
  const auto deadline = done.deadline();
  client_->ask(asks_, std::move(key), deadline,
               [record = in, how = settings_, misses = misses_, check = column_check_,
                done = std::move(done)](expected<answer>&& got) mutable {
                 if (!got) {
                   done.fail(std::move(got).why());
                   return;
                 }
                 if (got->rows() == 0) {
                   if (how->retries_misses || how->on_miss != miss_action::null) {
                     done.fail(miss_without_row(how->name));
                     return;
                   }
                   ++misses;
                   done.complete(with_miss(std::move(record), *how));
                   return;
                 }
                 if (const auto& twice = check->twice_in(got->columns); !twice.empty()) {
                   done.fail(column_twice(how->name, twice));
                   return;
                 }
                 begin_member(record, how->into);
                 if (how->rows == row_form::one)
                   append_json_row(record.appended, *got, 0);
                 else
                   append_json_rows(record.appended, *got);
                 done.complete(std::move(record));
               });
}

void lookup_function::answer_miss(const json_record& in, result_future<json_record> done) {
  if (settings_->on_miss != miss_action::null) {
    done.fail(miss_of_null_key(settings_->name));
    return;
  }
  ++misses_;
  done.complete(with_miss(in, *settings_));
}

std::optional<json_record> lookup_function::fallback(const json_record& in, const error& why) {
  if (why.is(error_kind::bad_record))
    ++bad_records_;
  if (why.is(error_kind::miss)) {
    ++misses_;
    if (settings_->on_miss == miss_action::null)
      return with_miss(in, *settings_);
  }
  if (why.is(error_kind::timeout) && settings_->on_timeout == timeout_action::null) {
    auto record = in;
    append_member(record, settings_->into, "null");
    return record;
  }
  return std::nullopt;
}

const std::string& lookup_function::column_check::twice_in(const column_names& columns) {
  if (columns_ != columns) {
    columns_ = columns;
    std::vector<std::string> names{columns.begin(), columns.end()};
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    twice_ = twice == names.end() ? std::string{} : *twice;
  }
  return twice_;
}

json_record lookup_function::with_miss(json_record to, const settings& how) {
  append_member(to, how.into, how.rows == row_form::one ? "null" : "[]");
  return to;
}

} // namespace weir::tool
