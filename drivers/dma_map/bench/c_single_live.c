// SPDX-License-Identifier: GPL-2.0
/* Live mappings: many small buffers that stay mapped. */

#include "c_single.h"

/* One cache line: the mappings are what counts, not the memory. */
#define LIVE_SIZE	64

struct singles {
	unsigned long count;
	struct dma_map_bench_single single[] __counted_by(count);
};

void dma_map_bench_close_singles(void *shared)
{
	struct singles *singles = shared;
	unsigned long i;

	for (i = 0; i < singles->count; i++) {
		struct dma_map_bench_single *single = &singles->single[i];

		if (single->buf && single->addr != DMA_MAPPING_ERROR)
			dma_map_bench_unmap_single(single, single->dir);
		kfree(single->buf);
	}
	kvfree(singles);
}

void *dma_map_bench_open_singles(const struct dma_map_bench_op *op, struct device *dev,
				 unsigned long live)
{
	struct singles *singles;
	unsigned long i;
	int ret;

	singles = kvzalloc_flex(*singles, single, live);
	if (!singles)
		return ERR_PTR(-ENOMEM);
	singles->count = live;

	for (i = 0; i < live; i++) {
		struct dma_map_bench_single *single = &singles->single[i];

		ret = dma_map_bench_alloc_single(single, dev, LIVE_SIZE, op->dir);
		if (!ret)
			ret = dma_map_bench_map_single(single, LIVE_SIZE, op->dir);
		if (ret) {
			dma_map_bench_close_singles(singles);
			return ERR_PTR(ret);
		}
	}
	return singles;
}
