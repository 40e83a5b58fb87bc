// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What most workloads share: the numbers from 0 on go through an async function that makes 2x of x, and a sink sums
/// them up and looks at their order.

#include "suite.hpp"

#include "weir/weir.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace bench {

using number = std::int64_t;

/// What has come out, and when: from the first number that the source makes to the last that the sink takes.
struct checked_sum {
  number sum = 0;
  number last = -1;
  bool in_order = true;
  std::uint64_t taken = 0;
  /// So many are made.
  std::uint64_t made = 0;
  clock::time_point first_made{};
  clock::time_point last_taken{};
};

/// Sums, and looks whether the numbers ascend.
class checking_sink final : public weir::sink<number> {
public:
  explicit checking_sink(std::shared_ptr<checked_sum> into) : into_(std::move(into)) {}

  weir::expected<weir::poll_result> write(weir::batch<number>& in, std::size_t& next,
                                          std::size_t end) override {
    auto now = *into_;
    for (; next < end; ++next) {
      const auto x = in.value(next);
      now.sum += x;
      now.in_order = now.in_order && x > now.last;
      now.last = x;
      ++now.taken;
    }
    // Once, since records may come one by one.
    if (now.taken == now.made)
      now.last_taken = clock::now();
    *into_ = now;
    return weir::poll_result{weir::poll_state::done, {}};
  }

private:
  std::shared_ptr<checked_sum> into_;
};

/// 0 to `end`, less 1.
inline auto numbers_to(std::uint64_t end, const std::shared_ptr<checked_sum>& to) {
  to->made = end;
  return weir::range_source(0, end, [to](std::uint64_t n) {
    if (n == 0) [[unlikely]]
      to->first_made = clock::now();
    return static_cast<number>(n);
  });
}

/// The stream `from` behind `function` in this mode, keyed by 1,024 keys where that asks for keys.
template <class Function>
weir::stream<number> async_wait(const weir::stream<number>& from, weir::output_mode mode, Function function,
                                const weir::operator_options& options) {
  switch (mode) {
    case weir::output_mode::ordered:
      return weir::async_data_stream::ordered_wait(from, std::move(function), options);
    case weir::output_mode::unordered:
      return weir::async_data_stream::unordered_wait(from, std::move(function), options);
    case weir::output_mode::key_ordered:
      break;
  }
  return weir::async_data_stream::key_ordered_wait(from.key_by([](const number& x) { return x & 1023; }),
                                                   std::move(function), options);
}

/// Gives up where what came out is not 2x of each number, in the order that the mode promises over all of them.
inline void check(const checked_sum& of, std::uint64_t records, weir::output_mode mode) {
  const auto n = static_cast<number>(records);
  if (of.taken != records || of.sum != n * (n - 1) || (mode == weir::output_mode::ordered && !of.in_order))
    give_up("wrong result");
}

/// Runs the job to its end, and gives up where it failed or its result is wrong.
inline outcome run_checked(weir::environment& env, const checked_sum& of, std::uint64_t records,
                           weir::output_mode mode) {
  const auto ended = env.execute("bench");
  if (!ended.ok())
    give_up(ended.text());
  check(of, records, mode);
  return {of.last_taken - of.first_made};
}

} // namespace bench
