// SPDX-License-Identifier: Apache-2.0
//
// What the bare machine costs, without an actor around it: a record is admitted and called, its call is
// completed later, and its result is emitted, with a timeout armed and disarmed. The queue is kept full:
// a half of what is under way completes, newest first in the unordered modes, then as many records come.
// 64-bit integers, result 2x; each mode at capacity 100 and 10,000.
//
//     bench_machine [records] [runs]

#include "measure.hpp"

#include "weir/operator_machine.hpp"

#include <cstdlib>
#include <utility>

namespace {

using number = std::int64_t;

struct open_calls {
  std::vector<std::pair<number, weir::result_future<number>>> all;
};

struct doubling : weir::async_function<number, number> {
  explicit doubling(open_calls& to) : calls(&to) {}
  void async_invoke(const number& x, weir::result_future<number> done) {
    calls->all.emplace_back(2 * x, std::move(done));
  }
  open_calls* calls;
};

/// Sums what leaves, and looks whether it ascends.
class summing_output final : public weir::output {
public:
  summing_output() {
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
      in_order_ = in_order_ && batch_.value(i) > last_;
      last_ = batch_.value(i);
      sum_ += last_;
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
  number sum_ = 0;
  number last_ = -1;
  bool in_order_ = true;
};

struct no_observer {
  void observe(weir::duration) {}
};

const char* name_of(weir::output_mode mode) {
  switch (mode) {
    case weir::output_mode::ordered: return "ordered";
    case weir::output_mode::unordered: return "unordered";
    case weir::output_mode::key_ordered: return "key_ordered";
  }
  return "";
}

/// One run; ends the program where the result is wrong.
void run(number records, weir::output_mode mode, std::size_t capacity) {
  open_calls calls;
  doubling function{calls};
  auto port = weir::completion_port<number>::make([] {});
  no_observer observer;
  weir::operator_options options{.name = "twice", .timeout = std::chrono::seconds{10}};
  options.capacity = capacity;
  weir::operator_machine machine{options, mode, function, *port, observer, 0};
  summing_output out;
  weir::batch<number> in;
  weir::batch_cursor at;
  weir::time_point now{std::chrono::hours{1}};
  calls.all.reserve(capacity);
  const bool ordered = mode == weir::output_mode::ordered;
  for (number next = 0; next < records || machine.size() > 0;) {
    while (next < records && !machine.full()) {
      in.clear();
      at = {};
      const auto end = std::min(records, next + static_cast<number>(std::min<std::size_t>(capacity - machine.size(), 1024)));
      for (; next < end; ++next)
        in.append(next, weir::event_time::none(), {static_cast<std::uint64_t>(next), 0, 0},
                  static_cast<weir::key_hash>(next) * 0x9E37'79B9'7F4A'7C15u);
      machine.take(in, at, {out}, now);
    }
    now += std::chrono::microseconds{1};
    {
      const weir::completion_port<number>::scope here{*port};
      auto& all = calls.all;
      const auto half = static_cast<std::ptrdiff_t>((all.size() + 1) / 2);
      if (ordered)
        for (auto call = all.begin(); call != all.begin() + half; ++call)
          call->second.complete(call->first);
      else
        for (auto call = all.begin() + half; call-- != all.begin();)
          call->second.complete(call->first);
      all.erase(all.begin(), all.begin() + half);
    }
    machine.advance({out}, now);
  }
  if (out.sum() != records * (records - 1) || (ordered && !out.in_order())) {
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
  for (const auto mode : {weir::output_mode::ordered, weir::output_mode::unordered,
                          weir::output_mode::key_ordered})
    for (const std::size_t capacity : {100, 10'000}) {
      run(records / 10, mode, capacity);
      std::vector<bench::sample> samples;
      for (long i = 0; i < runs; ++i)
        samples.push_back(bench::timed([&] { run(records, mode, capacity); }));
      bench::report("machine", name_of(mode), capacity, static_cast<std::uint64_t>(records), samples);
    }
}
