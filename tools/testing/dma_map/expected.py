# SPDX-License-Identifier: GPL-2.0
"""The KUnit suites and cases that the sources contain, and whether all of them reported.

`#[kunit_tests]` compiles to nothing with CONFIG_KUNIT=m, a module that is not loaded runs no suite,
and a file without a `mod` line is not compiled: all of these look like success to a reader of KTAP
alone. kunit.action=list would not tell either. It works for modules, too (kunit_module_init() of
lib/kunit/test.c), but prints what was compiled and loaded, which is what the plans in KTAP say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from report import SKIP, Case, failed, passed, verdict

FOLDERS = ("rust/dma_map", "drivers/dma_map")

# rustfmt has been here (`make check`): where a line begins says what it belongs to.
_SUITE = re.compile(r"^#\[(?:\w+::)*kunit_tests\((\w+)\)\]\n(?:#\[.*\n)*(?:pub.*)?mod \w+ "
                    r"\{(?:\}|\n((?:(?!\}).*\n)*)\})$", re.M)
_CASE = re.compile(r"((?:^    ///.*\n)*)(?:^    #\[.*\n)*?^    #\[test\]\n(?:^    .*\n)*?"
                   r"^    (?:pub )?(?:unsafe )?fn (\w+)(.*\{\}\n|.*\n(?:(?!    \}$).*\n)*)", re.M)
# A module that is compiled only with an option. More than that, such as `not`, no module of a suite has.
_MODULE = re.compile(r"^((?:#\[cfg\(CONFIG_\w+\)\]\n)+)(?:pub(?:\(\w+\))? )?mod (\w+);$", re.M)
_OPTION = re.compile(r"CONFIG_\w+")


@dataclass(frozen=True)
class Found:
    """A case as it stands in the sources."""

    suite: str
    name: str
    doc: str
    body: str

    @property
    def full_name(self) -> str:
        return f"{self.suite}.{self.name}"


def suites_in(text: str) -> dict[str, list[Found]]:
    """The cases of one file, by suite, in the order of the source."""
    return {name: [Found(name, case, doc, body) for doc, case, body in _CASE.findall(suite)]
            for name, suite in _SUITE.findall(text)}


# What a case needs that can only run on some kernels.
UNWATCHED, KFENCE = "unwatched", "kfence"


def marked(mark: str, text: str) -> list[tuple[str, Found | None]]:
    """What one file's cases say in lines `/// <mark>: ...`; without a case where none follows."""
    line = re.compile(rf"^ */// {mark}: (.+)$", re.M)
    found = [(said, case) for cases in suites_in(text).values() for case in cases
             for said in line.findall(case.doc)]
    rest = line.findall(text)
    for said, _ in found:
        rest.remove(said)
    return found + [(said, None) for said in rest]


def needing(what: str, text: str) -> list[str]:
    """The "suite.case" names of one file's cases with a line `kernel: <what>`."""
    return [case.full_name if case else "(no case)"
            for said, case in marked("kernel", text) if said == what]


def rust_files(root: Path) -> list[Path]:
    return [path for folder in FOLDERS for path in sorted((root / folder).rglob("*.rs"))]


def options_of(root: Path) -> dict[Path, frozenset[str]]:
    """The files that not every kernel has, with the options behind which their modules stand."""
    found: dict[Path, frozenset[str]] = {}

    def note(name: Path, options: frozenset[str]) -> None:
        for path in [name.with_suffix(".rs"), *name.rglob("*.rs")]:
            found[path] = found.get(path, frozenset()) | options

    for path in rust_files(root):
        for options, module in _MODULE.findall(path.read_text()):
            # The root of a crate has its modules beside it, any other file in a folder of its name.
            for folder in (path.parent, path.with_suffix("")):
                note(folder / module, frozenset(_OPTION.findall(options)))
    return found


def expected_suites(root: Path, has: Callable[[str], bool] = lambda _: True) -> dict[str, list[str]]:
    """The suites and cases of a kernel, which `has` an option or not."""
    found: dict[str, list[str]] = {}
    options = options_of(root)
    for path in rust_files(root):
        if not all(has(option) for option in options.get(path, ())):
            continue
        for suite, cases in suites_in(path.read_text()).items():
            # Two suites of one name would hide each other's losses.
            found.setdefault(suite, []).extend(case.name for case in cases)
    return found


def ran(what: str, root: Path, cases: Iterable[Case], group: str) -> list[Case]:
    """Whether each case that needs `what` did something in one of the boots that have it."""
    done = {case.name.rpartition(" ")[2] for case in cases if case.status != SKIP}
    needed = [case for path in rust_files(root) for case in needing(what, path.read_text())]
    return ([verdict(group, f"{case} ran", case in done, "skipped in every boot")
             for case in needed]
            or [failed(group, "cases of that kernel exist", f"no case says `kernel: {what}`")])


def compare(expected: dict[str, list[str]], reported: Iterable[str], group: str) -> list[Case]:
    """`reported` holds "suite.case" names. One verdict a suite, one for what nobody expected."""
    seen = list(reported)
    results = []
    for suite, cases in expected.items():
        missing = [case for case in cases if f"{suite}.{case}" not in seen]
        if not cases:
            results.append(failed(group, f"{suite} is complete", "the suite has no #[test]"))
        elif missing:
            results.append(failed(group, f"{suite} is complete",
                                  f"{len(missing)} of {len(cases)} cases never reported: "
                                  + ", ".join(missing)))
        else:
            results.append(passed(group, f"{suite} is complete", f"{len(cases)} cases"))
    known = {f"{suite}.{case}" for suite, cases in expected.items() for case in cases}
    strangers = sorted(set(seen) - known)
    twice = sorted({name for name in seen if seen.count(name) > 1})
    # What the scan of the sources can't see, it can't miss later.
    if strangers:
        results.append(failed(group, "no unknown cases", "reported, but not found in the "
                              "sources: " + ", ".join(strangers)))
    if twice:
        results.append(failed(group, "no case twice", ", ".join(twice)))
    if not expected:
        results.append(failed(group, "suites exist", "no #[kunit_tests] under "
                              + " and ".join(FOLDERS)))
    return results
