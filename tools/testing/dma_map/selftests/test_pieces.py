# SPDX-License-Identifier: GPL-2.0
"""Small parts: the cut of a log, facts, the last line, and the runner of these tests."""

from __future__ import annotations

import contextlib
import io
import unittest

import fixtures
import selftest
import transcript
from proofs import facts_like, number
from report import conclude, failed, passed, table
from transcript import demo_totals


class Transcript(unittest.TestCase):
    def test_end_of_another_test(self) -> None:
        record = transcript.read(["dma_map_guest: begin a", "dma_map_guest: end b status=0"])
        self.assertEqual([(s.name, s.status) for s in record.segments], [("a", None)])

    def test_with_and_without_time_stamps(self) -> None:
        for stamp in ("", "[    1.000000] ", "[12345.678901] "):
            record = transcript.read([f"{stamp}dma_map_guest: fact a.b=c=d"])
            self.assertEqual(record.facts, {"a.b": "c=d"})

    def test_mark_of_a_user_is_none(self) -> None:
        self.assertFalse(transcript.read(["# dma_map_guest: done"]).done)


class Demo(unittest.TestCase):
    def test_totals(self) -> None:
        totals = demo_totals(["mailbox: 1 messages, 2 bytes, 3 mismatches", "reboot: Power down"])
        self.assertEqual(str(totals), "mailbox: 1 messages, 2 bytes, 3 mismatches")

    def test_no_totals(self) -> None:
        self.assertIsNone(demo_totals(["mailbox: 1 messages, 2 bytes, 0 mismatches or so"]))


class Facts(unittest.TestCase):
    def test_no_device_proves_nothing(self) -> None:
        check = facts_like(r"iommu\.type\..*", lambda types: all(t == "DMA" for t in types))
        self.assertFalse(check(transcript.read([]), []))

    def test_what_is_no_number(self) -> None:
        self.assertFalse(number(lambda value: True)("missing"))


class Conclude(unittest.TestCase):
    def conclude(self, *cases) -> tuple[int, str]:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            code = conclude(cases)
        return code, out.getvalue().splitlines()[-1]

    def test_last_line_and_exit_code(self) -> None:
        good, bad = passed("g", "a"), failed("g", "b", "why")
        self.assertEqual(self.conclude(good), (0, "1 passed, 0 failed"))
        self.assertEqual(self.conclude(good, bad), (1, "1 passed, 1 failed"))

    def test_a_run_of_nothing_fails(self) -> None:
        self.assertEqual(self.conclude(), (1, "0 passed, 0 failed"))

    def test_table(self) -> None:
        self.assertEqual(table(("what", "n"), [("ab", 10), ("c", 9)]).splitlines(),
                         ["what  n", "----  --", "ab    10", "c      9"])


class Runner(unittest.TestCase):
    class Sample(unittest.TestCase):
        def good(self) -> None:
            pass

        def bad(self) -> None:
            self.fail("it is")

        def broken(self) -> None:
            raise ValueError("oh")

        def partly(self) -> None:
            for i in range(3):
                with self.subTest(i=i):
                    self.assertNotEqual(i, 1)

    def test_every_outcome_is_a_case(self) -> None:
        record = selftest.Record()
        suite = unittest.TestSuite(map(self.Sample, ("good", "bad", "broken", "partly")))
        suite.run(record)
        self.assertEqual(len(fixtures.names(record.cases, "pass")), 1)
        self.assertEqual(len(fixtures.failures(record.cases)), 3)
