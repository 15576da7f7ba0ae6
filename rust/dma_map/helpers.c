// SPDX-License-Identifier: GPL-2.0
/*
 * C inlines and macros that the kernel crate's bindings lack: one function
 * each, without logic of its own, sorted.
 */

#include <linux/dma-mapping.h>
#include <linux/export.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>

int dma_map_helper_get_cache_alignment(void);
bool dma_map_helper_may_sleep(void);
phys_addr_t dma_map_helper_page_to_phys(struct page *page);
struct page *dma_map_helper_phys_to_page(phys_addr_t phys);
phys_addr_t dma_map_helper_virt_to_phys(void *addr);

int dma_map_helper_get_cache_alignment(void)
{
	return dma_get_cache_alignment();
}
EXPORT_SYMBOL_GPL(dma_map_helper_get_cache_alignment);

bool dma_map_helper_may_sleep(void)
{
	return !irqs_disabled() && !in_atomic() && !rcu_preempt_depth();
}
EXPORT_SYMBOL_GPL(dma_map_helper_may_sleep);

phys_addr_t dma_map_helper_page_to_phys(struct page *page)
{
	return page_to_phys(page);
}
EXPORT_SYMBOL_GPL(dma_map_helper_page_to_phys);

struct page *dma_map_helper_phys_to_page(phys_addr_t phys)
{
	return phys_to_page(phys);
}
EXPORT_SYMBOL_GPL(dma_map_helper_phys_to_page);

phys_addr_t dma_map_helper_virt_to_phys(void *addr)
{
	return virt_to_phys(addr);
}
EXPORT_SYMBOL_GPL(dma_map_helper_virt_to_phys);
