// SPDX-License-Identifier: Apache-2.0
//
// New here: checkpoints. A job that weighs ten parcels is stopped while three of them lie on the scale, and started
// again. It goes on where it was: those three are weighed once more, the rest for the first time, and each parcel is in
// the output once, in order. A crash in the place of the stop (kill -9) would only let it go on from further back.

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

/// Needs 5 to 20 ms for a parcel, and weighs any number at a time. Used by the operator's thread, but for `asked`.
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

// What an operator holds is in its checkpoints, so the types of its records and results say how they are stored.
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
  weighed
    .map([](const post::parcel& of) {
      return weir::json_record{"{\"parcel\":" + std::to_string(of.number)
                                 + ",\"grams\":" + std::to_string(of.grams) + "}",
                               {}};
    })
    .sink_to(
      [out = (folder / "out").string()] { return std::make_unique<weir::part_file_sink>(out); });
  // And one where it is stopped, and one at the end of the input. This job is too short for others.
  env.enable_checkpointing({.directory = (folder / "checkpoints").string(), .interval = 1min});

  auto job = env.start("parcels");
  const auto& how = job.how_started();
  if (how.kind == weir::start_kind::fresh)
    std::cout << "begins\n";
  else if (how.kind == weir::start_kind::restored)
    std::cout << "goes on from checkpoint " << *how.checkpoint << ", which holds " << how.held
              << " parcels\n";
  else
    std::cout << "has been finished: there is nothing to do\n";
  return job;
}

/// A part file belongs to a checkpoint, and is there when that is complete.
void print_parts(const fs::path& out) {
  std::set<fs::path> parts;
  for (const auto& each : fs::directory_iterator{out})
    parts.insert(each.path());
  for (const auto& part : parts)
    std::cout << part.filename().string() << ":\n" << std::ifstream{part}.rdbuf();
}

} // namespace

int main() {
  const auto folder
    = fs::temp_directory_path() / ("weir-parcels-" + std::to_string(::getpid()));
  fs::create_directories(folder / "out");
  bool all_well = true;
  {
    post::scale stuck{.last = 4};
    auto job = start(folder, stuck);
    // Four are weighed, three lie on the scale, and three stand in front of it.
    for (int asked = 0; asked < 7; asked = stuck.asked)
      stuck.asked.wait(asked);
    job.stop();
    all_well = job.wait().end == weir::job_end::stopped;
    std::cout << "stopped with 7 questions asked\n";
  }
  {
    post::scale mended;
    auto job = start(folder, mended);
    all_well = job.wait().ok() && all_well;
    std::cout << "done with " << mended.asked << " more\n";
  }
  {
    post::scale unused;
    all_well = start(folder, unused).wait().ok() && all_well;
  }
  print_parts(folder / "out");
  fs::remove_all(folder);
  return all_well ? 0 : 1;
}
