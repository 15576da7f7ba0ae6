/* SPDX-License-Identifier: GPL-2.0 */
/* C helpers of ffi.rs, ffi/memory.rs, bouncing.rs, refusal.rs, counts.rs and ../generic/ffi.rs. */
#ifndef _DMA_MAP_HELPERS_H
#define _DMA_MAP_HELPERS_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/dma-direction.h>
#include <linux/types.h>

struct device;
struct dma_map_binding;
struct dma_map_cache;
struct dma_map_slot;
struct mm_struct;
struct page;
struct scatterlist;

/* The result of dma_map_helper_enter_cpu(), in two registers. */
struct dma_map_helper_entered {
	void *value;
	unsigned long flags;
};

/* Bounce buffer limits of a device, by dma_map_helper_bouncing(). */
struct dma_map_bouncing {
	/* The last physical address that is mapped without a check. */
	u64 limit;
	/* The longest entry of a table, and the longest beyond the limit. */
	u64 max;
	u64 max_beyond;
	/* Whether the device reaches all bounce buffers, also later ones. */
	bool settled;
};

bool dma_map_helper_begin_counting(void);
struct dma_map_bouncing dma_map_helper_bouncing(struct device *dev, bool limited);
bool dma_map_helper_dev_dma_iommu(struct device *dev);
bool dma_map_helper_dev_is_dma_coherent(struct device *dev);
u64 dma_map_helper_direct_limit(struct device *dev);
void dma_map_helper_end_counting(void);
struct dma_map_helper_entered dma_map_helper_enter_cpu(void __percpu *ptr);
void dma_map_helper_free_attrs(const struct dma_map_binding *binding,
			       size_t size, void *cpu, dma_addr_t dma,
			       unsigned long attrs);
void dma_map_helper_flush_vmap(void *addr, size_t size);
size_t dma_map_helper_get_cache_alignment(void);
bool dma_map_helper_has_pages(struct device *dev, dma_addr_t dma);
void dma_map_helper_invalidate_vmap(void *addr, size_t size);
bool dma_map_helper_iova_fits(struct device *dev, u64 mask, u64 size);
bool dma_map_helper_is_kfence(const void *addr);
bool dma_map_helper_is_ram(phys_addr_t phys);
bool dma_map_helper_is_slab(const void *addr, size_t len);
bool dma_map_helper_keeps_segments(struct device *dev);
bool dma_map_helper_kmalloc_size_aligned(size_t size);
void dma_map_helper_leave_cpu(unsigned long flags);
bool dma_map_helper_may_sleep(void);
bool dma_map_helper_must_bounce(struct device *dev, phys_addr_t phys, size_t size);
void dma_map_helper_mmap_write_lock(struct mm_struct *mm);
void dma_map_helper_mmap_write_unlock(struct mm_struct *mm);
bool dma_map_helper_never(struct device *dev, phys_addr_t phys, size_t size,
			  enum dma_data_direction dir, unsigned long attrs);
bool dma_map_helper_node_online(int node);
void dma_map_helper_noio_restore(unsigned int flags);
unsigned int dma_map_helper_noio_save(void);
void *dma_map_helper_page_address(struct page *page);
phys_addr_t dma_map_helper_page_to_phys(struct page *page);
u64 dma_map_helper_phys_to_dma(struct device *dev, phys_addr_t phys);
void *dma_map_helper_per_cpu_ptr(void __percpu *ptr, unsigned int cpu);
struct page *dma_map_helper_phys_to_page(phys_addr_t phys);
void *dma_map_helper_phys_to_virt(phys_addr_t phys);
void dma_map_helper_put_pending(atomic_long_t *pending);
bool dma_map_helper_put_slot(struct dma_map_cache __percpu *cache,
			     struct dma_map_slot *slot,
			     const unsigned long *capacity);
void dma_map_helper_raw_spin_lock(void *lock);
void dma_map_helper_raw_spin_lock_init(void *lock);
void dma_map_helper_raw_spin_unlock(void *lock);
bool dma_map_helper_refused(struct device *dev, phys_addr_t phys, size_t size,
			    enum dma_data_direction dir, unsigned long attrs);
void dma_map_helper_set_min_align_mask(struct device *dev, unsigned int mask);
void dma_map_helper_set_seg_boundary(struct device *dev, unsigned long mask);
int dma_map_helper_small(struct device *dev);
bool dma_map_helper_table_never(struct device *dev, struct scatterlist *sgl,
				int nents, enum dma_data_direction dir,
				unsigned long attrs, int error);
bool dma_map_helper_table_refused(struct device *dev, struct scatterlist *sgl,
				  int nents, enum dma_data_direction dir,
				  unsigned long attrs);
struct dma_map_slot *dma_map_helper_take_slot(struct dma_map_cache __percpu *cache);
unsigned long dma_map_helper_totalram_pages(void);
phys_addr_t dma_map_helper_virt_to_phys(void *addr);
void dma_map_helper_wait_pending(atomic_long_t *pending);

/* For a benchmark: how long interrupts are off at a time. */
u64 dma_map_helper_unwatch_sections(void);
void dma_map_helper_watch_sections(void);

/* In Rust: defers the free. */
void dma_map_free_later(const struct dma_map_binding *binding, size_t size,
			void *cpu, dma_addr_t dma, unsigned long attrs);

#endif /* _DMA_MAP_HELPERS_H */
