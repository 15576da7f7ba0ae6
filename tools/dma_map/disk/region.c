// SPDX-License-Identifier: GPL-2.0
/* What a worker writes, and what must be there afterwards. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk.h"

#define WORDS (SECTOR / 8)

static const u32 lengths[] = { 1, 8, 3, 16, 8, 64, 7, 128, 8, 9, 256, 8, 2, LONGEST, 24, 8 };

/* A few bits of each go into all of the others. */
static u64 mixed(u64 value)
{
	value ^= value >> 31;
	value *= 0x9e3779b97f4a7c15ull;
	value ^= value >> 29;
	value *= 0xd1b54a32d192ed03ull;
	return value ^ value >> 32;
}

struct place place_of(u32 worker, u32 number, u32 sectors)
{
	u64 random = mixed((u64)worker << 32 | number);
	u32 count = lengths[random % (sizeof(lengths) / sizeof(*lengths))];

	return (struct place){ .sector = (random >> 8) % (sectors - count + 1), .count = count };
}

static u64 word_of(u32 number, u64 sector, u32 word)
{
	return (u64)number << 40 | sector << 8 | word;
}

void fill_sectors(u8 *data, u32 number, u64 sector, u32 count)
{
	u64 word;
	u32 i, j;

	for (i = 0; i < count; i++) {
		for (j = 0; j < WORDS; j++) {
			word = word_of(number, sector + i, j);
			memcpy(data + i * SECTOR + j * 8, &word, sizeof(word));
		}
	}
}

u32 number_of(const u8 *data, u64 sector)
{
	u64 word;
	u32 number, i;

	memcpy(&word, data, sizeof(word));
	number = word >> 40;
	for (i = 0; i < WORDS; i++) {
		memcpy(&word, data + i * 8, sizeof(word));
		if (word != word_of(number, sector, i))
			return 0;
	}
	return number;
}

void region_init(struct region *region, u32 worker, u32 workers, u64 sectors)
{
	/* No page has sectors of two. */
	region->sectors = sectors / workers / 128 * 128;
	region->first = (u64)worker * region->sectors;
	region->worker = worker;
	if (region->sectors < LONGEST)
		die("too small for %u workers", workers);
	region->acknowledged = calloc(region->sectors, sizeof(u32));
	region->begun = calloc(region->sectors, sizeof(u32));
	if (!region->acknowledged || !region->begun)
		die("out of memory");
}

static void tell(const struct region *region, u32 sector, const u8 *data, u32 number)
{
	u64 word;

	memcpy(&word, data, sizeof(word));
	fprintf(stderr, "sector %llu (worker %u): found is write %u (%#llx), ",
		(unsigned long long)(region->first + sector), region->worker, number,
		(unsigned long long)word);
	fprintf(stderr, "%u was acknowledged, %u is the last that was begun\n",
		region->acknowledged[sector], region->begun[sector]);
}

int region_verify(const struct region *region, int fd, u32 sector, u32 count, u8 *data)
{
	u64 at = region->first + sector;
	int wrong = 0;
	u32 i, number;

	if (pread(fd, data, count * SECTOR, at * SECTOR) != (ssize_t)count * SECTOR)
		return -1;
	for (i = 0; i < count; i++) {
		if (!region->acknowledged[sector + i])
			continue;
		number = number_of(data + i * SECTOR, at + i);
		if (number >= region->acknowledged[sector + i] &&
		    number <= region->begun[sector + i])
			continue;
		if (!wrong++)
			tell(region, sector + i, data + i * SECTOR, number);
	}
	return wrong;
}

int region_verify_all(const struct region *region, int fd, u8 *data)
{
	u32 sector, count;
	int wrong = 0, now;

	for (sector = 0; sector < region->sectors; sector += count) {
		count = region->sectors - sector < LONGEST ? region->sectors - sector : LONGEST;
		now = region_verify(region, fd, sector, count, data);
		if (now < 0)
			return -1;
		wrong += now;
	}
	return wrong;
}
