# SPDX-License-Identifier: GPL-2.0
"""Cuts one boot log along the marks that guest/init leaves: tests, facts, the end."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

_PREFIX = re.compile(r"^\[ *\d+\.\d+\] ")
_MARK = re.compile(r"^dma_map_guest: (start|begin|end|fact|done)\b ?(.*)$")
_DEMO = re.compile(r"mailbox: (\d+) messages, (\d+) bytes, (\d+) mismatches$")


@dataclass
class Segment:
    """What one guest script printed; status is None while nobody saw it end."""

    name: str
    lines: list[str] = field(default_factory=list)
    status: int | None = None


@dataclass
class Transcript:
    segments: list[Segment]
    facts: dict[str, str]
    started: bool
    done: bool


def bare(line: str) -> str:
    """The line without printk's time stamp."""
    return _PREFIX.sub("", line)


def read(log: Sequence[str]) -> Transcript:
    result = Transcript([], {}, False, False)
    current: Segment | None = None
    for line in log:
        mark = _MARK.match(bare(line))
        if mark is None:
            if current is not None:
                current.lines.append(line)
            continue
        kind, rest = mark.groups()
        if kind == "start":
            result.started = True
        elif kind == "begin":
            current = Segment(rest)
            result.segments.append(current)
        elif kind == "end" and current is not None:
            name, _, status = rest.partition(" status=")
            if name == current.name and status.isdigit():
                current.status = int(status)
            current = None
        elif kind == "fact":
            name, _, value = rest.partition("=")
            result.facts[name] = value
        elif kind == "done":
            result.done = True
    return result


@dataclass(frozen=True)
class DemoTotals:
    messages: int
    size: int
    mismatches: int

    def __str__(self) -> str:
        return f"mailbox: {self.messages} messages, {self.size} bytes, {self.mismatches} mismatches"


def demo_totals(log: Sequence[str]) -> DemoTotals | None:
    """The mailbox tool's last line, found anywhere in the log."""
    for line in reversed(log):
        match = _DEMO.search(line)
        if match:
            return DemoTotals(*map(int, match.groups()))
    return None
