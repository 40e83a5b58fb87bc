// SPDX-License-Identifier: Apache-2.0
#include "weir/job_status.hpp"

namespace weir {

namespace {

/// What a job that ended early is gone on from.
std::string kept_text(const job_result& of) {
  if (!of.checkpoint)
    return ", no checkpoint is complete";
  return " at checkpoint " + std::to_string(*of.checkpoint) + ", which holds "
         + std::to_string(of.held) + " records";
}

} // namespace

std::string job_result::text() const {
  std::string lines;
  switch (end) {
    case job_end::done:
      return "done";
    case job_end::cancelled:
      return "cancelled";
    case job_end::drained:
      lines = checkpoint || !why.empty()
                ? "drained" + kept_text(*this)
                : "drained, " + std::to_string(left_behind) + " records left behind";
      break;
    case job_end::stopped:
      lines = "stopped" + kept_text(*this);
      break;
    case job_end::failed:
      lines = record.empty() ? "failed" : "failed at " + record;
      break;
  }
  for (const auto& each : why)
    lines += "\n" + each.text();
  return lines;
}

} // namespace weir
