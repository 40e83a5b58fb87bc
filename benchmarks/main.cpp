// SPDX-License-Identifier: Apache-2.0
#include "workloads.hpp"

int main(int argc, char** argv) {
  return bench::run_suite(
    {
      {"P0", "a lookup of 5 ms, waited for or not: why asynchronous at all", &bench::why_async},
      {"P1", "the call completes at once: what the operator itself costs", &bench::instant},
      {"P2", "the call is completed from two other threads: what handing over costs", &bench::hand_over},
      {"P3", "the call is answered 1 ms later: many under way", &bench::latency},
      {"P4", "one call of a hundred takes 500 ms, the others 5: what waits behind the slow ones", &bench::head_of_line},
      {"P4b", "one record of a hundred is retried 60 s later, of 100 a second: which capacity that needs", &bench::retries},
      {"P5", "a Redis server, one connection: through weir, and by hand with the same library", &bench::redis},
      {"P6", "from a program's start to its first output, and what it takes of memory", &bench::start_up},
      {"P7", "records come at 10, 50 and 80 % of the highest rate: what the operator adds to a call of 1 ms, and a bare actor", &bench::added_latency},
      {"P8", "greater capacities and more operators: whether a record's cost stays the same", &bench::growth},
      {"P9", "through a client pool whose driver answers at once: what the pool's way costs", &bench::pool},
      {"P10", "the main job, each flight looked up twice, with a map in memory and as the command with SQLite", &bench::flights},
      {"P11", "a watermark each so many records: what event time costs", &bench::watermarks},
    },
    argc, argv);
}
