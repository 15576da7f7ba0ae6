# SPDX-License-Identifier: GPL-2.0
"""Finding suites and cases in Rust sources."""

from __future__ import annotations

import re
import tempfile
import unittest
from pathlib import Path

import expected
import fixtures
from expected import UNWATCHED, compare, needing, suites_in
from report import FAIL, PASS, SKIP, Case
from session import ROOT

SOURCE = '''
//! #[kunit_tests(in_documentation)]
//! mod no {
//!     #[test]
//!     fn no() {}
//! }
use kernel::macros::kunit_tests;

const S: &str = "#[kunit_tests(in_a_string)] mod x { }";

#[kunit_tests(dma_map_limits)]
mod limits_tests {
    use super::*;

    struct Case<'a> {
        name: &'a str,
        brace: char,
    }

    fn helper() -> char {
        '}'
    }

    /// A mask.
    #[test]
    fn mask_is_kept() {
        let open = "{";
        if true {
            assert!(open.len() == 1);
        }
    }

    #[test]
    fn mask_of_nothing() {}

    // #[test]
    // fn commented_out() {}

    #[cfg(CONFIG_64BIT)]
    #[test]
    #[expect(
        dead_code,
        reason = "[brackets]"
    )]
    fn mask_of_64_bits() -> Result {
        Ok(())
    }
}

#[macros::kunit_tests(dma_map_empty)]
#[cfg(CONFIG_DMA_MAP)]
pub(crate) mod empty {}

#[test]
fn outside() {}
'''


class Scan(unittest.TestCase):
    def test_suites_and_cases(self) -> None:
        found = suites_in(SOURCE)
        self.assertEqual(
            {suite: [case.name for case in cases] for suite, cases in found.items()},
            {"dma_map_limits": ["mask_is_kept", "mask_of_nothing", "mask_of_64_bits"],
             "dma_map_empty": []})
        kept, nothing, _ = found["dma_map_limits"]
        self.assertEqual((kept.doc, nothing.doc), ("    /// A mask.\n", ""))
        self.assertIn("assert!", kept.body)
        self.assertNotIn("Ok", nothing.body)

    def test_all_that_the_sources_have(self) -> None:
        """What is not where rustfmt would leave it is in no suite."""
        for path in expected.rust_files(ROOT):
            text = path.read_text()
            cases = [case for cases in suites_in(text).values() for case in cases]
            with self.subTest(path=path.name):
                self.assertEqual(len(cases), len(re.findall(r"^ *#\[test\]$", text, re.M)))


class Options(unittest.TestCase):
    FILES = {
        "rust/dma_map/dma_map.rs": "#[cfg(CONFIG_BLOCK)]\npub(crate) mod disk;\nmod core;\n",
        "rust/dma_map/disk.rs": "#[cfg(CONFIG_PCI)]\n#[cfg(CONFIG_SMP)]\nmod queue;\nmod request;\n",
        "rust/dma_map/disk/queue.rs": "",
        "rust/dma_map/disk/request.rs": "",
        "rust/dma_map/disk/request/end.rs": "",
        "rust/dma_map/core.rs": "",
        "drivers/dma_map/kunit/kunit.rs": "// #[cfg(CONFIG_BLOCK)]\nmod disk;\n",
        "drivers/dma_map/kunit/disk.rs": "",
    }

    def suites(self, options: set[str]) -> set[str]:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for name, text in self.FILES.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                suite = "_".join(path.relative_to(root).with_suffix("").parts)
                path.write_text(f"{text}\n#[kunit_tests({suite})]\nmod tests {{\n"
                                "    #[test]\n    fn a() {}\n}\n")
            return set(expected.expected_suites(root, options.__contains__))

    def test_modules_behind_an_option(self) -> None:
        always = {"rust_dma_map_dma_map", "rust_dma_map_core", "drivers_dma_map_kunit_kunit",
                  "drivers_dma_map_kunit_disk"}
        block = {"rust_dma_map_disk", "rust_dma_map_disk_request", "rust_dma_map_disk_request_end"}
        self.assertEqual(self.suites(set()), always)
        self.assertEqual(self.suites({"CONFIG_PCI", "CONFIG_SMP"}), always)
        self.assertEqual(self.suites({"CONFIG_BLOCK", "CONFIG_PCI"}), always | block)
        self.assertEqual(self.suites({"CONFIG_BLOCK", "CONFIG_PCI", "CONFIG_SMP"}),
                         always | block | {"rust_dma_map_disk_queue"})

    def test_the_block_devices_of_the_tree(self) -> None:
        full = expected.expected_suites(ROOT)
        less = expected.expected_suites(ROOT, lambda option: option != "CONFIG_BLOCK")
        self.assertTrue(less)
        lost = set(full) - set(less)
        self.assertTrue(lost)
        self.assertEqual(lost, {suite for suite in full if suite.startswith("dma_map_blk")})


class Compare(unittest.TestCase):
    def failures(self, expected: dict[str, list[str]], reported: list[str]) -> set[str]:
        return fixtures.failures(compare(expected, reported, "boot"))

    def test_all_reported(self) -> None:
        self.assertEqual(self.failures({"a": ["x", "y"]}, ["a.x", "a.y"]), set())

    def test_no_suite_at_all(self) -> None:
        self.assertEqual(self.failures({}, []), {"suites exist"})

    def test_suite_without_a_case(self) -> None:
        self.assertEqual(self.failures({"a": []}, []), {"a is complete"})

    def test_twice(self) -> None:
        self.assertEqual(self.failures({"a": ["x"]}, ["a.x", "a.x"]), {"no case twice"})

    def test_stranger(self) -> None:
        self.assertEqual(self.failures({"a": ["x"]}, ["a.x", "b.z"]), {"no unknown cases"})


MARKED = """
#[kunit_tests(dma_map_list)]
mod tests {
    /// Why.
    ///
    /// kernel: unwatched
    #[test]
    fn here() {}

    /// kernel: kfence
    #[test]
    fn there() {}

    #[test]
    fn everywhere() {}
}
"""


class Needing(unittest.TestCase):
    def test_marked_cases(self) -> None:
        self.assertEqual(needing(UNWATCHED, MARKED), ["dma_map_list.here"])
        self.assertEqual(needing(expected.KFENCE, MARKED), ["dma_map_list.there"])

    def test_mark_without_a_case(self) -> None:
        self.assertEqual(needing(UNWATCHED, "/// kernel: unwatched\nfn helper() {}\n"), ["(no case)"])

    def test_one_boot_is_enough(self) -> None:
        needed = needing(UNWATCHED, "".join(path.read_text() for path in
                                            expected.rust_files(ROOT)))
        self.assertTrue(needed)
        for first, second, bad in ((SKIP, PASS, 0), (FAIL, SKIP, 0), (SKIP, SKIP, len(needed))):
            cases = [Case(f"boot/{status}", f"kunit: {name}", status)
                     for name in needed for status in (first, second)]
            with self.subTest(first=first, second=second):
                found = expected.ran(UNWATCHED, ROOT, cases, "boot")
                self.assertEqual(len(found), len(needed))
                self.assertEqual(len(fixtures.failures(found)), bad)

    def test_no_case_at_all(self) -> None:
        found = expected.ran("nothing", ROOT, [], "boot")
        self.assertEqual(fixtures.failures(found), {"cases of that kernel exist"})
