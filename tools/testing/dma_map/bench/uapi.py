# SPDX-License-Identifier: GPL-2.0
"""Upstream's dma_map_benchmark, unmodified, with the driver in C and with ours, in turns."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import initramfs
import judge
import qemu
import transcript
from bench import machines
from ktap import source_of
from report import Case, Stop, say, table, verdict
from session import ROOT, Session, boot_and_judge, without_make
from variants import Variant

SCRIPT = Path(__file__).resolve().parent / "uapi.sh"
TOOLS = ("dma_map_benchmark", "dma_map_refused")
C, RUST = "dma_map_benchmark", "dma_map_benchmark_rust"
COUNTED, TIMED = "counted", "timed"

TESTS = ("no_file_without_driver", "each_has_the_file", "same_errors", "mask_is_put_back",
         "unbind_waits", "second_run_is_refused")
# A second is the shortest run that the interface has.
PLAIN = ("-s 1 -b 64", "-s 1 -b 64 -m 1 -g 16")
MORE = ("-s 1 -b 64 -g 16", "-s 1 -b 64 -d 1", "-s 1 -b 64 -d 2", "-s 1 -b 64 -m 1 -g 256")
THREADS = ("-s 1 -b 64 -t 2",)
# What is not in these: other limits, a delay, a node, numbers of pages that are odd or large.
CHECKED = (*PLAIN, "-s 1 -b 40 -m 1", "-s 1 -d 1 -x 1000", "-s 1 -d 2 -t 2 -n 0",
           "-s 1 -m 1 -g 1024", "-s 1 -g 7")

_RUN = re.compile(r"# uapi (\w+) (.*)$")
_RESULT = re.compile(r"# average (map|unmap) latency\(us\):([\d.]+) standard deviation:([\d.]+)$")


@dataclass
class Run:
    """What the tool printed once, in microseconds."""

    path: str
    clock: str
    options: str
    driver: str
    map: float = -1.0
    map_deviation: float = -1.0
    unmap: float = -1.0
    unmap_deviation: float = -1.0

    @property
    def complete(self) -> bool:
        return self.map >= 0 and self.unmap >= 0


def read(lines: Iterable[str], path: str, clock: str) -> list[Run]:
    """The runs that a boot's log tells of."""
    runs: list[Run] = []
    for line in lines:
        text = transcript.bare(line)
        if match := _RUN.match(text):
            runs.append(Run(path, clock, match[2], match[1]))
        elif (match := _RESULT.match(text)) and runs:
            setattr(runs[-1], match[1], float(match[2]))
            setattr(runs[-1], f"{match[1]}_deviation", float(match[3]))
    return runs


def _tools(session: Session) -> list[Path]:
    folder = session.build / "tools/dma_map/benchmark"
    source = source_of(session.kdir)
    if not (source / "tools/dma").is_dir():
        raise Stop(f"{source} has no tools/dma: point KDIR at a kernel built from a full source")
    done = subprocess.run(
        ["make", "-C", ROOT / "tools/dma_map/benchmark", f"OUTPUT={folder}",
         f"KERNEL_SOURCE={source}"],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=without_make(os.environ), check=False)
    if done.returncode:
        raise Stop(f"upstream's benchmark does not build:\n{done.stdout}")
    return [folder / name for name in TOOLS]


def _boot(session: Session, variant: Variant, clock: str, rounds: int, options: Sequence[str],
          tests: Sequence[str] = ()) -> tuple[list[Run], list[Case]]:
    group = f"bench/{variant.name}/{clock}-dma_map_benchmark"
    with tempfile.TemporaryDirectory(prefix="dma_map_uapi.") as folder:
        plan = Path(folder) / "uapi.plan"
        plan.write_text("".join([f"test {name}\n" for name in tests]
                                + [f"{rounds} {line}\n" for line in options]))
        contents = initramfs.Contents(session.kdir, session.modules_with("bench"), tools=_tools(session),
                                      extra_tests=(SCRIPT, plan))
        image = initramfs.build(contents, session.logs / f"{group.replace('/', '.')}.cpio")
    boot = qemu.Boot(variant, session.kdir, image, ["uapi"], session.accel, machines.DEVICES, (),
                     session.timeout)
    lines: list[str] = []
    cases = boot_and_judge(session, boot, judge.Demands(["uapi"], variant), group, lines.append)
    runs = read(lines, variant.name, clock)
    wanted = [(line, driver) for line in options for _ in range(rounds) for driver in (C, RUST)]
    got = [(run.options, run.driver) for run in runs if run.complete]
    cases.append(verdict(group, "each run printed its result, in turns", got == wanted,
                         f"{len(got)} of {len(wanted)}"))
    return runs, cases


def check(session: Session) -> list[Case]:
    """That the tool works with both drivers, and that they refuse the same."""
    variant = machines.in_real_time(machines.PATHS[machines.DEFAULT], cpus=2)
    return _boot(session, variant, TIMED, 1, CHECKED, TESTS)[1]


def report(runs: Sequence[Run]) -> str:
    """A table: medians of what the tool says, in microseconds."""
    rows = []
    for key in dict.fromkeys((run.path, run.clock, run.options) for run in runs):
        mine = [run for run in runs if (run.path, run.clock, run.options) == key]
        row = list(key)
        for kind in ("map", "unmap"):
            c, rust = (median(getattr(run, kind) for run in mine if run.driver == driver)
                       for driver in (C, RUST))
            row += [f"{c:.2f}", f"{rust:.2f}", f"{rust / c:.2f}" if c else "-"]
        rows.append(row)
    return "upstream's dma_map_benchmark, us (counted: thousands of instructions)\n" + table(
        ("path", "clock", "options", "map C", "Rust", "ratio", "unmap C", "Rust", "ratio"), rows)


def measure(session: Session, paths: Sequence[str], quick: bool, folder: Path) -> list[Case]:
    """Runs it on the paths, prints the table, and leaves the data."""
    # Where a call takes many of the units that the tool counts in.
    chosen = [machines.STRICTEST] if quick else paths
    say(f"bench: upstream's dma_map_benchmark on {len(chosen)} paths")
    runs, cases = [], []
    for name in chosen:
        path = machines.PATHS[name]
        boots = [(machines.counting(path), COUNTED, 1, PLAIN)]
        if not quick:
            boots.append((machines.in_real_time(path, cpus=2), TIMED, 5, (*PLAIN, *MORE, *THREADS)))
        for boot in boots:
            more, judged = _boot(session, *boot)
            runs += [run for run in more if run.complete]
            cases += judged
    if {run.driver for run in runs} == {C, RUST}:
        print(f"\n{report(runs)}\n", flush=True)
    file = folder / "dma_map_benchmark.json"
    file.write_text(json.dumps([asdict(run) for run in runs], indent=1) + "\n")
    say(f"bench: {file.relative_to(ROOT)}")
    return cases
