#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Writes Documentation/dma_map/performance-gcc.txt and -llvm.txt from the recorded instructions.

usage: performance_table.py [--check]     with --check: fails if a file is not what would be written
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench import baseline
from bench.baseline import Entry
from bench.results import EMPTY
from bench.rounds import POOL, RUST
from report import table

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "Documentation/dma_map"
NONE = "-"

HEAD = """\
# SPDX-License-Identifier: GPL-2.0
# Written by "make performance-table" from tools/testing/dma_map/bench/{name}.toml: do not edit.
"""


def _cells(entry: Entry | None) -> tuple[str, str]:
    """What it takes in C, and how many times that here."""
    if entry is None:
        return NONE, NONE
    ratio = entry.ratios.get(RUST, entry.ratios.get(POOL))
    count = f"{entry.c:.0f}" if entry.c >= 100 else f"{entry.c:.1f}"
    return count, NONE if ratio is None else f"{ratio:.3f}"


def text(name: str, recorded: baseline.Baseline) -> str:
    paths = list(recorded)
    operations = dict.fromkeys(operation for path in paths for operation in recorded[path]
                               if operation != EMPTY)
    rows = [(operation, *(cell for path in paths for cell in _cells(recorded[path].get(operation))))
            for operation in sorted(operations)]
    header = ("operation", *(title for path in paths for title in (f"{path}: C", "ratio")))
    return HEAD.format(name=name) + "\n" + table(header, rows) + "\n"


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    stale = 0
    for llvm in (False, True):
        source = baseline.path_of(llvm)
        file = FOLDER / f"performance-{source.stem}.txt"
        wanted = text(source.stem, baseline.read(source))
        if not arguments:
            file.write_text(wanted)
        elif not file.is_file() or file.read_text() != wanted:
            print(f"{file.relative_to(ROOT)} is not what make performance-table writes")
            stale += 1
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
