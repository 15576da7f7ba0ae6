# SPDX-License-Identifier: GPL-2.0
"""From one boot's log to its verdicts. Reads text only, so recorded logs test it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import ModuleType

import expected as sources
import ktap
import oracle
import transcript
from qemu import TIMEOUT, BootLog
from report import Case, failed, passed, verdict
from variants import Variant


@dataclass(frozen=True)
class Demands:
    """What a boot has to show, beside a clean log and an orderly end."""

    tests: Sequence[str]
    variant: Variant | None = None
    traffic: bool = True  # the tests make the devices move data
    suites: dict[str, list[str]] = field(default_factory=dict)
    kunit_test: str = ""  # the test whose KTAP is KUnit's own


def _how_it_ended(log: BootLog, record: transcript.Transcript, group: str) -> Case:
    name = "the guest ran to its end"
    if record.done and log.end != TIMEOUT:
        return passed(group, name)
    if log.end == TIMEOUT:
        what = (f"killed after {log.seconds:.0f} s, in which QEMU had {log.cpu_seconds:.0f} s of "
                "CPU time: nothing ended it")
    elif not log.lines:
        what = f"QEMU printed nothing (exit status {log.status})"
    elif not record.started:
        what = f"/init was never reached (QEMU's exit status {log.status})"
    else:
        what = f"the guest was gone before it was done (QEMU's exit status {log.status})"
    running = [segment.name for segment in record.segments if segment.status is None]
    if running:
        what += f", in test {running[-1]}"
    return failed(group, name, f"{what}; its last lines:\n{log.tail()}")


def _test(parser: ModuleType, name: str, record: transcript.Transcript, group: str) -> list[Case]:
    runs = [segment for segment in record.segments if segment.name == name]
    if len(runs) != 1:
        return [failed(group, name, f"ran {len(runs)} times, expected once")]
    segment = runs[0]
    cases = [Case(group, f"{name}: {case.name}", case.status, case.detail)
             for case in ktap.read(parser, segment.lines, group)]
    if not cases:
        cases.append(failed(group, name, "printed no KTAP"))
    if segment.status != 0:
        # Not one of the failures above said again: scripts may also die without a word.
        cases.append(failed(group, f"{name}: exit status", f"{segment.status}"))
    return cases


def judge(parser: ModuleType, log: BootLog, demands: Demands, group: str) -> list[Case]:
    record = transcript.read(log.lines)
    cases = [_how_it_ended(log, record, group)]
    found = oracle.complaints(log.lines)
    cases.append(verdict(group, "the kernel did not complain", not found,
                         "\n".join(map(str, found[:20]))))
    for name in demands.tests:
        mine = _test(parser, name, record, group)
        cases += mine
        if name == demands.kunit_test:
            # A result that is missing has no name either; it has failed already.
            reported = [case.name.removeprefix(f"{name}: ") for case in mine
                        if "." in case.name and not case.name.endswith(ktap.NO_NAME)]
            cases += sources.compare(demands.suites, reported, group)
    if demands.variant is not None:
        cases += demands.variant.prove(record, log.lines, group, demands.traffic)
    return cases
