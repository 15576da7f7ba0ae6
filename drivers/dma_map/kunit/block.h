/* SPDX-License-Identifier: GPL-2.0 */
/* The C side of the suites of block devices. */
#ifndef _DMA_MAP_KUNIT_BLOCK_H
#define _DMA_MAP_KUNIT_BLOCK_H

#include <linux/types.h>

struct dma_map_kunit_io;
struct device;
struct file;
struct queue_limits;

void dma_map_kunit_close_disk(struct file *file);
int dma_map_kunit_end_io(struct dma_map_kunit_io *io, unsigned int ms);
bool dma_map_kunit_is_frozen(struct file *file);
int dma_map_kunit_poll_io(struct dma_map_kunit_io *io);
bool dma_map_kunit_is_read_only(struct file *file);
const struct queue_limits *dma_map_kunit_limits(struct file *file);
struct file *dma_map_kunit_open_disk(u32 dev);
unsigned int dma_map_kunit_queue_of(struct file *file, unsigned int cpu);
long dma_map_kunit_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long dma_map_kunit_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
struct file *dma_map_kunit_open_reader(u32 dev);
u32 dma_map_kunit_find_disk(struct device *parent, const char *name);
struct dma_map_kunit_io *dma_map_kunit_start_io(struct file *file, u32 opf, u64 sector,
						void *buffer, u32 len);

#endif /* _DMA_MAP_KUNIT_BLOCK_H */
