#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the workloads of weir and of others in turn, and makes figures of it: one JSON line a measurement.

A contestant is a program that lists its measurements (`--list`, JSON lines with `workload`, `mode`, `capacity`, what
else tells one from the other, and its `number`) and runs one of them once (`WORKLOAD NUMBER`, one JSON line with
`records`, `seconds`, `cpu_seconds`, `peak_rss_mib` and whatever else it wants to say). Each run has a process of its
own. Rounds are gone through in turn, each measurement by all contestants one right after the other and by another
one first each time, so that what the machine does meanwhile meets all of them; ratios are those of one round.

A run during which others than the program itself took more than a tenth of the processors is counted as disturbed.
"""

import argparse
import json
import os
import resource
import shlex
import signal
import statistics
import subprocess
import sys
import time

import tables

NOT_PART_OF_NAME = ("number", "about")
OF_EACH_RUN = ("records", "seconds", "whole_seconds", "cpu_seconds", "peak_rss_mib")


def say(text):
    print(text, file=sys.stderr, flush=True)


def busy_seconds():
    """What all processes, and the host, have taken of the processors so far."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def seconds_of_children():
    """What the processes that this one has started, and theirs, have taken; of those that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Failed(Exception):
    pass


class Contestant:
    def __init__(self, name, command):
        self.name = name
        self.command = command
        self.measurements = []

    def list(self, only):
        listed = subprocess.run([*self.command, "--list"], check=True, stdout=subprocess.PIPE, text=True)
        for line in listed.stdout.splitlines():
            what = json.loads(line)
            if not only or what["workload"] in only:
                self.measurements.append(what)

    def find(self, key):
        """The measurement that says nothing else of itself than the key does; a peer need not say all."""
        return next((each for each in self.measurements if set(key_of(each)) <= set(key)), None)

    def run(self, what, size, timeout):
        words = [*self.command, what["workload"], str(what["number"]), *size]
        busy, own, began = busy_seconds(), seconds_of_children(), time.monotonic()
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True)
        try:
            out, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise Failed(f"it took longer than {timeout} s") from None
        if process.returncode != 0:
            raise Failed(f"it ended with {process.returncode}")
        run = json.loads(out)
        wall = time.monotonic() - began
        of_others = busy_seconds() - busy - (seconds_of_children() - own)
        # The system counts in ticks.
        run["disturbed"] = of_others > 0.1 * os.cpu_count() * wall + 0.1
        return run


def key_of(what):
    """What is the same measurement for all contestants."""
    return tuple((name, value) for name, value in what.items() if name not in NOT_PART_OF_NAME)


def text_of(key):
    return ", ".join(str(value) if name in ("workload", "mode") else f"{name} {value}" for name, value in key)


def figure(value):
    """Four digits that count; whole numbers as such."""
    return int(value) if value == int(value) else float(f"{value:.4g}")


def line_of(contestant, key, runs):
    rates = [run["records"] / run["seconds"] for run in runs]
    line = {"system": contestant.name, **dict(key), "records": runs[0]["records"], "runs": len(runs)}
    line["records_per_s_best"] = round(max(rates))
    line["records_per_s_median"] = round(statistics.median(rates))
    line["cpu_s_per_million"] = figure(statistics.median(run["cpu_seconds"] / run["records"] * 1e6 for run in runs))
    line["peak_rss_mib"] = figure(round(max(run["peak_rss_mib"] for run in runs), 1))
    for name in runs[0]:
        if name not in OF_EACH_RUN and name != "disturbed" and name not in dict(key):
            line[name] = figure(statistics.median(run[name] for run in runs))
    line["disturbed_runs"] = sum(run["disturbed"] for run in runs)
    return line


def ratio_line(key, one, other, runs_of_one, runs_of_other):
    pairs = list(zip(runs_of_one, runs_of_other))
    ratios = [other_run["seconds"] / other_run["records"] * run["records"] / run["seconds"] for run, other_run in pairs]
    return {"ratio_of": one, "to": other, **dict(key), "rounds": len(ratios), "rate_median": figure(statistics.median(ratios)),
            "rate_least": figure(min(ratios))}


def measure(contestants, keys, rounds, size, timeout):
    """All runs, by contestant and key; a measurement that fails once is left out from then on."""
    runs = {}
    failed = set()
    for number in range(rounds):
        for key in keys:
            turn = number % len(contestants)
            for contestant in contestants[turn:] + contestants[:turn]:
                what = contestant.find(key)
                if what is None or (contestant.name, key) in failed:
                    continue
                say(f"round {number + 1} of {rounds}: {contestant.name}: {text_of(key)}")
                try:
                    runs.setdefault((contestant.name, key), []).append(contestant.run(what, size, timeout))
                except Failed as why:
                    say(f"  {why}")
                    failed.add((contestant.name, key))
    return runs, failed


def print_lines(contestants, keys, runs, failed):
    lines = []
    for key in keys:
        known = [each for each in contestants if (each.name, key) in runs and (each.name, key) not in failed]
        lines += [line_of(each, key, runs[each.name, key]) for each in known]
        if known and known[0] is contestants[0]:
            lines += [ratio_line(key, known[0].name, other.name, runs[known[0].name, key], runs[other.name, key])
                      for other in known[1:]]
    for line in lines:
        print(json.dumps(line), flush=True)
    return lines


def write_tables(path, lines, rounds):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    try:
        text = tables.renew(text, lines, rounds)
    except tables.NoTable as why:
        sys.exit(f"{path} stays as it is: {why}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", help="weir_bench")
    parser.add_argument("--only", default="", help="these workloads, as in P1,P3")
    parser.add_argument("--quick", action="store_true", help="short runs, and 3 rounds in place of 5")
    parser.add_argument("--records", type=int, help="so many records in each run, to see that it runs")
    parser.add_argument("--rounds", type=int, help="so many rounds")
    parser.add_argument("--timeout", type=float, default=300, help="seconds after which a run has hung")
    parser.add_argument("--write", metavar="FILE", help="renew the tables of this document by what was measured")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND", help="somebody to compare with")
    how = parser.parse_args()
    if how.write and (how.quick or how.records):
        parser.error("--write is for figures of full runs: without --quick and --records")
    only = [name for name in how.only.split(",") if name]
    contestants = [Contestant("weir", [how.program])]
    contestants += [Contestant(name, shlex.split(command)) for name, _, command in (each.partition("=") for each in how.peer)]
    for each in contestants:
        each.list(only)
    unknown = set(only) - {what["workload"] for what in contestants[0].measurements}
    if unknown:
        parser.error(f"there is no workload {', '.join(sorted(unknown))}")
    keys = [key_of(what) for what in contestants[0].measurements]
    size = (["--quick"] if how.quick else []) + ([f"--records={how.records}"] if how.records else [])
    rounds = how.rounds or (3 if how.quick else 5)
    runs, failed = measure(contestants, keys, rounds, size, how.timeout)
    lines = print_lines(contestants, keys, runs, failed)
    if how.write and not failed:
        write_tables(how.write, lines, rounds)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
