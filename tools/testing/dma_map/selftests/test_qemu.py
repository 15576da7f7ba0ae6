# SPDX-License-Identifier: GPL-2.0
"""Watching a process, and the command line of each variant; no guest is booted."""

from __future__ import annotations

import sys
import tempfile
import unittest
from dataclasses import replace
from pathlib import Path

from qemu import ENDED, TIMEOUT, Boot, _accel, _machine, watch
from variants import VARIANTS


class Watch(unittest.TestCase):
    def watch(self, program: str, timeout: float = 20.0):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "x.log"
            result = watch([sys.executable, "-c", program], timeout, path)
            self.assertEqual(path.read_text().splitlines(), result.lines)
            self.assertIn("-c", path.with_suffix(".command").read_text())
        return result

    def test_lines_and_status(self) -> None:
        result = self.watch("print('one\\r\\ntwo'); raise SystemExit(3)")
        self.assertEqual((result.lines, result.end, result.status), (["one", "two"], ENDED, 3))

    def test_last_line_without_an_end(self) -> None:
        self.assertEqual(self.watch("print('one', end='')").lines, ["one"])

    def test_both_outputs_are_heard(self) -> None:
        self.assertEqual(self.watch("import os; os.write(2, b'no such device\\n')").lines,
                         ["no such device"])

    def test_bytes_that_are_no_text(self) -> None:
        result = self.watch("import os; os.write(1, b'\\xff\\n')")
        self.assertEqual(result.lines, ["\ufffd"])

    def test_hang_is_killed_and_keeps_the_last_words(self) -> None:
        program = "import time; print('said', end='', flush=True); time.sleep(600)"
        # On a busy machine an interpreter needs more than a second to start.
        for timeout in (1.0, 5.0, 25.0):
            result = self.watch(program, timeout)
            if result.lines:
                break
        self.assertEqual((result.lines, result.end, result.status), (["said"], TIMEOUT, -9))
        self.assertLess(result.seconds, timeout + 20)

    def test_killed_process_tells_its_cpu_time(self) -> None:
        result = self.watch("while True: pass", 2.0)
        self.assertEqual(result.end, TIMEOUT)
        self.assertGreater(result.cpu_seconds, 0.01)

    def test_closed_console_and_no_exit(self) -> None:
        result = self.watch("import os, time; os.close(1); os.close(2); time.sleep(600)")
        self.assertEqual((result.lines, result.status), ([], -9))


class CommandLine(unittest.TestCase):
    boot = Boot(VARIANTS["direct"], Path("k"), Path("i"), ["demo"])

    def test_icount_needs_a_single_thread(self) -> None:
        for variant in VARIANTS.values():
            words = " ".join(_accel(variant, "tcg"))
            with self.subTest(variant=variant.name):
                self.assertEqual("-icount" in words, "thread=single" in words)
                self.assertEqual("-icount" in words, "thread=multi" not in words)

    def test_kvm_has_no_icount(self) -> None:
        self.assertEqual(_accel(VARIANTS["direct"], "kvm"), ["-accel", "kvm", "-cpu", "host"])
        self.assertIn("kernel-irqchip=split", _machine(VARIANTS["iommu-strict"], "kvm"))

    def test_boot_is_a_value(self) -> None:
        self.assertEqual(replace(self.boot, accel="kvm").tests, ["demo"])
