# SPDX-License-Identifier: GPL-2.0
"""Recorded boots for the tests. `parser` is the kernel's KTAP parser, set by selftest.py."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from judge import Demands, judge
from qemu import ENDED, BootLog
from report import FAIL, SKIP, Case

FOLDER = Path(__file__).resolve().parents[1] / "test_data"

parser: ModuleType | None = None


def lines(name: str) -> list[str]:
    return (FOLDER / f"{name}.log").read_text().splitlines()


def judged(name: str, demands: Demands, end: str = ENDED, status: int = 0) -> list[Case]:
    assert parser is not None
    return judge(parser, BootLog(lines(name), end, status, 60.0), demands, "boot")


def names(cases: Iterable[Case], status: str) -> set[str]:
    return {case.name for case in cases if case.status == status}


def failures(cases: Iterable[Case]) -> set[str]:
    return names(cases, FAIL)


def skips(cases: Iterable[Case]) -> dict[str, str]:
    return {case.name: case.detail for case in cases if case.status == SKIP}


def detail(cases: Iterable[Case], name: str) -> str:
    return "\n".join(case.detail for case in cases if case.name == name)
