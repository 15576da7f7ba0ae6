# SPDX-License-Identifier: GPL-2.0
"""The kernel's own complaints. One such line fails a run, whatever the tests say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# (what it is, how its first line looks). Case matters: "[Firmware Bug]" is not a "BUG:".
COMPLAINTS = (
    ("DMA API misuse", r"DMA-API:"),
    ("warning", r"WARNING:"),
    ("bug", r"BUG:|kernel BUG at"),
    ("KASAN report", r"KASAN"),
    ("undefined behaviour", r"UBSAN"),
    ("lockdep report", r"INFO: possible|possible circular|possible irq lock|possible recursive"
                       r"|inconsistent lock state|bad unlock balance|held lock freed"
                       r"|suspicious RCU|INFO: trying to register non-static key"),
    # A blind oracle is a failure too: from here on lockdep reports nothing.
    ("lockdep off", r"turning off the locking correctness validator|lockdep is turned off"),
    ("oops", r"Oops|general protection fault|unable to handle|invalid opcode"),
    ("panic", r"Kernel panic|\bpanicked at\b"),
    ("out of memory", r"Out of memory|invoked oom-killer|page allocation failure"),
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

_COMPLAINTS = tuple((what, re.compile(pattern)) for what, pattern in COMPLAINTS)
_ALLOWED = re.compile(r"(\[ *\d+\.\d+\] )?(" + "|".join(ALLOWED) + ")")


@dataclass(frozen=True)
class Complaint:
    what: str
    number: int  # of the line in the log, from 1
    line: str

    def __str__(self) -> str:
        return f"line {self.number}: {self.what}: {self.line}"


def complaints(log: Iterable[str]) -> list[Complaint]:
    """Every complaint in a whole boot log, from the first line of the firmware on."""
    found = []
    for number, line in enumerate(log, 1):
        if _ALLOWED.fullmatch(line):
            continue
        for what, pattern in _COMPLAINTS:
            if pattern.search(line):
                found.append(Complaint(what, number, line))
                break
    return found
