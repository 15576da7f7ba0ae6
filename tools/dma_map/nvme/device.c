// SPDX-License-Identifier: GPL-2.0
/* The calls that the device node knows. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "nvme.h"

void die(const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	fprintf(stderr, "dma_nvme: ");
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\n");
	exit(1);
}

int open_device(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	return fd;
}

int admin(int fd, struct nvme_passthru_cmd *command)
{
	int status = ioctl(fd, NVME_IOCTL_ADMIN_CMD, command);

	return status < 0 ? -errno : status;
}

int io(int fd, struct nvme_passthru_cmd *command)
{
	int status = ioctl(fd, NVME_IOCTL_IO_CMD, command);

	return status < 0 ? -errno : status;
}

void must(int result, const char *what)
{
	if (result < 0)
		die("%s: %s", what, strerror(-result));
	if (result)
		die("%s: status %#x", what, result);
}

int move_blocks(int fd, u8 opcode, u64 block, u32 count, void *data)
{
	struct nvme_passthru_cmd command = {
		.opcode = opcode,
		.nsid = 1,
		.addr = (uintptr_t)data,
		.data_len = data ? count * BLOCK : 0,
		.cdw10 = (u32)block,
		.cdw11 = (u32)(block >> 32),
		.cdw12 = count - 1,
	};

	return io(fd, &command);
}

u64 namespace_blocks(int fd, u32 *size)
{
	u8 answer[4096];
	struct nvme_passthru_cmd command = {
		.opcode = IDENTIFY,
		.nsid = 1,
		.addr = (uintptr_t)answer,
		.data_len = sizeof(answer),
	};
	u64 blocks;

	must(admin(fd, &command), "Identify Namespace");
	memcpy(&blocks, answer, sizeof(blocks));
	*size = 1u << answer[128 + 4 * (answer[26] & 0xf) + 2];
	return blocks;
}
