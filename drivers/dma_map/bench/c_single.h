/* SPDX-License-Identifier: GPL-2.0 */
/* Contiguous buffer, as a C driver keeps it: with the address and the length for unmapping. */
#ifndef _DMA_MAP_BENCH_C_SINGLE_H
#define _DMA_MAP_BENCH_C_SINGLE_H

#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include "c_bench.h"

/*
 * The alignment of buffers in all columns: memcpy() compares the lowest byte of
 * both addresses, and copies forwards or backwards, which cost differently.
 */
#define DMA_MAP_BENCH_ALIGN 256

struct dma_map_bench_single {
	struct device *dev;
	void *buf;
	dma_addr_t addr;
	size_t len;
	enum dma_data_direction dir;
};

static inline int dma_map_bench_alloc_single(struct dma_map_bench_single *single,
					     struct device *dev, size_t len,
					     enum dma_data_direction dir)
{
	single->dev = dev;
	single->dir = dir;
	single->len = len;
	single->buf = kzalloc(max_t(size_t, len, DMA_MAP_BENCH_ALIGN), GFP_KERNEL);
	return single->buf ? 0 : -ENOMEM;
}

static __always_inline int dma_map_bench_map_single(struct dma_map_bench_single *single,
						    size_t len, enum dma_data_direction dir)
{
	single->addr = dma_map_single(single->dev, single->buf, len, dir);
	if (dma_mapping_error(single->dev, single->addr))
		return -ENOMEM;
	return 0;
}

static __always_inline void dma_map_bench_unmap_single(struct dma_map_bench_single *single,
						       enum dma_data_direction dir)
{
	dma_unmap_single(single->dev, single->addr, single->len, dir);
}

/* Other mappings, which stay mapped while an operation runs. */
void *dma_map_bench_open_singles(const struct dma_map_bench_op *op, struct device *dev,
				 unsigned long live);
void dma_map_bench_close_singles(void *shared);

#endif /* _DMA_MAP_BENCH_C_SINGLE_H */
