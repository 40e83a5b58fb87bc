// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Turns a job file into a job of the stream API. What the job writes to is made ready apart from it,
/// so that a job can be checked without a file being touched. Used by one thread.

#include "job_file.hpp"
#include "job_outputs.hpp"

#include "weir/driver_registry.hpp"
#include "weir/environment.hpp"
#include "weir/error.hpp"

#include <memory>
#include <string>

namespace weir::tool {

/// How people know the source: its path, or `standard input`.
std::string source_name(const job_file& job);

/// Whether the input and the stores that the job asks can be opened: what `weir run --force` makes sure
/// of before it removes the output of another run.
expected<void> try_inputs(const job_file& job, const driver_registry& drivers);

/// A job that can be started. `outputs`: those of `open_outputs`; empty ones for a job that is only
/// checked. `log`: told what the job has to say while it runs; may be null.
environment build_job(const job_file& job, std::shared_ptr<const driver_registry> drivers,
                      const job_outputs& outputs, log_function log = {});

/// The settings of a lookup's operator.
operator_options options_of(const lookup_section& lookup, bad_record_action on_bad_record);

/// Every kind of store that this command is linked with.
std::shared_ptr<const driver_registry> known_drivers();

} // namespace weir::tool
