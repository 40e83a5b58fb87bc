// SPDX-License-Identifier: Apache-2.0

// In steady state a record costs no allocation, whether its call completes at once or later.

#include "../support/allocations.hpp"

#include "weir/operator_machine.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace weir;
using weir::testing::allocations;

constexpr output_mode all_modes[]
  = {output_mode::ordered, output_mode::unordered, output_mode::key_ordered};

/// Keeps its futures in a ring until they are completed from `from_outside` or inside the operator.
struct held_calls : async_function<long, long> {
  void async_invoke(const long& x, result_future<long> done) {
    if (at_once)
      done.complete(2 * x);
    else
      held.push_back(std::move(done));
  }

  /// The hook answers itself.
  void timeout(const long& x, result_future<long> done) { done.complete(-x); }

  bool at_once = false;
  std::vector<result_future<long>> held;
};

struct no_observer {
  void observe(duration) {}
};

/// Counts what leaves and keeps nothing.
class counting_output final : public output {
public:
  counting_output() {
    open_ = &batch_;
    turn_over();
  }
  void emit(const control&) override { ++controls; }
  using output::emit;

  std::size_t records = 0;
  std::size_t controls = 0;

protected:
  void turn_over() override {
    records += batch_.records();
    batch_.clear();
    records_left_ = 64;
    bytes_left_ = 1 << 20;
  }

private:
  batch<long> batch_;
};

struct steady_state {
  explicit steady_state(output_mode mode, bool at_once = false,
                        operator_options options = defaults())
    : port(completion_port<long>::make([] {})),
      machine(options, mode, function, *port, observer, 1) {
    function.at_once = at_once;
    function.held.reserve(256);
  }

  static operator_options defaults() {
    operator_options options;
    options.name = "lookup";
    options.timeout = std::chrono::seconds{10};
    options.capacity = 100;
    return options;
  }

  /// Pushes 100 records and has all complete, in another order than they came.
  void round(bool with_border = false) {
    in.clear();
    batch_cursor at;
    for (long n = 0; n < 100; ++n) {
      if (with_border && n == 50)
        in.append(control::watermark(event_time{n}));
      in.append(n, event_time{n}, {position++, 0, 0}, hash_of_key(n % 37));
    }
    machine.take(in, at, {out}, now);
    if (too_late)
      for (int n = 0; n < 40; ++n) {
        now += std::chrono::milliseconds{1};
        machine.tick({out}, now, now);
        machine.take(in, at, {out}, now);
      }
    while (!function.held.empty()) {
      auto done = std::move(function.held.back());
      function.held.pop_back();
      if (empty_at_first && done.attempt() == 1)
        done.complete_empty();
      else
        done.complete(1);
      if (function.held.size() % 10 == 0) {
        machine.advance({out}, now);
        machine.take(in, at, {out}, now);
      }
    }
    now += std::chrono::milliseconds{1};
    machine.tick({out}, now, now);
  }

  /// Allocations of many rounds after some that set up.
  std::size_t allocations_of_rounds(bool with_border = false) {
    for (int n = 0; n < 50; ++n)
      round(with_border);
    const auto before = allocations();
    for (int n = 0; n < 100; ++n)
      round(with_border);
    return allocations() - before;
  }

  held_calls function;
  no_observer observer;
  completion_port<long>::owner port;
  operator_machine<held_calls, no_observer> machine;
  counting_output out;
  batch<long> in;
  /// Each record is called a second time.
  bool empty_at_first = false;
  /// Timeouts pass before calls complete.
  bool too_late = false;
  std::uint64_t position = 0;
  time_point now{std::chrono::hours{1}};
};

} // namespace

BOOST_AUTO_TEST_SUITE(no_allocation)

BOOST_AUTO_TEST_CASE(the_counter_counts) {
  const auto before = allocations();
  ::operator delete(::operator new(1));
  BOOST_TEST(allocations() - before >= 1u);
}

BOOST_AUTO_TEST_CASE(a_call_that_completes_at_once_costs_none) {
  for (const auto mode : all_modes) {
    steady_state s{mode, true};
    BOOST_TEST(s.allocations_of_rounds() == 0u);
    BOOST_TEST(s.machine.counts().records_out == 15'000u);
  }
}

BOOST_AUTO_TEST_CASE(a_call_that_completes_later_costs_none) {
  for (const auto mode : all_modes) {
    steady_state s{mode};
    BOOST_TEST(s.allocations_of_rounds() == 0u);
    BOOST_TEST(s.machine.counts().records_out == 15'000u);
  }
}

BOOST_AUTO_TEST_CASE(waiting_for_a_free_call_costs_none) {
  auto options = steady_state::defaults();
  options.max_concurrent_calls = 30;
  for (const auto mode : all_modes) {
    steady_state s{mode, false, options};
    BOOST_TEST(s.allocations_of_rounds() == 0u);
    BOOST_TEST(s.machine.counts().records_out == 15'000u);
  }
}

BOOST_AUTO_TEST_CASE(another_attempt_costs_none) {
  auto options = steady_state::defaults();
  options.retry = fixed_delay{1, std::chrono::milliseconds{1}, {}, empty_result()};
  for (const auto mode : all_modes) {
    steady_state s{mode, false, options};
    s.empty_at_first = true;
    BOOST_TEST(s.allocations_of_rounds() == 0u);
    BOOST_TEST(s.machine.counts().retries > 5'000u);
    BOOST_TEST(s.machine.counts().records_out > 5'000u);
  }
}

BOOST_AUTO_TEST_CASE(a_timeout_with_a_hook_costs_none) {
  auto options = steady_state::defaults();
  options.timeout = std::chrono::milliseconds{1};
  for (const auto mode : all_modes) {
    steady_state s{mode, false, options};
    s.too_late = true;
    BOOST_TEST(s.allocations_of_rounds() == 0u);
    BOOST_TEST(s.machine.counts().timeouts > 10'000u);
    BOOST_TEST(s.machine.counts().late_completions > 0u);
  }
}

BOOST_AUTO_TEST_CASE(borders_cost_none_per_record) {
  for (const auto mode : all_modes) {
    steady_state s{mode};
    BOOST_TEST(s.allocations_of_rounds(true) == 0u);
    BOOST_TEST(s.out.controls == 150u);
  }
}

BOOST_AUTO_TEST_SUITE_END()
