# SPDX-License-Identifier: GPL-2.0
"""The recorded ratios, and whether what was counted now is as good.

One file for each toolchain, written by `make bench-bless`. The instructions are there for the
reader of a difference; what is judged is a column's ratio to C.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

from bench import figures
from bench.boots import Boot
from bench.results import counted, usable
from bench.rounds import C, POOL, RUST, Measurement
from report import Case, Stop, failed, verdict

# Instructions are counted exactly, but a batch more or less in a round is not the code's doing.
TOLERANCE = 1.02
SMALL = 0.002
JUDGED = (RUST, POOL)

HEAD = """\
# SPDX-License-Identifier: GPL-2.0
# Guest instructions of each operation in C, and the ratios of the others to that.
# Written by make bench-bless; make test fails if a ratio is over 2 % worse.
"""


@dataclass(frozen=True)
class Entry:
    c: float
    ratios: Mapping[str, float]  # of the judged columns that the operation has

    def __str__(self) -> str:
        columns = (f"{name} = {value:.4f}" for name, value in self.ratios.items())
        return "{ " + ", ".join((f"c = {self.c:.2f}", *columns)) + " }"


# By path and operation.
Baseline = Mapping[str, Mapping[str, Entry]]


def path_of(llvm: bool) -> Path:
    return Path(__file__).resolve().parent / ("llvm.toml" if llvm else "gcc.toml")


def entry(run: Measurement) -> Entry:
    return Entry(figures.instructions(run, C),
                 {column: figures.ratio(run, column, C) for column in JUDGED
                  if usable(run, column)})


def made_of(boots: Sequence[Boot], paths: Iterable[str]) -> dict[str, dict[str, Entry]]:
    return {path: {run.operation: entry(run) for run in counted(boots, path) if usable(run, C)}
            for path in paths}


def parse(text: str) -> dict[str, dict[str, Entry]]:
    """Anything but what `dump` writes is refused: half a baseline would approve of anything."""
    try:
        return {path: {name: _entry(values) for name, values in operations.items()}
                for path, operations in tomllib.loads(text).items()}
    except (tomllib.TOMLDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise Stop(f"the baseline can't be read ({error}): record it with make bench-bless"
                   ) from error


def _entry(values: Mapping[str, float]) -> Entry:
    numbers = dict(values)
    strangers = set(numbers) - {C, *JUDGED}
    if strangers or not all(isinstance(n, float) and 0 < n < inf for n in numbers.values()):
        raise ValueError(f"{numbers} is no entry")
    return Entry(numbers.pop(C), numbers)


def dump(baseline: Baseline) -> str:
    sections = ("".join((f"\n[{path}]\n", *(f"{name} = {operations[name]}\n"
                                            for name in sorted(operations))))
                for path, operations in baseline.items())
    return HEAD + "".join(sections)


def read(file: Path) -> dict[str, dict[str, Entry]]:
    if not file.is_file():
        raise Stop(f"{file.name} is missing: record it with make bench-bless")
    return parse(file.read_text())


def _worse(recorded: Entry, now: Entry) -> list[str]:
    found = [f"{column}: recorded, and not measured"
             for column in recorded.ratios if column not in now.ratios]
    for column, value in now.ratios.items():
        before = recorded.ratios.get(column)
        if before is None:
            found.append(f"{column}: not recorded yet, run make bench-bless")
        elif value > before * TOLERANCE:
            found.append(f"{column}: {value:.4f} of C's {now.c:.1f} instructions, recorded are "
                         f"{before:.4f} of {recorded.c:.1f}")
    return found


def compare(recorded: Baseline, now: Baseline) -> list[Case]:
    """A verdict for each operation on each path, be it recorded, measured, or both."""
    cases = []
    for path in dict.fromkeys((*recorded, *now)):
        group = f"bench/{path}"
        before, after = recorded.get(path, {}), now.get(path, {})
        for name in dict.fromkeys((*before, *after)):
            claim = f"{name} is as cheap as recorded"
            if name not in after:
                cases.append(failed(group, claim, "recorded, and not measured"))
            elif name not in before:
                cases.append(failed(group, claim, "not recorded yet, run make bench-bless"))
            else:
                worse = _worse(before[name], after[name])
                cases.append(verdict(group, claim, not worse, "\n".join(worse)))
    if not cases:
        cases.append(failed("bench", "operations exist", "nothing is recorded, nothing measured"))
    return cases


def _alike(old: Entry | None, new: Entry | None) -> bool:
    if old is None or new is None or set(old.ratios) != set(new.ratios):
        return False
    return all(abs(new.ratios[column] / ratio - 1) < SMALL for column, ratio in old.ratios.items())


def changes(before: Baseline, after: Baseline) -> list[str]:
    """What a new recording changes by more than a little, for the person who asked for it."""
    found = []
    for path in dict.fromkeys((*before, *after)):
        old, new = before.get(path, {}), after.get(path, {})
        for name in dict.fromkeys((*old, *new)):
            if not _alike(old.get(name), new.get(name)):
                found.append(f"{path} {name}: {old.get(name, 'nothing')} -> "
                             f"{new.get(name, 'nothing')}")
    return found
