// SPDX-License-Identifier: GPL-2.0
/* Benchmark: iterate over the segments of a mapped table. */

#include "c_sg.h"

struct segments {
	struct dma_map_bench_sg *sg;
	u64 sum;
};

static void *prepare(const struct dma_map_bench_op *op, struct device *dev, void *shared)
{
	struct segments *segments = kzalloc_obj(*segments);
	struct dma_map_bench_sg *sg;
	int ret;

	if (!segments)
		return ERR_PTR(-ENOMEM);
	sg = dma_map_bench_prepare_sg_pages(op, dev, shared);
	if (IS_ERR(sg)) {
		kfree(segments);
		return sg;
	}
	ret = dma_map_bench_map_sg_pages(sg, op->dir);
	if (ret) {
		dma_map_bench_finish_sg(sg);
		kfree(segments);
		return ERR_PTR(ret);
	}
	segments->sg = sg;
	return segments;
}

static void finish(void *state)
{
	struct segments *segments = state;

	dma_map_bench_unmap_sg(segments->sg, DMA_TO_DEVICE);
	dma_map_bench_finish_sg(segments->sg);
	kfree(segments);
}

static __always_inline int walk(struct segments *segments, unsigned long loops)
{
	while (loops--) {
		struct scatterlist *entry;
		unsigned int i;
		u64 sum = 0;

		for_each_sgtable_dma_sg(&segments->sg->table, entry, i)
			sum += sg_dma_address(entry) + sg_dma_len(entry);
		WRITE_ONCE(segments->sum, sum);
	}
	return 0;
}

DMA_MAP_BENCH_C(segments_16)
{
	return walk(state, loops);
}

DMA_MAP_BENCH_C(segments_256)
{
	return walk(state, loops);
}

#define OPERATION(_op, _count)							\
	.name = #_op,								\
	.size = _count,								\
	.dir = DMA_TO_DEVICE,							\
	.prepare = prepare,							\
	.run = dma_map_bench_c_##_op,						\
	.finish = finish

const struct dma_map_bench_op dma_map_bench_c_segments_table[] = {
	{ OPERATION(segments_16, 16) },
	{ OPERATION(segments_256, 256) },
	{ }
};
