# SPDX-License-Identifier: GPL-2.0
"""What to boot: the four paths, a controller with an empty disk, and two clocks."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import qemu
from bench import machines
from proofs import NO_SLOT_LEFT, UNWATCHED, fact, number, Proof
from report import Stop
from session import Session
from variants import TRACK, Variant

# As many bytes as null_blk has.
DRIVE = ("-drive", "if=none,id=disk,driver=null-co,size=1G,read-zeroes=off")
CONTROLLER = "nvme,serial=dma_map,drive=disk"

HAS_CONTROLLER = Proof("the guest has an NVMe controller",
                       fact("nvme.devices", number(lambda count: count > 0)))

# For the buffers of large I/O.
HUGE_PAGES = "hugepages=16"

# Of the bounce pool: for four jobs of 32 commands of 128 KiB, and some.
SLOTS = 1 << 15


def _path(variant: Variant) -> Variant:
    cmdline = tuple(word if not word.startswith("swiotlb=") or "force" not in word
                    else f"swiotlb={SLOTS},force,{TRACK}" for word in variant.cmdline)
    return replace(variant, memory="1G", cmdline=(*cmdline, HUGE_PAGES),
                   always=(UNWATCHED, NO_SLOT_LEFT, HAS_CONTROLLER))


PATHS = {name: _path(variant) for name, variant in machines.PATHS.items()}


def counting(path: Variant) -> Variant:
    return machines.counting(path)


def in_real_time(path: Variant) -> Variant:
    return machines.in_real_time(path, cpus=min(2, os.cpu_count() or 1))


def boot(session: Session, variant: Variant, image: Path, more: Sequence[str] = ()) -> qemu.Boot:
    return qemu.Boot(variant, session.kdir, image, ["nvme_bench"], session.accel, (CONTROLLER,), (),
                     session.timeout, (*DRIVE, *more))


def plugin(library: Path, out: Path) -> tuple[str, ...]:
    return "-plugin", f"{library},out={out}"


def at_once(words: Sequence[str], cpu: int) -> list[str]:
    """QEMU on one CPU, where its main thread, which plays the devices, goes before all others.

    So a command is carried out as soon as the guest has rung the doorbell, and the guest's next
    instruction finds it done: how many commands an interrupt completes depends on the driver only.
    The threads that QEMU starts are ordinary ones (-R).
    """
    return ["taskset", "-c", str(cpu), "chrt", "-R", "-f", "1", *words]


def check_priority() -> None:
    """Stops the run where that priority can't be had."""
    if not (shutil.which("taskset") and shutil.which("chrt")):
        raise Stop("taskset or chrt is missing: install the package util-linux")
    done = subprocess.run(at_once(["true"], min(os.sched_getaffinity(0))), check=False,
                          capture_output=True, text=True)
    if done.returncode:
        raise Stop("counting needs real-time priority for one thread of QEMU, and this machine does "
                   f"not give it ({done.stderr.strip()}): run it as root, or take CLOCKS=timed")
