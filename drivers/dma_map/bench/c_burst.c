// SPDX-License-Identifier: GPL-2.0
/* Benchmark: map many buffers, then unmap all of them. */

#include <linux/sizes.h>

#include "c_single.h"

/* The same number as in rust_burst.rs. */
#define BURST	8192
#define SIZE	64

struct burst {
	struct dma_map_bench_single single;
	dma_addr_t addr[BURST];
};

static void *prepare(const struct dma_map_bench_op *op, struct device *dev, void *shared)
{
	struct burst *burst = kvzalloc_obj(*burst);
	int ret;

	if (!burst)
		return ERR_PTR(-ENOMEM);
	ret = dma_map_bench_alloc_single(&burst->single, dev, op->size, op->dir);
	if (ret) {
		kvfree(burst);
		return ERR_PTR(ret);
	}
	return burst;
}

static void finish(void *state)
{
	struct burst *burst = state;

	kfree(burst->single.buf);
	kvfree(burst);
}

DMA_MAP_BENCH_C(mapped_pool_burst)
{
	struct burst *burst = state;
	struct dma_map_bench_single *single = &burst->single;

	while (loops--) {
		unsigned int count, i;
		int ret = 0;

		for (count = 0; count < BURST; count++) {
			ret = dma_map_bench_map_single(single, SIZE, DMA_FROM_DEVICE);
			if (ret)
				break;
			burst->addr[count] = single->addr;
		}
		for (i = 0; i < count; i++) {
			single->addr = burst->addr[i];
			dma_map_bench_unmap_single(single, DMA_FROM_DEVICE);
		}
		if (ret)
			return ret;
	}
	return 0;
}

const struct dma_map_bench_op dma_map_bench_c_burst_table[] = {
	{
		.name = "mapped_pool_burst",
		.size = SIZE,
		.dir = DMA_FROM_DEVICE,
		.prepare = prepare,
		.run = dma_map_bench_c_mapped_pool_burst,
		.finish = finish,
	},
	{ }
};
