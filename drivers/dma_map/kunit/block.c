// SPDX-License-Identifier: GPL-2.0
/*
 * What the suites of block devices do as a file system does: bios to an open
 * disk, and a wait for their ends.
 */

#include <linux/bio.h>
#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/compiler.h>
#include <linux/completion.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "block.h"

struct dma_map_kunit_io {
	struct completion done;
	struct bio *bio; /* if somebody polls for it */
	int error;
};

static void dma_map_kunit_io_done(struct bio *bio)
{
	struct dma_map_kunit_io *io = bio->bi_private;

	io->error = blk_status_to_errno(bio->bi_status);
	bio_put(bio);
	complete(&io->done);
}

void dma_map_kunit_close_disk(struct file *file)
{
	bdev_fput(file);
}

/* Waits for @io, and frees it. -EINPROGRESS if it has no end yet; then it stays. */
int dma_map_kunit_end_io(struct dma_map_kunit_io *io, unsigned int ms)
{
	int error;

	if (!wait_for_completion_timeout(&io->done, msecs_to_jiffies(ms) + 1))
		return -EINPROGRESS;
	error = io->error;
	if (io->bio)
		bio_put(io->bio);
	kfree(io);
	return error;
}

/* Looks once for the end of what was started with REQ_POLLED. */
int dma_map_kunit_poll_io(struct dma_map_kunit_io *io)
{
	return bio_poll(io->bio, NULL, BLK_POLL_ONESHOT);
}

/* The number of the disk @name below @parent; 0 if there is none. */
u32 dma_map_kunit_find_disk(struct device *parent, const char *name)
{
	struct device *dev = device_find_child_by_name(parent, name);
	u32 number;

	if (!dev)
		return 0;
	number = dev->devt;
	put_device(dev);
	return number;
}

/* Whether requests to the disk wait because its queue is being changed. */
bool dma_map_kunit_is_frozen(struct file *file)
{
	/* The caller asks again and again. */
	return data_race(bdev_get_queue(file_bdev(file))->mq_freeze_depth) != 0;
}

bool dma_map_kunit_is_read_only(struct file *file)
{
	return bdev_read_only(file_bdev(file));
}

const struct queue_limits *dma_map_kunit_limits(struct file *file)
{
	return &bdev_get_queue(file_bdev(file))->limits;
}

struct file *dma_map_kunit_open_disk(u32 dev)
{
	return bdev_file_open_by_dev(dev, BLK_OPEN_READ | BLK_OPEN_WRITE, NULL, NULL);
}

struct file *dma_map_kunit_open_reader(u32 dev)
{
	return bdev_file_open_by_dev(dev, BLK_OPEN_READ, NULL, NULL);
}

long dma_map_kunit_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return file->f_op->unlocked_ioctl(file, cmd, arg);
}

/* As a 32-bit process calls it. */
long dma_map_kunit_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
#ifdef CONFIG_COMPAT
	return file->f_op->compat_ioctl(file, cmd, arg);
#else
	return -ENOTTY;
#endif
}

/* The hardware queue of an online CPU. */
unsigned int dma_map_kunit_queue_of(struct file *file, unsigned int cpu)
{
	struct blk_mq_tag_set *set = bdev_get_queue(file_bdev(file))->tag_set;

	return set->map[HCTX_TYPE_DEFAULT].mq_map[cpu];
}

/* Starts one bio. @buffer is in the linear mapping, or of vmalloc(). NULL if there is no memory. */
struct dma_map_kunit_io *dma_map_kunit_start_io(struct file *file, u32 opf, u64 sector,
						void *buffer, u32 len)
{
	struct block_device *bdev = file_bdev(file);
	struct dma_map_kunit_io *io = kmalloc(sizeof(*io), GFP_KERNEL);
	struct bio *bio = bio_alloc(bdev, BIO_MAX_VECS, (__force blk_opf_t)opf, GFP_KERNEL);

	if (!io || !bio)
		goto fail;
	init_completion(&io->done);
	io->bio = NULL;
	bio->bi_iter.bi_sector = sector;
	bio->bi_private = io;
	bio->bi_end_io = dma_map_kunit_io_done;

	if (buffer) {
		while (len) {
			u32 step = min_t(u32, len, PAGE_SIZE - offset_in_page(buffer));
			struct page *page = is_vmalloc_addr(buffer) ? vmalloc_to_page(buffer) :
								      virt_to_page(buffer);

			if (bio_add_page(bio, page, step, offset_in_page(buffer)) != step)
				goto fail;
			buffer += step;
			len -= step;
		}
	} else {
		bio->bi_iter.bi_size = len;
	}
	if (opf & (__force u32)REQ_POLLED) {
		bio_get(bio);
		io->bio = bio;
	}
	submit_bio(bio);
	return io;

fail:
	if (bio)
		bio_put(bio);
	kfree(io);
	return NULL;
}
