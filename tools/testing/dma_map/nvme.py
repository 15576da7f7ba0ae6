# SPDX-License-Identifier: GPL-2.0
"""The NVMe driver on QEMU's controller, whose disk the host writes before and reads afterwards."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import judge
import qemu
import stock
from report import Case, say, verdict
from session import Session, Work, boot_and_judge
from variants import VARIANTS, Variant

TESTS = ("nvme",)

# What the guest finds, and what it leaves (guest/nvme.sh).
BEFORE, AFTER = 1, 4

# A disk that remembers nothing, and takes one write a second.
SLOW = ("-drive", "if=none,id=slow,driver=null-co,size=1M,read-zeroes=on,throttling.iops-write=1")

# A namespace of two controllers.
SHARED = ("-drive", "if=none,id=shared,driver=null-co,size=1M,read-zeroes=on")
SUBSYSTEM = ("nvme-subsys,id=subsystem", "nvme,id=first,serial=shared,subsys=subsystem",
             "nvme,serial=shared,subsys=subsystem", "nvme-ns,drive=shared,nsid=1,bus=first")

BLOCK_BYTES = 512
BLOCKS = 8192

# Each way in which a controller reaches memory.
WITH = ("direct", "swiotlb-force", "iommu-strict", "iommu-lazy")

# With KASAN a boot takes twice as long. The others take the same ways through Rust's code.
WITH_KASAN = ("swiotlb-force", "iommu-strict")


def pattern(seed: int, blocks: int = BLOCKS) -> bytes:
    """A disk whose words say where they are, as tools/dma_map/nvme/pattern.c makes it."""
    words = array("Q", (seed << 48 | block << 8 | word
                        for block in range(blocks) for word in range(BLOCK_BYTES // 8)))
    return words.tobytes()


def _one(session: Session, initramfs: Path, variant: Variant, group: str) -> list[Case]:
    disk = session.logs / f"{group.replace('/', '.')}.disk"
    disk.write_bytes(pattern(BEFORE))
    boot = qemu.Boot(variant, session.kdir, initramfs, TESTS, session.accel,
                     ("edu", "nvme,serial=dma_map,drive=disk", "nvme,serial=slow,drive=slow",
                      *SUBSYSTEM),
                     ("kunit.enable=0",), session.timeout,
                     ("-drive", f"if=none,id=disk,format=raw,file={disk}", *SLOW, *SHARED))
    cases = boot_and_judge(session, boot, judge.Demands(TESTS, variant), group)
    cases.append(verdict(group, "the disk has what the guest wrote last",
                         disk.read_bytes() == pattern(AFTER), "it differs"))
    disk.unlink()
    return cases


def machines(session: Session, names: Sequence[str]) -> list[Variant]:
    """The variants to boot; on Debian's kernel, one that nothing watches."""
    if not session.has("CONFIG_DMA_API_DEBUG"):
        return [stock.machine()]
    usual = WITH_KASAN if session.llvm else WITH
    return [VARIANTS[name] for name in names or usual if name in WITH]


def boots(session: Session, names: Sequence[str]) -> list[Work]:
    session.forget_logs("nvme")
    image = session.make_initramfs("nvme", ["nvme"])
    chosen = machines(session, names)
    say(f"nvme: {len(chosen)} boots")
    return [partial(_one, session, image, variant, f"nvme/{variant.name}") for variant in chosen]

