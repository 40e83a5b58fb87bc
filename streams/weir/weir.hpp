// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Everything that a program needs which builds a job: environment, streams, async wait operators,
/// functions, client pools, and sources and sinks in memory. Drivers and connectors that need a library
/// of their own have headers of their own (`weir/sqlite_driver.hpp`, `weir/ndjson_source.hpp`, ...).

#include "weir/async_data_stream.hpp"
#include "weir/async_service.hpp"
#include "weir/await_answer.hpp"
#include "weir/callback_sink.hpp"
#include "weir/client_pool.hpp"
#include "weir/collection_source.hpp"
#include "weir/environment.hpp"
#include "weir/version.hpp"
#include "weir/waiting_pool.hpp"
