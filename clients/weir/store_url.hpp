// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The address of a store, `scheme:rest`, which may hold a password and therefore has two forms: the whole one, for the
/// store's library, and one that may be shown. Plain values; any thread. Shown by tests/clients/store_url_test.cpp.

#include "weir/secret.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace weir {

class store_url {
public:
  store_url() = default;
  store_url(std::string whole);
  store_url(const char* whole) : store_url(std::string{whole}) {}

  /// What is in front of the first colon; empty where there is none.
  std::string_view scheme() const noexcept { return std::string_view{shown_}.substr(0, scheme_size_); }

  /// Without passwords: "***" stands for the one behind the user's name (`scheme://user:***@host`), and for those of
  /// parameters (`?password=***`). For messages, settings and checkpoints.
  const std::string& shown() const noexcept { return shown_; }

  /// As it was given. For the store's library alone.
  const std::string& reveal() const noexcept { return whole_.reveal(); }

  /// What is behind the scheme and its colon, as it was given: the path of a store that is a file.
  std::string_view rest() const noexcept;

  /// `text` without the passwords that are in the address: what a store's library says may repeat them.
  std::string hidden_in(std::string text) const;

private:
  secret whole_;
  /// As the store's library reads them.
  std::vector<secret> passwords_;
  std::string shown_;
  std::size_t scheme_size_ = 0;
};

/// A text with each address in it as it may be shown: what a person has written, and where.
std::string without_passwords(std::string text);

} // namespace weir
