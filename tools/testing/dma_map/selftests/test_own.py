# SPDX-License-Identifier: GPL-2.0
"""Somebody's own modules: what is refused before a boot, and what a boot's log means."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path
from unittest import mock

import fixtures
import ktap
import misfits
import own
from qemu import ENDED, TIMEOUT, BootLog
from report import Stop
from session import Session

SUITE = """KTAP version 1
1..1
    KTAP version 1
    # Subtest: my_suite
    # module: my
    1..2
    ok 1 works
    not ok 2 does_not
# my_suite: pass:1 fail:1 skip:0 total:2
not ok 1 my_suite
""".splitlines()


def log(*lines: str, status: int | None = 0, done: bool = True) -> BootLog:
    marks = ["dma_map_guest: start", "dma_map_guest: begin own", *lines]
    if status is not None:
        marks.append(f"dma_map_guest: end own status={status}")
    return BootLog([*marks, *(["dma_map_guest: done"] if done else [])], ENDED, 0, 5.0)


class Wish(unittest.TestCase):
    def test_suites_are_off_unless_they_are_wanted(self) -> None:
        self.assertEqual(own.Wish(append="a b").cmdline(), ["kunit.enable=0", "a", "b"])
        self.assertEqual(own.Wish(kunit=True).cmdline(), [])

    def test_qemu_arguments_name_the_devices(self) -> None:
        self.assertEqual(own.Wish().devices(("edu",)), ("edu",))
        wish = own.Wish(qemu_args="-device 'rocker,name=a b' -m 1G")
        self.assertEqual(wish.devices(("edu",)), ())
        self.assertEqual(wish.words(), ["-device", "rocker,name=a b", "-m", "1G"])

    def test_qemu_arguments_with_an_open_quote(self) -> None:
        with self.assertRaisesRegex(Stop, "QEMU_ARGS=-device 'x: No closing quotation"):
            own.Wish(qemu_args="-device 'x").words()

    def test_first_script_is_run(self) -> None:
        files = [Path("/a/data.bin"), Path("/a/run.sh"), Path("/a/lib.sh")]
        self.assertEqual(own.Wish(files=files).script(), "run.sh")
        self.assertEqual(own.Wish(files=files[:1]).script(), "")


class Check(unittest.TestCase):
    def check(self, info: bytes, imported: set[str] | None = None) -> None:
        with tempfile.TemporaryDirectory() as folder:
            kdir = Path(folder)
            (kdir / "include/config").mkdir(parents=True)
            (kdir / "include/config/kernel.release").write_text("7.3.4+deb13-amd64\n")
            (kdir / "Module.symvers").write_text("0x0\t_RN_kernel\tvmlinux\tEXPORT_SYMBOL_GPL\t\n")
            module, library = kdir / "my.ko", kdir / "dma_map.ko"
            module.write_bytes(info)
            symbols = {"-u": imported or {"_RN_kernel"}, "--defined-only": {"_RN_my"}}
            with mock.patch.object(misfits, "_symbols", lambda _, option: symbols[option]):
                misfits.check(kdir, kdir, [library], [module])

    def test_module_that_fits(self) -> None:
        self.check(b"\0depends=dma_map\0vermagic=7.3.4+deb13-amd64 SMP mod_unload \0")

    def test_file_that_is_no_module(self) -> None:
        with self.assertRaisesRegex(Stop, "my.ko is no kernel module"):
            self.check(b"\x7fELF\0")

    def test_module_of_another_kernel(self) -> None:
        with self.assertRaisesRegex(Stop, r"built for Linux 7\.3\.4 and the guest runs 7\.3\.4\+deb13"):
            self.check(b"\0depends=\0vermagic=7.3.4 SMP mod_unload \0")

    def test_module_that_needs_a_third_one(self) -> None:
        with self.assertRaisesRegex(Stop, r"my\.ko needs mdio\.ko, which the guest does not have"):
            self.check(b"\0depends=dma_map,mdio\0vermagic=7.3.4+deb13-amd64 SMP \0")

    def test_module_beside_another_library(self) -> None:
        with self.assertRaisesRegex(Stop, "another dma_map.ko or kernel crate, which 1 of its symbols"):
            self.check(b"\0depends=dma_map\0vermagic=7.3.4+deb13-amd64 SMP \0",
                       {"_RN_kernel", "_RN_7dma_map_old"})


class Sentences(unittest.TestCase):
    def test_one_for_many_symbols(self) -> None:
        lines = [f"[    5.0] my: Unknown symbol {name} (err -2)"
                 for name in ("_RNvNtCs1_7dma_map3mem", "dma_map_helper_free_attrs")] * 2
        self.assertEqual(len(misfits.sentences(lines)), 1)
        self.assertIn("my.ko was loaded without dma_map.ko", misfits.sentences(lines)[0])
        self.assertTrue(all(map(misfits.is_noise, lines)))

    def test_symbol_of_somebody_else(self) -> None:
        self.assertIn("load what it depends on first",
                      misfits.sentences(["my: Unknown symbol mdiobus_free (err -2)"])[0])

    def test_module_of_another_kernel(self) -> None:
        line = "my: version magic '7.3.4 SMP mod_unload ' should be '7.3.4+deb13-amd64 SMP mod_unload '"
        self.assertIn("built for Linux 7.3.4 and the guest runs 7.3.4+deb13-amd64",
                      misfits.sentences([line])[0])

    def test_qemu_that_does_not_start(self) -> None:
        line = "qemu-system-x86_64: -device rockers: 'rockers' is not a valid device model name"
        self.assertIn("QEMU says: -device rockers: ", misfits.sentences([line])[0])

    def test_nothing_to_say(self) -> None:
        self.assertEqual(misfits.sentences(["reboot: Power down"]), [])


class Judged(unittest.TestCase):
    def judged(self, record: BootLog, wish: own.Wish = own.Wish()) -> tuple[int, str]:
        session = Session(Path("k"), Path("b"))
        session.__dict__["parser"] = fixtures.parser
        with mock.patch.object(own, "say"):
            status, told = own.judged(session, wish, record)
        return status, "\n".join(told)

    def test_status_is_that_of_the_script(self) -> None:
        self.assertEqual(self.judged(log()), (0, ""))
        self.assertEqual(self.judged(log(status=7)), (7, ""))

    def test_kernel_that_complains_is_a_failure(self) -> None:
        status, told = self.judged(log("WARNING: CPU: 0 PID: 1 at lib/x.c:1 x+0x1/0x2"))
        self.assertEqual(status, 1)
        self.assertIn("the kernel complained: line 3: ", told)

    def test_probe_that_fails_is_a_failure_unless_a_script_judges(self) -> None:
        record = log("[    4.1] my 0000:00:01.0: probe with driver my failed with error -5")
        status, told = self.judged(record)
        self.assertEqual(status, 1)
        self.assertIn("my could not be bound to 0000:00:01.0: its probe returned EIO.", told)
        self.assertEqual(self.judged(record, own.Wish(files=[Path("a/run.sh")])), (0, ""))

    def test_guest_that_did_not_end(self) -> None:
        self.assertEqual(self.judged(log(status=None, done=False))[0], 1)
        record = log(status=None, done=False)
        record.end = TIMEOUT
        self.assertIn("the guest was killed after 5 s", self.judged(record)[1])

    def test_suites(self) -> None:
        wish = own.Wish(kunit=True)
        status, told = self.judged(log(*SUITE), wish)
        self.assertEqual(status, 1)
        self.assertIn("my_suite.does_not", told)
        self.assertNotIn("my_suite.works", told)

    def test_no_suite_is_a_failure(self) -> None:
        status, told = self.judged(log(), own.Wish(kunit=True))
        self.assertEqual(status, 1)
        self.assertIn("no suite reported", told)

    def test_junit(self) -> None:
        assert fixtures.parser is not None
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "results.xml"
            ktap.write_junit(fixtures.parser, SUITE, path)
            text = path.read_text()
        self.assertIn('<testsuite name="my_suite" tests="2" failures="1"', text)
        self.assertIn('<testcase name="works" />', text)
