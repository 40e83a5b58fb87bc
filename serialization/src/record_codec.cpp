// SPDX-License-Identifier: Apache-2.0

#include "weir/record_codec.hpp"

#include "weir/stored.hpp"

#include <cstdlib>
#include <cxxabi.h>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <typeindex>
#include <utility>

namespace weir {

namespace {

/// Codecs stay where they are: who found one keeps a pointer to it.
struct codec_list {
  std::mutex mutex;
  std::map<std::type_index, record_codec> codecs;
  std::vector<error> mistakes;
};

codec_list& all_codecs() {
  // Never destroyed: a thread may look one up while the process ends.
  static auto& list = *new codec_list;
  return list;
}

std::string said(const record_codec& codec) {
  return "'" + codec.name + "' version " + std::to_string(codec.version) + " (oldest "
         + std::to_string(codec.oldest) + ")";
}

} // namespace

const record_codec* find_record_codec(const std::type_info& of) noexcept {
  auto& list = all_codecs();
  const std::lock_guard guard{list.mutex};
  const auto found = list.codecs.find(of);
  return found == list.codecs.end() ? nullptr : &found->second;
}

void add_record_codec(const std::type_info& of, record_codec codec) {
  auto& list = all_codecs();
  const std::lock_guard guard{list.mutex};
  for (const auto& [type, other] : list.codecs)
    if (type != of && other.name == codec.name)
      list.mistakes.push_back(
        {error_kind::argument, codec.name,
         "is the name of two stored types; give one of them another name with "
         "WEIR_STORED_AS"});
  const auto [at, added] = list.codecs.try_emplace(of, codec);
  const auto& first = at->second;
  if (!added
      && (first.name != codec.name || first.version != codec.version
          || first.oldest != codec.oldest))
    list.mistakes.push_back({error_kind::argument, type_name(of),
                             "is stored as " + said(first) + " by one part of the program and as "
                               + said(codec) + " by another; keep one of the two"});
}

std::vector<error> record_codec_mistakes() {
  auto& list = all_codecs();
  const std::lock_guard guard{list.mutex};
  return list.mistakes;
}

std::string type_name(const std::type_info& of) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text{
    abi::__cxa_demangle(of.name(), nullptr, nullptr, &status), std::free};
  return text ? text.get() : of.name();
}

namespace detail {

void check_version(const std::string& type, std::uint64_t stored, std::uint32_t oldest,
                   std::uint32_t newest) {
  if (stored >= oldest && stored <= newest)
    return;
  const auto read = oldest == newest
                      ? "version " + std::to_string(newest)
                      : "versions " + std::to_string(oldest) + " to " + std::to_string(newest);
  throw state_error{{error_kind::incompatible, type,
                     "was stored as version " + std::to_string(stored) + ", and this program reads "
                       + read + "; run the program that wrote it, or one that reads both"}};
}

void rethrow_as_state_error(const std::string& type, const char* verb) {
  const auto message = [&](const char* what) {
    return "cannot be " + std::string{verb} + ", its function threw: " + what;
  };
  try {
    throw;
  } catch (const state_error& known) {
    if (!known.why().thing().empty())
      throw;
    throw state_error{{known.why().kind(), type, known.why().message()}};
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& thrown) {
    throw state_error{{error_kind::exception, type, message(thrown.what())}};
  } catch (...) {
    throw state_error{
      {error_kind::exception, type, message("something that is no std::exception")}};
  }
}

} // namespace detail

// -- what needs no macro of a user's --

namespace {

template <class... T>
bool add_built_in() {
  (detail::add_codecs<T>(), ...);
  return true;
}

[[maybe_unused]] const bool built_in_are_added
  = add_built_in<bool, char, signed char, short, int, long, long long, unsigned char,
                 unsigned short, unsigned, unsigned long, unsigned long long, float, double,
                 std::string>();

} // namespace

} // namespace weir
