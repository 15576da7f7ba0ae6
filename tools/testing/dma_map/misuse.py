# SPDX-License-Identifier: GPL-2.0
"""The misuse suite: each class of misuse is closed by cases, and C is seen to complain.

A class is closed if it has a case, and a case for each type of handle where it needs that, and all
its cases passed: compile-fail cases, and KUnit cases in each variant they ran in, where nothing
else was said in the log of the boot.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import misuse_control
import misuse_sources as sources
from ktap import source_of
from report import FAIL, PASS, SKIP, Case, failed, passed, table, verdict
from session import ROOT, Session

GROUP = "misuse"
CLEAN = "the kernel did not complain"

# A missing sync is wrong data in the second, a wrong unmap a fault in the third.
NEEDED = ("direct", "swiotlb-force", "iommu-strict")


@dataclass(frozen=True)
class Catalogue:
    """What the sources say."""

    classes: Sequence[sources.Class]
    references: Sequence[sources.Reference]
    handles: Sequence[str]
    messages: Sequence[str]
    committed: Sequence[str]

    def of(self, entry: sources.Class) -> list[sources.Reference]:
        return [reference for reference in self.references if reference.id == entry.id]


def catalogue(session: Session) -> Catalogue:
    debug_c = source_of(session.kdir) / sources.DEBUG_C
    return Catalogue(sources.classes(),
                     (*sources.in_compile_fail(sources.HERE / "compile_fail"),
                      *sources.in_kunit(ROOT)),
                     sources.handles(ROOT), sources.messages_in(debug_c.read_text()),
                     sources.committed_in_c())


def _no(name: str, strays: Iterable[str]) -> Case:
    listed = sorted(strays)
    return verdict(GROUP, name, not listed, "\n".join(listed))


def consistency(found: Catalogue) -> list[Case]:
    """Whether list, kernel, cases and control module speak of the same things."""
    ids = [entry.id for entry in found.classes]
    known = {entry.message for entry in found.classes if entry.message}
    marks = [reference for reference in found.references if reference.handle]
    by_id = {entry.id: entry for entry in found.classes}
    return [
        _no("no message of the kernel is missing in the list", set(found.messages) - known),
        _no("no message of the list is missing in the kernel", known - set(found.messages)),
        verdict(GROUP, "the kernel has messages", bool(found.messages)),
        _no("no class twice", {id for id in ids if ids.count(id) > 1}),
        _no("no case of an unknown class", {f"{r.id}: {r.case}" for r in found.references
                                            if r.id not in ids}),
        _no("no mark without a case", {r.id for r in found.references if not r.case}),
        _no("no case of an unknown handle",
            {f"{r.id}/{r.handle}: {r.case}" for r in marks if r.handle not in found.handles}),
        _no("no handle where the class needs none",
            {f"{r.id}/{r.handle}: {r.case}" for r in marks
             if r.id in by_id and not by_id[r.id].every_handle}),
        _no("no misuse in C of an unknown class", set(found.committed) - {
            entry.id for entry in found.classes if entry.message}),
    ]


@dataclass(frozen=True)
class Verdict:
    entry: sources.Class
    how: str
    passed: int
    total: int
    why_not: str = ""

    @property
    def closed(self) -> bool:
        return not self.why_not


def _outcome(reference: sources.Reference, results: Sequence[Case],
             needed: Sequence[str]) -> str:
    """Empty if the case passed."""
    if reference.kind == sources.COMPILE_FAIL:
        mine = [case for case in results
                if (case.group, case.name) == (sources.COMPILE_FAIL, reference.case)]
        if not mine:
            return "did not run"
        return "" if all(case.status == PASS for case in mine) else "failed"

    mine = [case for case in results if case.group.startswith("kunit/")
            and case.name == f"kunit: {reference.case}"]
    ran = {case.group.removeprefix("kunit/") for case in mine}
    if absent := [name for name in needed if name not in ran]:
        return "did not run in " + ", ".join(absent)
    if bad := [case.group for case in mine if case.status == FAIL]:
        return "failed in " + ", ".join(bad)
    if all(case.status == SKIP for case in mine):
        return "was skipped everywhere"
    said = [case.group for case in results
            if case.name == CLEAN and case.status == FAIL and case.group in
            {case.group for case in mine}]
    return f"the kernel complained in {', '.join(said)}" if said else ""


def how_closed(references: Iterable[sources.Reference]) -> str:
    """The compiler's errors, then the errnos, each once."""
    found = {sources.COMPILE_FAIL: set(), sources.KUNIT: set()}
    clean = False
    for reference in references:
        found[reference.kind].update(filter(None, reference.how.split(", ")))
        clean |= reference.kind == sources.KUNIT and not reference.how
    # An error without a code is a sentence.
    codes = sorted({how if re.fullmatch(r"E\d{4}", how) else "lifetime"
                    for how in found[sources.COMPILE_FAIL]})
    words = [*codes, *sorted(found[sources.KUNIT])]
    return ", ".join(words + (["clean log"] if clean else []))


def gaps(entry: sources.Class, references: Sequence[sources.Reference],
         handles: Sequence[str]) -> list[str]:
    """What a class lacks, whatever becomes of its cases."""
    if not references:
        return ["no case"]
    covered = {reference.handle for reference in references}
    return [f"no case for {handle}" for handle in handles
            if entry.every_handle and handle not in covered]


def judge(found: Catalogue, results: Sequence[Case], needed: Sequence[str]) -> list[Verdict]:
    verdicts = []
    for entry in found.classes:
        cases = found.of(entry)
        outcomes = {(reference.kind, reference.case): _outcome(reference, results, needed)
                    for reference in cases}
        reasons = [f"{case}: {reason}" for (_, case), reason in outcomes.items() if reason]
        reasons += gaps(entry, cases, found.handles)
        good = sum(not reason for reason in outcomes.values())
        verdicts.append(Verdict(entry, how_closed(cases), good, len(outcomes),
                                "\n".join(reasons)))
    return verdicts


def as_cases(verdicts: Iterable[Verdict]) -> list[Case]:
    return [failed(GROUP, f"closed: {each.entry.name}", each.why_not) if each.why_not
            else passed(GROUP, f"closed: {each.entry.name}") for each in verdicts]


def in_c(entry: sources.Class, seen: dict[str, str]) -> str:
    if not entry.message:
        return entry.in_c
    return "complains at run time" if entry.id in seen else "not provoked"


def show(verdicts: Sequence[Verdict], seen: dict[str, str]) -> None:
    rows = [("" if each.closed else "OPEN", each.entry.name, each.how,
             f"{each.passed}/{each.total}", in_c(each.entry, seen)) for each in verdicts]
    print("\n" + table(("", "class", "closed by", "cases", "in C"), rows))


def last_line(verdicts: Sequence[Verdict]) -> str:
    closed = sum(each.closed for each in verdicts)
    return f"misuse classes: {closed} of {len(verdicts)} closed"


def run(session: Session, results: Sequence[Case],
        needed: Sequence[str]) -> tuple[list[Case], list[Verdict]]:
    """Judges what ran before, with KUnit in the `needed` variants, and boots the control."""
    found = catalogue(session)
    cases = consistency(found)
    control, seen = misuse_control.run(session, found.classes)
    cases += control
    verdicts = judge(found, results, needed)
    cases += as_cases(verdicts)
    show(verdicts, seen)
    return cases, verdicts


def named_cases(session: Session) -> set[str]:
    """The compile-fail cases that close a class."""
    return {reference.case for reference in catalogue(session).references
            if reference.kind == sources.COMPILE_FAIL}
