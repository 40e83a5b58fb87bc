#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""That instructions.py and allocations.py hold figures to their bars: with a program, and a valgrind, that say what the
test wants."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent

PROGRAM = """#!/bin/sh
case $1 in
  --list) echo '{"case":"P1-ordered","records":1000}' ;;
  --toolchain) echo "g++ 1, release" ;;
  *) echo '{"case":"P1-ordered","records":1000,"allocations_per_record":'"$ALLOCATIONS"'}' ;;
esac
"""

# 5,000,000 to start and 100 a record.
VALGRIND = """#!/bin/sh
[ "$1 $2" = "--tool=callgrind --callgrind-out-file=/dev/null" ] || exit 2
echo "==7== Collected : $((5000000 + 100 * $5))" >&2
"""


class Figures(unittest.TestCase):
    def setUp(self):
        kept = tempfile.TemporaryDirectory()
        self.addCleanup(kept.cleanup)
        self.folder = pathlib.Path(kept.name)
        self.program = self.make("program", PROGRAM)
        self.make("valgrind", VALGRIND)
        self.stored = self.folder / "stored.json"

    def make(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
        return str(path)

    def store(self, figures, toolchain="g++ 1, release"):
        self.stored.write_text(json.dumps({"toolchain": toolchain, "instructions_per_record": figures}), encoding="utf-8")

    def run_script(self, name, *arguments, allocations="0.01"):
        environment = {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}", "ALLOCATIONS": allocations}
        return subprocess.run([sys.executable, str(HERE / name), self.program, *arguments], env=environment,
                              capture_output=True, text=True)

    def compare(self, *arguments):
        return self.run_script("instructions.py", "--stored", str(self.stored), *arguments)

    def test_the_start_does_not_count(self):
        self.store({"P1-ordered": 100})
        got = self.compare()
        self.assertEqual(got.returncode, 0, got.stderr)
        self.assertEqual(json.loads(got.stdout)["instructions_per_record"], 100)
        self.assertEqual(got.stderr, "")

    def test_a_loss_of_a_twentieth_passes(self):
        self.store({"P1-ordered": 95})
        self.assertEqual(self.compare().returncode, 0)

    def test_a_greater_loss_than_a_tenth_fails(self):
        self.store({"P1-ordered": 85})
        got = self.compare()
        self.assertEqual(got.returncode, 1)
        self.assertIn("P1-ordered: 100.0 instructions a record, 17.6 % more than the stored 85", got.stderr)
        self.assertIn("callgrind_annotate", got.stderr)

    def test_a_gain_asks_for_a_new_figure(self):
        self.store({"P1-ordered": 120})
        got = self.compare()
        self.assertEqual(got.returncode, 0)
        self.assertIn("16.7 % fewer than the stored 120: store the new figure (scripts/bench --instructions --write)", got.stderr)

    def test_another_toolchain_is_skipped(self):
        self.store({"P1-ordered": 1}, toolchain="g++ 2, release")
        got = self.compare()
        self.assertEqual(got.returncode, 77)
        self.assertIn("g++ 2, release", got.stderr)
        self.assertIn("g++ 1, release", got.stderr)

    def test_a_case_without_a_figure_fails(self):
        self.store({})
        self.assertEqual(self.compare().returncode, 1)

    def test_a_figure_without_a_case_fails(self):
        self.store({"P1-ordered": 100, "P0": 100})
        got = self.compare()
        self.assertEqual(got.returncode, 1)
        self.assertIn("P0: a figure is stored, but there is no such case", got.stderr)

    def test_a_run_that_fails_is_no_figure(self):
        self.make("valgrind", "#!/bin/sh\necho '==7== Collected : 5000000' >&2\nexit 1\n")
        self.store({"P1-ordered": 100})
        got = self.compare()
        self.assertEqual(got.returncode, 1)
        self.assertIn("ended with 1", got.stderr)

    def test_what_is_written_is_compared_with(self):
        self.store({"P0": 1}, toolchain="g++ 2, release")
        self.assertEqual(self.compare("--write").returncode, 0)
        self.assertEqual(self.compare().returncode, 0)

    def test_few_allocations_pass(self):
        self.assertEqual(self.run_script("allocations.py", allocations="0.05").returncode, 0)

    def test_more_allocations_fail(self):
        got = self.run_script("allocations.py", allocations="0.06")
        self.assertEqual(got.returncode, 1)
        self.assertIn("P1-ordered: 0.06 allocations a record", got.stderr)

    def test_no_allocations_are_not_believed(self):
        self.assertEqual(self.run_script("allocations.py", allocations="0.0").returncode, 1)


if __name__ == "__main__":
    unittest.main()
