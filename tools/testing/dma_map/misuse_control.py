# SPDX-License-Identifier: GPL-2.0
"""The positive control: the same misuse in C, and dma-debug's own message for each.

A silent oracle would call everything clean. The module in control/ commits what it can, and says
before and after each what it is about to do; between the two must be the message of the class.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import initramfs
import qemu
from misuse_sources import Class
from report import Case, Stop, failed, passed, say
from session import HERE, Session, without_make
from variants import VARIANTS

FOLDER = HERE / "control"
GROUP = "misuse/control"

_MARK = re.compile(r"dma_map_control: (begin|end) ([\w-]+)$")


def sections(lines: Iterable[str]) -> dict[str, list[str]]:
    """What dma-debug said while each misuse was committed."""
    found: dict[str, list[str]] = {}
    current = ""
    for line in lines:
        if mark := _MARK.search(line):
            current = mark.group(2) if mark.group(1) == "begin" else ""
            if current:
                found.setdefault(current, [])
        elif current and "DMA-API: " in line:
            found[current].append(line[line.index("DMA-API: "):])
    return found


def message_pattern(message: str) -> re.Pattern[str]:
    """The first line of a format string, with anything for its values."""
    pieces = re.split(r"%(?:p[a-z]?|[0-9]*l*[a-z])", message.splitlines()[0])
    return re.compile(".*".join(map(re.escape, pieces)))


def seen_in(lines: Iterable[str], classes: Sequence[Class]) -> dict[str, str]:
    """Class to the line in which dma-debug complained of it."""
    found = sections(lines)
    seen = {}
    for entry in classes:
        if not entry.message:
            continue
        pattern = message_pattern(entry.message)
        line = next((line for line in found.get(entry.id, ()) if pattern.search(line)), "")
        if line:
            seen[entry.id] = line
    return seen


def judge(lines: Sequence[str], classes: Sequence[Class]) -> tuple[list[Case], dict[str, str]]:
    seen = seen_in(lines, classes)
    begun = sections(lines)
    cases = []
    for entry in classes:
        if not entry.message:
            continue
        name = f"C is told of: {entry.name}"
        if entry.id in seen:
            cases.append(passed(GROUP, name, seen[entry.id]))
        elif not entry.not_provoked:
            cases.append(failed(GROUP, name, "\n".join(begun.get(entry.id, ["never committed"]))
                                or "dma-debug said nothing"))
    return cases, seen


def _build(session: Session, folder: Path) -> Path:
    for name in ("Kbuild", "control.c"):
        shutil.copy(FOLDER / name, folder)
    words = ["make", "-C", str(session.kdir), f"M={folder}", "modules"]
    done = subprocess.run(words + (["LLVM=1"] if session.llvm else []), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=without_make(os.environ), check=False)
    if done.returncode:
        raise Stop(f"{FOLDER} does not build:\n{done.stdout}")
    return folder / "control.ko"


def run(session: Session, classes: Sequence[Class]) -> tuple[list[Case], dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="dma_map_control.") as folder:
        module = _build(session, Path(folder))
        contents = initramfs.Contents(session.kdir, (), [module], (), [FOLDER / "control.sh"])
        image = initramfs.build(contents, session.logs / "misuse.control.cpio")
    boot = qemu.Boot(VARIANTS["direct"], session.kdir, image, ["control"], session.accel,
                     ("pci-testdev",), (), session.timeout)
    log = qemu.run(boot, session.logs / "misuse.control.log")
    cases, seen = judge(log.lines, classes)
    say(f"misuse: dma-debug complained of {len(seen)} of "
        f"{sum(bool(entry.message) for entry in classes)} classes that were committed in C")
    return cases, seen
