# SPDX-License-Identifier: GPL-2.0
"""Programs of the porting guide are found, also those that it forgot."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

import porting


class PortingTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.guide = Path(folder.name) / "porting.rst"
        self.programs = self.guide.with_suffix("")
        self.programs.mkdir()
        for name in ("a", "b"):
            (self.programs / f"{name}.rs").touch()

    def test_programs_are_those_that_the_guide_includes(self) -> None:
        self.guide.write_text(".. literalinclude:: porting/b.rs\n   :language: rust\n\nSee porting/a.rs.\n")
        self.assertEqual(porting.shown(self.guide), [self.programs / "b.rs"])
        self.assertEqual(porting.not_shown(self.guide), [self.programs / "a.rs"])

    def test_guide_without_programs_shows_none(self) -> None:
        self.guide.write_text("Nothing.\n")
        self.assertEqual(porting.shown(self.guide), [])

    def test_guide_shows_all_of_its_programs(self) -> None:
        self.assertEqual(porting.not_shown(porting.GUIDE), [])


if __name__ == "__main__":
    unittest.main()
