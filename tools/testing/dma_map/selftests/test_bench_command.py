# SPDX-License-Identifier: GPL-2.0
"""`make bench` from the boots to the last line; the boots are made up."""

from __future__ import annotations

import contextlib
import io
import tempfile
import unittest
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

from bench import baseline, command, results
from bench.boots import COUNTED, TIMED, Boot
from bench.plan import QUICK, Extent, full
from bench.rounds import Log, Measurement, Round
from report import Case, Stop, failed, passed
from session import ROOT, Session

GOOD = [passed("bench/direct", "booted")]
BAD = [failed("bench/direct", "booted", "it did not")]


def boots() -> list[Boot]:
    runs = [Measurement("operations", name, 1, 9, 1, 0) for name in ("empty", "io")]
    for run in runs:
        for column, n in {"c": 800, "rust": 808, "pool": 80}.items():
            run.columns[column] = [Round(n + i, n + i) for i in range(9)]
    return [Boot(path, clock, "qemu", Log({}, runs, []))
            for path in ("direct", "iommu-strict") for clock in (COUNTED, TIMED)]


class Command(unittest.TestCase):
    def setUp(self) -> None:
        (ROOT / "build").mkdir(exist_ok=True)
        self.top = self.enterContext(tempfile.TemporaryDirectory(dir=ROOT / "build"))
        build = Path(self.top) / "gcc-bench"
        (build / "include/config").mkdir(parents=True)
        (build / "include/config/kernel.release").write_text("7.3.4\n")
        (build / ".config").write_text("CONFIG_A=y\n")
        self.session = Session(build, build)

    def ended(self, cases: Sequence[Case], run) -> tuple[int, str]:
        out = io.StringIO()
        with mock.patch("bench.boots.run", return_value=(boots(), list(cases))), \
                mock.patch("bench.uapi.measure", return_value=[]), \
                mock.patch("bench.uapi.check", return_value=[]), \
                contextlib.redirect_stdout(out):
            status = run()
        return status, out.getvalue()

    def measured(self, extent: Extent, cases: Sequence[Case] = GOOD) -> tuple[int, str]:
        return self.ended(cases, lambda: command.measure(self.session, extent, ["direct"]))

    def test_last_line(self) -> None:
        for extent in (QUICK, full(2), QUICK.only(["io"])):
            status, said = self.measured(extent)
            self.assertEqual((status, said.splitlines()[-1]), (
                0, "bench: worst ratio to C 1.010 (io, direct); mapped pool 9.8x"))

    def test_section_that_is_too_long_fails_the_run(self) -> None:
        for longest, status in ((results.LONGEST, 0), (results.LONGEST + 1, 1)):
            found = boots()
            found[0].log.measurements[1].longest = longest
            with mock.patch(__name__ + ".boots", return_value=found):
                ended, said = self.measured(QUICK.only(["io"]))
            self.assertEqual(ended, status)
            self.assertIn(f" {longest:,}\n", said)
            self.assertEqual(f"direct: io: {longest}" in said, bool(status))

    def test_data_of_a_quick_run_is_kept_apart(self) -> None:
        self.measured(QUICK)
        self.measured(full(2))
        for name in ("gcc", "gcc-quick"):
            self.assertTrue((Path(self.top) / "bench" / name / "rounds.json").is_file())

    def test_boot_that_failed_fails_the_run(self) -> None:
        status, said = self.measured(QUICK, BAD)
        self.assertEqual(status, 1)
        self.assertIn("failed: bench/direct: booted\n  it did not", said)

    def test_nothing_is_recorded_after_a_failure(self) -> None:
        file = Path(self.top) / "gcc.toml"
        with mock.patch("bench.baseline.path_of", return_value=file):
            with self.assertRaises(Stop):
                self.ended(BAD, lambda: command.bless(self.session))
            self.assertFalse(file.exists())
            self.ended(GOOD, lambda: command.bless(self.session))
            self.assertIn("io", baseline.read(file)["direct"])

    def test_check_against_what_was_recorded(self) -> None:
        file = Path(self.top) / "gcc.toml"
        with mock.patch("bench.baseline.path_of", return_value=file), \
                mock.patch.dict("os.environ", {"KDIR": ""}):
            self.ended(GOOD, lambda: command.bless(self.session))
            status, said = self.ended(GOOD, lambda: command.check(self.session))
            self.assertEqual((status, said.splitlines()[-1]), (0, "7 passed, 0 failed"))
            file.write_text(file.read_text().replace("pool = 0.1022", "pool = 0.1000"))
            status, said = self.ended(GOOD, lambda: command.check(self.session))
            self.assertEqual((status, said.splitlines()[-1]), (1, "3 passed, 4 failed"))

    def test_another_kernel_is_not_held_against_the_record(self) -> None:
        with mock.patch.dict("os.environ", {"KDIR": "x"}):
            status, said = self.ended(GOOD, lambda: command.check(self.session))
        self.assertEqual((status, said.splitlines()[-1]), (0, "0 passed, 0 failed"))
        self.assertIn("KDIR is another kernel", said)
