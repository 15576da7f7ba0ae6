# SPDX-License-Identifier: GPL-2.0
"""What must not compile: compile_fail/<type>/<mistake>.rs, each beside <mistake>.pass.rs.

The twin differs by one line and compiles, so that a slip elsewhere can't make the case
"fail as expected". The first lines of both say what the mistake leads to:

    // error: E0382                   that code, and no other
    // error: text may not live       an error without a code, by a part of its text
    // error: link rust_build_error   compiles, but leaves this symbol undefined
    // emit: obj                      the error needs code generation (constants, build errors)
    // misuse: ID, ID/HANDLE          the classes of misuse that it closes (misuse/classes.toml)

A .stderr file beside a case holds the compiler's text for the pinned rustc; another version
is held to the code only. --bless writes it anew.
"""

from __future__ import annotations

import difflib
import json
import re
import subprocess
import tempfile
from collections.abc import Container, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import kbuild_rustc
from ktap import source_of
from report import FAIL, Case, Stop, failed, passed, say
from session import ROOT, Session

HERE = Path(__file__).resolve().parent / "compile_fail"
PINNED = "1.85.1"
GROUP = "compile-fail"

_ERROR = re.compile(r"^// error: (?:(E\d{4})|text (.+)|link (\S+))$", re.M)
_EMIT = re.compile(r"^// emit: (metadata|obj)$", re.M)


@dataclass(frozen=True)
class Expectation:
    code: str = ""
    text: str = ""
    symbol: str = ""
    emit: str = "metadata"


@dataclass(frozen=True)
class Outcome:
    compiled: bool
    codes: frozenset[str]  # "" stands for an error without a code
    errors: tuple[str, ...]
    rendered: str
    undefined: str


def expectation(source: str) -> Expectation | None:
    found = _ERROR.findall(source)
    if len(found) != 1:
        return None
    code, text, symbol = found[0]
    emit = _EMIT.search(source)
    chosen = emit.group(1) if emit else "obj" if symbol else "metadata"
    return Expectation(code, text, symbol, chosen)


def changed_lines(one: str, other: str) -> int:
    """How many lines are added, removed or replaced between two texts."""
    matcher = difflib.SequenceMatcher(None, one.splitlines(), other.splitlines(), autojunk=False)
    return sum(max(i2 - i1, j2 - j1) for tag, i1, i2, j1, j2 in matcher.get_opcodes()
               if tag != "equal")


def compile_one(rustc: kbuild_rustc.Rustc, source: Path, emit: str) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="dma_map_case.") as folder:
        done = rustc.run(source, emit, Path(folder))
        codes, errors, rendered = set(), [], []
        for line in done.stderr.splitlines():
            try:
                message = json.loads(line)
            except ValueError:
                errors.append(line)  # not a diagnostic: rustc itself broke
                continue
            # The closing summary is an error as well, with neither a code nor a place.
            if message.get("level") == "error" and (message["code"] or message["spans"]):
                rendered.append(message["rendered"].strip() + "\n")
                codes.add(message["code"]["code"] if message["code"] else "")
                errors.append(message["message"])
        undefined = ""
        objects = list(Path(folder).glob("*.o"))
        if done.returncode == 0 and objects:
            undefined = subprocess.run(["nm", "-u", *objects], check=True, text=True,
                                       capture_output=True).stdout
    return Outcome(done.returncode == 0, frozenset(codes), tuple(errors), "\n".join(rendered),
                   undefined)


def normalise(rendered: str, source: Path, folders: dict[str, Path]) -> str:
    """The compiler's text without this machine's paths and without foreign line numbers."""
    text = rendered.replace(str(source), f"$DIR/{source.name}")
    for name, folder in sorted(folders.items(), key=lambda item: -len(str(item[1]))):
        text = text.replace(str(folder), name)  # the longest first: one may hold another
    # Where rustc puts what it finds too long to print.
    text = re.sub(r"'\S+/case\.long-type-\d+\.txt'", "'$OUT'", text)
    # Where rustc puts what it finds too long to print.
    text = re.sub(r"'\S+/case\.long-type-\d+\.txt'", "'$OUT'", text)
    # Code moves: where the library's or the kernel's line is says nothing about the case.
    text = re.sub(r"(\$(?:ROOT|KERNEL|KDIR)/\S+?):\d+:\d+", r"\1:LL:CC", text)
    return "\n".join(line.rstrip() for line in text.splitlines()).rstrip() + "\n"


def complaint(wanted: Expectation, outcome: Outcome) -> str:
    """Why the case did not fail as it should; empty if it did."""
    if wanted.symbol:
        if not outcome.compiled:
            return "does not compile:\n" + outcome.rendered
        if wanted.symbol not in outcome.undefined.split():
            return f"leaves no undefined symbol {wanted.symbol}"
        return ""
    if outcome.compiled:
        return "compiles"
    if wanted.code and outcome.codes != {wanted.code}:
        return (f"expected {wanted.code} only, got {', '.join(sorted(outcome.codes)) or 'none'}:\n"
                + (outcome.rendered or "\n".join(outcome.errors)))
    if wanted.text and not (outcome.codes == {""} and
                            all(wanted.text in error for error in outcome.errors)):
        return f"expected only errors with the text '{wanted.text}':\n" + outcome.rendered
    return ""


def twin_complaint(wanted: Expectation, outcome: Outcome) -> str:
    if not outcome.compiled:
        return "the pass twin does not compile:\n" + (outcome.rendered or "\n".join(outcome.errors))
    if wanted.symbol and wanted.symbol in outcome.undefined.split():
        return f"the pass twin needs {wanted.symbol} too"
    return ""


class Runner:
    def __init__(self, rustc: kbuild_rustc.Rustc, folders: dict[str, Path], bless: bool) -> None:
        self.rustc = rustc
        self.folders = folders
        self.bless = bless

    def stderr_complaint(self, case: Path, outcome: Outcome) -> str:
        recorded = case.with_suffix(".stderr")
        if self.rustc.version != PINNED:
            return ""
        now = normalise(outcome.rendered, case, self.folders)
        if self.bless:
            recorded.write_text(now)
        if not recorded.is_file() or recorded.read_text() == now:
            return ""
        diff = difflib.unified_diff(recorded.read_text().splitlines(), now.splitlines(),
                                    recorded.name, "now", lineterm="")
        return "the compiler's text changed (make bless writes it anew):\n" + "\n".join(diff)

    def why_not(self, case: Path) -> str:
        """Empty if the case fails and its twin compiles, both as they should."""
        twin = case.with_suffix(".pass.rs")
        if not twin.is_file():
            return f"has no pass twin {twin.name}"
        source, other = case.read_text(), twin.read_text()
        changed = changed_lines(source, other)
        if changed != 1:
            return f"differs from its pass twin by {changed} lines, not one"
        wanted = expectation(source)
        if wanted is None or wanted != expectation(other):
            return "needs one line `// error: ...`, the same in its pass twin"
        outcome = compile_one(self.rustc, case, wanted.emit)
        return (complaint(wanted, outcome)
                or twin_complaint(wanted, compile_one(self.rustc, twin, wanted.emit))
                or ("" if wanted.symbol else self.stderr_complaint(case, outcome)))


def strays(folder: Path, cases: Sequence[Path]) -> list[str]:
    """Twins and recorded texts whose case is gone: they would rot unseen."""
    stems = {case.with_suffix("") for case in cases}
    found = []
    for path in sorted(folder.rglob("*")):
        base = path.with_name(path.name.removesuffix(".pass.rs").removesuffix(".stderr"))
        if path.is_file() and base != path and base not in stems:
            found.append(str(path.relative_to(folder)))
    return found


def cases_in(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*/*.rs")) if not path.name.endswith(".pass.rs")]


def name_of(case: Path, folder: Path) -> str:
    return str(case.relative_to(folder).with_suffix(""))


def run_folder(runner: Runner, folder: Path, jobs: int,
               only: Container[str] | None = None) -> list[Case]:
    there = cases_in(folder)
    cases = [case for case in there if only is None or name_of(case, folder) in only]
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        reasons = list(pool.map(runner.why_not, cases))
    results = []
    for case, reason in zip(cases, reasons):
        name = name_of(case, folder)
        results.append(failed(GROUP, name, reason) if reason else passed(GROUP, name))
    results += [failed(GROUP, name, "belongs to no case") for name in strays(folder, there)]
    return results or [failed(GROUP, "cases exist", f"{folder} holds no case")]


def show(results: Sequence[Case]) -> None:
    """The same results as KTAP, which other tools can read."""
    print(f"KTAP version 1\n1..{len(results)}")
    for index, case in enumerate(results, 1):
        if case.status == FAIL:
            print("\n".join("# " + line for line in case.detail.splitlines()))
        print(f"{'not ok' if case.status == FAIL else 'ok'} {index} {case.name}", flush=True)


def run(session: Session, bless: bool = False, only: Container[str] | None = None) -> list[Case]:
    rustc = kbuild_rustc.find(session.build)
    count = sum(only is None or name_of(case, HERE) in only for case in cases_in(HERE))
    say(f"compile-fail: {count} cases, rustc {rustc.version}"
        + ("" if rustc.version == PINNED else f" (not {PINNED}: error codes only)"))
    if bless and rustc.version != PINNED:
        raise Stop(f"the .stderr files are those of rustc {PINNED}, and this is {rustc.version}")
    folders = {"$ROOT": ROOT, "$KDIR": session.kdir, "$KERNEL": source_of(session.kdir)}
    results = run_folder(Runner(rustc, folders, bless), HERE, session.jobs, only)
    show(results)
    say("compile-fail: done")
    return results
