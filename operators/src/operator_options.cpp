// SPDX-License-Identifier: Apache-2.0
#include "weir/operator_options.hpp"

#include <algorithm>
#include <limits>

namespace weir {

const char* name_of(output_mode mode) noexcept {
  switch (mode) {
    case output_mode::ordered:
      return "ordered";
    case output_mode::unordered:
      return "unordered";
    case output_mode::key_ordered:
      break;
  }
  return "key_ordered";
}

failure_action operator_options::action_for(const error& why) const {
  const auto rule = std::find_if(failure_rules.begin(), failure_rules.end(),
                                 [&](const failure_rule& r) { return why.is(r.kind); });
  return rule == failure_rules.end() ? on_failure : rule->action;
}

bool operator_options::makes_dead_letters() const {
  return on_failure == failure_action::dead_letter
         || std::any_of(failure_rules.begin(), failure_rules.end(), [](const failure_rule& r) {
              return r.action == failure_action::dead_letter;
            });
}

std::vector<error> operator_options::mistakes() const {
  constexpr std::size_t capacity_max = std::numeric_limits<std::int32_t>::max();
  const auto thing = name.empty() ? std::string{"operator"} : "operator " + name;
  auto found = retry.mistakes(thing);
  const auto require = [&](bool holds, const std::string& message) {
    if (!holds)
      found.emplace_back(error_kind::argument, thing, message);
  };
  require(!name.empty(), "name is empty but every operator needs one");
  require(timeout.has_value(), "timeout is not given; set it, or set 0 for none");
  if (timeout) {
    require(*timeout >= duration{0},
            "timeout is " + std::to_string(timeout->count()) + " ns but must be >= 0");
    require(!retry.enabled() || *timeout != duration{0},
            "timeout is 0 (none) but must be > 0 with a retry strategy");
  }
  require(capacity > 0 && capacity <= capacity_max,
          "capacity is " + std::to_string(capacity) + " but must be 1 to 2147483647");
  require(capacity_bytes > 0, "capacity_bytes is 0 but must be > 0");
  require(blocking_warning >= duration{0},
          "blocking_warning is " + std::to_string(blocking_warning.count()) + " ns but must be >= 0");
  if (const auto calls = max_concurrent_calls)
    require(*calls > 0 && *calls <= capacity,
            "max_concurrent_calls is " + std::to_string(*calls)
              + " but must be 1 to capacity, which is " + std::to_string(capacity));
  return found;
}

} // namespace weir
