# SPDX-License-Identifier: GPL-2.0
"""Everything that was measured, round by round, with what it was measured on, as JSON."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path

from bench.boots import Boot
from session import Session

COMMIT = "DMA_MAP_COMMIT"  # what make knows and this environment, without git, does not


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown"


def _first_line(*words: str) -> str:
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    return done.stdout.partition("\n")[0]


def _kernel(session: Session) -> dict[str, object]:
    config = (session.kdir / ".config").read_text().splitlines()
    release = session.kdir / "include/config/kernel.release"
    return {"release": release.read_text().strip(), "build": session.kdir.name,
            "compiler": next((line.partition("=")[2].strip('"') for line in config
                              if line.startswith("CONFIG_CC_VERSION_TEXT=")), ""),
            "rustc": next((line.partition("=")[2].strip('"') for line in config
                           if line.startswith("CONFIG_RUSTC_VERSION_TEXT=")), ""),
            "config": [line for line in config if line.startswith("CONFIG_")]}


def _rounds(boot: Boot) -> list[dict[str, object]]:
    return [{"series": run.series, "operation": run.operation, "loops": run.loops,
             "threads": run.threads, "live": run.live, "longest": run.longest,
             "columns": {column: [[each.cycles, each.ns] for each in done]
                         for column, done in run.columns.items()}}
            for run in boot.log.measurements]


def about(session: Session, environment: Mapping[str, str]) -> dict[str, object]:
    """What something was measured on, and when."""
    return {
        "commit": environment.get(COMMIT) or "unknown",
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": {"processor": _processor(), "cpus": os.cpu_count(),
                    "kernel": platform.release()},
        "qemu": _first_line("qemu-system-x86_64", "--version"),
        "kernel": _kernel(session),
    }


def document(session: Session, boots: Sequence[Boot], command: str,
             environment: Mapping[str, str]) -> dict[str, object]:
    return {
        "command": command,
        **about(session, environment),
        "rounds": "[cycles, ns] of all loops of all threads; counted: a cycle is an instruction",
        "longest": "cycles of the longest section with interrupts off, of a pool",
        "boots": [{"path": boot.path, "clock": boot.clock, "command": boot.command,
                   "measurements": _rounds(boot)} for boot in boots],
    }


def write(session: Session, boots: Sequence[Boot], command: str, folder: Path) -> Path:
    out = folder / "rounds.json"
    out.write_text(json.dumps(document(session, boots, command, os.environ), indent=1) + "\n")
    return out
