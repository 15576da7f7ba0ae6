# SPDX-License-Identifier: GPL-2.0
"""What bench.sh prints, and the numbers that are made of it."""

from __future__ import annotations

import unittest
from dataclasses import replace

import fixtures
from bench import figures, machines, rounds
from bench.plan import CHECK, COUNTS, QUICK, Series, full
from bench.rounds import Measurement, Round
from judge import Demands

GOOD = """\
# operation empty c,rust
# operation map_single_64 c,rust,upstream
KTAP version 1
# run operations map_single_64 10 2 1 0
# round map_single_64 c 0 1010 1100 10
# round map_single_64 rust 0 1000 1050 10
# round map_single_64 upstream 0 2000 2100 10
# round map_single_64 c 1 1000 1000 10
# round map_single_64 rust 1 1005 1040 10
# round map_single_64 upstream 1 2000 2090 10
ok 1 operations map_single_64 threads=1 live=0
"""


def measurement(**columns: list[int]) -> Measurement:
    """Of rounds that take as many ns as cycles."""
    count = len(next(iter(columns.values())))
    return Measurement("operations", "map", 10, count, 1, 0,
                       {name: [Round(n, n) for n in values] for name, values in columns.items()})


class Read(unittest.TestCase):
    def problems(self, text: str) -> str:
        return "\n".join(rounds.read(text.splitlines()).problems)

    def without(self, line: str) -> str:
        self.assertIn(line, GOOD)
        return GOOD.replace(line + "\n", "")

    def test_good(self) -> None:
        log = rounds.read(f"[    1.000000] {line}" for line in GOOD.splitlines())
        self.assertEqual(log.problems, [])
        self.assertEqual(log.catalogue["empty"], ("c", "rust"))
        [run] = log.measurements
        self.assertEqual((run.operation, run.loops, run.rounds), ("map_single_64", 10, 2))
        self.assertEqual(run.columns["rust"], [Round(1000, 1050), Round(1005, 1040)])

    def test_nothing(self) -> None:
        self.assertIn("no operation is listed", self.problems(""))

    def test_round_that_is_missing(self) -> None:
        text = self.without("# round map_single_64 rust 1 1005 1040 10")
        self.assertIn("1 of 2 rounds of rust", self.problems(text))

    def test_column_that_is_missing(self) -> None:
        text = "\n".join(line for line in GOOD.splitlines() if " upstream " not in line)
        self.assertIn("0 of 2 rounds of upstream", self.problems(text))

    def test_round_too_many(self) -> None:
        text = GOOD + "# round map_single_64 c 2 1000 1000 10\n"
        self.assertIn("3 of 2 rounds of c", self.problems(text))

    def test_garbage(self) -> None:
        for bad in ("# round map_single_64 c 0 1010 1100",        # a word too few
                    "# round map_single_64 c 0 1010 1100 10 1",
                    "# round map_single_64 c 0 x 1100 10",
                    "# round map_single_64 c 0 -1 1100 10",
                    "# round map_single_64 c 0 1010  10",
                    "# round map_single_64 c 0 0 1100 10",        # a clock that stands
                    "# round map_single_64 c 0 1010 0 10",
                    "# round map_single_64 c 1 1010 1100 10",     # the wrong round
                    "# round map_single_64 c 0 1010 1100 20",     # other loops
                    "# round empty c 0 1010 1100 10",             # another operation
                    "# round map_single_64 pool 0 1010 1100 10",  # a column that it lacks
                    "# round map_single_64 C 0 1010 1100 10"):
            with self.subTest(line=bad):
                text = GOOD.replace("# round map_single_64 c 0 1010 1100 10", bad)
                self.assertIn(f"{bad}: ", self.problems(text))

    def test_longest_section(self) -> None:
        good = GOOD.replace("c,rust,upstream", "c,pool").replace(" rust ", " pool ")
        lines = [line for line in good.splitlines() if " upstream " not in line]
        said = "# longest map_single_64 pool 450"

        log = rounds.read((*lines, said))
        self.assertEqual(log.problems, [])
        self.assertEqual(log.measurements[0].longest, 450)
        self.assertIn("the longest section with interrupts off is missing",
                      "\n".join(rounds.read(lines).problems))
        for bad in (said + " 1", said.replace("450", "-1"), said.replace("450", "0"),
                    said.replace("pool", "c"), said.replace("map_single_64", "empty")):
            with self.subTest(line=bad):
                self.assertTrue(rounds.read((*lines, bad)).problems)
        self.assertIn("said twice", "\n".join(rounds.read((*lines, said, said)).problems))
        self.assertIn("a section of no run", "\n".join(rounds.read((said,)).problems))

    def test_runs_of_nothing(self) -> None:
        for bad in ("# run operations map_single_64 0 2 1 0", "# run operations x 10 2 1 0",
                    "# run operations map_single_64 10 0 1 0",
                    "# run operations map_single_64 10 2 0 0",
                    "# run operations map_single_64 10 2 1"):
            with self.subTest(line=bad):
                text = GOOD.replace("# run operations map_single_64 10 2 1 0", bad)
                self.assertIn(f"{bad}: ", self.problems(text))

    def test_operations_that_make_no_sense(self) -> None:
        for bad in ("# operation empty rust", "# operation empty c,c", "# operation empty c,x",
                    "# operation map_single_64 c", "# operation a-b c,rust", "# operation empty"):
            with self.subTest(line=bad):
                text = GOOD.replace("# operation empty c,rust", bad)
                self.assertTrue(self.problems(text))

    def test_measured_twice(self) -> None:
        again = GOOD.splitlines()[3:-1]
        self.assertIn("measured twice", self.problems("\n".join((*GOOD.splitlines(), *again))))

    def test_round_before_any_run(self) -> None:
        self.assertIn("a round of no run",
                      self.problems("# operation a c\n# round a c 0 1 1 1\n"))


class Boot(unittest.TestCase):
    """A recorded one, on the direct path, with two operations."""

    def failures(self, path: str, log: str = "bench") -> set[str]:
        demands = Demands(["bench"] if log == "bench" else ["boot"], machines.PATHS[path])
        return fixtures.failures(fixtures.judged(log, demands))

    def test_rounds(self) -> None:
        log = rounds.read(fixtures.lines("bench"))
        self.assertEqual(log.problems, [])
        self.assertEqual([run.operation for run in log.measurements],
                         ["map_single_64_to_device", "field_read"])
        self.assertEqual([round(figures.instructions(run, "rust")) for run in log.measurements],
                         [243, 4])

    def test_log_that_ends_early(self) -> None:
        lines = fixtures.lines("bench")
        end = next(i for i, line in enumerate(lines) if "round field_read c 4 " in line)
        problems = rounds.read(lines[:end]).problems
        self.assertEqual(len(problems), 2)
        self.assertIn("4 of 9 rounds of c", problems[0])

    def test_proofs(self) -> None:
        self.assertEqual(self.failures("direct"), set())

    def test_other_path_than_claimed(self) -> None:
        self.assertIn("buffers bounced", self.failures("swiotlb-force"))
        self.assertIn("flushes are strict", self.failures("iommu-strict"))
        self.assertIn("each device sits in a translated domain of type DMA-FQ",
                      self.failures("iommu-lazy"))

    def test_kernel_that_watches(self) -> None:
        self.assertEqual(self.failures("direct", "pass"),
                         {"nothing watches DMA", "the guest has an idle PCI function"})


class Figures(unittest.TestCase):
    def test_ticks_do_not_count(self) -> None:
        run = measurement(c=[1400, 1000, 1000, 1400, 1000, 1400, 1400, 1400, 1400],
                          rust=[1010, 1010, 1010, 1010, 1010, 1400, 1400, 1010, 1010])
        self.assertEqual(figures.instructions(run, "c"), 100.0)
        self.assertEqual(figures.ratio(run, "rust", "c"), 1.01)
        self.assertEqual(figures.spread(run, "c"), 0.0)

    def test_one_lucky_round_does_not_decide(self) -> None:
        run = measurement(c=[900, 1010, 1000, 1005, 1010, 1008, 1009, 1004, 1007])
        self.assertEqual(figures.instructions(run, "c"), 100.4)
        self.assertAlmostEqual(figures.spread(run, "c"), 1004 / 900 - 1)

    def test_threads_share_the_work(self) -> None:
        run = replace(measurement(c=[8000]), threads=4)
        self.assertEqual(figures.instructions(run, "c"), 200.0)
        self.assertEqual(figures.time(run, "c").value, 200.0)

    def test_interval_of_nine(self) -> None:
        # Of nine values the second and the eighth: 96.1 %; the third and the seventh: 82.0 %.
        found = figures.estimate([5, 1, 9, 3, 7, 2, 8, 4, 6])
        self.assertEqual((found.value, found.low, found.high), (5, 2, 8))
        self.assertAlmostEqual(found.confidence, 1 - 2 * 10 / 512)

    def test_coverage(self) -> None:
        self.assertAlmostEqual(figures.coverage(6, 0), 1 - 2 / 64)
        self.assertAlmostEqual(figures.coverage(9, 2), 1 - 2 * 46 / 512)

    def test_few_values_say_how_little_they_cover(self) -> None:
        self.assertEqual(figures.estimate([3, 1]).confidence, 0.5)
        self.assertEqual(figures.estimate([3]).confidence, 0.0)

    def test_interval_narrows_with_more_values(self) -> None:
        few, many = (figures.estimate([float(i) / n for i in range(n)]) for n in (9, 101))
        self.assertLess(many.high - many.low, few.high - few.low)

    def test_slow_spell_hits_both_columns_of_a_round(self) -> None:
        run = measurement(c=[100, 900, 100, 500, 100, 300, 100],
                          rust=[110, 990, 110, 550, 110, 330, 110])
        found = figures.time_ratio(run, "rust", "c")
        for value in (found.value, found.low, found.high):
            self.assertAlmostEqual(value, 1.1)

    def test_rounds_of_one_column_only(self) -> None:
        with self.assertRaises(ValueError):
            figures.time_ratio(measurement(c=[1, 2], rust=[1]), "rust", "c")


FULL = full(8)


class Plans(unittest.TestCase):
    def test_line_for_the_guest(self) -> None:
        self.assertEqual(str(Series("live", ("a", "b"), 1000, 5, 1, 100)), "live 1000 5 1 100 a b")

    def test_only_some_operations(self) -> None:
        few = FULL.only(["a", "pool_64"])
        for plans, whole in ((few.counted, FULL.counted), (few.timed, FULL.timed)):
            self.assertEqual([len(plan.series) for plan in plans],
                             [len(plan.series) for plan in whole])
            for series in (series for plan in plans for series in plan.series):
                self.assertEqual(str(series).endswith(" a pool_64"), not series.live)
        # Of this one there can't be many.
        self.assertEqual({plan.name for plan in FULL.only(["a"]).counted},
                         {"operations", "threads"})

    def test_whole(self) -> None:
        self.assertTrue(all(extent.whole for extent in (FULL, QUICK, CHECK)))
        self.assertFalse(FULL.only(["a"]).whole)

    def test_each_scaling_has_its_range(self) -> None:
        for plans in (FULL.counted, FULL.timed):
            series = [each for plan in plans for each in plan.series]
            self.assertEqual([each.threads for each in series if each.name == "threads"],
                             list(COUNTS))
            self.assertEqual([each.live for each in series if each.name == "live"],
                             [1, 10, 100, 1000, 10_000, 100_000])

    def test_time_is_of_threads_that_run_at_once(self) -> None:
        for processors, counts in ((1, [1]), (2, [1, 2]), (6, [1, 2, 4]), (64, list(COUNTS))):
            [threads] = [plan for plan in full(processors).timed if plan.name == "threads"]
            self.assertEqual([each.threads for each in threads.series], counts)
            self.assertEqual(threads.cpus, counts[-1])

    def test_guest_has_the_processors(self) -> None:
        for extent in (FULL, QUICK, CHECK):
            for plan in (*extent.counted, *extent.timed):
                self.assertGreaterEqual(plan.cpus, max(each.threads for each in plan.series))

    def test_rounds_enough_for_an_interval_and_for_a_quartile(self) -> None:
        for extent in (FULL, QUICK, CHECK):
            for plan in extent.timed:
                for each in plan.series:
                    self.assertGreaterEqual(figures.coverage(each.rounds, 0), figures.CONFIDENCE)
            for plan in extent.counted:
                self.assertTrue(all(each.rounds >= 9 for each in plan.series))
