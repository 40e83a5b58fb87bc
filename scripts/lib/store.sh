# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced by the scripts: the lookup store of examples/flights.

# Makes airports.db from airports.csv in the folder $1, unless it is there and newer than what it is
# made of. It appears whole or not at all.
make_flights_store() (
  cd "$1" || exit
  if [ airports.db -nt airports.csv ] && [ airports.db -nt make_store.sql ]; then
    echo "$1/airports.db is up to date"
    return 0
  fi
  unfinished=airports.db.$$
  trap 'rm -f "$unfinished"' EXIT
  sqlite3 -batch -bail "$unfinished" <make_store.sql
  mv "$unfinished" airports.db
  echo "made $1/airports.db: $(sqlite3 airports.db 'select count(*) from airports') airports"
)
