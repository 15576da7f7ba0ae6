# SPDX-License-Identifier: GPL-2.0
"""What the facts and the log of a boot can prove about the machine."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from transcript import Transcript

Check = Callable[[Transcript, Sequence[str]], bool]

# QEMU's edu can address 256 MiB.
EDU_REACH = 1 << 28


@dataclass(frozen=True)
class Proof:
    """A claim about a boot that the guest's own facts, or the kernel's own log, must bear out."""

    claim: str
    holds: Check
    traffic: bool = False  # speaks of what the demo moved, so a boot without it can't show it


def fact(name: str, holds: Callable[[str], bool]) -> Check:
    """A fact that was not stated proves nothing."""
    return lambda transcript, _: name in transcript.facts and holds(transcript.facts[name])


def facts_like(pattern: str, holds: Callable[[list[str]], bool]) -> Check:
    """The values of every fact whose name matches; an empty list proves nothing."""
    def check(transcript: Transcript, _: Sequence[str]) -> bool:
        values = [value for name, value in transcript.facts.items() if re.fullmatch(pattern, name)]
        return bool(values) and holds(values)
    return check


def line(pattern: str, holds: Callable[[re.Match[str]], bool] = bool) -> Check:
    """A line of the kernel's log."""
    compiled = re.compile(pattern)
    return lambda _, log: any(holds(match) for match in map(compiled.search, log) if match)


def number(holds: Callable[[int], bool]) -> Callable[[str], bool]:
    return lambda value: value.isdigit() and holds(int(value))


def ram(mib: int) -> Check:
    """The kernel counts what the firmware and its own earliest tables leave: a little less."""
    return line(r"Memory: \d+K/(\d+)K available",
                lambda match: 0.95 * mib < int(match.group(1)) / 1024 <= mib)


SMALL = Proof("RAM is within 28 bits", ram(256))
POOL = r"software IO TLB: mapped \[mem 0x([0-9a-f]+)-"

POOL_IN_REACH = Proof("the static bounce pool is within the device's reach",
                      line(POOL, lambda match: int(match.group(1), 16) < EDU_REACH))
POOL_OUT_OF_REACH = Proof("the static bounce pool is out of the device's reach",
                          line(POOL, lambda match: int(match.group(1), 16) >= EDU_REACH))
BOUNCED = Proof("buffers bounced", fact("swiotlb.hiwater", number(lambda slots: slots > 0)),
                traffic=True)
NOT_BOUNCED = Proof("nothing bounced", fact("swiotlb.hiwater", number(lambda slots: slots == 0)),
                    traffic=True)
NO_IOMMU = Proof("no IOMMU", fact("iommu.groups", number(lambda groups: groups == 0)))
TRANSLATES = Proof("the kernel has an Intel IOMMU, and it is on",
                   line(r"DMAR: Intel\(R\) Virtualization Technology for Directed I/O"))
STRICT = Proof("flushes are strict", line(r"TLB invalidation policy: strict mode"))
LAZY = Proof("flushes are lazy", line(r"TLB invalidation policy: lazy mode"))
NO_SLOT_LEFT = Proof("no bounce slot is left in use",
                     fact("swiotlb.used", number(lambda used: used == 0)))

KFENCE = (
    Proof("KFENCE stayed on", fact("kfence.enabled", lambda value: value == "1")),
    Proof("KFENCE guarded what the tests allocated",
          fact("kfence.guarded", number(lambda objects: objects >= 1000))),
    Proof("KFENCE found no bug", fact("kfence.bugs", number(lambda bugs: bugs == 0))),
)

UNWATCHED = Proof("nothing watches DMA",
                  fact("dma_debug.disabled", lambda value: value == "missing"))
EDU = Proof("the guest has edu devices", fact("edu.devices", number(lambda count: count > 0)))

# On the kernel of the tests, and on the one that is measured.
ALWAYS = (
    Proof("DMA debugging stayed on", fact("dma_debug.disabled", lambda value: value == "N")),
    Proof("DMA debugging counted no error",
          fact("dma_debug.error_count", number(lambda errors: errors == 0))),
    Proof("no DMA mapping is left after the modules are gone",
          fact("dma_debug.outstanding", number(lambda entries: entries == 0))),
    NO_SLOT_LEFT,
    EDU,
)
ALWAYS_UNWATCHED = (UNWATCHED, NO_SLOT_LEFT, EDU)


def domain(kind: str) -> Proof:
    return Proof(f"each device sits in a translated domain of type {kind}",
                 facts_like(r"iommu\.type\..*", lambda types: all(t == kind for t in types)))
