// SPDX-License-Identifier: GPL-2.0
/* Reads whose submitter polls for them: an io_uring with IORING_SETUP_IOPOLL. */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "disk.h"

#define BYTES 4096
#define DEPTH_MAX 128

static atomic_int enough;

static void stop(int number)
{
	(void)number;
	enough = 1;
}

struct ring {
	int fd;
	int disk;
	u32 depth;
	u64 sectors;
	u8 *data;
	struct io_uring_params params;
	u8 *rings;
	struct io_uring_sqe *entries;
	u32 under_way;
	u64 submitted;
	u64 completed;
	int error; /* the first one */
};

static u32 *at(struct ring *ring, u32 offset)
{
	return (u32 *)(ring->rings + offset);
}

static void *map(int fd, size_t bytes, off_t offset)
{
	void *found = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
			   offset);

	if (found == MAP_FAILED)
		die("mmap of an io_uring: %s", strerror(errno));
	return found;
}

static void ring_open(struct ring *ring, const char *path, u32 depth)
{
	struct io_uring_params *params = &ring->params;
	size_t submissions, completions;

	memset(ring, 0, sizeof(*ring));
	params->flags = IORING_SETUP_IOPOLL;
	ring->depth = depth;
	ring->disk = open_disk(path, O_RDONLY | O_DIRECT, 0);
	if (ring->disk < 0)
		die("%s: %s", path, strerror(errno));
	ring->sectors = sectors_of(ring->disk);
	ring->data = aligned((size_t)depth * BYTES);
	ring->fd = (int)syscall(SYS_io_uring_setup, DEPTH_MAX, params);
	if (ring->fd < 0)
		die("io_uring_setup: %s", strerror(errno));
	submissions = params->sq_off.array + params->sq_entries * sizeof(u32);
	completions = params->cq_off.cqes + params->cq_entries * sizeof(struct io_uring_cqe);
	ring->rings = map(ring->fd, submissions > completions ? submissions : completions,
			  IORING_OFF_SQ_RING);
	ring->entries = map(ring->fd, params->sq_entries * sizeof(*ring->entries), IORING_OFF_SQES);
}

/* Submits reads until `depth` are under way. */
static void submit(struct ring *ring)
{
	u32 *tail = at(ring, ring->params.sq_off.tail);
	u32 mask = *at(ring, ring->params.sq_off.ring_mask);
	u32 *array = at(ring, ring->params.sq_off.array);
	u32 count = ring->depth - ring->under_way, i, slot;
	long taken;

	for (i = 0; i < count; i++) {
		slot = (*tail + i) & mask;
		array[slot] = slot;
		ring->entries[slot] = (struct io_uring_sqe) {
			.opcode = IORING_OP_READ,
			.fd = ring->disk,
			.addr = (uintptr_t)(ring->data + (size_t)i * BYTES),
			.len = BYTES,
			.off = (ring->submitted + i) * 7919 % (ring->sectors / 8) * BYTES,
		};
	}
	__atomic_store_n(tail, *tail + count, __ATOMIC_RELEASE);
	for (i = 0; i < count; i += (u32)taken) {
		taken = syscall(SYS_io_uring_enter, ring->fd, count - i, 0, 0, NULL, 0);
		if (taken <= 0)
			die("io_uring_enter: %s", taken ? strerror(errno) : "nothing is taken");
	}
	ring->under_way += count;
	ring->submitted += count;
}

/* Polls for completions, at least one. */
static void reap(struct ring *ring)
{
	u32 *head = at(ring, ring->params.cq_off.head);
	u32 *tail = at(ring, ring->params.cq_off.tail);
	u32 mask = *at(ring, ring->params.cq_off.ring_mask);
	struct io_uring_cqe *entries = (void *)(ring->rings + ring->params.cq_off.cqes);
	int result;

	if (syscall(SYS_io_uring_enter, ring->fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0 &&
	    errno != EINTR && errno != EAGAIN)
		die("io_uring_enter: %s", strerror(errno));
	while (*head != __atomic_load_n(tail, __ATOMIC_ACQUIRE)) {
		result = entries[*head & mask].res;
		if (result != BYTES && !ring->error)
			ring->error = result < 0 ? -result : EIO;
		__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
		ring->under_way--;
		ring->completed++;
	}
}

/* Reads until SIGTERM comes, or until one fails. Each read that was begun has an end. */
int poll_on(const char *path, u32 depth)
{
	struct ring ring;

	if (!depth || depth > DEPTH_MAX)
		die("a depth from 1 to %d", DEPTH_MAX);
	signal(SIGTERM, stop);
	ring_open(&ring, path, depth);
	while (!enough && !ring.error) {
		submit(&ring);
		reap(&ring);
	}
	while (ring.under_way)
		reap(&ring);
	printf("%llu reads by polling, %s\n", (unsigned long long)ring.completed,
	       ring.error ? strerror(ring.error) : "no error");
	return ring.error ? 3 : 0;
}

/* Begins to read, and polls for no end before SIGTERM comes. */
int poll_late(const char *path, u32 depth)
{
	struct ring ring;

	if (!depth || depth > DEPTH_MAX)
		die("a depth from 1 to %d", DEPTH_MAX);
	signal(SIGTERM, stop);
	ring_open(&ring, path, depth);
	submit(&ring);
	while (!enough)
		usleep(10000);
	while (ring.under_way)
		reap(&ring);
	printf("%llu reads that nobody polled for, %s\n", (unsigned long long)ring.completed,
	       ring.error ? strerror(ring.error) : "no error");
	return ring.error ? 3 : 0;
}
