#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Judges a run of kunit.py: whether each suite of the sources reported, and the kernel's complaints.

kunit.py itself looks at the suites that report, and at nothing else in the log.

usage: kunit_tree.py TREE LOG
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import expected
import ktap
import oracle
from report import Case, Stop, conclude, die, verdict
from session import ROOT

GROUP = "kunit-tree"

# The kernel crate has suites of its own, which are built in as well.
OURS = "dma_map_"


def judge(parser: ModuleType, lines: Sequence[str], suites: dict[str, list[str]]) -> list[Case]:
    cases = ktap.read(parser, lines, GROUP)
    reported = [case.name for case in cases if case.name.startswith(OURS)
                and "." in case.name and not case.name.endswith(ktap.NO_NAME)]
    cases += expected.compare(suites, reported, GROUP)
    found = oracle.complaints(lines)
    cases.append(verdict(GROUP, "the kernel did not complain", not found,
                         "\n".join(map(str, found[:20]))))
    return cases


def main(tree: Path, log: Path) -> int:
    lines = log.read_text(errors="replace").splitlines()
    suites = expected.expected_suites(ROOT)
    return conclude(judge(ktap.load_parser(tree), lines, suites))


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
    except Stop as error:
        sys.exit(die(error))
