/* SPDX-License-Identifier: GPL-2.0 */
/* Mailbox memory (rust/dma_map/proto/mailbox.rs has the protocol), and the device's part. */
#ifndef _DMA_MAP_BENCH_C_MAILBOX_H
#define _DMA_MAP_BENCH_C_MAILBOX_H

#include <linux/types.h>

#include <asm/byteorder.h>

#define DMA_MAP_BENCH_WORDS	12

#define DMA_MAP_BENCH_EMPTY	cpu_to_le32(0)
#define DMA_MAP_BENCH_POSTED	cpu_to_le32(1)

struct dma_map_bench_head {
	__le32 status;
	__le32 sequence;
	__le32 length;
	__le32 reserved;
	__le32 words[DMA_MAP_BENCH_WORDS];
};

/* Answers a request in the device's place, with as much data as the request has. */
void dma_map_bench_answer(const struct dma_map_bench_head *request,
			  struct dma_map_bench_head *response);

#endif /* _DMA_MAP_BENCH_C_MAILBOX_H */
