# SPDX-License-Identifier: GPL-2.0
"""The demo and the life-cycle tests, under every variant of the machine."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import judge
import qemu
from report import Case, say
from session import Session, boot_and_judge, in_parallel
from variants import Variant

DEVICES = ("edu", "edu")
TESTS = (
    "boot",
    "demo",
    "two_devices",
    "two_openers",
    "unbind_bind",
    "unbind_transfer",
    "unload_transfer",
    "no_answer",
)


def _one(session: Session, tests: Sequence[str], variant: Variant) -> list[Case]:
    # The suites of loaded modules would mix their KTAP into ours.
    boot = qemu.Boot(variant, session.kdir, session.initramfs, tests, session.accel,
                     DEVICES, ("kunit.enable=0",), session.timeout)
    return boot_and_judge(session, boot, judge.Demands(tests, variant), f"matrix/{variant.name}")


def run(session: Session, variants: Sequence[Variant],
        tests: Sequence[str] = TESTS) -> list[Case]:
    say(f"matrix: {len(tests)} tests under {len(variants)} variants")
    for variant in variants:
        say(f"  {variant.name}: {variant.what}")
    session.initramfs, session.parser  # made once, before the boots share them
    return in_parallel(session, [partial(_one, session, tests, v) for v in variants])
