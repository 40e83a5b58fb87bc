#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What tables.py makes of lines."""

import unittest

import tables

DOCUMENT = """# Title
<!-- P1: scripts/bench --write -->
old
<!-- end of P1 -->
between
<!-- P3: scripts/bench --write -->
stays
<!-- end of P3 -->
behind
"""


def line(**what):
    place = {"system": "weir", "workload": "P1", "mode": "ordered", "capacity": 100, **what}
    return {**place, "records": 10, "runs": 5, "records_per_s_best": 40_012_345, "records_per_s_median": 5_891,
            "cpu_s_per_million": 0.0271, "peak_rss_mib": 9.2, "disturbed_runs": 0}


def renew(lines, text=DOCUMENT):
    return tables.renew(text, lines, 5, "2026-01-02", "2 processors, of some make")


class Tables(unittest.TestCase):
    def test_a_table_is_written_anew_and_all_else_stays(self):
        made = renew([line()])
        self.assertNotIn("old", made)
        self.assertIn("| records/s, best | median | CPU s a million | peak MiB |", made)
        self.assertIn("40 M | 5,891 | 0.0271 | 9.2 |", made)
        self.assertIn("P1: 5 rounds on 2026-01-02; 2 processors, of some make.", made)
        self.assertIn("between\n<!-- P3: scripts/bench --write -->\nstays\n<!-- end of P3 -->\nbehind\n", made)

    def test_twice_is_as_once(self):
        made = renew([line()])
        self.assertEqual(renew([line()], made), made)

    def test_what_tells_lines_apart_has_a_column(self):
        made = renew([line(threads=1), line(threads=2, mode="unordered")])
        self.assertIn("| mode | threads | records/s, best |", made)
        self.assertIn("| unordered | 2 | 40 M |", made)
        self.assertNotIn("capacity", made)

    def test_others_have_rows_and_how_often_weir_is_as_fast(self):
        made = renew([line(), line(system="rust"),
                      {"ratio_of": "weir", "to": "rust", "workload": "P1", "mode": "ordered", "capacity": 100,
                       "rounds": 5, "rate_median": 3.41, "rate_least": 3.0}])
        self.assertIn("| weir | 40 M | 5,891 | 0.0271 | 9.2 |  |", made)
        self.assertIn("| rust | 40 M | 5,891 | 0.0271 | 9.2 | 3.41 |", made)

    def test_a_workload_without_a_place_is_refused(self):
        with self.assertRaisesRegex(tables.NoTable, "no place for P2"):
            renew([line(workload="P2")])


if __name__ == "__main__":
    unittest.main()
