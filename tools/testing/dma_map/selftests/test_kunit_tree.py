# SPDX-License-Identifier: GPL-2.0
"""A run of kunit.py with everything built in."""

from __future__ import annotations

import unittest

import fixtures
import kunit_tree

# The kernel's own suite, and two of ours.
LOG = """\
Linux version 7.3.4
DMA-API: debugging enabled by kernel config
KTAP version 1
1..3
    KTAP version 1
    # Subtest: rust_kernel_fmt
    1..1
    ok 1 test_ptr_formatting
ok 1 rust_kernel_fmt
    KTAP version 1
    # Subtest: dma_map_ring
    1..2
    ok 1 wraps
    ok 2 full # SKIP no fault injection
ok 2 dma_map_ring
    KTAP version 1
    # Subtest: dma_map_lines
    1..1
    ok 1 whole
ok 3 dma_map_lines
reboot: Restarting system
"""

SUITES = {"dma_map_ring": ["wraps", "full"], "dma_map_lines": ["whole"]}


def judged(log: str = LOG, suites: dict[str, list[str]] | None = None):
    assert fixtures.parser is not None
    return kunit_tree.judge(fixtures.parser, log.splitlines(), suites or SUITES)


class Judge(unittest.TestCase):
    def test_all_suites(self) -> None:
        cases = judged()
        self.assertEqual(fixtures.failures(cases), set())
        self.assertEqual(fixtures.skips(cases), {"dma_map_ring.full": "no fault injection"})

    def test_suite_that_is_not_built_in(self) -> None:
        cases = judged(suites={**SUITES, "dma_map_pool": ["empty"]})
        self.assertEqual(fixtures.failures(cases), {"dma_map_pool is complete"})

    def test_complaint_beside_results_that_are_ok(self) -> None:
        cases = judged(LOG.replace("reboot:", "DMA-API: device driver maps twice\nreboot:"))
        self.assertEqual(fixtures.failures(cases), {"the kernel did not complain"})

    def test_log_that_ends_early(self) -> None:
        log = LOG[:LOG.index("    # Subtest: dma_map_lines")]
        self.assertIn("dma_map_lines is complete", fixtures.failures(judged(log)))
