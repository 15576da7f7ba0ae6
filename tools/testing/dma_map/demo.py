# SPDX-License-Identifier: GPL-2.0
"""`make run` and `make shell`: one guest, for a person."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import judge
import qemu
import transcript
from report import FAIL, Case, failed, say
from session import Session, boot_and_judge
from variants import Variant


class Show:
    """Prints the guest's lines from the moment /init speaks; boot messages stay in the log."""

    def __init__(self) -> None:
        self.started = False

    def __call__(self, line: str) -> None:
        text = transcript.bare(line)
        if text.startswith("dma_map_guest:"):
            self.started = True
        elif self.started and self.shown(line):
            print(line, flush=True)

    def shown(self, line: str) -> bool:
        """Whether a line is for a person."""
        return bool(line)


def _initramfs(session: Session) -> Path:
    return session.make_initramfs("demo", ["edu"])


def run(session: Session, variant: Variant, cmdline: Sequence[str] = (),
        more: Sequence[str] = ()) -> int:
    say(f"booting {qemu.KERNEL.rsplit('/', 1)[-1]} with one edu device ({variant.what})")
    boot = qemu.Boot(variant, session.kdir, _initramfs(session), ["demo"], session.accel,
                     ("edu",), ("kunit.enable=0", *cmdline), session.timeout, more)
    show = Show()
    lines: list[str] = []

    def on_line(line: str) -> None:
        lines.append(line)
        show(line)

    cases: list[Case] = boot_and_judge(session, boot,
                                       judge.Demands(["demo"], session.proven(variant)),
                                       "demo", on_line)
    totals = transcript.demo_totals(lines)
    if totals is None or totals.messages == 0 or totals.mismatches != 0:
        cases.append(failed("demo", "the mailbox tool's last line", str(totals)))
    failures = [case for case in cases if case.status == FAIL]
    for case in failures:
        print(f"failed: {case.name}\n{case.detail}")
    if totals is not None:
        print(totals, flush=True)
    return 1 if failures else 0


def shell(session: Session, variant: Variant, cmdline: Sequence[str] = (),
          more: Sequence[str] = (), what: str = "shell") -> int:
    """To a prompt; `top` shows what is mapped before that."""
    say(f"booting to {'dmatop' if what == 'top' else 'a shell'}; Ctrl-A X ends QEMU at once")
    boot = qemu.Boot(variant, session.kdir, _initramfs(session), [what], session.accel,
                     ("edu", "edu"), ("kunit.enable=0", "quiet", *cmdline), session.timeout, more)
    return qemu.interactive(boot)
