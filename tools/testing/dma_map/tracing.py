# SPDX-License-Identifier: GPL-2.0
"""`make trace`: a boot with the kernel's `dma:` events recorded, and what they say of it."""

from __future__ import annotations

import os
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import demo
import own
from report import Stop, say
from session import ROOT, Session
from variants import Variant

TOOL = ROOT / "tools/dma_map/dma_trace.py"


def with_trace(wish: own.Wish, trace: Path) -> own.Wish:
    """The guest brings the trace out by a second serial line.

    Who names QEMU's arguments names the devices, so the default one has to be among them.
    """
    devices = wish.qemu_args or ("-device edu" if wish.modules or wish.files else "")
    return replace(wish, append=f"{wish.append} dma_map_trace=1".strip(),
                   qemu_args=f"{devices} -serial {shlex.quote(f'file:{trace}')}".strip())


def run(session: Session, variant: Variant, wish: own.Wish) -> int:
    if not session.has("CONFIG_EVENT_TRACING"):
        raise Stop("this kernel has no trace events: take another one, such as KERNEL=stock.")
    trace = session.logs / "trace.txt"
    trace.unlink(missing_ok=True)
    wish = with_trace(wish, trace)
    if wish.modules or wish.files:
        status = own.run(session, variant, wish)
    else:
        status = demo.run(session, variant, wish.append.split(), wish.words())
    svg = trace.with_suffix(".svg")
    done = subprocess.run([TOOL, trace, "--svg", svg], check=False)
    if done.returncode:
        return status or 1
    say(f"trace: {os.path.relpath(svg, ROOT)}, drawn from {os.path.relpath(trace, ROOT)}")
    return status
