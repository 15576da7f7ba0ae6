# SPDX-License-Identifier: GPL-2.0
"""What was found out: the ratios to C, the worst of them, and what the mapped pool saves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench import figures, machines
from bench.boots import COUNTED, Boot, measurements
from bench.plan import OPERATIONS
from bench.rounds import C, POOL, RUST, Measurement

# The loop around the operation, alone: no operation.
EMPTY = "empty"

# What a pool may do with interrupts off at a time, in instructions: to move a batch takes about half.
LONGEST = 1000


@dataclass(frozen=True)
class Ratio:
    path: str
    operation: str
    column: str
    value: float  # instructions, to those of C


def usable(run: Measurement, *columns: str) -> bool:
    """A column without a round has been reported as a problem already."""
    return all(run.columns.get(column) for column in columns)


def counted(boots: Sequence[Boot], path: str) -> list[Measurement]:
    return measurements(boots, path, COUNTED, OPERATIONS)


def ratios(boots: Sequence[Boot], columns: Iterable[str] = (RUST, POOL),
           paths: Iterable[str] = tuple(machines.PATHS)) -> list[Ratio]:
    return [Ratio(path, run.operation, column, figures.ratio(run, column, C))
            for path in paths for run in counted(boots, path) if run.operation != EMPTY
            for column in columns if usable(run, C, column)]


def worst(boots: Sequence[Boot]) -> Ratio | None:
    """The pool's, too: where mapping costs C little, the pool must not cost more."""
    return max(ratios(boots), key=lambda ratio: ratio.value, default=None)


def pool_gain(boots: Sequence[Boot]) -> float | None:
    """How many times fewer instructions an I/O takes than C's map and unmap: the least gain."""
    worst_pool = max(ratios(boots, (POOL,), (machines.STRICTEST,)),
                     key=lambda ratio: ratio.value, default=None)
    return 1 / worst_pool.value if worst_pool else None


def too_long(boots: Sequence[Boot]) -> list[str]:
    """Sections with interrupts off that are longer than they may be."""
    return [f"{path}: {run.operation}: {run.longest}" for path in machines.PATHS
            for run in counted(boots, path) if run.longest is not None and run.longest > LONGEST]


def last_line(boots: Sequence[Boot]) -> str:
    most, gain = worst(boots), pool_gain(boots)
    ratio = f"{most.value:.3f} ({most.operation}, {most.path})" if most else "unknown"
    pool = f"{gain:.1f}x" if gain else "unknown"
    return f"bench: worst ratio to C {ratio}; mapped pool {pool}"
