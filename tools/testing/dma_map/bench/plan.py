# SPDX-License-Identifier: GPL-2.0
"""What to run: how many rounds of which operations, in which boots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

OPERATIONS, THREADS, LIVE = "operations", "threads", "live"

EVERY = ("*",)
# One of each kind: what C has a lock, a tree or a bitmap for that all mappings share.
SCALED = ("map_single_4k_bidirectional", "coherent_4k", "pool_64", "mapped_pool_4k")

COUNTS = (1, 2, 4, 8)


@dataclass(frozen=True)
class Series:
    """Some operations, measured alike: a line of the guest's plan."""

    name: str
    operations: Sequence[str]
    budget: int  # ns that a round of one thread may take, about
    rounds: int
    threads: int = 1
    live: int = 0

    def __str__(self) -> str:
        return " ".join((self.name, str(self.budget), str(self.rounds), str(self.threads),
                         str(self.live), *self.operations))

    def only(self, operations: Sequence[str]) -> Series:
        """Of these. Not every operation has something that there can be more of."""
        return replace(self, operations=[name for name in operations
                                         if not self.live or name in self.operations])


@dataclass(frozen=True)
class Plan:
    """One boot's series. `cpus` is what the guest needs for them."""

    name: str
    series: Sequence[Series]
    cpus: int = 1

    def text(self) -> str:
        return "".join(f"{series}\n" for series in self.series)


@dataclass(frozen=True)
class Extent:
    """How much of everything one command measures: a plan is booted on each path."""

    name: str
    counted: Sequence[Plan]
    timed: Sequence[Plan]

    @property
    def whole(self) -> bool:
        """Whether no operation is left out."""
        return any(series.operations == EVERY for plan in self.counted for series in plan.series)

    def only(self, operations: Sequence[str]) -> Extent:
        """As long for these, and nothing else: for who works on them."""
        def some(plans: Sequence[Plan]) -> list[Plan]:
            made = [replace(plan, series=[one for series in plan.series
                                          if (one := series.only(operations)).operations])
                    for plan in plans]
            return [plan for plan in made if plan.series]

        return replace(self, counted=some(self.counted), timed=some(self.timed))


def _threads(budget: int, rounds: int, counts: Sequence[int] = COUNTS) -> Plan:
    return Plan("threads", [Series(THREADS, SCALED, budget, rounds, threads=count)
                            for count in counts], max(counts))


def _live(budget: int, rounds: int, decades: int) -> Plan:
    return Plan("live", [Series(LIVE, SCALED, budget, rounds, live=10 ** decade)
                         for decade in range(decades + 1)])


# A tick of the timer comes each 4 ms: most rounds that are shorter are without one.
_ROUND = 1_000_000


def _operations(budget: int, rounds: int) -> Plan:
    return Plan("operations", [Series(OPERATIONS, EVERY, budget, rounds)])


def full(processors: int) -> Extent:
    """In time, no more threads than the machine can run: else they wait for threads that do not run."""
    at_once = [count for count in COUNTS if count <= processors]
    return Extent(
        "full",
        counted=(_operations(_ROUND, 17), _threads(_ROUND, 9), _live(_ROUND, 9, 5)),
        timed=(_operations(_ROUND, 51), _threads(_ROUND, 9, at_once), _live(_ROUND, 17, 5)))


QUICK = Extent(
    "quick",
    counted=(_operations(_ROUND, 17), _threads(_ROUND // 2, 9), _live(_ROUND // 2, 9, 5)),
    timed=(_operations(_ROUND // 2, 25),))
# What `make test` holds against the baseline.
CHECK = Extent("check", counted=(_operations(_ROUND, 17),), timed=())
