#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# One function a CTest test; CMakeLists.txt beside this file sets the variables in capitals.
set -euo pipefail

consumer=$(dirname "${BASH_SOURCE[0]}")/consumer
compiler=(-G Ninja "-DCMAKE_CXX_COMPILER=$CXX")

fail() {
  echo "$*" >&2
  exit 1
}

# The program says which weir it was built with, and what it made of three numbers.
run_consumer() {
  local printed
  printed=$("$1")
  echo "$printed"
  [[ $printed == "weir "*.*.*": 12" ]] || fail "unexpected output"
}

# Succeeds when configuring the find_package consumer fails and says $1.
expect_refusal() {
  local said=$1
  shift
  if "$CMAKE" -S "$consumer/find_package" -B "$TEST_DIR" "${compiler[@]}" \
    "-DCMAKE_PREFIX_PATH=$STAGE" "$@" >"$TEST_DIR.log" 2>&1; then
    fail "find_package(weir) should have failed"
  fi
  # CMake breaks lines in messages where it likes.
  if ! tr -s ' \n' ' ' <"$TEST_DIR.log" | grep -F "$said"; then
    cat "$TEST_DIR.log"
    fail "the message does not say: $said"
  fi
}

install() {
  rm -rf "$STAGE"
  "$CMAKE" --install "$WEIR_BINARY_DIR" --prefix "$STAGE" >/dev/null
  [ -f "$STAGE/include/weir/weir.hpp" ] || fail "weir/weir.hpp is not installed"
  # Nothing that is installed may lead back to this build.
  if grep -rnF -e "$WEIR_SOURCE_DIR" --include='*.cmake' --include='*.pc' "$STAGE"; then
    fail "an installed file names the source folder"
  fi
}

find_package() {
  "$CMAKE" -S "$consumer/find_package" -B "$TEST_DIR" "${compiler[@]}" "-DCMAKE_PREFIX_PATH=$STAGE"
  "$CMAKE" --build "$TEST_DIR"
  run_consumer "$TEST_DIR/consumer"
}

pkg_config() {
  local flags
  [ -x "$PKG_CONFIG" ] || fail "pkg-config is missing (Debian: pkgconf)"
  PKG_CONFIG_PATH=$(find "$STAGE" -name weir.pc -printf %h)
  export PKG_CONFIG_PATH
  flags=$("$PKG_CONFIG" --cflags --libs weir weir_client_sqlite)
  mkdir -p "$TEST_DIR"
  # shellcheck disable=SC2086 # one word a flag
  "$CXX" -std=c++20 "$consumer/main.cpp" -o "$TEST_DIR/consumer" $flags
  run_consumer "$TEST_DIR/consumer"
}

subdirectory() {
  # The same flags as this build, so that ccache has most of it.
  export CCACHE_NOHASHDIR=1
  "$CMAKE" -S "$consumer/subdirectory" -B "$TEST_DIR" "${compiler[@]}" \
    "-DWEIR_SOURCE_DIR=$WEIR_SOURCE_DIR" "-DCMAKE_BUILD_TYPE=$BUILD_TYPE" \
    "-DCMAKE_CXX_FLAGS_DEBUG=$FLAGS_DEBUG" "-DWEIR_WARNINGS_AS_ERRORS=$WARNINGS_AS_ERRORS" \
    ${CCACHE:+"-DCMAKE_CXX_COMPILER_LAUNCHER=$CCACHE"}
  "$CMAKE" --build "$TEST_DIR"
  run_consumer "$TEST_DIR/consumer"
  # Tests, tools and examples are for weir's own developers.
  [ ! -e "$TEST_DIR/weir/tests" ] || fail "weir's tests were configured in a subdirectory"
}

unknown_component() {
  expect_refusal "weir has no component no_such_part" -DCOMPONENTS=no_such_part
}

wrong_caf() {
  mkdir -p "$TEST_DIR.caf/caf"
  echo '#define CAF_VERSION 1805' >"$TEST_DIR.caf/caf/config.hpp"
  expect_refusal "weir needs CAF 0.17, but $TEST_DIR.caf/caf/config.hpp is version 0.18.5" \
    "-DCAF_INCLUDE_DIR=$TEST_DIR.caf"
}

rm -rf "$TEST_DIR"
"$1"
