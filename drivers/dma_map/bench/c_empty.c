// SPDX-License-Identifier: GPL-2.0
/* Benchmark: the empty loop, whose cost is in all figures. */

#include "c_bench.h"

static void *prepare(const struct dma_map_bench_op *op, struct device *dev, void *shared)
{
	return NULL;
}

static void finish(void *state)
{
}

DMA_MAP_BENCH_C(empty)
{
	for (; loops; loops--)
		barrier();
	return 0;
}

const struct dma_map_bench_op dma_map_bench_c_empty_table[] = {
	{
		.name = "empty",
		.prepare = prepare,
		.run = dma_map_bench_c_empty,
		.finish = finish,
	},
	{ }
};
