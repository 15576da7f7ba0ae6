# SPDX-License-Identifier: GPL-2.0
"""The figures as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence

from bench.figures import Estimate
from nvme_bench.figures import FIRST, SECOND
from nvme_bench.plan import C, RUST
from nvme_bench.results import Results, Target, targets
from report import table

NAMES = {C: "C", RUST: "Rust"}
VERDICTS = {True: "met", False: "missed", None: "not measured"}


def _names(results: Results) -> tuple[str, str]:
    first, second = (NAMES[driver] for driver in results.drivers)
    return first, second if second != first else f"{second} again"


def instructions(results: Results) -> str:
    first, second = _names(results)
    rows = [(each.path, each.workload, f"{each.first.all:.0f}", f"{each.second.all:.0f}",
             f"{each.raw_ratio:.3f}", f"{each.loop:.0f}",
             f"{each.net(each.first):.0f}", f"{each.net(each.second):.0f}",
             f"{each.ratio:.3f}", f"{each.first.modules:.0f}", f"{each.second.modules:.0f}",
             f"{100 * each.spread:.2f} %") for each in results.comparisons]
    return table(("path", "workload", f"all: {first}", second, "ratio", "loop", f"net: {first}", second,
                  "ratio", f"in modules: {first}", second, "spread"), rows)


def _interval(found: Estimate, digits: int) -> str:
    return f"{found.value:.{digits}f} [{found.low:.{digits}f}, {found.high:.{digits}f}]"


def times(results: Results) -> str:
    first, second = _names(results)
    rows = [(each.path, each.workload, _interval(each.first, 0), _interval(each.second, 0),
             _interval(each.ratio, 2),
             *("/".join(f"{value:.0f}" for value in each.latencies[role]) for role in (FIRST, SECOND)))
            for each in results.times]
    return table(("path", "workload", f"IOPS: {first}", second, "ratio",
                  f"us, mean/50/99/99.9 %: {first}", second), rows)


def allocations(results: Results) -> str:
    first, second = _names(results)
    rows = [(each.path, each.workload, f"{each.first:.3f}", f"{each.second:.3f}", f"{each.none:.3f}")
            for each in results.allocations]
    return table(("path", "workload", first, second, "loop"), rows)


def _target(target: Target) -> tuple[str, str, str]:
    return target.what, VERDICTS[target.met], target.detail


def disks(results: Results) -> str:
    rows = [(path, NAMES.get(driver, "null_blk"), said) for path, mine in results.disks.items()
            for driver, said in mine.items()]
    return table(("path", "driver", "queue"), rows)


def summary(results: Results) -> str:
    return table(("target", "", "where not"), [_target(target) for target in targets(results)])


def sections(results: Results) -> Sequence[tuple[str, str]]:
    """Title and table, of what was measured."""
    found = []
    if results.comparisons:
        found.append(("Instructions of an I/O", instructions(results)))
    if results.times:
        found.append(("I/Os a second in real time, with 95 % intervals, and latencies",
                      times(results)))
    if results.allocations:
        found.append(("Allocations of an I/O, of slabs and of pages", allocations(results)))
    if results.disks:
        found.append(("The disks", disks(results)))
    found.append(("Targets", summary(results)))
    return found


def report(results: Results) -> str:
    return "\n\n".join(f"{title}\n\n{text}" for title, text in sections(results))
