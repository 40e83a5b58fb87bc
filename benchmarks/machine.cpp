// SPDX-License-Identifier: Apache-2.0
//
// What the bare machine costs, without an actor around it: a record is admitted and called, its call is
// completed later, and its result is emitted, with a timeout armed and disarmed. The queue is kept full:
// a half of what is under way completes, newest first in the unordered modes, then as many records come.
// 64-bit integers, result 2x; each mode at capacity 100 and 10,000. `instant`: the call completes inside.
//
//     bench_machine [records] [runs] [mode]

#include "measure.hpp"

#include "weir/operator_machine.hpp"

#include <bit>
#include <cstdlib>
#include <utility>

namespace {

using number = std::int64_t;

/// The calls that run, oldest first.
struct open_calls {
  explicit open_calls(std::size_t at_most) : ring(std::bit_ceil(at_most)) {}
  auto& at(std::size_t i) { return ring[i & (ring.size() - 1)]; }
  std::vector<std::pair<number, weir::result_future<number>>> ring;
  std::size_t begin = 0;
  std::size_t end = 0;
};

struct at_once : weir::async_function<number, number> {
  explicit at_once(open_calls&) {}
  void async_invoke(const number& x, weir::result_future<number> done) { done.complete(2 * x); }
};

struct doubling : weir::async_function<number, number> {
  explicit doubling(open_calls& to) : calls(&to) {}
  void async_invoke(const number& x, weir::result_future<number> done) {
    auto& at = calls->at(calls->end++);
    at.first = 2 * x;
    at.second = std::move(done);
  }
  open_calls* calls;
};

/// Sums what leaves, and looks whether it is the results of 0, 1, ... `cycle` - 1, 0, 1, ...
class summing_output final : public weir::output {
public:
  explicit summing_output(number cycle) : cycle_(cycle) {
    open_ = &batch_;
    open_again();
  }
  using weir::output::emit;
  void emit(const weir::control&) override {}

  number sum() {
    turn_over();
    return sum_;
  }
  bool in_order() const { return in_order_; }

protected:
  void turn_over() override {
    for (std::size_t i = 0; i < batch_.records(); ++i) {
      in_order_ = in_order_ && batch_.value(i) == 2 * next_;
      next_ = next_ + 1 == cycle_ ? 0 : next_ + 1;
      sum_ += batch_.value(i);
    }
    batch_.clear();
    open_again();
  }

private:
  void open_again() {
    records_left_ = 1024;
    bytes_left_ = 1 << 20;
  }

  weir::batch<number> batch_;
  const number cycle_;
  number sum_ = 0;
  number next_ = 0;
  bool in_order_ = true;
};

struct no_observer {
  void observe(weir::duration) {}
};

/// One run; ends the program where the result is wrong.
template <class Function>
void run(number records, weir::output_mode mode, std::size_t capacity) {
  open_calls calls{capacity};
  Function function{calls};
  auto port = weir::completion_port<number>::make([] {});
  no_observer observer;
  weir::operator_options options{.name = "twice", .timeout = std::chrono::seconds{10}};
  options.capacity = capacity;
  weir::operator_machine machine{options, mode, function, *port, observer, 0};
  // One batch, fed again and again: what it costs to make one is not the machine's.
  const auto cycle = static_cast<number>(std::min<std::size_t>(capacity / 2, 512));
  records -= records % cycle;
  weir::batch<number> in;
  for (number x = 0; x < cycle; ++x)
    in.append(x, weir::event_time::none(), {static_cast<std::uint64_t>(x), 0, 0},
              weir::hash_of_key(x));
  summing_output out{cycle};
  weir::time_point now{std::chrono::hours{1}};
  const bool ordered = mode == weir::output_mode::ordered;
  for (number taken = 0; taken < records || machine.size() > 0;) {
    for (; taken < records && machine.size() + static_cast<std::size_t>(cycle) <= capacity; taken += cycle) {
      weir::batch_cursor at;
      machine.take(in, at, {out}, now);
    }
    now += std::chrono::microseconds{1};
    {
      const weir::completion_port<number>::scope here{*port, weir::time_point{}};
      const auto half = calls.begin + (calls.end - calls.begin + 1) / 2;
      for (auto i = calls.begin; i < half; ++i) {
        auto& call = calls.at(ordered ? i : half - 1 - (i - calls.begin));
        call.second.complete(call.first);
        call.second = {};
      }
      calls.begin = half;
    }
    machine.advance({out}, now);
  }
  if (out.sum() != records / cycle * cycle * (cycle - 1) || (ordered && !out.in_order())) {
    std::fprintf(stderr, "wrong result\n");
    std::exit(1);
  }
}

} // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int i, long otherwise) {
    return argc > i ? std::strtol(argv[i], nullptr, 10) : otherwise;
  };
  const auto records = argument(1, 20'000'000);
  const auto runs = argument(2, 5);
  const auto measure = [&](const char* workload, auto work, weir::output_mode mode, std::size_t capacity) {
    work(records / 10, mode, capacity);
    std::vector<bench::sample> samples;
    for (long i = 0; i < runs; ++i)
      samples.push_back(bench::timed([&] { work(records, mode, capacity); }));
    bench::report(workload, name_of(mode), capacity, static_cast<std::uint64_t>(records), samples);
  };
  for (const auto mode : {weir::output_mode::ordered, weir::output_mode::unordered,
                          weir::output_mode::key_ordered})
    for (const std::size_t capacity : {100, 10'000}) {
      if (argc > 3 && std::string{argv[3]} != name_of(mode))
        continue;
      measure("machine", run<doubling>, mode, capacity);
      measure("machine, instant", run<at_once>, mode, capacity);
    }
}
