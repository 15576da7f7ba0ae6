/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Scattered pages for both columns: no two of them are neighbours, so that
 * every scatterlist of them has an entry for each page.
 */
#ifndef _DMA_MAP_BENCH_C_PAGES_H
#define _DMA_MAP_BENCH_C_PAGES_H

#include <linux/types.h>

struct dma_map_bench_sieve;
struct page;
struct sg_table;

/* Returns an array of @count pages, or NULL. */
struct page **dma_map_bench_alloc_pages(unsigned int count);
void dma_map_bench_free_pages(struct page **pages, unsigned int count);

/* Returns a vmalloc() allocation of @count pages, to be freed by vfree(), or NULL. */
void *dma_map_bench_vmalloc(unsigned int count);

/*
 * Makes the page allocator return scattered pages, if it can, for the next
 * @count pages and until dma_map_bench_free_sieve(). Returns NULL on failure.
 */
struct dma_map_bench_sieve *dma_map_bench_sieve(unsigned int count);
void dma_map_bench_free_sieve(struct dma_map_bench_sieve *sieve);

/* Returns the number of entries that a table was built with. */
unsigned int dma_map_bench_entries(const struct sg_table *table);

#endif /* _DMA_MAP_BENCH_C_PAGES_H */
