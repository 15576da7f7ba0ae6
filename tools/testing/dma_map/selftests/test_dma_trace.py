# SPDX-License-Identifier: GPL-2.0
"""dma_trace.py: what it makes of the kernel's `dma:` events, recorded and made up."""

from __future__ import annotations

import sys
import tempfile
import unittest
from pathlib import Path
from xml.etree import ElementTree

import fixtures
from session import ROOT

sys.path.append(str(ROOT / "tools/dma_map"))
import dma_trace  # pylint: disable=import-error,wrong-import-position

DEVICE = "0000:00:02.0"


def line(time: float, event: str, fields: str, device: str = DEVICE, task: str = "mailbox-63") -> str:
    return f"         {task}      [000] d..1. {time:11.6f}: {event}: {device} {fields}"


def mapped(time: float, address: str, size: int, **more: str) -> str:
    return line(time, "dma_map_phys", f"dir=TO_DEVICE dma_addr={address} size={size} "
                f"phys_addr={address} attrs=", **more)


def unmapped(time: float, address: str, size: int) -> str:
    return line(time, "dma_unmap_phys", f"dir=TO_DEVICE dma_addr={address} size={size} attrs=")


def numbers(trace: dma_trace.Trace, kind: str, device: str = DEVICE) -> tuple[int, ...]:
    count = trace.counts[device, kind]
    return count.begun, count.ended, count.live, count.size, count.most, count.most_size


class Recorded(unittest.TestCase):
    """`make trace` on Debian's kernel: bind, the 24 messages of the demo, unload."""

    def setUp(self) -> None:
        self.trace = dma_trace.read(fixtures.lines("dma_trace"))

    def test_every_line_is_an_event(self) -> None:
        lines = [text for text in fixtures.lines("dma_trace") if not text.startswith("#")]
        self.assertEqual(self.trace.events, len(lines))
        self.assertGreater(len(lines), 20)

    def test_everything_is_unmapped(self) -> None:
        self.assertEqual((self.trace.left, dma_trace.notes(self.trace)), ([], []))
        for key, count in self.trace.counts.items():
            with self.subTest(key=key):
                self.assertEqual((count.live, count.size), (0, 0))
                self.assertEqual(count.begun, count.ended)
                self.assertGreater(count.most, 0)

    def test_plot(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "trace.svg"
            dma_trace.draw(self.trace, path)
            words = {"".join(text.itertext()).strip()
                     for text in ElementTree.parse(path).getroot().iterfind(".//{*}text")}
        for device in self.trace.devices:
            self.assertLessEqual({f"{device}: live mappings", f"{device}: bytes"}, words)
        self.assertLessEqual({kind for _, kind in self.trace.counts}, words)


class Matching(unittest.TestCase):
    def test_live_and_most(self) -> None:
        trace = dma_trace.read([mapped(1, "1000", 100), mapped(2, "2000", 50), unmapped(3, "1000", 100),
                                mapped(4, "3000", 10)])
        self.assertEqual(numbers(trace, "single"), (3, 1, 2, 60, 2, 150))
        self.assertEqual([mapping.begin.time for mapping in trace.left], [2, 4])
        self.assertEqual((trace.first, trace.last), (1, 4))

    def test_two_mappings_at_one_address(self) -> None:
        trace = dma_trace.read([mapped(1, "1000", 64), mapped(2, "1000", 4096),
                                unmapped(3, "1000", 64)])
        self.assertEqual([mapping.size for mapping in trace.left], [4096])

    def test_mapped_before_the_trace(self) -> None:
        trace = dma_trace.read([unmapped(1, "1000", 64)])
        self.assertEqual(numbers(trace, "single"), (0, 0, 0, 0, 0, 0))
        self.assertEqual(dma_trace.notes(trace), [
            f"! {DEVICE}: 1 single unmapped that was mapped before the trace began"])

    def test_not_unmapped(self) -> None:
        trace = dma_trace.read([mapped(1.5, "1000", 64, task="kworker/0:1-9")])
        self.assertEqual(dma_trace.notes(trace), [
            f"! {DEVICE}: single of 64 bytes is not unmapped: mapped by kworker/0:1 at 1.500000"])
        self.assertIn("  !", dma_trace.table(trace))

    def test_failures(self) -> None:
        trace = dma_trace.read([
            mapped(1, "ffffffffffffffff", 64),
            line(2, "dma_alloc", "dir=BIDIRECTIONAL dma_addr=0 size=64 virt_addr=(null) flags=GFP_KERNEL attrs="),
            line(3, "dma_map_sg_err", "dir=TO_DEVICE dma_addrs={0x1000} err=-12 attrs=NO_WARN")])
        self.assertEqual([count.failed for count in trace.counts.values()], [1, 1, 1])
        self.assertEqual(trace.left, [])

    def test_scatter_gather(self) -> None:
        fields = ("dir=FROM_DEVICE nents=2/2 ents=1/1 dma_addrs={0xfff000} sizes={0x2000} "
                  "phys_addrs={0x1000,0x2000} attrs=NO_WARN")
        end = "dir=FROM_DEVICE phys_addrs={0x1000,0x2000} attrs="
        trace = dma_trace.read([line(1, "dma_map_sg", fields), line(2, "dma_unmap_sg", end)])
        self.assertEqual(numbers(trace, "scatter-gather"), (1, 1, 0, 0, 1, 0x2000))

    def test_many_pieces_are_cut_off(self) -> None:
        pieces = ",".join(hex(4096 * number) for number in range(200))
        cut = ",".join(hex(4096 * number) for number in range(128))
        fields = (f"dir=TO_DEVICE nents=128/200 ents=128/200 [TRUNCATED] dma_addrs={{{cut}}} "
                  f"sizes={{{cut}}} phys_addrs={{{cut}}} attrs=")
        trace = dma_trace.read([line(1, "dma_map_sg", fields),
                                line(2, "dma_unmap_sg", f"dir=TO_DEVICE phys_addrs={{{pieces}}} attrs=")])
        self.assertEqual((trace.left, dma_trace.notes(trace)), ([], []))

    def test_devices_are_apart(self) -> None:
        trace = dma_trace.read([mapped(1, "1000", 8, device="one"), mapped(2, "1000", 8, device="two")])
        self.assertEqual(trace.devices, ["one", "two"])
        self.assertEqual(numbers(trace, "single", "one"), (1, 0, 1, 8, 1, 8))


class Lines(unittest.TestCase):
    def test_of_trace_cmd(self) -> None:
        event = dma_trace.parse("    kworker/u4:2-45    [001]   12.500000: dma_map_phys:         "
                                "virtio0 dir=TO_DEVICE dma_addr=1000 size=8 phys_addr=1000 attrs=")
        assert event is not None
        self.assertEqual((event.task, event.time, event.device, event.size),
                         ("kworker/u4:2", 12.5, "virtio0", 8))

    def test_lost(self) -> None:
        trace = dma_trace.read(["# entries-in-buffer/entries-written: 5/12   #P:2",
                                "CPU:0 [LOST 3 EVENTS]", mapped(1, "1000", 8), unmapped(2, "1000", 8)])
        self.assertEqual(trace.lost, 10)
        self.assertEqual(dma_trace.notes(trace), [
            "! the kernel has overwritten 10 events: its buffer was too small"])

    def test_others(self) -> None:
        for text in ("", "# tracer: nop", "  bash-1 [000] ..... 1.0: swiotlb_bounced: dev_name: x"):
            self.assertIsNone(dma_trace.parse(text))


class Plot(unittest.TestCase):
    def test_many_steps_keep_their_highest(self) -> None:
        steps = [(number / 100, number % 7) for number in range(100_000)]
        steps[54321] = (543.21, 1000)
        kept = dma_trace.thinned(steps, 0, 1000)
        self.assertLess(len(kept), 2100)
        self.assertIn((543.21, 1000), kept)
        self.assertEqual((kept[0], kept[-1]), (steps[0], steps[-1]))
        self.assertEqual(sorted(kept, key=lambda step: step[0]), kept)

    def test_ticks(self) -> None:
        self.assertEqual([dma_trace.tick(most, 10) for most in (1, 2, 5, 9, 30, 49, 70, 1000)],
                         [1, 1, 2, 2, 10, 10, 20, 500])
        for most in (1, 4096, 133_184, 3 << 30):
            step = dma_trace.tick(most, 2)
            self.assertEqual(step & (step - 1), 0)
            self.assertLessEqual(most // step, 8)

    def test_few_steps_stay(self) -> None:
        steps = [(1.0, 1), (2.0, 0)]
        self.assertEqual(dma_trace.thinned(steps, 1, 2), steps)
