# SPDX-License-Identifier: GPL-2.0
"""The drivers of the tutorial: each is built, loaded and unloaded, and says what its page shows.

So is each mistake on the pages: what the compiler says of it, or the log if it compiles.
"""

from __future__ import annotations

import difflib
import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import judge
import kbuild_rustc
import qemu
import tutorial
from compile_fail import PINNED, compile_one
from report import Case, Stop, failed, say, verdict
from session import ROOT, Session, boot_and_judge, in_parallel, without_make
from stock import machine
from transcript import bare
from tutorial import NAME, Mistake, Step

GROUP = "tutorial"
TEST = "tutorial"


def shown(rendered: str) -> list[str]:
    """The part of the compiler's text that a page shows: the first error, up to its notes."""
    text = re.sub(r"--> \S+$", f"--> {NAME}.rs", rendered, flags=re.M)
    lines: list[str] = []
    for line in text.splitlines():
        if not line.strip() or re.match(r" += |note: |help: ", line):
            break
        lines.append(line.rstrip())
    while lines and lines[-1].strip() == "|":
        lines.pop()
    return lines


def _differs(page: Sequence[str], now: Sequence[str]) -> str:
    return "\n".join(difflib.unified_diff(page, now, "the page", "now", lineterm=""))


def _mistake(rustc: kbuild_rustc.Rustc, mistake: Mistake, source: str) -> Case:
    name = f"step {mistake.step}: the compiler refuses the mistake"
    with tempfile.TemporaryDirectory(prefix="dma_map_mistake.") as folder:
        path = Path(folder) / f"{NAME}.rs"
        path.write_text(mistake.made_in(source))
        outcome = compile_one(rustc, path, "metadata")
    if outcome.compiled:
        return failed(GROUP, name, "it compiles")
    if rustc.version != PINNED:
        return verdict(GROUP, name, True)
    now = shown(outcome.rendered)
    return verdict(GROUP, name, now == list(mistake.says), _differs(mistake.says, now))


def mistakes(session: Session, steps: Sequence[Step], sources: Sequence[str]) -> list[Case]:
    rustc = kbuild_rustc.find(session.build)
    refused = [(mistake, source) for step, source in zip(steps, sources)
               for mistake in step.mistakes if not mistake.compiles]
    with ThreadPoolExecutor(max_workers=session.jobs) as pool:
        return list(pool.map(lambda each: _mistake(rustc, *each), refused))


def _modules(session: Session, folder: Path, sources: dict[str, str]) -> tuple[list[Path], list[Case]]:
    paths = tutorial.write(folder, sources)
    objects = " ".join(f"{path.stem}.o" for path in paths)
    (folder / "Kbuild").write_text(f"obj-m := {objects}\ninclude {ROOT}/driver.mk\n")
    words = ["make", "--no-print-directory", f"-j{session.jobs}", "-C", session.kdir, f"M={folder}",
             f"DMA_MAP_BUILD={session.build}", *(["LLVM=1"] if session.llvm else []), "modules"]
    done = subprocess.run(words, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=without_make(os.environ), check=False)
    if done.returncode:
        raise Stop(f"the tutorial's drivers do not build:\n{done.stdout}")
    # A mistake may leave something unused.
    warned = [name for name in sources if "_" not in name
              and re.search(rf"^ *--> .*\b{name}\.rs:", done.stdout, re.M)]
    return ([path.with_suffix(".ko") for path in paths],
            [verdict(GROUP, "the steps compile without a warning", not warned, done.stdout)])


def logged(lines: Sequence[str], name: str) -> list[str]:
    """What a driver logged, as a page shows it."""
    return [line.replace(name, NAME) for line in map(bare, lines)
            if re.match(rf"{name} [0-9a-f]+:[0-9a-f:.]+: ", line)]


def said(name: str, page: Sequence[str], lines: Sequence[str]) -> Case:
    """A step logs the page's lines and no other; a mistake ends in them."""
    now = logged(lines, name)
    if "_" in name:
        now = now[-len(page):]
    return verdict(GROUP, f"{name} logs what the page shows", now == list(page), _differs(page, now))


def run(session: Session) -> list[Case]:
    steps, texts = tutorial.read()
    sources = tutorial.named(texts)
    page = {name: step.says for name, step in zip(sources, steps)}
    for step, text in zip(steps, texts):
        for mistake in filter(lambda mistake: mistake.compiles, step.mistakes):
            name = f"step{step.number}_wrong"
            if name in sources:
                raise Stop(f"step {step.number} has two mistakes that compile: the test knows one by its name")
            sources[name], page[name] = mistake.made_in(text), list(mistake.says)

    say(f"{GROUP}: building {len(sources)} drivers")
    session.forget_logs(GROUP)
    with tempfile.TemporaryDirectory(prefix="dma_map_tutorial.") as folder:
        modules, cases = _modules(session, Path(folder).resolve(), sources)
        image = session.make_initramfs(GROUP, [], modules)

    lines: list[str] = []
    boot = qemu.Boot(machine(), session.kdir, image, [TEST], session.accel, ("edu",), (),
                     session.timeout)
    demands = judge.Demands([TEST], machine(), traffic=False)
    # The guest needs one CPU, so the compiler has another.
    cases += in_parallel(session, [partial(mistakes, session, steps, texts),
                                   partial(boot_and_judge, session, boot, demands, GROUP, lines.append)])
    return cases + [said(name, page[name], lines) for name in sources]
