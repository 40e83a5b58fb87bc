#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# One function a CTest test; started in the project's top folder.
#
# A block of code in README.md or a page of docs that is a copy says so in the line before it:
#   <!-- the same as FILE -->   the whole file, but for the licence line
#   <!-- part of FILE -->       lines that follow one another in it
set -euo pipefail

fail() {
  echo "$*" >&2
  exit 1
}

# The first block of code in the page $1 after line $2.
block_after() {
  awk -v line="$2" '
    inside && /^```/ { exit }
    inside { print }
    NR > line && !inside && /^```/ { inside = 1 }' "$1"
}

# Usage: marked WHAT ; prints PAGE:LINE:FILE of each block that is marked so.
marked() {
  grep -Hn "^<!-- $1 .* -->\$" README.md docs/*.md | sed "s/<!-- $1 \(.*\) -->/\1/"
}

blocks_are_the_files() {
  local page line file
  # The program and its output; fewer means that this test looks for the wrong thing.
  [ "$(marked 'the same as' | wc -l)" -ge 2 ] || fail "README.md does not mark its blocks as copies of files"
  while IFS=: read -r page line file; do
    diff -u --label "$file" --label "$page" \
      <(grep -v '^// SPDX-License-Identifier' "$file") <(block_after "$page" "$line") \
      || fail "$page shows something else than $file"
  done < <(marked 'the same as')
}

blocks_are_parts_of_files() {
  local page line file block
  [ "$(marked 'part of' | wc -l)" -ge 1 ] || fail "no page marks a block as a part of a file"
  while IFS=: read -r page line file; do
    block=$(block_after "$page" "$line")
    [ -n "$block" ] || fail "$page:$line: no block of code follows"
    if [[ $'\n'$(<"$file")$'\n' != *$'\n'"$block"$'\n'* ]]; then
      # From its first line on, if it has one like it.
      diff -u --label "$file" --label "$page" <(grep -A "$(wc -l <<<"$block")" -Fx -m 1 -e "${block%%$'\n'*}" "$file") \
        - <<<"$block" || true
      fail "$page:$line: the block is no part of $file any more"
    fi
  done < <(marked 'part of')
}

links_lead_somewhere() {
  local page target missing=0 seen=0
  for page in *.md docs/*.md examples/*.md; do
    while read -r target; do
      seen=$((seen + 1))
      if [ ! -e "$(dirname "$page")/$target" ]; then
        echo "$page: there is no $target" >&2
        missing=1
      fi
    done < <(grep -oE '\]\([^)#: ]+(#[^)]*)?\)' "$page" | sed -E 's/^\]\(([^)#]+).*/\1/')
  done
  [ "$seen" -gt 0 ] || fail "no page has a link"
  return "$missing"
}

# Who says that a test shows something must name one that there is.
tests_that_are_named_exist() {
  local name missing=0 seen=0
  while read -r name; do
    seen=$((seen + 1))
    if ! grep -rqw --include='*_test.cpp' "$name" tests; then
      echo "docs/exactly-once.md: there is no test $name" >&2
      missing=1
    fi
  done < <(awk -F'|' '/^\|/ && NF == 5 { print $4 }' docs/exactly-once.md | grep -oE '`[a-z0-9]+(_[a-z0-9]+)+`' | tr -d '`')
  [ "$seen" -ge 20 ] || fail "docs/exactly-once.md names $seen tests: this test looks for the wrong thing"
  return "$missing"
}

# $1: the command weir.
job_file_is_valid() {
  local folder line
  folder=$(mktemp -d)
  # Set now: the folder's name is known nowhere else when the script ends.
  # shellcheck disable=SC2064
  trap "rm -rf '$folder'" EXIT
  line=$(grep -n '^<!-- a job file -->$' README.md | cut -d: -f1)
  block_after README.md "$line" >"$folder/job.toml"
  [ -s "$folder/job.toml" ] || fail "README.md has no job file"
  "$1" run --validate "$folder/job.toml"
}

# $1: the command weir.
pictures_are_the_commands() {
  local page drawn
  . scripts/lib/pictures.sh
  for page in "${pages_with_pictures[@]}"; do
    drawn=$(page_with_pictures "$page" "$1") || fail "$page cannot be drawn anew"
    grep -q '^```json$' "$page" || fail "$page has no scenario"
    diff -u --label "$page" --label "what the command draws" "$page" <(printf '%s\n' "$drawn") \
      || fail "$page shows other pictures than the command draws. If the command is right: ./scripts/renew-docs"
  done
}

"$@"
