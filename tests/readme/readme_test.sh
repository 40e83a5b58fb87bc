#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# One function a CTest test; started in the project's top folder.
#
# A block of code in README.md that is a copy says so in the line before it:
#   <!-- the same as FILE -->
set -euo pipefail

fail() {
  echo "$*" >&2
  exit 1
}

# The first block of code in README.md after the line $1.
block_after() {
  awk -v marker="$1" '
    inside && /^```/ { exit }
    inside { print }
    found && !inside && /^```/ { inside = 1 }
    $0 == marker { found = 1 }' README.md
}

blocks_are_the_files() {
  local files file
  mapfile -t files < <(sed -n 's/^<!-- the same as \(.*\) -->$/\1/p' README.md)
  # The program and its output; fewer means that this test looks for the wrong thing.
  [ "${#files[@]}" -ge 2 ] || fail "README.md marks ${#files[@]} blocks as copies of files"
  for file in "${files[@]}"; do
    # The licence line of a source file is left out.
    diff -u --label "$file" --label "README.md" \
      <(grep -v '^// SPDX-License-Identifier' "$file") \
      <(block_after "<!-- the same as $file -->") \
      || fail "README.md shows something else than $file"
  done
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

# $1: the command weir.
job_file_is_valid() {
  local folder
  folder=$(mktemp -d)
  # Set now: the folder's name is known nowhere else when the script ends.
  # shellcheck disable=SC2064
  trap "rm -rf '$folder'" EXIT
  block_after '<!-- a job file -->' >"$folder/job.toml"
  [ -s "$folder/job.toml" ] || fail "README.md has no job file"
  "$1" run --validate "$folder/job.toml"
}

# $1: the command weir.
pictures_are_the_commands() {
  local page=docs/semantics.md drawn
  . scripts/lib/pictures.sh
  drawn=$(page_with_pictures "$page" "$1") || fail "$page has a scenario that cannot be drawn"
  grep -q '^```json' "$page" || fail "$page has no scenario"
  diff -u --label "$page" --label "what the command draws" "$page" <(printf '%s\n' "$drawn") \
    || fail "$page shows other pictures than the command draws. If the command is right: ./scripts/renew-docs"
}

"$@"
