# SPDX-License-Identifier: GPL-2.0
"""Disks of the NVMe driver on Debian's kernel, where the kernel's own driver reads and writes the same."""

from __future__ import annotations

import random
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import initramfs
import judge
import nvme
import oracle
import programs
import qemu
import stock
import survival
import transcript
import write_log
from proofs import ALWAYS_UNWATCHED, POOL_IN_REACH, SMALL
from qmp import Handle
from report import Case, Stop, say, verdict
from session import HERE, Session, Work, boot_and_judge, in_parallel
from variants import VARIANTS, Variant

OURS = "dma_map_nvme"
PROGRAMS = ("e2fsck", "fio", "mke2fs", "nvme")

SWAP = ("disk_swap", "disk_errors", "disk_ioctl", "disk_cli")
PATH = ("disk_fio", "disk_life", "disk_poll")
DEAD = ("disk_dead",)
TESTS = (*SWAP, *PATH, *DEAD, "disk_files", "disk_root", "disk_after")

# Where guest/disk.sh looks for them.
PORT = "pcie-root-port,id=behind,addr=0xf,chassis=1"
MAIN = {"driver": "nvme", "id": "main", "serial": "main", "bus": "behind", "drive": "main"}
FILES = "nvme,serial=files,drive=files,addr=0x10"
BAD = "nvme,serial=bad,drive=bad,addr=0x11"
BAD_SECTOR, SHAKY_SECTOR = 100, 200

MAIN_BLOCKS = 64 * 2048
FILES_BLOCKS = 128 * 2048

# What the guest finds on a disk, and what it leaves (guest/disk_swap.sh).
BEFORE, AFTER = 1, 5

ACKNOWLEDGED = re.compile(r"acknowledged (\d+) (\d+)$")
# 0 is no limit.
SPEEDS = {"dma_map_host: slow": {"iops-total": 1},
          "dma_map_host: slower": {"iops-total": 0, "bps-total": 1365},  # 3 s for a page
          "dma_map_host: fast": {"iops-total": 0, "bps-total": 0}}

WORKERS = 4
CUT_MIB = 32


@dataclass(frozen=True)
class Extent:
    """How often what happens."""

    unbinds: int
    resets: int
    removals: int
    cuts: int
    fio: str
    elsewhere: int  # unbinds on each of the other paths

    def words(self, variant: str) -> tuple[str, ...]:
        unbinds = self.unbinds if variant == "direct" else self.elsewhere
        return (f"dma_map_unbinds={unbinds}", f"dma_map_resets={self.resets}",
                f"dma_map_removals={self.removals}", f"dma_map_fio={self.fio}")


SHORT = Extent(unbinds=24, resets=8, removals=2, cuts=1, fio="4m", elsewhere=8)
LONG = Extent(unbinds=1000, resets=200, removals=50, cuts=20, fio="32m", elsewhere=250)


def machine(name: str) -> Variant:
    """Two CPUs in real time, and room for Debian's programs."""
    base = VARIANTS[name]
    proofs = tuple(proof for proof in base.proofs if proof not in (SMALL, POOL_IN_REACH))
    return replace(base, memory="1G", cpus=2, icount=None, proofs=proofs,
                   always=(*ALWAYS_UNWATCHED, stock.DEBIAN))


def node(name: str, path: Path) -> tuple[str, ...]:
    """Not -drive: that goes with its device."""
    return ("-blockdev", f"driver=raw,node-name={name},file.driver=file,file.filename={path}")


def _logged(name: str, path: Path, log: Path) -> tuple[str, ...]:
    log.write_bytes(b"")
    return ("-blockdev", f"driver=blklogwrites,node-name={name},log-super-update-interval=1,"
            f"file.driver=file,file.filename={path},log.driver=file,log.filename={log}")


def _limited(name: str, path: Path) -> tuple[str, ...]:
    """A disk whose speed the host changes."""
    return ("-object", "throttle-group,id=limits",
            "-blockdev", f"driver=throttle,node-name={name},throttle-group=limits,"
            f"file.driver=file,file.filename={path}")


# One sector that can't be read, and one that can't be read once.
_BAD = ("-blockdev", "driver=blkdebug,node-name=bad,image.driver=null-co,image.size=1048576,"
        "image.read-zeroes=on,inject-error.0.event=none,inject-error.0.iotype=read,"
        f"inject-error.0.errno=5,inject-error.0.sector={BAD_SECTOR},"
        "inject-error.1.event=none,inject-error.1.iotype=read,inject-error.1.once=on,"
        f"inject-error.1.errno=5,inject-error.1.sector={SHAKY_SECTOR}")


def device_of(options: dict[str, str]) -> str:
    rest = ",".join(f"{name}={value}" for name, value in options.items() if name != "driver")
    return f"{options['driver']},{rest}"


def _is_fua(data: bytes) -> bool:
    """The journal's, and what the first worker writes: direct, and O_DSYNC (tools/dma_map/disk)."""
    word = int.from_bytes(data[:8], "little")
    sectors = CUT_MIB * 2048
    number, sector, rest = word >> 40, word >> 8 & 0xFFFFFFFF, word & 0xFF
    return write_log.is_of_journal(data) or (
        rest == 0 and number > 0 and sector < sectors // WORKERS and int.from_bytes(data[8:16], "little") == word + 1)


class Host:
    """Does what a guest asks for on its console, and counts what it says is acknowledged."""

    def __init__(self, handle: Handle, cut_after: int = 0):
        self.handle = handle
        self.lines: list[str] = []
        self.cut_after = cut_after
        self.asked_to_cut = False
        self.acknowledged = [0] * WORKERS
        self.seen = 0

    def __call__(self, line: str) -> None:
        text = transcript.bare(line)
        self.lines.append(text)
        found = ACKNOWLEDGED.match(text)
        if found:
            self.acknowledged[int(found.group(1))] = int(found.group(2))
            self.seen += 1
            if self.asked_to_cut and self.seen == self.cut_after:
                self.handle.kill()
        elif text == "dma_map_host: pull":
            self.handle.execute("device_del", id=MAIN["id"])
        elif text == "dma_map_host: plug":
            self.handle.execute_soon("device_add", **MAIN)
        elif text in SPEEDS:
            self.handle.execute("qom-set", path="/objects/limits", property="limits", value=SPEEDS[text])
        elif text == "dma_map_host: cut":
            self.asked_to_cut = True


@dataclass(frozen=True)
class Suite:
    """What all boots share."""

    session: Session
    image: Path
    extent: Extent
    driver: str
    rows: list[survival.Row] = field(default_factory=list)

    def judged(self, boot: qemu.Boot, group: str, host: Host, where: str) -> list[Case]:
        """Boots; what was lived through goes into the table."""
        cases = boot_and_judge(self.session, boot, judge.Demands(boot.tests, boot.variant), group, host)
        self.rows.extend(survival.rows(where, host.lines))
        return cases

    def boot(self, variant: Variant, tests: Sequence[str], handle: Handle, devices: Sequence[str],
             more: Sequence[str], words: Sequence[str] = ()) -> qemu.Boot:
        return qemu.Boot(variant, self.session.kdir, self.image, tests, self.session.accel,
                         ("edu", *devices), (f"dma_map_driver={self.driver}", *words),
                         self.session.timeout, (*self.random, *handle.words, *more))

    @property
    def random(self) -> tuple[str, ...]:
        """A machine in which nothing else happens has no entropy for a long time."""
        return () if self.session.accel == "kvm" else ("-cpu", "qemu64,+rdrand")


@contextmanager
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="dma_map_disks.") as folder:
        yield Path(folder)


def _disk(path: Path, blocks: int) -> Path:
    with path.open("wb") as file:
        file.truncate(blocks * nvme.BLOCK_BYTES)
    return path


def _path(suite: Suite, name: str) -> list[Case]:
    """One way to reach memory: fio's verification, and the life of a disk under load."""
    variant = machine(name)
    group = f"disks/{name}"
    with scratch() as folder:
        handle = Handle(folder)
        main, files = _disk(folder / "main", MAIN_BLOCKS), _disk(folder / "files", 8192)
        tests = (*PATH, *(DEAD if name == "direct" else ()))
        boot = suite.boot(variant, tests, handle, (PORT, device_of(MAIN), FILES),
                          (*_limited("main", main), *node("files", files)),
                          suite.extent.words(name))
        return suite.judged(boot, group, Host(handle), name)


def _swap(suite: Suite) -> list[Case]:
    """Both drivers on one disk, and nvme-cli by both."""
    variant, group = machine("direct"), "disks/swap"
    with scratch() as folder:
        handle = Handle(folder)
        main, files = folder / "main", _disk(folder / "files", 8192)
        main.write_bytes(nvme.pattern(BEFORE, MAIN_BLOCKS // 4))
        boot = suite.boot(variant, SWAP, handle, (PORT, device_of(MAIN), FILES, BAD),
                          (*node("main", main), *node("files", files), *_BAD))
        cases = suite.judged(boot, group, Host(handle), "direct")
        same = main.read_bytes() == nvme.pattern(AFTER, MAIN_BLOCKS // 4)
        return [*cases, verdict(group, "the disk has what the guest wrote last", same, "it differs")]


def _cut(suite: Suite, folder: Path, number: int) -> list[Case]:
    """One power cut, and what is there afterwards."""
    variant, group = machine("direct"), f"disks/cut-{number}"
    files, kept, log = folder / "cut", folder / "kept", folder / "log"
    shutil.copyfile(folder / "files", files)
    shutil.copyfile(folder / "files", kept)
    main = _disk(folder / "main", 8192)
    dice = random.Random(number)
    handle = Handle(folder)
    host = Host(handle, cut_after=dice.randrange(200, 1000))
    boot = suite.boot(variant, ("disk_root",), handle, (PORT, device_of(MAIN), FILES),
                      (*node("main", main), *_logged("files", files, log)), ("dma_map_root=1",))
    path = suite.session.logs / f"{group.replace('/', '.')}.log"
    ended = qemu.run(boot, path, host)
    found = oracle.complaints(ended.lines)
    record = transcript.read(ended.lines)
    results = [line for line in map(transcript.bare, ended.lines) if line.startswith("ok ")]
    say(f"{group}: the power was cut behind {host.seen} acknowledged writes")
    cases = [
        verdict(group, "the guest runs from the disk", len(results) == 2, ended.tail()),
        verdict(group, "the power was cut in mid-write",
                ended.status == -9 and host.seen >= host.cut_after and not record.done,
                ended.tail()),
        verdict(group, "the kernel did not complain", not found, "\n".join(map(str, found[:20]))),
    ]
    if not host.seen:
        return cases
    # The first cut drops all that may be lost, others a part.
    kept_part = write_log.replay(log, kept, _is_fua, lambda: number > 1 and dice.random() < 0.5)
    say(f"{group}: {kept_part}")
    cases.append(verdict(group, "there were flushes and FUA", kept_part.flushes > 0, str(kept_part)))
    counts = ",".join(map(str, host.acknowledged))
    boot = suite.boot(variant, ("disk_after",), handle, (PORT, device_of(MAIN), FILES),
                      (*node("main", kept), *node("files", files)),
                      (f"dma_map_acknowledged={counts}",))
    return cases + suite.judged(boot, f"disks/after-{number}", Host(handle), "direct")


def _files(suite: Suite) -> list[Case]:
    """ext4; then a system that is booted from there, until the power is cut."""
    variant, group = machine("direct"), "disks/files"
    with scratch() as folder:
        handle = Handle(folder)
        main, files = _disk(folder / "main", 8192), _disk(folder / "files", FILES_BLOCKS)
        tests = ("disk_files",)
        boot = suite.boot(variant, tests, handle, (PORT, device_of(MAIN), FILES),
                          (*node("main", main), *node("files", files)), suite.extent.words("direct"))
        cases = suite.judged(boot, group, Host(handle), "direct")
        for number in range(1, suite.extent.cuts + 1):
            cases += _cut(suite, folder, number)
    return cases


def _image(session: Session, kernels_own: Path) -> Path:
    contents = initramfs.Contents(
        session.kdir, session.modules_with("nvme"), sorted(kernels_own.glob("*.ko")),
        session.tools, files=(HERE / "guest/disk.fio",), more=programs.closure(PROGRAMS))
    return initramfs.build(contents, session.logs / "disks.cpio")


def run(session: Session, extent: Extent, driver: str, names: Sequence[str]) -> list[Case]:
    if session.has("CONFIG_DMA_API_DEBUG"):
        raise Stop("disks are tested on Debian's kernel: take KERNEL=stock")
    session.forget_logs("disks")
    suite = Suite(session, _image(session, stock.kernels_own("disks")), extent, driver)
    works: list[Work] = []
    parts: dict[str, Callable[[Suite], list[Case]]] = {"files": _files, "swap": _swap}
    parts.update({name: partial(_path_of, name) for name in nvme.WITH})
    for name, part in parts.items():
        if not names or name in names:
            works.append(partial(part, suite))
    cases = in_parallel(session, works)
    print("\n" + survival.shown(suite.rows), flush=True)
    return cases


def _path_of(name: str, suite: Suite) -> list[Case]:
    return _path(suite, name)
