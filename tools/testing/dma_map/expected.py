# SPDX-License-Identifier: GPL-2.0
"""The KUnit suites and cases that the sources contain, and whether all of them reported.

`#[kunit_tests]` compiles to nothing with CONFIG_KUNIT=m, and a module that is not loaded
runs no suite: both look like success to a reader of KTAP alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from report import SKIP, Case, failed, passed, verdict

FOLDERS = ("rust/dma_map", "drivers/dma_map")

_NOT_CODE = re.compile(
    r"""//[^\n]*
      | (?P<block>/\*)
      | \bb?r(?P<hash>\#*)".*?"(?P=hash)
      | "(?:\\.|[^"\\])*"
      | '(?:\\.[^']*|[^'\\])'
    """, re.S | re.X)
_SUITE = re.compile(r"#\[(?:\w+::)*kunit_tests\(\s*(\w+)\s*\)\]\s*(?:#\[[^\]]*\]\s*)*"
                    r"(?:pub(?:\([^)]*\))?\s+)?mod\s+\w+\s*\{")
_CASE = re.compile(r"#\[test\]\s*(?:#\[[^\]]*\]\s*)*(?:pub\s+)?(?:unsafe\s+)?fn\s+(\w+)")


def _skip_block_comment(text: str, start: int) -> int:
    """The end of a block comment; they nest in Rust."""
    depth = 0
    for token in re.compile(r"/\*|\*/").finditer(text, start):
        depth += 1 if token.group() == "/*" else -1
        if depth == 0:
            return token.end()
    return len(text)


def code_only(text: str) -> str:
    """Rust source without comments, strings and character literals."""
    kept, position = [], 0
    while match := _NOT_CODE.search(text, position):
        kept.append(text[position:match.start()])
        kept.append(" ")
        position = _skip_block_comment(text, match.start()) if match["block"] else match.end()
    return "".join(kept) + text[position:]


def closing_brace(code: str, start: int) -> int:
    """Where the brace closes that was opened before `start`."""
    depth = 1
    for token in re.compile(r"[{}]").finditer(code, start):
        depth += 1 if token.group() == "{" else -1
        if depth == 0:
            return token.start()
    return len(code)


def suite_bodies(code: str) -> Iterator[tuple[str, int, int]]:
    """Each suite's name, and where its body starts and ends."""
    for match in _SUITE.finditer(code):
        yield match.group(1), match.end(), closing_brace(code, match.end())


def suites_in(text: str) -> dict[str, list[str]]:
    """Suite name to case names, in the order of the source."""
    code = code_only(text)
    return {name: _CASE.findall(code[start:end]) for name, start, end in suite_bodies(code)}


# What a case needs that can only run on some kernels.
UNWATCHED, KFENCE = "unwatched", "kfence"


def needing(what: str, text: str) -> list[str]:
    """The "suite.case" names of one file's cases with a line `kernel: <what>`. Where no case follows
    such a line, it has no name."""
    # Comments are no code, so a mark becomes an attribute before they are taken out.
    mark = re.sub(rf"^( *)/// kernel: {what}$", r"\1#[kernel_mark]", text, flags=re.M)
    code = code_only(mark)
    marked = re.compile(r"#\[kernel_mark\]\s*" + _CASE.pattern)
    found = [f"{name}.{case}" for name, start, end in suite_bodies(code)
             for case in marked.findall(code[start:end])]
    return found + ["(no case)"] * (code.count("#[kernel_mark]") - len(found))


def rust_files(root: Path) -> list[Path]:
    return [path for folder in FOLDERS for path in sorted((root / folder).rglob("*.rs"))]


def expected_suites(root: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in rust_files(root):
        for suite, cases in suites_in(path.read_text()).items():
            # Two suites of one name would hide each other's losses.
            found.setdefault(suite, []).extend(cases)
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
