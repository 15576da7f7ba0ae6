// SPDX-License-Identifier: GPL-2.0
/*
 * Block layer inlines that the kernel crate's bindings lack, and the numbers
 * that bindgen does not evaluate.
 */

#include <linux/blk-mq-dma.h>
#include <linux/blk-mq.h>
#include <linux/bvec.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/mempool.h>
#include <linux/minmax.h>
#include <linux/stddef.h>

#include "block.h"

static_assert((__force u32)REQ_OP_MASK == 0xff);
static_assert((__force u32)REQ_OP_READ == 0);
static_assert((__force u32)REQ_OP_WRITE == 1);
static_assert((__force u32)REQ_OP_FLUSH == 2);
static_assert((__force u32)REQ_OP_DISCARD == 3);
static_assert((__force u32)REQ_OP_WRITE_ZEROES == 9);
static_assert((__force u8)BLK_STS_RESOURCE == 9);
static_assert((__force u32)BLK_FEAT_WRITE_CACHE == 1 << 0);
static_assert((__force u32)BLK_FEAT_FUA == 1 << 1);
static_assert((__force u32)BLK_FEAT_ROTATIONAL == 1 << 2);

static_assert(sizeof(struct blk_dma_iter) <= DMA_MAP_ITER_SIZE);
static_assert(__alignof__(struct blk_dma_iter) <= 8);
static_assert(offsetof(struct blk_dma_iter, addr) == 0);
static_assert(offsetof(struct blk_dma_iter, len) == sizeof(dma_addr_t));

/*
 * Why @iter has no segment more: 0 at the end of the data. Also an error for
 * what has a segment, but of another device's memory, which this library does
 * not map.
 */
int dma_map_helper_check_iter(const struct blk_dma_iter *iter)
{
	if (iter->p2pdma.map != PCI_P2PDMA_MAP_NONE)
		return -EREMOTEIO;
	switch (iter->status) {
	case BLK_STS_OK:
		return 0;
	case BLK_STS_RESOURCE:
		return -ENOMEM;
	default:
		return -EIO;
	}
}
EXPORT_SYMBOL_GPL(dma_map_helper_check_iter);

/* Cuts @bv to the bytes from @skip on, at most @len. False if there are none. */
static bool cut(struct bio_vec *bv, u32 *skip, u32 len)
{
	if (*skip >= bv->bv_len) {
		*skip -= bv->bv_len;
		return false;
	}
	bv->bv_offset += *skip;
	bv->bv_len = min(bv->bv_len - *skip, len);
	*skip = 0;
	return true;
}

void dma_map_helper_copy_from_rq(struct request *rq, u32 offset, void *to, u32 len)
{
	struct req_iterator iter;
	struct bio_vec bv;

	rq_for_each_segment(bv, rq, iter) {
		if (!len)
			return;
		if (!cut(&bv, &offset, len))
			continue;
		memcpy_from_bvec(to, &bv);
		to += bv.bv_len;
		len -= bv.bv_len;
	}
}
EXPORT_SYMBOL_GPL(dma_map_helper_copy_from_rq);

void dma_map_helper_copy_to_rq(struct request *rq, u32 offset, const void *from, u32 len)
{
	struct req_iterator iter;
	struct bio_vec bv;

	rq_for_each_segment(bv, rq, iter) {
		if (!len)
			return;
		if (!cut(&bv, &offset, len))
			continue;
		memcpy_to_bvec(&bv, from);
		from += bv.bv_len;
		len -= bv.bv_len;
	}
}
EXPORT_SYMBOL_GPL(dma_map_helper_copy_to_rq);

/* A mempool of pieces of @size bytes, of which one is always there. NULL if there is no memory. */
void *dma_map_helper_create_reserve(size_t size)
{
	return mempool_create_kmalloc_pool(1, size);
}
EXPORT_SYMBOL_GPL(dma_map_helper_create_reserve);
