# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced by the scripts: headings and times of the parts of a run. Needs `set -e`: the first command
# that fails ends the script, which then names the part.

current_step=

# Usage: step NAME COMMAND... ; runs the command under a heading and says how long it took.
step() {
  local name=$1 outer=$current_step start=$SECONDS
  shift
  current_step=$name
  printf '\n== %s\n' "$name"
  "$@"
  printf '== %s: %d s\n' "$name" "$((SECONDS - start))"
  current_step=$outer
}

say_what_failed() {
  local status=$?
  if [ "$status" -ne 0 ] && [ -n "$current_step" ]; then
    printf '== %s: failed\n' "$current_step" >&2
  fi
}
trap say_what_failed EXIT
