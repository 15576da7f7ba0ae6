# SPDX-License-Identifier: GPL-2.0
"""The guest's scripts: each is run by somebody, and plans as many results as it checks."""

from __future__ import annotations

import re
import unittest
from pathlib import Path

import disks
import disks_watched
import initramfs
import matrix
import nic
import nvme
import stock
from variants import VARIANTS

GUEST = Path(matrix.__file__).resolve().parent / "guest"
NOT_TESTS = set(initramfs.SHARED)
# Their results are those of modules, or of somebody's own script.
OF_A_MODULE = {"examples", "kunit", "own", "tutorial"}
# A result for each of a list.
COUNTED = {"disk_cli"}


def scripts() -> set[str]:
    return {path.stem for path in GUEST.glob("*.sh")} - NOT_TESTS


class Scripts(unittest.TestCase):
    def test_each_is_run_and_exists(self) -> None:
        run = set(matrix.TESTS).union(
            stock.TESTS, nic.TESTS, nvme.TESTS, disks.TESTS, disks_watched.TESTS,
            *(variant.tests or () for variant in VARIANTS.values()))
        self.assertEqual(run | OF_A_MODULE, scripts())

    def test_plans(self) -> None:
        for name in scripts() - OF_A_MODULE - COUNTED:
            with self.subTest(script=name):
                text = (GUEST / f"{name}.sh").read_text()
                planned = re.findall(r"^plan (\d+)$", text, re.M)
                checks = re.findall(r"^(?:check|skip) ", text, re.M)
                self.assertEqual(planned, [str(len(checks))])
                self.assertTrue(text.endswith("\nktap_finished\n"))
