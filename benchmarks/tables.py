# SPDX-License-Identifier: Apache-2.0
"""Puts what suite.py has measured into the tables of a document.

A workload's table lies between two comments, `<!-- P3: scripts/bench --write -->` and `<!-- end of P3 -->`, and all
between them is written anew. Tables of workloads that were not measured stay as they are.
"""

import datetime
import os
import re

NOT_PLACE = ("system", "workload", "ratio_of", "to")
NOT_SHOWN = ("workload", "system", "records", "runs", "disturbed_runs")
FASTER = "weir, times as fast"
HEADINGS = {
    "records_per_s_best": "records/s, best",
    "records_per_s_median": "median",
    "cpu_s_per_million": "CPU s a million",
    "peak_rss_mib": "peak MiB",
}


class NoTable(Exception):
    pass


def number(value):
    """As people read it: 37.2 M, 5,891, 0.027."""
    if isinstance(value, str):
        return value
    if abs(value) >= 1e6:
        return f"{value / 1e6:.3g} M" if value < 1e9 else f"{value:.3g}"
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def heading(name):
    return HEADINGS.get(name, name.replace("_per_s", "/s").replace("_", " "))


def place_of(line):
    """What a line says of itself in front of its figures: which measurement it is."""
    names = list(line)
    before = names[:names.index("records" if "records" in line else "rounds")]
    return {name: line[name] for name in before if name not in NOT_PLACE}


def table(lines):
    """Markdown of one workload's lines."""
    figures = [line for line in lines if "system" in line]
    ratios = {(line["to"], *place_of(line).items()): line["rate_median"] for line in lines if "ratio_of" in line}
    # What is the same in all lines tells none from the other.
    places = [name for name in names_of(place_of(line) for line in figures)
              if len({line.get(name) for line in figures}) > 1]
    shown = [name for name in names_of(figures) if name not in (*NOT_SHOWN, *names_of(place_of(line) for line in figures))]
    several = len({line["system"] for line in figures}) > 1
    heads = [*(["system"] if several else []), *map(heading, places + shown), *([FASTER] if several else [])]
    rows = []
    for line in figures:
        row = [line["system"]] if several else []
        row += [number(line[name]) if name in line else "" for name in places + shown]
        if several:
            row.append(number(ratios.get((line["system"], *place_of(line).items()), "")))
        rows.append(row)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (heads, ["---"] * len(heads), *rows))


def names_of(lines):
    return list(dict.fromkeys(name for line in lines for name in line))


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    name = " ".join(model.group(1).split()) if model else "a processor without a name"
    return f"{os.cpu_count()} processors, {name}"


def renew(text, lines, rounds, when=None, where=None):
    """The document `text` with the tables of what `lines` have. NoTable where it has no place for one."""
    by_workload = {}
    for line in lines:
        by_workload.setdefault(line["workload"], []).append(line)
    when = when or datetime.date.today().isoformat()
    where = where or machine()
    times = "1 round" if rounds == 1 else f"{rounds} rounds"
    for workload, of in by_workload.items():
        begin, end = f"<!-- {workload}: scripts/bench --write -->", f"<!-- end of {workload} -->"
        first, last = text.find(begin), text.find(end)
        if first < 0 or last < first:
            raise NoTable(f"it has no place for {workload}: a line {begin!r} and behind it one {end!r}")
        made = f"{begin}\n{table(of)}\n\n{workload}: {times} on {when}; {where}.\n"
        text = text[:first] + made + text[last:]
    return text
