# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced by the scripts: installs the Debian packages that are missing.
#
#   require_packages GROUP...      groups: build, test, bench, instructions, sanitizers, fuzzing
#
# Says what it will install before it does, uses sudo where the user is not root, and ends the script
# with a message where neither works. With install_packages=no it only says what is missing.

install_packages=yes

package_group() {
  case $1 in
    build)
      echo g++ cmake ninja-build \
        libcaf-dev libcereal-dev libcli11-dev libcsv-dev libhiredis-dev libsimdjson-dev libsqlite3-dev libtomlplusplus-dev \
        nlohmann-json3-dev sqlite3
      ;;
    test) echo ccache libboost-test-dev pkgconf python3 redis-server strace ;;
    bench) echo python3 redis-server ;;
    instructions) echo python3 valgrind ;;
    sanitizers | fuzzing) echo clang-14 libclang-rt-14-dev ;;
    *)
      echo "unknown package group: $1" >&2
      return 1
      ;;
  esac
}

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing_packages() {
  local group package
  for group in "$@"; do
    for package in $(package_group "$group"); do
      is_installed "$package" || echo "$package"
    done
  done
}

# Runs apt-get as root. What it prints goes to a log, shown only when it fails.
run_apt_get() {
  local log status=0
  log=$(mktemp)
  $as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C \
    apt-get -y -q -o Dpkg::Use-Pty=0 "$@" >"$log" 2>&1 </dev/null || status=$?
  if [ "$status" -ne 0 ]; then
    cat "$log" >&2
    echo "apt-get $1 failed: see its messages above. Is there a network, and room on the disk?" >&2
  fi
  rm -f "$log"
  return "$status"
}

# Usage: without_starting_servers COMMAND... ; what Debian's packages of servers start when they are installed is not
# started: tests start their own. Where this machine has a policy already, that one holds.
without_starting_servers() (
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    # shellcheck disable=SC2064 # as it is now; of this subshell alone
    trap "$as_root rm -f $policy" EXIT
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod 755 "$policy"
  fi
  "$@"
  # Nor when the machine starts again, where it is this run that installs it.
  if [[ " $* " == *" redis-server "* ]] && command -v systemctl >/dev/null; then
    $as_root systemctl --quiet disable redis-server >/dev/null 2>&1 || true
  fi
)

# Sets as_root to what goes before a command that needs root; fails where there is no way.
find_way_to_root() {
  as_root=
  [ "$(id -u)" -eq 0 ] && return 0
  command -v sudo >/dev/null || return 1
  as_root=sudo
  if [ -t 0 ]; then
    sudo -v
  else
    sudo -n true 2>/dev/null
  fi
}

require_packages() {
  local missing all
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "note: not a Debian system, so no packages are installed. Needed, by Debian's names:"
    for group in "$@"; do echo "  $(package_group "$group")"; done
    return 0
  fi
  missing=$(missing_packages "$@" | paste -s -d ' ')
  [ -n "$missing" ] || return 0

  if [ "$install_packages" = no ]; then
    echo "note: these Debian packages are missing and, as asked, not installed: $missing"
    return 0
  fi
  echo "Debian packages that are missing: $missing"
  if ! find_way_to_root; then
    echo "They cannot be installed: you are not root, and sudo is absent or refuses." >&2
    echo "Let somebody run this as root, then try again:" >&2
    echo "  apt-get update && apt-get install --no-install-recommends $missing" >&2
    exit 1
  fi
  run_apt_get update
  # shellcheck disable=SC2086 # one word a package
  if ! all=$(LC_ALL=C apt-get -s install --no-install-recommends $missing 2>&1); then
    printf '%s\n' "$all" >&2
    echo "apt-get knows no way to install these packages: see its messages above. Is this Debian 12?" >&2
    exit 1
  fi
  all=$(sed -n 's/^Inst \([^ ]*\) .*/\1/p' <<<"$all" | sort)
  if [ -n "$all" ]; then
    echo "Installing $(echo "$all" | wc -l) packages, those that they need among them:"
    # shellcheck disable=SC2086
    echo $all | fold -s -w 96 | sed 's/^/  /'
  fi
  # shellcheck disable=SC2086
  without_starting_servers run_apt_get install --no-install-recommends $missing
}
