// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Checkpoints to be written into a store, and words for what a store does. One thread.

#include "weir/checkpoint_store.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::testing {

/// Which checkpoints there are, as `1: 0 17`, one run a line.
inline std::string said(const std::vector<weir::run_in_store>& runs) {
  std::string text;
  for (const auto& run : runs) {
    text += std::to_string(run.number) + ":";
    for (const auto id : run.checkpoints)
      text += " " + std::to_string(id);
    text += "\n";
  }
  return text;
}

struct store_fixture {
  std::shared_ptr<weir::block_pool> pool = std::make_shared<weir::block_pool>();
  std::shared_ptr<weir::checkpoint_store> store;

  weir::state_blocks blocks_of(std::string_view text) const {
    weir::state_blocks blocks{pool};
    while (!text.empty()) {
      const auto room = blocks.room();
      const auto now = std::min(room.size(), text.size());
      std::memcpy(room.data(), text.data(), now);
      blocks.filled(now);
      text.remove_prefix(now);
    }
    return blocks;
  }

  static std::string text_of(const weir::state_blocks& blocks) {
    std::string text;
    for (const auto& each : blocks.payloads())
      text.append(reinterpret_cast<const char*>(each.data()), each.size());
    return text;
  }

  /// What the instances of the checkpoint hold, by (stage, instance).
  static std::map<std::pair<std::uint32_t, std::uint32_t>, std::string> held(std::uint64_t id) {
    if (id == 0)
      return {};
    return {{{1, 0}, "origin " + std::to_string(id)},
            {{1, 2}, std::string(70'000, static_cast<char>('a' + id % 26))},
            {{2, 0}, "destination"}};
  }

  weir::checkpoint checkpoint(std::uint64_t run, std::uint64_t id) const {
    weir::checkpoint result;
    auto& about = result.about;
    about.job = "flights";
    about.run.bytes[0] = static_cast<std::uint8_t>(run);
    about.run_number = run;
    about.checkpoint = id;
    about.kind = id == 0 ? weir::checkpoint_kind::begun : weir::checkpoint_kind::running;
    about.stages.resize(4);
    about.stages[0].name = "source";
    about.stages[1].name = "origin";
    about.stages[1].parallelism = 3;
    about.stages[2].name = "destination/2";
    about.stages[3].name = "sink";
    for (const auto& [place, text] : held(id))
      result.states.push_back({place.first, place.second, blocks_of(text)});
    return result;
  }

  std::string try_to_write(std::uint64_t id, std::uint64_t run = 1) {
    auto what = checkpoint(run, id);
    const auto written = store->write(what);
    return written ? std::string{} : written.why().text();
  }

  void write(std::uint64_t id, std::uint64_t run = 1) {
    BOOST_TEST_REQUIRE(try_to_write(id, run) == "");
  }

  std::string runs() {
    const auto found = store->runs();
    BOOST_TEST_REQUIRE(found.has_value());
    return said(*found);
  }

  /// What is wrong with a checkpoint, or nothing: it is loaded, and what it holds is what was
  /// written.
  std::string fault_of(std::uint64_t id, std::uint64_t run = 1) {
    const auto loaded = store->load(run, id);
    if (!loaded)
      return loaded.why().text();
    const auto written = checkpoint(run, id);
    auto about = loaded->about;
    about.files.clear();
    if (about != written.about)
      return "has another manifest";
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::string> found;
    for (const auto& each : loaded->states)
      found[{each.stage, each.instance}] = text_of(each.bytes);
    return found == held(id) ? "" : "has other states";
  }
};

} // namespace weir::testing
