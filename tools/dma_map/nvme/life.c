// SPDX-License-Identifier: GPL-2.0
/* Resets, formats, and unbinding under load. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nvme.h"

static u8 data[1024 * BLOCK];

int test_reset(int fd, unsigned long count)
{
	unsigned long i;

	for (i = 0; i < count; i++) {
		if (ioctl(fd, NVME_IOCTL_RESET))
			die("reset: %s", strerror(errno));
		must(move_blocks(fd, READ, i % 64, 8, data), "a read after a reset");
	}
	return 0;
}

/* A disk that is slow to write: a write that takes too long costs a reset, and no more. */
int test_timeout(int fd)
{
	struct nvme_passthru_cmd write = {
		.opcode = WRITE, .nsid = 1, .timeout_ms = 20,
		.addr = (uintptr_t)data, .data_len = 8 * BLOCK, .cdw12 = 7,
	};
	int result, i;

	for (i = 0; i < 100; i++) {
		result = io(fd, &write);
		if (result)
			break;
	}
	if (result != -ETIMEDOUT)
		die("write %d: %d, not -ETIMEDOUT", i, result);
	must(move_blocks(fd, READ, 0, 64, data), "a read after that");
	must(move_blocks(fd, WRITE, 0, 8, data), "a write with more time");
	printf("write %d took too long\n", i);
	return 0;
}

/* A reset does not wait for a command that takes long, but ends it. */
int test_cancel(int fd)
{
	int i, status, child;

	fflush(stdout);
	child = fork();
	if (child < 0)
		die("fork: %s", strerror(errno));
	if (!child) {
		do {
			status = move_blocks(fd, WRITE, 0, 8, data);
		} while (!status);
		if (status != -ECANCELED)
			die("a write beside a reset: %d, not -ECANCELED", status);
		_exit(0);
	}
	for (i = 0; i < 100; i++) {
		usleep(300000);
		if (ioctl(fd, NVME_IOCTL_RESET))
			die("reset %d: %s", i, strerror(errno));
		if (waitpid(child, &status, WNOHANG) == child)
			break;
	}
	if (i == 100 || status)
		die("the writer after %d resets: status %#x", i, status);
	must(move_blocks(fd, READ, 0, 8, data), "a read after that");
	printf("reset %d has ended a write\n", i);
	return 0;
}

/* Formats the namespace with blocks of this size. */
static void format_as(int fd, u32 size)
{
	u8 answer[4096];
	struct nvme_passthru_cmd ask = {
		.opcode = IDENTIFY, .nsid = 1,
		.addr = (uintptr_t)answer, .data_len = sizeof(answer),
	};
	struct nvme_passthru_cmd format = { .opcode = FORMAT, .nsid = 1, .timeout_ms = 60000 };
	u32 found;
	int i;

	must(admin(fd, &ask), "Identify Namespace");
	for (i = 0; i <= answer[25]; i++) {
		u8 *lba_format = answer + 128 + 4 * i;

		if (!lba_format[0] && !lba_format[1] && 1u << lba_format[2] == size)
			break;
	}
	if (i > answer[25])
		die("there is no format with blocks of %u bytes", size);
	format.cdw10 = (u32)i;
	must(admin(fd, &format), "Format NVM");
	namespace_blocks(fd, &found);
	if (found != size)
		die("after the format, a block has %u bytes, not %u", found, size);
}

int test_format(int fd)
{
	struct nvme_passthru_cmd read = {
		.opcode = READ, .nsid = 1, .addr = (uintptr_t)data, .data_len = 4096,
	};
	int result;

	format_as(fd, 4096);
	must(io(fd, &read), "a read of a block of 4096 bytes");
	/* What was right before moves more than the data now. */
	read.data_len = BLOCK;
	result = io(fd, &read);
	if (result != -EINVAL)
		die("a read of the old size: %d", result);
	format_as(fd, BLOCK);
	must(io(fd, &read), "a read of a block of 512 bytes");
	return 0;
}

static int say(const char *driver, const char *file, const char *address)
{
	char path[256];
	int fd, result;

	snprintf(path, sizeof(path), "%s/%s", driver, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	result = write(fd, address, strlen(address)) < 0 ? -errno : 0;
	close(fd);
	return result;
}

/* Reads until the device is gone. */
static int read_on(int fd)
{
	unsigned long reads = 0;
	int result;

	do {
		result = move_blocks(fd, READ, reads % 64, 1 + reads % 1024, data);
		reads++;
	} while (!result);
	if (result != -ENODEV)
		die("the read after %lu others: %d", reads - 1, result);
	return 0;
}

int test_unbind(const char *path, const char *driver, const char *address, unsigned long count)
{
	unsigned long i;
	int fd, status, child;

	for (i = 0; i < count; i++) {
		for (status = 0; (fd = open(path, O_RDWR | O_CLOEXEC)) < 0; status++) {
			if (status == 1000)
				die("%s: %s", path, strerror(errno));
			usleep(1000);
		}
		fflush(stdout);
		child = fork();
		if (child < 0)
			die("fork: %s", strerror(errno));
		if (!child)
			_exit(read_on(fd));
		/* At another moment each time. */
		usleep(500 * (i % 16));
		must(say(driver, "unbind", address), "unbind");
		if (waitpid(child, &status, 0) != child || status)
			die("the reader of round %lu: status %#x", i, status);
		status = move_blocks(fd, READ, 0, 1, data);
		if (status != -ENODEV)
			die("a read after the unbind: %d", status);
		close(fd);
		must(say(driver, "bind", address), "bind");
	}
	printf("unbound and bound %lu times\n", count);
	return 0;
}
