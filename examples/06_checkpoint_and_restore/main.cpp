// SPDX-License-Identifier: Apache-2.0
//
// New here: checkpoints. A job that weighs ten parcels is stopped while three of them lie on the scale, and
// started again. It goes on where it was: those three are weighed once more, the rest for the first time, and
// each parcel is in the output once, in order. A crash in the place of the stop (kill -9) would only let it go
// on from further back.

#include "weir/json_record.hpp"
#include "weir/part_file_sink.hpp"
#include "weir/stored.hpp"
#include "weir/weir.hpp"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace post {

struct parcel {
  int number = 0;
  int grams = 0;

  template <class Archive>
  void serialize(Archive& archive, std::uint32_t) {
    archive(number, grams);
  }
};

weir::json_record as_json(const parcel& of) {
  return {"{\"parcel\":" + std::to_string(of.number) + ",\"grams\":" + std::to_string(of.grams) + "}",
          {}};
}

/// Needs 5 to 20 ms for a parcel, and weighs any number at a time. All but `asked` is the operator's thread's.
struct scale {
  /// It is stuck with all that come behind this one.
  int last = 10;
  std::atomic<int> asked{0};
  std::vector<weir::result_future<parcel>> stuck{};
  std::vector<std::jthread> threads{};

  void weigh(parcel of, weir::result_future<parcel> done) {
    if (of.number > last)
      stuck.push_back(std::move(done));
    else
      threads.emplace_back([of, done = std::move(done)]() mutable {
        std::this_thread::sleep_for(5ms * (of.number * 3 % 4 + 1));
        of.grams = 50 + 100 * of.number;
        done.complete(of);
      });
    ++asked;
    asked.notify_all();
  }
};

} // namespace post

// What an operator holds is in its checkpoints, so the types of its records and results say how they are
// stored.
WEIR_STORED(post::parcel, 1)

namespace {

weir::job start(const fs::path& folder, post::scale& with) {
  std::vector<post::parcel> parcels;
  for (int number = 1; number <= 10; ++number)
    parcels.push_back({number, 0});

  weir::environment env;
  const auto weighed = weir::async_data_stream::ordered_wait(
    env.from_source(weir::collection_source<post::parcel>{parcels}),
    [&with](const post::parcel& of, weir::result_future<post::parcel> done) {
      with.weigh(of, std::move(done));
    },
    {.name = "scale", .timeout = 60s, .capacity = 3});
  weighed.map(&post::as_json).sink_to([out = (folder / "out").string()] {
    return std::make_unique<weir::part_file_sink>(out);
  });
  // And one at a stop, and one at the end of the input: this job is too short for others.
  env.enable_checkpointing({.directory = (folder / "checkpoints").string(), .interval = 1min});

  auto job = env.start("parcels");
  const auto& how = job.how_started();
  if (how.run_number == 0)
    std::cout << "does not start: " << job.wait().text() << '\n';
  else if (how.kind == weir::start_kind::restored)
    std::cout << "goes on from checkpoint " << *how.checkpoint << ", which holds " << how.held
              << " parcels\n";
  else
    std::cout << (how.kind == weir::start_kind::fresh ? "begins\n" : "is finished\n");
  return job;
}

} // namespace

int main() {
  const auto folder = fs::temp_directory_path() / ("weir-parcels-" + std::to_string(::getpid()));
  fs::create_directories(folder / "out");

  // Four parcels are weighed, three lie on the scale, and three stand in front of it.
  post::scale stuck{.last = 4};
  auto first = start(folder, stuck);
  if (first.how_started().run_number == 0)
    return 1;
  for (int asked = 0; asked < 7; asked = stuck.asked)
    stuck.asked.wait(asked);
  first.stop();
  first.wait();

  post::scale mended;
  start(folder, mended).wait();
  const auto third = start(folder, mended).wait();
  std::cout << "weighed " << stuck.asked << " times, then " << mended.asked << " times\n";

  // A part file belongs to a checkpoint, and is visible when that is complete.
  std::set<fs::path> parts;
  for (const auto& each : fs::directory_iterator{folder / "out"})
    if (each.path().filename().string().starts_with("part-"))
      parts.insert(each.path());
  for (const auto& part : parts)
    std::cout << part.filename().string() << ":\n" << std::ifstream{part}.rdbuf();
  fs::remove_all(folder);
  return third.ok() ? 0 : 1;
}
