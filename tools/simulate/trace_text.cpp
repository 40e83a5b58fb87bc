// SPDX-License-Identifier: Apache-2.0
#include "trace_text.hpp"

#include <nlohmann/json.hpp>

#include <variant>

namespace weir::tool {

namespace {

using namespace simulation;

template <class... Ts>
struct overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
overloaded(Ts...) -> overloaded<Ts...>;

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

template <class Number>
std::string field(const char* name, Number value) {
  return std::string{", \""} + name + "\": " + std::to_string(value);
}

std::string field(const char* name, const std::string& value) {
  return std::string{", \""} + name + "\": " + quoted(value);
}

const char* status_text(bool idle) {
  return idle ? "idle" : "active";
}

std::string fields_of(const trace_output& of) {
  return std::visit(
    overloaded{[](const value_leaves& x) {
                 return field("value", x.value) + (x.ts ? field("ts", *x.ts) : std::string{});
               },
               [](const watermark_leaves& x) { return field("watermark", x.time); },
               [](const status_leaves& x) {
                 return field("status", std::string{status_text(x.idle)});
               },
               [](const barrier_leaves& x) { return field("barrier", x.id); },
               [](const dead_letter_leaves& x) {
                 return field("dead_letter", x.record) + field("error", x.error)
                        + field("attempts", x.attempts);
               }},
    of.what);
}

std::string fields_of(const trace_call& of) {
  return field("record", of.record) + field("attempt", of.attempt);
}

std::string fields_of(const trace_failure& of) {
  return field("error", of.error) + field("record", of.record);
}

template <class Item>
std::string object(const Item& of) {
  return "{\"at\": " + std::to_string(of.at) + fields_of(of) + "}";
}

template <class Item>
std::string list(const std::vector<Item>& of) {
  std::string all = "[";
  for (const auto& each : of)
    all += (all.size() > 1 ? ", " : "") + object(each);
  return all + "]";
}

} // namespace

std::string trace_json(const trace& of) {
  return "{\"name\": " + quoted(of.name) + ", \"output\": " + list(of.output)
         + ", \"calls\": " + list(of.calls)
         + ", \"failed\": " + (of.failed ? object(*of.failed) : "null") + "}";
}

std::string text_of(const trace_output& of) {
  return std::visit(
    overloaded{[](const value_leaves& x) {
                 return "value " + std::to_string(x.value)
                        + (x.ts ? " ts " + std::to_string(*x.ts) : std::string{});
               },
               [](const watermark_leaves& x) { return "watermark " + std::to_string(x.time); },
               [](const status_leaves& x) { return std::string{"status "} + status_text(x.idle); },
               [](const barrier_leaves& x) { return "barrier " + std::to_string(x.id); },
               [](const dead_letter_leaves& x) {
                 return "dead letter " + std::to_string(x.record) + ", " + x.error + ", "
                        + std::to_string(x.attempts) + (x.attempts == 1 ? " attempt" : " attempts");
               }},
    of.what);
}

std::string text_of(const trace_call& of) {
  return "record " + std::to_string(of.record) + ", attempt " + std::to_string(of.attempt);
}

std::string text_of(const trace_failure& of) {
  return of.error + ", record " + std::to_string(of.record);
}

} // namespace weir::tool
