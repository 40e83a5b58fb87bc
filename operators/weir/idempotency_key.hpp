// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a function hands on with a call, so that the other side can tell a repeated call from a new one. Outside
/// calls are at-least-once: retries, restores and restarts make them again. The key of a record is made of the
/// job's name, the run, the operator's name, and the record's origin (docs/formats.md has the bytes). It is the same
/// for all calls for the record, its timeout hook included, whichever attempt, instance or process makes them; it is
/// another for every other record, operator, job or run.
///
///     void async_invoke(const payment& of, weir::result_future<receipt> done) {
///       const auto key = done.idempotency_key().text();  // "5f0c..."; in a coroutine
///                                                        // (co_await weir::this_call).idempotency_key.text()
///       ...
///     }
///
/// A function that makes several calls for a record adds to the key what tells these apart. A key costs nothing
/// where nobody asks for it, and the hash is made where its bytes or its text are asked for: some 0.3 us.
/// Plain values; any thread. tests/operators/idempotency_key_test.cpp.

#include "weir/origin.hpp"
#include "weir/run_id.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

class idempotency_key;

/// What the keys of all records of one operator have in common, whichever of its instances has them.
class idempotency_scope {
public:
  idempotency_scope(std::string_view job, const run_id& run, std::string_view operator_name);

  /// The key of the record from there, as the operator knows it: see `origin::of_input` and `origin::child`.
  idempotency_key key_of(const origin& from) const noexcept;

  friend bool operator==(const idempotency_scope&, const idempotency_scope&) = default;

private:
  friend idempotency_key;

  /// A hash of what it was made of.
  std::array<std::uint8_t, 32> digest_;
};

class idempotency_key {
public:
  /// 128 bits of a hash. Allocates nothing.
  std::array<std::uint8_t, 16> bytes() const noexcept;

  /// These as 32 hexadecimal digits, in lower case.
  std::string text() const;

  /// The record's origin. The other parts are told to the function when it opens: `job`, `run` and `name` of
  /// function_context.hpp.
  const origin& from() const noexcept { return from_; }

  friend bool operator==(const idempotency_key&, const idempotency_key&) = default;

private:
  friend idempotency_scope;

  idempotency_key(const idempotency_scope& in, const origin& from) noexcept : in_(in), from_(from) {}

  idempotency_scope in_;
  origin from_;
};

inline idempotency_key idempotency_scope::key_of(const origin& from) const noexcept {
  return {*this, from};
}

} // namespace weir
