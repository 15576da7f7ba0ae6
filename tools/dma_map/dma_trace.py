#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What is mapped over time, from the kernel's trace events `dma:*`.

Reads what the kernel shows in /sys/kernel/tracing/trace, or what `trace-cmd report` prints:

    echo 1 > /sys/kernel/tracing/events/dma/enable
    # let the driver work
    cat /sys/kernel/tracing/trace > trace.txt
    tools/dma_map/dma_trace.py trace.txt --svg trace.svg

Prints a table for each device, and names what was mapped and not unmapped. With --svg, gnuplot draws
the live mappings and their bytes. Drivers in C are shown as well: the events are the kernel's.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

# After the task and its number: the CPU, flags that trace-cmd leaves out, and the time.
_LINE = re.compile(r"\s*(?P<task>.+)-\d+\s+(?:\([\d -]+\)\s*)?\[\d+\]\s+(?:\S+\s+)?"
                   r"(?P<time>\d+\.\d+):\s+(?P<event>dma_\w+):\s+(?P<device>\S+) (?P<fields>.*)")
_FIELD = re.compile(r"(\w+)=(\{[^}]*\}|\S*)")
# The kernel has overwritten events: as the head of its file says, or in the middle of its pipe.
_WRITTEN = re.compile(r"# entries-in-buffer/entries-written: (\d+)/(\d+)")
_LOST = re.compile(r"CPU:\d+ \[LOST (\d+) EVENTS\]")

FAILED_ADDRESS = "ffffffffffffffff"

# What begins and what ends, by the name of the event: the kind that a person reads.
BEGINS = {"dma_map_phys": "single", "dma_map_sg": "scatter-gather", "dma_alloc": "coherent",
          "dma_alloc_pages": "pages", "dma_alloc_sgt": "noncontiguous"}
ENDS = {"dma_unmap_phys": "single", "dma_unmap_sg": "scatter-gather", "dma_free": "coherent",
        "dma_free_pages": "pages", "dma_free_sgt": "noncontiguous"}
FAILURES = {"dma_map_sg_err": "scatter-gather", "dma_alloc_sgt_err": "noncontiguous"}
KINDS = tuple(BEGINS.values())


@dataclass(frozen=True)
class Event:
    task: str
    time: float
    name: str
    device: str
    fields: dict[str, str]

    def numbers(self, name: str) -> list[int]:
        return [int(word, 16) for word in self.fields.get(name, "{}").strip("{}").split(",") if word]

    @property
    def size(self) -> int:
        return int(self.fields["size"]) if "size" in self.fields else sum(self.numbers("sizes"))

    @property
    def failed(self) -> bool:
        """Single mappings and allocations have no event of their own for that."""
        if self.fields.get("dma_addr") == FAILED_ADDRESS:
            return True
        return self.fields.get("virt_addr", "an address").strip("0()") in ("", "null")

    @property
    def key(self) -> str:
        """What the begin and the end of one mapping have in common.

        The end of a scatter-gather mapping names the memory, and not where it was mapped. The begin
        names no more than 128 pieces.
        """
        if "phys_addrs" in self.fields and "dma_addr" not in self.fields:
            return ",".join(map(str, self.numbers("phys_addrs")[:128]))
        return self.fields.get("dma_addr", "")


@dataclass
class Mapping:
    kind: str
    size: int
    begin: Event


@dataclass
class Count:
    """Of one kind on one device."""

    begun: int = 0
    ended: int = 0
    failed: int = 0
    live: int = 0
    size: int = 0
    most: int = 0
    most_size: int = 0
    # Mapped before the trace began: an end without a begin.
    strangers: int = 0
    steps: list[tuple[float, int, int]] = field(default_factory=list)

    def begin(self, time: float, size: int) -> None:
        self.begun += 1
        self.live += 1
        self.size += size
        self.most, self.most_size = max(self.most, self.live), max(self.most_size, self.size)
        self.steps.append((time, self.live, self.size))

    def end(self, time: float, size: int) -> None:
        self.ended += 1
        self.live -= 1
        self.size -= size
        self.steps.append((time, self.live, self.size))


@dataclass
class Trace:
    counts: dict[tuple[str, str], Count] = field(default_factory=dict)
    syncs: dict[str, int] = field(default_factory=dict)
    live: dict[tuple[str, str, str], list[Mapping]] = field(default_factory=dict)
    lost: int = 0
    events: int = 0
    first: float = 0.0
    last: float = 0.0

    def count(self, device: str, kind: str) -> Count:
        return self.counts.setdefault((device, kind), Count())

    @property
    def devices(self) -> list[str]:
        return sorted({device for device, _ in self.counts})

    @property
    def left(self) -> list[Mapping]:
        """What was not unmapped, in the order of time."""
        return sorted((mapping for mappings in self.live.values() for mapping in mappings),
                      key=lambda mapping: mapping.begin.time)

    def add(self, event: Event) -> None:
        self.first = event.time if not self.events else self.first
        self.last = event.time
        self.events += 1
        if event.name in FAILURES:
            self.count(event.device, FAILURES[event.name]).failed += 1
        elif event.name in BEGINS:
            self._begin(event, BEGINS[event.name])
        elif event.name in ENDS:
            self._end(event, ENDS[event.name])
        elif event.name.startswith("dma_sync_"):
            self.syncs[event.device] = self.syncs.get(event.device, 0) + 1

    def _begin(self, event: Event, kind: str) -> None:
        count = self.count(event.device, kind)
        if event.failed:
            count.failed += 1
            return
        count.begin(event.time, event.size)
        mappings = self.live.setdefault((event.device, kind, event.key), [])
        mappings.append(Mapping(kind, event.size, event))

    def _end(self, event: Event, kind: str) -> None:
        count = self.count(event.device, kind)
        mappings = self.live.get((event.device, kind, event.key))
        if not mappings:
            count.strangers += 1
            return
        # Without an IOMMU, one piece of memory can have several mappings at one address.
        same = [mapping for mapping in mappings
                if "size" not in event.fields or mapping.size == event.size]
        mapping = (same or mappings)[-1]
        mappings.remove(mapping)
        count.end(event.time, mapping.size)


def parse(line: str) -> Event | None:
    found = _LINE.match(line)
    if not found:
        return None
    return Event(found["task"].strip(), float(found["time"]), found["event"], found["device"],
                 dict(_FIELD.findall(found["fields"])))


def read(lines: Iterable[str]) -> Trace:
    trace = Trace()
    for line in lines:
        line = line.rstrip()
        if event := parse(line):
            trace.add(event)
        elif written := _WRITTEN.match(line):
            trace.lost += int(written[2]) - int(written[1])
        elif lost := _LOST.match(line):
            trace.lost += int(lost[1])
    return trace


def table(trace: Trace) -> str:
    lines = []
    columns = ("kind", "mapped", "unmapped", "failed", "live", "bytes", "most", "most bytes")
    for device in trace.devices:
        syncs = trace.syncs.get(device, 0)
        lines += [f"{device}: {syncs} sync{'' if syncs == 1 else 's'}",
                  f"  {columns[0]:16}" + "".join(f"{name:>12}" for name in columns[1:])]
        for kind in KINDS:
            if count := trace.counts.get((device, kind)):
                numbers = (count.begun, count.ended, count.failed, count.live, count.size,
                           count.most, count.most_size)
                lines.append(f"  {kind:16}" + "".join(f"{number:12}" for number in numbers)
                             + ("  !" if count.live or count.strangers else ""))
    return "\n".join(lines)


def notes(trace: Trace, limit: int = 20) -> list[str]:
    """What a person is to look at."""
    found = []
    if trace.lost:
        found.append(f"! the kernel has overwritten {trace.lost} events: its buffer was too small")
    for (device, kind), count in sorted(trace.counts.items()):
        if count.strangers:
            found.append(f"! {device}: {count.strangers} {kind} unmapped that was mapped before the "
                         "trace began")
    left = trace.left
    for mapping in left[:limit]:
        begin = mapping.begin
        found.append(f"! {begin.device}: {mapping.kind} of {mapping.size} bytes is not unmapped: "
                     f"mapped by {begin.task} at {begin.time:.6f}")
    if len(left) > limit:
        found.append(f"! and {len(left) - limit} more")
    return found


# Told apart by colour-blind readers too (after Okabe and Ito).
_COLOURS = {"single": "#0072b2", "scatter-gather": "#d55e00", "coherent": "#009e73",
            "pages": "#b8569a", "noncontiguous": "#7a6a00"}
_STYLE = """\
set encoding utf8
set terminal svg size {width},{height} dynamic noenhanced background "white" font "sans-serif,12"
set border 3 lc rgb "#57606a"
set tics nomirror scale 0.5 font ",11"
set grid lt 1 lc rgb "#d5dae0"
"""
# More steps than these are not seen, and make a file that no viewer likes.
_STEPS = 2000


def thinned(steps: list[tuple[float, int]], first: float, last: float) -> list[tuple[float, int]]:
    """Of many steps the first, the lowest, the highest and the last in each of many intervals."""
    if len(steps) <= _STEPS:
        return steps
    bins: dict[int, list[tuple[float, int]]] = {}
    for step in steps:
        bins.setdefault(int((step[0] - first) / (last - first or 1.0) * _STEPS / 4), []).append(step)
    kept = []
    for inside in bins.values():
        by_value = sorted(inside, key=lambda step: step[1])
        kept += sorted({inside[0], by_value[0], by_value[-1], inside[-1]})
    return kept


def tick(most: int, base: int) -> int:
    """The distance of about four ticks up to `most`: 1, or a power of `base` and some times that."""
    step = 1
    while step * base * 4 <= most:
        step *= base
    some = (1, 2, 5) if base == 10 else (1, 2, 4)
    return next((step * times for times in some if step * times * 5 > most), step * base)


def _panel(trace: Trace, device: str, column: int, name: str) -> str:
    data, lines, most = [], [], 1
    for kind in KINDS:
        count = trace.counts.get((device, kind))
        if not count or not count.steps:
            continue
        block = f"{name}{len(data)}"
        steps = [(step[0], step[column]) for step in count.steps]
        most = max(most, *(step[1] for step in steps))
        steps = thinned(steps, trace.first, trace.last)
        rows = [(trace.first, 0), *steps, (trace.last, steps[-1][1])]
        data += [f"${block} << END",
                 *(f"{time - trace.first:.6f} {value}" for time, value in rows), "END"]
        flag = " (!)" if count.live else ""
        lines.append(f'${block} with steps lw 1.5 lc rgb "{_COLOURS[kind]}" title "{kind}{flag}"')
    if not lines:
        return "set multiplot next\n"
    what, base, numbers = (("live mappings", 10, "%.0f") if column == 1
                           else ("bytes", 2, "%.0b %BB"))
    return "\n".join([*data, f'set title "{device}: {what}"', f'set format y "{numbers}"',
                      f"set ytics 0,{tick(most, base)}", f"set yrange [0:{most * 1.08:.6g}]",
                      f"plot {', '.join(lines)}", ""])


def script(trace: Trace) -> str:
    """Two panels for each device."""
    devices = trace.devices
    flag = "; (!): not all are unmapped" if trace.left else ""
    width, height = 1130, 60 + 300 * max(len(devices), 1)
    out = [_STYLE.format(width=width, height=height),
           f"set multiplot layout {max(len(devices), 1)},2 "
           f'title "DMA mappings over time, in seconds{flag}"\n'
           f"set xrange [0:{max(trace.last - trace.first, 1e-6):.6f}]\n"
           "set key outside below horizontal\nset xtics autofreq\n"]
    for row, device in enumerate(devices):
        out += [_panel(trace, device, 1, f"live{row}_"), _panel(trace, device, 2, f"bytes{row}_")]
    return "".join(out)


def draw(trace: Trace, svg: Path) -> None:
    try:
        done = subprocess.run(["gnuplot"], input=script(trace), check=True, text=True,
                              stdout=subprocess.PIPE)
    except FileNotFoundError:
        sys.exit("dma_trace: gnuplot is missing: install the package gnuplot-nox, or leave --svg out")
    svg.write_text(done.stdout)


def report(trace: Trace) -> str:
    return "\n".join([f"{trace.events} events in {trace.last - trace.first:.3f} s", table(trace),
                      *notes(trace)])


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trace", help="a file with the kernel's trace, or - for the standard input")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the mappings over time")
    parser.add_argument("--device", metavar="NAME", help="only this device, such as 0000:00:03.0")
    args = parser.parse_args(argv)
    lines: Iterable[str]
    if args.trace == "-":
        lines = sys.stdin
    else:
        try:
            lines = Path(args.trace).read_text(errors="replace").splitlines()
        except OSError as error:
            sys.exit(f"dma_trace: {error}")
    if args.device:
        lines = (line for line in lines if f": {args.device} " in line or line.startswith(("#", "CPU:")))
    trace = read(lines)
    if not trace.events:
        sys.exit("dma_trace: no dma: event is in the trace: were they on? "
                 "echo 1 > /sys/kernel/tracing/events/dma/enable")
    print(report(trace))
    if args.svg:
        draw(trace, args.svg)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
