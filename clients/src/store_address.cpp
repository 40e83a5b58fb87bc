// SPDX-License-Identifier: Apache-2.0

#include "store_address.hpp"

#include "unescaped.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

namespace weir::detail {

namespace {

/// What is in front of the first `end`; both are taken out of `text`.
std::string_view take_until(std::string_view& text, char end) {
  const auto at = text.find(end);
  const auto front = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return front;
}

} // namespace

std::optional<store_address> parse_address(const store_url& url) {
  std::string_view text = url.rest();
  if (!text.starts_with("//"))
    return std::nullopt;
  text.remove_prefix(2);
  store_address address;
  auto authority = text.substr(0, text.find_first_of("/?#"));
  text.remove_prefix(authority.size());
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
    auto user = authority.substr(0, at);
    authority.remove_prefix(at + 1);
    address.user = unescaped(take_until(user, ':'));
    address.password = secret{unescaped(user)};
  }
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos)
      return std::nullopt;
    address.host = authority.substr(1, end - 1);
    authority.remove_prefix(end + 1);
    if (!authority.empty() && authority.front() != ':')
      return std::nullopt;
    if (!authority.empty())
      authority.remove_prefix(1);
  } else {
    address.host = unescaped(take_until(authority, ':'));
  }
  if (!authority.empty()) {
    std::uint16_t port = 0;
    const auto* const end = authority.data() + authority.size();
    if (const auto read = std::from_chars(authority.data(), end, port); read.ec != std::errc{} || read.ptr != end)
      return std::nullopt;
    address.port = port;
  }
  if (text.find('#') != std::string_view::npos)
    return std::nullopt;
  address.path = unescaped(text.substr(0, text.find('?')));
  text.remove_prefix(std::min(text.find('?'), text.size()));
  if (!text.empty())
    text.remove_prefix(1);
  while (!text.empty()) {
    auto parameter = take_until(text, '&');
    auto name = unescaped(take_until(parameter, '='));
    address.parameters.insert_or_assign(std::move(name), unescaped(parameter));
  }
  return address;
}

} // namespace weir::detail
