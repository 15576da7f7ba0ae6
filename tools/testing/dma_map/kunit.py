# SPDX-License-Identifier: GPL-2.0
"""Boots the KUnit modules and holds their reports against the sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import expected
import judge
import qemu
from proofs import ALWAYS_UNWATCHED
from report import SKIP, Case, say
from session import ROOT, Session, Work, boot_and_judge, in_parallel
from variants import VARIANTS, Variant

# An idle PCI function to map for, and one that raises interrupts, beside the device with a driver.
DEVICES = ("edu", "pci-testdev", "igb")

WATCHED, UNWATCHED = "kunit", "kunit-unwatched"

# Where the paths differ that production kernels take and the kernel of the tests does not: memory
# that needs no sync and no unmap, syncs that are asked for, unmaps that nobody looks at.
UNWATCHED_VARIANTS = ("direct", "swiotlb-force", "iommu-strict")

# With KASAN a boot takes about twice as long, and what KASAN sees is Rust's own code and memory. The
# other variants differ from these in C's code: in where memory and bounce buffers are, and in when
# an IOMMU is flushed.
WITH_KASAN = ("direct", "swiotlb-force", "iommu-strict")


def chosen(session: Session, names: Sequence[str]) -> list[Variant]:
    """The variants to boot: all that are named, else all that the kernel is to run."""
    return [VARIANTS[name] for name in names or (WITH_KASAN if session.llvm else VARIANTS)]


def _one(session: Session, image: Path, suites: dict[str, list[str]], group: str,
         variant: Variant) -> list[Case]:
    boot = qemu.Boot(variant, session.kdir, image, ["kunit"], session.accel,
                     DEVICES, ("kunit.enable=1",), session.timeout)
    demands = judge.Demands(["kunit"], variant, traffic=False, suites=suites, kunit_test="kunit")
    return boot_and_judge(session, boot, demands, f"{group}/{variant.name}")


def _boots(session: Session, variants: Sequence[Variant], group: str) -> list[Work]:
    suites = expected.expected_suites(ROOT, session.has)
    say(f"{group}: {len(suites)} suites, {sum(map(len, suites.values()))} cases in the sources, "
        f"{len(variants)} boots")
    session.forget_logs(group)
    image = session.make_initramfs(group, ["edu", "kunit"])
    return [partial(_one, session, image, suites, group, variant) for variant in variants]


def _can_run(session: Session, variant: Variant) -> bool:
    return session.has(variant.needs)


def boots(session: Session, variants: Sequence[Variant]) -> list[Work]:
    """On the kernel of the tests."""
    return _boots(session, [each for each in variants if _can_run(session, each)], WATCHED)


def after(session: Session, variants: Sequence[Variant], results: Sequence[Case]) -> list[Case]:
    """What the boots show together."""
    cases = [Case(f"{WATCHED}/{each.name}", "boot", SKIP, f"the kernel has no {each.needs}")
             for each in variants if not _can_run(session, each)]
    kfence = VARIANTS["kfence"]
    if kfence in variants and _can_run(session, kfence):
        cases += expected.ran(expected.KFENCE, ROOT, results, f"{WATCHED}/kfence")
    return cases


def run(session: Session, variants: Sequence[Variant]) -> list[Case]:
    cases = in_parallel(session, boots(session, variants))
    return cases + after(session, variants, cases)


def run_unwatched(session: Session, names: Sequence[str]) -> list[Case]:
    """On the kernel that is measured, which has no DMA debugging, no lockdep, no failures."""
    variants = [replace(VARIANTS[name], always=ALWAYS_UNWATCHED) for name in names]
    cases = in_parallel(session, _boots(session, variants, UNWATCHED))
    # One of them alone need not be the one in which a case can run.
    if set(names) >= set(UNWATCHED_VARIANTS):
        cases += expected.ran(expected.UNWATCHED, ROOT, cases, UNWATCHED)
    return cases
