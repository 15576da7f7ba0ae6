// SPDX-License-Identifier: GPL-2.0
/*
 * What the suites compare the library with, and how they play the device: C
 * inlines that the kernel crate's bindings lack. One function each, sorted.
 */

#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/radix-tree.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "helpers.h"

int dma_map_kunit_dma_get_cache_alignment(void)
{
	return dma_get_cache_alignment();
}

bool dma_map_kunit_dma_dev_need_sync(struct device *dev)
{
	return dma_dev_need_sync(dev);
}

unsigned int dma_map_kunit_dma_get_max_seg_size(struct device *dev)
{
	return dma_get_max_seg_size(dev);
}

unsigned int dma_map_kunit_dma_get_min_align_mask(struct device *dev)
{
	return dma_get_min_align_mask(dev);
}

unsigned long dma_map_kunit_dma_get_seg_boundary(struct device *dev)
{
	return dma_get_seg_boundary(dev);
}

bool dma_map_kunit_dma_mapping_error(struct device *dev, dma_addr_t addr)
{
	return dma_mapping_error(dev, addr);
}

/* Where on the CPU's bus the byte is that @dev reaches at @addr; 0 if there is none. */
phys_addr_t dma_map_kunit_dma_to_phys(struct device *dev, dma_addr_t addr)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	return domain ? iommu_iova_to_phys(domain, addr) : dma_to_phys(dev, addr);
}

/* Where the CPU finds the byte that @dev reaches at @addr; NULL if it reaches none. */
void *dma_map_kunit_dma_to_virt(struct device *dev, dma_addr_t addr)
{
	phys_addr_t phys = dma_map_kunit_dma_to_phys(dev, addr);

	if (!phys || !pfn_valid(PHYS_PFN(phys)))
		return NULL;

	return phys_to_virt(phys);
}

#ifdef CONFIG_FAULT_INJECTION
/* Ends what dma_map_kunit_set_fail_nth() began. 0 if there were so many. */
unsigned int dma_map_kunit_end_fail_nth(void)
{
	unsigned int left = READ_ONCE(current->fail_nth);

	WRITE_ONCE(current->fail_nth, 0);
	migrate_enable();

	return left;
}
#endif

bool dma_map_kunit_irqs_disabled(void)
{
	return irqs_disabled();
}

/* Whether the page of user memory at @addr is pinned; or an error. */
int dma_map_kunit_is_pinned(unsigned long addr)
{
	struct page *page;
	int pinned;
	int ret;

	ret = get_user_pages_fast(addr, 1, 0, &page);
	if (ret != 1)
		return ret < 0 ? ret : -EFAULT;
	pinned = folio_maybe_dma_pinned(page_folio(page));
	put_page(page);

	return pinned;
}

int dma_map_kunit_node_of(const void *addr)
{
	return page_to_nid(virt_to_page(addr));
}

/* The driver core frees the map when @dev is unbound. */
int dma_map_kunit_set_dma_offset(struct device *dev, u64 offset)
{
	struct bus_dma_region *map = kcalloc(2, sizeof(*map), GFP_KERNEL);

	if (!map)
		return -ENOMEM;
	map->dma_start = offset;
	map->size = 1ULL << 40;
	dev->dma_range_map = map;
	return 0;
}

#ifdef CONFIG_FAULT_INJECTION
/*
 * Lets the @n-th allocation of the running thread fail, from 1. May sleep.
 *
 * If it is DMA debugging's own, that turns itself off for good, unless this CPU
 * has nodes in reserve. Whoever starts a thread leaves some, so without more of
 * them it is luck how many failures they last for.
 */
void dma_map_kunit_set_fail_nth(unsigned int n)
{
	while (radix_tree_preload(GFP_KERNEL))
		cond_resched();
	migrate_disable();
	radix_tree_preload_end();

	WRITE_ONCE(current->fail_nth, n);
}
#endif

/* Whether an IOMMU stands between @dev and memory, and forgets a mapping at once. */
bool dma_map_kunit_strict_iommu(struct device *dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	return domain && domain->type == IOMMU_DOMAIN_DMA;
}

phys_addr_t dma_map_kunit_virt_to_phys(const void *addr)
{
	return virt_to_phys((void *)addr);
}

struct page *dma_map_kunit_virt_to_page(const void *addr)
{
	return virt_to_page(addr);
}
