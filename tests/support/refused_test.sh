#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# refused_test.sh SOURCE: the source compiles; where REFUSED is defined it does not, and for each comment
# `// refused: TEXT` in it the compiler says TEXT once more. tests/CMakeLists.txt sets the variables in
# capitals.
set -euo pipefail

source=$1

fail() {
  echo "$*" >&2
  exit 1
}

compile() {
  # shellcheck disable=SC2086 # one word a flag
  "$CXX" -std=c++20 -fsyntax-only $ALL_ERRORS $INCLUDES "$@" "$source" 2>&1
}

said=$(compile) || fail "what is right does not compile: $said"
said=$(compile -DREFUSED) && fail "what is wrong compiles"

expected=$(grep -oP '(?<=// refused: ).*' "$source" | sort | uniq -c)
while read -r times text; do
  met=$(grep -F error <<<"$said" | grep -cF "$text") || true
  if [ "$met" -lt "$times" ]; then
    grep -F error <<<"$said" >&2 || true
    fail "the compiler says $met times and not $times: $text"
  fi
done <<<"$expected"
