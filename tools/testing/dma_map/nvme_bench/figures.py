# SPDX-License-Identifier: GPL-2.0
"""Numbers from runs.

Instructions of an I/O: all that the guest executed between the first and the last look of a run, by
the I/Os that ended meanwhile; of several rounds the median. The loop is what the same fio takes for as
many I/Os of null_blk, a disk without a device, less what null_blk itself takes. "net" is without that:
what is left is what the driver, its mappings and its interrupts take.

Time: medians with intervals from order statistics, as of make bench.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.figures import Estimate, estimate
from nvme_bench.plan import NULL
from nvme_bench.record import Counts, Log, Run, Timed

FIRST, SECOND, NONE = "a", "b", "n"


@dataclass(frozen=True)
class Instructions:
    """Of one I/O."""

    user: float
    kernel: float
    modules: float

    @property
    def all(self) -> float:
        return self.user + self.kernel


@dataclass(frozen=True)
class Comparison:
    """One workload on one path: the first driver, the second one, and none."""

    path: str
    workload: str
    first: Instructions
    second: Instructions
    none: Instructions
    spread: float  # between rounds, as a share of all instructions

    @property
    def loop(self) -> float:
        return self.none.all - self.none.modules

    def net(self, driver: Instructions) -> float:
        return driver.all - self.loop

    @property
    def ratio(self) -> float:
        """Net of the loop."""
        return self.net(self.second) / self.net(self.first)

    @property
    def raw_ratio(self) -> float:
        return self.second.all / self.first.all


@dataclass(frozen=True)
class Times:
    """One workload on one path in real time."""

    path: str
    workload: str
    first: Estimate   # IOPS
    second: Estimate
    ratio: Estimate
    latencies: dict[str, tuple[float, float, float, float]]  # by role: mean, p50, p99, p99.9; us


def instructions(run: Run) -> Instructions:
    first, last = run.looks[0].counts, run.looks[-1].counts
    assert first is not None and last is not None
    counts: Counts = last - first
    return Instructions(counts.user / run.ios, counts.kernel / run.ios, counts.modules / run.ios)


def _runs(log: Log, role: str, workload: str, verb: str) -> list[Run]:
    return [run for run in log.runs if run.usable and run.looks[0].counts is not None
            and (run.role, run.workload, run.verb) == (role, workload, verb)]


def _typical(found: Sequence[Instructions]) -> Instructions:
    return Instructions(*(median(getattr(each, part) for each in found)
                          for part in ("user", "kernel", "modules")))


def compare(log: Log, path: str) -> list[Comparison]:
    """All workloads that every role has."""
    made = []
    for workload in dict.fromkeys(run.workload for run in log.runs):
        found = {role: [instructions(run) for run in _runs(log, role, workload, "count")]
                 for role in (FIRST, SECOND, NONE)}
        if not all(found.values()):
            continue
        spreads = [max(each.all for each in mine) / min(each.all for each in mine) - 1
                   for mine in found.values()]
        made.append(Comparison(path, workload, *(_typical(mine) for mine in found.values()),
                               max(spreads)))
    return made


def allocations(log: Log, workload: str, role: str) -> float | None:
    """Of one I/O, of slabs and of pages."""
    runs = [run for run in log.runs
            if run.usable and (run.role, run.workload, run.verb) == (role, workload, "events")]
    if not runs:
        return None
    return sum(run.looks[-1].events - run.looks[0].events for run in runs) / sum(
        run.ios for run in runs)


def _timed(log: Log, role: str, workload: str) -> list[Timed]:
    return [timed for timed in log.timed if (timed.role, timed.workload) == (role, workload)]


def times(log: Log, path: str) -> list[Times]:
    made = []
    for workload in dict.fromkeys(timed.workload for timed in log.timed):
        first, second = (_timed(log, role, workload) for role in (FIRST, SECOND))
        pairs = list(zip(first, second))
        if not pairs or not all(timed.iops > 0 for pair in pairs for timed in pair):
            continue
        latencies = {role: (median(each.mean for each in mine), median(each.p50 for each in mine),
                            median(each.p99 for each in mine), median(each.p999 for each in mine))
                     for role, mine in ((FIRST, first), (SECOND, second))}
        made.append(Times(path, workload, estimate([each.iops for each in first]),
                          estimate([each.iops for each in second]),
                          estimate([mine.iops / other.iops for other, mine in pairs]), latencies))
    return made


def drivers(log: Log) -> list[str]:
    """The two that were compared."""
    return list(dict.fromkeys(run.driver for run in log.runs if run.driver != NULL))
