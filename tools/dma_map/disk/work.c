// SPDX-License-Identifier: GPL-2.0
/*
 * Workers write, each in its region and in its own way, until they are told to stop. A write is
 * acknowledged when the kernel says that it is on the disk. One that fails may be there or not.
 * Then the disk is opened again, as soon as there is one.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk.h"

/* Seconds after which a worker without progress is said to hang. */
#define PATIENCE 120

struct worker {
	pthread_t thread;
	struct region region;
	const char *path;
	unsigned long mib;
	int tell;
	/* Of the watchdog. */
	atomic_uint steps;
	atomic_int ended;
	u32 seen;
	u32 idle;
	u32 begun, acknowledged, errors, opens, reads;
	int lost;
};

static atomic_int stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

/* How a worker's writes get to the disk: FUA or a flush, from its own memory or the page cache. */
static const struct way {
	int flags;
	int sync;
} ways[] = {
	{ O_DIRECT | O_DSYNC, 0 },
	{ O_DIRECT, 1 },
	{ 0, 1 },
	{ O_DSYNC, 0 },
};

/* Waits for a disk; -1 if it is to stop before there is one. */
static int opened(struct worker *worker, int flags)
{
	int fd;

	while (!stopped) {
		fd = open_disk(worker->path, flags, worker->mib);
		if (fd >= 0) {
			worker->opens++;
			return fd;
		}
		usleep(20000);
	}
	return -1;
}

static int written(struct worker *worker, int fd, const struct way *way, u8 *data)
{
	struct region *region = &worker->region;
	struct place place = place_of(region->worker, ++worker->begun, region->sectors);
	u64 sector = region->first + place.sector;
	ssize_t bytes = (ssize_t)place.count * SECTOR;
	u32 i;

	fill_sectors(data, worker->begun, sector, place.count);
	for (i = 0; i < place.count; i++)
		region->begun[place.sector + i] = worker->begun;
	if (pwrite(fd, data, bytes, sector * SECTOR) != bytes || (way->sync && fdatasync(fd)))
		return -1;
	for (i = 0; i < place.count; i++)
		region->acknowledged[place.sector + i] = worker->begun;
	worker->acknowledged++;
	if (worker->tell) {
		char line[48];
		int length = snprintf(line, sizeof(line), "acknowledged %u %u\n", region->worker,
				      worker->begun);

		if (write(STDOUT_FILENO, line, length) != length)
			return -1;
	}
	return 0;
}

/* Now and then, another place of the region. */
static int looked_at(struct worker *worker, int fd, u8 *data)
{
	struct region *region = &worker->region;
	struct place place = place_of(~region->worker, worker->begun, region->sectors);
	int wrong;

	if (worker->begun % 4)
		return 0;
	wrong = region_verify(region, fd, place.sector, place.count, data);
	if (wrong < 0)
		return -1;
	worker->reads++;
	worker->lost += wrong;
	return 0;
}

static void *run(void *argument)
{
	struct worker *worker = argument;
	const struct way *way = &ways[worker->region.worker % 4];
	u8 *data = aligned(LONGEST * SECTOR);
	int fd = -1;

	while (!stopped) {
		if (fd < 0)
			fd = opened(worker, O_RDWR | way->flags);
		if (fd < 0)
			break;
		if (written(worker, fd, way, data) || looked_at(worker, fd, data)) {
			worker->errors++;
			close(fd);
			fd = -1;
		}
		worker->steps++;
	}
	if (fd >= 0)
		close(fd);
	free(data);
	worker->ended = 1;
	return NULL;
}

static int hangs(struct worker *workers, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++) {
		if (workers[i].steps != workers[i].seen)
			workers[i].idle = 0;
		workers[i].seen = workers[i].steps;
		if (++workers[i].idle <= PATIENCE)
			continue;
		printf("dma_disk: worker %u hangs, in or behind write %u\n", i, workers[i].begun);
		return 1;
	}
	return 0;
}

/* What was acknowledged must be there, whatever the page cache has. */
static int verified(struct worker *workers, u32 count, u8 *data)
{
	int fd, tries, wrong = -1;
	u32 i;

	for (tries = 0; tries < 1200; tries++) {
		fd = open_disk(workers->path, O_RDONLY | O_DIRECT, 0);
		if (fd >= 0)
			break;
		usleep(50000);
	}
	if (fd < 0) {
		printf("dma_disk: there is no disk any more\n");
		return 1;
	}
	for (i = 0; i < count; i++) {
		wrong = region_verify_all(&workers[i].region, fd, data);
		if (wrong < 0) {
			printf("dma_disk: what worker %u wrote can't be read: %s\n", i,
			       strerror(errno));
			return 1;
		}
		workers[i].lost += wrong;
	}
	close(fd);
	return 0;
}

static int concluded(struct worker *workers, u32 count, int failed)
{
	u64 begun = 0, acknowledged = 0, errors = 0, opens = 0, reads = 0, lost = 0;
	u32 i;

	for (i = 0; i < count; i++) {
		begun += workers[i].begun;
		acknowledged += workers[i].acknowledged;
		errors += workers[i].errors;
		opens += workers[i].opens;
		reads += workers[i].reads;
		lost += workers[i].lost;
		failed |= !workers[i].acknowledged;
	}
	printf("dma_disk: %llu writes, %llu acknowledged, %llu reads, ", (unsigned long long)begun,
	       (unsigned long long)acknowledged, (unsigned long long)reads);
	printf("%llu errors, %llu opens, lost acknowledged sectors: %llu\n",
	       (unsigned long long)errors, (unsigned long long)opens, (unsigned long long)lost);
	return failed || lost;
}

static int all_ended(const struct worker *workers, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (!workers[i].ended)
			return 0;
	return 1;
}

int work(const char *path, unsigned long mib, u32 count, int tell)
{
	static struct worker workers[WORKERS_MAX];
	struct sigaction action = { .sa_handler = stop };
	u8 *data = aligned(LONGEST * SECTOR);
	int fd = open_disk(path, O_RDWR, mib);
	u64 sectors;
	u32 i;

	if (fd < 0)
		die("%s can't be opened: %s", path, strerror(errno));
	sectors = sectors_of(fd);
	close(fd);
	if (sigaction(SIGTERM, &action, NULL))
		die("%s", strerror(errno));
	for (i = 0; i < count; i++) {
		workers[i].path = path;
		workers[i].mib = mib;
		workers[i].tell = tell;
		region_init(&workers[i].region, i, count, sectors);
		if (pthread_create(&workers[i].thread, NULL, run, &workers[i]))
			die("a thread can't be made");
	}
	while (!stopped) {
		sleep(1);
		if (hangs(workers, count))
			return 1;
	}
	for (i = 0; !all_ended(workers, count); i++) {
		if (i == PATIENCE * 10) {
			printf("dma_disk: a worker does not end\n");
			return 1;
		}
		usleep(100000);
	}
	return concluded(workers, count, verified(workers, count, data));
}

/* Of each worker, how many of its writes were acknowledged. */
int check(const char *path, const char *acknowledged)
{
	u8 *data = aligned(LONGEST * SECTOR);
	int fd = open_disk(path, O_RDONLY, 0);
	u32 counts[WORKERS_MAX], workers = 0, i, j;
	u64 all = 0, sectors;
	int wrong, lost = 0;

	if (fd < 0)
		die("%s can't be opened: %s", path, strerror(errno));
	while (*acknowledged && workers < WORKERS_MAX) {
		char *end;

		counts[workers++] = strtoul(acknowledged, &end, 10);
		acknowledged = *end ? end + 1 : end;
	}
	sectors = sectors_of(fd);
	for (i = 0; i < workers; i++) {
		struct region region;

		region_init(&region, i, workers, sectors);
		for (j = 1; j <= counts[i]; j++) {
			struct place place = place_of(i, j, region.sectors);
			u32 k;

			for (k = 0; k < place.count; k++)
				region.acknowledged[place.sector + k] = j;
		}
		/* Any number of later ones may have been begun. */
		memset(region.begun, 0xff, region.sectors * sizeof(*region.begun));
		wrong = region_verify_all(&region, fd, data);
		if (wrong < 0)
			die("%s can't be read: %s", path, strerror(errno));
		lost += wrong;
		all += counts[i];
	}
	printf("dma_disk: %llu writes were acknowledged, lost acknowledged sectors: %d\n",
	       (unsigned long long)all, lost);
	return lost || !all;
}
