// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "weir/error.hpp"
#include "weir/job_plan.hpp"
#include "weir/record_codec.hpp"

namespace weir {

/// How an operator's records and results are stored.
struct operator_codecs {
  const record_codec* in = nullptr;
  const record_codec* out = nullptr;
};

/// An error where they cannot be, which says what to write. Any thread.
expected<operator_codecs> find_codecs(const operator_plan& of);

} // namespace weir
