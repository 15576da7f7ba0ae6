/* SPDX-License-Identifier: GPL-2.0 */
/* C helpers of ../blk/ffi.rs. */
#ifndef _DMA_MAP_BLOCK_H
#define _DMA_MAP_BLOCK_H

#include <linux/types.h>

struct request;

void dma_map_helper_copy_from_rq(struct request *rq, u32 offset, void *to, u32 len);
void dma_map_helper_copy_to_rq(struct request *rq, u32 offset, const void *from, u32 len);

#endif
