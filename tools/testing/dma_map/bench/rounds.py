# SPDX-License-Identifier: GPL-2.0
"""What bench.sh prints, as measurements. A line or a round too few is a problem, not a gap."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from transcript import bare

C, RUST, UPSTREAM, POOL = "c", "rust", "upstream", "pool"
COLUMNS = (C, RUST, UPSTREAM, POOL)

_LINE = re.compile(r"# (operation|run|round|longest) (.+)")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Round:
    """One column's loops, from the first to the end of the last."""

    cycles: int
    ns: int


@dataclass
class Measurement:
    """The rounds of all columns of one operation."""

    series: str
    operation: str
    loops: int  # of each thread
    rounds: int
    threads: int
    live: int
    columns: dict[str, list[Round]] = field(default_factory=dict)
    longest: int | None = None  # section with interrupts off, of a pool, in cycles

    @property
    def operations(self) -> int:
        """How often a round carries the operation out."""
        return self.loops * self.threads

    def __str__(self) -> str:
        return f"{self.series} {self.operation} threads={self.threads} live={self.live}"


@dataclass
class Log:
    catalogue: dict[str, tuple[str, ...]] = field(default_factory=dict)  # operation to columns
    measurements: list[Measurement] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def _operation(log: Log, words: Sequence[str]) -> None:
    name, columns = words
    listed = tuple(columns.split(","))
    if not _WORD.fullmatch(name):
        raise ValueError("not a name")
    if name in log.catalogue:
        raise ValueError("listed twice")
    if len(set(listed)) != len(listed) or not set(listed) <= set(COLUMNS) or C not in listed:
        raise ValueError(f"columns are {C} and some of {', '.join(COLUMNS[1:])}, each once")
    log.catalogue[name] = listed


def _run(log: Log, words: Sequence[str]) -> None:
    series, operation, *numbers = words
    loops, rounds, threads, live = map(_number, numbers)
    if operation not in log.catalogue:
        raise ValueError("not in the list of operations")
    if not (loops and rounds and threads):
        raise ValueError("a run of nothing")
    log.measurements.append(Measurement(series, operation, loops, rounds, threads, live))


def _number(word: str) -> int:
    if not word.isascii() or not word.isdigit():
        raise ValueError(f"{word} is not a number")
    return int(word)


def _round(log: Log, words: Sequence[str]) -> None:
    operation, column, *numbers = words
    number, cycles, ns, loops = map(_number, numbers)
    if not log.measurements:
        raise ValueError("a round of no run")
    run = log.measurements[-1]
    if (operation, loops) != (run.operation, run.loops):
        raise ValueError(f"a round of another run than {run}")
    if column not in log.catalogue[operation]:
        raise ValueError("a column that the operation does not have")
    if not (cycles and ns):
        raise ValueError("a clock that stands")
    done = run.columns.setdefault(column, [])
    if number != len(done):
        raise ValueError(f"the column has had {len(done)} rounds")
    done.append(Round(cycles, ns))


def _longest(log: Log, words: Sequence[str]) -> None:
    operation, column, number = words
    if not log.measurements:
        raise ValueError("a section of no run")
    run = log.measurements[-1]
    if operation != run.operation or column != POOL or column not in log.catalogue[operation]:
        raise ValueError(f"a section of another run than {run}, or of no pool")
    if run.longest is not None:
        raise ValueError("said twice")
    run.longest = _number(number)


def _incomplete(log: Log) -> list[str]:
    found = []
    for run in log.measurements:
        for column in log.catalogue[run.operation]:
            count = len(run.columns.get(column, ()))
            if count != run.rounds:
                found.append(f"{run}: {count} of {run.rounds} rounds of {column}")
        if POOL in log.catalogue[run.operation] and not run.longest:
            found.append(f"{run}: the longest section with interrupts off is missing")
    names = [str(run) for run in log.measurements]
    found += [f"{name}: measured twice" for name in sorted(set(names)) if names.count(name) > 1]
    return found


_READERS = {"operation": (_operation, 2), "run": (_run, 6), "round": (_round, 6),
            "longest": (_longest, 3)}


def read(lines: Iterable[str]) -> Log:
    log = Log()
    for line in lines:
        match = _LINE.fullmatch(bare(line))
        if match is None:
            continue
        reader, count = _READERS[match.group(1)]
        words = match.group(2).split(" ")
        try:
            if len(words) != count:
                raise ValueError(f"{len(words)} words, not {count}")
            reader(log, words)
        except ValueError as error:
            log.problems.append(f"{bare(line)}: {error}")
    log.problems += _incomplete(log)
    if not log.catalogue:
        log.problems.append("no operation is listed")
    return log
