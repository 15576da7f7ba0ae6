# SPDX-License-Identifier: GPL-2.0
"""The kernel's own complaints. One such line fails a run, whatever the tests say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# (what it is, how its first line looks). Case matters: "[Firmware Bug]" is not a "BUG:".
COMPLAINTS = (
    ("DMA API misuse", r"DMA-API:"),
    ("KFENCE report", r"BUG: KFENCE"),
    # A blind oracle is a failure too.
    ("KFENCE off", r"kfence: (disabled|failed|KFENCE_NUM|\w+ failed)"),
    ("warning", r"WARNING:"),
    ("bug", r"BUG:|kernel BUG at"),
    ("KASAN report", r"KASAN"),
    ("undefined behaviour", r"UBSAN"),
    ("lockdep report", r"INFO: possible|possible circular|possible irq lock|possible recursive"
                       r"|inconsistent lock state|bad unlock balance|held lock freed"
                       r"|suspicious RCU|INFO: trying to register non-static key"),
    # From here on it reports nothing.
    ("lockdep off", r"turning off the locking correctness validator|lockdep is turned off"),
    ("oops", r"Oops|general protection fault|unable to handle|invalid opcode"),
    ("panic", r"Kernel panic|\bpanicked at\b"),
    ("out of memory", r"Out of memory|invoked oom-killer|oom-kill:|page allocation failure"
                      r"|vmalloc error|SLUB: Unable to allocate"),
    ("call trace", r"Call Trace|cut here"),
    ("reference count", r"refcount_t:"),
    ("list corruption", r"list_(add|del) corruption"),
    ("slab corruption", r"=== BUG |Redzone overwritten|Poison overwritten|Object already free"),
    ("hung task", r"hung_task|blocked for more than"),
    ("stall", r"detected stalls?|self-detected stall|soft lockup|hard LOCKUP"),
    ("interrupt nobody handled", r"nobody cared|Disabling IRQ #"),
    ("IOMMU fault", r"DMAR: (DRHD: handling fault|\[.*\] Request device)|DMAR:.*fault addr"),
    ("bounce pool", r"swiotlb buffer is full|swiotlb addr .* overflow|DMA addr .* overflow"),
)

# What a healthy kernel with CONFIG_DMA_API_DEBUG=y prints, once each, at boot.
ALLOWED = (
    r"DMA-API: preallocated \d+ debug entries",
    r"DMA-API: debugging enabled by kernel config",
)

# The kernel's own doing: when the bounce pool is full, swiotlb asks for 4 MiB more in one piece, and
# does without if there are none, but not without a word. So it would be with a driver in C. The
# first line of that report, and the one that says whose it is, a few lines on: a case that runs
# meanwhile may print in between.
_GROWTH_FAILED = re.compile(r"(\[ *\d+\.\d+\] )?kworker/\S+: page allocation failure: order:\d+, .*")
_GROWTH = re.compile(r"(\[ *\d+\.\d+\] )?Workqueue: events swiotlb_dyn_alloc")
_REPORT = 30  # lines at most, up to the call trace's heading

_COMPLAINTS = tuple((what, re.compile(pattern)) for what, pattern in COMPLAINTS)
_ALLOWED = re.compile(r"(\[ *\d+\.\d+\] )?(" + "|".join(ALLOWED) + ")")


@dataclass(frozen=True)
class Complaint:
    what: str
    number: int  # of the line in the log, from 1
    line: str

    def __str__(self) -> str:
        return f"line {self.number}: {self.what}: {self.line}"


def _of_growth(lines: Sequence[str], at: int) -> bool:
    """Whether a report begins here that the bounce pool could not grow."""
    return bool(_GROWTH_FAILED.fullmatch(lines[at])) and any(
        _GROWTH.fullmatch(line) for line in lines[at + 1:at + _REPORT])


def complaints(log: Iterable[str]) -> list[Complaint]:
    """Every complaint in a whole boot log, from the first line of the firmware on."""
    lines = list(log)
    found = []
    trace_by = 0  # The line by which an allowed report has its call trace.
    for at, line in enumerate(lines):
        if _ALLOWED.fullmatch(line):
            continue
        if _of_growth(lines, at):
            trace_by = at + _REPORT
            continue
        if at < trace_by and "Call Trace:" in line:
            trace_by = 0
            continue
        for what, pattern in _COMPLAINTS:
            if pattern.search(line):
                found.append(Complaint(what, at + 1, line))
                break
    return found
