// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Passwords and other words that must not be seen: in no message, summary, metric or checkpoint. Plain values; any
/// thread. Shown by tests/clients/store_url_test.cpp.

#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace weir {

/// A text that is not shown. There is no way to print or to compare one; who needs the words asks for them by name,
/// which can be searched for. They are overwritten when it goes.
class secret {
public:
  secret() = default;
  explicit secret(std::string words) : words_(std::move(words)) {}
  secret(const secret&) = default;
  secret(secret&& other) noexcept : words_(other.words_) { other.wipe(); }
  secret& operator=(secret other) noexcept {
    std::swap(words_, other.words_);
    return *this;
  }
  ~secret() { wipe(); }

  bool empty() const noexcept { return words_.empty(); }

  /// For the store alone.
  const std::string& reveal() const noexcept { return words_; }

  /// `text` with "***" in the place of these words, wherever they stand in it: what a store's library says may repeat
  /// them.
  std::string hidden_in(std::string text) const {
    if (words_.empty())
      return text;
    for (auto at = text.find(words_); at != std::string::npos; at = text.find(words_, at + 3))
      text.replace(at, words_.size(), "***");
    return text;
  }

private:
  void wipe() noexcept {
    ::explicit_bzero(words_.data(), words_.size());
    words_.clear();
  }

  std::string words_;
};

} // namespace weir
