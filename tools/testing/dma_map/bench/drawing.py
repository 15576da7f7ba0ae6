# SPDX-License-Identifier: GPL-2.0
"""SVG, as far as the plots need it. Readable on a light and on a dark page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from math import log10

# Told apart by colour-blind readers too (after Okabe and Ito), and each has its own shape.
_STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #24292f; }
.title { font-size: 15px; font-weight: 600; }
.small { font-size: 11px; }
.strong { font-weight: 600; }
.page { fill: #ffffff; }
.grid { stroke: #d5dae0; stroke-width: 1; }
.band { fill: #f3f5f7; }
.one { stroke: #57606a; stroke-width: 1.5; }
.line { fill: none; stroke-width: 2; }
.s0 { fill: #0072b2; stroke: #0072b2; }
.s1 { fill: #d55e00; stroke: #d55e00; }
.s2 { fill: #009e73; stroke: #009e73; }
.s3 { fill: #b8569a; stroke: #b8569a; }
@media (prefers-color-scheme: dark) {
text { fill: #d7dde3; }
.page { fill: #0d1117; }
.grid { stroke: #30363d; }
.band { fill: #161b22; }
.one { stroke: #8b949e; }
.s0 { fill: #56b4e9; stroke: #56b4e9; }
.s1 { fill: #f0883e; stroke: #f0883e; }
.s2 { fill: #2fc99a; stroke: #2fc99a; }
.s3 { fill: #de8bc4; stroke: #de8bc4; }
}
.line.s0, .line.s1, .line.s2, .line.s3 { fill: none; }"""

Place = Callable[[float], float]


@dataclass(frozen=True)
class Axis:
    """From values to places, and the values that are named on it."""

    place: Place
    ticks: Sequence[float]


def label(value: float) -> str:
    """Short: 100,000 is 100k."""
    for unit, name in ((1_000_000, "M"), (1000, "k")):
        if value >= unit:
            return f"{value / unit:g}{name}"
    return f"{value:g}"


def _apart(values: Sequence[float], place: Place, distance: float,
           first: float | None = None) -> list[float]:
    """As many of them as are legible beside each other, `first` in any case."""
    chosen = [] if first is None else [first]
    for value in values:
        if all(abs(place(value) - place(other)) >= distance for other in chosen):
            chosen.append(value)
    return sorted(chosen)


def ratio_axis(values: Sequence[float], left: float, right: float) -> Axis:
    """Logarithmic, around 1."""
    low, high = min((*values, 0.97)) / 1.02, max((*values, 1.03)) * 1.02

    def place(value: float) -> float:
        return left + (right - left) * log10(value / low) / log10(high / low)

    names = [digit * 10 ** power for power in (-2, -1, 0, 1) for digit in (1, 2, 5)]
    names += [0.7, 1.5, 0.8, 0.9, 1.1, 1.2, 0.95, 1.05, 0.98, 1.02]
    inside = [round(name, 4) for name in names if low <= name <= high]
    return Axis(place, _apart(inside, place, 34, 1.0))


def log_axis(steps: Sequence[float], left: float, right: float) -> Axis:
    """The steps themselves are the ticks."""
    low, high = min(steps), max(steps)

    def place(value: float) -> float:
        if low == high:
            return (left + right) / 2
        return left + (right - left) * log10(value / low) / log10(high / low)

    return Axis(place, _apart(steps, place, 26))


def axis_from_zero(most: float, bottom: float, top: float) -> Axis:
    """Linear, because a cost that stays the same is then a level line."""
    unit = 10.0 ** int(log10(most) if most >= 1 else log10(most) - 1)
    step = next(unit * times for times in (0.2, 0.5, 1, 2, 5, 10) if most / (unit * times) <= 5)
    end = step * int(most / step + 1)

    def place(value: float) -> float:
        return bottom + (top - bottom) * value / end

    return Axis(place, [step * count for count in range(int(round(end / step)) + 1)])


class Drawing:
    def __init__(self, width: float, height: float, title: str) -> None:
        self._head = ('<!-- SPDX-License-Identifier: GPL-2.0 -->\n'
                      f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
                      f'width="{width:g}" height="{height:g}" role="img">')
        self._parts = [f"<title>{escape(title)}</title>", f"<style>\n{_STYLE}\n</style>",
                       '<rect class="page" width="100%" height="100%"/>']
        self.text(16, 26, title, "title")

    def text(self, x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> None:
        self._parts.append(f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" '
                           f'text-anchor="{anchor}">{escape(words)}</text>')

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
        self._parts.append(f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" '
                           f'x2="{x2:.1f}" y2="{y2:.1f}"/>')

    def band(self, x: float, y: float, width: float, height: float) -> None:
        self._parts.append(f'<rect class="band" x="{x:.1f}" y="{y:.1f}" '
                           f'width="{width:.1f}" height="{height:.1f}"/>')

    def curve(self, points: Sequence[tuple[float, float]], series: int) -> None:
        places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dashes = ("", "7 4", "2 3", "9 3 2 3")[series]
        self._parts.append(f'<polyline class="line s{series}" points="{places}" '
                           f'stroke-dasharray="{dashes or "none"}"/>')

    def mark(self, x: float, y: float, series: int, what: str = "") -> None:
        """A shape of its own for each series; pointing at it shows what it is."""
        shape = (f'<circle class="s0" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>',
                 f'<rect class="s1" x="{x - 3.2:.1f}" y="{y - 3.2:.1f}" width="6.4" height="6.4"/>',
                 f'<path class="s2" d="M{x:.1f},{y - 4.4:.1f} l4.2,7.4 h-8.4 z"/>',
                 f'<path class="s3" d="M{x:.1f},{y - 4.6:.1f} l4.6,4.6 l-4.6,4.6 l-4.6,-4.6 z"/>')
        title = f"<title>{escape(what)}</title>" if what else ""
        self._parts.append(f"<g>{title}{shape[series]}</g>")

    def legend(self, x: float, y: float, names: Sequence[str]) -> None:
        for series, name in enumerate(names):
            self.mark(x, y - 4, series)
            self.text(x + 10, y, name)
            x += 28 + 7 * len(name)

    def svg(self) -> str:
        return "\n".join((self._head, *self._parts, "</svg>\n"))
