#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds P1, P3 and P9 to no allocation for a record: one JSON line a case.

bench_instructions counts what it allocates in the second half of a run. Those are messages, one allocation each, and at
most six go to and fro for a batch of 256 records or the 256 answers of a wake-up: 0.025 a record. The bar is twice that,
and a twentieth of what a single allocation for each record would make.
"""

import argparse
import json
import subprocess
import sys

AT_MOST = 0.05
HELD = ("P1-", "P3-", "P9-")


def output_of(words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", help="bench_instructions")
    program = parser.parse_args().program
    cases = [json.loads(line) for line in output_of([program, "--list"]).splitlines()]
    failed = False
    for each in cases:
        if not each["case"].startswith(HELD):
            continue
        run = output_of([program, each["case"], str(each["records"])])
        print(run, end="", flush=True)
        figure = json.loads(run)["allocations_per_record"]
        # Without any message nothing has gone through, or nothing was counted.
        if not 0 < figure <= AT_MOST:
            failed = True
            print(f"{each['case']}: {figure} allocations a record; more than 0 and at most {AT_MOST} are expected",
                  file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
