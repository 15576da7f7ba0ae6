/* SPDX-License-Identifier: GPL-2.0 */
/* C helpers of ../block/blk/ffi.rs. */
#ifndef _DMA_MAP_BLOCK_H
#define _DMA_MAP_BLOCK_H

#include <linux/types.h>

struct blk_dma_iter;
struct mempool;
struct request;

/* Where Rust finds what it reads of a struct blk_dma_iter, and how much room it has for one. */
#define DMA_MAP_ITER_SIZE 128

int dma_map_helper_check_iter(const struct blk_dma_iter *iter);
void dma_map_helper_copy_from_rq(struct request *rq, u32 offset, void *to, u32 len);
void dma_map_helper_copy_to_rq(struct request *rq, u32 offset, const void *from, u32 len);
void *dma_map_helper_create_reserve(size_t size);

#endif
