#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Writes Documentation/dma_map/nvme-speed.txt, and its plots, from what make bench-nvme left.

usage: nvme_table.py [RESULTS.json]     default: build/bench/nvme/results.json
"""

from __future__ import annotations

import sys
from pathlib import Path

from nvme_bench import plots, results, tables

ROOT = Path(__file__).resolve().parents[3]
RESULTS = ROOT / "build/bench/nvme/results.json"
FOLDER = ROOT / "Documentation/dma_map"

HEAD = """\
# SPDX-License-Identifier: GPL-2.0
# Written by "make nvme-table" from the results of "make bench-nvme": do not edit.
"""


def _about(found: results.Results) -> str:
    """What it was measured on."""
    about = found.about
    machine, kernel = about["machine"], about["kernel"]
    assert isinstance(machine, dict) and isinstance(kernel, dict)
    return (f"{about['extent']} run of commit {about['commit']}, {str(about['date'])[:10]}; "
            f"Linux {kernel['release']}; {about['qemu']}; {machine['cpus']} CPUs")


def text(found: results.Results) -> str:
    parts = [_about(found), tables.report(found), results.last_line(found)]
    return HEAD + "\n" + "\n\n".join(parts) + "\n"


def main(arguments: list[str]) -> int:
    if len(arguments) > 1 or arguments[:1] in (["-h"], ["--help"]):
        print(__doc__, file=sys.stderr)
        return 2
    source = Path(arguments[0]) if arguments else RESULTS
    if not source.is_file():
        print(f"{source} is missing: run make bench-nvme first", file=sys.stderr)
        return 1
    found = results.read(source)
    (FOLDER / "nvme-speed.txt").write_text(text(found))
    plots.write(found, FOLDER / "performance")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
