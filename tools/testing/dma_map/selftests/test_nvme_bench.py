# SPDX-License-Identifier: GPL-2.0
"""What nvme_bench.sh and the plugin print, the numbers made of it, and the plan."""

from __future__ import annotations

import tempfile
import unittest
from dataclasses import replace
from pathlib import Path

from bench.figures import Estimate
from nvme_bench import figures, machine, plan, record, results, tables
from nvme_bench.figures import Comparison, Instructions, Times
from nvme_bench.plan import C, FULL, NULL, QUICK, RUST
from nvme_bench.record import LOOP_INSTRUCTIONS, Counts

GOOD = """\
# use a c max_hw_sectors_kb=512
# run count read-4k-1
# sample 100 800 1000 0
# sample 110 880 2000 0
# use b rust max_hw_sectors_kb=256
# run count read-4k-1
# sample 200 1600 1000 0
# sample 220 1760 2000 0
# use n null max_hw_sectors_kb=512
# run count read-4k-1
# sample 0 0 1000 0
# sample 40 320 2000 0
# use a c max_hw_sectors_kb=512
# run events read-4k-1
# sample 0 0 1000 7
# sample 10 80 2000 12
# timed read-4k-32 0 1000.5 10.25 9 20 30
"""
# Of a loop; then 1000 an I/O by C, 800 by Rust, 620 by null_blk, of which 20 are its own.
MARKS = f"""\
mark 5 100 0
mark {5 + LOOP_INSTRUCTIONS} 100 0
mark 10000000 1000 0
mark 10004000 7000 2000
mark 20000000 1000 0
mark 20008000 9000 3000
mark 30000000 1000 0
mark 30016000 9800 800
mark 40000000 1000 0
mark 40004000 7000 2000
"""


def log() -> record.Log:
    found = record.read(f"[    1.000000] {line}" for line in GOOD.splitlines())
    record.attach(found, record.marks(MARKS))
    return found


class Record(unittest.TestCase):
    def problems(self, text: str, marks: str = MARKS) -> str:
        found = record.read(text.splitlines())
        record.attach(found, record.marks(marks))
        return "\n".join(found.problems)

    def test_good(self) -> None:
        found = log()
        self.assertEqual(found.problems, [])
        self.assertEqual([(run.role, run.driver, run.verb) for run in found.runs],
                         [("a", C, "count"), ("b", RUST, "count"), ("n", NULL, "count"),
                          ("a", C, "events")])
        self.assertEqual(found.runs[0].looks[1].counts, Counts(10004000, 7000, 2000))
        self.assertEqual(found.disks[RUST], "max_hw_sectors_kb=256")
        [timed] = found.timed
        self.assertEqual((timed.workload, timed.iops, timed.p999), ("read-4k-32", 1000.5, 30))

    def test_ios_are_those_of_fio(self) -> None:
        # Four of 128 KiB, which the block layer has merged into one.
        found = record.read(["# use a c x", "# run count read-128k-8", "# sample 10 1024 1 0",
                             "# sample 11 2048 2 0"])
        self.assertEqual(found.runs[0].ios, 4)

    def test_mark_that_is_missing(self) -> None:
        self.assertIn("QEMU saw 9 marks", self.problems(GOOD, MARKS.split("\n", 1)[1]))

    def test_loop_that_is_miscounted(self) -> None:
        marks = MARKS.replace(str(5 + LOOP_INSTRUCTIONS), str(6 + LOOP_INSTRUCTIONS))
        self.assertIn("was counted as", self.problems(GOOD, marks))

    def test_run_without_ios(self) -> None:
        text = GOOD.replace("# sample 110 880", "# sample 100 800")
        self.assertIn("c, read-4k-1: nothing was done", self.problems(text))

    def test_garbage(self) -> None:
        for bad in ("# sample 1 2 3", "# sample x 2 3 4", "# run count", "# run count nothing",
                    "# timed read-4k-1 5 1000 1 1 1 1", "# timed read-4k-1 0 1000"):
            found = record.read(["# use a c x", "# run count read-4k-1", bad])
            self.assertTrue(any(problem.startswith(bad) for problem in found.problems), bad)

    def test_sample_of_no_run(self) -> None:
        self.assertIn("a sample of no run", "\n".join(record.read(["# sample 1 2 3 4"]).problems))


class Figures(unittest.TestCase):
    def test_compare(self) -> None:
        [found] = figures.compare(log(), "direct")
        self.assertEqual(found.first, Instructions(400, 600, 200))
        self.assertEqual(found.second, Instructions(400, 400, 150))
        self.assertEqual(found.loop, 600)
        self.assertAlmostEqual(found.ratio, 0.5)
        self.assertAlmostEqual(found.raw_ratio, 0.8)

    def test_role_that_is_missing(self) -> None:
        found = log()
        found.runs = [run for run in found.runs if run.role != "n"]
        self.assertEqual(figures.compare(found, "direct"), [])

    def test_allocations(self) -> None:
        self.assertEqual(figures.allocations(log(), "read-4k-1", "a"), 0.5)
        self.assertIsNone(figures.allocations(log(), "read-4k-1", "b"))

    def test_times(self) -> None:
        found = record.Log()
        for round_ in range(6):
            for role, iops in (("a", 1000 + round_), ("b", 2000 + 2 * round_)):
                found.timed.append(record.Timed(role, C, "read-4k-32", iops, 5, 4, 9, 10))
        [times] = figures.times(found, "direct")
        self.assertEqual(times.ratio.value, 2)
        self.assertGreater(times.ratio.confidence, 0.95)
        self.assertEqual(times.latencies["a"], (5, 4, 9, 10))


def comparison(path: str, workload: str, second: float) -> Comparison:
    return Comparison(path, workload, Instructions(0, 1600, 0), Instructions(0, 600 + second, 0),
                      Instructions(0, 600, 0), 0.001)


def times(value: float) -> Times:
    each = Estimate(value, value, value, 0.97)
    return Times("iommu-strict", "read-4k-32", each, each, each,
                 {"a": (1, 1, 1, 1), "b": (1, 1, 1, 1)})


class Results(unittest.TestCase):
    def some(self, *comparisons: Comparison) -> results.Results:
        return results.Results([C, RUST], list(comparisons), [times(1.25)],
                               [results.Allocations("direct", "read-4k-1", 0, 0.5, 0)],
                               {"direct": {C: "nr_requests=1023"}}, {"extent": "quick"})

    def met(self, found: results.Results) -> list[bool | None]:
        return [target.met for target in results.targets(found)]

    def test_targets(self) -> None:
        found = self.some(comparison("direct", "read-4k-1", 950),
                          comparison("direct", "read-128k-8", 1000))
        self.assertEqual(self.met(found), [True, True, False, False])
        found = self.some(comparison("direct", "read-4k-1", 951),
                          comparison("swiotlb-force", "read-4k-1", 1001))
        found.times = [times(1.3)]
        found.allocations = [results.Allocations("direct", "read-4k-1", 0, 1, 1)]
        self.assertEqual(self.met(found), [False, False, True, True])
        self.assertEqual(self.met(results.Results([C, RUST])), [None] * 4)

    def test_last_line(self) -> None:
        found = self.some(comparison("direct", "read-4k-1", 900),
                          comparison("iommu-lazy", "write-4k-32", 1100))
        self.assertEqual(results.last_line(found),
                         "nvme: worst ratio to C 1.100 (write-4k-32, iommu-lazy), "
                         "best 0.900 (read-4k-1, direct)")
        self.assertIn("unknown", results.last_line(results.Results([C, C])))

    def test_file(self) -> None:
        found = self.some(comparison("direct", "read-4k-1", 900))
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "results.json"
            results.write(found, file)
            self.assertEqual(results.read(file), found)

    def test_report(self) -> None:
        text = tables.report(self.some(comparison("direct", "read-4k-1", 900)))
        for wanted in ("0.900", "1.25 [1.25, 1.25]", "0.500", "nr_requests=1023", "missed", "met"):
            self.assertIn(wanted, text)
        self.assertIn("C again", tables.report(replace(self.some(), drivers=[C, C])))


class Plan(unittest.TestCase):
    def test_names_are_unique(self) -> None:
        for extent in (FULL, QUICK):
            for workloads in (extent.counted, extent.timed):
                names = [workload.name for workload in workloads]
                self.assertEqual(len(names), len(set(names)))

    def test_turns(self) -> None:
        uses = [line for line in plan.counted(FULL, [C, RUST]).splitlines()
                if line.startswith("use")]
        self.assertEqual(uses[:5], ["use a c", "use b rust"] * 2 + ["use n null"])
        self.assertEqual(plan.timed(FULL, [C, C]).count("use b c\ntime\n"), FULL.timed_rounds)

    def test_only(self) -> None:
        some = FULL.only(["read-4k-1"], ["counted"])
        self.assertEqual([workload.name for workload in some.counted], ["read-4k-1"])
        self.assertEqual(some.timed, [])

    def test_batches_are_counted_and_not_timed(self) -> None:
        self.assertIn("--iodepth_batch_submit=32", plan.counted(FULL, [C, C]))
        self.assertNotIn("iodepth_batch", plan.jobs(FULL))

    def test_paths(self) -> None:
        self.assertEqual(list(machine.PATHS),
                         ["direct", "swiotlb-force", "iommu-strict", "iommu-lazy"])
        self.assertIn("force", " ".join(machine.PATHS["swiotlb-force"].cmdline))


if __name__ == "__main__":
    unittest.main()
