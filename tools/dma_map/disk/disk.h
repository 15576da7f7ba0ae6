/* SPDX-License-Identifier: GPL-2.0 */
/* dma_disk - write to a disk or a file, and know what must be there afterwards */
#ifndef DMA_DISK_H
#define DMA_DISK_H

#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;

#define SECTOR 512
#define WORKERS_MAX 16
/* The longest write of a worker. */
#define LONGEST 512

/* Prints why it cannot go on, and exits with status 1. */
void die(const char *format, ...) __printf(1, 2) __noreturn;

/* Memory for direct I/O. */
u8 *aligned(size_t bytes);

/*
 * What a worker writes, in order: its writes are numbered from 1, and each number has a place and a
 * length, which are always the same. So whoever knows how many were acknowledged knows them all.
 */
struct place {
	u32 sector;
	u32 count;
};

/* The write of a number, in a region of so many sectors. */
struct place place_of(u32 worker, u32 number, u32 sectors);

/* Fills sectors with what the write of that number has there. */
void fill_sectors(u8 *data, u32 number, u64 sector, u32 count);

/* The number of the write that a sector is of; 0 if it is of none, or of more than one. */
u32 number_of(const u8 *data, u64 sector);

/* A worker's region, and what must be there. */
struct region {
	u32 worker;
	u64 first;
	u32 sectors;
	u32 *acknowledged; /* of each sector, the last write that was */
	u32 *begun;        /* the last one that was begun */
};

void region_init(struct region *region, u32 worker, u32 workers, u64 sectors);

/* Reads sectors of a region. Returns how many are wrong; -1 if they cannot be read. */
int region_verify(const struct region *region, int fd, u32 sector, u32 count, u8 *data);

/* The same of all of it. */
int region_verify_all(const struct region *region, int fd, u8 *data);

/*
 * Opens a path; or the disk of a PCI function, if it is @ADDRESS. -1 if there is none now.
 * A file is made as long as MIB says.
 */
int open_disk(const char *path, int flags, unsigned long mib);

u64 sectors_of(int fd);

/* The commands: exit status. */
int pattern_write(const char *path, u64 seed);
int pattern_verify(const char *path, u64 seed);
int work(const char *path, unsigned long mib, u32 workers, int tell);
/* 3 if a read has failed. */
int poll_on(const char *path, u32 depth);
int poll_late(const char *path, u32 depth);
int check(const char *path, const char *acknowledged);

#endif
