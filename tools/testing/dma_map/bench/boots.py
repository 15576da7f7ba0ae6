# SPDX-License-Identifier: GPL-2.0
"""Boots the plans on the paths. Each boot is judged as a test's is, and its rounds are read."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import initramfs
import judge
import qemu
import transcript
from bench import machines, rounds
from bench.plan import Extent, Plan
from report import Case, Stop, say, verdict
from session import Session, boot_and_judge, in_parallel
from variants import Variant

SCRIPT = Path(__file__).resolve().parent / "bench.sh"
COUNTED, TIMED = "counted", "timed"


@dataclass(frozen=True)
class Boot:
    """What one boot measured, and how."""

    path: str
    clock: str
    command: str
    log: rounds.Log


def _image(session: Session, plan: Plan, name: str) -> Path:
    with tempfile.TemporaryDirectory(prefix="dma_map_bench.") as folder:
        listing = Path(folder) / "bench.plan"
        listing.write_text(plan.text())
        contents = initramfs.Contents(session.kdir, session.modules_with("bench"),
                                      extra_tests=(SCRIPT, listing))
        return initramfs.build(contents, session.logs / f"{name}.cpio")


def _one(session: Session, plan: Plan, variant: Variant, clock: str,
         found: list[Boot]) -> list[Case]:
    group = f"bench/{variant.name}/{clock}-{plan.name}"
    image = _image(session, plan, group.replace("/", "."))
    boot = qemu.Boot(variant, session.kdir, image, ["bench"], session.accel, machines.DEVICES,
                     (), session.timeout)
    lines: list[str] = []
    cases = boot_and_judge(session, boot, judge.Demands(["bench"], variant), group, lines.append)
    # Only what the script said itself.
    segments = transcript.read(lines).segments
    log = rounds.read(line for segment in segments for line in segment.lines)
    found.append(Boot(variant.name, clock, " ".join(qemu.command(boot)), log))
    cases.append(verdict(group, "every round was reported, and nothing else", not log.problems,
                         "\n".join(log.problems[:20])))
    return cases


def _check_session(session: Session) -> None:
    if session.accel != "tcg":
        raise Stop("only TCG counts instructions: leave ACCEL out")


def run(session: Session, extent: Extent,
        paths: Iterable[str] = tuple(machines.PATHS)) -> tuple[list[Boot], list[Case]]:
    """Counts beside each other, for counts don't change by that; times one after the other."""
    _check_session(session)
    session.forget_logs("bench")
    session.parser  # loaded once, before the boots share it
    found: list[Boot] = []
    chosen = [machines.PATHS[name] for name in paths]
    if extent.counted:
        say(f"bench: counting instructions on {len(chosen)} paths")
    cases = in_parallel(session, [
        partial(_one, session, plan, machines.counting(path, plan.cpus), COUNTED, found)
        for plan in extent.counted for path in chosen])
    if extent.timed:
        say(f"bench: taking times on {len(chosen)} paths")
    for plan in extent.timed:
        for path in chosen:
            cases += _one(session, plan, machines.in_real_time(path, plan.cpus), TIMED, found)
    order = list(machines.PATHS)
    # By path, whichever boot was done first.
    return sorted(found, key=lambda boot: (order.index(boot.path), boot.clock)), cases


def measurements(boots: Sequence[Boot], path: str, clock: str,
                 series: str) -> list[rounds.Measurement]:
    return [run for boot in boots if (boot.path, boot.clock) == (path, clock)
            for run in boot.log.measurements if run.series == series]
