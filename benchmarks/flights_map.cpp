// SPDX-License-Identifier: Apache-2.0
//
// The main job as a program with the library, its airports in a map in memory: reads flights, adds what is known of
// the two airports, and writes them in their order. The map holds what a flight gets as the text that it gets.
// P10 starts it.

#include "airports.hpp"

#include "weir/json_fields.hpp"
#include "weir/json_writer.hpp"
#include "weir/ndjson_source.hpp"
#include "weir/output_folder.hpp"
#include "weir/part_file_sink.hpp"
#include "weir/weir.hpp"

#include <cstdio>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>

namespace {

using namespace std::chrono_literals;

using airport_texts = std::unordered_map<std::string, std::string>;
using record_stream = weir::stream<weir::json_record>;

std::shared_ptr<const airport_texts> read_texts(const std::string& path) {
  airport_texts texts;
  for (const auto& each : bench::read_airports(path)) {
    weir::answer row{weir::column_names::of({"name", "city", "state", "latitude", "longitude"}), {}};
    for (const auto* text : {&each.name, &each.city, &each.state})
      row.cells.emplace_back(*text);
    row.cells.emplace_back(each.latitude);
    row.cells.emplace_back(each.longitude);
    weir::append_json_row(texts[each.iata], row, 0);
  }
  return std::make_shared<const airport_texts>(std::move(texts));
}

/// Completes at once.
class airport_lookup : public weir::async_function<weir::json_record, weir::json_record> {
public:
  airport_lookup(std::shared_ptr<const airport_texts> airports, const std::string& field)
    : airports_(std::move(airports)),
      into_(field + "_airport"),
      fields_({field}, into_) {}

  void async_invoke(const weir::json_record& flight, weir::result_future<weir::json_record> done) {
    if (auto read = fields_.read(flight, key_); !read) {
      done.fail(std::move(read).why());
      return;
    }
    const auto* iata = std::get_if<std::string>(&key_[0]);
    const auto found = iata != nullptr ? airports_->find(*iata) : airports_->end();
    auto complete = flight;
    weir::append_member(complete, into_, found != airports_->end() ? found->second : "null");
    done.complete(std::move(complete));
  }

private:
  std::shared_ptr<const airport_texts> airports_;
  std::string into_;
  weir::json_fields fields_;
  weir::value_list key_;
};

record_stream look_up(const record_stream& flights, const std::shared_ptr<const airport_texts>& airports,
                      const std::string& field) {
  return weir::async_data_stream::ordered_wait(flights, airport_lookup{airports, field},
                                               {.name = field, .timeout = 5s});
}

int fail(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  return 1;
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5)
    return fail("usage: bench_flights_map AIRPORTS FLIGHTS OUTPUT_FOLDER [CHECKPOINTS_FOLDER]");
  const auto airports = read_texts(argv[1]);
  if (airports->empty())
    return fail(std::string{argv[1]} + " has no airports");
  const std::string flights = argv[2];
  const std::string out = argv[3];
  const auto folder = weir::prepare_output_folder(out, /*remove_old_output=*/false);
  if (!folder)
    return fail(folder.why().text());
  weir::environment env;
  if (argc == 5) {
    weir::checkpoint_options each;
    each.directory = argv[4];
    each.interval = 1s;
    env.enable_checkpointing(each);
  }
  const auto read = env.from_source([flights] {
    return std::make_unique<weir::ndjson_source>(
      weir::ndjson_source_options{.path = flights, .timestamp = "date"});
  });
  look_up(look_up(read, airports, "origin"), airports, "destination").sink_to([out] {
    return std::make_unique<weir::part_file_sink>(out);
  });
  const auto ended = env.execute("flights");
  return ended.ok() ? 0 : fail(ended.text());
}
