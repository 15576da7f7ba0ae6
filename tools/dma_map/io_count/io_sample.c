// SPDX-License-Identifier: GPL-2.0
/*
 * Runs in the guest beside fio, and looks from time to time how many I/Os a disk has done. At each
 * look it executes the mark, for which the plugin has a line with the instructions until then.
 *
 *	io_sample /sys/block/DISK/stat PERIOD-US LOOKS [EVENTS...]
 *	io_sample loop COUNT
 *
 * EVENTS are files per_cpu/cpu<N>/stats of tracefs, whose events are summed up. It prints lines
 * "# sample <I/Os> <sectors> <ns> <events>". The second form executes 2 * COUNT + 1 instructions
 * between two marks, the second one included: what the plugin must count.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mark.h"

#define LOOKS_MAX 1024
#define STAT_SIZE 256
#define STATS_SIZE 512
#define EVENTS_MAX 64

struct look {
	char stat[STAT_SIZE];
	struct timespec time;
	unsigned long events;
};

static struct look looks[LOOKS_MAX];

static int fail(const char *what)
{
	perror(what);
	return 1;
}

/* value_of STATS NAME: of a line "NAME: VALUE". */
static unsigned long value_of(const char *stats, const char *name)
{
	const char *line = strstr(stats, name);

	return line ? strtoul(line + strlen(name), NULL, 10) : 0;
}

static unsigned long events_in(int file)
{
	char stats[STATS_SIZE];
	ssize_t size = pread(file, stats, sizeof(stats) - 1, 0);

	if (size < 0)
		return 0;
	stats[size] = '\0';
	return value_of(stats, "entries: ") + value_of(stats, "\noverrun: ");
}

static int look(struct look *now, int file, const int *events, int count)
{
	ssize_t size;

	now->events = 0;
	for (int index = 0; index < count; index++)
		now->events += events_in(events[index]);
	clock_gettime(CLOCK_MONOTONIC, &now->time);
	size = pread(file, now->stat, sizeof(now->stat) - 1, 0);
	if (size < 0)
		return -1;
	mark();
	now->stat[size] = '\0';
	return 0;
}

static int print(const struct look *look)
{
	unsigned long reads, read_sectors, writes, written_sectors;

	if (sscanf(look->stat, "%lu %*u %lu %*u %lu %*u %lu", &reads, &read_sectors, &writes,
		   &written_sectors) != 4)
		return -1;
	printf("# sample %lu %lu %lld %lu\n", reads + writes, read_sectors + written_sectors,
	       look->time.tv_sec * 1000000000LL + look->time.tv_nsec, look->events);
	return 0;
}

static int watch(const char *stat, long period, int count, int events, char **names)
{
	const struct timespec pause = { period / 1000000, period % 1000000 * 1000 };
	int files[EVENTS_MAX];
	int file = open(stat, O_RDONLY);

	if (file < 0)
		return fail(stat);
	for (int index = 0; index < events; index++) {
		files[index] = open(names[index], O_RDONLY);
		if (files[index] < 0)
			return fail(names[index]);
	}
	for (int index = 0; index < count; index++) {
		nanosleep(&pause, NULL);
		if (look(&looks[index], file, files, events))
			return fail(stat);
	}
	for (int index = 0; index < count; index++) {
		if (print(&looks[index])) {
			fprintf(stderr, "%s is no disk's: %s", stat, looks[index].stat);
			return 1;
		}
	}
	return 0;
}

static int loop(unsigned long count)
{
	mark();
	__asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(count) : : "cc");
	mark();
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "loop") && atol(argv[2]) > 0)
		return loop(strtoul(argv[2], NULL, 10));
	if (argc >= 4 && argc - 4 <= EVENTS_MAX && atol(argv[2]) > 0 && atoi(argv[3]) > 0 &&
	    atoi(argv[3]) <= LOOKS_MAX)
		return watch(argv[1], atol(argv[2]), atoi(argv[3]), argc - 4, argv + 4);
	fprintf(stderr,
		"usage: io_sample STAT PERIOD-US LOOKS [EVENTS...] | io_sample loop COUNT\n");
	return 2;
}
