# SPDX-License-Identifier: GPL-2.0
"""The protocols as SPIN models, model/*.pml: the right one holds, each broken one is caught.

A model's head says how it can be broken:

    broken: NAME: why that is wrong

With -DNAME the checker must find a violated assertion; without, it must have looked at every state
and found nothing.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from report import Case, Stop, failed, passed, say

HERE = Path(__file__).resolve().parent / "model"
GROUP = "model"
DEPTH = 1_000_000

_BROKEN = re.compile(r"^ \* broken: ([A-Z_]+): (.+)$", re.M)
_ERRORS = re.compile(r"errors: (\d+)$", re.M)
_STATES = re.compile(r"^ *(\d+) states, stored", re.M)


def ways_to_break(source: str) -> dict[str, str]:
    return dict(_BROKEN.findall(source))


def complaint(output: str, broken: bool) -> str:
    """Why the checker's report is not the one that it should be; empty if it is."""
    errors, states = _ERRORS.search(output), _STATES.search(output)
    if errors is None or states is None:
        return "the checker did not come to an end:\n" + output
    if broken:
        return "" if "assertion violated" in output else "no assertion was violated:\n" + output
    if int(errors.group(1)):
        return "the right protocol fails:\n" + output
    if "max search depth too small" in output or "Search not completed" in output:
        return "not every state was looked at:\n" + output
    return ""


def check(model: Path, flag: str = "") -> str:
    """Runs the checker on one variant; its report, or the compiler's."""
    with tempfile.TemporaryDirectory(prefix="dma_map_model.") as folder:
        steps = (
            ["spin", "-a", *([f"-D{flag}"] if flag else []), str(model)],
            ["gcc", "-O2", "-w", "-o", "pan", "pan.c"],
            ["./pan", f"-m{DEPTH}"],
        )
        output = ""
        for step in steps:
            done = subprocess.run(step, cwd=folder, check=False, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            output = done.stdout
            if done.returncode and step[0] != "./pan":
                break
        return output


def run() -> list[Case]:
    models = sorted(HERE.glob("*.pml"))
    if shutil.which("spin") is None:
        raise Stop("spin is missing: install the package spin")
    say(f"model: {len(models)} protocols")
    cases = []
    for model in models:
        variants = {"": "holds in every state", **ways_to_break(model.read_text())}
        if len(variants) == 1:
            cases.append(failed(GROUP, model.stem, "says no way to break it"))
        for flag, why in variants.items():
            name = f"{model.stem}: {why}"
            reason = complaint(check(model, flag), bool(flag))
            cases.append(failed(GROUP, name, reason) if reason else passed(GROUP, name))
    return cases or [failed(GROUP, "models exist", f"{HERE} holds no model")]
