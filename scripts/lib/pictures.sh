# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced by scripts/renew-docs and by the test that pictures in docs are the command's.
#
# A page's block of json is a scenario, and the block of text behind it its picture, as `weir simulate
# --timeline` draws it. A block of jsonl behind that is its trace, as `weir simulate` prints it. A block of
# text that begins with `signs:` is the key to all pictures.

pages_with_pictures=(docs/scenarios.md docs/semantics.md)

# Usage: simulate PAGE WEIR LINE SCENARIO [OPTION] ; runs what stands in the page at that line.
simulate() {
  local page=$1 weir=$2 line=$3 scenario=$4 folder status=0
  folder=$(mktemp -d)
  # Empty lines in front of it, so that mistakes are named by their lines in the page.
  {
    head -c "$((line - 1))" /dev/zero | tr '\0' '\n'
    printf '%s' "$scenario"
  } >"$folder/scenario"
  "$weir" simulate "${@:5}" "$folder/scenario" 2>"$folder/mistakes" || status=$?
  sed "s|$folder/scenario|$page|g" "$folder/mistakes" >&2
  rm -r "$folder"
  return "$status"
}

# Usage: page_with_pictures PAGE WEIR ; prints the page with each picture drawn anew.
page_with_pictures() {
  local page=$1 weir=$2 line fence='' number=0 begins=0 scenario='' picture='' drawn
  while IFS= read -r line || [ -n "$line" ]; do
    number=$((number + 1))
    case $fence$line in
      '```json')
        if [ -n "$picture" ]; then
          echo "$page:$number: the scenario in front of this one has no block of text behind it" >&2
          return 1
        fi
        fence=json: begins=$((number + 1)) scenario=
        ;;
      'json:```')
        drawn=$(simulate "$page" "$weir" "$begins" "$scenario" --timeline) || return 1
        # Without the key.
        fence='' picture=${drawn#*$'\n\n'}
        ;;
      json:*) scenario+=$line$'\n' ;;
      '```text')
        fence=text:
        if [ -n "$picture" ]; then
          printf '%s\n%s\n' "$line" "$picture"
          fence=drawn: picture=
          continue
        fi
        ;;
      text:signs:*)
        drawn=$(simulate "$page" "$weir" 1 '{"name": "-", "operator": {"mode": "ordered"}, "input": []}' \
          --timeline) || return 1
        printf '%s\n' "${drawn%%$'\n\n'*}"
        fence=drawn:
        continue
        ;;
      '```jsonl')
        printf '%s\n' "$line"
        simulate "$page" "$weir" "$begins" "$scenario" || return 1
        fence=drawn:
        continue
        ;;
      'drawn:```') fence='' ;;
      drawn:*) continue ;;
      *':```') fence='' ;;
      '```'*) fence=code: ;;
    esac
    printf '%s\n' "$line"
  done <"$page"
  if [ -n "$picture" ]; then
    echo "$page:$number: the last scenario has no block of text behind it" >&2
    return 1
  fi
}
