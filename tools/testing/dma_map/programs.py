# SPDX-License-Identifier: GPL-2.0
"""Debian's programs for a guest: each with the libraries that it is linked with."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from report import Stop

PROGRAMS = "usr/bin"
LIBRARIES = "usr/lib/x86_64-linux-gnu"
# Where the loader looks, and what a library's own path names.
_PLACES = (LIBRARIES, "usr/lib64", f"{LIBRARIES}/ceph")
LOADER = "ld-linux-x86-64.so.2"


def _needed(file: Path) -> list[str]:
    shown = subprocess.run(["readelf", "-d", file], check=True, capture_output=True, text=True)
    return re.findall(r"\(NEEDED\).*\[(.+)\]", shown.stdout)


def _library(name: str) -> Path:
    for place in _PLACES:
        if (Path("/", place, name)).exists():
            return Path("/", place, name)
    raise Stop(f"{name} is missing: install what tools/dma_map/packages.list names")


def _program(name: str) -> Path:
    for place in (PROGRAMS, "usr/sbin"):
        if (Path("/", place, name)).exists():
            return Path("/", place, name)
    raise Stop(f"{name} is missing: install what tools/dma_map/packages.list names")


def closure(names: Iterable[str]) -> dict[str, Path]:
    """Path in the guest to path here. A library is found by its name alone there."""
    files = {f"/{PROGRAMS}/{name}": _program(name) for name in names}
    files[f"/lib64/{LOADER}"] = _library(LOADER)
    ahead = list(files.values())
    while ahead:
        for name in _needed(ahead.pop()):
            inside = f"/{LIBRARIES}/{name}"
            if inside not in files and name != LOADER:
                files[inside] = _library(name)
                ahead.append(files[inside])
    return files
