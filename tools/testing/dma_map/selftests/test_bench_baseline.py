# SPDX-License-Identifier: GPL-2.0
"""The recorded ratios: what fails the run, and what a file must be like to be believed."""

from __future__ import annotations

import unittest

import fixtures
from bench import baseline, machines, results, tables
from bench.baseline import Entry
from bench.boots import COUNTED, TIMED, Boot
from bench.rounds import Log, Measurement, Round
from report import Stop

RECORDED = {"direct": {"map": Entry(100.0, {"rust": 1.0}),
                       "io": Entry(100.0, {"rust": 1.0, "pool": 0.1})}}


def now(*, rust: float = 1.0, pool: float = 0.1, c: float = 100.0):
    return {"direct": {"map": Entry(c, {"rust": rust}),
                       "io": Entry(c, {"rust": 1.0, "pool": pool})}}


def boot(path: str, clock: str = COUNTED, **operations: dict[str, int]) -> Boot:
    """Operations of one loop, in two rounds."""
    log = Log()
    for name, columns in operations.items():
        log.catalogue[name] = tuple(columns)
        log.measurements.append(Measurement(
            "operations", name, 1, 2, 1, 0,
            {column: [Round(n, n), Round(n + 1, n + 1)] for column, n in columns.items()}))
    return Boot(path, clock, "qemu", log)


class Compare(unittest.TestCase):
    def failures(self, recorded, measured) -> set[str]:
        return fixtures.failures(baseline.compare(recorded, measured))

    def test_as_recorded(self) -> None:
        cases = baseline.compare(RECORDED, now())
        self.assertEqual((len(cases), fixtures.failures(cases)), (2, set()))

    def test_two_percent(self) -> None:
        self.assertEqual(self.failures(RECORDED, now(rust=1.0199)), set())
        self.assertEqual(self.failures(RECORDED, now(rust=1.0201)), {"map is as cheap as recorded"})

    def test_pool_is_judged_too(self) -> None:
        self.assertEqual(self.failures(RECORDED, now(pool=0.103)), {"io is as cheap as recorded"})

    def test_better_is_good(self) -> None:
        self.assertEqual(self.failures(RECORDED, now(rust=0.5)), set())

    def test_another_c_is_no_fault_of_rust(self) -> None:
        self.assertEqual(self.failures(RECORDED, now(c=200.0)), set())

    def test_operation_that_is_gone(self) -> None:
        self.assertEqual(self.failures(RECORDED, {"direct": {"map": RECORDED["direct"]["map"]}}),
                         {"io is as cheap as recorded"})

    def test_path_that_is_gone(self) -> None:
        self.assertEqual(len(self.failures(RECORDED, {})), 2)

    def test_operation_that_is_new(self) -> None:
        self.assertEqual(self.failures({}, now()), {"map is as cheap as recorded",
                                                    "io is as cheap as recorded"})

    def test_column_that_is_gone_or_new(self) -> None:
        without = {"direct": {**RECORDED["direct"], "io": Entry(100.0, {"rust": 1.0})}}
        self.assertEqual(self.failures(RECORDED, without), {"io is as cheap as recorded"})
        self.assertEqual(self.failures(without, now()), {"io is as cheap as recorded"})

    def test_nothing_at_all(self) -> None:
        self.assertEqual(self.failures({}, {}), {"operations exist"})

    def test_changes_are_told(self) -> None:
        [line] = baseline.changes(RECORDED, now(rust=1.01))
        self.assertEqual(line, "direct map: { c = 100.00, rust = 1.0000 } "
                               "-> { c = 100.00, rust = 1.0100 }")
        self.assertEqual(baseline.changes(RECORDED, now()), [])
        self.assertEqual(baseline.changes(RECORDED, now(rust=1.0019, c=110.0)), [])

    def test_operations_that_come_and_go_are_told(self) -> None:
        self.assertEqual(baseline.changes({}, RECORDED)[0],
                         "direct map: nothing -> { c = 100.00, rust = 1.0000 }")
        self.assertEqual(baseline.changes(RECORDED, {})[0],
                         "direct map: { c = 100.00, rust = 1.0000 } -> nothing")


class File(unittest.TestCase):
    def test_there_and_back(self) -> None:
        self.assertEqual(baseline.parse(baseline.dump(RECORDED)), RECORDED)

    def test_refused(self) -> None:
        for text in ("[direct", "[direct]\nmap = 1.0", "direct = 1",
                     "[direct]\nmap = { rust = 1.0 }",
                     "[direct]\nmap = { c = 1.0, rust = \"1\" }", "[direct]\nmap = { c = 0.0 }",
                     "[direct]\nmap = { c = 1.0, rust = nan }",
                     "[direct]\nmap = { c = 1.0, rust = inf }",
                     "[direct]\nmap = { c = 1.0, other = 1.0 }"):
            with self.subTest(text=text), self.assertRaises(Stop):
                baseline.parse(text)

    def test_committed_ones(self) -> None:
        for llvm in (False, True):
            recorded = baseline.read(baseline.path_of(llvm))
            with self.subTest(llvm=llvm):
                self.assertEqual(set(recorded), set(machines.PATHS))
                for operations in recorded.values():
                    self.assertIn("empty", operations)
                    self.assertTrue(all(entry.ratios for entry in operations.values()))
                    self.assertTrue(any("pool" in entry.ratios for entry in operations.values()))


class Results(unittest.TestCase):
    found = [boot("direct", empty={"c": 10, "rust": 90},
                  map={"c": 100, "rust": 103, "upstream": 500}),
             boot("iommu-strict", map={"c": 1000, "rust": 1001},
                  io={"c": 900, "rust": 890, "pool": 100},
                  io_big={"c": 990, "rust": 990, "pool": 99}),
             boot("direct", TIMED, map={"c": 100, "rust": 900})]

    def test_last_line(self) -> None:
        # Neither the empty loop, nor upstream, nor time decide; the pool is as good as its worst.
        self.assertEqual(results.last_line(self.found),
                         "bench: worst ratio to C 1.030 (map, direct); mapped pool 9.0x")

    def test_pool_that_costs_more_than_mapping_is_the_worst(self) -> None:
        found = [*self.found, boot("direct", io={"c": 90, "rust": 90, "pool": 100})]
        self.assertEqual(results.worst(found), results.Ratio("direct", "io", "pool", 100 / 90))

    def test_last_line_of_nothing(self) -> None:
        self.assertEqual(results.last_line([]),
                         "bench: worst ratio to C unknown; mapped pool unknown")

    def test_pool_elsewhere_does_not_count(self) -> None:
        self.assertIsNone(results.pool_gain([boot("direct", io={"c": 900, "pool": 100})]))

    def test_column_without_a_round_is_left_out(self) -> None:
        broken = boot("direct", map={"c": 100, "rust": 103})
        broken.log.measurements[0].columns["rust"] = []
        self.assertIsNone(results.worst([broken]))
        self.assertIn("map", tables.report([broken]))

    def test_table(self) -> None:
        text = tables.report(self.found)
        self.assertRegex(text, r"map +100.0 +103.0 +500.0 +1.030 +5.000 +0.000 %")
        self.assertRegex(text, r"io +900.0 +890.0 +100.0 +0.989 +0.111 ")
        self.assertIn("direct: ns per operation", text)
