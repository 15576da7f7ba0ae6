/* SPDX-License-Identifier: GPL-2.0 */
/* Interface of upstream's DMA mapping benchmark, for a driver in Rust. */
#ifndef _DMA_MAP_BENCH_UAPI_H
#define _DMA_MAP_BENCH_UAPI_H

#include <linux/types.h>

struct dentry;
struct map_benchmark;
struct pci_dev;

struct dentry *dma_map_bench_uapi_create(struct pci_dev *pdev);
void dma_map_bench_uapi_remove(struct dentry *file);
bool dma_map_bench_uapi_node_possible(int node);
int dma_map_bench_uapi_threads(int (*fn)(void *arg), void *arg, unsigned int threads, int node,
			       unsigned int seconds);
bool dma_map_bench_uapi_go_on(void);
void dma_map_bench_uapi_delay(unsigned int ns);

/* In Rust (uapi.rs). */
int dma_map_bench_uapi_run(struct pci_dev *pdev, struct map_benchmark *param);

#endif /* _DMA_MAP_BENCH_UAPI_H */
