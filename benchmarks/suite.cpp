// SPDX-License-Identifier: Apache-2.0
#include "suite.hpp"

#include "measure.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace bench {

namespace {

nlohmann::ordered_json described(const workload& of, const measurement& what) {
  nlohmann::ordered_json line;
  line["workload"] = of.name;
  line["mode"] = what.mode;
  line["capacity"] = what.capacity;
  for (const auto& [name, value] : what.with)
    line[name] = value;
  return line;
}

void list(const std::vector<workload>& all) {
  for (const auto& of : all) {
    const auto measurements = of.measurements();
    for (std::size_t i = 0; i < measurements.size(); ++i) {
      auto line = described(of, measurements[i]);
      line["number"] = i;
      line["about"] = of.about;
      std::printf("%s\n", line.dump().c_str());
    }
  }
}

void run_once(const workload& of, const measurement& what, std::uint64_t records) {
  if (what.warms_up)
    what.run(std::max<std::uint64_t>(records / 10, 1));
  outcome ended;
  const auto took = timed([&] { ended = what.run(records); });
  auto line = described(of, what);
  line["records"] = records;
  line["seconds"] = ended.streamed.count() > 0 ? ended.streamed.count() : took.seconds;
  line["whole_seconds"] = took.seconds;
  line["cpu_seconds"] = ended.cpu_seconds.value_or(took.cpu);
  line["peak_rss_mib"] = ended.peak_rss_mib ? *ended.peak_rss_mib : peak_rss_mib();
  for (const auto& [name, value] : ended.more)
    line[name] = value;
  std::printf("%s\n", line.dump().c_str());
  std::fflush(stdout);
}

} // namespace

void give_up(const std::string& why) {
  std::fprintf(stderr, "weir_bench: %s\n", why.c_str());
  std::_Exit(1);
}

int run_suite(const std::vector<workload>& all, int argc, char** argv) {
  CLI::App app{"Runs one measurement of a workload once; prints what came of it as a line of JSON.",
               "weir_bench"};
  std::string name;
  std::size_t number = 0;
  std::uint64_t records = 0;
  bool quick = false;
  bool lists = false;
  app.add_option("workload", name, "P1, P2, ...");
  app.add_option("number", number, "Which of its measurements, from 0");
  app.add_flag("--quick", quick, "Fewer records");
  app.add_option("--records", records, "So many records; less precise the fewer they are")->check(CLI::Range(64, 1'000'000'000));
  app.add_flag("--list", lists, "Says which measurements there are");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  if (lists) {
    list(all);
    return 0;
  }
  const auto of = std::find_if(all.begin(), all.end(), [&](const workload& each) { return each.name == name; });
  const auto measurements = of == all.end() ? std::vector<measurement>{} : of->measurements();
  if (number >= measurements.size()) {
    std::fprintf(stderr, "weir_bench: there is no such measurement; --list says which there are\n");
    return 2;
  }
  const auto& what = measurements[number];
  run_once(*of, what, records > 0 ? records : quick ? what.quick_records : what.records);
  return 0;
}

} // namespace bench
