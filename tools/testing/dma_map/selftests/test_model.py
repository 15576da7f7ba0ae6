# SPDX-License-Identifier: GPL-2.0
"""What model.py makes of the checker's reports."""

import unittest

import model

GOOD = """
Full statespace search for:
\tassertion violations\t+
State-vector 36 byte, depth reached 112, errors: 0
      621 states, stored
"""
BAD = """
pan:1: assertion violated (memory[0]==1) (at depth 19)
State-vector 36 byte, depth reached 19, errors: 1
       10 states, stored
"""
DEADLOCK = BAD.replace("assertion violated (memory[0]==1)", "invalid end state")
SHALLOW = "error: max search depth too small\n" + GOOD


class Complaint(unittest.TestCase):
    def test_right_protocol_holds(self):
        self.assertEqual(model.complaint(GOOD, False), "")

    def test_right_protocol_fails(self):
        self.assertIn("fails", model.complaint(BAD, False))
        self.assertIn("fails", model.complaint(DEADLOCK, False))

    def test_not_all_was_searched(self):
        self.assertIn("not every state", model.complaint(SHALLOW, False))

    def test_broken_protocol_is_caught(self):
        self.assertEqual(model.complaint(BAD, True), "")

    def test_broken_protocol_is_not_caught(self):
        self.assertIn("no assertion", model.complaint(GOOD, True))

    def test_a_deadlock_is_not_what_was_asked_for(self):
        self.assertIn("no assertion", model.complaint(DEADLOCK, True))

    def test_no_report(self):
        for broken in (False, True):
            self.assertIn("did not come", model.complaint("syntax error", broken))


class WaysToBreak(unittest.TestCase):
    def test_each_model_has_some(self):
        for path in model.HERE.glob("*.pml"):
            with self.subTest(path.stem):
                source = path.read_text()
                ways = model.ways_to_break(source)
                self.assertTrue(ways)
                for name in ways:
                    self.assertRegex(source, rf"#if(n?def) {name}\b")
