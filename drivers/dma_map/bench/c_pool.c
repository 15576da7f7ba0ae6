// SPDX-License-Identifier: GPL-2.0
/* Benchmark: allocate and free a zeroed block of a DMA pool. All threads share the pool. */

#include <linux/dmapool.h>
#include <linux/err.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "c_bench.h"

struct block {
	void *cpu;
	dma_addr_t dma;
};

struct pool {
	struct dma_pool *pool;
	unsigned long count;
	struct block block[] __counted_by(count);
};

struct taker {
	struct dma_pool *pool;
	struct block block;
};

static __always_inline int take(struct dma_pool *pool, struct block *block)
{
	block->cpu = dma_pool_zalloc(pool, GFP_KERNEL, &block->dma);
	return block->cpu ? 0 : -ENOMEM;
}

static __always_inline void put(struct dma_pool *pool, struct block *block)
{
	dma_pool_free(pool, block->cpu, block->dma);
}

static void close(void *shared)
{
	struct pool *pool = shared;
	unsigned long i;

	for (i = 0; i < pool->count; i++)
		if (pool->block[i].cpu)
			put(pool->pool, &pool->block[i]);
	dma_pool_destroy(pool->pool);
	kvfree(pool);
}

static void *open(const struct dma_map_bench_op *op, struct device *dev, unsigned long live)
{
	struct pool *pool;
	unsigned long i;
	int ret;

	pool = kvzalloc_flex(*pool, block, live);
	if (!pool)
		return ERR_PTR(-ENOMEM);
	pool->count = live;

	pool->pool = dma_pool_create("dma_map_bench", dev, op->size, 1, 0);
	if (!pool->pool) {
		kvfree(pool);
		return ERR_PTR(-ENOMEM);
	}

	for (i = 0; i < live; i++) {
		ret = take(pool->pool, &pool->block[i]);
		if (ret) {
			close(pool);
			return ERR_PTR(ret);
		}
	}
	return pool;
}

static void *prepare(const struct dma_map_bench_op *op, struct device *dev, void *shared)
{
	struct taker *taker = kzalloc_obj(*taker);
	struct pool *pool = shared;

	if (!taker)
		return ERR_PTR(-ENOMEM);
	taker->pool = pool->pool;
	return taker;
}

static void finish(void *state)
{
	kfree(state);
}

static __always_inline int take_put(struct taker *taker, unsigned long loops)
{
	while (loops--) {
		int ret = take(taker->pool, &taker->block);

		if (ret)
			return ret;
		put(taker->pool, &taker->block);
	}
	return 0;
}

DMA_MAP_BENCH_C(pool_64)
{
	return take_put(state, loops);
}

DMA_MAP_BENCH_C(pool_1k)
{
	return take_put(state, loops);
}

#define OPERATION(_op, _size)							\
	.name = #_op,								\
	.size = _size,								\
	.open = open,								\
	.close = close,								\
	.prepare = prepare,							\
	.run = dma_map_bench_c_##_op,						\
	.finish = finish

const struct dma_map_bench_op dma_map_bench_c_pool_table[] = {
	{ OPERATION(pool_64, 64) },
	{ OPERATION(pool_1k, SZ_1K) },
	{ }
};
