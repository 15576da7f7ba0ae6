# SPDX-License-Identifier: GPL-2.0
"""Numbers from rounds.

Counted instructions: the lower quartile of the rounds. Most operations take the same number in each
round that no timer tick falls into, and this is that number. Those that search trees (addresses of
an IOMMU, virtual addresses) take a few more or less with the tree, and the least of such rounds
would be one column's luck.

Time: the median, with an interval from order statistics, which assumes nothing about how times are
spread; and a ratio is the median of the ratios of neighbouring rounds, so that a slow spell of the
machine, which hits both, cancels out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from statistics import median

from bench.rounds import Measurement

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A median, and between what the true one lies with this confidence."""

    value: float
    low: float
    high: float
    confidence: float

    def scaled(self, factor: float) -> Estimate:
        return Estimate(self.value * factor, self.low * factor, self.high * factor,
                        self.confidence)


def coverage(count: int, skipped: int) -> float:
    """How likely the median is between the values that are left, with `skipped` off each end."""
    return 1 - 2 * sum(comb(count, k) for k in range(skipped + 1)) / 2 ** count


def estimate(values: Sequence[float]) -> Estimate:
    """The narrowest such interval. With fewer than 6 values even the widest covers less."""
    ordered = sorted(values)
    skipped = 0
    while coverage(len(ordered), skipped + 1) >= CONFIDENCE:
        skipped += 1
    return Estimate(median(ordered), ordered[skipped], ordered[-1 - skipped],
                    coverage(len(ordered), skipped))


def lower_quartile(values: Sequence[int]) -> int:
    """One of them; of 9 the third."""
    return sorted(values)[(len(values) - 1) // 4]


def instructions(run: Measurement, column: str) -> float:
    """Of one operation, with its share of the loop around it."""
    return lower_quartile([each.cycles for each in run.columns[column]]) / run.operations


def spread(run: Measurement, column: str) -> float:
    """By how much of the least round the quartile is above it: 0 if that many rounds agree."""
    cycles = [each.cycles for each in run.columns[column]]
    return lower_quartile(cycles) / min(cycles) - 1


def ratio(run: Measurement, column: str, base: str) -> float:
    return instructions(run, column) / instructions(run, base)


def time(run: Measurement, column: str) -> Estimate:
    """Of one operation, in ns. Of several threads: of all of them, until the last is done."""
    return estimate([each.ns for each in run.columns[column]]).scaled(1 / run.operations)


def time_ratio(run: Measurement, column: str, base: str) -> Estimate:
    return estimate([mine.ns / other.ns for mine, other
                     in zip(run.columns[column], run.columns[base], strict=True)])
