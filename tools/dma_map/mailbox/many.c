// SPDX-License-Identifier: GPL-2.0
/* Several processes at once. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mailbox.h"

static struct answer answer;
static u8 payload[DMA_MAILBOX_LOOPBACK_MAX];

/* Runs PART in a process of its own, COUNT times at once; adds up their mismatches. */
static void fork_all(const char *what, int count, void (*part)(int number, void *data), void *data)
{
	int i, status;

	for (i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork: %s", strerror(errno));
		if (!pid) {
			part(i, data);
			_exit(mismatches ? 1 : 0);
		}
	}
	for (i = 0; i < count; i++) {
		if (wait(&status) < 0)
			die("wait: %s", strerror(errno));
		check(WIFEXITED(status) && !WEXITSTATUS(status),
		      "%s: expected exit status 0, got %#x", what, status);
	}
}

/* A request that its cookie says all about. */
static struct dma_mailbox_request request_of(u64 cookie)
{
	struct dma_mailbox_request request = { .cookie = cookie };

	if (cookie % 3 == 0) {
		request.opcode = DMA_MAILBOX_LOOPBACK;
		request.length = 1 + cookie * 2909 % 9000;
		request.source_offset = cookie * 61 % (DMA_MAILBOX_OFFSET_MAX + 1);
		request.destination_offset = cookie * 97 % (DMA_MAILBOX_OFFSET_MAX + 1);
	} else {
		request.opcode = DMA_MAILBOX_ECHO;
		request.length = 1 + cookie * 1013 % DMA_MAILBOX_ECHO_MAX;
	}
	pattern(payload, request.length, cookie);
	return request;
}

static void opener(int number, void *data)
{
	const struct options *options = data;
	int fd = mailbox_open(options->device, 0);
	unsigned long i, count = options->count ? options->count : 5;

	for (i = 0; i < count; i++) {
		struct dma_mailbox_request request = request_of(number * 1000 + i);

		if (!check_errno("request", 0, mailbox_call(fd, request, payload, &answer)) ||
		    !check_status("response", 0, &answer))
			continue;
		check_number("cookie", request.cookie, answer.head.cookie);
		check_payload("payload", payload, request.length, &answer);
	}
	close(fd);
}

int test_openers(const struct options *options)
{
	fork_all("opener", 4, opener, (void *)options);
	return report("test-openers");
}

/* Readers and writers of one file. */
#define WRITERS 3
#define READERS 3

struct shared {
	int fd;
	unsigned long count;
	/* In memory that all processes see. */
	unsigned char *seen;
};

static void writer(const struct shared *shared, int number)
{
	u64 cookie;

	for (cookie = number; cookie < shared->count; cookie += WRITERS)
		check_errno("write", 0, mailbox_send(shared->fd, request_of(cookie), payload));
}

static void reader(const struct shared *shared, int number)
{
	unsigned long i;

	for (i = number; i < shared->count; i += READERS) {
		struct dma_mailbox_request request;

		if (!check_errno("read", 0, mailbox_receive(shared->fd, &answer)) ||
		    !check_status("response", 0, &answer) ||
		    !check(answer.head.cookie < shared->count,
			   "cookie: expected less than %lu, got %llu", shared->count,
			   (unsigned long long)answer.head.cookie))
			continue;
		request = request_of(answer.head.cookie);
		check_payload("payload", payload, request.length, &answer);
		__atomic_fetch_add(&shared->seen[answer.head.cookie], 1, __ATOMIC_RELAXED);
	}
}

static void reader_or_writer(int number, void *data)
{
	if (number < WRITERS)
		writer(data, number);
	else
		reader(data, number - WRITERS);
}

int test_shared(const struct options *options)
{
	struct shared shared = {
		.fd = mailbox_open(options->device, 0),
		.count = options->count ? options->count : 30,
	};
	unsigned long i;

	shared.seen = mmap(NULL, shared.count, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared.seen == MAP_FAILED)
		die("mmap: %s", strerror(errno));

	fork_all("reader or writer", WRITERS + READERS, reader_or_writer, &shared);
	for (i = 0; i < shared.count; i++)
		check(shared.seen[i] == 1, "responses to request %lu: expected 1, got %u", i,
		      shared.seen[i]);
	close(shared.fd);
	return report("test-shared");
}
