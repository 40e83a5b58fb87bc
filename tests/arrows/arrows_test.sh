#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# One function a CTest test; CMakeLists.txt beside this file sets the variables in capitals.
set -euo pipefail

# What makes a machine depend on anything but its arguments. A mutex is allowed: results come from
# foreign threads.
impure='#[[:space:]]*include[[:space:]]*[<"](caf/|thread>|fstream>|random>)'
impure+='|system_clock|steady_clock::now|high_resolution_clock|random_device'

# What serialization/ leaves to the folders above it.
of_actors='#[[:space:]]*include[[:space:]]*[<"](caf/|thread>|weir/(interfaces|type_ids)\.hpp)'

# What is the program's own, and not for a library inside it. Sinks write to the descriptors that they are given.
programs_own='\bgetenv\b|std::c(out|err|log)\b|\bf?printf\(|\b(quick_)?exit\(|\babort\('
programs_own+='|\bsigaction\b|\bsignal\(|(^|[^[:alnum:]_])::(listen|bind)\('

seconds_max=3

fail() {
  echo "$*" >&2
  exit 1
}

# Prints the impure lines of a folder; succeeds when there are some.
find_breaches() {
  grep -rnE --include='*.hpp' --include='*.cpp' "$impure" "$1"
}

# Prints the lines of a folder that bring actors or threads in; succeeds when there are some.
find_actors() {
  grep -rnE --include='*.hpp' --include='*.cpp' "$of_actors" "$1"
}

write_user() {
  mkdir -p "$TEST_DIR"
  echo '#include "weir/weir.hpp"' >"$TEST_DIR/user.cpp"
}

operators_are_deterministic() {
  [ -n "$(find "$WEIR_SOURCE_DIR/operators" -name '*.hpp')" ] || fail "operators/ has no headers"
  if find_breaches "$WEIR_SOURCE_DIR/operators"; then
    fail "operators/ may use no CAF, clock, thread, file or chance of its own: pass it in"
  fi
}

# Which thread writes a checkpoint is for the folders above to say.
bytes_know_no_actors() {
  [ -n "$(find "$WEIR_SOURCE_DIR/serialization" -name '*.hpp')" ] || fail "serialization/ has no headers"
  if find_actors "$WEIR_SOURCE_DIR/serialization"; then
    fail "serialization/ may use no CAF and start no thread: its callers do"
  fi
  find_actors "$WEIR_SOURCE_DIR/actors" >/dev/null || fail "actors/ does: the pattern finds nothing"
}

a_breach_is_noticed() {
  local breach
  for breach in '#include <caf/actor.hpp>' '# include "caf/actor.hpp"' '#include <thread>' \
    'auto t = std::chrono::steady_clock::now();' 'std::random_device chance;'; do
    rm -rf "$TEST_DIR"
    mkdir -p "$TEST_DIR/weir"
    echo "$breach" >"$TEST_DIR/weir/breach.hpp"
    find_breaches "$TEST_DIR" || fail "not noticed: $breach"
  done
  echo 'std::chrono::steady_clock::time_point due;' >"$TEST_DIR/weir/breach.hpp"
  ! find_breaches "$TEST_DIR" || fail "a time point is no clock"
}

# Prints the lines of a folder that touch what is the program's own; succeeds when there are some.
find_bad_manners() {
  grep -rnE --include='*.hpp' --include='*.cpp' "$programs_own" "$1"
}

libraries_are_good_guests() {
  local folder
  for folder in messages operators serialization clients connectors actors streams metrics; do
    [ -n "$(find "$WEIR_SOURCE_DIR/$folder" -name "*.hpp")" ] || fail "$folder/ has no headers"
    if find_bad_manners "$WEIR_SOURCE_DIR/$folder"; then
      fail "$folder/ may not print, end the process, read the environment, touch signals or open ports"
    fi
  done
  find_bad_manners "$WEIR_SOURCE_DIR/tools" >/dev/null || fail "the command does: the pattern finds nothing"
}

public_headers_hide_libraries() {
  local seen
  write_user
  # shellcheck disable=SC2086 # one word a flag
  seen=$("$CXX" -std=c++20 -M $INCLUDES "$TEST_DIR/user.cpp" | tr -s ' \\' '\n')
  echo "$(grep -c '/weir/' <<<"$seen") headers of weir are reached from weir/weir.hpp"
  if grep -E '/(caf|cereal|prometheus|fmt|nlohmann|toml\+\+|CLI|boost)/|/(simdjson|sqlite3)\.h' \
    <<<"$seen"; then
    fail "weir/weir.hpp leads to another library's headers (above)"
  fi
}

# Processor time, since other tests may keep the machine busy; the best of three, since the first may
# read from disk.
public_header_compiles_quickly() {
  local best='' spent TIMEFORMAT='%U %S'
  write_user
  for _ in 1 2 3; do
    # shellcheck disable=SC2086 # one word a flag
    spent=$({ time "$CXX" -std=c++20 -O0 -c $INCLUDES "$TEST_DIR/user.cpp" \
      -o "$TEST_DIR/user.o" >&3 2>&3; } 3>"$TEST_DIR/messages" 2>&1) ||
      fail "weir/weir.hpp does not compile: $(cat "$TEST_DIR/messages")"
    spent=$(awk '{ printf "%.2f", $1 + $2 }' <<<"$spent")
    best=$(printf '%s\n' $best "$spent" | sort -n | head -n 1)
  done
  echo "a file that includes weir/weir.hpp compiles in $best s (at most $seconds_max)"
  awk -v best="$best" -v max="$seconds_max" 'BEGIN { exit !(best < max) }' || fail "too slow"
}

"$1"
