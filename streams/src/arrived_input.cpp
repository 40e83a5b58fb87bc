// SPDX-License-Identifier: Apache-2.0
#include "arrived_input.hpp"

#include <cassert>
#include <variant>

namespace weir::simulation::detail {

namespace {

/// The key of a record in key-ordered mode: its value modulo 10, in 0..9.
std::int64_t key_of(std::int64_t value) {
  return (value % 10 + 10) % 10;
}

struct appender {
  void operator()(const record_arrives& record) const {
    to.append({record.value, element, record.bytes},
              record.ts ? event_time{*record.ts} : event_time::none(), {element, 0, 0},
              hash_of_key(key_of(record.value)));
  }
  void operator()(const watermark_arrives& watermark) const {
    to.append(control::watermark(event_time{watermark.time}));
  }
  void operator()(const status_arrives& status) const {
    to.append(status.idle ? control::idle() : control::active());
  }
  void operator()(const end_arrives&) const { to.append(control::end()); }
  void operator()(const barrier_arrives&) const { assert(!"a barrier does not stand in line"); }
  void operator()(const operator_restores&) const { assert(!"a restore does not stand in line"); }

  batch<simulated_record>& to;
  std::size_t element;
};

} // namespace

void append_element(batch<simulated_record>& to, const scenario& of, std::size_t element) {
  std::visit(appender{to, element}, of.input[element].what);
}

void arrived_input::append(std::size_t element) {
  if (waiting().empty())
    clear();
  elements_.push_back(element);
  append_element(batch_, scenario_, element);
}

void arrived_input::clear() {
  batch_.clear();
  taken_ = {};
  elements_.clear();
}

} // namespace weir::simulation::detail
