# SPDX-License-Identifier: GPL-2.0
"""The driver of a network card that sends to itself, on QEMU's e1000e."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import judge
import nvme
import qemu
from report import Case, say
from session import Session, Work, boot_and_judge, in_parallel
from variants import Variant

TESTS = ("nic",)

# A card that is marked for the driver, and one that is somebody's network. No ROM to boot from.
CARD = "e1000e,romfile="
DEVICES = ("edu", f"{CARD},subsys_ven=0x1af4,subsys=0x1100", CARD)


def _one(session: Session, initramfs: Path, variant: Variant) -> list[Case]:
    boot = qemu.Boot(variant, session.kdir, initramfs, TESTS, session.accel, DEVICES,
                     ("kunit.enable=0",), session.timeout)
    return boot_and_judge(session, boot, judge.Demands(TESTS, variant), f"nic/{variant.name}")


def boots(session: Session, names: Sequence[str]) -> list[Work]:
    session.forget_logs("nic")
    image = session.make_initramfs("nic", ["nic"])
    chosen = nvme.machines(session, names)
    say(f"nic: {len(chosen)} boots")
    return [partial(_one, session, image, variant) for variant in chosen]


def run(session: Session, names: Sequence[str]) -> list[Case]:
    return in_parallel(session, boots(session, names))
