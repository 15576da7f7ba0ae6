// SPDX-License-Identifier: GPL-2.0
/* Commands that must not get to the controller, and those that it refuses. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nvme.h"

static u8 page[65536];

#define DATA(len) .addr = (uintptr_t)page, .data_len = (len)

/* The SMART log, and the lower half of the largest number of words. */
#define LOG_WORDS (0xffffu << 16 | 2)

/* Whether a command is refused as it must be. */
static const struct {
	const char *what;
	int error;
	int is_io;
	struct nvme_passthru_cmd command;
} refused[] = {
	{ "a queue is made", EACCES, 0, { .opcode = 0x05, .cdw10 = 2 << 16 | 7, .cdw11 = 1 } },
	{ "a queue is deleted", EACCES, 0, { .opcode = 0x00, .cdw10 = 1 } },
	{ "memory is given to the controller", EACCES, 0,
	  { .opcode = 0x09, .cdw10 = 0x0d, .cdw11 = 1 } },
	{ "shadow doorbells", EACCES, 0, { .opcode = 0x7c } },
	{ "a command of the vendor's", EACCES, 0, { .opcode = 0xc2, DATA(4096) } },
	{ "Identify with less than a page", EINVAL, 0,
	  { .opcode = IDENTIFY, .cdw10 = 1, DATA(512) } },
	{ "Identify without data", EINVAL, 0, { .opcode = IDENTIFY, .cdw10 = 1 } },
	{ "Identify with more than a page", EINVAL, 0,
	  { .opcode = IDENTIFY, .cdw10 = 1, DATA(8192) } },
	{ "a log with another length", EINVAL, 0,
	  { .opcode = GET_LOG_PAGE, .nsid = ~0u, .cdw10 = 127 << 16 | 2, DATA(508) } },
	{ "a log of 4 GiB", EINVAL, 0,
	  { .opcode = GET_LOG_PAGE, .nsid = ~0u, .cdw10 = LOG_WORDS, .cdw11 = 0x3fff } },
	{ "a log of 16 GiB", EINVAL, 0,
	  { .opcode = GET_LOG_PAGE, .nsid = ~0u, .cdw10 = LOG_WORDS, .cdw11 = 0xffff } },
	{ "a feature with more than two pages", EINVAL, 0,
	  { .opcode = GET_FEATURES, .cdw10 = 7, DATA(8196) } },
	{ "metadata", EINVAL, 0,
	  { .opcode = IDENTIFY, .cdw10 = 1, .metadata_len = 8, DATA(4096) } },
	{ "a metadata address", EINVAL, 0,
	  { .opcode = IDENTIFY, .cdw10 = 1, .metadata = 8, DATA(4096) } },
	{ "flags", EINVAL, 0, { .opcode = IDENTIFY, .cdw10 = 1, .flags = 0x40, DATA(4096) } },
	{ "words 2 and 3", EINVAL, 0, { .opcode = IDENTIFY, .cdw10 = 1, .cdw3 = 1, DATA(4096) } },
	{ "a long timeout", EINVAL, 0,
	  { .opcode = IDENTIFY, .cdw10 = 1, .timeout_ms = 600001, DATA(4096) } },
	{ "memory that cannot be written", EFAULT, 0,
	  { .opcode = IDENTIFY, .cdw10 = 1, .addr = 8, .data_len = 4096 } },
	{ "a read that moves more than the data", EINVAL, 1,
	  { .opcode = READ, .nsid = 1, .cdw12 = 8, DATA(8 * BLOCK) } },
	{ "a read that moves less than the data", EINVAL, 1,
	  { .opcode = READ, .nsid = 1, .cdw12 = 6, DATA(8 * BLOCK) } },
	{ "a read of more than the controller moves", EINVAL, 1,
	  { .opcode = READ, .nsid = 1, .cdw12 = 1024, DATA(1025 * BLOCK) } },
	{ "a read of a namespace that is not there", ENODEV, 1,
	  { .opcode = READ, .nsid = 9, .cdw12 = 0, DATA(BLOCK) } },
	{ "Write Zeroes with data", EINVAL, 1, { .opcode = WRITE_ZEROES, .nsid = 1, DATA(BLOCK) } },
	{ "memory that cannot be read", EFAULT, 1,
	  { .opcode = WRITE, .nsid = 1, .addr = 8, .data_len = BLOCK } },
	{ "an I/O command of another kind", EACCES, 1, { .opcode = 0x0d, .nsid = 1, DATA(16) } },
};

int test_refused(int fd)
{
	struct nvme_passthru_cmd command;
	size_t i;
	int result;

	for (i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		command = refused[i].command;
		result = refused[i].is_io ? io(fd, &command) : admin(fd, &command);
		if (result != -refused[i].error)
			die("%s: %d, not -%s", refused[i].what, result,
			    strerrorname_np(refused[i].error));
	}
	if (ioctl(fd, NVME_IOCTL_SUBSYS_RESET) != -1 || errno != ENOTTY)
		die("an unknown ioctl() is not ENOTTY");
	printf("%zu commands are refused\n", i);
	return 0;
}

/*
 * Features that have data, and no memory for them: the controller writes all the same, which must
 * not be to address 0. An IOMMU reports that.
 */
static void ask_without_data(int fd)
{
	static const u32 features[] = { 0x0e, 0x16 };
	struct nvme_passthru_cmd part = { .opcode = GET_FEATURES, .cdw10 = 0x0e, DATA(8) };
	size_t i;

	for (i = 0; i < sizeof(features) / sizeof(*features); i++) {
		struct nvme_passthru_cmd ask = { .opcode = GET_FEATURES, .cdw10 = features[i] };

		must(admin(fd, &ask), "Get Features without memory");
	}
	memset(page, 0x5a, 16);
	must(admin(fd, &part), "Get Features of the timestamp");
	for (i = 8; i < 16; i++) {
		if (page[i] != 0x5a)
			die("byte %zu behind the memory is %#x", i - 8, page[i]);
	}
}

/* A file that is open for reading: nothing is changed by it, unless by an administrator. */
static void check_read_only(int fd)
{
	struct nvme_passthru_cmd format = { .opcode = FORMAT, .nsid = 1 };

	must(move_blocks(fd, READ, 0, 1, page), "a read");
	if (move_blocks(fd, WRITE, 0, 1, page) != -EACCES ||
	    move_blocks(fd, WRITE_ZEROES, 0, 1, NULL) != -EACCES ||
	    admin(fd, &format) != -EACCES)
		die("a file that is open for reading can write");
	if (ioctl(fd, NVME_IOCTL_RESET) != -1 || errno != EACCES)
		die("a file that is open for reading can reset the controller");
}

int test_read_only(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int status;
	pid_t pid;

	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid == 0) {
		if (setuid(65534) < 0)
			die("setuid: %s", strerror(errno));
		check_read_only(fd);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status != 0)
		die("a file that is open for reading, without privileges");
	close(fd);
	return 0;
}

/* A namespace that another controller has, too: its format could change under a read. */
int test_shared(int fd, unsigned long by_sgls)
{
	int result = move_blocks(fd, READ, 0, 16, page);

	if (by_sgls)
		must(result, "a read by SGLs");
	else if (result != -EOPNOTSUPP)
		die("a read of a shared namespace by PRP entries: %d, not -EOPNOTSUPP", result);
	return 0;
}

int test_failed(int fd)
{
	struct nvme_passthru_cmd feature = { .opcode = GET_FEATURES, .cdw10 = 7 };
	struct nvme_passthru_cmd nowhere = { .opcode = READ, .nsid = ~1u, DATA(BLOCK) };
	struct nvme_passthru_cmd unknown = { .opcode = GET_FEATURES, .cdw10 = 0x7f };
	struct nvme_passthru_cmd64 wide = { .opcode = GET_FEATURES, .cdw10 = 7 };
	u32 size;
	u64 blocks = namespace_blocks(fd, &size);
	int status;

	/* The code of an LBA out of range, without the bits beside it. */
	status = move_blocks(fd, READ, blocks, 1, page);
	if (status < 0 || (status & 0x7ff) != 0x80)
		die("a read behind the end: %#x", status);
	status = move_blocks(fd, WRITE, ~0ull, 1, page);
	if (status < 0 || (status & 0x7ff) != 0x80)
		die("a write behind the end: %#x", status);
	status = io(fd, &nowhere);
	if (status < 0 || (status & 0x7ff) != 0x0b)
		die("a read of a namespace that cannot be: %#x", status);
	status = admin(fd, &unknown);
	if (status < 0 || (status & 0x7ff) != 0x02)
		die("an unknown feature: %#x", status);
	must(move_blocks(fd, READ, blocks - 1, 1, page), "a read of the last block");

	must(admin(fd, &feature), "Get Features");
	if (!feature.result)
		die("Get Features has no result");
	if (ioctl(fd, NVME_IOCTL_ADMIN64_CMD, &wide) || wide.result != feature.result)
		die("the 64-bit ioctl() has another result");
	ask_without_data(fd);
	return 0;
}
