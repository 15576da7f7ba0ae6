# SPDX-License-Identifier: GPL-2.0
"""Shows faults of the kernel crate's own SGTable, one boot each. Evidence, run on demand.

Documentation/dma_map/interop.rst has the table. A fault that does not show any more is a failure
here, so that the table can be corrected.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import initramfs
import qemu
from report import Case, Stop, say, verdict
from session import HERE, Session
from variants import VARIANTS

FOLDER = HERE / "upstream"


@dataclass(frozen=True)
class Fault:
    number: int
    what: str
    shows: str  # in a line of the log


FAULTS = (
    Fault(4, "a direction of nothing is a BUG", r"kernel BUG at kernel/dma/mapping\.c"),
    Fault(5, "an entry is longer than the device takes",
          r"DMA-API:.* mapping sg segment longer than device claims to support"),
    Fault(6, "memory that nobody wrote is shown to the device",
          r"upstream: 0 bytes written, [1-9]\d* mapped, [1-9]\d* of before"),
)


def _build(session: Session, folder: Path) -> Path:
    for name in ("Kbuild", "upstream.rs"):
        shutil.copy(FOLDER / name, folder)
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    words = ["make", "-C", str(session.kdir), f"M={folder}", "modules"]
    done = subprocess.run(words + (["LLVM=1"] if session.llvm else []), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment,
                          check=False)
    if done.returncode:
        raise Stop(f"{FOLDER} does not build:\n{done.stdout}")
    return folder / "upstream.ko"


def run(session: Session) -> list[Case]:
    with tempfile.TemporaryDirectory(prefix="dma_map_upstream.") as folder:
        module = _build(session, Path(folder))
        contents = initramfs.Contents(session.kdir, (), [module], (), [FOLDER / "upstream.sh"])
        image = initramfs.build(contents, session.logs / "upstream.cpio")
    cases = []
    for fault in FAULTS:
        boot = qemu.Boot(VARIANTS["direct"], session.kdir, image, ["upstream"], session.accel,
                         ("pci-testdev",), (f"dma_map_fault={fault.number}",), session.timeout)
        path = session.logs / f"upstream.{fault.number}.log"
        log = qemu.run(boot, path)
        found = next((line for line in log.lines if re.search(fault.shows, line)), "")
        say(f"upstream: {fault.what}: {found or 'not shown'}")
        cases.append(verdict("upstream", fault.what, bool(found), log.tail()))
    return cases
