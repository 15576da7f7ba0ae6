/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory for both columns, of pages no two of which are neighbours: so that a
 * table has an entry for each of them, whoever builds it.
 */
#ifndef _DMA_MAP_BENCH_C_PAGES_H
#define _DMA_MAP_BENCH_C_PAGES_H

#include <linux/types.h>

struct dma_map_bench_sieve;
struct page;
struct sg_table;

/* @count pages in an array, or NULL. */
struct page **dma_map_bench_alloc_pages(unsigned int count);
void dma_map_bench_free_pages(struct page **pages, unsigned int count);

/* @count pages as a vmalloc() allocation, to be freed by vfree(); or NULL. */
void *dma_map_bench_vmalloc(unsigned int count);

/*
 * Makes the page allocator's next @count pages such pages, as far as that can
 * be had, until what is returned is given back; or NULL.
 */
struct dma_map_bench_sieve *dma_map_bench_sieve(unsigned int count);
void dma_map_bench_free_sieve(struct dma_map_bench_sieve *sieve);

/* With how many entries a table was built. */
unsigned int dma_map_bench_entries(const struct sg_table *table);

#endif /* _DMA_MAP_BENCH_C_PAGES_H */
