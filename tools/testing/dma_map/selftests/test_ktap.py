# SPDX-License-Identifier: GPL-2.0
"""What the adapter adds to the kernel's KTAP parser."""

from __future__ import annotations

import unittest

import fixtures
import ktap


def read(text: str):
    assert fixtures.parser is not None
    return ktap.read(fixtures.parser, text.splitlines(), "boot")


class Read(unittest.TestCase):
    def test_no_plan(self) -> None:
        cases = read("KTAP version 1\nok 1 a\n")
        self.assertIn("no plan line", fixtures.detail(cases, "KTAP"))

    def test_suite_that_fails_alone(self) -> None:
        cases = read("KTAP version 1\n1..1\n    KTAP version 1\n    # Subtest: s\n    1..1\n"
                     "    ok 1 a\nnot ok 1 s\n")
        self.assertEqual(fixtures.failures(cases), {"s"})

    def test_failing_case_is_counted_once(self) -> None:
        cases = read("KTAP version 1\n1..1\n    KTAP version 1\n    # Subtest: s\n    1..1\n"
                     "    not ok 1 a\nnot ok 1 s\n")
        self.assertEqual(fixtures.failures(cases), {"s.a"})

    def test_documents_of_several_modules(self) -> None:
        cases = read("[    1.000000] KTAP version 1\n[    1.000000] 1..1\n[    1.000000] ok 1 a\n"
                     "[    2.000000] noise\n"
                     "[    3.000000] KTAP version 1\n[    3.000000] 1..1\n[    3.000000] ok 1 b\n")
        self.assertEqual(fixtures.names(cases, "pass"), {"a", "b"})
        self.assertEqual(fixtures.failures(cases), set())

    def test_suites_that_are_off_are_no_document(self) -> None:
        off = "[    2.0] KTAP version 1\n[    2.0] 1..1\n[    2.0] kunit: disabled\n"
        cases = read("[    1.0] TAP version 13\n[    1.0] 1..2\n[    1.0] ok 1 a\n" + off
                     + "[    3.0] ok 2 b\n")
        self.assertEqual(fixtures.names(cases, "pass"), {"a", "b"})
        self.assertEqual(fixtures.failures(cases), set())
        self.assertEqual(read("[    1.0] kunit: disabled\n" + off), [])

    def test_number_out_of_order(self) -> None:
        cases = read("KTAP version 1\n1..2\nok 1 a\nok 3 b\n")
        self.assertIn("Expected test number 2 but found 3", fixtures.detail(cases, "KTAP"))

    def test_nothing(self) -> None:
        self.assertEqual(read("no KTAP here\n"), [])
