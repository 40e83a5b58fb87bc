// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A little language for tests of the NDJSON source: texts go in, a transcript of records, dead letters
/// and the end comes out. One thread.

#include "weir/ndjson_source.hpp"

#include "../support/collecting_output.hpp"
#include "../support/temp_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace weir::testing {

/// A record that could not be read.
using letter = dead_letter<json_record>;

/// Reads what a test says, to the end or to an error, and writes down what came out.
struct ndjson_source_fixture {
  temp_folder folder;
  ndjson_source_options options;
  std::uint64_t skipped = 0;

  /// Reads a file with this text.
  std::string read(std::string_view text) {
    options.path = folder.write("in.ndjson", text);
    ndjson_source source{options};
    return strip(run(source));
  }

  std::string run(ndjson_source& source, instance_context context = {}) {
    if (auto ok = source.open(context); !ok)
      return ok.why().text() + "\n";
    collecting_output<json_record> records;
    collecting_output<letter> letters;
    source_outputs out{records, &letters};
    std::string end = "end\n";
    while (true) {
      const auto looked = source.poll(out);
      if (!looked)
        end = looked.why().text() + "\n";
      if (!looked || looked->state == poll_state::done)
        break;
      if (looked->state == poll_state::wait) {
        end = "wait\n";
        break;
      }
    }
    skipped = source.skipped();
    source.close();
    return transcript(records) + transcript(letters) + end;
  }

  /// The test's folder has another name each time.
  std::string strip(std::string text) const {
    for (auto at = text.find(folder.path()); at != text.npos; at = text.find(folder.path())) {
      text.erase(at, folder.path().size());
      if (text.substr(at, 1) == "/")
        text.erase(at, 1);
    }
    return text;
  }

  static std::string transcript(collecting_output<json_record>& records) {
    std::string text;
    for (const auto& x : records.elements())
      text += std::to_string(x.value->line) + " " + x.from.text()
              + (x.timestamp.has_value() ? " t=" + std::to_string(x.timestamp.ms()) : "") + " "
              + x.value->raw + "\n";
    return text;
  }

  static std::string transcript(collecting_output<letter>& letters) {
    std::string text;
    for (const auto& x : letters.elements()) {
      BOOST_TEST(x.value->attempts == 0u);
      text += "dead " + std::to_string(x.value->value.line) + " " + x.from.text() + " '"
              + x.value->value.raw + "' " + x.value->why.text() + "\n";
    }
    return text;
  }

  /// The cause that the record's error names.
  std::string cause(std::string_view line) {
    options.on_bad_record = bad_record_action::fail;
    const auto text = read(line);
    constexpr std::string_view place = "in.ndjson:1 (offset 0): ";
    BOOST_TEST(text.starts_with(place), text);
    return text.substr(std::min(place.size(), text.size()),
                       text.find(';') - std::min(place.size(), text.size()));
  }
};

} // namespace weir::testing
