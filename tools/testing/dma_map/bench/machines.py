# SPDX-License-Identifier: GPL-2.0
"""The four ways that a mapping can take, and the two clocks to measure it with."""

from __future__ import annotations

from dataclasses import replace

from proofs import (BOUNCED, LAZY, NO_IOMMU, NO_SLOT_LEFT, NOT_BOUNCED, STRICT, TRANSLATES,
                    UNWATCHED, Proof, domain, fact, number)
from variants import IOMMU, TRACK, Variant

DEVICES = ("pci-testdev",)

# Watched, an operation costs many times as much, and C another share of it than Rust.
ALWAYS = (
    UNWATCHED,
    NO_SLOT_LEFT,
    Proof("the guest has an idle PCI function",
          fact("idle.devices", number(lambda count: count > 0))),
)

# Room for 100,000 live mappings, and for as many bounce slots.
MEMORY = "2G"
SLOTS = 1 << 18


def _path(name: str, what: str, cmdline: tuple[str, ...], proofs: tuple[Proof, ...],
          devices: tuple[str, ...] = ()) -> Variant:
    return Variant(name, what, memory=MEMORY, devices=devices, cmdline=cmdline, proofs=proofs,
                   always=ALWAYS)


PATHS = {path.name: path for path in (
    _path("direct", "the default: no IOMMU, no bounce buffers", (f"swiotlb={TRACK}",),
          (NOT_BOUNCED, NO_IOMMU)),
    _path("swiotlb-force", "every streaming mapping bounces", (f"swiotlb={SLOTS},force,{TRACK}",),
          (BOUNCED, NO_IOMMU)),
    _path("iommu-strict", "Intel IOMMU, IOTLB flushed at each unmap",
          ("intel_iommu=on", "iommu.strict=1"), (TRANSLATES, domain("DMA"), STRICT), IOMMU),
    _path("iommu-lazy", "Intel IOMMU, IOTLB flushed in batches",
          ("intel_iommu=on", "iommu.strict=0"), (TRANSLATES, domain("DMA-FQ"), LAZY), IOMMU),
)}

DEFAULT = "direct"
STRICTEST = "iommu-strict"


# Its calibration polls the counter for 100 ms, which with -icount is most of the boot: 5 s with one
# CPU, 10 with eight. Without it the other timer ticks.
NO_CALIBRATION = "nolapic_timer"


def counting(path: Variant, cpus: int = 1) -> Variant:
    """Where the time stamp counter counts the guest's instructions, of all CPUs together."""
    return replace(path, icount=0, cpus=cpus, cmdline=(*path.cmdline, NO_CALIBRATION))


def in_real_time(path: Variant, cpus: int = 1) -> Variant:
    return replace(path, icount=None, cpus=cpus)
