// SPDX-License-Identifier: GPL-2.0
/* Scattered pages for both columns: no two of them are neighbours. */

#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "c_pages.h"

static void free_list(struct list_head *list)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, list, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
}

/* Allocates pages until @count of them have an even frame number; puts the others into @odd. */
static bool take(struct page **pages, unsigned int count, struct list_head *odd)
{
	unsigned int i = 0;

	while (i < count) {
		struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

		if (!page)
			break;
		if (page_to_pfn(page) & 1)
			list_add(&page->lru, odd);
		else
			pages[i++] = page;
	}
	if (i == count)
		return true;

	while (i--)
		__free_page(pages[i]);
	return false;
}

struct page **dma_map_bench_alloc_pages(unsigned int count)
{
	struct page **pages = kvmalloc_objs(*pages, count);
	LIST_HEAD(odd);

	if (pages && !take(pages, count, &odd)) {
		kvfree(pages);
		pages = NULL;
	}
	free_list(&odd);
	return pages;
}

void dma_map_bench_free_pages(struct page **pages, unsigned int count)
{
	while (count--)
		__free_page(pages[count]);
	kvfree(pages);
}

void *dma_map_bench_vmalloc(unsigned int count)
{
	struct page **pages = dma_map_bench_alloc_pages(count);
	void *addr;

	if (!pages)
		return NULL;
	addr = vmap(pages, count, VM_MAP | VM_MAP_PUT_PAGES, PAGE_KERNEL);
	if (!addr)
		dma_map_bench_free_pages(pages, count);
	return addr;
}

struct dma_map_bench_sieve {
	struct list_head odd;
};

struct dma_map_bench_sieve *dma_map_bench_sieve(unsigned int count)
{
	struct dma_map_bench_sieve *sieve = kmalloc_obj(*sieve);
	struct page **pages = kvmalloc_objs(*pages, count);

	if (sieve)
		INIT_LIST_HEAD(&sieve->odd);
	if (!sieve || !pages || !take(pages, count, &sieve->odd)) {
		kvfree(pages);
		dma_map_bench_free_sieve(sieve);
		return NULL;
	}

	/* The allocator returns the pages that were freed last, and those between them are held. */
	dma_map_bench_free_pages(pages, count);
	return sieve;
}

void dma_map_bench_free_sieve(struct dma_map_bench_sieve *sieve)
{
	if (sieve)
		free_list(&sieve->odd);
	kfree(sieve);
}

unsigned int dma_map_bench_entries(const struct sg_table *table)
{
	return table->orig_nents;
}
