/* SPDX-License-Identifier: GPL-2.0 */
/* The memory of a mailbox (rust/dma_map/mailbox.rs has the protocol), and who answers. */
#ifndef _DMA_MAP_BENCH_C_MAILBOX_H
#define _DMA_MAP_BENCH_C_MAILBOX_H

#include <linux/types.h>

#define DMA_MAP_BENCH_WORDS	12

#define DMA_MAP_BENCH_EMPTY	0
#define DMA_MAP_BENCH_POSTED	1

struct dma_map_bench_head {
	u32 status;
	u32 sequence;
	u32 length;
	u32 reserved;
	u32 words[DMA_MAP_BENCH_WORDS];
};

/* What the device would do: answers a request, with as much data as it has. */
void dma_map_bench_answer(const struct dma_map_bench_head *request,
			  struct dma_map_bench_head *response);

#endif /* _DMA_MAP_BENCH_C_MAILBOX_H */
