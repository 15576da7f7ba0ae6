# SPDX-License-Identifier: GPL-2.0
"""What nvme_bench.sh and the plugin print, as runs. What is missing is a problem, not a gap."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from transcript import bare

LOOP = 1_000_000
# The instructions of io_sample's loop, and the mark that ends it.
LOOP_INSTRUCTIONS = 2 * LOOP + 1

_LINE = re.compile(r"# (use|run|sample|timed) (.+)")
_KIB = re.compile(r"-(\d+)k-")
_MARK = re.compile(r"mark (\d+) (\d+) (\d+)")


@dataclass(frozen=True)
class Counts:
    """Instructions since the start of QEMU."""

    user: int
    kernel: int
    modules: int  # of the kernel's

    def __sub__(self, other: Counts) -> Counts:
        return Counts(self.user - other.user, self.kernel - other.kernel, self.modules - other.modules)


@dataclass(frozen=True)
class Look:
    """What io_sample saw at one time."""

    ios: int
    sectors: int
    ns: int
    events: int
    counts: Counts | None = None


@dataclass
class Run:
    """One run of fio beside io_sample: its looks, in order."""

    role: str
    driver: str
    workload: str
    verb: str
    looks: list[Look] = field(default_factory=list)

    @property
    def ios(self) -> float:
        """As fio made them: the block layer merges those that follow each other."""
        kib = _KIB.search(self.workload)
        assert kib is not None
        return (self.looks[-1].sectors - self.looks[0].sectors) / (2 * int(kib[1]))

    @property
    def usable(self) -> bool:
        return len(self.looks) > 1 and self.ios > 0


@dataclass(frozen=True)
class Timed:
    """One workload in real time, as fio saw it; latencies in us."""

    role: str
    driver: str
    workload: str
    iops: float
    mean: float
    p50: float
    p99: float
    p999: float


@dataclass
class Log:
    runs: list[Run] = field(default_factory=list)
    timed: list[Timed] = field(default_factory=list)
    disks: dict[str, str] = field(default_factory=dict)  # driver to what its queue says
    problems: list[str] = field(default_factory=list)


def _take(log: Log, kind: str, words: Sequence[str], role: str, driver: str) -> None:
    if kind == "run":
        verb, workload = words
        if not _KIB.search(workload):
            raise ValueError("no workload")
        log.runs.append(Run(role, driver, workload, verb))
    elif kind == "sample":
        ios, sectors, ns, events = map(int, words)
        if not log.runs:
            raise ValueError("a sample of no run")
        log.runs[-1].looks.append(Look(ios, sectors, ns, events))
    else:
        workload, error, *numbers = words
        if error != "0":
            raise ValueError(f"fio failed with {error}")
        log.timed.append(Timed(role, driver, workload, *map(float, numbers)))


def read(lines: Iterable[str]) -> Log:
    """What the guest said."""
    log = Log()
    role = driver = ""
    for line in lines:
        match = _LINE.fullmatch(bare(line))
        if match is None:
            continue
        kind, rest = match.groups()
        try:
            if kind == "use":
                role, driver, disk = rest.split(" ", 2)
                log.disks[driver] = disk
            else:
                _take(log, kind, rest.split(" "), role, driver)
        except (TypeError, ValueError) as error:
            log.problems.append(f"{bare(line)}: {error}")
    log.problems += [f"{run.driver}, {run.workload}: nothing was done between the looks"
                     for run in log.runs if not run.usable]
    return log


def marks(text: str) -> list[Counts]:
    return [Counts(*map(int, match.groups())) for match in map(_MARK.fullmatch, text.splitlines())
            if match]


def attach(log: Log, found: Sequence[Counts]) -> None:
    """Gives each look its counts. The first two marks are those of a loop of known length."""
    looks = sum(len(run.looks) for run in log.runs)
    if len(found) != looks + 2:
        log.problems.append(f"{looks} looks and a loop, and QEMU saw {len(found)} marks")
        return
    loop = found[1] - found[0]
    if loop.user != LOOP_INSTRUCTIONS:
        log.problems.append(f"a loop of {LOOP_INSTRUCTIONS} instructions was counted as {loop.user}")
    rest = iter(found[2:])
    for run in log.runs:
        run.looks = [Look(look.ios, look.sectors, look.ns, look.events, next(rest))
                     for look in run.looks]
