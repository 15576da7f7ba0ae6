# SPDX-License-Identifier: GPL-2.0
"""The demo and the life-cycle tests, under every variant of the machine."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import judge
import kunit
import qemu
from report import Case, Stop, say
from session import HERE, Session, Work, boot_and_judge, in_parallel, without_make
from variants import VARIANTS, Variant

DEVICES = ("edu", "edu")
TESTS = (
    "boot",
    "demo",
    "interface",
    "mmap",
    "openers",
    "two_devices",
    "counted",
    "unbind_bind",
    "unbind_transfer",
    "unload_transfer",
    "no_answer",
    "pulled_out",
    "completion",
    "outside",
)


def _outside_module(session: Session, folder: Path) -> Path:
    """What `make driver` writes outside the checkout, built as its author would."""
    environment = without_make(os.environ)
    if session.llvm:
        environment["LLVM"] = "1"
    done = subprocess.run([HERE / "outside.sh", folder, session.kdir, session.build],
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=environment, check=False)
    if done.returncode:
        raise Stop(f"the driver outside the checkout does not build:\n{done.stdout}")
    return folder / "outside.ko"


def with_outside(session: Session, name: str) -> Path:
    """An initramfs with the sample driver, and with the one from outside the checkout."""
    with tempfile.TemporaryDirectory(prefix="dma_map_outside.") as folder:
        say(f"{name}: building a driver outside the checkout")
        outside = _outside_module(session, Path(folder) / "driver")
        return session.make_initramfs(name, ["edu"], [outside])


def _one(session: Session, initramfs: Path, tests: Sequence[str], variant: Variant) -> list[Case]:
    # The suites of loaded modules would mix their KTAP into ours.
    boot = qemu.Boot(variant, session.kdir, initramfs, tests, session.accel,
                     DEVICES, ("kunit.enable=0",), session.timeout)
    return boot_and_judge(session, boot, judge.Demands(tests, variant), f"matrix/{variant.name}")


# With KASAN: what unbinds and unloads under transfers, also where two CPUs race, and each way in which
# a device reaches memory.
WITH_KASAN = (*kunit.WITH_KASAN, "smp")


def chosen(session: Session, names: Sequence[str]) -> list[Variant]:
    """The variants to boot: all that are named, else all that the kernel is to run."""
    return [VARIANTS[name] for name in names or (WITH_KASAN if session.llvm else VARIANTS)]


def boots(session: Session, variants: Sequence[Variant],
          only: Sequence[str] | None = None) -> list[Work]:
    session.forget_logs("matrix")
    initramfs = with_outside(session, "matrix")
    works = []
    for variant in variants:
        tests = only or (TESTS if variant.tests is None else variant.tests)
        if not tests:
            continue
        say(f"matrix: {variant.name}: {variant.what}; {len(tests)} tests")
        works.append(partial(_one, session, initramfs, tests, variant))
    return works


def run(session: Session, variants: Sequence[Variant],
        only: Sequence[str] | None = None) -> list[Case]:
    return in_parallel(session, boots(session, variants, only))
