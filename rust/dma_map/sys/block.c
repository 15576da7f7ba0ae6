// SPDX-License-Identifier: GPL-2.0
/*
 * Block layer inlines that the kernel crate's bindings lack, and the numbers
 * that bindgen does not evaluate.
 */

#include <linux/blk-mq-dma.h>
#include <linux/blk-mq.h>
#include <linux/bvec.h>
#include <linux/dma-mapping.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/mempool.h>
#include <linux/minmax.h>
#include <linux/stddef.h>

#include "block.h"
#include "helpers.h"

static_assert((__force u32)REQ_OP_MASK == 0xff);
static_assert((__force u32)REQ_OP_READ == 0);
static_assert((__force u32)REQ_OP_WRITE == 1);
static_assert((__force u32)REQ_OP_FLUSH == 2);
static_assert((__force u32)REQ_OP_DISCARD == 3);
static_assert((__force u32)REQ_OP_WRITE_ZEROES == 9);
static_assert((__force u8)BLK_STS_RESOURCE == 9);
static_assert((__force u8)BLK_STS_IOERR == 10);
static_assert((__force u8)BLK_STS_DM_REQUEUE == 11);
static_assert((__force u8)BLK_STS_AGAIN == 12);
static_assert((__force unsigned int)BLK_OPEN_WRITE == 1 << 1);
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

/* Adds @rq, which has not failed, to @batch. False: it must be ended alone. */
bool dma_map_helper_add_to_batch(struct request *rq,
				 struct io_comp_batch *batch)
{
	return blk_mq_add_to_batch(rq, batch, false, blk_mq_end_request_batch);
}
EXPORT_SYMBOL_GPL(dma_map_helper_add_to_batch);

/*
 * Maps the data of @rq, if it is contiguous memory of the system: @address is
 * then where @dev finds the first byte. -EAGAIN if it is not, -ENOMEM if @dev
 * does not get it.
 */
int dma_map_helper_map_one(struct request *rq, struct device *dev,
			   dma_addr_t *address)
{
	struct bio_vec bv = req_bvec(rq);

	/* Also false for what the block layer has merged. */
	if (bv.bv_len != blk_rq_payload_bytes(rq) ||
	    is_pci_p2pdma_page(bv.bv_page))
		return -EAGAIN;

	/* The block layer tries again later: no news of a full bounce pool. */
	*address = dma_map_phys(dev, bvec_phys(&bv), bv.bv_len, rq_dma_dir(rq),
				DMA_ATTR_NO_WARN);
	return dma_mapping_error(dev, *address);
}
EXPORT_SYMBOL_GPL(dma_map_helper_map_one);

/*
 * Whether @is_so holds for a part of the data of @rq that lies beyond @limit,
 * as C cuts it for the device. rq_for_each_bvec() goes through what C merges.
 */
static bool any_beyond(struct request *rq, struct device *dev, u64 limit,
		       bool (*is_so)(struct device *dev, phys_addr_t phys,
				     size_t size, enum dma_data_direction dir,
				     unsigned long attrs))
{
	u32 most = queue_max_segment_size(rq->q);
	struct req_iterator iter;
	struct bio_vec bv;

	rq_for_each_bvec(bv, rq, iter) {
		phys_addr_t phys = bvec_phys(&bv);
		u32 left = bv.bv_len;

		while (left) {
			u32 len = min(left, most);

			if (phys + len - 1 > limit &&
			    is_so(dev, phys, len, rq_dma_dir(rq), 0))
				return true;
			phys += len;
			left -= len;
		}
	}
	return false;
}

/* Whether C fails with a WARNING for data of @rq, which is beyond @limit. */
bool dma_map_helper_rq_refused(struct request *rq, struct device *dev, u64 limit)
{
	return any_beyond(rq, dev, limit, dma_map_helper_refused);
}
EXPORT_SYMBOL_GPL(dma_map_helper_rq_refused);

/* Whether data of @rq that C failed to map can never be mapped. */
bool dma_map_helper_rq_never(struct request *rq, struct device *dev)
{
	return any_beyond(rq, dev, 0, dma_map_helper_never);
}
EXPORT_SYMBOL_GPL(dma_map_helper_rq_never);

/*
 * Cuts @bv to the bytes from @skip on, at most @len. False if there are none.
 */
static bool cut_bvec(struct bio_vec *bv, u32 *skip, u32 len)
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

void dma_map_helper_copy_from_rq(struct request *rq, u32 offset, void *to,
				 u32 len)
{
	struct req_iterator iter;
	struct bio_vec bv;

	rq_for_each_segment(bv, rq, iter) {
		if (!len)
			return;
		if (!cut_bvec(&bv, &offset, len))
			continue;
		memcpy_from_bvec(to, &bv);
		to += bv.bv_len;
		len -= bv.bv_len;
	}
}
EXPORT_SYMBOL_GPL(dma_map_helper_copy_from_rq);

void dma_map_helper_copy_to_rq(struct request *rq, u32 offset,
			       const void *from, u32 len)
{
	struct req_iterator iter;
	struct bio_vec bv;

	rq_for_each_segment(bv, rq, iter) {
		if (!len)
			return;
		if (!cut_bvec(&bv, &offset, len))
			continue;
		memcpy_to_bvec(&bv, from);
		from += bv.bv_len;
		len -= bv.bv_len;
	}
}
EXPORT_SYMBOL_GPL(dma_map_helper_copy_to_rq);

/*
 * A mempool of pieces of @size bytes, of which one is always there. NULL if
 * there is no memory.
 */
void *dma_map_helper_create_reserve(size_t size)
{
	return mempool_create_kmalloc_pool(1, size);
}
EXPORT_SYMBOL_GPL(dma_map_helper_create_reserve);
