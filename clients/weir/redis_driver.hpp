// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Asks a Redis server (or what speaks its protocol, RESP2): many questions under way on each connection, sent as they
/// come and answered in order. `redis_driver` may be called from any thread; the driver it makes belongs to a pool like any
/// other. Shown by tests/clients/redis_command_test.cpp and, against a server, redis_driver_test.cpp.
///
/// * Address: `redis://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE]`, or `redis:///PATH/TO/SOCKET[?db=DATABASE]`. The port is
///   6379, the database 0 where they are missing. There is no TLS: use a socket, or a tunnel such as stunnel.
/// * A statement is a command, `{1}`, `{2}` ... standing for the arguments of a question:
///   `GET airport:{1}`. It is split at blanks before the arguments are put in, so each stays inside its own place
///   whatever it holds. Double or single quotes hold blanks together, without escapes in them; `{{` is a brace.
/// * Options of a statement: `value`, "json" or "text": what a string in the store is. JSON is checked, and becomes
///   part of the record as it is; text becomes a string. Default "json". `batch`, default true: GETs that are ready
///   together are sent as one MGET (at most 128 keys); each keeps its own outcome, and a key that MGET does not find is
///   asked for once more by GET, which alone tells a key of another type from none.
/// * Answers: a string: the value; an integer: the number; `HGETALL`: an object of strings; `HMGET`: an object with
///   the fields as the template names them; other lists: an array. A nil, an empty hash, or an HMGET of which no
///   field is there: a miss. An answer has at most 16 MiB.
/// * Refused are commands that change what the connection is or that do not answer once: SUBSCRIBE, MONITOR, MULTI, SELECT,
///   BLPOP and their like.
/// * Errors of a call: the server is loading, busy, out of memory or has no master: `overloaded`; every other word of its
///   `-ERR`, and a value that is no JSON or not UTF-8: `rejected`.

#include "weir/driver_kind.hpp"

#include <memory>

namespace weir {

/// Makes a driver for `redis://...`; connects to nothing yet. Errors: a rule of `redis_kind` is broken.
expected<std::unique_ptr<client_driver>> redis_driver(const driver_settings& settings);

/// What is known of such pools.
std::shared_ptr<const driver_kind> redis_kind();

} // namespace weir
