# SPDX-License-Identifier: GPL-2.0
"""What a disk with a volatile cache has after a power cut: the log of QEMU's blklogwrites.

The format is that of the kernel's dm-log-writes. A request's entry is in the log before the request
completes, so what the guest was told has an entry.

QEMU's nvme takes no notice of FUA: such a write is in the log as any other. So it is told by its look.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

MAGIC = 0x6A736677736872
SECTOR = 512
FLUSH, FUA, DISCARD = 1, 2, 4
# What begins a block of ext4's journal, and the kinds that are written by FUA: commits, and superblocks.
_JOURNAL = 0xC03B3998
_JOURNAL_FUA = (2, 3, 4)
_ENTRY = struct.Struct("<4Q")
_LONGEST = 1 << 16  # sectors


@dataclass(frozen=True)
class Entry:
    sector: int
    data: bytes
    flags: int


def _header(raw: bytes, at: int) -> tuple[int, int, int] | None:
    """Sector, number of sectors and flags, if an entry begins here."""
    sector, count, flags, length = _ENTRY.unpack_from(raw, at)
    if not (count or flags & FLUSH) or flags > 31 or count > _LONGEST or length > count * SECTOR:
        return None
    if any(raw[at + _ENTRY.size:at + SECTOR]):
        return None
    return sector, count, flags


def entries(raw: bytes) -> Iterator[Entry]:
    """In the order in which requests came. Those that were under way at the end may be missing."""
    if len(raw) < SECTOR or struct.unpack_from("<Q", raw)[0] != MAGIC:
        raise ValueError("no log of writes")
    at = SECTOR
    while at + SECTOR <= len(raw):
        header = _header(raw, at)
        if header is None:
            # The place of one that was under way.
            at += SECTOR
            continue
        sector, count, flags = header
        size = 0 if flags & DISCARD else count * SECTOR
        if at + SECTOR + size > len(raw):
            return
        yield Entry(sector, raw[at + SECTOR:at + SECTOR + size], flags)
        at += SECTOR + size


def is_of_journal(data: bytes) -> bool:
    """Whether ext4's journal writes this by FUA."""
    magic, kind = struct.unpack_from(">2I", data)
    return magic == _JOURNAL and kind in _JOURNAL_FUA


@dataclass(frozen=True)
class Kept:
    """What is on the disk, and what of the log it is."""

    writes: int
    dropped: int
    flushes: int


def replay(log: Path, disk: Path, is_fua: Callable[[bytes], bool], keep: Callable[[], bool]) -> Kept:
    """Writes to `disk`, as it was before, what was flushed or FUA; of the rest, what `keep` wants."""
    found = list(entries(log.read_bytes()))
    flushes = [number for number, entry in enumerate(found) if entry.flags & FLUSH]
    last = flushes[-1] if flushes else -1
    dropped = 0
    with disk.open("r+b") as file:
        for number, entry in enumerate(found):
            if entry.flags & DISCARD or not entry.data:
                continue
            fua = entry.flags & FUA or is_fua(entry.data)
            if number > last and not fua and not keep():
                dropped += 1
                continue
            file.seek(entry.sector * SECTOR)
            file.write(entry.data)
    return Kept(sum(bool(entry.data) for entry in found) - dropped, dropped, len(flushes))
