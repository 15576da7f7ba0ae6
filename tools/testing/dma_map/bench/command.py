# SPDX-License-Identifier: GPL-2.0
"""`make bench`, `make bench-bless`, and the part of `make test`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from bench import archive, baseline, boots, machines, plots, results, tables, uapi
from bench.plan import CHECK, QUICK, Extent
from report import FAIL, SKIP, Case, Stop, conclude, say, verdict
from session import ROOT, Session

# What pre-mapped memory saves at least, in instructions, where each unmap flushes the IOTLB.
POOL_GAIN = 8.0


def _told(case: Case) -> str:
    return "\n  ".join((f"failed: {case.group}: {case.name}", *case.detail.splitlines()))


def _failures(cases: Sequence[Case]) -> int:
    bad = [case for case in cases if case.status == FAIL]
    for case in bad:
        print(_told(case), flush=True)
    return len(bad)


def _folder(session: Session, extent: Extent) -> Path:
    """Of its own for each kernel, and so that a quick look does not replace a long one."""
    quick = "-quick" if extent.name == QUICK.name else ""
    name = session.build.name.removesuffix("-bench") + quick
    folder = session.build.parent / "bench" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def measure(session: Session, extent: Extent, paths: Sequence[str]) -> int:
    """Everything: tables, data and plots. The last line is the result."""
    found, cases = boots.run(session, extent, paths)
    folder = _folder(session, extent)
    words = ["make", "bench", *(["QUICK=1"] if extent.name == QUICK.name else []),
             *(["LLVM=1"] if session.llvm else [])]
    made = [archive.write(session, found, shlex.join(words), folder), *plots.write(found, folder)]
    print(f"\n{tables.report(found)}\n")
    cases.append(_sections(found))
    # Who measures one operation wants nothing else.
    if extent.whole:
        cases += uapi.measure(session, paths, extent.name == QUICK.name, folder)
    for path in made:
        say(f"bench: {path.relative_to(ROOT)}")
    bad = _failures(cases)
    print(results.last_line(found), flush=True)
    return 1 if bad else 0


def _gain(found: Sequence[boots.Boot]) -> Case:
    gain = results.pool_gain(found)
    return verdict("bench/mapped pool", f"an I/O takes {POOL_GAIN:g} times fewer instructions than "
                   f"C's map and unmap under {machines.STRICTEST}",
                   gain is not None and gain >= POOL_GAIN,
                   "it was not measured" if gain is None else f"{gain:.2f} times")


def _sections(found: Sequence[boots.Boot]) -> Case:
    longer = results.too_long(found)
    return verdict("bench/mapped pool", "no more than "
                   f"{results.LONGEST} instructions at a time have interrupts off",
                   not longer, "\n".join(longer))


def check(session: Session) -> int:
    """Holds the instructions against the recorded ones, which are those of the pinned kernel."""
    # make exports a variable that it does not have as an empty one.
    if os.environ.get("KDIR"):
        return conclude([Case("bench", "operations are as cheap as recorded", SKIP,
                              "KDIR is another kernel than the recorded one")])
    recorded = baseline.read(baseline.path_of(session.llvm))
    found, cases = boots.run(session, CHECK)
    now = baseline.made_of(found, machines.PATHS)
    cases += uapi.check(session)
    return conclude([*cases, *baseline.compare(recorded, now), _gain(found), _sections(found)])


def bless(session: Session) -> int:
    """Records what is counted now, unless something went wrong meanwhile."""
    found, cases = boots.run(session, CHECK)
    if _failures(cases):
        raise Stop("nothing is recorded")
    file = baseline.path_of(session.llvm)
    before = baseline.parse(file.read_text()) if file.is_file() else {}
    after = baseline.made_of(found, machines.PATHS)
    file.write_text(baseline.dump(after))
    for line in baseline.changes(before, baseline.parse(baseline.dump(after))):
        print(line)
    say(f"bench: {file.relative_to(ROOT)} is written, "
        f"{sum(map(len, after.values()))} operations; {results.last_line(found)}")
    return 0
