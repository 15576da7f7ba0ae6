# SPDX-License-Identifier: GPL-2.0
"""The same modules in Debian's own kernel image: the demo, a driver outside the tree, unloading."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import judge
import matrix
import qemu
from proofs import ALWAYS_UNWATCHED, Proof, line
from report import Case, Stop
from session import Session, boot_and_judge
from variants import VARIANTS, Variant

TESTS = ("demo", "counted", "outside", "unload")

# Kernels that are built here have no suffix.
DEBIAN = Proof("the kernel is Debian's", line(r"Linux version \S+\+deb\d+-(cloud-|rt-)?amd64 \("))


def machine() -> Variant:
    """No DMA debugging watches: what this kernel shows is that the modules fit it."""
    return replace(VARIANTS["direct"], name="stock", what="Debian's kernel image, unmodified",
                   always=(*ALWAYS_UNWATCHED, DEBIAN))


def kernels_own(command: str) -> Path:
    """The folder with Debian's own modules for disks."""
    folder = os.environ.get("DMA_MAP_DISKS_MODULES")
    if folder is None:
        raise Stop(f"DMA_MAP_DISKS_MODULES is not set: run this as tools/dma_map/harness {command}")
    return Path(folder)


def run(session: Session) -> list[Case]:
    session.forget_logs("stock")
    boot = qemu.Boot(machine(), session.kdir, matrix.with_outside(session, "stock"), TESTS,
                     session.accel, matrix.DEVICES, (), session.timeout)
    return boot_and_judge(session, boot, judge.Demands(TESTS, machine()), "stock")
