# SPDX-License-Identifier: GPL-2.0
"""Boots the KUnit modules and holds their reports against the sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import expected
import judge
import qemu
from proofs import ALWAYS_UNWATCHED
from report import SKIP, Case, say
from session import ROOT, Session, boot_and_judge, in_parallel
from variants import VARIANTS, Variant

# An idle PCI function to map for, beside the device with a driver.
DEVICES = ("edu", "pci-testdev")

WATCHED, UNWATCHED = "kunit", "kunit-unwatched"

# Where the paths differ that production kernels take and the kernel of the tests does not: memory
# that needs no sync and no unmap, syncs that are asked for, unmaps that nobody looks at.
UNWATCHED_VARIANTS = ("direct", "swiotlb-force", "iommu-strict")

# With KASAN a boot takes five times as long. These differ from another variant in C's code only: in
# where its memory and its bounce buffers are, and in when it flushes an IOMMU.
GCC_ONLY = ("iommu-lazy", "ram-5g", "grown", "out-of-reach")


def chosen(session: Session, names: Sequence[str]) -> list[Variant]:
    """The variants to boot: all that are named, else all that the kernel is to run."""
    return [VARIANTS[name] for name in names or VARIANTS
            if names or not (session.llvm and name in GCC_ONLY)]


def _one(session: Session, suites: dict[str, list[str]], group: str,
         variant: Variant) -> list[Case]:
    boot = qemu.Boot(variant, session.kdir, session.initramfs, ["kunit"], session.accel,
                     DEVICES, ("kunit.enable=1",), session.timeout)
    demands = judge.Demands(["kunit"], variant, traffic=False, suites=suites, kunit_test="kunit")
    return boot_and_judge(session, boot, demands, f"{group}/{variant.name}")


def _boots(session: Session, variants: Sequence[Variant], group: str) -> list[Case]:
    suites = expected.expected_suites(ROOT)
    say(f"{group}: {len(suites)} suites, {sum(map(len, suites.values()))} cases in the sources, "
        f"{len(variants)} boots")
    session.forget_logs(group)
    session.initramfs, session.parser  # made once, before the boots share them
    return in_parallel(session, [partial(_one, session, suites, group, v) for v in variants])


def run(session: Session, variants: Sequence[Variant]) -> list[Case]:
    """On the kernel of the tests."""
    cases = [Case(f"{WATCHED}/{variant.name}", "boot", SKIP, f"the kernel has no {variant.needs}")
             for variant in variants if not session.has(variant.needs)]
    variants = [variant for variant in variants if session.has(variant.needs)]
    cases += _boots(session, variants, WATCHED)
    if VARIANTS["kfence"] in variants:
        cases += expected.ran(expected.KFENCE, ROOT, cases, f"{WATCHED}/kfence")
    return cases


def run_unwatched(session: Session, names: Sequence[str]) -> list[Case]:
    """On the kernel that is measured, which has no DMA debugging, no lockdep, no failures."""
    variants = [replace(VARIANTS[name], always=ALWAYS_UNWATCHED) for name in names]
    cases = _boots(session, variants, UNWATCHED)
    # One of them alone need not be the one in which a case can run.
    if set(names) >= set(UNWATCHED_VARIANTS):
        cases += expected.ran(expected.UNWATCHED, ROOT, cases, UNWATCHED)
    return cases
