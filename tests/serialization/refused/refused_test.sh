#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A type that cannot be stored does not compile, and the compiler says why. CMakeLists.txt sets the
# variables in capitals.
set -euo pipefail

source=$(dirname "${BASH_SOURCE[0]}")/refused.cpp

fail() {
  echo "$*" >&2
  exit 1
}

compile() {
  # shellcheck disable=SC2086 # one word a flag
  "$CXX" -std=c++20 -fsyntax-only $ALL_ERRORS $INCLUDES "$@" "$source" 2>&1
}

# $1: how many types the compiler says $2 of.
expect() {
  local times
  times=$(grep -cF "$2" <<<"$said") || true
  [ "$times" -ge "$1" ] && return
  grep -F error <<<"$said" >&2 || true
  fail "of $1 types the compiler does not say: $2"
}

said=$(compile) || fail "types that can be stored do not compile: $said"
said=$(compile -DREFUSED) && fail "types that cannot be stored compile"

expect 3 "must hold no pointers"
expect 1 "give the enumeration an underlying type"
expect 1 "write WEIR_STORED(type, version) behind the type"
expect 1 "give the key an operator<"
expect 1 "a steady clock means nothing in another process"
expect 1 "could not find any output serialization functions"
expect 1 "needs a default constructor"
expect 1 "must take the version"
expect 1 "the oldest one that is read is not newer than the one written"
expect 1 "use double"
