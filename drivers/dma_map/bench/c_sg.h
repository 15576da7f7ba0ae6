/* SPDX-License-Identifier: GPL-2.0 */
/* Scattered buffer, as a C driver keeps it. */
#ifndef _DMA_MAP_BENCH_C_SG_H
#define _DMA_MAP_BENCH_C_SG_H

#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "c_bench.h"
#include "c_pages.h"
#include "c_single.h"

struct dma_map_bench_sg {
	struct device *dev;
	struct sg_table table;
	unsigned int count;
	struct page **pages;	/* if it is made of pages */
	void *addr;		/* if it is vmalloc() memory */
};

static __always_inline int dma_map_bench_build_sg_pages(struct dma_map_bench_sg *sg)
{
	struct scatterlist *entry;
	unsigned int i;
	int ret;

	ret = sg_alloc_table(&sg->table, sg->count, GFP_KERNEL);
	if (ret)
		return ret;
	for_each_sgtable_sg(&sg->table, entry, i)
		sg_set_page(entry, sg->pages[i], PAGE_SIZE, 0);
	return 0;
}

static __always_inline int dma_map_bench_map_sg_pages(struct dma_map_bench_sg *sg,
						      enum dma_data_direction dir)
{
	int ret;

	ret = dma_map_bench_build_sg_pages(sg);
	if (ret)
		return ret;

	ret = dma_map_sgtable(sg->dev, &sg->table, dir, 0);
	if (ret)
		sg_free_table(&sg->table);
	return ret;
}

static __always_inline int dma_map_bench_map_sg_vmalloc(struct dma_map_bench_sg *sg,
							enum dma_data_direction dir)
{
	struct scatterlist *entry;
	void *addr = sg->addr;
	unsigned int i;
	int ret;

	ret = sg_alloc_table(&sg->table, sg->count, GFP_KERNEL);
	if (ret)
		return ret;
	for_each_sgtable_sg(&sg->table, entry, i) {
		sg_set_page(entry, vmalloc_to_page(addr), PAGE_SIZE, 0);
		addr += PAGE_SIZE;
	}

	ret = dma_map_sgtable(sg->dev, &sg->table, dir, 0);
	if (ret)
		sg_free_table(&sg->table);
	return ret;
}

static __always_inline void dma_map_bench_unmap_sg(struct dma_map_bench_sg *sg,
						   enum dma_data_direction dir)
{
	dma_unmap_sgtable(sg->dev, &sg->table, dir, 0);
	sg_free_table(&sg->table);
}

/* @op has the number of pages as its size. */
void *dma_map_bench_prepare_sg_pages(const struct dma_map_bench_op *op, struct device *dev,
				     void *shared);
void *dma_map_bench_prepare_sg_vmalloc(const struct dma_map_bench_op *op, struct device *dev,
				       void *shared);
void dma_map_bench_finish_sg(void *state);

#endif /* _DMA_MAP_BENCH_C_SG_H */
