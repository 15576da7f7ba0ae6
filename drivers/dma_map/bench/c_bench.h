/* SPDX-License-Identifier: GPL-2.0 */
/*
 * C column: what a good C driver does, operation by operation. Each c_*.c has a
 * rust_*.rs beside it, with the same loops.
 */
#ifndef _DMA_MAP_BENCH_C_H
#define _DMA_MAP_BENCH_C_H

#include <linux/compiler.h>
#include <linux/dma-direction.h>
#include <linux/types.h>

struct device;

/* One operation; c.rs has the same structure. */
struct dma_map_bench_op {
	const char *name;
	size_t size;
	enum dma_data_direction dir;
	/*
	 * Returns the state that all threads share, with @live other mappings
	 * that stay mapped meanwhile, or an ERR_PTR(). NULL if there is none.
	 */
	void *(*open)(const struct dma_map_bench_op *op, struct device *dev, unsigned long live);
	void (*close)(void *shared);
	/* Returns the state of one thread, or an ERR_PTR(). */
	void *(*prepare)(const struct dma_map_bench_op *op, struct device *dev, void *shared);
	/* Does the operation @loops times, and nothing else. */
	int (*run)(void *state, unsigned long loops);
	void (*finish)(void *state);
};

/* The function with the loop of an operation: a symbol of its own, so its code can be found. */
#define DMA_MAP_BENCH_C(op)						\
	int dma_map_bench_c_##op(void *state, unsigned long loops);	\
	noinline int dma_map_bench_c_##op(void *state, unsigned long loops)

/* Each list ends with an operation that has no name, and the list of lists with NULL. */
extern const struct dma_map_bench_op *const dma_map_bench_c_tables[];

extern const struct dma_map_bench_op dma_map_bench_c_empty_table[];
extern const struct dma_map_bench_op dma_map_bench_c_single_table[];
extern const struct dma_map_bench_op dma_map_bench_c_burst_table[];
extern const struct dma_map_bench_op dma_map_bench_c_sync_table[];
extern const struct dma_map_bench_op dma_map_bench_c_coherent_table[];
extern const struct dma_map_bench_op dma_map_bench_c_pool_table[];
extern const struct dma_map_bench_op dma_map_bench_c_sg_table[];
extern const struct dma_map_bench_op dma_map_bench_c_prebuilt_table[];
extern const struct dma_map_bench_op dma_map_bench_c_segments_table[];
extern const struct dma_map_bench_op dma_map_bench_c_iova_table[];
extern const struct dma_map_bench_op dma_map_bench_c_mailbox_table[];
extern const struct dma_map_bench_op dma_map_bench_c_field_table[];

#endif /* _DMA_MAP_BENCH_C_H */
