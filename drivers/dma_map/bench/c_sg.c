// SPDX-License-Identifier: GPL-2.0
/* Benchmark: build a table for a scattered buffer, map, unmap, and free it. */

#include "c_sg.h"

static struct dma_map_bench_sg *alloc_sg(struct device *dev, unsigned int count)
{
	struct dma_map_bench_sg *sg = kzalloc_obj(*sg);

	if (sg) {
		sg->dev = dev;
		sg->count = count;
	}
	return sg;
}

void *dma_map_bench_prepare_sg_pages(const struct dma_map_bench_op *op, struct device *dev,
				     void *shared)
{
	struct dma_map_bench_sg *sg = alloc_sg(dev, op->size);

	if (!sg)
		return ERR_PTR(-ENOMEM);
	sg->pages = dma_map_bench_alloc_pages(sg->count);
	if (!sg->pages) {
		kfree(sg);
		return ERR_PTR(-ENOMEM);
	}
	return sg;
}

void *dma_map_bench_prepare_sg_vmalloc(const struct dma_map_bench_op *op, struct device *dev,
				       void *shared)
{
	struct dma_map_bench_sg *sg = alloc_sg(dev, op->size);

	if (!sg)
		return ERR_PTR(-ENOMEM);
	sg->addr = dma_map_bench_vmalloc(sg->count);
	if (!sg->addr) {
		kfree(sg);
		return ERR_PTR(-ENOMEM);
	}
	return sg;
}

void dma_map_bench_finish_sg(void *state)
{
	struct dma_map_bench_sg *sg = state;

	if (sg->pages)
		dma_map_bench_free_pages(sg->pages, sg->count);
	vfree(sg->addr);
	kfree(sg);
}

static __always_inline int map_unmap_pages(struct dma_map_bench_sg *sg, unsigned long loops,
					   enum dma_data_direction dir)
{
	while (loops--) {
		int ret = dma_map_bench_map_sg_pages(sg, dir);

		if (ret)
			return ret;
		dma_map_bench_unmap_sg(sg, dir);
	}
	return 0;
}

static __always_inline int map_unmap_vmalloc(struct dma_map_bench_sg *sg, unsigned long loops,
					     enum dma_data_direction dir)
{
	while (loops--) {
		int ret = dma_map_bench_map_sg_vmalloc(sg, dir);

		if (ret)
			return ret;
		dma_map_bench_unmap_sg(sg, dir);
	}
	return 0;
}

DMA_MAP_BENCH_C(sg_pages_1)
{
	return map_unmap_pages(state, loops, DMA_TO_DEVICE);
}

DMA_MAP_BENCH_C(sg_pages_16)
{
	return map_unmap_pages(state, loops, DMA_TO_DEVICE);
}

DMA_MAP_BENCH_C(sg_pages_256)
{
	return map_unmap_pages(state, loops, DMA_TO_DEVICE);
}

DMA_MAP_BENCH_C(sg_pages_1024)
{
	return map_unmap_pages(state, loops, DMA_TO_DEVICE);
}

DMA_MAP_BENCH_C(sg_vmalloc_1)
{
	return map_unmap_vmalloc(state, loops, DMA_TO_DEVICE);
}

DMA_MAP_BENCH_C(sg_vmalloc_16)
{
	return map_unmap_vmalloc(state, loops, DMA_TO_DEVICE);
}

DMA_MAP_BENCH_C(sg_vmalloc_256)
{
	return map_unmap_vmalloc(state, loops, DMA_TO_DEVICE);
}

DMA_MAP_BENCH_C(sg_vmalloc_1024)
{
	return map_unmap_vmalloc(state, loops, DMA_TO_DEVICE);
}

#define OPERATION(_op, _kind, _count)						\
	.name = #_op,								\
	.size = _count,								\
	.dir = DMA_TO_DEVICE,							\
	.open = dma_map_bench_open_singles,					\
	.close = dma_map_bench_close_singles,					\
	.prepare = dma_map_bench_prepare_sg_##_kind,				\
	.run = dma_map_bench_c_##_op,						\
	.finish = dma_map_bench_finish_sg

const struct dma_map_bench_op dma_map_bench_c_sg_table[] = {
	{ OPERATION(sg_pages_1, pages, 1) },
	{ OPERATION(sg_pages_16, pages, 16) },
	{ OPERATION(sg_pages_256, pages, 256) },
	{ OPERATION(sg_pages_1024, pages, 1024) },
	{ OPERATION(sg_vmalloc_1, vmalloc, 1) },
	{ OPERATION(sg_vmalloc_16, vmalloc, 16) },
	{ OPERATION(sg_vmalloc_256, vmalloc, 256) },
	{ OPERATION(sg_vmalloc_1024, vmalloc, 1024) },
	{ }
};
