# SPDX-License-Identifier: GPL-2.0
"""What a log of writes says is on a disk after a power cut, and the table of what disks lived through."""

from __future__ import annotations

import struct
import tempfile
import unittest
from pathlib import Path

import disks
import survival
import write_log
from write_log import FLUSH, SECTOR, is_of_journal, replay

SUPER = struct.pack("<3QI", write_log.MAGIC, 1, 0, SECTOR).ljust(SECTOR, b"\0")


def entry(sector: int, data: bytes = b"", flags: int = 0) -> bytes:
    head = struct.pack("<4Q", sector, len(data) // SECTOR, flags, len(data))
    return head.ljust(SECTOR, b"\0") + data


def block(letter: bytes, sectors: int = 1) -> bytes:
    return letter * SECTOR * sectors


class Replay(unittest.TestCase):
    def disk(self, *parts: bytes, keep: bool = False, fua: bytes = b"") -> str:
        """One letter for each sector of a disk of four."""
        with tempfile.TemporaryDirectory() as folder:
            log, disk = Path(folder, "log"), Path(folder, "disk")
            log.write_bytes(SUPER + b"".join(parts))
            disk.write_bytes(block(b".", 4))
            replay(log, disk, lambda data: data[:1] == fua, lambda: keep)
            return disk.read_bytes()[::SECTOR].decode()

    def test_what_was_flushed_is_kept(self) -> None:
        self.assertEqual(self.disk(entry(0, block(b"a")), entry(0, b"", FLUSH), entry(1, block(b"b"))), "a...")

    def test_later_writes_win(self) -> None:
        self.assertEqual(self.disk(entry(0, block(b"a", 2)), entry(1, block(b"b", 3)), entry(0, b"", FLUSH)),
                         "abbb")

    def test_fua_is_kept(self) -> None:
        parts = entry(0, block(b"a")), entry(1, block(b"b"))
        self.assertEqual(self.disk(*parts, fua=b"b"), ".b..")
        self.assertEqual(self.disk(*parts, entry(2, block(b"c"), write_log.FUA)), "..c.")

    def test_rest_may_be_kept(self) -> None:
        self.assertEqual(self.disk(entry(0, block(b"a")), keep=True), "a...")

    def test_nothing_is_kept_without_a_flush(self) -> None:
        self.assertEqual(self.disk(entry(0, block(b"a"))), "....")

    def test_place_of_one_that_was_under_way(self) -> None:
        self.assertEqual(self.disk(entry(0, block(b"a")), bytes(3 * SECTOR), entry(1, block(b"b")),
                                   entry(0, b"", FLUSH)), "ab..")

    def test_cut_short(self) -> None:
        self.assertEqual(self.disk(entry(0, block(b"a")), entry(0, b"", FLUSH), entry(1, block(b"b"))[:-1]),
                         "a...")

    def test_no_log(self) -> None:
        with self.assertRaises(ValueError):
            list(write_log.entries(bytes(SECTOR)))


class Fua(unittest.TestCase):
    def test_journal(self) -> None:
        for kind, fua in ((1, False), (2, True), (4, True), (5, False)):
            self.assertEqual(is_of_journal(struct.pack(">2I", 0xC03B3998, kind).ljust(SECTOR, b"\0")), fua)

    def record(self, number: int, sector: int) -> bytes:
        return struct.pack("<64Q", *(number << 40 | sector << 8 | word for word in range(64)))

    def test_first_worker(self) -> None:
        quarter = disks.CUT_MIB * 2048 // disks.WORKERS
        self.assertTrue(disks._is_fua(self.record(7, quarter - 1)))
        self.assertFalse(disks._is_fua(self.record(7, quarter)))
        self.assertFalse(disks._is_fua(block(b"a")))


class Survival(unittest.TestCase):
    def test_rows(self) -> None:
        found = survival.rows("direct", [
            "survival: unbinds 8",
            "Buffer I/O error on dev dma_nvme0n1, logical block 0, lost async page write",
            "dma_disk: 9 writes, 7 acknowledged, 3 reads, 2 errors, 6 opens, lost acknowledged sectors: 0",
            "survival: cut 1", "dma_disk: 5 writes were acknowledged, lost acknowledged sectors: 4",
            "survival: resets 3", "dma_disk: worker 1 hangs, in or behind write 5",
        ])
        self.assertEqual(found, [survival.Row("unbinds", "direct", 8, 9, 7, 2, 0),
                                 survival.Row("cut", "direct", 1, 5, 5, 0, 4)])

    def test_sums(self) -> None:
        row = survival.Row("cut", "direct", 1, 5, 5, 0, 4)
        self.assertEqual(survival.summed([row, row]), [survival.Row("cut", "direct", 2, 10, 10, 0, 8)])
        self.assertTrue(survival.shown([row, row]).endswith("lost acknowledged sectors: 8"))
