// SPDX-License-Identifier: GPL-2.0
/* List of all operations of the C column. */

#include "c_bench.h"

const struct dma_map_bench_op *const dma_map_bench_c_tables[] = {
	dma_map_bench_c_empty_table,
	dma_map_bench_c_single_table,
	dma_map_bench_c_burst_table,
	dma_map_bench_c_sync_table,
	dma_map_bench_c_coherent_table,
	dma_map_bench_c_pool_table,
	dma_map_bench_c_sg_table,
	dma_map_bench_c_prebuilt_table,
	dma_map_bench_c_segments_table,
	dma_map_bench_c_iova_table,
	dma_map_bench_c_mailbox_table,
	dma_map_bench_c_field_table,
	NULL,
};
