// SPDX-License-Identifier: Apache-2.0

#include "weir/store_url.hpp"

#include "unescaped.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

namespace weir {

namespace {

constexpr std::string_view mask = "***";

/// Names of parameters that bring a password, as libpq knows them.
constexpr std::string_view secret_parameters[] = {"password", "sslpassword"};

bool is_secret(std::string_view parameter) {
  const auto same = [&](std::string_view name) {
    return std::equal(name.begin(), name.end(), parameter.begin(), parameter.end(), [](char a, char b) {
      return a == std::tolower(static_cast<unsigned char>(b));
    });
  };
  return std::any_of(std::begin(secret_parameters), std::end(secret_parameters), same);
}

/// Where the "@" is behind user and password, which begin at `from`; npos: there are none. One behind the first slash
/// counts only where what is in front of that slash can be no host with a port: a password with a slash in it is written
/// wrongly, and is hidden all the same.
std::size_t end_of_user(std::string_view url, std::size_t from) {
  const auto authority = url.substr(from, url.find_first_of("/?#", from) - from);
  if (const auto at = authority.rfind('@'); at != std::string_view::npos)
    return from + at;
  const auto colon = authority.find(':');
  if (authority.starts_with('[') || colon == std::string_view::npos)
    return std::string_view::npos;
  const auto port = authority.substr(colon + 1);
  const bool is_host_with_port
    = colon > 0 && !port.empty()
      && std::all_of(port.begin(), port.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  const auto at = url.rfind('@');
  return is_host_with_port || at < from ? std::string_view::npos : at;
}

} // namespace

store_url::store_url(std::string whole) : whole_(whole), shown_(std::move(whole)) {
  const auto colon = shown_.find(':');
  scheme_size_ = colon == std::string::npos ? 0 : colon;
  const auto hide = [&](std::size_t begin, std::size_t end) {
    passwords_.emplace_back(detail::unescaped(std::string_view{shown_}.substr(begin, end - begin)));
    shown_.replace(begin, end - begin, mask);
  };
  // Parameters first, since what is in front of them keeps its place.
  if (const auto question = shown_.find('?'); question != std::string::npos)
    for (auto begin = question + 1; begin < shown_.size();) {
      const auto end = std::min(shown_.find('&', begin), shown_.size());
      const auto equals = shown_.find('=', begin);
      auto next = end + 1;
      if (equals < end && is_secret(std::string_view{shown_}.substr(begin, equals - begin))) {
        hide(equals + 1, end);
        next = equals + 1 + mask.size() + 1;
      }
      begin = next;
    }
  const auto slashes = shown_.find("://");
  if (scheme_size_ == 0 || slashes != scheme_size_)
    return;
  const auto user = slashes + 3;
  const auto at = end_of_user(shown_, user);
  if (at == std::string::npos)
    return;
  if (const auto between = shown_.find(':', user); between < at)
    hide(between + 1, at);
}

std::string_view store_url::rest() const noexcept {
  const std::string_view whole = whole_.reveal();
  return scheme_size_ == 0 ? whole : whole.substr(scheme_size_ + 1);
}

std::string store_url::hidden_in(std::string text) const {
  for (const auto& each : passwords_)
    text = each.hidden_in(std::move(text));
  return text;
}

std::string without_passwords(std::string text) {
  const auto is_of_scheme = [](unsigned char c) { return std::isalnum(c) != 0 || c == '+' || c == '-' || c == '.'; };
  for (auto at = text.find("://"); at != std::string::npos;) {
    auto begin = at;
    while (begin > 0 && is_of_scheme(static_cast<unsigned char>(text[begin - 1])))
      --begin;
    const auto end = std::min(text.find_first_of(" \t\r\n\"'", at), text.size());
    const auto shown = store_url{text.substr(begin, end - begin)}.shown();
    text.replace(begin, end - begin, shown);
    at = text.find("://", begin + shown.size());
  }
  return text;
}

} // namespace weir
