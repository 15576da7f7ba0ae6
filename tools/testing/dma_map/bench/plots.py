# SPDX-License-Identifier: GPL-2.0
"""The figures as pictures: ratios by operation and path, cost by threads and live mappings.

gnuplot draws them. What is put together here is its script, with the data in it.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

from bench import figures, machines
from bench.boots import COUNTED, TIMED, Boot, measurements
from bench.figures import Estimate
from bench.plan import OPERATIONS
from bench.results import EMPTY, usable
from bench.rounds import C, COLUMNS, POOL, RUST, UPSTREAM, Measurement
from bench.tables import NAMES, SCALINGS

UNITS = {COUNTED: "instructions", TIMED: "time"}

# Told apart by colour-blind readers too (after Okabe and Ito), and each has its own shape.
_STYLE = """\
set encoding utf8
set terminal svg size {width},{height} dynamic noenhanced background "white" font "sans-serif,12"
set style line 1 lc rgb "#0072b2" pt 7 ps 0.6 lw 1.5 dt 1
set style line 2 lc rgb "#d55e00" pt 5 ps 0.6 lw 1.5 dt (9,5)
set style line 3 lc rgb "#009e73" pt 9 ps 0.7 lw 1.5 dt (3,4)
set style line 4 lc rgb "#b8569a" pt 13 ps 0.8 lw 1.5 dt (12,4,3,4)
set border 3 lc rgb "#57606a"
set tics nomirror scale 0.5 font ",11"
set errorbars 0
set pointintervalbox 0
set grid lt 1 lc rgb "#d5dae0"
"""

# Ratios that are named where all are within this factor: legible beside each other, and 1 is among
# them.
_TICKS = ((1.2, (0.9, 0.95, 0.98, 1, 1.02, 1.05, 1.1)),
          (2, (0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.5)),
          (6, (0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5)),
          (50, (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)),
          (inf, (0.001, 0.01, 0.1, 1, 10, 100, 1000)))


@dataclass(frozen=True)
class Point:
    operation: str
    column: str
    path: str
    ratio: Estimate


def data_block(name: str, rows: Iterable[Sequence[float]]) -> str:
    lines = [" ".join(f"{value:.6g}" for value in row) for row in rows]
    return "\n".join([f"${name} << END", *lines, "END\n"])


def _ratio(clock: str, run: Measurement, column: str) -> Estimate:
    if clock == TIMED:
        return figures.time_ratio(run, column, C)
    exact = figures.ratio(run, column, C)
    return Estimate(exact, exact, exact, 1.0)


def _points(boots: Sequence[Boot], clock: str) -> list[Point]:
    return [Point(run.operation, column, path, _ratio(clock, run, column))
            for path in machines.PATHS
            for run in measurements(boots, path, clock, OPERATIONS) if run.operation != EMPTY
            for column in (RUST, UPSTREAM, POOL) if usable(run, C, column)]


def page(width: int, height: int, rows: int, columns: int, left: int, title: str) -> str:
    """A script's begin: panels in rows and columns. The key is that of the first panel."""
    return (_STYLE.format(width=width, height=height)
            + f"set multiplot layout {rows},{columns} title \"{title}\" "
            f"margins {left / width:.4f},0.98,{30 / height:.4f},{1 - 120 / height:.4f} "
            f"spacing {50 / width:.4f},{95 / height:.4f}\n"
            f"set key at screen 0.5,screen {1 - 45 / height:.4f} center vertical maxrows 1\n")


def ratios(boots: Sequence[Boot], clock: str) -> str:
    """A row for each operation, a panel for each column, a mark for each path."""
    points = _points(boots, clock)
    rows = list(dict.fromkeys(point.operation for point in points))
    panels = [column for column in (RUST, UPSTREAM, POOL)
              if any(point.column == column for point in points)]
    title = f"{UNITS[clock].capitalize()} per operation, as a ratio to C: left of 1 is cheaper"
    if clock == TIMED:
        title += f". Bars: {100 * figures.CONFIDENCE:.0f} % intervals"
    names = ", ".join(f'"{operation}" {row}' for row, operation in enumerate(rows))
    return "".join((
        page(1130, 150 + 20 * len(rows), 1, len(panels), 265, title),
        f"set logscale x\nset yrange [{len(rows) - 0.5}:-0.5]\nset ytics ({names})\n"
        "set arrow from 1,graph 0 to 1,graph 1 nohead lc rgb '#57606a' lw 1.5 back\n",
        *(_ratio_panel([point for point in points if point.column == column], rows, column)
          for column in panels)))


def ticks(low: float, high: float) -> Sequence[float]:
    """Of an axis of ratios, which are named on it."""
    named = next(named for factor, named in _TICKS if high / low <= factor)
    return [tick for tick in named if low <= tick <= high]


def _ratio_panel(points: Sequence[Point], rows: Sequence[str], column: str) -> str:
    edges = [edge for point in points for edge in (point.ratio.low, point.ratio.high)]
    low, high = min((*edges, 0.97)) / 1.02, max((*edges, 1.03)) * 1.02
    data, marks = [], []
    for series, path in enumerate(machines.PATHS):
        mine = [(point.ratio.value, rows.index(point.operation) + (series - 1.5) * 0.15,
                 point.ratio.low, point.ratio.high) for point in points if point.path == path]
        if mine:
            data.append(data_block(f"{column}{series}", mine))
            marks.append(f'${column}{series} with xerrorbars ls {series + 1} title "{path}"')
    # Only the first panel names what all have.
    return "".join((*data, f'set title "{NAMES[column]}"\nset xrange [{low:.6g}:{high:.6g}]\n'
                    f"set xtics ({', '.join(map(str, ticks(low, high)))})\n"
                    f"plot {', '.join(marks)}\n"
                    'unset key\nset format y ""\nset ytics 1\n'))


def _scaled(boots: Sequence[Boot], clock: str, series: str) -> dict[str, list[Measurement]]:
    """By path, what was measured; some operations have nothing that there can be more of."""
    return {path: [run for run in measurements(boots, path, clock, series)
                   if any(usable(run, column) for column in COLUMNS)] for path in machines.PATHS}


def scaling(boots: Sequence[Boot], clock: str, series: str,
            along: Callable[[Measurement], int], of_what: str) -> str:
    """A panel for each operation and path, a line for each column."""
    runs = _scaled(boots, clock, series)
    every = [run for mine in runs.values() for run in mine]
    rows = list(dict.fromkeys(run.operation for run in every))
    unit = "Instructions" if clock == COUNTED else "ns"
    script = [page(1130, 55 + 240 * len(rows), len(rows), len(runs), 55,
                    f"{unit} per operation, by the number of {of_what}"),
              'set logscale x\nset format x "%.0s%c"\nset yrange [0:*]\n']
    # The first panel names the columns that any panel has.
    extra = [f'keyentry with linespoints ls {number} title "{NAMES[column]}"'
             for number, column in enumerate(COLUMNS, 1)
             if any(usable(run, column) for run in every)]
    for operation in rows:
        for path, mine in runs.items():
            here = sorted((run for run in mine if run.operation == operation), key=along)
            if here:
                script.append(f'set title "{operation}\\n{path}"\n'
                              + _scaling_panel(here, clock, along, extra) + "unset key\n")
                extra = []
            else:
                script.append("set multiplot next\n")
    return "".join(script)


def _scaling_panel(runs: Sequence[Measurement], clock: str, along: Callable[[Measurement], int],
                   extra: Sequence[str]) -> str:
    def cost(run: Measurement, column: str) -> float:
        return (figures.instructions(run, column) if clock == COUNTED
                else figures.time(run, column).value)

    steps = [along(run) for run in runs]
    data, lines = [], list(extra)
    for number, column in enumerate(COLUMNS, 1):
        mine = [(along(run), cost(run, column)) for run in runs if usable(run, column)]
        if mine:
            data.append(data_block(column, mine))
            lines.append(f"${column} with linespoints ls {number} notitle")
    return "".join((*data, f"set xrange [{steps[0] / 1.3:.6g}:{steps[-1] * 1.3:.6g}]\n"
                    f"set xtics ({', '.join(map(str, steps))})\nplot {', '.join(lines)}\n"))


def draw(script: str) -> str:
    done = subprocess.run(["gnuplot"], input=script, check=True, text=True, stdout=subprocess.PIPE)
    first, _, rest = done.stdout.partition("\n")
    # Most groups are empty, and none needs lines of its own.
    rest = re.sub(r"<g [^>]*></g>", "", re.sub(r">\s+<", "><", rest))
    return f"{first}\n<!-- SPDX-License-Identifier: GPL-2.0 -->\n{rest}"


def write(boots: Sequence[Boot], folder: Path) -> list[Path]:
    """Of whatever was measured."""
    made = []

    def keep(name: str, script: str) -> None:
        made.append(folder / f"{name}.svg")
        made[-1].write_text(draw(script))

    for clock in UNITS:
        if _points(boots, clock):
            keep(f"ratios-{clock}", ratios(boots, clock))
        for series, along, of_what in SCALINGS:
            if any(_scaled(boots, clock, series).values()):
                keep(f"{series}-{clock}", scaling(boots, clock, series, along, of_what))
    return made
