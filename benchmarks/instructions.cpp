// SPDX-License-Identifier: Apache-2.0
//
// Workloads of the suite in one thread and in virtual time, so that each run does the same. What a record costs is
// counted and not timed: its instructions by valgrind (instructions.py), its allocations here (allocations.py).
//
//     bench_instructions CASE RECORDS
//     bench_instructions --list           names, and records in which a case is past its start
//     bench_instructions --toolchain      what else its instructions depend on

#include "counted_allocations.hpp"
#include "instant_driver.hpp"

#include "weir/testing.hpp"

#include <caf/config.hpp>
#include <gnu/libc-version.h>
#include <sys/utsname.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace bench {

void give_up(const std::string& why) {
  std::fprintf(stderr, "bench_instructions: %s\n", why.c_str());
  std::_Exit(1);
}

namespace {

using namespace std::chrono_literals;
using weir::output_mode;
using weir::testing::virtual_clock;
using weir::testing::virtual_job;

/// Where there are several. Numbers of records are multiples of it.
constexpr std::uint64_t operators = 16;

/// What is allocated from when half of the records are made until all are.
class second_half {
public:
  explicit second_half(std::uint64_t records) : half_(records / 2), all_(records) {}

  void count_record() {
    ++made_;
    if (made_ == half_) [[unlikely]]
      before_ = allocations();
    if (made_ == all_) [[unlikely]]
      after_ = allocations();
  }

  double allocations_per_record() const {
    return static_cast<double>(after_ - before_) / static_cast<double>(all_ - half_);
  }

private:
  std::uint64_t half_;
  std::uint64_t all_;
  std::uint64_t made_ = 0;
  std::uint64_t before_ = 0;
  std::uint64_t after_ = 0;
};

/// Answers in the order of the questions, none sooner than 1 ms after it was asked, and at most 256 each 25.6 us: that is
/// the rate at which a capacity of 10,000 is just full.
class virtual_store {
public:
  virtual_store(virtual_clock& clock, std::size_t questions_max)
    : clock_(clock), asked_(std::bit_ceil(questions_max)) {}

  void ask(number answer, weir::result_future<number> done) {
    auto& free = at(end_++);
    free.due = clock_.now() + 1ms;
    free.answer = answer;
    free.done = std::move(done);
  }

  void answer_next() {
    if (begin_ == end_)
      give_up("the job stands still");
    clock_.advance(std::max<weir::duration>(25'600ns, at(begin_).due - clock_.now()));
    for (int i = 0; i < 256 && begin_ < end_ && at(begin_).due <= clock_.now(); ++i) {
      auto& first = at(begin_++);
      std::exchange(first.done, {}).complete(first.answer);
    }
    clock_.run();
  }

private:
  struct question {
    weir::duration due{};
    number answer = 0;
    weir::result_future<number> done{};
  };

  question& at(std::size_t i) { return asked_[i & (asked_.size() - 1)]; }

  virtual_clock& clock_;
  std::vector<question> asked_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

auto counted_numbers_to(std::uint64_t end, second_half& half) {
  return weir::range_source(0, end, [&half](std::uint64_t n) {
    half.count_record();
    return static_cast<number>(n);
  });
}

void expect_ended(const virtual_job& job) {
  if (!job.result())
    give_up("the job stands still");
  if (!job.result()->ok())
    give_up(job.result()->text());
}

const auto complete_twice = [](const number& x, weir::result_future<number> done) { done.complete(2 * x); };
const auto complete_same = [](const number& x, weir::result_future<number> done) { done.complete(x); };

void run_at_once(second_half& half, std::uint64_t records, output_mode mode, std::size_t capacity) {
  const auto sum = std::make_shared<checked_sum>();
  virtual_clock clock;
  weir::environment env;
  async_wait(env.from_source(counted_numbers_to(records, half)), mode, complete_twice,
             {.name = "twice", .timeout = 10s, .capacity = capacity})
    .sink_to(checking_sink{sum});
  const virtual_job job{clock, env, "at once"};
  expect_ended(job);
  check(*sum, records, mode);
}

void run_later(second_half& half, std::uint64_t records, output_mode mode, std::size_t capacity) {
  const auto sum = std::make_shared<checked_sum>();
  virtual_clock clock;
  virtual_store store{clock, capacity};
  weir::environment env;
  const auto ask = [&store](const number& x, weir::result_future<number> done) { store.ask(2 * x, std::move(done)); };
  async_wait(env.from_source(counted_numbers_to(records, half)), mode, ask,
             {.name = "ask", .timeout = 10s, .capacity = capacity})
    .sink_to(checking_sink{sum});
  const virtual_job job{clock, env, "later"};
  while (!job.result())
    store.answer_next();
  expect_ended(job);
  check(*sum, records, mode);
}

void run_pool(second_half& half, std::uint64_t records, output_mode mode) {
  const auto sum = std::make_shared<checked_sum>();
  virtual_clock clock;
  weir::environment env;
  const auto store = instant_store(env);
  async_wait(env.from_source(counted_numbers_to(records, half)), mode, doubling_lookup{store},
             {.name = "twice", .timeout = 10s, .capacity = 1'000})
    .sink_to(checking_sink{sum});
  const virtual_job job{clock, env, "pool"};
  expect_ended(job);
  check(*sum, records, mode);
}

void run_in_a_row(second_half& half, std::uint64_t records, output_mode mode) {
  const auto sum = std::make_shared<checked_sum>();
  virtual_clock clock;
  weir::environment env;
  weir::stream<number> at = env.from_source(counted_numbers_to(records, half));
  for (std::uint64_t i = 1; i < operators; ++i)
    at = async_wait(at, mode, complete_same, {.name = "pass " + std::to_string(i), .timeout = 10s});
  async_wait(at, mode, complete_twice, {.name = "twice", .timeout = 10s}).sink_to(checking_sink{sum});
  const virtual_job job{clock, env, "in a row"};
  expect_ended(job);
  check(*sum, records, mode);
}

void run_side_by_side(second_half& half, std::uint64_t records, output_mode mode) {
  const auto share = records / operators;
  std::vector<std::shared_ptr<checked_sum>> sums;
  virtual_clock clock;
  weir::environment env;
  for (std::uint64_t i = 0; i < operators; ++i) {
    const auto number = std::to_string(i);
    sums.push_back(std::make_shared<checked_sum>());
    async_wait(env.from_source(counted_numbers_to(share, half), {.name = "numbers " + number}), mode, complete_twice,
               {.name = "twice " + number, .timeout = 10s})
      .sink_to(checking_sink{sums.back()}, {.name = "sum " + number});
  }
  const virtual_job job{clock, env, "side by side"};
  expect_ended(job);
  for (const auto& each : sums)
    check(*each, share, mode);
}

struct counted_case {
  std::string name;
  /// With so many it is in its steady state.
  std::uint64_t records;
  std::function<void(second_half&, std::uint64_t records)> run;
};

std::vector<counted_case> cases() {
  std::vector<counted_case> all;
  const auto add = [&](std::string name, output_mode mode, std::uint64_t records, auto run, auto... how) {
    all.push_back({std::move(name) + "-" + name_of(mode), records,
                   [=](second_half& half, std::uint64_t n) { run(half, n, mode, how...); }});
  };
  for (const auto mode : {output_mode::ordered, output_mode::unordered, output_mode::key_ordered})
    add("P1", mode, 100'000, run_at_once, 100);
  for (const auto mode : {output_mode::ordered, output_mode::unordered}) {
    add("P3", mode, 100'000, run_later, 10'000);
    // Each actor handles one message in turn here, and the sink has most of them: so the queue is full of results.
    add("P8-capacity-100000", mode, 100'000, run_at_once, 100'000);
    add("P8-later-capacity-100", mode, 100'000, run_later, 100);
    add("P8-later-capacity-100000", mode, 200'000, run_later, 100'000);
    add("P8-16-in-a-row", mode, 32'000, run_in_a_row);
    add("P8-16-side-by-side", mode, 320'000, run_side_by_side);
    add("P9", mode, 100'000, run_pool);
  }
  return all;
}

void print_list() {
  for (const auto& each : cases())
    std::printf("{\"case\":\"%s\",\"records\":%llu}\n", each.name.c_str(),
                static_cast<unsigned long long>(each.records));
}

void print_toolchain() {
#ifdef __clang__
  const char* const compiler = __VERSION__;
#else
  const char* const compiler = "g++ " __VERSION__;
#endif
#ifdef NDEBUG
  const char* const build = "release";
#else
  const char* const build = "with assertions";
#endif
  utsname machine{};
  uname(&machine);
  std::printf("%s, libstdc++ %d, glibc %s, CAF %d.%d.%d, %s, %s\n", compiler, __GLIBCXX__, gnu_get_libc_version(),
              CAF_MAJOR_VERSION, CAF_MINOR_VERSION, CAF_PATCH_VERSION, machine.machine, build);
}

int run_case(const std::string& name, std::uint64_t records) {
  const auto all = cases();
  const auto it = std::find_if(all.begin(), all.end(), [&](const counted_case& each) { return each.name == name; });
  if (it == all.end() || records == 0 || records % operators != 0) {
    std::fprintf(stderr, "bench_instructions: no such case (--list says which there are), or records no multiple of 16\n");
    return 2;
  }
  second_half half{records};
  it->run(half, records);
  std::printf("{\"case\":\"%s\",\"records\":%llu,\"allocations_per_record\":%.4f}\n", name.c_str(),
              static_cast<unsigned long long>(records), half.allocations_per_record());
  return 0;
}

} // namespace

} // namespace bench

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (argc == 2 && what == "--list") {
    bench::print_list();
    return 0;
  }
  if (argc == 2 && what == "--toolchain") {
    bench::print_toolchain();
    return 0;
  }
  if (argc != 3) {
    std::fprintf(stderr, "usage: bench_instructions CASE RECORDS | --list | --toolchain\n");
    return 2;
  }
  return bench::run_case(what, std::strtoull(argv[2], nullptr, 10));
}
