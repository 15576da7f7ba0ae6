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
#include <linux/kfence.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/radix-tree.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/swiotlb.h>

#include "helpers.h"

/*
 * Adds a bounce pool that hardly any device reaches, as the kernel does when
 * another one is full: the first in the list. It has no areas, so that nothing
 * is taken from it, and no memory. NULL if the kernel does not do so.
 */
void *dma_map_kunit_add_far_pool(struct device *dev)
{
#ifdef CONFIG_SWIOTLB_DYNAMIC
	struct io_tlb_mem *mem = dev->dma_io_tlb_mem;
	struct io_tlb_pool *pool = kzalloc(sizeof(*pool), GFP_KERNEL);

	if (!pool)
		return NULL;
	pool->start = 1ULL << 50;
	pool->end = pool->start + IO_TLB_SIZE * IO_TLB_SEGSIZE;
	spin_lock(&mem->lock);
	list_add_rcu(&pool->node, &mem->pools);
	spin_unlock(&mem->lock);
	return pool;
#else
	return NULL;
#endif
}

/* Whether there are bounce buffers for @dev, wherever they are. */
bool dma_map_kunit_bounce_pool(struct device *dev)
{
	return dev->dma_io_tlb_mem && dev->dma_io_tlb_mem->nslabs;
}

/* Whether @dev, which nothing stands before, reaches all bounce buffers. */
bool dma_map_kunit_bounces_within(struct device *dev)
{
	u64 last = min_not_zero(*dev->dma_mask, dev->bus_dma_limit);
	struct io_tlb_mem *mem = dev->dma_io_tlb_mem;
	bool within = dma_map_kunit_bounce_pool(dev);
#ifdef CONFIG_SWIOTLB_DYNAMIC
	struct io_tlb_pool *pool;

	rcu_read_lock();
	list_for_each_entry_rcu(pool, &mem->pools, node)
		within &= pool->end - 1 <= last;
	rcu_read_unlock();
#else
	within = within && mem->defpool.end - 1 <= last;
#endif
	return within;
}

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

/* Whether @addr is an object that KFENCE watches. */
bool dma_map_kunit_is_kfence(const void *addr)
{
	return is_kfence_address(addr);
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

bool dma_map_kunit_kfence_is_on(void)
{
#ifdef CONFIG_KFENCE
	return kfence_sample_interval;
#else
	return false;
#endif
}

int dma_map_kunit_node_of(const void *addr)
{
	return page_to_nid(virt_to_page(addr));
}

/* Whether the kernel may make more bounce pools from here on; returns what was. */
bool dma_map_kunit_let_pools_grow(struct device *dev, bool grow)
{
#ifdef CONFIG_SWIOTLB_DYNAMIC
	struct io_tlb_mem *mem = dev->dma_io_tlb_mem;
	bool before = mem->can_grow;

	mem->can_grow = grow;
	return before;
#else
	return false;
#endif
}

/* Whether memory that this thread allocates may be freed by I/O. */
bool dma_map_kunit_may_do_io(void)
{
	return current_gfp_context(GFP_KERNEL) & __GFP_IO;
}

/* Whether @dev, which nothing stands before, takes a bounce buffer for this. */
bool dma_map_kunit_must_bounce(struct device *dev, phys_addr_t phys, size_t size)
{
	u64 last = min_not_zero(*dev->dma_mask, dev->bus_dma_limit);

	return is_swiotlb_force_bounce(dev) || phys + size - 1 > last;
}

/* Takes back what dma_map_kunit_add_far_pool() returned. */
void dma_map_kunit_remove_pool(struct device *dev, void *added)
{
#ifdef CONFIG_SWIOTLB_DYNAMIC
	struct io_tlb_mem *mem = dev->dma_io_tlb_mem;
	struct io_tlb_pool *pool = added;

	if (!pool)
		return;
	spin_lock(&mem->lock);
	list_del_rcu(&pool->node);
	spin_unlock(&mem->lock);
	synchronize_rcu();
	kfree(pool);
#endif
}

/* How many queues of this project have a thread for when memory is short. */
unsigned int dma_map_kunit_rescuers(void)
{
	/* As much of the names of queues as a task has. */
	static const char prefix[] = "kworker/R-dma_m";
	unsigned int count = 0;
	struct task_struct *task;

	rcu_read_lock();
	for_each_process(task)
		if (task->flags & PF_KTHREAD && str_has_prefix(task->comm, prefix))
			count++;
	rcu_read_unlock();
	return count;
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
 * has nodes in reserve. A thread that is started leaves some, so without more of
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

/*
 * Lets the IOMMU of @dev have pages of @sizes, as a bitmap, and returns those
 * that it had; 0 if there is none.
 */
unsigned long dma_map_kunit_swap_iommu_pages(struct device *dev, unsigned long sizes)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);
	unsigned long before;

	if (!domain || !iommu_is_dma_domain(domain))
		return 0;
	before = domain->pgsize_bitmap;
	domain->pgsize_bitmap = sizes;
	return before;
}

phys_addr_t dma_map_kunit_virt_to_phys(const void *addr)
{
	return virt_to_phys((void *)addr);
}

struct page *dma_map_kunit_virt_to_page(const void *addr)
{
	return virt_to_page(addr);
}
