// SPDX-License-Identifier: Apache-2.0
//
// The least that a program with weir in it does: one record through one operator. It writes a byte when the result is
// there, and at its end how much memory it took. P6 starts it.

#include "measure.hpp"

#include "weir/weir.hpp"

#include <unistd.h>

int main() {
  using namespace std::chrono_literals;
  weir::environment env;
  const auto twice = [](const int& x, weir::result_future<int> done) { done.complete(2 * x); };
  weir::async_data_stream::ordered_wait(env.from_source(weir::collection_source<int>{{21}}), twice,
                                        {.name = "twice", .timeout = 1s})
    .sink_to([](const int& x) {
      if (::write(STDOUT_FILENO, x == 42 ? "+" : "-", 1) != 1)
        std::exit(1);
    });
  const auto ended = env.execute("first output");
  std::printf("%f\n", bench::peak_rss_mib());
  return ended.ok() ? 0 : 1;
}
