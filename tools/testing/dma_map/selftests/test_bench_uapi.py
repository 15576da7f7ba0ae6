# SPDX-License-Identifier: GPL-2.0
"""What upstream's dma_map_benchmark printed, read from a log."""

from __future__ import annotations

import unittest

from bench.uapi import C, RUST, Run, read, report

LOG = """\
[    3.663085] # uapi dma_map_benchmark -s 1 -b 64
[    4.715257] # dma mapping benchmark(SINGLE_MODE): threads:1 seconds:1 node:-1 dir:BIDIRECTIONAL granule:1
[    4.715507] # average map latency(us):0.4 standard deviation:35.9
[    4.715637] # average unmap latency(us):0.2 standard deviation:36.9
[    4.738582] # uapi dma_map_benchmark_rust -s 1 -b 64
[    6.899303] # dma mapping benchmark(SINGLE_MODE): threads:1 seconds:1 node:-1 dir:BIDIRECTIONAL granule:1
[    6.899504] # average map latency(us):0.6 standard deviation:74.4
[    6.899626] # average unmap latency(us):0.1 standard deviation:54.2
""".splitlines()


class Uapi(unittest.TestCase):
    def test_runs(self) -> None:
        self.assertEqual(read(LOG, "direct", "timed"), [
            Run("direct", "timed", "-s 1 -b 64", C, 0.4, 35.9, 0.2, 36.9),
            Run("direct", "timed", "-s 1 -b 64", RUST, 0.6, 74.4, 0.1, 54.2),
        ])

    def test_run_without_a_result(self) -> None:
        runs = read(LOG[:-1], "direct", "timed")
        self.assertEqual([run.complete for run in runs], [True, False])
        self.assertFalse(read(LOG[:2], "direct", "timed")[0].complete)

    def test_result_without_a_run(self) -> None:
        self.assertEqual(read(LOG[1:4], "direct", "timed"), [])

    def test_table_has_medians_and_ratios(self) -> None:
        more = [Run("direct", "timed", "-s 1 -b 64", driver, value, 0, 0, 0)
                for driver, value in ((C, 0.4), (C, 9.0), (RUST, 0.6), (RUST, 0.1))]
        line = report([*read(LOG, "direct", "timed"), *more]).splitlines()[-1]
        self.assertEqual(line.split(), ["direct", "timed", "-s", "1", "-b", "64", "0.40", "0.60", "1.50",
                                        "0.00", "0.00", "-"])


if __name__ == "__main__":
    unittest.main()
