# SPDX-License-Identifier: GPL-2.0
"""The figures as a person reads them in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from bench import figures, machines
from bench.boots import COUNTED, TIMED, Boot, measurements
from bench.figures import Estimate
from bench.plan import LIVE, OPERATIONS, THREADS
from bench.results import LONGEST, usable
from bench.rounds import C, COLUMNS, POOL, RUST, UPSTREAM, Measurement
from report import table

NAMES = {C: "C", RUST: "Rust", UPSTREAM: "upstream Rust", POOL: "mapped pool"}
NONE = "-"

Cell = Callable[[Measurement, str], str]


def number(value: float) -> str:
    """Three digits at least; a fraction of an instruction only where there are few."""
    return f"{value:.0f}" if value >= 1000 else f"{value:.1f}" if value >= 100 else f"{value:.2f}"


def interval(estimate: Estimate, shown: Callable[[float], str] = number) -> str:
    return f"{shown(estimate.value)} [{shown(estimate.low)}, {shown(estimate.high)}]"


def _ratio(value: float) -> str:
    return f"{value:.3f}"


def _columns(runs: Iterable[Measurement]) -> list[str]:
    """Of those that this path has, in their order."""
    return [column for column in COLUMNS if any(usable(run, column) for run in runs)]


def _operations(runs: Sequence[Measurement], cell: Cell, ratio: Cell,
                more: Callable[[Measurement], Sequence[str]], names: Sequence[str]) -> str:
    columns = _columns(runs)
    others = [column for column in columns if column != C]
    rows = [(run.operation,
             *(cell(run, column) if usable(run, column) else NONE for column in columns),
             *(ratio(run, column) if usable(run, C, column) else NONE for column in others),
             *more(run)) for run in runs]
    header = ("operation", *(NAMES[column] for column in columns),
              *(f"{NAMES[column]} / C" for column in others), *names)
    return table(header, rows)


def counted(runs: Sequence[Measurement]) -> str:
    def most_spread(run: Measurement) -> Sequence[str]:
        spreads = [figures.spread(run, column) for column in run.columns if usable(run, column)]
        return [f"{100 * max(spreads, default=0):.3f} %"]

    return _operations(runs, lambda run, column: number(figures.instructions(run, column)),
                       lambda run, column: _ratio(figures.ratio(run, column, C)),
                       most_spread, ["spread"])


def timed(runs: Sequence[Measurement]) -> str:
    return _operations(runs, lambda run, column: interval(figures.time(run, column)),
                       lambda run, column: interval(figures.time_ratio(run, column, C), _ratio),
                       lambda run: (), [])


def sections(runs: Sequence[Measurement]) -> str:
    """How long the library keeps interrupts off at a time; empty if nothing here does that."""
    rows = [(run.operation, f"{run.longest:,}") for run in runs if run.longest is not None]
    return table(("operation", "longest section"), rows) if rows else ""


def scaling(runs: Sequence[Measurement], along: Callable[[Measurement], int],
            cell: Cell) -> str:
    """A row for each operation and column, and a column for each number of threads or mappings."""
    steps = sorted({along(run) for run in runs})
    cells = {(run.operation, column, along(run)): cell(run, column)
             for run in runs for column in run.columns if usable(run, column)}
    rows = [(operation, NAMES[column],
             *(cells.get((operation, column, step), NONE) for step in steps))
            for operation, column in dict.fromkeys(key[:2] for key in cells)]
    return table(("operation", "column", *(f"{step:,}" for step in steps)), rows)


def threads_of(run: Measurement) -> int:
    return run.threads


def live_of(run: Measurement) -> int:
    return run.live


SCALINGS = ((THREADS, threads_of, "threads"), (LIVE, live_of, "other mappings that live meanwhile"))


def _scalings(boots: Sequence[Boot], path: str) -> list[str]:
    cells: dict[str, tuple[str, Cell]] = {
        COUNTED: ("instructions", lambda run, column: number(figures.instructions(run, column))),
        TIMED: ("ns", lambda run, column: number(figures.time(run, column).value))}
    sections = []
    for series, along, of_what in SCALINGS:
        for clock, (unit, cell) in cells.items():
            runs = measurements(boots, path, clock, series)
            if runs:
                sections.append(f"{path}: {unit} per operation, by the number of {of_what}\n\n"
                                + scaling(runs, along, cell))
    return sections


def report(boots: Sequence[Boot]) -> str:
    parts = []
    for path in machines.PATHS:
        if runs := measurements(boots, path, COUNTED, OPERATIONS):
            parts.append(f"{path}: instructions per operation\n\n{counted(runs)}")
            if longest := sections(runs):
                parts.append(f"{path}: instructions with interrupts off at a time, at most "
                             f"{LONGEST:,}\n\n{longest}")
        if runs := measurements(boots, path, TIMED, OPERATIONS):
            parts.append(f"{path}: ns per operation, median and {100 * figures.CONFIDENCE:.0f} "
                         f"% interval of {runs[0].rounds} rounds\n\n{timed(runs)}")
    for path in machines.PATHS:
        parts += _scalings(boots, path)
    return "\n\n".join(parts)
