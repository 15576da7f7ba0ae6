# SPDX-License-Identifier: GPL-2.0
"""What disks lived through, as a table: how often, how many writes meanwhile, and what was lost."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from report import table

_WHAT = re.compile(r"survival: (\w+) (\d+)$")
_WORKED = re.compile(r"dma_disk: (\d+) writes, (\d+) acknowledged, \d+ reads, (\d+) errors, \d+ opens, "
                     r"lost acknowledged sectors: (\d+)$")
_CHECKED = re.compile(r"dma_disk: (\d+) writes were acknowledged, lost acknowledged sectors: (\d+)$")


@dataclass(frozen=True)
class Row:
    what: str
    where: str
    times: int
    writes: int
    acknowledged: int
    errors: int
    lost: int


def rows(where: str, lines: Iterable[str]) -> list[Row]:
    """What one boot's log says. Of what did not end well there is no row."""
    found = []
    now: tuple[str, int] | None = None
    for line in lines:
        what = _WHAT.match(line)
        if what:
            now = what.group(1), int(what.group(2))
        worked = _WORKED.match(line)
        checked = _CHECKED.match(line)
        if now and worked:
            found.append(Row(now[0], where, now[1], *map(int, worked.groups())))
        elif now and checked:
            acknowledged, lost = map(int, checked.groups())
            found.append(Row(now[0], where, now[1], acknowledged, acknowledged, 0, lost))
        if worked or checked:
            now = None
    return found


def summed(found: Sequence[Row]) -> list[Row]:
    """One row for each thing and place, in the order in which they came."""
    sums: dict[tuple[str, str], list[int]] = {}
    for row in found:
        numbers = sums.setdefault((row.what, row.where), [0] * 5)
        for at, value in enumerate((row.times, row.writes, row.acknowledged, row.errors, row.lost)):
            numbers[at] += value
    return [Row(what, where, *numbers) for (what, where), numbers in sums.items()]


def shown(found: Sequence[Row]) -> str:
    lines = table(("what", "path", "times", "writes", "acknowledged", "errors", "lost sectors"),
                  [(row.what, row.where, row.times, row.writes, row.acknowledged, row.errors, row.lost)
                   for row in summed(found)])
    return f"{lines}\n\nlost acknowledged sectors: {sum(row.lost for row in found)}"
