#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts the instructions a record costs, and compares them with those in instructions.json: one JSON line a case.

Unlike a time they do not depend on what else the machine does. Each case of bench_instructions runs under callgrind with
two numbers of records; what the greater run takes more is the records', without start and end. The stored figures are
of one toolchain and one kind of build: with another nothing is compared.

0: no case costs over a tenth more than stored; 1: one does, or has no stored figure; 77: another toolchain.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys

ALLOWED = 0.10
STORE = "scripts/bench --instructions --write"
SKIPPED = 77
COUNTING = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]


def say(text):
    print(text, file=sys.stderr, flush=True)


def output_of(words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


def counted(program, case, records):
    run = subprocess.run([*COUNTING, program, case, str(records)], capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode != 0 or not found:
        raise SystemExit(f"{case} with {records} records ended with {run.returncode}:\n{run.stderr}")
    return int(found[1])


def per_record(program, case, records):
    return round((counted(program, case, 2 * records) - counted(program, case, records)) / records, 1)


def measure(program):
    cases = [json.loads(line) for line in output_of([program, "--list"]).splitlines()]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        figures = pool.map(lambda each: per_record(program, each["case"], each["records"]), cases)
        return {each["case"]: figure for each, figure in zip(cases, figures)}


def compare(measured, stored, program):
    """Prints a line a case. Whether none has become too expensive."""
    well = True
    for case, now in measured.items():
        before = stored.get(case)
        line = {"case": case, "instructions_per_record": now, "stored": before}
        if before is not None:
            line["change_percent"] = round(100 * (now / before - 1), 1)
        print(json.dumps(line), flush=True)
        if before is None:
            well = False
            say(f"{case}: no figure is stored; add it with {STORE}")
        elif now > before * (1 + ALLOWED):
            well = False
            say(f"{case}: {now} instructions a record, {line['change_percent']} % more than the stored {before}. Where they go "
                f"says callgrind_annotate, of this commit and of the one before, after\n"
                f"    valgrind --tool=callgrind --callgrind-out-file=calls {program} {case} 400000\n"
                f"  If the change is worth it, store the new figure ({STORE}) and say why in the commit.")
        elif now < before * (1 - ALLOWED):
            say(f"{case}: {now} instructions a record, {-line['change_percent']} % fewer than the stored {before}: "
                f"store the new figure ({STORE}), so that it is held from now on")
    for case in stored.keys() - measured.keys():
        well = False
        say(f"{case}: a figure is stored, but there is no such case; remove it with {STORE}")
    return well


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", help="bench_instructions, of a release build")
    parser.add_argument("--stored", type=pathlib.Path, default=pathlib.Path(__file__).with_suffix(".json"), metavar="FILE")
    parser.add_argument("--write", action="store_true", help="store what is measured in place of comparing")
    how = parser.parse_args()
    toolchain = output_of([how.program, "--toolchain"]).strip()
    if how.write:
        figures = {"toolchain": toolchain, "instructions_per_record": measure(how.program)}
        how.stored.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
        return 0
    stored = json.loads(how.stored.read_text(encoding="utf-8"))
    if stored["toolchain"] != toolchain:
        say(f"skipped: the stored figures are of {stored['toolchain']}\n         and this program is of {toolchain}")
        return SKIPPED
    return 0 if compare(measure(how.program), stored["instructions_per_record"], how.program) else 1


if __name__ == "__main__":
    sys.exit(main())
