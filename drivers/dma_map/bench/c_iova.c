// SPDX-License-Identifier: GPL-2.0
/* Benchmark: link scattered pages into one IOVA range, and unlink them. */

#include "c_sg.h"

struct iova {
	struct dma_map_bench_sg *sg;
	struct dma_iova_state state;
};

static void *prepare(const struct dma_map_bench_op *op, struct device *dev, void *shared)
{
	struct iova *iova = kzalloc_obj(*iova);
	struct dma_map_bench_sg *sg;

	if (!iova)
		return ERR_PTR(-ENOMEM);
	sg = dma_map_bench_prepare_sg_pages(op, dev, shared);
	if (IS_ERR(sg)) {
		kfree(iova);
		return sg;
	}
	iova->sg = sg;

	if (!dma_iova_try_alloc(dev, &iova->state, 0, PAGE_SIZE)) {
		dma_map_bench_finish_sg(sg);
		kfree(iova);
		return ERR_PTR(-EOPNOTSUPP);
	}
	dma_iova_free(dev, &iova->state);
	return iova;
}

static void finish(void *state)
{
	struct iova *iova = state;

	dma_map_bench_finish_sg(iova->sg);
	kfree(iova);
}

static __always_inline int link_all(struct iova *iova, enum dma_data_direction dir)
{
	struct dma_map_bench_sg *sg = iova->sg;
	size_t linked = 0;
	unsigned int i;
	int ret;

	if (!dma_iova_try_alloc(sg->dev, &iova->state, page_to_phys(sg->pages[0]),
				sg->count * PAGE_SIZE))
		return -ENOMEM;

	for (i = 0; i < sg->count; i++) {
		ret = dma_iova_link(sg->dev, &iova->state, page_to_phys(sg->pages[i]), linked,
				    PAGE_SIZE, dir, 0);
		if (ret)
			goto destroy;
		linked += PAGE_SIZE;
	}
	ret = dma_iova_sync(sg->dev, &iova->state, 0, linked);
	if (ret)
		goto destroy;
	return 0;

destroy:
	dma_iova_destroy(sg->dev, &iova->state, linked, dir, 0);
	return ret;
}

DMA_MAP_BENCH_C(iova_64)
{
	struct iova *iova = state;

	while (loops--) {
		int ret = link_all(iova, DMA_TO_DEVICE);

		if (ret)
			return ret;
		dma_iova_destroy(iova->sg->dev, &iova->state, iova->sg->count * PAGE_SIZE,
				 DMA_TO_DEVICE, 0);
	}
	return 0;
}

const struct dma_map_bench_op dma_map_bench_c_iova_table[] = {
	{
		.name = "iova_64",
		.size = 64,
		.dir = DMA_TO_DEVICE,
		.open = dma_map_bench_open_singles,
		.close = dma_map_bench_close_singles,
		.prepare = prepare,
		.run = dma_map_bench_c_iova_64,
		.finish = finish,
	},
	{ }
};
