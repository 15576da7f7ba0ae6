// SPDX-License-Identifier: GPL-2.0
/* Benchmark: read or write a field of shared memory. */

#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/slab.h>

#include "c_bench.h"

struct shared {
	u32 head;
	u32 tail;
	u64 reserved[7];
};

struct field {
	struct device *dev;
	struct shared *shared;
	dma_addr_t dma;
	u64 sum;
};

static void *prepare(const struct dma_map_bench_op *op, struct device *dev, void *shared)
{
	struct field *field = kzalloc_obj(*field);

	if (!field)
		return ERR_PTR(-ENOMEM);
	field->dev = dev;
	field->shared = dma_alloc_coherent(dev, sizeof(*field->shared), &field->dma, GFP_KERNEL);
	if (!field->shared) {
		kfree(field);
		return ERR_PTR(-ENOMEM);
	}
	return field;
}

static void finish(void *state)
{
	struct field *field = state;

	dma_free_coherent(field->dev, sizeof(*field->shared), field->shared, field->dma);
	kfree(field);
}

DMA_MAP_BENCH_C(field_read)
{
	struct field *field = state;
	u64 sum = 0;

	for (; loops; loops--) {
		sum += READ_ONCE(field->shared->head);
		/* Keeps the compiler from unrolling the loop, as in rust_field.rs. */
		barrier();
	}
	field->sum = sum;
	return 0;
}

DMA_MAP_BENCH_C(field_write)
{
	struct field *field = state;

	for (; loops; loops--) {
		WRITE_ONCE(field->shared->tail, (u32)loops);
		barrier();
	}
	return 0;
}

#define OPERATION(_op)								\
	.name = #_op,								\
	.prepare = prepare,							\
	.run = dma_map_bench_c_##_op,						\
	.finish = finish

const struct dma_map_bench_op dma_map_bench_c_field_table[] = {
	{ OPERATION(field_read) },
	{ OPERATION(field_write) },
	{ }
};
