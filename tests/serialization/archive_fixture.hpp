// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Values to bytes and back, and what is wrong with bytes that are no values. One thread.

#include "weir/state_input.hpp"
#include "weir/state_output.hpp"
#include "weir/stored.hpp"

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::testing {

struct archive_fixture {
  std::shared_ptr<block_pool> pool = std::make_shared<block_pool>();

  static std::string text_of(const state_blocks& blocks) {
    std::string text;
    for (const auto& each : blocks.payloads())
      text.append(reinterpret_cast<const char*>(each.data()), each.size());
    return text;
  }

  /// What `write` writes.
  template <class F>
  std::string written(F write) const {
    state_blocks blocks{pool};
    {
      state_output to{blocks};
      write(to);
      to.finish_checked();
    }
    return text_of(blocks);
  }

  template <class T>
  std::string bytes_of(const T& value) const {
    return written([&](state_output& to) { to(value); });
  }

  /// Bytes in pieces of at most `piece` bytes.
  static state_input::pieces cut(std::string_view bytes, std::size_t piece = 65'520) {
    state_input::pieces result;
    for (std::size_t at = 0; at < bytes.size(); at += piece)
      result.push_back(std::as_bytes(std::span{bytes.substr(at, piece)}));
    return result;
  }

  /// Reads with `read`, which must leave nothing; what went wrong, or an empty text.
  template <class F>
  static std::string fault(std::string_view bytes, F read, std::size_t piece = 65'520) {
    memory_budget budget{bytes.size()};
    state_input from{cut(bytes, piece), budget, "state"};
    try {
      read(from);
      from.end();
    } catch (const state_error& thrown) {
      return thrown.why().text();
    }
    return {};
  }

  template <class T>
  static std::string fault_of(std::string_view bytes) {
    return fault(bytes, [](state_input& from) {
      T value{};
      from(value);
    });
  }

  /// Throws where they are not a T's.
  template <class T>
  static T value_of(std::string_view bytes, std::size_t piece = 65'520) {
    T value{};
    memory_budget budget{bytes.size()};
    state_input from{cut(bytes, piece), budget, "state"};
    from(value);
    from.end();
    return value;
  }
};

} // namespace weir::testing
