// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How records of a type become bytes and are made of bytes, found by the type at run time, so that
/// a machine is the same code whether its records can be stored or not. A type says it of itself
/// with WEIR_STORED (weir/stored.hpp), which puts its codec here before main; weir's own headers do
/// not lead to Cereal. Looked up when a job is planned, never per record.
/// tests/serialization/record_codec_test.cpp.

#include "weir/error.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <typeinfo>
#include <vector>

namespace weir {

class state_output;
class state_input;

/// A record type's functions. They throw state_error and std::bad_alloc, nothing else.
struct record_codec {
  /// By which the type is known in checkpoints.
  std::string name;
  /// What is written, and the oldest version that is still read.
  std::uint32_t version = 1;
  std::uint32_t oldest = 1;
  std::size_t size = 0;
  std::size_t alignment = 0;
  void (*save)(state_output& to, const void* record) = nullptr;
  /// Constructs a record in `raw`, or throws and leaves nothing there.
  void (*load)(state_input& from, void* raw, std::uint32_t stored_version) = nullptr;
  void (*destroy)(void* record) noexcept = nullptr;
};

/// Valid as long as the program. Null: records of this type cannot be stored. Any thread.
const record_codec* find_record_codec(const std::type_info& of) noexcept;

/// Before main. A second one of equal name and versions changes nothing; another is one of the
/// `record_codec_mistakes`.
void add_record_codec(const std::type_info& of, record_codec codec);

/// What contradicts itself among the codecs: one type with two names or versions, two types with
/// one name. A job with checkpoints does not start where there are some. Any thread.
std::vector<error> record_codec_mistakes();

/// The type as it is written in C++, for messages.
std::string type_name(const std::type_info& of);

} // namespace weir
