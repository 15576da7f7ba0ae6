# SPDX-License-Identifier: GPL-2.0
"""The figures as pictures: ratios by operation and path, cost by threads and live mappings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import figures, machines
from bench.boots import COUNTED, TIMED, Boot, measurements
from bench.drawing import Drawing, axis_from_zero, label, log_axis, ratio_axis
from bench.figures import Estimate
from bench.plan import OPERATIONS
from bench.results import EMPTY, usable
from bench.rounds import C, COLUMNS, POOL, RUST, UPSTREAM, Measurement
from bench.tables import NAMES, SCALINGS

ROW = 20.0
WIDTHS = {RUST: 400.0, UPSTREAM: 260.0, POOL: 150.0}
UNITS = {COUNTED: "instructions", TIMED: "time"}


@dataclass(frozen=True)
class Point:
    operation: str
    column: str
    path: str
    ratio: Estimate


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


def ratios(boots: Sequence[Boot], clock: str) -> str:
    """A row for each operation, a panel for each column, a mark for each path."""
    points = _points(boots, clock)
    rows = list(dict.fromkeys(point.operation for point in points))
    panels = [column for column in (RUST, UPSTREAM, POOL)
              if any(point.column == column for point in points)]
    left, gap, top = 250.0, 30.0, 84.0
    bottom = top + ROW * len(rows)
    end = left + sum(WIDTHS[column] + gap for column in panels)
    drawing = Drawing(end, bottom + 44,
                      f"{UNITS[clock].capitalize()} per operation, as a ratio to C")
    drawing.legend(left + 4, 52, list(machines.PATHS))
    for number, operation in enumerate(rows):
        y = top + ROW * number
        if number % 2 == 0:
            drawing.band(16, y, end - 32, ROW)
        drawing.text(left - 16, y + 14, operation, "small", "end")
    x0 = left
    for column in panels:
        mine = [point for point in points if point.column == column]
        width = WIDTHS[column]
        axis = ratio_axis([edge for point in mine for edge in
                           (point.ratio.low, point.ratio.value, point.ratio.high)], x0, x0 + width)
        drawing.text(x0, top - 8, NAMES[column], "strong")
        for tick in axis.ticks:
            drawing.line(axis.place(tick), top, axis.place(tick), bottom,
                         "one" if tick == 1 else "grid")
            drawing.text(axis.place(tick), bottom + 16, label(tick), "small", "middle")
        for point in mine:
            series = list(machines.PATHS).index(point.path)
            y = top + ROW * (rows.index(point.operation) + 0.5) + (series - 1.5) * 3
            drawing.line(axis.place(point.ratio.low), y, axis.place(point.ratio.high), y,
                         f"s{series}")
            drawing.mark(axis.place(point.ratio.value), y, series,
                         f"{point.operation}, {point.path}: {point.ratio.value:.3f}")
        x0 += width + gap
    note = "left of 1 is cheaper than C"
    if clock == TIMED:
        note += f"; bars: {100 * figures.CONFIDENCE:.0f} % intervals"
    drawing.text(left, bottom + 36, note, "small")
    return drawing.svg()


def _scaled(boots: Sequence[Boot], clock: str, series: str) -> dict[str, list[Measurement]]:
    """By path, what was measured; some operations have nothing that there can be more of."""
    return {path: [run for run in measurements(boots, path, clock, series)
                   if any(usable(run, column) for column in COLUMNS)] for path in machines.PATHS}


def scaling(boots: Sequence[Boot], clock: str, series: str,
            along: Callable[[Measurement], int], of_what: str) -> str:
    """A panel for each operation and path, a line for each column."""
    runs = _scaled(boots, clock, series)
    rows = list(dict.fromkeys(run.operation for mine in runs.values() for run in mine))
    left, top, width, height, gap = 16.0, 112.0, 248.0, 140.0, 76.0
    unit = "Instructions" if clock == COUNTED else "ns"
    drawing = Drawing(left + len(runs) * width + 8, top + len(rows) * (height + gap) - 34,
                      f"{unit} per operation, by the number of {of_what}")
    drawing.legend(left + 48, 52, [NAMES[column] for column in COLUMNS if any(
        usable(run, column) for mine in runs.values() for run in mine)])
    for row, operation in enumerate(rows):
        y = top + row * (height + gap)
        drawing.text(left + 44, y - 26, operation, "strong")
        for place, path in enumerate(machines.PATHS):
            mine = [run for run in runs[path] if run.operation == operation]
            if mine:
                x = left + place * width + 44
                drawing.text(x, y - 8, path, "small")
                _panel(drawing, mine, clock, along, x, y, width - 56, height)
    return drawing.svg()


def _panel(drawing: Drawing, runs: Sequence[Measurement], clock: str,
           along: Callable[[Measurement], int], x0: float, y0: float, width: float,
           height: float) -> None:
    def cost(run: Measurement, column: str) -> float:
        return (figures.instructions(run, column) if clock == COUNTED
                else figures.time(run, column).value)

    lines = {column: [(along(run), cost(run, column)) for run in runs if usable(run, column)]
             for column in COLUMNS}
    across = log_axis(sorted({along(run) for run in runs}), x0 + 8, x0 + width - 8)
    up = axis_from_zero(max(value for line in lines.values() for _, value in line),
                        y0 + height, y0)
    for tick in up.ticks:
        drawing.line(x0, up.place(tick), x0 + width, up.place(tick), "grid")
        drawing.text(x0 - 6, up.place(tick) + 4, label(tick), "small", "end")
    for tick in across.ticks:
        drawing.text(across.place(tick), y0 + height + 16, label(tick), "small", "middle")
    for number, column in enumerate(COLUMNS):
        points = [(across.place(step), up.place(value)) for step, value in sorted(lines[column])]
        if points:
            drawing.curve(points, number)
            for (x, y), (step, value) in zip(points, sorted(lines[column])):
                drawing.mark(x, y, number, f"{NAMES[column]}, {label(step)}: {value:.1f}")


def write(boots: Sequence[Boot], folder: Path) -> list[Path]:
    """Of whatever was measured."""
    made = []

    def keep(name: str, svg: str) -> None:
        made.append(folder / f"{name}.svg")
        made[-1].write_text(svg)

    for clock in UNITS:
        if _points(boots, clock):
            keep(f"ratios-{clock}", ratios(boots, clock))
        for series, along, of_what in SCALINGS:
            if any(_scaled(boots, clock, series).values()):
                keep(f"{series}-{clock}", scaling(boots, clock, series, along, of_what))
    return made
