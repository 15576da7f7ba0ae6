# SPDX-License-Identifier: GPL-2.0
"""KTAP, read by the kernel tree's own parser (tools/testing/kunit/kunit_parser.py).

Every loaded KUnit module prints a KTAP document of its own, and so does every guest
script. The parser reads one document; this file finds where each one begins.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from report import FAIL, PASS, SKIP, Case, Stop, failed

NO_NAME = "(no name)"

_STAMP = r"^(?P<prefix>(\[ *\d+\.\d+\] )?)"
_HEAD = re.compile(_STAMP + r"(K?TAP version \d+)$")
_PLAN = re.compile(_STAMP + r"1\.\.\d+$")
_DISABLED = re.compile(_STAMP + r"kunit: disabled$")


def source_of(kdir: Path) -> Path:
    """The source tree that a kernel build directory was made from."""
    if (kdir / "source").is_dir():
        return (kdir / "source").resolve()
    makefile = kdir / "Makefile"
    if makefile.is_file():
        included = re.search(r"^include (/\S+)/Makefile$", makefile.read_text(), re.M)
        if included:
            return Path(included.group(1))
    return kdir


def load_parser(kdir: Path) -> ModuleType:
    folder = source_of(kdir) / "tools/testing/kunit"
    if not (folder / "kunit_parser.py").is_file():
        raise Stop(f"{folder} has no kunit_parser.py. The harness reads KTAP with the kernel's "
                   "own parser: point KDIR at a kernel built from a full source tree.")
    # Behind our own folder: both have a file of the name kunit.py.
    sys.path.append(str(folder))
    return importlib.import_module("kunit_parser")


def _without_disabled(lines: Sequence[str]) -> list[str]:
    """Less the head and the plan that the kernel prints for a module before it sees that KUnit is off."""
    kept: list[str] = []
    for line in lines:
        if (_DISABLED.match(line) and len(kept) > 1
                and _HEAD.match(kept[-2]) and _PLAN.match(kept[-1])):
            del kept[-2:]
        else:
            kept.append(line)
    return kept


def documents(lines: Sequence[str]) -> list[list[str]]:
    """The KTAP documents in a log: each runs from its unindented head to the next one."""
    found: list[list[str]] = []
    for line in _without_disabled(lines):
        if _HEAD.match(line):
            found.append([])
        if found:
            found[-1].append(line)
    return found


class _Errors:
    """Stands in for kunit_printer.Printer and keeps what the parser calls an error."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def print_with_timestamp(self, text: str) -> None:
        if text.startswith("[ERROR]"):
            self.texts.append(text.removeprefix("[ERROR]").strip())

    print = print_with_timestamp

    def red(self, text: str) -> str:
        return text

    yellow = green = red

    def color_len(self) -> int:
        return 0


def _status(parser: ModuleType, test) -> str:
    known = {parser.TestStatus.SUCCESS: PASS, parser.TestStatus.SKIPPED: SKIP}
    return known.get(test.status, FAIL)


def _walk(parser: ModuleType, test, group: str, path: str) -> list[Case]:
    cases = []
    for sub in test.subtests:
        name = ".".join(filter(None, (path, sub.name or NO_NAME)))
        if sub.subtests:
            inner = _walk(parser, sub, group, name)
            cases += inner
            if not sub.ok_status() and not any(case.status == FAIL for case in inner):
                cases.append(failed(group, name, "not ok, although each of its cases is"))
            continue
        status, detail = _status(parser, sub), "\n".join(sub.log)
        if status == SKIP:
            detail = sub.skip_reason.strip()
            if not detail:
                status, detail = FAIL, "skipped without a reason"
        elif status == PASS:
            detail = ""
        elif sub.status != parser.TestStatus.FAILURE:
            detail = f"{sub.status.name}\n{detail}".strip()
        cases.append(Case(group, name, status, detail))
    return cases


def write_junit(parser: ModuleType, lines: Sequence[str], out: Path) -> None:
    """All documents in `lines` as one JUnit file, which the kernel tree's own writer makes."""
    writer = importlib.import_module("kunit_junit")
    whole = parser.Test()
    whole.name = "kunit"
    for document in documents(lines):
        stream = parser.extract_tap_lines(document)
        whole.subtests += parser.parse_test(stream, 0, [], False, _Errors()).subtests
    parser.bubble_up_test_results(whole)
    writer.write_junit_result(test=whole, filename=str(out))


def read(parser: ModuleType, lines: Sequence[str], group: str) -> list[Case]:
    """Every leaf result of every document in `lines`, and one failure for each parse error."""
    cases: list[Case] = []
    for document in documents(lines):
        errors = _Errors()
        stream = parser.extract_tap_lines(document)
        main = parser.parse_test(stream, 0, [], False, errors)
        cases += _walk(parser, main, group, "")
        if main.expected_count is None:
            errors.texts.append("no plan line: nobody knows how many results were to come")
        # The parser stops at the planned number; a result behind it must not get lost.
        errors.texts += [f"result beyond the plan: {line.strip()}"
                         for line in stream if parser.TEST_RESULT.match(line)]
        cases += [failed(group, "KTAP", text) for text in errors.texts]
    return cases
