# SPDX-License-Identifier: GPL-2.0
"""Lines that must fail a run, and lines that a healthy kernel prints."""

from __future__ import annotations

import unittest

import fixtures
import oracle

COMPLAINTS = (
    "[    2.0] edu 0000:00:01.0: DMA-API: device driver frees DMA memory with wrong function",
    "[    0.4] DMA-API: debugging disabled on kernel command line",
    "[    9.0] DMA-API: debugging out of memory - disabling",
    "WARNING: kernel/dma/swiotlb.c:1782 at swiotlb_map+0x1bd/0x1f0, CPU#0: insmod/76",
    "WARNING: possible circular locking dependency detected",
    "WARNING: suspicious RCU usage",
    "BUG: sleeping function called from invalid context at mm/slab.h:1",
    "kernel BUG at kernel/dma/mapping.c:246!",
    "BUG: KASAN: slab-use-after-free in edu_read",
    "BUG: KFENCE: use-after-free read in kunit_try_run_case+0x4c/0xb0",
    "[    0.0] kfence: failed to allocate pool",
    "kfence: kfence_init failed",
    "kfence: disabled",
    "Oops: general protection fault, probably for non-canonical address",
    "INFO: task mailbox:80 blocked for more than 60 seconds.",
    "INFO: lockdep is turned off.",
    "refcount_t: underflow; use-after-free.",
    "UBSAN: array-index-out-of-bounds in drivers/x.c:1:1",
    "rcu: INFO: rcu_preempt self-detected stall on CPU",
    "irq 11: nobody cared (try booting with the \"irqpoll\" option)",
    "DMAR: [DMA Write NO_PASID] Request device [00:01.0] fault addr 0xffff000",
    "DMAR: DRHD: handling fault status reg 2",
    "edu 0000:00:01.0: swiotlb buffer is full (sz: 4096 bytes), total 0 (slots), used 0 (slots)",
    "rust_kernel: panicked at /src/x.rs:1:1:",
    " Call Trace:",
    "Out of memory and no killable processes...",
    "insmod invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
    "Out of memory: Killed process 80 (mailbox) total-vm:4096kB, anon-rss:64kB, file-rss:0kB, "
    "shmem-rss:0kB, UID:0 pgtables:40kB oom_score_adj:0",
    "insmod: page allocation failure: order:4, mode:0xcc0(GFP_KERNEL), nodemask=(null)",
    "insmod: vmalloc error: size 4096000, page order 0, failed to allocate pages, mode:0xcc0(GFP_KERNEL)",
    "SLUB: Unable to allocate memory on CPU 0 (of node 0) on node -1, gfp=0xcc0(GFP_KERNEL)",
)

HEALTHY = (
    "[    0.385979] DMA-API: preallocated 65536 debug entries",
    "[    0.386030] DMA-API: debugging enabled by kernel config",
    "[    0.07] kfence: initialized - using 8388608 bytes for 1023 objects at 0x(____ptrval____)",
    "kasan: KernelAddressSanitizer initialized (generic)",
    "DMAR: [Firmware Bug]: no firmware reserved region can cover this RMRR",
    "Lock dependency validator: Copyright (c) 2006 Red Hat, Inc., Ingo Molnar",
    "rcu: 	RCU lockdep checking is enabled.",
    "dma_map_edu: loading out-of-tree module taints kernel.",
    "... MAX_LOCKDEP_CHAINS:      65536",
)


GROWTH_FAILED = (
    "[  246.685076] kworker/0:1: page allocation failure: order:10, mode:0xcc4(GFP_KERNEL|GFP_DMA32), "
    "nodemask=(null)",
    "[  246.685179] CPU: 0 UID: 0 PID: 10 Comm: kworker/0:1 Tainted: G           O     N  7.3.4 #1",
    "[  246.685274] Tainted: [O]=OOT_MODULE, [N]=TEST",
    "[  246.685307] Workqueue: events swiotlb_dyn_alloc",
    "[  246.685385] Call Trace:",
    "[  246.685418]  <TASK>",
)


class Oracle(unittest.TestCase):
    def test_complaints(self) -> None:
        for line in COMPLAINTS:
            with self.subTest(line=line):
                self.assertEqual([c.line for c in oracle.complaints([line])], [line])

    def test_healthy_lines(self) -> None:
        for line in HEALTHY:
            with self.subTest(line=line):
                self.assertEqual(oracle.complaints([line]), [])

    def test_allowed_line_with_something_behind_it(self) -> None:
        line = "DMA-API: preallocated 65536 debug entries, WARNING: x"
        self.assertTrue(oracle.complaints([line]))

    def test_bounce_pool_that_could_not_grow(self) -> None:
        self.assertEqual(oracle.complaints(GROWTH_FAILED), [])
        more = [*GROWTH_FAILED, "BUG: x", "Call Trace:"]
        self.assertEqual([c.number for c in oracle.complaints(more)], [7, 8])

    def test_case_that_prints_meanwhile(self) -> None:
        log = [text for line in GROWTH_FAILED for text in (line, "    ok 1 a_case")]
        self.assertEqual(oracle.complaints(log), [])

    def test_same_report_of_somebody_else(self) -> None:
        other = [line.replace("swiotlb_dyn_alloc", "edu_work") for line in GROWTH_FAILED]
        self.assertEqual([c.number for c in oracle.complaints(other)], [1, 5])
        driver = [line.replace("kworker/0:1: page", "insmod: page") for line in GROWTH_FAILED]
        self.assertEqual([c.number for c in oracle.complaints(driver)], [1, 5])

    def test_first_line_of_a_log_counts(self) -> None:
        log = ["WARNING: before any module", *fixtures.lines("pass")]
        self.assertEqual([c.number for c in oracle.complaints(log)], [1])

    def test_recorded_healthy_boots(self) -> None:
        for name in ("pass", "iommu_asked", "kunit_pass", "hang"):
            with self.subTest(log=name):
                self.assertEqual(oracle.complaints(fixtures.lines(name)), [])
