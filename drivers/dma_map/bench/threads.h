/* SPDX-License-Identifier: GPL-2.0 */
/* Timing of a function, in one thread or in several at once. */
#ifndef _DMA_MAP_BENCH_THREADS_H
#define _DMA_MAP_BENCH_THREADS_H

#include <linux/types.h>

/* threads.rs has the same structure. */
struct dma_map_bench_span {
	u64 cycles;
	u64 ns;
};

int dma_map_bench_run(unsigned int threads, int (*fn)(void *arg), void *const *args,
		      struct dma_map_bench_span *span);

#endif /* _DMA_MAP_BENCH_THREADS_H */
