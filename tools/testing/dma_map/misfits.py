# SPDX-License-Identifier: GPL-2.0
"""What keeps somebody's own module from working in the guest, in a sentence each."""

from __future__ import annotations

import errno
import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from initramfs import modinfo, name_of
from report import Stop

_UNKNOWN = re.compile(r"(?P<module>\w+): Unknown symbol (?P<symbol>\S+) \(err -?\d+\)")
_MAGIC = re.compile(r"(?P<module>\w+): version magic '(?P<own>\S+) .*' should be '(?P<guest>\S+) ")
_PROBE = re.compile(r"(?P<device>\S+): probe with driver (?P<driver>\S+) failed with error -(?P<error>\d+)$")
_QEMU = re.compile(r"^qemu-system-\w+: (?P<what>.*)$")

LIBRARY = "dma_map"
AGAIN = "build it again for this kernel (Documentation/dma_map/first-hour.rst has the commands)"


def _exported(symvers: Path) -> set[str]:
    """The second column of a Module.symvers."""
    if not symvers.is_file():
        return set()
    return {line.split("\t")[1] for line in symvers.read_text().splitlines() if "\t" in line}


def _symbols(module: Path, *options: str) -> set[str]:
    """The Rust symbols: their names have the hash of their crate, so another build has other ones."""
    done = subprocess.run(["nm", *options, "--format=just-symbols", module], check=True,
                          capture_output=True, text=True)
    return {name for name in done.stdout.split() if name.startswith("_R")}


def _release(kdir: Path) -> str:
    return (kdir / "include/config/kernel.release").read_text().strip()


def _check_one(module: Path, release: str, present: set[str], exported: set[str]) -> None:
    magic = modinfo(module, "vermagic")
    if not magic:
        raise Stop(f"{module.name} is no kernel module: name the .ko file that the build has made.")
    own = magic[0].split()[0]
    if own != release:
        raise Stop(f"{module.name} was built for Linux {own} and the guest runs {release}: {AGAIN}, "
                   "or take the other one with KERNEL=stock, KERNEL=test or KDIR=.")
    needed = {name for entry in modinfo(module, "depends") for name in entry.split(",") if name}
    missing = sorted(needed - present)
    if missing:
        raise Stop(f"{module.name} needs {', '.join(name + '.ko' for name in missing)}, which the "
                   "guest does not have: name the file in MODULES, too.")
    absent = _symbols(module, "-u") - exported
    if absent:
        raise Stop(f"{module.name} was built with another dma_map.ko or kernel crate, which "
                   f"{len(absent)} of its symbols show: {AGAIN}.")


def check(kdir: Path, build: Path, library: Sequence[Path], modules: Sequence[Path]) -> None:
    """Stops the run if one of the modules can't be loaded in this guest."""
    exported = _exported(kdir / "Module.symvers") | _exported(build / "Module.symvers")
    for module in modules:
        exported |= _symbols(module, "--defined-only")
    present = {name_of(module) for module in (*library, *modules)}
    for module in modules:
        _check_one(module, _release(kdir), present, exported)


def is_noise(line: str) -> bool:
    """One of many names, most of them mangled: a sentence says what all of them mean."""
    return bool(_UNKNOWN.search(line))


def sentences(log: Iterable[str]) -> list[str]:
    """What the messages of a boot mean, once each."""
    found: dict[str, None] = {}
    for line in log:
        unknown, magic, qemu = _UNKNOWN.search(line), _MAGIC.search(line), _QEMU.match(line)
        if unknown and LIBRARY in unknown["symbol"]:
            found[f"{unknown['module']}.ko was loaded without dma_map.ko, or with another build of it: "
                  "name it in MODULES, which loads dma_map.ko first."] = None
        elif unknown:
            found[f"{unknown['module']}.ko needs symbols that neither this kernel nor a module in the "
                  f"guest has: load what it depends on first, or {AGAIN}."] = None
        elif magic:
            found[f"{magic['module']}.ko was built for Linux {magic['own']} and the guest runs "
                  f"{magic['guest']}: {AGAIN}."] = None
        elif qemu and "terminating on signal" not in line:
            found[f"QEMU says: {qemu['what']} (QEMU_ARGS is what it was given)"] = None
    return list(found)


def failed_probes(log: Iterable[str]) -> list[str]:
    """Which devices got no driver because its probe failed."""
    found = [match for match in map(_PROBE.search, log) if match]
    return [f"{match['driver']} could not be bound to {match['device']}: its probe returned "
            f"{errno.errorcode.get(int(match['error']), match['error'])}." for match in found]
