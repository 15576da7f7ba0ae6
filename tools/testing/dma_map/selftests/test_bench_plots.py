# SPDX-License-Identifier: GPL-2.0
"""The plots: whole SVG, everything on the page, and one mark for each figure."""

from __future__ import annotations

import json
import re
import tempfile
import unittest
from pathlib import Path
from xml.etree import ElementTree

from bench import archive, drawing, plots
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
        titles = [[title.text or "" for title in root.iterfind(f".//{SVG}title")][1:]
                  for root in self.drawn().values()]
        # Two operations, two paths, two columns; two counts, two paths, three columns.
        self.assertEqual([len(each) for each in titles], [8, 12, 8, 12])
        self.assertIn("map, direct: 1.010", titles[0])

    def test_everything_is_on_the_page(self) -> None:
        for name, root in self.drawn().items():
            _, _, width, height = map(float, root.attrib["viewBox"].split())
            for element in root.iter():
                for key, limit in (("x", width), ("x1", width), ("x2", width), ("cx", width),
                                   ("y", height), ("y1", height), ("y2", height), ("cy", height)):
                    with self.subTest(plot=name, tag=element.tag, key=key):
                        self.assertTrue(0 <= float(element.attrib.get(key, 0)) <= limit)

    def test_both_themes(self) -> None:
        for root in self.drawn().values():
            style = next(root.iterfind(f".//{SVG}style")).text or ""
            light, dark = style.split("@media (prefers-color-scheme: dark)")
            named = set(re.findall(r"^\.(?:page|grid|band|one|s\d)", light, re.M))
            self.assertLessEqual(named, set(re.findall(r"^\.\w+", dark, re.M)))


class Axes(unittest.TestCase):
    def test_ratio_axis_names_one(self) -> None:
        for values in ([1.0], [0.1, 8.0], [0.99, 1.01], [30.0]):
            with self.subTest(values=values):
                axis = drawing.ratio_axis(values, 0, 300)
                self.assertIn(1.0, axis.ticks)
                self.assertTrue(all(0 <= axis.place(value) <= 300 for value in values))

    def test_ticks_are_legible(self) -> None:
        places = list(map(drawing.ratio_axis([0.05, 8.0], 0, 300).place,
                          drawing.ratio_axis([0.05, 8.0], 0, 300).ticks))
        self.assertGreaterEqual(min(b - a for a, b in zip(places, places[1:])), 30)

    def test_axis_from_zero_has_room_for_the_most(self) -> None:
        for most in (0.6, 1, 9.99, 10, 162, 2441, 999_999, 5_000_000):
            with self.subTest(most=most):
                axis = drawing.axis_from_zero(most, 100, 0)
                self.assertEqual(axis.place(0), 100)
                self.assertGreaterEqual(axis.place(most), 0)
                self.assertTrue(3 <= len(axis.ticks) <= 7)

    def test_labels(self) -> None:
        self.assertEqual([drawing.label(n) for n in (0.98, 1, 100, 1500, 100_000, 2_500_000)],
                         ["0.98", "1", "100", "1.5k", "100k", "2.5M"])


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
