# SPDX-License-Identifier: Apache-2.0
"""Prints commands that put airports.csv into a Redis server, for redis-cli --pipe."""

import csv
import json
import pathlib
import sys


def bulk(text):
    data = text.encode()
    return b"$%d\r\n%s\r\n" % (len(data), data)


with open(pathlib.Path(__file__).with_name("airports.csv"), newline="", encoding="utf-8") as file:
    for row in csv.DictReader(file):
        airport = {name: row[name] for name in ("name", "city", "state")}
        airport |= {name: float(row[name]) for name in ("latitude", "longitude")}
        command = ["SET", "airport:" + row["iata"], json.dumps(airport, ensure_ascii=False, separators=(",", ":"))]
        sys.stdout.buffer.write(b"*%d\r\n" % len(command) + b"".join(map(bulk, command)))
