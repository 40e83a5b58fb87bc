// SPDX-License-Identifier: Apache-2.0
//
// New here: retries. The directory is down for the first calls of each airport. A strategy says how often
// a record is asked for again, how long it waits before, and for which errors that is worth it: a question
// that is wrong is not asked again. What fails for good becomes a dead letter with all that is known of it.

#include "weir/weir.hpp"

#include <chrono>
#include <iostream>
#include <map>
#include <string>
#include <vector>

using namespace std::chrono_literals;

int main() {
  // How many calls fail before the directory answers.
  const std::map<std::string, std::uint32_t> down_for{{"HAM", 0}, {"OSL", 2}, {"LIS", 9}};

  weir::environment env;
  const auto airports
    = env.from_source(weir::collection_source<std::string>{{"HAM", "OSL", "???", "LIS"}});
  const auto answers = weir::async_data_stream::ordered_wait(
    airports,
    [down_for](const std::string& airport, weir::result_future<std::string> done) {
      const auto known = down_for.find(airport);
      const auto attempt = done.attempt();
      if (known == down_for.end())
        done.fail({weir::error_kind::rejected, "directory", "that is no airport"});
      else if (attempt <= known->second)
        done.fail({weir::error_kind::overloaded, "directory", "it is busy"});
      else
        done.complete(airport + " is open (attempt " + std::to_string(attempt) + ")");
    },
    {.name = "is it open",
     .timeout = 10s,
     .retry = weir::exponential_delay{.max_attempts = 3,
                                      .initial = 1ms,
                                      .max = 10ms,
                                      .multiplier = 2,
                                      .jitter = 0.5,
                                      .if_error = weir::error_not_of_kind({"rejected"})},
     .on_failure = weir::failure_action::dead_letter,
     // These few records are all that there is: they keep their retries when the input ends.
     .at_end = weir::end_policy::keep_retrying});

  std::vector<std::string> failed;
  answers.sink_to([](const std::string& answer) { std::cout << answer << '\n'; });
  answers.dead_letters().sink_to([&failed](const weir::dead_letter<std::string>& letter) {
    failed.push_back(letter.value + ": " + letter.why.message() + ", after "
                     + std::to_string(letter.attempts)
                     + (letter.attempts == 1 ? " attempt" : " attempts"));
  });

  const auto result = env.execute("retry");
  for (const auto& line : failed)
    std::cout << "dead letter: " << line << '\n';
  return result.ok() ? 0 : 1;
}
