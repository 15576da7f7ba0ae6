# SPDX-License-Identifier: GPL-2.0
"""The plots: gnuplot takes the scripts, and draws one mark for each figure."""

from __future__ import annotations

import json
import tempfile
import unittest
from pathlib import Path
from xml.etree import ElementTree

from bench import archive, plots
from bench.boots import COUNTED, TIMED, Boot
from bench.rounds import Log, Measurement, Round
from session import Session

SVG = "{*}"  # whatever the namespace is


def boot(path: str, clock: str) -> Boot:
    """Two operations, one of them by threads too."""
    runs = [*(Measurement("operations", name, 1, 9, 1, 0) for name in ("map", "io")),
            *(Measurement("threads", "map", 1, 9, count, 0) for count in (1, 8))]
    for run in runs:
        for column, n in {"c": 100, "rust": 101, "upstream": 300}.items():
            run.columns[column] = [Round(n + i, n + i) for i in range(9)]
    return Boot(path, clock, "qemu", Log({}, runs, []))


BOOTS = [boot(path, clock) for path in ("direct", "iommu-lazy") for clock in (COUNTED, TIMED)]


class Files(unittest.TestCase):
    def drawn(self) -> dict[str, ElementTree.Element]:
        with tempfile.TemporaryDirectory() as folder:
            return {path.stem: ElementTree.parse(path).getroot()
                    for path in plots.write(BOOTS, Path(folder))}

    def test_one_for_each_thing_that_was_measured(self) -> None:
        self.assertEqual(set(self.drawn()), {"ratios-counted", "ratios-timed", "threads-counted",
                                             "threads-timed"})

    def test_nothing_measured_nothing_drawn(self) -> None:
        self.assertEqual(plots.write([], Path("nowhere")), [])

    def test_series_of_which_nothing_was_measured(self) -> None:
        empty = Measurement("live", "io", 1, 9, 1, 100)
        boots = [Boot("direct", COUNTED, "qemu", Log({}, [empty], []))]
        self.assertEqual(plots.write(boots, Path("nowhere")), [])

    def test_marks(self) -> None:
        # Two operations, two paths, two columns; two counts, two paths, three columns. And the key.
        for name, root in self.drawn().items():
            with self.subTest(plot=name):
                marks = [use for use in root.iterfind(f".//{SVG}use")
                         if use.attrib.get("transform", "").startswith("translate")]
                self.assertEqual(len(marks), 8 + 2 if name.startswith("ratios") else 12 + 3)

    def test_names(self) -> None:
        for name, root in self.drawn().items():
            words = {"".join(text.itertext()).strip() for text in root.iterfind(f".//{SVG}text")}
            with self.subTest(plot=name):
                self.assertLessEqual({"map", "direct", "iommu-lazy", "Rust", "1"}, words)


class Ticks(unittest.TestCase):
    def test_one_is_among_them(self) -> None:
        for low, high in ((0.95, 1.05), (0.4, 1.05), (0.1, 8.0), (0.95, 3.0), (0.004, 1.05)):
            with self.subTest(low=low, high=high):
                found = plots.ticks(low, high)
                self.assertIn(1, found)
                self.assertTrue(2 <= len(found) <= 8)


class Archive(unittest.TestCase):
    def test_every_round_is_kept(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            kdir = Path(folder)
            (kdir / "include/config").mkdir(parents=True)
            (kdir / "include/config/kernel.release").write_text("7.3.4\n")
            (kdir / ".config").write_text("CONFIG_A=y\n# CONFIG_B is not set\n")
            found = archive.document(Session(kdir, kdir), BOOTS, "make bench",
                                     {archive.COMMIT: "abc-dirty"})
        kept = json.loads(json.dumps(found))
        self.assertEqual((kept["commit"], kept["kernel"]["config"]), ("abc-dirty", ["CONFIG_A=y"]))
        self.assertEqual([len(boot["measurements"]) for boot in kept["boots"]], [4] * 4)
        self.assertEqual(kept["boots"][0]["measurements"][0]["columns"]["rust"],
                         [[101 + i, 101 + i] for i in range(9)])
