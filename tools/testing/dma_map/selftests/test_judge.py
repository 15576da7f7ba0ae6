# SPDX-License-Identifier: GPL-2.0
"""Whole boots: from a recorded log to the verdicts that it must get."""

from __future__ import annotations

import unittest
from dataclasses import dataclass

import fixtures
from judge import Demands
from qemu import ENDED, TIMEOUT
from variants import VARIANTS

END = "the guest ran to its end"
CLEAN = "the kernel did not complain"
SUITES = {"fixture_limits": ["mask_of_one_bit", "mask_of_64_bits"],
          "fixture_states": ["cpu_to_device", "device_to_cpu", "absent"]}


@dataclass(frozen=True)
class Recorded:
    log: str
    demands: Demands
    failures: set[str]
    end: str = ENDED
    status: int = 0


def tests(*names: str) -> Demands:
    return Demands(names)


def suites(expected: dict[str, list[str]]) -> Demands:
    return Demands(["kpass"], suites=expected, kunit_test="kpass")


RECORDED = (
    Recorded("pass", tests("boot", "answers"), set()),
    Recorded("fail", tests("refuses", "answers"), {"refuses: one is two", "refuses: exit status"}),
    Recorded("mute_skip", tests("mute_skip"), {"mute_skip: a skip without a reason"}),
    Recorded("short_of_plan", tests("short", "answers"), {"short: KTAP", "short: (no name)"}),
    Recorded("beyond_plan", tests("long"), {"long: KTAP"}),
    # The test says ok, the kernel does not.
    Recorded("warning", tests("warns"), {CLEAN}),
    Recorded("leak", tests("leaks"), {CLEAN}),
    Recorded("silent", tests("silent"), {"silent"}),
    Recorded("panic", tests("answers", "crashes", "boot"),
             {END, CLEAN, "crashes: KTAP", "crashes: (no name)", "crashes: exit status", "boot"}),
    Recorded("hang", tests("hangs", "answers"),
             {END, "hangs: KTAP", "hangs: (no name)", "hangs: exit status", "answers"},
             TIMEOUT, -9),
    Recorded("truncated", tests("boot", "answers"),
             {END, "answers: KTAP", "answers: (no name)", "answers: exit status"}, ENDED, -9),
    Recorded("empty", tests("boot"), {END, "boot"}, ENDED, 1),
    # A test that nobody ran.
    Recorded("pass", tests("boot", "answers", "demo"), {"demo"}),
)


class Judge(unittest.TestCase):
    def test_recorded_logs(self) -> None:
        for recorded in RECORDED:
            with self.subTest(log=recorded.log, demands=recorded.demands.tests):
                cases = fixtures.judged(recorded.log, recorded.demands, recorded.end,
                                        recorded.status)
                self.assertEqual(fixtures.failures(cases), recorded.failures)

    def test_skip_is_counted_with_its_reason(self) -> None:
        cases = fixtures.judged("pass", tests("boot", "answers"))
        self.assertEqual(fixtures.skips(cases),
                         {"answers: an answer from the void": "nothing to ask"})

    def test_passes_are_counted(self) -> None:
        cases = fixtures.judged("pass", tests("boot", "answers"))
        self.assertEqual(len(fixtures.names(cases, "pass")), 2 + 4 + 2)

    def test_timeout_says_where_and_shows_the_last_lines(self) -> None:
        cases = fixtures.judged("hang", tests("hangs"), TIMEOUT, -9)
        detail = fixtures.detail(cases, END)
        self.assertIn("killed after 60 s, in which QEMU had 0 s of CPU time", detail)
        self.assertIn("in test hangs", detail)
        self.assertIn("ok 1 one is one", detail)

    def test_empty_log_says_so(self) -> None:
        cases = fixtures.judged("empty", tests("boot"), ENDED, 1)
        self.assertIn("QEMU printed nothing (exit status 1)", fixtures.detail(cases, END))

    def test_complaint_has_line_and_kind(self) -> None:
        cases = fixtures.judged("leak", tests("leaks"))
        self.assertRegex(fixtures.detail(cases, CLEAN),
                         r"line \d+: DMA API misuse: .* device driver has pending DMA allocations")


class KUnit(unittest.TestCase):
    def test_complete_suites(self) -> None:
        full = {**SUITES, "fixture_states": ["cpu_to_device", "device_to_cpu"]}
        cases = fixtures.judged("kunit_pass", suites(full))
        # `absent` is configured out: reported, skipped, and neither explained nor expected.
        self.assertEqual(fixtures.failures(cases),
                         {"kpass: fixture_states.absent", "no unknown cases"})

    def test_case_configured_out_is_a_skip_without_reason(self) -> None:
        cases = fixtures.judged("kunit_pass", suites(SUITES))
        self.assertEqual(fixtures.failures(cases), {"kpass: fixture_states.absent"})

    def test_failing_cases(self) -> None:
        cases = fixtures.judged("kunit_fail", Demands(["kfail"], suites=SUITES,
                                                      kunit_test="kfail"))
        self.assertEqual(fixtures.failures(cases), {
            "kfail: fixture_limits.mask_of_one_bit", "kfail: fixture_states.cpu_to_device",
            "kfail: fixture_states.absent"})

    def test_vanished_suite(self) -> None:
        cases = fixtures.judged("kunit_pass", suites({**SUITES, "fixture_sg": ["split"]}))
        self.assertIn("fixture_sg is complete", fixtures.failures(cases))

    def test_vanished_case(self) -> None:
        more = {**SUITES, "fixture_limits": [*SUITES["fixture_limits"], "mask_of_zero_bits"]}
        cases = fixtures.judged("kunit_pass", suites(more))
        self.assertIn("mask_of_zero_bits",
                      fixtures.detail(cases, "fixture_limits is complete"))

    def test_kunit_switched_off(self) -> None:
        cases = fixtures.judged("kunit_off", suites(SUITES))
        self.assertEqual(fixtures.failures(cases), {
            "kpass", "fixture_limits is complete",
            "fixture_states is complete"})

    def test_suites_of_the_kernel_itself_are_not_ours(self) -> None:
        cases = fixtures.judged("kunit_unloaded", Demands(["answers"], suites=SUITES,
                                                          kunit_test="answers"))
        self.assertEqual(fixtures.failures(cases), {
            "fixture_limits is complete", "fixture_states is complete"})


class Proofs(unittest.TestCase):
    def failures(self, log: str, variant: str, *, traffic: bool = True) -> set[str]:
        demands = Demands(["boot"], VARIANTS[variant], traffic)
        return fixtures.failures(fixtures.judged(log, demands))

    def test_direct_is_direct(self) -> None:
        self.assertEqual(self.failures("pass", "direct"), set())

    def test_direct_is_not_bouncing(self) -> None:
        self.assertEqual(self.failures("pass", "swiotlb-force"), {
            "buffers bounced", "the static bounce pool is within the device's reach"})

    def test_traffic_is_not_asked_of_a_boot_without(self) -> None:
        self.assertEqual(self.failures("pass", "swiotlb-force", traffic=False), {
            "the static bounce pool is within the device's reach"})

    def test_iommu_that_is_not_there(self) -> None:
        failures = self.failures("pass", "iommu-strict")
        self.assertIn("flushes are strict", failures)
        self.assertIn("each device sits in a translated domain of type DMA", failures)

    def test_iommu(self) -> None:
        self.assertEqual(self.failures("iommu_asked", "iommu-strict"), set())
        self.assertIn("flushes are lazy", self.failures("iommu_asked", "iommu-lazy"))

    def test_no_facts_prove_nothing(self) -> None:
        failures = self.failures("truncated", "direct")
        self.assertIn("DMA debugging counted no error", failures)
        self.assertIn("no IOMMU", failures)
