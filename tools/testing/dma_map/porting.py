# SPDX-License-Identifier: GPL-2.0
"""The programs of the porting guide compile, and the guide shows each of them."""

from __future__ import annotations

import re
from pathlib import Path

import kbuild_rustc
from compile_fail import compile_one
from examples import BROKEN
from report import Case, failed, say, verdict
from session import ROOT, Session

GROUP = "porting"
GUIDE = ROOT / "Documentation/dma_map/porting.rst"

_SHOWN = re.compile(r"^\.\. literalinclude:: (\S+\.rs)$", re.M)


def shown(guide: Path) -> list[Path]:
    """The programs that the guide includes."""
    return [guide.parent / name for name in _SHOWN.findall(guide.read_text())]


def not_shown(guide: Path) -> list[Path]:
    """The programs beside the guide that nobody would see."""
    return sorted(set((guide.parent / guide.stem).glob("*.rs")) - set(shown(guide)))


def run(session: Session) -> list[Case]:
    programs = shown(GUIDE)
    say(f"porting: compiling {len(programs)} programs")
    if not programs:
        return [failed(GROUP, "the guide has programs", f"{GUIDE.name} includes no .rs file")]
    cases = [failed(GROUP, f"{path.stem} is shown", f"{GUIDE.name} does not include it")
             for path in not_shown(GUIDE)]
    rustc = kbuild_rustc.find(session.build)
    for path in programs:
        outcome = compile_one(rustc, path, "obj")
        broken = BROKEN in outcome.undefined.split()
        text = outcome.rendered or "\n".join(outcome.errors)
        cases.append(verdict(GROUP, f"{path.stem} compiles", outcome.compiled and not broken,
                             "a check of a constant fails (build_assert!)" if broken else text))
    return cases
