# SPDX-License-Identifier: GPL-2.0
"""What was found out: the figures of all paths, the targets, the last line; kept as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.figures import Estimate
from nvme_bench.figures import Comparison, Instructions, Times

# In instructions of an I/O, to those of C, of 4 KiB on the first path and of all others.
SMALL_DIRECT = 0.95
OTHERS = 1.00
# In IOPS, to those of C, where a small I/O may be copied instead of mapped.
STAGED = 1.3
STAGED_PATH = "iommu-strict"
STAGED_WORKLOADS = ("read-4k-32", "write-4k-32")


@dataclass(frozen=True)
class Allocations:
    """Of one I/O: slab objects and pages, by each driver and by the loop alone."""

    path: str
    workload: str
    first: float
    second: float
    none: float


@dataclass
class Results:
    drivers: list[str]
    comparisons: list[Comparison] = field(default_factory=list)
    times: list[Times] = field(default_factory=list)
    allocations: list[Allocations] = field(default_factory=list)
    disks: dict[str, dict[str, str]] = field(default_factory=dict)  # by path and driver
    about: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    what: str
    met: bool | None  # None: not measured
    detail: str


def _limit(each: Comparison) -> float:
    small_direct = each.path == "direct" and "-4k-" in each.workload
    return SMALL_DIRECT if small_direct else OTHERS


def _instructions_target(what: str, found: Sequence[Comparison], limit: float) -> Target:
    over = [each for each in found if each.ratio > limit]
    detail = ""
    if over:
        worst = max(over, key=lambda each: each.ratio)
        detail = (f"{len(over)} of {len(found)}, the worst {worst.ratio:.3f} "
                  f"({worst.workload}, {worst.path})")
    return Target(what, not over if found else None, detail)


def targets(results: Results) -> list[Target]:
    small = [each for each in results.comparisons if _limit(each) == SMALL_DIRECT]
    others = [each for each in results.comparisons if _limit(each) != SMALL_DIRECT]
    staged = [each for each in results.times
              if each.path == STAGED_PATH and each.workload in STAGED_WORKLOADS]
    slow = [f"{each.workload}: {each.ratio.value:.2f}" for each in staged
            if each.ratio.value < STAGED]
    # Its looks at the disk allocate, too.
    more = [f"{each.workload}, {each.path}: {each.second - each.none:.2f}"
            for each in results.allocations if each.second - each.none > 0.05]
    return [
        _instructions_target(f"I/Os of 4 KiB, direct: at most {SMALL_DIRECT:.2f} of C's instructions",
                             small, SMALL_DIRECT),
        _instructions_target(f"all others: at most {OTHERS:.2f} of C's instructions", others, OTHERS),
        Target(f"I/Os of 4 KiB at depth 32, {STAGED_PATH}: at least {STAGED} times C's IOPS",
               not slow if staged else None, "; ".join(slow)),
        Target("no allocation for an I/O", not more if results.allocations else None,
               "; ".join(more)),
    ]


def last_line(results: Results) -> str:
    ordered = sorted(results.comparisons, key=lambda each: each.ratio)
    if not ordered:
        return "nvme: worst ratio to C unknown, best unknown"
    best, worst = ordered[0], ordered[-1]
    return (f"nvme: worst ratio to C {worst.ratio:.3f} ({worst.workload}, {worst.path}), "
            f"best {best.ratio:.3f} ({best.workload}, {best.path})")


def write(results: Results, file: Path) -> None:
    file.write_text(json.dumps(asdict(results), indent=1) + "\n")


def _comparison(data: dict) -> Comparison:
    parts = {name: Instructions(**data[name]) for name in ("first", "second", "none")}
    return Comparison(**{**data, **parts})


def _times(data: dict) -> Times:
    parts = {name: Estimate(**data[name]) for name in ("first", "second", "ratio")}
    latencies = {role: tuple(values) for role, values in data["latencies"].items()}
    return Times(**{**data, **parts, "latencies": latencies})


def read(file: Path) -> Results:
    data = json.loads(file.read_text())
    return Results(data["drivers"], [_comparison(each) for each in data["comparisons"]],
                   [_times(each) for each in data["times"]],
                   [Allocations(**each) for each in data["allocations"]],
                   data["disks"], data["about"])
