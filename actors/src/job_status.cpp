// SPDX-License-Identifier: Apache-2.0
#include "weir/job_status.hpp"

namespace weir {

std::string job_result::text() const {
  switch (end) {
    case job_end::done:
      return "done";
    case job_end::drained:
      return "drained, " + std::to_string(left_behind) + " records left behind";
    case job_end::cancelled:
      return "cancelled";
    case job_end::failed:
      break;
  }
  std::string lines = record.empty() ? "failed" : "failed at " + record;
  for (const auto& each : why)
    lines += "\n" + each.text();
  return lines;
}

} // namespace weir
