# SPDX-License-Identifier: GPL-2.0
"""`make bench-nvme`."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import initramfs
import judge
import programs
import qemu
import stock
import transcript
from bench import archive
from nvme_bench import figures, machine, plan, plots, record, results, tables
from nvme_bench.plan import C, COUNTED, NULL, RUST, TIMED, Extent
from nvme_bench.results import Allocations, Results
from report import FAIL, PASS, Case, Stop, count, say, verdict
from session import ROOT, Session
from variants import Variant

SCRIPT = Path(__file__).resolve().parent / "nvme_bench.sh"
C_MODULES = ("nvme-keyring", "nvme-auth", "nvme-core", "nvme", "configfs", "null_blk")
PROGRESS = re.compile(r"# (use \w+ \w+|run \w+ \S+)|^not ok .*")


def _words(name: str) -> list[str]:
    return os.environ.get(name, "").split()


class Bench:
    """What all boots of one command share."""

    def __init__(self, session: Session, extent: Extent, drivers: Sequence[str]) -> None:
        self.session = session
        self.extent = extent
        self.drivers = drivers
        self.library, self.sampler = self._tools()

    def _tools(self) -> tuple[Path, Path]:
        folder = self.session.tool("io_count", "io_sample").parent
        return folder / "io_count.so", folder / "io_sample"

    def image(self, name: str, text: str) -> Path:
        kernels_own = stock.kernels_own("bench-nvme")
        with tempfile.TemporaryDirectory(prefix="dma_map_nvme.") as folder:
            listing, jobs = Path(folder) / "nvme_bench.plan", Path(folder) / "nvme_bench.fio"
            listing.write_text(text)
            jobs.write_text(plan.jobs(self.extent))
            contents = initramfs.Contents(
                self.session.kdir, self.session.modules_with("nvme") if RUST in self.drivers else (),
                [kernels_own / f"{module}.ko" for module in C_MODULES], [self.sampler],
                (SCRIPT, listing, jobs), more=programs.closure(["fio"]))
            return initramfs.build(contents, self.session.logs / f"{name}.cpio")

    def boot(self, variant: Variant, clock: str, cpu: int) -> tuple[record.Log, list[Case], str]:
        group = f"nvme-bench/{variant.name}/{clock}"
        name = group.replace("/", ".")
        log_path = self.session.logs / f"{name}.log"
        marks = log_path.with_suffix(".marks")
        counted = clock == COUNTED
        make = plan.counted if counted else plan.timed
        image = self.image(name, make(self.extent, self.drivers))
        boot = machine.boot(self.session, variant, image,
                            machine.plugin(self.library, marks) if counted else ())
        words = qemu.command(boot)
        told = _Progress(f"{variant.name}, {clock}", make(self.extent, self.drivers))
        log = qemu.watch(machine.at_once(words, cpu) if counted else words, self.session.timeout,
                         log_path, told)
        image.unlink()
        cases = judge.judge(self.session.parser, log, judge.Demands(["nvme_bench"], variant), group)
        found = record.read(line for segment in transcript.read(log.lines).segments
                            for line in segment.lines)
        if counted:
            record.attach(found, record.marks(marks.read_text() if marks.exists() else ""))
        cases.append(verdict(group, "every run was reported, and nothing else", not found.problems,
                             "\n".join(found.problems[:20])))
        say(f"{group}: {count(cases, PASS)} passed, {count(cases, FAIL)} failed "
            f"in {log.seconds:.0f} s")
        return found, cases, shlex.join(words)


class _Progress:
    """A line when a driver takes its turn."""

    def __init__(self, title: str, text: str) -> None:
        self.title = title
        self.turns = sum(line.startswith("use ") for line in text.splitlines())
        self.turn = 0

    def __call__(self, line: str) -> None:
        match = PROGRESS.search(transcript.bare(line))
        if match is None:
            return
        if match[0].startswith("not ok"):
            say(f"bench-nvme: {self.title}: {match[0]}")
        elif match[0].startswith("# use"):
            self.turn += 1
            driver = match[0].rsplit(" ", 1)[1]
            name = "the loop alone" if driver == NULL else {C: "C", RUST: "Rust"}.get(driver, driver)
            say(f"bench-nvme: {self.title}: turn {self.turn} of {self.turns}, {name}")


def _allocations(log: record.Log, path: str) -> list[Allocations]:
    made = []
    for workload in dict.fromkeys(run.workload for run in log.runs if run.verb == "events"):
        found = [figures.allocations(log, workload, role)
                 for role in (figures.FIRST, figures.SECOND, figures.NONE)]
        if all(each is not None for each in found):
            made.append(Allocations(path, workload, *found))
    return made


def _counted(bench: Bench, paths: Sequence[str], into: Results) -> list[Case]:
    """Beside each other, each on a CPU of its own: counts don't change by that."""
    machine.check_priority()
    cpus = sorted(os.sched_getaffinity(0))[:max(1, bench.session.jobs)]
    with ThreadPoolExecutor(max_workers=len(cpus)) as pool:
        free = list(cpus)

        def one(path: str) -> tuple[record.Log, list[Case], str]:
            cpu = free.pop()
            try:
                return bench.boot(machine.counting(machine.PATHS[path]), COUNTED, cpu)
            finally:
                free.append(cpu)

        done = list(pool.map(one, paths))
    cases = []
    for path, (log, judged, command) in zip(paths, done):
        into.comparisons += figures.compare(log, path)
        into.allocations += _allocations(log, path)
        into.disks[path] = log.disks
        into.about[f"command of {path}, counted"] = command
        cases += judged
    return cases


def _timed(bench: Bench, paths: Sequence[str], into: Results) -> list[Case]:
    cases = []
    for path in paths:
        log, judged, command = bench.boot(machine.in_real_time(machine.PATHS[path]), TIMED, 0)
        into.times += figures.times(log, path)
        into.disks.setdefault(path, log.disks)
        into.about[f"command of {path}, in real time"] = command
        cases += judged
    return cases


def _chosen(extent: Extent) -> tuple[Extent, list[str], list[str]]:
    paths = _words("DMA_MAP_NVME_PATHS") or list(machine.PATHS)
    workloads = _words("DMA_MAP_NVME_WORKLOADS")
    drivers = _words("DMA_MAP_NVME_DRIVERS") or [C, RUST]
    clocks = _words("DMA_MAP_NVME_CLOCKS")
    for name, values, known in (("PATHS", paths, machine.PATHS),
                                ("WORKLOADS", workloads, plan.known(extent)),
                                ("DRIVERS", drivers, (C, RUST)),
                                ("CLOCKS", clocks, (COUNTED, TIMED))):
        for value in values:
            if value not in known:
                raise Stop(f"{name}={value} is not one of: {' '.join(sorted(known))}")
    if len(drivers) != 2:
        raise Stop('DRIVERS= names the first and the second one, such as "c rust"')
    return extent.only(workloads, clocks), paths, drivers


def _about(session: Session, extent: Extent) -> dict[str, object]:
    return {**archive.about(session, os.environ), "extent": extent.name}


def run(session: Session, quick: bool) -> int:
    """Everything: tables, data and plots. The last line is the result."""
    if session.accel != "tcg":
        raise Stop("only TCG counts instructions: leave ACCEL out")
    if shutil.which("gnuplot") is None:
        raise Stop("gnuplot is missing: install the package gnuplot-nox")
    extent, paths, drivers = _chosen(plan.QUICK if quick else plan.FULL)
    bench = Bench(session, extent, drivers)
    session.forget_logs("nvme-bench")
    session.parser  # loaded once, before the boots share it
    found = Results(drivers, about=_about(session, extent))
    cases: list[Case] = []
    if extent.counted:
        say(f"bench-nvme: counting instructions on {len(paths)} paths")
        cases += _counted(bench, paths, found)
    if extent.timed:
        say(f"bench-nvme: taking times on {len(paths)} paths")
        cases += _timed(bench, paths, found)
    folder = session.build.parent / "bench" / ("nvme-quick" if quick else "nvme")
    folder.mkdir(parents=True, exist_ok=True)
    data, text = folder / "results.json", folder / "tables.txt"
    results.write(found, data)
    text.write_text(tables.report(found) + "\n")
    print(f"\n{tables.report(found)}\n")
    for path in (data, text, *plots.write(found, folder)):
        say(f"bench-nvme: {path.relative_to(ROOT)}")
    bad = [case for case in cases if case.status == FAIL]
    for case in bad:
        print("\n  ".join((f"failed: {case.group}: {case.name}", *case.detail.splitlines())))
    print(results.last_line(found), flush=True)
    return 1 if bad else 0
