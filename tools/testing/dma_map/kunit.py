# SPDX-License-Identifier: GPL-2.0
"""Boots the KUnit modules and holds their reports against the sources."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import expected
import judge
import qemu
from report import Case, say
from session import ROOT, Session, boot_and_judge, in_parallel
from variants import Variant

# An idle PCI function to map for, beside the device with a driver.
DEVICES = ("edu", "pci-testdev")


def _one(session: Session, suites: dict[str, list[str]], variant: Variant) -> list[Case]:
    boot = qemu.Boot(variant, session.kdir, session.initramfs, ["kunit"], session.accel,
                     DEVICES, ("kunit.enable=1",), session.timeout)
    demands = judge.Demands(["kunit"], variant, traffic=False, suites=suites, kunit_test="kunit")
    return boot_and_judge(session, boot, demands, f"kunit/{variant.name}")


def run(session: Session, variants: Sequence[Variant]) -> list[Case]:
    suites = expected.expected_suites(ROOT)
    say(f"kunit: {len(suites)} suites, {sum(map(len, suites.values()))} cases in the sources, "
        f"{len(variants)} boots")
    session.forget_logs("kunit")
    session.initramfs, session.parser  # made once, before the boots share them
    return in_parallel(session, [partial(_one, session, suites, v) for v in variants])
