# SPDX-License-Identifier: GPL-2.0
"""What must not compile: compile_fail/<type>/<mistake>.rs.

One comment `// pass: LINE` stands above the line that is wrong. With LINE in its place the
case compiles, so that a slip elsewhere can't make it "fail as expected". `// pass:` alone leaves the
line out. The compiler never sees the comment. The first lines say what the mistake leads to:

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
from collections.abc import Container, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
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
_PASS = "// pass:"
# A name that macros of the kernel look for in the crate's root.
_ROOT_NAME = "LocalModule"


@dataclass(frozen=True)
class Expectation:
    code: str = ""
    text: str = ""
    symbol: str = ""
    emit: str = "metadata"


@dataclass(frozen=True)
class Sides:
    """What is compiled of a case: with its mistake and without, both without the comment."""
    case: Path
    wanted: Expectation
    failing: str
    passing: str
    comment: int  # the number of the comment's line

    def located(self, rendered: str, compiled: str) -> str:
        """The compiler's text with the case's name and lines for those of what was compiled."""
        def place(match: re.Match[str]) -> str:
            line = int(match.group(1))
            return f"{self.case}:{line + (line >= self.comment)}:"
        return re.sub(re.escape(compiled) + r":(\d+):", place, rendered)


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


def sides_of(case: Path, source: str) -> Sides | str:
    """The two sides of a case; or what its text lacks."""
    wanted = expectation(source)
    if wanted is None:
        return "needs one line `// error: ...`"
    lines = source.splitlines(keepends=True)
    comments = [at for at, line in enumerate(lines) if line.lstrip().startswith(_PASS)]
    if len(comments) != 1 or comments[0] + 1 == len(lines):
        return f"needs one line `{_PASS} ...`, above the one that is wrong"
    at = comments[0]
    before, wrong, after = "".join(lines[:at]), lines[at + 1], "".join(lines[at + 2:])
    # rustfmt may have moved the comment, but not the line below it.
    indent = wrong[:len(wrong) - len(wrong.lstrip())]
    right = indent + lines[at].partition(_PASS)[2].strip()
    return Sides(case, wanted, before + wrong + after, before + right.rstrip() + "\n" + after, at + 1)


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


def pass_complaint(symbols: Iterable[str], outcome: Outcome) -> str:
    """Why what should compile did not; empty if it did."""
    if not outcome.compiled:
        return ("does not compile with its pass line:\n"
                + (outcome.rendered or "\n".join(outcome.errors)))
    kept = sorted(set(symbols) & set(outcome.undefined.split()))
    return f"needs {', '.join(kept)} with its pass line too" if kept else ""


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

    def fail_complaint(self, sides: Sides) -> str:
        with tempfile.TemporaryDirectory(prefix="dma_map_fail.") as folder:
            source = Path(folder) / sides.case.name
            source.write_text(sides.failing)
            outcome = compile_one(self.rustc, source, sides.wanted.emit)
        outcome = replace(outcome, rendered=sides.located(outcome.rendered, str(source)))
        return (complaint(sides.wanted, outcome)
                or ("" if sides.wanted.symbol else self.stderr_complaint(sides.case, outcome)))

    def pass_complaint(self, crate: Sequence[Sides]) -> str:
        """Compiles the passing sides of some cases as one crate: most of rustc's time is its start."""
        with tempfile.TemporaryDirectory(prefix="dma_map_pass.") as folder:
            sources = [Path(folder) / f"{number}_{sides.case.name}"
                       for number, sides in enumerate(crate)]
            for source, sides in zip(sources, crate):
                source.write_text(sides.passing)
            root = sources[0]
            if len(crate) > 1:
                root = Path(folder) / "together.rs"
                root.write_text("".join(f'#[path = "{source.name}"]\npub mod case_{number};\n'
                                        for number, source in enumerate(sources)))
            outcome = compile_one(self.rustc, root, crate[0].wanted.emit)
        return pass_complaint((sides.wanted.symbol for sides in crate), outcome)


def crates(cases: Iterable[Sides]) -> list[list[Sides]]:
    """The cases whose passing sides can be one crate."""
    groups: dict[object, list[Sides]] = {}
    for sides in cases:
        alone = sides.case if _ROOT_NAME in sides.passing else None
        groups.setdefault((sides.wanted.emit, alone), []).append(sides)
    return list(groups.values())


def strays(folder: Path, cases: Sequence[Path]) -> list[str]:
    """Recorded texts whose case is gone: they would rot unseen."""
    texts = {case.with_suffix(".stderr") for case in cases}
    return [str(path.relative_to(folder)) for path in sorted(folder.rglob("*"))
            if path.is_file() and path not in texts and path not in cases]


def cases_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*.rs"))


def name_of(case: Path, folder: Path) -> str:
    return str(case.relative_to(folder).with_suffix(""))


def complaints(runner: Runner, cases: Sequence[Sides], jobs: int) -> dict[Path, str]:
    """For each case why it does not fail, or not pass, as it should; empty if it does."""
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        passing = [(crate, pool.submit(runner.pass_complaint, crate)) for crate in crates(cases)]
        found = dict(zip((sides.case for sides in cases), pool.map(runner.fail_complaint, cases)))
        for crate, done in passing:
            if not (reason := done.result()):
                continue
            # Each alone says which of them it is.
            alone = list(pool.map(runner.pass_complaint, [[sides] for sides in crate]))
            for sides, own in zip(crate, alone):
                found[sides.case] = found[sides.case] or own or ("" if any(alone) else reason)
    return found


def run_folder(runner: Runner, folder: Path, jobs: int,
               only: Container[str] | None = None) -> list[Case]:
    there = cases_in(folder)
    found = {case: sides_of(case, case.read_text()) for case in there
             if only is None or name_of(case, folder) in only}
    reasons = complaints(runner, [each for each in found.values() if isinstance(each, Sides)], jobs)
    results = []
    for case, each in found.items():
        name = name_of(case, folder)
        reason = each if isinstance(each, str) else reasons[case]
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
