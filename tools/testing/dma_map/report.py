# SPDX-License-Identifier: GPL-2.0
"""Results as values, and how a person reads them: progress lines, tables, one last line."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

PASS = "pass"
FAIL = "fail"
SKIP = "skip"

# Where `make` began, if it started us.
_START = float(os.environ.get("DMA_MAP_T0") or time.time())
_LOCK = threading.Lock()


@dataclass(frozen=True)
class Case:
    """One verdict. `group` is the boot or the suite that it belongs to."""

    group: str
    name: str
    status: str
    detail: str = ""


def passed(group: str, name: str, detail: str = "") -> Case:
    return Case(group, name, PASS, detail)


def failed(group: str, name: str, detail: str) -> Case:
    return Case(group, name, FAIL, detail)


def verdict(group: str, name: str, good: bool, detail: str = "") -> Case:
    return Case(group, name, PASS if good else FAIL, detail)


def say(text: str) -> None:
    """A progress line: minutes and seconds since the run began, then the text."""
    elapsed = int(time.time() - _START)
    with _LOCK:
        print(f"[{elapsed // 60:3}:{elapsed % 60:02}] {text}", flush=True)


def count(cases: Iterable[Case], status: str) -> int:
    return sum(case.status == status for case in cases)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns padded to their widest cell; numbers to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *cells)]

    def line(row: Sequence[str]) -> str:
        parts = [cell.rjust(width) if cell[:1].isdigit() else cell.ljust(width)
                 for cell, width in zip(row, widths)]
        return "  ".join(parts).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([line(header), rule, *map(line, cells)])


def by_group(cases: Sequence[Case]) -> str:
    groups = list(dict.fromkeys(case.group for case in cases))
    rows = []
    for group in groups:
        mine = [case for case in cases if case.group == group]
        rows.append((group, count(mine, PASS), count(mine, FAIL), count(mine, SKIP)))
    return table(("what", "passed", "failed", "skipped"), rows)


def _listing(title: str, cases: Sequence[Case]) -> str:
    lines = [title]
    for case in cases:
        lines.append(f"  {case.group}: {case.name}")
        lines.extend(f"      {text}" for text in case.detail.splitlines())
    return "\n".join(lines)


def conclude(cases: Sequence[Case]) -> int:
    """Prints table, failures and skips; the last line is the verdict. Returns the exit code."""
    failures = [case for case in cases if case.status == FAIL]
    skips = [case for case in cases if case.status == SKIP]
    sections = [by_group(cases)] if cases else ["nothing ran"]
    if skips:
        sections.append(_listing(f"skipped ({len(skips)}):", skips))
    if failures:
        sections.append(_listing(f"failed ({len(failures)}):", failures))
    print("\n" + "\n\n".join(sections) + "\n")
    print(f"{count(cases, PASS)} passed, {len(failures)} failed", flush=True)
    # A run of nothing proves nothing.
    return 0 if cases and not failures else 1


class Stop(Exception):
    """The run can't go on; the text says what to do. No traceback for the user."""


def die(error: Stop) -> int:
    print(f"run.py: {error}", file=sys.stderr, flush=True)
    return 2
