/* SPDX-License-Identifier: GPL-2.0 */
/* C helpers of ../block/blk/ffi.rs. */
#ifndef _DMA_MAP_BLOCK_H
#define _DMA_MAP_BLOCK_H

#include <linux/types.h>

struct blk_dma_iter;
struct device;
struct io_comp_batch;
struct mempool;
struct request;

/* How much room Rust has for a struct blk_dma_iter. */
#define DMA_MAP_ITER_SIZE 128

bool dma_map_helper_add_to_batch(struct request *rq, struct io_comp_batch *batch);
int dma_map_helper_check_iter(const struct blk_dma_iter *iter);
void dma_map_helper_copy_from_rq(struct request *rq, u32 offset, void *to, u32 len);
void dma_map_helper_copy_to_rq(struct request *rq, u32 offset, const void *from, u32 len);
int dma_map_helper_map_one(struct request *rq, struct device *dev, dma_addr_t *address);
void *dma_map_helper_create_reserve(size_t size);
bool dma_map_helper_rq_never(struct request *rq, struct device *dev);
bool dma_map_helper_rq_refused(struct request *rq, struct device *dev, u64 limit);

#endif
