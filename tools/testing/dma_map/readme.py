# SPDX-License-Identifier: GPL-2.0
"""README.md's example compiles: what a reader copies first must not have drifted."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import kbuild_rustc
from compile_fail import compile_one
from report import Case, failed, say, verdict
from session import ROOT, Session

GROUP = "readme"
NAME = "the example compiles"

# The first Rust block after the mark, whatever text is in between.
_EXAMPLE = re.compile(r"^<!-- example -->$.*?^```rust\n(.*?)^```$", re.M | re.S)


def example(text: str) -> str | None:
    found = _EXAMPLE.search(text)
    return found.group(1) if found else None


def run(session: Session) -> list[Case]:
    say("readme: compiling the example")
    code = example((ROOT / "README.md").read_text())
    if code is None:
        return [failed(GROUP, NAME, "README.md has no Rust block after <!-- example -->")]
    with tempfile.TemporaryDirectory(prefix="dma_map_readme.") as folder:
        source = Path(folder) / "example.rs"
        source.write_text(code)
        outcome = compile_one(kbuild_rustc.find(session.build), source, "metadata")
    return [verdict(GROUP, NAME, outcome.compiled, outcome.rendered or "\n".join(outcome.errors))]
