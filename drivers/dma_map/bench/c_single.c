// SPDX-License-Identifier: GPL-2.0
/* Benchmark: map and unmap a contiguous buffer. */

#include <linux/sizes.h>

#include "c_single.h"

static void *prepare(const struct dma_map_bench_op *op, struct device *dev, void *shared)
{
	struct dma_map_bench_single *single = kzalloc_obj(*single);
	int ret;

	if (!single)
		return ERR_PTR(-ENOMEM);
	ret = dma_map_bench_alloc_single(single, dev, op->size, op->dir);
	if (ret) {
		kfree(single);
		return ERR_PTR(ret);
	}
	return single;
}

static void finish(void *state)
{
	struct dma_map_bench_single *single = state;

	kfree(single->buf);
	kfree(single);
}

static __always_inline int map_unmap(struct dma_map_bench_single *single, unsigned long loops,
				     size_t len, enum dma_data_direction dir)
{
	while (loops--) {
		int ret = dma_map_bench_map_single(single, len, dir);

		if (ret)
			return ret;
		dma_map_bench_unmap_single(single, dir);
	}
	return 0;
}

DMA_MAP_BENCH_C(map_single_64_to_device)
{
	return map_unmap(state, loops, 64, DMA_TO_DEVICE);
}

DMA_MAP_BENCH_C(map_single_64_from_device)
{
	return map_unmap(state, loops, 64, DMA_FROM_DEVICE);
}

DMA_MAP_BENCH_C(map_single_64_bidirectional)
{
	return map_unmap(state, loops, 64, DMA_BIDIRECTIONAL);
}

DMA_MAP_BENCH_C(map_single_4k_to_device)
{
	return map_unmap(state, loops, SZ_4K, DMA_TO_DEVICE);
}

DMA_MAP_BENCH_C(map_single_4k_from_device)
{
	return map_unmap(state, loops, SZ_4K, DMA_FROM_DEVICE);
}

DMA_MAP_BENCH_C(map_single_4k_bidirectional)
{
	return map_unmap(state, loops, SZ_4K, DMA_BIDIRECTIONAL);
}

DMA_MAP_BENCH_C(map_single_64k_to_device)
{
	return map_unmap(state, loops, SZ_64K, DMA_TO_DEVICE);
}

DMA_MAP_BENCH_C(map_single_64k_from_device)
{
	return map_unmap(state, loops, SZ_64K, DMA_FROM_DEVICE);
}

DMA_MAP_BENCH_C(map_single_64k_bidirectional)
{
	return map_unmap(state, loops, SZ_64K, DMA_BIDIRECTIONAL);
}

/* A buffer whose length the compiler does not know. */
static __always_inline int map_unmap_slice(struct dma_map_bench_single *single,
					   unsigned long loops, enum dma_data_direction dir)
{
	while (loops--) {
		int ret = dma_map_bench_map_single(single, single->len, dir);

		if (ret)
			return ret;
		dma_map_bench_unmap_single(single, dir);
	}
	return 0;
}

DMA_MAP_BENCH_C(map_slice_4k_to_device)
{
	return map_unmap_slice(state, loops, DMA_TO_DEVICE);
}

DMA_MAP_BENCH_C(map_slice_4k_from_device)
{
	return map_unmap_slice(state, loops, DMA_FROM_DEVICE);
}

/* The map and unmap that buffers of a mapped pool avoid. */
DMA_MAP_BENCH_C(mapped_pool_64)
{
	return map_unmap(state, loops, 64, DMA_FROM_DEVICE);
}

DMA_MAP_BENCH_C(mapped_pool_4k)
{
	return map_unmap(state, loops, SZ_4K, DMA_FROM_DEVICE);
}

DMA_MAP_BENCH_C(mapped_pool_64k)
{
	return map_unmap(state, loops, SZ_64K, DMA_FROM_DEVICE);
}

DMA_MAP_BENCH_C(mapped_pool_kept_4k)
{
	return map_unmap(state, loops, SZ_4K, DMA_FROM_DEVICE);
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

const struct dma_map_bench_op dma_map_bench_c_single_table[] = {
	{ OPERATION(map_single_64_to_device, 64, DMA_TO_DEVICE) },
	{ OPERATION(map_single_64_from_device, 64, DMA_FROM_DEVICE) },
	{ OPERATION(map_single_64_bidirectional, 64, DMA_BIDIRECTIONAL) },
	{ OPERATION(map_single_4k_to_device, SZ_4K, DMA_TO_DEVICE) },
	{ OPERATION(map_single_4k_from_device, SZ_4K, DMA_FROM_DEVICE) },
	{ OPERATION(map_single_4k_bidirectional, SZ_4K, DMA_BIDIRECTIONAL) },
	{ OPERATION(map_single_64k_to_device, SZ_64K, DMA_TO_DEVICE) },
	{ OPERATION(map_single_64k_from_device, SZ_64K, DMA_FROM_DEVICE) },
	{ OPERATION(map_single_64k_bidirectional, SZ_64K, DMA_BIDIRECTIONAL) },
	{ OPERATION(map_slice_4k_to_device, SZ_4K, DMA_TO_DEVICE) },
	{ OPERATION(map_slice_4k_from_device, SZ_4K, DMA_FROM_DEVICE) },
	{ OPERATION(mapped_pool_64, 64, DMA_FROM_DEVICE) },
	{ OPERATION(mapped_pool_4k, SZ_4K, DMA_FROM_DEVICE) },
	{ OPERATION(mapped_pool_64k, SZ_64K, DMA_FROM_DEVICE) },
	{ OPERATION(mapped_pool_kept_4k, SZ_4K, DMA_FROM_DEVICE) },
	{ }
};
