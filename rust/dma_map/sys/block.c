// SPDX-License-Identifier: GPL-2.0
/*
 * Block layer inlines that the kernel crate's bindings lack, and the numbers
 * that bindgen does not evaluate.
 */

#include <linux/blk-mq.h>
#include <linux/bvec.h>
#include <linux/export.h>
#include <linux/minmax.h>

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
