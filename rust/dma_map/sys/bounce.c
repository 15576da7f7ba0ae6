// SPDX-License-Identifier: GPL-2.0
/*
 * Predicts what C decides within a mapping: whether a piece must bounce,
 * whether a bounce buffer can take it, and whether an IOMMU has addresses
 * for it. refusal.rs turns the answer into an errno.
 *
 * C's own functions are static or not exported: dma_capable() calls one that
 * is not. So this reads the fields that they read, and has to follow when they
 * change: until then, what should have been refused fails in C, which warns.
 */

#include <linux/align.h>
#include <linux/bitops.h>
#include <linux/cc_platform.h>
#include <linux/device.h>
#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/rculist.h>
#include <linux/scatterlist.h>
#include <linux/swiotlb.h>

#include "helpers.h"

#define IN_PLACE (DMA_ATTR_MMIO | DMA_ATTR_REQUIRE_COHERENT)

/*
 * sg_phys() without the checks of CONFIG_DEBUG_SG, which call BUG() for a
 * table that is not valid. Here the table is valid.
 */
static phys_addr_t entry_phys(const struct scatterlist *sg)
{
	struct page *page = (void *)(sg->page_link & ~SG_PAGE_LINK_MASK);

	return page_to_phys(page) + sg->offset;
}

/* Whether @dev uses addresses of memory or of bounce buffers directly. */
static bool is_direct(struct device *dev)
{
	return !get_dma_ops(dev) && !dev_dma_iommu(dev);
}

static u64 last_address(struct device *dev)
{
	return min_not_zero(*dev->dma_mask, dev->bus_dma_limit);
}

/* dma_capable(), for an address that @dev would get. */
static bool is_within(struct device *dev, dma_addr_t addr, size_t size)
{
	dma_addr_t last = addr + size - 1;

	return addr != DMA_MAPPING_ERROR && last >= addr &&
	       last <= last_address(dev);
}

static bool reaches(struct device *dev, phys_addr_t phys, size_t size,
		    unsigned long attrs)
{
	/* With host memory encryption, MMIO addresses are unencrypted. */
	if ((attrs & DMA_ATTR_MMIO) && cc_platform_has(CC_ATTR_HOST_MEM_ENCRYPT))
		return is_within(dev, phys_to_dma_unencrypted(dev, phys), size);

	return is_within(dev, phys_to_dma(dev, phys), size);
}

/* Whether a direct mapping cannot use the piece at @phys in place. */
static bool must_bounce(struct device *dev, phys_addr_t phys, size_t size,
			enum dma_data_direction dir, unsigned long attrs)
{
	if (is_swiotlb_force_bounce(dev) || !reaches(dev, phys, size, attrs))
		return true;

	return !(attrs & DMA_ATTR_MMIO) &&
	       dma_kmalloc_needs_bounce(dev, size, dir);
}

/* The same behind an IOMMU: dev_use_swiotlb() and iova_unaligned(). */
static bool must_bounce_iommu(struct device *dev, phys_addr_t phys, size_t size,
			      enum dma_data_direction dir, unsigned long attrs)
{
	bool untrusted = dev_is_pci(dev) && to_pci_dev(dev)->untrusted;

	return IS_ENABLED(CONFIG_SWIOTLB) && !(attrs & DMA_ATTR_MMIO) &&
	       (untrusted || dma_kmalloc_needs_bounce(dev, size, dir)) &&
	       ((phys | size) & dma_get_merge_boundary(dev));
}

#ifdef CONFIG_SWIOTLB

static struct io_tlb_mem *bounce_mem(struct device *dev)
{
	struct io_tlb_mem *mem = dev->dma_io_tlb_mem;

	return mem && mem->nslabs ? mem : NULL;
}

static dma_addr_t pool_address(struct device *dev, struct io_tlb_mem *mem,
			       phys_addr_t phys)
{
	return mem->cc_shared ? phys_to_dma_unencrypted(dev, phys) :
				phys_to_dma(dev, phys);
}

static bool pool_is_within(struct device *dev, struct io_tlb_mem *mem,
			   struct io_tlb_pool *pool)
{
	return is_within(dev, pool_address(dev, mem, pool->start), 1) &&
	       is_within(dev, pool_address(dev, mem, pool->end - 1), 1);
}

/*
 * Whether a pool of @nslabs slots from @start on can have @nslots slots in a
 * row for a piece at @phys, if all are free, by the rules of
 * swiotlb_search_pool_area().
 */
static bool pool_fits(struct device *dev, dma_addr_t start, unsigned long nslabs,
		      phys_addr_t phys, unsigned long nslots, u64 alloc_mask)
{
	unsigned long boundary = dma_get_seg_boundary(dev);
	unsigned long max_slots = (boundary >> IO_TLB_SHIFT) + 1;
	u64 keep = dma_get_min_align_mask(dev) & ~alloc_mask;
	unsigned long first = DIV_ROUND_UP_ULL(start & boundary, IO_TLB_SIZE);
	unsigned long i;

	/*
	 * A row does not continue into the next group of slots. A boundary
	 * as long as a group, or shorter, lies at the same place in each
	 * group. A longer one cannot lie in two neighbours.
	 */
	for (i = 0; i < min(nslabs, 2UL * IO_TLB_SEGSIZE); i++) {
		unsigned long row = IO_TLB_SEGSIZE - i % IO_TLB_SEGSIZE;
		u64 addr = (start & boundary) + ((u64)i << IO_TLB_SHIFT);

		if (min(row, nslabs - i) < nslots)
			continue;
		if ((addr & alloc_mask) || ((addr ^ phys) & keep))
			continue;
		if (((first + i) & (max_slots - 1)) + nslots <= max_slots)
			return true;
	}
	return false;
}

/* Whether a bounce buffer for the piece fits a pool, if all slots are free. */
static bool bounce_fits(struct device *dev, phys_addr_t phys, size_t size,
			u64 alloc_mask)
{
	struct io_tlb_mem *mem = dev->dma_io_tlb_mem;
	u64 min_mask = dma_get_min_align_mask(dev);
	struct io_tlb_pool *pool __maybe_unused;
	unsigned long nslots;
	bool fits = false;
	u64 bytes = size;

	/* The bytes before the piece that keep its low address bits. */
	bytes += phys & min_mask & (alloc_mask | (IO_TLB_SIZE - 1));
	bytes = ALIGN(bytes, alloc_mask + 1);
	nslots = DIV_ROUND_UP_ULL(bytes, IO_TLB_SIZE);

	/* Without alignment masks, whole pages are page-aligned. */
	if (!alloc_mask && !min_mask && bytes >= PAGE_SIZE)
		alloc_mask = PAGE_SIZE - 1;
	alloc_mask |= IO_TLB_SIZE - 1;

#ifdef CONFIG_SWIOTLB_DYNAMIC
	/* A pool that is made later is aligned to its size. */
	if (mem->can_grow &&
	    pool_fits(dev, 0, IO_TLB_SEGSIZE, phys, nslots, alloc_mask))
		return true;

	rcu_read_lock();
	list_for_each_entry_rcu(pool, &mem->pools, node) {
		fits = pool_fits(dev, pool_address(dev, mem, pool->start),
				 pool->nslabs, phys, nslots, alloc_mask);
		if (fits)
			break;
	}
	rcu_read_unlock();
#else
	fits = pool_fits(dev, pool_address(dev, mem, mem->defpool.start),
			 mem->defpool.nslabs, phys, nslots, alloc_mask);
#endif
	return fits;
}

/*
 * Whether @dev reaches all bounce buffers that exist now. It may get any of
 * them, the newest first; swiotlb_map() has a WARNING for one that it does
 * not reach.
 */
static bool bounces_within(struct device *dev)
{
	struct io_tlb_mem *mem = bounce_mem(dev);
	struct io_tlb_pool *pool __maybe_unused;
	bool within = true;

	if (!mem)
		return false;
	/* With host memory encryption, bounce buffers must be shared. */
	if (cc_platform_has(CC_ATTR_HOST_MEM_ENCRYPT) && !mem->cc_shared)
		return false;

#ifdef CONFIG_SWIOTLB_DYNAMIC
	rcu_read_lock();
	list_for_each_entry_rcu(pool, &mem->pools, node) {
		within = pool_is_within(dev, mem, pool);
		if (!within)
			break;
	}
	rcu_read_unlock();
#else
	within = pool_is_within(dev, mem, &mem->defpool);
#endif
	return within;
}

/* Whether the answer of bounces_within() never changes. */
static bool bounces_stay(struct device *dev)
{
#ifdef CONFIG_SWIOTLB_DYNAMIC
	struct io_tlb_mem *mem = bounce_mem(dev);

	/* New pools, if there will be any, lie below phys_limit. */
	return !mem || !mem->can_grow ||
	       (!dev->dma_range_map &&
		is_within(dev, pool_address(dev, mem, mem->phys_limit), 1));
#else
	return true;
#endif
}

static u64 max_bounce(struct device *dev)
{
	/* swiotlb_max_mapping_size(), which is not exported. */
	return (u64)IO_TLB_SIZE * IO_TLB_SEGSIZE -
	       roundup(dma_get_min_align_mask(dev), IO_TLB_SIZE);
}

#else /* !CONFIG_SWIOTLB */

static void *bounce_mem(struct device *dev)
{
	return NULL;
}

static bool bounce_fits(struct device *dev, phys_addr_t phys, size_t size,
			u64 alloc_mask)
{
	return false;
}

static bool bounces_within(struct device *dev)
{
	return false;
}

static bool bounces_stay(struct device *dev)
{
	return true;
}

static u64 max_bounce(struct device *dev)
{
	return U64_MAX;
}

#endif /* CONFIG_SWIOTLB */

/*
 * The last physical address that @dev reaches without a bounce buffer.
 * Beyond it, a mapping that must not bounce fails with a WARNING. 0 if all
 * mappings bounce, or if the address alone does not decide it; U64_MAX if an
 * IOMMU or other DMA ops map for @dev.
 */
u64 dma_map_helper_direct_limit(struct device *dev)
{
	if (!is_direct(dev))
		return U64_MAX;
	if (is_swiotlb_force_bounce(dev) || dev->dma_range_map)
		return 0;
	/* Memory encryption has a bit in each address. */
	if (phys_to_dma(dev, 0) > last_address(dev))
		return 0;
	return last_address(dev);
}
EXPORT_SYMBOL_GPL(dma_map_helper_direct_limit);

/*
 * Looks up the bounce buffer limits that hold for @dev as long as it is
 * bound. @limited says that it does not reach all memory of the machine now.
 */
struct dma_map_bouncing dma_map_helper_bouncing(struct device *dev, bool limited)
{
	bool small = !dma_kmalloc_safe(dev, DMA_FROM_DEVICE);
	struct dma_map_bouncing bouncing = {
		.limit = dma_map_helper_direct_limit(dev),
		.max = U64_MAX,
		.max_beyond = U64_MAX,
		.settled = true,
	};

	if (!is_direct(dev))
		return bouncing;

	if (!bounce_mem(dev)) {
		bouncing.settled = !small;
	} else {
		bouncing.settled = bounces_stay(dev) && bounces_within(dev);
		bouncing.max_beyond = max_bounce(dev);
		/* Hotplugged memory may lie outside of the bus's ranges. */
		if (dev->dma_range_map)
			limited = true;
	}

	if (limited)
		bouncing.max = bouncing.max_beyond;
	if (!bouncing.settled && small)
		bouncing.limit = 0;
	else if (bouncing.settled && limited)
		bouncing.limit = U64_MAX;
	return bouncing;
}
EXPORT_SYMBOL_GPL(dma_map_helper_bouncing);

/* Whether a direct mapping of the piece needs a bounce buffer. */
bool dma_map_helper_must_bounce(struct device *dev, phys_addr_t phys, size_t size)
{
	return is_direct(dev) &&
	       must_bounce(dev, phys, size, DMA_TO_DEVICE, 0);
}
EXPORT_SYMBOL_GPL(dma_map_helper_must_bounce);

/* Whether C fails with a WARNING for the piece, however many slots are free. */
bool dma_map_helper_refused(struct device *dev, phys_addr_t phys, size_t size,
			    enum dma_data_direction dir, unsigned long attrs)
{
	return is_direct(dev) && must_bounce(dev, phys, size, dir, attrs) &&
	       ((attrs & IN_PLACE) || !bounces_within(dev));
}
EXPORT_SYMBOL_GPL(dma_map_helper_refused);

/* The same for a table. All entries that must bounce have one answer. */
bool dma_map_helper_table_refused(struct device *dev, struct scatterlist *sgl,
				  int nents, enum dma_data_direction dir,
				  unsigned long attrs)
{
	struct scatterlist *sg;
	int i;

	if (!is_direct(dev))
		return false;

	for_each_sg(sgl, sg, nents, i) {
		if (must_bounce(dev, entry_phys(sg), sg->length, dir, attrs))
			return (attrs & IN_PLACE) || !bounces_within(dev);
	}
	return false;
}
EXPORT_SYMBOL_GPL(dma_map_helper_table_refused);

/*
 * Whether the IOMMU of @dev, if there is one, can have @size addresses in a
 * row within @mask, if all are free. alloc_iova() aligns them to a power of
 * two, and leaves the lowest ones out.
 */
bool dma_map_helper_iova_fits(struct device *dev, u64 mask, u64 size)
{
#ifdef CONFIG_IOMMU_DMA
	struct iommu_domain *domain;
	u64 last, align, start;

	if (!dev_dma_iommu(dev))
		return true;

	domain = iommu_get_domain_for_dev(dev);
	last = min_not_zero(mask, dev->bus_dma_limit);
	align = 1ULL << fls64(size - 1);
	start = align;
	if (domain && domain->geometry.force_aperture) {
		last = min_t(u64, last, domain->geometry.aperture_end);
		start = max_t(u64, start,
			      ALIGN(domain->geometry.aperture_start, align));
	}
	return start <= last && size - 1 <= last - start;
#else
	return true;
#endif
}
EXPORT_SYMBOL_GPL(dma_map_helper_iova_fits);

/* Whether a piece that C failed to map can never be mapped. */
bool dma_map_helper_never(struct device *dev, phys_addr_t phys, size_t size,
			  enum dma_data_direction dir, unsigned long attrs)
{
	unsigned long granule_mask;
	bool bounces;

	if (is_direct(dev))
		return must_bounce(dev, phys, size, dir, attrs) &&
		       ((attrs & IN_PLACE) || !bounces_within(dev) ||
			!bounce_fits(dev, phys, size, 0));

	/* The rules of other DMA ops are not known. */
	if (!dev_dma_iommu(dev))
		return false;

	granule_mask = dma_get_merge_boundary(dev);
	bounces = must_bounce_iommu(dev, phys, size, dir, attrs);
	if (bounces && ((attrs & IN_PLACE) || !bounce_mem(dev) ||
			!bounce_fits(dev, phys, size, granule_mask)))
		return true;

	return !dma_map_helper_iova_fits(dev, dma_get_mask(dev),
					 ALIGN(size + (phys & granule_mask),
					       (u64)granule_mask + 1));
}
EXPORT_SYMBOL_GPL(dma_map_helper_never);

/* The same for a table, for which C returned @error. */
bool dma_map_helper_table_never(struct device *dev, struct scatterlist *sgl,
				int nents, enum dma_data_direction dir,
				unsigned long attrs, int error)
{
	struct scatterlist *sg;
	u64 size = 0, mask = dma_get_merge_boundary(dev);
	int i;

	/* Bounce buffers, or any cause in other DMA ops. */
	if (error == -EIO) {
		for_each_sg(sgl, sg, nents, i) {
			if (dma_map_helper_never(dev, entry_phys(sg), sg->length,
						 dir, attrs))
				return true;
		}
		return !is_direct(dev) && !dev_dma_iommu(dev);
	}
	if (error != -ENOMEM)
		return true;

	/* Each entry takes whole pages of the IOMMU. */
	for_each_sg(sgl, sg, nents, i)
		size += ((u64)sg->length + (sg->offset & mask) + mask) & ~mask;
	return !dma_map_helper_iova_fits(dev, dma_get_mask(dev), size);
}
EXPORT_SYMBOL_GPL(dma_map_helper_table_never);
