# SPDX-License-Identifier: GPL-2.0
"""A disk of the NVMe driver on the kernel of the tests, which watches DMA and locks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import judge
import nvme
import qemu
from disks import AFTER, BEFORE, MAIN, PORT, device_of, node, scratch
from qmp import Handle
from report import Case, verdict
from session import Session, Work, boot_and_judge
from variants import VARIANTS, Variant

TESTS = ("disk_watched",)

# Where a missing sync is wrong data, and where what is not mapped is refused.
WITH = ("swiotlb-force", "iommu-strict")

# Where interrupts come by a line, which a controller holds until its completions are taken.
LINE, NO_MESSAGES = "direct", "pci=nomsi"


def _one(session: Session, image: Path, variant: Variant, *words: str) -> list[Case]:
    group = f"disks-watched/{variant.name}"
    with scratch() as folder:
        handle = Handle(folder)
        main = folder / "main"
        main.write_bytes(nvme.pattern(BEFORE))
        boot = qemu.Boot(variant, session.kdir, image, TESTS, session.accel,
                         ("edu", PORT, device_of(MAIN)), ("kunit.enable=0", *words), session.timeout,
                         (*handle.words, *node("main", main)))
        cases = boot_and_judge(session, boot, judge.Demands(boot.tests, variant), group)
        same = main.read_bytes() == nvme.pattern(AFTER)
        return [*cases, verdict(group, "the disk has what the guest wrote last", same, "it differs")]


def boots(session: Session, names: Sequence[str]) -> list[Work]:
    """The boots on a kernel that watches. In real time: a guest that waits for its disk has nothing else to do."""
    if not session.has("CONFIG_DMA_API_DEBUG"):
        return []
    session.forget_logs("disks-watched")
    image = session.make_initramfs("disks-watched", ["nvme"])

    def boot(name: str, *words: str) -> Work:
        return partial(_one, session, image, replace(VARIANTS[name], cpus=2, icount=None), *words)

    works = [boot(name) for name in WITH if not names or name in names]
    if not names or LINE in names:
        works.append(boot(LINE, NO_MESSAGES))
    return works
