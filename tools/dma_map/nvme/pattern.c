// SPDX-License-Identifier: GPL-2.0
/*
 * A namespace full of words that say where they are: each block has 64 words of
 * 64 bits, seed << 48 | block << 8 | number of the word in the block.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nvme.h"

#define WORDS (BLOCK / 8)

/* Around the sizes of one and two pages, of what a list holds, and of the largest command. */
static const u32 sizes[] = { 1, 7, 8, 9, 2, 15, 16, 17, 63, 64, 65, 128, 3, 255, 256, 257, 1024 };

/* Where in a page the data is: the driver copies it. */
static const unsigned int offsets[] = { 0, 8, 512, 4088 };

#define SIZE_MAX_BLOCKS 1024

static u8 *buffer(void)
{
	u8 *found;

	if (posix_memalign((void **)&found, 4096, SIZE_MAX_BLOCKS * BLOCK + 4096))
		die("out of memory");
	return found;
}

static void fill(u8 *data, u64 seed, u64 block, u32 count)
{
	u64 word;
	u32 i, j;

	for (i = 0; i < count; i++) {
		for (j = 0; j < WORDS; j++) {
			word = seed << 48 | (block + i) << 8 | j;
			memcpy(data + i * BLOCK + j * 8, &word, sizeof(word));
		}
	}
}

static void flush(int fd)
{
	struct nvme_passthru_cmd command = { .opcode = FLUSH, .nsid = 1 };

	must(io(fd, &command), "Flush");
}

typedef void (*step_t)(int fd, u64 seed, u64 block, u32 count, u8 *data);

/* Calls `step` with ranges of all sizes, until the namespace is done. Returns their number. */
static unsigned int each_range(int fd, u64 seed, step_t step)
{
	u32 size, count;
	u64 block, blocks = namespace_blocks(fd, &size);
	unsigned int i = 0;
	u8 *data = buffer();

	if (size != BLOCK)
		die("the blocks have %u bytes", size);
	for (block = 0; block < blocks; block += count, i++) {
		count = sizes[i % (sizeof(sizes) / sizeof(*sizes))];
		if (count > blocks - block)
			count = (u32)(blocks - block);
		step(fd, seed, block, count, data + offsets[i % 4]);
	}
	free(data);
	return i;
}

static void write_range(int fd, u64 seed, u64 block, u32 count, u8 *data)
{
	fill(data, seed, block, count);
	must(move_blocks(fd, WRITE, block, count, data), "Write");
}

static void read_range(int fd, u64 seed, u64 block, u32 count, u8 *data)
{
	static u8 expected[SIZE_MAX_BLOCKS * BLOCK];
	u32 i;

	memset(data, 0x5a, count * BLOCK);
	must(move_blocks(fd, READ, block, count, data), "Read");
	fill(expected, seed, block, count);
	for (i = 0; i < count * BLOCK; i++) {
		if (data[i] != expected[i])
			die("byte %u of the %u blocks from %llu on is %#x, not %#x", i, count,
			    (unsigned long long)block, data[i], expected[i]);
	}
}

int pattern_write(int fd, u64 seed)
{
	unsigned int commands = each_range(fd, seed, write_range);

	flush(fd);
	printf("%u writes\n", commands);
	return 0;
}

int pattern_verify(int fd, u64 seed)
{
	printf("%u reads, every byte is right\n", each_range(fd, seed, read_range));
	return 0;
}

/* Blocks that are zeroed without data, between others. */
int pattern_zeroes(int fd, u64 seed)
{
	u8 *data = buffer();
	u8 *zero = data + BLOCK;
	int i;

	must(move_blocks(fd, WRITE_ZEROES, 11, 1, NULL), "Write Zeroes");
	must(move_blocks(fd, READ, 10, 3, data), "Read");
	for (i = 0; i < BLOCK; i++) {
		if (zero[i])
			die("a byte of a zeroed block is %#x", zero[i]);
	}
	free(data);
	data = buffer();
	write_range(fd, seed, 11, 1, data);
	read_range(fd, seed, 10, 3, data);
	free(data);
	return 0;
}
