// SPDX-License-Identifier: GPL-2.0
/* Benchmark: allocate and free coherent memory. */

#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "c_bench.h"

/* The size of live allocations: each takes a page. */
#define LIVE_SIZE	64

struct coherent {
	struct device *dev;
	void *cpu;
	dma_addr_t dma;
	size_t size;
};

struct coherents {
	unsigned long count;
	struct coherent coherent[] __counted_by(count);
};

static __always_inline int alloc_one(struct coherent *coherent, size_t size)
{
	coherent->cpu = dma_alloc_coherent(coherent->dev, size, &coherent->dma, GFP_KERNEL);
	if (!coherent->cpu)
		return -ENOMEM;
	coherent->size = size;
	return 0;
}

static __always_inline void free_one(struct coherent *coherent)
{
	dma_free_coherent(coherent->dev, coherent->size, coherent->cpu, coherent->dma);
}

static void close(void *shared)
{
	struct coherents *coherents = shared;
	unsigned long i;

	for (i = 0; i < coherents->count; i++)
		if (coherents->coherent[i].cpu)
			free_one(&coherents->coherent[i]);
	kvfree(coherents);
}

static void *open(const struct dma_map_bench_op *op, struct device *dev, unsigned long live)
{
	struct coherents *coherents;
	unsigned long i;
	int ret;

	coherents = kvzalloc_flex(*coherents, coherent, live);
	if (!coherents)
		return ERR_PTR(-ENOMEM);
	coherents->count = live;

	for (i = 0; i < live; i++) {
		coherents->coherent[i].dev = dev;
		ret = alloc_one(&coherents->coherent[i], LIVE_SIZE);
		if (ret) {
			close(coherents);
			return ERR_PTR(ret);
		}
	}
	return coherents;
}

static void *prepare(const struct dma_map_bench_op *op, struct device *dev, void *shared)
{
	struct coherent *coherent = kzalloc_obj(*coherent);

	if (!coherent)
		return ERR_PTR(-ENOMEM);
	coherent->dev = dev;
	return coherent;
}

static void finish(void *state)
{
	kfree(state);
}

static __always_inline int alloc_free(struct coherent *coherent, unsigned long loops, size_t size)
{
	while (loops--) {
		int ret = alloc_one(coherent, size);

		if (ret)
			return ret;
		free_one(coherent);
	}
	return 0;
}

DMA_MAP_BENCH_C(coherent_64)
{
	return alloc_free(state, loops, 64);
}

DMA_MAP_BENCH_C(coherent_4k)
{
	return alloc_free(state, loops, SZ_4K);
}

DMA_MAP_BENCH_C(coherent_64k)
{
	return alloc_free(state, loops, SZ_64K);
}

#define OPERATION(_op, _size)							\
	.name = #_op,								\
	.size = _size,								\
	.open = open,								\
	.close = close,								\
	.prepare = prepare,							\
	.run = dma_map_bench_c_##_op,						\
	.finish = finish

const struct dma_map_bench_op dma_map_bench_c_coherent_table[] = {
	{ OPERATION(coherent_64, 64) },
	{ OPERATION(coherent_4k, SZ_4K) },
	{ OPERATION(coherent_64k, SZ_64K) },
	{ }
};
