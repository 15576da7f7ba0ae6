// SPDX-License-Identifier: GPL-2.0
/*
 * A disk full of words that say where they are: each sector has 64 words of 64 bits,
 * seed << 48 | sector << 8 | number of the word. The host makes and compares the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk.h"

/* Around the sizes of one and two pages, and of what lists and the largest commands hold. */
static const u32 sizes[] = { 8, 1, 7, 9, 16, 15, 17, 64, 63, 65, 256, 3, 255, 257, 1024, 2048 };

#define SIZE_MAX_SECTORS 2048

static void fill(u8 *data, u64 seed, u64 sector, u32 count)
{
	u64 word;
	u32 i, j;

	for (i = 0; i < count; i++) {
		for (j = 0; j < SECTOR / 8; j++) {
			word = seed << 48 | (sector + i) << 8 | j;
			memcpy(data + i * SECTOR + j * 8, &word, sizeof(word));
		}
	}
}

typedef void (*step_t)(int fd, u64 seed, u64 sector, u32 count, u8 *data);

/* Calls `step` with ranges of all sizes, until the disk is done. Returns their number. */
static unsigned int each_range(int fd, u64 seed, step_t step)
{
	u8 *data = aligned(SIZE_MAX_SECTORS * SECTOR + SECTOR);
	u64 sector, sectors = sectors_of(fd);
	unsigned int i = 0;
	u32 count;

	for (sector = 0; sector < sectors; sector += count, i++) {
		count = sizes[i % (sizeof(sizes) / sizeof(*sizes))];
		if (count > sectors - sector)
			count = sectors - sector;
		/* Where in a page the data is. */
		step(fd, seed, sector, count, data + i % 2 * SECTOR);
	}
	free(data);
	return i;
}

static void write_range(int fd, u64 seed, u64 sector, u32 count, u8 *data)
{
	fill(data, seed, sector, count);
	if (pwrite(fd, data, count * SECTOR, sector * SECTOR) != (ssize_t)count * SECTOR)
		die("%u sectors from %llu on can't be written: %s", count,
		    (unsigned long long)sector, strerror(errno));
}

static void read_range(int fd, u64 seed, u64 sector, u32 count, u8 *data)
{
	static u8 expected[SIZE_MAX_SECTORS * SECTOR];
	u32 i;

	memset(data, 0x5a, count * SECTOR);
	if (pread(fd, data, count * SECTOR, sector * SECTOR) != (ssize_t)count * SECTOR)
		die("%u sectors from %llu on can't be read: %s", count,
		    (unsigned long long)sector, strerror(errno));
	fill(expected, seed, sector, count);
	for (i = 0; i < count * SECTOR; i++) {
		if (data[i] != expected[i])
			die("byte %u of the %u sectors from %llu on is %#x, not %#x", i, count,
			    (unsigned long long)sector, data[i], expected[i]);
	}
}

static int opened(const char *path, int flags)
{
	int fd = open_disk(path, flags, 0);

	if (fd < 0)
		die("%s can't be opened: %s", path, strerror(errno));
	return fd;
}

int pattern_write(const char *path, u64 seed)
{
	int fd = opened(path, O_RDWR | O_DIRECT);
	unsigned int writes = each_range(fd, seed, write_range);

	if (fsync(fd) || close(fd))
		die("%s: %s", path, strerror(errno));
	printf("%u writes\n", writes);
	return 0;
}

/* Past the page cache, and then by it. */
int pattern_verify(const char *path, u64 seed)
{
	int direct = opened(path, O_RDONLY | O_DIRECT);
	int cached = opened(path, O_RDONLY);
	unsigned int reads = each_range(direct, seed, read_range);

	reads += each_range(cached, seed, read_range);
	printf("%u reads, every byte is right\n", reads);
	return 0;
}
