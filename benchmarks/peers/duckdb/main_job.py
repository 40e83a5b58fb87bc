#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The main job as a batch in DuckDB: the flights' file joined twice with the airports', written as NDJSON.

Two threads, and rows in any order: what it does not do is left out where it would cost it something. Speaks as
benchmarks/suite.py wants it; what is measured begins once DuckDB is loaded, and ends with the file.
"""

import argparse
import itertools
import json
import os
import resource
import sys
import tempfile
import time

import duckdb

FLIGHTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../examples/flights")
RECORDS, QUICK_RECORDS = 1_000_000, 100_000

# The types are said, since looking for them takes time, and a date that is read as one is not written as it came.
JOIN = """
copy (
  select flight.*,
         {{name: origin.name, city: origin.city, state: origin.state,
           latitude: origin.latitude, longitude: origin.longitude}} as origin_airport,
         {{name: destination.name, city: destination.city, state: destination.state,
           latitude: destination.latitude, longitude: destination.longitude}} as destination_airport
  from read_json('{flights}', format = 'newline_delimited',
                 columns = {{date: 'varchar', delay: 'integer', distance: 'integer',
                             origin: 'varchar', destination: 'varchar'}}) as flight
  left join read_csv('{airports}') as origin on flight.origin = origin.iata
  left join read_csv('{airports}') as destination on flight.destination = destination.iata
) to '{out}' (format json)
"""


def make_flights(path, records):
    """The example's flights, again and again."""
    with open(os.path.join(FLIGHTS, "flights.ndjson"), "rb") as file:
        lines = file.readlines()
    with open(path, "wb") as file:
        file.writelines(itertools.islice(itertools.cycle(lines), records))


def check(path, records):
    """A word where the lines are not those that were asked for."""
    with open(path, "rb") as file:
        complete = sum(b'"origin_airport":{"name":"' in line and b'"destination_airport":{"name":"' in line for line in file)
    if complete != records:
        sys.exit(f"wrong result: {complete} complete lines of {records}")


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_rss_mib():
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM:"))


def run(records):
    with tempfile.TemporaryDirectory(prefix="bench-scratch-", dir=".") as place:
        flights, out = os.path.join(place, "flights.ndjson"), os.path.join(place, "out.ndjson")
        # In a process of its own, whose memory and time are not counted.
        child = os.fork()
        if child == 0:
            make_flights(flights, records)
            os._exit(0)
        if os.waitpid(child, 0)[1] != 0:
            sys.exit("the flights cannot be written")
        job = duckdb.connect()
        job.execute("set threads = 2")
        job.execute("set preserve_insertion_order = false")
        cpu, began = cpu_seconds(), time.monotonic()
        job.execute(JOIN.format(flights=flights, airports=os.path.join(FLIGHTS, "airports.csv"), out=out))
        line = {"records": records, "seconds": time.monotonic() - began, "cpu_seconds": cpu_seconds() - cpu,
                "peak_rss_mib": peak_rss_mib()}
        check(out, records)
    return line


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workload", nargs="?", choices=["P10"])
    parser.add_argument("number", nargs="?", type=int, choices=[0])
    parser.add_argument("--list", action="store_true", help="says which measurements there are")
    parser.add_argument("--quick", action="store_true", help="fewer records")
    parser.add_argument("--records", type=int, help="so many records")
    how = parser.parse_args()
    what = {"workload": "P10", "mode": "map", "checkpoint_each_ms": 0}
    if how.list:
        print(json.dumps({**what, "number": 0}))
    elif how.number is None:
        parser.error("which measurement?")
    else:
        print(json.dumps({**what, **run(how.records or (QUICK_RECORDS if how.quick else RECORDS))}))


if __name__ == "__main__":
    main()
