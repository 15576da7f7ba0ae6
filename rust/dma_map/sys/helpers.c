// SPDX-License-Identifier: GPL-2.0
/*
 * C inlines and macros that the kernel crate's bindings lack: one function
 * each, sorted, and mostly without logic of its own. A helper combines
 * several where one answer or one step needs them, because a call for each
 * would cost more than they do.
 *
 * dma-map-ops.h and dma-direct.h are not for drivers. This library stands
 * between drivers and the code that maps, and asks that code three things:
 * whether a device is coherent, whether other DMA ops map for it, and at which
 * address its bus finds memory. It sets no ops and calls none.
 */

#include <linux/device.h>
#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/export.h>
#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/jump_label.h>
#include <linux/kasan.h>
#include <linux/kfence.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/nodemask.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/sched/task_stack.h>
#include <linux/spinlock.h>
#include <linux/swiotlb.h>
#include <linux/timex.h>
#include <linux/wait_bit.h>

#include "helpers.h"

bool dma_map_helper_dev_dma_iommu(struct device *dev)
{
	return dev_dma_iommu(dev);
}
EXPORT_SYMBOL_GPL(dma_map_helper_dev_dma_iommu);

bool dma_map_helper_dev_is_dma_coherent(struct device *dev)
{
	return dev_is_dma_coherent(dev);
}
EXPORT_SYMBOL_GPL(dma_map_helper_dev_is_dma_coherent);

/* Whether interrupts-off sections are timed, in a benchmark. */
static DEFINE_STATIC_KEY_FALSE(watched);
static DEFINE_PER_CPU(cycles_t, entered_at);
static DEFINE_PER_CPU(cycles_t, longest_section);

struct dma_map_helper_entered dma_map_helper_enter_cpu(void __percpu *ptr)
{
	struct dma_map_helper_entered entered;

	local_irq_save(entered.flags);
	if (static_branch_unlikely(&watched))
		__this_cpu_write(entered_at, get_cycles());
	entered.value = this_cpu_ptr(ptr);
	return entered;
}
EXPORT_SYMBOL_GPL(dma_map_helper_enter_cpu);

static bool may_sleep(void)
{
	return !irqs_disabled() && !preempt_count() && !rcu_preempt_depth();
}

/* The first field of Rust's Binding. */
struct dma_map_binding {
	struct device *dev;
};

void dma_map_helper_free_attrs(const struct dma_map_binding *binding,
			       size_t size, void *cpu, dma_addr_t dma,
			       unsigned long attrs)
{
	if (likely(may_sleep()))
		dma_free_attrs(binding->dev, size, cpu, dma, attrs);
	else
		dma_map_free_later(binding, size, cpu, dma, attrs);
}
EXPORT_SYMBOL_GPL(dma_map_helper_free_attrs);

/* The C API counts in int, and flushes all for more than a few pages. */
void dma_map_helper_flush_vmap(void *addr, size_t size)
{
	flush_kernel_vmap_range(addr, size);
}
EXPORT_SYMBOL_GPL(dma_map_helper_flush_vmap);

size_t dma_map_helper_get_cache_alignment(void)
{
	return dma_get_cache_alignment();
}
EXPORT_SYMBOL_GPL(dma_map_helper_get_cache_alignment);

/*
 * Whether coherent memory of @dev at DMA address @dma has pages. Memory of a
 * reserved pool, of the device or of all devices, may lie where the kernel
 * knows no memory. Memory that is allocated elsewhere has pages.
 */
bool dma_map_helper_has_pages(struct device *dev, dma_addr_t dma)
{
#ifdef CONFIG_DMA_DECLARE_COHERENT
	if (dev->dma_mem)
		return false;
#endif
	if (get_dma_ops(dev) || dev_dma_iommu(dev))
		return true;

	return pfn_valid(PHYS_PFN(dma_to_phys(dev, dma)));
}
EXPORT_SYMBOL_GPL(dma_map_helper_has_pages);

void dma_map_helper_invalidate_vmap(void *addr, size_t size)
{
	invalidate_kernel_vmap_range(addr, size);
}
EXPORT_SYMBOL_GPL(dma_map_helper_invalidate_vmap);

bool dma_map_helper_is_kfence(const void *addr)
{
	return is_kfence_address(kasan_reset_tag(addr));
}
EXPORT_SYMBOL_GPL(dma_map_helper_is_kfence);

/* Whether @phys is RAM to DMA debugging. */
bool dma_map_helper_is_ram(phys_addr_t phys)
{
	unsigned long pfn = PHYS_PFN(phys);

	return pfn_valid(pfn) && !PageReserved(pfn_to_page(pfn));
}
EXPORT_SYMBOL_GPL(dma_map_helper_is_ram);

/*
 * Whether @len bytes at @addr, at least one, are memory of kmalloc() or of a
 * slab cache in the linear mapping. The page tells, also for KFENCE objects,
 * whose pages are reserved. Stacks are excluded, since an architecture may
 * have them in a slab cache.
 */
bool dma_map_helper_is_slab(const void *addr, size_t len)
{
	const void *start = kasan_reset_tag(addr);
	const struct folio *folio;

	if (!virt_addr_valid(start))
		return false;
	folio = virt_to_folio(start);

	return (folio_test_slab(folio) || folio_test_large_kmalloc(folio)) &&
	       len <= folio_size(folio) - offset_in_folio(folio, start) &&
	       !object_is_on_stack(addr);
}
EXPORT_SYMBOL_GPL(dma_map_helper_is_slab);

bool dma_map_helper_kmalloc_size_aligned(size_t size)
{
	return dma_kmalloc_size_aligned(size);
}
EXPORT_SYMBOL_GPL(dma_map_helper_kmalloc_size_aligned);

void dma_map_helper_leave_cpu(unsigned long flags)
{
	if (static_branch_unlikely(&watched)) {
		cycles_t section = get_cycles() - __this_cpu_read(entered_at);

		if (section > __this_cpu_read(longest_section))
			__this_cpu_write(longest_section, section);
	}
	local_irq_restore(flags);
}
EXPORT_SYMBOL_GPL(dma_map_helper_leave_cpu);

/*
 * Whether a piece of memory within the segment limits of @dev is so at its
 * DMA address, too. It is if the DMA address is the physical one, that of a
 * bounce buffer, or chosen by the kernel's IOMMU code. It may not be if the
 * bus adds an offset, or if other DMA ops map for the device.
 */
bool dma_map_helper_keeps_segments(struct device *dev)
{
	return !get_dma_ops(dev) && !dev->dma_range_map;
}
EXPORT_SYMBOL_GPL(dma_map_helper_keeps_segments);

bool dma_map_helper_may_sleep(void)
{
	return may_sleep();
}
EXPORT_SYMBOL_GPL(dma_map_helper_may_sleep);

void dma_map_helper_mmap_write_lock(struct mm_struct *mm)
{
	mmap_write_lock(mm);
}
EXPORT_SYMBOL_GPL(dma_map_helper_mmap_write_lock);

void dma_map_helper_mmap_write_unlock(struct mm_struct *mm)
{
	mmap_write_unlock(mm);
}
EXPORT_SYMBOL_GPL(dma_map_helper_mmap_write_unlock);

bool dma_map_helper_node_online(int node)
{
	return node >= 0 && node < MAX_NUMNODES && node_online(node);
}
EXPORT_SYMBOL_GPL(dma_map_helper_node_online);

void dma_map_helper_noio_restore(unsigned int flags)
{
	memalloc_noio_restore(flags);
}
EXPORT_SYMBOL_GPL(dma_map_helper_noio_restore);

unsigned int dma_map_helper_noio_save(void)
{
	return memalloc_noio_save();
}
EXPORT_SYMBOL_GPL(dma_map_helper_noio_save);

void *dma_map_helper_page_address(struct page *page)
{
	return page_address(page);
}
EXPORT_SYMBOL_GPL(dma_map_helper_page_address);

phys_addr_t dma_map_helper_page_to_phys(struct page *page)
{
	return page_to_phys(page);
}
EXPORT_SYMBOL_GPL(dma_map_helper_page_to_phys);

u64 dma_map_helper_phys_to_dma(struct device *dev, phys_addr_t phys)
{
	return phys_to_dma(dev, phys);
}
EXPORT_SYMBOL_GPL(dma_map_helper_phys_to_dma);

void *dma_map_helper_per_cpu_ptr(void __percpu *ptr, unsigned int cpu)
{
	return cpu_possible(cpu) ? per_cpu_ptr(ptr, cpu) : NULL;
}
EXPORT_SYMBOL_GPL(dma_map_helper_per_cpu_ptr);

struct page *dma_map_helper_phys_to_page(phys_addr_t phys)
{
	return phys_to_page(phys);
}
EXPORT_SYMBOL_GPL(dma_map_helper_phys_to_page);

void *dma_map_helper_phys_to_virt(phys_addr_t phys)
{
	return phys_to_virt(phys);
}
EXPORT_SYMBOL_GPL(dma_map_helper_phys_to_virt);

void dma_map_helper_put_pending(atomic_long_t *pending)
{
	if (atomic_long_dec_and_test(pending))
		wake_up_var(pending);
}
EXPORT_SYMBOL_GPL(dma_map_helper_put_pending);

/* The first fields of Rust's Slot and Cache. Cache says why this is right. */
struct dma_map_slot {
	struct dma_map_slot *next;
};

struct dma_map_cache {
	struct dma_map_slot *head;
	unsigned long count;
	unsigned long taking;
	unsigned long hits;
};

/*
 * Puts @slot into this CPU's cache. Returns false if the cache is full, or
 * if this interrupts a take on this CPU.
 */
bool dma_map_helper_put_slot(struct dma_map_cache __percpu *cache,
			     struct dma_map_slot *slot,
			     const unsigned long *capacity)
{
	struct dma_map_slot *head;
	unsigned long most;
	bool done = false;

	preempt_disable();
	/* The end of a pool sets it to 0, and waits for such sections. */
	most = READ_ONCE(*capacity);
	if (unlikely(!most || this_cpu_read(cache->taking)))
		goto out;
	if (unlikely(this_cpu_inc_return(cache->count) > most)) {
		this_cpu_dec(cache->count);
		goto out;
	}

	head = this_cpu_read(cache->head);
	do {
		WRITE_ONCE(slot->next, head);
	} while (!this_cpu_try_cmpxchg(cache->head, &head, slot));
	done = true;
out:
	preempt_enable();
	return done;
}
EXPORT_SYMBOL_GPL(dma_map_helper_put_slot);

void dma_map_helper_raw_spin_lock(void *lock)
{
	raw_spin_lock((raw_spinlock_t *)lock);
}
EXPORT_SYMBOL_GPL(dma_map_helper_raw_spin_lock);

void dma_map_helper_raw_spin_lock_init(void *lock)
{
	raw_spinlock_t *raw = lock;

	raw_spin_lock_init(raw);
}
EXPORT_SYMBOL_GPL(dma_map_helper_raw_spin_lock_init);

void dma_map_helper_raw_spin_unlock(void *lock)
{
	raw_spin_unlock((raw_spinlock_t *)lock);
}
EXPORT_SYMBOL_GPL(dma_map_helper_raw_spin_unlock);

void dma_map_helper_set_min_align_mask(struct device *dev, unsigned int mask)
{
	dma_set_min_align_mask(dev, mask);
}
EXPORT_SYMBOL_GPL(dma_map_helper_set_min_align_mask);

void dma_map_helper_set_seg_boundary(struct device *dev, unsigned long mask)
{
	dma_set_seg_boundary(dev, mask);
}
EXPORT_SYMBOL_GPL(dma_map_helper_set_seg_boundary);

/*
 * How a piece of the size of a small kmalloc() buffer is mapped if @dev
 * writes to it and is not coherent with the caches: 0 in place, 1 bounced, 2
 * bounced, but without a pool that @dev is known to reach.
 */
int dma_map_helper_small(struct device *dev)
{
	if (!IS_ENABLED(CONFIG_DMA_BOUNCE_UNALIGNED_KMALLOC) ||
	    dev_is_dma_coherent(dev) || get_dma_ops(dev))
		return 0;
#ifdef CONFIG_SWIOTLB
	/* This is is_swiotlb_active(), which is not exported. */
	if (dev->dma_io_tlb_mem && dev->dma_io_tlb_mem->nslabs) {
		u64 limit = min_not_zero(*dev->dma_mask, dev->bus_dma_limit);

		if (dev_dma_iommu(dev) || dev->dma_range_map ||
		    dev->dma_io_tlb_mem->defpool.end - 1 <= limit)
			return 1;
	}
#endif
	return 2;
}
EXPORT_SYMBOL_GPL(dma_map_helper_small);

/* Takes a slot out of this CPU's cache, or returns NULL if it is empty. */
struct dma_map_slot *dma_map_helper_take_slot(struct dma_map_cache __percpu *cache)
{
	struct dma_map_slot *slot;

	preempt_disable();
	this_cpu_inc(cache->taking);
	slot = this_cpu_read(cache->head);
	while (slot && !this_cpu_try_cmpxchg(cache->head, &slot,
					     READ_ONCE(slot->next)))
		;
	this_cpu_dec(cache->taking);
	if (likely(slot)) {
		this_cpu_dec(cache->count);
		this_cpu_inc(cache->hits);
	}
	preempt_enable();
	return slot;
}
EXPORT_SYMBOL_GPL(dma_map_helper_take_slot);

unsigned long dma_map_helper_totalram_pages(void)
{
	return totalram_pages();
}
EXPORT_SYMBOL_GPL(dma_map_helper_totalram_pages);

/*
 * Stops the timing that dma_map_helper_watch_sections() started. Returns the
 * longest section of all CPUs, in units of get_cycles(). May sleep.
 */
u64 dma_map_helper_unwatch_sections(void)
{
	cycles_t longest = 0;
	unsigned int cpu;

	static_branch_disable(&watched);
	for_each_possible_cpu(cpu)
		longest = max(longest, per_cpu(longest_section, cpu));
	return longest;
}
EXPORT_SYMBOL_GPL(dma_map_helper_unwatch_sections);

phys_addr_t dma_map_helper_virt_to_phys(void *addr)
{
	return virt_to_phys(addr);
}
EXPORT_SYMBOL_GPL(dma_map_helper_virt_to_phys);

void dma_map_helper_wait_pending(atomic_long_t *pending)
{
	wait_var_event(pending, !atomic_long_read_acquire(pending));
}
EXPORT_SYMBOL_GPL(dma_map_helper_wait_pending);

/* Only one caller at a time, and only in a benchmark. May sleep. */
void dma_map_helper_watch_sections(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		per_cpu(longest_section, cpu) = 0;
	static_branch_enable(&watched);
}
EXPORT_SYMBOL_GPL(dma_map_helper_watch_sections);
