# SPDX-License-Identifier: GPL-2.0
"""Runs selftests/test_*.py: the harness, held against recorded logs, without a boot."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

import ktap
from report import Case, failed, passed, say

FOLDER = Path(__file__).resolve().parent / "selftests"
GROUP = "selftest"


class Record(unittest.TestResult):
    def __init__(self) -> None:
        super().__init__()
        self.cases: list[Case] = []

    @staticmethod
    def _name(test: unittest.TestCase) -> str:
        return test.id().removeprefix("test_")

    def addSuccess(self, test) -> None:
        self.cases.append(passed(GROUP, self._name(test)))

    def addFailure(self, test, err) -> None:
        super().addFailure(test, err)
        self.cases.append(failed(GROUP, self._name(test), self.failures[-1][1]))

    def addError(self, test, err) -> None:
        super().addError(test, err)
        self.cases.append(failed(GROUP, self._name(test), self.errors[-1][1]))

    def addSubTest(self, test, subtest, err) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.cases.append(failed(GROUP, self._name(subtest),
                                     self._exc_info_to_string(err, test)))


def run(kdir: Path) -> list[Case]:
    sys.path.append(str(FOLDER))
    import fixtures  # pylint: disable=import-outside-toplevel
    fixtures.parser = ktap.load_parser(kdir)
    suite = unittest.defaultTestLoader.discover(str(FOLDER), "test_*.py", str(FOLDER))
    say(f"selftest: {suite.countTestCases()} tests of the harness")
    record = Record()
    suite.run(record)
    return record.cases or [failed(GROUP, "tests exist", f"{FOLDER} holds no test")]
