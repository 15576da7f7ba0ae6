# SPDX-License-Identifier: GPL-2.0
"""The modules of a build: one that is missing is named, with the reason where the kernel is it."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

from report import Stop
from session import ROOT, Session


class Modules(unittest.TestCase):
    def session(self, *options: str) -> Session:
        (ROOT / "build").mkdir(exist_ok=True)
        build = Path(self.enterContext(tempfile.TemporaryDirectory(dir=ROOT / "build")))
        (build / "drivers/dma_map").mkdir(parents=True)
        (build / ".config").write_text("".join(f"{option}=y\n" for option in options))
        session = Session(build, build)
        session.__dict__["modules"] = [Path("dma_map.ko"), Path("dma_map_edu.ko")]
        return session

    def refusal(self, client: str, *options: str) -> str:
        with self.assertRaises(Stop) as stop:
            self.session(*options).modules_with(client)
        return str(stop.exception)

    def test_those_that_are_there(self) -> None:
        self.assertEqual([Path("dma_map.ko")], self.session().modules_with())
        self.assertEqual(2, len(self.session().modules_with("edu")))

    def test_kernel_that_can_not_have_it(self) -> None:
        self.assertIn("needs a kernel with CONFIG_DEBUG_FS=y", self.refusal("bench"))
        self.assertIn("needs a kernel with CONFIG_KUNIT=y", self.refusal("kunit"))

    def test_build_that_could_have_it(self) -> None:
        self.assertIn("holds no dma_map_bench.ko: run make modules", self.refusal("bench", "CONFIG_DEBUG_FS"))
