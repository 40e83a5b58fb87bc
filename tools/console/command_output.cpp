// SPDX-License-Identifier: Apache-2.0
#include "command_output.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <unistd.h>
#include <utility>

namespace weir::tool {

namespace {

using namespace std::chrono_literals;

constexpr duration patience = 1s;

std::string text_of(int code) {
  return code == EAGAIN ? "nobody reads it" : std::strerror(code);
}

} // namespace

command_output::command_output(std::function<bool()> is_to_stop)
  : is_to_stop_(std::move(is_to_stop)), out_(STDOUT_FILENO), err_(STDERR_FILENO) {}

void command_output::say(const std::string& line) {
  const auto gives_up = [&](duration stuck) { return dropping_ || stuck >= patience; };
  // Where it cannot be written, nobody can be told.
  dropping_ = err_.write_all("weir: " + line + "\n", gives_up) == EAGAIN;
}

bool command_output::print(const ready_writer& to, std::string_view text, const std::string& name) {
  const auto gives_up
    = [&](duration stuck) { return stuck >= patience && is_to_stop_ && is_to_stop_(); };
  const int code = to.write_all(text, gives_up);
  if (code != 0)
    say(name + " cannot be written to standard " + (&to == &err_ ? "error" : "output") + ": "
        + text_of(code));
  return code == 0;
}

} // namespace weir::tool
