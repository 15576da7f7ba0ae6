# SPDX-License-Identifier: GPL-2.0
"""The ratios to C as pictures, drawn as those of make bench."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import machines
from bench.figures import Estimate
from bench.plots import data_block, draw, page, ticks
from nvme_bench.results import Results


@dataclass(frozen=True)
class Point:
    path: str
    workload: str
    ratio: Estimate


def _exactly(value: float) -> Estimate:
    return Estimate(value, value, value, 1.0)


def _script(points: Sequence[Point], title: str) -> str:
    rows = list(dict.fromkeys(point.workload for point in points))
    edges = [edge for point in points for edge in (point.ratio.low, point.ratio.high)]
    low, high = min((*edges, 0.97)) / 1.02, max((*edges, 1.03)) * 1.02
    names = ", ".join(f'"{workload}" {row}' for row, workload in enumerate(rows))
    data, marks = [], []
    for series, path in enumerate(machines.PATHS):
        mine = [(point.ratio.value, rows.index(point.workload) + (series - 1.5) * 0.15,
                 point.ratio.low, point.ratio.high) for point in points if point.path == path]
        if mine:
            data.append(data_block(f"path{series}", mine))
            marks.append(f'$path{series} with xerrorbars ls {series + 1} title "{path}"')
    return "".join((
        page(900, 170 + 26 * len(rows), 1, 1, 140, title),
        f"set logscale x\nset yrange [{len(rows) - 0.5}:-0.5]\nset ytics ({names})\n"
        "set arrow from 1,graph 0 to 1,graph 1 nohead lc rgb '#57606a' lw 1.5 back\n",
        *data, f"set xrange [{low:.6g}:{high:.6g}]\n",
        f"set xtics ({', '.join(map(str, ticks(low, high)))})\nplot {', '.join(marks)}\n"))


def write(results: Results, folder: Path) -> list[Path]:
    """Of whatever was measured."""
    made = []
    for name, title, points in (
            ("nvme-instructions", "Instructions of an I/O, net of the loop, to C: left of 1 is cheaper",
             [Point(each.path, each.workload, _exactly(each.ratio)) for each in results.comparisons]),
            ("nvme-iops", "I/Os a second to C: right of 1 is faster. Bars: 95 % intervals",
             [Point(each.path, each.workload, each.ratio) for each in results.times])):
        if points:
            made.append(folder / f"{name}.svg")
            made[-1].write_text(draw(_script(points, title)))
    return made
