// SPDX-License-Identifier: GPL-2.0
/* Benchmark: sync a buffer that stays mapped, for the CPU and back for the device. */

#include <linux/sizes.h>

#include "c_single.h"

static void *prepare(const struct dma_map_bench_op *op, struct device *dev, void *shared)
{
	struct dma_map_bench_single *single = kzalloc_obj(*single);
	int ret;

	if (!single)
		return ERR_PTR(-ENOMEM);
	ret = dma_map_bench_alloc_single(single, dev, op->size, op->dir);
	if (!ret)
		ret = dma_map_bench_map_single(single, op->size, op->dir);
	if (ret) {
		kfree(single->buf);
		kfree(single);
		return ERR_PTR(ret);
	}
	return single;
}

static void finish(void *state)
{
	struct dma_map_bench_single *single = state;

	dma_map_bench_unmap_single(single, single->dir);
	kfree(single->buf);
	kfree(single);
}

static __always_inline int sync_single(struct dma_map_bench_single *single, unsigned long loops,
				       enum dma_data_direction dir)
{
	while (loops--) {
		dma_sync_single_for_cpu(single->dev, single->addr, single->len, dir);
		dma_sync_single_for_device(single->dev, single->addr, single->len, dir);
	}
	return 0;
}

/* A packet of 64 bytes in a buffer of 4 KiB. */
DMA_MAP_BENCH_C(sync_range_64_of_4k_from_device)
{
	struct dma_map_bench_single *single = state;

	while (loops--) {
		dma_sync_single_range_for_cpu(single->dev, single->addr, 0, 64, DMA_FROM_DEVICE);
		dma_sync_single_range_for_device(single->dev, single->addr, 0, 64,
						 DMA_FROM_DEVICE);
	}
	return 0;
}

DMA_MAP_BENCH_C(sync_single_64_to_device)
{
	return sync_single(state, loops, DMA_TO_DEVICE);
}

DMA_MAP_BENCH_C(sync_single_64_from_device)
{
	return sync_single(state, loops, DMA_FROM_DEVICE);
}

DMA_MAP_BENCH_C(sync_single_64_bidirectional)
{
	return sync_single(state, loops, DMA_BIDIRECTIONAL);
}

DMA_MAP_BENCH_C(sync_single_4k_to_device)
{
	return sync_single(state, loops, DMA_TO_DEVICE);
}

DMA_MAP_BENCH_C(sync_single_4k_from_device)
{
	return sync_single(state, loops, DMA_FROM_DEVICE);
}

DMA_MAP_BENCH_C(sync_single_4k_bidirectional)
{
	return sync_single(state, loops, DMA_BIDIRECTIONAL);
}

DMA_MAP_BENCH_C(sync_single_64k_to_device)
{
	return sync_single(state, loops, DMA_TO_DEVICE);
}

DMA_MAP_BENCH_C(sync_single_64k_from_device)
{
	return sync_single(state, loops, DMA_FROM_DEVICE);
}

DMA_MAP_BENCH_C(sync_single_64k_bidirectional)
{
	return sync_single(state, loops, DMA_BIDIRECTIONAL);
}

#define OPERATION(_op, _size, _dir)						\
	.name = #_op,								\
	.size = _size,								\
	.dir = _dir,								\
	.open = dma_map_bench_open_singles,					\
	.close = dma_map_bench_close_singles,					\
	.prepare = prepare,							\
	.run = dma_map_bench_c_##_op,						\
	.finish = finish

const struct dma_map_bench_op dma_map_bench_c_sync_table[] = {
	{ OPERATION(sync_single_64_to_device, 64, DMA_TO_DEVICE) },
	{ OPERATION(sync_single_64_from_device, 64, DMA_FROM_DEVICE) },
	{ OPERATION(sync_single_64_bidirectional, 64, DMA_BIDIRECTIONAL) },
	{ OPERATION(sync_single_4k_to_device, SZ_4K, DMA_TO_DEVICE) },
	{ OPERATION(sync_single_4k_from_device, SZ_4K, DMA_FROM_DEVICE) },
	{ OPERATION(sync_single_4k_bidirectional, SZ_4K, DMA_BIDIRECTIONAL) },
	{ OPERATION(sync_single_64k_to_device, SZ_64K, DMA_TO_DEVICE) },
	{ OPERATION(sync_single_64k_from_device, SZ_64K, DMA_FROM_DEVICE) },
	{ OPERATION(sync_single_64k_bidirectional, SZ_64K, DMA_BIDIRECTIONAL) },
	{
		.name = "sync_range_64_of_4k_from_device",
		.size = SZ_4K,
		.dir = DMA_FROM_DEVICE,
		.open = dma_map_bench_open_singles,
		.close = dma_map_bench_close_singles,
		.prepare = prepare,
		.run = dma_map_bench_c_sync_range_64_of_4k_from_device,
		.finish = finish,
	},
	{ }
};
