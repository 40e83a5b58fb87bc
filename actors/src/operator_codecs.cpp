// SPDX-License-Identifier: Apache-2.0
#include "operator_codecs.hpp"

#include <string>
#include <typeinfo>

namespace weir {

namespace {

expected<const record_codec*> find_codec(const operator_plan& of, const std::type_info* type,
                                         const std::string& what) {
  const auto who = "operator " + of.options.name;
  if (type == nullptr)
    return error{error_kind::argument, who,
                 "its plan does not say of which type its " + what + " are"};
  if (const auto* codec = find_record_codec(*type))
    return codec;
  const auto name = type_name(*type);
  return error{error_kind::argument, who,
               "its " + what + " are of the type " + name
                 + ", which cannot be stored; write WEIR_STORED(" + name
                 + ", 1) behind the type (weir/stored.hpp)"};
}

} // namespace

expected<operator_codecs> find_codecs(const operator_plan& of) {
  auto in = find_codec(of, of.types.in, "records");
  if (!in)
    return std::move(in).why();
  auto out = find_codec(of, of.types.out, "results");
  if (!out)
    return std::move(out).why();
  return operator_codecs{*in, *out};
}

} // namespace weir
