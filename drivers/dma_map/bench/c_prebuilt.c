// SPDX-License-Identifier: GPL-2.0
/* Benchmark: map and unmap a table that was built before. */

#include "c_sg.h"

static void *prepare(const struct dma_map_bench_op *op, struct device *dev, void *shared)
{
	struct dma_map_bench_sg *sg = dma_map_bench_prepare_sg_pages(op, dev, shared);
	int ret;

	if (IS_ERR(sg))
		return sg;
	ret = dma_map_bench_build_sg_pages(sg);
	if (ret) {
		dma_map_bench_finish_sg(sg);
		return ERR_PTR(ret);
	}
	return sg;
}

static void finish(void *state)
{
	struct dma_map_bench_sg *sg = state;

	sg_free_table(&sg->table);
	dma_map_bench_finish_sg(sg);
}

static __always_inline int map_unmap(struct dma_map_bench_sg *sg, unsigned long loops,
				     enum dma_data_direction dir)
{
	while (loops--) {
		int ret = dma_map_sgtable(sg->dev, &sg->table, dir, 0);

		if (ret)
			return ret;
		dma_unmap_sgtable(sg->dev, &sg->table, dir, 0);
	}
	return 0;
}

DMA_MAP_BENCH_C(sg_prebuilt_1)
{
	return map_unmap(state, loops, DMA_TO_DEVICE);
}

DMA_MAP_BENCH_C(sg_prebuilt_16)
{
	return map_unmap(state, loops, DMA_TO_DEVICE);
}

DMA_MAP_BENCH_C(sg_prebuilt_256)
{
	return map_unmap(state, loops, DMA_TO_DEVICE);
}

DMA_MAP_BENCH_C(sg_prebuilt_1024)
{
	return map_unmap(state, loops, DMA_TO_DEVICE);
}

#define OPERATION(_op, _count)							\
	.name = #_op,								\
	.size = _count,								\
	.dir = DMA_TO_DEVICE,							\
	.open = dma_map_bench_open_singles,					\
	.close = dma_map_bench_close_singles,					\
	.prepare = prepare,							\
	.run = dma_map_bench_c_##_op,						\
	.finish = finish

const struct dma_map_bench_op dma_map_bench_c_prebuilt_table[] = {
	{ OPERATION(sg_prebuilt_1, 1) },
	{ OPERATION(sg_prebuilt_16, 16) },
	{ OPERATION(sg_prebuilt_256, 256) },
	{ OPERATION(sg_prebuilt_1024, 1024) },
	{ }
};
