/* SPDX-License-Identifier: GPL-2.0 */
/* The C side of the suites. */
#ifndef _DMA_MAP_KUNIT_HELPERS_H
#define _DMA_MAP_KUNIT_HELPERS_H

#include <linux/types.h>

struct device;
struct page;

void *dma_map_kunit_add_far_pool(struct device *dev);
bool dma_map_kunit_bounce_pool(struct device *dev);
bool dma_map_kunit_bounces_within(struct device *dev);
bool dma_map_kunit_dma_dev_need_sync(struct device *dev);
int dma_map_kunit_dma_get_cache_alignment(void);
unsigned int dma_map_kunit_dma_get_max_seg_size(struct device *dev);
unsigned int dma_map_kunit_dma_get_min_align_mask(struct device *dev);
unsigned long dma_map_kunit_dma_get_seg_boundary(struct device *dev);
bool dma_map_kunit_dma_mapping_error(struct device *dev, dma_addr_t addr);
phys_addr_t dma_map_kunit_dma_to_phys(struct device *dev, dma_addr_t addr);
void *dma_map_kunit_dma_to_virt(struct device *dev, dma_addr_t addr);
unsigned int dma_map_kunit_end_fail_nth(void);
bool dma_map_kunit_irqs_disabled(void);
bool dma_map_kunit_is_kfence(const void *addr);
int dma_map_kunit_is_pinned(unsigned long addr);
bool dma_map_kunit_kfence_is_on(void);
bool dma_map_kunit_let_pools_grow(struct device *dev, bool grow);
bool dma_map_kunit_may_do_io(void);
bool dma_map_kunit_must_bounce(struct device *dev, phys_addr_t phys, size_t size);
int dma_map_kunit_node_of(const void *addr);
unsigned int dma_map_kunit_rescuers(void);
int dma_map_kunit_set_dma_offset(struct device *dev, u64 offset);
void dma_map_kunit_remove_pool(struct device *dev, void *pool);
void dma_map_kunit_set_fail_nth(unsigned int n);
bool dma_map_kunit_strict_iommu(struct device *dev);
unsigned long dma_map_kunit_swap_iommu_pages(struct device *dev, unsigned long sizes);
phys_addr_t dma_map_kunit_virt_to_phys(const void *addr);
struct page *dma_map_kunit_virt_to_page(const void *addr);

#endif /* _DMA_MAP_KUNIT_HELPERS_H */
