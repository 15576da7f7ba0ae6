// SPDX-License-Identifier: GPL-2.0
/*
 * Sends to /sys/kernel/debug/dma_map_benchmark what it has to refuse, and prints
 * the error of each: upstream's tool checks most of it itself.
 */

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/map_benchmark.h>

#define NSEC_PER_MSEC 1000000L

static const struct map_benchmark valid = {
	.threads = 1,
	.seconds = 1,
	.node = -1,
	.dma_bits = 32,
	.dma_dir = DMA_MAP_BIDIRECTIONAL,
	.granule = 1,
	.map_mode = DMA_MAP_BENCH_SINGLE_MODE,
};

/* The fields have four bytes, or one that unused ones follow. */
#define AT(field) offsetof(struct map_benchmark, field)

static const struct {
	const char *name;
	size_t at;
	unsigned int value;
} refused[] = {
	{ "mode 2", AT(map_mode), 2 },
	{ "mode 255", AT(map_mode), 255 },
	{ "no threads", AT(threads), 0 },
	{ "1025 threads", AT(threads), 1025 },
	{ "-1 threads", AT(threads), -1 },
	{ "no seconds", AT(seconds), 0 },
	{ "301 seconds", AT(seconds), 301 },
	{ "a delay of over 10 ms", AT(dma_trans_ns), 10000001 },
	{ "node -2", AT(node), -2 },
	{ "node 1023", AT(node), 1023 },
	{ "the last node", AT(node), 0x7fffffff },
	{ "no pages", AT(granule), 0 },
	{ "1025 pages", AT(granule), 1025 },
	{ "direction 3", AT(dma_dir), 3 },
	{ "a mask of 8 bits", AT(dma_bits), 8 },
};

static void report(const char *name, int ret)
{
	printf("%s: %s\n", name, ret ? strerror(errno) : "not refused");
}

int main(void)
{
	int fd = open("/sys/kernel/debug/dma_map_benchmark", O_RDWR);
	struct map_benchmark param;

	if (fd < 0) {
		perror("open");
		return 1;
	}

	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		param = valid;
		/* On machines whose low bytes come first. */
		memcpy((char *)&param + refused[i].at, &refused[i].value,
		       sizeof(refused[i].value));
		report(refused[i].name, ioctl(fd, DMA_MAP_BENCHMARK, &param));
	}

	param = valid;
	report("another number", ioctl(fd, DMA_MAP_BENCHMARK + 1, &param));
	report("no memory", ioctl(fd, DMA_MAP_BENCHMARK, NULL));
	report("neither", ioctl(fd, DMA_MAP_BENCHMARK + 1, NULL));
	return 0;
}
