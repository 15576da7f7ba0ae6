# SPDX-License-Identifier: GPL-2.0
"""What to run: which I/O, by which driver, in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

C, RUST, NULL = "c", "rust", "null"
COUNTED, TIMED = "counted", "timed"

# Of each run: io_sample looks that often, after so many us of guest time each.
PERIOD = 10_000
EVENT_LOOKS = 11


@dataclass(frozen=True)
class Workload:
    """One kind of I/O, as fio makes it."""

    write: bool
    kib: int
    depth: int
    jobs: int = 1

    @property
    def name(self) -> str:
        kind = "write" if self.write else "read"
        return f"{kind}-{self.kib}k-{self.depth}" + (f"-j{self.jobs}" if self.jobs > 1 else "")

    @property
    def small(self) -> bool:
        return self.kib <= 4

    def options(self, batches: bool) -> list[str]:
        """In batches, each is as deep as the queue, and no I/O follows before all are done."""
        kind = "write" if self.write else "read"
        words = [f"rw={'rand' if self.small else ''}{kind}", f"bs={self.kib}k",
                 f"iodepth={self.depth}", f"numjobs={self.jobs}"]
        if not self.small:
            # How scattered small pages are is luck, and decides what a mapping costs.
            words.append("iomem=shmhuge")
        if batches and self.depth > 1:
            words += [f"iodepth_batch_submit={self.depth}", f"iodepth_batch_complete_min={self.depth}",
                      f"iodepth_batch_complete_max={self.depth}"]
        return words


# Of all runs. The disk is empty space: what an offset is costs nothing, and is not remembered.
COMMON = ("ioengine=io_uring", "direct=1", "norandommap", "random_generator=tausworthe64",
          "randrepeat=1", "group_reporting", "disk_util=0", "time_based")


@dataclass(frozen=True)
class Extent:
    """How much of everything one command measures."""

    name: str
    counted: Sequence[Workload]
    timed: Sequence[Workload]
    counted_rounds: int
    timed_rounds: int
    looks: int
    milliseconds: int  # that a run of the timed ones takes

    def only(self, names: Sequence[str], clocks: Sequence[str]) -> Extent:
        """Of these workloads, on these clocks; all if none is named."""
        def some(workloads: Sequence[Workload], clock: str) -> list[Workload]:
            return [workload for workload in workloads
                    if (not names or workload.name in names) and (not clocks or clock in clocks)]

        return replace(self, counted=some(self.counted, COUNTED), timed=some(self.timed, TIMED))


def _both(kib: int, depths: Sequence[int], jobs: Sequence[int] = (1,)) -> list[Workload]:
    return [Workload(write, kib, depth, count) for count in jobs for depth in depths
            for write in (False, True)]


FULL = Extent("full", counted=[*_both(4, (1, 32, 128)), *_both(4, (32,), (2, 4)), *_both(128, (8,))],
              timed=[*_both(4, (1, 32, 128)), *_both(4, (32,), (2, 4)), *_both(128, (8,), (1, 2, 4))],
              counted_rounds=2, timed_rounds=12, looks=21, milliseconds=300)
QUICK = Extent("quick", counted=[*_both(4, (1, 32)), *_both(128, (8,))], timed=_both(4, (32,)),
               counted_rounds=1, timed_rounds=8, looks=11, milliseconds=300)
EXTENTS = {extent.name: extent for extent in (FULL, QUICK)}


def known(extent: Extent) -> set[str]:
    return {workload.name for workload in (*extent.counted, *extent.timed)}


def _count(workload: Workload, looks: int, events: bool) -> str:
    words = [f"--{option}" for option in (*COMMON, "gtod_reduce=1", *workload.options(batches=True))]
    verb = "events" if events else "count"
    return " ".join((verb, workload.name, str(PERIOD), str(looks), *words))


def counted(extent: Extent, drivers: Sequence[str]) -> str:
    """The guest's plan: the drivers by turns, then once without any, then allocations."""
    lines = []
    for _ in range(extent.counted_rounds):
        for role, driver in zip("ab", drivers):
            lines.append(f"use {role} {driver}")
            lines += [_count(workload, extent.looks, False) for workload in extent.counted]
    lines.append(f"use n {NULL}")
    lines += [_count(workload, extent.looks, False) for workload in extent.counted]
    for role, driver in (*zip("ab", drivers), ("n", NULL)):
        lines.append(f"use {role} {driver}")
        lines += [_count(workload, EVENT_LOOKS, True) for workload in extent.counted
                  if workload.jobs == 1]
    return "\n".join(lines) + "\n"


def timed(extent: Extent, drivers: Sequence[str]) -> str:
    """The drivers by turns. What each does is in one file of fio's, which starts slowly."""
    lines = []
    for _ in range(extent.timed_rounds):
        for role, driver in zip("ab", drivers):
            lines += [f"use {role} {driver}", "time"]
    return "\n".join(lines) + "\n"


def jobs(extent: Extent) -> str:
    """fio's file for all timed workloads, one after the other."""
    lines = ["[global]", *COMMON, "filename=${DISK}", f"runtime={extent.milliseconds}ms",
             "ramp_time=50ms", "percentile_list=50:99:99.9"]
    for workload in extent.timed:
        lines += [f"[{workload.name}]", "stonewall", *workload.options(batches=False)]
    return "\n".join(lines) + "\n"
